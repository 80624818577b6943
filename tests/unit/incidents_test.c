/* Incidents as sessions tell them: whom a fault hits, when it is told, and within what memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "places.h"

#define ROOM ((size_t)8 << 20)
#define MOST 64

static const struct hash_key key = { 7, 11 };
static const struct fault refused = { .class = "reset", .mechanism = "connection_refused", .kind = FAULT_SERVICE, .of_server = true };
static const struct fault silent = { .class = "timeout", .mechanism = "connect_timeout", .kind = FAULT_SERVICE };
static const struct fault login = { .class = "auth_failure", .mechanism = "invalid_credentials", .kind = FAULT_LOGIN };
static const struct fault banned = { .class = "firewall_block", .mechanism = "client_banned", .kind = FAULT_SERVICE, .of_device = true };

/* The documents told, the newest of each incident last. */
struct heard {
	struct incident_told told[MOST];
	char mechanism[MOST][32];
	int count;
};

static void hear(void *context, const struct incident_told *told)
{
	struct heard *h = context;

	assert_true(h->count < MOST);
	strcpy(h->mechanism[h->count], told->fault->mechanism);
	h->told[h->count++] = *told;
}

static struct address v4(int c, int d)
{
	return (struct address){ .byte = { 10, (uint8_t)(d >> 8), (uint8_t)c, (uint8_t)d }, .family = 4 };
}

/* Client `n` of network `net` at server `server` (its port 993), at so many seconds. */
static struct incident_session at(int seconds, int net, int n, int server)
{
	static const char *const names[] = { NULL, "imap.one.example", "imap2.one.example", "mail.two.example" };
	nanoseconds time = (nanoseconds)(1000000 + seconds) * SECOND;

	return (struct incident_session){ .client = { v4(net, n), 40000 }, .server = { v4(250, server), 993 },
					  .name = server < 4 ? names[server] : NULL, .began = time - SECOND / 2, .at = time,
					  .proof = { time, (uint32_t)(seconds * 1000 + n), 0 }, .session = (uint64_t)(net * 100000 + n * 100 + seconds + 1) };
}

struct test {
	struct incidents *incidents;
	struct heard heard;
};

static int set_up(void **state)
{
	struct test *t = calloc(1, sizeof *t);

	t->incidents = incidents_create(ROOM, key, hear, &t->heard);
	*state = t;
	return t->incidents ? 0 : -1;
}

static int tear_down(void **state)
{
	struct test *t = *state;

	incidents_destroy(&t->incidents);
	free(t);
	return 0;
}

static uint64_t hit(struct test *t, struct incident_session s, const struct fault *fault)
{
	return incidents_hit(t->incidents, &s, fault);
}

static void served(struct test *t, struct incident_session s)
{
	incidents_served(t->incidents, &s);
}

static const struct incident_told *last(const struct test *t)
{
	assert_true(t->heard.count > 0);
	return &t->heard.told[t->heard.count - 1];
}

static void look(struct test *t, int seconds)
{
	incidents_look(t->incidents, (nanoseconds)(1000000 + seconds) * SECOND);
}

static void end(struct test *t, int seconds)
{
	incidents_end(t->incidents, (nanoseconds)(1000000 + seconds) * SECOND);
}

static void expect(const struct test *t, enum incident_scope scope, enum incident_state state, uint32_t clients, uint32_t others)
{
	const struct incident_told *told = last(t);

	assert_int_equal(told->scope, scope);
	assert_int_equal(told->state, state);
	assert_int_equal(told->clients_hit, clients);
	assert_int_equal(told->clients_served, others);
}

static void test_three_clients_make_one(void **state)
{
	struct test *t = *state;

	assert_int_equal(hit(t, at(10, 1, 1, 1), &refused), 0);
	assert_int_equal(hit(t, at(11, 1, 2, 1), &refused), 0);
	assert_int_equal(t->heard.count, 0);
	uint64_t id = hit(t, at(12, 1, 3, 1), &refused);
	assert_int_not_equal(id, 0);
	expect(t, SCOPE_SERVER, INCIDENT_OPEN, 3, 0);
	assert_int_equal(last(t)->since, at(10, 1, 1, 1).began);
	assert_int_equal(last(t)->first.frame, 10001);
	assert_int_equal(hit(t, at(13, 1, 4, 1), &refused), id);
}

/* Verdicts come late: all were served again before the first of their failures is told. */
static void test_an_outage_told_after_it_is_over(void **state)
{
	struct test *t = *state;

	for (int n = 1; n <= 5; n++)
		served(t, at(30 + n, 1, n, 1));
	for (int n = 1; n <= 5; n++)
		hit(t, at(10 + n, 1, n, 1), &refused);
	expect(t, SCOPE_SERVER, INCIDENT_OPEN, 3, 0);
	look(t, 120);
	expect(t, SCOPE_SERVER, INCIDENT_CLOSED, 5, 0);
}

/* Each is served again before the next one fails: no fault is shared. */
static void test_troubles_one_after_another(void **state)
{
	struct test *t = *state;

	for (int n = 1; n <= 40; n++) {
		hit(t, at(20 * n, 1, n, 1), &refused);
		served(t, at(20 * n + 10, 1, n, 1));
	}
	end(t, 1000);
	assert_int_equal(t->heard.count, 0);
}

/* Three kinds of trouble are none that is shared. */
static void test_each_another_fault(void **state)
{
	static const struct fault hangs = { .class = "timeout", .mechanism = "auth_timeout", .kind = FAULT_SERVICE, .of_server = true };
	static const struct fault closes = { .class = "server_refusal", .mechanism = "closed_by_server", .kind = FAULT_SERVICE, .of_server = true };
	const struct fault *const faults[] = { &refused, &hangs, &closes };
	struct test *t = *state;

	for (int n = 0; n < 6; n++)
		assert_int_equal(hit(t, at(10 + n, 1, n, 1), faults[n % 3]), 0);
	assert_int_not_equal(hit(t, at(17, 1, 9, 1), faults[1]), 0);
	expect(t, SCOPE_SERVER, INCIDENT_OPEN, 7, 0);
	assert_string_equal(t->heard.mechanism[0], "auth_timeout");
}

static void test_few_of_many(void **state)
{
	struct test *t = *state;

	hit(t, at(10, 1, 1, 1), &silent);
	for (int n = 10; n < 40; n++)
		served(t, at(12, 1, n, 1));
	for (int n = 2; n <= 6; n++)
		hit(t, at(13, 1, n, 1), &silent);
	assert_int_equal(t->heard.count, 0);
}

/* More clients than any fixed table holds, each once more than twice: each counts once, and half of them must be back. */
static void test_a_crowd(void **state)
{
	struct test *t = *state;

	for (int round = 0; round < 3; round++)
		for (int n = 1; n <= 900; n++)
			hit(t, at(10 + round, 1, n, 1), &refused);
	for (int n = 1; n <= 440; n++)
		served(t, at(20, 1, n, 1));
	look(t, 100);
	assert_int_not_equal(last(t)->state, INCIDENT_CLOSED);
	for (int n = 441; n <= 460; n++)
		served(t, at(101, 1, n, 1));
	look(t, 120);
	expect(t, SCOPE_SERVER, INCIDENT_CLOSED, 900, 0);
	assert_int_equal(last(t)->sessions_hit, 2700);
}

static void test_who_is_served_after_it_is_no_denominator(void **state)
{
	struct test *t = *state;

	for (int n = 1; n <= 4; n++)
		hit(t, at(10 + 2 * n, 1, n, 1), &silent);
	served(t, at(15, 2, 1, 1));
	served(t, at(25, 2, 2, 1));
	for (int n = 1; n <= 4; n++)
		served(t, at(30, 1, n, 1));
	look(t, 100);
	expect(t, SCOPE_NETWORK, INCIDENT_CLOSED, 4, 1);
	assert_int_equal(last(t)->client_bits, 24);
}

static void test_a_provider_takes_its_server_in(void **state)
{
	struct test *t = *state;
	uint64_t id = 0;

	for (int n = 1; n <= 4; n++)
		id = hit(t, at(10 + n, 1, n, 1), &refused);
	hit(t, at(20, 1, 5, 2), &refused);
	assert_int_equal(hit(t, at(21, 1, 6, 2), &refused), id);
	expect(t, SCOPE_PROVIDER, INCIDENT_GROWN, 6, 0);
	assert_int_equal(last(t)->id, id);
	assert_string_equal(last(t)->domain, "one.example");
	assert_int_equal(last(t)->first.frame, 11001);
}

/* One client in trouble at another provider does not make it everybody's. */
static void test_everyone(void **state)
{
	struct test *t = *state;
	uint64_t id = 0;

	for (int n = 1; n <= 4; n++)
		id = hit(t, at(10 + n, 1, n, 1), &silent);
	hit(t, at(20, 2, 5, 3), &silent);
	assert_int_equal(last(t)->scope, SCOPE_SERVER);
	assert_int_equal(hit(t, at(21, 2, 6, 3), &silent), id);
	expect(t, SCOPE_EVERYONE, INCIDENT_GROWN, 6, 0);
}

static void test_not_everyone_where_somebody_is_served(void **state)
{
	struct test *t = *state;

	for (int n = 1; n <= 4; n++)
		hit(t, at(10 + n, 1, n, 1), &silent);
	served(t, at(15, 3, 9, 7));
	for (int n = 5; n <= 8; n++)
		hit(t, at(20, 2, n, 3), &silent);
	assert_int_equal(last(t)->scope, SCOPE_SERVER);
}

/* Servers that refuse are reached: the way to them is no common cause. */
static void test_not_everyone_where_servers_answer(void **state)
{
	struct test *t = *state;
	uint64_t one = 0, two = 0;

	for (int n = 1; n <= 4; n++)
		one = hit(t, at(10 + n, 1, n, 1), &refused);
	for (int n = 5; n <= 8; n++)
		two = hit(t, at(20, 2, n, 3), &refused);
	assert_int_not_equal(one, two);
	assert_int_equal(last(t)->scope, SCOPE_SERVER);
}

/* Both were told before it showed that they are one: the younger ends as a part of the wider. */
static void test_two_that_turn_out_to_be_one(void **state)
{
	struct test *t = *state;
	uint64_t one = 0, two = 0;

	/* At the provider as a whole too few are hit as yet. */
	struct incident_session other = at(9, 3, 1, 5);
	other.name = "old.one.example";
	for (int n = 1; n <= 40; n++) {
		other.client.address = v4(3, 100 + n);
		other.at = at(10, 0, 0, 0).at;
		served(t, other);
	}
	for (int n = 1; n <= 4; n++)
		one = hit(t, at(10, n % 2, n, 1), &refused);
	for (int n = 5; n <= 8; n++)
		two = hit(t, at(10, n % 2, n, 2), &refused);
	assert_int_not_equal(one, two);
	for (int n = 9; n <= 45; n++)
		hit(t, at(11, n % 2, n, 1 + n % 3 % 2), &refused);
	look(t, 12);
	expect(t, SCOPE_PROVIDER, INCIDENT_GROWN, last(t)->clients_hit, 40);
	assert_int_equal(last(t)->id, one);
	bool ended = false;
	for (int i = 0; i < t->heard.count; i++)
		ended |= t->heard.told[i].id == two && t->heard.told[i].state == INCIDENT_CLOSED && t->heard.told[i].part_of == one;
	assert_true(ended);
}

static void test_an_account_on_several_devices(void **state)
{
	struct test *t = *state;

	for (int n = 1; n <= 3; n++) {
		struct incident_session s = at(10 + n, n, n, 1);
		s.user = 77;
		hit(t, s, &login);
	}
	expect(t, SCOPE_ACCOUNT, INCIDENT_OPEN, 3, 0);
	assert_int_equal(last(t)->user, 77);
	/* Another account is another incident, and three users who mistype are none. */
	for (int n = 10; n < 20; n++) {
		struct incident_session s = at(20, n, n, 1);
		s.user = (uint64_t)n;
		assert_int_equal(hit(t, s, &login), 0);
	}
}

static void test_one_device_that_guesses(void **state)
{
	struct test *t = *state;

	for (int n = 1; n <= 5; n++) {
		struct incident_session s = at(10 + n, 1, 1, 1);
		s.user = (uint64_t)n;
		hit(t, s, &login);
	}
	expect(t, SCOPE_UNKNOWN, INCIDENT_OPEN, 1, 0);
	served(t, at(16, 1, 8, 1));
	served(t, at(17, 1, 9, 1));
	look(t, 30);
	expect(t, SCOPE_DEVICE, INCIDENT_GROWN, 1, 2);
}

static void test_a_ban_takes_the_refusals_in(void **state)
{
	struct test *t = *state;
	uint64_t id = 0;

	for (int n = 1; n <= 6; n++) {
		struct incident_session s = at(10 + n, 1, 1, 1);
		s.user = 5;
		id = hit(t, s, &login);
	}
	assert_int_equal(hit(t, at(20, 1, 1, 1), &banned), id);
	assert_string_equal(t->heard.mechanism[t->heard.count - 1], "client_banned");
	assert_int_equal(last(t)->id, id);
}

static void test_memory_is_bounded(void **state)
{
	struct heard heard = { .count = 0 };
	struct incidents *i = incidents_create(1 << 20, key, hear, &heard);

	(void)state;
	for (int n = 0; n < 200000; n++) {
		struct incident_session s = at(n / 100, n % 200, n, 10 + n % 40);
		s.server.address.byte[1] = (uint8_t)(n >> 10);
		incidents_served(i, &s);
		if (n % 7 == 0)
			incidents_hit(i, &s, &silent);
		heard.count = 0;
	}
	assert_true(incidents_bytes(i) <= (1 << 20) + (1 << 16));
	assert_true(incidents_evicted(i) > 0);
	incidents_destroy(&i);
}

static void test_domains(void **state)
{
	static const char *const names[][2] = { { "imap.example.org", "example.org" }, { "example.org", "example.org" }, { "localhost", "localhost" },
						{ "a.imap.example.co.uk", "example.co.uk" }, { "example.co.uk", "example.co.uk" },
						{ "imap.gmx.de", "gmx.de" }, { "imap.mail.com.au", "mail.com.au" }, { "", "" } };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_string_equal(domain_of(names[i][0]), names[i][1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_three_clients_make_one), TEST(test_an_outage_told_after_it_is_over), TEST(test_troubles_one_after_another),
		TEST(test_each_another_fault), TEST(test_few_of_many), TEST(test_a_crowd), TEST(test_who_is_served_after_it_is_no_denominator),
		TEST(test_a_provider_takes_its_server_in), TEST(test_everyone), TEST(test_not_everyone_where_somebody_is_served),
		TEST(test_not_everyone_where_servers_answer), TEST(test_two_that_turn_out_to_be_one), TEST(test_an_account_on_several_devices),
		TEST(test_one_device_that_guesses), TEST(test_a_ban_takes_the_refusals_in), cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
