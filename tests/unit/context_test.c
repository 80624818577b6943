/* Context: what other traffic proves, and that its tables stay bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "context.h"

static const struct hash_key key = { 1, 2 };

static struct endpoint end(const char *address, uint16_t port)
{
	struct endpoint e = { .port = port };

	assert_true(address_parse(address, &e.address));
	return e;
}

static struct moment at(nanoseconds seconds, uint32_t frame)
{
	return (struct moment){ seconds * SECOND, frame, 0 };
}

static struct context made(void)
{
	struct context c = { 0 };

	assert_true(context_init(&c, 4 << 20, key));
	return c;
}

struct asked {
	struct fact_view view[FACT_COUNT];
	struct other_proofs proofs;
};

static void ask(const struct context *c, const struct endpoint *client, const struct endpoint *server, const char *name, nanoseconds began,
		nanoseconds now, struct asked *into)
{
	memset(into->view, 0, sizeof into->view);
	context_complete(c, &(struct case_of){ client, server, name, 99, began * SECOND, now * SECOND }, into->view, &into->proofs);
}

static const struct other_proof *proof_of(const struct asked *a, enum fact_id id)
{
	for (int i = 0; i < a->proofs.count; i++)
		if (a->proofs.list[i].fact == id)
			return &a->proofs.list[i];
	return NULL;
}

static void life(struct context *c, const struct endpoint *client, const struct endpoint *server, bool served, nanoseconds seconds,
		 uint64_t session)
{
	hosts_alive(&c->hosts, &server->address, &(struct sign){ at(seconds, 7), session, *client, server->port, 60, served });
}

static void own_signs_prove_nothing(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), server = end("203.0.113.1", 993);
	struct asked a;

	(void)state;
	life(&c, &me, &server, true, 100, 1);
	ask(&c, &me, &server, NULL, 100, 110, &a);
	assert_false(a.view[FACT_HOST_ALIVE].set);
	context_reset(&c);
}

static void others_prove_life_and_are_named(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), second = end("192.0.2.1", 5001), other = end("192.0.2.2", 6000);
	struct endpoint server = end("203.0.113.1", 993), web = end("203.0.113.1", 443);
	struct asked a;

	(void)state;
	life(&c, &other, &web, false, 100, 0);
	ask(&c, &me, &server, NULL, 101, 110, &a);
	assert_true(a.view[FACT_HOST_ALIVE].set);
	assert_false(a.view[FACT_SERVICE_ALIVE].set);
	life(&c, &second, &server, true, 105, 2);
	ask(&c, &me, &server, NULL, 101, 110, &a);
	assert_true(a.view[FACT_SERVICE_ALIVE].set);
	assert_false(a.view[FACT_OTHERS_SERVED].set);
	life(&c, &other, &server, true, 106, 3);
	ask(&c, &me, &server, NULL, 101, 110, &a);
	assert_true(a.view[FACT_OTHERS_SERVED].set);
	assert_int_equal(proof_of(&a, FACT_OTHERS_SERVED)->session, 3);
	assert_true(address_same(&proof_of(&a, FACT_OTHERS_SERVED)->client, &other.address));
	/* Served only before the trouble: no proof that it was alive in it. */
	ask(&c, &me, &server, NULL, 107, 110, &a);
	assert_false(a.view[FACT_SERVICE_ALIVE].set);
	context_reset(&c);
}

static void one_busy_client_crowds_nobody_out(void **state)
{
	struct context c = made();
	struct endpoint server = end("203.0.113.1", 993), me = end("192.0.2.1", 5000), other = end("192.0.2.2", 6000);
	struct asked a;

	(void)state;
	life(&c, &other, &server, true, 100, 3);
	for (uint16_t i = 0; i < 500; i++) {
		struct endpoint more = end("192.0.2.1", (uint16_t)(7000 + i));
		life(&c, &more, &server, true, 101, 4);
	}
	ask(&c, &me, &server, NULL, 99, 110, &a);
	assert_true(a.view[FACT_OTHERS_SERVED].set);
	context_reset(&c);
}

static void tables_stay_bounded(void **state)
{
	struct context c = made();
	size_t before = context_bytes(&c);
	struct endpoint server = end("203.0.113.1", 993);
	char text[ADDRESS_TEXT];

	(void)state;
	assert_true(before <= 8 << 20);
	for (int i = 0; i < 50000; i++) {
		snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
		struct endpoint client = end(text, 1000), host = end(text, 993);
		life(&c, &client, &host, true, 100 + i, 1);
		context_worked(&c, &(struct case_of){ &client, &server, "mail.example.org", 1, (100 + i) * SECOND, (100 + i) * SECOND }, at(100 + i, 1));
		devices_login_refused(&c.devices, &client, &server, 1, at(100 + i, 1), 1);
		behind_syn(&c.behind, &(struct packet){ .at = at(100 + i, 1), .source = client.address, .destination = host.address, .ttl = 64 });
		families_tried(&c.families, &(struct named_service){ text, 993 }, &client.address, (100 + i) * SECOND);
		passing_syn(c.passing, &client, &host, (struct moment){ (100 * SECOND) + i, 1, 0 });
	}
	assert_int_equal(before, context_bytes(&c));
	/* What had to leave is counted; one service was never in anybody's way. */
	uint64_t forgotten[FORGOTTEN_KINDS] = { 0 };
	context_forgotten(&c, forgotten);
	assert_true(forgotten[FORGOTTEN_HOSTS] > 40000);
	assert_true(forgotten[FORGOTTEN_RACES] > 40000);
	assert_true(forgotten[FORGOTTEN_LOGINS] > 40000);
	assert_true(forgotten[FORGOTTEN_PASSING] > 40000);
	assert_true(forgotten[FORGOTTEN_BEHIND] > 40000);
	assert_true(forgotten[FORGOTTEN_FAMILIES] > 40000);
	assert_int_equal(forgotten[FORGOTTEN_DEVICES], 0);
	assert_int_equal(forgotten[FORGOTTEN_SERVICES], 0);
	context_reset(&c);
}

static void races_are_won_by_family_and_port(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), spare = end("192.0.2.1", 5001), server = end("203.0.113.1", 993);
	struct endpoint me6 = end("2001:db8::1", 5000), server6 = end("2001:db8::993", 993), other = end("192.0.2.9", 5001);
	struct asked a;

	(void)state;
	context_worked(&c, &(struct case_of){ &me, &server, "imap.example.org", 5, 100 * SECOND, 101 * SECOND }, at(101, 9));
	ask(&c, &spare, &server, "imap.example.org", 101, 110, &a);
	assert_true(a.view[FACT_RACE_WON].set);
	assert_false(a.view[FACT_OTHER_FAMILY].set);
	ask(&c, &me, &server, "imap.example.org", 100, 110, &a);
	assert_false(a.view[FACT_RACE_WON].set);
	ask(&c, &other, &server, "imap.example.org", 100, 110, &a);
	assert_false(a.view[FACT_RACE_WON].set);
	ask(&c, &me6, &server6, "imap.example.org", 99, 110, &a);
	assert_true(a.view[FACT_OTHER_FAMILY].set && a.view[FACT_RACE_WON].set);
	ask(&c, &me6, &server6, "other.example.org", 99, 110, &a);
	assert_false(a.view[FACT_OTHER_FAMILY].set);
	ask(&c, &me6, &server6, "imap.example.org", 120, 130, &a);
	assert_false(a.view[FACT_OTHER_FAMILY].set);
	context_reset(&c);
}

/* One connection after the other is no race, however soon. */
static void races_need_both_at_once(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), next = end("192.0.2.1", 5001), server = end("203.0.113.1", 993);
	struct case_of won = { &me, &server, "imap.example.org", 5, 100 * SECOND, 101 * SECOND, NULL };
	struct asked a;

	(void)state;
	context_worked(&c, &won, at(101, 9));
	context_closing(&c, &won, 102 * SECOND);
	ask(&c, &next, &server, "imap.example.org", 103, 110, &a);
	assert_false(a.view[FACT_RACE_WON].set);
	ask(&c, &next, &server, "imap.example.org", 102, 110, &a);
	assert_true(a.view[FACT_RACE_WON].set);
	ask(&c, &next, &server, "imap.example.org", 98, 110, &a);
	assert_true(a.view[FACT_RACE_WON].set);
	a.view[FACT_ENDED] = (struct fact_view){ WORD_end_client_fin, at(99, 3), FROM_CLIENT, true, true };
	a.view[FACT_RACE_WON].set = false;
	context_complete(&c, &(struct case_of){ &next, &server, "imap.example.org", 99, 98 * SECOND, 110 * SECOND, NULL }, a.view, &a.proofs);
	assert_false(a.view[FACT_RACE_WON].set);
	context_reset(&c);
}

static struct asked shaken(const struct context *c, const struct endpoint *client, const struct endpoint *server, const char *asked_for,
			   nanoseconds began)
{
	struct asked a;

	memset(a.view, 0, sizeof a.view);
	a.view[FACT_ESTABLISHED] = a.view[FACT_CLIENT_FINISHED] = (struct fact_view){ 1, at(began, 4), FROM_CLIENT, true, true };
	context_complete(c, &(struct case_of){ client, server, NULL, 99, began * SECOND, (began + 10) * SECOND, asked_for }, a.view, &a.proofs);
	return a;
}

static void certificates_are_taken_by_name(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), other = end("192.0.2.2", 5000), server = end("203.0.113.1", 993);
	struct case_of took = { &other, &server, NULL, 5, 100 * SECOND, 101 * SECOND, "mail.example.org" };
	struct fact_view view[FACT_COUNT] = { 0 };

	(void)state;
	view[FACT_CLIENT_FINISHED] = view[FACT_CLIENT_RECORDS] = view[FACT_WORKED] = (struct fact_view){ 1, at(100, 4), FROM_CLIENT, true, true };
	context_learn(&c, &took, view);
	struct asked a = shaken(&c, &me, &server, "mail.example.org", 105);
	assert_int_equal(proof_of(&a, FACT_CERTIFICATE_TAKEN)->session, 5);
	assert_true(shaken(&c, &me, &server, "mail.example.org", 95).view[FACT_CERTIFICATE_TAKEN].set);
	assert_false(shaken(&c, &me, &server, "mail.example.com", 105).view[FACT_CERTIFICATE_TAKEN].set);
	assert_false(shaken(&c, &me, &server, NULL, 105).view[FACT_CERTIFICATE_TAKEN].set);
	assert_false(shaken(&c, &me, &server, "mail.example.org", 900).view[FACT_CERTIFICATE_TAKEN].set);
	context_certificate_refused(&c, &took, 103 * SECOND);
	assert_false(shaken(&c, &me, &server, "mail.example.org", 105).view[FACT_CERTIFICATE_TAKEN].set);
	context_reset(&c);
}

static void who_comes_and_leaves_is_known(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), other = end("192.0.2.2", 5000), server = end("203.0.113.1", 993);
	struct fact_view view[FACT_COUNT] = { 0 };

	(void)state;
	view[FACT_ESTABLISHED] = (struct fact_view){ 1, at(100, 4), FROM_CLIENT, true, true };
	for (uint64_t i = 1; i <= 3; i++) {
		struct case_of left = { &me, &server, NULL, i, (100 + (nanoseconds)i) * SECOND, 110 * SECOND, NULL };
		view[FACT_ENDED] = (struct fact_view){ WORD_end_client_fin, at(100 + (nanoseconds)i, 6), FROM_CLIENT, true, true };
		context_learn(&c, &left, view);
		context_learn(&c, &left, view);
		assert_int_equal(shaken(&c, &me, &server, NULL, 105).view[FACT_LEAVES_OFTEN].set, i == 3);
	}
	assert_false(shaken(&c, &other, &server, NULL, 105).view[FACT_LEAVES_OFTEN].set);
	assert_false(shaken(&c, &me, &server, NULL, 200).view[FACT_LEAVES_OFTEN].set);
	context_reset(&c);
}

static void a_server_that_the_capture_never_shows(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), other = end("192.0.2.2", 5000), server = end("203.0.113.1", 143);
	struct fact_view view[FACT_COUNT] = { 0 };
	struct asked a;

	(void)state;
	view[FACT_ONE_SIDED] = (struct fact_view){ WORD_side_client, at(100, 4), FROM_CLIENT, true, true };
	context_learn(&c, &(struct case_of){ &other, &server, NULL, 5, 100 * SECOND, 101 * SECOND, NULL }, view);
	ask(&c, &me, &server, NULL, 104, 120, &a);
	assert_int_equal(proof_of(&a, FACT_SERVER_UNSEEN)->session, 5);
	ask(&c, &other, &server, NULL, 99, 120, &a);
	assert_false(a.view[FACT_SERVER_UNSEEN].set);
	life(&c, &me, &server, true, 110, 7);
	ask(&c, &me, &server, NULL, 104, 120, &a);
	assert_false(a.view[FACT_SERVER_UNSEEN].set);
	context_reset(&c);
}

static void refused_logins_count_until_one_is_accepted(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), server = end("203.0.113.1", 143);
	struct asked a;

	(void)state;
	devices_login_refused(&c.devices, &me, &server, 2, at(100, 3), 7);
	devices_login_refused(&c.devices, &me, &server, 1, at(110, 4), 8);
	ask(&c, &me, &server, NULL, 120, 125, &a);
	assert_int_equal(a.view[FACT_CLIENT_REFUSED_BEFORE].value, 3);
	assert_int_equal(proof_of(&a, FACT_CLIENT_REFUSED_BEFORE)->session, 8);
	/* Records both ways may be a refusal inside TLS: only an accepted login forgets. */
	context_worked(&c, &(struct case_of){ &me, &server, NULL, 9, 130 * SECOND, 130 * SECOND }, at(130, 5));
	ask(&c, &me, &server, NULL, 132, 135, &a);
	assert_int_equal(a.view[FACT_CLIENT_REFUSED_BEFORE].value, 3);
	devices_login_ok(&c.devices, &me, &server, 136 * SECOND);
	ask(&c, &me, &server, NULL, 140, 145, &a);
	assert_false(a.view[FACT_CLIENT_REFUSED_BEFORE].set);
	context_reset(&c);
}

static void stuck_until_somebody_gets_in(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), other = end("192.0.2.2", 5000), server = end("203.0.113.1", 143);
	struct fact_view view[FACT_COUNT] = { 0 };
	struct asked a;

	(void)state;
	view[FACT_ESTABLISHED] = (struct fact_view){ 1, at(100, 3), FROM_CLIENT, true, true };
	view[FACT_OWED].value = WORD_owed_greeting;
	view[FACT_WAITED].value = 5 * SECOND;
	context_learn(&c, &(struct case_of){ &other, &server, NULL, 5, 100 * SECOND, 105 * SECOND }, view);
	ask(&c, &me, &server, NULL, 103, 110, &a);
	assert_true(a.view[FACT_STUCK].set);
	context_worked(&c, &(struct case_of){ &other, &server, NULL, 6, 107 * SECOND, 107 * SECOND }, at(107, 5));
	ask(&c, &me, &server, NULL, 103, 110, &a);
	assert_false(a.view[FACT_STUCK].set);
	context_reset(&c);
}

static void handshakes_of_other_traffic(void **state)
{
	struct context c = made();
	struct endpoint me = end("192.0.2.1", 5000), mail = end("203.0.113.1", 993), web = end("203.0.113.2", 443), dead = end("203.0.113.3", 443);
	struct session_answers answers;
	struct asked a;

	(void)state;
	passing_syn(c.passing, &me, &web, (struct moment){ 100 * SECOND, 1, 0 });
	passing_synack(c.passing, &me, &web, (struct moment){ 100 * SECOND + 20 * MILLISECOND, 2, 0 });
	passing_syn(c.passing, &me, &dead, (struct moment){ 101 * SECOND, 3, 0 });
	passing_syn(c.passing, &me, &dead, (struct moment){ 102 * SECOND, 4, 0 });
	context_answers(&c, &(struct case_of){ &me, &mail, NULL, 9, 103 * SECOND, 110 * SECOND }, &answers);
	assert_int_equal(answers.answered, 1);
	assert_int_equal(answers.unanswered, 1);
	assert_int_equal(answers.rtt_least, 20000);
	assert_int_equal(answers.handshake_at.frame, 2);
	context_answers(&c, &(struct case_of){ &web, &mail, NULL, 9, 103 * SECOND, 110 * SECOND }, &answers);
	assert_int_equal(answers.answered, 0);
	web.port = 993;
	ask(&c, &me, &web, NULL, 103, 110, &a);
	assert_true(a.view[FACT_HOST_ALIVE].set);
	ask(&c, &me, &dead, NULL, 103, 110, &a);
	assert_false(a.view[FACT_HOST_ALIVE].set);
	context_reset(&c);
}

static int after_hellos(const char *order)
{
	struct behind b = { ageing_create(behind_record, 1 << 16, key) };
	struct endpoint me = end("192.0.2.1", 5000);
	char ja4[] = "t13d1516h2_a";

	for (const char *o = order; *o; o++) {
		ja4[sizeof ja4 - 2] = *o;
		behind_hello(&b, &me.address, ja4, (100 + (o - order)) * SECOND);
	}
	int devices = behind_devices(&b, &me.address);
	ageing_destroy(&b.table);
	return devices;
}

static void hellos_that_come_back_by_turns_are_devices(void **state)
{
	(void)state;
	assert_int_equal(after_hellos("aaaa"), 1);
	assert_int_equal(after_hellos("abab"), 1); /* two apps */
	assert_int_equal(after_hellos("aabbccdd"), 1); /* an app that was brought up to date */
	assert_int_equal(after_hellos("abcdabcd"), 2);
	assert_int_equal(after_hellos("abcdefghijklmnop"), 1); /* hellos that are never the same */
}

static bool segment(struct watch *w, const struct endpoint *from, const struct endpoint *to, nanoseconds ms, uint32_t seq, uint32_t len)
{
	const struct packet p = { .at = { ms * MILLISECOND, 1, 0 }, .transport = TRANSPORT_TCP, .source = from->address, .destination = to->address,
				  .source_port = from->port, .destination_port = to->port, .sequence = seq, .payload_wire = len };
	return watch_segment(w, &p);
}

static void loss_is_what_came_again_of_a_watched_device(void **state)
{
	struct watch *w = watch_create(key);
	struct endpoint me = end("192.0.2.1", 5000), other = end("192.0.2.2", 5000), web = end("2001:db8::80", 443);
	const uint32_t near_wrap = UINT32_MAX - 50;
	struct loss loss;

	(void)state;
	watch_begin(w, &me.address, 1000 * MILLISECOND);
	assert_true(segment(w, &web, &me, 2000, near_wrap, 100));
	assert_true(segment(w, &web, &me, 2020, near_wrap + 100, 100));
	segment(w, &web, &me, 2021, near_wrap + 100, 100); /* captured twice */
	segment(w, &web, &me, 2040, near_wrap + 300, 100);
	segment(w, &web, &me, 2041, near_wrap + 200, 100); /* out of order */
	segment(w, &web, &me, 2300, near_wrap + 399, 1);   /* keep-alive */
	segment(w, &other, &web, 2300, 7, 100);            /* somebody else's */
	assert_true(watch_loss(w, &me.address, &loss));
	assert_int_equal(loss.segments, 6);
	assert_int_equal(loss.retransmitted, 0);
	segment(w, &web, &me, 2400, near_wrap + 300, 100);
	segment(w, &me, &web, 2500, 1, 20);
	segment(w, &me, &web, 2700, 1, 20);
	assert_true(watch_loss(w, &me.address, &loss));
	assert_int_equal(loss.retransmitted, 2);
	assert_false(watch_loss(w, &other.address, &loss));
	/* Its time is over. */
	assert_false(segment(w, &web, &me, 700 * 1000, 1, 100));
	watch_destroy(&w);
}

static void who_is_watched_is_bounded(void **state)
{
	struct watch *w = watch_create(key);
	size_t before = watch_bytes(w);
	char text[ADDRESS_TEXT];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof text, "10.0.%d.%d", i >> 8, i & 255);
		struct endpoint me = end(text, 1000), web = end("203.0.113.80", 443);
		watch_begin(w, &me.address, (1000 + i) * MILLISECOND);
		segment(w, &me, &web, 1000 + i, 1, 10);
	}
	assert_int_equal(before, watch_bytes(w));
	assert_true(watch_overwritten(w) > 30000);
	watch_destroy(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_signs_prove_nothing),
		cmocka_unit_test(others_prove_life_and_are_named),
		cmocka_unit_test(one_busy_client_crowds_nobody_out),
		cmocka_unit_test(tables_stay_bounded),
		cmocka_unit_test(races_are_won_by_family_and_port),
		cmocka_unit_test(races_need_both_at_once),
		cmocka_unit_test(certificates_are_taken_by_name),
		cmocka_unit_test(who_comes_and_leaves_is_known),
		cmocka_unit_test(a_server_that_the_capture_never_shows),
		cmocka_unit_test(refused_logins_count_until_one_is_accepted),
		cmocka_unit_test(stuck_until_somebody_gets_in),
		cmocka_unit_test(handshakes_of_other_traffic),
		cmocka_unit_test(hellos_that_come_back_by_turns_are_devices),
		cmocka_unit_test(loss_is_what_came_again_of_a_watched_device),
		cmocka_unit_test(who_is_watched_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
