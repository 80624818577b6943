/* The run: opens everything in the order that privileges ask for, reads, looks after signals and intervals, ends. */
#include "run.h"

#include <stdlib.h>
#include <unistd.h>

#include "key_feed.h"
#include "privilege.h"
#include "progress_line.h"
#include "saver.h"
#include "signals.h"
#include "sink.h"

struct run {
	struct options *options;
	struct sink *sink;
	struct saver *saver; /* NULL: no evidence is saved */
	struct key_feed *feed;
	struct source *source;
	struct analysis *analysis;
	struct report *report;
	struct progress progress;
	nanoseconds began;    /* monotonic */
	nanoseconds interval; /* capture time of the next count; 0: none yet */
	nanoseconds second;   /* capture time when drops were looked for */
	uint64_t dropped;     /* packets dropped by then */
	bool whole;           /* everything was read and written so far */
	bool told_loss;
};

void complain(const char *text)
{
	fprintf(stderr, "imapwhy: %s\n", text);
}

static void say(struct run *r, const char *text)
{
	progress_clear(&r->progress);
	complain(text);
}

static const char *file_name(const void *context, uint16_t file)
{
	return source_name(context, file);
}

/* --- opening --- */

static void set_output(struct options *o, const struct sink *sink)
{
	if (!o->output_given)
		o->report.output = sink_is_terminal(sink) ? OUTPUT_TEXT : OUTPUT_JSON;
	if (o->task == TASK_EXPLAIN) {
		o->report.output = OUTPUT_NONE;
		o->analysis.explain = true;
		o->analysis.explain_to = stdout;
	}
	o->report.color = sink_is_terminal(sink) && !getenv("NO_COLOR");
	o->report.live = o->interface != NULL;
}

/* What is written, and the key log, stand open before the interface is, for opening that gives the privileges up. */
static bool open_files(struct run *r, struct error *error)
{
	struct options *o = r->options;

	r->sink = sink_open(o->output_file, error);
	if (!r->sink)
		return false;
	set_output(o, r->sink);
	if (o->interface && !privilege_share(sink_descriptor(r->sink), o->source.user, error))
		return false;
	r->feed = key_feed_create(o->keylog, error);
	if (!r->feed)
		return false;
	if (o->evidence_file) {
		r->saver = saver_create(o->evidence_file, o->analysis.memory / 8, error);
		if (!r->saver)
			return false;
		o->report.citing = saver_citing(r->saver);
	}
	return true;
}

static bool open_source(struct run *r, struct error *error)
{
	struct options *o = r->options;

	o->source.stop = signals_stop();
	r->source = o->interface ? source_open_live(o->interface, &o->source, error)
				 : source_open_files(o->captures, o->capture_count, &o->source, error);
	return r->source != NULL;
}

static bool open_analysis(struct run *r, const struct rules *rules, struct error *error)
{
	const struct report_out out = { r->sink, sink_put };

	r->analysis = analysis_create(&r->options->analysis, rules, error);
	if (!r->analysis)
		return false;
	r->report = report_create(&out, &r->options->report, rules, analysis_texts(r->analysis), file_name, r->source);
	if (!r->report)
		return error_set(error, "out of memory");
	analysis_report_to(r->analysis, r->report);
	key_feed_begin(r->feed, r->analysis);
	if (r->saver && !saver_watch(r->saver, r->source, error))
		return false;
	if (r->saver && !source_all_rereadable(r->source))
		analysis_keep(r->analysis, saver_keep, r->saver);
	return true;
}

/* --- counting --- */

static void stats_of(struct run *r, struct report_stats *stats)
{
	const struct options *o = r->options;

	analysis_stats(r->analysis, r->source, stats);
	stats->seconds = (double)(progress_clock() - r->began) / 1e9;
	stats->source = o->interface ? o->interface : o->captures[0];
	if (r->saver) {
		struct saver_counters c = saver_counters(r->saver);
		stats->evidence_saved = c.saved;
		stats->evidence_lost = c.lost;
		stats->memory_bytes += c.bytes;
	}
}

static void tell_counters(struct run *r)
{
	struct report_stats stats;

	analysis_attempts(r->analysis);
	stats_of(r, &stats);
	report_snapshot(r->report, &stats, stats.now);
}

/* Live, drops are looked for once a second; files tell theirs at the end, if at all. */
static void look_for_drops(struct run *r, nanoseconds now)
{
	struct source_counters c;

	if (!r->options->interface || now - r->second < SECOND)
		return;
	source_counters(r->source, &c);
	uint64_t dropped = c.kernel_dropped + c.interface_dropped;
	if (dropped > r->dropped)
		analysis_dropped(r->analysis, dropped - r->dropped, r->second, now);
	r->dropped = dropped;
	r->second = now;
}

/* Every so much of capture time, in a document of its own. */
static void look_at_clock(struct run *r, nanoseconds now)
{
	nanoseconds every = r->options->interval;

	look_for_drops(r, now);
	if (!every || now < r->interval)
		return;
	if (r->interval && r->options->report.output == OUTPUT_JSON)
		tell_counters(r);
	r->interval = now + every;
}

static void reopen(struct run *r)
{
	struct error error = { "" };

	if (!sink_reopen(r->sink, &error))
		say(r, error.text);
}

static void look_at_signals(struct run *r)
{
	if (signals_reopen())
		reopen(r);
	if (signals_tell())
		tell_counters(r);
}

static void tell_loss(struct run *r)
{
	struct error error = { "" };

	(void)sink_failed(r->sink, &error);
	r->told_loss = true;
	r->whole = false;
	say(r, error.text);
}

/* False: nobody reads the report any more. Asked for every frame: only what failed needs room for a text. */
static bool look_at_output(struct run *r)
{
	if (r->told_loss || !sink_failed(r->sink, NULL))
		return true;
	tell_loss(r);
	return !sink_gone(r->sink);
}

/* --- reading --- */

static void read_all(struct run *r)
{
	struct frame frame;
	struct error error = { "" };

	for (;;) {
		switch (source_next(r->source, &frame, &error)) {
		case SOURCE_FRAME:
			analysis_frame(r->analysis, &frame);
			progress_step(&r->progress, r->analysis, r->source);
			look_at_clock(r, frame.at.time);
			break;
		case SOURCE_IDLE:
			analysis_clock(r->analysis, frame.at.time);
			look_at_clock(r, frame.at.time);
			break;
		case SOURCE_SECRETS:
			key_feed_take(r->feed, source_secrets(r->source));
			break;
		case SOURCE_RESTART:
			analysis_end(r->analysis);
			r->interval = 0;
			say(r, "the next file does not belong to the recording before it (other time or link type): starting afresh; "
			       "--merge takes them as one");
			break;
		case SOURCE_NOTICE:
			say(r, error.text);
			break;
		case SOURCE_BROKEN:
			say(r, error.text);
			r->whole = false;
			break;
		case SOURCE_END:
			analysis_end(r->analysis);
			return;
		}
		look_at_signals(r);
		if (!look_at_output(r))
			return;
	}
}

/* What was read and yet could not be looked at. */
static void tell_oddities(struct run *r, const struct report_stats *stats)
{
	struct error error = { "" };
	struct moment first;
	uint16_t type;
	uint64_t unknown = analysis_unknown_links(r->analysis, &first, &type);

	if (stats->packets == 0 && r->whole && !r->options->interface) {
		snprintf(error.text, sizeof error.text, "%s: no packets in it: nothing was captured; was it the right interface, and the right filter?",
			 source_name(r->source, 0));
		complain(error.text);
	}
	if (unknown) {
		snprintf(error.text, sizeof error.text,
			 "%s: %llu packets, packet %u the first, have link type %u (%s), which imapwhy can't read; capture on an Ethernet, IP or cooked interface",
			 source_name(r->source, first.file), (unsigned long long)unknown, first.frame, type, source_link_name(type));
		complain(error.text);
	}
	r->whole = r->whole && (!unknown || unknown < stats->packets);
}

static void finish(struct run *r)
{
	struct error error = { "" };
	struct report_stats stats;

	progress_clear(&r->progress);
	if (r->saver)
		saver_collect(r->saver);
	if (key_feed_trouble(r->feed, &error))
		complain(error.text);
	stats_of(r, &stats);
	report_finish(r->report, &stats, stats.now);
	tell_oddities(r, &stats);
	if (sink_failed(r->sink, &error)) {
		if (!r->told_loss || !sink_gone(r->sink))
			complain(error.text);
		r->whole = false;
	}
	if (stats.evidence_lost) {
		snprintf(error.text, sizeof error.text,
			 "%s: %llu of %llu cited frames could not be saved: they were gone when their verdict was reached", r->options->evidence_file,
			 (unsigned long long)stats.evidence_lost, (unsigned long long)(stats.evidence_lost + stats.evidence_saved));
		complain(error.text);
	}
}

int run(struct options *options, const struct rules *rules)
{
	struct run r = { .options = options, .began = progress_clock(), .whole = true };
	struct error error = { "" };
	int status = 2;

	signals_catch(options->interface != NULL);
	if (!open_files(&r, &error)) {
		complain(error.text);
	} else if (status = 1, !open_source(&r, &error) || !open_analysis(&r, rules, &error)) {
		complain(error.text);
	} else {
		progress_begin(&r.progress, isatty(STDERR_FILENO) && !options->interface);
		read_all(&r);
		finish(&r);
		status = r.whole ? 0 : 1;
	}
	report_destroy(&r.report);
	analysis_destroy(&r.analysis);
	source_close(&r.source);
	key_feed_destroy(&r.feed);
	if (!saver_close(&r.saver, &error)) {
		complain(error.text);
		status = 1;
	}
	sink_close(&r.sink);
	return status;
}
