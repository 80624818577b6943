/* Bounded tables by key, for all that context remembers. */
#include "ageing.h"

#include <stdlib.h>

#define WAYS 4
#define LEAST_SETS 16

struct ageing {
	uint8_t *records;
	uint32_t *tags; /* of each record's hash, 0: free: they stand together, so that a look-up touches one record */
	size_t record, sets;
	bool any;       /* record was taken ever: some tables are of what seldom happens */
	uint64_t evicted;
	struct hash_key key;
	void (*leave)(void *context, void *record); /* NULL: nobody asks */
	void *leave_context;
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
	t->tags = calloc(t->sets * WAYS, sizeof *t->tags);
	if (!t->records || !t->tags)
		ageing_destroy(&t);
	return t;
}

void ageing_destroy(struct ageing **table)
{
	if (!*table)
		return;
	free((*table)->records);
	free((*table)->tags);
	free(*table);
	*table = NULL;
}

static struct aged *at(const struct ageing *t, size_t number)
{
	return (struct aged *)(void *)(t->records + number * t->record);
}

#define GOLDEN 0x9e3779b97f4a7c15u

/* Keys are short and fixed, and every connection asks several times: no product waits for more than one other. */
uint64_t ageing_hash(struct hash_key key, const uint8_t bytes[AGEING_KEY])
{
	uint64_t word[AGEING_KEY / 8];

	memcpy(word, bytes, sizeof word);
	uint64_t first = hash_fold(word[0] ^ key.k0, key.k1 ^ GOLDEN), second = hash_fold(word[1] ^ key.k1, key.k0 ^ GOLDEN),
		 third = hash_fold(word[2] ^ key.k0, key.k1 ^ (GOLDEN + 1)), fourth = hash_fold(word[3] ^ key.k1, key.k0 ^ (GOLDEN + 1));
	return hash_fold(first ^ third ^ word[4] ^ key.k0, second ^ (fourth << 1 | fourth >> 63) ^ key.k1);
}

uint64_t ageing_hash_of(const struct ageing *t, const void *data, size_t len)
{
	return hash_bytes(t->key, data, len);
}

struct place {
	size_t set;
	uint32_t tag;
};

static struct place place_of(const struct ageing *t, const uint8_t key[AGEING_KEY])
{
	uint64_t hash = ageing_hash(t->key, key);

	return (struct place){ (hash & (t->sets - 1)) * WAYS, (uint32_t)(hash >> 32) | 1 };
}

static struct aged *found_at(const struct ageing *t, struct place place, const uint8_t key[AGEING_KEY])
{
	for (size_t i = place.set; i < place.set + WAYS; i++)
		if (t->tags[i] == place.tag && memcmp(at(t, i)->key, key, AGEING_KEY) == 0)
			return at(t, i);
	return NULL;
}

void *ageing_find(const struct ageing *t, const uint8_t key[AGEING_KEY])
{
	return t->any ? found_at(t, place_of(t, key), key) : NULL;
}

void *ageing_take(struct ageing *t, const uint8_t key[AGEING_KEY], nanoseconds now)
{
	struct place place = place_of(t, key);
	struct aged *record = found_at(t, place, key);

	if (!record) {
		size_t oldest = place.set;
		for (size_t i = place.set; i < place.set + WAYS && t->tags[oldest]; i++)
			if (!t->tags[i] || at(t, i)->used < at(t, oldest)->used)
				oldest = i;
		t->evicted += t->tags[oldest] != 0;
		if (t->tags[oldest] && t->leave)
			t->leave(t->leave_context, at(t, oldest));
		t->tags[oldest] = place.tag;
		t->any = true;
		record = at(t, oldest);
		memset(record, 0, t->record);
		memcpy(record->key, key, AGEING_KEY);
	}
	if (record->used < now || !record->used)
		record->used = now ? now : 1;
	return record;
}

void ageing_on_leave(struct ageing *t, void (*leave)(void *, void *), void *context)
{
	t->leave = leave;
	t->leave_context = context;
}

void ageing_each(struct ageing *t, void (*call)(void *, void *), void *context)
{
	for (size_t i = 0; i < t->sets * WAYS; i++)
		if (t->tags[i])
			call(context, at(t, i));
}

uint64_t ageing_evicted(const struct ageing *t)
{
	return t->evicted;
}

size_t ageing_bytes(const struct ageing *t)
{
	return sizeof *t + t->sets * WAYS * (t->record + sizeof *t->tags);
}
