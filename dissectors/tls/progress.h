/* Between the files of the TLS dissector: how far a session is, and what its records mean there. */
#ifndef IMAPWHY_TLS_PROGRESS_H
#define IMAPWHY_TLS_PROGRESS_H

#include "tls.h"

enum record_type { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23, HEARTBEAT = 24 };

/* What is done with a record's body. */
enum tls_mode {
	MODE_SKIP,      /* nothing to learn */
	MODE_MESSAGES,  /* clear handshake messages */
	MODE_ALERT,     /* a clear alert */
	MODE_CHANGE,    /* ChangeCipherSpec */
	MODE_FINISHED,  /* encrypted handshake, up to TLS 1.2 */
	MODE_SECRET_ALERT, /* encrypted alert, up to TLS 1.2 */
	MODE_PROTECTED, /* 1.3: a type 23 record within the handshake */
	MODE_DATA,      /* application data */
	MODE_TICKET,    /* 1.3: NewSessionTicket by its shape */
	MODE_EARLY,     /* 0-RTT data, or what may be it */
};

/* A record's header is there: decides the mode of its body. */
enum tls_mode record_begins(struct tls_state *st, struct observer *o, enum record_type type, uint16_t length);
/* Its last byte is there. */
void record_ends(struct tls_state *st, struct observer *o, enum tls_mode mode, uint16_t length);

/* Puts it into the session's timeline, once the handshake is over. */
void keep_record(struct tls_state *st, struct observer *o, enum record_kind kind, uint16_t length);

void clear_alert(struct tls_state *st, struct observer *o, uint8_t level, uint8_t description);
/* What was read inside: a Finished of TLS 1.3; any record but an alert (what had the size of close_notify was none). */
void finished_read(struct tls_state *st, struct observer *o);
void went_on(struct tls_state *st, struct observer *o);
/* A hole in what the server said may hold the answer that is owed. */
void answered_in_hole(struct tls_state *st, struct observer *o);
/* Times the client's asking and the server's answering. */
void client_asks(struct tls_state *st, const struct observer *o);
void server_answers(struct tls_state *st, struct observer *o);

/* A clear handshake message, body without type and length. */
void handshake_message(struct tls_state *st, struct observer *o, uint8_t type, struct bytes body);
/* SSLv2-compatible ClientHello, from its message type on. */
void sslv2_hello(struct tls_state *st, struct observer *o, struct bytes body);

#endif
