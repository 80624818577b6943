/* For fuzz targets that read files: the input as a file in memory. */
#ifndef IMAPWHY_MEMORY_FILE_H
#define IMAPWHY_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory_file {
	int fd;
	char path[32];
};

static inline void memory_file_open(struct memory_file *f, const uint8_t *data, size_t size)
{
	f->fd = memfd_create("input", 0);
	if (f->fd < 0 || write(f->fd, data, size) != (ssize_t)size)
		abort();
	snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
}

static inline void memory_file_close(struct memory_file *f)
{
	close(f->fd);
}

#endif
