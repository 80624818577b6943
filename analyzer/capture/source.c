/* The one interface over files and live capture; which files belong to one recording, and their frames in the order of time. */
#include "file.h"
#include "live.h"
#include "text.h"

#include <pcap/pcap.h>
#include <stdlib.h>

/* A file that starts within this of the end of what came before goes on with it. */
#define JOIN_WITHIN (300 * SECOND)
#define NEVER INT64_MAX
#define NO_PACKETS INT64_MIN

struct member {
	const char *path;
	struct file *file; /* NULL while not open */
	enum { MEMBER_WAITING, MEMBER_READING, MEMBER_DONE } state;
	uint16_t index;
	nanoseconds first; /* of the first packet, or NO_PACKETS */
	struct links links;
	struct frame head;  /* READING and not the current one: its frame to come; a stream WAITING: its first */
	bool has_head;
	char *trouble;      /* why it could not be opened; told once */
	bool stream;         /* its size is not known, and it can't be opened twice */
	uint64_t size, read;
};

struct source {
	struct live *live;
	enum { ORDER_JOIN = FILES_JOIN, ORDER_MERGE = FILES_MERGE, ORDER_SEPARATE = FILES_SEPARATE } order;
	volatile int *stop;
	struct member *members;  /* in the order of the arguments */
	struct member **ordered; /* by first packet */
	struct member **reading; /* the open ones of this recording */
	int reading_count;
	int count, troubles;     /* troubles: members whose trouble may still have to be told from here on */
	struct member *current;  /* handed out the last frame */
	nanoseconds limit;       /* the current one goes on without a look at others while its frames are before this */
	struct member *waiting;  /* the next of this recording, not open yet */
	struct links links;      /* of this recording */
	struct member *only;     /* ORDER_SEPARATE: this recording */
	nanoseconds end;         /* of what came so far */
	bool started, handed;    /* a recording was begun; it had frames */
	struct gathered gathered;
	struct frame behind;      /* what source_next comes to after the secrets that it told of, with its status and error */
	struct error behind_error;
	enum source_status behind_status;
	bool telling;             /* those secrets are the caller's for now */
	struct source_counters counters;
};

static bool stopped(const struct source *s)
{
	return s->stop && *s->stop;
}

/* --- opening --- */

/* Reads the first packet's time and the link types. A stream stays open, as does a file that is the only one. */
static bool look_at(struct source *s, struct member *m, struct error *error)
{
	enum file_status status;

	m->file = file_open(m->path, m->index, s->count > 1 ? INPUT_GLANCE : INPUT_WINDOW, s->stop, NULL, error);
	if (!m->file)
		return false;
	m->size = m->file->input.size;
	m->stream = m->size == 0 || strcmp(m->path, "-") == 0;
	if (s->count == 1 || m->stream)
		m->file->gathered = &s->gathered;
	if (s->count == 1 || s->order == ORDER_SEPARATE)
		return true;
	status = file_next(m->file, &m->head, error);
	m->has_head = status == FILE_FRAME;
	m->first = m->has_head ? m->head.at.time : NO_PACKETS;
	file_links(m->file, &m->links);
	return status != FILE_BROKEN;
}

static void put_away(struct member *m)
{
	if (m->file)
		m->read = m->stream ? m->file->input.raw : m->size;
	file_close(&m->file);
	m->has_head = false;
}

/* Looks at a file; what can't be read is done with, and told when reading starts. */
static bool examine(struct source *s, struct member *m)
{
	struct error why;

	if (!look_at(s, m, &why)) {
		put_away(m);
		m->state = MEMBER_DONE;
		m->trouble = strdup(why.text);
		return false;
	}
	if (s->count > 1 && !m->stream) {
		put_away(m);
		m->read = 0;
	}
	return true;
}

static int by_first(const void *a, const void *b)
{
	const struct member *x = *(struct member *const *)a, *y = *(struct member *const *)b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool standard_input_twice(const char *const *paths, int count)
{
	int times = 0;

	for (int i = 0; i < count; i++)
		times += strcmp(paths[i], "-") == 0;
	return times > 1;
}

static struct source *no_source(struct source **s, struct error *error, const char *why)
{
	if (why)
		error_set(error, "%s", why);
	source_close(s);
	return NULL;
}

struct source *source_open_files(const char *const *paths, int count, const struct source_options *options, struct error *error)
{
	struct source *s = calloc(1, sizeof *s);
	int readable = 0;

	if (count < 1 || count > 65536)
		return no_source(&s, error, count < 1 ? "no capture file named" : "more than 65536 capture files; name fewer");
	if (standard_input_twice(paths, count))
		return no_source(&s, error, "standard input (-) is named twice");
	if (!s || !(s->members = calloc((size_t)count, sizeof *s->members)) || !(s->ordered = calloc((size_t)count, sizeof *s->ordered)) ||
		!(s->reading = calloc((size_t)count, sizeof *s->reading)))
		return no_source(&s, error, "no memory to read files");
	s->count = count;
	s->order = (int)options->files;
	s->stop = options->stop;
	for (int i = 0; i < count; i++) {
		s->members[i].path = paths[i];
		s->members[i].index = (uint16_t)i;
		s->ordered[i] = &s->members[i];
		readable += examine(s, &s->members[i]);
	}
	if (readable == 0) {
		const char *first = s->members[0].trouble;

		if (count == 1)
			error_set(error, "%s", first ? first : "no memory");
		else
			error_set(error, "%s (and none of the other %d could be read)", first ? first : "no memory", count - 1);
		return no_source(&s, NULL, NULL);
	}
	if (s->order != ORDER_SEPARATE)
		qsort(s->ordered, (size_t)count, sizeof *s->ordered, by_first);
	return s;
}

struct source *source_open_live(const char *interface, const struct source_options *options, struct error *error)
{
	struct source *s = calloc(1, sizeof *s);

	if (!s || !(s->live = live_open(interface, options, error)))
		return no_source(&s, error, s ? NULL : "no memory to capture");
	return s;
}

void source_close(struct source **at)
{
	struct source *s = *at;

	if (!s)
		return;
	live_close(&s->live);
	for (int i = 0; s->members && i < s->count; i++) {
		file_close(&s->members[i].file);
		free(s->members[i].trouble);
	}
	if (s->gathered.secrets)
		wipe(s->gathered.secrets, s->gathered.secrets_len);
	free(s->gathered.secrets);
	free(s->members);
	free(s->ordered);
	free(s->reading);
	free(s);
	*at = NULL;
}

/* --- recordings --- */

static bool belongs(const struct source *s, const struct member *m)
{
	if (m->state != MEMBER_WAITING)
		return false;
	if (s->order == ORDER_SEPARATE)
		return m == s->only;
	return s->order == ORDER_MERGE || m->first == NO_PACKETS || memcmp(&m->links, &s->links, sizeof m->links) == 0;
}

static void find_waiting(struct source *s)
{
	s->waiting = NULL;
	for (int i = 0; i < s->count && !s->waiting; i++)
		if (belongs(s, s->ordered[i]))
			s->waiting = s->ordered[i];
}

/* The earliest that waits decides what the next recording is; files without packets belong anywhere. False when nothing waits. */
static bool start_recording(struct source *s)
{
	struct member *first = NULL;

	for (int i = 0; i < s->count; i++) {
		struct member *m = s->ordered[i];

		if (m->state == MEMBER_WAITING && (!first || (first->first == NO_PACKETS && s->order != ORDER_SEPARATE)))
			first = m;
	}
	if (!first)
		return false;
	s->started = true;
	s->only = first;
	s->links = first->links;
	s->end = first->first;
	find_waiting(s);
	return true;
}

/* The file has ended or broke. */
static enum source_status finish(struct source *s, struct member *m, enum file_status status)
{
	for (int i = 0; i < s->reading_count; i++)
		if (s->reading[i] == m)
			s->reading[i] = s->reading[--s->reading_count];
	put_away(m);
	m->state = MEMBER_DONE;
	if (status == FILE_END || stopped(s))
		return SOURCE_END;
	s->counters.broken_files++;
	return SOURCE_BROKEN;
}

/* Opens a file that waited and reads its first frame. SOURCE_BROKEN when it can't be read; else go on. */
static enum source_status begin(struct source *s, struct member *m, struct error *error)
{
	enum file_status status = FILE_FRAME;

	m->state = MEMBER_READING;
	s->reading[s->reading_count++] = m;
	find_waiting(s);
	if (!m->file)
		m->file = file_open(m->path, m->index, INPUT_WINDOW, s->stop, &s->gathered, error);
	if (!m->file)
		return finish(s, m, FILE_BROKEN);
	if (!m->stream)
		file_secrets_ahead(m->file);
	if (!m->has_head)
		status = file_next(m->file, &m->head, error);
	m->has_head = true;
	return status == FILE_FRAME ? SOURCE_FRAME : finish(s, m, status);
}

static enum source_status hand_over(struct source *s, struct member *m, struct frame *frame)
{
	*frame = m->head;
	m->has_head = false;
	s->current = m;
	s->handed = true;
	if (frame->at.time > s->end)
		s->end = frame->at.time;
	s->counters.frames++;
	s->counters.bytes += frame->captured;
	return SOURCE_FRAME;
}

/* The file whose frame is the earliest, and in *limit the time of the next after it. */
static struct member *earliest_open(const struct source *s, nanoseconds *limit)
{
	struct member *earliest = NULL;

	*limit = NEVER;
	for (int i = 0; i < s->reading_count; i++) {
		struct member *m = s->reading[i];

		if (!earliest || m->head.at.time < earliest->head.at.time ||
			(m->head.at.time == earliest->head.at.time && m->index < earliest->index)) {
			if (earliest)
				*limit = earliest->head.at.time;
			earliest = m;
		} else if (m->head.at.time < *limit) {
			*limit = m->head.at.time;
		}
	}
	return earliest;
}

static bool time_to_open(const struct source *s, const struct member *earliest)
{
	if (earliest)
		return s->waiting->first <= earliest->head.at.time;
	return s->order != ORDER_JOIN || s->waiting->first == NO_PACKETS || s->waiting->first - s->end <= JOIN_WITHIN;
}

/* Chooses the file to go on with, opening those whose time has come. */
static enum source_status choose(struct source *s, struct frame *frame, struct error *error)
{
	for (;;) {
		struct member *earliest = earliest_open(s, &s->limit);

		if (s->waiting && time_to_open(s, earliest)) {
			if (begin(s, s->waiting, error) == SOURCE_BROKEN)
				return SOURCE_BROKEN;
		} else if (earliest) {
			if (s->waiting && s->waiting->first < s->limit)
				s->limit = s->waiting->first;
			return hand_over(s, earliest, frame);
		} else {
			bool restart = s->handed;

			if (stopped(s) || !start_recording(s))
				return SOURCE_END;
			s->handed = false;
			if (restart)
				return SOURCE_RESTART;
		}
	}
}

/* Files that could not be opened are told first. */
static bool tell_trouble(struct source *s, struct error *error)
{
	for (; s->troubles < s->count; s->troubles++) {
		struct member *m = &s->members[s->troubles];

		if (!m->trouble)
			continue;
		error_set(error, "%s", m->trouble);
		free(m->trouble);
		m->trouble = NULL;
		s->counters.broken_files++;
		return true;
	}
	return false;
}

static enum source_status files_next(struct source *s, struct frame *frame, struct error *error)
{
	if (s->troubles < s->count && tell_trouble(s, error))
		return SOURCE_BROKEN;
	if (s->current) {
		struct member *m = s->current;
		enum file_status status = file_next(m->file, frame, error);

		if (__builtin_expect(status == FILE_FRAME && frame->at.time < s->limit, 1)) {
			if (frame->at.time > s->end)
				s->end = frame->at.time;
			s->counters.frames++;
			s->counters.bytes += frame->captured;
			return SOURCE_FRAME;
		}
		s->current = NULL;
		if (status == FILE_FRAME) {
			m->head = *frame;
			m->has_head = true;
		} else if (finish(s, m, status) == SOURCE_BROKEN) {
			return SOURCE_BROKEN;
		}
	}
	return choose(s, frame, error);
}

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
	enum source_status status = stopped(s) ? SOURCE_END : files_next(s, frame, error);
	return __builtin_expect(s->gathered.secrets_len > 0, 0) ? tell_secrets(s, status, frame, error) : status;
}

enum source_status source_next(struct source *s, struct frame *frame, struct error *error)
{
	enum source_status status;

	if (!s->live)
		return next_of_files(s, frame, error);
	status = live_next(s->live, frame, error);
	if (status == SOURCE_FRAME) {
		s->counters.frames++;
		s->counters.bytes += frame->captured;
	}
	return status;
}

/* --- what it tells besides --- */

const char *source_name(const struct source *s, uint16_t file)
{
	if (s->live)
		return live_name(s->live);
	return file < s->count ? path_name(s->members[file].path) : "";
}

const char *source_link_name(uint16_t link)
{
	const char *name = pcap_datalink_val_to_name(link);

	return name ? name : "unknown";
}

bool source_rereadable(const struct source *s, uint16_t file)
{
	return file < s->count && !s->members[file].stream;
}

bool source_all_rereadable(const struct source *s)
{
	for (int i = 0; i < s->count; i++)
		if (s->members[i].stream)
			return false;
	return s->count > 0;
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
}

void source_progress(const struct source *s, uint64_t *read, uint64_t *all)
{
	bool known = s->count > 0;

	*read = *all = 0;
	for (int i = 0; i < s->count; i++) {
		const struct member *m = &s->members[i];

		*read += m->file ? m->file->input.raw : m->read;
		*all += m->size;
		known = known && !m->stream;
	}
	if (!known)
		*all = 0;
}

struct bytes source_secrets(const struct source *s)
{
	return bytes_of(s->gathered.secrets, s->gathered.secrets_len);
}
