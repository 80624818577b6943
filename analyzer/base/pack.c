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

/* Stores a whole word, of which the next one may cover the zeros. */
static void put(struct packer *p, uint64_t word, unsigned count)
{
	word = htole64(word);
	memcpy(p->bytes + p->len, &word, WORD);
	p->len += count;
}

static uint64_t get(struct packer *p, unsigned count)
{
	uint64_t word;

	memcpy(&word, p->bytes + p->len, WORD);
	p->len += count;
	word = le64toh(word);
	return count == WORD ? word : word & (((uint64_t)1 << 8 * count) - 1);
}

/* Returns the half-byte. */
static unsigned put_word(struct packer *p, uint64_t word)
{
	if (!word)
		return 0;
	uint64_t difference = pack_signed((int64_t)(word - p->reference));
	unsigned whole = bytes_in(word), less = bytes_in(difference);
	if (less >= whole || less > DIFFERENCE_MOST) {
		put(p, word, whole);
		return whole;
	}
	put(p, difference, less);
	p->reference = word;
	return DIFFERENCE + less;
}

static uint64_t get_word(struct packer *p, unsigned how)
{
	if (!how)
		return 0;
	if (how < DIFFERENCE)
		return get(p, how);
	return p->reference += (uint64_t)unpack_signed(get(p, how - DIFFERENCE));
}

/* --- pairs of words, and structs of them --- */

static void put_pair(struct packer *p, const uint64_t pair[2])
{
	size_t how_at = p->len++;
	unsigned how = put_word(p, pair[0]);

	p->bytes[how_at] = (uint8_t)(how | put_word(p, pair[1]) << 4);
}

static void get_pair(struct packer *p, uint64_t pair[2])
{
	/* Our own bytes: more can't be asked for than was packed. */
	if (p->len >= p->end)
		abort();
	unsigned how = p->bytes[p->len++];
	pair[0] = get_word(p, how & 15);
	pair[1] = get_word(p, how >> 4);
}

static void pack_words(struct packer *p, const uint8_t *at, size_t len)
{
	uint64_t pair[2];

	for (; len >= sizeof pair; at += sizeof pair, len -= sizeof pair) {
		memcpy(pair, at, sizeof pair);
		put_pair(p, pair);
	}
	if (!len)
		return;
	memset(pair, 0, sizeof pair);
	memcpy(pair, at, len);
	put_pair(p, pair);
}

static void unpack_words(struct packer *p, uint8_t *at, size_t len)
{
	uint64_t pair[2];

	for (; len >= sizeof pair; at += sizeof pair, len -= sizeof pair) {
		get_pair(p, pair);
		memcpy(at, pair, sizeof pair);
	}
	if (!len)
		return;
	get_pair(p, pair);
	memcpy(at, pair, len);
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
	if (p->packing != p->failed)
		for (int i = 0; i < p->parts; i++)
			free(p->part[i]);
	return !p->failed;
}
