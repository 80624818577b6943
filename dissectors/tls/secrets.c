/* The table of secrets: slots in the order they were told, found by a keyed hash; the oldest slot is used anew. */
#include "secrets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define SLOTS_LEAST 16

struct slot {
	uint8_t random[RANDOM_BYTES];
	uint8_t length[SECRET_COUNT]; /* 0: not told */
	uint8_t value[SECRET_COUNT][SECRET_MOST];
	uint32_t next;                /* in its bucket, plus 1; 0: the last */
};

struct secrets {
	struct slot *slots;
	uint32_t *bucket; /* first slot plus 1 */
	uint32_t room, used, oldest;
	struct hash_key key;
	uint64_t evicted;
	bool (*more)(void *context);
	void *context;
};

struct secrets *secrets_create(size_t most_bytes, struct hash_key key)
{
	struct secrets *s = calloc(1, sizeof *s);
	size_t room = most_bytes / (sizeof *s->slots + sizeof *s->bucket);

	if (!s)
		return NULL;
	s->room = room < SLOTS_LEAST ? SLOTS_LEAST : room > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)room;
	s->key = key;
	s->slots = calloc(s->room, sizeof *s->slots);
	s->bucket = calloc(s->room, sizeof *s->bucket);
	if (!s->slots || !s->bucket)
		secrets_destroy(&s);
	return s;
}

void secrets_destroy(struct secrets **secrets)
{
	struct secrets *s = *secrets;

	if (!s)
		return;
	if (s->slots)
		OPENSSL_cleanse(s->slots, s->used * sizeof *s->slots);
	free(s->slots);
	free(s->bucket);
	free(s);
	*secrets = NULL;
}

static uint32_t *bucket_of(const struct secrets *s, const uint8_t random[RANDOM_BYTES])
{
	return &s->bucket[hash_bytes(s->key, random, RANDOM_BYTES) % s->room];
}

static struct slot *slot_of(const struct secrets *s, const uint8_t random[RANDOM_BYTES])
{
	for (uint32_t n = *bucket_of(s, random); n; n = s->slots[n - 1].next)
		if (memcmp(s->slots[n - 1].random, random, RANDOM_BYTES) == 0)
			return &s->slots[n - 1];
	return NULL;
}

static void evict(struct secrets *s, uint32_t index)
{
	uint32_t *link = bucket_of(s, s->slots[index].random);

	while (*link != index + 1)
		link = &s->slots[*link - 1].next;
	*link = s->slots[index].next;
	OPENSSL_cleanse(&s->slots[index], sizeof s->slots[index]);
	s->evicted++;
}

static struct slot *new_slot(struct secrets *s, const uint8_t random[RANDOM_BYTES])
{
	uint32_t index = s->used;

	if (s->used < s->room) {
		s->used++;
	} else {
		index = s->oldest;
		s->oldest = (s->oldest + 1) % s->room;
		evict(s, index);
	}
	uint32_t *bucket = bucket_of(s, random);
	memcpy(s->slots[index].random, random, RANDOM_BYTES);
	s->slots[index].next = *bucket;
	*bucket = index + 1;
	return &s->slots[index];
}

bool secrets_name(struct bytes name, uint8_t into[RANDOM_BYTES])
{
	return name.len && EVP_Digest(name.data, name.len, into, NULL, EVP_sha256(), NULL) > 0;
}

bool secrets_add(struct secrets *s, const uint8_t random[RANDOM_BYTES], enum secret kind, struct bytes value)
{
	if (value.len == 0 || value.len > SECRET_MOST)
		return false;
	struct slot *slot = slot_of(s, random);
	if (!slot)
		slot = new_slot(s, random);
	memcpy(slot->value[kind], value.data, value.len);
	slot->length[kind] = (uint8_t)value.len;
	return true;
}

static struct bytes look_up(const struct secrets *s, const uint8_t random[RANDOM_BYTES], enum secret kind)
{
	const struct slot *slot = slot_of(s, random);

	return slot ? bytes_of(slot->value[kind], slot->length[kind]) : bytes_of(NULL, 0);
}

struct bytes secrets_find(struct secrets *s, const uint8_t random[RANDOM_BYTES], enum secret kind)
{
	struct bytes found = look_up(s, random, kind);

	if (found.len == 0 && s->more && s->more(s->context))
		found = look_up(s, random, kind);
	return found;
}

void secrets_refill(struct secrets *s, bool (*more)(void *context), void *context)
{
	s->more = more;
	s->context = context;
}

uint64_t secrets_evicted(const struct secrets *s)
{
	return s->evicted;
}
