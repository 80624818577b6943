/* The life of an analysis: made, given secrets, ended with its recording, destroyed. */
#include "analysis.h"

#include <stdlib.h>

#include "cases.h"
#include "companions.h"
#include "decrypt.h"
#include "imap.h"
#include "judge.h"
#include "keylog.h"
#include "looks.h"
#include "ndpi_adapter.h"
#include "sessions.h"
#include "tls.h"
#include "tracked.h"
#include "triage.h"

/* A quiet session with its record takes hardly less. */
#define QUIET_LEAST 768

static void port_set(struct analysis *a, uint16_t port)
{
	a->mail_port[port / 64] |= (uint64_t)1 << (port % 64);
}

static void incident_told(void *context, const struct incident_told *told)
{
	struct analysis *a = context;

	if (a->report && incident_wanted(a, told->id))
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
	a->flows = flow_table_create(sizeof(struct tracked), memory / 2 / QUIET_LEAST, a->key, evict_session, a);
	a->session_room = memory / 2 - memory / 2 / QUIET_LEAST * sizeof(struct tracked);
	a->wheel = wheel_create();
	a->attempts = attempts_create(memory / 8 / sizeof(struct attempt), 1024, a->key);
	a->lookups = lookups_create(2048, memory / 16 / 160, a->key);
	a->shared.users = options->users;
	a->shared.tails.most = memory / 64;
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
	port_set(a, IMAP_PORT);
	port_set(a, IMAPS_PORT);
	for (int i = 0; i < options->port_count; i++)
		port_set(a, options->ports[i]);
	for (const struct companion *c = companions; c->port; c++)
		if (!port_is_mail(a, c->port)) {
			port_set(a, c->port);
			a->companions |= 1u << (c - companions);
		}
	return a;
}

static void forget_call(void *context, struct flow *flow)
{
	forget_session(context, flow);
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
	spares_release(&a->shared.tails);
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

void analysis_keep(struct analysis *a, void (*keep)(void *context, const struct frame *frame), void *context)
{
	a->keep = keep;
	a->keep_context = context;
}

/* --- secrets --- */

static struct secrets *secrets_of(struct analysis *a)
{
	if (!a->decryptor)
		a->decryptor = decryptor_create(a->options.memory / 8, a->key);
	tls_shared_decrypt(a->shared.tls, a->decryptor);
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
	a->keylog = true;
}

/* --- the end --- */

/* As small as can be: there is one for each session, when memory is fullest. */
struct ordered {
	struct tracked *tracked;
	nanoseconds first;
};

struct roll {
	struct ordered *list;
	size_t count;
};

static void call_roll(void *context, struct flow *flow)
{
	struct roll *roll = context;
	struct tracked *t = (struct tracked *)flow;

	roll->list[roll->count++] = (struct ordered){ t, tracked_first(t).time };
}

static int by_first(const void *x, const void *y)
{
	const struct ordered *a = x, *b = y;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	uint32_t one = tracked_first(a->tracked).frame, other = tracked_first(b->tracked).frame;
	return (one > other) - (one < other);
}

/* False: others that are not judged yet may still teach what decides it. */
static bool judge_last(struct analysis *a, struct session *s, bool others_left)
{
	struct fact_view view[FACT_COUNT];

	if (s->written && !s->progress && tcp_closed(&s->tcp))
		return true;
	const struct rule *rule = judge_session(a, s, true, view);
	if (others_left && waits_for_answers(view, rule))
		return false;
	if (verdict_changed(s, view, rule))
		session_written(a, s, view, rule);
	return true;
}

/* The newest sessions bear witness for each other, whichever is judged first; the quiet ones were asked before. */
static void hear_last(struct analysis *a, struct tracked *t)
{
	struct fact_view view[FACT_COUNT];

	if (t->session && !t->session->written)
		see_packets(a, t->session, true, view);
}

/* Forgotten at once: all of them unpacked would need much more memory than the analysis did so far. False: it waits for the others. */
static bool end_session(struct analysis *a, struct tracked *t, bool others_left)
{
	struct session *s = tracked_wake(t, &a->shared);

	if (s && !judge_last(a, s, others_left))
		return false;
	forget_session(a, &t->flow);
	return true;
}

static void end_sessions(struct analysis *a, const struct roll *roll)
{
	size_t left = 0;

	for (size_t i = 0; i < roll->count; i++)
		hear_last(a, roll->list[i].tracked);
	for (size_t i = 0; i < roll->count; i++)
		if (!end_session(a, roll->list[i].tracked, true))
			roll->list[left++] = roll->list[i];
	for (size_t i = 0; i < left; i++)
		end_session(a, roll->list[i].tracked, false);
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
		end_sessions(a, &roll);
		free(roll.list);
	}
	lookups_settle(a->lookups, a->now, true, lookup_failed, a);
	incidents_end(a->incidents, a->now);
	attempts_expire(a->attempts, INT64_MAX);
	analysis_attempts(a);
	flow_each(a->flows, forget_call, a);
	/* Secrets that stood in this recording are of no use in another, and nobody there lacks them. */
	if (!a->keylog)
		tls_shared_decrypt(a->shared.tls, NULL);
	/* Another recording may begin earlier, and nothing of this one proves anything there. */
	a->now = 0;
	frames_forget(a->shared.held);
	context_forgotten(&a->context, a->forgotten);
	a->forgotten[FORGOTTEN_INCIDENTS] += incidents_evicted(a->incidents);
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
