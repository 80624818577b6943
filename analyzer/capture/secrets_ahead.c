/* Secrets that stand behind the packets they open: a plain pcapng file is looked through for them, its beginning by blocks, its end backwards. */
#include "pcapng.h"

#include <stdlib.h>
#include <unistd.h>

#include "text.h"

#define BEGINNING (4u << 20) /* where capturing programs tell secrets soon after the handshakes; from the first on, later ones are waited for */
#define BLOCKS_LEAST 12u
#define BLOCKS_BACK 64       /* what may stand behind the last packet: secrets, statistics, names */

/* `len` bytes at that place; false: they are not all there. */
static bool read_at(const struct file *f, uint64_t at, uint8_t *into, size_t len)
{
	return pread(f->input.fd, into, len, (off_t)at) == (ssize_t)len;
}

static bool is_length(uint32_t length, uint64_t most)
{
	return length >= BLOCKS_LEAST && length % 4 == 0 && length <= most;
}

/* The secrets of the blocks in there, as far as they are whole. Those ahead of all packets come in time without this. */
static void look_through(struct file *f, const uint8_t *p, size_t left)
{
	bool packets = false;

	while (left >= BLOCKS_LEAST) {
		uint32_t type = load32(p, f->swapped), length = load32(p + 4, f->swapped);

		/* Another section may have another byte order: its own secrets stand in order, or they are waited for. */
		if (type == SECTION_HEADER || !is_length(length, left))
			return;
		packets |= pcapng_carries_packet(type);
		if (packets && type == DECRYPTION_SECRETS)
			pcapng_secrets(f->gathered, f->swapped, p, p + length - 4);
		p += length;
		left -= length;
	}
}

static void look_at_beginning(struct file *f)
{
	uint64_t at = input_offset(&f->input), left = f->input.size - at;
	size_t len = left < BEGINNING ? (size_t)left : BEGINNING;
	uint8_t *room = malloc(len);

	if (room && read_at(f, at, room, len))
		look_through(f, room, len);
	if (room)
		wipe(room, len);
	free(room);
}

/* The block that ends there, if it carries no packet; its length, or 0: nothing to go on from. */
static uint32_t look_back(struct file *f, uint64_t end, uint64_t least)
{
	uint8_t closing[4], opening[8];
	uint32_t length, type;

	if (end - least < BLOCKS_LEAST || !read_at(f, end - 4, closing, sizeof closing))
		return 0;
	length = load32(closing, f->swapped);
	if (!is_length(length, end - least) || !read_at(f, end - length, opening, sizeof opening) || load32(opening + 4, f->swapped) != length)
		return 0;
	type = load32(opening, f->swapped);
	if (type == SECTION_HEADER || pcapng_carries_packet(type))
		return 0;
	if (type == DECRYPTION_SECRETS && length <= SECRETS_MOST) {
		uint8_t *room = malloc(length);
		if (room && read_at(f, end - length, room, length))
			pcapng_secrets(f->gathered, f->swapped, room, room + length - 4);
		if (room)
			wipe(room, length);
		free(room);
	}
	return length;
}

void file_secrets_ahead(struct file *f)
{
	if (!f->pcapng || !f->gathered || f->input.packed || f->input.size <= input_offset(&f->input))
		return;
	look_at_beginning(f);
	uint64_t end = f->input.size, least = input_offset(&f->input) + BEGINNING;
	for (int i = 0; i < BLOCKS_BACK && end > least; i++) {
		uint32_t length = look_back(f, end, least);
		if (length == 0)
			return;
		end -= length;
	}
}
