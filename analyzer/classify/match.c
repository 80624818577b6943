/* Finds the verdict: the first rule that matches, what shows it, and what else it might have been. */
#include "loaded.h"

#include <string.h>

const struct rule *last_rule(void)
{
	static const struct rule rule = {
		.id = "nothing_matched",
		.title = "No rule matched",
		.class = "inconclusive",
		.mechanism = "too_short",
		.culprit = "unknown",
		.outcome = OUTCOME_INCONCLUSIVE,
		.confidence = 0.3,
		.says = "What was captured of this session does not show why it ended so.",
		.file = "(built in)",
	};
	return &rule;
}

/* A rule of a single term would always fail by one, which says nothing: only lists of two and more come near. */
struct fitting rule_fit(const struct loaded_rule *rule, struct judging *j)
{
	struct fitting f = { .fit = FIT_YES };
	int failed = 0, most = rule->when.nodes[0].kind == NODE_AND ? 2 : 1;

	for (int i = 0; i < rule->ask_count && failed < most; i++) {
		if (ask_holds(j, rule, rule->asks[i]))
			f.held++;
		else {
			failed++;
			f.failing = rule->asks[i].at;
		}
	}
	f.fit = failed == 0 ? FIT_YES : failed < most ? FIT_NEAR : FIT_NO;
	return f;
}

/* The first term of a rule that fails takes others out of what is left of its block; false: none does, the rule holds. */
static bool taken_out(struct judging *j, int at, struct rule_block *left)
{
	const struct loaded_rule *rule = &j->rules->list[at];
	size_t word = (size_t)at / (64 * BLOCK) * BLOCK;

	for (int i = 0; i < rule->ask_count; i++)
		if (!ask_holds(j, rule, rule->asks[i])) {
			uint16_t term = rule->asks[i].term;
			left->word[at / 64 % BLOCK] &= ~((uint64_t)1 << at % 64);
			if (term != TERM_ALONE)
				block_less(left, j->rules->terms[term].asked_by + word);
			return true;
		}
	return false;
}

static const struct loaded_rule *first_of_block(struct judging *j, size_t word, struct rule_block *left)
{
	for (int w = 0; w < BLOCK; w++)
		while (left->word[w]) {
			int at = ((int)word + w) * 64 + __builtin_ctzll(left->word[w]);
			if (!taken_out(j, at, left))
				return &j->rules->list[at];
		}
	return NULL;
}

/* Of all rules, or of those that accuse; NULL: none. */
static const struct loaded_rule *first_that_holds(struct judging *j, bool accusing)
{
	const struct rules *r = j->rules;
	const struct loaded_rule *first = NULL;
	const uint64_t *of = accusing ? r->rule_sets : r->rule_sets + r->words;

	for (size_t word = 0; word < r->words && !first; word += BLOCK) {
		struct rule_block left;
		memcpy(left.word, of + word, sizeof left.word);
		rules_in_question(j, word, &left);
		first = first_of_block(j, word, &left);
	}
	return first;
}

bool rule_accuses(const struct rule *rule)
{
	return rule->outcome == OUTCOME_FAILED || (rule->outcome == OUTCOME_DEGRADED && strcmp(rule->class, "degraded") != 0);
}

/* --- evidence --- */

static void add_evidence(struct verdict *v, int fact, const struct fact_view *view)
{
	if (!view[fact].set || v->evidences == VERDICT_MOST_EVIDENCE)
		return;
	for (int i = 0; i < v->evidences; i++)
		if (v->evidence[i] == (enum fact_id)fact)
			return;
	v->evidence[v->evidences++] = (enum fact_id)fact;
}

/* What stands under `not` shows nothing; of an `or` only the sides that hold do. */
static void gather_evidence(const struct expression *e, int at, const struct fact_view *view, const struct texts *texts, struct verdict *v)
{
	const struct node *n = &e->nodes[at];

	if (n->kind == NODE_NOT || expression_judge(e, at, view, texts) != IS_TRUE)
		return;
	if (n->kind == NODE_AND || n->kind == NODE_OR) {
		for (int i = at + 1; i < at + n->span; i += e->nodes[i].span)
			gather_evidence(e, i, view, texts, v);
		return;
	}
	add_evidence(v, n->fact, view);
	if (n->kind == NODE_COMPARE_FACTS)
		add_evidence(v, n->right, view);
}

/* --- alternatives --- */

/* The best rule of each mechanism, so the number of rules doesn't matter. */
struct candidates {
	struct candidate {
		const struct loaded_rule *rule;
		struct fitting fitting;
	} list[MECHANISM_MOST];
	int count;
	uint8_t place[MECHANISM_MOST]; /* by mechanism: its place in the list and one; 0: none */
};

static bool better(const struct fitting *a, const struct fitting *b)
{
	if (a->fit != b->fit)
		return a->fit > b->fit;
	return a->fit == FIT_NEAR && a->held > b->held;
}

/* Of two of the same worth the earlier, more specific one stays. */
static void consider(struct candidates *c, const struct loaded_rule *rule, struct fitting fitting)
{
	uint8_t *place = &c->place[rule->mechanism];

	if (!rule->answers || (*place && !better(&fitting, &c->list[*place - 1].fitting)))
		return;
	if (!*place)
		*place = (uint8_t)++c->count;
	c->list[*place - 1] = (struct candidate){ rule, fitting };
}

/* Matched ones first, then those of which most held, then in the order of the rules. */
static struct candidate *best_of(struct candidates *c)
{
	struct candidate *best = NULL;

	for (struct candidate *one = c->list; one < c->list + c->count; one++) {
		if (!one->rule)
			continue;
		if (!best || better(&one->fitting, &best->fitting) ||
		    (!better(&best->fitting, &one->fitting) && one->rule < best->rule))
			best = one;
	}
	return best;
}

static enum fact_id first_fact(const struct expression *e, int at)
{
	while (e->nodes[at].kind <= NODE_NOT)
		at++;
	return (enum fact_id)e->nodes[at].fact;
}

static void list_alternatives(struct candidates *candidates, int decided, struct verdict *v)
{
	struct candidate *best;

	if (candidates->place[decided])
		candidates->list[candidates->place[decided] - 1].rule = NULL;
	while (v->alternatives_count < VERDICT_MOST_ALTERNATIVES && (best = best_of(candidates))) {
		struct alternative *a = &v->alternatives[v->alternatives_count++];
		a->rule = &best->rule->rule;
		a->matched = best->fitting.fit == FIT_YES;
		a->fact = first_fact(&best->rule->when, best->fitting.failing);
		expression_term(&best->rule->when, best->fitting.failing, a->term, sizeof a->term);
		best->rule = NULL;
	}
}

#define DOUBT 0.7 /* of a silence that the capture itself may have made */

static bool rests_on_silence(const struct verdict *v)
{
	static const enum fact_id silent[] = { FACT_WAITED, FACT_WAITED_ENOUGH, FACT_SYN_WAITED, FACT_VAIN_SENDS, FACT_VAIN_ENOUGH, FACT_DNS_WAITED };

	for (int i = 0; i < v->evidences; i++)
		for (size_t j = 0; j < sizeof silent / sizeof *silent; j++)
			if (v->evidence[i] == silent[j])
				return true;
	return false;
}

const struct rule *rules_decide(const struct rules *r, const struct fact_view view[FACT_COUNT], const struct texts *texts)
{
	struct judging judging;

	judging_begin(&judging, r, view, texts, 0);
	const struct loaded_rule *found = first_that_holds(&judging, false);
	return found ? &found->rule : last_rule();
}

bool rules_may_fail(const struct rules *r, const struct fact_view view[FACT_COUNT], const struct texts *texts, bool ever)
{
	struct judging judging;

	judging_begin(&judging, r, view, texts, (view[FACT_INSIDE].known ? 0 : OPEN_INFERRED) | (ever ? OPEN_DRIFTING : 0));
	return first_that_holds(&judging, true) != NULL;
}

void rules_classify(const struct rules *r, const struct fact_view view[FACT_COUNT], const struct texts *texts, struct verdict *into)
{
	struct candidates candidates;
	struct judging judging;
	struct rule_block far;
	const struct loaded_rule *winner = NULL;

	judging_begin(&judging, r, view, texts, 0);
	candidates.count = 0;
	memset(candidates.place, 0, sizeof candidates.place);
	for (int i = 0; i < r->count; i++) {
		if (i % (64 * BLOCK) == 0)
			rules_far(&judging, (size_t)i / 64, &far);
		if (far.word[i / 64 % BLOCK] >> i % 64 & 1)
			continue;
		struct fitting fitting = rule_fit(&r->list[i], &judging);
		if (fitting.fit == FIT_YES && !winner)
			winner = &r->list[i];
		else if (fitting.fit != FIT_NO)
			consider(&candidates, &r->list[i], fitting);
	}
	into->rule = winner ? &winner->rule : last_rule();
	into->evidences = into->alternatives_count = 0;
	if (winner) {
		gather_evidence(&winner->when, 0, view, texts, into);
		for (int i = 0; i < winner->evidences; i++)
			add_evidence(into, winner->evidence[i], view);
	}
	into->confidence = into->rule->confidence * (view[FACT_CAPTURE_DROPS].value && rests_on_silence(into) ? DOUBT : 1);
	list_alternatives(&candidates, winner ? winner->mechanism : mechanism_number(into->rule->mechanism), into);
}
