/* The words of an expression's text, one at a time. */
#ifndef IMAPWHY_TOKENS_H
#define IMAPWHY_TOKENS_H

#include <stddef.h>
#include <stdint.h>

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_STRING, TOKEN_OPERATOR, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA, TOKEN_BAD };
enum unit { UNIT_NONE, UNIT_TIME, UNIT_SIZE };

struct token {
	enum token_kind kind;
	size_t from, len;
	int operator;    /* enum operator */
	int64_t number;  /* in nanoseconds or bytes, where it has a unit */
	enum unit unit;
	const char *bad; /* what is wrong with it */
};

/* The token at or behind offset `at`; the next one starts looking at from + len. */
struct token token_at(const char *text, size_t at);

#endif
