/* Keys from secrets: TLS 1.3's HKDF-Expand-Label (RFC 8446 7.1) and the PRF of the versions before (RFC 5246 5, RFC 2246 5). */
#ifndef IMAPWHY_TLS_SCHEDULE_H
#define IMAPWHY_TLS_SCHEDULE_H

#include "bytes.h"

/* `len` bytes, with an empty context. False: libcrypto would not. */
bool expand_label(const char *hash, struct bytes secret, const char *label, uint8_t *into, size_t len);
/* hash: "MD5-SHA1" before TLS 1.2. */
bool prf(const char *hash, struct bytes secret, const char *label, struct bytes seed, uint8_t *into, size_t len);

#endif
