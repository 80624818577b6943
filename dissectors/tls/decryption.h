/* Between the files that decrypt: a session's keys and what waits for them. */
#ifndef IMAPWHY_TLS_DECRYPTION_H
#define IMAPWHY_TLS_DECRYPTION_H

#include "decrypt.h"
#include "protect.h"
#include "spares.h"

#define QUEUE_MOST (48u << 10)  /* of one session: a server's flight and the first answers */
#define WAIT_MOST (10 * SECOND) /* for secrets, from the first record that needs them */

#define HASH_MOST 48

struct decryptor {
	struct secrets *secrets;
	struct schedule *schedule;
	struct decryptor_counts counts;
	size_t used, most;        /* bytes of queues, records in pieces and messages */
	struct spares spares;     /* of them, lying idle */
	size_t plain_len;         /* to be wiped */
	uint8_t plain[SEALED_MOST];
};

/* Up to TLS 1.2 there are the first and the last alone. */
enum epoch { EPOCH_CLEAR, EPOCH_EARLY, EPOCH_HANDSHAKE, EPOCH_TRAFFIC };

struct sealed_side {
	struct protection *protection; /* NULL: not made yet */
	bool due;                      /* it is of the epoch before */
	uint8_t *record;               /* one that comes in pieces */
	uint8_t *message;              /* a handshake message that goes on in the next record */
	uint32_t message_len, message_room, message_skip;
	uint16_t gathered;
	uint16_t lost_most;            /* records that a hole may have swallowed ahead of the next */
	uint16_t doubt;                /* records that may fail to open before it is given up; 0: none may */
	uint8_t epoch;
	bool gap;                      /* content is missing ahead of the next piece */
};

struct decryption {
	struct decryptor *shared;
	const struct suite *suite;
	struct sealed_side side[2];
	uint8_t client_random[RANDOM_BYTES], server_random[RANDOM_BYTES];
	/* Up to 1.2, by which a later session takes this one up again: digests of session id and ticket, as offered and as given. */
	uint8_t session[RANDOM_BYTES], offered[RANDOM_BYTES], given[RANDOM_BYTES];
	bool has_session, has_offered, has_given, remembered;
	/* Up to 1.2, for key logs that tell pre-master secrets. */
	struct evp_md_ctx_st *transcript; /* of the handshake's messages, from ServerHello on */
	uint8_t *hello;                   /* the ClientHello until then */
	uint32_t hello_len;
	uint8_t premaster[RANDOM_BYTES];  /* the name of the encrypted one */
	uint8_t session_hash[HASH_MOST];  /* RFC 7627 3 */
	uint8_t session_hash_len;         /* 0: not known */
	bool has_premaster, extended_master;
	uint16_t version;          /* 0: no ServerHello yet */
	uint16_t tries;            /* vain ones in holes so far */
	bool encrypt_then_mac;
	bool early_offered, early; /* 0-RTT data, and that it may be taken */
	bool over;                 /* given up */
	bool partial;              /* not all could be read */
	bool reading;              /* application data was read */
	bool ready;                /* `inner` waits to be handed out */
	uint8_t told;              /* enum word_decrypted */
	struct inner inner;
	struct bytes whole;        /* a record that came in one piece */
	/* What waits for secrets: struct event, each with its record's body behind it. */
	uint8_t *queue;
	uint32_t queue_at, queue_len, queue_room;
	nanoseconds waits_since;
};

struct event {
	struct moment at;
	uint16_t length;    /* of the body; 0 where it is a hole */
	uint16_t lost_most; /* not 0: a hole */
	uint8_t from, type;
};

/* --- waiting.c --- */
bool queue_add(struct decryption *d, const struct event *e, struct bytes body); /* false: no room, or waited too long */
bool queue_first(const struct decryption *d, struct event *e, struct bytes *body);
void queue_drop_first(struct decryption *d);
void queue_free(struct decryption *d);
/* Bytes that count against the decryptor's limit; NULL: no room, counted. Secrets are to be wiped before they go back. */
uint8_t *decryptor_take(struct decryptor *shared, size_t len);
void decryptor_give_back(struct decryptor *shared, uint8_t *bytes, size_t len);
void record_room_free(struct decryptor *shared, uint8_t **room);

/* --- premaster.c --- */
void transcript_drop(struct decryption *d);
/* The master secret of a pre-master secret that a key log told of this session goes into the table of secrets. False: none was told. */
bool master_of_premaster(struct decryption *d);

/* --- open.c --- */
enum opened { OPENED, OPEN_BLOCKED }; /* blocked: a secret that it needs is not there */
enum opened open_event(struct tls_state *st, const struct observer *o, const struct event *e, struct bytes body);
void give_up(struct tls_state *st, struct observer *o, enum word_decrypted why);

/* --- messages.c --- */
/* Handshake messages in an opened record. */
void inner_messages(struct tls_state *st, struct observer *o, struct bytes content);
void inner_messages_lost(struct decryption *d, enum direction from);

#endif
