/* Open look-ups in a bounded table, oldest forgotten first; names by address in a set-associative one. */
#include "lookups.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define WAYS 4
/* A resolver library asks again within 5 s (resolv.conf(5)); other record types and search domains follow within moments. */
#define RETRY_WITHIN (5 * SECOND + 500 * MILLISECOND)
#define OTHERS_WITHIN (3 * SECOND)
/* Asked again so long after its answer, a name is looked up anew. */
#define ANEW SECOND
/* So many of the newest look-ups are searched for other forms of a name; six domains are the most that libraries take (resolv.conf(5)). */
#define MOST_FORMS 16
/* Resolver libraries give up by then (resolv.conf(5): two attempts of 5 s); what is asked later is asked by another attempt. */
#define GIVEN_UP (10 * SECOND + 500 * MILLISECOND)

struct name {
	struct address address;
	char name[108];
	nanoseconds at;
};

struct lookups {
	struct lookup *open;
	uint32_t oldest, newest; /* look-ups of mail hosts that nobody answered yet: index + 1; 0: none */
	size_t most;
	struct name *name;
	size_t buckets;
	bool named;              /* some name is known */
	uint64_t evicted, names_evicted;
	struct hash_key key;
};

struct lookups *lookups_create(size_t most_open, size_t most_names, struct hash_key key)
{
	struct lookups *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->most = most_open;
	l->key = key;
	l->buckets = 64;
	while (l->buckets * WAYS * 2 <= most_names)
		l->buckets *= 2;
	l->open = calloc(most_open, sizeof *l->open);
	l->name = calloc(l->buckets * WAYS, sizeof *l->name);
	if (!l->open || !l->name)
		lookups_destroy(&l);
	return l;
}

void lookups_destroy(struct lookups **lookups)
{
	if (!*lookups)
		return;
	free((*lookups)->open);
	free((*lookups)->name);
	free(*lookups);
	*lookups = NULL;
}

static struct name *bucket_of(const struct lookups *l, const struct address *a)
{
	uint64_t half[2];

	memcpy(half, a->byte, sizeof half);
	return &l->name[(hash_fold(half[0] ^ l->key.k0, half[1] ^ l->key.k1) & (l->buckets - 1)) * WAYS];
}

static void remember(struct lookups *l, const struct address *address, const char *name, nanoseconds at)
{
	struct name *way = bucket_of(l, address), *use = way;

	for (int i = 0; i < WAYS; i++) {
		if (address_same(&way[i].address, address)) {
			use = &way[i];
			break;
		}
		if (way[i].at < use->at)
			use = &way[i];
	}
	/* A mail name is not displaced by another name of the same address (a reverse proxy has many). */
	if (address_same(&use->address, address) && dns_mail_name(use->name) && !dns_mail_name(name))
		return;
	l->names_evicted += use->name[0] && !address_same(&use->address, address);
	l->named = true;
	use->address = *address;
	use->at = at;
	snprintf(use->name, sizeof use->name, "%.*s", (int)sizeof use->name - 1, name);
}

const char *lookups_name(const struct lookups *l, const struct address *address)
{
	const struct name *way = l->named ? bucket_of(l, address) : NULL;

	for (int i = 0; way && i < WAYS; i++)
		if (way[i].name[0] && address_same(&way[i].address, address))
			return way[i].name;
	return NULL;
}

/* The look-up of that client and name, or else the place for a new one: the oldest's. Probing is bounded to a neighbourhood. */
static struct lookup *place_of(const struct lookups *l, const struct address *client, const char *name, bool *found)
{
	uint64_t h = hash_bytes(l->key, client->byte, 16) ^ hash_bytes(l->key, name, strlen(name));
	struct lookup *use = NULL;

	for (size_t i = 0; i < 32 && i < l->most; i++) {
		struct lookup *at = &l->open[(h + i) % l->most];
		*found = at->used && address_same(&at->client.address, client) && strcmp(at->name, name) == 0;
		if (*found)
			return at;
		if (!use || (use->used && (!at->used || at->last_query.time < use->last_query.time)))
			use = at;
	}
	return use;
}

static struct lookup *find(const struct lookups *l, const struct address *client, const char *name)
{
	bool found;
	struct lookup *k = place_of(l, client, name, &found);

	return found ? k : NULL;
}

bool lookups_answered(const struct lookups *l, const struct address *client, const struct address *address, nanoseconds until, struct name_answer *into)
{
	const char *name = lookups_name(l, address);
	const struct lookup *k = name ? find(l, client, name) : NULL;

	if (k && k->result == WORD_lookup_answered && k->first.time <= until)
		*into = (struct name_answer){ k->name, k->first.time, k->result_at.time };
	else if (k && k->before_at && k->before_first <= until)
		*into = (struct name_answer){ k->name, k->before_first, k->before_at };
	else
		return false;
	return true;
}

/* --- those that wait for an answer --- */

static void wait_for(struct lookups *l, struct lookup *k)
{
	uint32_t own = (uint32_t)(k - l->open) + 1;

	k->earlier = l->newest;
	k->later = 0;
	*(l->newest ? &l->open[l->newest - 1].later : &l->oldest) = own;
	l->newest = own;
}

static bool waits(const struct lookups *l, const struct lookup *k)
{
	return k->earlier || l->oldest == (uint32_t)(k - l->open) + 1;
}

static void wait_no_more(struct lookups *l, struct lookup *k)
{
	if (!waits(l, k))
		return;
	*(k->earlier ? &l->open[k->earlier - 1].later : &l->oldest) = k->later;
	*(k->later ? &l->open[k->later - 1].earlier : &l->newest) = k->earlier;
	k->earlier = k->later = 0;
}

/* --- questions and answers --- */

static int type_bit(uint16_t qtype)
{
	return qtype == 1 ? 1 : qtype == 28 ? 2 : 0;
}

/* A new attempt after the old one was settled starts afresh. */
static bool is_anew(const struct lookup *k, const struct dns_message *m, nanoseconds at)
{
	if (!k->queries)
		return false;
	return k->reported || at - k->last_query.time > 30 * SECOND ||
	       (k->result == WORD_lookup_answered && k->asked & type_bit(m->qtype) && at - k->result_at.time >= ANEW);
}

/* One and the same look-up, of which resolver libraries try the name as it is and with their search domains (resolv.conf(5)): the
 * longer of the two names goes on behind the shorter. */
static bool with_domain(const struct lookup *shorter, const struct lookup *longer)
{
	size_t n = strlen(shorter->name);
	nanoseconds later = longer->last_query.time - shorter->last_query.time;

	return later <= GIVEN_UP && later >= -GIVEN_UP && address_same(&shorter->client.address, &longer->client.address) &&
	       strncmp(longer->name, shorter->name, n) == 0 && longer->name[n] == '.';
}

/* The forms with a domain are no look-ups of their own; that one of them is answered settles the name itself. */
static void join_forms(struct lookups *l, struct lookup *k)
{
	uint32_t seen = 0;

	for (uint32_t i = l->newest, earlier; i && seen < MOST_FORMS; i = earlier, seen++) {
		struct lookup *one = &l->open[i - 1];
		earlier = one->earlier;
		if (one == k)
			continue;
		if (with_domain(k, one) || (k->result == WORD_lookup_answered && with_domain(one, k)))
			wait_no_more(l, one);
		else if (with_domain(one, k))
			wait_no_more(l, k);
	}
}

static void query(struct lookups *l, const struct dns_message *m, const struct endpoint *from, const struct endpoint *to, struct moment at)
{
	struct lookup *k;

	if (!type_bit(m->qtype) || strlen(m->name) >= sizeof k->name || !m->name[0])
		return;
	bool known;
	k = place_of(l, &from->address, m->name, &known);
	if (!known)
		l->evicted += k->used;
	if (!known || is_anew(k, m, at.time)) {
		struct lookup before = *k;
		wait_no_more(l, k);
		*k = (struct lookup){ .used = true };
		if (known && before.result == WORD_lookup_answered) {
			k->before_first = before.first.time;
			k->before_at = before.result_at.time;
		}
	}
	if (!k->queries++) {
		k->client = *from;
		k->resolver = *to;
		k->first = at;
		k->mail = dns_mail_name(m->name);
		memcpy(k->name, m->name, strlen(m->name) + 1);
		if (k->mail)
			wait_for(l, k);
	}
	k->asked |= (uint8_t)type_bit(m->qtype);
	k->last_query = at;
	if (k->mail && k->queries == 1)
		join_forms(l, k);
}

/* Which answer says more about why there is no address: the later in this list wins. */
static int weight(enum word_lookup result)
{
	static const uint8_t weights[] = { [WORD_lookup_no_address] = 2, [WORD_lookup_refused] = 3, [WORD_lookup_servfail] = 4,
					   [WORD_lookup_nxdomain] = 5, [WORD_lookup_resolver_unreachable] = 1,
					   [WORD_lookup_answered] = 9 };
	return result < sizeof weights ? weights[result] : 0;
}

static enum word_lookup result_of(const struct dns_message *m)
{
	switch (m->rcode) {
	case 0:
		return m->answers || m->cut ? WORD_lookup_answered : WORD_lookup_no_address;
	case 3:
		return WORD_lookup_nxdomain;
	case 5:
		return WORD_lookup_refused;
	default:
		return WORD_lookup_servfail;
	}
}

static void answer(struct lookups *l, const struct dns_message *m, const struct endpoint *to, struct moment at)
{
	enum word_lookup result = result_of(m);
	struct lookup *k = find(l, &to->address, m->name);

	for (int i = 0; i < m->answers; i++)
		remember(l, &m->answer[i], m->name, at.time);
	if (!k || k->reported || m->truncated)
		return;
	k->last_answer = at;
	if (result != WORD_lookup_answered)
		k->negative |= (uint8_t)type_bit(m->qtype);
	/* A refusal of one type says nothing about the other (AAAA refused beside a good A). */
	if (weight(result) > weight(k->result)) {
		k->result = (uint8_t)result;
		k->result_at = at;
	}
	if (k->result == WORD_lookup_answered) {
		wait_no_more(l, k);
		if (k->mail)
			join_forms(l, k);
	}
	if (m->answers && !k->address.family)
		k->address = m->answer[0];
}

void lookups_message(struct lookups *l, const struct dns_message *m, const struct endpoint *from, const struct endpoint *to, struct moment at)
{
	if (m->response)
		answer(l, m, to, at);
	else
		query(l, m, from, to, at);
}

void lookups_unreachable(struct lookups *l, const struct endpoint *client, const struct endpoint *resolver, struct moment at)
{
	for (uint32_t i = l->oldest; i; i = l->open[i - 1].later) {
		struct lookup *k = &l->open[i - 1];
		if (address_same(&k->client.address, &client->address) && address_same(&k->resolver.address, &resolver->address) && weight(k->result) == 0) {
			k->result = WORD_lookup_resolver_unreachable;
			k->result_at = at;
		}
	}
}

static bool settled(const struct lookup *k, nanoseconds now, bool at_end)
{
	if (k->result == WORD_lookup_answered)
		return false;
	if (k->result && k->result != WORD_lookup_resolver_unreachable) {
		nanoseconds last = k->last_answer.time > k->last_query.time ? k->last_answer.time : k->last_query.time;
		return at_end || now - last > (k->asked & ~k->negative ? RETRY_WITHIN : OTHERS_WITHIN);
	}
	if (k->result == WORD_lookup_resolver_unreachable)
		return at_end || now - k->last_query.time > RETRY_WITHIN;
	nanoseconds waited = now - k->first.time;
	/* The resolver library itself gave its first attempt up when it asked each question again. */
	bool again = k->queries > (k->asked == 3 ? 2 : 1) && k->last_query.time - k->first.time >= SECOND;
	return now - k->last_query.time > 10 * SECOND || (again && waited > GIVEN_UP) || (at_end && (waited >= 5 * SECOND || (waited >= 2 * SECOND && again)));
}

/* Whether the packets show that the client was left without an address. Resolver libraries ask again what nobody answered
 * (resolv.conf(5)): what they let rest was answered, only not captured. Clients with IPv4 alone or both ask for A, too. */
static bool shows_failure(const struct lookup *k)
{
	unsigned types = (k->asked & 1u) + (k->asked >> 1 & 1u);
	bool asked_again = k->queries > types;

	switch (k->result) {
	case WORD_lookup_nxdomain: case WORD_lookup_resolver_unreachable: return true;
	case WORD_lookup_none: return asked_again;
	default: return (asked_again || !(k->asked & ~k->negative)) && (k->asked != 2 || k->client.address.family == 6);
	}
}

void lookups_settle(struct lookups *l, nanoseconds now, bool at_end, void (*call)(void *, struct lookup *), void *context)
{
	for (uint32_t i = l->oldest, later; i; i = later) {
		struct lookup *k = &l->open[i - 1];
		later = k->later;
		if (!settled(k, now, at_end))
			continue;
		k->reported = true;
		wait_no_more(l, k);
		if (shows_failure(k))
			call(context, k);
	}
}

static void set(struct fact_view *v, int64_t value, struct moment at, enum direction from)
{
	*v = (struct fact_view){ value, at, (uint8_t)from, true, true };
}

void lookup_facts(const struct lookup *k, nanoseconds now, struct texts *texts, struct fact_view v[FACT_COUNT])
{
	bool silent = k->result == WORD_lookup_none;

	memset(v, 0, FACT_COUNT * sizeof *v);
	for (int i = 0; i < FACT_COUNT; i++)
		v[i].known = fact_kinds[i].absence == ABSENT_ZERO;
	set(&v[FACT_DNS_RESULT], silent ? WORD_lookup_dns_timeout : k->result, silent ? k->last_query : k->result_at,
	    silent ? FROM_CLIENT : FROM_SERVER);
	set(&v[FACT_DNS_NAME], texts_keep(texts, bytes_of_text(k->name)), k->first, FROM_CLIENT);
	set(&v[FACT_DNS_QUERIES], k->queries, k->first, FROM_CLIENT);
	if (silent)
		set(&v[FACT_DNS_WAITED], now - k->first.time, k->first, FROM_CLIENT);
	else
		set(&v[FACT_DNS_TIME], k->result_at.time - k->first.time, k->result_at, FROM_SERVER);
	set(&v[FACT_STAGE], WORD_stage_resolve, k->first, FROM_CLIENT);
}

uint64_t lookups_evicted(const struct lookups *l)
{
	return l->evicted;
}

uint64_t lookups_names_evicted(const struct lookups *l)
{
	return l->names_evicted;
}

size_t lookups_bytes(const struct lookups *l)
{
	return sizeof *l + l->most * sizeof *l->open + l->buckets * WAYS * sizeof *l->name;
}
