/* Reading a capture file's bytes: read() for plain files and streams, libarchive for compressed ones. */
#include "input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ahead.h"

/* What is left of a file must be worth a thread. */
#define AHEAD_LEAST (1u << 20)

/* read() that goes on after signals unless one of them asked to stop. */
static ssize_t read_some(struct input *in, uint8_t *into, size_t room)
{
	for (;;) {
		ssize_t n;

		if (in->stop && *in->stop)
			return 0;
		n = read(in->fd, into, room);
		if (n >= 0) {
			in->raw += (uint64_t)n;
			return n;
		}
		if (errno != EINTR)
			return -1;
	}
}

static la_ssize_t packed_read(struct archive *archive, void *context, const void **data)
{
	struct input *in = context;
	ssize_t n = (ssize_t)in->packed_ready;

	*data = in->packed_bytes;
	in->packed_ready = 0;
	if (n == 0)
		n = read_some(in, in->packed_bytes, in->packed_room);
	if (n < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	return n;
}

static bool is_packed(const uint8_t *p, size_t n)
{
	static const struct { uint8_t len; char start[7]; } magics[] = {
		{ 2, "\x1f\x8b" }, { 4, "\x28\xb5\x2f\xfd" }, { 4, "\x04\x22\x4d\x18" }, { 4, "\x02\x21\x4c\x18" },
		{ 6, "\xfd" "7zXZ\0" }, { 3, "BZh" },
	};

	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		if (n >= magics[i].len && memcmp(p, magics[i].start, magics[i].len) == 0)
			return true;
	return false;
}

static void archive_trouble(struct input *in)
{
	const char *text = archive_error_string(in->archive);

	snprintf(in->trouble, sizeof in->trouble, "unpacking failed: %.120s", text ? text : "unknown reason");
}

/* Hands the bytes read so far to libarchive, with the compressions that it undoes itself: archive_read_support_filter_all would also start
 * programs for some, and a file's content must not do that. */
static bool unpack(struct input *in)
{
	uint8_t *unpacked = malloc(in->room);
	struct archive_entry *entry;
	int status;

	in->packed = true;
	in->archive = archive_read_new();
	if (!unpacked || !in->archive)
		return free(unpacked), snprintf(in->trouble, sizeof in->trouble, "no memory to unpack it"), false;
	in->packed_bytes = in->window;
	in->packed_room = in->room;
	in->packed_ready = in->end;
	in->window = in->buffer = unpacked;
	in->end = 0;
	archive_read_support_filter_gzip(in->archive);
	archive_read_support_filter_zstd(in->archive);
	archive_read_support_filter_lz4(in->archive);
	archive_read_support_filter_xz(in->archive);
	archive_read_support_filter_bzip2(in->archive);
	archive_read_support_format_raw(in->archive);
	archive_read_support_format_empty(in->archive);
	status = archive_read_open(in->archive, in, NULL, packed_read, NULL);
	if (status == ARCHIVE_OK)
		status = archive_read_next_header(in->archive, &entry);
	if (status == ARCHIVE_EOF)
		in->ended = true;
	else if (status != ARCHIVE_OK)
		return archive_trouble(in), false;
	return true;
}

/* The next bytes of the (unpacked) stream: 0 at its end, negative after trouble. What it uses is its thread's where there is one. */
static ssize_t read_next(void *context, uint8_t *into, size_t room)
{
	struct input *in = context;
	ssize_t n;

	if (in->archive) {
		do
			n = archive_read_data(in->archive, into, room);
		while (n == ARCHIVE_RETRY || n == ARCHIVE_WARN);
		if (n < 0)
			archive_trouble(in);
		return n;
	}
	n = read_some(in, into, room);
	if (n < 0)
		snprintf(in->trouble, sizeof in->trouble, "reading failed: %s", strerror(errno));
	return n;
}

_Static_assert(AHEAD_FRONT + AHEAD_PIECE <= INPUT_WINDOW, "what is left of a piece fits into the window");

/* Has what is unread stand at the window's start. */
static void use_window(struct input *in)
{
	if (in->buffer != in->window || in->at > 0)
		memmove(in->window, in->buffer + in->at, in->end - in->at);
	in->buffer = in->window;
	in->base += in->at;
	in->end -= in->at;
	in->at = 0;
}

static bool grow_window(struct input *in, size_t room)
{
	uint8_t *larger = realloc(in->window, room);

	if (!larger) {
		ahead_stop(&in->ahead);
		snprintf(in->trouble, sizeof in->trouble, "no memory for a record of over %zu bytes", in->room);
		return false;
	}
	in->window = in->buffer = larger;
	in->room = room;
	return true;
}

/* Adds what is there to the window's end; false at the stream's end. The window is grown by what has come, not by what a record claims: a lying
 * length costs no memory. */
static bool read_more(struct input *in)
{
	use_window(in);
	if (in->end == in->room && !grow_window(in, in->room * 2))
		return false;
	ssize_t n = read_next(in, in->window + in->end, in->room - in->end);
	in->end += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* Takes the next piece, with what was left standing before it; false at the stream's end. */
static bool take_piece(struct input *in)
{
	size_t left = in->end - in->at, len;
	uint8_t *piece = ahead_next(in->ahead, &len);

	if (!len)
		return false;
	if (left <= AHEAD_FRONT) {
		memcpy(piece - left, in->buffer + in->at, left);
		in->base += in->at;
		in->buffer = piece - left;
		in->at = 0;
		in->end = left + len;
		return true;
	}
	/* A record longer than most is put together in the window. */
	use_window(in);
	if (left + len > in->room && !grow_window(in, 2 * (left + len)))
		return false;
	memcpy(in->window + in->end, piece, len);
	in->end += len;
	return true;
}

/* From the second look at a long file on; most files are read in one. */
static void start_ahead(struct input *in)
{
	if (in->long_file && in->at > 0 && in->size > in->raw + AHEAD_LEAST)
		in->ahead = ahead_start(read_next, in);
	in->long_file &= in->at == 0;
}

const uint8_t *input_fill(struct input *in, size_t n)
{
	if (n > INPUT_MOST)
		return NULL;
	start_ahead(in);
	while (in->end - in->at < n && !in->ended)
		in->ended = !(in->ahead ? take_piece(in) : read_more(in));
	return in->end - in->at >= n ? in->buffer + in->at : NULL;
}

bool input_skip(struct input *in, uint64_t n)
{
	while (n > input_left(in)) {
		n -= input_left(in);
		in->at = in->end;
		if (!input_have(in, 1))
			return false;
	}
	in->at += (size_t)n;
	return true;
}

static bool open_path(struct input *in, const char *path, struct error *error)
{
	struct stat about;

	if (strcmp(path, "-") == 0) {
		in->fd = STDIN_FILENO;
	} else {
		do
			in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		while (in->fd < 0 && errno == EINTR && !(in->stop && *in->stop));
	}
	if (in->fd < 0 && errno == EACCES)
		return error_set(error, "permission denied; run as a user who may read it");
	if (in->fd < 0 && errno == ENOENT)
		return error_set(error, "no such file");
	if (in->fd < 0)
		return error_set(error, "can't be opened: %s", strerror(errno));
	if (fstat(in->fd, &about) != 0)
		return error_set(error, "can't be examined: %s", strerror(errno));
	if (S_ISDIR(about.st_mode))
		return error_set(error, "is a directory; name the capture files in it");
	if (S_ISREG(about.st_mode)) {
		in->size = (uint64_t)about.st_size;
		posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	} else if (isatty(in->fd)) {
		return error_set(error, "is a terminal; pipe a capture into it, as in: tcpdump -U -w - | imapwhy -");
	}
	return true;
}

bool input_open(struct input *in, const char *path, size_t window, volatile sig_atomic_t *stop, struct error *error)
{
	bool readable = true;

	*in = (struct input){ .fd = -1, .stop = stop };
	if (!open_path(in, path, error))
		return input_close(in), false;
	/* A stream can't be closed and opened again, so it gets the whole window at once. */
	in->room = in->size ? window : INPUT_WINDOW;
	in->long_file = in->size > in->room && in->room == INPUT_WINDOW;
	in->window = in->buffer = malloc(in->room);
	if (!in->buffer) {
		error_set(error, "no memory to read it");
		return input_close(in), false;
	}
	input_fill(in, 6);
	if (is_packed(in->buffer, in->end)) {
		readable = unpack(in);
		if (readable)
			input_fill(in, 4);
	}
	if (stop && *stop) {
		snprintf(in->trouble, sizeof in->trouble, "interrupted before it was read");
		readable = false;
	}
	if (!readable || (in->trouble[0] && in->end == 0)) {
		error_set(error, "%s", in->trouble);
		return input_close(in), false;
	}
	return true;
}

void input_close(struct input *in)
{
	ahead_stop(&in->ahead);
	if (in->archive)
		archive_read_free(in->archive);
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in->packed_bytes);
	free(in->window);
	*in = (struct input){ .fd = -1 };
}
