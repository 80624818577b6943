/* Judging a session: its facts completed by what other traffic knows, then the rules. */
#ifndef IMAPWHY_JUDGE_H
#define IMAPWHY_JUDGE_H

#include "analysis.h"

/* All facts but the inferred ones, which stay unknown; at_end: the capture ends. */
void see_session(struct analysis *a, struct session *s, bool at_end, struct fact_view *view);
/* Infers what is left and decides. */
const struct rule *judge_seen(struct analysis *a, struct session *s, struct fact_view *view);
/* Both. */
const struct rule *judge_session(struct analysis *a, struct session *s, bool at_end, struct fact_view *view);
/* Would what other traffic may still show change the verdict? */
bool waits_for_context(const struct analysis *a, const struct fact_view *view, const struct rule *rule);

#endif
