/* Memory of decryption, all of it bounded: records in pieces, and those that wait for their secrets. */
#include "decryption.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "text.h"

#define SPARES_MOST (16u * SEALED_MOST) /* rooms for records in pieces, and queues, that lie idle */
#define QUEUE_LEAST 2048

/* --- the decryptor --- */

struct decryptor *decryptor_create(size_t most_bytes, struct hash_key key)
{
	struct decryptor *shared = calloc(1, sizeof *shared);

	if (!shared)
		return NULL;
	shared->most = most_bytes / 2;
	shared->spares.most = SPARES_MOST < shared->most ? SPARES_MOST : shared->most;
	shared->secrets = secrets_create(most_bytes / 2, key);
	shared->schedule = schedule_create();
	if (!shared->secrets || !shared->schedule)
		decryptor_destroy(&shared);
	return shared;
}

void decryptor_destroy(struct decryptor **decryptor)
{
	struct decryptor *shared = *decryptor;

	if (!shared)
		return;
	secrets_destroy(&shared->secrets);
	schedule_destroy(&shared->schedule);
	spares_release(&shared->spares);
	wipe(shared->plain, sizeof shared->plain);
	free(shared);
	*decryptor = NULL;
}

struct secrets *decryptor_secrets(struct decryptor *shared)
{
	return shared->secrets;
}

const struct decryptor_counts *decryptor_counts(const struct decryptor *shared)
{
	return &shared->counts;
}

size_t decryptor_bytes(const struct decryptor *shared)
{
	return shared->used + shared->spares.bytes + shared->most;
}

uint8_t *decryptor_take(struct decryptor *shared, size_t len)
{
	size_t room = spares_room(len);
	uint8_t *bytes = room <= shared->most - shared->used ? spares_take(&shared->spares, len) : NULL;

	if (bytes)
		shared->used += room;
	else
		shared->counts.capped++;
	return bytes;
}

void decryptor_give_back(struct decryptor *shared, uint8_t *bytes, size_t len)
{
	if (!bytes)
		return;
	shared->used -= spares_room(len);
	spares_give(&shared->spares, bytes, len);
}

void record_room_free(struct decryptor *shared, uint8_t **room)
{
	decryptor_give_back(shared, *room, SEALED_MOST);
	*room = NULL;
}

/* --- a session's queue --- */

static bool queue_grow(struct decryption *d, uint32_t need)
{
	uint32_t room = need <= d->queue_room ? d->queue_room : (uint32_t)spares_room(need < QUEUE_LEAST ? QUEUE_LEAST : need);
	uint8_t *larger = room == d->queue_room ? d->queue : decryptor_take(d->shared, room);
	if (!larger)
		return false;
	memmove(larger, d->queue ? d->queue + d->queue_at : larger, d->queue_len - d->queue_at);
	if (larger != d->queue)
		decryptor_give_back(d->shared, d->queue, d->queue_room);
	d->queue = larger;
	d->queue_room = room;
	d->queue_len -= d->queue_at;
	d->queue_at = 0;
	return true;
}

bool queue_add(struct decryption *d, const struct event *e, struct bytes body)
{
	uint32_t size = (uint32_t)(sizeof *e + body.len), waiting = d->queue_len - d->queue_at;

	if (!waiting)
		d->waits_since = e->at.time;
	if (waiting + size > QUEUE_MOST || e->at.time - d->waits_since > WAIT_MOST)
		return false;
	if (size > d->queue_room - d->queue_len && !queue_grow(d, waiting + size))
		return false;
	memcpy(d->queue + d->queue_len, e, sizeof *e);
	if (body.len)
		memcpy(d->queue + d->queue_len + sizeof *e, body.data, body.len);
	d->queue_len += size;
	return true;
}

bool queue_first(const struct decryption *d, struct event *e, struct bytes *body)
{
	if (d->queue_at == d->queue_len)
		return false;
	memcpy(e, d->queue + d->queue_at, sizeof *e);
	*body = bytes_of(d->queue + d->queue_at + sizeof *e, e->length);
	return true;
}

void queue_free(struct decryption *d)
{
	decryptor_give_back(d->shared, d->queue, d->queue_room);
	d->queue = NULL;
	d->queue_at = d->queue_len = d->queue_room = 0;
}

void queue_drop_first(struct decryption *d)
{
	struct event e;

	memcpy(&e, d->queue + d->queue_at, sizeof e);
	d->queue_at += (uint32_t)sizeof e + e.length;
	if (d->queue_at == d->queue_len)
		queue_free(d);
}
