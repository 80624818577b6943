/* Reads a growing file by whole lines, and from its start again where it was cut short. */
#include "key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define ROOM (64u << 10) /* a longer line is cut, which its reader finds wrong */

struct key_file {
	int fd;
	off_t at;
	size_t given, len; /* of buffer: handed out, and in all */
	uint8_t buffer[ROOM];
};

struct key_file *key_file_open(const char *path, struct error *error)
{
	struct key_file *f = calloc(1, sizeof *f);
	struct stat st;

	if (!f) {
		error_set(error, "out of memory");
		return NULL;
	}
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		error_set(error, "%s: the key log can't be read: %s%s", path, strerror(errno),
			  errno == ENOENT ? "; where the mail app is to write it later, make it first (touch), readable for imapwhy"
			  : errno == EACCES ? "; run as a user who may read it" : "");
	else if (!S_ISREG(st.st_mode))
		error_set(error, "%s: the key log is no regular file", path);
	else
		return f;
	key_file_close(&f);
	return NULL;
}

void key_file_close(struct key_file **file)
{
	struct key_file *f = *file;

	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	wipe(f->buffer, sizeof f->buffer);
	free(f);
	*file = NULL;
}

static void drop_given(struct key_file *f)
{
	memmove(f->buffer, f->buffer + f->given, f->len - f->given);
	wipe(f->buffer + f->len - f->given, f->given);
	f->len -= f->given;
	f->given = 0;
}

struct bytes key_file_lines(struct key_file *f)
{
	struct stat st;

	drop_given(f);
	if (fstat(f->fd, &st) == 0 && st.st_size < f->at) {
		f->at = 0;
		f->len = 0;
	}
	ssize_t n = pread(f->fd, f->buffer + f->len, ROOM - f->len, f->at);
	if (n > 0) {
		f->at += n;
		f->len += (size_t)n;
	}
	const uint8_t *end = memrchr(f->buffer, '\n', f->len);
	f->given = end ? (size_t)(end - f->buffer) + 1 : f->len == ROOM ? ROOM : 0;
	return bytes_of(f->buffer, f->given);
}

struct bytes key_file_rest(const struct key_file *f)
{
	return bytes_of(f->buffer + f->given, f->len - f->given);
}
