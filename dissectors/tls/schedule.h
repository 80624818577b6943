/* Keys from secrets: TLS 1.3's HKDF-Expand-Label (RFC 8446 7.1) and the PRF of the versions before (RFC 5246 5, RFC 2246 5). What libcrypto
 * has to look up by name for it, and for ciphers, is looked up once. */
#ifndef IMAPWHY_TLS_SCHEDULE_H
#define IMAPWHY_TLS_SCHEDULE_H

#include "suites.h"

struct schedule;
struct evp_cipher_st;

struct schedule *schedule_create(void); /* NULL: no memory, or libcrypto lacks HMAC */
void schedule_destroy(struct schedule **schedule);

/* `len` bytes, at most the hash's own length, with an empty context. False: libcrypto would not. */
bool expand_label(struct schedule *schedule, const char *hash, struct bytes secret, const char *label, uint8_t *into, size_t len);
/* hash: "MD5-SHA1" before TLS 1.2. */
bool prf(struct schedule *schedule, const char *hash, struct bytes secret, const char *label, struct bytes seed, uint8_t *into, size_t len);
/* The suite's cipher; NULL: libcrypto has none such. It stays the schedule's. */
const struct evp_cipher_st *schedule_cipher(struct schedule *schedule, const struct suite *suite);

#endif
