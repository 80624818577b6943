/* From a session to the rule that decides it. */
#include "judge.h"

#include "cases.h"
#include "complete.h"

static void know_inferred(struct fact_view *view, bool known)
{
	for (int id = FACT_INSIDE; FACT_INFERRED(id); id++)
		view[id].known = known && fact_kinds[id].absence == ABSENT_ZERO;
}

/* Without keys the lengths and times of records must tell. */
static void infer_inside(struct analysis *a, struct session *s, struct fact_view *view)
{
	struct inside_case *c = &a->inside.of;

	c->known = a->inside.answers;
	c->known_count = answers_of(&a->context.answers, &s->flow->server, &s->flow->client.address, s->id, a->inside.answers);
	a->inside.glanced = !a->options.explain && infer_glance(rules_inside(a->rules), c, &a->inside.result);
	a->inside.known = a->inside.glanced || infer(rules_inside(a->rules), c, &a->inside.result);
	if (!a->inside.known)
		return;
	inside_remember(s, c, &a->inside.result);
	inside_facts(&a->inside.result, view, a->inside.glanced ? NULL : &a->proofs);
}

void judge_whole(struct analysis *a, struct fact_view *view)
{
	if (!a->inside.known || !a->inside.glanced)
		return;
	a->inside.glanced = false;
	for (int id = FACT_INSIDE; FACT_INFERRED(id); id++)
		view[id] = (struct fact_view){ 0 };
	know_inferred(view, true);
	a->inside.known = infer(rules_inside(a->rules), &a->inside.of, &a->inside.result);
	if (a->inside.known)
		inside_facts(&a->inside.result, view, &a->proofs);
}

void analysis_dropped(struct analysis *a, uint64_t packets, nanoseconds from, nanoseconds until)
{
	a->drops[a->drops_count++ % DROPS_MOST] = (struct drops){ from, until, packets };
}

/* What was dropped while the session went on; its frame is the session's first. */
static void complete_drops(const struct analysis *a, const struct session *s, struct fact_view *view)
{
	nanoseconds end = tcp_closed(&s->tcp) ? tcp_last_seen(&s->tcp) : a->now;
	uint64_t packets = 0;

	for (uint64_t i = 0; i < DROPS_MOST && i < a->drops_count; i++)
		if (a->drops[i].from <= end && a->drops[i].until >= s->first.time)
			packets += a->drops[i].packets;
	if (packets)
		view[FACT_CAPTURE_DROPS] = (struct fact_view){ (int64_t)packets, s->first, FROM_CLIENT, true, true };
}

/* Refused logins count as they come: a ban may follow in the same connection. */
static void tell_refusals(struct analysis *a, struct session *s, const struct fact_view *view)
{
	const struct fact_view *refused = &view[FACT_LOGIN_REFUSED];
	uint16_t count = refused->value > UINT16_MAX ? UINT16_MAX : (uint16_t)refused->value;

	if (!refused->set || count <= s->refused_told)
		return;
	devices_login_refused(&a->context.devices, &s->flow->client, &s->flow->server, count - s->refused_told, refused->at, s->id);
	s->refused_told = count;
}

void see_packets(struct analysis *a, struct session *s, bool at_end, struct fact_view *view)
{
	struct case_of c;

	session_settle_holes(s, (struct moment){ a->now, 0, 0 });
	session_view(s, a->now, at_end, view);
	tell_refusals(a, s, view);
	c = case_of(a, s);
	context_learn(&a->context, &c, view);
	complete_texts(view, a->rules, a->shared.texts);
	a->inside.known = inside_case(s, view, a->options.explain, &a->inside.of);
	know_inferred(view, !a->inside.known);
}

static void see_others(struct analysis *a, struct session *s, struct fact_view *view)
{
	struct case_of c = case_of(a, s);

	complete_drops(a, s, view);
	context_complete(&a->context, &c, view, &a->proofs);
}

/* Secrets may come at any time, and make facts of records that wait for them. */
static bool waits_for_secrets(const struct analysis *a, const struct session *s)
{
	return a->decryptor && s->tls;
}

enum prospect see_open(struct analysis *a, struct session *s, struct fact_view *view)
{
	see_packets(a, s, false, view);
	if (nothing_is_owed(view) && !waits_for_secrets(a, s) && !rules_may_fail(a->rules, view, a->shared.texts, true))
		return PROSPECT_GOOD;
	see_others(a, s, view);
	return rules_may_fail(a->rules, view, a->shared.texts, false) ? PROSPECT_BAD : PROSPECT_OPEN;
}

const struct rule *judge_seen(struct analysis *a, struct session *s, struct fact_view *view)
{
	if (a->inside.known) {
		know_inferred(view, true);
		infer_inside(a, s, view);
	}
	return rules_decide(a->rules, view, a->shared.texts);
}

const struct rule *judge_session(struct analysis *a, struct session *s, bool at_end, struct fact_view *view)
{
	see_packets(a, s, at_end, view);
	see_others(a, s, view);
	return judge_seen(a, s, view);
}

bool verdict_changed(const struct session *s, const struct fact_view *view, const struct rule *rule)
{
	if (!s->written)
		return true;
	bool forgotten = !s->progress && (s->proven & ~context_proven(view));
	return s->written_rule != rule && !forgotten;
}

bool waits_for_answers(const struct fact_view *view, const struct rule *rule)
{
	return view[FACT_INSIDE].value == WORD_inside_unclear && rule->outcome == OUTCOME_INCONCLUSIVE;
}

/* Silence looks alike from afar: a verdict waits for other traffic as long as what may still come would change it. */
bool waits_for_context(const struct analysis *a, const struct fact_view *view, const struct rule *rule)
{
	struct fact_view supposed[FACT_COUNT];

	if (rule->outcome == OUTCOME_HEALTHY && view[FACT_WORKED].value)
		return false;
	if (waits_for_answers(view, rule))
		return true;
	memcpy(supposed, view, sizeof supposed);
	context_suppose(supposed);
	return rules_decide(a->rules, supposed, a->shared.texts) != rule;
}
