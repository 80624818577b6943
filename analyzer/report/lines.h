/* Lines for a terminal: wrapped by what a person sees, not by bytes; right-to-left text kept apart. */
#ifndef IMAPWHY_LINES_H
#define IMAPWHY_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* A growing text; `failed` once memory was short. */
struct lines {
	char *text;
	size_t len, room;
	bool failed;
};

/* Adds to it; where memory is short the text stays as it was, and `failed` says so. */
void lines_put(struct lines *l, const char *text);
void lines_putf(struct lines *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Frees it; it is empty then. */
void lines_drop(struct lines *l);

/* Columns that the text takes on a terminal. */
unsigned lines_columns(const char *text, size_t len);
/* A paragraph: `first` starts it, `indent` blanks every further line; no line is wider than `width`. A paragraph that
 * begins in a right-to-left script stands in isolates, line by line, so that its order survives what is around it. */
void lines_wrap(struct lines *l, const char *first, unsigned indent, const char *text, unsigned width);

#endif
