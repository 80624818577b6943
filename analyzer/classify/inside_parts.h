/* The parts of inside-tls.yaml and what they share; the files inside*.c alone see it. */
#ifndef IMAPWHY_INSIDE_PARTS_H
#define IMAPWHY_INSIDE_PARTS_H

#include "document.h"
#include "model.h"

/* No record's text is as long. */
#define LENGTH_MOST 65536

/* -1 and told: it is none. */
int inside_meaning_of(struct document *d, const yaml_node_t *at, const char *word);
/* A list of texts (or a single one) is added to `list`, which has room for `most`. `{20-60}` in a text stands for as many bytes, TAG at a
 * line's start for the client's tag. */
void inside_texts_read(struct document *d, yaml_node_t *n, int meaning, struct inside_text *list, int most, int *count);
/* For each phase given, its steps and ends; they are brought to a sum of 1. */
void inside_habits_read(struct document *d, yaml_node_t *n, const char *what, struct inside_habits *into);

#endif
