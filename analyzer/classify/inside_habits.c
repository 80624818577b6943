/* inside-tls.yaml: what follows what in a dialogue, for all or for one client. */
#include <string.h>

#include "inside_parts.h"
#include "numbers.h"

static const char *meaning_at(const void *unused, int n)
{
	(void)unused;
	return n < MEANINGS ? meaning_kinds[n].word : NULL;
}

static const char *phase_at(const void *unused, int n)
{
	(void)unused;
	return n < PHASES ? phase_kinds[n].word : NULL;
}

static int known_word(struct document *d, const yaml_node_t *at, const char *what, const char *word, int number, word_at *words)
{
	char hint[HINT_ROOM];

	if (number < 0)
		document_problem(d, at, "unknown %s `%.60s`%s", what, word, nearest_hint(word, words, NULL, hint));
	return number;
}

int inside_meaning_of(struct document *d, const yaml_node_t *at, const char *word)
{
	return known_word(d, at, "meaning", word, meaning_by_word(word), meaning_at);
}

static void read_ends(struct document *d, yaml_node_t *n, double ends[ENDS][END_SPANS])
{
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, "ends", &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		char hint[HINT_ROOM];
		int end = enumeration_number(ENUM_end, word);
		if (end < 0 || end >= ENDS)
			document_problem(d, at, "unknown end `%.60s`%s", word, nearest_in_list(word, enumeration_words(ENUM_end), hint));
		else
			document_row(d, value, word, END_SPANS, ends[end]);
	}
}

static void read_phase(struct document *d, yaml_node_t *n, int phase, struct inside_habits *into)
{
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;
	double sum = 0;

	if (!document_pairs(d, n, phase_kinds[phase].word, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		if (strcmp(word, "ends") == 0) {
			read_ends(d, value, into->end[phase]);
			continue;
		}
		int meaning = inside_meaning_of(d, at, word);
		int step = meaning < 0 ? -1 : dialogue_step_of((enum phase)phase, (enum meaning)meaning);
		if (step >= 0)
			document_number(d, value, word, 1e9, &into->step[step]);
		else if (meaning >= 0)
			document_problem(d, at, "`%s` does not follow `%s`", word, phase_kinds[phase].word);
	}
	double *ends = into->end[phase][0];
	for (int i = 0; i < dialogue_step_count; i++)
		sum += dialogue_steps[i].phase == phase ? into->step[i] : 0;
	for (int i = 0; i < ENDS * END_SPANS; i++)
		sum += ends[i];
	if (sum <= 0)
		document_problem(d, n, "%s: all are 0", phase_kinds[phase].word);
	for (int i = 0; i < dialogue_step_count && sum > 0; i++)
		into->step[i] /= dialogue_steps[i].phase == phase ? sum : 1;
	for (int i = 0; i < ENDS * END_SPANS && sum > 0; i++)
		ends[i] /= sum;
	into->given[phase] = true;
}

void inside_habits_read(struct document *d, yaml_node_t *n, const char *what, struct inside_habits *into)
{
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		int phase = known_word(d, at, "phase", word, phase_by_word(word), phase_at);
		if (phase >= 0 && into->given[phase])
			document_problem(d, at, "`%s` is given twice", word);
		else if (phase >= 0)
			read_phase(d, value, phase, into);
	}
}
