/* Writes frames as pcapng: an interface block for each link type, comments with each frame. */
#ifndef IMAPWHY_PCAPNG_WRITE_H
#define IMAPWHY_PCAPNG_WRITE_H

#include "source.h"

struct pcapng_writer;

/* Makes (or empties) the file; NULL and error when it can't be. */
struct pcapng_writer *pcapng_writer_create(const char *path, const char *program, struct error *error);
/* The frame's number in the file, as Wireshark counts; 0: it could not be written. */
uint32_t pcapng_write(struct pcapng_writer *w, const struct frame *frame, const char *const *comments, int count);
/* False and error when something could not be written since it was made. */
bool pcapng_writer_close(struct pcapng_writer **w, struct error *error);

#endif
