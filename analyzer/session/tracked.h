/* A connection in the flow table and its session. */
#ifndef IMAPWHY_TRACKED_H
#define IMAPWHY_TRACKED_H

#include "drive.h"

/* The table's record; the session is an allocation of its own. */
struct tracked {
	struct flow flow; /* first: the table's part */
	struct session *session;
};

/* Begins the session of a fresh (zeroed) record. NULL: no memory. */
struct session *tracked_begin(struct tracked *tracked, struct session_shared *shared);
/* Frees the session; the record is the table's. */
void tracked_release(struct tracked *tracked);

#endif
