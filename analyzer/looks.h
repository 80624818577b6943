/* When a session is looked at: by its timer, and when memory drives it out. */
#ifndef IMAPWHY_LOOKS_H
#define IMAPWHY_LOOKS_H

#include "table.h"

/* The wheel's call (context: the analysis). Writes the verdict once it is settled, and forgets what is closed and written. */
void look_at_session(void *context, struct flow *flow);
/* The flow table's call (context: the analysis): the session must leave. */
void evict_session(void *context, struct flow *flow);

#endif
