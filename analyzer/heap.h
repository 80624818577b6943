/* Where malloc takes its memory from: sessions and tables are met in no order, so that on small pages most are found on one not at hand. */
#ifndef IMAPWHY_HEAP_H
#define IMAPWHY_HEAP_H

#include <stddef.h>

/* The next so many bytes of the heap are to lie on huge pages, where the system has them; memory is taken only as it is used. For the start,
 * while there is one thread. */
void heap_on_huge_pages(size_t bytes);

#endif
