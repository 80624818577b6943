/* imapwhy: options in, frames through the pipeline, reports out. The only file that prints errors. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "key_feed.h"
#include "keys.h"

/* Signals can reach nothing else. */
static volatile int stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void complain(const char *text)
{
	fprintf(stderr, "imapwhy: %s\n", text);
}

/* Beside the program in its source tree, else where it was installed. */
static const char *rules_directory(const struct options *o, char *room, size_t size)
{
	char program[2048];

	if (o->rules)
		return o->rules;
	if (getenv("IMAPWHY_RULES"))
		return getenv("IMAPWHY_RULES");
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	if (n > 0) {
		static const char *const places[] = { "rules", "../share/imapwhy/rules" };
		program[n] = '\0';
		char *slash = strrchr(program, '/');
		for (size_t i = 0; slash && i < 2; i++) {
			struct stat st;
			snprintf(room, size, "%.*s/%s", (int)(slash - program), program, places[i]);
			if (stat(room, &st) == 0 && S_ISDIR(st.st_mode))
				return room;
		}
	}
	return IMAPWHY_RULES;
}

static const char *file_name(const void *context, uint16_t file)
{
	return source_name(context, file);
}

/* A line that says how far a long file is, rewritten in place, when a terminal watches. */
struct progress {
	bool on;
	uint64_t frames;
	nanoseconds last;
};

static nanoseconds monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static void progress_step(struct progress *p, const struct source *source)
{
	uint64_t read, all;

	if (!p->on || ++p->frames % 65536)
		return;
	nanoseconds now = monotonic();
	if (now - p->last < SECOND)
		return;
	p->last = now;
	source_progress(source, &read, &all);
	if (all)
		fprintf(stderr, "\r%" PRIu64 " packets, %3.0f %%", p->frames, 100.0 * (double)read / (double)all);
	else
		fprintf(stderr, "\r%" PRIu64 " packets", p->frames);
}

static void progress_end(struct progress *p)
{
	if (p->on && p->last)
		fputs("\r\033[K", stderr);
}

static int open_output(const struct options *o, struct error *error)
{
	if (!o->output_file || strcmp(o->output_file, "-") == 0)
		return STDOUT_FILENO;
	int fd = open(o->output_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0)
		error_set(error, "%s: cannot be written: %s", o->output_file, strerror(errno));
	return fd;
}

/* What a run works with. */
struct work {
	struct key_feed *feed;
	struct source *source;
	struct analysis *analysis;
	struct report *report;
};

static void work_close(struct work *w)
{
	report_destroy(&w->report);
	analysis_destroy(&w->analysis);
	source_close(&w->source);
	key_feed_destroy(&w->feed);
}

/* The key log first: it may be readable only until rights are given up. */
static bool work_open(const struct options *o, const struct rules *rules, int output, struct work *w, struct error *error)
{
	if (!(w->feed = key_feed_create(o->keylog, error)))
		return false;
	w->source = o->interface ? source_open_live(o->interface, &o->source, error)
				 : source_open_files(o->captures, o->capture_count, &o->source, error);
	if (!w->source || !(w->analysis = analysis_create(&o->analysis, rules, error)))
		return false;
	w->report = report_create(output, &o->report, rules, analysis_texts(w->analysis), file_name, w->source);
	if (!w->report)
		return error_set(error, "out of memory");
	analysis_report_to(w->analysis, w->report);
	key_feed_begin(w->feed, w->analysis);
	return true;
}

/* Reads to the end; false when an input broke. */
static bool run(struct work *w, struct progress *progress)
{
	struct frame frame;
	struct error error = { "" };
	bool whole = true;

	for (;;) {
		switch (source_next(w->source, &frame, &error)) {
		case SOURCE_FRAME:
			analysis_frame(w->analysis, &frame);
			progress_step(progress, w->source);
			break;
		case SOURCE_IDLE:
			analysis_clock(w->analysis, frame.at.time);
			break;
		case SOURCE_SECRETS:
			key_feed_take(w->feed, source_secrets(w->source));
			break;
		case SOURCE_RESTART:
			analysis_end(w->analysis);
			complain("the next file does not belong to the recording before it (other time or link type): starting afresh");
			break;
		case SOURCE_BROKEN:
			complain(error.text);
			whole = false;
			break;
		case SOURCE_END:
			analysis_end(w->analysis);
			return whole;
		}
		if (stop && !report_failed(w->report, NULL))
			continue; /* the source ends by itself and hands over what it holds */
		if (report_failed(w->report, &error)) {
			complain(error.text);
			return false;
		}
	}
}

static int analyse(struct options *o, const struct rules *rules, int output)
{
	struct error error = { "" };
	struct work w = { 0 };
	nanoseconds began = monotonic();

	o->source.stop = &stop;
	if (!work_open(o, rules, output, &w, &error)) {
		complain(error.text);
		work_close(&w);
		return 1;
	}
	struct progress progress = { .on = isatty(STDERR_FILENO) && !o->interface };
	bool whole = run(&w, &progress);
	progress_end(&progress);
	if (key_feed_trouble(w.feed, &error))
		complain(error.text);
	struct report_stats stats;
	analysis_stats(w.analysis, w.source, &stats);
	stats.seconds = (double)(monotonic() - began) / 1e9;
	stats.source = o->interface ? o->interface : o->captures[0];
	report_finish(w.report, &stats, stats.last);
	if (whole && report_failed(w.report, &error)) {
		complain(error.text);
		whole = false;
	}
	work_close(&w);
	return whole ? 0 : 1;
}

static void list_rules(const struct rules *rules)
{
	for (int i = 0; i < rules_count(rules); i++) {
		const struct rule *r = rules_get(rules, i);
		printf("%-34s %s.%s  %s\n", r->id, r->class, r->mechanism, r->title);
	}
}

static void list_facts(void)
{
	static const char *const types[] = { "boolean", "number", "duration", "size", "time", "text", "word" };

	printf("# Facts\n\nThe words that rules use, made from analyzer/facts/facts.def by `imapwhy facts`.\n\n"
	       "| word | type | meaning |\n| --- | --- | --- |\n");
	for (int i = 0; i < FACT_COUNT; i++) {
		const struct fact_kind *k = &fact_kinds[i];
		const char *const *words = enumeration_words(k->words);
		printf("| `%s` | %s", k->word, types[k->type]);
		for (int w = 0; words && words[w]; w++)
			printf("%s%s", w ? ", " : ": ", words[w]);
		printf(" | %s |\n", k->meaning);
	}
}

static int with_rules(struct options *o)
{
	char room[2200];
	const char *directory = rules_directory(o, room, sizeof room);
	struct rules *rules = rules_load(directory, stderr);
	struct error error = { "" };

	if (!rules) {
		complain("the rules could not be loaded; see above, or name another directory with --rules");
		return 2;
	}
	int status = 0;
	if (o->task == TASK_RULES_CHECK) {
		printf("%d rules in %s: no mistakes found\n", rules_count(rules), directory);
	} else if (o->task == TASK_RULES_LIST) {
		list_rules(rules);
	} else {
		int output = open_output(o, &error);
		if (output < 0) {
			complain(error.text);
			status = 2;
		} else {
			if (!o->output_given)
				o->report.output = isatty(output) ? OUTPUT_TEXT : OUTPUT_JSON;
			if (o->task == TASK_EXPLAIN) {
				o->report.output = OUTPUT_NONE;
				o->analysis.explain = true;
				o->analysis.explain_to = stdout;
			}
			o->report.color = isatty(output) && !getenv("NO_COLOR");
			o->report.live = o->interface != NULL;
			status = analyse(o, rules, output);
		}
	}
	rules_destroy(&rules);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error error = { "" };

	if (!options_read(&options, argc, argv, &error) || !keys_make(&options, &error)) {
		complain(error.text);
		return 2;
	}
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	switch (options.task) {
	case TASK_HELP:
		fputs(options_help, stdout);
		return 0;
	case TASK_VERSION:
		puts("imapwhy " IMAPWHY_VERSION);
		return 0;
	case TASK_FACTS:
		list_facts();
		return 0;
	default:
		return with_rules(&options);
	}
}
