/* Writes whole lines to a descriptor, and counts those that could not be. */
#include "parts.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Waits for a full pipe's reader, a second at most: who reads nothing for that long loses the line. */
static bool wait_for_room(int descriptor)
{
	struct pollfd p = { .fd = descriptor, .events = POLLOUT };

	return poll(&p, 1, 1000) > 0;
}

/* All of it, also where the system takes it in parts; how much was taken. */
static size_t write_all(struct writer *w, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(w->descriptor, text + done, len - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && wait_for_room(w->descriptor))
			continue;
		if (!w->failure)
			w->failure = n < 0 ? errno : EIO;
		break;
	}
	return done;
}

void writer_put(struct writer *w, const char *text, size_t len)
{
	/* A line cut by a full disk is closed before the next one, else both are lost to the reader. */
	if (w->within_line && write_all(w, "\n", 1) != 1) {
		w->lost++;
		return;
	}
	w->within_line = false;
	size_t done = write_all(w, text, len);
	w->within_line = done > 0 && done < len;
	if (done == len)
		w->written++;
	else
		w->lost++;
}
