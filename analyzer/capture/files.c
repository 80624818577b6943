/* Which files belong to one recording, and their frames in the order of time. */
#include "files.h"

#include <stdlib.h>

#include "file.h"

/* A file that starts within this of the end of what came before goes on with it. */
#define JOIN_WITHIN (300 * SECOND)
#define NEVER INT64_MAX
#define NO_PACKETS INT64_MIN
#define FILES_MOST 65536 /* moment.file numbers them */

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

struct files {
	enum file_order order;
	volatile sig_atomic_t *stop;
	struct member *members;  /* in the order of the arguments */
	struct member **ordered; /* by first packet */
	struct member **reading; /* the open ones of this recording */
	int reading_count;
	int count, troubles;     /* troubles: members whose trouble may still have to be told from here on */
	struct member *current;  /* handed out the last frame */
	nanoseconds limit;       /* the current one goes on without a look at others while its frames are before this */
	struct member *waiting;  /* the next of this recording, not open yet */
	struct links links;      /* of this recording */
	struct member *only;     /* FILES_SEPARATE: this recording */
	nanoseconds end;         /* of what came so far */
	bool started, handed;    /* a recording was begun; it had frames */
	struct gathered *gathered;
	uint64_t broken;
};

static bool stopped(const struct files *f)
{
	return f->stop && *f->stop;
}

/* --- opening --- */

/* Reads the first packet's time and the link types. A stream stays open, as does a file that is the only one. */
static bool look_at(struct files *f, struct member *m, struct error *error)
{
	enum file_status status;

	m->file = file_open(m->path, m->index, f->count > 1 ? INPUT_GLANCE : INPUT_WINDOW, f->stop, NULL, error);
	if (!m->file)
		return false;
	m->size = m->file->input.size;
	m->stream = m->size == 0 || strcmp(m->path, "-") == 0;
	if (f->count == 1 || m->stream)
		m->file->gathered = f->gathered;
	if (f->count == 1 || f->order == FILES_SEPARATE)
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
static bool examine(struct files *f, struct member *m)
{
	struct error why;

	if (!look_at(f, m, &why)) {
		put_away(m);
		m->state = MEMBER_DONE;
		m->trouble = strdup(why.text);
		return false;
	}
	if (f->count > 1 && !m->stream) {
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

static struct files *no_files(struct files **f, struct error *error, const char *why)
{
	error_set(error, "%s", why);
	files_close(f);
	return NULL;
}

static struct files *none_readable(struct files **f, struct error *error)
{
	const char *first = (*f)->members[0].trouble ? (*f)->members[0].trouble : "no memory";
	int others = (*f)->count - 1;

	if (others)
		error_set(error, "%s (and none of the other %d could be read)", first, others);
	else
		error_set(error, "%s", first);
	files_close(f);
	return NULL;
}

struct files *files_open(const char *const *paths, int count, const struct source_options *options, struct gathered *gathered, struct error *error)
{
	struct files *f = calloc(1, sizeof *f);
	int readable = 0;

	if (count < 1 || count > FILES_MOST)
		return no_files(&f, error, count < 1 ? "no capture file named" : "more than 65536 capture files; name fewer");
	if (standard_input_twice(paths, count))
		return no_files(&f, error, "standard input (-) is named twice");
	if (!f || !(f->members = calloc((size_t)count, sizeof *f->members)) || !(f->ordered = calloc((size_t)count, sizeof *f->ordered)) ||
	    !(f->reading = calloc((size_t)count, sizeof *f->reading)))
		return no_files(&f, error, "no memory to read files");
	f->count = count;
	f->order = options->files;
	f->stop = options->stop;
	f->gathered = gathered;
	for (int i = 0; i < count; i++) {
		f->members[i].path = paths[i];
		f->members[i].index = (uint16_t)i;
		f->ordered[i] = &f->members[i];
		readable += examine(f, &f->members[i]);
	}
	if (readable == 0)
		return none_readable(&f, error);
	if (f->order != FILES_SEPARATE)
		qsort(f->ordered, (size_t)count, sizeof *f->ordered, by_first);
	return f;
}

void files_close(struct files **at)
{
	struct files *f = *at;

	if (!f)
		return;
	for (int i = 0; f->members && i < f->count; i++) {
		file_close(&f->members[i].file);
		free(f->members[i].trouble);
	}
	free(f->members);
	free(f->ordered);
	free(f->reading);
	free(f);
	*at = NULL;
}

/* --- recordings --- */

static bool belongs(const struct files *f, const struct member *m)
{
	if (m->state != MEMBER_WAITING)
		return false;
	if (f->order == FILES_SEPARATE)
		return m == f->only;
	return f->order == FILES_MERGE || m->first == NO_PACKETS || memcmp(&m->links, &f->links, sizeof m->links) == 0;
}

static void find_waiting(struct files *f)
{
	f->waiting = NULL;
	for (int i = 0; i < f->count && !f->waiting; i++)
		if (belongs(f, f->ordered[i]))
			f->waiting = f->ordered[i];
}

/* The earliest that waits decides what the next recording is; files without packets belong anywhere. False when nothing waits. */
static bool start_recording(struct files *f)
{
	struct member *first = NULL;

	for (int i = 0; i < f->count; i++) {
		struct member *m = f->ordered[i];

		if (m->state == MEMBER_WAITING && (!first || (first->first == NO_PACKETS && f->order != FILES_SEPARATE)))
			first = m;
	}
	if (!first)
		return false;
	f->started = true;
	f->only = first;
	f->links = first->links;
	f->end = first->first;
	find_waiting(f);
	return true;
}

/* The file has ended or broke. */
static enum source_status finish(struct files *f, struct member *m, enum file_status status)
{
	for (int i = 0; i < f->reading_count; i++)
		if (f->reading[i] == m)
			f->reading[i] = f->reading[--f->reading_count];
	put_away(m);
	m->state = MEMBER_DONE;
	if (status == FILE_END || stopped(f))
		return SOURCE_END;
	f->broken++;
	return SOURCE_BROKEN;
}

/* Opens a file that waited and reads its first frame. SOURCE_BROKEN when it can't be read; else go on. */
static enum source_status begin(struct files *f, struct member *m, struct error *error)
{
	enum file_status status = FILE_FRAME;

	m->state = MEMBER_READING;
	f->reading[f->reading_count++] = m;
	find_waiting(f);
	if (!m->file)
		m->file = file_open(m->path, m->index, INPUT_WINDOW, f->stop, f->gathered, error);
	if (!m->file)
		return finish(f, m, FILE_BROKEN);
	if (!m->stream)
		file_secrets_ahead(m->file);
	if (!m->has_head)
		status = file_next(m->file, &m->head, error);
	m->has_head = true;
	return status == FILE_FRAME ? SOURCE_FRAME : finish(f, m, status);
}

static enum source_status hand_over(struct files *f, struct member *m, struct frame *frame)
{
	*frame = m->head;
	m->has_head = false;
	f->current = m;
	f->handed = true;
	if (frame->at.time > f->end)
		f->end = frame->at.time;
	return SOURCE_FRAME;
}

/* The file whose frame is the earliest, and in *limit the time of the next after it. */
static struct member *earliest_open(const struct files *f, nanoseconds *limit)
{
	struct member *earliest = NULL;

	*limit = NEVER;
	for (int i = 0; i < f->reading_count; i++) {
		struct member *m = f->reading[i];

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

static bool time_to_open(const struct files *f, const struct member *earliest)
{
	if (earliest)
		return f->waiting->first <= earliest->head.at.time;
	return f->order != FILES_JOIN || f->waiting->first == NO_PACKETS || f->waiting->first - f->end <= JOIN_WITHIN;
}

/* Chooses the file to go on with, opening those whose time has come. */
static enum source_status choose(struct files *f, struct frame *frame, struct error *error)
{
	for (;;) {
		struct member *earliest = earliest_open(f, &f->limit);

		if (f->waiting && time_to_open(f, earliest)) {
			if (begin(f, f->waiting, error) == SOURCE_BROKEN)
				return SOURCE_BROKEN;
		} else if (earliest) {
			if (f->waiting && f->waiting->first < f->limit)
				f->limit = f->waiting->first;
			return hand_over(f, earliest, frame);
		} else {
			bool restart = f->handed;

			if (stopped(f) || !start_recording(f))
				return SOURCE_END;
			f->handed = false;
			if (restart)
				return SOURCE_RESTART;
		}
	}
}

/* Files that could not be opened are told first. */
static bool tell_trouble(struct files *f, struct error *error)
{
	for (; f->troubles < f->count; f->troubles++) {
		struct member *m = &f->members[f->troubles];

		if (!m->trouble)
			continue;
		error_set(error, "%s", m->trouble);
		free(m->trouble);
		m->trouble = NULL;
		f->broken++;
		return true;
	}
	return false;
}

enum source_status files_next(struct files *f, struct frame *frame, struct error *error)
{
	if (stopped(f))
		return SOURCE_END;
	if (f->troubles < f->count && tell_trouble(f, error))
		return SOURCE_BROKEN;
	if (f->current) {
		struct member *m = f->current;
		enum file_status status = file_next(m->file, frame, error);

		if (__builtin_expect(status == FILE_FRAME && frame->at.time < f->limit, 1)) {
			if (frame->at.time > f->end)
				f->end = frame->at.time;
			return SOURCE_FRAME;
		}
		f->current = NULL;
		if (status == FILE_FRAME) {
			m->head = *frame;
			m->has_head = true;
		} else if (finish(f, m, status) == SOURCE_BROKEN) {
			return SOURCE_BROKEN;
		}
	}
	return choose(f, frame, error);
}

/* --- what they tell besides --- */

const char *files_name(const struct files *f, uint16_t file)
{
	return file < f->count ? path_name(f->members[file].path) : "";
}

bool files_rereadable(const struct files *f, uint16_t file)
{
	return file < f->count && !f->members[file].stream;
}

bool files_all_rereadable(const struct files *f)
{
	for (int i = 0; i < f->count; i++)
		if (f->members[i].stream)
			return false;
	return true;
}

uint64_t files_broken(const struct files *f)
{
	return f->broken;
}

void files_progress(const struct files *f, uint64_t *read, uint64_t *all)
{
	bool known = true;

	*read = *all = 0;
	for (int i = 0; i < f->count; i++) {
		const struct member *m = &f->members[i];

		*read += m->file ? m->file->input.raw : m->read;
		*all += m->size;
		known = known && !m->stream;
	}
	if (!known)
		*all = 0;
}
