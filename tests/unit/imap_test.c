/* The IMAP dissector: dialogues of many servers, each cut at every place; nothing secret is kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "imap.h"

/* A dialogue: "C …" and "S …" are lines (CRLF is added), "c …" and "s …" raw bytes, "g N" and "G N" gaps of N bytes of the
 * client and of the server, "M" met in mid-stream. Each step is a frame of its own, a second later. */
typedef const char *const dialogue[];

enum { WHOLE = -1, BYTEWISE = -2 };

struct run {
	struct imap_state_room { uint64_t room[64]; } state;
	struct facts facts;
	struct texts *texts;
	struct observer o;
	uint8_t *left[2];
	size_t left_len[2];
	enum dissect_result result;
	size_t over; /* bytes behind the place of hand-over */
	long cut, seen;
};

/* Each call gets its bytes in an allocation that ends where they end, so that reading on is found. */
static void give(struct run *r, enum direction from, const char *bytes, size_t len)
{
	size_t all = r->left_len[from] + len;
	uint8_t *input = malloc(all ? all : 1);

	assert_non_null(input);
	if (r->left_len[from])
		memcpy(input, r->left[from], r->left_len[from]);
	memcpy(input + r->left_len[from], bytes, len);
	free(r->left[from]);
	r->o.from = from;
	struct dissected d = imap_dissector.data(&r->state, &r->o, bytes_of(input, all));
	assert_true(d.consumed <= all);
	assert_true(all - d.consumed <= DISSECT_MOST_LEFT || d.result == DISSECT_STARTTLS);
	r->left_len[from] = all - d.consumed;
	r->left[from] = malloc(r->left_len[from] + 1);
	memcpy(r->left[from], input + d.consumed, r->left_len[from]);
	free(input);
	if (d.result != DISSECT_ON)
		r->result = d.result;
	if (d.result == DISSECT_STARTTLS)
		r->over = r->left_len[from];
}

static void give_cut(struct run *r, enum direction from, const char *bytes, size_t len)
{
	size_t done = 0;

	if (r->cut == BYTEWISE)
		for (; done + 1 < len && r->result != DISSECT_STARTTLS; done++)
			give(r, from, bytes + done, 1);
	else if (r->cut > r->seen && (size_t)(r->cut - r->seen) < len)
		give(r, from, bytes, done = (size_t)(r->cut - r->seen));
	if (r->result != DISSECT_STARTTLS)
		give(r, from, bytes + done, len - done);
	else
		r->over += len - done;
	r->seen += (long)len;
}

static void give_step(struct run *r, const char *step)
{
	enum direction from = *step == 'C' || *step == 'c' || *step == 'g' ? FROM_CLIENT : FROM_SERVER;
	char *line = NULL;

	r->o.at.frame++;
	r->o.at.time += SECOND;
	r->o.from = from;
	if (*step == 'M') {
		observe(&r->o, FACT_MIDSTREAM, true);
	} else if (*step == 'g' || *step == 'G') {
		r->left_len[from] = 0;
		imap_dissector.gap(&r->state, &r->o, strtoull(step + 2, NULL, 10));
	} else {
		int len = asprintf(&line, "%s%s", step + 2, *step == 'C' || *step == 'S' ? "\r\n" : "");
		give_cut(r, from, line, (size_t)len);
		free(line);
	}
}

static struct run start_run(long cut)
{
	struct run r = { .texts = texts_create(1 << 20), .cut = cut };

	assert_true(imap_dissector.state_size <= sizeof r.state);
	r.o.at.time = 1000 * SECOND;
	r.o.texts = r.texts;
	return r;
}

static void play(struct run *r, const char *const *steps)
{
	r->o.facts = &r->facts;
	for (; *steps && r->result != DISSECT_STARTTLS; steps++)
		give_step(r, *steps);
}

static void end_run(struct run *r)
{
	facts_clear(&r->facts, r->texts);
	texts_destroy(&r->texts);
	free(r->left[0]);
	free(r->left[1]);
}

static const char *value_of(const struct run *r, const struct fact *f, char *room, size_t len)
{
	switch (fact_kinds[f->id].type) {
	case FACT_TEXT:
		snprintf(room, len, "%s", texts_get(r->texts, (uint32_t)f->value));
		break;
	case FACT_WORD:
		snprintf(room, len, "%s", fact_word(f->id, f->value));
		break;
	case FACT_DURATION:
		snprintf(room, len, "%" PRId64 "s", f->value / SECOND);
		break;
	default:
		snprintf(room, len, "%" PRId64, f->value);
	}
	return room;
}

/* Everything that is said, one fact a line. What says no more than its absence would is left out: a cut may say it in passing. */
static char *dump(const struct run *r)
{
	char *text = NULL, value[512];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (int i = 0; i < r->facts.count; i++) {
		const struct fact *fact = &r->facts.list[i];
		if (fact->value == 0 && (fact_kinds[fact->id].absence == ABSENT_ZERO || fact_kinds[fact->id].type == FACT_TEXT))
			continue;
		fprintf(f, "%s=%s @%u\n", fact_kinds[fact->id].word, value_of(r, fact, value, sizeof value), fact->frame);
	}
	fprintf(f, "result %d, %zu over\n", r->result, r->over);
	fclose(f);
	return text;
}

static char *facts_of(const char *const *steps, long cut)
{
	struct run r = start_run(cut);

	play(&r, steps);
	char *text = dump(&r);
	end_run(&r);
	return text;
}

static size_t length_of(const char *const *steps)
{
	size_t n = 0;
	for (; *steps; steps++)
		n += strlen(*steps);
	return n;
}

static void check_cut(const char *const *steps, long cut, const char *whole)
{
	char *text = facts_of(steps, cut);

	if (strcmp(text, whole) != 0) {
		print_error("cut at %ld:\n%s", cut, text);
		assert_string_equal(text, whole);
	}
	free(text);
}

/* Is the line in it? "word=value" (any frame), "word=value @frame", "!word" (absent or nothing said). */
static bool says(const char *text, const char *expected)
{
	char *wanted = NULL;
	bool absent = *expected == '!', found = false;
	size_t n = (size_t)asprintf(&wanted, absent ? "%s=" : strstr(expected, " @") ? "%s\n" : "%s @", expected + absent);

	for (const char *line = text; line && *line && !found; line = strchr(line, '\n') + 1)
		found = strncmp(line, wanted, n) == 0;
	free(wanted);
	return found != absent;
}

/* Plays it whole and cut at every place, and looks for each of the expected lines. */
static void check(const char *const *steps, const char *const *expected)
{
	char *whole = facts_of(steps, WHOLE);
	bool good = true;

	for (; *expected; expected++)
		if (!says(whole, *expected)) {
			print_error("missing: %s\n", *expected);
			good = false;
		}
	if (!good)
		print_error("said:\n%s", whole);
	assert_true(good);
	for (long cut = 1; cut < (long)length_of(steps); cut++)
		check_cut(steps, cut, whole);
	check_cut(steps, BYTEWISE, whole);
	free(whole);
}

#define DIALOGUE(...) (dialogue){ __VA_ARGS__, NULL }
#define EXPECT(...) (dialogue){ __VA_ARGS__, NULL }

/* --- servers --- */

static void dovecot_works(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN] Dovecot (Debian) ready.",
		       "C 1 AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUub3JnAGh1bnRlcjI=", "S 1 OK [CAPABILITY IMAP4rev1 IDLE MOVE] Logged in",
		       "C 2 NAMESPACE", "S * NAMESPACE ((\"\" \"/\")) NIL NIL\r\n2 OK Namespace completed.", "C 3 SELECT INBOX",
		       "S * FLAGS (\\Seen)\r\n* 2 EXISTS\r\n* OK [UIDVALIDITY 1] UIDs valid\r\n3 OK [READ-WRITE] Select completed.",
		       "C 4 UID FETCH 1:* (BODY.PEEK[])",
		       "S * 1 FETCH (UID 1 BODY[] {22}\r\n* BYE a secret\r\n4 NO x\r\n)\r\n4 OK Fetch completed.", "C 5 LOGOUT",
		       "S * BYE Logging out\r\n5 OK Logout completed."),
	      EXPECT("imap.greeting=ok @1", "imap.greeting_text=Dovecot (Debian) ready.", "imap.server_software=Dovecot", "imap.starttls_offered=1",
		     "imap.capabilities=IMAP4rev1 IDLE MOVE", "imap.capabilities_seen=1", "imap.auth_offered=PLAIN LOGIN", "!imap.login_disabled",
		     "imap.login_tried=1 @2", "imap.login_method=PLAIN", "imap.user=a***@e***.org", "imap.login_ok=1 @3", "imap.login_answer=ok",
		     "imap.login_time=1s", "imap.commands=5", "imap.commands_after_login=3", "imap.commands_ok=3", "imap.logout=1 @10",
		     "imap.logout_answered=1 @11", "!imap.bye", "!imap.command_owed", "!imap.midline", "!imap.last_refused", "!imap.bad_answers",
		     "imap.slowest_answer=1s"));
}

static void the_list_ahead_of_the_answer(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi", "C 1 LOGIN a b", "S * CAPABILITY IMAP4rev1 IDLE\r\n1 OK in"),
	      EXPECT("imap.capabilities=IMAP4rev1 IDLE", "imap.auth_offered=PLAIN LOGIN", "imap.capabilities_seen=1"));
	check(DIALOGUE("S * OK hi", "C 1 CAPABILITY\r\n2 LOGIN a b", "S * CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n1 OK", "S 2 NO"),
	      EXPECT("imap.auth_offered=PLAIN LOGIN", "imap.capabilities_seen=1"));
}

/* Only the server's lines: what a NO says is kept, for whom knows that the client's are not there; once mail is shown it is no login's. */
static void the_server_alone(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK hi", "S * CAPABILITY IMAP4rev1\r\n1 OK done", "S 2 NO [AUTHENTICATIONFAILED] Authentication failed.",
		       "S * BYE bye\r\n3 OK bye"),
	      EXPECT("imap.unasked_refusal=[AUTHENTICATIONFAILED] Authentication failed. @3", "!imap.login_refused", "!imap.login_tried"));
	check(DIALOGUE("S * OK hi", "S 1 OK in", "S * 3 EXISTS\r\n2 OK done", "S 3 NO Login failed."),
	      EXPECT("imap.login_ok=1", "!imap.unasked_refusal"));
	check(DIALOGUE("S * OK hi", "C 1 LOGIN a b", "S 1 NO Login failed."), EXPECT("imap.login_refused=1", "!imap.unasked_refusal"));
}

static void how_long_it_idled(void **state)
{
	(void)state;
	check(DIALOGUE("S * PREAUTH hi", "C 1 IDLE", "S + idling", "S * OK Still here", "C DONE"),
	      EXPECT("imap.idle_time=3s @5", "imap.command_owed=idle @5"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 NOOP", "S 1 OK"), EXPECT("!imap.idle_time"));
}

static void dovecot_refuses_plaintext(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] Dovecot ready.", "C a LOGIN bob \"pass word\"",
		       "S * BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway.\r\n"
		       "a NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."),
	      EXPECT("imap.login_disabled=1 @1", "!imap.auth_offered", "imap.login_refused=1 @3", "imap.login_answer=no",
		     "imap.login_code=PRIVACYREQUIRED", "imap.user=b***", "imap.login_method=LOGIN", "imap.bad_answers=1",
		     "imap.login_notice=[ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway.",
		     "imap.login_text=[PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections."));
}

static void dovecot_waits_for_its_auth(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK Waiting for authentication process to respond..", "S * BYE Auth process broken"),
	      EXPECT("imap.greeting_wait=1 @1", "imap.greeting=bye @2", "imap.bye=1 @2", "imap.bye_text=Auth process broken"));
}

static void greets_by_no(void **state)
{
	(void)state;
	check(DIALOGUE("S * BAD internal server error"), EXPECT("imap.greeting=bad @1", "imap.greeting_text=internal server error", "!imap.bye"));
	check(DIALOGUE("S * NO [UNAVAILABLE] busy"), EXPECT("imap.greeting=no @1", "!imap.slowest_answer", "!imap.bye"));
}

static void cyrus_refuses(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE AUTH=DIGEST-MD5] mx Cyrus IMAP 3.6.1 server ready",
		       "C 1 ID (\"name\" \"Thunder \\\"bird\" \"version\" \"115.3\" \"os\" NIL)", "S * ID (\"name\" \"Cyrus IMAPD\")\r\n1 OK Completed",
		       "C 2 LOGIN {3}", "S + go ahead", "C bob {6}", "S + go ahead", "C secret", "S 2 NO Login failed: authentication failure"),
	      EXPECT("imap.server_software=Cyrus IMAP", "imap.client_software=Thunder \"bird 115.3", "imap.auth_offered=DIGEST-MD5 LOGIN",
		     "imap.user=b***", "imap.login_answer=no @9", "!imap.login_code", "imap.login_text=Login failed: authentication failure",
		     "imap.login_time=5s", "!imap.command_owed", "!imap.midline", "imap.commands=2"));
}

static void courier_is_odd(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 STARTTLS] Courier-IMAP ready. Copyright 1998-2018 Double Precision, Inc.",
		       "C x WHATEVER", "S x NO Error in IMAP command received by server.", "C y LOGOUT",
		       "S * BYE Courier-IMAP server shutting down\r\ny OK LOGOUT completed"),
	      EXPECT("imap.server_software=Courier-IMAP", "imap.bad_answers=1 @3", "imap.last_refused=other @3", "imap.last_refused_status=no",
		     "!imap.bye", "imap.logout_answered=1 @5"));
}

static void courier_says_bye_instead(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1] Courier-IMAP ready.", "C 1 LOGIN alice@example.org pw",
		       "S * BYE [ALERT] Temporary problem for alice@example.org, please try again later"),
	      EXPECT("imap.bye=1 @3", "imap.bye_text=[ALERT] Temporary problem for a***@e***.org, please try again later",
		     "imap.command_owed=login @2", "!imap.login_answer"));
}

static void gmail_web_login(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK Gimap ready for requests from 192.0.2.1 x23mb4", "C A1 LOGIN bob@gmail.com pw",
		       "S * NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1&plt=AKgnsbsSecretSecretSecretSecret&e=bob%40gmail.com] "
		       "Web login required.\r\nA1 NO [ALERT] Please log in via your web browser: "
		       "https://support.google.com/mail/accounts/answer/78754 (Failure)"),
	      EXPECT("imap.server_software=Gmail",
		     "imap.login_notice=[WEBALERT https://accounts.google.com/signin/continue?sarp=1&plt=***&e=b***@g***.com] Web login required.",
		     "imap.login_code=ALERT",
		     "imap.login_text=[ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)"));
}

static void exchange_is_not_connected(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK The Microsoft Exchange IMAP4 service is ready. [TABFAEEA]", "C 1 CAPABILITY",
		       "S * CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\r\n1 OK CAPABILITY completed.", "C 2 AUTHENTICATE PLAIN", "S + ",
		       "C AENPTlRPU09cYWxpY2UAcHc=", "S 2 OK AUTHENTICATE completed.", "C 3 SELECT INBOX",
		       "S 3 BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14"),
	      EXPECT("imap.server_software=Microsoft Exchange", "imap.user=C***", "imap.login_ok=1 @7", "imap.login_time=3s",
		     "imap.last_refused=select @9", "imap.last_refused_status=bad", "imap.bad_answers=1",
		     "imap.last_refused_text=User is authenticated but not connected.", "imap.bye_text=Connection closed. 14",
		     "!imap.commands_ok"));
}

static void oauth_error(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK Gimap ready", "C a AUTHENTICATE XOAUTH2 dXNlcj1ib2JAZ21haWwuY29tAWF1dGg9QmVhcmVyIHRva2VuAQE=",
		       "S + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=", "C ", "S a NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"),
	      EXPECT("imap.sasl_error=1 @3", "imap.login_method=XOAUTH2", "imap.login_code=AUTHENTICATIONFAILED", "imap.user=b***@g***.com"));
	check(DIALOGUE("S * OK Gimap ready", "C a AUTHENTICATE OAUTHBEARER", "S + ", "C bixhPWJvYg==",
		       "S + eyAic3RhdHVzIiA6ICJpbnZhbGlkX3Rva2VuIiB9"),
	      EXPECT("imap.sasl_error=1 @5", "!imap.command_owed"));
}

static void yahoo_warns_then_accepts(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK Hello", "C a AUTHENTICATE PLAIN AGEAYg==", "S * NO [UNAVAILABLE] LOGIN failure. Server error",
		       "S a OK AUTHENTICATE completed"),
	      EXPECT("imap.login_ok=1 @4", "imap.login_answer=ok", "imap.login_notice=[UNAVAILABLE] LOGIN failure. Server error",
		     "!imap.login_refused"));
}

static void second_refusal_has_no_code(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK hi", "C 1 LOGIN a b", "S 1 NO [AUTHENTICATIONFAILED] no", "C 2 LOGIN a c", "S 2 NO"),
	      EXPECT("imap.login_refused=2 @3", "!imap.login_code", "!imap.login_text"));
}

static void sasl_is_cancelled(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK hi", "C 1 AUTHENTICATE CRAM-MD5", "S + PDEyMzQ+", "C *", "S 1 BAD Authentication aborted by client."),
	      EXPECT("imap.login_refused=1", "imap.login_answer=bad", "imap.login_method=CRAM-MD5", "imap.commands=1"));
}

/* --- what is owed --- */

static void what_the_client_owes_is_not_owed(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK hi", "C 1 AUTHENTICATE PLAIN", "S + "), EXPECT("!imap.command_owed"));
	check(DIALOGUE("S * OK hi", "C 1 AUTHENTICATE PLAIN"), EXPECT("imap.command_owed=authenticate @2"));
	check(DIALOGUE("S * OK hi", "C 1 AUTHENTICATE PLAIN", "S + ", "C AGEAYg=="), EXPECT("imap.command_owed=authenticate @4"));
	check(DIALOGUE("S * OK hi", "C 1 LOGIN {3}"), EXPECT("imap.command_owed=login @2", "!imap.midline"));
	check(DIALOGUE("S * OK hi", "C 1 LOGIN {3}", "S + ok"), EXPECT("!imap.command_owed", "imap.midline=client @3"));
	check(DIALOGUE("S * OK hi", "C 1 LOGIN {3+}", "c bo"), EXPECT("!imap.command_owed", "imap.midline=client", "!imap.user"));
	check(DIALOGUE("S * OK hi", "C 1 NOO", "c 2 NO"), EXPECT("imap.command_owed=other @2", "imap.midline=client @3"));
	check(DIALOGUE("S * OK hi\r\n* 1 FETCH (BODY[] {9}\r\nabc"), EXPECT("imap.midline=server @1", "imap.login_ok=1"));
	check(DIALOGUE("s * OK h"), EXPECT("!imap.greeting", "imap.midline=server @1"));
}

static void idle_owes_after_done(void **state)
{
	(void)state;
	check(DIALOGUE("S * PREAUTH hi", "C 1 IDLE", "S + idling", "S * 3 EXISTS"),
	      EXPECT("imap.greeting=preauth", "imap.login_ok=1 @1", "imap.in_idle=1 @3", "imap.idle_seen=1 @2", "!imap.command_owed"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 IDLE"), EXPECT("!imap.in_idle", "imap.command_owed=idle @2"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 IDLE", "S + idling", "C DONE"), EXPECT("!imap.in_idle", "imap.command_owed=idle @4"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 IDLE", "S + idling", "C DONE", "S 1 OK done", "C 2 NOOP", "S 2 OK"),
	      EXPECT("!imap.in_idle", "!imap.command_owed", "imap.commands_ok=1", "imap.slowest_answer=1s @7"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 IDLE\r\nDONE", "S 1 OK done"), EXPECT("!imap.in_idle", "!imap.command_owed"));
}

static void pipelined_commands(void **state)
{
	(void)state;
	check(DIALOGUE("S * PREAUTH hi", "C 1 LIST \"\" *\r\n2 STATUS INBOX (MESSAGES)", "C 3 NOOP", "S 1 OK\r\n3 OK"),
	      EXPECT("imap.command_owed=status @2", "imap.commands=3", "imap.commands_ok=1"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 FETCH 1 A", "C 2 FETCH 1 A", "C 3 FETCH 1 A", "C 4 FETCH 1 A", "C 5 FETCH 1 A", "C 6 FETCH 1 A",
		       "C 7 FETCH 1 A", "C 8 FETCH 1 A", "S 1 OK\r\n2 OK\r\n3 OK\r\n4 OK\r\n5 OK\r\n6 OK\r\n7 OK"),
	      EXPECT("imap.commands_ok=7", "imap.command_owed=fetch @9"));
}

static void refusals_are_cleared(void **state)
{
	(void)state;
	check(DIALOGUE("S * PREAUTH hi", "C 1 SELECT x", "S 1 NO [NONEXISTENT] Mailbox doesn't exist: x", "C 2 NOOP", "S 2 OK", "C 3 LOGOUT",
		       "S * BYE\r\n3 OK"),
	      EXPECT("imap.last_refused=select @3", "imap.last_refused_code=NONEXISTENT"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 SELECT x", "S 1 NO [NONEXISTENT] Mailbox doesn't exist: x", "C 2 UID COPY 1 y", "S 2 OK"),
	      EXPECT("!imap.last_refused", "!imap.last_refused_code", "!imap.last_refused_text", "!imap.last_refused_status"));
	check(DIALOGUE("S * PREAUTH hi", "C 1 APPEND INBOX {5}", "S 1 NO [overquota] full", "C 2 UID SEARCH ALL"),
	      EXPECT("imap.last_refused=append", "imap.last_refused_code=OVERQUOTA", "imap.command_owed=search @4", "!imap.slowest_answer"));
}

/* --- byes --- */

static void kinds_of_bye(void **state)
{
	(void)state;
	check(DIALOGUE("S * BYE Connection refused: too many"), EXPECT("imap.greeting=bye", "imap.bye=1", "imap.bye_text=Connection refused: too many"));
	check(DIALOGUE("S * OK hi", "S * BYE\r\n* BYE second"), EXPECT("imap.bye=1 @2", "!imap.bye_text"));
	check(DIALOGUE("S * OK hi", "C 1 LOGOUT", "S 1 OK bye"), EXPECT("!imap.bye", "imap.logout_answered=1"));
	check(DIALOGUE("S * OK hi", "C 1 LOGOUT"), EXPECT("!imap.logout_answered", "imap.command_owed=logout"));
}

/* --- hand-over --- */

static void starttls_hands_over(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi", "C 1 STARTTLS", "s 1 OK Begin TLS\r\n\x16\x03\x03"),
	      EXPECT("imap.starttls_sent=1 @2", "imap.starttls_answer=ok @3", "!imap.command_owed", "!imap.midline"));
	struct run r = start_run(WHOLE);
	play(&r, DIALOGUE("S * OK hi", "C 1 STARTTLS", "s 1 OK Begin TLS\r\n\x16\x03\x03"));
	assert_int_equal(r.result, DISSECT_STARTTLS);
	assert_int_equal(r.over, 3);
	end_run(&r);
}

static void early_client_hello_is_left(void **state)
{
	struct run r = start_run(WHOLE);
	(void)state;
	play(&r, DIALOGUE("S * OK hi", "C 1 STARTTLS", "c \x16\x03\x01\n\x01", "S 1 OK Begin TLS"));
	assert_int_equal(r.result, DISSECT_STARTTLS);
	assert_int_equal(r.left_len[FROM_CLIENT], 5);
	assert_null(facts_find(&r.facts, FACT_MIDLINE));
	end_run(&r);
}

static void starttls_is_refused_or_masked(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK hi", "C 1 STARTTLS", "S 1 BAD Unknown command XXXXXXXX"),
	      EXPECT("imap.starttls_answer=bad", "imap.masked=1 @3", "!imap.last_refused", "imap.bad_answers=1"));
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 XXXXXXXA] hi"), EXPECT("imap.masked=1 @1", "!imap.starttls_offered"));
	check(DIALOGUE("S * OK [CAPABILITY IMAP4rev1 XLIST X-GM-EXT-1] hi", "C 1 XXXXXXXX"), EXPECT("imap.masked=1 @2"));
}

static void compress_falls_silent(void **state)
{
	(void)state;
	check(DIALOGUE("S * PREAUTH hi", "C 1 COMPRESS DEFLATE", "S 1 OK active", "c \x01\x02 LOGIN\n", "s \x01\n* BYE x\r\n"),
	      EXPECT("imap.compressed=1 @3", "!imap.bye", "!imap.command_owed", "!imap.midline", "imap.commands=1"));
}

/* --- out of step --- */

static void midstream_is_found(void **state)
{
	(void)state;
	check(DIALOGUE("M", "s rest of a line\r\nx NO not a command of ours\r\n* OK Still here\r\n* 4 EXISTS\r\n", "C half of a literal", "C DONE",
		       "S 7 OK Idle completed.", "C 8 NOOP", "S 8 OK NOOP completed."),
	      EXPECT("!imap.greeting", "imap.login_ok=1 @2", "imap.commands=1 @6", "!imap.command_owed", "!imap.bad_answers", "!imap.midline"));
	check(DIALOGUE("M", "C 8 SELECT x", "S 8 OK done"), EXPECT("imap.login_ok=1 @3", "imap.commands_ok=1"));
}

static void gaps_leave_doubt(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK hi", "C 1 LOGIN a b", "G 100", "S tail of a line\r\n* 3 EXISTS"),
	      EXPECT("!imap.command_owed", "imap.login_ok=1 @4", "!imap.login_answer"));
	/* A hole inside of a message costs nothing. */
	check(DIALOGUE("S * PREAUTH hi", "C 1 FETCH 1 BODY[]", "S * 1 FETCH (BODY[] {1000}", "G 990", "s 12345678)\r\n1 NO oops\r\n"),
	      EXPECT("imap.last_refused=fetch"));
	check(DIALOGUE("S * OK hi", "c 1 LOGIN {10}\r\n", "g 30", "C tail", "C 2 LOGOUT"),
	      EXPECT("imap.command_owed=logout @5", "imap.commands=2", "!imap.user"));
	/* A frame that was cut short took the end of its line with it; what answers by its tag begins another. */
	check(DIALOGUE("S * OK hi", "C 1 LOGIN a b", "s * CAPABILITY IMAP4r", "G 60", "S 1 NO [AUTHENTICATIONFAILED] no"),
	      EXPECT("imap.login_refused=1 @5", "!imap.command_owed"));
	check(DIALOGUE("G 0", "S tail", "S * OK [CAPABILITY IMAP4rev1] x"), EXPECT("!imap.greeting", "imap.capabilities_seen=1"));
}

static void frames_in_the_wrong_order(void **state)
{
	(void)state;
	check(DIALOGUE("S * PREAUTH hi", "S 1 NO refused", "C 1 SELECT x", "C 2 NOOP", "C 1 NOOP"),
	      EXPECT("imap.last_refused=select @3", "imap.command_owed=noop @4"));
	check(DIALOGUE("S * OK hi", "C 1 LOGIN a b", "S 1 OK in", "S 2 OK bye", "C 2 LOGOUT"),
	      EXPECT("imap.logout_answered=1 @5", "!imap.command_owed"));
}

static void tls_on_a_plain_port(void **state)
{
	(void)state;
	check(DIALOGUE("S * OK Dovecot ready.", "c \x16\x03\x01\x02\x01\x0a\x01 a\n{5}\nb\n\x01",
		       "S * BAD Error in IMAP command received by server.\r\n* BAD Error in IMAP command received by server.\r\n"
		       "* BYE Too many invalid IMAP commands."),
	      EXPECT("imap.bad_answers=2", "imap.bye=1", "!imap.commands", "!imap.midline"));
}

static void lines_without_cr_and_long_ones(void **state)
{
	char line[9000], answer[9100], *cut, *whole;
	(void)state;
	check(DIALOGUE("s * OK hi\n", "c 1 LOGIN a b\n", "s 1 OK in\n"), EXPECT("imap.login_ok=1"));
	memset(line, 'x', sizeof line);
	memcpy(line, "C 1 SEARCH ", 11);
	memcpy(line + sizeof line - 6, " {4+}", 6);
	snprintf(answer, sizeof answer, "S * LIST %s", line + 11);
	memcpy(answer + strlen(answer) - 4, " {3}", 4);
	dialogue steps = { "S * PREAUTH hi", line, "c abcd)\r\n", answer, "s 1 B\r\n1 OK yes\r\n", NULL };
	whole = facts_of(steps, WHOLE);
	assert_true(says(whole, "imap.commands_ok=1") && says(whole, "!imap.bad_answers") && says(whole, "!imap.midline") &&
		    says(whole, "!imap.command_owed"));
	for (long at = 8100; at < 9030; at++) {
		check_cut(steps, at, whole);
		check_cut(steps, at + 9000, whole);
	}
	cut = facts_of(steps, BYTEWISE);
	assert_string_equal(cut, whole);
	free(cut);
	free(whole);
}

/* --- users --- */

static void mechanisms_name_the_user(void **state)
{
	(void)state;
	static const struct {
		const char *asks, *responds;
	} table[] = {
		{ "C a AUTHENTICATE LOGIN", "C YW5uYUBleGFtcGxlLm9yZw==" },
		{ "C a AUTHENTICATE CRAM-MD5", "C YW5uYUBleGFtcGxlLm9yZyAwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==" },
		{ "C a AUTHENTICATE XOAUTH2", "C dXNlcj1hbm5hQGV4YW1wbGUub3JnAWF1dGg9QmVhcmVyIHNlY3JldAEB" },
		{ "C a AUTHENTICATE OAUTHBEARER", "C bixhPWFubmFAZXhhbXBsZS5vcmcsAWhvc3Q9eAFwb3J0PTE0MwFhdXRoPUJlYXJlciBzZWNyZXQBAQ==" },
		{ "C a AUTHENTICATE SCRAM-SHA-256", "C biwsbj1hbm5hQGV4YW1wbGUub3JnLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM" },
		{ "C a AUTHENTICATE PLAIN", "C AGFubmFAZXhhbXBsZS5vcmcAc2VjcmV0" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		check(DIALOGUE("S * OK hi", table[i].asks, "S + ", table[i].responds, "S + ", "C c2VjcmV0"), EXPECT("imap.user=a***@e***.org"));
	check(DIALOGUE("S * OK hi", "C a AUTHENTICATE NTLM", "S + ", "C YW5uYUBleGFtcGxlLm9yZw=="), EXPECT("!imap.user"));
	check(DIALOGUE("S * OK hi", "C a AUTHENTICATE LOGIN", "S + ", "C *", "S a BAD", "C c2VjcmV0"), EXPECT("!imap.user"));
}

static int64_t hash_under(const struct user_policy *policy, const char *login, char *name, size_t room)
{
	struct run r = start_run(WHOLE);

	r.o.users = policy;
	play(&r, (dialogue){ "S * OK hi", login, NULL });
	const struct fact *hash = facts_find(&r.facts, FACT_USER_HASH), *user = facts_find(&r.facts, FACT_USER);
	assert_non_null(user);
	snprintf(name, room, "%s", texts_get(r.texts, (uint32_t)user->value));
	int64_t value = hash ? hash->value : 0;
	end_run(&r);
	return value;
}

static void users_are_hashed_by_the_key(void **state)
{
	(void)state;
	const struct user_policy one = { .key = { 1, 2 } }, two = { .key = { 1, 3 } }, clear = { .key = { 1, 2 }, .clear = true };
	char name[64];
	int64_t anna = hash_under(&one, "C 1 LOGIN Anna@example.org x", name, sizeof name);

	assert_string_equal(name, "A***@e***.org");
	assert_int_equal(anna, hash_under(&one, "C 1 LOGIN \"anna@EXAMPLE.org\" y", name, sizeof name));
	assert_int_not_equal(anna, hash_under(&one, "C 1 LOGIN anne@example.org x", name, sizeof name));
	assert_int_not_equal(anna, hash_under(&two, "C 1 LOGIN anna@example.org x", name, sizeof name));
	assert_int_equal(anna, hash_under(&clear, "C 1 LOGIN anna@example.org x", name, sizeof name));
	assert_string_equal(name, "anna@example.org");
	assert_int_equal(0, hash_under(NULL, "C 1 LOGIN anna@example.org x", name, sizeof name));
}

/* --- secrets --- */

static void nothing_secret_is_kept(void **state)
{
	(void)state;
	dialogue steps = {
		"S * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi",
		"C 1 LOGIN verysecretuser@verysecretdomain.org verysecretword", "S 1 NO verysecretuser is not verysecretuser@verysecretdomain.org.",
		"C 2 LOGIN \"verysecret\\\"user\" \"verysecretword\"", "S 2 NO [AUTHENTICATIONFAILED] no",
		"C 3 LOGIN {14}", "S + ", "C verysecretuser {14}", "S + ", "C verysecretword", "S 3 NO bad verysecretuser",
		"C 4 AUTHENTICATE verysecretmechanism verysecretword", "S 4 NO", "C 5 LOGIN verysecretword", "S 5 BAD",
		"C 6 AUTHENTICATE PLAIN", "S + ", "C AHZlcnlzZWNyZXR1c2VyAHZlcnlzZWNyZXR3b3Jk", "S 6 NO user=verysecretuser",
		"C 7 AUTHENTICATE LOGIN", "S + VXNlcm5hbWU6", "C dmVyeXNlY3JldHVzZXI=", "S + UGFzc3dvcmQ6", "C dmVyeXNlY3JldHdvcmQ=", "S 7 OK",
		"C 8 LOGIN {0}", "S + ", "C  {14}", "S + ", "C verysecretword", "S 8 NO",
		"C 9 FETCH 1 BODY[]", "S * 1 FETCH (BODY[] {29}", "s * BYE verysecretmail, 9 NO x\r\n)\r\n9 OK\r\n",
		"C 10 SELECT a", "S 10 NO <VerySecretUser@verysecretdomain.org>", NULL,
	};
	static const char *const secrets[] = { "verysecret", "VerySecret", "dmVyeXN", "AHZlcnl", "word", NULL };
	for (long cut = BYTEWISE; cut < (long)length_of(steps); cut++) {
		struct run r = start_run(cut);
		play(&r, steps);
		char *text = dump(&r);
		for (int i = 0; secrets[i]; i++)
			if (strstr(text, secrets[i])) {
				print_error("cut %ld\n%s", cut, text);
				fail();
			}
		/* Nor in the state. */
		for (size_t at = 0; at + 6 < sizeof r.state; at++)
			assert_true(memcmp((const char *)&r.state + at, "secret", 6) != 0);
		/* Long enough, and all of the dialogue was understood. */
		assert_true(says(text, "imap.commands=10") && says(text, "imap.last_refused=select"));
		free(text);
		end_run(&r);
	}
}

/* --- probing --- */

static enum probe_result probe(const char *bytes, enum direction from)
{
	size_t len = strlen(bytes);
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, bytes, len);
	enum probe_result result = imap_dissector.probe(bytes_of(exact, len), from);
	free(exact);
	return result;
}

static void probing(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		enum direction from;
		enum probe_result result;
	} table[] = {
		{ "* OK hi\r\n", FROM_SERVER, PROBE_YES }, { "* PREAUTH hi", FROM_SERVER, PROBE_YES }, { "* BYE\r\n", FROM_SERVER, PROBE_YES },
		{ "*", FROM_SERVER, PROBE_MORE }, { "* O", FROM_SERVER, PROBE_MORE }, { "", FROM_SERVER, PROBE_MORE },
		{ "* 3 EXISTS\r\n", FROM_SERVER, PROBE_YES }, { "+OK POP3", FROM_SERVER, PROBE_NO }, { "220 mx ESMTP", FROM_SERVER, PROBE_NO },
		{ "* QUARK x", FROM_SERVER, PROBE_NO }, { "a1 LOGIN bob x\r\n", FROM_CLIENT, PROBE_YES }, { "1 CAPABILITY\r\n", FROM_CLIENT, PROBE_YES },
		{ "1 CAPA", FROM_CLIENT, PROBE_MORE }, { "a1", FROM_CLIENT, PROBE_MORE }, { "GET / HTTP/1.1\r\n", FROM_CLIENT, PROBE_NO },
		{ "EHLO list\r\n", FROM_CLIENT, PROBE_NO }, { "USER search\r\n", FROM_CLIENT, PROBE_NO }, { "DONE\r\n", FROM_CLIENT, PROBE_YES },
		{ "\x16\x03\x01", FROM_CLIENT, PROBE_NO }, { "1 uid fetch 1 (FLAGS)\n", FROM_CLIENT, PROBE_YES },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (probe(table[i].bytes, table[i].from) != table[i].result) {
			print_error("probe: %s\n", table[i].bytes);
			fail();
		}
}

static void commands_are_counted(void **state)
{
	struct imap_command_count counts[16];
	struct run r = start_run(WHOLE);
	(void)state;
	play(&r, DIALOGUE("S * PREAUTH hi", "C 1 NOOP", "S 1 OK", "C 2 UID FETCH 1 A", "C 3 NOOP", "S 2 NO", "S 3 OK"));
	assert_int_equal(imap_commands(&r.state, counts, 16), 2);
	assert_int_equal(counts[0].command, WORD_command_noop);
	assert_int_equal(counts[0].count, 2);
	assert_int_equal(counts[0].worst_ms, 2000);
	assert_int_equal(counts[1].command, WORD_command_fetch);
	assert_int_equal(counts[1].worst_ms, 2000);
	play(&r, DIALOGUE("C a LIST", "C b LSUB", "C c ID", "C d ENABLE", "C e SORT", "C f CHECK", "C g COPY", "C h MOVE"));
	assert_int_equal(imap_commands(&r.state, counts, 16), 8);
	assert_int_equal(counts[7].command, WORD_command_other);
	assert_int_equal(counts[7].count, 3);
	end_run(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dovecot_works),
		cmocka_unit_test(the_list_ahead_of_the_answer),
		cmocka_unit_test(the_server_alone),
		cmocka_unit_test(how_long_it_idled),
		cmocka_unit_test(dovecot_refuses_plaintext),
		cmocka_unit_test(dovecot_waits_for_its_auth),
		cmocka_unit_test(greets_by_no),
		cmocka_unit_test(cyrus_refuses),
		cmocka_unit_test(courier_is_odd),
		cmocka_unit_test(courier_says_bye_instead),
		cmocka_unit_test(gmail_web_login),
		cmocka_unit_test(exchange_is_not_connected),
		cmocka_unit_test(oauth_error),
		cmocka_unit_test(yahoo_warns_then_accepts),
		cmocka_unit_test(second_refusal_has_no_code),
		cmocka_unit_test(sasl_is_cancelled),
		cmocka_unit_test(what_the_client_owes_is_not_owed),
		cmocka_unit_test(idle_owes_after_done),
		cmocka_unit_test(pipelined_commands),
		cmocka_unit_test(refusals_are_cleared),
		cmocka_unit_test(kinds_of_bye),
		cmocka_unit_test(starttls_hands_over),
		cmocka_unit_test(early_client_hello_is_left),
		cmocka_unit_test(starttls_is_refused_or_masked),
		cmocka_unit_test(compress_falls_silent),
		cmocka_unit_test(midstream_is_found),
		cmocka_unit_test(gaps_leave_doubt),
		cmocka_unit_test(frames_in_the_wrong_order),
		cmocka_unit_test(tls_on_a_plain_port),
		cmocka_unit_test(lines_without_cr_and_long_ones),
		cmocka_unit_test(mechanisms_name_the_user), cmocka_unit_test(users_are_hashed_by_the_key),
		cmocka_unit_test(nothing_secret_is_kept),
		cmocka_unit_test(probing),
		cmocka_unit_test(commands_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
