/* The newest clients that took a service's certificate, by the name asked for; the newest leavings, by client and service. */
#include "certificates.h"

#define TAKERS 2
#define LEAVINGS 4

struct name_record {
	struct aged aged;
	struct shown taken[TAKERS];
	nanoseconds refused; /* the newest refusal; 0: none */
};

struct leaver {
	struct aged aged;
	struct shown left[LEAVINGS];
};

const size_t certificates_name_record = sizeof(struct name_record), certificates_leaver_record = sizeof(struct leaver);

static void key_name(const struct certificates *c, uint8_t key[AGEING_KEY], const struct endpoint *server, const char *name)
{
	uint64_t hash = ageing_hash_of(c->names, name, strlen(name));

	key_end(key, &server->address, server->port);
	memcpy(key + 20, &hash, sizeof hash);
}

static void key_leaver(uint8_t key[AGEING_KEY], const struct endpoint *server, const struct address *client)
{
	key_addresses(key, client, &server->address);
	memcpy(key + 38, &server->port, sizeof server->port);
}

/* In the place of the same session, else of the oldest. */
static void keep_newest(struct shown *list, int count, const struct shown *shown)
{
	struct shown *place = &list[0];

	for (struct shown *s = list; s < list + count; s++) {
		if (s->at.time && s->session == shown->session)
			return;
		if (s->at.time < place->at.time)
			place = s;
	}
	*place = *shown;
}

void certificates_taken(struct certificates *c, const struct endpoint *server, const char *name, const struct shown *shown)
{
	uint8_t key[AGEING_KEY];

	key_name(c, key, server, name);
	keep_newest(((struct name_record *)ageing_take(c->names, key, shown->at.time))->taken, TAKERS, shown);
}

void certificates_refused(struct certificates *c, const struct endpoint *server, const char *name, nanoseconds at)
{
	uint8_t key[AGEING_KEY];

	key_name(c, key, server, name);
	struct name_record *record = ageing_take(c->names, key, at);
	if (at > record->refused)
		record->refused = at;
}

bool certificates_taken_by(const struct certificates *c, const struct endpoint *server, const char *name, uint64_t session, nanoseconds from,
			   nanoseconds to, struct shown *into)
{
	uint8_t key[AGEING_KEY];
	const struct shown *best = NULL;

	key_name(c, key, server, name);
	const struct name_record *record = ageing_find(c->names, key);
	for (int i = 0; record && i < TAKERS; i++) {
		const struct shown *s = &record->taken[i];
		if (s->at.time >= from && s->at.time <= to && s->at.time > record->refused && s->session != session &&
		    (!best || s->at.time > best->at.time))
			best = s;
	}
	if (best)
		*into = *best;
	return best != NULL;
}

void certificates_left(struct certificates *c, const struct endpoint *server, const struct shown *shown)
{
	uint8_t key[AGEING_KEY];

	key_leaver(key, server, &shown->client);
	keep_newest(((struct leaver *)ageing_take(c->leavers, key, shown->at.time))->left, LEAVINGS, shown);
}

int certificates_left_by(const struct certificates *c, const struct endpoint *server, const struct address *client, uint64_t session,
			 nanoseconds at, nanoseconds within, struct shown *into)
{
	uint8_t key[AGEING_KEY];
	int count = 0;

	key_leaver(key, server, client);
	const struct leaver *leaver = ageing_find(c->leavers, key);
	for (int i = 0; leaver && i < LEAVINGS; i++) {
		const struct shown *s = &leaver->left[i];
		if (!s->at.time || s->session == session || s->at.time < at - within || s->at.time > at + within)
			continue;
		if (!count++ || s->at.time > into->at.time)
			*into = *s;
	}
	return count;
}
