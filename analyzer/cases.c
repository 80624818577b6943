/* A verdict leaves: chosen by the options, counted, explained, reported, told to context and incidents. */
#include "cases.h"

#include <inttypes.h>
#include <strings.h>

#include "companions.h"
#include "faults.h"
#include "judge.h"
#include "sessions.h"

static bool in_net(const struct address *address, const struct address *net, int bits)
{
	if (bits == 0)
		return true;
	if (address->family != net->family)
		return false;
	for (int i = 0; i < bits; i++)
		if ((address->byte[i / 8] ^ net->byte[i / 8]) & (0x80 >> (i % 8)))
			return false;
	return true;
}

static bool outcome_chosen(const struct analysis *a, const struct rule *rule)
{
	return !a->options.outcomes || a->options.outcomes >> rule->outcome & 1;
}

/* Chosen by its ends and its time; outcomes choose besides. */
static bool chosen(const struct analysis *a, const struct session_summary *s)
{
	const struct analysis_options *o = &a->options;

	return in_net(&s->client.address, &o->client, o->client_bits) &&
	       in_net(&s->server.address, &o->server, o->server_bits) &&
	       (!o->server_name || (s->server_name && strcasecmp(s->server_name, o->server_name) == 0)) &&
	       (!o->user || (s->user_hash && s->user_hash == user_hash(&o->users, bytes_of_text(o->user)))) && (!o->since || s->end >= o->since) &&
	       (!o->until || s->start <= o->until);
}

static bool chooses(const struct analysis_options *o)
{
	return o->client_bits || o->server_bits || o->server_name || o->user || o->since || o->until;
}

static void want(struct analysis *a, uint64_t id)
{
	if (!incident_wanted(a, id))
		a->wanted.id[a->wanted.count++ % WANTED_MOST] = id;
}

bool incident_wanted(const struct analysis *a, uint64_t id)
{
	if (!chooses(&a->options) || a->wanted.now)
		return true;
	for (unsigned i = 0; i < WANTED_MOST && i < a->wanted.count; i++)
		if (a->wanted.id[i] == id)
			return true;
	return false;
}

/* Who asks for some sessions is told of their incidents alone. */
static uint64_t tell_incidents(struct analysis *a, const struct session_summary *s, const struct trouble *trouble)
{
	bool mine = chosen(a, s);

	a->wanted.now = mine;
	uint64_t id = faults_tell(a->incidents, s, trouble);
	a->wanted.now = false;
	if (id && mine)
		want(a, id);
	return id;
}

/* The sessions that end so; a corrected verdict counts no more. */
static void count(struct report_sessions *into, const struct rule *rule, const struct rule *before)
{
	uint64_t *const by_outcome[OUTCOMES] = { [OUTCOME_HEALTHY] = &into->healthy, [OUTCOME_FAILED] = &into->failed,
						 [OUTCOME_DEGRADED] = &into->degraded, [OUTCOME_INCONCLUSIVE] = &into->inconclusive };

	for (int i = 0; i < 2; i++) {
		const struct rule *r = i ? before : rule;
		if (!r)
			continue;
		*(strcmp(r->mechanism, "probe") == 0 ? &into->probes : by_outcome[r->outcome]) += i ? (uint64_t)-1 : 1;
	}
}

static bool reports_sessions(const struct analysis *a)
{
	return a->report && report_wants_sessions(a->report);
}

/* before: the rule of the verdict that this one corrects, NULL: none. Who else it might have been, and what shows it, is asked only of what is told. */
static void write_case(struct analysis *a, const struct session_summary *s, struct fact_view *view, const struct rule *rule,
		       uint64_t id, uint64_t revises, const struct rule *before)
{
	bool is_chosen = chosen(a, s);
	char id_text[24], revises_text[24];
	struct verdict verdict;

	a->matched++;
	count(&a->all, rule, before);
	if (is_chosen)
		count(&a->chosen, rule, before);
	if (a->options.explain) {
		char client[ADDRESS_TEXT], server[ADDRESS_TEXT];
		fprintf(a->options.explain_to, "session %016" PRIx64 " of %s %u with %s %u: %s.%s by %s\n", id,
			address_text(&s->client.address, client), s->client.port, address_text(&s->server.address, server), s->server.port,
			rule->class, rule->mechanism, rule->id);
		if (a->inside.known)
			infer_explain(rules_inside(a->rules), &a->inside.of, a->options.explain_to);
		rules_explain(a->rules, view, a->shared.texts, a->options.explain_to);
	}
	/* What corrects a reported verdict is reported, whatever it says now. */
	if (!reports_sessions(a) || !is_chosen || !(outcome_chosen(a, rule) || (before && outcome_chosen(a, before))))
		return;
	judge_whole(a, view);
	rules_classify(a->rules, view, a->shared.texts, &verdict);
	snprintf(id_text, sizeof id_text, "%016" PRIx64, id);
	snprintf(revises_text, sizeof revises_text, "%016" PRIx64, revises);
	report_session(a->report, &(struct report_case){ s, view, &verdict, id_text, revises ? revises_text : NULL,
							  a->inside.known ? &a->inside.result : NULL });
}

/* The same packets give the same id, whatever the seed. */
uint64_t id_of(const struct endpoint *client, const struct endpoint *server, struct moment first, uint64_t revision)
{
	uint8_t what[64] = { 0 };
	const struct hash_key fixed = { 0x696d6170776879, 1 };

	memcpy(what, client->address.byte, 16);
	memcpy(what + 16, server->address.byte, 16);
	memcpy(what + 32, &client->port, 2);
	memcpy(what + 34, &server->port, 2);
	memcpy(what + 40, &first.time, 8);
	memcpy(what + 48, &first.frame, 4);
	memcpy(what + 56, &revision, 8);
	return hash_bytes(fixed, what, sizeof what);
}

struct case_of case_of(const struct analysis *a, const struct session *s)
{
	nanoseconds until = s->proof_until && !s->progress ? s->proof_until : a->now;
	const struct fact *asked_for = facts_find(&s->facts, FACT_SNI);

	return (struct case_of){ .client = &s->flow->client, .server = &s->flow->server, .session = s->id, .began = s->first.time, .now = until,
				 .name = lookups_name(a->lookups, &s->flow->server.address),
				 .asked_for = asked_for ? texts_get(a->shared.texts, (uint32_t)asked_for->value) : NULL };
}

static bool died_of_quiet(const struct rule *rule)
{
	static const char *const words[] = { "state_expired", "reset_stale_connection", "peer_vanished", NULL };

	for (int i = 0; words[i]; i++)
		if (strcmp(rule->mechanism, words[i]) == 0)
			return true;
	return false;
}

/* What other sessions should know of this verdict. */
static void tell_context(struct analysis *a, const struct session *s, struct fact_view *view, const struct rule *rule)
{
	struct case_of c = case_of(a, s);
	struct answer answer;

	if (view[FACT_JA4].set && !s->written)
		behind_hello(&a->context.behind, &s->flow->client.address, texts_get(a->shared.texts, (uint32_t)view[FACT_JA4].value), s->first.time);
	if (a->inside.known && inside_answer(&a->inside.result, &answer))
		judge_whole(a, view);
	if (a->inside.known && inside_answer(&a->inside.result, &answer)) {
		answer.shown.session = c.session;
		answer.shown.client = c.client->address;
		answers_learn(&a->context.answers, c.server, &answer);
	}
	if (rule->outcome != OUTCOME_FAILED || (s->companion && !companion_tells(rule)))
		return;
	if (strcmp(rule->mechanism, "certificate_rejected") == 0 && (view[FACT_CLIENT_ALERT].value || view[FACT_CLIENT_ENCRYPTED_ALERT].value))
		context_certificate_refused(&a->context, &c, view[FACT_CLIENT_HELLO].at.time);
	context_watch(&a->context, &s->flow->client.address, a->now);
	devices_mail_failed(&a->context.devices, &s->flow->client.address, s->companion == WORD_companion_submission, a->now);
	if (!view[FACT_ESTABLISHED].value)
		devices_handshake(&a->context.devices, &s->flow->client.address,
				  &(struct handshake){ s->first, s->flow->server.address, 0, HANDSHAKE_UNANSWERED });
	/* Refusals inside TLS are known by their verdict alone. */
	if (strcmp(rule->class, "auth_failure") == 0 && !view[FACT_LOGIN_REFUSED].value && !s->written)
		devices_login_refused(&a->context.devices, c.client, c.server, 1, s->first, c.session);
	if (died_of_quiet(rule)) {
		context_died(&a->context, &c, view);
		context_complete(&a->context, &c, view, &a->proofs); /* it counts among those that agree */
	}
	if (rule->culprit && strcmp(rule->culprit, "client") != 0)
		context_failed(&a->context, &c, s->first);
}

/* What worked tells of its device's loss, what failed would tell of its own fault. */
static void tell_loss(struct analysis *a, const struct session *s, const struct session_summary *summary, const struct rule *rule)
{
	const struct loss loss = { (uint32_t)(summary->side[0].data_segments + summary->side[1].data_segments),
				   (uint32_t)(summary->side[0].retransmissions + summary->side[1].retransmissions) };

	if (a->context.watching && !s->written && rule->outcome == OUTCOME_HEALTHY)
		watch_session(a->context.watch, &s->flow->client.address, &loss);
}

/* A session that went well for long before it failed is in trouble since its data was sent in vain, or at the most for a minute. */
static uint64_t tell_fault(struct analysis *a, const struct case_of *c, const struct session_summary *s, const struct fact_view *view,
			   const struct rule *rule, uint64_t id)
{
	struct trouble trouble = { .rule = rule, .id = id, .began = s->start, .proof = s->first };

	if (view[FACT_ESTABLISHED].value && s->end - s->start > MINUTE) {
		trouble.began = view[FACT_VAIN_SENDS].value ? view[FACT_VAIN_SENDS].at.time : s->end - MINUTE;
		trouble.proof = s->last;
	}
	trouble.lived = context_host_lived(&a->context, c, trouble.began, s->end);
	return tell_incidents(a, s, &trouble);
}

void session_written(struct analysis *a, struct session *s, struct fact_view *view, const struct rule *rule)
{
	struct session_summary summary;
	uint64_t revises = s->written && !s->untold ? s->id : 0, id = revises ? id_of(&s->flow->client, &s->flow->server, s->first, s->revision) : s->id;

	session_summarize(s, view, &summary);
	if (!summary.server_name)
		summary.server_name = lookups_name(a->lookups, &s->flow->server.address);
	struct name_answer lookup;
	if (reports_sessions(a) && lookups_answered(a->lookups, &s->flow->client.address, &s->flow->server.address, s->first.time, &lookup)) {
		summary.looked_up = lookup.name;
		summary.resolved = s->flow->server.address;
		summary.timings.resolve = (double)(lookup.answered - lookup.asked) / 1e6;
	}
	struct session_answers answers;
	struct case_of c = case_of(a, s);
	tell_context(a, s, view, rule);
	if (s->flow->rank == RANK_LOGGED_IN && (rule->outcome == OUTCOME_DEGRADED || strcmp(rule->mechanism, "success") == 0))
		session_served(a, s, s->first.time);
	if (reports_sessions(a)) {
		context_answers(&a->context, &c, &answers);
		summary.answers = &answers;
	}
	tell_loss(a, s, &summary, rule);
	summary.others = &a->proofs;
	s->untold = s->companion && !revises && !companion_tells(rule) && !(a->options.companions && rule->outcome == OUTCOME_HEALTHY);
	/* The first word on a session counts; what corrects it is no other session. */
	if (!revises && !s->untold)
		s->incident = tell_fault(a, &c, &summary, view, rule, id);
	summary.incident = s->incident;
	if (!s->untold)
		write_case(a, &summary, view, rule, id, revises, revises ? s->written_rule : NULL);
	s->written = true;
	s->written_rule = rule;
	s->proven = context_proven(view);
	s->id = id;
	s->revision++;
	s->proof_until = a->now;
	s->progress = false;
	if (tcp_closed(&s->tcp))
		flow_rank(a->flows, s->flow, RANK_SETTLED);
}

void lookup_failed(void *context, struct lookup *k)
{
	struct analysis *a = context;
	struct fact_view view[FACT_COUNT];
	struct session_summary summary = { .client = k->client, .server = k->resolver, .is_lookup = true, .start = k->first.time,
					   .server_name = k->name, .first = k->first };

	lookup_facts(k, a->now, a->shared.texts, view);
	summary.last = k->last_answer.time > k->last_query.time ? k->last_answer : k->last_query;
	summary.end = summary.last.time;
	summary.timings.connect = summary.timings.tls = summary.timings.greeting = summary.timings.auth = summary.timings.first_data = -1;
	summary.timings.resolve = (double)(summary.end - summary.start) / 1e6;
	struct session_answers answers;
	struct case_of c = { .client = &k->client, .server = &k->resolver, .began = k->first.time, .now = a->now };
	context_answers(&a->context, &c, &answers);
	summary.answers = &answers;
	a->inside.known = false;
	const struct rule *rule = rules_decide(a->rules, view, a->shared.texts);
	uint64_t id = id_of(&k->client, &k->resolver, k->first, 0);
	summary.incident = tell_incidents(a, &summary, &(struct trouble){ rule, id, summary.start, summary.first, false });
	write_case(a, &summary, view, rule, id, 0, NULL);
	texts_release(a->shared.texts, (uint32_t)view[FACT_DNS_NAME].value);
}
