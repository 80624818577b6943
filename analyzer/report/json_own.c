/* The document of a session: what stands under `imapwhy`. */
#include "parts.h"

#define MILLISECONDS_TO_MICRO 1000

/* What the functions of this file share while they make one document. */
struct making {
	struct report *report;
	const struct report_case *c;
	const struct limits *limits;
	size_t used; /* of report->lists */
	bool full;
};

static struct rows begin_rows(const struct making *m)
{
	return rows_begin(m->report->lists + m->used, LISTS_ROOM - m->used);
}

static void finish_rows(struct making *m, const char *key, struct rows *rows, struct json_object *parent)
{
	put_rows(parent, key, rows);
	m->used += rows->len;
	m->full |= rows->full;
}

/* --- verdict --- */

static void put_word_or_null(struct json_object *o, const char *key, const char *word)
{
	if (word)
		put_word(o, key, word);
	else
		put_null(o, key);
}

static void why_not(const struct report *report, const struct report_case *c, const struct alternative *a, char *into, size_t room)
{
	const struct fact_view *fact = &c->view[a->fact];
	char value[256];

	if (a->matched)
		snprintf(into, room, "matches too; a more specific rule decided");
	else if (!fact->known)
		snprintf(into, room, "%s: not known from this capture", a->term);
	else {
		const char *is = redact_allows(report->options.usernames, a->fact)
					 ? fact_value_text(a->fact, fact, report->texts, value, sizeof value) : "?";
		if (fact->set && fact->at.frame && !report->options.live)
			snprintf(into, room, "%s: it is %.200s (frame %u)", a->term, is, fact->at.frame);
		else
			snprintf(into, room, "%s: it is %.200s", a->term, is);
	}
}

static void put_alternatives(struct making *m, struct json_object *verdict)
{
	const struct verdict *v = m->c->verdict;
	int all = v->alternatives_count, count = all < m->limits->alternatives ? all : m->limits->alternatives;
	struct rows rows = begin_rows(m);
	char room[400];

	for (int i = 0; i < count; i++) {
		const struct alternative *a = &v->alternatives[i];
		row_begin(&rows);
		row_word(&rows, "class", a->rule->class);
		row_word(&rows, "mechanism", a->rule->mechanism);
		why_not(m->report, m->c, a, room, sizeof room);
		row_text(&rows, "why_not", room, m->limits->word);
		row_end(&rows);
	}
	finish_rows(m, "alternatives", &rows, verdict);
	put_count(verdict, "alternatives_more", (uint64_t)(all - count));
}

static void put_verdict(struct making *m, struct json_object *own)
{
	const struct report_case *c = m->c;
	const struct rule *rule = c->verdict->rule;
	struct json_object *verdict = put_object(own, "verdict");
	char room[1024];

	put_word(verdict, "class", rule->class);
	put_word(verdict, "mechanism", rule->mechanism);
	put_word(verdict, "stage", case_stage(c));
	put_word_or_null(verdict, "culprit", rule->culprit);
	put_word_or_null(verdict, "cause", rule->cause);
	put_word(verdict, "outcome", outcomes[rule->outcome]);
	put_thousandths(verdict, "confidence", (int64_t)(c->verdict->confidence * 1000 + 0.5));
	if (rule->detail)
		put_text(verdict, "detail", evidence_fill(m->report, c, rule->detail, room, sizeof room), m->limits->text);
	put_alternatives(m, verdict);
}

/* --- evidence --- */

static void put_proof(const struct making *m, const struct proof *p, struct rows *rows)
{
	const struct report *report = m->report;
	const struct moment *at = &p->fact->at;
	char room[512];
	uint32_t frame;
	const char *file = report_place(report, at, &frame);

	row_begin(rows);
	if (file) {
		row_text(rows, "file", file, 120);
		row_count(rows, "frame", frame);
	}
	row_time(rows, "time", at->time);
	if (p->absent)
		row_time(rows, "until", p->until);
	const struct other_proof *other = evidence_other(m->c, p->id);
	if (other && other->session) {
		char session[24];
		snprintf(session, sizeof session, "%016llx", (unsigned long long)other->session);
		row_word(rows, "session", session);
	}
	row_word(rows, "kind", p->absent ? "absent" : "seen");
	row_word(rows, "direction", p->fact->from == FROM_CLIENT ? "client" : "server");
	row_word(rows, "fact", fact_kinds[p->id].word);
	row_text(rows, "value", fact_value_text(p->id, p->fact, report->texts, room, sizeof room), m->limits->word);
	row_text(rows, "says", evidence_says(report, m->c, p, room, sizeof room), m->limits->text);
	row_end(rows);
}

static void put_evidence(struct making *m, struct json_object *own)
{
	struct proof proofs[VERDICT_MOST_EVIDENCE];
	int more = 0, count = evidence_collect(m->report, m->c, proofs, m->limits->evidence, &more);
	struct rows rows = begin_rows(m);

	for (int i = 0; i < count; i++)
		put_proof(m, &proofs[i], &rows);
	finish_rows(m, "evidence", &rows, own);
	put_count(own, "evidence_more", (uint64_t)more);
}

/* Twice as many records as proofs: their rows are short. */
static void put_inside(struct making *m, struct json_object *own)
{
	const struct inside *i = m->c->inside;
	struct json_object *inside;

	if (!i)
		return;
	inside = put_object(own, "inside");
	put_word(inside, "dialogue", enumeration_words(ENUM_inside)[i->what]);
	put_word(inside, "best", enumeration_words(ENUM_inside)[i->best.what]);
	put_word(inside, "next", i->has_second ? enumeration_words(ENUM_inside)[i->second.what] : NULL);
	put_number(inside, "margin", i->margin);
	put_count(inside, "refused", (uint64_t)i->refused);
	struct rows records = begin_rows(m);
	int more = json_inside_records(m->report, i, m->limits->evidence * 2, &records);
	finish_rows(m, "records", &records, inside);
	put_count(inside, "records_more", (uint64_t)more);
	struct rows terms = begin_rows(m);
	json_inside_terms(m->report, i, m->limits->alternatives, &terms);
	finish_rows(m, "terms", &terms, inside);
}

static void put_notices(struct making *m, struct json_object *own)
{
	struct notice notices[NOTICES_MOST];
	int count = evidence_notices(m->report, m->c, notices);
	struct rows rows = begin_rows(m);

	for (int i = 0; i < count; i++) {
		row_begin(&rows);
		row_word(&rows, "id", notices[i].id);
		row_text(&rows, "says", notices[i].says, sizeof notices[i].says);
		row_count(&rows, "frame", notices[i].frame);
		row_end(&rows);
	}
	finish_rows(m, "notices", &rows, own);
}

static void put_answer(const struct making *m, const char *step, struct rows *rows)
{
	struct step_answer answer;
	uint32_t frame = 0;

	if (!answer_step(m->report, m->c, step, &answer))
		return;
	const char *file = answer.at.frame ? report_place(m->report, &answer.at, &frame) : NULL;
	row_object(rows, "answered_by");
	row_text(rows, "says", answer.says, m->limits->text);
	row_word(rows, "state", answer.done ? "answered" : "narrowed");
	if (file) {
		row_text(rows, "file", file, 120);
		row_count(rows, "frame", frame);
	}
	if (answer.session) {
		char session[24];
		snprintf(session, sizeof session, "%016llx", (unsigned long long)answer.session);
		row_word(rows, "session", session);
	}
	row_object_end(rows);
}

static void put_advice(struct making *m, struct json_object *own)
{
	const struct rule *rule = m->c->verdict->rule;
	const struct report *report = m->report;
	int count = rule->advices < m->limits->advice ? rule->advices : m->limits->advice;
	struct rows rows = begin_rows(m);

	for (int i = 0; i < count; i++) {
		row_begin(&rows);
		row_word(&rows, "step", rule->advice[i]);
		row_text(&rows, "text", evidence_advice(report, rule, i), m->limits->text);
		put_answer(m, rule->advice[i], &rows);
		row_end(&rows);
	}
	finish_rows(m, "advice", &rows, own);
	put_count(own, "advice_more", (uint64_t)(rule->advices - count));
}

/* --- measures --- */

static void put_timings(const struct session_summary *s, struct json_object *own)
{
	const struct {
		const char *key;
		double milliseconds;
	} stages[] = {
		{ "resolve", s->timings.resolve }, { "connect", s->timings.connect }, { "tls", s->timings.tls },
		{ "greeting", s->timings.greeting }, { "auth", s->timings.auth }, { "first_data", s->timings.first_data },
	};
	struct json_object *timings = json_new();

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
		if (stages[i].milliseconds >= 0)
			put_thousandths(timings, stages[i].key, (int64_t)(stages[i].milliseconds * MILLISECONDS_TO_MICRO + 0.5));
	put_filled(own, "timings", timings);
}

static void put_tcp_side(const struct session_summary *s, const char *key, enum direction d, struct json_object *tcp)
{
	struct json_object *o;

	if (!s->side[d].packets)
		return;
	o = put_object(tcp, key);
	put_number(o, "packets", (int64_t)s->side[d].packets);
	put_number(o, "bytes", (int64_t)s->side[d].bytes);
	put_count(o, "data_segments", s->side[d].data_segments);
	put_count(o, "retransmissions", s->side[d].retransmissions);
	put_count(o, "spurious_retransmissions", s->side[d].spurious);
	put_count(o, "out_of_order", s->side[d].out_of_order);
	put_count(o, "duplicate_acks", s->side[d].duplicate_acks);
	put_count(o, "zero_windows", s->side[d].zero_windows);
	put_count(o, "resets", s->side[d].resets);
}

static void put_tcp(const struct report_case *c, struct json_object *own)
{
	const struct session_summary *s = c->session;
	struct json_object *tcp;

	if (s->is_lookup)
		return;
	tcp = put_object(own, "tcp");
	put_tcp_side(s, "client", FROM_CLIENT, tcp);
	put_tcp_side(s, "server", FROM_SERVER, tcp);
	if (s->rtt.least > 0) {
		struct json_object *rtt = put_object(tcp, "rtt");
		put_thousandths(rtt, "min", s->rtt.least / MICROSECOND);
		put_thousandths(rtt, "mean", s->rtt.mean / MICROSECOND);
		put_thousandths(rtt, "max", s->rtt.most / MICROSECOND);
	}
	if (c->view[FACT_ESTABLISHED].known)
		put_word(tcp, "handshake", c->view[FACT_ESTABLISHED].value ? "complete" : case_has(c, FACT_REFUSED) ? "refused" : "incomplete");
	if (c->view[FACT_ENDED].known)
		put_word(tcp, "ended", fact_word(FACT_ENDED, c->view[FACT_ENDED].value));
}

static void put_fact_number(const struct report_case *c, enum fact_id id, const char *key, struct json_object *o)
{
	if (case_has(c, id))
		put_number(o, key, c->view[id].value);
}

static struct json_object *make_greeting(const struct report *report, const struct report_case *c, const struct limits *limits)
{
	struct json_object *greeting = json_new();

	put_word(greeting, "status", case_word(c, FACT_GREETING));
	put_text(greeting, "text", case_text(report, c, FACT_GREETING_TEXT), limits->word);
	return greeting;
}

/* The attempts that are remembered, and how many more there were. */
static void put_logins(struct making *m, struct json_object *imap)
{
	const struct session_summary *s = m->c->session;
	const struct fact_view *tried = &m->c->view[FACT_LOGIN_TRIED];
	struct rows rows = begin_rows(m);

	for (size_t i = 0; i < s->login_count; i++) {
		const struct imap_login *l = &s->logins[i];
		row_begin(&rows);
		row_word(&rows, "mechanism", l->mechanism);
		row_word(&rows, "result", l->result ? fact_word(FACT_LOGIN_ANSWER, l->result) : "unanswered");
		row_word(&rows, "code", l->code);
		row_end(&rows);
	}
	finish_rows(m, "logins", &rows, imap);
	put_count(imap, "logins_more", tried->set && tried->value > (int64_t)s->login_count ? (uint64_t)tried->value - s->login_count : 0);
}

static void put_commands(struct making *m, struct json_object *imap)
{
	const struct session_summary *s = m->c->session;
	struct rows rows = begin_rows(m);

	for (size_t i = 0; i < s->command_count; i++) {
		row_begin(&rows);
		row_word(&rows, "name", fact_word(FACT_COMMAND_OWED, s->commands[i].command));
		row_count(&rows, "count", s->commands[i].count);
		row_count(&rows, "worst_ms", s->commands[i].worst_ms);
		row_end(&rows);
	}
	finish_rows(m, "commands", &rows, imap);
}

static void put_last_refused(const struct making *m, struct json_object *imap)
{
	const struct report_case *c = m->c;
	struct json_object *refused = json_new();

	put_word(refused, "command", case_word(c, FACT_LAST_REFUSED));
	put_word(refused, "status", case_word(c, FACT_LAST_REFUSED_STATUS));
	put_text(refused, "code", case_text(m->report, c, FACT_LAST_REFUSED_CODE), 60);
	put_text(refused, "text", case_text(m->report, c, FACT_LAST_REFUSED_TEXT), m->limits->text);
	put_filled(imap, "last_refused", refused);
}

static void put_imap(struct making *m, struct json_object *own)
{
	const struct report *report = m->report;
	const struct report_case *c = m->c;
	struct json_object *imap = json_new();

	put_filled(imap, "greeting", make_greeting(report, c, m->limits));
	put_text(imap, "server_software", case_text(report, c, FACT_SERVER_SOFTWARE), m->limits->word);
	put_text(imap, "capabilities", case_text(report, c, FACT_CAPABILITIES), m->limits->text);
	put_text(imap, "client_id", case_text(report, c, FACT_CLIENT_SOFTWARE), m->limits->word);
	put_logins(m, imap);
	put_text(imap, "login_text", case_text(report, c, FACT_LOGIN_TEXT), m->limits->text);
	put_commands(m, imap);
	put_last_refused(m, imap);
	put_word(imap, "command_owed", case_word(c, FACT_COMMAND_OWED));
	put_text(imap, "bye", case_text(report, c, FACT_BYE_TEXT), m->limits->text);
	put_filled(own, "imap", imap);
}

static void put_encapsulation(uint16_t bits, struct json_object *capture)
{
	static const char *const names[] = { "vlan", "mpls", "pppoe", "gre", "ipip", "vxlan", "geneve", "cooked", "gtp" };
	struct json_object *list;

	if (!bits)
		return;
	list = put_list(capture, "encapsulation", 2);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (bits & 1u << i)
			list_word(list, names[i]);
}

static void put_capture(const struct report *report, const struct report_case *c, struct json_object *own)
{
	const struct session_summary *s = c->session;
	struct json_object *capture = put_object(own, "capture");

	put_text(capture, report->options.live ? "interface" : "file", report->file_name(report->context, s->first.file), 120);
	if (!report->options.live) {
		put_count(capture, "first_frame", s->first.frame);
		put_count(capture, "last_frame", s->last.frame);
	}
	if (case_has(c, FACT_MIDSTREAM))
		put_flag(capture, "midstream", true);
	put_word(capture, "one_sided", case_word(c, FACT_ONE_SIDED));
	put_fact_number(c, FACT_LOST_BYTES, "lost_bytes", capture);
	put_fact_number(c, FACT_CAPTURE_DROPS, "drops", capture);
	if (case_has(c, FACT_TRUNCATED))
		put_flag(capture, "truncated", true);
	put_word(capture, "decrypted", case_word(c, FACT_DECRYPTED));
	put_encapsulation(s->encapsulation, capture);
}

bool json_own(struct report *report, const struct report_case *c, const struct limits *limits, struct json_object *document)
{
	struct making m = { report, c, limits, 0, false };
	struct json_object *own = put_object(document, "imapwhy");

	put_text(own, "revises", c->revises, 80);
	put_verdict(&m, own);
	if (c->session->incident) {
		char id[24];
		snprintf(id, sizeof id, "%016llx", (unsigned long long)c->session->incident);
		put_word(own, "incident_id", id);
	}
	put_word(own, "symptom", c->verdict->rule->symptom && c->session->answers && c->session->answers->all_mail_fails
					 ? "cannot_send_or_receive" : c->verdict->rule->symptom);
	put_evidence(&m, own);
	put_inside(&m, own);
	put_notices(&m, own);
	put_advice(&m, own);
	put_timings(c->session, own);
	put_tcp(c, own);
	put_imap(&m, own);
	put_capture(report, c, own);
	return !m.full;
}
