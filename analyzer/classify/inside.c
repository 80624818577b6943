/* inside-tls.yaml: how dialogues inside TLS look without keys. Rows of counts or shares are brought to a sum of 1. */
#include <stddef.h>
#include <stdlib.h>

#include "inside_parts.h"
#include "loaded.h"
#include "numbers.h"

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

	if (!document_row(d, n, word, m->size_count, r->row->size) || !shares_of(d, n, word, m->size_count, r->row->size))
		return;
	for (int i = 0; i < m->size_count; i++) {
		r->row->size[i] /= m->size_edge[i] - from;
		from = m->size_edge[i];
	}
}

static void read_row_delays(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct reading *r = into;

	if (document_row(d, n, word, r->model->delay_count, r->row->delay))
		shares_of(d, n, word, r->model->delay_count, r->row->delay);
}

static void read_row_exact(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	document_number(d, n, word, 1, &((struct reading *)into)->row->exact);
}

static void read_row_texts(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct reading *r = into;

	(void)word;
	inside_texts_read(d, n, r->meaning, r->row->texts, MEANING_TEXTS_MOST, &r->row->text_count);
}

static void read_meanings(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	static const struct key keys[] = {
		{ "sizes", true, read_row_sizes, 0 }, { "delays", true, read_row_delays, 0 }, { "exact", false, read_row_exact, 0 },
		{ "texts", false, read_row_texts, 0 }, { NULL, false, NULL, 0 },
	};
	struct inside_model *m = into;
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		int meaning = inside_meaning_of(d, at, word);
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

/* --- what follows what, whoever speaks --- */

static void read_follows(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_model *m = into;

	inside_habits_read(d, n, word, &m->usual);
	for (int i = 0; i < PHASES; i++)
		if (!m->usual.given[i])
			document_problem(d, n, "phase `%s` is missing", phase_kinds[i].word);
}

/* --- servers and clients --- */

static void read_server_says(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct inside_server *s = into;
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, what, &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		int meaning = inside_meaning_of(d, at, word);
		if (meaning < 0)
			continue;
		if (meaning_kinds[meaning].from != FROM_SERVER)
			document_problem(d, at, "`%s` is said by clients", word);
		inside_texts_read(d, value, meaning, s->texts, TEXTS_MOST, &s->text_count);
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
		int meaning = inside_meaning_of(d, at, word);
		if (meaning < 0 || !document_items(d, value, word, false, &spans))
			continue;
		if (spans.count != 2) {
			document_problem(d, value, "%s: two spans are expected, the shortest and the longest", word);
			continue;
		}
		for (int i = 0; i < 2; i++)
			document_span(d, items_next(d, &spans), word, &s->delay[meaning][i]);
	}
}

static void read_client_tags(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_client *c = into;
	double tags[2];

	if (!document_row(d, n, word, 2, tags))
		return;
	if (tags[0] < 1 || tags[1] > TAGS_MOST || tags[0] > tags[1])
		document_problem(d, n, "%s: the shortest and the longest tag, from 1 to %d", word, TAGS_MOST);
	c->tag_least = (uint8_t)tags[0];
	c->tag_most = (uint8_t)tags[1];
}

static void read_client_follows(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	inside_habits_read(d, n, word, into);
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
	static const struct key keys[] = {
		{ "name", true, key_text, offsetof(struct inside_server, name) },
		{ "share", true, key_share, offsetof(struct inside_server, share) },
		{ "says", true, read_server_says, 0 },
		{ "delays", false, read_server_delays, 0 },
		{ NULL, false, NULL, 0 },
	};
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
	static const struct key keys[] = {
		{ "name", true, key_text, offsetof(struct inside_client, name) },
		{ "share", true, key_share, offsetof(struct inside_client, share) },
		{ "tags", true, read_client_tags, 0 },
		{ "follows", false, read_client_follows, offsetof(struct inside_client, habits) },
		{ NULL, false, NULL, 0 },
	};
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

	document_number(d, n, word, 1000, &value);
	*(int *)into = (int)value;
}

static void read_known(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	document_number(d, n, word, 1000, into);
}

static void read_specific(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	document_number(d, n, word, 100, into);
}

static void read_unlike(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	double *share = into;

	if (document_row(d, n, word, 2, share) && (share[0] > 1 || share[1] > 1))
		document_problem(d, n, "%s: a share is at most 1", word);
}

static void read_tags(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct inside_model *m = into;

	if (document_row(d, n, word, TAGS_MOST, m->tag + 1))
		shares_of(d, n, word, TAGS_MOST, m->tag + 1);
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
		if (m->size_count == BUCKETS_MOST - 1 || !document_number(d, item, word, LENGTH_MOST - 1, &edge) || edge <= before) {
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
		if (m->delay_count == BUCKETS_MOST - 1 || !document_span(d, item, word, &edge) || edge <= before) {
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
		{ "sizes", true, read_sizes, 0 },
		{ "delays", true, read_delays, 0 },
		{ "threshold", true, read_threshold, offsetof(struct inside_model, threshold) },
		{ "sharpness", true, key_share, offsetof(struct inside_model, sharpness) },
		{ "exact", true, key_share, offsetof(struct inside_model, exact) },
		{ "timely", true, key_share, offsetof(struct inside_model, timely) },
		{ "odd", true, key_share, offsetof(struct inside_model, odd) },
		{ "known", true, read_known, offsetof(struct inside_model, known) },
		{ "again", true, key_share, offsetof(struct inside_model, again) },
		{ "unlike", true, read_unlike, offsetof(struct inside_model, unlike) },
		{ "shorter", true, key_share, offsetof(struct inside_model, shorter) },
		{ "otherwise", true, key_share, offsetof(struct inside_model, otherwise) },
		{ "specific", true, read_specific, offsetof(struct inside_model, specific) },
		{ "tags", true, read_tags, 0 },
		{ "meanings", true, read_meanings, 0 },
		{ "follows", true, read_follows, 0 },
		{ "servers", true, read_servers, 0 },
		{ "clients", true, read_clients, 0 },
		{ NULL, false, NULL, 0 },
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
