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
	memset(p->bytes + len, 0, WORD);
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

	/* Our own bytes: more can't be asked for than was packed. */
	if (p->len + count > p->end)
		abort();
	memcpy(&word, p->bytes + p->len, WORD);
	p->len += count;
	word = le64toh(word);
	return count == WORD ? word : word & (((uint64_t)1 << 8 * count) - 1);
}

/* Returns the half-byte. */
static unsigned put_word(struct packer *p, uint64_t word)
{
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
	if (how < DIFFERENCE)
		return get(p, how);
	return p->reference += (uint64_t)unpack_signed(get(p, how - DIFFERENCE));
}

/* --- structs --- */

static uint64_t load(const uint8_t *at, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, at, len < WORD ? len : WORD);
	return word;
}

static void store(uint8_t *at, size_t len, uint64_t word)
{
	memcpy(at, &word, len < WORD ? len : WORD);
}

static void pack_words(struct packer *p, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += 2 * WORD) {
		size_t how_at = p->len++;
		unsigned how = put_word(p, load(at + i, len - i));
		if (i + WORD < len)
			how |= put_word(p, load(at + i + WORD, len - i - WORD)) << 4;
		p->bytes[how_at] = (uint8_t)how;
	}
}

static void unpack_words(struct packer *p, uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += 2 * WORD) {
		unsigned how = (unsigned)get(p, 1);
		store(at + i, len - i, get_word(p, how & 15));
		if (i + WORD < len)
			store(at + i + WORD, len - i - WORD, get_word(p, how >> 4));
	}
}

void pack(struct packer *p, void *at, size_t len)
{
	size_t most = len + len / (2 * WORD) + 1 + WORD;

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
