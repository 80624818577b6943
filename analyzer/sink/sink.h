/* Where documents go: standard output, a file that may be rotated, or the system log. */
#ifndef IMAPWHY_SINK_H
#define IMAPWHY_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct sink;

/* NULL or "-": standard output; "syslog": the system log (facility daemon); else a file, made or appended to. NULL and error when it can't be. */
struct sink *sink_open(const char *where, struct error *error);
void sink_close(struct sink **sink);
bool sink_is_terminal(const struct sink *sink);
/* Its file's descriptor, -1: it is no file of its own. */
int sink_descriptor(const struct sink *sink);

/* A line, or a block of lines, in one write(); `sink` is a struct sink. False: it was lost, in part or whole. */
bool sink_put(void *sink, const char *text, size_t len);
/* The file was rotated away: opens it anew under its name. False and error: it can't be, and the old one stays in use. */
bool sink_reopen(struct sink *sink, struct error *error);

/* Nobody reads any more (a closed pipe): going on is of no use. */
bool sink_gone(const struct sink *sink);
/* True and error when something was lost so far. */
bool sink_failed(const struct sink *sink, struct error *error);

#endif
