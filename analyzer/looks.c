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
#define RECORDS_AT_WORK 12
#define CONTEXT_WAIT (10 * SECOND)
#define CONTEXT_LOOK (2500 * MILLISECOND)
/* An open session that no look is left for is packed when it was quiet for so long, also where there are few: what an idle one costs is
 * promised for each. */
#define REST_AFTER (10 * SECOND)

/* No look is due any more before a packet comes. */
static void look_no_more(struct session *s)
{
	s->looks = LOOKS;
}

static void look_later(struct analysis *a, struct session *s)
{
	if (++s->looks < LOOKS)
		wheel_set(a->wheel, s->flow, tcp_last_seen(&s->tcp) + looks_after[s->looks]);
}

/* What is closed and written is kept for a while, then forgotten (false). */
static bool linger(struct analysis *a, struct session *s)
{
	if (a->now - tcp_last_seen(&s->tcp) >= LINGER) {
		forget_session(a, s->flow);
		return false;
	}
	wheel_set(a->wheel, s->flow, tcp_last_seen(&s->tcp) + LINGER);
	return true;
}

/* True: the verdict has to wait for what other traffic may show. */
static bool wait_for_context(struct analysis *a, struct session *s, const struct fact_view *view, const struct rule *rule)
{
	if (s->written || !waits_for_context(a, view, rule))
		return false;
	if (!s->settle_since)
		s->settle_since = a->now;
	if (a->now - s->settle_since >= CONTEXT_WAIT)
		return false;
	context_watch(&a->context, &s->flow->client.address, a->now);
	wheel_set(a->wheel, s->flow, a->now + CONTEXT_LOOK);
	return true;
}

static void write_news(struct analysis *a, struct session *s, struct fact_view *view, const struct rule *rule)
{
	if (verdict_changed(s, view, rule))
		session_written(a, s, view, rule);
}

static void look_at_closed(struct analysis *a, struct session *s)
{
	struct fact_view view[FACT_COUNT];
	const struct rule *rule = judge_session(a, s, false, view);

	if (wait_for_context(a, s, view, rule))
		return;
	write_news(a, s, view, rule);
	wheel_set(a->wheel, s->flow, a->now + LINGER);
}

/* Records of the server that no refused login takes: its session works. Those with fewer are told by their verdict. */
static void note_records(struct analysis *a, struct session *s)
{
	const struct fact *records = facts_find(&s->facts, FACT_SERVER_RECORDS);

	if (records && records->value >= RECORDS_AT_WORK && !s->companion)
		session_served(a, s, s->first.time);
}

static void look_at_open(struct analysis *a, struct session *s)
{
	struct fact_view view[FACT_COUNT];
	enum prospect prospect = see_open(a, s, view);

	note_records(a, s);
	if (prospect == PROSPECT_GOOD) {
		look_no_more(s);
		return;
	}
	if (prospect == PROSPECT_BAD) {
		const struct rule *rule = judge_seen(a, s, view);
		if (rule_accuses(rule)) {
			if (wait_for_context(a, s, view, rule))
				return;
			write_news(a, s, view, rule);
		}
	}
	look_later(a, s);
}

/* Is its verdict settled? False: the session is forgotten. */
static bool look(struct analysis *a, struct session *s)
{
	nanoseconds last = tcp_last_seen(&s->tcp);

	if (tcp_closed(&s->tcp)) {
		if (s->written)
			return linger(a, s);
		look_at_closed(a, s);
	} else if (s->looks < LOOKS) {
		if (a->now - last < looks_after[s->looks])
			wheel_set(a->wheel, s->flow, last + looks_after[s->looks]);
		else
			look_at_open(a, s);
	}
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
	if (!s) {
		wheel_set(a->wheel, flow, a->now + SECOND);
	} else if (look(a, s)) {
		session_count(s);
		if (!flow->deadline)
			rest(a, t);
	}
}

/* Memory drives a session out: its verdict is written where the packets decided one. */
void evict_session(void *context, struct flow *flow)
{
	struct analysis *a = context;
	struct session *s = tracked_wake((struct tracked *)flow, &a->shared);
	struct fact_view view[FACT_COUNT];

	if (s && !s->written) {
		const struct rule *rule = judge_session(a, s, false, view);
		if (rule->outcome == OUTCOME_FAILED || rule->outcome == OUTCOME_DEGRADED)
			session_written(a, s, view, rule);
	}
	forget_session(a, flow);
}
