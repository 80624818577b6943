/* The server's lines: greeting, tagged answers, untagged answers, continuation requests. */
#include "imap_state.h"

#include <ctype.h>

/* A status answer: its text as it stands, and the response code taken apart. */
struct answer {
	int status;
	struct bytes text, code, arguments, behind;
};

static struct answer answer_of(int status, struct bytes text)
{
	struct answer a = { .status = status, .text = text };

	a.code = line_code(text, &a.arguments, &a.behind);
	return a;
}

static bool has_code(const struct answer *a, const char *code)
{
	return bytes_same_word(a->code, code);
}

static void observe_code(struct observer *o, enum fact_id id, struct bytes code)
{
	char room[48];
	struct text upper = TEXT_IN(room);

	if (!code.len) {
		observe_no_text(o, id);
		return;
	}
	text_add_wire(&upper, code, sizeof room);
	for (size_t i = 0; i < upper.len; i++)
		room[i] = (char)toupper((unsigned char)room[i]);
	observe_text(o, id, bytes_of(upper.start, upper.len));
}

static void logged_in(struct imap_state *s, struct observer *o)
{
	if (s->flags & IMAP_IN)
		return;
	s->flags |= IMAP_IN;
	observe(o, FACT_LOGIN_OK, true);
}

/* Courier answers bad syntax NO. */
static void count_bad(struct observer *o, const struct answer *a)
{
	if (a->status == WORD_status_bad || (a->status == WORD_status_no && bytes_contain(a->text, "Error in IMAP command")))
		observe(o, FACT_BAD_ANSWERS, 1);
}

static void note_slow(struct observer *o, nanoseconds since)
{
	if (o->at.time > since)
		observe(o, FACT_SLOWEST_ANSWER, o->at.time - since);
}

/* --- tagged answers --- */

static void login_answered(struct imap_state *s, struct observer *o, const struct answer *a)
{
	try_end(s, a->status, a->code);
	observe(o, FACT_LOGIN_ANSWER, a->status);
	observe(o, FACT_LOGIN_TIME, o->at.time > s->login_at ? o->at.time - s->login_at : 0);
	s->flags &= (uint16_t)~IMAP_OAUTH;
	s->sasl_name = SASL_NAMES_NOBODY;
	if (a->status == WORD_status_ok) {
		logged_in(s, o);
		return;
	}
	observe(o, FACT_LOGIN_REFUSED, 1);
	observe_code(o, FACT_LOGIN_CODE, a->code);
	observe_redacted(s, o, FACT_LOGIN_TEXT, a->text);
}

static void starttls_answered(struct observer *o, const struct answer *a)
{
	observe(o, FACT_STARTTLS_ANSWER, a->status);
	if (a->status == WORD_status_ok)
		return;
	/* The box masks behind this place: the server names the word that it did not know. */
	for (size_t i = 0; i < a->text.len;) {
		size_t n = 0;
		while (i + n < a->text.len && isalnum(a->text.data[i + n]))
			n++;
		if (line_masked_word(bytes_part(a->text, i, n)))
			observe(o, FACT_MASKED, true);
		i += n + 1;
	}
}

static void command_refused(const struct imap_state *s, struct observer *o, enum word_command command, const struct answer *a)
{
	observe(o, FACT_LAST_REFUSED, command);
	observe(o, FACT_LAST_REFUSED_STATUS, a->status);
	observe_code(o, FACT_LAST_REFUSED_CODE, a->code);
	observe_redacted(s, o, FACT_LAST_REFUSED_TEXT, a->text);
}

/* These say nothing of whether the trouble is over: clients send them anyway, and anything answers them OK. */
static bool clears_refusal(enum word_command command)
{
	return command != WORD_command_logout && command != WORD_command_close && command != WORD_command_unselect &&
	       command != WORD_command_noop && command != WORD_command_idle;
}

static bool counts_as_work(enum word_command command)
{
	return command != WORD_command_logout && command != WORD_command_noop && command != WORD_command_capability &&
	       command != WORD_command_id && command != WORD_command_login && command != WORD_command_authenticate;
}

static void command_accepted(struct imap_state *s, struct observer *o, enum word_command command)
{
	if (command_needs_login(command))
		logged_in(s, o);
	if (s->flags & IMAP_IN && counts_as_work(command))
		observe(o, FACT_COMMANDS_OK, 1);
	if (!clears_refusal(command))
		return;
	observe_change(o, FACT_LAST_REFUSED, WORD_command_none);
	observe_change(o, FACT_LAST_REFUSED_STATUS, WORD_status_none);
	observe_no_text(o, FACT_LAST_REFUSED_CODE);
	observe_no_text(o, FACT_LAST_REFUSED_TEXT);
}

static bool is_login(enum word_command command)
{
	return command == WORD_command_login || command == WORD_command_authenticate;
}

static enum dissect_result observe_answer(struct imap_state *s, struct observer *o, enum word_command command, const struct answer *a)
{
	bool ok = a->status == WORD_status_ok;

	if (is_login(command))
		login_answered(s, o, a);
	if (command == WORD_command_starttls)
		starttls_answered(o, a);
	if (command == WORD_command_idle)
		observe_change(o, FACT_IN_IDLE, false);
	if (ok)
		command_accepted(s, o, command);
	else if (!is_login(command) && command != WORD_command_starttls)
		command_refused(s, o, command, a);
	if (!ok)
		return DISSECT_ON;
	switch (command) {
	case WORD_command_logout:
		observe(o, FACT_LOGOUT_ANSWERED, true);
		break;
	case WORD_command_unauthenticate:
		s->flags &= (uint16_t)~IMAP_IN;
		break;
	case WORD_command_compress:
		observe(o, FACT_COMPRESSED, true);
		return DISSECT_QUIET;
	case WORD_command_starttls:
		return DISSECT_STARTTLS;
	default:
		break;
	}
	return DISSECT_ON;
}

/* An answer before the client's literal was asked for ends the command: no literal will come. */
static void end_waiting_literal(struct imap_state *s, const struct asked *a)
{
	if (!(a->flags & ASKED_PLUS))
		return;
	s->literal[FROM_CLIENT] = 0;
	s->side[FROM_CLIENT] &= (uint8_t)~(SIDE_INSIDE | SIDE_BEARS);
	s->flags &= (uint16_t)~IMAP_USER_LITERAL;
}

static void observe_times(struct imap_state *s, struct observer *o, const struct asked *a, const struct answer *answer)
{
	nanoseconds took = o->at.time - a->at.time;

	if (a->command == WORD_command_idle || a->flags & ASKED_OPEN)
		return;
	count_answer(s, a->command, took);
	if (answer->status == WORD_status_ok)
		note_slow(o, a->at.time);
}

static enum dissect_result tagged(struct imap_state *s, struct observer *o, struct bytes tag, const struct answer *answer)
{
	struct asked *a = asked_tagged(s, line_hash(tag));
	enum word_command command = a ? a->command : WORD_command_other;

	if (!a && s->side[FROM_SERVER] & SIDE_LOST)
		return DISSECT_ON;
	s->side[FROM_SERVER] &= (uint8_t)~SIDE_LOST;
	s->flags |= IMAP_GREETED;
	count_bad(o, answer);
	if (a) {
		observe_times(s, o, a, answer);
		end_waiting_literal(s, a);
		asked_remove(s, a);
	} else if (s->overflow) {
		s->overflow--;
	} else {
		/* Nobody asked that we saw: its command lies in a gap, or in the direction that was not captured, or its frame was
		 * captured behind that of the answer. */
		s->early = s->side[FROM_CLIENT] & SIDE_LOST ? 0 : line_hash(tag);
		s->early_status = (uint8_t)answer->status;
		if (answer->status == WORD_status_no && !(s->flags & IMAP_IN))
			observe_redacted(s, o, FACT_UNASKED_REFUSAL, answer->text);
		if (has_code(answer, "CAPABILITY"))
			capability_list(s, o, answer->arguments);
		return DISSECT_ON;
	}
	enum dissect_result result = observe_answer(s, o, command, answer);
	if (has_code(answer, "CAPABILITY"))
		capability_list(s, o, answer->arguments);
	return result;
}

/* Captures may swap neighbouring frames. Only the very next command can be the one; of the answer no more than its status is left. A
 * hand-over can't be made up for. */
void server_answered_early(struct imap_state *s, struct observer *o)
{
	struct asked *a = &s->asked[s->asked_count - 1];
	struct answer answer = answer_of(s->early_status, bytes_of("", 0));
	uint32_t tag = s->early;

	s->early = 0;
	if (a->tag != tag || a->command == WORD_command_starttls || a->command == WORD_command_compress)
		return;
	enum word_command command = a->command;
	asked_remove(s, a);
	observe_answer(s, o, command, &answer);
}

/* --- untagged answers --- */

/* From the handshake to the greeting, where the handshake was seen. */
static void note_greeting_time(struct observer *o)
{
	const struct fact *established = facts_find(o->facts, FACT_ESTABLISHED);

	if (established && established->value)
		note_slow(o, established->time);
}

static bool is_waiting_notice(const struct answer *a)
{
	return a->status == WORD_status_ok && bytes_contain(a->text, "Waiting for authentication");
}

static void greeting(struct imap_state *s, struct observer *o, const struct answer *a)
{
	if (is_waiting_notice(a)) {
		observe(o, FACT_GREETING_WAIT, 1);
		return;
	}
	s->flags |= IMAP_GREETED;
	observe(o, FACT_GREETING, a->status);
	observe_redacted(s, o, FACT_GREETING_TEXT, has_code(a, "CAPABILITY") ? a->behind : a->text);
	software_greeting(o, a->behind);
	if (a->status == WORD_status_ok || a->status == WORD_status_preauth)
		note_greeting_time(o);
	if (a->status == WORD_status_preauth)
		logged_in(s, o);
}

static void bye(struct imap_state *s, struct observer *o, const struct answer *a)
{
	if (s->flags & IMAP_LOGOUT) {
		observe(o, FACT_LOGOUT_ANSWERED, true);
		return;
	}
	/* The first BYE's text: a later one must not stand in for a first that had none. */
	if (!facts_find(o->facts, FACT_BYE))
		observe_redacted(s, o, FACT_BYE_TEXT, a->text);
	observe(o, FACT_BYE, true);
}

static void untagged_status(struct imap_state *s, struct observer *o, const struct answer *a)
{
	if (!(s->flags & IMAP_GREETED))
		greeting(s, o, a);
	if (a->status == WORD_status_bye)
		bye(s, o, a);
	count_bad(o, a);
	if ((a->status == WORD_status_no || a->status == WORD_status_bad) && asked_login(s))
		observe_redacted(s, o, FACT_LOGIN_NOTICE, a->text);
	if (has_code(a, "CAPABILITY"))
		capability_list(s, o, a->arguments);
}

/* Words of untagged data, in answers that a server gives; `in`: only to who is logged in. */
static const struct {
	const char *word;
	bool in;
} untagged_words[] = {
	{ "CAPABILITY", false }, { "ID", false }, { "ENABLED", false }, { "FLAGS", true }, { "LIST", true }, { "LSUB", true }, { "XLIST", true },
	{ "SEARCH", true }, { "ESEARCH", true }, { "STATUS", true }, { "NAMESPACE", true }, { "VANISHED", true }, { "SORT", true },
	{ "THREAD", true }, { "QUOTA", true }, { "QUOTAROOT", true }, { "METADATA", true }, { "ACL", true }, { "MYRIGHTS", true },
};

static const char *const numbered_words[] = { "FETCH", "EXISTS", "RECENT", "EXPUNGE" };

bool server_untagged_word(struct bytes word)
{
	for (size_t i = 0; i < sizeof untagged_words / sizeof *untagged_words; i++)
		if (bytes_same_word(word, untagged_words[i].word))
			return true;
	return line_status(word) >= 0;
}

static bool all_digits(struct bytes word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!isdigit(word.data[i]))
			return false;
	return word.len > 0;
}

static bool is_numbered(struct bytes rest)
{
	struct bytes word = line_word(&rest);

	for (size_t i = 0; i < sizeof numbered_words / sizeof *numbered_words; i++)
		if (bytes_same_word(word, numbered_words[i]))
			return true;
	return false;
}

/* Untagged data: true where the line is surely IMAP. */
static bool untagged_data(struct imap_state *s, struct observer *o, struct bytes word, struct bytes rest)
{
	/* The most frequent line by far once a session works, and it says nothing new then. */
	if (all_digits(word)) {
		bool sure = (s->flags & IMAP_IN && !(s->side[FROM_SERVER] & SIDE_LOST)) || is_numbered(rest);
		if (sure)
			logged_in(s, o);
		return sure;
	}
	if (bytes_same_word(word, "CAPABILITY"))
		capability_list(s, o, rest);
	else if (bytes_same_word(word, "ID"))
		software_id(s, o, FACT_SERVER_SOFTWARE, rest);
	return server_untagged_word(word);
}

static void untagged(struct imap_state *s, struct observer *o, struct bytes rest)
{
	struct bytes word = line_word(&rest);
	int status = line_status(word);

	if (status >= 0) {
		struct answer a = answer_of(status, rest);
		s->side[FROM_SERVER] &= (uint8_t)~SIDE_LOST;
		untagged_status(s, o, &a);
		return;
	}
	s->side[FROM_SERVER] |= SIDE_BEARS;
	if (untagged_data(s, o, word, rest)) {
		s->side[FROM_SERVER] &= (uint8_t)~SIDE_LOST;
		s->flags |= IMAP_GREETED;
	} else if (s->side[FROM_SERVER] & SIDE_LOST) {
		s->side[FROM_SERVER] &= (uint8_t)~SIDE_BEARS;
	}
}

/* --- continuation requests --- */

/* The error that XOAUTH2 and OAUTHBEARER (RFC 7628) send as a challenge: a JSON object with a status. */
static void look_at_challenge(struct observer *o, struct bytes challenge)
{
	uint8_t clear[768];
	struct bytes json = bytes_of(clear, base64(challenge, clear, sizeof clear));

	if (json.len && memchr(json.data, '{', json.len) && bytes_contain(json, "\"status\""))
		observe(o, FACT_SASL_ERROR, true);
	wipe(clear, sizeof clear);
}

/* What it answers: a SASL exchange, a literal that waits, or IDLE. */
static void continuation(struct imap_state *s, struct observer *o, struct bytes text)
{
	struct asked *sasl = asked_sasl(s), *open = asked_open(s);
	struct asked *idle = asked_last(s, WORD_command_idle);

	if (sasl) {
		sasl->flags |= ASKED_CLIENT_TURN;
		if (s->flags & IMAP_OAUTH)
			look_at_challenge(o, text);
	} else if (open && open->flags & ASKED_PLUS) {
		open->flags &= (uint8_t)~ASKED_PLUS;
	} else if (idle && !(idle->flags & ASKED_CLIENT_TURN)) {
		idle->flags |= ASKED_CLIENT_TURN;
		observe(o, FACT_IN_IDLE, true);
	}
}

enum dissect_result server_line(struct imap_state *s, struct observer *o, struct bytes line)
{
	struct bytes rest = line;
	struct bytes first = line_word(&rest);

	if (first.len == 1 && first.data[0] == '*') {
		untagged(s, o, rest);
		return DISSECT_ON;
	}
	if (first.len && first.data[0] == '+') {
		continuation(s, o, rest);
		return DISSECT_ON;
	}
	int status = line_status(line_word(&rest));
	if (!first.len || (status != WORD_status_ok && status != WORD_status_no && status != WORD_status_bad))
		return DISSECT_ON;
	struct answer a = answer_of(status, rest);
	return tagged(s, o, first, &a);
}
