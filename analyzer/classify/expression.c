/* Compiles an expression: recursive descent with a depth cap, types checked against the facts, into an array of nodes. */
#include "expression.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "problems.h"
#include "tokens.h"

#define MOST_NODES 512
#define MOST_DEPTH 32
#define MOST_TEXT 8000
#define NO_FACT (-1)

struct parser {
	const char *text;
	struct token token;
	size_t behind;      /* where the last taken token ended */
	struct node nodes[MOST_NODES];
	int count, depth;
	char *strings;
	size_t strings_len;
	bool stopped, wrong; /* stopped: the syntax is lost, nothing more is told */
	expression_problem *tell;
	void *context;
};

/* How each type is called and written, for people who wrote it wrongly. */
static const struct {
	const char *name, *example;
	bool ordered;
	enum token_kind literal;
} types[] = {
	[FACT_BOOL] = { "true or false", "stands alone, or behind `not`", false, TOKEN_END },
	[FACT_NUMBER] = { "a number", "compare it with one like 3 or 0x0303", true, TOKEN_NUMBER },
	[FACT_DURATION] = { "a duration", "compare it with one like 5s, 200ms or 2m", true, TOKEN_NUMBER },
	[FACT_SIZE] = { "a size", "compare it with one like 200 or 10KB", true, TOKEN_NUMBER },
	[FACT_TIME] = { "a time", "compare it with another fact that is a time", true, TOKEN_END },
	[FACT_TEXT] = { "a text", "use `contains \"...\"` or `== \"...\"`", false, TOKEN_STRING },
	[FACT_WORD] = { "a word", "use `==`, `!=` or `in` with its words", false, TOKEN_WORD },
};

static void tell(struct parser *p, size_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void tell(struct parser *p, size_t offset, const char *format, ...)
{
	char what[900];
	va_list args;

	p->wrong = true;
	if (p->stopped)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	p->tell(p->context, offset, what);
}

/* Where the syntax is lost, guesses about the rest would only mislead. */
static void stop(struct parser *p)
{
	p->stopped = true;
	p->token = (struct token){ .kind = TOKEN_END, .from = p->token.from };
}

static void look(struct parser *p, size_t at)
{
	p->token = token_at(p->text, at);
	if (p->token.kind == TOKEN_BAD) {
		tell(p, p->token.from, "`%.*s`: %s", (int)(p->token.len < 60 ? p->token.len : 60), p->text + p->token.from, p->token.bad);
		stop(p);
	}
}

static void take(struct parser *p)
{
	if (p->stopped)
		return;
	p->behind = p->token.from + p->token.len;
	look(p, p->behind);
}

static void expected(struct parser *p, const char *what)
{
	if (p->token.kind == TOKEN_END)
		tell(p, p->behind ? p->behind - 1 : 0, "%s expected at the end", what);
	else
		tell(p, p->token.from, "%s expected before `%.*s`", what, (int)(p->token.len < 60 ? p->token.len : 60),
		     p->text + p->token.from);
	stop(p);
}

static bool is_word(const struct parser *p, const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->len == strlen(word) && memcmp(p->text + t->from, word, t->len) == 0;
}

static bool take_word(struct parser *p, const char *word)
{
	bool is = is_word(p, &p->token, word);

	if (is)
		take(p);
	return is;
}

static bool take_kind(struct parser *p, enum token_kind kind, const char *what)
{
	bool is = p->token.kind == kind;

	if (is)
		take(p);
	else
		expected(p, what);
	return is;
}

/* The token's text, cut where no word is that long. */
static void copy_word(const struct parser *p, const struct token *t, char into[64])
{
	snprintf(into, 64, "%.*s", (int)(t->len < 63 ? t->len : 63), p->text + t->from);
}

static int add(struct parser *p, struct node node)
{
	if (p->count == MOST_NODES) {
		tell(p, p->token.from, "too many terms for one rule (%d)", MOST_NODES);
		stop(p);
		return MOST_NODES - 1;
	}
	p->nodes[p->count] = node;
	return p->count++;
}

/* Puts a parent before the nodes from `first` on. */
static void wrap(struct parser *p, int first, enum node_kind kind, size_t from)
{
	struct node *at = &p->nodes[first];

	add(p, (struct node){ .span = 1 });
	if (p->stopped)
		return;
	memmove(at + 1, at, (size_t)(p->count - 1 - first) * sizeof *at);
	*at = (struct node){ .kind = (uint8_t)kind, .span = (uint16_t)(p->count - first), .from = (uint16_t)from,
			     .len = (uint16_t)(p->behind - from) };
}

/* --- values --- */

static int64_t keep_string(struct parser *p, const struct token *t, bool lower)
{
	size_t start = p->strings_len;
	const char *end = p->text + t->from + t->len - 1;

	for (const char *c = p->text + t->from + 1; c < end; c++) {
		c += *c == '\\';
		p->strings[p->strings_len++] = *c;
	}
	p->strings[p->strings_len++] = '\0';
	if (lower)
		lower_into(p->strings + start, p->strings_len - start, p->strings + start);
	return (int64_t)start;
}

static const char *fact_at(const void *unused, int n)
{
	(void)unused;
	return n < FACT_COUNT ? fact_kinds[n].word : NULL;
}

static int find_fact(struct parser *p, const struct token *t)
{
	char word[64], hint[HINT_ROOM];

	copy_word(p, t, word);
	int fact = fact_by_word(word);
	if (fact < 0)
		tell(p, t->from, "unknown fact `%s`%s", word, nearest_hint(word, fact_at, NULL, hint));
	return fact;
}

static void wrong_type(struct parser *p, int fact, size_t at)
{
	enum fact_type type = fact_kinds[fact].type;
	tell(p, at, "%s is %s: %s", fact_kinds[fact].word, types[type].name, types[type].example);
}

static void read_number(struct parser *p, int fact, struct node *n)
{
	static const enum unit wanted[] = { [FACT_DURATION] = UNIT_TIME, [FACT_SIZE] = UNIT_SIZE, [FACT_WORD] = UNIT_NONE };
	enum fact_type type = fact_kinds[fact].type;
	/* Bytes need no unit, and zero is zero in any. */
	bool bare = p->token.unit == UNIT_NONE && (type == FACT_SIZE || p->token.number == 0);

	if (p->token.unit != wanted[type] && !bare)
		wrong_type(p, fact, p->token.from);
	n->value = p->token.number;
}

static void read_enum_word(struct parser *p, int fact, struct node *n)
{
	char word[64], hint[HINT_ROOM];
	enum enumeration e = fact_kinds[fact].words;

	copy_word(p, &p->token, word);
	n->value = enumeration_number(e, word);
	if (n->value >= 0)
		return;
	int right = fact_by_word(word);
	if (right < 0)
		tell(p, p->token.from, "`%s` is no word of %s%s", word, fact_kinds[fact].word, nearest_in_list(word, enumeration_words(e), hint));
	else if (n->kind != NODE_COMPARE || fact_kinds[right].words != e)
		wrong_type(p, fact, p->token.from);
	else {
		n->kind = NODE_COMPARE_FACTS;
		n->right = (uint8_t)right;
	}
}

static void read_right_fact(struct parser *p, int fact, struct node *n)
{
	if (is_word(p, &p->token, "true") || is_word(p, &p->token, "false")) {
		tell(p, p->token.from, "write `%s` or `not %s`", fact_kinds[fact].word, fact_kinds[fact].word);
		return;
	}
	int right = find_fact(p, &p->token);
	if (right < 0)
		return;
	if (n->kind != NODE_COMPARE || fact_kinds[right].type != fact_kinds[fact].type) {
		wrong_type(p, fact, p->token.from);
		return;
	}
	n->kind = NODE_COMPARE_FACTS;
	n->right = (uint8_t)right;
}

/* Reads what a fact is compared with. fact NO_FACT: already told of, only the syntax counts. */
static void read_value(struct parser *p, int fact, struct node *n)
{
	enum token_kind kind = p->token.kind;

	if (kind != TOKEN_WORD && kind != TOKEN_NUMBER && kind != TOKEN_STRING) {
		expected(p, "a value");
		return;
	}
	if (fact != NO_FACT) {
		if (kind == TOKEN_WORD && fact_kinds[fact].type == FACT_WORD)
			read_enum_word(p, fact, n);
		else if (kind == TOKEN_WORD)
			read_right_fact(p, fact, n);
		else if (kind != types[fact_kinds[fact].type].literal)
			wrong_type(p, fact, p->token.from);
		else if (kind == TOKEN_NUMBER)
			read_number(p, fact, n);
		else {
			n->value = keep_string(p, &p->token, n->op == OP_CONTAINS);
			n->kind = n->kind == NODE_COMPARE ? NODE_TEXT : n->kind;
		}
	}
	take(p);
}

/* --- terms --- */

static uint8_t fact_byte(int fact)
{
	return (uint8_t)(fact < 0 ? 0 : fact);
}

static void parse_comparison(struct parser *p, int fact, size_t from)
{
	struct node n = { .kind = NODE_COMPARE, .op = (uint8_t)p->token.operator, .fact = fact_byte(fact), .span = 1, .from = (uint16_t)from };

	if (fact != NO_FACT && n.op != OP_EQ && n.op != OP_NE && !types[fact_kinds[fact].type].ordered) {
		wrong_type(p, fact, p->token.from);
		fact = NO_FACT;
	}
	take(p);
	read_value(p, fact, &n);
	n.len = (uint16_t)(p->behind - from);
	add(p, n);
}

static void parse_contains(struct parser *p, int fact, size_t from)
{
	struct node n = { .kind = NODE_TEXT, .op = OP_CONTAINS, .fact = fact_byte(fact), .span = 1, .from = (uint16_t)from };

	if (p->token.kind != TOKEN_STRING) {
		expected(p, "a string in double quotes");
		return;
	}
	if (p->token.len == 2)
		tell(p, p->token.from, "every text contains \"\"");
	if (fact != NO_FACT && fact_kinds[fact].type != FACT_TEXT) {
		wrong_type(p, fact, p->token.from);
		fact = NO_FACT;
	}
	read_value(p, fact, &n);
	n.len = (uint16_t)(p->behind - from);
	add(p, n);
}

static void parse_list(struct parser *p, int fact, size_t from)
{
	int at = add(p, (struct node){ .kind = NODE_IN, .fact = fact_byte(fact), .from = (uint16_t)from });

	if (fact != NO_FACT && types[fact_kinds[fact].type].literal == TOKEN_END) {
		wrong_type(p, fact, from);
		fact = NO_FACT;
	}
	take_kind(p, TOKEN_OPEN, "`(`");
	while (!p->stopped) {
		struct node value = { .kind = NODE_VALUE, .span = 1, .fact = fact_byte(fact) };
		read_value(p, fact, &value);
		add(p, value);
		if (p->token.kind != TOKEN_COMMA)
			break;
		take(p);
	}
	take_kind(p, TOKEN_CLOSE, "`,` or `)`");
	p->nodes[at].span = (uint16_t)(p->count - at);
	p->nodes[at].len = (uint16_t)(p->behind - from);
}

static void parse_asking(struct parser *p, enum node_kind kind, size_t from)
{
	struct node n = { .kind = (uint8_t)kind, .span = 1, .from = (uint16_t)from };

	take(p);
	if (!take_kind(p, TOKEN_OPEN, "`(`"))
		return;
	if (p->token.kind != TOKEN_WORD) {
		expected(p, "a fact");
		return;
	}
	n.fact = fact_byte(find_fact(p, &p->token));
	take(p);
	take_kind(p, TOKEN_CLOSE, "`)`");
	n.len = (uint16_t)(p->behind - from);
	add(p, n);
}

/* A count alone asks whether there was any, as a boolean fact asks whether it was so. */
static bool stands_alone(enum fact_type type)
{
	return type == FACT_BOOL || type == FACT_NUMBER || type == FACT_SIZE;
}

static void parse_alone(struct parser *p, int fact, size_t from)
{
	if (fact != NO_FACT && !stands_alone(fact_kinds[fact].type))
		wrong_type(p, fact, from);
	add(p, (struct node){ .kind = NODE_FACT, .fact = fact_byte(fact), .span = 1, .from = (uint16_t)from,
			      .len = (uint16_t)(p->behind - from) });
}

static bool next_is(const struct parser *p, enum token_kind kind)
{
	return !p->stopped && token_at(p->text, p->token.from + p->token.len).kind == kind;
}

static bool next_is_word(const struct parser *p, const char *word)
{
	struct token next = token_at(p->text, p->token.from + p->token.len);
	return !p->stopped && is_word(p, &next, word);
}

static void parse_fact(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count;
	int fact = find_fact(p, &p->token);

	take(p);
	if (p->token.kind == TOKEN_OPERATOR)
		parse_comparison(p, fact, from);
	else if (take_word(p, "contains"))
		parse_contains(p, fact, from);
	else if (take_word(p, "in"))
		parse_list(p, fact, from);
	else if (is_word(p, &p->token, "not") && next_is_word(p, "in")) {
		take(p);
		take(p);
		parse_list(p, fact, from);
		wrap(p, first, NODE_NOT, from);
	} else
		parse_alone(p, fact, from);
}

static bool is_joint(const struct parser *p)
{
	static const char *const joints[] = { "and", "or", "in", "contains" };

	for (size_t i = 0; i < sizeof joints / sizeof *joints; i++)
		if (is_word(p, &p->token, joints[i]))
			return true;
	return false;
}

static void parse_any(struct parser *p);

static void parse_term(struct parser *p)
{
	size_t from = p->token.from;

	if (p->token.kind == TOKEN_OPEN) {
		take(p);
		parse_any(p);
		take_kind(p, TOKEN_CLOSE, "`and`, `or` or `)`");
	} else if (p->token.kind != TOKEN_WORD || is_joint(p))
		expected(p, "a fact");
	else if (is_word(p, &p->token, "known") && next_is(p, TOKEN_OPEN))
		parse_asking(p, NODE_KNOWN, from);
	else if (is_word(p, &p->token, "unknown") && next_is(p, TOKEN_OPEN))
		parse_asking(p, NODE_UNKNOWN, from);
	else
		parse_fact(p);
}

static void parse_not(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count;

	if (p->depth == MOST_DEPTH) {
		tell(p, from, "nested more than %d deep", MOST_DEPTH);
		stop(p);
		return;
	}
	p->depth++;
	if (take_word(p, "not")) {
		parse_not(p);
		wrap(p, first, NODE_NOT, from);
	} else
		parse_term(p);
	p->depth--;
}

static void parse_all(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count, terms = 1;

	parse_not(p);
	for (; take_word(p, "and"); terms++)
		parse_not(p);
	if (terms > 1)
		wrap(p, first, NODE_AND, from);
}

static void parse_any(struct parser *p)
{
	size_t from = p->token.from;
	int first = p->count, terms = 1;

	parse_all(p);
	for (; take_word(p, "or"); terms++)
		parse_all(p);
	if (terms > 1)
		wrap(p, first, NODE_OR, from);
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
	look(&p, 0);
	parse_any(&p);
	if (!p.stopped && p.token.kind != TOKEN_END)
		expected(&p, "`and` or `or`");
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
