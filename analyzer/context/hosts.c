/* A bounded, set-associative table of hosts; the newest few signs of life of each, of different connections. */
#include "hosts.h"

#include <stdlib.h>

#define SIGNS 6
#define WAYS 4
#define WINNERS 4096

struct host {
	struct address address;
	nanoseconds last;
	struct sign sign[SIGNS];
};

struct winner {
	struct endpoint client, server;
	struct moment began;
};

struct hosts {
	struct host *host;
	size_t buckets;
	struct hash_key key;
	struct winner winner[WINNERS];
	size_t winners;
};

struct hosts *hosts_create(size_t most, struct hash_key key)
{
	struct hosts *h = calloc(1, sizeof *h);
	size_t buckets = 64;

	if (!h)
		return NULL;
	while (buckets * WAYS * 2 <= most)
		buckets *= 2;
	h->buckets = buckets;
	h->key = key;
	h->host = calloc(buckets * WAYS, sizeof *h->host);
	if (!h->host)
		hosts_destroy(&h);
	return h;
}

void hosts_destroy(struct hosts **hosts)
{
	if (!*hosts)
		return;
	free((*hosts)->host);
	free(*hosts);
	*hosts = NULL;
}

static struct host *bucket_of(const struct hosts *h, const struct address *a)
{
	return &h->host[(hash_bytes(h->key, a->byte, 16) & (h->buckets - 1)) * WAYS];
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_same(&a->address, &b->address);
}

void hosts_alive(struct hosts *h, const struct address *address, uint16_t port, const struct endpoint *client, bool served, struct moment at)
{
	struct host *way = bucket_of(h, address), *found = NULL, *oldest = way;

	for (int i = 0; i < WAYS && !found; i++) {
		if (address_same(&way[i].address, address))
			found = &way[i];
		if (way[i].last < oldest->last)
			oldest = &way[i];
	}
	if (!found) {
		found = oldest;
		*found = (struct host){ .address = *address };
	}
	found->last = at.time;
	struct sign *use = &found->sign[0];
	for (int i = 0; i < SIGNS; i++) {
		struct sign *s = &found->sign[i];
		if (s->port == port && same_end(&s->client, client) && s->served == served) {
			s->at = at;
			return;
		}
		if (s->at.time < use->at.time)
			use = s;
	}
	*use = (struct sign){ at, *client, port, served };
}

const struct sign *hosts_sign(const struct hosts *h, const struct endpoint *server, const struct endpoint *client, bool same_port,
			      bool served, nanoseconds from, nanoseconds to)
{
	const struct host *way = bucket_of(h, &server->address);

	for (int i = 0; i < WAYS; i++) {
		if (!address_same(&way[i].address, &server->address))
			continue;
		for (int j = 0; j < SIGNS; j++) {
			const struct sign *s = &way[i].sign[j];
			if (s->at.time >= from && s->at.time <= to && s->port && !(s->port == server->port && same_end(&s->client, client)) &&
			    (!same_port || s->port == server->port) && (!served || s->served))
				return s;
		}
	}
	return NULL;
}

void hosts_worked(struct hosts *h, const struct endpoint *client, const struct endpoint *server, struct moment began)
{
	h->winner[h->winners++ % WINNERS] = (struct winner){ *client, *server, began };
}

bool hosts_won(const struct hosts *h, const struct endpoint *client, const struct endpoint *server, nanoseconds began, nanoseconds within,
	       struct moment *at)
{
	for (size_t i = 0; i < WINNERS && i < h->winners; i++) {
		const struct winner *w = &h->winner[i];
		nanoseconds apart = w->began.time - began;
		if ((apart < 0 ? -apart : apart) <= within && address_same(&w->client.address, &client->address) &&
		    !(same_end(&w->client, client) && same_end(&w->server, server)) && w->server.port == server->port) {
			*at = w->began;
			return true;
		}
	}
	return false;
}

size_t hosts_bytes(const struct hosts *h)
{
	return sizeof *h + h->buckets * WAYS * sizeof *h->host;
}
