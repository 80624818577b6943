/* Clients by address in a table of each place's own that grows; counting them is done only when somebody is hit. */
#include "crowd.h"

#include <stdlib.h>

#define LEAST 8
#define PROBES 16
#define LEAST_STREAKS 4
#define NOBODY UINT16_MAX
#define APART SECOND /* services closer to each other than that are remembered as one */

static size_t bytes_of(const struct crowd *c)
{
	return c->room * sizeof *c->party + c->streak_room * sizeof *c->streak;
}

void crowd_release(struct crowd *c, struct crowd_budget *budget)
{
	budget->used -= bytes_of(c);
	free(c->party);
	free(c->streak);
	*c = (struct crowd){ 0 };
}

/* --- finding --- */

static uint64_t hash_of(struct hash_key key, const struct address *a)
{
	uint64_t word[2];

	memcpy(word, a->byte, sizeof word);
	return hash_fold(hash_fold(key.k0 ^ word[0], key.k1 ^ 0x9e3779b97f4a7c15u) ^ word[1], key.k1 ^ a->family);
}

struct streak *crowd_streak(const struct crowd *c, const struct party *p)
{
	return p->streak ? &c->streak[p->streak - 1] : NULL;
}

static nanoseconds newest_of(const struct crowd *c, const struct party *p)
{
	const struct streak *k = crowd_streak(c, p);

	return k && k->hit > p->served[0] ? k->hit : p->served[0];
}

static struct party *quietest(const struct crowd *c, uint64_t hash)
{
	struct party *use = &c->party[hash & (c->room - 1)];

	for (uint32_t i = 1; i < PROBES && i < c->room; i++) {
		struct party *p = &c->party[(hash + i) & (c->room - 1)];
		if (newest_of(c, p) < newest_of(c, use))
			use = p;
	}
	return use;
}

/* The client's record, else a free one; NULL: all of its neighbourhood is taken by others. */
static struct party *find(const struct crowd *c, uint64_t hash, const struct address *client)
{
	for (uint32_t i = 0; i < PROBES && i < c->room; i++) {
		struct party *p = &c->party[(hash + i) & (c->room - 1)];
		if (!p->address.family || address_same(&p->address, client))
			return p;
	}
	return NULL;
}

/* Those whose party is gone end, the others learn where theirs stands now. */
static void move_streaks(struct crowd *c)
{
	for (struct streak *k = c->streak; k && k < c->streak + c->streaks; k++)
		k->party = NOBODY;
	for (uint32_t i = 0; i < c->room; i++)
		if (c->party[i].streak)
			crowd_streak(c, &c->party[i])->party = (uint16_t)i;
	for (uint16_t i = c->streaks; i-- > 0;) {
		if (c->streak[i].party != NOBODY)
			continue;
		c->streak[i] = c->streak[--c->streaks];
		if (i < c->streaks)
			c->party[c->streak[i].party].streak = (uint16_t)(i + 1);
	}
}

static void move_parties(struct crowd *into, const struct crowd *from, struct crowd_budget *budget)
{
	for (const struct party *p = from->party; p && p < from->party + from->room; p++) {
		if (!p->address.family)
			continue;
		uint64_t hash = hash_of(budget->key, &p->address);
		struct party *to = find(into, hash, &p->address);
		if (to) {
			into->count++;
		} else {
			to = quietest(into, hash);
			budget->forgotten++;
		}
		*to = *p;
	}
}

/* Some memory is kept for those that are hit. */
static void grow(struct crowd *c, struct crowd_budget *budget)
{
	struct crowd larger = *c;

	larger.room = c->room ? c->room * 2 : LEAST;
	larger.count = 0;
	size_t bytes = larger.room * sizeof *c->party, more = bytes - c->room * sizeof *c->party;
	if (larger.room > CROWD_MOST * 2 || budget->used + more > budget->most / 8 * 7 ||
	    !(larger.party = aligned_alloc(sizeof *larger.party, bytes)))
		return;
	memset(larger.party, 0, bytes);
	move_parties(&larger, c, budget);
	move_streaks(&larger);
	free(c->party);
	*c = larger;
	budget->used += more;
}

void crowd_expect(const struct crowd *c, const struct crowd_budget *budget, const struct address *client)
{
	if (c->room)
		__builtin_prefetch(&c->party[hash_of(budget->key, client) & (c->room - 1)], 1);
}

/* The last one takes its place. */
static void end_streak(struct crowd *c, const struct party *p)
{
	struct streak *k = crowd_streak(c, p);

	if (!k)
		return;
	*k = c->streak[--c->streaks];
	c->party[k->party].streak = p->streak;
}

struct party *crowd_take(struct crowd *c, struct crowd_budget *budget, const struct address *client)
{
	if (c->count * 2 >= c->room)
		grow(c, budget);
	if (!c->room)
		return NULL;
	uint64_t hash = hash_of(budget->key, client);
	struct party *p = find(c, hash, client);
	if (p && p->address.family)
		return p;
	if (p) {
		c->count++;
	} else {
		p = quietest(c, hash);
		budget->forgotten++;
		end_streak(c, p);
	}
	*p = (struct party){ .address = *client };
	return p;
}

bool party_is_hit(const struct crowd *c, const struct party *p)
{
	return p->streak && crowd_streak(c, p)->hits;
}

bool crowd_is_hit(const struct crowd *c, const struct crowd_budget *budget, const struct address *client)
{
	if (!c->room)
		return false;
	const struct party *p = find(c, hash_of(budget->key, client), client);
	return p && party_is_hit(c, p);
}

/* --- one client --- */

bool party_served_between(const struct party *p, nanoseconds from, nanoseconds to)
{
	for (int i = 0; i < CROWD_SERVED; i++)
		if (p->served[i] && p->served[i] >= from && p->served[i] <= to)
			return true;
	return false;
}

static void more_streaks(struct crowd *c, struct crowd_budget *budget)
{
	uint16_t room = c->streak_room ? (uint16_t)(c->streak_room * 2) : LEAST_STREAKS;
	size_t more = (size_t)(room - c->streak_room) * sizeof *c->streak;
	struct streak *all;

	if (budget->used + more > budget->most || !(all = realloc(c->streak, room * sizeof *all)))
		return;
	c->streak = all;
	c->streak_room = room;
	budget->used += more;
}

/* The one that was hit longest ago is taken for one that was not. */
static void forget_streak(struct crowd *c, struct crowd_budget *budget)
{
	struct streak *oldest = c->streak;

	for (struct streak *k = c->streak; k && k < c->streak + c->streaks; k++)
		if (k->hit < oldest->hit)
			oldest = k;
	struct party *p = &c->party[oldest->party];
	end_streak(c, p);
	p->streak = 0;
	budget->forgotten++;
}

/* The party's streak, made where there is none; NULL: no memory. */
static struct streak *streak_of(struct crowd *c, struct crowd_budget *budget, struct party *p)
{
	if (p->streak)
		return crowd_streak(c, p);
	if (c->streaks == c->streak_room)
		more_streaks(c, budget);
	if (!c->streak_room)
		return NULL;
	if (c->streaks == c->streak_room)
		forget_streak(c, budget);
	struct streak *k = &c->streak[c->streaks++];
	*k = (struct streak){ .party = (uint16_t)(p - c->party) };
	p->streak = c->streaks;
	return k;
}

struct streak *crowd_hit(struct crowd *c, struct crowd_budget *budget, struct party *p, const struct crowd_hit *hit)
{
	struct streak *k = streak_of(c, budget, p);

	if (!k) {
		budget->forgotten++;
		return NULL;
	}
	if (!k->hits || hit->began < k->began) {
		k->began = hit->began;
		k->first = hit->proof;
		k->session = hit->session;
	}
	k->hits++;
	if (hit->at < k->hit)
		return k;
	k->hit = hit->at;
	k->back = 0;
	for (int i = CROWD_SERVED - 1; i >= 0 && !k->back; i--)
		if (p->served[i] > hit->at)
			k->back = p->served[i];
	return k;
}

void crowd_serve(struct crowd *c, struct party *p, nanoseconds at, nanoseconds since)
{
	struct streak *k = crowd_streak(c, p);

	if (since && at >= since && (!p->since || at < p->since))
		p->since = at;
	if (k && k->hits && at > k->hit && (!k->back || at < k->back))
		k->back = at;
	if (at < p->served[0] + APART)
		return;
	memmove(p->served + 1, p->served, sizeof p->served - sizeof *p->served);
	p->served[0] = at;
}

/* --- all of them --- */

void crowd_calm(struct crowd *c)
{
	for (struct streak *k = c->streak; k && k < c->streak + c->streaks; k++)
		k->hits = 0;
	for (struct party *p = c->party; p && p < c->party + c->room; p++)
		p->since = 0;
}

void crowd_forget_kind(struct crowd *c, uint8_t kind)
{
	for (struct streak *k = c->streak; k && k < c->streak + c->streaks; k++)
		if (k->kind == kind)
			k->kind = CROWD_KINDS;
}

int network_bits(const struct address *a)
{
	return a->family == 4 ? 24 : 64;
}

bool same_network(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->byte, b->byte, (size_t)network_bits(a) / 8) == 0;
}

static bool failing(const struct streak *k, nanoseconds until, nanoseconds within)
{
	return k->hits && until - k->hit <= within && (!k->back || k->back > until);
}

/* The earliest proof; no table's order may show. */
static bool earlier(const struct streak *k, const struct streak *than)
{
	return !than || k->first.time < than->first.time ||
	       (k->first.time == than->first.time && (k->first.frame < than->first.frame || (k->first.frame == than->first.frame && k->session < than->session)));
}

/* The two addresses of one server are one by each family. */
static bool are_two(const struct address *a, const struct address *b)
{
	return a->family == b->family && !address_same(a, b);
}

static void add_hit(struct tally *n, const struct party *p, const struct streak *k)
{
	if (n->first && n->bits && !same_network(&n->first->address, &p->address))
		n->bits = 0;
	else if (!n->first)
		n->bits = network_bits(&p->address);
	if (n->first && !n->several)
		n->several = are_two(&k->server.address, &n->streak->server.address);
	if (earlier(k, n->streak)) {
		n->first = p;
		n->streak = k;
	}
	if (!n->hit++ || k->began < n->since)
		n->since = k->began;
	n->sessions += k->hits;
	if (k->kind < CROWD_KINDS)
		n->alike[k->kind]++;
	n->back += k->back != 0;
}

struct span {
	nanoseconds since, until, within; /* within 0: of an open incident */
};

static bool is_hit(const struct streak *k, const struct span *span)
{
	return span->within ? failing(k, span->until, span->within) : k->hits != 0;
}

/* Where those are hit that are hit now. */
struct hits {
	uint32_t where[CROWD_MOST * 2], count;
	uint32_t most, lead; /* the place of most of them, by Boyer and Moore: where there is no majority, any of them */
};

static void note_where(struct hits *hits, uint32_t where)
{
	if (!hits->lead)
		hits->most = where;
	hits->lead += where == hits->most ? 1u : -1u;
	hits->where[hits->count++] = where;
}

/* Without a majority at least two are outside, whichever place it is. */
static uint32_t outside(const struct hits *hits)
{
	uint32_t there = 0;

	for (uint32_t i = 0; i < hits->count; i++)
		there += hits->where[i] == hits->most;
	return hits->count - there;
}

static void add_served(struct tally *n, const struct party *p, const struct span *span)
{
	/* No other is newer; what came APART after it at the most is not kept. */
	if (p->served[0] + APART < span->since)
		return;
	bool served = span->within ? party_served_between(p, span->since, span->until) : p->since && p->since <= span->until;
	n->served += served;
	n->served_inside |= served && n->first && same_network(&n->first->address, &p->address);
	for (int i = 0; i < CROWD_SERVED; i++)
		n->sessions_served += p->served[i] && p->served[i] >= span->since && p->served[i] <= span->until;
}

static void add_hits(struct tally *n, const struct crowd *c, const struct span *span)
{
	struct hits hits;

	hits.count = hits.lead = 0;
	for (const struct streak *k = c->streak; k && k < c->streak + c->streaks; k++) {
		if (!is_hit(k, span))
			continue;
		add_hit(n, &c->party[k->party], k);
		note_where(&hits, k->where);
	}
	n->outside = outside(&hits);
}

/* Of those served no more are counted than most_served and so many times those that are hit. */
static struct tally tally_of(const struct crowd *c, struct span span, uint64_t most_served, uint32_t times)
{
	struct tally n = { 0 };

	add_hits(&n, c, &span);
	if (span.within)
		span.since = n.since;
	most_served += (uint64_t)times * n.hit;
	for (const struct party *p = c->party; p && p < c->party + c->room && n.served <= most_served; p++)
		if (p->served[0] && !(p->streak && is_hit(crowd_streak(c, p), &span)))
			add_served(&n, p, &span);
	return n;
}

struct tally crowd_watched(const struct crowd *c, nanoseconds until, nanoseconds within, uint32_t times)
{
	return tally_of(c, (struct span){ 0, until, within }, 0, times);
}

bool crowd_any_served(const struct crowd *c, nanoseconds since, nanoseconds until, nanoseconds within)
{
	for (const struct party *p = c->party; p && p < c->party + c->room; p++)
		if (p->served[0] >= since && party_served_between(p, since, until) &&
		    !(p->streak && failing(crowd_streak(c, p), until, within)))
			return true;
	return false;
}

struct tally crowd_counted(const struct crowd *c, nanoseconds since, nanoseconds until)
{
	return tally_of(c, (struct span){ since, until, 0 }, UINT32_MAX, 0);
}

struct tally crowd_all_hit(const struct crowd *c)
{
	struct tally n = { 0 };

	add_hits(&n, c, &(struct span){ 0 });
	return n;
}

void crowd_open(struct crowd *c, nanoseconds since, nanoseconds until, nanoseconds within)
{
	for (struct streak *k = c->streak; k && k < c->streak + c->streaks; k++)
		if (!failing(k, until, within))
			k->hits = 0;
	for (struct party *p = c->party; p && p < c->party + c->room; p++) {
		p->since = 0;
		for (int i = CROWD_SERVED - 1; i >= 0 && !p->since; i--)
			if (p->served[i] >= since)
				p->since = p->served[i];
	}
}
