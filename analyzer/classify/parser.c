/* The parser's hands: tokens taken, nodes put down, mistakes told. */
#include "parser.h"

#include <stdarg.h>
#include <stdio.h>

void parser_tell(struct parser *p, size_t offset, const char *format, ...)
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

void parser_stop(struct parser *p)
{
	p->stopped = true;
	p->token = (struct token){ .kind = TOKEN_END, .from = p->token.from };
}

void parser_look(struct parser *p, size_t at)
{
	p->token = token_at(p->text, at);
	if (p->token.kind == TOKEN_BAD) {
		parser_tell(p, p->token.from, "`%.*s`: %s", (int)(p->token.len < 60 ? p->token.len : 60), p->text + p->token.from, p->token.bad);
		parser_stop(p);
	}
}

void parser_take(struct parser *p)
{
	if (p->stopped)
		return;
	p->behind = p->token.from + p->token.len;
	parser_look(p, p->behind);
}

void parser_expected(struct parser *p, const char *what)
{
	if (p->token.kind == TOKEN_END)
		parser_tell(p, p->behind ? p->behind - 1 : 0, "%s expected at the end", what);
	else
		parser_tell(p, p->token.from, "%s expected before `%.*s`", what, (int)(p->token.len < 60 ? p->token.len : 60),
		     p->text + p->token.from);
	parser_stop(p);
}

bool parser_is_word(const struct parser *p, const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->len == strlen(word) && memcmp(p->text + t->from, word, t->len) == 0;
}

bool parser_take_word(struct parser *p, const char *word)
{
	bool is = parser_is_word(p, &p->token, word);

	if (is)
		parser_take(p);
	return is;
}

bool parser_take_kind(struct parser *p, enum token_kind kind, const char *what)
{
	bool is = p->token.kind == kind;

	if (is)
		parser_take(p);
	else
		parser_expected(p, what);
	return is;
}

int parser_add(struct parser *p, struct node node)
{
	if (p->count == MOST_NODES) {
		parser_tell(p, p->token.from, "too many terms for one rule (%d)", MOST_NODES);
		parser_stop(p);
		return MOST_NODES - 1;
	}
	p->nodes[p->count] = node;
	return p->count++;
}

void parser_wrap(struct parser *p, int first, enum node_kind kind, size_t from)
{
	struct node *at = &p->nodes[first];

	parser_add(p, (struct node){ .span = 1 });
	if (p->stopped)
		return;
	memmove(at + 1, at, (size_t)(p->count - 1 - first) * sizeof *at);
	*at = (struct node){ .kind = (uint8_t)kind, .span = (uint16_t)(p->count - first), .from = (uint16_t)from,
			     .len = (uint16_t)(p->behind - from) };
}
