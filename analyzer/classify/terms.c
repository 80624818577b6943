/* Terms that rules share: each is judged once a session, whatever the number of rules that ask it. */
#include "loaded.h"

#include <stdlib.h>
#include <string.h>

static bool same_value(const struct expression *x, const struct node *a, const struct expression *y, const struct node *b)
{
	bool is_text = (a->kind == NODE_TEXT || a->kind == NODE_VALUE) && fact_kinds[a->fact].type == FACT_TEXT;

	return is_text ? strcmp(x->strings + a->value, y->strings + b->value) == 0 : a->value == b->value;
}

/* Whether two nodes with all under them ask the same, however it was written. */
static bool same_nodes(const struct expression *x, int i, const struct expression *y, int j)
{
	int span = x->nodes[i].span;

	for (int n = 0; n < span; n++) {
		const struct node *a = &x->nodes[i + n], *b = &y->nodes[j + n];
		if (a->kind != b->kind || a->op != b->op || a->fact != b->fact || a->right != b->right || a->span != b->span ||
		    !same_value(x, a, y, b))
			return false;
	}
	return true;
}

unsigned fact_openness(int fact)
{
	return FACT_INFERRED(fact) ? OPEN_INFERRED : fact_drifts((enum fact_id)fact) ? OPEN_DRIFTING : 0;
}

/* Of what kinds of facts a node with all under it asks, bits of enum open. */
static unsigned kinds_asked(const struct expression *e, int at)
{
	unsigned kinds = 0;

	for (int i = at; i < at + e->nodes[at].span; i++) {
		const struct node *n = &e->nodes[i];
		if (n->kind > NODE_NOT)
			kinds |= fact_openness(n->fact) | (n->kind == NODE_COMPARE_FACTS ? fact_openness(n->right) : 0);
	}
	return kinds;
}

/* The number of the term that stands there, new if no rule before asked it. */
static uint16_t number_of(struct rules *r, const struct expression *e, int at)
{
	for (int i = 0; i < r->term_count; i++)
		if (same_nodes(e, at, r->terms[i].expression, r->terms[i].at))
			return r->terms[i].rules++, (uint16_t)i;
	if (r->term_count == TERMS_MOST)
		return TERM_ALONE;
	r->terms[r->term_count] = (struct term){ e, at, kinds_asked(e, at), 1, NULL };
	return (uint16_t)r->term_count++;
}

static int shared_by(const struct rules *r, struct ask ask)
{
	return ask.term == TERM_ALONE ? 0 : r->terms[ask.term].rules;
}

static bool number_rule(struct rules *r, struct loaded_rule *l)
{
	const struct expression *e = &l->when;
	bool list = e->nodes[0].kind == NODE_AND;

	l->asks = malloc((size_t)e->count * sizeof *l->asks);
	if (!l->asks)
		return false;
	for (int at = list ? 1 : 0; at < e->count; at += e->nodes[at].span)
		l->asks[l->ask_count++] = (struct ask){ number_of(r, e, at), (uint16_t)at };
	return true;
}

/* Terms that many rules share are asked first: their answer is mostly known by then, and one that fails spares the others. */
static void sort_asks(const struct rules *r, struct loaded_rule *l)
{
	for (int i = 1; i < l->ask_count; i++)
		for (int j = i; j > 0 && shared_by(r, l->asks[j]) > shared_by(r, l->asks[j - 1]); j--) {
			struct ask later = l->asks[j];
			l->asks[j] = l->asks[j - 1];
			l->asks[j - 1] = later;
		}
}

static void mark_rule(uint64_t *set, int rule)
{
	set[rule / 64] |= (uint64_t)1 << rule % 64;
}

static bool make_sets(struct rules *r)
{
	size_t words = r->words = ((size_t)r->count + 64 * BLOCK - 1) / (64 * BLOCK) * BLOCK;
	uint64_t *set = r->rule_sets = calloc((2 + (size_t)r->term_count + NEEDS_MOST) * words, sizeof *set);

	if (!set)
		return false;
	set += words;
	for (int i = 0; i < r->term_count; i++)
		r->terms[i].asked_by = set += words;
	for (int i = 0; i < r->count; i++) {
		const struct loaded_rule *l = &r->list[i];
		if (l->accuses)
			mark_rule(r->rule_sets, i);
		mark_rule(r->rule_sets + words, i);
		for (int a = 0; a < l->ask_count; a++)
			if (l->asks[a].term != TERM_ALONE)
				mark_rule(r->terms[l->asks[a].term].asked_by, i);
	}
	r->need_sets = set + words;
	needs_find(r);
	return true;
}

bool terms_number(struct rules *r)
{
	r->terms = malloc(TERMS_MOST * sizeof *r->terms);
	if (!r->terms)
		return false;
	for (int i = 0; i < r->count; i++)
		if (!number_rule(r, &r->list[i]))
			return false;
	for (int i = 0; i < r->count; i++)
		sort_asks(r, &r->list[i]);
	return make_sets(r);
}

void judging_begin(struct judging *j, const struct rules *r, const struct fact_view *view, const struct texts *texts, unsigned open)
{
	j->rules = r;
	j->view = view;
	j->texts = texts;
	j->open = open;
	memset(j->known, 0, (size_t)r->term_count);
}

static bool judge(const struct judging *j, const struct expression *e, int at, unsigned kinds)
{
	if (kinds & j->open & OPEN_DRIFTING)
		return true;
	return expression_judge(e, at, j->view, j->texts) >= (kinds & j->open ? IS_UNKNOWN : IS_TRUE);
}

bool ask_holds(struct judging *j, const struct loaded_rule *rule, struct ask ask)
{
	if (ask.term == TERM_ALONE)
		return judge(j, &rule->when, ask.at, kinds_asked(&rule->when, ask.at));
	if (!j->known[ask.term]) {
		const struct term *t = &j->rules->terms[ask.term];
		j->known[ask.term] = judge(j, t->expression, t->at, t->asks) ? TERM_HOLDS : TERM_FAILS;
	}
	return j->known[ask.term] == TERM_HOLDS;
}
