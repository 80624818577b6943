/* IMAP (RFC 9051, 3501): what reports ask of the dissector's state beside the facts. */
#ifndef IMAPWHY_IMAP_H
#define IMAPWHY_IMAP_H

#include "dissector.h"

#define IMAP_MOST_COMMAND_KINDS 8

struct imap_command_count {
	enum word_command command; /* rarer kinds beyond the table are counted as `other` */
	uint32_t count;
	uint32_t worst_ms;         /* slowest tagged answer, whatever it said; IDLE has none */
};

/* How often which commands were sent, in the order of their first use. `state` is imap_dissector's. Returns how many were written. */
size_t imap_commands(const void *state, struct imap_command_count *into, size_t most);

#endif
