/* Shows how each rule came out, term by term, for people who write rules. */
#include "loaded.h"

#include "text.h"

#define TERM_COLUMN 44

struct explaining {
	const struct expression *e;
	const struct fact_view *view;
	const struct texts *texts;
	FILE *out;
};

static void print_fact(const struct explaining *x, int fact)
{
	char value[256], clean[256];
	struct text t = TEXT_IN(clean);
	const struct fact_view *v = &x->view[fact];

	fact_value_text((enum fact_id)fact, v, x->texts, value, sizeof value);
	text_add_wire(&t, bytes_of_text(value), sizeof value);
	fprintf(x->out, "  %s is %s", fact_kinds[fact].word, clean);
	if (v->set && v->at.frame)
		fprintf(x->out, ", frame %u", v->at.frame);
	else if (v->known && !v->set)
		fprintf(x->out, ", never seen");
}

static void print_node(const struct explaining *x, int at, int depth)
{
	static const char *const truths[] = { [IS_FALSE] = "false", [IS_UNKNOWN] = "unknown", [IS_TRUE] = "true" };
	static const char *const groups[] = { [NODE_AND] = "all of", [NODE_OR] = "any of", [NODE_NOT] = "not" };
	const struct node *n = &x->e->nodes[at];
	char term[160];
	/* `not` before a single term reads best on its line. */
	bool group = n->kind <= NODE_OR || (n->kind == NODE_NOT && n[1].kind <= NODE_NOT);

	fprintf(x->out, "    %-8s", truths[expression_judge(x->e, at, x->view, x->texts)]);
	if (group) {
		fprintf(x->out, "%*s%s\n", depth * 2, "", groups[n->kind]);
		for (int i = at + 1; i < at + n->span; i += x->e->nodes[i].span)
			print_node(x, i, depth + 1);
		return;
	}
	fprintf(x->out, "%*s%-*s", depth * 2, "", TERM_COLUMN - depth * 2, expression_term(x->e, at, term, sizeof term));
	n += n->kind == NODE_NOT;
	print_fact(x, n->fact);
	if (n->kind == NODE_COMPARE_FACTS)
		print_fact(x, n->right);
	fputc('\n', x->out);
}

static const char *outcome_of(enum fit fit, bool *decided)
{
	bool first = !*decided;

	if (fit == FIT_NEAR)
		return "fails by one term";
	if (fit == FIT_NO)
		return "does not match";
	*decided = true;
	return first ? "MATCHES: the verdict" : "matches too";
}

void rules_explain(const struct rules *r, const struct fact_view view[FACT_COUNT], const struct texts *texts, FILE *out)
{
	bool decided = false;
	struct judging judging;

	judging_begin(&judging, r, view, texts, 0);
	for (int i = 0; i < r->count; i++) {
		const struct loaded_rule *l = &r->list[i];
		struct explaining x = { &l->when, view, texts, out };
		fprintf(out, "%s (%s.%s, %s:%d): %s\n", l->rule.id, l->rule.class, l->rule.mechanism, l->rule.file, l->rule.line,
			outcome_of(rule_fit(l, &judging).fit, &decided));
		if (l->when.nodes[0].kind != NODE_AND) {
			print_node(&x, 0, 0);
			continue;
		}
		for (int n = 1; n < l->when.count; n += l->when.nodes[n].span)
			print_node(&x, n, 0);
	}
	if (!decided)
		fprintf(out, "%s (%s.%s, %s): nothing else matched\n", last_rule()->id, last_rule()->class, last_rule()->mechanism,
			last_rule()->file);
}
