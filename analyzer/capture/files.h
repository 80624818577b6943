/* Capture files as recordings; for source.c alone, which says what each of these means. */
#ifndef IMAPWHY_FILES_H
#define IMAPWHY_FILES_H

#include "source.h"

struct files;
struct gathered;
/* What the files tell besides packets is added to `gathered`, which stays the caller's and outlives them. NULL and error: none can be read. */
struct files *files_open(const char *const *paths, int count, const struct source_options *options, struct gathered *gathered, struct error *error);
void files_close(struct files **files);
/* SOURCE_FRAME, SOURCE_RESTART, SOURCE_BROKEN or SOURCE_END. */
enum source_status files_next(struct files *files, struct frame *frame, struct error *error);
const char *files_name(const struct files *files, uint16_t file);
bool files_rereadable(const struct files *files, uint16_t file);
bool files_all_rereadable(const struct files *files);
/* How many could not be read, or not to their end. */
uint64_t files_broken(const struct files *files);
void files_progress(const struct files *files, uint64_t *read, uint64_t *all);

#endif
