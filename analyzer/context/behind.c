/* Marks of devices by address. Two marks are two devices once both came back after the other: one that took over (a restart, an update,
 * another path) does not give way again. */
#include "behind.h"

#define CLOCKS 8
#define HELLOS 6
#define SYSTEMS 4
/* Fewer hellos may be as many apps of one device. */
#define HELLOS_LEAST 4
/* A clock is taken for the same when its timestamp is so near to what it should say by now. */
#define CLOCK_SLACK 60 /* ms */
#define CLOCK_DRIFT 1000 /* one part in so many */

/* What came back. */
struct mark {
	uint32_t order;  /* of its newest frame among those of its address; 0: free */
	bool again;      /* others came between two of its own */
};

struct clock {
	struct mark mark;
	uint32_t server; /* a hash: hosts keep a clock for each */
	uint32_t timestamp;
	nanoseconds at;
};

struct hello {
	struct mark mark;
	uint64_t hash;
};

struct client {
	struct aged aged;
	uint32_t order;
	struct mark system[SYSTEMS];
	struct clock clock[CLOCKS];
	struct hello hello[HELLOS];
};

const size_t behind_record = sizeof(struct client);

/* between: the order of the newest frame of any other mark of its kind. */
static void take_mark(struct mark *m, uint32_t order, uint32_t between)
{
	if (m->order && between > m->order)
		m->again = true;
	m->order = order;
}

/* --- systems: the usual lifetimes that frames set out with --- */

static void take_system(struct client *c, uint8_t ttl)
{
	struct mark *own = &c->system[ttl <= 32 ? 0 : ttl <= 64 ? 1 : ttl <= 128 ? 2 : 3];
	uint32_t between = 0;

	for (struct mark *m = c->system; m < c->system + SYSTEMS; m++)
		if (m != own && m->order > between)
			between = m->order;
	take_mark(own, c->order, between);
}

/* --- clocks: timestamps that go on from where they were (RFC 7323 5.4: from 1 ms to 1 s a tick; these are in use) --- */

static bool goes_on(const struct clock *k, const struct packet *syn)
{
	static const int rates[] = { 1000, 250, 100 };
	int64_t passed = (syn->at.time - k->at) / MILLISECOND, slack = CLOCK_SLACK + passed / CLOCK_DRIFT;

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		int64_t off = (int32_t)(syn->timestamp - k->timestamp - (uint32_t)(passed * rates[i] / 1000));
		if (off <= slack && off >= -slack)
			return true;
	}
	return false;
}

static void take_clock(struct client *c, const struct packet *syn, uint32_t server)
{
	struct clock *own = NULL, *oldest = &c->clock[0];
	uint32_t between = 0;

	for (struct clock *k = c->clock; k < c->clock + CLOCKS; k++) {
		if (k->mark.order && k->server == server && !own && goes_on(k, syn))
			own = k;
		else if (k->server == server && k->mark.order > between)
			between = k->mark.order;
		if (k->mark.order < oldest->mark.order)
			oldest = k;
	}
	if (!own) {
		own = oldest;
		*own = (struct clock){ .server = server };
	}
	take_mark(&own->mark, c->order, between);
	own->timestamp = syn->timestamp;
	own->at = syn->at.time;
}

void behind_syn(struct behind *b, const struct packet *syn)
{
	uint8_t key[AGEING_KEY];

	key_address(key, &syn->source);
	struct client *c = ageing_take(b->table, key, syn->at.time);
	c->order++;
	take_system(c, syn->ttl);
	if (syn->has_timestamps && syn->timestamp)
		take_clock(c, syn, (uint32_t)ageing_hash_of(b->table, syn->destination.byte, sizeof syn->destination.byte));
}

/* --- hellos --- */

void behind_hello(struct behind *b, const struct address *client, const char *ja4, nanoseconds at)
{
	uint8_t key[AGEING_KEY];
	uint64_t hash = ageing_hash_of(b->table, ja4, strlen(ja4));
	uint32_t between = 0;

	key_address(key, client);
	struct client *c = ageing_take(b->table, key, at);
	struct hello *own = &c->hello[0];
	for (struct hello *h = c->hello; h < c->hello + HELLOS; h++)
		if (h->mark.order && h->hash == hash) {
			own = h;
			break;
		} else if (h->mark.order < own->mark.order) {
			own = h;
		}
	if (own->hash != hash)
		*own = (struct hello){ .hash = hash };
	for (struct hello *h = c->hello; h < c->hello + HELLOS; h++)
		if (h != own && h->mark.order > between)
			between = h->mark.order;
	take_mark(&own->mark, ++c->order, between);
}

/* --- how many --- */

/* The most clocks that came back of any one server. */
static int clocks_of(const struct client *c)
{
	int most = 0;

	for (int i = 0; i < CLOCKS; i++) {
		int count = 0;
		for (int k = 0; k < CLOCKS; k++)
			count += c->clock[k].mark.again && c->clock[k].server == c->clock[i].server;
		if (count > most)
			most = count;
	}
	return most;
}

int behind_devices(const struct behind *b, const struct address *client)
{
	uint8_t key[AGEING_KEY];
	int systems = 0, hellos = 0;

	key_address(key, client);
	const struct client *c = ageing_find(b->table, key);
	if (!c)
		return 1;
	for (int i = 0; i < SYSTEMS; i++)
		systems += c->system[i].again;
	for (int i = 0; i < HELLOS; i++)
		hellos += c->hello[i].mark.again;
	int most = clocks_of(c);
	if (systems > most)
		most = systems;
	if (hellos >= HELLOS_LEAST && most < 2)
		most = 2;
	return most > 1 ? most : 1;
}
