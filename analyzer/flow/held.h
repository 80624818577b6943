/* The inside of the pool that all connections share. */
#ifndef IMAPWHY_HELD_H
#define IMAPWHY_HELD_H

#include "spares.h"
#include "tcp.h"

enum { FRAMES_SEEN = 4096 }; /* 10 ms at 400,000 frames a second */

struct frame_seen {
	uint64_t hash;
	nanoseconds time;        /* of the first capture */
	uint32_t first, frame;   /* the first and the newest with that hash */
	uint16_t first_file, file;
	uint8_t ttl;
	bool duplicate;
};

struct held_pool {
	size_t most;
	struct spares spares;    /* where segments wait */
	struct tcp_counters counters;
	struct {
		uint64_t hash;
		uint32_t frame;
		uint16_t file;
	} expected;              /* of the frame that frame_expect was told of */
	struct frame_seen seen[FRAMES_SEEN];
};

struct held {
	struct held *next;
	struct moment at;
	uint32_t seq, wire, len; /* len bytes were captured of wire */
	uint8_t data[];
};

/* A copy within the budget; NULL: no room. */
struct held *held_new(struct held_pool *pool, struct bytes data, uint32_t seq, uint32_t wire, struct moment at);
void held_free(struct held_pool *pool, struct held *h);
/* Takes back that the frame was called a duplicate: the connection's state tells otherwise. */
void frame_no_duplicate(struct held_pool *pool, const struct packet *p);

#endif
