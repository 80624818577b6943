/* Scripts of flows for the benchmark's captures: each flow is written out in full when it starts, then played in time order. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum side { CLIENT, SERVER };
enum transport { TCP = 6, UDP = 17, ICMP = 1 };
enum flag { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

#define MILLISECOND 1000u
#define SECOND 1000000u
#define NOISE 0x80000000u /* in step.from: the bytes come from the noise pool */

struct step {
	uint64_t at; /* microseconds since the capture's start */
	uint32_t seq, ack, stamp, echo, from;
	uint16_t length, record, window; /* record: a TLS record of this length begins here */
	uint8_t side, flags;
};

struct flow {
	struct step *steps;
	unsigned char *bytes;
	size_t step_count, step_room, byte_count, byte_room, said, played;
	uint64_t now, reach[2]; /* reach: the round trip between the capture and a side */
	uint64_t seed;
	uint32_t address[2], isn[2], sent[2], acked[2], stamp_base[2], echo[2];
	uint16_t port[2], ip_id[2];
	uint8_t transport, ttl[2], last_side;
	bool stamps, owes[2];
};

uint64_t roll(uint64_t *seed);
uint32_t below(uint64_t *seed, uint32_t n);
/* Skewed like sizes and gaps are: mostly near the middle, seldom many times it. */
uint32_t skewed(uint64_t *seed, uint32_t middle, uint32_t most);

struct flow *flow_new(uint64_t seed, uint64_t at, enum transport transport);
void flow_free(struct flow *f);
void flow_pause(struct flow *f, uint64_t microseconds);
size_t flow_wire_bytes(const struct flow *f);

void flow_put(struct flow *f, const void *bytes, size_t length);
void flow_put_noise(struct flow *f, size_t length);
void flow_say(struct flow *f, enum side side);
void flow_say_noise(struct flow *f, enum side side, size_t length, bool as_record);
void flow_datagram(struct flow *f, enum side side, size_t length);
void flow_signal(struct flow *f, enum side side, unsigned flags);
void flow_again(struct flow *f);
void flow_open(struct flow *f);
void flow_close(struct flow *f, enum side first);

/* The writing side. */
struct player;
struct player *player_new(FILE *out, uint64_t epoch_seconds);
void player_add(struct player *p, struct flow *f);
/* Plays what happens before this time; true: flows are left. */
bool player_until(struct player *p, uint64_t at);
void player_raw(struct player *p, uint64_t at, const unsigned char *frame, size_t length);
uint64_t player_packets(const struct player *p);
uint64_t player_bytes(const struct player *p);
void player_free(struct player *p);
const unsigned char *noise_pool(void);
#define NOISE_BYTES (1u << 20)
