/* A report's life: made with its options, given cases, finished. */
#include "report.h"

#include <stdlib.h>

#include "parts.h"

struct report *report_create(int descriptor, const struct report_options *options, const struct rules *rules, const struct texts *texts,
			     const char *(*file_name)(const void *context, uint16_t file), const void *context)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->options = *options;
	if (!r->options.language)
		r->options.language = "en";
	r->rules = rules;
	r->texts = texts;
	r->file_name = file_name;
	r->context = context;
	r->writer.descriptor = descriptor;
	r->community = community_create(options->community_seed);
	r->fill = calloc(1, sizeof *r->fill);
	r->lists = malloc(LISTS_ROOM);
	r->blocks = options->output == OUTPUT_JSON ? NULL : blocks_create();
	if (!r->community || !r->fill || !r->lists || (options->output != OUTPUT_JSON && !r->blocks))
		report_destroy(&r);
	return r;
}

void report_destroy(struct report **report)
{
	if (!*report)
		return;
	community_destroy(&(*report)->community);
	blocks_destroy(&(*report)->blocks);
	free((*report)->fill);
	free((*report)->lists);
	free((*report)->line.text);
	free(*report);
	*report = NULL;
}

void report_session(struct report *report, const struct report_case *c)
{
	if (report->options.output == OUTPUT_JSON)
		json_session(report, c);
	else if (report->options.output == OUTPUT_TEXT)
		text_session(report, c);
}

void report_attempts(struct report *report, const struct report_attempts *a, nanoseconds now)
{
	if (report->options.output == OUTPUT_JSON)
		json_attempts(report, a, now);
	else if (report->options.output == OUTPUT_TEXT)
		text_attempts(report, a);
}

void report_finish(struct report *report, const struct report_stats *stats, nanoseconds now)
{
	if (report->options.output == OUTPUT_JSON)
		json_stats(report, stats, now);
	else
		text_finish(report, stats);
}

bool report_failed(const struct report *report, struct error *error)
{
	const struct writer *w = &report->writer;

	if (!w->failure)
		return false;
	(void)error_set(error, "the report could not be written: %s; %llu lost of %llu (make room there, or write elsewhere with -w FILE)",
			strerror(w->failure), (unsigned long long)w->lost, (unsigned long long)(w->written + w->lost));
	return true;
}
