/* One YAML file, read whole and kept: the strings of rules are borrowed from it. The only header that includes libyaml. */
#ifndef IMAPWHY_DOCUMENT_H
#define IMAPWHY_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "problems.h"

struct document {
	char *name;   /* the path it was read from */
	char *source; /* NUL-terminated */
	size_t len;
	yaml_document_t yaml;
	bool parsed;
	struct problems *problems; /* only while loading */
};

/* False: the file can't be read or is no YAML, and the problem was told. Close it either way. */
bool document_open(struct document *d, const char *path, struct problems *problems);
void document_close(struct document *d);

yaml_node_t *document_root(struct document *d); /* NULL: empty */

/* Tells a mistake at that node; NULL: of the file as a whole. */
void document_problem(struct document *d, const yaml_node_t *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* `null`, `~` or nothing at all, unquoted. */
bool node_is_null(const yaml_node_t *n);
/* The scalar's text, NULL and told where it is something else, empty or holds a NUL. `what` names it in the problem. */
const char *document_text(struct document *d, const yaml_node_t *n, const char *what);
/* The scalar's place in a NULL-terminated list of words; -1 and told, as an unknown `what`, where it is none of them. */
int document_word(struct document *d, const yaml_node_t *n, const char *what, const char *const *list);
/* The line of the file on which the scalar's byte at that offset of its value stands. */
int document_line(const struct document *d, const yaml_node_t *scalar, size_t offset);

/* Walks a list; a scalar counts as a list of one where `or_scalar`. False at its end. */
struct items {
	yaml_node_t *list;
	int next, count;
	bool single;
};
/* False and told where it is no list. */
bool document_items(struct document *d, yaml_node_t *n, const char *what, bool or_scalar, struct items *into);
yaml_node_t *items_next(struct document *d, struct items *items);

/* Walks a mapping's pairs. False and told where it is none, or has more pairs than any should. */
bool document_pairs(struct document *d, yaml_node_t *n, const char *what, struct items *into);
/* The next pair whose key is a text; keys that are none were told. False at the end. */
bool pairs_next(struct document *d, struct items *pairs, const char **key, yaml_node_t **key_node, yaml_node_t **value);
/* The next pair whose key is a word of the list, and the word's place there; other keys are told as an unknown `what`. */
bool pairs_next_word(struct document *d, struct items *pairs, const char *what, const char *const *list, int *number, yaml_node_t **value);

/* A mapping's keys and what reads them. */
struct key {
	const char *word;
	bool needed;
	void (*read)(struct document *d, yaml_node_t *value, const char *word, void *into);
	size_t at; /* `read` gets what stands so many bytes into what document_read fills */
};
/* Reads a mapping by its table of keys (at most 32, ended by a NULL word): unknown, repeated and missing keys are told. */
void document_read(struct document *d, yaml_node_t *n, const char *what, const struct key *keys, void *into);

/* Reads a key whose member is a text, a `const char *`; and one that is for the file's reader alone. */
void key_text(struct document *d, yaml_node_t *value, const char *word, void *into);
void key_note(struct document *d, yaml_node_t *value, const char *word, void *into);

#endif
