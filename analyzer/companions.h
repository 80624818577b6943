/* Mail's companions, POP3 and submission: their ports, and which verdicts are told of them. */
#ifndef IMAPWHY_COMPANIONS_H
#define IMAPWHY_COMPANIONS_H

#include "rules.h"

struct companion {
	uint16_t port;
	enum word_companion service;
	bool tls; /* implicit */
};
/* Ends with port 0. */
extern const struct companion companions[];

/* NULL: the port is none of theirs. */
const struct companion *companion_of(uint16_t port);
/* What they say is not read: only faults of transport and TLS that need no knowledge of it are told. */
bool companion_tells(const struct rule *rule);

#endif
