/* A chained hash table over slabs of records, never grown past its limit, and the ranks in which flows leave. */
#include "table.h"

#include <stdlib.h>

#define SLAB_FLOWS 256

struct list {
	struct flow *newest, *oldest;
};

struct slab {
	struct slab *next;
};

struct flow_table {
	struct flow **bucket;
	size_t buckets, record, most, count, slabs;
	struct slab *slab;
	struct flow *free;
	struct list rank[RANK_COUNT];
	uint64_t evicted[RANK_COUNT];
	struct hash_key key;
	void (*leave)(void *context, struct flow *flow);
	void *context;
};

static size_t power_of_two(size_t n)
{
	size_t p = 1024;

	while (p < n && p < (size_t)1 << 24)
		p *= 2;
	return p;
}

struct flow_table *flow_table_create(size_t record_size, size_t most, struct hash_key key, void (*leave)(void *, struct flow *),
				     void *context)
{
	struct flow_table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	*t = (struct flow_table){ .buckets = power_of_two(most), .record = (record_size + 15) & ~(size_t)15, .most = most,
				  .key = key, .leave = leave, .context = context };
	t->bucket = calloc(t->buckets, sizeof *t->bucket);
	if (!t->bucket) {
		free(t);
		return NULL;
	}
	return t;
}

void flow_table_destroy(struct flow_table **table)
{
	if (!*table)
		return;
	while ((*table)->slab) {
		struct slab *next = (*table)->slab->next;
		free((*table)->slab);
		(*table)->slab = next;
	}
	free((*table)->bucket);
	free(*table);
	*table = NULL;
}

/* Made for every packet, so the quick keyed hash must do. An IPv4 end is a single word. */
static uint64_t end_hash(struct hash_key key, const struct address *a, uint16_t port)
{
	uint64_t word[2];
	uint32_t four;

	if (a->family == 4) {
		memcpy(&four, a->byte, sizeof four);
		return hash_fold(key.k0 ^ ((uint64_t)port << 32 | four), key.k1 ^ 0x9e3779b97f4a7c15u);
	}
	memcpy(word, a->byte, sizeof word);
	return hash_fold(hash_fold(key.k0 ^ word[0], key.k1 ^ word[1]) ^ port, key.k1 ^ 0xd6e8feb86659fd93u);
}

/* The same, whichever end stands first. */
static uint64_t ends_hash(struct hash_key key, const struct address *a, uint16_t a_port, const struct address *b, uint16_t b_port)
{
	return hash_fold(end_hash(key, a, a_port) + end_hash(key, b, b_port), key.k1 | 1);
}

struct ends ends_of(struct hash_key key, const struct address *a, uint16_t a_port, const struct address *b, uint16_t b_port)
{
	return (struct ends){ a, b, a_port, b_port, ends_hash(key, a, a_port, b, b_port) };
}

static size_t bucket_of(const struct flow_table *t, const struct flow *f)
{
	return ends_hash(t->key, &f->client.address, f->client.port, &f->server.address, f->server.port) & (t->buckets - 1);
}

/* 0: that end it is. */
static inline uint64_t apart(const struct endpoint *e, const struct address *a, uint16_t port)
{
	uint64_t known[2], asked[2];

	memcpy(known, e->address.byte, sizeof known);
	memcpy(asked, a->byte, sizeof asked);
	return (known[0] ^ asked[0]) | (known[1] ^ asked[1]) | (uint64_t)(e->address.family ^ a->family) | (uint64_t)(e->port ^ port);
}

/* Which way round a packet goes nothing foretells: both are tried without a branch between. */
static inline bool is_between(const struct flow *f, const struct ends *e)
{
	uint64_t there = apart(&f->client, e->a, e->a_port) | apart(&f->server, e->b, e->b_port);
	uint64_t back = apart(&f->client, e->b, e->b_port) | apart(&f->server, e->a, e->a_port);

	return !there | !back;
}

void flow_expect(const struct flow_table *t, const struct ends *e)
{
	__builtin_prefetch(&t->bucket[e->hash & (t->buckets - 1)]);
}

struct flow *flow_find(struct flow_table *t, const struct ends *e)
{
	for (struct flow *f = t->bucket[e->hash & (t->buckets - 1)]; f; f = f->chain)
		if (is_between(f, e))
			return f;
	return NULL;
}

static void list_out(struct flow_table *t, struct flow *f)
{
	struct list *l = &t->rank[f->rank];

	*(f->newer ? &f->newer->older : &l->newest) = f->older;
	*(f->older ? &f->older->newer : &l->oldest) = f->newer;
}

static void list_in(struct flow_table *t, struct flow *f)
{
	struct list *l = &t->rank[f->rank];

	f->newer = NULL;
	f->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = f;
	l->newest = f;
}

bool flow_evict(struct flow_table *t)
{
	for (int rank = 0; rank < RANK_COUNT; rank++)
		if (t->rank[rank].oldest) {
			t->evicted[rank]++;
			t->leave(t->context, t->rank[rank].oldest);
			return true;
		}
	return false;
}

static bool more_records(struct flow_table *t)
{
	struct slab *slab = malloc(sizeof *slab + 16 + SLAB_FLOWS * t->record);

	if (!slab)
		return false;
	slab->next = t->slab;
	t->slab = slab;
	t->slabs++;
	char *at = (char *)slab + 16;
	for (int i = 0; i < SLAB_FLOWS; i++, at += t->record) {
		struct flow *f = (struct flow *)(void *)at;
		f->chain = t->free;
		t->free = f;
	}
	return true;
}

struct flow *flow_add(struct flow_table *t, const struct endpoint *client, const struct endpoint *server, enum flow_rank rank)
{
	while (t->count >= t->most)
		if (!flow_evict(t))
			return NULL;
	if (!t->free && !more_records(t) && (!flow_evict(t) || !t->free))
		return NULL;
	struct flow *f = t->free;
	t->free = f->chain;
	memset(f, 0, t->record);
	f->client = *client;
	f->server = *server;
	f->rank = (uint8_t)rank;
	size_t b = bucket_of(t, f);
	f->chain = t->bucket[b];
	t->bucket[b] = f;
	list_in(t, f);
	t->count++;
	return f;
}

void flow_remove(struct flow_table *t, struct flow *f)
{
	size_t b = bucket_of(t, f);
	struct flow **link = &t->bucket[b];

	while (*link != f)
		link = &(*link)->chain;
	*link = f->chain;
	list_out(t, f);
	f->chain = t->free;
	t->free = f;
	t->count--;
}

void flow_rank(struct flow_table *t, struct flow *f, enum flow_rank rank)
{
	if (f->rank == rank)
		return;
	list_out(t, f);
	f->rank = (uint8_t)rank;
	list_in(t, f);
}

void flow_touch(struct flow_table *t, struct flow *f)
{
	if (t->rank[f->rank].newest == f)
		return;
	list_out(t, f);
	list_in(t, f);
}

size_t flow_count(const struct flow_table *t)
{
	return t->count;
}

size_t flow_bytes(const struct flow_table *t)
{
	return t->buckets * sizeof *t->bucket + t->slabs * (SLAB_FLOWS * t->record + 32);
}

uint64_t flow_evicted(const struct flow_table *t, enum flow_rank rank)
{
	return t->evicted[rank];
}

void flow_each(struct flow_table *t, void (*call)(void *, struct flow *), void *context)
{
	for (int rank = 0; rank < RANK_COUNT; rank++)
		for (struct flow *f = t->rank[rank].oldest, *next; f; f = next) {
			next = f->newer;
			call(context, f);
		}
}
