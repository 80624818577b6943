/* What all connections share: the memory budget of waiting segments, the frames just seen, the counters. */
#include "held.h"

#include "hash.h"

#include <stdlib.h>

/* A key of no secret: which frames count as duplicates must not differ between runs. */
static const struct hash_key frame_key = { 0x696d617077687921, 0x6475706c69636174 };

static uint64_t hash_words(const void *words, size_t count)
{
	const uint8_t *at = words;
	uint64_t word, h = frame_key.k0;

	for (size_t i = 0; i < count; i++) {
		memcpy(&word, at + 8 * i, 8);
		h = hash_fold(h ^ word, frame_key.k1 ^ (0x9e3779b97f4a7c15u + i));
	}
	return h;
}

struct held_pool *held_pool_create(size_t most_bytes)
{
	struct held_pool *pool = calloc(1, sizeof *pool);

	if (pool)
		pool->most = most_bytes;
	return pool;
}

void held_pool_destroy(struct held_pool **pool)
{
	free(*pool);
	*pool = NULL;
}

const struct tcp_counters *held_pool_counters(const struct held_pool *pool)
{
	return &pool->counters;
}

struct held *held_new(struct held_pool *pool, struct bytes data, uint32_t seq, uint32_t wire, struct moment at)
{
	size_t size = sizeof(struct held) + data.len;
	struct held *h = NULL;

	if (pool->counters.held_bytes + size <= pool->most)
		h = malloc(size);
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
	pool->counters.held_bytes -= sizeof *h + h->len;
	free(h);
}

/* The fixed fields, then the addresses (four bytes each, or sixteen), then the payload's first bytes: short frames hash in less.
 * Every packet is hashed, so the quick hash must do: who makes frames of his own collide hides only those. */
static uint64_t frame_hash(const struct packet *p)
{
	struct {
		uint16_t source_port, destination_port, window, ip_id;
		uint32_t sequence, acknowledgement, length, timestamp, timestamp_echo, sack_left, sack_right;
		uint8_t flags, transport, family, head;
		uint8_t rest[64];
	} key;
	struct bytes head = bytes_part(p->payload, 0, 32);
	size_t address = p->source.family == 4 ? 4 : 16, rest = 2 * address + head.len, whole = (rest + 7) & ~(size_t)7;

	key.source_port = p->source_port;
	key.destination_port = p->destination_port;
	key.window = p->window;
	key.ip_id = p->ip_id;
	key.sequence = p->sequence;
	key.acknowledgement = p->acknowledgement;
	key.length = p->payload_wire;
	key.timestamp = p->has_timestamps ? p->timestamp : 0;
	key.timestamp_echo = p->has_timestamps ? p->timestamp_echo : 0;
	key.sack_left = p->has_sack ? p->sack_left : 0;
	key.sack_right = p->has_sack ? p->sack_right : 0;
	key.flags = p->flags;
	key.transport = (uint8_t)p->transport;
	key.family = p->source.family;
	key.head = (uint8_t)head.len;
	memset(key.rest + whole - 8, 0, 8);
	memcpy(key.rest, p->source.byte, address);
	memcpy(key.rest + address, p->destination.byte, address);
	if (head.len)
		memcpy(key.rest + 2 * address, head.data, head.len);
	return hash_words(&key, (sizeof key - sizeof key.rest + whole) / 8);
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

bool frame_duplicate(struct held_pool *pool, const struct packet *p)
{
	uint64_t hash = frame_hash(p);
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
}
