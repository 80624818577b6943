/* The TLS dissector's memory of a session, and what sessions share. */
#ifndef IMAPWHY_TLS_H
#define IMAPWHY_TLS_H

#include "dissector.h"
#include "records.h"

/* What all TLS sessions of a run share: the leaf certificates and the make-up of the hellos seen lately, already read. Bounded. */
struct tls_shared;
struct tls_shared *tls_shared_create(void); /* NULL: no memory */
void tls_shared_destroy(struct tls_shared **shared);
/* Lets a fresh (zeroed) state use them; a state without works too, each certificate is then read anew. */
void tls_attach(void *state, struct tls_shared *shared);
/* Frees what a state (NULL too) holds beside itself. */
void tls_release(void *state);

/* Memory of a state (NULL: none), its records included; what decrypts is counted by the decryptor. */
size_t tls_memory(const void *state);
/* Whether all records of that side were seen, and all clear messages but for the end of a ClientHello. */
bool tls_saw_all(const void *state, enum direction from);
struct packer;
/* Packs or unpacks a state (NULL: there is none), and returns it (pack.h); keys and what waits for them stay where they are. */
void *tls_pack(struct packer *p, void *state);

/* What waited for secrets and can be read by now, piece by piece, without new bytes. False: nothing more. */
bool tls_waiting(void *state, const struct observer *o, struct inner *into);

/* From here on new sessions are read inside with the decryptor's secrets. It stays the caller's. */
struct decryptor;
void tls_shared_decrypt(struct tls_shared *shared, struct decryptor *decryptor);
struct decryptor *tls_shared_decryptor(const struct tls_shared *shared); /* NULL: none */

struct fingerprint_cache;
struct fingerprint_cache *tls_shared_fingerprints(const struct tls_shared *shared); /* NULL: shared is NULL */

/* One direction's place in the record layer. */
struct tls_side {
	struct moment held_at; /* when `held` came */
	uint32_t skip;         /* of a handshake message too long to keep, still to come */
	uint16_t left;         /* of the record's body, still to come */
	uint16_t length;       /* of the record's body */
	uint16_t unread;       /* bytes there of a clear message that is not whole yet */
	uint16_t held;         /* length of a record of a close_notify's size that nothing followed yet; 0: none */
	uint8_t mode;          /* what is done with the body: enum tls_mode */
	uint8_t unread_type;   /* what that message is */
	bool open : 1;         /* within a record (also one with an empty body) */
	bool partial : 1;      /* bytes wait for more */
	bool told_partial : 1;
	bool ended : 1;        /* a record ended since that was told */
	bool spoke : 1;        /* at least one record */
	bool lost : 1;         /* looks for the next record's header */
	bool holes : 1;        /* a gap came: what was not seen may have been there */
	bool blind : 1;        /* a hole may have held whole records or messages */
	bool dead : 1;         /* speaks no TLS */
	bool changed : 1;      /* sent ChangeCipherSpec */
	bool finished : 1;
	bool protected_seen : 1; /* 1.3: sent a protected record in the handshake */
	bool notified : 1;       /* sent close_notify, nothing after it */
	bool data_seen : 1;      /* sent an application record */
	bool closed : 1;         /* its FIN came */
};

struct tls_state {
	struct tls_shared *shared;
	struct tls_records *records; /* the timeline since the handshake, NULL: none; freed by tls_release */
	struct decryption *decryption; /* NULL: no keys are looked for */
	struct tls_side side[2];     /* by enum direction */
	struct moment flight_at;     /* the server's newest protected record in the handshake */
	struct moment ticket_at;     /* the newest record taken for a ticket */
	nanoseconds asked;           /* when the client's newest unanswered record, or its burst, came */
	nanoseconds client_at;       /* the client's newest record */
	nanoseconds finished_at;     /* the client's Finished */
	uint64_t name, name_parent;  /* hashes of the server name and of it without the leftmost label */
	uint16_t version, cipher;    /* 0: unknown */
	uint16_t ticket_length;
	uint8_t tickets;
	bool client_hello : 1, server_hello : 1, early_data : 1, named : 1;
	bool asking : 1;             /* `asked` counts */
	bool established : 1, flight : 1, resumed : 1;
	bool rejected : 1;           /* 1.3: an alert stood where the client's Finished was due */
	bool padded : 1;             /* the client pads by 16 bytes (Java) */
	bool client_certificate : 1; /* 1.3: sent one, empty or not */
	bool owed : 1, midstream : 1;
	bool again : 1;              /* after a pause the client spoke again, still unanswered */
};

#endif
