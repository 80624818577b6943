/* A first look at a session: one walk under a few groups of tags, as if every record had that of the group which suits it best. What it finds
 * for an outcome no tag comes to; where one tag alone takes success far beyond that, no whole look would say otherwise. */
#include "reading.h"

/* By how much: surer than what other sessions are told (analyzer/inside.c). */
#define SURELY 6.5

/* The most that an outcome can come to, under which group of tags, and where it then stands. */
struct bound {
	double score;
	int group, state;
};

static void find_bounds(const struct sight *sight, const struct walk *w, struct bound bounds[INSIDE_OUTCOMES])
{
	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		bounds[i] = (struct bound){ NEVER, 0, 0 };
	for (int n = 0; n < w->alive_count[sight->steps]; n++) {
		int state = w->alive[sight->steps][n];
		struct bound *bound = &bounds[outcome_of(state, sight->c->ended)];
		float end = fit_end(sight, &w->supposed[0], PHASE_IN(state));
		for (int group = 0; group < GROUPS; group++) {
			double score = sight->model->group_prior[group] + walk_score(w, sight->steps, state, group) + end;
			if (score > bound->score)
				*bound = (struct bound){ score, group, state };
		}
	}
}

static int best_but_success(const struct bound bounds[INSIDE_OUTCOMES])
{
	int best = WORD_inside_none;

	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		if (i != WORD_inside_success && bounds[i].score > bounds[best].score)
			best = i;
	return best;
}

static void add_step(const struct sight *sight, const struct walk *w, int group, int step, const struct walked *walked, float sum[LANES])
{
	float fits[LANES] = { 0 }, follows = walk_follows(sight, w, group, step, walked);

	if (walked->meaning < MEANINGS)
		fit_tags(sight, step, (enum meaning)walked->meaning, fits);
	for (int i = 0; i < LANES; i++)
		sum[i] += fits[i] + follows;
}

/* What a way comes to under each tag: that tag is told, and its score returned. */
static double weigh_tags(const struct sight *sight, const struct walk *w, int group, const struct walked way[INSIDE_STEPS], int *tag)
{
	float sum[LANES] = { 0 };
	double most = NEVER;

	for (int i = 0; i < sight->steps; i++)
		add_step(sight, w, group, i, &way[i], sum);
	for (int i = 0; i < TAGS_MOST; i++) {
		double score = sight->model->tag_prior[i + 1] + sum[i];
		*tag = score > most ? i + 1 : *tag;
		most = score > most ? score : most;
	}
	return most + walk_score(w, 0, way[0].before, group) + fit_end(sight, &w->supposed[0], PHASE_IN(way[sight->steps - 1].after));
}

bool infer_glance(const struct inside_model *model, const struct inside_case *c, struct inside *into)
{
	struct sight sight;
	struct walk walk;
	struct walked way[INSIDE_STEPS];
	struct bound bounds[INSIDE_OUTCOMES];
	int tag = 0;

	if (!model->loaded || !sight_of(model, c, &sight))
		return false;
	walk.way = WALK_GROUPS;
	walk_all(&sight, &walk);
	find_bounds(&sight, &walk, bounds);
	const struct bound *success = &bounds[WORD_inside_success], *second = &bounds[best_but_success(bounds)];
	if (success->score < second->score + SURELY)
		return false;
	walk_back(&sight, &walk, success->group, success->state, way);
	double score = weigh_tags(&sight, &walk, success->group, way, &tag);
	if (score < second->score + SURELY || waited_long(&sight, way))
		return false;
	walk.supposed[success->group].tag = tag;
	inside_begin(&sight, into);
	read_dialogue(&sight, &walk, success->group, way, &into->best);
	into->best.what = WORD_inside_success;
	into->best.score = score;
	into->has_second = true;
	into->second.what = (enum word_inside)(second - bounds);
	into->second.score = second->score;
	into->apart = score - second->score;
	read_inside(model, into);
	return true;
}
