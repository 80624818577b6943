/* What is packed comes back bit by bit: words of every kind, parts, a whole session; and nothing is lost where memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <stdlib.h>

#include "imap_state.h"
#include "pack.h"
#include "tcp_inside.h"
#include "tls.h"
#include "tracked.h"

/* Fails from the nth call on; 0: never. */
static unsigned fails_at, calls;
extern void *__libc_calloc(size_t n, size_t size);

void *calloc(size_t n, size_t size)
{
	return fails_at && ++calls >= fails_at ? NULL : __libc_calloc(n, size);
}

static uint64_t seed = 1;

static uint64_t roll(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed ^ seed >> 29;
}

/* Zeros, small numbers, times, differences of either sign around every length, anything. */
static uint64_t any_word(uint64_t reference)
{
	uint64_t bits = roll() % 65, mask = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1, r = roll();

	switch (roll() % 6) {
	case 0: return 0;
	case 1: return r & mask;
	case 2: return reference + (r & mask);
	case 3: return reference - (r & mask);
	case 4: return UINT64_MAX - (r & mask);
	default: return r;
	}
}

static void words_come_back(void **state)
{
	uint64_t in[64], out[64];
	struct packer *p = malloc(sizeof *p);
	static const uint64_t references[] = { 0, 1, 1795510800000000000, UINT64_MAX, (uint64_t)1 << 63 };

	(void)state;
	for (int round = 0; round < 50000; round++) {
		uint64_t reference = references[round % 5];
		size_t len = roll() % (sizeof in + 1);
		for (size_t i = 0; i < 64; i++)
			in[i] = any_word(i && roll() % 2 ? in[i - 1] : reference);
		pack_begin(p, reference);
		pack(p, in, len);
		assert_true(pack_end(p));
		assert_true(p->len <= len + len / 16 + 1);
		uint8_t *packed = malloc(p->len);
		size_t packed_len = p->len;
		memcpy(packed, p->bytes, packed_len);
		memset(out, 0x55, sizeof out);
		unpack_begin(p, reference, packed, packed_len);
		pack(p, out, len);
		assert_true(pack_end(p));
		assert_int_equal(p->len, packed_len);
		assert_memory_equal(in, out, len);
		for (size_t i = len; i < sizeof out; i++)
			assert_int_equal(((uint8_t *)out)[i], 0x55);
		free(packed);
	}
	free(p);
}

static void zeros_take_next_to_nothing(void **state)
{
	static const uint8_t zeros[640];
	struct packer *p = malloc(sizeof *p);

	(void)state;
	pack_begin(p, 1795510800000000000);
	pack(p, (void *)(uintptr_t)zeros, sizeof zeros);
	assert_int_equal(p->len, sizeof zeros / 16);
	free(p);
}

static void too_much_fails(void **state)
{
	struct packer *p = malloc(sizeof *p);
	void *part = malloc(PACK_MOST + 1);

	(void)state;
	memset(part, 0xa5, PACK_MOST + 1);
	pack_begin(p, 0);
	assert_ptr_equal(pack_part(p, part, PACK_MOST + 1, PACK_MOST + 1), part);
	assert_false(pack_end(p)); /* and the part is still there */
	free(part);
	free(p);
}

/* --- sessions --- */

static void fill(void *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)at)[i] = roll() % 3 ? 0 : (uint8_t)roll();
}

/* Any bytes that a session may hold, a time near the others where that is likely. */
static void make_up(struct tracked *t, struct session_shared *shared, bool full)
{
	struct session *s = tracked_begin(t, shared);
	size_t head = offsetof(struct session, tcp);

	fill((uint8_t *)s + head, sizeof *s - head);
	s->first.time = 1795510800000000000;
	s->tcp.trouble = full ? calloc(1, sizeof *s->tcp.trouble) : NULL;
	if (full) {
		fill(s->tcp.trouble, sizeof *s->tcp.trouble);
		s->tcp.trouble->resets = calloc(1, sizeof(struct reset_notes));
		fill(s->tcp.trouble->resets, sizeof(struct reset_notes));
	}
	s->facts = (struct facts){ calloc(full ? FACT_COUNT : 24, sizeof(struct fact)), full ? FACT_COUNT : 20, full ? FACT_COUNT : 24 };
	for (int i = 0; i < s->facts.count; i++) {
		fill(&s->facts.list[i], sizeof s->facts.list[i]);
		s->facts.list[i].id = (uint8_t)i;
		s->facts.list[i].from = roll() & 1;
	}
	s->imap = calloc(1, sizeof(struct imap_state));
	fill(s->imap, sizeof(struct imap_state));
	s->inner = full ? calloc(1, sizeof *s->inner) : NULL;
	if (full)
		fill(s->inner, sizeof *s->inner);
	s->tls = calloc(1, sizeof(struct tls_state));
	fill(s->tls, sizeof(struct tls_state));
	((struct tls_state *)s->tls)->records = NULL;
	for (int i = 0; i < (full ? RECORDS_MOST + 9 : 5); i++)
		records_add(&((struct tls_state *)s->tls)->records, RECORD_DATA, (enum direction)(i & 1), (uint16_t)roll(),
			    (struct moment){ s->first.time + i * SECOND, (uint32_t)roll(), 0 });
	s->counted = (uint32_t)shared->session_bytes;
	session_count(s);
}

struct copy {
	struct session session;
	struct trouble trouble;
	struct reset_notes resets;
	struct fact facts[FACT_COUNT];
	struct imap_state imap;
	struct tls_state tls;
	struct layer inner;
	uint8_t records[sizeof(struct tls_records) + RECORDS_MOST * sizeof(struct tls_record)];
};

/* All of it by value, the pointers to its parts left out. */
static struct copy *copy_of(const struct session *s)
{
	struct copy *c = calloc(1, sizeof *c);
	const struct tls_records *r = ((struct tls_state *)s->tls)->records;

	memcpy(&c->session, s, sizeof *s);
	if (s->tcp.trouble) {
		c->trouble = *s->tcp.trouble;
		c->resets = *c->trouble.resets;
	}
	memcpy(c->facts, s->facts.list, s->facts.count * sizeof *c->facts);
	memcpy(&c->imap, s->imap, sizeof c->imap);
	memcpy(&c->tls, s->tls, sizeof c->tls);
	memcpy(c->records, r, sizeof *r + r->count * sizeof *r->list);
	if (s->inner)
		memcpy(&c->inner, s->inner, sizeof c->inner);
	c->session.tcp.trouble = NULL;
	c->session.facts.list = NULL;
	c->session.imap = c->session.tls = NULL;
	c->session.inner = NULL;
	c->trouble.resets = NULL;
	c->tls.records = NULL;
	return c;
}

static void drop(struct tracked *t)
{
	struct session *s = t->session;

	if (s->tcp.trouble)
		free(s->tcp.trouble->resets);
	free(s->tcp.trouble);
	free(s->facts.list);
	free(s->imap);
	records_free(&((struct tls_state *)s->tls)->records);
	free(s->tls);
	free(s->inner);
	free(s);
}

static void session_comes_back(bool full)
{
	struct session_shared shared = { 0 };
	struct tracked t = { .flow = { .rank = RANK_LOGGED_IN } };

	make_up(&t, &shared, full);
	struct copy *before = copy_of(t.session);
	size_t bytes = shared.session_bytes;
	assert_true(bytes > sizeof *t.session + sizeof(struct imap_state) + sizeof(struct tls_state) + t.session->facts.room * sizeof(struct fact));
	for (int round = 0; round < 3; round++) {
		tracked_rest(&t);
		assert_null(t.session);
		assert_true(shared.session_bytes > 0 && shared.session_bytes < bytes);
		assert_int_equal(tracked_first(&t).time, before->session.first.time);
		struct session *s = tracked_wake(&t, &shared);
		assert_ptr_equal(s, t.session);
		assert_null(t.packed);
		assert_int_equal(shared.session_bytes, bytes);
		struct copy *after = copy_of(s);
		assert_memory_equal(before, after, sizeof *before);
		free(after);
	}
	assert_int_equal(shared.facts_lost, 0);
	assert_int_equal(shared.session_bytes_most, bytes);
	free(before);
	drop(&t);
}

static void sessions_come_back(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++)
		session_comes_back(i % 2);
}

/* Whichever allocation fails, the session rests on and can be woken later. */
static void memory_may_be_short(void **state)
{
	struct session_shared shared = { 0 };
	struct tracked t = { 0 };
	unsigned failed = 0;

	(void)state;
	make_up(&t, &shared, true);
	struct copy *before = copy_of(t.session);
	size_t bytes = shared.session_bytes;
	tracked_rest(&t);
	for (calls = 0, fails_at = 1; !tracked_wake(&t, &shared); calls = 0, fails_at++) {
		failed++;
		assert_non_null(t.packed);
	}
	fails_at = 0;
	assert_int_equal(failed, 7); /* trouble, resets, facts, IMAP, TLS, records, inner */
	assert_int_equal(shared.facts_lost, failed);
	assert_int_equal(shared.session_bytes, bytes);
	struct copy *after = copy_of(t.session);
	assert_memory_equal(before, after, sizeof *before);
	free(before);
	free(after);
	drop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words_come_back), cmocka_unit_test(zeros_take_next_to_nothing), cmocka_unit_test(too_much_fails),
					   cmocka_unit_test(sessions_come_back), cmocka_unit_test(memory_may_be_short) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
