/* A four-way bucket table of SYNs, and a count for each server of those that stayed alone. */
#include "attempts.h"

#include <math.h>
#include <stdlib.h>

#define WAYS 4

struct attempts {
	struct attempt *slot;
	size_t buckets;
	struct attempt_count *server;
	size_t servers, used;
	uint64_t evicted, uncounted;
	struct hash_key key;
};

struct attempts *attempts_create(size_t slots, size_t servers, struct hash_key key)
{
	struct attempts *a = calloc(1, sizeof *a);
	size_t buckets = 64;

	if (!a)
		return NULL;
	while (buckets * WAYS * 2 <= slots)
		buckets *= 2;
	*a = (struct attempts){ .buckets = buckets, .servers = servers, .key = key };
	a->slot = calloc(buckets * WAYS, sizeof *a->slot);
	a->server = calloc(servers, sizeof *a->server);
	if (!a->slot || !a->server)
		attempts_destroy(&a);
	return a;
}

void attempts_destroy(struct attempts **attempts)
{
	if (!*attempts)
		return;
	free((*attempts)->slot);
	free((*attempts)->server);
	free(*attempts);
	*attempts = NULL;
}

static struct attempt *bucket_of(struct attempts *a, const struct address *client, uint16_t client_port, const struct address *server,
				 uint16_t server_port)
{
	uint8_t ends[36];

	memcpy(ends, client->byte, 16);
	memcpy(ends + 16, server->byte, 16);
	memcpy(ends + 32, &client_port, 2);
	memcpy(ends + 34, &server_port, 2);
	return &a->slot[(hash_bytes(a->key, ends, sizeof ends) & (a->buckets - 1)) * WAYS];
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

static void stayed_alone(struct attempts *a, struct attempt *attempt)
{
	struct attempt_count *c = count_of(a, &attempt->server);

	attempt->used = false;
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

void attempts_add(struct attempts *a, const struct packet *p)
{
	struct attempt *slot = bucket_of(a, &p->source, p->source_port, &p->destination, p->destination_port), *oldest = slot;

	for (int i = 0; i < WAYS; i++) {
		if (!slot[i].used) {
			oldest = &slot[i];
			break;
		}
		if (slot[i].at.time < oldest->at.time)
			oldest = &slot[i];
	}
	if (oldest->used) {
		a->evicted++;
		stayed_alone(a, oldest);
	}
	*oldest = (struct attempt){
		.client = { p->source, p->source_port }, .server = { p->destination, p->destination_port }, .at = p->at,
		.sequence = p->sequence, .timestamp = p->timestamp, .window = p->window, .mss = p->mss, .ip_id = p->ip_id,
		.encapsulation = p->encapsulation, .ttl = p->ttl, .window_scale = p->window_scale, .used = true,
		.has_timestamps = p->has_timestamps, .sack_permitted = p->sack_permitted, .dont_fragment = p->dont_fragment,
	};
}

static bool take_way(struct attempts *a, const struct address *client, uint16_t client_port, const struct address *server,
		     uint16_t server_port, struct attempt *into)
{
	struct attempt *slot = bucket_of(a, client, client_port, server, server_port);

	for (int i = 0; i < WAYS; i++)
		if (slot[i].used && slot[i].client.port == client_port && slot[i].server.port == server_port &&
		    address_same(&slot[i].client.address, client) && address_same(&slot[i].server.address, server)) {
			*into = slot[i];
			slot[i].used = false;
			return true;
		}
	return false;
}

bool attempts_take(struct attempts *a, const struct address *x, uint16_t x_port, const struct address *y, uint16_t y_port,
		   struct attempt *into)
{
	return take_way(a, x, x_port, y, y_port, into) || take_way(a, y, y_port, x, x_port, into);
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

void attempts_expire(struct attempts *a, nanoseconds before)
{
	for (size_t i = 0; i < a->buckets * WAYS; i++)
		if (a->slot[i].used && a->slot[i].at.time < before)
			stayed_alone(a, &a->slot[i]);
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
	return a->buckets * WAYS * sizeof *a->slot + a->servers * sizeof *a->server;
}
