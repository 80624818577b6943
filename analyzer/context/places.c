/* Each hit and each service is counted at every place that it belongs to, in bounded tables. */
#include "places.h"

#include <stdio.h>

#define SWEEP_EVERY MINUTE
/* Places unused for so long give their memory back where it is short, then those unused for less. */
#define UNUSED (10 * MINUTE)
#define UNUSED_LEAST MINUTE

static void leave(void *context, void *record)
{
	struct places *p = context;
	struct place *place = record;

	p->leave(p->context, place);
	crowd_release(&place->crowd, &p->budget);
}

bool places_init(struct places *p, size_t most_bytes, struct hash_key key, void (*gone)(void *, struct place *), void *context)
{
	*p = (struct places){ .key = key, .budget = { .key = key, .most = most_bytes / 4 * 3 }, .leave = gone, .context = context };
	for (int i = 0; i < 2; i++) {
		if (!(p->table[i] = ageing_create(sizeof(struct place), most_bytes / 8, key)))
			return false;
		ageing_on_leave(p->table[i], leave, p);
	}
	return true;
}

static void release(void *context, void *record)
{
	crowd_release(&((struct place *)record)->crowd, &((struct places *)context)->budget);
}

void places_reset(struct places *p)
{
	for (int i = 0; i < 2; i++) {
		if (!p->table[i])
			continue;
		ageing_each(p->table[i], release, p);
		ageing_destroy(&p->table[i]);
	}
}

/* --- keys --- */

const char *domain_of(const char *name)
{
	static const char *const seconds[] = { "ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org", NULL };
	const char *dot[3] = { NULL, NULL, NULL };

	for (const char *at = name; *at; at++)
		if (*at == '.' && at[1]) {
			dot[2] = dot[1];
			dot[1] = dot[0];
			dot[0] = at;
		}
	if (!dot[1])
		return name;
	bool country = strlen(dot[0] + 1) == 2;
	for (int i = 0; country && seconds[i]; i++)
		if ((size_t)(dot[0] - dot[1] - 1) == strlen(seconds[i]) && memcmp(dot[1] + 1, seconds[i], strlen(seconds[i])) == 0)
			return dot[2] ? dot[2] + 1 : name;
	return dot[1] + 1;
}

static uint64_t group_of(const struct places *p, const char *name, const struct address *address)
{
	const char *domain = name && name[0] ? domain_of(name) : NULL;

	return domain ? hash_bytes(p->key, domain, strlen(domain)) : hash_bytes(p->key, address, sizeof *address);
}

static void finish_key(uint8_t key[AGEING_KEY], enum place_kind kind, enum fault_kind fault)
{
	key[38] = (uint8_t)fault;
	key[39] = (uint8_t)(kind + 1);
}

static void key_number(uint8_t key[AGEING_KEY], uint64_t first, uint64_t second)
{
	memset(key, 0, AGEING_KEY);
	memcpy(key, &first, sizeof first);
	memcpy(key + 8, &second, sizeof second);
}

static void key_name(const struct places *p, uint8_t key[AGEING_KEY], const char *name)
{
	key_number(key, name ? hash_bytes(p->key, name, strlen(name)) : 0, 0);
}

static void key_network(uint8_t key[AGEING_KEY], const struct address *client)
{
	struct address net = *client;

	memset(net.byte + network_bits(client) / 8, 0, sizeof net.byte - (size_t)network_bits(client) / 8);
	key_address(key, &net);
}

/* --- finding --- */

static struct ageing *table_of(const struct places *p, enum place_kind kind)
{
	return p->table[kind > PLACE_ACCOUNT];
}

static struct place *take(struct places *p, uint8_t key[AGEING_KEY], enum place_kind kind, enum fault_kind fault, nanoseconds at)
{
	finish_key(key, kind, fault);
	struct place *place = ageing_take(table_of(p, kind), key, at);
	place->kind = (uint8_t)kind;
	place->fault_kind = (uint8_t)fault;
	p->any[kind][fault] = true;
	return place;
}

static struct place *find(const struct places *p, uint8_t key[AGEING_KEY], enum place_kind kind, enum fault_kind fault)
{
	if (!p->any[kind][fault])
		return NULL;
	finish_key(key, kind, fault);
	return ageing_find(table_of(p, kind), key);
}

struct place *place_service(const struct places *p, enum fault_kind kind, const struct endpoint *server)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &server->address, server->port);
	return find(p, key, PLACE_SERVICE, kind);
}

struct place *place_all(const struct places *p, enum fault_kind kind)
{
	uint8_t key[AGEING_KEY];

	key_number(key, 0, 0);
	return find(p, key, PLACE_ALL, kind);
}

/* True: it is news. */
static bool learn_name(struct place *service, const char *name)
{
	size_t len = name ? strnlen(name, NAME_ROOM - 1) : 0;

	if (service->name[0] || !len)
		return false;
	memcpy(service->name, name, len);
	service->name[len] = '\0';
	return true;
}

static struct place *take_service(struct places *p, const struct incident_session *s, enum fault_kind kind)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &s->server.address, s->server.port);
	if (kind == FAULT_NAME && !s->server.port)
		key_name(p, key, s->name);
	struct place *service = take(p, key, PLACE_SERVICE, kind, s->at);
	if (learn_name(service, s->name) || !service->group)
		service->group = group_of(p, service->name, &s->server.address);
	return service;
}

static struct place *take_provider(struct places *p, const struct place *service, enum fault_kind kind, nanoseconds at)
{
	uint8_t key[AGEING_KEY];
	uint64_t group = service->group;

	key_number(key, group, 1);
	struct place *provider = take(p, key, PLACE_PROVIDER, kind, at);
	provider->group = group;
	return provider;
}

static struct place *take_network(struct places *p, const struct incident_session *s, enum fault_kind kind)
{
	uint8_t key[AGEING_KEY];

	key_network(key, &s->client.address);
	return take(p, key, PLACE_NETWORK, kind, s->at);
}

static struct place *take_all(struct places *p, enum fault_kind kind, nanoseconds at)
{
	uint8_t key[AGEING_KEY];

	key_number(key, 0, 0);
	return take(p, key, PLACE_ALL, kind, at);
}

static struct place *take_device(struct places *p, const struct incident_session *s, enum fault_kind kind, uint64_t group)
{
	uint8_t key[AGEING_KEY];

	key_addresses(key, &s->client.address, &s->server.address);
	struct place *device = take(p, key, PLACE_DEVICE, kind, s->at);
	device->group = group;
	learn_name(device, s->name);
	return device;
}

static struct place *take_account(struct places *p, const struct incident_session *s, uint64_t group)
{
	uint8_t key[AGEING_KEY];

	key_number(key, s->user, group);
	struct place *account = take(p, key, PLACE_ACCOUNT, FAULT_LOGIN, s->at);
	account->group = group;
	account->user = s->user;
	if (s->user_name)
		snprintf(account->user_name, sizeof account->user_name, "%s", s->user_name);
	learn_name(account, s->name);
	return account;
}

/* Refused logins are the account's; a ban, the device's. A certificate or a name is the fault of those who offer it, an outage may be
 * anybody's: of the server, its provider, the clients' network, of all. */
int places_hit(struct places *p, const struct incident_session *s, const struct fault *fault, struct place *into[PLACE_KINDS])
{
	enum fault_kind kind = fault->of_device ? FAULT_LOGIN : fault->kind;
	struct place *known = place_service(p, FAULT_SERVICE, &s->server);
	int n = 0;

	if (kind == FAULT_LOGIN) {
		uint64_t group = known ? known->group : group_of(p, s->name, &s->server.address);
		if (s->user && !fault->of_device)
			into[n++] = take_account(p, s, group);
		into[n++] = take_device(p, s, kind, group);
		return n;
	}
	struct place *service = take_service(p, s, kind);
	if (kind == FAULT_SERVICE && !fault->of_server) {
		into[n++] = take_all(p, kind, s->at);
		into[n++] = take_network(p, s, kind);
	}
	if (kind != FAULT_NAME)
		into[n++] = take_provider(p, service, kind, s->at);
	into[n++] = service;
	into[n++] = take_device(p, s, kind, service->group);
	return n;
}

/* --- counting --- */

const struct fault *place_fault(const struct place *place)
{
	const struct counted *best = &place->fault[0];

	for (const struct counted *c = place->fault; c < place->fault + CROWD_KINDS; c++) {
		/* A ban explains the refusals before it. */
		if (c->count && c->fault.of_device)
			return &c->fault;
		if (c->count > best->count)
			best = c;
	}
	return &best->fault;
}

/* Where all are taken, the least of them makes room. */
static uint8_t count_fault(struct place *place, const struct fault *fault)
{
	struct counted *use = &place->fault[0];

	for (struct counted *c = place->fault; c < place->fault + CROWD_KINDS; c++) {
		if (c->fault.mechanism && strcmp(c->fault.mechanism, fault->mechanism) == 0) {
			use = c;
			break;
		}
		if (c->count < use->count)
			use = c;
	}
	if (!use->fault.mechanism || strcmp(use->fault.mechanism, fault->mechanism) != 0) {
		if (use->fault.mechanism)
			crowd_forget_kind(&place->crowd, (uint8_t)(use - place->fault));
		*use = (struct counted){ .fault = *fault };
	}
	use->count++;
	use->fault.of_network |= fault->of_network;
	return (uint8_t)(use - place->fault);
}

void place_count_faults(struct place *place)
{
	const struct crowd *crowd = &place->crowd;

	for (struct counted *c = place->fault; c < place->fault + CROWD_KINDS; c++)
		c->count = 0;
	for (const struct streak *k = crowd->streak; k && k < crowd->streak + crowd->streaks; k++)
		if (k->kind < CROWD_KINDS)
			place->fault[k->kind].count += k->hits;
}

uint64_t places_forgotten(const struct places *p)
{
	return ageing_evicted(p->table[0]) + ageing_evicted(p->table[1]) + p->budget.forgotten;
}

size_t places_bytes(const struct places *p)
{
	return ageing_bytes(p->table[0]) + ageing_bytes(p->table[1]) + p->budget.used;
}

void place_calm(struct place *place)
{
	crowd_calm(&place->crowd);
	memset(place->fault, 0, sizeof place->fault);
	place->ports = 0;
	place->sessions_hit = place->sessions_served = place->served_since_hit = place->others_served = 0;
	place->told_hit = place->told_sessions = place->told_served = 0;
	place->last_hit = 0;
}

static void add_port(struct place *place, uint16_t port)
{
	for (int i = 0; i < place->ports && i < PORTS; i++)
		if (place->port[i] == port)
			return;
	if (place->ports < PORTS)
		place->port[place->ports++] = port;
	else
		place->ports = PORTS + 1;
}

static uint32_t where_of(const struct places *p, const struct place *place, const struct incident_session *s)
{
	if (place->kind == PLACE_PROVIDER)
		return (uint32_t)hash_bytes(p->key, &s->server.address, sizeof s->server.address) ^ s->server.port;
	const struct place *service = place_service(p, (enum fault_kind)place->fault_kind, &s->server);
	return (uint32_t)(service ? service->group : 0);
}

static void sweep_one(void *context, void *record)
{
	struct places *p = context;
	struct place *place = record;

	if (!place->open && place->aged.used < p->unused)
		crowd_release(&place->crowd, &p->budget);
}

static void sweep(struct places *p, nanoseconds now, nanoseconds unused)
{
	p->swept = now;
	p->unused = now - unused;
	for (int i = 0; i < 2; i++)
		ageing_each(p->table[i], sweep_one, p);
}

static struct party *party_of(struct places *p, struct place *place, const struct address *client, nanoseconds at)
{
	struct party *party = crowd_take(&place->crowd, &p->budget, client);

	if (!party && at - p->swept >= SWEEP_EVERY) {
		sweep(p, at, UNUSED);
		if (p->budget.used > p->budget.most / 4 * 3)
			sweep(p, at, UNUSED_LEAST);
		party = crowd_take(&place->crowd, &p->budget, client);
	}
	p->budget.forgotten += !party;
	return party;
}

void place_record(struct places *p, struct place *place, const struct incident_session *s, const struct fault *fault)
{
	if (!place->open && s->at - place->last_hit > WITHIN)
		place_calm(place);
	struct party *party = party_of(p, place, &s->client.address, s->at);
	if (!party)
		return;
	/* Who was served in between has a new trouble; but a device's troubles add up. */
	struct streak *streak = crowd_streak(&place->crowd, party);
	if (streak && !place->open && place->kind != PLACE_DEVICE && streak->back && s->began > streak->back)
		streak->hits = 0;
	streak = crowd_hit(&place->crowd, &p->budget, party, &(struct crowd_hit){ s->began, s->at, s->proof, s->session });
	if (!streak)
		return;
	streak->kind = count_fault(place, fault);
	streak->server = s->server;
	streak->where = where_of(p, place, s);
	add_port(place, s->server.port);
	place->sessions_hit++;
	if (s->at < place->last_hit)
		return;
	place->last_hit = s->at;
	place->last_began = s->began;
	place->last = s->proof;
	place->last_session = s->session;
	place->sessions_served += place->served_since_hit;
	place->served_since_hit = 0;
}

/* What is served at a port where nobody was hit shows nothing of the one where they were. */
static bool concerns(const struct place *place, uint16_t port)
{
	if (place->kind < PLACE_NETWORK || !place->ports || place->ports > PORTS)
		return true;
	for (int i = 0; i < place->ports; i++)
		if (place->port[i] == port)
			return true;
	return false;
}

static void serve(struct places *p, struct place *place, const struct incident_session *s)
{
	if (!concerns(place, s->server.port))
		return;
	struct party *party = party_of(p, place, &s->client.address, s->at);
	if (!party)
		return;
	crowd_serve(&place->crowd, party, s->at, place->open ? place->since : 0);
	if (place->last_hit && (!party_is_hit(&place->crowd, party) || place->kind == PLACE_DEVICE))
		place->served_since_hit++;
}

/* The places that a service is told to. Their clients' lines are fetched meanwhile, for each is far from the others. */
#define SERVED_MOST 12

struct told {
	struct places *places;
	const struct incident_session *session;
	struct place *place[SERVED_MOST];
	uint8_t kind[SERVED_MOST]; /* of each: another one may have taken its record since */
	int count;
};

/* place: NULL: none. */
static void tell(struct told *t, struct place *place)
{
	if (!place)
		return;
	crowd_expect(&place->crowd, &t->places->budget, &t->session->client.address);
	t->kind[t->count] = place->kind;
	t->place[t->count++] = place;
}

static void serve_told(const struct told *t)
{
	for (int i = 0; i < t->count; i++)
		if (t->place[i]->kind == t->kind[i])
			serve(t->places, t->place[i], t->session);
}

static void tell_known(struct told *t, enum fault_kind kind)
{
	const struct incident_session *s = t->session;
	struct places *p = t->places;
	uint8_t key[AGEING_KEY];

	key_addresses(key, &s->client.address, &s->server.address);
	tell(t, find(p, key, PLACE_DEVICE, kind));
	if (kind == FAULT_SERVICE || !p->any[PLACE_SERVICE][kind])
		return;
	struct place *service = place_service(p, kind, &s->server);
	if (!service)
		return;
	tell(t, service);
	key_number(key, service->group, 1);
	tell(t, find(p, key, PLACE_PROVIDER, kind));
}

void places_served(struct places *p, const struct incident_session *s)
{
	uint8_t key[AGEING_KEY];
	struct told t = { .places = p, .session = s };
	struct place *service = take_service(p, s, FAULT_SERVICE);
	uint64_t group = service->group;

	tell(&t, service);
	tell(&t, take_provider(p, service, FAULT_SERVICE, s->at));
	tell(&t, take_network(p, s, FAULT_SERVICE));
	tell(&t, take_all(p, FAULT_SERVICE, s->at));
	tell_known(&t, FAULT_SERVICE);
	tell_known(&t, FAULT_TLS);
	tell_known(&t, FAULT_LOGIN);
	key_number(key, s->user, group);
	if (s->user)
		tell(&t, find(p, key, PLACE_ACCOUNT, FAULT_LOGIN));
	serve_told(&t);
}

void places_resolved(struct places *p, const struct incident_session *s)
{
	uint8_t key[AGEING_KEY];
	struct incident_session unnamed = *s;
	struct told t = { .places = p, .session = s };

	unnamed.name = NULL;
	tell(&t, take_service(p, &unnamed, FAULT_NAME));
	key_name(p, key, s->name);
	tell(&t, find(p, key, PLACE_SERVICE, FAULT_NAME));
	key_addresses(key, &s->client.address, &s->server.address);
	tell(&t, find(p, key, PLACE_DEVICE, FAULT_NAME));
	serve_told(&t);
}
