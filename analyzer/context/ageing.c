/* Bounded tables by key, for all that context remembers. */
#include "ageing.h"

#include <stdlib.h>

#define WAYS 4
#define LEAST_SETS 16

struct ageing {
	uint8_t *records;
	size_t record, sets;
	uint64_t evicted;
	struct hash_key key;
};

struct ageing *ageing_create(size_t record_size, size_t most_bytes, struct hash_key key)
{
	struct ageing *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->record = (record_size + 15) & ~(size_t)15;
	t->sets = LEAST_SETS;
	while (t->sets * 2 * WAYS * t->record <= most_bytes)
		t->sets *= 2;
	t->key = key;
	t->records = calloc(t->sets * WAYS, t->record);
	if (!t->records)
		ageing_destroy(&t);
	return t;
}

void ageing_destroy(struct ageing **table)
{
	if (!*table)
		return;
	free((*table)->records);
	free(*table);
	*table = NULL;
}

static struct aged *at(const struct ageing *t, size_t number)
{
	return (struct aged *)(void *)(t->records + number * t->record);
}

static size_t set_of(const struct ageing *t, const uint8_t key[AGEING_KEY])
{
	return (hash_bytes(t->key, key, AGEING_KEY) & (t->sets - 1)) * WAYS;
}

static bool is_key(const struct aged *record, const uint8_t key[AGEING_KEY])
{
	return record->used && memcmp(record->key, key, AGEING_KEY) == 0;
}

void *ageing_find(const struct ageing *t, const uint8_t key[AGEING_KEY])
{
	size_t set = set_of(t, key);

	for (size_t i = 0; i < WAYS; i++)
		if (is_key(at(t, set + i), key))
			return at(t, set + i);
	return NULL;
}

void *ageing_take(struct ageing *t, const uint8_t key[AGEING_KEY], nanoseconds now)
{
	size_t set = set_of(t, key);
	struct aged *oldest = at(t, set);

	for (size_t i = 0; i < WAYS; i++) {
		struct aged *record = at(t, set + i);
		if (is_key(record, key)) {
			record->used = now ? now : 1;
			return record;
		}
		if (record->used < oldest->used)
			oldest = record;
	}
	t->evicted += oldest->used != 0;
	memset(oldest, 0, t->record);
	oldest->used = now ? now : 1;
	memcpy(oldest->key, key, AGEING_KEY);
	return oldest;
}

void ageing_each(struct ageing *t, void (*call)(void *, void *), void *context)
{
	for (size_t i = 0; i < t->sets * WAYS; i++)
		if (at(t, i)->used)
			call(context, at(t, i));
}

uint64_t ageing_evicted(const struct ageing *t)
{
	return t->evicted;
}

size_t ageing_bytes(const struct ageing *t)
{
	return sizeof *t + t->sets * WAYS * t->record;
}
