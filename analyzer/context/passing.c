/* Slots by hash, overwritten by whoever comes next: what is forgotten proves nothing. */
#include "passing.h"

#include <stdlib.h>

#define SYNS 8192
/* The longest first retry of any system, and some (RFC 6298: 1 s or 3 s). */
#define ANSWER_WITHIN (4 * SECOND)
#define RETRY_AFTER (100 * MILLISECOND) /* sooner it is a second capture of the frame */
#define WINDOW (5 * MINUTE)

struct host_slot {
	struct address address;
	struct answered newest;
};

struct device_slot {
	nanoseconds since;
	struct attempts_of sum;
	struct address address;
};

struct syn_slot {
	uint64_t hash;
	nanoseconds at;
	bool repeated;
};

struct passing {
	struct host_slot *host;
	struct device_slot *device;
	size_t slots; /* of each, a power of two */
	uint64_t overwritten;
	struct hash_key key;
	struct syn_slot syn[SYNS];
};

struct passing *passing_create(size_t most_bytes, struct hash_key key)
{
	struct passing *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->slots = 256;
	while (p->slots * 2 * (sizeof *p->host + sizeof *p->device) <= most_bytes)
		p->slots *= 2;
	p->key = key;
	p->host = calloc(p->slots, sizeof *p->host);
	p->device = calloc(p->slots, sizeof *p->device);
	if (!p->host || !p->device)
		passing_destroy(&p);
	return p;
}

void passing_destroy(struct passing **passing)
{
	if (!*passing)
		return;
	free((*passing)->host);
	free((*passing)->device);
	free(*passing);
	*passing = NULL;
}

static size_t slot_of(const struct passing *p, const struct address *a)
{
	uint8_t key[AGEING_KEY];

	key_address(key, a);
	return ageing_hash(p->key, key) & (p->slots - 1);
}

static struct syn_slot *syn_of(struct passing *p, const struct endpoint *client, const struct endpoint *server, uint64_t *hash)
{
	uint8_t ends[AGEING_KEY] = { 0 };

	memcpy(ends, client->address.byte, 16);
	memcpy(ends + 16, server->address.byte, 16);
	memcpy(ends + 32, &client->port, 2);
	memcpy(ends + 34, &server->port, 2);
	*hash = ageing_hash(p->key, ends);
	return &p->syn[*hash % SYNS];
}

static struct device_slot *device_of(struct passing *p, const struct address *client, nanoseconds now)
{
	struct device_slot *d = &p->device[slot_of(p, client)];

	bool same = address_same(&d->address, client), old = now - d->since > WINDOW;

	p->overwritten += d->address.family && !same && !old;
	if (!same || old || now < d->since)
		*d = (struct device_slot){ .since = now, .address = *client };
	return d;
}

void passing_syn(struct passing *p, const struct endpoint *client, const struct endpoint *server, struct moment at)
{
	uint64_t hash;
	struct syn_slot *slot = syn_of(p, client, server, &hash);

	if (slot->hash != hash || at.time - slot->at > ANSWER_WITHIN) {
		p->overwritten += slot->hash != hash && slot->at && at.time - slot->at <= ANSWER_WITHIN;
		*slot = (struct syn_slot){ hash, at.time, false };
		return;
	}
	if (!slot->repeated && at.time - slot->at > RETRY_AFTER) {
		slot->repeated = true;
		device_of(p, &client->address, at.time)->sum.unanswered++;
	}
}

void passing_synack(struct passing *p, const struct endpoint *client, const struct endpoint *server, struct moment at)
{
	uint64_t hash;
	struct syn_slot *slot = syn_of(p, client, server, &hash);
	bool known = slot->hash == hash && !slot->repeated && at.time > slot->at && at.time - slot->at <= ANSWER_WITHIN;
	uint32_t rtt = known ? (uint32_t)((at.time - slot->at) / MICROSECOND) : 0;
	struct attempts_of *sum = &device_of(p, &client->address, at.time)->sum;

	struct host_slot *host = &p->host[slot_of(p, &server->address)];
	p->overwritten += host->address.family && !address_same(&host->address, &server->address) && at.time - host->newest.at.time <= WINDOW;
	*host = (struct host_slot){ server->address, { at, client->address, server->port, client->port } };
	sum->answered++;
	sum->newest = at;
	if (rtt && (!sum->rtt_least || rtt < sum->rtt_least))
		sum->rtt_least = rtt;
	if (rtt > sum->rtt_most)
		sum->rtt_most = rtt;
}

bool passing_host(const struct passing *p, const struct address *host, nanoseconds from, nanoseconds to, struct answered *into)
{
	const struct host_slot *h = &p->host[slot_of(p, host)];

	if (!address_same(&h->address, host) || h->newest.at.time < from || h->newest.at.time > to)
		return false;
	*into = h->newest;
	return true;
}

bool passing_device(const struct passing *p, const struct address *client, nanoseconds from, nanoseconds to, struct attempts_of *into)
{
	const struct device_slot *d = &p->device[slot_of(p, client)];

	if (!address_same(&d->address, client) || d->since > to || d->since + WINDOW < from)
		return false;
	*into = d->sum;
	return true;
}

uint64_t passing_overwritten(const struct passing *p)
{
	return p->overwritten;
}

size_t passing_bytes(const struct passing *p)
{
	return sizeof *p + p->slots * (sizeof *p->host + sizeof *p->device);
}
