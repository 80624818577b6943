/* A TLS key log file, read as it grows. */
#ifndef IMAPWHY_KEY_FILE_H
#define IMAPWHY_KEY_FILE_H

#include "bytes.h"
#include "error.h"

struct key_file;
/* NULL and error: it can't be read. Opened before rights are given up, it stays readable. */
struct key_file *key_file_open(const char *path, struct error *error);
void key_file_close(struct key_file **file);
/* The next whole lines; empty: nothing new so far. Borrowed until the next call, which wipes them. */
struct bytes key_file_lines(struct key_file *file);
/* What stands behind the last line's end: a line still being written, or the last of a file that does not end it. */
struct bytes key_file_rest(const struct key_file *file);

#endif
