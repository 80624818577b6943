/* Blocks of a few sizes that are used again and again: what comes and goes with packets is not allocated for each. */
#ifndef IMAPWHY_SPARES_H
#define IMAPWHY_SPARES_H

#include <stddef.h>

#define SPARE_SIZES 6

struct spares {
	struct spare *list[SPARE_SIZES]; /* by size */
	size_t bytes, most;              /* lying idle, and the most that may; the rest is freed at once */
};

/* What a block of so many bytes really takes; those too large for any list take what they are. */
size_t spares_room(size_t size);
/* A block of spares_room(size) bytes, its content undefined. NULL: no memory. */
void *spares_take(struct spares *spares, size_t size);
/* Back with it: its size is the one it was taken for. Secrets are to be wiped before. */
void spares_give(struct spares *spares, void *block, size_t size);
/* Frees those that lie idle. */
void spares_release(struct spares *spares);

#endif
