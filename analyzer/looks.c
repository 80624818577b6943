/* Timers on capture time look at sessions: is their verdict settled? */
#include "looks.h"

#include "cases.h"
#include "judge.h"
#include "sessions.h"
#include "tracked.h"

/* Looks at an open session that went quiet: after a packet, then ever later; each fits a settling time of docs/verdicts.md. */
static const nanoseconds looks_after[] = { LOOK_FIRST, 3500 * MILLISECOND, 10 * SECOND + 250 * MILLISECOND, 22 * SECOND, 31 * SECOND,
					   61 * SECOND };
#define LOOKS (sizeof looks_after / sizeof *looks_after)
/* A closed session is kept this long for stray resets, a settled one that is silent till it is forgotten. */
#define LINGER (30 * SECOND)
#define CONTEXT_WAIT (10 * SECOND)
#define CONTEXT_LOOK (2500 * MILLISECOND)
/* An open session that no look is left for is packed when it was quiet for so long. */
#define REST_AFTER (10 * SECOND)

static void look_later(struct analysis *a, struct session *s)
{
	if (++s->looks < LOOKS)
		wheel_set(a->wheel, s->flow, tcp_last_seen(&s->tcp) + looks_after[s->looks]);
}

/* Is its verdict settled? False: the session is forgotten. */
static bool look(struct analysis *a, struct session *s)
{
	struct flow *flow = s->flow;
	bool closed = tcp_closed(&s->tcp);
	struct fact_view view[FACT_COUNT];

	if (closed && s->written) {
		if (a->now - tcp_last_seen(&s->tcp) >= LINGER) {
			forget_session(a, flow);
			return false;
		}
		wheel_set(a->wheel, flow, tcp_last_seen(&s->tcp) + LINGER);
		return true;
	}
	if (!closed && s->looks >= LOOKS)
		return true;
	nanoseconds since = a->now - tcp_last_seen(&s->tcp);
	if (!closed && since < looks_after[s->looks]) {
		wheel_set(a->wheel, flow, tcp_last_seen(&s->tcp) + looks_after[s->looks]);
		return true;
	}
	see_session(a, s, false, view);
	if (!closed && !rules_may_fail(a->rules, view, a->shared.texts)) {
		look_later(a, s);
		return true;
	}
	const struct rule *rule = judge_seen(a, s, view);
	bool decided = closed || rule_accuses(rule);
	if (decided && !s->written && waits_for_context(a, view, rule)) {
		if (!s->settle_since)
			s->settle_since = a->now;
		if (a->now - s->settle_since < CONTEXT_WAIT) {
			wheel_set(a->wheel, flow, a->now + CONTEXT_LOOK);
			return true;
		}
	}
	if (decided && (!s->written || s->written_rule != rule))
		session_written(a, s, view, rule);
	if (closed) {
		wheel_set(a->wheel, flow, a->now + LINGER);
		return true;
	}
	look_later(a, s);
	return true;
}

/* Until a packet comes nothing will change any more. */
static void rest(struct analysis *a, struct tracked *t)
{
	nanoseconds at = tcp_last_seen(&t->session->tcp) + REST_AFTER;

	if (a->now < at)
		wheel_set(a->wheel, &t->flow, at);
	else
		tracked_rest(t);
}

/* A timer looks at a session. */
void look_at_session(void *context, struct flow *flow)
{
	struct analysis *a = context;
	struct tracked *t = (struct tracked *)flow;
	struct session *s = tracked_wake(t, &a->shared);

	if (wheel_now(a->wheel) > a->now)
		a->now = wheel_now(a->wheel);
	if (!s)
		wheel_set(a->wheel, flow, a->now + SECOND);
	else if (look(a, s) && !flow->deadline)
		rest(a, t);
}

/* Memory drives a session out: its verdict is written where the packets decided one. */
void evict_session(void *context, struct flow *flow)
{
	struct analysis *a = context;
	struct session *s = tracked_wake((struct tracked *)flow, &a->shared);
	struct fact_view view[FACT_COUNT];

	if (s && !s->written) {
		const struct rule *rule = judge_session(a, s, false, view);
		if (strcmp(rule->outcome, "failed") == 0 || strcmp(rule->outcome, "degraded") == 0)
			session_written(a, s, view, rule);
	}
	forget_session(a, flow);
}
