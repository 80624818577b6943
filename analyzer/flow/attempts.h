/* SYNs that nothing answered yet: a fixed table of small slots, which a flood fills and which is evicted first. */
#ifndef IMAPWHY_ATTEMPTS_H
#define IMAPWHY_ATTEMPTS_H

#include "hash.h"
#include "packet.h"
#include "table.h"
#include "tcp.h"

/* What of a lone SYN is kept until a second frame makes it a session. */
struct attempt {
	struct endpoint client, server;
	struct moment at;
	uint32_t sequence, timestamp;
	uint16_t window, mss, ip_id, encapsulation;
	uint8_t ttl, window_scale;
	bool has_timestamps, sack_permitted, dont_fragment;
};

/* Attempts of a server that stayed alone. */
struct attempt_count {
	struct endpoint server;
	uint64_t count;
	struct moment first, last;
	uint64_t reported;        /* of count */
	uint8_t registers[256];   /* HyperLogLog of the sources: about 6 % off */
};

struct attempts;
/* Of that many slots at the most; made as they are needed. key: that of the ends_of() which are asked for. */
struct attempts *attempts_create(size_t slots, size_t servers, struct hash_key key);
void attempts_destroy(struct attempts **attempts);
/* Keeps a SYN between these ends; the oldest of its bucket is counted and leaves where it is full. */
void attempts_add(struct attempts *attempts, const struct ends *ends, const struct packet *syn);
/* Takes out the attempt between these ends, either way round. False: none. */
bool attempts_take(struct attempts *attempts, const struct ends *ends, struct attempt *into);
/* The SYN as a packet again, to be fed to a tracker. */
void attempt_packet(const struct attempt *attempt, struct packet *into);
/* Whether another SYN between the same ends is the attempt's own frame, captured twice. Asked only then, so that a flood is spared. */
bool attempt_duplicate(struct held_pool *pool, const struct attempt *attempt, const struct packet *syn);
/* Counts all that wait since before `before` as having stayed alone. */
void attempts_expire(struct attempts *attempts, nanoseconds before);
/* The counts of each server; sources estimated. */
void attempts_each(struct attempts *attempts, void (*call)(void *context, struct attempt_count *count, uint64_t sources), void *context);
uint64_t attempts_evicted(const struct attempts *attempts);
uint64_t attempts_uncounted(const struct attempts *attempts); /* servers' table full */
size_t attempts_bytes(const struct attempts *attempts);

#endif
