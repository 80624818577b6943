/* inside-tls.yaml: how dialogues inside TLS look without keys. Rows of counts or shares are brought to a sum of 1. */
#include "loaded.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_MOST 65536

/* --- numbers --- */

/* Not strtod: the decimal point is a point in every locale. `rest` is what stands behind the number. */
static bool decimal(const char *text, double *into, const char **rest)
{
	double value = 0, place = 1;
	const char *c = text;

	for (; *c >= '0' && *c <= '9' && value < 1e12; c++)
		value = value * 10 + (*c - '0');
	if (*c == '.' && c > text)
		for (c++; *c >= '0' && *c <= '9'; c++)
			value += (*c - '0') * (place /= 10);
	*into = value;
	*rest = c;
	return c > text;
}

static bool number(struct document *d, yaml_node_t *n, const char *what, double most, double *into)
{
	const char *text = document_text(d, n, what), *rest;
	double value;

	if (!text)
		return false;
	if (!decimal(text, &value, &rest) || *rest || value > most) {
		document_problem(d, n, "%s `%.60s`: a number from 0 to %g is expected", what, text, most);
		return false;
	}
	*into = value;
	return true;
}

static bool duration(struct document *d, yaml_node_t *n, const char *what, nanoseconds *into)
{
	static const struct {
		const char *word;
		nanoseconds unit;
	} units[] = { { "ms", MILLISECOND }, { "s", SECOND }, { "m", MINUTE } };
	const char *text = document_text(d, n, what), *rest;
	double value;

	for (size_t i = 0; text && i < sizeof units / sizeof *units; i++)
		if (decimal(text, &value, &rest) && strcmp(rest, units[i].word) == 0 && value < 1e6) {
			*into = (nanoseconds)(value * (double)units[i].unit);
			return true;
		}
	if (text)
		document_problem(d, n, "%s `%.60s`: a span like 300ms, 1.5s or 3m is expected", what, text);
	return false;
}

/* A list of numbers of exactly that length. */
static bool row(struct document *d, yaml_node_t *n, const char *what, int count, double *into)
{
	struct items items;
	yaml_node_t *item;
	bool good = true;

	if (!document_items(d, n, what, false, &items))
		return false;
	if (items.count != count) {
		document_problem(d, n, "%s: %d numbers are expected, not %d", what, count, items.count);
		return false;
	}
	for (int i = 0; (item = items_next(d, &items)); i++)
		good = number(d, item, what, 1e9, &into[i]) && good;
	return good;
}

static bool to_shares(struct document *d, yaml_node_t *n, const char *what, int count, double *list)
{
	double sum = 0;

	for (int i = 0; i < count; i++)
		sum += list[i];
	if (sum <= 0) {
		document_problem(d, n, "%s: all are 0", what);
		return false;
	}
	for (int i = 0; i < count; i++)
		list[i] /= sum;
	return true;
}

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

static int meaning_of(struct document *d, const yaml_node_t *at, const char *word)
{
	return known_word(d, at, "meaning", word, meaning_by_word(word), meaning_at);
}

/* --- texts --- */

/* `{20-60}` stands for as many bytes. False: it is none. */
static bool varying(const char **at, struct inside_text *t)
{
	unsigned least = 0, most = 0;
	int len = 0;

	if (sscanf(*at, "{%5u-%5u}%n", &least, &most, &len) < 2 || !len || least > most || t->most + most >= LENGTH_MOST)
		return false;
	t->least = (uint16_t)(t->least + least);
	t->most = (uint16_t)(t->most + most);
	*at += len;
	return true;
}

static bool text_length(struct document *d, const yaml_node_t *n, const char *text, struct inside_text *t)
{
	bool line = true;

	for (const char *c = text; *c;) {
		if (line && strncmp(c, "TAG ", 4) == 0) {
			if (t->tagged) {
				document_problem(d, n, "`%.60s`: a second TAG", text);
				return false;
			}
			t->tagged = true;
			c += 3;
		}
		line = *c == '\n';
		if (*c == '{' && varying(&c, t))
			continue;
		if (*c == '{' || t->most >= LENGTH_MOST - 3) {
			document_problem(d, n, "`%.60s`: `{` begins what varies, like {20-60}", text);
			return false;
		}
		t->least++;
		t->most++;
		c++;
	}
	t->least = (uint16_t)(t->least + 2); /* CRLF */
	t->most = (uint16_t)(t->most + 2);
	return true;
}

static void read_texts(struct document *d, yaml_node_t *n, int meaning, struct inside_text *list, int most, int *count)
{
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, "texts", true, &items))
		return;
	while ((item = items_next(d, &items))) {
		const char *text = document_text(d, item, "text");
		struct inside_text t = { .meaning = (uint8_t)meaning };
		if (!text || !text_length(d, item, text, &t))
			continue;
		if (*count == most) {
			document_problem(d, item, "more than %d texts", most);
			return;
		}
		list[(*count)++] = t;
	}
}

/* --- meanings --- */

struct reading {
	struct inside_model *model;
	struct inside_meaning *row;
	int meaning;
};

static void read_row_sizes(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct reading *r = into;
	const struct inside_model *m = r->model;
	double from = 0;

	if (!row(d, n, word, m->size_count, r->row->size) || !to_shares(d, n, word, m->size_count, r->row->size))
		return;
	for (int i = 0; i < m->size_count; i++) {
		r->row->size[i] /= m->size_edge[i] - from;
		from = m->size_edge[i];
	}
}

static void read_row_delays(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct reading *r = into;

	if (row(d, n, word, r->model->delay_count, r->row->delay))
		to_shares(d, n, word, r->model->delay_count, r->row->delay);
}

static void read_row_exact(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	number(d, n, word, 1, &((struct reading *)into)->row->exact);
}

static void read_row_texts(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct reading *r = into;

	(void)word;
	read_texts(d, n, r->meaning, r->row->texts, MEANING_TEXTS_MOST, &r->row->text_count);
}

static void read_meanings(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	static const struct key keys[] = { { "sizes", true, read_row_sizes }, { "delays", true, read_row_delays }, { "exact", false, read_row_exact },
					   { "texts", false, read_row_texts }, { NULL, false, NULL } };
	struct inside_model *m = into;
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		int meaning = meaning_of(d, at, word);
		if (meaning < 0)
			continue;
		struct reading r = { m, &m->meaning[meaning], meaning };
		if (r.row->given)
			document_problem(d, at, "`%s` is given twice", word);
		r.row->given = true;
		document_read(d, value, word, keys, &r);
	}
	for (int i = 0; i < MEANINGS; i++)
		if (!m->meaning[i].given)
			document_problem(d, n, "meaning `%s` is missing", meaning_kinds[i].word);
}

/* --- what follows what --- */

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
			row(d, value, word, END_SPANS, ends[end]);
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
		int meaning = meaning_of(d, at, word);
		int step = meaning < 0 ? -1 : dialogue_step_of((enum phase)phase, (enum meaning)meaning);
		if (step >= 0)
			number(d, value, word, 1e9, &into->step[step]);
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

static void read_habits(struct document *d, yaml_node_t *n, const char *what, struct inside_habits *into)
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

static void read_follows(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_model *m = into;

	read_habits(d, n, word, &m->usual);
	for (int i = 0; i < PHASES; i++)
		if (!m->usual.given[i])
			document_problem(d, n, "phase `%s` is missing", phase_kinds[i].word);
}

/* --- servers and clients --- */

#define NAME_READER(kind) \
	static void read_##kind##_name(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		((struct inside_##kind *)into)->name = document_text(d, n, word); \
	} \
	static void read_##kind##_share(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		number(d, n, word, 1, &((struct inside_##kind *)into)->share); \
	}
NAME_READER(server)
NAME_READER(client)

static void read_server_says(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct inside_server *s = into;
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		int meaning = meaning_of(d, at, word);
		if (meaning < 0)
			continue;
		if (meaning_kinds[meaning].from != FROM_SERVER)
			document_problem(d, at, "`%s` is said by clients", word);
		read_texts(d, value, meaning, s->texts, TEXTS_MOST, &s->text_count);
		s->meanings |= 1u << meaning;
	}
}

static void read_server_delays(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct inside_server *s = into;
	struct items pairs, spans;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		int meaning = meaning_of(d, at, word);
		if (meaning < 0 || !document_items(d, value, word, false, &spans))
			continue;
		if (spans.count != 2) {
			document_problem(d, value, "%s: two spans are expected, the shortest and the longest", word);
			continue;
		}
		for (int i = 0; i < 2; i++)
			duration(d, items_next(d, &spans), word, &s->delay[meaning][i]);
	}
}

static void read_client_tags(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_client *c = into;
	double tags[2];

	if (!row(d, n, word, 2, tags))
		return;
	if (tags[0] < 1 || tags[1] > TAGS_MOST || tags[0] > tags[1])
		document_problem(d, n, "%s: the shortest and the longest tag, from 1 to %d", word, TAGS_MOST);
	c->tag_least = (uint8_t)tags[0];
	c->tag_most = (uint8_t)tags[1];
}

static void read_client_follows(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	read_habits(d, n, word, &((struct inside_client *)into)->habits);
}

static void read_list(struct document *d, yaml_node_t *n, const char *what, const struct key *keys, int most, size_t size, void *list, int *count)
{
	struct items items;
	yaml_node_t *item;

	if (!list || !document_items(d, n, what, false, &items))
		return;
	while ((item = items_next(d, &items))) {
		if (*count == most) {
			document_problem(d, item, "%s: more than %d", what, most);
			return;
		}
		document_read(d, item, what, keys, (char *)list + (size_t)(*count)++ * size);
	}
}

static void check_shares(struct document *d, const yaml_node_t *n, const char *what, double sum)
{
	if (sum >= 1)
		document_problem(d, n, "%s: their shares leave nothing for those that are not known", what);
}

static void read_servers(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	static const struct key keys[] = { { "name", true, read_server_name }, { "share", true, read_server_share }, { "says", true, read_server_says },
					   { "delays", false, read_server_delays }, { NULL, false, NULL } };
	struct inside_model *m = into;
	double sum = 0;

	m->servers = calloc(SERVERS_MOST, sizeof *m->servers);
	read_list(d, n, what, keys, SERVERS_MOST, sizeof *m->servers, m->servers, &m->server_count);
	for (int i = 0; i < m->server_count; i++)
		sum += m->servers[i].share;
	check_shares(d, n, what, sum);
}

static void read_clients(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	static const struct key keys[] = { { "name", true, read_client_name }, { "share", true, read_client_share }, { "tags", true, read_client_tags },
					   { "follows", false, read_client_follows }, { NULL, false, NULL } };
	struct inside_model *m = into;
	double sum = 0;

	m->clients = calloc(CLIENTS_MOST, sizeof *m->clients);
	read_list(d, n, what, keys, CLIENTS_MOST, sizeof *m->clients, m->clients, &m->client_count);
	for (int i = 0; i < m->client_count; i++)
		sum += m->clients[i].share;
	check_shares(d, n, what, sum);
}

/* --- the whole --- */

static void read_threshold(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	double value = 0;

	number(d, n, word, 1000, &value);
	((struct inside_model *)into)->threshold = (int)value;
}

#define WEIGHT_READER(member, most) \
	static void read_##member(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		number(d, n, word, most, &((struct inside_model *)into)->member); \
	}
WEIGHT_READER(exact, 1)
WEIGHT_READER(timely, 1)
WEIGHT_READER(odd, 1)
WEIGHT_READER(sharpness, 1)
WEIGHT_READER(known, 1000)
WEIGHT_READER(again, 1)
WEIGHT_READER(otherwise, 1)
WEIGHT_READER(specific, 100)

static void read_tags(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_model *m = into;

	if (row(d, n, word, TAGS_MOST, m->tag + 1))
		to_shares(d, n, word, TAGS_MOST, m->tag + 1);
}

static void read_sizes(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_model *m = into;
	struct items items;
	yaml_node_t *item;
	double edge = 0;

	if (!document_items(d, n, word, false, &items))
		return;
	while ((item = items_next(d, &items))) {
		double before = edge;
		if (m->size_count == BUCKETS_MOST - 1 || !number(d, item, word, LENGTH_MOST - 1, &edge) || edge <= before) {
			document_problem(d, item, "%s: at most %d lengths, each greater than the one before", word, BUCKETS_MOST - 1);
			return;
		}
		m->size_edge[m->size_count++] = (uint32_t)edge;
	}
	m->size_edge[m->size_count++] = LENGTH_MOST;
}

static void read_delays(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_model *m = into;
	struct items items;
	yaml_node_t *item;
	nanoseconds edge = 0;

	if (!document_items(d, n, word, false, &items))
		return;
	while ((item = items_next(d, &items))) {
		nanoseconds before = edge;
		if (m->delay_count == BUCKETS_MOST - 1 || !duration(d, item, word, &edge) || edge <= before) {
			document_problem(d, item, "%s: at most %d spans, each greater than the one before", word, BUCKETS_MOST - 1);
			return;
		}
		m->delay_edge[m->delay_count++] = edge;
	}
	m->delay_edge[m->delay_count++] = INT64_MAX;
}

void load_inside(struct rules *r, struct document *d)
{
	/* The edges stand first: the rows are read by them. */
	static const struct key keys[] = {
		{ "sizes", true, read_sizes },         { "delays", true, read_delays }, { "threshold", true, read_threshold },
		{ "sharpness", true, read_sharpness }, { "exact", true, read_exact },   { "timely", true, read_timely },
		{ "odd", true, read_odd },             { "known", true, read_known }, { "again", true, read_again },
		{ "otherwise", true, read_otherwise }, { "specific", true, read_specific }, { "tags", true, read_tags },
		{ "meanings", true, read_meanings },   { "follows", true, read_follows }, { "servers", true, read_servers },
		{ "clients", true, read_clients },     { NULL, false, NULL },
	};
	yaml_node_t *root = document_root(d);
	int before = d->problems->count;

	if (!root) {
		document_problem(d, NULL, "nothing there");
		return;
	}
	document_read(d, root, "dialogues", keys, &r->inside);
	inside_ready(&r->inside);
	r->inside.loaded = before == d->problems->count;
}

void inside_free(struct inside_model *m)
{
	free(m->servers);
	free(m->clients);
}

const struct inside_model *rules_inside(const struct rules *r)
{
	return &r->inside;
}
