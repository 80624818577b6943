/* A bounded table of records by key, set-associative: where a set is full, its longest unused record makes room. */
#ifndef IMAPWHY_AGEING_H
#define IMAPWHY_AGEING_H

#include <stdbool.h>

#include "address.h"
#include "hash.h"
#include "moment.h"

#define AGEING_KEY 40
#define AGEING_PINNED INT64_MAX

/* Stands first in the caller's record. Keys compare as memory: unused bytes are zero. */
struct aged {
	nanoseconds used;        /* capture time of its last taking; 0: free; AGEING_PINNED: leaves last */
	uint8_t key[AGEING_KEY];
};

struct ageing;
/* A table of records of record_size bytes within most_bytes (never less than one small set of sets). NULL: out of memory. */
struct ageing *ageing_create(size_t record_size, size_t most_bytes, struct hash_key key);
void ageing_destroy(struct ageing **table);
/* The hash by which a key finds its place. */
uint64_t ageing_hash(struct hash_key key, const uint8_t bytes[AGEING_KEY]);
/* Any bytes hashed with the table's own key: for names and the like inside of keys and records. */
uint64_t ageing_hash_of(const struct ageing *table, const void *data, size_t len);
/* The record of that key, NULL: none. */
void *ageing_find(const struct ageing *table, const uint8_t key[AGEING_KEY]);
/* The same, made (zeroed but for its head) where there is none; it counts as used at `now`, if not later. Never NULL. */
void *ageing_take(struct ageing *table, const uint8_t key[AGEING_KEY], nanoseconds now);
/* Is called with each record that has to leave for room, before it does. */
void ageing_on_leave(struct ageing *table, void (*leave)(void *context, void *record), void *context);
/* Calls every record in use, in no order that may matter. */
void ageing_each(struct ageing *table, void (*call)(void *context, void *record), void *context);
uint64_t ageing_evicted(const struct ageing *table);
size_t ageing_bytes(const struct ageing *table);

/* --- keys --- */
static inline void key_address(uint8_t key[AGEING_KEY], const struct address *a)
{
	memset(key, 0, AGEING_KEY);
	memcpy(key, a->byte, sizeof a->byte);
	key[16] = a->family;
}

static inline void key_end(uint8_t key[AGEING_KEY], const struct address *a, uint16_t port)
{
	key_address(key, a);
	memcpy(key + 18, &port, 2);
}

static inline void key_addresses(uint8_t key[AGEING_KEY], const struct address *a, const struct address *b)
{
	key_address(key, a);
	memcpy(key + 20, b->byte, sizeof b->byte);
	key[36] = b->family;
}

#endif
