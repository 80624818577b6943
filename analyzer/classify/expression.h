/* A rule's condition: compiled once from text, judged over facts in three values. Grammar: docs/rules.md. */
#ifndef IMAPWHY_EXPRESSION_H
#define IMAPWHY_EXPRESSION_H

#include "facts.h"

/* Ordered so that `and` is the least, `or` the greatest and `not` the mirror. */
enum truth { IS_FALSE, IS_UNKNOWN, IS_TRUE };

enum node_kind {
	NODE_AND, NODE_OR, NODE_NOT,         /* children follow, each with its span */
	NODE_FACT,                           /* a boolean fact alone; a number or size: not 0 */
	NODE_KNOWN, NODE_UNKNOWN,            /* known(x), unknown(x) */
	NODE_COMPARE,                        /* fact against value */
	NODE_COMPARE_FACTS,                  /* fact against right */
	NODE_TEXT,                           /* text fact against the string at value */
	NODE_IN,                             /* fact in the NODE_VALUEs that follow */
	NODE_VALUE,
};

enum operator { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_CONTAINS };

/* Nodes stand in prefix order: a node's children follow it, and its span leads to its next sibling. */
struct node {
	uint8_t kind, op;
	uint8_t fact, right;
	uint16_t span;
	uint16_t from, len; /* as written, in the expression's text */
	int64_t value;      /* a string: where it starts in `strings` */
};

struct expression {
	struct node *nodes;
	char *text;    /* as written, runs of white space as one space */
	char *strings; /* the strings, NUL-terminated one behind the other; those of `contains` in lower case */
	int count;
};

/* Told of each mistake and the offset in the text where it stands. */
typedef void expression_problem(void *context, size_t offset, const char *what);

/* False: there were mistakes (all that could be found were told), `into` is untouched. */
bool expression_compile(const char *text, expression_problem *tell, void *context, struct expression *into);
void expression_free(struct expression *e);

/* The truth of the node at that place (0: the whole). */
enum truth expression_judge(const struct expression *e, int at, const struct fact_view *view, const struct texts *texts);
/* The node as it was written, cut to room (1 or more). */
const char *expression_term(const struct expression *e, int at, char *into, size_t room);

/* Lower-cases ASCII, cut to room; returns into. */
char *lower_into(char *into, size_t room, const char *text);

#endif
