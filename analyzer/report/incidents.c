/* Incidents as documents, and as a line for people. */
#include "blocks.h"
#include "text.h"

static const char *const scopes[] = { "unknown", "account", "device", "network", "server", "provider", "everyone" };
static const char *const states[] = { "open", "grown", "closed" };

/* The name or address and port of the service. */
static const char *service_of(const struct incident_told *told, char *into, size_t room)
{
	char address[ADDRESS_TEXT];
	struct text t = { .start = into, .room = room };

	into[0] = '\0';
	if (told->name[0])
		text_add_wire(&t, bytes_of_text(told->name), 128);
	else
		text_add(&t, address_text(&told->server.address, address));
	if (told->server.port)
		text_addf(&t, !told->name[0] && told->server.address.family == 6 ? " port %u" : ":%u", told->server.port);
	return into;
}

static const char *subject_of(const struct report *report, const struct incident_told *told, char *into, size_t room)
{
	char address[ADDRESS_TEXT];

	address_text(&told->client, address);
	if (told->scope == SCOPE_ACCOUNT && told->user && report->options.usernames != USERNAMES_OFF)
		snprintf(into, room, "%016llx", (unsigned long long)told->user);
	else if (told->scope == SCOPE_ACCOUNT || told->scope == SCOPE_DEVICE)
		snprintf(into, room, "%s", address);
	else if (told->scope == SCOPE_NETWORK && told->client_bits)
		snprintf(into, room, "%s/%d", address, told->client_bits);
	else if (told->scope == SCOPE_PROVIDER && told->domain[0])
		snprintf(into, room, "%s", told->domain);
	else
		service_of(told, into, room);
	return into;
}

static void put_proof(const struct report *report, const char *key, const struct moment *at, uint64_t session, struct json_object *into)
{
	struct json_object *o = put_object(into, key);
	char id[24];
	uint32_t frame;
	const char *file = report_place(report, at, &frame);

	if (file) {
		put_text(o, "file", file, 120);
		put_count(o, "frame", frame);
	}
	put_time(o, "time", at->time);
	snprintf(id, sizeof id, "%016llx", (unsigned long long)session);
	put_word(o, "session", session ? id : NULL);
}

static void put_counts(const struct incident_told *told, struct json_object *incident)
{
	put_number(incident, "clients_hit", told->clients_hit);
	put_number(incident, "clients_served", told->clients_served);
	put_number(incident, "sessions_hit", told->sessions_hit);
	put_number(incident, "sessions_served", told->sessions_served);
}

static void put_steps(struct report *report, const struct incident_told *told, struct json_object *incident)
{
	const struct rule *rule = told->fault->rule;
	struct rows rows = rows_begin(report->lists, LISTS_ROOM);

	for (int i = 0; i < rule->advices; i++) {
		row_begin(&rows);
		row_word(&rows, "step", rule->advice[i]);
		row_text(&rows, "text", evidence_advice(report, rule, i), 400);
		row_end(&rows);
	}
	put_rows(incident, "advice", &rows);
}

static void put_incident(struct report *report, const struct incident_told *told, struct json_object *document)
{
	struct json_object *incident = put_object(put_object(document, "imapwhy"), "incident");
	char id[24], subject[256];

	snprintf(id, sizeof id, "%016llx", (unsigned long long)told->id);
	put_word(incident, "id", id);
	put_word(incident, "state", states[told->state]);
	put_word(incident, "scope", scopes[told->scope]);
	put_text(incident, "subject", subject_of(report, told, subject, sizeof subject), 253);
	put_word(incident, "class", told->fault->class);
	put_word(incident, "mechanism", told->fault->mechanism);
	put_word(incident, "cause", told->fault->cause);
	put_time(incident, "since", told->since);
	put_time(incident, "until", told->until);
	put_counts(told, incident);
	put_proof(report, "first_proof", &told->first, told->first_session, incident);
	put_proof(report, "last_proof", &told->last, told->last_session, incident);
	put_steps(report, told, incident);
}

void json_incident(struct report *report, const struct incident_told *told, nanoseconds now)
{
	struct json_object *document = json_counted("imapwhy.incident", told->state == INCIDENT_CLOSED ? "event" : "alert", "info", now, told->since, told->until);
	char message[400], service[256], since[TIME_TEXT];

	time_text(told->since, since);
	since[19] = '\0';
	snprintf(message, sizeof message, "%s: %u of %u devices fail at %s since %sZ (%s, %u sessions).", scopes[told->scope], told->clients_hit,
		 told->clients_hit + told->clients_served, service_of(told, service, sizeof service), since, told->fault->mechanism, told->sessions_hit);
	put_text(document, "message", message, 400);
	json_observer(report, document, told->first.file);
	put_incident(report, told, document);
	json_finish(report, document);
}

/* --- text --- */

void text_incident_lines(const struct report *report, const struct incident_told *told, struct lines *out)
{
	const struct words *w = words_of(report->options.language);
	const struct rule *rule = told->fault->rule;
	char line[512], service[256], hour[32], room[64];
	struct text t = TEXT_IN(line);

	block_time(report, told->since, hour, sizeof hour);
	text_addf(&t, "%s %s · %s %s · %s %s · %u/%u %s · %u %s", words_scope(w, scopes[told->scope]), service_of(told, service, sizeof service),
		  words_class(w, told->fault->class), told->fault->mechanism, w->since, hour, told->clients_hit,
		  told->clients_hit + told->clients_served, w->clients, told->sessions_hit, w->times);
	if (told->state == INCIDENT_CLOSED) {
		block_time(report, told->until, room, sizeof room);
		text_addf(&t, " · %s %s", w->over, room);
	}
	lines_wrap(out, "", 2, line, block_width(report));
	if (rule->advices)
		lines_wrap(out, "  ", 2, evidence_advice(report, rule, 0), block_width(report));
	lines_put(out, "\n");
}
