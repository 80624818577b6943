/* A report's life: made with its options, given cases, finished. */
#include "report.h"

#include <stdlib.h>

#include "parts.h"

struct report *report_create(const struct report_out *out, const struct report_options *options, const struct rules *rules, const struct texts *texts,
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
	r->out = *out;
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

void report_put(struct report *report, const char *text, size_t len)
{
	if (report->out.put(report->out.context, text, len))
		report->written++;
	else
		report->lost++;
}

void report_snapshot(struct report *report, const struct report_stats *stats, nanoseconds now)
{
	if (report->options.output == OUTPUT_JSON)
		json_stats(report, stats, now);
	else
		text_counts(report, stats);
}

/* The frames of its evidence go to who keeps them, whatever form the document takes. */
static void cite(const struct report *report, const struct report_case *c)
{
	struct proof proofs[VERDICT_MOST_EVIDENCE];
	struct report_citation list[VERDICT_MOST_EVIDENCE];
	char rooms[VERDICT_MOST_EVIDENCE][600];
	int more, count = evidence_collect(report, c, proofs, VERDICT_MOST_EVIDENCE, &more);

	for (int i = 0; i < count; i++) {
		size_t len = (size_t)snprintf(rooms[i], sizeof rooms[i], "%s.%s, ", c->verdict->rule->class, c->verdict->rule->mechanism);
		fact_says(proofs[i].id, proofs[i].fact, report->texts, rooms[i] + len, sizeof rooms[i] - len);
		list[i] = (struct report_citation){ proofs[i].fact->at, rooms[i] };
	}
	report->options.citing->cite(report->options.citing->context, c->id, list, count);
}

bool report_wants_sessions(const struct report *report)
{
	return report->options.output != OUTPUT_NONE || report->options.citing;
}

void report_session(struct report *report, const struct report_case *c)
{
	if (report->options.citing)
		cite(report, c);
	if (report->options.output == OUTPUT_JSON)
		json_session(report, c);
	else if (report->options.output == OUTPUT_TEXT)
		text_session(report, c);
}

void report_incident(struct report *report, const struct incident_told *told, nanoseconds now)
{
	if (report->options.output == OUTPUT_JSON)
		json_incident(report, told, now);
	else if (report->options.output == OUTPUT_TEXT)
		text_incident(report, told);
}

void report_attempts(struct report *report, const struct report_attempts *a, nanoseconds now)
{
	const struct report_citing *citing = report->options.citing;

	if (citing)
		citing->cite(citing->context, "attempts", (const struct report_citation[]){ { a->first, "the first attempt" }, { a->last, "the last" } }, 2);
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

const char *report_place(const struct report *report, const struct moment *at, uint32_t *frame)
{
	const struct report_citing *citing = report->options.citing;

	*frame = at->frame;
	if (!report->options.live)
		return at->frame ? report->file_name(report->context, at->file) : NULL;
	*frame = citing ? citing->number(citing->context, *at) : 0;
	return *frame ? citing->file : NULL;
}
