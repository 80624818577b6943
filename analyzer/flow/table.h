/* The flow table: connections by their endpoints, in a fixed number of buckets, with lists that say who leaves first. */
#ifndef IMAPWHY_TABLE_H
#define IMAPWHY_TABLE_H

#include "address.h"
#include "hash.h"
#include "moment.h"

/* Who leaves first when memory is short: settled sessions, then those before login, last the logged-in ones. */
enum flow_rank { RANK_SETTLED, RANK_BEFORE_LOGIN, RANK_LOGGED_IN, RANK_COUNT };

/* Stands first in the caller's record. */
struct flow {
	struct endpoint client, server;
	struct flow *chain;          /* next in the bucket */
	struct flow *newer, *older;  /* within the rank's list */
	struct flow *wheel_next, **wheel_link;
	nanoseconds deadline;        /* when the wheel calls; 0: not in it */
	uint8_t rank;
};

/* Two ends, either of which may be the client, and their keyed hash, which is the same either way round: made once a packet for all
 * tables of one key. Borrows the addresses. */
struct ends {
	const struct address *a, *b;
	uint16_t a_port, b_port;
	uint64_t hash;
};
struct ends ends_of(struct hash_key key, const struct address *a, uint16_t a_port, const struct address *b, uint16_t b_port);

struct flow_table;

/* record_size bytes a flow, at most `most` flows; leave() is called for a flow that memory drives out, before it is forgotten. */
struct flow_table *flow_table_create(size_t record_size, size_t most, struct hash_key key, void (*leave)(void *context, struct flow *flow),
				     void *context);
void flow_table_destroy(struct flow_table **table);
/* It will be looked for soon: where it is found is fetched meanwhile. */
void flow_expect(const struct flow_table *table, const struct ends *ends);
/* Either direction of the packet finds it; NULL: none. */
struct flow *flow_find(struct flow_table *table, const struct ends *ends);
/* A zeroed record; the caller has made sure that the connection is not there. NULL: out of memory. */
struct flow *flow_add(struct flow_table *table, const struct endpoint *client, const struct endpoint *server, enum flow_rank rank);
void flow_remove(struct flow_table *table, struct flow *flow);
void flow_rank(struct flow_table *table, struct flow *flow, enum flow_rank rank);
/* Marks it as used now: it is the last of its rank to leave. */
void flow_touch(struct flow_table *table, struct flow *flow);
/* Drives out the one that is to leave first; false: there is none. */
bool flow_evict(struct flow_table *table);
size_t flow_count(const struct flow_table *table);
size_t flow_bytes(const struct flow_table *table);
uint64_t flow_evicted(const struct flow_table *table, enum flow_rank rank);
/* Calls each flow once, oldest use first within each rank. The call may remove its flow. */
void flow_each(struct flow_table *table, void (*call)(void *context, struct flow *flow), void *context);

/* --- timer wheel on capture time: a tick of 250 ms --- */
struct wheel;
struct wheel *wheel_create(void);
void wheel_destroy(struct wheel **wheel);
/* Sets or moves a flow's deadline; 0 takes it out. */
void wheel_set(struct wheel *wheel, struct flow *flow, nanoseconds deadline);
/* Calls every flow whose deadline passed, in the order of deadline ticks; it is out of the wheel when called. Capture time that runs
 * backwards does nothing. */
void wheel_turn(struct wheel *wheel, nanoseconds now, void (*call)(void *context, struct flow *flow), void *context);
/* Within a call: the time to which the wheel has turned so far. Where time leaps (nothing was captured for long) deadlines are met one
 * after the other, as if time had passed evenly. */
nanoseconds wheel_now(const struct wheel *wheel);

#endif
