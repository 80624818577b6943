/* Packs structs that are not needed for a while into few bytes, and unpacks them, exactly. */
#ifndef IMAPWHY_PACK_H
#define IMAPWHY_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_MOST 12288 /* bytes that a packer takes at the most, packed */
#define PACK_PARTS 8    /* allocations beside the first struct */

/* One walk over a struct and its allocations does both: the same calls in the same order pack and unpack. Whoever owns a struct says
 * which calls those are (facts_pack, tcp_pack, …). Words are written without their upper zeros, and those close to the reference (times,
 * mostly) as their difference to it. Pointers are packed like all else: what they lead to must stay where it is, or be a part. */
struct packer {
	bool packing, failed;     /* failed: no memory, or more than PACK_MOST; what was walked over is of no use */
	uint64_t reference;       /* moves to each word that is written as a difference */
	size_t len, end;
	void *part[PACK_PARTS];
	int parts;
	uint8_t bytes[PACK_MOST + 3 * sizeof(uint64_t)]; /* words are stored and read whole */
};

/* Begins to pack. reference: a time of those that will come. */
void pack_begin(struct packer *p, uint64_t reference);
/* Begins to unpack what such a walk with the same reference gave: `len` of `bytes`. */
void unpack_begin(struct packer *p, uint64_t reference, const void *bytes, size_t len);

/* Packs what stands at `at`, or puts there what was packed. */
void pack(struct packer *p, void *at, size_t len);
/* An allocation (malloc) of `room` bytes, of which the first `len` are packed; NULL: nothing. Packing returns `part` as it is; unpacking
 * (where `part` only says whether there was one) returns a new one, the rest of it zeros; NULL: no memory, and `failed`. */
void *pack_part(struct packer *p, void *part, size_t len, size_t room);

/* Small numbers of either sign as small ones: 0, -1, 1, -2 … as 0, 1, 2, 3 … and back. */
static inline uint64_t pack_signed(int64_t n)
{
	return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static inline int64_t unpack_signed(uint64_t n)
{
	return (int64_t)(n >> 1 ^ (0 - (n & 1)));
}

/* Ends a walk. The parts are freed where they are not needed any more: packed, or (failed) unpacked in vain. False: failed. */
bool pack_end(struct packer *p);

#endif
