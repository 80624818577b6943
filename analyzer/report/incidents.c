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

static struct shown_user account_of(const struct report *report, const struct incident_told *told)
{
	return redact_user(report->options.usernames, told->user_name, told->scope == SCOPE_ACCOUNT ? told->user : 0);
}

/* "" where it may not be said. */
static const char *subject_of(const struct report *report, const struct incident_told *told, bool for_people, char *into, size_t room)
{
	char address[ADDRESS_TEXT];
	struct shown_user account = account_of(report, told);

	address_text(&told->client, address);
	if (told->scope == SCOPE_ACCOUNT)
		snprintf(into, room, "%s", account.name && (for_people || !account.hash[0]) ? account.name : account.hash);
	else if (told->scope == SCOPE_DEVICE)
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

/* What many share, no single device mends: the step that fits whom it hits stands first, the others as the rule has them. */
static int first_step(const struct incident_told *told)
{
	static const char *const steps[] = { [SCOPE_SERVER] = "contact_provider", [SCOPE_PROVIDER] = "contact_provider",
					     [SCOPE_EVERYONE] = "check_connection" };
	const struct rule *rule = told->fault->rule;
	const char *wanted = told->scope < sizeof steps / sizeof *steps ? steps[told->scope] : NULL;

	for (int i = 0; wanted && i < rule->advices; i++)
		if (strcmp(rule->advice[i], wanted) == 0)
			return i;
	return 0;
}

static void put_steps(struct report *report, const struct incident_told *told, struct json_object *incident)
{
	const struct rule *rule = told->fault->rule;
	struct rows rows = rows_begin(report->lists, LISTS_ROOM);
	int first = first_step(told);

	for (int i = -1; i < rule->advices; i++) {
		int step = i < 0 ? first : i;
		if (i == first || step >= rule->advices)
			continue;
		row_begin(&rows);
		row_word(&rows, "step", rule->advice[step]);
		row_text(&rows, "text", evidence_advice(report, rule, step), 400);
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
	if (told->part_of) {
		snprintf(id, sizeof id, "%016llx", (unsigned long long)told->part_of);
		put_word(incident, "part_of", id);
	}
	put_word(incident, "state", states[told->state]);
	put_word(incident, "scope", scopes[told->scope]);
	put_text(incident, "subject", subject_of(report, told, false, subject, sizeof subject), 253);
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

/* Whom it hits and where: "network 192.0.2.0/24 at imap.example.org:993 and others". */
static const char *whom(const struct report *report, const struct incident_told *told, const struct words *w, char *into, size_t room)
{
	struct text t = { .start = into, .room = room };
	char subject[256], service[256];

	into[0] = '\0';
	text_add(&t, words_scope(w, scopes[told->scope]));
	if (told->scope != SCOPE_EVERYONE && subject_of(report, told, true, subject, sizeof subject)[0]) {
		text_add(&t, " ");
		text_add_wire(&t, bytes_of_text(subject), sizeof subject);
	}
	if (told->scope != SCOPE_SERVER && told->scope != SCOPE_PROVIDER && told->scope != SCOPE_UNKNOWN) {
		text_addf(&t, " %s %s", w->at, service_of(told, service, sizeof service));
		if (told->several)
			text_addf(&t, " %s", w->others);
	}
	return into;
}

void json_incident(struct report *report, const struct incident_told *told, nanoseconds now)
{
	struct json_object *document = json_counted("imapwhy.incident", told->state == INCIDENT_CLOSED ? "event" : "alert", "info", now, told->since, told->until);
	char message[700], who[600], since[TIME_TEXT], until[TIME_TEXT];

	time_text(told->since, since);
	time_text(told->until, until);
	since[19] = until[19] = '\0';
	snprintf(message, sizeof message, "%s: %u of %u devices fail since %sZ (%s, %u sessions)%s%s%s.", whom(report, told, words_of("en"), who, sizeof who),
		 told->clients_hit, told->clients_hit + told->clients_served, since, told->fault->mechanism, told->sessions_hit,
		 told->state != INCIDENT_CLOSED ? "" : told->part_of ? ", part of a wider incident" : ", over since ",
		 told->state == INCIDENT_CLOSED && !told->part_of ? until : "", told->state == INCIDENT_CLOSED && !told->part_of ? "Z" : "");
	put_text(document, "message", message, 600);
	json_observer(report, document, told->first.file);
	struct shown_user account = account_of(report, told);
	if (told->scope == SCOPE_ACCOUNT)
		put_user(&account, document);
	put_incident(report, told, document);
	json_finish(report, document);
}

/* --- text --- */

void text_incident_lines(const struct report *report, const struct incident_told *told, struct lines *out)
{
	const struct words *w = words_of(report->options.language);
	const struct rule *rule = told->fault->rule;
	char line[1024], who[600], hour[32], room[64];
	struct text t = TEXT_IN(line);

	block_time(report, told->since, hour, sizeof hour);
	text_addf(&t, "%s · %s %s · %s %s · %u/%u %s · %u %s", whom(report, told, w, who, sizeof who), words_class(w, told->fault->class),
		  told->fault->mechanism, w->since, hour, told->clients_hit, told->clients_hit + told->clients_served, w->clients, told->sessions_hit,
		  w->times);
	if (told->state == INCIDENT_CLOSED) {
		block_time(report, told->until, room, sizeof room);
		text_addf(&t, " · %s %s", w->over, room);
	}
	lines_wrap(out, "", 2, line, block_width(report));
	if (rule->advices)
		lines_wrap(out, "  ", 2, evidence_advice(report, rule, first_step(told)), block_width(report));
	lines_put(out, "\n");
}
