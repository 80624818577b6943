/* The timeline of records inside TLS, and what is inferred from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "infer.h"
#include "rules.h"

/* --- the timeline --- */

static struct moment moment_at(nanoseconds time, uint32_t frame)
{
	return (struct moment){ 1000 * SECOND + time, frame, 2 };
}

static void keeps_each_record_and_its_moment(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	assert_true(records_add(&r, RECORD_TICKET, FROM_SERVER, 250, moment_at(0, 8)));
	assert_true(records_add(&r, RECORD_DATA, FROM_SERVER, 129, moment_at(3 * MILLISECOND, 9)));
	assert_true(records_add(&r, RECORD_DATA, FROM_CLIENT, 40, moment_at(5 * SECOND, 12)));
	assert_int_equal(r->count, 3);
	assert_int_equal(r->list[2].length, 40);
	assert_int_equal(r->list[2].from, FROM_CLIENT);
	struct moment at = records_moment(r, 2);
	assert_int_equal(at.time, moment_at(5 * SECOND, 0).time);
	assert_int_equal(at.frame, 12);
	assert_int_equal(at.file, 2);
	records_free(&r);
	assert_null(r);
	records_free(&r);
}

static void folds_a_burst_into_its_second_record(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	records_add(&r, RECORD_DATA, FROM_CLIENT, 40, moment_at(0, 1));
	for (int i = 1; i <= 50; i++)
		records_add(&r, RECORD_DATA, FROM_SERVER, 1000, moment_at(i * 10 * MILLISECOND, (uint32_t)i + 1));
	assert_int_equal(r->count, 3);
	assert_int_equal(r->list[1].length, 1000);
	assert_int_equal(r->list[2].length, 49000);
	assert_int_equal(r->list[2].span, 48);
	assert_int_equal(r->list[2].frame, 3);
	/* What follows is timed right all the same, and 100 s of data stay within the cap. */
	records_add(&r, RECORD_DATA, FROM_CLIENT, 40, moment_at(SECOND, 60));
	assert_int_equal(records_moment(r, 3).time, moment_at(SECOND, 0).time);
	for (int i = 1; i <= 10000; i++)
		records_add(&r, RECORD_DATA, FROM_SERVER, 16384, moment_at(SECOND + i * 10 * MILLISECOND, 61));
	assert_true(r->count <= RECORDS_MOST);
	assert_int_equal(r->list[5].length, UINT16_MAX);
	records_free(&r);
}

static void sums_up_the_middle_of_a_long_session(void **state)
{
	struct tls_records *r = NULL;
	uint32_t frame = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		frame++;
		assert_true(records_add(&r, RECORD_DATA, i % 2 ? FROM_SERVER : FROM_CLIENT, 30, moment_at(i * SECOND, frame)));
	}
	assert_int_equal(r->count, RECORDS_MOST);
	assert_true(r->room <= RECORDS_MOST);
	assert_int_equal(r->list[RECORDS_FIRST].kind, RECORD_MIDDLE);
	assert_int_equal(r->list[RECORDS_FIRST - 1].frame, RECORDS_FIRST);
	assert_int_equal(r->list[RECORDS_MOST - 1].frame, 100000);
	assert_int_equal(records_moment(r, RECORDS_MOST - 1).time, moment_at(99999 * SECOND, 0).time);
	records_free(&r);
}

static void renames_what_turned_out_otherwise(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	records_rename(r, FROM_CLIENT, RECORD_NOTIFY, RECORD_DATA);
	records_add(&r, RECORD_NOTIFY, FROM_CLIENT, 19, moment_at(0, 1));
	records_add(&r, RECORD_DATA, FROM_SERVER, 30, moment_at(1, 2));
	records_rename(r, FROM_CLIENT, RECORD_NOTIFY, RECORD_DATA);
	assert_int_equal(r->list[0].kind, RECORD_DATA);
	records_rename(r, FROM_SERVER, RECORD_TICKET, RECORD_NOTIFY);
	assert_int_equal(r->list[1].kind, RECORD_DATA);
	records_free(&r);
}

static void odd_clocks_and_files_do_no_harm(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	records_add(&r, RECORD_DATA, FROM_CLIENT, 19, moment_at(SECOND, 1));
	records_add(&r, RECORD_DATA, FROM_SERVER, 19, moment_at(0, 2)); /* the clock went back */
	records_add(&r, RECORD_DATA, FROM_CLIENT, 19, (struct moment){ INT64_MAX, 3, 60000 });
	assert_int_equal(r->list[1].after, 0);
	assert_int_equal(r->list[2].after, UINT32_MAX);
	assert_int_equal(records_moment(r, 2).frame, 0); /* too many files on: no frame rather than a wrong one */
	records_free(&r);
}

/* The measured lengths of the facts: a LOGIN's NO of 53 bytes, the list of 405. */
static void tells_plain_lengths(void **state)
{
	static const struct {
		uint16_t version, cipher, length, least, most;
	} known[] = {
		{ 0x0304, 0x1302, 70, 53, 53 },     { 0x0304, 0x1301, 422, 405, 405 }, { 0x0303, 0xc030, 136, 112, 112 },
		{ 0x0303, 0xcca8, 128, 112, 112 },  { 0x0303, 0xc09e, 77, 53, 53 },    { 0x0303, 0xc0a0, 69, 53, 53 },
		{ 0x0303, 0xc028, 192, 112, 127 },  { 0x0303, 0xc028, 96, 16, 31 },    { 0x0303, 0xc014, 48, 0, 11 },
		{ 0x0301, 0xc014, 32, 0, 11 },
	};
	struct plain_length p;

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		assert_true(record_plain(known[i].version, known[i].cipher, known[i].length, &p));
		assert_int_equal(p.least, known[i].least);
		assert_int_equal(p.most, known[i].most);
	}
	assert_false(record_plain(0x0304, 0x1301, 16, &p));
	assert_false(record_plain(0x0303, 0xc030, 23, &p));
	assert_false(record_plain(0x0303, 0xc028, 60, &p));
	assert_false(record_plain(0x0303, 0x0005, 60, &p)); /* RC4 */
	assert_false(record_plain(0, 0, 60, &p));
}

/* --- dialogues by hand: TLS 1.3, plain lengths --- */

#define ADDS 17
#define FIRST_FRAME 10

struct line {
	char from;        /* 'C' or 'S'; 0 ends the list */
	uint16_t plain;
	int after;        /* milliseconds */
};

struct talk {
	const char *what; /* for messages */
	enum word_inside wanted;
	bool starttls;
	enum word_end ended;
	int end_after;
	struct line lines[20];
};

static struct rules *rules;

static int load_rules(void **state)
{
	(void)state;
	rules = rules_load("rules", stderr);
	return rules ? 0 : -1;
}

static int drop_rules(void **state)
{
	(void)state;
	rules_destroy(&rules);
	return 0;
}

static struct inside_case case_of(const struct talk *talk, struct tls_records **records)
{
	nanoseconds time = 0;

	for (int i = 0; talk->lines[i].from; i++) {
		const struct line *l = &talk->lines[i];
		time += l->after * MILLISECOND;
		records_add(records, RECORD_DATA, l->from == 'C' ? FROM_CLIENT : FROM_SERVER, (uint16_t)(l->plain + ADDS),
			    moment_at(time, (uint32_t)(FIRST_FRAME + i)));
	}
	return (struct inside_case){ .records = *records, .version = 0x0304, .cipher = 0x1302, .starttls = talk->starttls,
				     .began = moment_at(0, 0).time, .ended = talk->ended,
				     .end = moment_at(time + talk->end_after * MILLISECOND, 0).time };
}

static bool told(const struct talk *talk, struct inside *into)
{
	struct tls_records *records = NULL;
	struct inside_case c = case_of(talk, &records);
	bool is = infer(rules_inside(rules), &c, into);

	records_free(&records);
	return is;
}

static const struct talk talks[] = {
	{ "Dovecot refuses, the app leaves", WORD_inside_login_refused, false, WORD_end_client_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 52, 2000 } } },
	{ "Dovecot accepts, the app works and logs out", WORD_inside_success, false, WORD_end_server_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 404, 30 }, { 'C', 13, 1 }, { 'S', 80, 5 }, { 'C', 29, 1 }, { 'S', 262, 5 },
	    { 'C', 30, 1 }, { 'S', 9000, 12 }, { 'C', 10, 40 }, { 'S', 66, 4 } } },
	{ "an account check that logs out at once, accepted", WORD_inside_success, false, WORD_end_server_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 17, 1 }, { 'S', 170, 3 }, { 'C', 35, 2 }, { 'S', 407, 40 }, { 'C', 13, 1 }, { 'S', 68, 3 } } },
	{ "an account check that logs out at once, refused", WORD_inside_login_refused, false, WORD_end_server_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 17, 1 }, { 'S', 170, 3 }, { 'C', 35, 2 }, { 'S', 55, 2100 }, { 'C', 13, 1 }, { 'S', 47, 3 } } },
	{ "wrong, then right", WORD_inside_success, false, WORD_end_client_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 18, 1 }, { 'S', 170, 3 }, { 'C', 35, 2 }, { 'S', 56, 2100 }, { 'C', 37, 9000 }, { 'S', 408, 4000 },
	    { 'C', 20, 1 }, { 'S', 290, 5 }, { 'C', 26, 1 }, { 'S', 4000, 5 } } },
	{ "wrong three times", WORD_inside_login_refused, false, WORD_end_client_fin, 2,
	  { { 'S', 112, 1 }, { 'C', 18, 1 }, { 'S', 170, 3 }, { 'C', 35, 2 }, { 'S', 56, 2100 }, { 'C', 35, 10 }, { 'S', 56, 6000 },
	    { 'C', 35, 10 }, { 'S', 56, 10000 } } },
	{ "refused, and the app asks its user while the server waits", WORD_inside_login_refused, false, WORD_end_open, 60000,
	  { { 'S', 112, 1 }, { 'C', 35, 2 }, { 'S', 53, 2100 } } },
	{ "a login let in late, after refusals of others", WORD_inside_success, false, WORD_end_client_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 35, 2 }, { 'S', 405, 15000 }, { 'C', 14, 1 }, { 'S', 81, 3 }, { 'C', 20, 1 }, { 'S', 3000, 3 } } },
	{ "Courier refuses after 5 s, the app leaves", WORD_inside_login_refused, true, WORD_end_client_fin, 3,
	  { { 'C', 18, 1 }, { 'S', 183, 9 }, { 'C', 25, 1 }, { 'S', 24, 5030 } } },
	{ "Courier accepts, the app goes on", WORD_inside_success, true, WORD_end_client_fin, 3,
	  { { 'C', 18, 1 }, { 'S', 183, 9 }, { 'C', 25, 1 }, { 'S', 20, 70 }, { 'C', 21, 1 }, { 'S', 250, 9 }, { 'C', 27, 1 }, { 'S', 2500, 9 },
	    { 'C', 14, 1 }, { 'S', 70, 4 } } },
	{ "AUTHENTICATE with a continuation, refused", WORD_inside_login_refused, false, WORD_end_client_fin, 1,
	  { { 'S', 18, 1 }, { 'C', 17, 1 }, { 'S', 87, 5 }, { 'C', 25, 1 }, { 'S', 4, 5 }, { 'C', 34, 1 }, { 'S', 35, 3020 } } },
	{ "a token is refused: error, empty line, NO", WORD_inside_login_refused, false, WORD_end_client_fin, 1,
	  { { 'S', 63, 1 }, { 'C', 900, 2 }, { 'S', 100, 200 }, { 'C', 2, 1 }, { 'S', 59, 150 } } },
	{ "too many connections: a long NO, and the server closes", WORD_inside_connection_limit, false, WORD_end_server_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 99, 30 } } },
	{ "the login service is down", WORD_inside_temporary, false, WORD_end_client_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 91, 2000 } } },
	{ "Courier's login service is down", WORD_inside_temporary, false, WORD_end_server_fin, 1,
	  { { 'S', 272, 1 }, { 'C', 17, 1 }, { 'S', 191, 5 }, { 'C', 30, 1 }, { 'S', 49, 10 } } },
	{ "thrown out after half an hour", WORD_inside_autologout, false, WORD_end_server_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 404, 30 }, { 'C', 16, 1 }, { 'S', 290, 5 }, { 'C', 26, 1 }, { 'S', 4000, 5 },
	    { 'S', 36, 1800000 } } },
	{ "the login is never answered", WORD_inside_login_unanswered, false, WORD_end_client_fin, 60000,
	  { { 'S', 112, 1 }, { 'C', 17, 1 }, { 'S', 170, 3 }, { 'C', 40, 3 } } },
	{ "only looked at", WORD_inside_no_login, false, WORD_end_client_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 18, 1 }, { 'S', 170, 3 }, { 'C', 14, 1 }, { 'S', 48, 3 } } },
	{ "in IDLE for long, with signs of life", WORD_inside_success, false, WORD_end_open, 100000,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 404, 30 }, { 'C', 19, 1 }, { 'S', 290, 5 }, { 'C', 9, 1 }, { 'S', 10, 3 }, { 'S', 17, 120000 },
	    { 'S', 17, 120000 }, { 'C', 6, 60000 }, { 'S', 28, 3 }, { 'C', 9, 1 }, { 'S', 10, 3 } } },
	{ "the server hangs up after a command", WORD_inside_closed, false, WORD_end_server_fin, 1,
	  { { 'S', 112, 1 }, { 'C', 40, 3 }, { 'S', 404, 30 }, { 'C', 19, 1 }, { 'S', 290, 5 }, { 'C', 40, 1 }, { 'S', 900, 5 }, { 'C', 41, 1 } } },
};
#define TALKS ((int)(sizeof talks / sizeof *talks))

static void tells_dialogues(void **state)
{
	struct inside i;

	(void)state;
	for (int n = 0; n < TALKS; n++) {
		if (!told(&talks[n], &i))
			fail_msg("%s: nothing told", talks[n].what);
		if (i.what != talks[n].wanted)
			fail_msg("%s: %s (leans to %s, margin %d)", talks[n].what, enumeration_words(ENUM_inside)[i.what],
				 enumeration_words(ENUM_inside)[i.best.what], i.margin);
		assert_in_range(i.margin, rules_inside(rules)->threshold, 1000);
	}
}

/* What a first look is sure of, a whole one finds: the same login, let in by the same answer. It never tells of anything else. */
static void first_look_agrees(void **state)
{
	int glanced = 0;

	(void)state;
	for (int n = 0; n < TALKS; n++) {
		struct tls_records *records = NULL;
		struct inside_case c = case_of(&talks[n], &records);
		struct inside first, whole;
		if (infer_glance(rules_inside(rules), &c, &first)) {
			assert_true(infer(rules_inside(rules), &c, &whole));
			assert_int_equal(first.what, WORD_inside_success);
			assert_int_equal(whole.what, WORD_inside_success);
			assert_int_equal(first.login, whole.login);
			assert_int_equal(first.answer, whole.answer);
			glanced++;
		}
		records_free(&records);
	}
	assert_true(glanced >= 3);
}

/* OK and NO four bytes apart, of a server that is not known, and the app logs out whatever it was told. */
static void abstains_where_both_fit(void **state)
{
	const struct talk talk = { "", WORD_inside_unclear, false, WORD_end_client_fin, 1,
				   { { 'S', 40, 1 }, { 'C', 17, 1 }, { 'S', 100, 3 }, { 'C', 35, 2 }, { 'S', 26, 900 }, { 'C', 13, 1 }, { 'S', 50, 3 } } };
	struct inside i;

	(void)state;
	assert_true(told(&talk, &i));
	assert_int_equal(i.what, WORD_inside_unclear);
	assert_true(i.best.what == WORD_inside_success || i.best.what == WORD_inside_login_refused);
}

static void names_the_login_and_its_answer(void **state)
{
	struct inside i;

	(void)state;
	assert_true(told(&talks[5], &i)); /* wrong three times */
	assert_int_equal(i.refused, 3);
	assert_int_equal(i.login, 7);
	assert_int_equal(i.answer, 8);
	assert_int_equal(i.step[i.answer].at.frame, FIRST_FRAME + 8);
	assert_true(told(&talks[4], &i)); /* wrong, then right */
	assert_int_equal(i.refused, 1);
	assert_int_equal(i.answer, 6);
	assert_true(told(&talks[17], &i)); /* only looked at */
	assert_int_equal(i.login, -1);
	assert_int_equal(i.answer, -1);
}

static void says_what_decided(void **state)
{
	struct inside i;
	char says[200];

	(void)state;
	assert_true(told(&talks[0], &i));
	assert_true(i.terms > 0);
	assert_true(i.term[0].weight > 0);
	for (int n = 0; n < i.terms; n++)
		assert_true(strlen(infer_term_says(&i, n, says, sizeof says)) > 0);
	assert_non_null(strstr(infer_term_says(&i, 0, says, sizeof says), "login refused"));
}

/* What the server answered in another session turns an unclear one, to either side. */
static void other_sessions_count(void **state)
{
	const struct talk talk = { "", WORD_inside_unclear, false, WORD_end_client_fin, 1,
				   { { 'S', 40, 1 }, { 'C', 17, 1 }, { 'S', 100, 3 }, { 'C', 35, 2 }, { 'S', 26, 900 }, { 'C', 13, 1 }, { 'S', 50, 3 } } };
	struct tls_records *records = NULL;
	struct inside_case c = case_of(&talk, &records);
	struct answer known = { .length = 22, .whole = 26, .login = 35 };
	struct inside refused, accepted;

	(void)state;
	c.known = &known;
	c.known_count = 1;
	assert_true(infer(rules_inside(rules), &c, &refused));
	known.accepted = true;
	assert_true(infer(rules_inside(rules), &c, &accepted));
	assert_int_equal(refused.best.what, WORD_inside_login_refused);
	assert_int_equal(accepted.best.what, WORD_inside_success);
	assert_ptr_equal(accepted.best.like, &known);
	records_free(&records);
}

/* Towards a refusal. */
static double leaning(const struct inside *i)
{
	return i->best.what == WORD_inside_login_refused ? i->apart : -i->apart;
}

/* An answer unlike those that let others in, or unlike those that refused them, is the likelier of the other kind. */
static void unlike_answers_count(void **state)
{
	const struct talk talk = { "", WORD_inside_unclear, false, WORD_end_client_fin, 1,
				   { { 'S', 40, 1 }, { 'C', 17, 1 }, { 'S', 100, 3 }, { 'C', 35, 2 }, { 'S', 26, 900 }, { 'C', 13, 1 }, { 'S', 50, 3 } } };
	struct tls_records *records = NULL;
	struct inside_case c = case_of(&talk, &records);
	struct answer known = { .length = 90, .whole = 94, .login = 37 };
	struct inside without, unlike;

	(void)state;
	c.known = &known;
	assert_true(infer(rules_inside(rules), &c, &without));
	c.known_count = 1;
	assert_true(infer(rules_inside(rules), &c, &unlike));
	assert_true(leaning(&unlike) < leaning(&without));
	assert_null(unlike.best.like);
	known.accepted = true;
	assert_true(infer(rules_inside(rules), &c, &unlike));
	assert_true(leaning(&unlike) > leaning(&without));
	assert_null(unlike.best.like);
	records_free(&records);
}

/* A command after a refusal that is far shorter than the login was is no other login: the answer before it let the client in. */
static void shorter_logins_are_none(void **state)
{
	const struct talk talk = { "", WORD_inside_success, false, WORD_end_server_fin, 1,
				   { { 'S', 77, 60 }, { 'C', 18, 1 }, { 'S', 124, 13 }, { 'C', 60, 1 }, { 'S', 44, 1200 }, { 'C', 22, 1 }, { 'S', 310, 128 },
				     { 'C', 27, 1 }, { 'S', 1608, 126 }, { 'C', 14, 1 }, { 'S', 74, 13 } } };
	struct inside i;

	(void)state;
	assert_true(told(&talk, &i));
	assert_int_equal(i.what, WORD_inside_success);
	assert_int_equal(i.refused, 0);
	assert_int_equal(i.answer, 4);
}

static void tells_nothing_where_nothing_can_be_told(void **state)
{
	const struct talk empty = { .ended = WORD_end_open };
	struct tls_records *records = NULL;
	struct inside_case c = case_of(&talks[0], &records);
	struct inside i;

	(void)state;
	assert_false(told(&empty, &i));
	c.version = 0x0303;
	c.cipher = 0x0005; /* RC4: lengths are not known */
	assert_false(infer(rules_inside(rules), &c, &i));
	c.version = 0;
	assert_false(infer(rules_inside(rules), &c, &i));
	c.version = 0x0304;
	assert_true(infer(rules_inside(rules), &c, &i));
	records_add(&records, RECORD_HOLE, FROM_SERVER, 0, moment_at(SECOND, 30));
	c.records = records;
	assert_false(infer(rules_inside(rules), &c, &i));
	records_free(&records);
}

/* Tickets that came late, close_notify and key updates are no part of the dialogue. */
static void passes_over_what_is_no_dialogue(void **state)
{
	struct tls_records *records = NULL;
	struct inside i;

	(void)state;
	records_add(&records, RECORD_DATA, FROM_SERVER, 250, moment_at(0, 1));
	records_add(&records, RECORD_DATA, FROM_CLIENT, 18 + ADDS, moment_at(MILLISECOND, 2));
	records_add(&records, RECORD_DATA, FROM_SERVER, 250, moment_at(2 * MILLISECOND, 3));
	records_add(&records, RECORD_DATA, FROM_SERVER, 183 + ADDS, moment_at(9 * MILLISECOND, 4));
	records_add(&records, RECORD_DATA, FROM_CLIENT, 5 + ADDS, moment_at(10 * MILLISECOND, 5));
	records_add(&records, RECORD_DATA, FROM_CLIENT, 35 + ADDS, moment_at(11 * MILLISECOND, 6));
	records_add(&records, RECORD_DATA, FROM_SERVER, 56 + ADDS, moment_at(2 * SECOND, 7));
	records_add(&records, RECORD_NOTIFY, FROM_CLIENT, 19, moment_at(2 * SECOND, 8));
	struct inside_case c = { .records = records, .version = 0x0304, .cipher = 0x1302, .starttls = true, .ended = WORD_end_client_fin,
				 .end = moment_at(2 * SECOND, 8).time };
	assert_true(infer(rules_inside(rules), &c, &i));
	assert_int_equal(i.steps, 4);
	assert_int_equal(i.what, WORD_inside_login_refused);
	records_free(&records);
}

/* Anything may be in a timeline: no crash, no endless walk, a margin within its bounds. */
static void hostile_timelines_do_no_harm(void **state)
{
	uint64_t seed = 88172645463325252u;
	char *text;
	size_t len;

	(void)state;
	for (int n = 0; n < 400; n++) {
		struct tls_records *records = NULL;
		nanoseconds time = 0;
		struct inside i, first;
		for (int k = 0; k < 5 + n; k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			time += (nanoseconds)(seed >> 20 & 0xffffffff) * (seed & 7);
			records_add(&records, (enum record_kind)(seed >> 8 & 3) == RECORD_HOLE ? RECORD_DATA : (enum record_kind)(seed >> 8 & 3),
				    (enum direction)(seed >> 12 & 1), (uint16_t)(seed >> 16), moment_at(time, (uint32_t)k));
		}
		struct inside_case c = { .records = records, .version = n % 2 ? 0x0304 : 0x0303, .cipher = n % 3 ? 0xc030 : 0xc028,
					 .starttls = n % 5 == 0, .ended = (enum word_end)(n % ENDS), .end = moment_at(time, 0).time - n % 3 };
		if (infer(rules_inside(rules), &c, &i)) {
			assert_in_range(i.margin, 0, 1000);
			assert_in_range(i.steps, 1, INSIDE_STEPS);
			assert_true(!infer_glance(rules_inside(rules), &c, &first) || i.what == WORD_inside_success);
		}
		FILE *out = open_memstream(&text, &len);
		infer_explain(rules_inside(rules), &c, out);
		fclose(out);
		free(text);
		records_free(&records);
	}
}

static void meanings_and_phases_are_found_by_word(void **state)
{
	(void)state;
	assert_int_equal(meaning_by_word("greeting"), MEANS_greeting);
	assert_int_equal(meaning_by_word("logout"), MEANS_logout);
	assert_int_equal(meaning_by_word("hello"), -1);
	assert_int_equal(phase_by_word("ended"), PHASE_ended);
	assert_int_equal(phase_by_word(""), -1);
	assert_true(dialogue_step_of(PHASE_start, MEANS_greeting) >= 0);
	assert_int_equal(dialogue_step_of(PHASE_start, MEANS_no), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_each_record_and_its_moment),
		cmocka_unit_test(folds_a_burst_into_its_second_record),
		cmocka_unit_test(sums_up_the_middle_of_a_long_session),
		cmocka_unit_test(renames_what_turned_out_otherwise),
		cmocka_unit_test(odd_clocks_and_files_do_no_harm),
		cmocka_unit_test(tells_plain_lengths),
		cmocka_unit_test(tells_dialogues),
		cmocka_unit_test(first_look_agrees),
		cmocka_unit_test(abstains_where_both_fit),
		cmocka_unit_test(names_the_login_and_its_answer),
		cmocka_unit_test(says_what_decided),
		cmocka_unit_test(other_sessions_count),
		cmocka_unit_test(unlike_answers_count),
		cmocka_unit_test(shorter_logins_are_none),
		cmocka_unit_test(tells_nothing_where_nothing_can_be_told),
		cmocka_unit_test(passes_over_what_is_no_dialogue),
		cmocka_unit_test(hostile_timelines_do_no_harm),
		cmocka_unit_test(meanings_and_phases_are_found_by_word),
	};
	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
