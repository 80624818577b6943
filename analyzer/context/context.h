/* What all traffic tells about one session: the tables, and the facts that they add to a session's view. */
#ifndef IMAPWHY_CONTEXT_H
#define IMAPWHY_CONTEXT_H

#include "answers.h"
#include "behind.h"
#include "certificates.h"
#include "devices.h"
#include "facts.h"
#include "families.h"
#include "hosts.h"
#include "incidents.h"
#include "passing.h"
#include "races.h"
#include "services.h"
#include "session.h"
#include "timers.h"
#include "watch.h"

/* Made and given up together, by one table of them in context.c. */
struct context {
	struct hosts hosts;
	struct services services;
	struct races races;
	struct devices devices;
	struct certificates certificates;
	struct timers timers;
	struct answers answers;
	struct behind behind;
	struct families families;
	struct passing *passing;
	struct watch *watch;
	bool watching; /* some device is watched: segments of other traffic are to be shown to `watch` */
};

/* What is forgotten of other traffic where room is short, by kind of record. The last four are counted by who keeps them: incidents, look-ups,
 * and single attempts at more servers than are counted. */
enum forgotten {
	FORGOTTEN_HOSTS, FORGOTTEN_PASSING, FORGOTTEN_WATCHED, FORGOTTEN_FAMILIES, FORGOTTEN_BEHIND, FORGOTTEN_RACES, FORGOTTEN_DEVICES,
	FORGOTTEN_LOGINS, FORGOTTEN_SERVICES, FORGOTTEN_TIMERS, FORGOTTEN_ANSWERS, FORGOTTEN_CERTIFICATES,
	FORGOTTEN_INCIDENTS, FORGOTTEN_LOOKUPS, FORGOTTEN_NAMES, FORGOTTEN_ATTEMPTS,
	FORGOTTEN_KINDS
};

/* All tables together within most_bytes (none is ever smaller than a few hundred records). False: out of memory; it is to be reset all the same. */
bool context_init(struct context *context, size_t most_bytes, struct hash_key key);
void context_reset(struct context *context);
size_t context_bytes(const struct context *context);
/* Adds the records of other traffic that left for room. */
void context_forgotten(const struct context *context, uint64_t into[FORGOTTEN_KINDS]);

/* Whose view is completed. */
struct case_of {
	const struct endpoint *client, *server;
	const char *name;       /* of the server, NULL: not known */
	uint64_t session;       /* event.id */
	nanoseconds began, now;
	const char *asked_for;  /* the name in the ClientHello, NULL: none */
};
/* Sets the facts context.*, and names the sessions that show them. */
void context_complete(const struct context *context, const struct case_of *c, struct fact_view view[FACT_COUNT], struct other_proofs *proofs);
/* Did the server's host answer anybody else between two times (as far as that is remembered)? */
bool context_host_lived(const struct context *context, const struct case_of *c, nanoseconds from, nanoseconds to);
/* What other traffic answers of the repair steps. */
void context_answers(const struct context *context, const struct case_of *c, struct session_answers *into);
/* Which facts context.* are set, as bits. */
uint16_t context_proven(const struct fact_view view[FACT_COUNT]);
/* Takes those facts that a few more seconds of other traffic could bring as given: would they change the verdict? */
void context_suppose(struct fact_view view[FACT_COUNT]);

/* What a session showed that others may need: to be told when it is looked at and again when it is judged. */
void context_learn(struct context *context, const struct case_of *c, const struct fact_view view[FACT_COUNT]);
/* It worked: the login was accepted, or records went both ways. */
void context_worked(struct context *context, const struct case_of *c, struct moment at);
/* One that worked begins to close. */
void context_closing(struct context *context, const struct case_of *c, nanoseconds at);
/* Its client said by an alert that it refuses the certificate. */
void context_certificate_refused(struct context *context, const struct case_of *c, nanoseconds at);
/* A companion's service did its part; what was said there is not read, so it proves nothing of logins. */
void context_companion_worked(struct context *context, const struct case_of *c, struct moment at);
/* It died of quiet: what it sent after it was swallowed or met a peer that no longer knew the connection. */
void context_died(struct context *context, const struct case_of *c, const struct fact_view view[FACT_COUNT]);
/* Its mail fails: from now on its other connections tell of their loss. */
void context_watch(struct context *context, const struct address *device, nanoseconds now);
/* Its verdict: the service failed this client, so far. */
void context_failed(struct context *context, const struct case_of *c, struct moment at);

#endif
