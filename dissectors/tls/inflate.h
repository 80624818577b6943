/* Certificates that come compressed (RFC 8879). */
#ifndef IMAPWHY_TLS_INFLATE_H
#define IMAPWHY_TLS_INFLATE_H

#include "bytes.h"

/* Unpacks to exactly `len` bytes, as the sender said. False: damaged, another length, or an algorithm whose library was not at hand when this
 * was built. */
bool inflate_certificate(uint16_t algorithm, struct bytes packed, uint8_t *into, size_t len);

#endif
