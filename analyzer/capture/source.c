/* The one interface over files and live capture. */
#include "file.h"
#include "files.h"
#include "live.h"
#include "text.h"

#include <pcap/pcap.h>
#include <stdlib.h>

/* One of both. */
struct source {
	struct live *live;
	struct files *files;
	struct gathered gathered;
	struct frame behind;      /* what source_next comes to after the secrets that it told of, with its status and error */
	struct error behind_error;
	enum source_status behind_status;
	bool telling;             /* those secrets are the caller's for now */
	struct source_counters counters;
};

struct source *source_open_files(const char *const *paths, int count, const struct source_options *options, struct error *error)
{
	struct source *s = calloc(1, sizeof *s);

	if (!s)
		error_set(error, "no memory to read files");
	else if (!(s->files = files_open(paths, count, options, &s->gathered, error)))
		source_close(&s);
	return s;
}

struct source *source_open_live(const char *interface, const struct source_options *options, struct error *error)
{
	struct source *s = calloc(1, sizeof *s);

	if (!s)
		error_set(error, "no memory to capture");
	else if (!(s->live = live_open(interface, options, error)))
		source_close(&s);
	return s;
}

void source_close(struct source **at)
{
	struct source *s = *at;

	if (!s)
		return;
	live_close(&s->live);
	files_close(&s->files);
	if (s->gathered.secrets)
		wipe(s->gathered.secrets, s->gathered.secrets_len);
	free(s->gathered.secrets);
	free(s);
	*at = NULL;
}

/* --- reading --- */

/* Secrets come before what was read behind them. */
static enum source_status tell_secrets(struct source *s, enum source_status status, const struct frame *frame, const struct error *error)
{
	s->behind_status = status;
	if (status == SOURCE_FRAME)
		s->behind = *frame;
	if (status == SOURCE_BROKEN || status == SOURCE_NOTICE)
		s->behind_error = *error;
	s->telling = true;
	return SOURCE_SECRETS;
}

static enum source_status go_on_behind(struct source *s, struct frame *frame, struct error *error)
{
	s->telling = false;
	wipe(s->gathered.secrets, s->gathered.secrets_len);
	s->gathered.secrets_len = 0;
	if (s->behind_status == SOURCE_FRAME)
		*frame = s->behind;
	if (s->behind_status == SOURCE_BROKEN || s->behind_status == SOURCE_NOTICE)
		*error = s->behind_error;
	return s->behind_status;
}

static enum source_status next_of_files(struct source *s, struct frame *frame, struct error *error)
{
	if (__builtin_expect(s->telling, 0))
		return go_on_behind(s, frame, error);
	enum source_status status = files_next(s->files, frame, error);
	return __builtin_expect(s->gathered.secrets_len > 0, 0) ? tell_secrets(s, status, frame, error) : status;
}

enum source_status source_next(struct source *s, struct frame *frame, struct error *error)
{
	enum source_status status = s->live ? live_next(s->live, frame, error) : next_of_files(s, frame, error);

	if (__builtin_expect(status == SOURCE_FRAME, 1)) {
		s->counters.frames++;
		s->counters.bytes += frame->captured;
	}
	return status;
}

/* --- what it tells besides --- */

const char *source_name(const struct source *s, uint16_t file)
{
	return s->live ? live_name(s->live) : files_name(s->files, file);
}

const char *source_link_name(uint16_t link)
{
	const char *name = pcap_datalink_val_to_name(link);

	return name ? name : "unknown";
}

bool source_rereadable(const struct source *s, uint16_t file)
{
	return s->files && files_rereadable(s->files, file);
}

bool source_all_rereadable(const struct source *s)
{
	return s->files && files_all_rereadable(s->files);
}

void source_counters(struct source *s, struct source_counters *into)
{
	*into = s->counters;
	into->blocks_skipped = s->gathered.blocks_skipped;
	into->secrets_lost = s->gathered.secrets_lost;
	into->kernel_received = s->gathered.received;
	into->kernel_dropped = s->gathered.dropped;
	into->interface_dropped = s->gathered.interface_dropped;
	if (s->live)
		live_counters(s->live, into);
	else
		into->broken_files = files_broken(s->files);
}

void source_progress(const struct source *s, uint64_t *read, uint64_t *all)
{
	*read = *all = 0;
	if (s->files)
		files_progress(s->files, read, all);
}

struct bytes source_secrets(const struct source *s)
{
	return bytes_of(s->gathered.secrets, s->gathered.secrets_len);
}
