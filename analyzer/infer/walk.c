/* The walk: after each step the best score of each state, and what led there. */
#include "walk.h"

#include <string.h>

/* A session that was not seen greeted, and one whose middle was not kept before its login was told. */
#define UNGREETED -4.0f
#define MIDDLE_BEFORE_LOGIN -8.0f

/* What is so far behind the best is not followed any more; at a first look, which asks for a great lead only, it need not be as far. */
#define FAR_BEHIND 18.0f
#define FAR_BEHIND_GLANCED 12.0f

_Static_assert(STATES <= UINT8_MAX, "a state is a byte");
_Static_assert(LANES % FOUR == 0, "lanes are walked by fours");

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

static void fit(const struct sight *sight, struct walk *w, int step, enum meaning meaning)
{
	float *fits = &w->fits[walk_fits(step, (int)meaning, w->lanes)];

	switch (w->way) {
	case WALK_GROUPS: fit_groups(sight, step, meaning, fits); break;
	case WALK_TAGS: fit_tags(sight, step, meaning, fits); break;
	case WALK_SUPPOSED: fit_lanes(sight, w->supposed, w->lanes, step, meaning, fits); break;
	}
}

static void find_fits(const struct sight *sight, struct walk *w, int step, const struct inside_way *way, const struct inside_way *end)
{
	for (; way < end; way++) {
		if (!(w->fitted[step] >> way->meaning & 1))
			fit(sight, w, step, (enum meaning)way->meaning);
		w->fitted[step] |= 1u << way->meaning;
	}
}

/* --- one step --- */

/* What a step leads to. */
struct stride {
	int step;
	float *score;                /* of the states after it */
	uint8_t reached[STATES + 1]; /* those that it leads to, in that order, and room for one that is not counted */
	int count;
	bool is_reached[STATES];
	uint32_t fitted;             /* bits: the phases whose ways have their fits */
	float again[MEANINGS];       /* after a login was refused */
};

/* The functions that know how many lanes there are are made for each number: their loops are straight code then. */
#define EACH_WIDTH static inline __attribute__((always_inline)) void

EACH_WIDTH spread(float value, float *into, const int lanes)
{
	for (int i = 0; i < lanes; i++)
		into[i] = value;
}

EACH_WIDTH begin_stride(const struct sight *sight, struct walk *w, int step, struct stride *into, const int lanes)
{
	static const enum meaning told_again[2][3] = { [FROM_SERVER] = { MEANS_ok, MEANS_ok_list, MEANS_no },
						       [FROM_CLIENT] = { MEANS_login, MEANS_login_ir, MEANS_login } };
	const enum meaning *again = told_again[sight->step[step].from];

	w->fitted[step] = 0;
	*into = (struct stride){ .step = step, .score = &w->score[walk_state(step + 1, 0, lanes)] };
	for (int i = 0; i < 3; i++)
		into->again[again[i]] = fit_again(sight, step, again[i]);
	for (int state = 0; state < STATES; state++)
		spread(NEVER, &into->score[state * lanes], lanes);
}

/* Returns its scores. */
static inline float *reach(struct stride *s, int state, const int lanes)
{
	s->reached[s->count] = (uint8_t)state;
	s->count += !s->is_reached[state];
	s->is_reached[state] = true;
	return &s->score[state * lanes];
}

EACH_WIDTH lead(const float *restrict from, float by, float *restrict to, const int lanes)
{
	for (int i = 0; i < lanes; i++) {
		float score = from[i] + by;
		to[i] = score > to[i] ? score : to[i];
	}
}

EACH_WIDTH lead_by(const float *restrict from, const float *restrict fits, const float *restrict follows, float again, float *restrict to,
		   const int lanes)
{
	for (int i = 0; i < lanes; i++) {
		float score = from[i] + fits[i] + follows[i] + again;
		to[i] = score > to[i] ? score : to[i];
	}
}

/* By each way that leads on from a state. */
EACH_WIDTH walk_on(const struct sight *sight, struct walk *w, struct stride *s, int state, const int lanes)
{
	const struct inside_model *m = sight->model;
	enum direction from = sight->step[s->step].from;
	const struct inside_way *way = &m->ways[from][m->first_way[from][state]], *end = &m->ways[from][m->first_way[from][state + 1]];
	const float *score = &w->score[walk_state(s->step, state, lanes)], *fits = &w->fits[walk_fits(s->step, 0, lanes)];
	bool moody = MOOD_IN(state) != MOOD_NONE;

	if (!(s->fitted >> PHASE_IN(state) & 1)) {
		s->fitted |= 1u << PHASE_IN(state);
		find_fits(sight, w, s->step, way, end);
	}
	for (; way < end; way++)
		lead_by(score, &fits[way->meaning * lanes], w->follows[way->step], moody ? s->again[way->meaning] : 0,
			reach(s, way->to, lanes), lanes);
}

EACH_WIDTH walk_all_on(const struct sight *sight, struct walk *w, struct stride *s, const int lanes)
{
	for (int n = 0; n < w->alive_count[s->step]; n++) {
		int state = w->alive[s->step][n];
		const float *score = &w->score[walk_state(s->step, state, lanes)];
		if (sight->step[s->step].middle) {
			lead(score, through_middle(state), reach(s, after_middle(state), lanes), lanes);
			continue;
		}
		lead(score, sight->odd_log[s->step], reach(s, state, lanes), lanes);
		walk_on(sight, w, s, state, lanes);
	}
}

static inline __attribute__((always_inline)) bool is_alive(const float *score, const int lanes)
{
	float most[FOUR];

	spread(NEVER, most, FOUR);
	for (int lane = 0; lane < lanes; lane += FOUR)
		lead(score + lane, 0, most, FOUR);
	return most[0] > NEVER || most[1] > NEVER || most[2] > NEVER || most[3] > NEVER;
}

/* Those too far behind are dropped under each supposition for itself. */
EACH_WIDTH drop_hopeless(struct walk *w, const struct stride *s, const int lanes)
{
	float floor[LANES];
	int step = s->step + 1, count = 0;

	spread(NEVER, floor, lanes);
	for (int n = 0; n < s->count; n++)
		lead(&s->score[s->reached[n] * lanes], 0, floor, lanes);
	for (int i = 0; i < lanes; i++)
		floor[i] -= w->way == WALK_GROUPS ? FAR_BEHIND_GLANCED : FAR_BEHIND;
	for (int n = 0; n < s->count; n++) {
		float *score = &s->score[s->reached[n] * lanes];
		for (int i = 0; i < lanes; i++)
			score[i] = score[i] >= floor[i] ? score[i] : NEVER;
		w->alive[step][count] = s->reached[n];
		count += is_alive(score, lanes);
	}
	w->alive_count[step] = (uint8_t)count;
}

EACH_WIDTH walk_step(const struct sight *sight, struct walk *w, int step, const int lanes)
{
	struct stride s;

	begin_stride(sight, w, step, &s, lanes);
	walk_all_on(sight, w, &s, lanes);
	drop_hopeless(w, &s, lanes);
}

/* --- all steps --- */

static void start(struct walk *w, enum phase phase, float score)
{
	int state = STATE(phase, MOOD_NONE);

	for (int i = 0; i < w->lanes; i++)
		w->score[walk_state(0, state, w->lanes) + i] = i < w->count ? score : NEVER;
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
		for (int i = 0; i < w->lanes; i++)
			w->own_follows[d][i] = fit_follows(sight, &w->supposed[i], d);
}

void walk_all(const struct sight *sight, struct walk *w)
{
	if (w->way != WALK_SUPPOSED)
		suppose_tags(w);
	w->lanes = w->count <= FOUR ? FOUR : LANES;
	for (int i = w->count; i < w->lanes; i++)
		w->supposed[i] = w->supposed[0];
	take_habits(sight, w);
	w->alive_count[0] = 0;
	start(w, PHASE_greeted, sight->c->starttls ? 0 : UNGREETED);
	if (!sight->c->starttls)
		start(w, PHASE_start, 0);
	for (int i = 0; i < sight->steps && w->lanes == FOUR; i++)
		walk_step(sight, w, i, FOUR);
	for (int i = 0; i < sight->steps && w->lanes == LANES; i++)
		walk_step(sight, w, i, LANES);
}

/* --- back --- */

/* Takes the way from a state if it is the best one yet. */
static void take_best(const struct sight *sight, const struct walk *w, int lane, int step, int before, int state, float *best, struct walked *into)
{
	const struct inside_model *m = sight->model;
	enum direction from = sight->step[step].from;
	float score = walk_score(w, step, before, lane), odd = score + sight->odd_log[step];

	if (before == state && odd > *best) {
		*best = odd;
		*into = (struct walked){ .before = before, .meaning = MEANINGS, .step = -1 };
	}
	for (int i = m->first_way[from][before]; i < m->first_way[from][before + 1]; i++) {
		const struct inside_way *way = &m->ways[from][i];
		if (way->to != state)
			continue;
		float by = score + w->fits[walk_fits(step, way->meaning, w->lanes) + lane] + w->follows[way->step][lane];
		by += MOOD_IN(before) == MOOD_NONE ? 0 : fit_again(sight, step, (enum meaning)way->meaning);
		if (by <= *best)
			continue;
		*best = by;
		*into = (struct walked){ .before = before, .meaning = way->meaning, .step = way->step };
	}
}

static struct walked back(const struct sight *sight, const struct walk *w, int lane, int step, int state)
{
	struct walked found = { .before = state, .meaning = MEANINGS, .step = -1 };
	float best = NEVER;

	for (int n = 0; n < w->alive_count[step]; n++) {
		int before = w->alive[step][n];
		if (before == state || sight->model->leads[PHASE_IN(before)] >> PHASE_IN(state) & 1)
			take_best(sight, w, lane, step, before, state, &best, &found);
	}
	return found;
}

static struct walked back_through_middle(const struct walk *w, int lane, int step, int state)
{
	struct walked found = { .before = state, .meaning = MEANINGS, .step = -1 };
	float best = NEVER;

	for (int n = 0; n < w->alive_count[step]; n++) {
		int before = w->alive[step][n];
		float score = walk_score(w, step, before, lane) + through_middle(before);
		if (after_middle(before) != state || score <= best)
			continue;
		best = score;
		found.before = before;
	}
	return found;
}

void walk_back(const struct sight *sight, const struct walk *w, int lane, int state, struct walked into[INSIDE_STEPS])
{
	for (int i = sight->steps - 1; i >= 0; i--) {
		into[i] = sight->step[i].middle ? back_through_middle(w, lane, i, state) : back(sight, w, lane, i, state);
		into[i].after = state;
		state = into[i].before;
	}
}

float walk_follows(const struct sight *sight, const struct walk *w, int lane, int step, const struct walked *walked)
{
	if (walked->step < 0)
		return walk_score(w, step + 1, walked->after, lane) - walk_score(w, step, walked->before, lane);
	return w->follows[walked->step][lane] +
	       (MOOD_IN(walked->before) == MOOD_NONE ? 0 : fit_again(sight, step, (enum meaning)walked->meaning));
}
