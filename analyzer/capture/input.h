/* The bytes of one capture file, plain or compressed, as a window that slides over them; nothing is copied where it can be helped. */
#ifndef IMAPWHY_INPUT_H
#define IMAPWHY_INPUT_H

#include <signal.h>
#include <stdatomic.h>

#include "bytes.h"
#include "error.h"

struct ahead;
struct archive;

/* A window of plain files stays in the second-level cache; a look at the first packet needs less. */
#define INPUT_WINDOW (512u << 10)
#define INPUT_GLANCE (16u << 10)
/* The longest piece that may be asked for at once: the largest packet record taken for real, and its head. */
#define INPUT_MOST ((16u << 20) + (64u << 10))

struct input {
	uint8_t *buffer;      /* the window, or a piece that was read ahead */
	size_t at, end;       /* what is unread stands in at..end */
	uint64_t base;        /* where buffer[0] stands in the (unpacked) stream */
	_Atomic uint64_t raw; /* bytes read of the file itself */
	uint64_t size;        /* its size (0: not known, a stream) */
	uint8_t *window;
	size_t room;          /* the window's size */
	struct ahead *ahead;  /* from when a long file's first window is used up */
	int fd;
	bool ended, packed, long_file;
	struct archive *archive;
	uint8_t *packed_bytes; /* what libarchive reads from: the window that was, before compression was recognised */
	size_t packed_room, packed_ready; /* its size; the bytes in it that were read already */
	volatile sig_atomic_t *stop;
	char trouble[160];     /* why it ended early; "" when it just ended */
};

/* Opens a path ("-" is standard input). False and error (without the file's name) when it can't be. */
bool input_open(struct input *in, const char *path, size_t window, volatile sig_atomic_t *stop, struct error *error);
void input_close(struct input *in);

/* Slides and reads until n bytes stand in the window; NULL when the file ends before. Use input_have. */
const uint8_t *input_fill(struct input *in, size_t n);
/* Steps over n bytes, however many; false when the file ends before. */
bool input_skip(struct input *in, uint64_t n);

/* The next n bytes (n <= INPUT_MOST), valid until the next call; NULL when the file ends before. */
static inline const uint8_t *input_have(struct input *in, size_t n)
{
	if (__builtin_expect(in->end - in->at >= n, 1))
		return in->buffer + in->at;
	return input_fill(in, n);
}

static inline uint64_t input_offset(const struct input *in)
{
	return in->base + in->at;
}

static inline size_t input_left(const struct input *in)
{
	return in->end - in->at;
}

#endif
