/* What the set facts mean together: what absence says, how far the session came, what was owed and for how long. */
#include "drive.h"

#include "tls.h"

/* Facts that only whole streams can deny: a hole or a cut frame makes their absence unknown. */
#define FROM_CONTENT(id) ((id) >= FACT_GREETING && (id) <= FACT_SERVER_SPEAKS)

/* What may be asked of a fact that nothing set, as a number for the table of answers: its absence, whether only whole streams deny it,
 * whether only a session's start does. */
enum { ASK_CONTENT = 8, ASK_BEGIN = 16, ASK_COUNT = 32 };

static const uint8_t asks[FACT_COUNT] = {
#define FACT(name, word, type, enumeration, fold, absence, says, meaning) \
	[FACT_##name] = ABSENT_##absence | (FROM_CONTENT(FACT_##name) ? ASK_CONTENT : 0) | \
			(FACT_##name == FACT_SYN || FACT_##name == FACT_SYNACK || FACT_##name == FACT_REFUSED ? ASK_BEGIN : 0),
#include "facts.def"
#undef FACT
};

/* Those that may be denied: of the others absence means always no, or never. */
#define MAY_ZERO(id)
#define MAY_UNKNOWN(id)
#define MAY_CLIENT(id) id,
#define MAY_SERVER(id) id,
#define MAY_BOTH(id) id,
static const uint8_t deniable[] = {
#define FACT(name, word, type, enumeration, fold, absence, says, meaning) MAY_##absence(FACT_##name)
#include "facts.def"
#undef FACT
};

/* Where nothing was observed. */
static const struct fact_view nothing[FACT_COUNT] = {
#define FACT(name, word, type, enumeration, fold, absence, says, meaning) [FACT_##name] = { .known = ABSENT_##absence == ABSENT_ZERO },
#include "facts.def"
#undef FACT
};

static bool means_no(unsigned ask, const bool seen[2], const bool whole[2], bool midstream)
{
	const bool *enough = ask & ASK_CONTENT ? whole : seen;

	if (ask & ASK_BEGIN && midstream)
		return false;
	switch ((enum fact_absence)(ask & (ASK_CONTENT - 1))) {
	case ABSENT_ZERO: return true;
	case ABSENT_CLIENT: return enough[FROM_CLIENT];
	case ABSENT_SERVER: return enough[FROM_SERVER];
	case ABSENT_BOTH: return enough[FROM_CLIENT] && enough[FROM_SERVER];
	case ABSENT_UNKNOWN: break;
	}
	return false;
}

/* What a direction said is known whole: captured without a hole, or with such as lie within literals and records' bodies. */
static bool heard_whole(const struct session *s, enum direction from)
{
	if (tcp_whole(&s->tcp, from))
		return true;
	return (s->imap || s->tls) && tcp_from_start(&s->tcp, from) && (!s->imap || imap_saw_all(s->imap, from)) && (!s->tls || tls_saw_all(s->tls, from));
}

static void apply_absence(const struct session *s, struct fact_view v[FACT_COUNT])
{
	bool seen[2] = { v[FACT_ONE_SIDED].value != WORD_side_server, v[FACT_ONE_SIDED].value != WORD_side_client };
	bool whole[2] = { seen[0] && heard_whole(s, FROM_CLIENT), seen[1] && heard_whole(s, FROM_SERVER) };
	bool no[ASK_COUNT];

	for (unsigned ask = 0; ask < ASK_COUNT; ask++)
		no[ask] = means_no(ask, seen, whole, v[FACT_MIDSTREAM].value);
	for (size_t i = 0; i < sizeof deniable; i++)
		v[deniable[i]].known |= no[asks[deniable[i]]];
}

/* A hole may hide an answer; not that of a login whose refusal was seen. */
static void deny_login(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *tried = &v[FACT_LOGIN_TRIED];

	if (!v[FACT_LOGIN_OK].set && tried->set && v[FACT_LOGIN_REFUSED].value >= tried->value)
		v[FACT_LOGIN_OK].known = true;
}

/* Met in mid-stream, and commands followed: nobody had taken leave before. */
static void deny_leave(struct fact_view v[FACT_COUNT])
{
	bool whole = !v[FACT_LOST_BYTES].set && !v[FACT_TRUNCATED].set && v[FACT_ONE_SIDED].value == WORD_side_none;

	if (v[FACT_MIDSTREAM].value && whole && v[FACT_COMMANDS].value)
		v[FACT_BYE].known = v[FACT_LOGOUT].known = true;
}

static void derive(struct fact_view v[FACT_COUNT], enum fact_id id, int64_t value, const struct fact_view *from)
{
	v[id] = (struct fact_view){ value, from->at, from->from, true, true };
}

static bool is(const struct fact_view v[FACT_COUNT], enum fact_id id)
{
	return v[id].known && v[id].value;
}

struct debt {
	enum word_owed what;
	enum fact_id since; /* the fact whose frame asks for it */
};

static struct debt debt_inside(const struct fact_view v[FACT_COUNT])
{
	if (v[FACT_BYE].set && v[FACT_COMMAND_OWED].at.time > v[FACT_BYE].at.time) /* whoever has said BYE owes nothing that is asked later */
		return (struct debt){ WORD_owed_nothing, FACT_ESTABLISHED };
	if (v[FACT_COMMAND_OWED].value == WORD_command_login || v[FACT_COMMAND_OWED].value == WORD_command_authenticate)
		return (struct debt){ WORD_owed_login, FACT_COMMAND_OWED };
	if (v[FACT_COMMAND_OWED].value == WORD_command_starttls)
		return (struct debt){ WORD_owed_starttls, FACT_COMMAND_OWED };
	if (v[FACT_COMMAND_OWED].value)
		return (struct debt){ WORD_owed_command, FACT_COMMAND_OWED };
	return (struct debt){ WORD_owed_nothing, FACT_ESTABLISHED };
}

/* All that TLS carried was read: IMAP's facts say what sizes and directions of records only hint at. */
static bool is_decrypted(const struct fact_view v[FACT_COUNT])
{
	return v[FACT_DECRYPTED].value == WORD_decrypted_yes || v[FACT_DECRYPTED].value == WORD_decrypted_partly;
}

static void take_back_guesses(struct fact_view v[FACT_COUNT])
{
	static const enum fact_id guesses[] = { FACT_RECORD_OWED, FACT_CLIENT_ENCRYPTED_ALERT, FACT_SERVER_ENCRYPTED_ALERT };

	for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
		v[guesses[i]] = (struct fact_view){ .known = true };
}

static struct debt debt_of_tls(const struct fact_view v[FACT_COUNT])
{
	if (!is(v, FACT_SERVER_HELLO) && !is(v, FACT_HELLO_RETRY) && v[FACT_SERVER_HELLO].known && !is(v, FACT_SERVER_ALERT))
		return (struct debt){ WORD_owed_server_hello, FACT_CLIENT_HELLO };
	if (is(v, FACT_ESTABLISHED_TLS)) {
		if (is_decrypted(v) && (is(v, FACT_GREETING) || is(v, FACT_STARTTLS_SENT)))
			return debt_inside(v);
		if (is(v, FACT_RECORD_OWED))
			return (struct debt){ WORD_owed_record, FACT_RECORD_OWED };
		/* After STARTTLS no greeting comes (RFC 9051, 6.2.1). */
		bool cut = is(v, FACT_LOST_BYTES) || is(v, FACT_TRUNCATED);
		if ((!is(v, FACT_SERVER_RECORDS) || is_decrypted(v)) && !is(v, FACT_STARTTLS_SENT) && v[FACT_CLIENT_FINISHED].set && !cut)
			return (struct debt){ WORD_owed_greeting, FACT_CLIENT_FINISHED };
		return (struct debt){ WORD_owed_nothing, FACT_ESTABLISHED };
	}
	if (!v[FACT_ESTABLISHED_TLS].known)
		return (struct debt){ WORD_owed_nothing, FACT_ESTABLISHED };
	return (struct debt){ WORD_owed_tls_handshake, is(v, FACT_CLIENT_FINISHED) ? FACT_CLIENT_FINISHED : FACT_CLIENT_HELLO };
}

/* A greeting that came once the client had left was owed all the same. */
static bool greeted(const struct fact_view v[FACT_COUNT])
{
	return is(v, FACT_GREETING) && !(v[FACT_CLIENT_FIN].set && v[FACT_GREETING].set && v[FACT_GREETING].at.time > v[FACT_CLIENT_FIN].at.time);
}

static struct debt debt_of(const struct fact_view v[FACT_COUNT])
{
	if (v[FACT_ONE_SIDED].value == WORD_side_client) /* whether the server answered was not captured */
		return (struct debt){ WORD_owed_nothing, FACT_ESTABLISHED };
	if (!is(v, FACT_ESTABLISHED))
		return (struct debt){ is(v, FACT_SYN) ? WORD_owed_handshake : WORD_owed_nothing, FACT_SYN };
	if (is(v, FACT_ESTABLISHED_TLS) || is(v, FACT_CLIENT_HELLO))
		return debt_of_tls(v);
	if (is(v, FACT_COMPANION) && (is(v, FACT_SERVER_BYTES) || is(v, FACT_MIDSTREAM)))
		return (struct debt){ WORD_owed_nothing, FACT_ESTABLISHED };
	if (is(v, FACT_MIDSTREAM))
		return debt_inside(v);
	if (is(v, FACT_TLS_PORT) && !greeted(v))
		return (struct debt){ v[FACT_CLIENT_HELLO].known ? WORD_owed_client_hello : WORD_owed_nothing, FACT_ESTABLISHED };
	/* Bytes that were lost or cut may have held the greeting. */
	if (v[FACT_GREETING].known && !greeted(v))
		return (struct debt){ WORD_owed_greeting, FACT_ESTABLISHED };
	return debt_inside(v);
}

/* When the session closed, or now. */
static nanoseconds close_of(const struct fact_view v[FACT_COUNT], nanoseconds now)
{
	return v[FACT_ENDED].set && v[FACT_ENDED].value != WORD_end_open ? v[FACT_ENDED].at.time : now;
}

/* What was refused in clear was asked again inside TLS. */
static void forget_refusal_before_tls(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *refused = &v[FACT_LOGIN_REFUSED], *hello = &v[FACT_CLIENT_HELLO];

	if (is(v, FACT_ESTABLISHED_TLS) && hello->set && refused->set && refused->at.time <= hello->at.time)
		v[FACT_LOGIN_REFUSED] = (struct fact_view){ .known = refused->known };
}

/* A flight that met nobody any more (the client's FIN stands before it) was neither taken nor refused. */
static void forget_late_flight(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *left = &v[FACT_CLIENT_FIN], *flight = &v[FACT_SERVER_FLIGHT];

	if (flight->set && left->set && left->at.time < flight->at.time)
		v[FACT_SERVER_FLIGHT] = (struct fact_view){ .known = flight->known };
}

/* An answer that met nobody any more (its client had left, and answers it by RST) is none: the command is owed still. One that comes within
 * a second of the parting was on its way. */
static void forget_late_answer(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *left = &v[FACT_LEFT_OWING], *answer = &v[FACT_SLOWEST_ANSWER];
	bool login = left->value == WORD_command_login || left->value == WORD_command_authenticate;

	if (!left->set || !answer->set || answer->at.time < left->at.time + SECOND || !is(v, FACT_CLIENT_RST) || is(v, FACT_COMMAND_OWED))
		return;
	struct fact_view asked = login && v[FACT_LOGIN_TRIED].set ? v[FACT_LOGIN_TRIED] : *left;
	asked.at.time = answer->at.time - answer->value;
	derive(v, FACT_COMMAND_OWED, left->value, &asked);
	v[FACT_SLOWEST_ANSWER] = (struct fact_view){ .known = true };
	if (login && v[FACT_LOGIN_OK].at.time > left->at.time)
		v[FACT_LOGIN_OK] = (struct fact_view){ .known = true };
}

static void derive_debt(struct fact_view v[FACT_COUNT], nanoseconds now)
{
	struct debt debt = debt_of(v);
	const struct fact_view *asks = &v[debt.since];

	derive(v, FACT_OWED, debt.what, asks);
	if (debt.what == WORD_owed_nothing || !asks->set)
		return;
	struct fact_view since = *asks;
	nanoseconds close = close_of(v, now), data = v[FACT_LAST_SERVER_DATA].known ? v[FACT_LAST_SERVER_DATA].value : 0;
	/* An answer that is still arriving is no silence. */
	if (debt.what != WORD_owed_client_hello && data > since.at.time && data <= close)
		since.at = v[FACT_LAST_SERVER_DATA].at;
	nanoseconds waited = close - since.at.time;
	derive(v, FACT_WAITED, waited > 0 ? waited : 0, &since);
	bool left = v[FACT_ENDED].value == WORD_end_client_fin || v[FACT_ENDED].value == WORD_end_client_reset;
	bool open = v[FACT_ENDED].value == WORD_end_open;
	derive(v, FACT_WAITED_ENOUGH, waited >= 60 * SECOND || (left && waited >= 5 * SECOND) || (open && is(v, FACT_AT_END) && waited >= 10 * SECOND),
	       &since);
	/* What is unacknowledged may have been sent after what asks. */
	derive(v, FACT_OWED_ACKED, !is(v, FACT_CLIENT_UNACKED) || v[FACT_CLIENT_UNACKED].at.time > asks->at.time, asks);
}

static void derive_hello_time(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *asked = &v[FACT_CLIENT_HELLO], *answer = &v[v[FACT_HELLO_RETRY].set ? FACT_HELLO_RETRY : FACT_SERVER_HELLO];

	if (asked->set && answer->set && answer->at.time >= asked->at.time)
		derive(v, FACT_HELLO_TIME, answer->at.time - asked->at.time, answer);
}

/* A client that closes TLS in answer to the server's closing had not meant to. */
static void derive_client_done(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *notify = &v[FACT_CLIENT_NOTIFY], *end = &v[FACT_ENDED];
	bool by_server = end->value == WORD_end_server_fin || end->value == WORD_end_server_reset;

	if (notify->set && notify->value && !(end->set && by_server && notify->at.time > end->at.time))
		derive(v, FACT_CLIENT_DONE, 1, notify);
}

/* The greeting came by the capture point at least a way there and back before what the client sent on leaving. */
static void derive_heard(const struct tcp *tcp, struct fact_view v[FACT_COUNT])
{
	const struct fact_view *record = &v[FACT_SERVER_RECORDS], *end = &v[FACT_ENDED];
	bool left = end->set && (end->value == WORD_end_client_fin || end->value == WORD_end_client_reset);

	if (left && record->set && record->at.time + tcp->rtt[FROM_CLIENT] * MICROSECOND <= end->at.time)
		derive(v, FACT_HEARD, 1, record);
}

static void derive_vain(struct fact_view v[FACT_COUNT])
{
	if (!v[FACT_VAIN_SENDS].set || v[FACT_VAIN_SENDS].value < 3)
		return;
	bool closed = v[FACT_ENDED].value != WORD_end_open && !is(v, FACT_VAIN_FIN_ONLY);
	bool long_enough = v[FACT_VAIN_SPAN].value >= 3 * SECOND && (closed || v[FACT_SINCE_LAST].value >= 30 * SECOND);
	if (long_enough || is(v, FACT_AT_END))
		derive(v, FACT_VAIN_ENOUGH, 1, &v[FACT_VAIN_SENDS]);
}

static void derive_quiet(struct fact_view v[FACT_COUNT], nanoseconds now)
{
	const struct fact_view *last = &v[FACT_ESTABLISHED];

	for (int i = 0; i < 2; i++) {
		const struct fact_view *data = &v[i ? FACT_LAST_SERVER_DATA : FACT_LAST_CLIENT_DATA];
		if (data->set && (!last->set || data->at.time > last->at.time))
			last = data;
	}
	if (last->set) {
		nanoseconds quiet = close_of(v, now) - last->at.time;
		derive(v, FACT_IDLE_QUIET, quiet > 0 ? quiet : 0, last);
	}
	bool over = v[FACT_ENDED].value != WORD_end_open || is(v, FACT_AT_END) || v[FACT_SINCE_LAST].value >= 60 * SECOND;
	derive(v, FACT_OVER, over, v[FACT_ENDED].set ? &v[FACT_ENDED] : last);
}

static enum word_stage stage_of(const struct fact_view v[FACT_COUNT])
{
	if (is(v, FACT_DNS_RESULT) && v[FACT_DNS_RESULT].value != WORD_lookup_answered && !is(v, FACT_SYN))
		return WORD_stage_resolve;
	if (!is(v, FACT_ESTABLISHED))
		return WORD_stage_connect;
	bool quiet = v[FACT_IDLE_QUIET].known && v[FACT_IDLE_QUIET].value >= 30 * SECOND;
	if (is(v, FACT_LOGIN_OK)) {
		if (is(v, FACT_IN_IDLE) || (!is(v, FACT_COMMAND_OWED) && quiet))
			return WORD_stage_idle;
		return WORD_stage_session;
	}
	if (is(v, FACT_CLIENT_HELLO) || is(v, FACT_ESTABLISHED_TLS)) {
		if (!is(v, FACT_ESTABLISHED_TLS))
			return WORD_stage_tls;
		if (is_decrypted(v))
			return is(v, FACT_LOGIN_TRIED) ? WORD_stage_auth : WORD_stage_greeting;
		if (!is(v, FACT_SERVER_RECORDS) && !is(v, FACT_STARTTLS_SENT) && !is(v, FACT_MIDSTREAM))
			return WORD_stage_greeting;
		return quiet && !is(v, FACT_RECORD_OWED) ? WORD_stage_idle : WORD_stage_session;
	}
	if (is(v, FACT_LOGIN_TRIED))
		return WORD_stage_auth;
	return is(v, FACT_MIDSTREAM) ? WORD_stage_session : WORD_stage_greeting;
}

static void derive_all(const struct session *s, struct fact_view v[FACT_COUNT], nanoseconds now, bool at_end)
{
	if (at_end)
		v[FACT_AT_END] = (struct fact_view){ 1, { now, 0, 0 }, 0, true, true };
	if (is_decrypted(v))
		take_back_guesses(v);
	apply_absence(s, v);
	deny_login(v);
	deny_leave(v);
	forget_refusal_before_tls(v);
	forget_late_flight(v);
	forget_late_answer(v);
	derive_debt(v, now);
	derive_hello_time(v);
	derive_client_done(v);
	derive_heard(&s->tcp, v);
	derive_vain(v);
	derive_quiet(v, now);
	bool plain = is(v, FACT_LOGIN_OK);
	bool inside = is(v, FACT_ESTABLISHED_TLS) && !is_decrypted(v) && v[FACT_SERVER_RECORDS].value >= 2 && v[FACT_CLIENT_RECORDS].value >= 2;
	derive(v, FACT_WORKED, plain || inside, plain ? &v[FACT_LOGIN_OK] : &v[FACT_CLIENT_RECORDS]);
	derive(v, FACT_STAGE, stage_of(v), &v[FACT_ESTABLISHED]);
}

void session_view(const struct session *s, nanoseconds now, bool at_end, struct fact_view v[FACT_COUNT])
{
	memcpy(v, nothing, sizeof nothing);
	for (int i = 0; i < s->facts.count; i++) {
		const struct fact *f = &s->facts.list[i];
		v[f->id] = (struct fact_view){ f->value, { f->time, f->frame, f->file }, f->from, true, true };
	}
	tcp_facts(&s->tcp, now, v);
	if (s->tls_port)
		v[FACT_TLS_PORT] = (struct fact_view){ 1, s->first, 0, true, true };
	if (s->companion)
		v[FACT_COMPANION] = (struct fact_view){ s->companion, s->first, 0, true, true };
	if (s->mail_port)
		v[FACT_MAIL_PORT] = (struct fact_view){ 1, s->first, 0, true, true };
	derive_all(s, v, now, at_end);
}

bool nothing_is_owed(const struct fact_view v[FACT_COUNT])
{
	return v[FACT_OWED].value == WORD_owed_nothing && !v[FACT_VAIN_SENDS].set && !v[FACT_ZERO_WINDOW].set && !v[FACT_SYN_WAITED].set;
}

static double ms_between(const struct fact_view *from, const struct fact_view *to)
{
	return from->set && to->set ? (double)(to->at.time - from->at.time) / 1e6 : -1;
}

void session_summarize(const struct session *s, const struct fact_view v[FACT_COUNT], struct session_summary *into)
{
	*into = (struct session_summary){
		.client = s->flow->client, .server = s->flow->server, .companion = s->companion, .implicit_tls = s->tls_port && !s->starttls,
		.start = s->first.time, .end = s->first.time + v[FACT_OPEN_FOR].value, .encapsulation = s->encapsulation,
		.first = s->first, .last = s->last, .icmp_sender = tcp_icmp_sender(&s->tcp),
	};
	struct tcp_round_trips rtt;
	if (tcp_round_trips(&s->tcp, &rtt)) {
		into->rtt.least = rtt.least;
		into->rtt.mean = rtt.mean;
		into->rtt.most = rtt.most;
	}
	const char *name = v[FACT_SNI].set ? texts_get(s->shared->texts, (uint32_t)v[FACT_SNI].value) : "";
	into->server_name = *name ? name : NULL;
	const char *user = v[FACT_USER].set ? texts_get(s->shared->texts, (uint32_t)v[FACT_USER].value) : "";
	into->user = *user ? user : NULL;
	into->user_hash = v[FACT_USER_HASH].set ? (uint64_t)v[FACT_USER_HASH].value : 0;
	if (s->imap) {
		into->command_count = imap_commands(s->imap, into->commands, SESSION_MOST_COMMANDS);
		into->login_count = imap_logins(s->imap, into->logins, IMAP_MOST_LOGINS);
	}
	into->timings.resolve = -1;
	into->timings.connect = v[FACT_CONNECT_TIME].set ? (double)v[FACT_CONNECT_TIME].value / 1e6 : -1;
	into->timings.tls = ms_between(&v[FACT_CLIENT_HELLO], &v[FACT_CLIENT_FINISHED]);
	into->timings.greeting = ms_between(&v[FACT_ESTABLISHED], &v[FACT_GREETING]);
	into->timings.auth = v[FACT_LOGIN_TIME].set ? (double)v[FACT_LOGIN_TIME].value / 1e6 : -1;
	into->timings.first_data = -1;
	for (int i = 0; i < 2; i++) {
		const struct tcp_side_counts n = tcp_side_counts(&s->tcp, (enum direction)i);
		into->side[i].bytes = n.bytes;
		into->side[i].data_segments = n.data_segments;
		into->side[i].retransmissions = n.retransmitted;
		into->side[i].spurious = n.spurious;
		into->side[i].out_of_order = n.out_of_order;
		into->side[i].duplicate_acks = n.duplicate_acks;
		into->side[i].zero_windows = n.zero_windows;
		into->side[i].packets = s->packets[i];
		into->side[i].resets = v[i ? FACT_SERVER_RST : FACT_CLIENT_RST].known ? (uint64_t)v[i ? FACT_SERVER_RST : FACT_CLIENT_RST].value : 0;
	}
}
