/* Clients by address in a table of each place's own that grows; counting them is done only when somebody is hit. */
#include "crowd.h"

#include <stdlib.h>

#define LEAST 8
#define PROBES 16
#define APART SECOND /* services closer to each other than that are remembered as one */

void crowd_release(struct crowd *c, struct crowd_budget *budget)
{
	budget->used -= c->room * sizeof *c->party;
	free(c->party);
	*c = (struct crowd){ 0 };
}

/* --- finding --- */

static uint64_t hash_of(struct hash_key key, const struct address *a)
{
	uint64_t word[2];

	memcpy(word, a->byte, sizeof word);
	return hash_fold(hash_fold(key.k0 ^ word[0], key.k1 ^ 0x9e3779b97f4a7c15u) ^ word[1], key.k1 ^ a->family);
}

static nanoseconds newest_of(const struct party *p)
{
	return p->hit > p->served[0] ? p->hit : p->served[0];
}

/* The client's record, else a free one, else the one that was quiet longest; in a neighbourhood. */
static struct party *place_of(const struct crowd *c, uint64_t hash, const struct address *client)
{
	struct party *use = &c->party[hash & (c->room - 1)];

	for (uint32_t i = 0; i < PROBES && i < c->room; i++) {
		struct party *p = &c->party[(hash + i) & (c->room - 1)];
		if (!p->address.family || address_same(&p->address, client))
			return p;
		if (newest_of(p) < newest_of(use))
			use = p;
	}
	return use;
}

static void grow(struct crowd *c, struct crowd_budget *budget)
{
	struct crowd larger = { .room = c->room ? c->room * 2 : LEAST };
	size_t more = (larger.room - c->room) * sizeof *c->party;

	if (larger.room > CROWD_MOST * 2 || budget->used + more > budget->most || !(larger.party = calloc(larger.room, sizeof *larger.party)))
		return;
	for (struct party *p = c->party; p && p < c->party + c->room; p++) {
		if (!p->address.family)
			continue;
		struct party *into = place_of(&larger, hash_of(budget->key, &p->address), &p->address);
		larger.count += !into->address.family;
		*into = *p;
	}
	free(c->party);
	*c = larger;
	budget->used += more;
}

struct party *crowd_take(struct crowd *c, struct crowd_budget *budget, const struct address *client)
{
	if (c->count * 2 >= c->room)
		grow(c, budget);
	if (!c->room)
		return NULL;
	struct party *p = place_of(c, hash_of(budget->key, client), client);
	if (p->address.family && address_same(&p->address, client))
		return p;
	if (p->address.family)
		budget->forgotten++;
	else
		c->count++;
	*p = (struct party){ .address = *client };
	return p;
}

bool crowd_is_hit(const struct crowd *c, const struct crowd_budget *budget, const struct address *client)
{
	if (!c->room)
		return false;
	const struct party *p = place_of(c, hash_of(budget->key, client), client);
	return p->hits && address_same(&p->address, client);
}

/* --- one client --- */

bool party_served_between(const struct party *p, nanoseconds from, nanoseconds to)
{
	for (int i = 0; i < CROWD_SERVED; i++)
		if (p->served[i] && p->served[i] >= from && p->served[i] <= to)
			return true;
	return false;
}

void party_hit(struct party *p, nanoseconds began, nanoseconds at, struct moment proof, uint64_t session)
{
	if (!p->hits || began < p->began) {
		p->began = began;
		p->first = proof;
		p->session = session;
	}
	p->hits++;
	if (at < p->hit)
		return;
	p->hit = at;
	p->back = 0;
	for (int i = CROWD_SERVED - 1; i >= 0 && !p->back; i--)
		if (p->served[i] > at)
			p->back = p->served[i];
}

void party_served(struct party *p, nanoseconds at, nanoseconds since)
{
	if (since && at >= since && (!p->since || at < p->since))
		p->since = at;
	if (p->hits && at > p->hit && (!p->back || at < p->back))
		p->back = at;
	if (at < p->served[0] + APART)
		return;
	memmove(p->served + 1, p->served, sizeof p->served - sizeof *p->served);
	p->served[0] = at;
}

/* --- all of them --- */

void crowd_calm(struct crowd *c)
{
	for (struct party *p = c->party; p && p < c->party + c->room; p++) {
		p->hits = 0;
		p->since = 0;
	}
}

void crowd_forget_kind(struct crowd *c, uint8_t kind)
{
	for (struct party *p = c->party; p && p < c->party + c->room; p++)
		if (p->kind == kind)
			p->kind = CROWD_KINDS;
}

int network_bits(const struct address *a)
{
	return a->family == 4 ? 24 : 64;
}

bool same_network(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->byte, b->byte, (size_t)network_bits(a) / 8) == 0;
}

static bool failing(const struct party *p, nanoseconds until, nanoseconds within)
{
	return p->hits && until - p->hit <= within && (!p->back || p->back > until);
}

/* The earliest proof; no table's order may show. */
static bool earlier(const struct party *p, const struct party *than)
{
	return !than || p->first.time < than->first.time ||
	       (p->first.time == than->first.time && (p->first.frame < than->first.frame || (p->first.frame == than->first.frame && p->session < than->session)));
}

static void add_hit(struct tally *n, const struct party *p)
{
	if (n->first && n->bits && !same_network(&n->first->address, &p->address))
		n->bits = 0;
	else if (!n->first)
		n->bits = network_bits(&p->address);
	const struct address *own = &p->server.address, *other = n->first ? &n->first->server.address : own;
	n->several |= own->family == other->family && !address_same(own, other);
	if (earlier(p, n->first))
		n->first = p;
	if (!n->hit++ || p->began < n->since)
		n->since = p->began;
	n->sessions += p->hits;
	if (p->kind < CROWD_KINDS)
		n->alike[p->kind]++;
	n->back += p->back != 0;
}

struct span {
	nanoseconds since, until, within; /* within 0: of an open incident */
};

static bool is_hit(const struct party *p, const struct span *span)
{
	return span->within ? failing(p, span->until, span->within) : p->hits != 0;
}

/* Those of a crowd that are hit, by their places: most are not. */
struct hits {
	uint16_t at[CROWD_MOST * 2];
	uint32_t count;
};

/* Most of them, by Boyer and Moore: where there is no majority, whichever is left, at least two are outside. */
static uint32_t outside(const struct crowd *c, const struct hits *hits)
{
	uint32_t most = 0, lead = 0, there = 0;

	for (uint32_t i = 0; i < hits->count; i++) {
		uint32_t where = c->party[hits->at[i]].where;
		most = lead ? most : where;
		lead += where == most ? 1u : -1u;
	}
	for (uint32_t i = 0; i < hits->count; i++)
		there += c->party[hits->at[i]].where == most;
	return hits->count - there;
}

static void add_served(struct tally *n, const struct party *p, const struct span *span)
{
	bool served = span->within ? party_served_between(p, span->since, span->until) : p->since && p->since <= span->until;

	n->served += served;
	n->served_inside |= served && n->first && same_network(&n->first->address, &p->address);
	for (int i = 0; i < CROWD_SERVED; i++)
		n->sessions_served += p->served[i] && p->served[i] >= span->since && p->served[i] <= span->until;
}

/* Of those served no more are counted than most_served and so many times those that are hit. */
static struct tally tally_of(const struct crowd *c, struct span span, uint64_t most_served, uint32_t times)
{
	struct tally n = { 0 };
	struct hits hits;

	hits.count = 0;
	for (uint32_t i = 0; i < c->room; i++)
		if (c->party[i].hits && is_hit(&c->party[i], &span)) {
			add_hit(&n, &c->party[i]);
			hits.at[hits.count++] = (uint16_t)i;
		}
	if (span.within)
		span.since = n.since;
	n.outside = outside(c, &hits);
	most_served += (uint64_t)times * n.hit;
	for (uint32_t i = 0; i < c->room && n.served <= most_served; i++)
		if (c->party[i].served[0] && !is_hit(&c->party[i], &span))
			add_served(&n, &c->party[i], &span);
	return n;
}

struct tally crowd_watched(const struct crowd *c, nanoseconds until, nanoseconds within, uint32_t times)
{
	return tally_of(c, (struct span){ 0, until, within }, 0, times);
}

struct tally crowd_counted(const struct crowd *c, nanoseconds since, nanoseconds until)
{
	return tally_of(c, (struct span){ since, until, 0 }, UINT32_MAX, 0);
}

void crowd_open(struct crowd *c, nanoseconds since, nanoseconds until, nanoseconds within)
{
	for (struct party *p = c->party; p && p < c->party + c->room; p++) {
		if (!failing(p, until, within))
			p->hits = 0;
		p->since = 0;
		for (int i = CROWD_SERVED - 1; i >= 0 && !p->since; i--)
			if (p->served[i] >= since)
				p->since = p->served[i];
	}
}
