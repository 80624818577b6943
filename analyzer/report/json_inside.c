/* The document of a session: what was inferred of its dialogue inside TLS. */
#include "parts.h"

/* Of a long dialogue the start, where the login stands, and this many of its last records are shown. */
#define LAST_RECORDS 3

static void put_record(const struct report *report, const struct inside *i, int n, struct rows *rows)
{
	const struct inside_step *step = &i->step[n];
	const struct inside_reading *best = &i->best.reading[n], *second = &i->second.reading[n];
	uint32_t frame;

	row_begin(rows);
	if (report_place(report, &step->at, &frame))
		row_count(rows, "frame", frame);
	row_word(rows, "from", step->from == FROM_CLIENT ? "client" : "server");
	row_count(rows, "bytes", step->all.least);
	if (step->all.most > step->all.least)
		row_count(rows, "at_most", step->all.most);
	row_count(rows, "after_ms", (uint64_t)(step->after / MILLISECOND));
	row_word(rows, "is", best->meaning < MEANINGS ? meaning_kinds[best->meaning].word : "odd");
	if (i->has_second && second->meaning != best->meaning)
		row_word(rows, "or", second->meaning < MEANINGS ? meaning_kinds[second->meaning].word : "odd");
	row_end(rows);
}

int json_inside_records(const struct report *report, const struct inside *i, int most, struct rows *rows)
{
	int shown = 0, kept = 0;

	for (int n = 0; n < i->steps; n++)
		kept += !i->step[n].middle;
	for (int n = 0, place = 0; n < i->steps; n++) {
		if (i->step[n].middle)
			continue;
		place++;
		if (kept <= most || place <= most - LAST_RECORDS || (most > LAST_RECORDS && place > kept - LAST_RECORDS)) {
			put_record(report, i, n, rows);
			shown++;
		}
	}
	return kept - shown;
}

void json_inside_terms(const struct report *report, const struct inside *i, int most, struct rows *rows)
{
	char says[200], weight[24];
	uint32_t frame;

	for (int n = 0; n < i->terms && n < most; n++) {
		const struct inside_term *t = &i->term[n];
		row_begin(rows);
		row_text(rows, "says", infer_term_says(i, n, says, sizeof says), sizeof says);
		snprintf(weight, sizeof weight, "%+.1f", (double)t->weight);
		row_word(rows, "weight", weight);
		if (t->step >= 0 && report_place(report, &i->step[t->step].at, &frame))
			row_count(rows, "frame", frame);
		row_end(rows);
	}
}
