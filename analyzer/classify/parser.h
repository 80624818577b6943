/* A parser at work on one expression; for expression.c and its hands alone. */
#ifndef IMAPWHY_PARSER_H
#define IMAPWHY_PARSER_H

#include "expression.h"
#include "problems.h"
#include "tokens.h"

#define MOST_NODES 512
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

/* Tells a mistake at that offset, unless the syntax was lost before. */
void parser_tell(struct parser *p, size_t offset, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The syntax is lost: guesses about the rest would only mislead. */
void parser_stop(struct parser *p);
/* Makes the token at that offset the next one. */
void parser_look(struct parser *p, size_t at);
/* Goes on to the next token. */
void parser_take(struct parser *p);
/* Tells what stands missing before the next token, and stops. */
void parser_expected(struct parser *p, const char *what);
bool parser_is_word(const struct parser *p, const struct token *t, const char *word);
/* Takes that word where it is next. */
bool parser_take_word(struct parser *p, const char *word);
/* Takes a token of that kind; `what` is told missing where it is none. */
bool parser_take_kind(struct parser *p, enum token_kind kind, const char *what);
/* The new node's place; stops where there is no room. */
int parser_add(struct parser *p, struct node node);
/* Puts a parent before the nodes from `first` on; it was written from offset `from` to the last taken token. */
void parser_wrap(struct parser *p, int first, enum node_kind kind, size_t from);

/* --- operands.c --- */

/* The fact that the token names; NO_FACT and told: none. */
int operand_fact(struct parser *p, const struct token *t);
/* Tells how facts of that type are asked. */
void operand_wrong_type(struct parser *p, int fact, size_t at);
/* Takes what a fact is compared with into the node. fact NO_FACT: already told of, only the syntax counts. */
void operand_value(struct parser *p, int fact, struct node *n);
/* Can it be less or more than another? */
bool operand_ordered(int fact);
/* Has its type values that can be written, so that they can stand in a list? */
bool operand_listed(int fact);

#endif
