/* Compiles an expression: recursive descent with a depth cap, types checked against the facts, into an array of nodes. */
#include "expression.h"

#include <stdlib.h>

#include "parser.h"

#define MOST_DEPTH 32

static uint8_t fact_byte(int fact)
{
	return (uint8_t)(fact < 0 ? 0 : fact);
}

static void parse_comparison(struct parser *p, int fact, size_t from)
{
	struct node n = { .kind = NODE_COMPARE, .op = (uint8_t)p->token.operator, .fact = fact_byte(fact), .span = 1, .from = (uint16_t)from };

	if (fact != NO_FACT && n.op != OP_EQ && n.op != OP_NE && !operand_ordered(fact)) {
		operand_wrong_type(p, fact, p->token.from);
		fact = NO_FACT;
	}
	parser_take(p);
	operand_value(p, fact, &n);
	n.len = (uint16_t)(p->behind - from);
	parser_add(p, n);
}

static void parse_contains(struct parser *p, int fact, size_t from)
{
	struct node n = { .kind = NODE_TEXT, .op = OP_CONTAINS, .fact = fact_byte(fact), .span = 1, .from = (uint16_t)from };

	if (p->token.kind != TOKEN_STRING) {
		parser_expected(p, "a string in double quotes");
		return;
	}
	if (p->token.len == 2)
		parser_tell(p, p->token.from, "every text contains \"\"");
	if (fact != NO_FACT && fact_kinds[fact].type != FACT_TEXT) {
		operand_wrong_type(p, fact, p->token.from);
		fact = NO_FACT;
	}
	operand_value(p, fact, &n);
	n.len = (uint16_t)(p->behind - from);
	parser_add(p, n);
}

static void parse_list(struct parser *p, int fact, size_t from)
{
	int at = parser_add(p, (struct node){ .kind = NODE_IN, .fact = fact_byte(fact), .from = (uint16_t)from });

	if (fact != NO_FACT && !operand_listed(fact)) {
		operand_wrong_type(p, fact, from);
		fact = NO_FACT;
	}
	parser_take_kind(p, TOKEN_OPEN, "`(`");
	while (!p->stopped) {
		struct node value = { .kind = NODE_VALUE, .span = 1, .fact = fact_byte(fact) };
		operand_value(p, fact, &value);
		parser_add(p, value);
		if (p->token.kind != TOKEN_COMMA)
			break;
		parser_take(p);
	}
	parser_take_kind(p, TOKEN_CLOSE, "`,` or `)`");
	p->nodes[at].span = (uint16_t)(p->count - at);
	p->nodes[at].len = (uint16_t)(p->behind - from);
}

static void parse_asking(struct parser *p, enum node_kind kind, size_t from)
{
	struct node n = { .kind = (uint8_t)kind, .span = 1, .from = (uint16_t)from };

	parser_take(p);
	if (!parser_take_kind(p, TOKEN_OPEN, "`(`"))
		return;
	if (p->token.kind != TOKEN_WORD) {
		parser_expected(p, "a fact");
		return;
	}
	n.fact = fact_byte(operand_fact(p, &p->token));
	parser_take(p);
	parser_take_kind(p, TOKEN_CLOSE, "`)`");
	n.len = (uint16_t)(p->behind - from);
	parser_add(p, n);
}

/* A count alone asks whether there was any, as a boolean fact asks whether it was so. */
static bool stands_alone(enum fact_type type)
{
	return type == FACT_BOOL || type == FACT_NUMBER || type == FACT_SIZE;
}

static void parse_alone(struct parser *p, int fact, size_t from)
{
	if (fact != NO_FACT && !stands_alone(fact_kinds[fact].type))
		operand_wrong_type(p, fact, from);
	parser_add(p, (struct node){ .kind = NODE_FACT, .fact = fact_byte(fact), .span = 1, .from = (uint16_t)from,
			      .len = (uint16_t)(p->behind - from) });
}

static bool next_is(const struct parser *p, enum token_kind kind)
{
	return !p->stopped && token_at(p->text, p->token.from + p->token.len).kind == kind;
}

static bool next_is_word(const struct parser *p, const char *word)
{
	struct token next = token_at(p->text, p->token.from + p->token.len);
	return !p->stopped && parser_is_word(p, &next, word);
}

static void parse_fact(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count;
	int fact = operand_fact(p, &p->token);

	parser_take(p);
	if (p->token.kind == TOKEN_OPERATOR)
		parse_comparison(p, fact, from);
	else if (parser_take_word(p, "contains"))
		parse_contains(p, fact, from);
	else if (parser_take_word(p, "in"))
		parse_list(p, fact, from);
	else if (parser_is_word(p, &p->token, "not") && next_is_word(p, "in")) {
		parser_take(p);
		parser_take(p);
		parse_list(p, fact, from);
		parser_wrap(p, first, NODE_NOT, from);
	} else
		parse_alone(p, fact, from);
}

static bool is_joint(const struct parser *p)
{
	static const char *const joints[] = { "and", "or", "in", "contains" };

	for (size_t i = 0; i < sizeof joints / sizeof *joints; i++)
		if (parser_is_word(p, &p->token, joints[i]))
			return true;
	return false;
}

static void parse_any(struct parser *p);

static void parse_term(struct parser *p)
{
	size_t from = p->token.from;

	if (p->token.kind == TOKEN_OPEN) {
		parser_take(p);
		parse_any(p);
		parser_take_kind(p, TOKEN_CLOSE, "`and`, `or` or `)`");
	} else if (p->token.kind != TOKEN_WORD || is_joint(p))
		parser_expected(p, "a fact");
	else if (parser_is_word(p, &p->token, "known") && next_is(p, TOKEN_OPEN))
		parse_asking(p, NODE_KNOWN, from);
	else if (parser_is_word(p, &p->token, "unknown") && next_is(p, TOKEN_OPEN))
		parse_asking(p, NODE_UNKNOWN, from);
	else
		parse_fact(p);
}

static void parse_not(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count;

	if (p->depth == MOST_DEPTH) {
		parser_tell(p, from, "nested more than %d deep", MOST_DEPTH);
		parser_stop(p);
		return;
	}
	p->depth++;
	if (parser_take_word(p, "not")) {
		parse_not(p);
		parser_wrap(p, first, NODE_NOT, from);
	} else
		parse_term(p);
	p->depth--;
}

static void parse_all(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count, terms = 1;

	parse_not(p);
	for (; parser_take_word(p, "and"); terms++)
		parse_not(p);
	if (terms > 1)
		parser_wrap(p, first, NODE_AND, from);
}

static void parse_any(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count, terms = 1;

	parse_all(p);
	for (; parser_take_word(p, "or"); terms++)
		parse_all(p);
	if (terms > 1)
		parser_wrap(p, first, NODE_OR, from);
}

/* --- the whole --- */

/* The text as reports show it: runs of white space as one space, no control characters. `moved` gets where each byte went. */
static char *tidy(const char *text, uint16_t moved[MOST_TEXT + 1])
{
	size_t len = strlen(text), to = 0;
	char *tidy = malloc(len + 1);

	if (!tidy)
		return NULL;
	for (size_t i = 0; i <= len; i++) {
		bool blank = text[i] && strchr(" \t\r\n", text[i]);
		moved[i] = (uint16_t)to;
		if (blank && to > 0 && tidy[to - 1] == ' ')
			continue;
		bool control = text[i] && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f);
		tidy[to++] = (char)(blank ? ' ' : control ? '?' : text[i]);
	}
	return tidy;
}

static bool hand_over(const struct parser *p, struct expression *into)
{
	uint16_t moved[MOST_TEXT + 1];
	struct expression e = { .nodes = malloc((size_t)p->count * sizeof *e.nodes), .text = tidy(p->text, moved), .strings = p->strings,
				.count = p->count };

	if (!e.nodes || !e.text) {
		free(e.nodes);
		free(e.text);
		return false;
	}
	for (int i = 0; i < p->count; i++) {
		const struct node *n = &p->nodes[i];
		e.nodes[i] = *n;
		e.nodes[i].from = moved[n->from];
		e.nodes[i].len = (uint16_t)(moved[n->from + n->len] - moved[n->from]);
	}
	*into = e;
	return true;
}

bool expression_compile(const char *text, expression_problem *say, void *context, struct expression *into)
{
	struct parser p = { .text = text, .tell = say, .context = context };

	if (strlen(text) > MOST_TEXT) {
		say(context, 0, "the expression is longer than 8,000 characters");
		return false;
	}
	/* Every string is shorter kept than written, its quotes make room for the NUL. */
	p.strings = malloc(strlen(text) + 1);
	if (!p.strings) {
		say(context, 0, "out of memory");
		return false;
	}
	parser_look(&p, 0);
	parse_any(&p);
	if (!p.stopped && p.token.kind != TOKEN_END)
		parser_expected(&p, "`and` or `or`");
	if (!p.wrong && hand_over(&p, into))
		return true;
	if (!p.wrong)
		say(context, 0, "out of memory");
	free(p.strings);
	return false;
}

void expression_free(struct expression *e)
{
	free(e->nodes);
	free(e->text);
	free(e->strings);
	*e = (struct expression){ 0 };
}
