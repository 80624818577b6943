/* Reads on inside TLS where the secrets are known: what all sessions share for it, and what the TLS dissector asks of it. */
#ifndef IMAPWHY_TLS_DECRYPT_H
#define IMAPWHY_TLS_DECRYPT_H

#include "dissector.h"
#include "secrets.h"
#include "tls.h"

/* --- shared by all sessions --- */

struct decryptor_counts {
	uint64_t sessions;                         /* of which application data was read */
	uint64_t records, bytes;                   /* opened, and what was in them */
	uint64_t missing, wrong, stopped, unknown; /* sessions given up: no secrets, they do not fit, lost in a hole, a suite not known here */
	uint64_t capped;                           /* records and messages that found no room */
};

/* Holds the secrets, and within most_bytes all that waits for them. NULL: no memory. */
struct decryptor *decryptor_create(size_t most_bytes, struct hash_key key);
void decryptor_destroy(struct decryptor **decryptor);
struct secrets *decryptor_secrets(struct decryptor *decryptor);
const struct decryptor_counts *decryptor_counts(const struct decryptor *decryptor);
size_t decryptor_bytes(const struct decryptor *decryptor);

/* --- for the TLS dissector's files; all but the first need st->decryption --- */

/* A ClientHello, body alone: from here on the session is read inside, if a decryptor is there. */
void decryption_client_hello(struct tls_state *st, struct bytes body);
void decryption_server_hello(struct tls_state *st, struct bytes body, uint16_t version, uint16_t cipher);
/* Any handshake message up to TLS 1.2, once it was looked at: what a pre-master secret becomes hangs on them. */
void decryption_handshake(struct tls_state *st, enum direction from, uint8_t type, struct bytes body);
/* NewSessionTicket in clear (up to TLS 1.2). */
void decryption_ticket(struct tls_state *st, struct bytes body);

/* The next bytes of a sealed record's body, whose length is `whole`. */
void decryption_bytes(struct tls_state *st, enum direction from, struct bytes part, uint16_t whole);
/* Its last byte is there, or was lost. */
void decryption_record(struct tls_state *st, const struct observer *o, uint8_t type, uint16_t length);
/* Records were lost. `missing` bytes of them, 0: unknown. */
void decryption_gap(struct tls_state *st, const struct observer *o, uint64_t missing);
/* What was inside, piece by piece; false: nothing more for now. A piece is wiped by the next call for any session. */
bool decryption_next(struct tls_state *st, const struct observer *o, struct inner *into);
void decryption_end(struct tls_state *st);

#endif
