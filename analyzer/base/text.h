/* A bounded text being built: never overflows, says when it was cut. */
#ifndef IMAPWHY_TEXT_H
#define IMAPWHY_TEXT_H

#include <strings.h>

#include "bytes.h"

struct text {
	char *start;
	size_t len, room; /* room includes the closing NUL */
	bool cut;
};

/* A text in the caller's array. */
#define TEXT_IN(array) ((struct text){ .start = (memset((array), 0, 1), (array)), .room = sizeof(array) })

/* Adds as much as there is room for. */
void text_add(struct text *t, const char *s);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds wire bytes as printable UTF-8: control bytes and malformed sequences become '?', at most `most` bytes of input. */
void text_add_wire(struct text *t, struct bytes wire, size_t most);

/* Case-insensitive (ASCII) search of a needle in bytes. */
bool bytes_contain(struct bytes hay, const char *needle);

/* ASCII, whatever the locale. */
static inline uint8_t letter_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* -1: no hexadecimal digit. */
static inline int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* May two letters be the same but for their case? Most are not, and need no more than that. */
static inline bool letters_alike(uint8_t a, char b)
{
	return !((a ^ (uint8_t)b) & 0xdf);
}

/* Case-insensitive (ASCII) comparison. */
static inline bool bytes_start(struct bytes b, const char *prefix)
{
	if (!b.len || !letters_alike(b.data[0], prefix[0]))
		return !prefix[0];
	size_t n = strlen(prefix);
	return b.len >= n && strncasecmp((const char *)b.data, prefix, n) == 0;
}

static inline bool bytes_same_word(struct bytes b, const char *word)
{
	return bytes_start(b, word) && b.len == strlen(word);
}

/* Compares in the same time and wipes so that the compiler can't drop it. */
void wipe(void *secret, size_t len);

#endif
