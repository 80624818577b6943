/* The walk: after each step the best score of each state, and what led there. */
#include "walk.h"

/* A session that was not seen greeted, and one whose middle was not kept before its login was told. */
#define UNGREETED -4.0f
#define MIDDLE_BEFORE_LOGIN -8.0f

/* What is so far behind the best is not followed any more. */
#define FAR_BEHIND 18.0f

_Static_assert(STATES <= UINT8_MAX, "a state is a byte");

_Static_assert(LANES % FOUR == 0, "lanes are walked by fours");

/* The states that a step leads to. */
struct reached {
	float (*score)[LANES];
	int lanes;
	int count;
	uint8_t list[STATES];
	bool is[STATES];
};

static float *reach(struct reached *r, int state)
{
	if (!r->is[state]) {
		r->is[state] = true;
		r->list[r->count++] = (uint8_t)state;
		for (int i = 0; i < LANES; i++)
			r->score[state][i] = NEVER;
	}
	return r->score[state];
}

/* Loops of four are what compilers make one instruction of. */
static void lead(int lanes, const float *restrict from, float by, float *restrict to)
{
	for (int l = 0; l < lanes; l += FOUR)
		for (int i = l; i < l + FOUR; i++) {
			float score = from[i] + by;
			to[i] = score > to[i] ? score : to[i];
		}
}

static void lead_by(int lanes, const float *restrict from, const float *restrict fits, const float *restrict follows, float again,
		    float *restrict to)
{
	for (int l = 0; l < lanes; l += FOUR)
		for (int i = l; i < l + FOUR; i++) {
			float score = from[i] + fits[i] + follows[i] + again;
			to[i] = score > to[i] ? score : to[i];
		}
}

static bool is_within(int state)
{
	return phase_kinds[PHASE_IN(state)].group == GROUP_WITHIN;
}

/* Many records that were not kept. */
static int after_middle(int state)
{
	return is_within(state) ? STATE(PHASE_at_work, MOOD_IN(state)) : state;
}

static float through_middle(int state)
{
	return is_within(state) ? 0 : MIDDLE_BEFORE_LOGIN;
}

static const float *fits_as(const struct sight *sight, struct walk *w, int step, enum meaning meaning)
{
	float *fits = w->fits[step][meaning];

	if (w->fitted[step] >> meaning & 1)
		return fits;
	w->fitted[step] |= 1u << meaning;
	switch (w->way) {
	case WALK_GROUPS: fit_groups(sight, step, meaning, fits); break;
	case WALK_TAGS: fit_tags(sight, step, meaning, fits); break;
	case WALK_SUPPOSED: fit_lanes(sight, w->supposed, w->count, step, meaning, fits); break;
	}
	return fits;
}

/* By each way that leads on from a state. */
static void walk_on(const struct sight *sight, struct walk *w, int step, int state, struct reached *r)
{
	const struct inside_model *m = sight->model;
	enum direction from = sight->step[step].from;
	bool moody = MOOD_IN(state) != MOOD_NONE;

	for (int i = m->first_way[from][state]; i < m->first_way[from][state + 1]; i++) {
		const struct inside_way *way = &m->ways[from][i];
		float again = moody ? fit_again(sight, step, (enum meaning)way->meaning) : 0;
		lead_by(r->lanes, w->score[step][state], fits_as(sight, w, step, (enum meaning)way->meaning), w->follows[way->step], again,
			reach(r, way->to));
	}
}

static bool is_alive(int lanes, const float *score, const float *floor)
{
	for (int i = 0; i < lanes; i++)
		if (score[i] >= floor[i] && score[i] > NEVER)
			return true;
	return false;
}

/* Those too far behind are dropped under each supposition for itself. */
static void drop_hopeless(struct walk *w, int step, const struct reached *r)
{
	float floor[LANES];
	int count = 0;

	for (int i = 0; i < LANES; i++)
		floor[i] = NEVER;
	for (int n = 0; n < r->count; n++)
		lead(r->lanes, r->score[r->list[n]], 0, floor);
	for (int i = 0; i < LANES; i++)
		floor[i] -= FAR_BEHIND;
	for (int n = 0; n < r->count; n++) {
		float *score = r->score[r->list[n]];
		if (!is_alive(r->lanes, score, floor))
			continue;
		w->alive[step][count++] = r->list[n];
		for (int i = 0; i < LANES; i++)
			score[i] = score[i] >= floor[i] ? score[i] : NEVER;
	}
	w->alive_count[step] = (uint8_t)count;
}

static void walk_step(const struct sight *sight, struct walk *w, int step)
{
	struct reached r = { .score = w->score[step + 1], .lanes = (w->count + FOUR - 1) / FOUR * FOUR };

	w->fitted[step] = 0;
	for (int n = 0; n < w->alive_count[step]; n++) {
		int state = w->alive[step][n];
		const float *score = w->score[step][state];
		if (sight->step[step].middle) {
			lead(r.lanes, score, through_middle(state), reach(&r, after_middle(state)));
			continue;
		}
		lead(r.lanes, score, sight->odd_log[step], reach(&r, state));
		walk_on(sight, w, step, state, &r);
	}
	drop_hopeless(w, step + 1, &r);
}

static void start(struct walk *w, enum phase phase, float score)
{
	int state = STATE(phase, MOOD_NONE);

	for (int i = 0; i < LANES; i++)
		w->score[0][state][i] = i < w->count ? score : NEVER;
	w->alive[0][w->alive_count[0]++] = (uint8_t)state;
}

static void suppose_tags(struct walk *w)
{
	w->count = w->way == WALK_TAGS ? TAGS_MOST : GROUPS;
	for (int i = 0; i < w->count; i++)
		w->supposed[i] = (struct supposed){ i + 1, NULL, NULL };
}

static void take_habits(const struct sight *sight, struct walk *w)
{
	bool own = false;

	for (int i = 0; i < w->count; i++)
		own = own || (w->supposed[i].client && w->supposed[i].client->own_habits);
	w->follows = own ? w->own_follows : sight->model->follows;
	for (int d = 0; own && d < dialogue_step_count; d++)
		for (int i = 0; i < w->count; i++)
			w->own_follows[d][i] = fit_follows(sight, &w->supposed[i], d);
}

void walk_all(const struct sight *sight, struct walk *w)
{
	if (w->way != WALK_SUPPOSED)
		suppose_tags(w);
	take_habits(sight, w);
	w->alive_count[0] = 0;
	start(w, PHASE_greeted, sight->c->starttls ? 0 : UNGREETED);
	if (!sight->c->starttls)
		start(w, PHASE_start, 0);
	for (int i = 0; i < sight->steps; i++)
		walk_step(sight, w, i);
}

/* --- back --- */

/* Takes the way from a state if it is the best one yet. */
static void take_best(const struct sight *sight, const struct walk *w, int lane, int step, int before, int state, float *best, struct walked *into)
{
	const struct inside_model *m = sight->model;
	enum direction from = sight->step[step].from;
	float score = w->score[step][before][lane], odd = score + sight->odd_log[step];

	if (before == state && odd > *best) {
		*best = odd;
		*into = (struct walked){ before, MEANINGS, -1 };
	}
	for (int i = m->first_way[from][before]; i < m->first_way[from][before + 1]; i++) {
		const struct inside_way *way = &m->ways[from][i];
		if (way->to != state)
			continue;
		float by = score + w->fits[step][way->meaning][lane] + w->follows[way->step][lane];
		by += MOOD_IN(before) == MOOD_NONE ? 0 : fit_again(sight, step, (enum meaning)way->meaning);
		if (by <= *best)
			continue;
		*best = by;
		*into = (struct walked){ before, way->meaning, way->step };
	}
}

struct walked walk_back(const struct sight *sight, const struct walk *w, int lane, int step, int state)
{
	struct walked found = { state, MEANINGS, -1 };
	float best = NEVER;

	for (int n = 0; n < w->alive_count[step]; n++) {
		int before = w->alive[step][n];
		float score = w->score[step][before][lane] + through_middle(before);
		if (!sight->step[step].middle) {
			if (before == state || sight->model->leads[PHASE_IN(before)] >> PHASE_IN(state) & 1)
				take_best(sight, w, lane, step, before, state, &best, &found);
		} else if (after_middle(before) == state && score > best) {
			best = score;
			found = (struct walked){ before, MEANINGS, -1 };
		}
	}
	return found;
}
