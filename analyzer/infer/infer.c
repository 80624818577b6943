/* Which suppositions are tried: tags, clients and servers; the best dialogue of each outcome is the champion of its contest. */
#include "reading.h"

#include <math.h>

/* Outcomes that lead to the same verdict, or nearly so: what tells them apart is no doubt about the rest. */
static enum word_inside kind_of(enum word_inside what)
{
	switch (what) {
	case WORD_inside_connection_limit:
	case WORD_inside_temporary: return WORD_inside_login_refused;
	case WORD_inside_no_login: return WORD_inside_success;
	default: return what;
	}
}

/* --- the contest --- */

/* The best way to an outcome, and under which supposition. */
struct champion {
	double score, all; /* all: of all ways to it, in parts of the best one's likelihood */
	int state;
	struct supposed supposed;
};

/* The client that fits a tag best while no server is supposed, of two that lead elsewhere. */
struct trial {
	struct supposed supposed;
	double score;
};

struct contest {
	const struct sight *sight;
	struct champion best[INSIDE_OUTCOMES];
	struct trial of_tag[TAGS_MOST + 1][2]; /* the best that ends well, the best that does not */
	struct walk walk;
	uint8_t outcome[STATES]; /* where the states that are left at its end come to */
	float end[STATES];       /* and how likely the end is there by the usual habits */
};

static double prior_of(const struct inside_model *m, const struct supposed *s)
{
	const struct inside_client *client = s->client;
	double of_client = client ? client->share / (client->tag_most - client->tag_least + 1) : m->other_clients * m->tag[s->tag];

	if (!client && !s->server)
		return m->tag_prior[s->tag];
	return log(of_client * (s->server ? s->server->share : m->other_servers) + 1e-12);
}

/* What is so much less likely than the best adds nothing. */
#define NOTHING_MORE 7.0

/* Many ways that are a little less likely than the best of another outcome make theirs likelier than that. */
static void stand(struct champion *champion, double score, int state, const struct supposed *s)
{
	double over = score - champion->score;

	if (over > 0)
		*champion = (struct champion){ score, champion->all * exp(-over) + 1, state, *s };
	else if (over > -NOTHING_MORE)
		champion->all += exp(over);
}

static void walk(struct contest *c)
{
	const struct sight *sight = c->sight;
	const struct walk *w = &c->walk;
	struct supposed usual = { 1, NULL, NULL };

	walk_all(sight, &c->walk);
	for (int n = 0; n < w->alive_count[sight->steps]; n++) {
		int state = w->alive[sight->steps][n];
		c->outcome[state] = (uint8_t)outcome_of(state, sight->c->ended);
		c->end[state] = fit_end(sight, &usual, PHASE_IN(state));
	}
}

/* What a walk came to, `s`: a supposition under which its lane would have gone the same way. */
static void compete(struct contest *c, int lane, const struct supposed *s)
{
	const struct sight *sight = c->sight;
	const struct walk *w = &c->walk;
	double prior = prior_of(sight->model, s);
	bool usual = !s->client || !s->client->own_habits;

	for (int n = 0; n < w->alive_count[sight->steps]; n++) {
		int state = w->alive[sight->steps][n];
		float last = walk_score(w, sight->steps, state, lane);
		if (last <= NEVER)
			continue;
		double score = prior + last + (usual ? c->end[state] : fit_end(sight, s, PHASE_IN(state)));
		enum word_inside outcome = (enum word_inside)c->outcome[state];
		stand(&c->best[outcome], score, state, s);
		struct trial *trial = &c->of_tag[s->tag][kind_of(outcome) != WORD_inside_success];
		if (!s->server && score > trial->score)
			*trial = (struct trial){ *s, score };
	}
}

static void try_tags(struct contest *c)
{
	c->walk.way = WALK_TAGS;
	walk(c);
	c->walk.way = WALK_SUPPOSED;
	for (int i = 0; i < c->walk.count; i++)
		compete(c, i, &c->walk.supposed[i]);
}

static void try_supposed(struct contest *c)
{
	if (c->walk.count)
		walk(c);
	for (int i = 0; i < c->walk.count; i++)
		compete(c, i, &c->walk.supposed[i]);
	c->walk.count = 0;
}

static void suppose(struct contest *c, struct supposed s)
{
	c->walk.supposed[c->walk.count++] = s;
	if (c->walk.count == LANES)
		try_supposed(c);
}

/* The logarithm of all that the kind of an outcome came to, the best of its kind. */
static double all_of(const struct contest *c, int what)
{
	double sum = 0;

	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		if (kind_of((enum word_inside)i) == kind_of((enum word_inside)what))
			sum += c->best[i].all * exp(c->best[i].score - c->best[what].score);
	return log(sum) + c->best[what].score;
}

/* The best of all outcomes, or of all of another kind than that; -1: none. */
static int best_but(const struct contest *c, int of)
{
	int best = -1;

	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		if (c->best[i].score > NEVER && (of < 0 || kind_of((enum word_inside)i) != kind_of((enum word_inside)of)) &&
		    (best < 0 || c->best[i].score > c->best[best].score))
			best = i;
	return best;
}

/* A limit or a temporary failure that hardly fits better than a refusal of any kind is told as that. */
static int told_as(const struct inside_model *m, const struct contest *c, int best)
{
	bool special = best == WORD_inside_connection_limit || best == WORD_inside_temporary;

	return special && c->best[best].score - c->best[WORD_inside_login_refused].score < m->specific ? WORD_inside_login_refused : best;
}

/* The walk that led to the champion still stands, or is walked again. */
static int lane_of(struct contest *c, const struct champion *champion)
{
	const struct supposed *s = &champion->supposed;

	for (int i = 0; i < c->walk.count; i++)
		if (c->walk.supposed[i].tag == s->tag && c->walk.supposed[i].client == s->client && c->walk.supposed[i].server == s->server)
			return i;
	c->walk.count = 1;
	c->walk.supposed[0] = *s;
	walk_all(c->sight, &c->walk);
	return 0;
}

static void read_champion(struct contest *c, int what, struct inside_dialogue *into)
{
	const struct champion *champion = &c->best[what];
	struct walked way[INSIDE_STEPS];
	int lane = lane_of(c, champion);

	walk_back(c->sight, &c->walk, lane, champion->state, way);
	read_dialogue(c->sight, &c->walk, lane, way, into);
	into->what = (enum word_inside)what;
	into->score = champion->score;
}

static bool clearly_worked(struct contest *c)
{
	int best = best_but(c, -1), second = best_but(c, best);
	struct walked way[INSIDE_STEPS];

	if (best < 0 || kind_of((enum word_inside)best) != WORD_inside_success ||
	    (second >= 0 && c->best[best].score - c->best[second].score < CLEARLY))
		return false;
	walk_back(c->sight, &c->walk, lane_of(c, &c->best[best]), c->best[best].state, way);
	return !waited_long(c->sight, way);
}

/* Suppositions so far behind the best are not made any more definite. */
#define NOT_TRIED 9.0

/* Clients whose habits are the usual ones go the way of those that are not known: the walk by tag stands yet. */
static void try_usual_clients(struct contest *c, const bool tags[TAGS_MOST + 1])
{
	const struct inside_model *m = c->sight->model;

	for (const struct inside_client *client = m->clients; client < m->clients + m->client_count; client++)
		for (int tag = client->tag_least; tag <= client->tag_most && !client->own_habits; tag++)
			if (tags[tag])
				compete(c, tag - 1, &(struct supposed){ tag, NULL, client });
	c->walk.count = 0;
}

static void try_other_clients(struct contest *c, const bool tags[TAGS_MOST + 1])
{
	const struct inside_model *m = c->sight->model;

	for (const struct inside_client *client = m->clients; client < m->clients + m->client_count; client++)
		for (int tag = client->tag_least; tag <= client->tag_most && client->own_habits; tag++)
			if (tags[tag])
				suppose(c, (struct supposed){ tag, NULL, client });
	try_supposed(c);
}

/* A server whose greeting is so much less likely than any is not tried. */
#define OTHER_GREETING 1.5f

static bool greets_so(const struct sight *sight, const struct supposed *s)
{
	struct supposed unknown = { s->tag, NULL, NULL };

	return sight->c->starttls || sight->step[0].from != FROM_SERVER ||
	       fit_size(sight, s, 0, MEANS_greeting) >= fit_size(sight, &unknown, 0, MEANS_greeting) - OTHER_GREETING;
}

static void try_servers(struct contest *c, struct supposed s)
{
	const struct inside_model *m = c->sight->model;

	for (int server = 0; server < m->server_count; server++) {
		s.server = &m->servers[server];
		if (greets_so(c->sight, &s))
			suppose(c, s);
	}
}

/* The tags tried with every server, each with the client that fits it best: the likeliest that end well, the likeliest that do not. */
#define TRIED 6

static void put_trial(struct trial list[TRIED], struct trial one)
{
	for (int i = 0; i < TRIED; i++)
		if (one.score > list[i].score) {
			struct trial displaced = list[i];
			list[i] = one;
			one = displaced;
		}
}

static bool is_tried(const struct trial list[TRIED], const struct supposed *s)
{
	for (int i = 0; i < TRIED; i++)
		if (list[i].score > NEVER && list[i].supposed.tag == s->tag && list[i].supposed.client == s->client)
			return true;
	return false;
}

static void try_likeliest(struct contest *c, const bool tags[TAGS_MOST + 1])
{
	struct trial tried[2][TRIED];

	for (int i = 0; i < 2 * TRIED; i++)
		tried[i / TRIED][i % TRIED].score = NEVER;
	for (int tag = 1; tag <= TAGS_MOST; tag++)
		for (int end = 0; end < 2 && tags[tag]; end++)
			put_trial(tried[end], c->of_tag[tag][end]);
	double least = fmax(tried[0][0].score, tried[1][0].score) - NOT_TRIED;
	for (int i = 0; i < 2 * TRIED; i++) {
		const struct trial *one = &tried[i / TRIED][i % TRIED];
		if (one->score > NEVER && one->score >= least && (i < TRIED || !is_tried(tried[0], &one->supposed)))
			try_servers(c, one->supposed);
	}
	try_supposed(c);
}

/* First every tag with client and server unknown, then the likelier ones with each client, then the likeliest of these with each server. */
static void try_all(struct contest *c)
{
	bool likely[TAGS_MOST + 1];
	double best = NEVER;

	try_tags(c);
	if (c->sight->c->working || clearly_worked(c))
		return;
	for (int tag = 1; tag <= TAGS_MOST; tag++)
		best = fmax(best, fmax(c->of_tag[tag][0].score, c->of_tag[tag][1].score));
	for (int tag = 1; tag <= TAGS_MOST; tag++)
		likely[tag] = fmax(c->of_tag[tag][0].score, c->of_tag[tag][1].score) >= best - NOT_TRIED;
	try_usual_clients(c, likely);
	try_other_clients(c, likely);
	try_likeliest(c, likely);
}

bool infer(const struct inside_model *model, const struct inside_case *c, struct inside *into)
{
	struct sight sight;
	struct contest contest;

	if (!model->loaded || !sight_of(model, c, &sight))
		return false;
	contest.sight = &sight;
	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		contest.best[i] = (struct champion){ .score = NEVER };
	for (int i = 0; i <= TAGS_MOST; i++)
		contest.of_tag[i][0].score = contest.of_tag[i][1].score = NEVER;
	try_all(&contest);
	int best = best_but(&contest, -1), second = best_but(&contest, best);
	if (best < 0)
		return false;
	if (second >= 0 && all_of(&contest, second) > all_of(&contest, best)) {
		int likelier = second;
		second = best;
		best = likelier;
	}
	best = told_as(model, &contest, best);
	inside_begin(&sight, into);
	into->has_second = second >= 0;
	read_champion(&contest, best, &into->best);
	if (into->has_second)
		read_champion(&contest, second, &into->second);
	into->apart = into->has_second ? all_of(&contest, best) - all_of(&contest, second) : INFINITY;
	read_inside(model, into);
	return true;
}
