/* What is wrong in rule files: one line each, FILE:LINE: what, and the nearest known word. */
#ifndef IMAPWHY_PROBLEMS_H
#define IMAPWHY_PROBLEMS_H

#include <stdio.h>

struct problems {
	FILE *out;
	int count;
};

/* line 0: the file as a whole. What came from the file is cleaned of control characters. */
void problem(struct problems *p, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Says how many were not listed. */
void problems_finish(struct problems *p);

/* The n-th word of a vocabulary, NULL past its end. */
typedef const char *word_at(const void *vocabulary, int n);

/* "; did you mean `x`?" or, where nothing is near and the words are few, "; one of a, b, c"; returns into. */
#define HINT_ROOM 400
const char *nearest_hint(const char *word, word_at *at, const void *vocabulary, char into[HINT_ROOM]);
/* The same over a NULL-terminated list. */
const char *nearest_in_list(const char *word, const char *const *list, char into[HINT_ROOM]);

#endif
