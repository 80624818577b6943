/* What traffic already answers of a verdict's repair steps. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "blocks.h"
#include "parts.h"
#include "protocol.h"
#include "text.h"

#define VALUE_ROOM 160
#define VALUES_MOST 8

/* Values by the names that a sentence has in braces. */
struct values {
	struct {
		const char *name;
		char text[VALUE_ROOM];
	} list[VALUES_MOST];
	int count;
};

static void value(struct values *v, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void value(struct values *v, const char *name, const char *format, ...)
{
	va_list arguments;

	if (v->count == VALUES_MOST)
		return;
	v->list[v->count].name = name;
	va_start(arguments, format);
	vsnprintf(v->list[v->count].text, VALUE_ROOM, format, arguments);
	va_end(arguments);
	v->count++;
}

static void fill(const char *sentence, const struct values *v, struct text *into)
{
	for (const char *at = sentence; *at;) {
		size_t plain = strcspn(at, "{");
		text_addf(into, "%.*s", (int)plain, at);
		at += plain;
		const char *end = strchr(at, '}');
		if (!end) {
			text_add(into, at);
			return;
		}
		for (int i = 0; i < v->count; i++)
			if (strlen(v->list[i].name) == (size_t)(end - at - 1) && strncmp(v->list[i].name, at + 1, (size_t)(end - at - 1)) == 0)
				text_add(into, v->list[i].text);
		at = end + 1;
	}
}

struct answering {
	const struct report *report;
	const struct report_case *c;
	struct step_answer *into;
};

static bool say(const struct answering *a, enum reply reply, const struct values *v, bool done)
{
	struct text t = TEXT_IN(a->into->says);

	fill(rules_answer(a->report->rules, a->report->options.language, reply), v, &t);
	a->into->done = done;
	return true;
}

/* --- the steps --- */

/* Where the server itself may be gone, what it did before shows nothing. */
static bool only_before(const struct answering *a)
{
	static const char *const classes[] = { "reset", "timeout", "firewall_block", "server_refusal", NULL };
	const struct session_summary *s = a->c->session;

	for (int i = 0; classes[i]; i++)
		if (strcmp(a->c->verdict->rule->class, classes[i]) == 0)
			return s->answers->others_served && s->answers->served_at.time < s->start;
	return false;
}

static bool answer_device(const struct answering *a)
{
	const struct session_answers *s = a->c->session->answers;
	int all = s->others_served > s->others_all ? s->others_served : s->others_all;
	nanoseconds last = s->others_served ? s->served_at.time : s->failed_at.time;
	char time[TIME_TEXT];
	struct values v = { .count = 0 };

	if (!all)
		return false;
	/* As the times around it: in the text the reader's own, else UTC; seconds suffice. */
	if (a->report->options.output == OUTPUT_TEXT) {
		block_time(a->report, last, time, sizeof time);
	} else {
		time_text(last, time);
		memmove(time, time + 11, 8);
		memcpy(time + 8, "Z", 2);
	}
	value(&v, "served", "%d", s->others_served);
	value(&v, "failed", "%d", s->others_failed);
	value(&v, "all", s->others_more ? "%d+" : "%d", all);
	value(&v, "time", "%s", time);
	a->into->at = s->others_served ? s->served_at : s->failed_at;
	a->into->session = s->others_served ? s->served_session : s->failed_session;
	if (only_before(a) && !s->others_failed)
		return say(a, ANSWER_OTHERS_BEFORE, &v, false);
	return say(a, !s->others_failed ? ANSWER_OTHERS_SERVED : !s->others_served ? ANSWER_OTHERS_FAILED : ANSWER_OTHERS_MIXED, &v, true);
}

/* As in docs/verdicts.md, degraded: 5 % of 20 or more. */
#define LOSS_SEGMENTS 20
#define LOSS_SHARE 20

static void value_loss(const struct answering *a, const struct session_answers *s, struct values *v)
{
	struct values inner = { .count = 0 };
	char room[VALUE_ROOM];
	struct text t = TEXT_IN(room);

	if (!s->segments)
		return;
	for (int i = 0; i < 2; i++) {
		value(i ? v : &inner, "retransmitted", "%u", s->retransmitted);
		value(i ? v : &inner, "segments", "%u", s->segments);
	}
	fill(rules_answer(a->report->rules, a->report->options.language, ANSWER_LOSS), &inner, &t);
	value(v, "loss", "%s", room);
}

static enum reply reply_of_connections(const struct session_answers *s)
{
	if (s->answered < s->unanswered)
		return ANSWER_CONNECTIONS_BAD;
	if (s->segments >= LOSS_SEGMENTS && (uint64_t)s->retransmitted * LOSS_SHARE >= s->segments)
		return ANSWER_CONNECTIONS_LOSSY;
	return s->answered ? ANSWER_CONNECTIONS_WELL : ANSWER_CONNECTIONS_CARRY;
}

static bool answer_connection(const struct answering *a)
{
	const struct session_answers *s = a->c->session->answers;
	int all = s->answered + s->unanswered;
	struct values v = { .count = 0 };

	if (!all && !s->segments)
		return false;
	value_loss(a, s, &v);
	value(&v, "answered", "%d", s->answered);
	value(&v, "unanswered", "%d", s->unanswered);
	value(&v, "all", "%d", all);
	if (s->rtt_most && s->rtt_most / 100 == s->rtt_least / 100)
		value(&v, "rtt", " (%u.%u ms)", s->rtt_most / 1000, s->rtt_most / 100 % 10);
	else if (s->rtt_most)
		value(&v, "rtt", " (%u.%u-%u.%u ms)", s->rtt_least / 1000, s->rtt_least / 100 % 10, s->rtt_most / 1000, s->rtt_most / 100 % 10);
	a->into->at = s->handshake_at;
	return say(a, reply_of_connections(s), &v, true);
}

/* Hops from the usual starting values of systems; what set out with another one can't be told. */
static int hops_of(int64_t ttl)
{
	static const int starts[] = { 32, 64, 128, 255 };

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (ttl <= starts[i])
			return starts[i] - (int)ttl;
	return -1;
}

/* What the client had come to when it was blocked. */
static void value_what(const struct answering *a, struct values *v)
{
	const struct fact_view *view = a->c->view;
	const char *name = case_text(a->report, a->c, FACT_SNI), *command = case_word(a->c, FACT_COMMAND_OWED);
	struct values inner = { .count = 0 };
	enum reply reply = ANSWER_WHAT_SESSION;
	char room[VALUE_ROOM];
	struct text t = TEXT_IN(room);

	value(&inner, "port", "%u", a->c->session->server.port);
	value(&inner, "name", "%s", name ? name : "");
	value(&inner, "command", "%s", command ? command : "");
	if (!view[FACT_ESTABLISHED].value)
		reply = ANSWER_WHAT_PORT;
	else if (view[FACT_CLIENT_HELLO].set && !view[FACT_SERVER_HELLO].set)
		reply = name ? ANSWER_WHAT_HELLO_FOR : ANSWER_WHAT_HELLO;
	else if (view[FACT_LOGIN_TRIED].set && !view[FACT_LOGIN_ANSWER].set)
		reply = ANSWER_WHAT_LOGIN;
	else if (command)
		reply = ANSWER_WHAT_COMMAND;
	fill(rules_answer(a->report->rules, a->report->options.language, reply), &inner, &t);
	value(v, "what", "%s", room);
}

static void value_place(const struct answering *a, struct values *v, const struct fact_view *ttl)
{
	value(v, "hops", "%d", hops_of(ttl->value));
	value(v, "side", "%s", words_culprit(words_of(a->report->options.language), ttl->from == FROM_CLIENT ? "client" : "server"));
	a->into->at = ttl->at;
}

/* An ICMP error names who sent it. */
static bool answer_rejected(const struct answering *a)
{
	const struct fact_view *ttl = &a->c->view[FACT_ICMP_TTL];
	const struct session_summary *s = a->c->session;
	struct values v = { .count = 0 };
	char room[ADDRESS_TEXT];

	if (!ttl->set || !s->icmp_sender || a->c->view[FACT_ICMP_PROGRESS].value)
		return false;
	const struct address *end = ttl->from == FROM_CLIENT ? &s->client.address : &s->server.address;
	value_what(a, &v);
	value_place(a, &v, ttl);
	value(&v, "sender", "%s", address_text(s->icmp_sender, room));
	return say(a, address_same(s->icmp_sender, end) ? ANSWER_REJECTED_BY_HOST : ANSWER_REJECTED_BY, &v, false);
}

static bool answer_firewall(const struct answering *a)
{
	static const char *const swallowed[] = { "syn_dropped", "content_dropped", "state_expired", "client_banned", NULL };
	const struct fact_view *ttl = &a->c->view[FACT_RESET_TTL];
	const char *mechanism = a->c->verdict->rule->mechanism;
	/* As far away as its alleged sender, or with nothing to compare, it tells no place. */
	bool apart = a->c->view[FACT_RESET_TTL_DIFFERENCE].value != 0 || a->c->view[FACT_RESET_TTL_OTHERS].value != 0;
	struct values v = { .count = 0 };

	if (answer_rejected(a))
		return true;
	if (strcmp(mechanism, "reset_injected") == 0 && ttl->set) {
		value_what(a, &v);
		value_place(a, &v, ttl);
		return say(a, apart ? ANSWER_BLOCKED_FROM : ANSWER_BLOCKED_UNPLACED, &v, false);
	}
	if (list_number(swallowed, mechanism) < 0)
		return false;
	value_what(a, &v);
	return say(a, ANSWER_BLOCKED_BEYOND, &v, false);
}

static void values_of_server(struct values *v, const struct provider *p, const struct provider_server *s)
{
	value(v, "provider", "%s", p->name);
	value(v, "host", "%s", s->host);
	value(v, "port", "%u", s->port);
	value(v, "security", "%s", strcmp(s->security, "tls") == 0 ? "SSL/TLS" : "STARTTLS");
}

/* The entry of that service whose port was tried, else its first. */
static const struct provider_server *entry_for(const struct provider *p, const char *host, uint16_t port)
{
	const struct provider_server *first = NULL;

	for (int i = 0; i < p->servers; i++) {
		const struct provider_server *s = &p->server[i];
		if (s->service != PROVIDER_IMAP || (host && strcmp(s->host, host) != 0))
			continue;
		if (s->port == port)
			return s;
		if (!first)
			first = s;
	}
	return first;
}

static bool takes_password(const struct provider *p)
{
	for (int i = 0; i < p->logins; i++)
		if (strcmp(p->login[i], "oauth2") != 0)
			return true;
	return p->logins == 0;
}

static bool answer_login(const struct answering *a, const struct provider *p)
{
	const char *method = case_text(a->report, a->c, FACT_LOGIN_METHOD);
	struct values v = { .count = 0 };

	if (!method || takes_password(p) || strstr(method, "OAUTH"))
		return false;
	value(&v, "provider", "%s", p->name);
	value(&v, "logins", "OAuth2");
	value(&v, "tried", "%s", method);
	a->into->at = a->c->view[FACT_LOGIN_TRIED].at;
	return say(a, ANSWER_LOGIN_OTHER, &v, false);
}

static bool answer_settings(const struct answering *a)
{
	const struct session_summary *s = a->c->session;
	const char *name = s->is_lookup ? case_text(a->report, a->c, FACT_DNS_NAME) : s->server_name;
	const struct provider_server *server = NULL;
	const struct provider *p = name ? rules_provider(a->report->rules, name, &server) : NULL;
	struct values v = { .count = 0 };

	if (p && !s->is_lookup && server->service == PROVIDER_IMAP) {
		if (answer_login(a, p))
			return true;
		server = entry_for(p, name, s->server.port);
		bool right = server->port == s->server.port && strcmp(a->c->verdict->rule->class, "misconfiguration") != 0;
		values_of_server(&v, p, server);
		value(&v, "tried", "%s:%u", name, s->server.port);
		return say(a, right ? ANSWER_SETTINGS_RIGHT : ANSWER_SETTINGS_OTHER, &v, right);
	}
	if (!p && (p = rules_provider_of_domain(a->report->rules, name)) != NULL && (server = entry_for(p, NULL, s->server.port)) != NULL) {
		values_of_server(&v, p, server);
		value(&v, "tried", "%s", name);
		return say(a, ANSWER_SETTINGS_OTHER, &v, false);
	}
	p = p ? NULL : rules_provider_near(a->report->rules, name, &server);
	if (!p)
		return false;
	values_of_server(&v, p, server);
	value(&v, "tried", "%s", name);
	if (s->is_lookup)
		a->into->at = a->c->view[FACT_DNS_NAME].at;
	return say(a, ANSWER_SETTINGS_NEAR, &v, false);
}

static bool answer_update(const struct answering *a)
{
	const struct fact_view *most = &a->c->view[FACT_OFFERED_MAX];
	struct values v = { .count = 0 };
	bool ssl = false;

	if (!most->set || most->value >= TLS12)
		return false;
	const char *name = tls_version_name(most->value, &ssl);
	value(&v, "version", "%s %s", ssl ? "SSL" : "TLS", name ? name : "?");
	a->into->at = most->at;
	return say(a, ANSWER_OLD_TLS, &v, false);
}

static bool answer_provider(const struct answering *a)
{
	const struct session_summary *s = a->c->session;
	const struct provider_server *server = NULL;
	const struct provider *p = rules_provider(a->report->rules, s->server_name, &server);
	char address[ADDRESS_TEXT], client[ADDRESS_TEXT], time[TIME_TEXT];
	struct values v = { .count = 0 };

	if (!p)
		p = rules_provider_of_domain(a->report->rules, s->server_name);
	if (!p || s->is_lookup)
		return false;
	time_text(s->start, time);
	time[19] = '\0';
	value(&v, "provider", "%s", p->name);
	value(&v, "server", "%s", address_text(&s->server.address, address));
	value(&v, "port", "%u", s->server.port);
	value(&v, "time", "%s", time);
	value(&v, "client", "%s", address_text(&s->client.address, client));
	return say(a, ANSWER_WHOM, &v, false);
}

bool answer_step(const struct report *report, const struct report_case *c, const char *step, struct step_answer *into)
{
	static const struct {
		const char *step;
		bool (*answer)(const struct answering *a);
		bool needs_others;
	} steps[] = {
		{ "try_another_device", answer_device, true },	    { "check_connection", answer_connection, true },
		{ "check_firewall_antivirus", answer_firewall, false }, { "check_settings", answer_settings, false },
		{ "update_software", answer_update, false },	    { "contact_provider", answer_provider, false },
	};
	const struct answering a = { report, c, into };

	memset(into, 0, sizeof *into);
	if (!report->rules)
		return false;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (strcmp(steps[i].step, step) == 0)
			return (!steps[i].needs_others || c->session->answers) && steps[i].answer(&a);
	return false;
}
