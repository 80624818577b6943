/* A session's records after the handshake, one short entry each: what is left to judge by where no key is given. */
#ifndef IMAPWHY_TLS_RECORDS_H
#define IMAPWHY_TLS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "moment.h"

/* A NewSessionTicket as servers send it in TLS 1.3 (RFC 8446 4.6.1): bytes of its record's body, where no client certificate stands in it. */
#define TICKET_LEAST 180
#define TICKET_MOST 320

enum record_kind {
	RECORD_DATA,
	RECORD_TICKET, /* 1.3: NewSessionTicket by its shape */
	RECORD_NOTIFY, /* close_notify by its shape, or (1.2) an encrypted alert */
	RECORD_HOLE,   /* bytes of that side were never captured: records may be missing here */
	RECORD_MIDDLE, /* all that stood between the first and the last entries of a long session */
};

/* The third record of a burst and those behind it are folded into the second's entry: `length` is then their sum. */
struct tls_record {
	uint32_t frame;   /* that carries the (first) record's last byte */
	uint32_t after;   /* ticks since the entry before it began; the greatest number: that or more */
	uint16_t length;  /* of the ciphertext, as in the record's header; the greatest number: that or more */
	uint8_t span;     /* from the first to the last record of a burst, in units of RECORD_SPAN */
	uint8_t kind : 3; /* enum record_kind */
	uint8_t from : 1; /* enum direction */
	uint8_t file : 4; /* counted from that of the first entry; RECORD_FILE_LOST: the frame is not known */
};

#define RECORD_TICK (10 * MICROSECOND)
#define RECORD_SPAN (10 * MILLISECOND)
#define RECORD_FILE_LOST 15
#define RECORDS_FIRST 36 /* entries kept from the start on; a login stands there */
#define RECORDS_MOST 48  /* with the newest ones */

struct tls_records {
	nanoseconds began;  /* the first entry's time */
	nanoseconds entry;  /* the newest entry's */
	nanoseconds newest; /* the newest record's */
	uint16_t file;
	uint8_t count, room;
	struct tls_record list[];
};

static inline size_t records_size(uint8_t entries)
{
	return sizeof(struct tls_records) + entries * sizeof(struct tls_record);
}

/* Adds a record at the end. False: no memory for it; `records` (NULL at first) stays as it was. */
bool records_add(struct tls_records **records, enum record_kind kind, enum direction from, uint16_t length, struct moment at);
/* The newest entry of that side, where it is of the kind `from_kind`, becomes one of the kind `to`: later records told what it was. */
void records_rename(struct tls_records *records, enum direction from, enum record_kind from_kind, enum record_kind to);
struct packer;
/* Packs or unpacks them (pack.h). */
void records_pack(struct packer *p, struct tls_records **records);
void records_free(struct tls_records **records);

/* When an entry came, and in which frame (0 where that is lost). */
struct moment records_moment(const struct tls_records *records, int entry);

/* How many bytes of plaintext a record of that ciphertext length holds, at least and at the most: exact for AEAD suites (RFC 5246 6.2.3.3,
 * RFC 7905, RFC 8446 5.2), a block's range for CBC. False: the suite is not known, or the record is shorter than what the suite adds. */
struct plain_length {
	uint16_t least, most;
};
bool record_plain(uint16_t version, uint16_t cipher, uint16_t length, struct plain_length *into);

#endif
