/* A line that says how far a long file is, rewritten in place, when a terminal watches. */
#ifndef IMAPWHY_PROGRESS_LINE_H
#define IMAPWHY_PROGRESS_LINE_H

#include "pipeline.h"

struct progress {
	bool on, shown;
	uint64_t frames;
	nanoseconds last; /* monotonic: when it was written */
};

/* on: standard error is a terminal, and there is an end to come. */
void progress_begin(struct progress *p, bool on);
void progress_show(struct progress *p, struct analysis *analysis, const struct source *source);
/* Takes the line away: before anything else is said, and at the end. */
void progress_clear(struct progress *p);
/* Time that only goes forward. */
nanoseconds progress_clock(void);

/* Once for each frame: looks at the clock every few thousand. */
static inline void progress_step(struct progress *p, struct analysis *analysis, const struct source *source)
{
	if (__builtin_expect(p->on && (++p->frames & 0xfff) == 0, 0))
		progress_show(p, analysis, source);
}

#endif
