/* Reads ClientHello and ServerHello into views of their fields. */
#ifndef IMAPWHY_TLS_HELLO_H
#define IMAPWHY_TLS_HELLO_H

#include "bytes.h"

struct client_hello {
	uint16_t version;           /* legacy_version */
	uint16_t most, least;       /* offered; least 0: not told */
	struct bytes suites;        /* two bytes each; three in an SSLv2 hello */
	struct bytes extensions;
	struct bytes groups, formats, signatures, versions; /* items alone, without their length; empty where absent */
	struct bytes protocols;     /* ALPN: each with its length byte */
	struct bytes name;          /* server_name's host_name */
	bool has_name;              /* the extension is there */
	bool early_data;
	bool only_weak;
};

struct server_hello {
	uint16_t version, cipher;
	bool retry; /* HelloRetryRequest */
	bool psk;
};

/* A message's body, without its four bytes of type and length. False: malformed, `hello` untouched. */
bool client_hello_read(struct bytes body, struct client_hello *hello);
bool server_hello_read(struct bytes body, struct server_hello *hello);
/* The body of an SSLv2-compatible hello, from the message type on. Only version, most and only_weak are filled. */
bool sslv2_hello_read(struct bytes body, struct client_hello *hello);
/* Values reserved so that peers learn to ignore the unknown (RFC 8701). */
static inline bool is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

#endif
