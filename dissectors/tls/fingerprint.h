/* JA3 and JA4: short names for how a client's ClientHello is made up. */
#ifndef IMAPWHY_TLS_FINGERPRINT_H
#define IMAPWHY_TLS_FINGERPRINT_H

#include "hello.h"

#define JA3_TEXT 33
#define JA4_TEXT 37

/* False: libcrypto would not (no memory, MD5 forbidden); `into` is untouched then. */
bool ja4(const struct client_hello *hello, char into[JA4_TEXT]);

struct fingerprints {
	char ja3[JA3_TEXT], ja4[JA4_TEXT]; /* "": libcrypto would not */
};

/* The fingerprints of the hellos seen lately: few programs make most hellos, and digests cost more than all else in one. Bounded. */
struct fingerprint_cache;
struct fingerprint_cache *fingerprint_cache_create(void); /* NULL: no memory */
void fingerprint_cache_destroy(struct fingerprint_cache **cache);
/* Both, made only where no hello of the same make-up was seen lately; cache NULL: made always. */
void fingerprints_of(struct fingerprint_cache *cache, const struct client_hello *hello, struct fingerprints *into);

#endif
