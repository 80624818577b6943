/* Winners of races in small rings by client, and by name for the other address family. */
#include "races.h"

#define WINNERS 12

struct ring {
	struct aged aged;
	uint32_t count;
	struct winner winner[WINNERS];
};

const size_t races_record = sizeof(struct ring);

static void key_name(const struct races *r, uint8_t key[AGEING_KEY], const char *name, uint16_t port)
{
	uint64_t hash = ageing_hash_of(r->by_name, name, strlen(name));

	memset(key, 0, AGEING_KEY);
	memcpy(key, &hash, sizeof hash);
	memcpy(key + 18, &port, sizeof port);
}

static void put(struct ageing *table, const uint8_t key[AGEING_KEY], const struct winner *winner)
{
	struct ring *ring = ageing_take(table, key, winner->began.time);

	ring->winner[ring->count++ % WINNERS] = *winner;
}

void races_worked(struct races *r, const struct winner *winner, const char *name)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &winner->client.address, winner->server.port);
	put(r->by_client, key, winner);
	if (name) {
		key_name(r, key, name, winner->server.port);
		put(r->by_name, key, winner);
	}
}

static void end_in(struct ring *ring, const struct endpoint *client, const struct endpoint *server, nanoseconds at)
{
	for (uint32_t i = 0; ring && i < WINNERS && i < ring->count; i++) {
		struct winner *w = &ring->winner[i];
		if (!w->ended && w->client.port == client->port && address_same(&w->client.address, &client->address) &&
		    address_same(&w->server.address, &server->address))
			w->ended = at;
	}
}

void races_ended(struct races *r, const struct endpoint *client, const struct endpoint *server, const char *name, nanoseconds at)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &client->address, server->port);
	end_in(ageing_find(r->by_client, key), client, server, at);
	if (name) {
		key_name(r, key, name, server->port);
		end_in(ageing_find(r->by_name, key), client, server, at);
	}
}

bool races_beside(const struct winner *w, struct open_span span)
{
	return w->began.time <= span.ended && (!w->ended || w->ended >= span.began);
}

/* How long before or after a span; 0: in it. */
static nanoseconds apart(nanoseconds t, struct open_span span)
{
	return t < span.began ? span.began - t : t > span.ended ? t - span.ended : 0;
}

/* The winner nearest in time. */
static bool nearest(const struct ring *ring, struct open_span to, nanoseconds within, bool (*fits)(const struct winner *, const void *),
		    const void *context, struct winner *into)
{
	const struct winner *best = NULL;

	for (uint32_t i = 0; ring && i < WINNERS && i < ring->count; i++) {
		const struct winner *w = &ring->winner[i];
		if (apart(w->began.time, to) <= within && fits(w, context) && (!best || apart(w->began.time, to) < apart(best->began.time, to)))
			best = w;
	}
	if (best)
		*into = *best;
	return best != NULL;
}

struct asked {
	const struct endpoint *client, *server;
	struct open_span span;
};

static bool is_another(const struct winner *w, const void *context)
{
	const struct asked *a = context;
	bool itself = w->client.port == a->client->port && address_same(&w->server.address, &a->server->address);

	return !itself && races_beside(w, a->span);
}

bool races_won(const struct races *r, const struct endpoint *client, const struct endpoint *server, struct open_span span, nanoseconds within,
	       struct winner *into)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &client->address, server->port);
	return nearest(ageing_find(r->by_client, key), (struct open_span){ span.began, span.began }, within, is_another,
		       &(struct asked){ client, server, span }, into);
}

static bool is_other_family(const struct winner *w, const void *context)
{
	const struct endpoint *server = context;

	return w->server.address.family != server->address.family;
}

bool races_other_family(const struct races *r, const struct endpoint *server, const char *name, struct open_span tried, nanoseconds within,
			struct winner *into)
{
	uint8_t key[AGEING_KEY];

	if (!name)
		return false;
	key_name(r, key, name, server->port);
	return nearest(ageing_find(r->by_name, key), tried, within, is_other_family, server, into);
}
