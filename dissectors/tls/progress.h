/* Between the files of the TLS dissector: how far a session is, and what its records mean there. */
#ifndef IMAPWHY_TLS_PROGRESS_H
#define IMAPWHY_TLS_PROGRESS_H

#include "protocol.h"
#include "tls.h"

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

/* A Finished of TLS 1.3 was read inside. */
void finished_read(struct tls_state *st, struct observer *o);
/* Times the client's asking, and the server's answering at that moment. */
void client_asks(struct tls_state *st, const struct observer *o);
void answered(struct tls_state *st, struct observer *o, struct moment at);
/* The server's flight is whole, as what came now tells. */
void flight_came(struct tls_state *st, struct observer *o);

/* Bytes of a protected record's body in TLS 1.3: plaintext, one of type, 16 of tag; Java pads what it protects. */
#define ALERT_LENGTH 19
#define PADDING 16
/* The longest that is taken for an alert of the server where it should greet. */
#define SERVER_ALERT_MOST 24

/* --- data.c: once the handshake is over --- */

/* Puts it into the session's timeline. */
void keep_record(struct tls_state *st, struct observer *o, enum record_kind kind, uint16_t length);
void data_record(struct tls_state *st, struct observer *o, uint16_t length);
/* Is that record, by its length and its place, a close_notify; an alert where the greeting is due; a NewSessionTicket? */
bool has_notify_length(const struct tls_state *st, enum direction from, uint16_t length);
bool is_early_server_alert(const struct tls_state *st, enum direction from, uint16_t length);
bool is_ticket(const struct tls_state *st, const struct observer *o, uint16_t length);
void ticket_record(struct tls_state *st, struct observer *o, uint16_t length);
/* Any record but an alert was read inside: what had the size of close_notify was none. */
void went_on(struct tls_state *st, struct observer *o);
/* A hole in what the server said may hold the answer that is owed. */
void answered_in_hole(struct tls_state *st, struct observer *o);
void clear_alert(struct tls_state *st, struct observer *o, uint8_t level, uint8_t description);
/* An encrypted one, up to TLS 1.2. */
void secret_alert(struct tls_state *st, struct observer *o, uint16_t length);

/* --- handshake.c --- */

/* A clear handshake message, body without type and length. */
void handshake_message(struct tls_state *st, struct observer *o, uint8_t type, struct bytes body);
/* One whose end was not captured. */
void handshake_message_cut(struct tls_state *st, struct observer *o, uint8_t type);
/* SSLv2-compatible ClientHello, from its message type on. */
void sslv2_hello(struct tls_state *st, struct observer *o, struct bytes body);

#endif
