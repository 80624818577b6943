/* Rules that one look at a few facts takes out: most need a fact that most sessions lack, or the lack of one that most have. */
#include "loaded.h"

#include <string.h>

/* Facts, one of which must be another than nothing, none, 0 for a node to be true. */
struct wanted {
	uint8_t fact[NEED_MOST];
	uint8_t count; /* 0: it may be true all the same */
};

static bool add_fact(struct wanted *w, uint8_t fact)
{
	if (memchr(w->fact, fact, w->count))
		return true;
	if (w->count == NEED_MOST)
		return false;
	w->fact[w->count++] = fact;
	return true;
}

static struct wanted wanted_by(const struct expression *e, int at, const struct fact_view *nothing);

/* Of an `and` the one of its terms that asks for the fewest. */
static struct wanted wanted_by_all(const struct expression *e, int at, const struct fact_view *nothing)
{
	struct wanted least = { .count = 0 };

	for (int i = at + 1; i < at + e->nodes[at].span; i += e->nodes[i].span) {
		struct wanted one = wanted_by(e, i, nothing);
		if (one.count && (!least.count || one.count < least.count))
			least = one;
	}
	return least;
}

static struct wanted wanted_by_any(const struct expression *e, int at, const struct fact_view *nothing)
{
	struct wanted all = { .count = 0 };

	for (int i = at + 1; i < at + e->nodes[at].span; i += e->nodes[i].span) {
		struct wanted one = wanted_by(e, i, nothing);
		for (int n = 0; n < one.count; n++)
			if (!add_fact(&all, one.fact[n]))
				return (struct wanted){ .count = 0 };
		if (!one.count)
			return one;
	}
	return all;
}

/* Whether a fact is known, and how two compare, is asked beside its value. */
static struct wanted wanted_by(const struct expression *e, int at, const struct fact_view *nothing)
{
	const struct node *n = &e->nodes[at];

	switch ((enum node_kind)n->kind) {
	case NODE_AND: return wanted_by_all(e, at, nothing);
	case NODE_OR: return wanted_by_any(e, at, nothing);
	case NODE_FACT:
	case NODE_COMPARE:
	case NODE_TEXT:
	case NODE_IN:
		if (expression_judge(e, at, nothing, NULL) != IS_TRUE)
			return (struct wanted){ { n->fact }, 1 };
		break;
	default: break;
	}
	return (struct wanted){ .count = 0 };
}

static void mark(struct rules *r, const struct wanted *w, bool lack, int rule)
{
	struct need *need = r->needs, *end = r->needs + r->need_count;

	while (need < end && (need->lack != lack || need->count != w->count || memcmp(need->fact, w->fact, w->count) != 0))
		need++;
	if (need == end) {
		if (r->need_count == NEEDS_MOST)
			return;
		r->need_count++;
		*need = (struct need){ .count = w->count, .lack = lack, .rules = r->need_sets + (size_t)(need - r->needs) * r->words };
		memcpy(need->fact, w->fact, w->count);
		for (int i = 0; i < w->count; i++)
			need->asks |= (uint8_t)fact_openness(w->fact[i]);
	}
	need->rules[rule / 64] |= (uint64_t)1 << rule % 64;
}

void needs_find(struct rules *r)
{
	struct fact_view nothing[FACT_COUNT] = { 0 };

	for (int id = 0; id < FACT_COUNT; id++)
		nothing[id].known = true;
	for (int i = 0; i < r->count; i++) {
		const struct expression *e = &r->list[i].when;
		for (const struct ask *a = r->list[i].asks; a < r->list[i].asks + r->list[i].ask_count; a++) {
			const struct node *n = &e->nodes[a->at];
			struct wanted wanted = wanted_by(e, a->at, nothing);
			if (wanted.count)
				mark(r, &wanted, false, i);
			else if (n->kind == NODE_NOT && n[1].kind == NODE_FACT)
				mark(r, &(struct wanted){ { n[1].fact }, 1 }, true, i);
		}
	}
}

/* A fact that is unknown has no value: it meets no need, and is not lacking for sure. */
static bool is_unmet(const struct need *n, const struct fact_view *view)
{
	if (n->count == 1)
		return !view[n->fact[0]].value != n->lack;
	for (int i = 0; i < n->count; i++)
		if (view[n->fact[i]].value)
			return false;
	return true;
}

void rules_in_question(const struct judging *j, size_t word, struct rule_block *of)
{
	const struct need *n = j->rules->needs, *end = n + j->rules->need_count;
	struct rule_block left = *of;
	unsigned open = j->open;

	for (; n < end; n++)
		if (is_unmet(n, j->view) && !(n->asks & open))
			block_less(&left, n->rules + word);
	*of = left;
}

void rules_far(const struct judging *j, size_t word, struct rule_block *twice)
{
	const struct need *n = j->rules->needs, *end = n + j->rules->need_count;
	struct rule_block once = { { 0 } };

	*twice = once;
	for (; n < end; n++) {
		if (!is_unmet(n, j->view))
			continue;
		for (size_t w = 0; w < BLOCK; w++) {
			twice->word[w] |= once.word[w] & n->rules[word + w];
			once.word[w] |= n->rules[word + w];
		}
	}
}
