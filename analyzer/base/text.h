/* A bounded text being built: never overflows, says when it was cut. */
#ifndef IMAPWHY_TEXT_H
#define IMAPWHY_TEXT_H

#include "bytes.h"

struct text {
	char *start;
	size_t len, room; /* room includes the closing NUL */
	bool cut;
};

/* A text in the caller's array. */
#define TEXT_IN(array) ((struct text){ .start = (memset((array), 0, 1), (array)), .room = sizeof(array) })

void text_add(struct text *t, const char *s);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds wire bytes as printable UTF-8: control bytes and malformed sequences become '?', at most `most` bytes of input. */
void text_add_wire(struct text *t, struct bytes wire, size_t most);

/* Case-insensitive (ASCII) search of a needle in bytes. */
bool bytes_contain(struct bytes hay, const char *needle);
/* Case-insensitive (ASCII) comparison. */
bool bytes_same_word(struct bytes b, const char *word);
bool bytes_start(struct bytes b, const char *prefix);

/* Compares in the same time and wipes so that the compiler can't drop it. */
void wipe(void *secret, size_t len);

#endif
