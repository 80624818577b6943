/* Which verdicts are faults that several sessions may share, told to the incidents. */
#ifndef IMAPWHY_FAULTS_H
#define IMAPWHY_FAULTS_H

#include "incidents.h"
#include "rules.h"
#include "session.h"

/* What a verdict tells beside its session. */
struct trouble {
	const struct rule *rule;
	uint64_t id;         /* event.id */
	nanoseconds began;   /* the trouble, not the session */
	struct moment proof;
	bool lived;          /* the server's host answered others while the session went on */
};
/* Tells a verdict; the id of the incident that the session belongs to, 0: none (yet). */
uint64_t faults_tell(struct incidents *incidents, const struct session_summary *session, const struct trouble *trouble);

#endif
