/* SipHash-1-3 (Aumasson and Bernstein), the variant with one compression and three finalisation rounds. */
#include "hash.h"

#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

/* The up to seven bytes behind the last whole word. */
static inline uint64_t tail_of(const uint8_t *at, size_t len)
{
	uint64_t tail = 0;
	uint32_t four;
	unsigned shift = 0;

	if (len & 4) {
		memcpy(&four, at, 4);
		tail = four;
		at += 4;
		shift = 32;
	}
	for (len &= 3; len; len--, shift += 8)
		tail |= (uint64_t)*at++ << shift;
	return tail;
}

uint64_t hash_bytes(struct hash_key key, const void *data, size_t len)
{
	struct sip s = { key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du,
			 key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u };
	const uint8_t *at = data;
	uint64_t word, last = (uint64_t)len << 56;

	for (; len >= 8; at += 8, len -= 8) {
		memcpy(&word, at, 8);
		s.v3 ^= word;
		sip_round(&s);
		s.v0 ^= word;
	}
	last |= tail_of(at, len);
	s.v3 ^= last;
	sip_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
