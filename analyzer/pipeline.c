/* The walk of a packet, from frame to verdict. */
#include "pipeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "attempts.h"
#include "companions.h"
#include "complete.h"
#include "context.h"
#include "decrypt.h"
#include "dns.h"
#include "drive.h"
#include "faults.h"
#include "inside.h"
#include "keylog.h"
#include "lookups.h"
#include "ndpi_adapter.h"
#include "tls.h"

/* Looks at an open session that went quiet: after a packet, then ever later; each fits a settling time of docs/verdicts.md. */
static const nanoseconds looks_after[] = { 700 * MILLISECOND, 3500 * MILLISECOND, 10 * SECOND + 250 * MILLISECOND, 22 * SECOND, 31 * SECOND,
					   61 * SECOND };
#define LOOKS (sizeof looks_after / sizeof *looks_after)
/* A closed session is kept this long for stray resets, a settled one that is silent till it is forgotten. */
#define LINGER (30 * SECOND)
#define CONTEXT_WAIT (10 * SECOND)
#define CONTEXT_LOOK (2500 * MILLISECOND)
/* A busy service need not say more often that it lives. */
#define SIGN_EVERY (100 * MILLISECOND)
#define ATTEMPT_ALONE (75 * SECOND)
#define ENDPOINTS 4096

#define DROPS_MOST 64

/* Packets that the capture dropped in a span of time. */
struct drops {
	nanoseconds from, until;
	uint64_t packets;
};

struct analysis {
	struct analysis_options options;
	const struct rules *rules;
	struct report *report;
	struct decoder *decoder;
	struct flow_table *flows;
	struct wheel *wheel;
	struct attempts *attempts;
	struct context context;
	struct incidents *incidents;
	unsigned companions;            /* bits by their place: those that are not read as IMAP because of --port */
	struct lookups *lookups;
	struct session_shared shared;
	struct decryptor *decryptor; /* NULL: no secrets were given */
	uint64_t mail_port[65536 / 64]; /* the triage's bit map */
	struct endpoint mail_end[ENDPOINTS]; /* found by their greeting */
	nanoseconds now, first, lookups_looked;
	struct moment last;
	uint64_t packets, bytes, skipped, duplicates, cut, sessions, matched;
	struct report_sessions all, chosen; /* by outcome, corrected where a verdict was */
	struct other_proofs proofs; /* of the newest view */
	struct hash_key key;
	void (*keep)(void *context, const struct frame *frame); /* NULL: nobody does */
	void *keep_context;
	struct {                /* of the session judged last */
		struct inside_case of;
		struct answer answers[ANSWERS_MOST];
		struct inside result;
		bool known;
	} inside;
	bool ending;
	struct drops drops[DROPS_MOST]; /* the newest spans, a ring */
	uint64_t drops_count;
};

const char *const outcome_words[] = { "healthy", "failed", "degraded", "inconclusive", NULL };

static void leave(void *context, struct flow *flow);

static void port_set(struct analysis *a, uint16_t port)
{
	a->mail_port[port / 64] |= (uint64_t)1 << (port % 64);
}

static inline bool port_is_mail(const struct analysis *a, uint16_t port)
{
	return a->mail_port[port / 64] >> (port % 64) & 1;
}

static void incident_told(void *context, const struct incident_told *told)
{
	struct analysis *a = context;

	if (a->report)
		report_incident(a->report, told, a->now);
}

struct analysis *analysis_create(const struct analysis_options *options, const struct rules *rules, struct error *error)
{
	struct analysis *a = calloc(1, sizeof *a);

	if (!a) {
		error_set(error, "out of memory");
		return NULL;
	}
	a->options = *options;
	a->rules = rules;
	a->key = (struct hash_key){ options->seed, ~options->seed * 0x9e3779b97f4a7c15u };
	size_t memory = options->memory;
	a->decoder = decoder_create();
	a->flows = flow_table_create(sizeof(struct session), memory / 2 / 1536, a->key, leave, a);
	a->wheel = wheel_create();
	a->attempts = attempts_create(memory / 8 / sizeof(struct attempt), 1024, a->key);
	a->lookups = lookups_create(2048, memory / 16 / 160, a->key);
	a->shared.users = options->users;
	a->shared.texts = texts_create(memory / 8);
	a->shared.held = held_pool_create(memory / 8);
	a->shared.tls = tls_shared_create();
	a->shared.speakers = speakers_create();
	if (!a->decoder || !a->flows || !a->wheel || !a->attempts || !context_init(&a->context, memory / 32, a->key) ||
	    !(a->incidents = incidents_create(memory / 32, a->key, incident_told, a)) || !a->lookups ||
	    !a->shared.texts || !a->shared.held || !a->shared.tls || !a->shared.speakers) {
		error_set(error, "out of memory: the tables for --memory %zu could not be made", memory);
		analysis_destroy(&a);
		return NULL;
	}
	port_set(a, 143);
	port_set(a, 993);
	for (int i = 0; i < options->port_count; i++)
		port_set(a, options->ports[i]);
	for (const struct companion *c = companions; c->port; c++)
		if (!port_is_mail(a, c->port)) {
			port_set(a, c->port);
			a->companions |= 1u << (c - companions);
		}
	return a;
}

static void forget(struct analysis *a, struct session *s)
{
	wheel_set(a->wheel, &s->flow, 0);
	session_release(s);
	flow_remove(a->flows, &s->flow);
}

static void forget_call(void *context, struct flow *flow)
{
	forget(context, (struct session *)flow);
}

void analysis_destroy(struct analysis **analysis)
{
	struct analysis *a = *analysis;

	if (!a)
		return;
	if (a->flows)
		flow_each(a->flows, forget_call, a);
	flow_table_destroy(&a->flows);
	wheel_destroy(&a->wheel);
	attempts_destroy(&a->attempts);
	context_reset(&a->context);
	incidents_destroy(&a->incidents);
	lookups_destroy(&a->lookups);
	decoder_destroy(&a->decoder);
	held_pool_destroy(&a->shared.held);
	tls_shared_destroy(&a->shared.tls);
	decryptor_destroy(&a->decryptor);
	speakers_destroy(&a->shared.speakers);
	texts_destroy(&a->shared.texts);
	free(a);
	*analysis = NULL;
}

const struct texts *analysis_texts(const struct analysis *a)
{
	return a->shared.texts;
}

void analysis_report_to(struct analysis *a, struct report *report)
{
	a->report = report;
}

/* --- secrets --- */

static struct secrets *secrets_of(struct analysis *a)
{
	if (!a->decryptor) {
		a->decryptor = decryptor_create(a->options.memory / 8, a->key);
		tls_shared_decrypt(a->shared.tls, a->decryptor);
	}
	return a->decryptor ? decryptor_secrets(a->decryptor) : NULL;
}

void analysis_secrets(struct analysis *a, struct bytes text, struct keylog_counts *counts)
{
	struct secrets *secrets = secrets_of(a);

	if (secrets)
		keylog_read(secrets, text, counts);
	else
		a->shared.facts_lost++;
}

void analysis_secrets_wanted(struct analysis *a, bool (*more)(void *context), void *context)
{
	struct secrets *secrets = secrets_of(a);

	if (secrets)
		secrets_refill(secrets, more, context);
}

/* --- verdicts --- */

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

static int outcome_number(const char *word)
{
	for (int i = 0; outcome_words[i]; i++)
		if (strcmp(outcome_words[i], word) == 0)
			return i;
	return 3;
}

static bool outcome_chosen(const struct analysis *a, const struct rule *rule)
{
	return !a->options.outcomes || a->options.outcomes >> outcome_number(rule->outcome) & 1;
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

/* The sessions that end so; a corrected verdict counts no more. */
static void count(struct report_sessions *into, const struct rule *rule, const struct rule *before)
{
	uint64_t *const outcomes[] = { &into->healthy, &into->failed, &into->degraded, &into->inconclusive };

	for (int i = 0; i < 2; i++) {
		const struct rule *r = i ? before : rule;
		if (!r)
			continue;
		*(strcmp(r->mechanism, "probe") == 0 ? &into->probes : outcomes[outcome_number(r->outcome)]) += i ? (uint64_t)-1 : 1;
	}
}

/* before: the rule of the verdict that this one corrects, NULL: none. Who else it might have been, and what shows it, is asked only of what is told. */
static void write_case(struct analysis *a, const struct session_summary *s, const struct fact_view *view, const struct rule *rule,
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
	if (!a->report || !report_wants_sessions(a->report) || !is_chosen || !(outcome_chosen(a, rule) || (before && outcome_chosen(a, before))))
		return;
	rules_classify(a->rules, view, a->shared.texts, &verdict);
	snprintf(id_text, sizeof id_text, "%016" PRIx64, id);
	snprintf(revises_text, sizeof revises_text, "%016" PRIx64, revises);
	report_session(a->report, &(struct report_case){ s, view, &verdict, id_text, revises ? revises_text : NULL,
							  a->inside.known ? &a->inside.result : NULL });
}

/* The same packets give the same id, whatever the seed. */
static uint64_t id_of(const struct endpoint *client, const struct endpoint *server, struct moment first, uint64_t revision)
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

static struct case_of case_of(const struct analysis *a, const struct session *s)
{
	nanoseconds until = s->proof_until && !s->progress ? s->proof_until : a->now;

	return (struct case_of){ .client = &s->flow.client, .server = &s->flow.server, .session = s->id, .began = s->first.time, .now = until,
				 .name = lookups_name(a->lookups, &s->flow.server.address) };
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

	if (a->inside.known && inside_answer(&a->inside.result, &answer)) {
		answer.shown.session = c.session;
		answer.shown.client = c.client->address;
		answers_learn(a->context.answers, c.server, &answer);
	}
	if (strcmp(rule->outcome, "failed") != 0 || (s->companion && !companion_tells(rule)))
		return;
	devices_mail_failed(a->context.devices, &s->flow.client.address, s->companion == WORD_companion_submission, a->now);
	if (!view[FACT_ESTABLISHED].value)
		devices_handshake(a->context.devices, &s->flow.client.address,
				  &(struct handshake){ s->first, s->flow.server.address, 0, HANDSHAKE_UNANSWERED });
	/* Refusals inside TLS are known by their verdict alone. */
	if (strcmp(rule->class, "auth_failure") == 0 && !view[FACT_LOGIN_REFUSED].value && !s->written)
		devices_login_refused(a->context.devices, c.client, c.server, 1, s->first, c.session);
	if (died_of_quiet(rule)) {
		context_died(&a->context, &c, view);
		context_complete(&a->context, &c, view, &a->proofs); /* it counts among those that agree */
	}
	if (rule->culprit && strcmp(rule->culprit, "client") != 0)
		context_failed(&a->context, &c, s->first);
}

/* Refused logins count as they come: a ban may follow in the same connection. */
static void tell_refusals(struct analysis *a, struct session *s, const struct fact_view *view)
{
	const struct fact_view *refused = &view[FACT_LOGIN_REFUSED];
	uint16_t count = refused->value > UINT16_MAX ? UINT16_MAX : (uint16_t)refused->value;

	if (!refused->set || count <= s->refused_told)
		return;
	devices_login_refused(a->context.devices, &s->flow.client, &s->flow.server, count - s->refused_told, refused->at, s->id);
	s->refused_told = count;
}

static void session_written(struct analysis *a, struct session *s, struct fact_view *view, const struct rule *rule)
{
	struct session_summary summary;
	uint64_t revises = s->written && !s->untold ? s->id : 0, id = revises ? id_of(&s->flow.client, &s->flow.server, s->first, s->revision) : s->id;

	session_summarize(s, view, &summary);
	if (!summary.server_name)
		summary.server_name = lookups_name(a->lookups, &s->flow.server.address);
	const struct lookup *lookup = lookups_answered(a->lookups, &s->flow.client.address, &s->flow.server.address);
	if (lookup && lookup->first.time <= s->first.time) {
		summary.looked_up = lookup->name;
		summary.resolved = s->flow.server.address;
		summary.timings.resolve = (double)(lookup->result_at.time - lookup->first.time) / 1e6;
	}
	struct session_answers answers;
	struct case_of c = case_of(a, s);
	tell_context(a, s, view, rule);
	context_answers(&a->context, &c, &answers);
	summary.answers = &answers;
	summary.others = &a->proofs;
	s->untold = s->companion && !revises && !companion_tells(rule);
	/* The first word on a session counts; what corrects it is no other session. */
	if (!revises && !s->untold)
		s->incident = faults_tell(a->incidents, &summary, rule, id);
	summary.incident = s->incident;
	if (!s->untold)
		write_case(a, &summary, view, rule, id, revises, revises ? s->written_rule : NULL);
	s->written = true;
	s->written_rule = rule;
	s->id = id;
	s->revision++;
	s->proof_until = a->now;
	s->progress = false;
	if (tcp_closed(&s->tcp))
		flow_rank(a->flows, &s->flow, RANK_SETTLED);
}

/* Without keys the lengths and times of records must tell. */
static void infer_inside(struct analysis *a, struct session *s, struct fact_view *view)
{
	struct inside_case *c = &a->inside.of;

	a->inside.known = inside_case(s, view, a->options.explain, c);
	if (!a->inside.known)
		return;
	c->known = a->inside.answers;
	c->known_count = answers_of(a->context.answers, &s->flow.server, &s->flow.client.address, s->id, a->inside.answers);
	a->inside.known = infer(rules_inside(a->rules), c, &a->inside.result);
	if (!a->inside.known)
		return;
	inside_remember(s, c, &a->inside.result);
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

/* All facts but the inferred ones, which stay unknown. */
static void see_session(struct analysis *a, struct session *s, bool at_end, struct fact_view *view)
{
	session_settle_holes(s, (struct moment){ a->now, 0, 0 });
	session_view(s, a->now, at_end, view);
	complete_drops(a, s, view);
	struct case_of c = case_of(a, s);
	tell_refusals(a, s, view);
	context_learn(&a->context, &c, view);
	context_complete(&a->context, &c, view, &a->proofs);
	complete_texts(view, a->rules, a->shared.texts);
	for (int id = FACT_INSIDE; FACT_INFERRED(id); id++)
		view[id].known = false;
}

static const struct rule *judge_seen(struct analysis *a, struct session *s, struct fact_view *view)
{
	for (int id = FACT_INSIDE; FACT_INFERRED(id); id++)
		view[id].known = fact_kinds[id].absence == ABSENT_ZERO;
	infer_inside(a, s, view);
	return rules_decide(a->rules, view, a->shared.texts);
}

static const struct rule *judge_session(struct analysis *a, struct session *s, bool at_end, struct fact_view *view)
{
	see_session(a, s, at_end, view);
	return judge_seen(a, s, view);
}

/* Silence looks alike from afar: a verdict waits for other traffic as long as what may still come would change it. */
static bool waits_for_context(const struct analysis *a, const struct fact_view *view, const struct rule *rule)
{
	struct fact_view supposed[FACT_COUNT];

	if (strcmp(rule->outcome, "healthy") == 0 && view[FACT_WORKED].value)
		return false;
	memcpy(supposed, view, sizeof supposed);
	context_suppose(supposed);
	return rules_decide(a->rules, supposed, a->shared.texts) != rule;
}

static void look_later(struct analysis *a, struct session *s)
{
	if (++s->looks < LOOKS)
		wheel_set(a->wheel, &s->flow, tcp_last_seen(&s->tcp) + looks_after[s->looks]);
}

/* A timer looks at a session: is its verdict settled? */
static void look(void *context, struct flow *flow)
{
	struct analysis *a = context;
	struct session *s = (struct session *)flow;
	bool closed = tcp_closed(&s->tcp);
	struct fact_view view[FACT_COUNT];

	if (wheel_now(a->wheel) > a->now)
		a->now = wheel_now(a->wheel);
	if (closed && s->written) {
		if (a->now - tcp_last_seen(&s->tcp) >= LINGER)
			forget(a, s);
		else
			wheel_set(a->wheel, flow, tcp_last_seen(&s->tcp) + LINGER);
		return;
	}
	nanoseconds since = a->now - tcp_last_seen(&s->tcp);
	if (!closed && s->looks < LOOKS && since < looks_after[s->looks]) {
		wheel_set(a->wheel, flow, tcp_last_seen(&s->tcp) + looks_after[s->looks]);
		return;
	}
	see_session(a, s, false, view);
	if (!closed && !rules_may_fail(a->rules, view, a->shared.texts)) {
		look_later(a, s);
		return;
	}
	const struct rule *rule = judge_seen(a, s, view);
	bool decided = closed || rule_accuses(rule);
	if (decided && !s->written && waits_for_context(a, view, rule)) {
		if (!s->settle_since)
			s->settle_since = a->now;
		if (a->now - s->settle_since < CONTEXT_WAIT) {
			wheel_set(a->wheel, flow, a->now + CONTEXT_LOOK);
			return;
		}
	}
	if (decided && (!s->written || s->written_rule != rule))
		session_written(a, s, view, rule);
	if (closed) {
		wheel_set(a->wheel, flow, a->now + LINGER);
		return;
	}
	look_later(a, s);
}

/* Memory drives a session out: its verdict is written where the packets decided one. */
static void leave(void *context, struct flow *flow)
{
	struct analysis *a = context;
	struct session *s = (struct session *)flow;
	struct fact_view view[FACT_COUNT];

	if (!s->written) {
		const struct rule *rule = judge_session(a, s, false, view);
		if (strcmp(rule->outcome, "failed") == 0 || strcmp(rule->outcome, "degraded") == 0)
			session_written(a, s, view, rule);
	}
	forget(a, s);
}

static void lookup_failed(void *context, struct lookup *k)
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
	summary.incident = faults_tell(a->incidents, &summary, rule, id);
	write_case(a, &summary, view, rule, id, 0, NULL);
	texts_release(a->shared.texts, (uint32_t)view[FACT_DNS_NAME].value);
}

static void clock_to(struct analysis *a, nanoseconds time)
{
	if (time <= a->now)
		return;
	wheel_turn(a->wheel, time, look, a);
	a->now = time;
	if (time - a->lookups_looked >= SECOND) {
		a->lookups_looked = time;
		incidents_look(a->incidents, time);
		lookups_settle(a->lookups, time, false, lookup_failed, a);
	}
}

void analysis_clock(struct analysis *a, nanoseconds now)
{
	clock_to(a, now);
}

/* --- packets --- */

static size_t mail_end_slot(const struct analysis *a, const struct address *address, uint16_t port)
{
	return (hash_bytes(a->key, address->byte, 16) + port) % ENDPOINTS;
}

static bool is_mail_end(const struct analysis *a, const struct address *address, uint16_t port)
{
	const struct endpoint *e = &a->mail_end[mail_end_slot(a, address, port)];

	return e->port == port && port && address_same(&e->address, address);
}

/* Is the server on the packet's source side? By who opened, else by the port, else by the lower number. */
static bool server_is_source(const struct analysis *a, const struct packet *p)
{
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return false;
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return true;
	bool source = port_is_mail(a, p->source_port) || is_mail_end(a, &p->source, p->source_port);
	bool destination = port_is_mail(a, p->destination_port) || is_mail_end(a, &p->destination, p->destination_port);
	return source != destination ? source : p->source_port < p->destination_port;
}

static struct session *begin_session(struct analysis *a, const struct packet *p)
{
	struct endpoint from = { p->source, p->source_port }, to = { p->destination, p->destination_port };
	bool turned = server_is_source(a, p);
	struct session *s = (struct session *)flow_add(a->flows, turned ? &to : &from, turned ? &from : &to, RANK_BEFORE_LOGIN);

	if (!s)
		return NULL;
	session_begin(s, &a->shared);
	s->mail_port = port_is_mail(a, s->flow.server.port);
	const struct companion *companion = s->mail_port ? companion_of(s->flow.server.port) : NULL;
	if (companion && a->companions >> (companion - companions) & 1) {
		s->companion = (uint8_t)companion->service;
		s->mail_port = false;
	}
	s->tls_port = s->flow.server.port == 993 || (s->companion && companion->tls);
	a->sessions++;
	return s;
}

/* A frame of the server shows its host alive. */
static void note_life(struct analysis *a, struct session *s, const struct packet *p)
{
	bool from_client = p->source_port == s->flow.client.port && address_same(&p->source, &s->flow.client.address);
	bool served = p->payload_wire > 0;

	if (from_client || (p->flags & TCP_RST) || !((p->flags & TCP_SYN) || served))
		return;
	if (served == s->sign_served && p->at.time - s->sign_at < SIGN_EVERY)
		return;
	s->sign_at = p->at.time;
	s->sign_served = served;
	hosts_alive(a->context.hosts, &s->flow.server.address, &(struct sign){ p->at, s->id, s->flow.client, s->flow.server.port, p->ttl, served });
}

static void note_work(struct analysis *a, struct session *s, struct moment at)
{
	const struct fact *records;

	if (s->flow.rank != RANK_BEFORE_LOGIN)
		return;
	bool companion_served = s->companion && s->tcp.side[FROM_SERVER].bytes && s->tcp.side[FROM_CLIENT].bytes && !s->tls_port;
	if (!companion_served && !facts_find(&s->facts, FACT_LOGIN_OK) && (!(records = facts_find(&s->facts, FACT_SERVER_RECORDS)) || records->value < 3))
		return;
	struct case_of c = case_of(a, s);
	flow_rank(a->flows, &s->flow, RANK_LOGGED_IN);
	if (s->companion)
		context_companion_worked(&a->context, &c, at);
	else
		context_worked(&a->context, &c, at);
	incidents_served(a->incidents, &(struct incident_session){ .client = s->flow.client, .server = s->flow.server, .name = c.name,
								   .at = at.time, .proof = at, .session = s->id });
	devices_handshake(a->context.devices, &s->flow.client.address,
			  &(struct handshake){ s->first, s->flow.server.address, s->tcp.rtt[FROM_SERVER], HANDSHAKE_ANSWERED });
}

static void feed(struct analysis *a, struct session *s, const struct packet *p)
{
	unsigned news = session_packet(s, p);

	if (!s->id)
		s->id = id_of(&s->flow.client, &s->flow.server, s->first, 0);

	if (news & TCP_NEWS_NEW_SESSION) {
		struct fact_view view[FACT_COUNT];
		if (!s->written || s->progress) {
			const struct rule *rule = judge_session(a, s, false, view);
			if (!s->written || s->written_rule != rule)
				session_written(a, s, view, rule);
		}
		forget(a, s);
		s = begin_session(a, p);
		if (s)
			feed(a, s, p);
		return;
	}
	if (news & TCP_NEWS_DUPLICATE) {
		a->duplicates++;
		return;
	}
	note_life(a, s, p);
	note_work(a, s, p->at);
	flow_touch(a->flows, &s->flow);
	if (news & TCP_NEWS_PROGRESS)
		s->progress = true;
	s->looks = 0;
	s->settle_since = 0;
	nanoseconds next = p->at.time + looks_after[0];
	/* An armed timer that comes too early re-arms itself: cheaper than moving it for every packet. */
	if (!s->flow.deadline || s->flow.deadline > next + SECOND)
		wheel_set(a->wheel, &s->flow, next);
}

static struct session *promote(struct analysis *a, const struct attempt *attempt)
{
	struct packet syn;

	attempt_packet(attempt, &syn);
	struct session *s = begin_session(a, &syn);
	if (s)
		feed(a, s, &syn);
	return s;
}

static bool greeting_like(struct bytes b)
{
	return b.len >= 5 && b.data[0] == '*' && b.data[1] == ' ' &&
	       (memcmp(b.data + 2, "OK ", 3) == 0 || memcmp(b.data + 2, "BYE", 3) == 0 || (b.len >= 9 && memcmp(b.data + 2, "PREAUTH", 7) == 0));
}

static void dns(struct analysis *a, const struct packet *p, struct bytes message)
{
	struct dns_message m;
	struct endpoint from = { p->source, p->source_port }, to = { p->destination, p->destination_port };

	if (dns_read(message, &m))
		lookups_message(a->lookups, &m, &from, &to, p->at);
}

/* Over TCP two bytes of length stand before a message (RFC 1035 4.2.2). Look-ups of host names fit one segment, or (as some resolvers
 * send it) the length comes in a segment of its own before theirs. */
static void dns_over_tcp(struct analysis *a, const struct packet *p)
{
	struct reader r = reader_of(p->payload);
	struct reader with_length = r;
	size_t length = read_be16(&with_length);

	if (!with_length.shortfall && length == reader_left(&with_length))
		r = with_length;
	if (reader_left(&r) > 2)
		dns(a, p, read_bytes(&r, reader_left(&r)));
}

static inline bool is_dns(const struct packet *p)
{
	return p->source_port == 53 || p->destination_port == 53;
}

static void tcp(struct analysis *a, const struct packet *p)
{
	bool mail = port_is_mail(a, p->source_port) || port_is_mail(a, p->destination_port);

	if (!mail) {
		if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
			struct endpoint client = { p->destination, p->destination_port }, server = { p->source, p->source_port };
			passing_synack(a->context.passing, &client, &server, p->at);
		} else if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
			struct endpoint client = { p->source, p->source_port }, server = { p->destination, p->destination_port };
			passing_syn(a->context.passing, &client, &server, p->at);
		}
		bool known = is_mail_end(a, &p->source, p->source_port) || is_mail_end(a, &p->destination, p->destination_port);
		if (!known && !greeting_like(p->payload)) {
			if (is_dns(p))
				dns_over_tcp(a, p);
			else
				a->skipped++;
			return;
		}
		if (!known)
			a->mail_end[mail_end_slot(a, &p->source, p->source_port)] = (struct endpoint){ p->source, p->source_port };
	}
	struct ends ends = ends_of(a->key, &p->source, p->source_port, &p->destination, p->destination_port);
	struct session *s = (struct session *)flow_find(a->flows, &ends);
	if (s) {
		feed(a, s, p);
		return;
	}
	bool syn_alone = (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	struct attempt attempt;
	if (attempts_take(a->attempts, &ends, &attempt)) {
		if (syn_alone && attempt_duplicate(a->shared.held, &attempt, p)) {
			a->duplicates++;
			struct packet again;
			attempt_packet(&attempt, &again);
			attempts_add(a->attempts, &ends, &again);
			return;
		}
		s = promote(a, &attempt);
		if (s)
			feed(a, s, p);
		return;
	}
	if (syn_alone && p->payload_wire == 0) {
		attempts_add(a->attempts, &ends, p);
		return;
	}
	/* Met in mid-stream: a bare ACK or RST begins nothing. */
	if (p->payload_wire == 0 && !(p->flags & (TCP_SYN | TCP_FIN)))
		return;
	s = begin_session(a, p);
	if (s)
		feed(a, s, p);
}

static enum word_icmp icmp_kind(const struct packet *p)
{
	if (p->source.family == 6)
		return p->icmp_type == 2 ? WORD_icmp_too_big : p->icmp_type == 3 ? WORD_icmp_time_exceeded
		     : p->icmp_type != 1 ? WORD_icmp_other
		     : p->icmp_code == 1 || p->icmp_code == 5 || p->icmp_code == 6 ? WORD_icmp_admin_prohibited
		     : p->icmp_code == 4 ? WORD_icmp_port_unreachable
		     : p->icmp_code == 0 ? WORD_icmp_net_unreachable : WORD_icmp_host_unreachable;
	if (p->icmp_type == 11)
		return WORD_icmp_time_exceeded;
	if (p->icmp_type != 3)
		return WORD_icmp_other;
	switch (p->icmp_code) {
	case 0: case 6: case 11:
		return WORD_icmp_net_unreachable;
	case 3: case 2:
		return WORD_icmp_port_unreachable;
	case 4:
		return WORD_icmp_too_big;
	case 9: case 10: case 13:
		return WORD_icmp_admin_prohibited;
	default:
		return WORD_icmp_host_unreachable;
	}
}

static void icmp(struct analysis *a, const struct packet *p)
{
	if (!p->quotes)
		return;
	struct endpoint from = { p->quoted_source, p->quoted_source_port }, to = { p->quoted_destination, p->quoted_destination_port };
	if (p->quoted_transport == TRANSPORT_UDP && to.port == 53) {
		lookups_unreachable(a->lookups, &from, &to, p->at);
		return;
	}
	if (p->quoted_transport != TRANSPORT_TCP)
		return;
	struct ends ends = ends_of(a->key, &from.address, from.port, &to.address, to.port);
	struct session *s = (struct session *)flow_find(a->flows, &ends);
	struct attempt attempt;
	if (!s && attempts_take(a->attempts, &ends, &attempt))
		s = promote(a, &attempt);
	if (!s)
		return;
	bool by_client = from.port == s->flow.client.port && address_same(&from.address, &s->flow.client.address);
	tcp_icmp(&s->tcp, icmp_kind(p), by_client ? FROM_CLIENT : FROM_SERVER, p->at);
	s->looks = 0;
	if (!s->flow.deadline || s->flow.deadline > p->at.time + looks_after[0])
		wheel_set(a->wheel, &s->flow, p->at.time + looks_after[0]);
}

void analysis_keep(struct analysis *a, void (*keep)(void *context, const struct frame *frame), void *context)
{
	a->keep = keep;
	a->keep_context = context;
}

void analysis_frame(struct analysis *a, const struct frame *frame)
{
	struct packet p;
	uint64_t skipped = a->skipped;

	a->packets++;
	a->bytes += frame->wire;
	if (!a->first)
		a->first = frame->at.time;
	a->last = frame->at;
	clock_to(a, frame->at.time);
	if (decode(a->decoder, frame->link, frame->data, frame->captured, frame->wire, frame->at, &p) != DECODE_PACKET)
		return;
	a->cut += p.truncated;
	if (p.transport == TRANSPORT_TCP)
		tcp(a, &p);
	else if (p.transport == TRANSPORT_ICMP)
		icmp(a, &p);
	else if (is_dns(&p))
		dns(a, &p, p.payload);
	else
		a->skipped++;
	if (a->keep && a->skipped == skipped)
		a->keep(a->keep_context, frame);
}

/* --- the end --- */

struct ordered {
	struct session *session;
	struct moment first;
};

struct roll {
	struct ordered *list;
	size_t count;
};

static void call_roll(void *context, struct flow *flow)
{
	struct roll *roll = context;
	struct session *s = (struct session *)flow;

	roll->list[roll->count++] = (struct ordered){ s, s->first };
}

static int by_first(const void *x, const void *y)
{
	const struct moment *a = &((const struct ordered *)x)->first, *b = &((const struct ordered *)y)->first;

	return a->time != b->time ? (a->time > b->time) - (a->time < b->time) : (a->frame > b->frame) - (a->frame < b->frame);
}

static void judge_last(struct analysis *a, struct session *s)
{
	struct fact_view view[FACT_COUNT];

	if (s->written && !s->progress && tcp_closed(&s->tcp))
		return;
	const struct rule *rule = judge_session(a, s, true, view);
	if (!s->written || s->written_rule != rule)
		session_written(a, s, view, rule);
}

static void attempts_written(void *context, struct attempt_count *c, uint64_t sources)
{
	struct analysis *a = context;

	if (c->count == c->reported)
		return;
	c->reported = c->count;
	if (a->report)
		report_attempts(a->report, &(struct report_attempts){ c->server, c->count, sources, c->first, c->last }, a->now);
}

void analysis_attempts(struct analysis *a)
{
	attempts_each(a->attempts, attempts_written, a);
}

void analysis_end(struct analysis *a)
{
	struct roll roll = { calloc(flow_count(a->flows) + 1, sizeof *roll.list), 0 };

	if (roll.list) {
		flow_each(a->flows, call_roll, &roll);
		qsort(roll.list, roll.count, sizeof *roll.list, by_first);
		for (size_t i = 0; i < roll.count; i++)
			judge_last(a, roll.list[i].session);
		free(roll.list);
	}
	lookups_settle(a->lookups, a->now, true, lookup_failed, a);
	incidents_end(a->incidents, a->now);
	attempts_expire(a->attempts, INT64_MAX);
	analysis_attempts(a);
	flow_each(a->flows, forget_call, a);
	/* Another recording may begin earlier, and nothing of this one proves anything there. */
	a->now = 0;
	context_reset(&a->context);
	incidents_destroy(&a->incidents);
	a->incidents = incidents_create(a->options.memory / 32, a->key, incident_told, a);
	if (!context_init(&a->context, a->options.memory / 32, a->key) || !a->incidents)
		abort();
	wheel_destroy(&a->wheel);
	a->wheel = wheel_create();
	if (!a->wheel)
		abort();
}

static void decryption_stats(struct analysis *a, const struct source_counters *c, struct report_stats *into)
{
	const struct decryptor_counts *n = decryptor_counts(a->decryptor);

	into->memory_bytes += decryptor_bytes(a->decryptor);
	into->decryption.used = true;
	into->decryption.sessions = n->sessions;
	into->decryption.records = n->records;
	into->decryption.bytes = n->bytes;
	into->decryption.keys_missing = n->missing;
	into->decryption.keys_wrong = n->wrong;
	into->decryption.stopped = n->stopped;
	into->decryption.unknown_suite = n->unknown;
	into->decryption.capped = n->capped;
	into->decryption.evicted = secrets_evicted(decryptor_secrets(a->decryptor));
	into->decryption.secrets_lost = c->secrets_lost;
}

uint64_t analysis_unknown_links(const struct analysis *a, struct moment *first, uint16_t *type)
{
	const struct decode_counters *d = decoder_counters(a->decoder);

	*first = d->unknown_at;
	*type = d->unknown_type;
	return d->unknown_link;
}

void analysis_stats(struct analysis *a, const struct source *source, struct report_stats *into)
{
	struct source_counters c;
	const struct decode_counters *d = decoder_counters(a->decoder);
	const struct tcp_counters *t = held_pool_counters(a->shared.held);
	const struct speaker_counters *n = speakers_counters(a->shared.speakers);

	source_counters((struct source *)source, &c);
	*into = (struct report_stats){
		.packets = a->packets, .skipped = a->skipped + d->not_ip + d->other_transport + d->unknown_link, .malformed = d->malformed,
		.fragments_dropped = d->fragments_dropped, .too_deep = d->too_deep, .files_broken = c.broken_files, .blocks_skipped = c.blocks_skipped,
		.interface_lost = c.interface_lost,
		.duplicates = a->duplicates, .cut = a->cut, .capture_received = c.kernel_received, .capture_dropped = c.kernel_dropped,
		.interface_dropped = c.interface_dropped, .flows_tracked = a->sessions, .flows_now = flow_count(a->flows),
		.evicted_attempts = attempts_evicted(a->attempts), .evicted_settled = flow_evicted(a->flows, RANK_SETTLED),
		.evicted_prelogin = flow_evicted(a->flows, RANK_BEFORE_LOGIN), .evicted_loggedin = flow_evicted(a->flows, RANK_LOGGED_IN),
		.memory_bytes = flow_bytes(a->flows) + attempts_bytes(a->attempts) + context_bytes(&a->context) + incidents_bytes(a->incidents) + lookups_bytes(a->lookups) +
				texts_bytes(a->shared.texts) + t->held_most + a->shared.tail_bytes,
		.gaps = t->gaps, .bytes_lost = t->lost_bytes, .capped = t->capped + a->shared.tails_capped,
		.rules_loaded = (uint64_t)rules_count(a->rules), .rules_matched = a->matched, .facts_lost = a->shared.facts_lost,
		.speakers_asked = n->asked, .speakers_told = n->told, .speakers_refused = n->refused,
		.texts_lost = texts_lost(a->shared.texts), .all = a->all, .chosen = a->chosen,
	 .first = a->first, .last = a->last.time,
		.now = a->now > a->last.time ? a->now : a->last.time,
	};
	if (a->decryptor)
		decryption_stats(a, &c, into);
}
