/* A live interface through libpcap. */
#ifndef IMAPWHY_LIVE_H
#define IMAPWHY_LIVE_H

#include "source.h"

struct live;

/* NULL and error: it can't be captured on. Gives up root as the options say, once it is open. */
struct live *live_open(const char *interface, const struct source_options *options, struct error *error);
void live_close(struct live **live);
/* SOURCE_FRAME, SOURCE_IDLE, SOURCE_NOTICE with error (the interface went or came back), or (stopped, and what had arrived was handed over)
 * SOURCE_END. */
enum source_status live_next(struct live *live, struct frame *frame, struct error *error);
const char *live_name(const struct live *live);
void live_counters(struct live *live, struct source_counters *into);

#endif
