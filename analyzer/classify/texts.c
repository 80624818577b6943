/* What servers' texts mean, who intercepts, what to advise: the data files beside the rules. */
#include "loaded.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any text that facts keep. */
#define LONGEST 1024
#define ENTRIES_MOST 8192

static const char *const places[] = { "login", "bye", "command", "greeting", NULL };
/* In the order of the bits that server_text.status holds. */
static const char *const statuses[] = { "no", "bad", "bye", "ok", NULL };

static int status_bit(enum word_status status)
{
	static const int8_t bits[] = { [WORD_status_no] = 1, [WORD_status_bad] = 2, [WORD_status_bye] = 4, [WORD_status_ok] = 8,
				       [WORD_status_preauth] = 0 };
	return (size_t)status < sizeof bits ? bits[status] : 0;
}

/* --- server-texts.yaml --- */

void server_text_free(struct server_text *t)
{
	for (int i = 0; i < t->code_count; i++)
		free(t->codes[i]);
	for (int i = 0; i < t->text_count; i++)
		free(t->texts[i]);
}

static uint8_t read_bits(struct document *d, yaml_node_t *n, const char *what, const char *const *list)
{
	struct items items;
	yaml_node_t *item;
	uint8_t bits = 0;

	if (!document_items(d, n, what, true, &items))
		return 0;
	while ((item = items_next(d, &items))) {
		int number = document_word(d, item, what, list);
		if (number >= 0)
			bits |= (uint8_t)(1u << number);
	}
	return bits;
}

static char *lower_copy(const char *text)
{
	size_t room = strlen(text) + 1;
	char *copy = malloc(room);
	return copy ? lower_into(copy, room, text) : NULL;
}

static void read_needles(struct document *d, yaml_node_t *n, const char *what, char **into, int *count)
{
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, what, true, &items))
		return;
	if (items.count > TEXT_MOST_NEEDLES || items.count == 0) {
		document_problem(d, n, "%s: 1 to %d are expected", what, TEXT_MOST_NEEDLES);
		return;
	}
	while ((item = items_next(d, &items))) {
		const char *text = document_text(d, item, what);
		char *copy = text ? lower_copy(text) : NULL;
		if (copy)
			into[(*count)++] = copy;
		else if (text)
			document_problem(d, item, "out of memory");
	}
}

static void read_where(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	*(uint8_t *)into = read_bits(d, n, word, places);
}

static void read_status(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	*(uint8_t *)into = read_bits(d, n, word, statuses);
}

static void read_code(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct server_text *t = into;
	read_needles(d, n, word, t->codes, &t->code_count);
}

static void read_text(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct server_text *t = into;
	read_needles(d, n, word, t->texts, &t->text_count);
}

static void read_means(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	int number = document_word(d, n, "refusal", enumeration_words(ENUM_refusal));

	(void)what;
	*(enum word_refusal *)into = (enum word_refusal)(number < 0 ? 0 : number);
}

void load_server_texts(struct rules *r, struct document *d)
{
	static const struct key keys[] = {
		{ "where", true, read_where, offsetof(struct server_text, where) },
		{ "status", false, read_status, offsetof(struct server_text, status) },
		{ "code", false, read_code, 0 },
		{ "text", false, read_text, 0 },
		{ "means", true, read_means, offsetof(struct server_text, means) },
		{ "source", false, key_note, 0 },
		{ NULL, false, NULL, 0 },
	};
	yaml_node_t *root = document_root(d), *item;
	struct items items;

	if (!root || !document_items(d, root, "server texts", false, &items))
		return;
	while ((item = items_next(d, &items))) {
		struct server_text *list = r->server_text_count < ENTRIES_MOST
						   ? rules_grow(r->server_texts, r->server_text_count, &r->server_text_room, sizeof *list)
						   : NULL;
		if (!list) {
			document_problem(d, item, "no room for another entry");
			return;
		}
		r->server_texts = list;
		struct server_text *t = &list[r->server_text_count++];
		*t = (struct server_text){ 0 };
		int before = d->problems->count;
		document_read(d, item, "entry", keys, t);
		if (before == d->problems->count && !t->status && !t->code_count && !t->text_count)
			document_problem(d, item, "entry: at least one of `status`, `code`, `text` is needed");
	}
}

static bool any_same(char *const *codes, int count, const char *code)
{
	for (int i = 0; i < count; i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return count == 0;
}

static bool any_within(char *const *needles, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (strstr(text, needles[i]))
			return true;
	return count == 0;
}

enum word_refusal rules_refusal(const struct rules *r, const char *where, enum word_status status, const char *code, const char *text)
{
	char lower_code[64], lower_text[LONGEST];
	int place = list_number(places, where);
	int bit = status_bit(status);

	lower_into(lower_code, sizeof lower_code, code ? code : "");
	lower_into(lower_text, sizeof lower_text, text ? text : "");
	for (int i = 0; i < r->server_text_count; i++) {
		const struct server_text *t = &r->server_texts[i];
		if (place >= 0 && t->where & 1u << place && (!t->status || t->status & bit) &&
		    any_same(t->codes, t->code_count, lower_code) && any_within(t->texts, t->text_count, lower_text))
			return t->means;
	}
	return WORD_refusal_unclassified;
}

/* --- interception-issuers.yaml --- */

struct product {
	const char *name;
	char *needles[TEXT_MOST_NEEDLES * 4];
	int count;
};

static void read_issuer(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct product *p = into;
	read_needles(d, n, word, p->needles, &p->count);
}

static void add_product(struct rules *r, struct document *d, const yaml_node_t *at, const struct product *p)
{
	for (int i = 0; i < p->count; i++) {
		struct issuer *list = r->issuer_count < ENTRIES_MOST ? rules_grow(r->issuers, r->issuer_count, &r->issuer_room, sizeof *list) : NULL;
		if (!list) {
			document_problem(d, at, "no room for another issuer");
			free(p->needles[i]);
			continue;
		}
		r->issuers = list;
		r->issuers[r->issuer_count++] = (struct issuer){ p->name ? p->name : "", p->needles[i] };
	}
}

void load_issuers(struct rules *r, struct document *d)
{
	static const struct key keys[] = {
		{ "product", true, key_text, offsetof(struct product, name) }, { "issuer", true, read_issuer, 0 },
		{ "kind", false, key_note, 0 }, { "source", false, key_note, 0 }, { NULL, false, NULL, 0 }
	};
	yaml_node_t *root = document_root(d), *item;
	struct items items;

	if (!root || !document_items(d, root, "issuers", false, &items))
		return;
	while ((item = items_next(d, &items))) {
		struct product p = { 0 };
		document_read(d, item, "entry", keys, &p);
		add_product(r, d, item, &p);
	}
}

const char *rules_interceptor(const struct rules *r, const char *issuer)
{
	char lower[LONGEST];

	lower_into(lower, sizeof lower, issuer ? issuer : "");
	for (int i = 0; i < r->issuer_count; i++)
		if (strstr(lower, r->issuers[i].needle))
			return r->issuers[i].product;
	return NULL;
}

/* --- advice.yaml --- */

#define DEFAULT_ADVICE MECHANISM_MOST

static void read_sentences(struct document *d, yaml_node_t *n, const char *language, const char **by_mechanism)
{
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, language, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		char hint[HINT_ROOM];
		int number = strcmp(word, "default") == 0 ? DEFAULT_ADVICE : mechanism_number(word);
		if (number < 0)
			document_problem(d, at, "neither `default` nor a mechanism: `%.60s`%s", word,
					 nearest_hint(word, word_of_mechanism, NULL, hint));
		else if (by_mechanism[number])
			document_problem(d, at, "`%s` is given twice", word);
		else
			by_mechanism[number] = document_text(d, value, word);
	}
}

static void read_step(struct rules *r, struct document *d, yaml_node_t *n, int step)
{
	struct items pairs;
	yaml_node_t *value;
	int language;

	if (!document_pairs(d, n, steps[step], &pairs))
		return;
	while (pairs_next_word(d, &pairs, "language", languages, &language, &value))
		read_sentences(d, value, languages[language], r->advice[step][language]);
}

static void tell_missing(struct document *d, int step, const char *word, const char *where)
{
	document_problem(d, NULL, "step `%s`: `%s` is missing in %s", steps[step], word, where);
}

/* What one language says of a mechanism the other must say too, or people are told less in it. */
static void check_complete(const struct rules *r, struct document *d)
{
	for (int step = 0; step < STEP_COUNT; step++) {
		const char *const(*of)[MECHANISM_MOST + 1] = r->advice[step];
		for (int m = 0; mechanisms[m].word; m++)
			if (!of[0][m] != !of[1][m])
				tell_missing(d, step, mechanisms[m].word, of[0][m] ? "ar" : "en");
		if (!of[0][DEFAULT_ADVICE] && !of[1][DEFAULT_ADVICE])
			tell_missing(d, step, "default", "en and ar");
		else if (!of[0][DEFAULT_ADVICE] != !of[1][DEFAULT_ADVICE])
			tell_missing(d, step, "default", of[0][DEFAULT_ADVICE] ? "ar" : "en");
	}
}

void load_advice(struct rules *r, struct document *d)
{
	struct items pairs;
	yaml_node_t *root = document_root(d), *value;
	int step;

	if (!root || !document_pairs(d, root, "advice", &pairs)) {
		if (!root)
			document_problem(d, NULL, "no advice there");
		return;
	}
	while (pairs_next_word(d, &pairs, "step", steps, &step, &value))
		read_step(r, d, value, step);
	check_complete(r, d);
}

const char *rules_advice(const struct rules *r, const char *language, const char *step, const char *mechanism)
{
	int l = language ? list_number(languages, language) : 0, s = list_number(steps, step);
	int m = mechanism ? mechanism_number(mechanism) : -1;

	if (s < 0)
		return step;
	const char *const *by_mechanism = r->advice[s][l < 0 ? 0 : l];
	if (m >= 0 && by_mechanism[m])
		return by_mechanism[m];
	return by_mechanism[DEFAULT_ADVICE] ? by_mechanism[DEFAULT_ADVICE] : step;
}
