/* Lists of idle blocks by size. */
#include "spares.h"

#include <stdlib.h>

struct spare {
	struct spare *next;
};

/* Segments of the usual lengths, the longest TLS record, and the tails of streams. */
static const size_t sizes[SPARE_SIZES] = { 256, 512, 2048, 4096, 18432, 69632 };

static int size_of(size_t size)
{
	int i = 0;

	while (i < SPARE_SIZES && sizes[i] < size)
		i++;
	return i;
}

size_t spares_room(size_t size)
{
	int i = size_of(size);

	return i < SPARE_SIZES ? sizes[i] : size;
}

void *spares_take(struct spares *s, size_t size)
{
	int i = size_of(size);
	struct spare *block = i < SPARE_SIZES ? s->list[i] : NULL;

	if (!block)
		return malloc(spares_room(size));
	s->list[i] = block->next;
	s->bytes -= sizes[i];
	return block;
}

void spares_give(struct spares *s, void *block, size_t size)
{
	struct spare *spare = block;
	int i = size_of(size);

	if (i == SPARE_SIZES || s->bytes + sizes[i] > s->most) {
		free(block);
		return;
	}
	spare->next = s->list[i];
	s->list[i] = spare;
	s->bytes += sizes[i];
}

void spares_release(struct spares *s)
{
	for (int i = 0; i < SPARE_SIZES; i++)
		while (s->list[i]) {
			struct spare *block = s->list[i];
			s->list[i] = block->next;
			free(block);
		}
	s->bytes = 0;
}
