/* Signs of life by host: the newest few, of different connections, no client having more than two. */
#include "hosts.h"

#include <stdlib.h>

#define SIGNS 8
#define SIGNS_OF_ONE 2

struct host {
	struct aged aged;
	struct sign sign[SIGNS];
	struct sign unseen; /* the newest connection without the host's side; time 0: none */
};

const size_t hosts_record = sizeof(struct host);

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_same(&a->address, &b->address);
}

static bool same_kind(const struct sign *a, const struct sign *b)
{
	return a->port == b->port && a->served == b->served;
}

/* The place of a new sign: that of the same connection, else the older of what the client has too many of, else the oldest. */
static struct sign *place_of(struct host *host, const struct sign *sign)
{
	struct sign *oldest = &host->sign[0], *own = NULL;
	int count = 0;

	for (struct sign *s = host->sign; s < host->sign + SIGNS; s++) {
		if (s->at.time < oldest->at.time)
			oldest = s;
		if (!s->port || !same_kind(s, sign) || !address_same(&s->client.address, &sign->client.address))
			continue;
		if (s->client.port == sign->client.port)
			return s;
		count++;
		if (!own || s->at.time < own->at.time)
			own = s;
	}
	return count >= SIGNS_OF_ONE ? own : oldest;
}

void hosts_alive(struct hosts *h, const struct address *address, const struct sign *sign)
{
	uint8_t key[AGEING_KEY];

	key_address(key, address);
	struct host *host = ageing_take(h->table, key, sign->at.time);
	*place_of(host, sign) = *sign;
}

const struct host *hosts_find(const struct hosts *h, const struct address *address)
{
	uint8_t key[AGEING_KEY];

	key_address(key, address);
	return ageing_find(h->table, key);
}

static bool of_others(const struct sign *s, const struct endpoint *server, const struct endpoint *client)
{
	return s->port && !(s->port == server->port && same_end(&s->client, client));
}

static bool fits(const struct sign *s, const struct sign_wanted *w)
{
	return of_others(s, w->server, w->client) && s->at.time >= w->from && s->at.time <= w->to &&
	       (!w->same_port || s->port == w->server->port) && (!w->served || s->served) &&
	       (!w->other_client || !address_same(&s->client.address, &w->client->address));
}

const struct sign *host_sign(const struct host *host, const struct sign_wanted *wanted)
{
	const struct sign *best = NULL;

	for (int i = 0; host && i < SIGNS; i++)
		if (fits(&host->sign[i], wanted) && (!best || host->sign[i].at.time > best->at.time))
			best = &host->sign[i];
	return best;
}

uint8_t host_ttl(const struct host *host, const struct endpoint *server, const struct endpoint *client, uint8_t ttl, const struct sign **sign)
{
	const struct sign *best = NULL;

	for (int i = 0; host && i < SIGNS; i++) {
		const struct sign *s = &host->sign[i];
		/* Ports may be forwarded to hosts of their own: only the same service compares. */
		if (!of_others(s, server, client) || s->port != server->port || !s->ttl)
			continue;
		if (!best || abs(s->ttl - ttl) < abs(best->ttl - ttl))
			best = s;
	}
	if (best)
		*sign = best;
	return best ? best->ttl : 0;
}

void hosts_unseen(struct hosts *h, const struct address *address, const struct sign *sign)
{
	uint8_t key[AGEING_KEY];

	key_address(key, address);
	struct host *host = ageing_take(h->table, key, sign->at.time);
	if (sign->at.time >= host->unseen.at.time)
		host->unseen = *sign;
}

const struct sign *host_unseen_by(const struct host *host, const struct sign_wanted *w)
{
	if (!host || !host->unseen.at.time || host->unseen.at.time < w->from || host->unseen.at.time > w->to)
		return NULL;
	for (int i = 0; i < SIGNS; i++)
		if (host->sign[i].port && host->sign[i].at.time >= w->from && host->sign[i].at.time <= w->to)
			return NULL;
	return of_others(&host->unseen, w->server, w->client) ? &host->unseen : NULL;
}
