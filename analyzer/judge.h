/* Judging a session: its facts completed by what other traffic knows, then the rules. */
#ifndef IMAPWHY_JUDGE_H
#define IMAPWHY_JUDGE_H

#include "analysis.h"

/* How an open session stands: it may be failing now, it may come to, or it is well until a packet comes. */
enum prospect { PROSPECT_BAD, PROSPECT_OPEN, PROSPECT_GOOD };
/* What its own packets show, told to context as far as it concerns others; at_end: the capture ends. */
void see_packets(struct analysis *a, struct session *s, bool at_end, struct fact_view *view);
/* An open session's facts as far as its prospect takes them: PROSPECT_BAD all but the inferred ones, which judge_seen adds. */
enum prospect see_open(struct analysis *a, struct session *s, struct fact_view *view);
/* Infers what is left and decides. */
const struct rule *judge_seen(struct analysis *a, struct session *s, struct fact_view *view);
/* Makes the result of what was judged last whole, where a first look was enough to decide; its facts with it. */
void judge_whole(struct analysis *a, struct fact_view *view);
/* All facts, and the rule; at_end: the capture ends. */
const struct rule *judge_session(struct analysis *a, struct session *s, bool at_end, struct fact_view *view);
/* Does the verdict differ from the one written? Proof that was there then, and is forgotten by now, is no reason to take it back. */
bool verdict_changed(const struct session *s, const struct fact_view *view, const struct rule *rule);
/* The records inside TLS did not tell, and what the server answers in other sessions may. */
bool waits_for_answers(const struct fact_view *view, const struct rule *rule);
/* Would what other traffic may still show change the verdict? */
bool waits_for_context(const struct analysis *a, const struct fact_view *view, const struct rule *rule);

#endif
