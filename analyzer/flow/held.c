/* What all connections share: the memory budget of waiting segments, the frames just seen, the counters. */
#include "held.h"

#include "hash.h"
#include "text.h"

#include <stdlib.h>

/* A key of no secret: which frames count as duplicates must not differ between runs. */
static const struct hash_key frame_key = { 0x696d617077687921, 0x6475706c69636174 };

static uint64_t hash_two(uint64_t h, uint64_t a, uint64_t b)
{
	return hash_fold(h ^ a, frame_key.k1 ^ b);
}

static uint64_t pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

struct held_pool *held_pool_create(size_t most_bytes)
{
	struct held_pool *pool = calloc(1, sizeof *pool);

	if (pool) {
		pool->most = most_bytes;
		pool->spares.most = most_bytes / 4;
	}
	return pool;
}

void held_pool_destroy(struct held_pool **pool)
{
	if (*pool)
		spares_release(&(*pool)->spares);
	free(*pool);
	*pool = NULL;
}

const struct tcp_counters *held_pool_counters(const struct held_pool *pool)
{
	return &pool->counters;
}

size_t held_pool_spare(const struct held_pool *pool)
{
	return pool->spares.bytes;
}

struct held *held_new(struct held_pool *pool, struct bytes data, uint32_t seq, uint32_t wire, struct moment at)
{
	size_t size = sizeof(struct held) + data.len;
	struct held *h = NULL;

	if (pool->counters.held_bytes + size <= pool->most)
		h = spares_take(&pool->spares, size);
	if (!h)
		return NULL;
	*h = (struct held){ .seq = seq, .wire = wire, .len = (uint32_t)data.len, .at = at };
	if (data.len)
		memcpy(h->data, data.data, data.len);
	pool->counters.held_bytes += size;
	if (pool->counters.held_bytes > pool->counters.held_most)
		pool->counters.held_most = pool->counters.held_bytes;
	return h;
}

void held_free(struct held_pool *pool, struct held *h)
{
	size_t size = sizeof *h + h->len;

	pool->counters.held_bytes -= size;
	wipe(h->data, h->len); /* it may be a LOGIN line */
	spares_give(&pool->spares, h, size);
}

static uint64_t hash_addresses(uint64_t h, const struct packet *p)
{
	uint64_t word[4];
	uint32_t four[2];

	if (p->source.family == 4) {
		memcpy(&four[0], p->source.byte, 4);
		memcpy(&four[1], p->destination.byte, 4);
		return h ^ pair(four[0], four[1]);
	}
	memcpy(word, p->source.byte, 16);
	memcpy(word + 2, p->destination.byte, 16);
	return hash_two(hash_two(h, word[0], word[1]), word[2], word[3]);
}

/* The fixed fields, the addresses, then the payload's first bytes: short frames hash in less. Every packet is hashed, so the quick hash
 * must do: who makes frames of his own collide hides only those. */
static uint64_t frame_hash(const struct packet *p)
{
	struct bytes head = bytes_part(p->payload, 0, 32);
	uint64_t ports = (uint64_t)p->source_port << 48 | (uint64_t)p->destination_port << 32 | (uint64_t)p->window << 16 | p->ip_id;
	uint64_t kinds = (uint64_t)p->flags << 24 | (uint64_t)p->transport << 16 | (uint64_t)p->source.family << 8 | head.len;
	uint64_t h = hash_two(frame_key.k0, pair(p->sequence, p->acknowledgement), ports), word[4] = { 0 };

	h = hash_two(hash_addresses(h, p), pair(p->payload_wire, (uint32_t)kinds), p->has_timestamps ? pair(p->timestamp, p->timestamp_echo) : 0);
	if (p->has_sack)
		h = hash_two(h, pair(p->sack_left, p->sack_right), 1);
	if (!head.len)
		return h;
	if (head.len == sizeof word)
		memcpy(word, head.data, sizeof word); /* of known length: no call */
	else
		memcpy(word, head.data, head.len);
	return hash_two(hash_two(h, word[0], word[1]), word[2], word[3]);
}

/* How long after the first capture a frame of this look may be the second. Without an IP identification a host's own repetition
 * looks the same: a router's mark (TTL one less) tells a second capture, else only haste does. A bare acknowledgement
 * without timestamps may rightly be repeated at once. */
static nanoseconds duplicate_within(const struct packet *p, int hops)
{
	if (p->ip_id || hops == 1 || (p->flags & (TCP_SYN | TCP_RST)))
		return 10 * MILLISECOND;
	if (p->transport == TRANSPORT_TCP && !p->payload_wire && !(p->flags & TCP_FIN) && !p->has_timestamps)
		return -1;
	return 2 * MILLISECOND;
}

void frame_expect(struct held_pool *pool, const struct packet *p)
{
	pool->expected.hash = frame_hash(p);
	pool->expected.frame = p->at.frame;
	pool->expected.file = p->at.file;
	__builtin_prefetch(&pool->seen[pool->expected.hash % FRAMES_SEEN], 1);
}

static uint64_t expected_hash(const struct held_pool *pool, const struct packet *p)
{
	return pool->expected.frame == p->at.frame && pool->expected.file == p->at.file ? pool->expected.hash : frame_hash(p);
}

bool frame_duplicate(struct held_pool *pool, const struct packet *p)
{
	uint64_t hash = expected_hash(pool, p);
	struct frame_seen *seen = &pool->seen[hash % FRAMES_SEEN];
	int hops = abs((int)seen->ttl - (int)p->ttl);
	bool same = seen->hash == hash && seen->frame;

	if (same && p->at.frame == seen->frame && p->at.file == seen->file)
		return seen->duplicate;
	if (same && p->at.frame == seen->first && p->at.file == seen->first_file)
		return false;
	if (same && hops <= 1 && p->at.time - seen->time >= 0 && p->at.time - seen->time <= duplicate_within(p, hops)) {
		seen->duplicate = true;
		pool->counters.duplicates++;
	} else {
		seen->hash = hash;
		seen->time = p->at.time;
		seen->first = p->at.frame;
		seen->first_file = p->at.file;
		seen->duplicate = false;
	}
	seen->ttl = p->ttl;
	seen->frame = p->at.frame;
	seen->file = p->at.file;
	return seen->duplicate;
}

void frame_no_duplicate(struct held_pool *pool, const struct packet *p)
{
	struct frame_seen *seen = &pool->seen[frame_hash(p) % FRAMES_SEEN];

	if (seen->duplicate)
		pool->counters.duplicates--;
	seen->duplicate = false;
	seen->time = p->at.time;
	seen->first = p->at.frame;
	seen->first_file = p->at.file;
}

void frames_forget(struct held_pool *pool)
{
	memset(pool->seen, 0, sizeof pool->seen);
	pool->expected.frame = 0;
}
