/* Quiet that killed and quiet that did not, by path. */
#include "timers.h"

#define DEATHS 8
/* What was quiet for just so long may go either way: the box counts from another packet, and its clock ticks. */
#define SLACK (10 * SECOND)

struct death {
	nanoseconds quiet;
	struct moment at;
	uint64_t session;
};

struct path {
	struct aged aged;
	nanoseconds survived;
	uint32_t count;
	struct death death[DEATHS];
};

const size_t timers_record = sizeof(struct path);

static void key_path(uint8_t key[AGEING_KEY], const struct endpoint *client, const struct endpoint *server)
{
	struct address net = client->address;
	size_t prefix = net.family == 4 ? 3 : 8;

	memset(net.byte + prefix, 0, sizeof net.byte - prefix);
	key_addresses(key, &net, &server->address);
}

void timers_died(struct timers *t, const struct endpoint *client, const struct endpoint *server, nanoseconds quiet, struct moment at,
		 uint64_t session)
{
	uint8_t key[AGEING_KEY];

	key_path(key, client, server);
	struct path *path = ageing_take(t->table, key, at.time);
	for (uint32_t i = 0; i < DEATHS && i < path->count; i++)
		if (path->death[i].session == session)
			return;
	path->death[path->count++ % DEATHS] = (struct death){ quiet, at, session };
}

void timers_survived(struct timers *t, const struct endpoint *client, const struct endpoint *server, nanoseconds quiet, nanoseconds now)
{
	uint8_t key[AGEING_KEY];

	key_path(key, client, server);
	struct path *path = ageing_take(t->table, key, now);
	if (quiet > path->survived)
		path->survived = quiet;
}

/* Usual settings: home routers, conntrack variants, Azure, NLB, firewalls, GCP, enterprise firewalls. */
static const int usual[] = { 60, 120, 180, 240, 300, 350, 600, 900, 1200, 1800, 3600, 7200, 7440 };

static void name_it(struct idle_timer *t)
{
	nanoseconds only = 0;
	int count = 0;

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		nanoseconds value = usual[i] * SECOND;
		if (value >= t->least && value <= t->most) {
			only = value;
			count++;
		}
	}
	if (count == 1)
		t->least = t->most = only;
}

bool timers_estimate(const struct timers *t, const struct endpoint *client, const struct endpoint *server, struct idle_timer *into)
{
	uint8_t key[AGEING_KEY];
	struct idle_timer e = { 0 };

	key_path(key, client, server);
	const struct path *path = ageing_find(t->table, key);
	for (uint32_t i = 0; path && i < DEATHS && i < path->count; i++) {
		const struct death *d = &path->death[i];
		e.sessions++;
		if (!e.most || d->quiet < e.most)
			e.most = d->quiet;
		if (d->at.time >= e.at.time) {
			e.at = d->at;
			e.session = d->session;
		}
	}
	if (e.sessions < 2 || path->survived > e.most + SLACK)
		return false;
	e.least = path->survived < e.most ? path->survived : e.most;
	name_it(&e);
	*into = e;
	return true;
}
