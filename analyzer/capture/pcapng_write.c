/* A pcapng file of frames and comments; each block leaves in one write, so that a reader may follow. */
#include "pcapng_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define LINKS_MOST 32
#define COMMENT_MOST 1000u

struct pcapng_writer {
	int descriptor, failure; /* errno of the first failed write */
	char *path;
	uint16_t links[LINKS_MOST];
	uint32_t link_count, frames;
	uint8_t *block; /* the block that is being made */
	size_t len, room;
	bool no_memory;
};

static void put(struct pcapng_writer *w, const void *data, size_t len)
{
	static const uint8_t zeros[4];
	size_t padding = (4 - len % 4) % 4, whole = len + padding;

	if (w->len + whole > w->room) {
		size_t room = (w->len + whole) * 2;
		uint8_t *larger = realloc(w->block, room);
		if (!larger) {
			w->no_memory = true;
			return;
		}
		w->block = larger;
		w->room = room;
	}
	memcpy(w->block + w->len, data, len);
	memcpy(w->block + w->len + len, zeros, padding);
	w->len += whole;
}

static void put32(struct pcapng_writer *w, uint32_t value)
{
	put(w, &value, sizeof value);
}

static void put_option(struct pcapng_writer *w, uint16_t code, const void *value, size_t len)
{
	const uint16_t head[2] = { code, (uint16_t)len };

	put(w, head, sizeof head);
	put(w, value, len);
}

static void begin(struct pcapng_writer *w, uint32_t type)
{
	w->len = 0;
	put32(w, type);
	put32(w, 0);
}

static bool write_all(struct pcapng_writer *w)
{
	for (size_t done = 0; done < w->len;) {
		ssize_t n = write(w->descriptor, w->block + done, w->len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR) {
			w->failure = n == 0 ? EIO : errno;
			return false;
		}
	}
	return true;
}

/* Closes the block with its length at both ends and writes it. */
static bool finish(struct pcapng_writer *w)
{
	uint32_t len;

	put32(w, 0); /* the options' end */
	len = (uint32_t)w->len + 4;
	put32(w, len);
	if (w->no_memory || w->failure) {
		if (!w->failure)
			w->failure = ENOMEM;
		return false;
	}
	memcpy(w->block + 4, &len, sizeof len);
	return write_all(w);
}

static bool write_section(struct pcapng_writer *w, const char *program)
{
	const uint16_t version[2] = { 1, 0 };

	begin(w, 0x0a0d0d0a);
	put32(w, 0x1a2b3c4d); /* our byte order */
	put(w, version, sizeof version);
	put32(w, UINT32_MAX); /* the section's length is not known */
	put32(w, UINT32_MAX);
	put_option(w, 4, program, strlen(program)); /* shb_userappl */
	return finish(w);
}

/* The number of the interface block of that link type, written where it is new. */
static bool interface_of(struct pcapng_writer *w, uint16_t link, uint32_t *number)
{
	const uint16_t kind[2] = { link, 0 };
	const uint8_t nanoseconds_unit = 9;

	for (*number = 0; *number < w->link_count; ++*number)
		if (w->links[*number] == link)
			return true;
	if (w->link_count == LINKS_MOST)
		return false;
	begin(w, 1);
	put(w, kind, sizeof kind);
	put32(w, 0);                                                /* no snap length */
	put_option(w, 9, &nanoseconds_unit, sizeof nanoseconds_unit); /* if_tsresol */
	w->links[w->link_count++] = link;
	return finish(w);
}

uint32_t pcapng_write(struct pcapng_writer *w, const struct frame *frame, const char *const *comments, int count)
{
	uint64_t time = (uint64_t)frame->at.time;
	uint32_t interface;

	if (w->failure || !interface_of(w, frame->link, &interface))
		return 0;
	begin(w, 6);
	put32(w, interface);
	put32(w, (uint32_t)(time >> 32));
	put32(w, (uint32_t)time);
	put32(w, frame->captured);
	put32(w, frame->wire);
	put(w, frame->data, frame->captured);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(comments[i]);
		put_option(w, 1, comments[i], len < COMMENT_MOST ? len : COMMENT_MOST); /* opt_comment */
	}
	return finish(w) ? ++w->frames : 0;
}

struct pcapng_writer *pcapng_writer_create(const char *path, const char *program, struct error *error)
{
	struct pcapng_writer *w = calloc(1, sizeof *w);

	if (!w || !(w->path = strdup(path))) {
		free(w);
		error_set(error, "%s: no memory to write it", path);
		return NULL;
	}
	w->descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (w->descriptor < 0 || !write_section(w, program)) {
		error_set(error, "%s: the evidence can't be written: %s; name another file with --save-evidence", path,
			  strerror(w->descriptor < 0 ? errno : w->failure));
		pcapng_writer_close(&w, NULL);
	}
	return w;
}

bool pcapng_writer_close(struct pcapng_writer **at, struct error *error)
{
	struct pcapng_writer *w = *at;

	*at = NULL;
	if (!w)
		return true;
	if (w->descriptor >= 0 && close(w->descriptor) != 0 && !w->failure)
		w->failure = errno;
	bool whole = !w->failure;
	if (!whole)
		(void)error_set(error, "%s: not all evidence could be written: %s; %u frames stand in it", w->path, strerror(w->failure), w->frames);
	free(w->block);
	free(w->path);
	free(w);
	return whole;
}
