/* What each service did for its clients, newest first to stay. */
#include "services.h"

#define PEERS 24
#define OFFERS 2
#define UNGREETED 2

struct peer {
	struct shown served, failed; /* time 0: never */
};

struct service {
	struct aged aged;
	struct peer peer[PEERS];
	struct shown offers[OFFERS];    /* of two clients */
	struct shown ungreeted[UNGREETED];
	bool more;                      /* a peer was forgotten */
};

const size_t services_record = sizeof(struct service);

static struct service *take(struct services *s, const struct endpoint *server, nanoseconds now)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &server->address, server->port);
	return ageing_take(s->table, key, now);
}

const struct service *services_find(const struct services *s, const struct endpoint *server)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &server->address, server->port);
	return ageing_find(s->table, key);
}

static nanoseconds last_of(const struct peer *p)
{
	return p->served.at.time > p->failed.at.time ? p->served.at.time : p->failed.at.time;
}

static bool is_of(const struct peer *p, const struct address *client)
{
	return (p->served.at.time && address_same(&p->served.client, client)) || (p->failed.at.time && address_same(&p->failed.client, client));
}

static struct peer *peer_of(struct service *service, const struct address *client)
{
	struct peer *oldest = &service->peer[0];

	for (struct peer *p = service->peer; p < service->peer + PEERS; p++) {
		if (is_of(p, client))
			return p;
		if (last_of(p) < last_of(oldest))
			oldest = p;
	}
	service->more |= last_of(oldest) != 0;
	*oldest = (struct peer){ 0 };
	return oldest;
}

void services_served(struct services *s, const struct endpoint *server, const struct shown *shown)
{
	peer_of(take(s, server, shown->at.time), &shown->client)->served = *shown;
}

void services_failed(struct services *s, const struct endpoint *server, const struct shown *shown)
{
	peer_of(take(s, server, shown->at.time), &shown->client)->failed = *shown;
}

void services_ungreeted(struct services *s, const struct endpoint *server, const struct shown *shown)
{
	struct shown *list = take(s, server, shown->at.time)->ungreeted, *use = &list[list[1].at.time < list[0].at.time];

	for (int i = 0; i < UNGREETED; i++)
		if (list[i].session == shown->session)
			use = &list[i];
	*use = *shown;
}

void services_offers_starttls(struct services *s, const struct endpoint *server, const struct shown *shown)
{
	struct shown *list = take(s, server, shown->at.time)->offers, *use = &list[list[1].at.time < list[0].at.time];

	for (int i = 0; i < OFFERS; i++)
		if (list[i].at.time && address_same(&list[i].client, &shown->client))
			use = &list[i];
	*use = *shown;
}

static bool within(const struct shown *s, nanoseconds from, nanoseconds to)
{
	return s->at.time && s->at.time >= from && s->at.time <= to;
}

void service_others(const struct service *service, const struct address *client, nanoseconds from, nanoseconds to,
		     struct others *into)
{
	*into = (struct others){ 0 };
	for (int i = 0; service && i < PEERS; i++) {
		const struct peer *p = &service->peer[i];
		if (is_of(p, client))
			continue;
		into->all += within(&p->served, from, to) || within(&p->failed, from, to);
		if (within(&p->served, from, to)) {
			into->served++;
			if (p->served.at.time > into->last_served.at.time)
				into->last_served = p->served;
		}
		if (within(&p->failed, from, to)) {
			into->failed++;
			if (p->failed.at.time > into->last_failed.at.time)
				into->last_failed = p->failed;
		}
	}
	into->more = service && service->more && into->served + into->failed >= PEERS / 2;
}

/* Did anybody get in after that moment (one who was about to then aside)? */
static bool anybody_since(const struct service *service, nanoseconds at)
{
	for (int i = 0; i < PEERS; i++)
		if (service->peer[i].served.at.time > at + SECOND)
			return true;
	return false;
}

bool service_stuck(const struct service *service, uint64_t session, nanoseconds from, nanoseconds to,
		    struct shown *into)
{
	for (int i = 0; service && i < UNGREETED; i++)
		if (within(&service->ungreeted[i], from, to) && service->ungreeted[i].session != session &&
		    !anybody_since(service, service->ungreeted[i].at.time)) {
			*into = service->ungreeted[i];
			return true;
		}
	return false;
}

bool service_offered(const struct service *service, const struct address *client, nanoseconds from, nanoseconds to,
		      struct shown *into)
{
	for (int i = 0; service && i < OFFERS; i++)
		if (within(&service->offers[i], from, to) && !address_same(&service->offers[i].client, client)) {
			*into = service->offers[i];
			return true;
		}
	return false;
}
