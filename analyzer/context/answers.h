/* How long a server's answers to logins inside TLS were, in sessions that told how the login went by other things too. */
#ifndef IMAPWHY_ANSWERS_H
#define IMAPWHY_ANSWERS_H

#include "services.h"

struct answer {
	int length;         /* of the plain text without its tag, the least it may have been */
	uint16_t whole;     /* the same with its tag */
	uint16_t login;     /* of the login that it answered, likewise */
	bool accepted;
	bool same_client;   /* as the one asked for; set by answers_of */
	struct shown shown; /* the answer's frame, session and client */
};

#define ANSWERS_MOST 8 /* of one server; the newest stay */

/* The table is made by context.c, of records so large. */
struct answers {
	struct ageing *table;
};
extern const size_t answers_record;

/* One that says nothing new (as long, accepted alike, of the same client with as long a login) is not kept twice. */
void answers_learn(struct answers *answers, const struct endpoint *server, const struct answer *answer);
/* Those of that server but of the session itself; returns how many. */
int answers_of(const struct answers *answers, const struct endpoint *server, const struct address *client, uint64_t session,
	       struct answer into[ANSWERS_MOST]);

#endif
