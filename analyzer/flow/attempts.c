/* A four-way bucket table of SYNs that grows up to its limit, and a count for each server of those that stayed alone. */
#include "attempts.h"

#include <math.h>
#include <stdlib.h>

#define WAYS 4
#define ARRIVING 16
#define BUCKETS_LEAST 64

/* What is looked at first stands apart from the slots, small enough to stay in the cache under a flood. */
struct bucket {
	uint16_t tag[WAYS]; /* of the ends' hash; 0: free */
	uint16_t next;      /* the way that was filled longest ago */
};

struct attempts {
	struct bucket *bucket;
	struct attempt *slot;
	size_t buckets, most;
	/* The newest SYNs wait here until their slots, which lie far off under a flood, have come near. */
	struct attempt arriving[ARRIVING];
	uint64_t arriving_hash[ARRIVING];
	uint16_t arriving_tag[ARRIVING]; /* 0: free */
	unsigned arrived;
	struct attempt_count *newest; /* counted last: a flood has one server */
	struct attempt_count *server;
	size_t servers;
	uint64_t evicted, uncounted;
	struct hash_key key;
};

struct attempts *attempts_create(size_t slots, size_t servers, struct hash_key key)
{
	struct attempts *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	*a = (struct attempts){ .buckets = BUCKETS_LEAST, .most = BUCKETS_LEAST, .servers = servers, .key = key };
	while (a->most * WAYS * 2 <= slots)
		a->most *= 2;
	a->bucket = calloc(a->buckets, sizeof *a->bucket);
	a->slot = calloc(a->buckets * WAYS, sizeof *a->slot);
	a->server = calloc(servers, sizeof *a->server);
	if (!a->bucket || !a->slot || !a->server)
		attempts_destroy(&a);
	return a;
}

void attempts_destroy(struct attempts **attempts)
{
	if (!*attempts)
		return;
	free((*attempts)->bucket);
	free((*attempts)->slot);
	free((*attempts)->server);
	free(*attempts);
	*attempts = NULL;
}

/* Where attempts between two ends are, either way round. */
struct place {
	size_t bucket;
	uint16_t tag;
};

static struct place place_of(const struct attempts *a, uint64_t hash)
{
	return (struct place){ hash & (a->buckets - 1), (uint16_t)(hash >> 48 | 1) };
}

static struct attempt_count *count_of(struct attempts *a, const struct endpoint *server)
{
	uint64_t h = hash_bytes(a->key, server->address.byte, 16) ^ server->port;

	for (size_t i = 0; i < a->servers; i++) {
		struct attempt_count *c = &a->server[(h + i) % a->servers];
		if (c->count == 0) {
			c->server = *server;
			return c;
		}
		if (c->server.port == server->port && address_same(&c->server.address, &server->address))
			return c;
		if (i == 16)
			return NULL;
	}
	return NULL;
}

static void stayed_alone(struct attempts *a, const struct attempt *attempt)
{
	struct attempt_count *c = a->newest;

	if (!c || c->server.port != attempt->server.port || !address_same(&c->server.address, &attempt->server.address))
		a->newest = c = count_of(a, &attempt->server);
	if (!c) {
		a->uncounted++;
		return;
	}
	if (c->count++ == 0 || attempt->at.time < c->first.time)
		c->first = attempt->at;
	if (attempt->at.time >= c->last.time)
		c->last = attempt->at;
	uint64_t h = hash_bytes(a->key, attempt->client.address.byte, 16);
	uint8_t rank = (uint8_t)(__builtin_ctzll(h >> 8 | (uint64_t)1 << 55) + 1);
	if (rank > c->registers[h & 255])
		c->registers[h & 255] = rank;
}

static void keep(struct attempt *slot, const struct packet *p)
{
	*slot = (struct attempt){
		.client = { p->source, p->source_port }, .server = { p->destination, p->destination_port }, .at = p->at,
		.sequence = p->sequence, .timestamp = p->timestamp, .window = p->window, .mss = p->mss, .ip_id = p->ip_id,
		.encapsulation = p->encapsulation, .ttl = p->ttl, .window_scale = p->window_scale,
		.has_timestamps = p->has_timestamps, .sack_permitted = p->sack_permitted, .dont_fragment = p->dont_fragment,
	};
}

static int free_way(const struct bucket *bucket)
{
	int way = 0;

	while (way < WAYS && bucket->tag[way])
		way++;
	return way;
}

static void move_in(struct attempts *a, const struct attempt *t)
{
	struct place at = place_of(a, ends_of(a->key, &t->client.address, t->client.port, &t->server.address, t->server.port).hash);
	int way = free_way(&a->bucket[at.bucket]);

	a->bucket[at.bucket].tag[way] = at.tag;
	a->slot[at.bucket * WAYS + (size_t)way] = *t;
}

/* Each bucket becomes two, so that what it held finds room. */
static bool grow(struct attempts *a)
{
	size_t slots = a->buckets * WAYS;
	struct bucket *bucket = a->bucket, *more_buckets = calloc(a->buckets * 2, sizeof *bucket);
	struct attempt *slot = a->slot, *more_slots = calloc(slots * 2, sizeof *slot);

	if (!more_buckets || !more_slots) {
		free(more_buckets);
		free(more_slots);
		return false;
	}
	a->bucket = more_buckets;
	a->slot = more_slots;
	a->buckets *= 2;
	for (size_t i = 0; i < slots; i++)
		if (bucket[i / WAYS].tag[i % WAYS])
			move_in(a, &slot[i]);
	free(bucket);
	free(slot);
	return true;
}

/* Into the table; where its bucket is full and the table grows no more, the way filled longest ago is counted and leaves. */
static void settle(struct attempts *a, unsigned i)
{
	size_t at = place_of(a, a->arriving_hash[i]).bucket;
	int way = free_way(&a->bucket[at]);

	while (way == WAYS && a->buckets < a->most && grow(a)) {
		at = place_of(a, a->arriving_hash[i]).bucket;
		way = free_way(&a->bucket[at]);
	}
	if (way == WAYS) {
		way = a->bucket[at].next;
		a->bucket[at].next = (uint16_t)((way + 1) % WAYS);
		a->evicted++;
		stayed_alone(a, &a->slot[at * WAYS + (size_t)way]);
	}
	a->bucket[at].tag[way] = a->arriving_tag[i];
	a->slot[at * WAYS + (size_t)way] = a->arriving[i];
	a->arriving_tag[i] = 0;
}

void attempts_add(struct attempts *a, const struct ends *ends, const struct packet *p)
{
	struct place at = place_of(a, ends->hash);
	const char *leaves = (const char *)&a->slot[at.bucket * WAYS + a->bucket[at.bucket].next];
	unsigned i = a->arrived++ % ARRIVING;

	__builtin_prefetch(leaves, 1);
	__builtin_prefetch(leaves + sizeof *a->slot - 1, 1);
	if (a->arriving_tag[i])
		settle(a, i);
	keep(&a->arriving[i], p);
	a->arriving_hash[i] = ends->hash;
	a->arriving_tag[i] = at.tag;
}

static bool is_between(const struct attempt *t, const struct address *client, uint16_t client_port, const struct address *server,
		       uint16_t server_port)
{
	return t->client.port == client_port && t->server.port == server_port && address_same(&t->client.address, client) &&
	       address_same(&t->server.address, server);
}

/* Takes it out of a row of slots; the tags tell which are worth a look. */
static bool take_from(const struct attempt *slot, uint16_t *tag, int count, uint16_t wanted, const struct ends *e, struct attempt *into)
{
	for (int i = 0; i < count; i++) {
		if (tag[i] != wanted || !(is_between(&slot[i], e->a, e->a_port, e->b, e->b_port) ||
					  is_between(&slot[i], e->b, e->b_port, e->a, e->a_port)))
			continue;
		*into = slot[i];
		tag[i] = 0;
		return true;
	}
	return false;
}

/* Hardly ever; asked without a branch a tag. */
static bool is_arriving(const struct attempts *a, uint16_t wanted)
{
	unsigned found = 0;

	for (int i = 0; i < ARRIVING; i++)
		found |= a->arriving_tag[i] == wanted;
	return found;
}

bool attempts_take(struct attempts *a, const struct ends *ends, struct attempt *into)
{
	struct place at = place_of(a, ends->hash);

	return (is_arriving(a, at.tag) && take_from(a->arriving, a->arriving_tag, ARRIVING, at.tag, ends, into)) ||
	       take_from(&a->slot[at.bucket * WAYS], a->bucket[at.bucket].tag, WAYS, at.tag, ends, into);
}

void attempt_packet(const struct attempt *t, struct packet *p)
{
	memset(p, 0, sizeof *p);
	p->at = t->at;
	p->transport = TRANSPORT_TCP;
	p->encapsulation = t->encapsulation;
	p->source = t->client.address;
	p->source_port = t->client.port;
	p->destination = t->server.address;
	p->destination_port = t->server.port;
	p->ttl = t->ttl;
	p->ip_id = t->ip_id;
	p->dont_fragment = t->dont_fragment;
	p->sequence = t->sequence;
	p->window = t->window;
	p->flags = TCP_SYN;
	p->window_scale = t->window_scale;
	p->mss = t->mss;
	p->has_timestamps = t->has_timestamps;
	p->timestamp = t->timestamp;
	p->sack_permitted = t->sack_permitted;
}

bool attempt_duplicate(struct held_pool *pool, const struct attempt *t, const struct packet *p)
{
	struct packet first = *p; /* what no slot keeps is taken for the same */

	first.at = t->at;
	first.ttl = t->ttl;
	first.ip_id = t->ip_id;
	first.sequence = t->sequence;
	first.window = t->window;
	first.has_timestamps = t->has_timestamps;
	first.timestamp = t->timestamp;
	first.payload = bytes_of(NULL, 0);
	first.payload_wire = 0;
	first.source = t->client.address;
	first.source_port = t->client.port;
	first.destination = t->server.address;
	first.destination_port = t->server.port;
	frame_duplicate(pool, &first);
	return frame_duplicate(pool, p);
}

void attempts_expire(struct attempts *a, nanoseconds before)
{
	for (unsigned i = 0; i < ARRIVING; i++)
		if (a->arriving_tag[i])
			settle(a, i);
	for (size_t i = 0; i < a->buckets * WAYS; i++) {
		uint16_t *tag = &a->bucket[i / WAYS].tag[i % WAYS];
		if (*tag && a->slot[i].at.time < before) {
			stayed_alone(a, &a->slot[i]);
			*tag = 0;
		}
	}
}

/* HyperLogLog's estimate with linear counting for small numbers (Flajolet et al. 2007). */
static uint64_t sources_of(const struct attempt_count *c)
{
	double sum = 0, empty = 0, m = sizeof c->registers;

	for (size_t i = 0; i < sizeof c->registers; i++) {
		sum += ldexp(1, -c->registers[i]);
		empty += c->registers[i] == 0;
	}
	double estimate = 0.7182725932495458 * m * m / sum;
	if (estimate <= 2.5 * m && empty > 0)
		estimate = m * log(m / empty);
	uint64_t whole = (uint64_t)(estimate + 0.5);
	return whole > c->count ? c->count : whole ? whole : 1;
}

void attempts_each(struct attempts *a, void (*call)(void *, struct attempt_count *, uint64_t), void *context)
{
	for (size_t i = 0; i < a->servers; i++)
		if (a->server[i].count)
			call(context, &a->server[i], sources_of(&a->server[i]));
}

uint64_t attempts_evicted(const struct attempts *a)
{
	return a->evicted;
}

uint64_t attempts_uncounted(const struct attempts *a)
{
	return a->uncounted;
}

size_t attempts_bytes(const struct attempts *a)
{
	return a->buckets * (sizeof *a->bucket + WAYS * sizeof *a->slot) + a->servers * sizeof *a->server;
}
