/* Saves the frames that verdicts cite (--save-evidence): from files by reading them once more, from streams out of a ring of recent ones. */
#ifndef IMAPWHY_SAVER_H
#define IMAPWHY_SAVER_H

#include "report.h"
#include "source.h"

struct saver;

/* ring_bytes: room for recent frames of streams and interfaces. NULL and error when the file can't be made. */
struct saver *saver_create(const char *path, size_t ring_bytes, struct error *error);
/* The source whose frames are cited; before the first frame. False and error: no memory for the ring. */
bool saver_watch(struct saver *saver, struct source *source, struct error *error);
/* A mail frame went by; `saver` is a struct saver. Nothing is allocated. */
void saver_keep(void *saver, const struct frame *frame);
/* How reports cite; lives as long as the saver. */
const struct report_citing *saver_citing(struct saver *saver);

struct saver_counters {
	uint64_t saved, lost; /* frames cited: written, and gone before they could be */
	size_t bytes;
};
struct saver_counters saver_counters(const struct saver *saver);

/* Reads files once more for the frames cited. The source may have ended, but not be closed. */
void saver_collect(struct saver *saver);
/* False and error when something could not be saved. */
bool saver_close(struct saver **saver, struct error *error);

#endif
