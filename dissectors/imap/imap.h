/* IMAP (RFC 9051, 3501): what reports ask of the dissector's state beside the facts. */
#ifndef IMAPWHY_IMAP_H
#define IMAPWHY_IMAP_H

#include "dissector.h"

/* RFC 9051 2.1, RFC 8314 3.2 */
#define IMAP_PORT 143
#define IMAPS_PORT 993

#define IMAP_MOST_COMMAND_KINDS 8

struct imap_command_count {
	enum word_command command; /* rarer kinds beyond the table are counted as `other` */
	uint32_t count;
	uint32_t worst_ms;         /* slowest tagged answer, whatever it said; IDLE has none */
};

#define IMAP_MOST_LOGINS 4

/* An attempt to log in. */
struct imap_login {
	const char *mechanism;   /* SASL mechanism, or LOGIN */
	enum word_status result; /* none: not answered */
	const char *code;        /* response code of a refusal: one that is registered (RFC 5530 and others), "OTHER", or NULL */
};

/* Whether all lines of that side were read: holes lay within literals alone. `state` is imap_dissector's. */
bool imap_saw_all(const void *state, enum direction from);

/* The newest attempts, oldest first. Returns how many were written; what does not fit is only in fact imap.login_tried. */
size_t imap_logins(const void *state, struct imap_login *into, size_t most);

/* How often which commands were sent, in the order of their first use. `state` is imap_dissector's. Returns how many were written. */
size_t imap_commands(const void *state, struct imap_command_count *into, size_t most);

#endif
