/* Reads a long file ahead on a second core, into pieces that are handed over whole; before each there is room for what was left of the last. */
#ifndef IMAPWHY_AHEAD_H
#define IMAPWHY_AHEAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AHEAD_FRONT (72u << 10)  /* bytes before a piece that are the taker's: more than most records have */
#define AHEAD_PIECE (256u << 10)

struct ahead;

/* Some bytes, at most `room`; 0 at the end, negative after trouble, of which `context` keeps the reason. Called on the other thread alone,
 * from ahead_start until ahead_stop. */
typedef ssize_t ahead_read(void *context, uint8_t *into, size_t room);

/* NULL where there is no second core to gain by, no memory or no thread to be had: then go on without. */
struct ahead *ahead_start(ahead_read *read, void *context);
/* Waits for the next piece. It stays valid, and so do the bytes before it, until the next call but one. *len is 0 at the end. */
uint8_t *ahead_next(struct ahead *ahead, size_t *len);
/* Ends the thread; pieces are gone with it. */
void ahead_stop(struct ahead **ahead);

#endif
