/* Signs of traffic that is no mail: where much passes, a line of memory for each host and for each device. */
#ifndef IMAPWHY_PASSING_H
#define IMAPWHY_PASSING_H

#include "ageing.h"

/* The newest connection that a host answered. */
struct answered {
	struct moment at;
	struct address client;
	uint16_t port, client_port;
};

/* A device's connections of the last few minutes. */
struct attempts_of {
	uint32_t answered, unanswered, rtt_least, rtt_most; /* microseconds; 0: unknown */
	struct moment newest;                               /* of the answered ones */
};

struct passing;
/* Two tables of slots within most_bytes. NULL: out of memory. */
struct passing *passing_create(size_t most_bytes, struct hash_key key);
void passing_destroy(struct passing **passing);
void passing_syn(struct passing *passing, const struct endpoint *client, const struct endpoint *server, struct moment at);
void passing_synack(struct passing *passing, const struct endpoint *client, const struct endpoint *server, struct moment at);
/* False: that host answered nobody between the two times, as far as is remembered. */
bool passing_host(const struct passing *passing, const struct address *host, nanoseconds from, nanoseconds to, struct answered *into);
bool passing_device(const struct passing *passing, const struct address *client, nanoseconds from, nanoseconds to, struct attempts_of *into);
/* Hosts, devices and SYNs still of use that others took the place of. */
uint64_t passing_overwritten(const struct passing *passing);
size_t passing_bytes(const struct passing *passing);

#endif
