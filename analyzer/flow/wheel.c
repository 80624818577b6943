/* A hashed timer wheel: 4,096 slots of 250 ms; what lies further ahead than a turn waits in its slot for the next one. */
#include "table.h"

#include <stdlib.h>

#define SLOTS 4096
#define TICK (250 * MILLISECOND)

struct wheel {
	struct flow *slot[SLOTS];
	int64_t tick; /* the last one turned to; 0: not started */
	nanoseconds now; /* of the newest turn */
};

struct wheel *wheel_create(void)
{
	return calloc(1, sizeof(struct wheel));
}

void wheel_destroy(struct wheel **wheel)
{
	free(*wheel);
	*wheel = NULL;
}

static void put_in(struct flow **list, struct flow *f, nanoseconds deadline)
{
	f->deadline = deadline;
	f->wheel_next = *list;
	f->wheel_link = list;
	if (*list)
		(*list)->wheel_link = &f->wheel_next;
	*list = f;
}

static void take_out(struct flow *f)
{
	if (!f->deadline)
		return;
	*f->wheel_link = f->wheel_next;
	if (f->wheel_next)
		f->wheel_next->wheel_link = f->wheel_link;
	f->deadline = 0;
}

void wheel_set(struct wheel *w, struct flow *f, nanoseconds deadline)
{
	take_out(f);
	if (!deadline)
		return;
	int64_t tick = deadline / TICK + 1;
	if (w->tick && tick <= w->tick)
		tick = w->tick + 1;
	put_in(&w->slot[tick & (SLOTS - 1)], f, deadline);
}

static void turn_slot(struct wheel *w, int64_t tick, nanoseconds now, void (*call)(void *, struct flow *), void *context)
{
	/* The list is taken off first: a call may set deadlines anew, also into this slot, and take any flow out. */
	struct flow *due = w->slot[tick & (SLOTS - 1)], *later = NULL;

	w->slot[tick & (SLOTS - 1)] = NULL;
	if (due)
		due->wheel_link = &due;
	while (due) {
		struct flow *f = due;
		nanoseconds deadline = f->deadline;
		take_out(f);
		if (deadline <= now)
			call(context, f);
		else
			put_in(&later, f, deadline);
	}
	while (later)
		wheel_set(w, later, later->deadline);
}

void wheel_turn(struct wheel *w, nanoseconds now, void (*call)(void *, struct flow *), void *context)
{
	int64_t tick = now / TICK;

	w->now = now;
	if (!w->tick)
		w->tick = tick - 1;
	/* A leap (a clock set forward, a gap between files) needs one look at each slot at the most. */
	int64_t first = tick - w->tick > SLOTS ? tick - SLOTS : w->tick;
	for (int64_t t = first + 1; t <= tick; t++) {
		w->tick = t;
		turn_slot(w, t, now, call, context);
	}
}

nanoseconds wheel_now(const struct wheel *w)
{
	nanoseconds now = w->tick * TICK;

	return now < w->now ? now : w->now;
}
