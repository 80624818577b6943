/* Look-ups of mail host names: what each came to, and the names seen for an address. */
#ifndef IMAPWHY_LOOKUPS_H
#define IMAPWHY_LOOKUPS_H

#include "dns.h"
#include "facts.h"
#include "hash.h"

/* All questions of one client for one name, until it is settled. */
struct lookup {
	struct endpoint client, resolver; /* of the first query */
	char name[128];
	struct moment first, last_query, last_answer;
	struct moment result_at;          /* the answer that decided */
	struct address address;           /* first address given; family 0: none */
	uint16_t queries;
	uint8_t asked, negative;          /* bit 0: A, bit 1: AAAA */
	uint8_t result;                   /* enum word_lookup: best so far */
	bool used, mail, reported;
	nanoseconds before_first, before_at; /* of the attempt before this one: asked and answered; 0: there was none, or it failed */
	uint32_t earlier, later;  /* of the open ones, by their first query: index + 1; 0: none */
};

struct lookups;
/* Room for so many open look-ups and names of addresses. NULL: out of memory. */
struct lookups *lookups_create(size_t most_open, size_t most_names, struct hash_key key);
void lookups_destroy(struct lookups **lookups);
/* A query or answer of that transport direction. */
void lookups_message(struct lookups *lookups, const struct dns_message *message, const struct endpoint *from, const struct endpoint *to,
		     struct moment at);
/* An ICMP error that quotes a query to a resolver. */
void lookups_unreachable(struct lookups *lookups, const struct endpoint *client, const struct endpoint *resolver, struct moment at);
/* Calls each look-up of a mail host that failed and is settled by `now` (all failed ones at the end); each once. */
void lookups_settle(struct lookups *lookups, nanoseconds now, bool at_end, void (*call)(void *context, struct lookup *lookup), void *context);
/* The facts of a failed look-up. */
void lookup_facts(const struct lookup *lookup, nanoseconds now, struct texts *texts, struct fact_view view[FACT_COUNT]);
/* The name by which a client (or, failing that, anybody) looked the address up; NULL: never seen. */
const char *lookups_name(const struct lookups *lookups, const struct address *address);
/* This client's own answered look-up that gave the address, begun by `until`; false: none was seen. */
struct name_answer {
	const char *name;
	nanoseconds asked, answered;
};
bool lookups_answered(const struct lookups *lookups, const struct address *client, const struct address *address, nanoseconds until,
		      struct name_answer *into);
/* Look-ups, and names of addresses, forgotten for room. */
uint64_t lookups_evicted(const struct lookups *lookups);
uint64_t lookups_names_evicted(const struct lookups *lookups);
size_t lookups_bytes(const struct lookups *lookups);

#endif
