/* One capture file, pcap or pcapng, read packet by packet. */
#ifndef IMAPWHY_FILE_H
#define IMAPWHY_FILE_H

#include "input.h"
#include "source.h"

/* Larger records are taken for damage. */
#define RECORD_MOST (16u << 20)
#define SECRETS_MOST (1u << 20)
#define FILE_CUT "the file ends in the middle of a packet record (cut short, or still being written)"
/* Capture times are held within 0..this, so that adding durations to hostile ones can't overflow. */
#define TIME_MOST ((nanoseconds)1 << 62)

/* What files tell besides packets, gathered over all of them. */
struct gathered {
	uint8_t *secrets; /* of SECRETS_MOST bytes once there are any; not told yet */
	size_t secrets_len;
	uint64_t secrets_lost;
	uint64_t blocks_skipped;
	uint64_t received, dropped, interface_dropped; /* as the capturing program noted them in the file */
};

/* One capturing interface of a pcapng section. */
struct interface {
	uint16_t link;
	uint8_t resolution;  /* as in if_tsresol */
	uint32_t multiplier; /* nanoseconds in a unit of time; 0: less than one or a power of two */
	int64_t offset;      /* seconds to add */
	uint32_t snap;       /* 0: no limit */
	uint64_t received, dropped, interface_dropped;
};

/* Link types of a file, sorted, each once; more than fit count as those that fit. */
struct links {
	uint16_t link[8];
	uint8_t count;
};

enum file_status { FILE_FRAME, FILE_END, FILE_BROKEN };

struct file {
	struct input input;
	const char *name;
	uint16_t index;
	bool pcapng, swapped;
	uint32_t frames;
	/* pcap */
	uint32_t multiplier, head; /* nanoseconds in a fraction's unit, length of a record's head */
	uint16_t link, minor;
	/* pcapng */
	struct interface *interfaces;
	uint32_t interface_count, interface_room;
	nanoseconds last; /* for packets without a time */
	struct gathered *gathered;
};

/* Opens a file and reads its head; error names the file. gathered may be NULL. The path stays the caller's. */
struct file *file_open(const char *path, uint16_t index, size_t window, volatile sig_atomic_t *stop, struct gathered *gathered, struct error *error);
void file_close(struct file **file);
enum file_status file_next(struct file *f, struct frame *frame, struct error *error);
/* The link types that it described so far. */
void file_links(const struct file *f, struct links *into);
/* Gathers the TLS secrets of a plain pcapng file that was just opened and stands behind its head, as far as they are easily come by: those in its
 * beginning and behind its last packet. They are told once more in their place. */
void file_secrets_ahead(struct file *f);
const char *path_name(const char *path);

/* For the formats: the end of the file where a record should start, a record that is cut or makes no sense. */
enum file_status file_ended(struct file *f, struct error *error);
enum file_status file_broken(struct file *f, struct error *error, const char *why, ...) __attribute__((format(printf, 3, 4)));
bool pcapng_open(struct file *f, struct error *error);
enum file_status pcapng_next(struct file *f, struct frame *frame, struct error *error);

static inline uint32_t load32(const uint8_t *p, bool swapped)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return swapped ? __builtin_bswap32(v) : v;
}

static inline uint16_t load16(const uint8_t *p, bool swapped)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return swapped ? __builtin_bswap16(v) : v;
}

#endif
