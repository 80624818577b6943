/* When what is counted at a place makes an incident, of what scope, when it grows into a wider one, and when it is over. */
#include "incidents.h"

#include <stdlib.h>

#include "places.h"

#define OPEN_MOST 64
#define CLIENTS_LEAST 3         /* distinct clients that open an incident, and that a scope needs */
#define REPEATS_LEAST 5         /* sessions of one client, or of one account, that open one */
#define OUTSIDE_LEAST 2         /* of them elsewhere than where most are hit: then the wider place is at fault */
#define QUIET MINUTE            /* without a hit before it can close */
#define FORGOTTEN (30 * MINUTE) /* without a hit before it closes by itself */
#define SHARE 4                 /* one in so many of the clients seen must be hit; of a provider's, more: */
#define SHARE_OF_PROVIDER 2
#define GROWTH 4                /* told again when so many times as many are hit; of one device or account, so many times as often */
#define LOOK_EVERY (10 * SECOND)
#define JUDGE_EVERY SECOND      /* a place with many clients; what hits it in between waits for the next look */
#define MANY 256
#define PENDING_MOST 16

struct incidents {
	struct places places;
	incident_tell *tell;
	void *context;
	struct place *open[OPEN_MOST]; /* oldest first */
	int count;
	struct place *pending[PENDING_MOST]; /* to be judged at the next look */
	int pendings;
	uint64_t lost;                 /* that found no room, or had to leave while open */
};

static void forget(struct incidents *i, const struct place *place)
{
	int k = 0;

	while (k < i->count && i->open[k] != place)
		k++;
	if (k == i->count)
		return;
	i->count--;
	memmove(i->open + k, i->open + k + 1, (size_t)(i->count - k) * sizeof *i->open);
}

static void place_leaves(void *context, struct place *place)
{
	struct incidents *i = context;

	for (int k = 0; k < i->pendings; k++)
		if (i->pending[k] == place)
			i->pending[k] = i->pending[--i->pendings];
	if (!place->open)
		return;
	forget(i, place);
	i->lost++;
}

struct incidents *incidents_create(size_t most_bytes, struct hash_key key, incident_tell *tell, void *context)
{
	struct incidents *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	i->tell = tell;
	i->context = context;
	if (!places_init(&i->places, most_bytes, key, place_leaves, i))
		incidents_destroy(&i);
	return i;
}

void incidents_destroy(struct incidents **incidents)
{
	if (!*incidents)
		return;
	places_reset(&(*incidents)->places);
	free(*incidents);
	*incidents = NULL;
}

/* --- how many, and who --- */

static bool is_narrow(const struct place *place)
{
	return place->kind <= PLACE_ACCOUNT;
}

/* Who else was served at the same time is known elsewhere, where a device, an account or a network is hit. NULL: the place knows itself. */
static const struct place *where_others_are(const struct incidents *i, const struct place *place)
{
	enum fault_kind kind = (enum fault_kind)place->fault_kind;

	if (is_narrow(place))
		return place_service(&i->places, kind == FAULT_NAME ? kind : FAULT_SERVICE, &place->server);
	return place->kind == PLACE_NETWORK ? place_all(&i->places, kind) : NULL;
}

static void add_others(const struct incidents *i, struct place *place, struct tally *n)
{
	const struct place *where = where_others_are(i, place);
	/* One device's sessions come at times of its own: a minute earlier or later is meanwhile, too. */
	nanoseconds around = is_narrow(place) ? QUIET : 0, from = place->since - around, to = place->last_hit + around;
	uint32_t served = 0;

	if (!where)
		return;
	for (const struct party *p = where->crowd.party; p && p < where->crowd.party + where->crowd.room; p++)
		if (p->address.family && party_served_between(p, from, to) && !crowd_is_hit(&place->crowd, &i->places.budget, &p->address))
			served++;
	if (served > place->others_served)
		place->others_served = served;
	if (place->others_served > n->served)
		n->served = place->others_served;
}

static struct tally counted(const struct incidents *i, struct place *place)
{
	struct tally n = crowd_counted(&place->crowd, place->since, place->last_hit);

	add_others(i, place, &n);
	return n;
}

static enum incident_scope scope_of(const struct place *place, const struct tally *n)
{
	if (n->hit + n->served < CLIENTS_LEAST)
		return SCOPE_UNKNOWN;
	switch (place->kind) {
	case PLACE_DEVICE: return SCOPE_DEVICE;
	case PLACE_ACCOUNT: return SCOPE_ACCOUNT;
	case PLACE_NETWORK: return SCOPE_NETWORK;
	case PLACE_ALL: return SCOPE_EVERYONE;
	default: break;
	}
	const struct fault *fault = place_fault(place);
	if (n->bits && (fault->of_network || (n->served && (fault->swallowed || !n->served_inside))))
		return SCOPE_NETWORK;
	return place->kind == PLACE_PROVIDER && n->several ? SCOPE_PROVIDER : SCOPE_SERVER;
}

/* --- telling --- */

static const char *name_of(const struct incidents *i, const struct place *place)
{
	if (place->name[0])
		return place->name;
	const struct place *service = place_service(&i->places, (enum fault_kind)place->fault_kind, &place->server);
	return service ? service->name : "";
}

static void tell(struct incidents *i, struct place *place, enum incident_state state, uint64_t part_of)
{
	struct tally n = counted(i, place);
	const char *name = name_of(i, place);
	struct incident_told told = {
		.id = place->id, .part_of = part_of, .state = state, .scope = scope_of(place, &n), .fault = place_fault(place), .server = place->server,
		.name = name, .domain = name[0] ? domain_of(name) : "", .several = n.several, .client_bits = n.bits, .since = place->since,
		.until = place->last_hit, .clients_hit = n.hit, .clients_served = n.served, .sessions_hit = place->sessions_hit,
		.sessions_served = place->sessions_served, .first = place->first, .last = place->last, .first_session = place->first_session,
		.last_session = place->last_session, .user = place->user, .user_name = place->user_name,
	};
	if (n.first)
		told.client = n.first->address;
	for (size_t k = (size_t)n.bits / 8; told.scope == SCOPE_NETWORK && n.bits && k < sizeof told.client.byte; k++)
		told.client.byte[k] = 0;
	place->told_hit = n.hit;
	place->told_served = n.served;
	place->told_sessions = place->sessions_hit;
	place->told_scope = told.scope;
	i->tell(i->context, &told);
}

/* --- growing into a wider one --- */

static bool is_of_network(const struct place *place, const struct place *network)
{
	struct tally n = crowd_all_hit(&place->crowd), of = crowd_all_hit(&network->crowd);

	return n.first && of.first && n.bits && same_network(&n.first->address, &of.first->address);
}

/* Is the open incident a part of what was found at that place now? */
static bool takes_in(const struct place *wide, const struct place *open)
{
	if (open == wide || (open->fault_kind != wide->fault_kind) || wide->last_hit - open->last_hit > WITHIN)
		return false;
	if (wide->kind == PLACE_DEVICE) {
		struct tally n = crowd_all_hit(&open->crowd), own = crowd_all_hit(&wide->crowd);
		return open->kind == PLACE_ACCOUNT && open->group == wide->group && n.hit == 1 && own.first &&
		       address_same(&n.first->address, &own.first->address);
	}
	if (open->kind >= wide->kind || open->kind == PLACE_ACCOUNT)
		return false;
	switch (wide->kind) {
	case PLACE_SERVICE:
		return address_same(&open->server.address, &wide->server.address) && open->server.port == wide->server.port;
	case PLACE_PROVIDER:
		return open->group == wide->group;
	case PLACE_NETWORK:
		return is_of_network(open, wide);
	default:
		return wide->kind == PLACE_ALL;
	}
}

static void become(struct place *wide, const struct place *open)
{
	wide->id = open->id;
	wide->told_hit = open->told_hit;
	wide->told_scope = open->told_scope;
	/* A ban's refusals were counted with the account. */
	if (wide->kind == PLACE_DEVICE && place_fault(wide)->of_device)
		wide->sessions_hit = open->sessions_hit;
	if (open->since > wide->since)
		return;
	wide->since = open->since;
	wide->first = open->first;
	wide->first_session = open->first_session;
}

static void close_at(struct incidents *i, struct place *place)
{
	forget(i, place);
	place->open = false;
	place->aged.used = place->last_hit;
	place_calm(place);
}

/* The oldest incident that is a part goes on as the wider one, the others end in it. False: there was none. */
static bool take_in(struct incidents *i, struct place *wide)
{
	struct place *part[OPEN_MOST];
	int parts = 0;

	for (int k = 0; k < i->count; k++)
		if (takes_in(wide, i->open[k]))
			part[parts++] = i->open[k];
	for (int k = 0; k < parts; k++) {
		if (!k)
			become(wide, part[k]);
		else
			tell(i, part[k], INCIDENT_CLOSED, wide->id);
		close_at(i, part[k]);
	}
	return parts > 0;
}

/* --- opening --- */

/* The same packets give the same id, whatever the seed. */
static uint64_t new_id(const struct place *place)
{
	const struct hash_key fixed = { 0x696d6170776879, 2 };
	uint64_t what[3] = { place->first_session, (uint64_t)place->since, place->kind };

	return hash_bytes(fixed, what, sizeof what);
}

/* At one server or provider a fault is shared by those who meet the same; what cuts all off shows in many ways. */
static bool is_shared(const struct tally *n)
{
	for (int kind = 0; kind < CROWD_KINDS; kind++)
		if (n->alike[kind] >= CLIENTS_LEAST)
			return true;
	return false;
}

static bool makes_incident(const struct place *place, const struct tally *n)
{
	/* The wider the claim, the more clients it takes: chance alone has two fail at two servers. */
	static const uint32_t least[PLACE_KINDS] = { [PLACE_SERVICE] = CLIENTS_LEAST, [PLACE_PROVIDER] = 4, [PLACE_NETWORK] = 4, [PLACE_ALL] = 6 };

	if (!n->first)
		return false;
	if (place->kind == PLACE_DEVICE)
		return place->sessions_hit >= REPEATS_LEAST && place->sessions_hit > place->sessions_served;
	if (place->kind == PLACE_ACCOUNT)
		return n->hit >= CLIENTS_LEAST || n->sessions >= REPEATS_LEAST;
	if (n->hit < least[place->kind])
		return false;
	switch (place->kind) {
	case PLACE_NETWORK:
		return n->outside >= OUTSIDE_LEAST && !n->served;
	case PLACE_ALL:
		return n->outside >= OUTSIDE_LEAST && !n->served && !n->bits;
	case PLACE_PROVIDER:
		return n->outside >= OUTSIDE_LEAST && n->hit * SHARE_OF_PROVIDER >= n->hit + n->served && is_shared(n);
	default:
		return n->hit * SHARE >= n->hit + n->served && is_shared(n);
	}
}

static void open_at(struct incidents *i, struct place *place, const struct tally *n)
{
	place->since = n->since;
	place->first = n->streak->first;
	place->first_session = n->streak->session;
	place->server = n->streak->server;
	crowd_open(&place->crowd, n->since, place->last_hit, WITHIN);
	place_count_faults(place);
	if (place->kind != PLACE_DEVICE) {
		place->sessions_hit = n->sessions;
		place->sessions_served = n->sessions_served;
	}
	place->id = new_id(place);
	place->open = true;
	place->aged.used = AGEING_PINNED;
	bool grown = take_in(i, place);
	i->open[i->count++] = place;
	tell(i, place, grown ? INCIDENT_GROWN : INCIDENT_OPEN, 0);
}

static void judge_watched(struct incidents *i, struct place *place)
{
	/* Of a network, and of all, a single one that is served is enough to know; most often one was since the newest hit's session began. */
	bool by_one = place->kind == PLACE_NETWORK || place->kind == PLACE_ALL;
	uint32_t times = by_one ? 0 : SHARE - 1;
	if (by_one && crowd_any_served(&place->crowd, place->last_began, place->last_hit, WITHIN))
		return;
	struct tally n = crowd_watched(&place->crowd, place->last_hit, WITHIN, times);

	if (!makes_incident(place, &n))
		return;
	if (i->count == OPEN_MOST)
		i->lost++;
	else
		open_at(i, place, &n);
}

static bool has_grown(const struct incidents *i, struct place *place, bool at_end)
{
	struct tally n = counted(i, place);

	place->weighed = place->sessions_hit;
	return n.hit >= GROWTH * place->told_hit || (is_narrow(place) && place->sessions_hit >= GROWTH * place->told_sessions) ||
	       scope_of(place, &n) > place->told_scope || (at_end && (place->sessions_hit > place->told_sessions || n.served > place->told_served));
}

static void judge(struct incidents *i, struct place *place)
{
	place->pending = false;
	place->judged = place->last_hit;
	if (!place->open)
		judge_watched(i, place);
	else if (has_grown(i, place, false))
		tell(i, place, INCIDENT_GROWN, 0);
}

/* Counting costs as much as there are clients: where these are many, not for every hit. */
static void judge_in_time(struct incidents *i, struct place *place, nanoseconds at)
{
	bool elsewhere = place->open && where_others_are(i, place);

	if ((place->crowd.room < MANY && !elsewhere) || at - place->judged >= JUDGE_EVERY) {
		judge(i, place);
	} else if (!place->pending && i->pendings < PENDING_MOST) {
		place->pending = true;
		i->pending[i->pendings++] = place;
	}
}

uint64_t incidents_hit(struct incidents *i, const struct incident_session *s, const struct fault *fault)
{
	struct place *place[PLACE_KINDS];
	int count = places_hit(&i->places, s, fault, place);

	for (int k = 0; k < count; k++) {
		place_record(&i->places, place[k], s, fault);
		judge_in_time(i, place[k], s->at);
		/* Narrower places learn nothing more: that one explains it. */
		if (place[k]->open)
			return place[k]->id;
	}
	return 0;
}

void incidents_served(struct incidents *i, const struct incident_session *s)
{
	places_served(&i->places, s);
}

void incidents_resolved(struct incidents *i, const struct incident_session *s)
{
	places_resolved(&i->places, s);
}

/* --- closing --- */

/* Service returned: half of those that were hit were served since. */
static bool is_over(const struct place *place, nanoseconds now)
{
	if (now - place->last_hit > FORGOTTEN)
		return true;
	if (now - place->last_hit < QUIET)
		return false;
	struct tally n = crowd_all_hit(&place->crowd);
	return n.back && 2 * n.back >= n.hit;
}

static bool is_part(const struct incidents *i, const struct place *place)
{
	for (int k = 0; k < i->count; k++)
		if (takes_in(i->open[k], place))
			return true;
	return false;
}

/* Widest first, as when they were hit. */
static void judge_pending(struct incidents *i)
{
	for (int kind = PLACE_KINDS - 1; i->pendings && kind >= 0; kind--)
		for (int k = 0; k < i->pendings; k++) {
			struct place *place = i->pending[k];
			if (place->kind == kind && place->pending && !is_part(i, place))
				judge(i, place);
		}
	for (int k = 0; k < i->pendings; k++)
		i->pending[k]->pending = false;
	i->pendings = 0;
}

static void look_at_all(struct incidents *i, nanoseconds now, bool at_end)
{
	judge_pending(i);
	for (int k = 0; k < i->count; k++) {
		struct place *place = i->open[k];
		if (!at_end && now - place->looked < LOOK_EVERY)
			continue;
		place->looked = now;
		if (!is_over(place, now)) {
			/* Counting is dear, and without another hit nothing grows. */
			if ((at_end || place->sessions_hit != place->weighed) && has_grown(i, place, at_end))
				tell(i, place, INCIDENT_GROWN, 0);
			continue;
		}
		tell(i, place, INCIDENT_CLOSED, 0);
		close_at(i, place);
		k--;
	}
}

void incidents_look(struct incidents *i, nanoseconds now)
{
	look_at_all(i, now, false);
}

void incidents_end(struct incidents *i, nanoseconds now)
{
	look_at_all(i, now, true);
}

uint64_t incidents_evicted(const struct incidents *i)
{
	return places_forgotten(&i->places) + i->lost;
}

size_t incidents_bytes(const struct incidents *i)
{
	return sizeof *i + places_bytes(&i->places);
}
