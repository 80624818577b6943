/* Borrowed bytes and a bounded reader whose shortfall sticks. */
#ifndef IMAPWHY_BYTES_H
#define IMAPWHY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes that belong to somebody else; valid until the call that handed it over returns. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){ data, len };
}

static inline struct bytes bytes_of_text(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

/* p + n, also for the NULL of empty bytes, where C leaves even + 0 undefined. */
static inline const uint8_t *bytes_step(const uint8_t *p, size_t n)
{
	return n ? p + n : p;
}

/* The part of b from offset on, at most len long; empty where b ends before it. */
static inline struct bytes bytes_part(struct bytes b, size_t offset, size_t len)
{
	if (offset > b.len)
		return (struct bytes){ bytes_step(b.data, b.len), 0 };
	if (len > b.len - offset)
		len = b.len - offset;
	return (struct bytes){ bytes_step(b.data, offset), len };
}

/* Reads in network byte order. Reading past the end yields zeros, moves nothing and sets `shortfall`, which sticks:
 * a parser reads all it wants and asks once. Copy the reader to look ahead. */
struct reader {
	const uint8_t *at, *end;
	bool shortfall;
};

static inline struct reader reader_of(struct bytes b)
{
	return (struct reader){ b.data, bytes_step(b.data, b.len), false };
}

/* What may still be read: nothing after a shortfall, so that a loop over what is left ends. */
static inline size_t reader_left(const struct reader *r)
{
	return r->shortfall ? 0 : (size_t)(r->end - r->at);
}

static inline const uint8_t *reader_take(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->shortfall || (size_t)(r->end - at) < n) {
		r->shortfall = true;
		return NULL;
	}
	r->at = bytes_step(at, n);
	return at;
}

static inline uint8_t read_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);
	return p ? p[0] : 0;
}

static inline uint16_t read_be16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);
	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t read_be24(struct reader *r)
{
	const uint8_t *p = reader_take(r, 3);
	return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t read_be32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);
	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* The next n bytes as a view; empty on shortfall. */
static inline struct bytes read_bytes(struct reader *r, size_t n)
{
	const uint8_t *p = reader_take(r, n);
	return p ? bytes_of(p, n) : (struct bytes){ r->at, 0 };
}

#endif
