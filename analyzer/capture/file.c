/* Capture files: which format it is, and the records of classic pcap. */
#include "file.h"

#include <stdarg.h>
#include <stdlib.h>

#define PCAP_MICRO 0xa1b2c3d4u
#define PCAP_NANO 0xa1b23c4du
#define PCAP_MODIFIED 0xa1b2cd34u /* Kuznetzov's: a record's head is 8 bytes longer */

const char *path_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

enum file_status file_broken(struct file *f, struct error *error, const char *why, ...)
{
	char reason[256];
	va_list arguments;

	va_start(arguments, why);
	vsnprintf(reason, sizeof reason, why, arguments);
	va_end(arguments);
	error_set(error, "%s: broken after packet %u at byte %llu%s: %s; what came before is reported", f->name, f->frames,
		(unsigned long long)input_offset(&f->input), f->input.packed ? " (unpacked)" : "", reason);
	return FILE_BROKEN;
}

enum file_status file_ended(struct file *f, struct error *error)
{
	if (f->input.trouble[0])
		return file_broken(f, error, "%s", f->input.trouble);
	if (input_left(&f->input) == 0)
		return FILE_END;
	return file_broken(f, error, FILE_CUT);
}

/* The two lengths stood in the other order before version 2.3, and in 2.3 with some writers. */
static inline bool lengths_exchanged(const struct file *f, uint32_t captured, uint32_t wire)
{
	return f->minor < 3 || (f->minor == 3 && captured > wire);
}

static enum file_status pcap_next(struct file *f, struct frame *frame, struct error *error)
{
	const uint8_t *p = input_have(&f->input, f->head);
	uint32_t captured, wire;

	if (__builtin_expect(!p, 0))
		return file_ended(f, error);
	captured = load32(p + 8, f->swapped);
	wire = load32(p + 12, f->swapped);
	if (__builtin_expect(f->minor <= 3, 0) && lengths_exchanged(f, captured, wire)) {
		uint32_t other = captured;

		captured = wire;
		wire = other;
	}
	if (__builtin_expect(captured > RECORD_MOST, 0))
		return file_broken(f, error, "a packet record claims %u bytes", captured);
	p = input_have(&f->input, f->head + captured);
	if (__builtin_expect(!p, 0))
		return file_ended(f, error);
	/* While this frame is looked at, the next one's head comes nearer. */
	__builtin_prefetch(p + f->head + captured);
	__builtin_prefetch(p + f->head + captured + 64);
	frame->data = p + f->head;
	frame->captured = captured;
	frame->wire = wire > captured ? wire : captured;
	frame->at.time = load32(p, f->swapped) * SECOND + (nanoseconds)load32(p + 4, f->swapped) * f->multiplier;
	frame->at.frame = ++f->frames;
	frame->at.file = f->index;
	frame->link = f->link;
	f->input.at += f->head + captured;
	return FILE_FRAME;
}

enum file_status file_next(struct file *f, struct frame *frame, struct error *error)
{
	return f->pcapng ? pcapng_next(f, frame, error) : pcap_next(f, frame, error);
}

/* True when these are classic pcap's first bytes. */
static bool pcap_magic(struct file *f, uint32_t magic)
{
	f->swapped = magic == __builtin_bswap32(PCAP_MICRO) || magic == __builtin_bswap32(PCAP_NANO) ||
		magic == __builtin_bswap32(PCAP_MODIFIED);
	if (f->swapped)
		magic = __builtin_bswap32(magic);
	f->multiplier = magic == PCAP_NANO ? 1 : 1000;
	f->head = magic == PCAP_MODIFIED ? 24 : 16;
	return magic == PCAP_MICRO || magic == PCAP_NANO || magic == PCAP_MODIFIED;
}

static bool pcap_open(struct file *f, struct error *error)
{
	const uint8_t *p = input_have(&f->input, 24);

	if (!p)
		return error_set(error, "%s: the file ends within the header of a pcap file (%zu of 24 bytes); the capture was not written out",
			f->name, input_left(&f->input));
	f->minor = load16(p + 6, f->swapped);
	if (load16(p + 4, f->swapped) != 2)
		return error_set(error, "%s: pcap version %u.%u; imapwhy reads version 2", f->name, load16(p + 4, f->swapped), f->minor);
	f->link = (uint16_t)load32(p + 20, f->swapped); /* the upper half tells about frame check sequences */
	f->input.at += 24;
	return true;
}

static bool not_a_capture(const struct file *f, struct error *error)
{
	char hex[9] = "";
	size_t n = input_left(&f->input) < 4 ? input_left(&f->input) : 4;

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", f->input.buffer[f->input.at + i]);
	return error_set(error, "%s: not a capture file (%sstarts with %s\u2026); imapwhy reads pcap and pcapng, Wireshark's editcap converts others",
		f->name, f->input.packed ? "unpacked, it " : "", hex);
}

static bool open_format(struct file *f, struct error *error)
{
	const uint8_t *p = input_have(&f->input, 4);

	if (!p && f->input.trouble[0])
		return error_set(error, "%s: %s", f->name, f->input.trouble);
	if (!p && input_left(&f->input) == 0)
		return error_set(error, "%s: empty file; nothing was captured, or it was not written out", f->name);
	if (!p)
		return not_a_capture(f, error);
	if (pcap_magic(f, load32(p, false)))
		return pcap_open(f, error);
	if (memcmp(p, "\x0a\x0d\x0d\x0a", 4) == 0)
		return pcapng_open(f, error);
	return not_a_capture(f, error);
}

struct file *file_open(const char *path, uint16_t index, size_t window, volatile sig_atomic_t *stop, struct gathered *gathered, struct error *error)
{
	struct file *f = calloc(1, sizeof *f);
	struct error why;

	if (!f)
		return error_set(error, "%s: no memory to read it", path_name(path)), NULL;
	f->name = path_name(path);
	f->index = index;
	f->gathered = gathered;
	if (!input_open(&f->input, path, window, stop, &why)) {
		error_set(error, "%s: %.200s", f->name, why.text);
		file_close(&f);
	} else if (!open_format(f, error)) {
		file_close(&f);
	}
	return f;
}

void file_close(struct file **file)
{
	if (!*file)
		return;
	input_close(&(*file)->input);
	free((*file)->interfaces);
	free(*file);
	*file = NULL;
}

static void links_add(struct links *into, uint16_t link)
{
	size_t at = 0, most = sizeof into->link / sizeof *into->link;

	while (at < into->count && into->link[at] < link)
		at++;
	if ((at < into->count && into->link[at] == link) || into->count == most)
		return;
	memmove(into->link + at + 1, into->link + at, (into->count - at) * sizeof *into->link);
	into->link[at] = link;
	into->count++;
}

void file_links(const struct file *f, struct links *into)
{
	memset(into, 0, sizeof *into);
	if (!f->pcapng)
		links_add(into, f->link);
	for (uint32_t i = 0; i < f->interface_count; i++)
		links_add(into, f->interfaces[i].link);
}
