/* Numbers, spans of time and rows of shares in rule files. All are told of, by the name `what`, where they are none, and false is returned. */
#ifndef IMAPWHY_NUMBERS_H
#define IMAPWHY_NUMBERS_H

#include "document.h"
#include "moment.h"

/* A decimal number from 0 to `most`. */
bool document_number(struct document *d, yaml_node_t *n, const char *what, double most, double *into);
/* Like 300ms, 1.5s or 3m. */
bool document_span(struct document *d, yaml_node_t *n, const char *what, nanoseconds *into);
/* A list of exactly `count` numbers. */
bool document_row(struct document *d, yaml_node_t *n, const char *what, int count, double *into);
/* Brings a row to a sum of 1. */
bool shares_of(struct document *d, yaml_node_t *n, const char *what, int count, double *list);

/* Reads a key whose member is a double from 0 to 1. */
void key_share(struct document *d, yaml_node_t *value, const char *word, void *into);

#endif
