/* Writes whole lines to a descriptor or the system log, and counts those that could not be. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

struct sink {
	char *path; /* NULL: standard output or the system log */
	int descriptor;
	bool log;
	uint64_t written, lost;
	int failure;      /* errno of the last failed write, 0: none */
	bool within_line; /* a line was left half-written */
};

static int open_path(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

struct sink *sink_open(const char *where, struct error *error)
{
	struct sink *s = calloc(1, sizeof *s);
	bool output = !where || strcmp(where, "-") == 0;

	if (!s) {
		error_set(error, "out of memory");
		return NULL;
	}
	s->descriptor = STDOUT_FILENO;
	s->log = !output && strcmp(where, "syslog") == 0;
	if (s->log) {
		openlog("imapwhy", LOG_PID | LOG_NDELAY, LOG_DAEMON); /* at once: the privileges may go later */
		s->descriptor = -1;
	} else if (!output) {
		s->path = strdup(where);
		s->descriptor = open_path(where);
		if (!s->path || s->descriptor < 0) {
			error_set(error, "%s: cannot be written: %s; name another file with -w", where, strerror(errno));
			sink_close(&s);
		}
	}
	return s;
}

void sink_close(struct sink **at)
{
	struct sink *s = *at;

	*at = NULL;
	if (!s)
		return;
	if (s->log)
		closelog();
	if (s->path && s->descriptor >= 0)
		close(s->descriptor);
	free(s->path);
	free(s);
}

bool sink_is_terminal(const struct sink *s)
{
	return s->descriptor >= 0 && isatty(s->descriptor);
}

int sink_descriptor(const struct sink *s)
{
	return s->path ? s->descriptor : -1;
}

/* Waits for a full pipe's reader, a second at most: who reads nothing for that long loses the line. */
static bool wait_for_room(int descriptor)
{
	struct pollfd p = { .fd = descriptor, .events = POLLOUT };

	return poll(&p, 1, 1000) > 0;
}

/* All of it, also where the system takes it in parts; how much was taken. */
static size_t write_all(struct sink *s, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(s->descriptor, text + done, len - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && wait_for_room(s->descriptor))
			continue;
		s->failure = n < 0 ? errno : EIO;
		break;
	}
	return done;
}

/* The log takes lines, without their ends. */
static void log_lines(const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;
		if (line)
			syslog(LOG_NOTICE, "%.*s", (int)line, text);
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
}

bool sink_put(void *context, const char *text, size_t len)
{
	struct sink *s = context;
	size_t done = len;

	if (s->log) {
		log_lines(text, len);
	} else if (s->within_line && write_all(s, "\n", 1) != 1) {
		done = 0; /* a line cut by a full disk is closed before the next one, else both are lost to the reader */
	} else {
		done = write_all(s, text, len);
		s->within_line = done > 0 && done < len;
	}
	if (done == len)
		s->written++;
	else
		s->lost++;
	return done == len;
}

bool sink_reopen(struct sink *s, struct error *error)
{
	if (!s->path)
		return true;
	int fresh = open_path(s->path);
	if (fresh < 0)
		return error_set(error, "%s: can't be opened anew after rotation: %s; going on in the old file (let logrotate create the new one for the user that imapwhy runs as)",
				 s->path, strerror(errno));
	close(s->descriptor);
	s->descriptor = fresh;
	s->within_line = false;
	return true;
}

bool sink_gone(const struct sink *s)
{
	return s->failure == EPIPE;
}

bool sink_failed(const struct sink *s, struct error *error)
{
	if (!s->lost)
		return false;
	(void)error_set(error, "%s: the report could not be written: %s; %llu of %llu lost (make room there, or write elsewhere with -w FILE)",
			s->path ? s->path : "standard output", strerror(s->failure), (unsigned long long)s->lost,
			(unsigned long long)(s->written + s->lost));
	return true;
}
