/* A connection in the flow table and its session, at work or packed. */
#ifndef IMAPWHY_TRACKED_H
#define IMAPWHY_TRACKED_H

#include "drive.h"

struct packed_session;

/* The table's record, which stays where it is. A busy session is an allocation of its own, with others beside it; that of a quiet one is
 * packed with them into a single one (pack.h), a third of their size. Nothing outside may point into a session that rests. */
struct tracked {
	struct flow flow;                /* first: the table's part */
	struct session *session;         /* NULL: it rests */
	struct packed_session *packed;   /* NULL: it is at work */
};

/* Begins the session of a fresh (zeroed) record. NULL: no memory. */
struct session *tracked_begin(struct tracked *tracked, struct session_shared *shared);
/* The session, unpacked if it rested. NULL: no memory to unpack it, which is counted; it rests on. */
struct session *tracked_wake(struct tracked *tracked, struct session_shared *shared);
/* Packs the session, if there is memory to. */
void tracked_rest(struct tracked *tracked);
/* When the session's first packet came, whether it rests or not. */
struct moment tracked_first(const struct tracked *tracked);
/* Frees the session; the record is the table's. */
void tracked_release(struct tracked *tracked, struct session_shared *shared);

#endif
