/* Look-ups: what each came to, when it is settled, and that none is lost or told twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lookups.h"

static const struct hash_key key = { 3, 5 };
static const struct endpoint resolver = { { .byte = { 192, 0, 2, 53 }, .family = 4 }, 53 };

static struct endpoint client(int n)
{
	return (struct endpoint){ { .byte = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }, .family = 4 }, 40000 };
}

static struct moment at(double seconds)
{
	return (struct moment){ (nanoseconds)((1000 + seconds) * 1e9), 1, 0 };
}

static void ask(struct lookups *l, int n, const char *name, double when)
{
	struct dns_message m = { .qtype = 1 };
	struct endpoint from = client(n);

	snprintf(m.name, sizeof m.name, "%s", name);
	lookups_message(l, &m, &from, &resolver, at(when));
}

static void answer(struct lookups *l, int n, const char *name, double when, uint8_t rcode)
{
	struct dns_message m = { .qtype = 1, .response = true, .rcode = rcode };
	struct endpoint to = client(n);

	snprintf(m.name, sizeof m.name, "%s", name);
	if (!rcode) {
		m.answers = 1;
		m.answer[0] = (struct address){ .byte = { 203, 0, 113, 7 }, .family = 4 };
	}
	lookups_message(l, &m, &resolver, &to, at(when));
}

struct settled {
	int count;
	uint8_t result;
};

static void count(void *context, struct lookup *k)
{
	struct settled *s = context;

	s->count++;
	s->result = k->result;
}

static struct settled settle(struct lookups *l, double when, bool at_end)
{
	struct settled s = { 0, 0 };

	lookups_settle(l, at(when).time, at_end, count, &s);
	return s;
}

static int set_up(void **state)
{
	*state = lookups_create(64, 64, key);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	lookups_destroy((struct lookups **)state);
	return 0;
}

static void test_a_refusal_settles_once(void **state)
{
	struct lookups *l = *state;

	ask(l, 1, "imap.example.org", 0);
	answer(l, 1, "imap.example.org", 0.1, 2);
	assert_int_equal(settle(l, 2, false).count, 0);
	struct settled s = settle(l, 4, false);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.result, WORD_lookup_servfail);
	assert_int_equal(settle(l, 5, false).count, 0);
	assert_int_equal(settle(l, 100, true).count, 0);
}

/* It worked a moment before: the next attempt stands for itself. */
static void test_a_name_that_was_answered_before_may_fail(void **state)
{
	struct lookups *l = *state;
	struct name_answer known;

	ask(l, 1, "imap.example.org", 0);
	answer(l, 1, "imap.example.org", 0.1, 0);
	ask(l, 1, "imap.example.org", 6);
	answer(l, 1, "imap.example.org", 6.1, 2);
	assert_int_equal(settle(l, 10, false).count, 1);
	/* A session begun in between is still known by the first. */
	const struct address server = { .byte = { 203, 0, 113, 7 }, .family = 4 };
	struct endpoint me = client(1);
	assert_true(lookups_answered(l, &me.address, &server, at(3).time, &known));
	assert_int_equal(known.asked, at(0).time);
	assert_false(lookups_answered(l, &me.address, &server, at(-1).time, &known));
}

static void test_the_same_question_at_once_is_no_new_attempt(void **state)
{
	struct lookups *l = *state;

	ask(l, 1, "imap.example.org", 0);
	answer(l, 1, "imap.example.org", 0.1, 0);
	ask(l, 1, "imap.example.org", 0.2);
	assert_int_equal(settle(l, 60, true).count, 0);
}

static void fails(struct lookups *l, const char *name, double when)
{
	ask(l, 1, name, when);
	answer(l, 1, name, when + 0.01, 3);
}

/* The library tries its search domains, too (resolv.conf(5)): one look-up, whichever form comes first. */
static void test_search_domains_are_one_lookup(void **state)
{
	struct lookups *l = *state;

	fails(l, "imap.example.org.branch.test", 0);
	fails(l, "imap.example.org.test", 0.1);
	fails(l, "imap.example.org", 0.2);
	fails(l, "imap.example.net", 1);
	fails(l, "imap.example.net.branch.test", 1.1);
	fails(l, "imap.example.netting", 1.2);
	assert_int_equal(settle(l, 60, true).count, 3);
}

static void test_an_answer_with_a_search_domain_is_an_answer(void **state)
{
	struct lookups *l = *state;

	fails(l, "mail.branch", 0);
	ask(l, 1, "mail.branch.example.org", 0.1);
	answer(l, 1, "mail.branch.example.org", 0.2, 0);
	assert_int_equal(settle(l, 60, true).count, 0);
}

/* A client that asks on and on has given up each time its library did. */
static void test_silence_is_told_though_it_is_asked_again(void **state)
{
	struct lookups *l = *state;

	for (int k = 0; k < 10; k++)
		ask(l, 1, "imap.example.org", 2 * k);
	assert_int_equal(settle(l, 10, false).count, 0);
	assert_int_equal(settle(l, 11, false).count, 1);
}

static void test_other_names_are_nobodys_business(void **state)
{
	struct lookups *l = *state;

	ask(l, 1, "www.example.org", 0);
	answer(l, 1, "www.example.org", 0.1, 3);
	assert_int_equal(settle(l, 60, true).count, 0);
}

static void test_an_unreachable_resolver(void **state)
{
	struct lookups *l = *state;
	struct endpoint me = client(1), other = client(2);

	ask(l, 1, "imap.example.org", 0);
	ask(l, 2, "imap.example.org", 0);
	answer(l, 2, "imap.example.org", 0.1, 0);
	lookups_unreachable(l, &me, &resolver, at(0.2));
	lookups_unreachable(l, &other, &resolver, at(0.2));
	struct settled s = settle(l, 10, false);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.result, WORD_lookup_resolver_unreachable);
}

/* Far more than the table holds, answered or not, forgotten and asked anew: what is told never exceeds what was asked. */
static void test_a_crowd(void **state)
{
	struct lookups *l = *state;
	uint32_t random = 1;
	int asked = 0, told = 0;

	for (int k = 0; k < 50000; k++) {
		random = random * 1664525 + 1013904223;
		int n = (int)(random >> 20) % 300;
		char name[40];
		snprintf(name, sizeof name, "imap%u.example.org", random >> 12 & 3);
		if (random >> 30) {
			ask(l, n, name, k / 50.0);
			asked++;
		} else {
			answer(l, n, name, k / 50.0, random >> 8 & 1 ? 3 : 0);
		}
		if (k % 50 == 0)
			told += settle(l, k / 50.0, false).count;
	}
	told += settle(l, 1100, true).count;
	assert_true(told > 0);
	assert_true(told <= asked);
	assert_int_equal(settle(l, 1200, true).count, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_refusal_settles_once), TEST(test_a_name_that_was_answered_before_may_fail),
		TEST(test_the_same_question_at_once_is_no_new_attempt), TEST(test_silence_is_told_though_it_is_asked_again),
		TEST(test_search_domains_are_one_lookup), TEST(test_an_answer_with_a_search_domain_is_an_answer),
		TEST(test_other_names_are_nobodys_business), TEST(test_an_unreachable_resolver), TEST(test_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
