/* The way from a session to its inferred dialogue, and from there to facts. */
#include "inside.h"

#include "tls.h"

static bool is(const struct fact_view v[FACT_COUNT], enum fact_id id)
{
	return v[id].known && v[id].value;
}

/* Of the server's and the client's FIN, RST and close_notify the first counts. */
static void find_end(const struct fact_view v[FACT_COUNT], struct inside_case *into)
{
	static const struct {
		enum fact_id notify;
		enum word_end end;
	} notices[] = { { FACT_CLIENT_NOTIFY, WORD_end_client_fin }, { FACT_SERVER_NOTIFY, WORD_end_server_fin } };
	const struct fact_view *ended = &v[FACT_ENDED];

	into->ended = ended->set ? (enum word_end)ended->value : WORD_end_open;
	into->end = into->ended == WORD_end_open ? v[FACT_OPEN_FOR].at.time + v[FACT_OPEN_FOR].value + v[FACT_SINCE_LAST].value : ended->at.time;
	for (int i = 0; i < 2; i++) {
		const struct fact_view *notify = &v[notices[i].notify];
		if (!notify->set || !notify->value || (into->ended != WORD_end_open && notify->at.time > into->end))
			continue;
		into->ended = notices[i].end;
		into->end = notify->at.time;
	}
}

/* No server says so much before login: greetings, capability lists and refusals have some hundred bytes each. */
#define BEFORE_LOGIN_MOST 5000

static bool got_mail(const struct tls_records *r)
{
	uint32_t bytes = 0;

	for (int i = 0; i < r->count; i++)
		bytes += r->list[i].kind == RECORD_DATA && r->list[i].from == FROM_SERVER ? r->list[i].length : 0;
	return bytes > BEFORE_LOGIN_MOST;
}

/* A long wait is worth telling whose it was. */
#define SLOW (5 * SECOND)

static bool closed_by_server(const struct inside_case *c)
{
	return c->ended == WORD_end_server_fin || c->ended == WORD_end_server_reset;
}

/* From then on it does not matter any more how long ago the newest record came. */
#define WAITED_LONG END_SOON_MOST

/* Records that showed nothing wrong are marked by their newest's time. */
#define MARK_UNIT (2 * MILLISECOND)
#define MARK_ACCEPTED 1u /* the login was accepted for sure */

static uint32_t mark_of(const struct tls_records *r)
{
	uint32_t mark = (uint32_t)(r->newest / MARK_UNIT) << 1;

	return mark ? mark : MARK_ACCEPTED + 1;
}

/* Is an open session as well as it was when it was asked last? Until records come; where the login was accepted for sure, until one is owed. */
static bool stays_well(const struct session *s, const struct tls_records *records, const struct fact_view v[FACT_COUNT])
{
	if ((s->inside_well & ~MARK_ACCEPTED) == mark_of(records))
		return true;
	return s->inside_well & MARK_ACCEPTED && v[FACT_OWED].value == WORD_owed_nothing && !v[FACT_OVER].value &&
	       v[FACT_SLOWEST_RECORD].value < SLOW;
}

bool inside_case(const struct session *s, const struct fact_view v[FACT_COUNT], bool whole, struct inside_case *into)
{
	const struct tls_state *tls = s->tls;

	if (!tls || !tls->records || !is(v, FACT_ESTABLISHED_TLS) || !v[FACT_VERSION].set || v[FACT_MIDSTREAM].value ||
	    (v[FACT_ONE_SIDED].known && v[FACT_ONE_SIDED].value != WORD_side_none) || is(v, FACT_LOGIN_TRIED) ||
	    v[FACT_DECRYPTED].value == WORD_decrypted_yes || v[FACT_DECRYPTED].value == WORD_decrypted_partly)
		return false;
	*into = (struct inside_case){ .records = tls->records, .version = (uint16_t)v[FACT_VERSION].value, .starttls = s->starttls,
				      .began = v[FACT_CLIENT_FINISHED].set ? v[FACT_CLIENT_FINISHED].at.time : 0,
				      .cipher = v[FACT_CIPHER].set ? (uint16_t)v[FACT_CIPHER].value : 0 };
	find_end(v, into);
	if (!whole && into->ended == WORD_end_open && stays_well(s, tls->records, v))
		return false;
	into->working = !whole && v[FACT_SLOWEST_RECORD].value < SLOW && got_mail(tls->records);
	return !into->working || closed_by_server(into);
}

/* --- facts --- */

static void set(struct fact_view v[FACT_COUNT], enum fact_id id, int64_t value, const struct inside_step *step)
{
	v[id] = (struct fact_view){ value, step->at, (uint8_t)step->from, true, true };
}

static enum word_owed owed_in(enum phase phase)
{
	switch (phase) {
	case PHASE_start:
		return WORD_owed_greeting;
	case PHASE_sent_login:
	case PHASE_sent_mechanism:
	case PHASE_sent_response:
	case PHASE_sent_empty:
		return WORD_owed_login;
	case PHASE_asked_list:
	case PHASE_asked:
	case PHASE_sent_command:
	case PHASE_asked_idle:
		return WORD_owed_command;
	default:
		return WORD_owed_nothing;
	}
}

/* What makes a person wait: no refusal, no news that nobody asked for. */
static bool is_awaited(const struct inside_reading *r, bool refused)
{
	switch (r->meaning) {
	case MEANS_ok:
	case MEANS_ok_list:
		return !refused;
	case MEANS_greeting:
	case MEANS_list:
	case MEANS_told:
	case MEANS_continuation:
	case MEANS_answer:
	case MEANS_idle_ok:
		return true;
	default:
		return false;
	}
}

static void set_slowest(const struct inside *i, struct fact_view v[FACT_COUNT])
{
	const struct inside_step *slowest = NULL;
	bool refused = false;

	for (int n = 0; n < i->steps; n++) {
		const struct inside_reading *r = &i->best.reading[n];
		refused = refused || r->meaning == MEANS_no;
		if (is_awaited(r, refused) && (!slowest || i->step[n].after > slowest->after))
			slowest = &i->step[n];
	}
	if (slowest)
		set(v, FACT_INSIDE_SLOWEST, slowest->after, slowest);
}

static void name_like(const struct inside *i, struct fact_view v[FACT_COUNT], struct other_proofs *proofs)
{
	const struct shown *shown = i->best.like ? &i->best.like->shown : NULL;

	if (!shown || !proofs || proofs->count == SESSION_MOST_OTHERS)
		return;
	v[FACT_INSIDE_LIKE] = (struct fact_view){ 1, shown->at, FROM_SERVER, true, true };
	proofs->list[proofs->count++] = (struct other_proof){ FACT_INSIDE_LIKE, shown->session, shown->client };
}

/* A session that fetched so much after its login was let in, whatever the answer looked like; so was one with a command answered. */
#define WORKED_LEAST 2000
/* What is passed on to other sessions must be surer than a verdict; where commands were answered, the work itself says that the client was let in. */
#define SURE 950
#define SURE_AT_WORK 800

/* Nothing else is as long as CAPABILITY before login, and LOGOUT: less than that is no fit. */
#define TEXT_FITS -1.0f

/* An answer's length is told without its tag, which is then known. */
static bool tells_tag(const struct inside *i)
{
	for (int n = 0; n < i->steps; n++) {
		const struct inside_reading *r = &i->best.reading[n];
		bool is_text = (r->meaning == MEANS_capability && r->phase == PHASE_asked_list) || r->meaning == MEANS_logout;
		if (is_text && r->size > TEXT_FITS)
			return true;
	}
	return false;
}

static bool went_to_work(const struct inside *i)
{
	uint32_t bytes = 0;
	bool answered = false;

	for (int n = i->answer + 1; n < i->steps; n++) {
		bytes += i->step[n].from == FROM_SERVER && !i->step[n].middle ? i->step[n].all.least : 0;
		answered = answered || i->best.reading[n].meaning == MEANS_answer;
	}
	return bytes >= WORKED_LEAST || (answered && tells_tag(i));
}

void inside_remember(struct session *s, const struct inside_case *c, const struct inside *i)
{
	bool well = i->what == WORD_inside_success || i->what == WORD_inside_no_login;

	if (well && c->ended == WORD_end_open && c->end - c->records->newest >= WAITED_LONG &&
	    owed_in((enum phase)i->best.reading[i->steps - 1].phase) == WORD_owed_nothing)
		s->inside_well = mark_of(c->records) | (i->what == WORD_inside_success && i->margin >= SURE ? MARK_ACCEPTED : 0);
}

bool inside_answer(const struct inside *i, struct answer *into)
{
	bool accepted = i->best.what == WORD_inside_success;

	/* What rests on answers learnt before teaches nothing: one mistake would spread. Nor does a login that was refused first: which answer let it
	 * in is less sure. */
	int sure = accepted && tells_tag(i) ? SURE_AT_WORK : SURE;
	bool plain = accepted ? !i->refused && went_to_work(i) : i->best.what == WORD_inside_login_refused;

	if (i->answer < 1 || i->margin < sure || i->best.like || !plain)
		return false;
	*into = (struct answer){ .length = i->step[i->answer].all.least - i->best.tag, .whole = i->step[i->answer].all.least,
				 .login = i->step[i->answer - 1].all.least, .accepted = accepted,
				 .shown = { .at = i->step[i->answer].at } };
	return true;
}

static bool is_denied(enum word_inside what)
{
	return what == WORD_inside_login_refused || what == WORD_inside_connection_limit || what == WORD_inside_temporary;
}

void inside_facts(const struct inside *i, struct fact_view v[FACT_COUNT], struct other_proofs *proofs)
{
	const struct inside_step *last = &i->step[i->steps - 1], *answer = i->answer >= 0 ? &i->step[i->answer] : NULL;

	set(v, FACT_INSIDE, i->what, answer ? answer : last);
	set(v, FACT_INSIDE_LEANS, i->best.what, last);
	set(v, FACT_INSIDE_SECOND, i->has_second ? i->second.what : WORD_inside_none, last);
	set(v, FACT_INSIDE_MARGIN, i->margin, last);
	set(v, FACT_INSIDE_OWED, owed_in((enum phase)i->best.reading[i->steps - 1].phase), last);
	if (i->login >= 0)
		set(v, FACT_INSIDE_LOGIN, 1, &i->step[i->login]);
	if (i->refused)
		set(v, FACT_INSIDE_REFUSED, i->refused, answer ? answer : last);
	/* Records went both ways, but not for work. */
	if (is_denied(i->what))
		set(v, FACT_WORKED, 0, last);
	set_slowest(i, v);
	name_like(i, v, proofs);
	if (!answer)
		return;
	set(v, FACT_INSIDE_ANSWER, answer->all.least, answer);
	set(v, FACT_INSIDE_ANSWER_TIME, answer->after, answer);
}
