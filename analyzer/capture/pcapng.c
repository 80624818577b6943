/* pcapng: sections, interfaces, packets, decryption secrets; other blocks are stepped over. */
#include "pcapng.h"

#include <stdlib.h>

#include "text.h"

#define SECTION_ORDER 0x1a2b3c4du
#define INTERFACES_MOST 65536u
#define TLS_KEY_LOG 0x544c534bu

static uint64_t load64(const uint8_t *p, bool swapped)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return swapped ? __builtin_bswap64(v) : v;
}

/* Units whose nanosecond is not whole: powers of two, and finer powers of ten. */
static nanoseconds odd_time(const struct interface *i, uint64_t units)
{
	unsigned exponent = i->resolution & 0x7f;

	if (i->resolution & 0x80) {
		if (exponent > 63)
			return 0;
		uint64_t seconds = units >> exponent, rest = units - (seconds << exponent);
		if (seconds > (uint64_t)(TIME_MOST / SECOND))
			return TIME_MOST;
		return (nanoseconds)seconds * SECOND + (nanoseconds)((unsigned __int128)rest * (uint64_t)SECOND >> exponent);
	}
	for (; exponent > 9 && units > 0; exponent--)
		units /= 10;
	return units > (uint64_t)TIME_MOST ? TIME_MOST : (nanoseconds)units;
}

static nanoseconds block_time(const struct interface *i, uint32_t high, uint32_t low)
{
	uint64_t units = (uint64_t)high << 32 | low, product;
	nanoseconds time, offset;

	if (!i->multiplier)
		time = odd_time(i, units);
	else if (__builtin_mul_overflow(units, i->multiplier, &product) || product > (uint64_t)TIME_MOST)
		time = TIME_MOST;
	else
		time = (nanoseconds)product;
	if (i->offset != 0) {
		if (__builtin_mul_overflow(i->offset, SECOND, &offset) || __builtin_add_overflow(time, offset, &time))
			time = i->offset > 0 ? TIME_MOST : 0;
	}
	return time < 0 ? 0 : time > TIME_MOST ? TIME_MOST : time;
}

/* The option at *p, which moves on; false when they end or make no sense. */
static bool next_option(const struct file *f, const uint8_t **p, const uint8_t *end, uint16_t *code, struct bytes *value)
{
	uint16_t len;

	if (end - *p < 4)
		return false;
	*code = load16(*p, f->swapped);
	len = load16(*p + 2, f->swapped);
	if (*code == 0 || len > end - *p - 4)
		return false;
	*value = bytes_of(*p + 4, len);
	*p += 4 + len;
	for (; len % 4 != 0 && *p < end; len++)
		(*p)++;
	return true;
}

static void set_resolution(struct interface *i, uint8_t resolution)
{
	i->resolution = resolution;
	i->multiplier = 0;
	if (resolution > 9)
		return;
	for (i->multiplier = 1; resolution < 9; resolution++)
		i->multiplier *= 10;
}

static struct interface *add_interface(struct file *f)
{
	if (f->interface_count == f->interface_room) {
		uint32_t room = f->interface_room ? f->interface_room * 2 : 4;
		struct interface *larger = room > INTERFACES_MOST ? NULL : realloc(f->interfaces, room * sizeof *larger);

		if (!larger)
			return NULL;
		f->interfaces = larger;
		f->interface_room = room;
	}
	f->interfaces[f->interface_count] = (struct interface){ 0 };
	return &f->interfaces[f->interface_count++];
}

static enum file_status describe_interface(struct file *f, const uint8_t *p, const uint8_t *end, struct error *error)
{
	struct interface *i;
	struct bytes value;
	uint16_t code;

	if (end - p < 16)
		return file_broken(f, error, "an interface description of %d bytes", (int)(end - p));
	i = add_interface(f);
	if (!i)
		return file_broken(f, error, "more than %u interfaces", INTERFACES_MOST);
	i->link = load16(p + 8, f->swapped);
	i->snap = load32(p + 12, f->swapped);
	set_resolution(i, 6);
	p += 16;
	while (next_option(f, &p, end, &code, &value)) {
		if (code == 9 && value.len >= 1)
			set_resolution(i, value.data[0]);
		if (code == 14 && value.len >= 8)
			i->offset = (int64_t)load64(value.data, f->swapped);
	}
	return FILE_FRAME;
}

/* Each statistics block counts from the capture's start: what is new since the last one is added. */
static void add_new(uint64_t *sum, uint64_t *before, uint64_t now)
{
	if (now > *before)
		*sum += now - *before;
	*before = now;
}

static void read_statistics(struct file *f, const uint8_t *p, const uint8_t *end)
{
	struct interface *i;
	struct bytes value;
	uint16_t code;

	if (end - p < 20 || load32(p + 8, f->swapped) >= f->interface_count || !f->gathered)
		return;
	i = &f->interfaces[load32(p + 8, f->swapped)];
	p += 20;
	while (next_option(f, &p, end, &code, &value)) {
		uint64_t count = value.len == 8 ? load64(value.data, f->swapped) : 0;

		if (code == 4)
			add_new(&f->gathered->received, &i->received, count);
		if (code == 5)
			add_new(&f->gathered->interface_dropped, &i->interface_dropped, count);
		if (code == 7)
			add_new(&f->gathered->dropped, &i->dropped, count);
	}
}

bool pcapng_secrets(struct gathered *g, bool swapped, const uint8_t *p, const uint8_t *end)
{
	size_t len;

	if (end - p < 16)
		return true;
	len = load32(p + 12, swapped);
	if (len > (size_t)(end - p) - 16)
		len = (size_t)(end - p) - 16;
	if (!g->secrets)
		g->secrets = malloc(SECRETS_MOST);
	if (load32(p + 8, swapped) != TLS_KEY_LOG || !g->secrets || len + 1 > SECRETS_MOST - g->secrets_len)
		return false;
	p += 16;
	if (len == 0)
		return true;
	memcpy(g->secrets + g->secrets_len, p, len);
	g->secrets_len += len;
	if (p[len - 1] != '\n')
		g->secrets[g->secrets_len++] = '\n';
	return true;
}

static void read_secrets(struct file *f, const uint8_t *p, const uint8_t *end)
{
	if (!f->gathered)
		return;
	f->gathered->secrets_lost += !pcapng_secrets(f->gathered, f->swapped, p, end);
	wipe(f->input.buffer + (p - f->input.buffer), (size_t)(end - p));
}

static enum file_status no_interface(struct file *f, struct error *error, uint32_t id)
{
	return file_broken(f, error, "a packet of interface %u, which the file does not describe", id);
}

static enum file_status hand_out(struct file *f, struct frame *frame, const uint8_t *data, uint32_t captured, uint32_t wire, uint16_t link)
{
	frame->data = data;
	frame->captured = captured;
	frame->wire = wire > captured ? wire : captured;
	frame->at.time = f->last;
	frame->at.frame = ++f->frames;
	frame->at.file = f->index;
	frame->link = link;
	return FILE_FRAME;
}

/* Enhanced packets and the obsolete ones differ in the first word only. p..end is the block without its closing length. */
static inline enum file_status timed_packet(struct file *f, struct frame *frame, const uint8_t *p, const uint8_t *end, bool obsolete,
	struct error *error)
{
	uint32_t id, captured;

	if (end - p < 28)
		return file_broken(f, error, "a packet block of %d bytes", (int)(end - p) + 4);
	id = obsolete ? load16(p + 8, f->swapped) : load32(p + 8, f->swapped);
	captured = load32(p + 20, f->swapped);
	if (id >= f->interface_count)
		return no_interface(f, error, id);
	if (captured > (size_t)(end - p) - 28)
		return file_broken(f, error, "a packet claims %u bytes in a block of %d", captured, (int)(end - p) + 4);
	f->last = block_time(&f->interfaces[id], load32(p + 12, f->swapped), load32(p + 16, f->swapped));
	return hand_out(f, frame, p + 28, captured, load32(p + 24, f->swapped), f->interfaces[id].link);
}

static enum file_status simple_packet(struct file *f, struct frame *frame, const uint8_t *p, const uint8_t *end, struct error *error)
{
	uint32_t wire, captured;

	if (end - p < 12)
		return file_broken(f, error, "a packet block of %d bytes", (int)(end - p) + 4);
	if (f->interface_count == 0)
		return no_interface(f, error, 0);
	captured = wire = load32(p + 8, f->swapped);
	if (f->interfaces[0].snap != 0 && captured > f->interfaces[0].snap)
		captured = f->interfaces[0].snap;
	if (captured > (size_t)(end - p) - 12)
		captured = (uint32_t)(end - p) - 12;
	return hand_out(f, frame, p + 12, captured, wire, f->interfaces[0].link);
}

/* Steps over bytes of a block that has begun: should they be missing, nothing is left to see that by. */
static enum file_status step_over(struct file *f, uint64_t n, struct error *error)
{
	if (input_skip(&f->input, n))
		return FILE_FRAME;
	return file_broken(f, error, "%s", f->input.trouble[0] ? f->input.trouble : FILE_CUT);
}

/* A section starts: its byte order and version; interfaces are counted anew. */
static enum file_status start_section(struct file *f, struct error *error)
{
	const uint8_t *p = input_have(&f->input, 28);
	uint32_t length;

	if (!p)
		return file_ended(f, error);
	f->swapped = load32(p + 8, false) == __builtin_bswap32(SECTION_ORDER);
	if (load32(p + 8, f->swapped) != SECTION_ORDER)
		return file_broken(f, error, "a section without a byte order");
	length = load32(p + 4, f->swapped);
	if (length < 28 || length % 4 != 0)
		return file_broken(f, error, "a section header of %u bytes", length);
	if (load16(p + 12, f->swapped) != 1)
		return file_broken(f, error, "pcapng version %u; imapwhy reads version 1", load16(p + 12, f->swapped));
	f->interface_count = 0;
	return step_over(f, length, error);
}

/* Blocks that carry no packet. */
static enum file_status other_block(struct file *f, uint32_t type, const uint8_t *p, const uint8_t *end, struct error *error)
{
	switch (type) {
	case INTERFACE_DESCRIPTION:
		return describe_interface(f, p, end, error);
	case INTERFACE_STATISTICS:
		read_statistics(f, p, end);
		break;
	case DECRYPTION_SECRETS:
		read_secrets(f, p, end);
		break;
	case NAME_RESOLUTION:
		break;
	case SYSTEMD_JOURNAL:
	case SYSDIG_EVENT:
	case SYSDIG_EVENT_2:
	case SYSDIG_EVENT_2_LARGE:
	case CUSTOM:
	case CUSTOM_NOT_COPIED:
		f->frames++;
		/* fall through */
	default:
		if (f->gathered)
			f->gathered->blocks_skipped++;
	}
	return FILE_FRAME;
}

/* A block too large to be held: stepped over unless it matters. */
static enum file_status large_block(struct file *f, uint32_t type, uint32_t length, struct error *error)
{
	if (pcapng_carries_packet(type) || type == INTERFACE_DESCRIPTION)
		return file_broken(f, error, "a block claims %u bytes", length);
	if (f->gathered)
		f->gathered->blocks_skipped++;
	return step_over(f, ((uint64_t)length + 3) & ~(uint64_t)3, error);
}

enum file_status pcapng_next(struct file *f, struct frame *frame, struct error *error)
{
	for (;;) {
		const uint8_t *p = input_have(&f->input, 12), *end;
		enum file_status status;
		uint32_t type, length, whole;

		if (__builtin_expect(!p, 0))
			return file_ended(f, error);
		type = load32(p, f->swapped);
		length = load32(p + 4, f->swapped);
		if (__builtin_expect(type == SECTION_HEADER, 0)) {
			if ((status = start_section(f, error)) != FILE_FRAME)
				return status;
			continue;
		}
		if (__builtin_expect(length < 12, 0))
			return file_broken(f, error, "a block claims %u bytes", length);
		if (__builtin_expect(length > RECORD_MOST, 0)) {
			if ((status = large_block(f, type, length, error)) != FILE_FRAME)
				return status;
			continue;
		}
		whole = (length + 3) & ~3u; /* some writers leave the padding out of the length */
		p = input_have(&f->input, whole);
		if (__builtin_expect(!p, 0))
			return file_ended(f, error);
		end = p + whole - 4;
		if (__builtin_expect(load32(end, f->swapped) != length, 0))
			return file_broken(f, error, "a block says %u bytes at its start and %u at its end", length, load32(end, f->swapped));
		if (type == ENHANCED_PACKET || type == PACKET)
			status = timed_packet(f, frame, p, end, type == PACKET, error);
		else if (type == SIMPLE_PACKET)
			status = simple_packet(f, frame, p, end, error);
		else
			status = other_block(f, type, p, end, error);
		if (__builtin_expect(status != FILE_FRAME, 0))
			return status;
		f->input.at += whole;
		if (pcapng_carries_packet(type))
			return FILE_FRAME;
	}
}

bool pcapng_open(struct file *f, struct error *error)
{
	f->pcapng = true;
	return start_section(f, error) == FILE_FRAME;
}
