/* Attempts by IPv6 in small rings by name, and what came of them by name and client network. */
#include "families.h"

#include "races.h"

#define TRIES 12
#define NETWORK 8 /* bytes of a client's /64 */

struct try {
	nanoseconds at;        /* 0: none */
	uint8_t network[NETWORK];
	bool settled;          /* it worked, or its loss is counted */
};

struct tries {
	struct aged aged;
	uint32_t count;
	struct try try[TRIES];
};

struct fate {
	struct aged aged;
	uint32_t lost;         /* since it worked last */
};

const size_t families_tries_record = sizeof(struct tries), families_fate_record = sizeof(struct fate);

static void key_service(const struct families *f, uint8_t key[AGEING_KEY], const struct named_service *s)
{
	uint64_t hash = ageing_hash_of(f->tries, s->name, strlen(s->name));

	memset(key, 0, AGEING_KEY);
	memcpy(key, &hash, sizeof hash);
	memcpy(key + 8, &s->port, sizeof s->port);
}

static void key_fate(const struct families *f, uint8_t key[AGEING_KEY], const struct named_service *s, const uint8_t network[NETWORK])
{
	key_service(f, key, s);
	memcpy(key + 16, network, NETWORK);
}

static bool beside(const struct try *t, nanoseconds began)
{
	return t->at && t->at <= began + RACE_WITHIN && began <= t->at + RACE_WITHIN;
}

void families_tried(struct families *f, const struct named_service *s, const struct address *client, nanoseconds at)
{
	uint8_t key[AGEING_KEY];

	key_service(f, key, s);
	struct tries *tries = ageing_take(f->tries, key, at);
	for (struct try *t = tries->try; t < tries->try + TRIES; t++)
		if (memcmp(t->network, client->byte, NETWORK) == 0 && beside(t, at)) /* one race, however many attempts */
			return;
	struct try *t = &tries->try[tries->count++ % TRIES];
	*t = (struct try){ .at = at };
	memcpy(t->network, client->byte, NETWORK);
}

static struct fate *fate_of(struct families *f, const struct named_service *s, const uint8_t network[NETWORK], nanoseconds now)
{
	uint8_t key[AGEING_KEY];

	key_fate(f, key, s, network);
	return ageing_take(f->fates, key, now);
}

void families_worked(struct families *f, const struct named_service *s, const struct address *client, nanoseconds began)
{
	uint8_t key[AGEING_KEY];
	bool by_ipv6 = client->family == 6;

	if (by_ipv6)
		fate_of(f, s, client->byte, began)->lost = 0;
	key_service(f, key, s);
	struct tries *tries = ageing_find(f->tries, key);
	for (int i = 0; tries && i < TRIES; i++) {
		struct try *t = &tries->try[i];
		if (t->settled || !beside(t, began) || (by_ipv6 && memcmp(t->network, client->byte, NETWORK) != 0))
			continue;
		t->settled = true;
		if (!by_ipv6)
			fate_of(f, s, t->network, began)->lost++;
	}
}

static uint32_t lost_of(const struct families *f, const struct named_service *s, const uint8_t network[NETWORK])
{
	uint8_t key[AGEING_KEY];

	key_fate(f, key, s, network);
	const struct fate *fate = ageing_find(f->fates, key);
	return fate ? fate->lost : 0;
}

uint32_t families_lost(const struct families *f, const struct named_service *s, const struct address *client, nanoseconds began)
{
	uint8_t key[AGEING_KEY];

	if (client->family == 6)
		return lost_of(f, s, client->byte);
	key_service(f, key, s);
	const struct tries *tries = ageing_find(f->tries, key);
	for (int i = 0; tries && i < TRIES; i++)
		if (beside(&tries->try[i], began))
			return lost_of(f, s, tries->try[i].network);
	return 0;
}
