/* The idle timers of middleboxes, estimated from connections that died quietly and from quiet that others survived. */
#ifndef IMAPWHY_TIMERS_H
#define IMAPWHY_TIMERS_H

#include "ageing.h"

/* The table is made by context.c, of records so large. */
struct timers {
	struct ageing *table;
};
extern const size_t timers_record;

/* A path is a client's network (IPv4 /24, IPv6 /64) and a server's address. */
void timers_died(struct timers *timers, const struct endpoint *client, const struct endpoint *server, nanoseconds quiet, struct moment at,
		 uint64_t session);
void timers_survived(struct timers *timers, const struct endpoint *client, const struct endpoint *server, nanoseconds quiet, nanoseconds now);

struct idle_timer {
	nanoseconds least, most; /* it lies between these; equal where a usual setting fits alone */
	int sessions;            /* that agree */
	struct moment at;        /* of the newest */
	uint64_t session;
};
/* False: fewer than two sessions agree, or survivors contradict them. */
bool timers_estimate(const struct timers *timers, const struct endpoint *client, const struct endpoint *server, struct idle_timer *into);

#endif
