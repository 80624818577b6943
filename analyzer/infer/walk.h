/* Walks the steps through the phases of a dialogue (Viterbi), under several suppositions side by side. */
#ifndef IMAPWHY_INFER_WALK_H
#define IMAPWHY_INFER_WALK_H

#include "steps.h"

/* Less likely than anything that happens. */
#define NEVER -1e30f

/* Some 300 KiB: one stands on the stack at a time, and only what is walked through is touched. */
struct walk {
	enum {
		WALK_SUPPOSED,
		WALK_TAGS,    /* under the tags of 1, 2, 3… bytes, both sides unknown */
		WALK_GROUPS,  /* as if each step had that tag of a group that fits it best: no tag of the group comes to more */
	} way;
	struct supposed supposed[LANES];
	int count;
	const float (*follows)[LANES];            /* by step of dialogue.def */
	float own_follows[STEPS_MOST][LANES];     /* where a client has habits of its own */
	int lanes;                                 /* made room for: FOUR or LANES; the rows below stand close together */
	float fits[INSIDE_STEPS * MEANINGS * LANES]; /* worked out where first asked for */
	uint32_t fitted[INSIDE_STEPS];             /* bits: meanings */
	float score[(INSIDE_STEPS + 1) * STATES * LANES]; /* before each step and at the end */
	uint8_t alive[INSIDE_STEPS + 1][STATES]; /* the states that are followed on, under any of the suppositions */
	uint8_t alive_count[INSIDE_STEPS + 1];
};

/* How well a step fits a meaning, and the best score of a state before a step: each a row of lanes. */
static inline int walk_fits(int step, int meaning, int lanes)
{
	return (step * MEANINGS + meaning) * lanes;
}

static inline int walk_state(int step, int state, int lanes)
{
	return (step * STATES + state) * lanes;
}

static inline float walk_score(const struct walk *w, int step, int state, int lane)
{
	return w->score[walk_state(step, state, w->lanes) + lane];
}

/* By `way`; where that is WALK_SUPPOSED by `supposed` and `count`, which it fills in otherwise. */
void walk_all(const struct sight *sight, struct walk *w);

/* What a step is taken for on the best way to a state. */
struct walked {
	int before, after; /* the states */
	int meaning;       /* MEANINGS: it fits nothing */
	int step;          /* of dialogue.def, -1: none */
};
void walk_back(const struct sight *sight, const struct walk *w, int lane, int state, struct walked into[INSIDE_STEPS]);
/* How well a step follows what stood before it, apart from its length and delay; the whole difference where it fits nothing. */
float walk_follows(const struct sight *sight, const struct walk *w, int lane, int step, const struct walked *walked);

#endif
