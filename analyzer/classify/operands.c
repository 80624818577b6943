/* What a term of an expression is about: a fact, and the value of its type that it is compared with. */
#include <stdio.h>

#include "parser.h"
#include "vocabulary.h"

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

/* The token's text, cut where no word is that long. */
static void copy_word(const struct parser *p, const struct token *t, char into[64])
{
	snprintf(into, 64, "%.*s", (int)(t->len < 63 ? t->len : 63), p->text + t->from);
}

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

int operand_fact(struct parser *p, const struct token *t)
{
	char word[64], hint[HINT_ROOM];

	copy_word(p, t, word);
	int fact = fact_by_word(word);
	if (fact < 0)
		parser_tell(p, t->from, "unknown fact `%s`%s", word, nearest_hint(word, word_of_fact, NULL, hint));
	return fact;
}

void operand_wrong_type(struct parser *p, int fact, size_t at)
{
	enum fact_type type = fact_kinds[fact].type;
	parser_tell(p, at, "%s is %s: %s", fact_kinds[fact].word, types[type].name, types[type].example);
}

static void read_number(struct parser *p, int fact, struct node *n)
{
	static const enum unit wanted[] = { [FACT_DURATION] = UNIT_TIME, [FACT_SIZE] = UNIT_SIZE, [FACT_WORD] = UNIT_NONE };
	enum fact_type type = fact_kinds[fact].type;
	/* Bytes need no unit, and zero is zero in any. */
	bool bare = p->token.unit == UNIT_NONE && (type == FACT_SIZE || p->token.number == 0);

	if (p->token.unit != wanted[type] && !bare)
		operand_wrong_type(p, fact, p->token.from);
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
		parser_tell(p, p->token.from, "`%s` is no word of %s%s", word, fact_kinds[fact].word, nearest_in_list(word, enumeration_words(e), hint));
	else if (n->kind != NODE_COMPARE || fact_kinds[right].words != e)
		operand_wrong_type(p, fact, p->token.from);
	else {
		n->kind = NODE_COMPARE_FACTS;
		n->right = (uint8_t)right;
	}
}

static void read_right_fact(struct parser *p, int fact, struct node *n)
{
	if (parser_is_word(p, &p->token, "true") || parser_is_word(p, &p->token, "false")) {
		parser_tell(p, p->token.from, "write `%s` or `not %s`", fact_kinds[fact].word, fact_kinds[fact].word);
		return;
	}
	int right = operand_fact(p, &p->token);
	if (right < 0)
		return;
	if (n->kind != NODE_COMPARE || fact_kinds[right].type != fact_kinds[fact].type) {
		operand_wrong_type(p, fact, p->token.from);
		return;
	}
	n->kind = NODE_COMPARE_FACTS;
	n->right = (uint8_t)right;
}

void operand_value(struct parser *p, int fact, struct node *n)
{
	enum token_kind kind = p->token.kind;

	if (kind != TOKEN_WORD && kind != TOKEN_NUMBER && kind != TOKEN_STRING) {
		parser_expected(p, "a value");
		return;
	}
	if (fact != NO_FACT) {
		if (kind == TOKEN_WORD && fact_kinds[fact].type == FACT_WORD)
			read_enum_word(p, fact, n);
		else if (kind == TOKEN_WORD)
			read_right_fact(p, fact, n);
		else if (kind != types[fact_kinds[fact].type].literal)
			operand_wrong_type(p, fact, p->token.from);
		else if (kind == TOKEN_NUMBER)
			read_number(p, fact, n);
		else {
			n->value = keep_string(p, &p->token, n->op == OP_CONTAINS);
			n->kind = n->kind == NODE_COMPARE ? NODE_TEXT : n->kind;
		}
	}
	parser_take(p);
}

bool operand_ordered(int fact)
{
	return types[fact_kinds[fact].type].ordered;
}

bool operand_listed(int fact)
{
	return types[fact_kinds[fact].type].literal != TOKEN_END;
}
