/* Cipher suites as far as opening records needs them. */
#ifndef IMAPWHY_TLS_SUITES_H
#define IMAPWHY_TLS_SUITES_H

#include "bytes.h"

enum sealing { SEALED_AEAD, SEALED_CCM, SEALED_CBC };

struct suite {
	const char *cipher;    /* as EVP_CIPHER_fetch knows it */
	const char *mac;       /* CBC: the digest of its HMAC; else NULL */
	const char *hash;      /* of HKDF, and of the PRF from TLS 1.2 on */
	enum sealing sealing;
	uint8_t key;           /* bytes of the key */
	uint8_t explicit_part; /* up to TLS 1.2: bytes of the nonce (CBC: of the IV) that stand in the record */
	uint8_t tag;           /* AEAD: bytes of the tag; CBC: of the MAC */
};

#define NONCE_BYTES 12 /* of every AEAD */

/* NULL: not one that can be opened. */
const struct suite *suite_of(uint16_t number);

#endif
