/* The heap on huge pages (madvise(2), mallopt(3)). */
#include "heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE ((uintptr_t)2 << 20)
/* What is larger comes from the system by itself, and costs nothing where it is not used. */
#define LARGE (1 << 20)
#define RESERVE_MOST ((size_t)512 << 20)

void heap_on_huge_pages(size_t bytes)
{
	if (bytes > RESERVE_MOST)
		bytes = RESERVE_MOST;
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, (int)bytes * 2);
	mallopt(M_TOP_PAD, (int)bytes);
	/* More than is there: the heap grows, once. A compiler may leave out what nobody looks at. */
	void *volatile first = malloc(LARGE / 2);
	uintptr_t begin = ((uintptr_t)first + HUGE - 1) / HUGE * HUGE, end = (uintptr_t)sbrk(0) / HUGE * HUGE;
	free(first);
	if (begin < end) /* an allocator of its own has its memory elsewhere */
		madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}
