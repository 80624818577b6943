/* The loss of devices whose mail fails: what their other connections had to send again, for as long as that is asked. */
#ifndef IMAPWHY_WATCH_H
#define IMAPWHY_WATCH_H

#include "ageing.h"
#include "packet.h"

/* Data segments of a device's connections, both ways, since it is watched. */
struct loss {
	uint32_t segments;      /* sent again ones included */
	uint32_t retransmitted;
};

struct watch;
/* Of a fixed size. NULL: out of memory. */
struct watch *watch_create(struct hash_key key);
void watch_destroy(struct watch **watch);
/* Its mail fails: it is watched for some minutes from now on. */
void watch_begin(struct watch *watch, const struct address *device, nanoseconds now);
/* A TCP segment with payload that is no mail. False: nobody is watched any more, it need not be called. */
bool watch_segment(struct watch *watch, const struct packet *p);
/* A mail connection that worked, by its own tracker's counts. */
void watch_session(struct watch *watch, const struct address *device, const struct loss *loss);
/* False: not watched, or it sent nothing yet. */
bool watch_loss(const struct watch *watch, const struct address *device, struct loss *into);
/* Devices and connections that others took the place of. */
uint64_t watch_overwritten(const struct watch *watch);
size_t watch_bytes(const struct watch *watch);

#endif
