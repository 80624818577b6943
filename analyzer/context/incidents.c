/* Who is hit and who is served at each service, and for each client at each server; when that makes an incident, and of what scope. */
#include "incidents.h"

#include <stdlib.h>

#define CLIENTS 96
#define FAULTS 4
#define NAME_ROOM 128
#define CLIENTS_LEAST 3         /* distinct clients that open an incident, and that a scope needs */
#define REPEATS_LEAST 5         /* sessions of one client that open one */
#define WITHIN (10 * MINUTE)    /* a hit so long after the last one starts afresh */
#define QUIET (60 * SECOND)     /* without a hit before it can close */
#define FORGOTTEN (30 * MINUTE) /* without a hit before it closes by itself */
#define SHARE 4                 /* one in so many of the clients seen must be hit */
#define GROWTH 4                /* told again when so many times as many are hit */

struct party {
	struct address address;
	nanoseconds hit, served; /* newest, 0: never */
	uint32_t hits;           /* in this streak */
};

struct kind {
	struct fault fault;
	uint32_t count;
};

struct target {
	struct aged aged;
	bool open, single;       /* single: of one client at one server */
	uint64_t id;
	nanoseconds since, last_hit, last_served;
	uint32_t sessions_hit, sessions_served, clients_hit, clients_served;
	uint32_t told_hit, told_sessions;
	enum incident_scope told_scope;
	struct kind kind[FAULTS];
	struct endpoint server;
	struct address second;   /* another address of the same family that was hit; family 0: none */
	char name[NAME_ROOM];
	struct moment first, last;
	uint64_t first_session, last_session, user;
	struct party client[CLIENTS];
};

struct incidents {
	struct ageing *table;
	struct hash_key key;
	incident_tell *tell;
	void *context;
	nanoseconds last_served; /* anybody, anywhere */
	uint32_t open;
};

struct incidents *incidents_create(size_t most_bytes, struct hash_key key, incident_tell *tell, void *context)
{
	struct incidents *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	*i = (struct incidents){ ageing_create(sizeof(struct target), most_bytes, key), key, tell, context, 0, 0 };
	if (!i->table)
		incidents_destroy(&i);
	return i;
}

void incidents_destroy(struct incidents **incidents)
{
	if (!*incidents)
		return;
	ageing_destroy(&(*incidents)->table);
	free(*incidents);
	*incidents = NULL;
}

/* --- targets --- */

/* A service by its name, where it has one, and port: a name may have many addresses. */
static void key_service(const struct incidents *i, uint8_t key[AGEING_KEY], const struct incident_session *s)
{
	key_end(key, &s->server.address, s->server.port);
	if (s->name && s->name[0]) {
		uint64_t hash = hash_bytes(i->key, s->name, strlen(s->name));
		memset(key, 0, 17);
		memcpy(key, &hash, sizeof hash);
	}
	key[39] = 1;
}

static void key_single(uint8_t key[AGEING_KEY], const struct incident_session *s)
{
	key_addresses(key, &s->client.address, &s->server.address);
	key[39] = 2;
}

static struct party *party_of(struct target *t, const struct address *client)
{
	struct party *use = &t->client[0];

	for (struct party *p = t->client; p < t->client + CLIENTS; p++) {
		if (p->address.family && address_same(&p->address, client))
			return p;
		nanoseconds newest = p->hit > p->served ? p->hit : p->served, oldest = use->hit > use->served ? use->hit : use->served;
		if (newest < oldest)
			use = p;
	}
	*use = (struct party){ .address = *client };
	return use;
}

static const struct kind *main_kind(const struct target *t)
{
	const struct kind *best = &t->kind[0];

	for (int i = 0; i < FAULTS; i++) {
		/* A ban explains the refusals before it. */
		if (t->kind[i].count && t->kind[i].fault.of_device)
			return &t->kind[i];
		if (t->kind[i].count > best->count)
			best = &t->kind[i];
	}
	return best;
}

/* The same packets give the same id, whatever the seed. */
static uint64_t new_id(const struct target *t)
{
	const struct hash_key fixed = { 0x696d6170776879, 2 };
	uint64_t what[3] = { t->first_session, (uint64_t)t->since, t->single };

	return hash_bytes(fixed, what, sizeof what);
}

static void start(struct target *t, const struct incident_session *s)
{
	for (struct party *p = t->client; p < t->client + CLIENTS; p++)
		p->hits = 0;
	memset(t->kind, 0, sizeof t->kind);
	t->open = false;
	t->sessions_hit = t->sessions_served = t->clients_hit = t->clients_served = t->told_hit = t->told_sessions = 0;
	t->since = s->at;
	t->server = s->server;
	t->second = (struct address){ .family = 0 };
	t->first = t->last = s->proof;
	t->user = s->user;
	t->first_session = s->session;
	size_t len = s->name ? strnlen(s->name, NAME_ROOM - 1) : 0;
	memcpy(t->name, len ? s->name : "", len);
	t->name[len] = '\0';
	t->id = new_id(t);
}

static void count_fault(struct target *t, const struct fault *fault)
{
	struct kind *use = &t->kind[FAULTS - 1];

	for (int i = FAULTS - 1; i >= 0; i--)
		if (!t->kind[i].count || strcmp(t->kind[i].fault.mechanism, fault->mechanism) == 0)
			use = &t->kind[i];
	if (!use->count)
		use->fault = *fault;
	use->count++;
}

/* --- scope --- */

struct tally {
	uint32_t hit, served, again; /* clients: hit, served and never hit, hit and served since */
	struct address first;
	int bits;                    /* of the network that all that were hit share */
	bool served_inside;          /* others of that network were served */
};

static int prefix_of(const struct address *a)
{
	return a->family == 4 ? 24 : 64;
}

static bool same_net(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->byte, b->byte, (size_t)prefix_of(a) / 8) == 0;
}

static struct tally tally_of(const struct target *t)
{
	struct tally n = { 0 };

	for (const struct party *p = t->client; p < t->client + CLIENTS; p++) {
		if (!p->hits) {
			n.served += p->served >= t->since && p->served != 0;
			continue;
		}
		n.again += p->served > p->hit;
		if (!n.hit++) {
			n.first = p->address;
			n.bits = prefix_of(&p->address);
		} else if (n.bits && !same_net(&n.first, &p->address)) {
			n.bits = 0;
		}
	}
	for (const struct party *p = t->client; p < t->client + CLIENTS; p++)
		n.served_inside |= !p->hits && p->served >= t->since && p->served && same_net(&n.first, &p->address);
	if (t->clients_hit > n.hit)
		n.hit = t->clients_hit;
	if (t->clients_served > n.served)
		n.served = t->clients_served;
	return n;
}

static enum incident_scope scope_of(const struct incidents *i, const struct target *t, const struct tally *n)
{
	const struct fault *fault = &main_kind(t)->fault;

	if (n->hit + n->served < CLIENTS_LEAST)
		return SCOPE_UNKNOWN;
	if (t->single)
		return fault->of_account ? SCOPE_ACCOUNT : SCOPE_DEVICE;
	if (n->hit == 1)
		return fault->of_account ? SCOPE_ACCOUNT : SCOPE_DEVICE;
	if (fault->of_network || (n->bits && n->served && !n->served_inside))
		return SCOPE_NETWORK;
	if (i->open >= 3 && i->last_served < t->since)
		return SCOPE_EVERYONE;
	return t->second.family ? SCOPE_PROVIDER : SCOPE_SERVER;
}

/* Who else was at that service: the denominator of an incident of one client. */
static void add_neighbours(const struct incidents *i, const struct target *t, const struct address *client, struct tally *n)
{
	uint8_t key[AGEING_KEY];
	struct incident_session s = { .server = t->server, .name = t->name };

	key_service(i, key, &s);
	const struct target *service = ageing_find(i->table, key);
	for (int k = 0; service && k < CLIENTS; k++)
		n->served += service->client[k].served && !address_same(&service->client[k].address, client);
}

static void tell(struct incidents *i, struct target *t, enum incident_state state)
{
	struct tally n = tally_of(t);

	if (t->single)
		add_neighbours(i, t, &n.first, &n);
	enum incident_scope scope = scope_of(i, t, &n);
	struct incident_told told = {
		.id = t->id, .state = state, .scope = scope, .fault = &main_kind(t)->fault, .server = t->server, .name = t->name,
		.client = n.first, .client_bits = n.bits, .since = t->since, .until = t->last_hit, .clients_hit = n.hit,
		.clients_served = n.served, .sessions_hit = t->sessions_hit, .sessions_served = t->sessions_served, .first = t->first,
		.last = t->last, .first_session = t->first_session, .last_session = t->last_session, .user = t->user,
	};
	for (size_t k = (size_t)n.bits / 8; scope == SCOPE_NETWORK && n.bits && k < sizeof told.client.byte; k++)
		told.client.byte[k] = 0;
	t->told_hit = n.hit;
	t->told_sessions = t->sessions_hit;
	t->told_scope = scope;
	i->tell(i->context, &told);
}

/* --- opening, growing, closing --- */

static bool is_incident(const struct target *t)
{
	struct tally n = tally_of(t);
	uint32_t still = n.hit - (n.again < n.hit ? n.again : n.hit);

	if (t->single)
		return t->sessions_hit >= REPEATS_LEAST;
	return still >= CLIENTS_LEAST && n.hit * SHARE >= n.hit + n.served;
}

static void judge(struct incidents *i, struct target *t)
{
	if (!t->open) {
		if (!is_incident(t))
			return;
		t->open = true;
		i->open++;
		tell(i, t, INCIDENT_OPEN);
		return;
	}
	struct tally n = tally_of(t);
	if (t->single)
		add_neighbours(i, t, &n.first, &n);
	enum incident_scope scope = scope_of(i, t, &n);
	if (n.hit >= GROWTH * t->told_hit || (scope != t->told_scope && scope > t->told_scope))
		tell(i, t, INCIDENT_GROWN);
}

static void hit(struct incidents *i, struct target *t, const struct incident_session *s, const struct fault *fault)
{
	struct party *p = party_of(t, &s->client.address);

	if (!t->sessions_hit || (!t->open && s->at - t->last_hit > WITHIN))
		start(t, s);
	if (!address_same(&t->server.address, &s->server.address) && t->server.address.family == s->server.address.family)
		t->second = s->server.address;
	t->clients_hit += !p->hits++;
	t->sessions_hit++;
	if (s->at >= p->hit)
		p->hit = s->at;
	if (s->at >= t->last_hit) {
		t->last_hit = s->at;
		t->last = s->proof;
		t->last_session = s->session;
	}
	count_fault(t, fault);
	judge(i, t);
}

uint64_t incidents_hit(struct incidents *i, const struct incident_session *s, const struct fault *fault)
{
	uint8_t key[AGEING_KEY];
	struct target *t;

	if (!fault->of_account && !fault->of_device) {
		key_service(i, key, s);
		t = ageing_take(i->table, key, s->at);
		hit(i, t, s, fault);
		if (t->open)
			return t->id;
	}
	/* What hits one client again and again is told of that client, unless the service as a whole is at fault. */
	key_single(key, s);
	t = ageing_take(i->table, key, s->at);
	t->single = true;
	hit(i, t, s, fault);
	return t->open ? t->id : 0;
}

static void served(struct target *t, const struct incident_session *s)
{
	struct party *p = party_of(t, &s->client.address);

	if (!p->hits && s->at >= t->since && t->sessions_hit && p->served < t->since)
		t->clients_served++;
	if (s->at > p->served)
		p->served = s->at;
	t->sessions_served += t->sessions_hit != 0;
	if (s->at > t->last_served)
		t->last_served = s->at;
}

void incidents_served(struct incidents *i, const struct incident_session *s)
{
	uint8_t key[AGEING_KEY];

	if (s->at > i->last_served)
		i->last_served = s->at;
	key_service(i, key, s);
	served(ageing_take(i->table, key, s->at), s);
	key_single(key, s);
	struct target *t = ageing_find(i->table, key);
	if (t)
		served(t, s);
}

/* Service returned: half of those that were hit were served since. */
static bool is_over(const struct target *t, nanoseconds now)
{
	struct tally n = tally_of(t);

	if (now - t->last_hit > FORGOTTEN)
		return true;
	return now - t->last_hit >= QUIET && n.again && 2 * n.again >= n.hit;
}

struct roll {
	struct target **list;
	uint32_t count, room;
};

static void call_roll(void *context, void *record)
{
	struct roll *roll = context;
	struct target *t = record;

	if (t->open && roll->count < roll->room)
		roll->list[roll->count++] = t;
}

static int by_since(const void *x, const void *y)
{
	const struct target *a = *(struct target *const *)x, *b = *(struct target *const *)y;

	return a->since != b->since ? (a->since > b->since) - (a->since < b->since) : (a->id > b->id) - (a->id < b->id);
}

/* In an order that no table decides. */
static void look_at_all(struct incidents *i, nanoseconds now, bool at_end)
{
	struct roll roll = { calloc(i->open + 1, sizeof *roll.list), 0, i->open };

	if (!roll.list)
		return;
	ageing_each(i->table, call_roll, &roll);
	i->open = roll.count; /* without those that left the table */
	qsort(roll.list, roll.count, sizeof *roll.list, by_since);
	for (uint32_t k = 0; k < roll.count; k++) {
		struct target *t = roll.list[k];
		if (is_over(t, now)) {
			tell(i, t, INCIDENT_CLOSED);
			i->open--;
			t->open = false;
			t->sessions_hit = 0;
		} else if (at_end && t->sessions_hit > t->told_sessions) {
			tell(i, t, INCIDENT_GROWN);
		}
	}
	free(roll.list);
}

void incidents_look(struct incidents *i, nanoseconds now)
{
	if (i->open)
		look_at_all(i, now, false);
}

void incidents_end(struct incidents *i, nanoseconds now)
{
	if (i->open)
		look_at_all(i, now, true);
}

uint64_t incidents_evicted(const struct incidents *i)
{
	return ageing_evicted(i->table);
}

size_t incidents_bytes(const struct incidents *i)
{
	return sizeof *i + ageing_bytes(i->table);
}
