/* Cases: verdicts that leave the analysis, for the report, for other sessions and for incidents. */
#ifndef IMAPWHY_CASES_H
#define IMAPWHY_CASES_H

#include "analysis.h"

/* What context asks of a session. Borrows from it. */
struct case_of case_of(const struct analysis *a, const struct session *s);
/* A session's event.id, the next one for each revision of its verdict. */
uint64_t id_of(const struct endpoint *client, const struct endpoint *server, struct moment first, uint64_t revision);
/* Is it to be reported: does a session that was chosen belong to it? */
bool incident_wanted(const struct analysis *a, uint64_t id);
/* The session's verdict stands: tells it, as a revision where one was told before. `view` is completed by what context learns from it. */
void session_written(struct analysis *a, struct session *s, struct fact_view *view, const struct rule *rule);
/* Context: the analysis. A look-up failed: tells its verdict. */
void lookup_failed(void *context, struct lookup *k);

#endif
