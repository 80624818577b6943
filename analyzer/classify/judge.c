/* Judges a compiled expression over facts: true, false or unknown. Nothing is allocated. */
#include "expression.h"

#include "text.h"

/* Texts are kept at 400 bytes at the most. */
#define LONGEST_TEXT 512

char *lower_into(char *into, size_t room, const char *text)
{
	size_t i = 0;

	for (; text[i] && i + 1 < room; i++)
		into[i] = (char)letter_lower((uint8_t)text[i]);
	into[i] = '\0';
	return into;
}

static const char *text_of(const struct fact_view *fact, const struct texts *texts)
{
	return texts ? texts_get(texts, (uint32_t)fact->value) : "";
}

static bool holds(enum operator op, int64_t a, int64_t b)
{
	switch (op) {
	case OP_EQ: return a == b;
	case OP_NE: return a != b;
	case OP_LT: return a < b;
	case OP_LE: return a <= b;
	case OP_GT: return a > b;
	case OP_GE: return a >= b;
	case OP_CONTAINS: break;
	}
	return false;
}

static bool text_holds(enum operator op, const char *text, const char *wanted)
{
	char lower[LONGEST_TEXT];

	if (op == OP_CONTAINS)
		return strstr(lower_into(lower, sizeof lower, text), wanted) != NULL;
	return (strcmp(text, wanted) == 0) == (op == OP_EQ);
}

static bool listed(const struct expression *e, const struct node *in, const struct fact_view *fact, const struct texts *texts)
{
	bool is_text = fact_kinds[in->fact].type == FACT_TEXT;
	const char *text = is_text ? text_of(fact, texts) : "";

	for (int i = 1; i < in->span; i++) {
		int64_t value = in[i].value;
		if (is_text ? strcmp(text, e->strings + value) == 0 : fact->value == value)
			return true;
	}
	return false;
}

static enum truth truth_of(bool b)
{
	return b ? IS_TRUE : IS_FALSE;
}

static enum truth judge_all(const struct expression *e, int at, const struct fact_view *view, const struct texts *texts)
{
	enum truth all = IS_TRUE;
	int end = at + e->nodes[at].span;

	for (int i = at + 1; i < end && all != IS_FALSE; i += e->nodes[i].span) {
		enum truth one = expression_judge(e, i, view, texts);
		all = one < all ? one : all;
	}
	return all;
}

static enum truth judge_any(const struct expression *e, int at, const struct fact_view *view, const struct texts *texts)
{
	enum truth any = IS_FALSE;
	int end = at + e->nodes[at].span;

	for (int i = at + 1; i < end && any != IS_TRUE; i += e->nodes[i].span) {
		enum truth one = expression_judge(e, i, view, texts);
		any = one > any ? one : any;
	}
	return any;
}

static enum truth judge_facts(const struct node *n, const struct fact_view *view)
{
	if (!view[n->fact].known || !view[n->right].known)
		return IS_UNKNOWN;
	return truth_of(holds((enum operator)n->op, view[n->fact].value, view[n->right].value));
}

static enum truth judge_leaf(const struct expression *e, const struct node *n, const struct fact_view *view, const struct texts *texts)
{
	const struct fact_view *fact = &view[n->fact];

	if (n->kind == NODE_KNOWN)
		return truth_of(fact->known);
	if (n->kind == NODE_UNKNOWN)
		return truth_of(!fact->known);
	if (!fact->known)
		return IS_UNKNOWN;
	switch ((enum node_kind)n->kind) {
	case NODE_FACT: return truth_of(fact->value != 0);
	case NODE_COMPARE: return truth_of(holds((enum operator)n->op, fact->value, n->value));
	case NODE_COMPARE_FACTS: return judge_facts(n, view);
	case NODE_TEXT: return truth_of(text_holds((enum operator)n->op, text_of(fact, texts), e->strings + n->value));
	case NODE_IN: return truth_of(listed(e, n, fact, texts));
	default: return IS_FALSE;
	}
}

/* Recursion is bounded: the compiler refuses deep nesting. */
enum truth expression_judge(const struct expression *e, int at, const struct fact_view *view, const struct texts *texts)
{
	const struct node *n = &e->nodes[at];

	switch ((enum node_kind)n->kind) {
	case NODE_AND: return judge_all(e, at, view, texts);
	case NODE_OR: return judge_any(e, at, view, texts);
	case NODE_NOT: return IS_TRUE - expression_judge(e, at + 1, view, texts);
	default: return judge_leaf(e, n, view, texts);
	}
}

const char *expression_term(const struct expression *e, int at, char *into, size_t room)
{
	const char *text = e->text + e->nodes[at].from;
	size_t len = e->nodes[at].len;

	if (len >= room)
		for (len = room - 1; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
			;
	memcpy(into, text, len);
	into[len] = '\0';
	return into;
}
