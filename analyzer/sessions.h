/* Sessions as packets make them: begun, fed, forgotten. */
#ifndef IMAPWHY_SESSIONS_H
#define IMAPWHY_SESSIONS_H

#include "analysis.h"

/* The first look at a session that went quiet. */
#define LOOK_FIRST (700 * MILLISECOND)

/* The session between the two ends; NULL: none. */
struct session *find_session(struct analysis *a, const struct ends *ends);
/* With its first packet, which is yet to be fed. NULL: no memory. */
struct session *begin_session(struct analysis *a, const struct packet *p);
/* Gives the session a packet of its ends. Where that begins another session, `s` is judged and gone afterwards. */
void feed_session(struct analysis *a, struct session *s, const struct packet *p);
/* Makes the attempt, taken from its ring, a session fed with its SYN; NULL: no memory. */
/* A SYN by IPv6: will it win against IPv4? */
void note_family(struct analysis *a, const struct packet *syn);
struct session *promote_attempt(struct analysis *a, const struct attempt *attempt);
/* The service did what the client asked for: told to the incidents, once. */
void session_served(struct analysis *a, struct session *s, nanoseconds at);
/* Memory is short: those that leave first are driven out. Nobody may hold a session then. */
void drive_out_sessions(struct analysis *a);
void forget_session(struct analysis *a, struct flow *flow);

#endif
