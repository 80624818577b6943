/* The progress line: bytes, packets, sessions, failures so far; five times a second at the most. */
#include "progress_line.h"

#include <inttypes.h>
#include <time.h>

#include "text.h"

#define EVERY (200 * MILLISECOND)
#define FIRST (500 * MILLISECOND) /* what ends sooner needs no line */

nanoseconds progress_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

void progress_begin(struct progress *p, bool on)
{
	*p = (struct progress){ .on = on, .last = progress_clock() + FIRST - EVERY };
}

static void add_bytes(struct text *t, const struct source *source)
{
	uint64_t read, all;

	source_progress(source, &read, &all);
	if (all)
		text_addf(t, "%3.0f %% of %.1f MB", 100.0 * (double)read / (double)all, (double)all / 1e6);
	else
		text_addf(t, "%.1f MB", (double)read / 1e6);
}

void progress_show(struct progress *p, struct analysis *analysis, const struct source *source)
{
	nanoseconds now = progress_clock();
	struct report_stats stats;
	char line[80];
	struct text t = TEXT_IN(line);

	if (now - p->last < EVERY)
		return;
	p->last = now;
	p->shown = true;
	analysis_stats(analysis, source, &stats);
	add_bytes(&t, source);
	text_addf(&t, ", %" PRIu64 " packets, %" PRIu64 " sessions, %" PRIu64 " failed", stats.packets, stats.flows_tracked, stats.all.failed);
	fprintf(stderr, "\r%s\033[K", line);
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
