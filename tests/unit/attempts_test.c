/* Lone SYNs: none is lost before the table's limit, all are counted beyond it, and a second capture is told from a second try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attempts.h"

#define SLOTS 4096

static const struct hash_key key = { 1, 2 };

static struct packet syn_of(uint32_t number)
{
	struct packet p = { .at = { 1000 + number, number + 1, 0 }, .transport = TRANSPORT_TCP, .source_port = 40000, .destination_port = 993,
			    .flags = TCP_SYN, .sequence = number, .ttl = 60, .ip_id = 7 };

	p.source = p.destination = (struct address){ .family = 4 };
	memcpy(p.source.byte, &number, 4);
	p.destination.byte[0] = 203;
	return p;
}

static struct ends ends_of_packet(const struct packet *p)
{
	return ends_of(key, &p->source, p->source_port, &p->destination, p->destination_port);
}

static void add(struct attempts *a, uint32_t number)
{
	struct packet p = syn_of(number);
	struct ends ends = ends_of_packet(&p);

	attempts_add(a, &ends, &p);
}

static bool take(struct attempts *a, uint32_t number, struct attempt *into)
{
	struct packet p = syn_of(number);
	struct ends answer = ends_of(key, &p.destination, p.destination_port, &p.source, p.source_port);

	return attempts_take(a, &answer, into);
}

static void the_table_grows_before_it_forgets(void **state)
{
	struct attempts *a = attempts_create(SLOTS, 16, key);
	size_t small = attempts_bytes(a);
	struct attempt attempt;

	(void)state;
	for (uint32_t i = 0; i < 250; i++)
		add(a, i);
	assert_true(attempts_bytes(a) > small);
	assert_int_equal(attempts_evicted(a), 0);
	for (uint32_t i = 0; i < 250; i++) {
		assert_true(take(a, i, &attempt));
		assert_int_equal(attempt.sequence, i);
		assert_int_equal(attempt.at.frame, i + 1);
		assert_false(take(a, i, &attempt));
	}
	attempts_destroy(&a);
}

static void sum(void *context, struct attempt_count *count, uint64_t sources)
{
	(void)sources;
	*(uint64_t *)context += count->count;
}

static void beyond_the_limit_all_are_counted(void **state)
{
	struct attempts *a = attempts_create(SLOTS, 16, key);
	uint64_t counted = 0;

	(void)state;
	for (uint32_t i = 0; i < 5 * SLOTS; i++)
		add(a, i);
	assert_true(attempts_bytes(a) <= SLOTS * (sizeof(struct attempt) + 4) + 16 * sizeof(struct attempt_count));
	assert_true(attempts_evicted(a) >= 3 * SLOTS);
	attempts_expire(a, INT64_MAX);
	attempts_each(a, sum, &counted);
	assert_int_equal(counted, 5 * SLOTS);
	attempts_destroy(&a);
}

static void a_second_capture_is_no_second_try(void **state)
{
	struct held_pool *pool = held_pool_create(4096);
	struct attempts *a = attempts_create(SLOTS, 16, key);
	struct packet p = syn_of(1);
	struct attempt attempt;

	(void)state;
	p.flags |= 0x40; /* a SYN that offers ECN */
	add(a, 1);
	assert_true(take(a, 1, &attempt));
	p.at.frame++;
	p.at.time += MILLISECOND;
	assert_true(attempt_duplicate(pool, &attempt, &p));
	p.at.frame++;
	p.ip_id++;
	assert_false(attempt_duplicate(pool, &attempt, &p));
	p.ip_id--;
	p.at.frame++;
	p.at.time += SECOND;
	assert_false(attempt_duplicate(pool, &attempt, &p));
	attempts_destroy(&a);
	held_pool_destroy(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_grows_before_it_forgets),
		cmocka_unit_test(beyond_the_limit_all_are_counted),
		cmocka_unit_test(a_second_capture_is_no_second_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
