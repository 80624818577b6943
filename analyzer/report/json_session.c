/* The document of a session: what the Elastic Common Schema has a field for. */
#include "parts.h"

static const char *protocol_of(const struct session_summary *s)
{
	static const char *const protocols[][2] = { { "imap", "imaps" }, { "pop3", "pop3s" }, { "smtp", "smtps" } };

	return s->is_lookup ? "dns" : protocols[s->companion < 3 ? s->companion : 0][s->implicit_tls];
}

/* --- event --- */

struct ecs_words {
	const char *kind, *outcome;
};

/* A session that worked badly is a success to ECS; one whose own fault merely hurt little (its other address family
 * served) is a failure. */
static struct ecs_words ecs_words(const struct rule *rule)
{
	static const struct ecs_words words[OUTCOMES] = {
		[OUTCOME_HEALTHY] = { "event", "success" },
		[OUTCOME_FAILED] = { "alert", "failure" },
		[OUTCOME_DEGRADED] = { "alert", "failure" },
		[OUTCOME_INCONCLUSIVE] = { "event", "unknown" },
	};
	struct ecs_words found = words[rule->outcome];

	if (strcmp(rule->class, "degraded") == 0)
		found.outcome = "success";
	return found;
}

static void put_types(const struct report_case *c, struct json_object *event)
{
	struct json_object *list = put_list(event, "type", 2);

	list_word(list, c->session->is_lookup ? "protocol" : "connection");
	if (strcmp(c->verdict->rule->class, "firewall_block") == 0)
		list_word(list, "denied");
	else if (case_has(c, FACT_ENDED))
		list_word(list, "end");
}

static void put_event(const struct report_case *c, struct json_object *document)
{
	const struct session_summary *s = c->session;
	const struct rule *rule = c->verdict->rule;
	struct ecs_words words = ecs_words(rule);
	struct json_object *event = put_object(document, "event");
	char reason[128];

	put_text(event, "id", c->id, 80);
	put_word(event, "dataset", "imapwhy.session");
	put_word(event, "kind", words.kind);
	put_made(event, "category", "[\"network\"]");
	put_types(c, event);
	put_word(event, "outcome", words.outcome);
	snprintf(reason, sizeof reason, "%s.%s", rule->class, rule->mechanism);
	put_word(event, "reason", reason);
	put_number(event, "duration", s->end - s->start);
	put_time(event, "start", s->start);
	put_time(event, "end", s->end);
}

static void put_message(const struct report *report, const struct report_case *c, const struct limits *limits, struct json_object *document)
{
	const struct rule *rule = c->verdict->rule;
	char room[1024];

	put_text(document, "message", evidence_fill(report, c, rule->says ? rule->says : rule->title, room, sizeof room), limits->text);
}

/* --- who and where --- */

void json_end(const char *key, struct json_object *document, const struct endpoint *end)
{
	struct json_object *o = put_object(document, key);
	char room[ADDRESS_TEXT];

	put_word(o, "ip", address_text(&end->address, room));
	put_number(o, "port", end->port);
}

static void put_side(const struct report_case *c, const char *key, enum direction d, struct json_object *document)
{
	const struct session_summary *s = c->session;
	const struct endpoint *end = d == FROM_CLIENT ? &s->client : &s->server;
	struct json_object *o = put_object(document, key);
	char room[ADDRESS_TEXT];

	put_word(o, "ip", address_text(&end->address, room));
	put_number(o, "port", end->port);
	/* A look-up's server is its resolver: the mail host's name is the question, not the resolver's. */
	if (d == FROM_SERVER && !s->is_lookup)
		put_text(o, "domain", s->server_name, 253);
	put_number(o, "bytes", (int64_t)s->side[d].bytes);
	put_number(o, "packets", (int64_t)s->side[d].packets);
}

static void put_network(struct report *report, const struct report_case *c, struct json_object *document)
{
	const struct session_summary *s = c->session;
	struct json_object *network = put_object(document, "network");
	char room[COMMUNITY_TEXT];

	put_word(network, "transport", s->is_lookup ? "udp" : "tcp");
	put_word(network, "type", s->client.address.family == 6 ? "ipv6" : "ipv4");
	put_word(network, "protocol", protocol_of(s));
	put_word(network, "community_id", community_id(report->community, s->is_lookup ? 17 : 6, &s->client, &s->server, room));
}

/* --- what was asked and spoken --- */

static void put_dns(const struct report *report, const struct report_case *c, struct json_object *document)
{
	static const char *const codes[] = {
		[WORD_lookup_answered] = "NOERROR", [WORD_lookup_nxdomain] = "NXDOMAIN", [WORD_lookup_servfail] = "SERVFAIL",
		[WORD_lookup_refused] = "REFUSED", [WORD_lookup_no_address] = "NOERROR",
	};
	const struct session_summary *s = c->session;
	const struct fact_view *result = &c->view[FACT_DNS_RESULT];
	struct json_object *dns = json_new(), *question = json_new();
	char room[ADDRESS_TEXT];

	const char *name = case_text(report, c, FACT_DNS_NAME);
	put_text(question, "name", name ? name : s->is_lookup ? s->server_name : s->looked_up, 253);
	put_filled(dns, "question", question);
	if (s->looked_up)
		put_word(dns, "response_code", "NOERROR");
	else if (result->set && result->value >= 0 && (size_t)result->value < sizeof codes / sizeof *codes)
		put_word(dns, "response_code", codes[result->value]);
	if (s->resolved.family)
		list_word(put_list(dns, "resolved_ip", 1), address_text(&s->resolved, room));
	put_filled(document, "dns", dns);
}

static void put_agreed(const struct report_case *c, struct json_object *tls)
{
	char room[SUITE_TEXT];
	bool ssl = false;
	const char *version = c->view[FACT_VERSION].set ? tls_version_name(c->view[FACT_VERSION].value, &ssl) : NULL;

	put_word(tls, "version", version);
	if (version)
		put_word(tls, "version_protocol", ssl ? "ssl" : "tls");
	if (c->view[FACT_CIPHER].set)
		put_word(tls, "cipher", tls_suite_name(c->view[FACT_CIPHER].value, room));
	if (c->view[FACT_ESTABLISHED_TLS].known)
		put_flag(tls, "established", c->view[FACT_ESTABLISHED_TLS].value != 0);
	if (case_has(c, FACT_RESUMED))
		put_flag(tls, "resumed", true);
}

static void put_tls(const struct report *report, const struct report_case *c, const struct limits *limits, struct json_object *document)
{
	struct json_object *tls, *client, *server;

	if (!case_has(c, FACT_CLIENT_HELLO) && !case_has(c, FACT_SERVER_HELLO) && !case_has(c, FACT_ESTABLISHED_TLS))
		return;
	tls = put_object(document, "tls");
	put_agreed(c, tls);
	client = json_new();
	put_text(client, "server_name", case_text(report, c, FACT_SNI), 253);
	put_text(client, "ja3", case_text(report, c, FACT_JA3), 40);
	put_text(client, "ja4", case_text(report, c, FACT_JA4), 60);
	put_filled(tls, "client", client);
	server = json_new();
	put_text(server, "subject", case_text(report, c, FACT_CERT_SUBJECT), limits->text);
	put_text(server, "issuer", case_text(report, c, FACT_CERT_ISSUER), limits->text);
	if (c->view[FACT_CERT_NOT_AFTER].set)
		put_time(server, "not_after", c->view[FACT_CERT_NOT_AFTER].value);
	put_filled(tls, "server", server);
}

void put_user(const struct shown_user *shown, struct json_object *document)
{
	struct json_object *user;

	if (!shown->name && !shown->hash[0])
		return;
	user = put_object(document, "user");
	put_text(user, "name", shown->name, 120);
	put_word(user, "hash", shown->hash[0] ? shown->hash : NULL);
}

static void put_rule(const struct report_case *c, const struct limits *limits, struct json_object *document)
{
	const struct rule *rule = c->verdict->rule;
	struct json_object *o = put_object(document, "rule");

	put_text(o, "id", rule->id, 80);
	put_text(o, "name", rule->title, limits->word);
	put_text(o, "version", rule->version, 20);
}

void json_observer(const struct report *report, struct json_object *document, uint16_t file)
{
	struct json_object *observer = put_object(document, "observer");

	put_word(observer, "product", "imapwhy");
	put_word(observer, "version", IMAPWHY_VERSION);
	put_word(observer, "type", "sensor");
	/* A file stands with imapwhy.capture; ECS has a place for an interface alone. */
	if (report->options.live)
		put_text(put_object(put_object(observer, "ingress"), "interface"), "name", report->file_name(report->context, file), 60);
}

/* --- the whole --- */

static struct json_object *make(struct report *report, const struct report_case *c, const struct limits *limits, bool *fits)
{
	struct json_object *document = json_new();

	put_time(document, "@timestamp", c->session->end);
	put_event(c, document);
	put_made(document, "ecs", "{\"version\":\"8.11.0\"}");
	put_message(report, c, limits, document);
	put_side(c, "source", FROM_CLIENT, document);
	put_side(c, "destination", FROM_SERVER, document);
	put_network(report, c, document);
	put_dns(report, c, document);
	put_tls(report, c, limits, document);
	struct shown_user user = redact_user(report->options.usernames, c->session->user, c->session->user_hash);
	put_user(&user, document);
	put_rule(c, limits, document);
	json_observer(report, document, c->session->first.file);
	*fits = json_own(report, c, limits, document);
	return document;
}

/* From what is usual to what always fits. */
static const struct limits levels[] = {
	{ 14, 6, 8, 400, 200 },
	{ 10, 4, 6, 240, 120 },
	{ 7, 3, 4, 140, 80 },
	{ 4, 1, 3, 80, 60 },
	{ 2, 1, 2, 40, 40 },
	{ 1, 0, 1, 20, 20 },
};

void json_session(struct report *report, const struct report_case *c)
{
	bool fits = false;

	for (size_t i = 0; i < sizeof levels / sizeof *levels && !fits; i++) {
		struct json_object *document = make(report, c, &levels[i], &fits);
		fits = fits && json_line(document, &report->line) && report->line.len <= DOCUMENT_MOST;
		json_drop(&document);
	}
	if (fits)
		report_put(report, report->line.text, report->line.len);
	else
		report->lost++;
}
