/* What was inferred, in words: for `imapwhy explain`, and the terms for reports. */
#include "steps.h"

#include <inttypes.h>

#include "text.h"

static const char *word_of(enum word_inside what)
{
	return enumeration_words(ENUM_inside)[what];
}

static void length_text(struct plain_length p, char *into, size_t room)
{
	if (p.least == p.most)
		snprintf(into, room, "%u bytes", p.least);
	else
		snprintf(into, room, "%u to %u bytes", p.least, p.most);
}

static const char *meaning_says(int meaning)
{
	return meaning < MEANINGS ? meaning_kinds[meaning].says : "something that fits nothing";
}

static const char *span_text(nanoseconds span, char *into, size_t room)
{
	if (span < SECOND)
		snprintf(into, room, "%.0f ms", (double)span / 1e6);
	else
		snprintf(into, room, "%.1f s", (double)span / 1e9);
	return into;
}

const char *infer_term_says(const struct inside *i, int term, char *into, size_t room)
{
	const struct inside_term *t = &i->term[term];
	char length[40], span[24];

	if (t->step < 0) {
		snprintf(into, room, "how it ended");
		return into;
	}
	const struct inside_step *s = &i->step[t->step];
	const char *a = meaning_says(i->best.reading[t->step].meaning), *b = meaning_says(i->second.reading[t->step].meaning);
	bool alike = i->best.reading[t->step].meaning == i->second.reading[t->step].meaning;
	switch (t->kind) {
	case TERM_SIZE:
		length_text(s->all, length, sizeof length);
		snprintf(into, room, alike ? "%s as `%s`" : "%s as `%s`, not `%s`", length, a, b);
		break;
	case TERM_DELAY:
		span_text(s->after, span, sizeof span);
		snprintf(into, room, alike ? "after %s as `%s`" : "after %s as `%s`, not `%s`", span, a, b);
		break;
	case TERM_FOLLOWS:
		snprintf(into, room, alike ? "`%s` follows here" : "`%s` follows here, not `%s`", a, b);
		break;
	case TERM_KNOWN:
		snprintf(into, room, "as long as this server's `%s` in another session", a);
		break;
	case TERM_END:
		break;
	}
	return into;
}

/* --- imapwhy explain --- */

#define LIKELIEST 3

/* The meanings that fit the step best, by length and delay alone. */
static void print_meanings(const struct sight *sight, const struct supposed *s, int step, FILE *out)
{
	float fits[MEANINGS];

	for (int m = 0; m < MEANINGS; m++)
		fits[m] = fit_size(sight, s, step, (enum meaning)m) + fit_delay(sight, s, step, (enum meaning)m);
	for (int n = 0; n < LIKELIEST; n++) {
		int best = -1;
		for (int m = 0; m < MEANINGS; m++)
			if (meaning_kinds[m].from == sight->step[step].from && fits[m] > -1e20f && (best < 0 || fits[m] > fits[best]))
				best = m;
		if (best < 0)
			return;
		fprintf(out, "%s%s %.1f", n ? ", " : "  ", meaning_kinds[best].word, (double)fits[best]);
		fits[best] = -1e30f;
	}
}

static struct supposed supposed_by(const struct inside_model *m, const struct inside_dialogue *d)
{
	return (struct supposed){ d->tag, d->server < 0 ? NULL : &m->servers[d->server], d->client < 0 ? NULL : &m->clients[d->client] };
}

static void print_reading(const struct inside_reading *r, FILE *out)
{
	if (r->meaning == MEANINGS)
		fprintf(out, "  -");
	else
		fprintf(out, "  %s (%.1f %.1f %.1f)", meaning_kinds[r->meaning].word, (double)r->size, (double)r->delay, (double)r->follows);
}

static void print_step(const struct sight *sight, const struct inside *i, const struct supposed *s, int n, FILE *out)
{
	const struct inside_step *step = &i->step[n];
	char span[24];

	if (step->middle) {
		fprintf(out, "  …  many records\n");
		return;
	}
	fprintf(out, "  frame %" PRIu32 "  %s %u", step->at.frame, step->from == FROM_CLIENT ? "C" : "S", step->all.least);
	if (step->all.most != step->all.least)
		fprintf(out, "-%u", step->all.most);
	if (step->first.least != step->all.least)
		fprintf(out, " (%u first)", step->first.least);
	fprintf(out, "  +%s", span_text(step->after, span, sizeof span));
	print_reading(&i->best.reading[n], out);
	if (i->has_second && i->second.reading[n].meaning != i->best.reading[n].meaning) {
		fputs("  |", out);
		print_reading(&i->second.reading[n], out);
	}
	fputs("  ;", out);
	print_meanings(sight, s, n, out);
	fputc('\n', out);
}

static void print_dialogue(const struct inside_model *m, const char *which, const struct inside_dialogue *d, FILE *out)
{
	fprintf(out, "  %s: %s %.1f, ending %.1f; tags of %d, client %s, server %s\n", which, word_of(d->what), d->score, (double)d->ending, d->tag,
		d->client < 0 ? "unknown" : m->clients[d->client].name, d->server < 0 ? "unknown" : m->servers[d->server].name);
}

void infer_explain(const struct inside_model *model, const struct inside_case *c, FILE *out)
{
	struct inside i;
	struct sight sight;
	char span[24], says[200];

	if (!infer(model, c, &i) || !sight_of(model, c, &sight)) {
		fprintf(out, "inside TLS: nothing to infer from\n");
		return;
	}
	struct supposed s = supposed_by(model, &i.best);
	fprintf(out, "inside TLS: %s, %d per mille over the next best\n", word_of(i.what), i.margin);
	print_dialogue(model, "best", &i.best, out);
	if (i.has_second)
		print_dialogue(model, "next", &i.second, out);
	for (int n = 0; n < i.steps; n++)
		print_step(&sight, &i, &s, n, out);
	fprintf(out, "  %s after %s\n", enumeration_words(ENUM_end)[c->ended], span_text(c->end - i.step[i.steps - 1].at.time, span, sizeof span));
	for (int n = 0; n < i.terms; n++) {
		infer_term_says(&i, n, says, sizeof says);
		fprintf(out, "  %+.1f  %s%s", (double)i.term[n].weight, says, i.term[n].step < 0 ? "\n" : "");
		if (i.term[n].step >= 0)
			fprintf(out, ", frame %" PRIu32 "\n", i.step[i.term[n].step].at.frame);
	}
}
