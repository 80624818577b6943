/* IPv4 and IPv6 addresses and the two ends of a connection. */
#ifndef IMAPWHY_ADDRESS_H
#define IMAPWHY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* IPv4 stands in the first four bytes, the rest is zero, so that addresses compare as memory. */
struct address {
	uint8_t byte[16];
	uint8_t family; /* 4 or 6; 0: none */
};

struct endpoint {
	struct address address;
	uint16_t port;
};

#define ADDRESS_TEXT 46

static inline bool address_same(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->byte, b->byte, 16) == 0;
}

/* The usual text (RFC 5952 for IPv6) into a buffer of ADDRESS_TEXT; returns it. */
const char *address_text(const struct address *a, char *into);
/* Reads "192.0.2.1" or "2001:db8::1". */
bool address_parse(const char *text, struct address *into);

#endif
