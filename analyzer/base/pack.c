/* Structs as few bytes: a half-byte says for each word how many bytes of it follow, and whether they are a difference. */
#include "pack.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define WORD sizeof(uint64_t)
/* The half-byte: 0 to 8 bytes of the word itself, or of its difference to the reference. */
#define DIFFERENCE 9
#define DIFFERENCE_MOST 6

void pack_begin(struct packer *p, uint64_t reference)
{
	p->packing = true;
	p->failed = false;
	p->reference = reference;
	p->len = 0;
	p->parts = 0;
}

void unpack_begin(struct packer *p, uint64_t reference, const void *bytes, size_t len)
{
	pack_begin(p, reference);
	p->packing = false;
	p->end = len;
	memcpy(p->bytes, bytes, len);
	memset(p->bytes + len, 0, sizeof p->bytes - PACK_MOST);
}

/* --- words --- */

static unsigned bytes_in(uint64_t word)
{
	return word ? (unsigned)WORD - (unsigned)__builtin_clzll(word) / 8 : 0;
}

/* Where the next byte goes to, or comes from: apart from the packer, so that no byte written may change it. */
struct cursor {
	uint8_t *at;
	uint64_t reference;
};

/* Stores a whole word, of which the next one may cover the zeros. */
static inline void put(struct cursor *c, uint64_t word, unsigned count)
{
	word = htole64(word);
	memcpy(c->at, &word, WORD);
	c->at += count;
}

static inline uint64_t get(struct cursor *c, unsigned count)
{
	uint64_t word;

	memcpy(&word, c->at, WORD);
	c->at += count;
	word = le64toh(word);
	return count == WORD ? word : word & (((uint64_t)1 << 8 * count) - 1);
}

/* Returns the half-byte. */
static inline unsigned put_word(struct cursor *c, uint64_t word)
{
	if (!word)
		return 0;
	uint64_t difference = pack_signed((int64_t)(word - c->reference));
	unsigned whole = bytes_in(word), less = bytes_in(difference);
	if (less >= whole || less > DIFFERENCE_MOST) {
		put(c, word, whole);
		return whole;
	}
	put(c, difference, less);
	c->reference = word;
	return DIFFERENCE + less;
}

static inline uint64_t get_word(struct cursor *c, unsigned how)
{
	if (!how)
		return 0;
	if (how < DIFFERENCE)
		return get(c, how);
	return c->reference += (uint64_t)unpack_signed(get(c, how - DIFFERENCE));
}

/* --- pairs of words, and structs of them --- */

static inline void put_pair(struct cursor *c, const uint64_t pair[2])
{
	uint8_t *how_at = c->at++;
	unsigned how = put_word(c, pair[0]);

	*how_at = (uint8_t)(how | put_word(c, pair[1]) << 4);
}

static inline void get_pair(struct cursor *c, uint64_t pair[2])
{
	unsigned how = *c->at++;

	pair[0] = get_word(c, how & 15);
	pair[1] = get_word(c, how >> 4);
}

static void pack_words(struct packer *p, const uint8_t *at, size_t len)
{
	struct cursor c = { p->bytes + p->len, p->reference };
	uint64_t pair[2];

	for (; len >= sizeof pair; at += sizeof pair, len -= sizeof pair) {
		memcpy(pair, at, sizeof pair);
		put_pair(&c, pair);
	}
	if (len) {
		memset(pair, 0, sizeof pair);
		memcpy(pair, at, len);
		put_pair(&c, pair);
	}
	p->len = (size_t)(c.at - p->bytes);
	p->reference = c.reference;
}

static void unpack_words(struct packer *p, uint8_t *at, size_t len)
{
	struct cursor c = { p->bytes + p->len, p->reference };
	const uint8_t *end = p->bytes + p->end;
	uint64_t pair[2];

	for (; len >= sizeof pair && c.at < end; at += sizeof pair, len -= sizeof pair) {
		get_pair(&c, pair);
		memcpy(at, pair, sizeof pair);
	}
	if (len && len < sizeof pair && c.at < end) {
		get_pair(&c, pair);
		memcpy(at, pair, len);
		len = 0;
	}
	/* Our own bytes: more can't be asked for than was packed. */
	if (len)
		abort();
	p->len = (size_t)(c.at - p->bytes);
	p->reference = c.reference;
}

void pack(struct packer *p, void *at, size_t len)
{
	size_t most = len + len / (2 * WORD) + 1;

	if (p->packing && most > PACK_MOST - p->len)
		p->failed = true;
	if (p->failed)
		return;
	if (p->packing)
		pack_words(p, at, len);
	else
		unpack_words(p, at, len);
}

void *pack_part(struct packer *p, void *part, size_t len, size_t room)
{
	if (!part)
		return NULL;
	if (p->parts == PACK_PARTS)
		abort();
	if (!p->packing)
		part = p->failed ? NULL : calloc(1, room);
	if (!part) {
		p->failed = true;
		return NULL;
	}
	p->part[p->parts++] = part;
	pack(p, part, len);
	return part;
}

bool pack_end(struct packer *p)
{
	/* The walk back took another way than the walk there. */
	if (!p->packing && !p->failed && p->len != p->end)
		abort();
	if (p->packing != p->failed)
		for (int i = 0; i < p->parts; i++)
			free(p->part[i]);
	return !p->failed;
}
