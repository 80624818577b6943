/* The frames that verdicts cite, and where they come from when the verdict is written, long after they went by. */
#include "saver.h"

#include <stdlib.h>

#include "file.h"
#include "pcapng_write.h"

#define FRAME_MOST 16384u          /* bytes kept of a frame in the ring */
#define CITATIONS_MOST (64u << 20) /* bytes of comments held until the files are read again */
#define FRAME_COMMENTS 64          /* comments of one frame */
#define COMMENT_ROOM 700

/* A frame in the ring; its bytes follow. */
struct kept {
	struct moment at;
	uint32_t captured, wire, number; /* number: in the evidence file, 0: not saved */
	uint16_t link;
};

/* A frame to be found in a file at the end. */
struct citation {
	struct moment at;
	uint32_t order; /* of citing: comments of a frame keep it */
	char *comment;
};

struct saver {
	struct pcapng_writer *writer;
	char *path;
	struct source *source;
	struct report_citing citing;
	struct saver_counters counters;
	/* the ring: positions count on for ever, the byte at p stands at p % ring_room */
	size_t ring_bytes, ring_room;
	uint8_t *ring;
	uint64_t ring_at;
	uint64_t *slots; /* 1 + where the frame of that number starts; later ones take the slot over */
	size_t slot_count;
	/* files */
	struct citation *list;
	size_t list_count, list_room, comment_bytes;
};

/* --- the ring --- */

static bool is_kept(const struct saver *s, const struct moment *at)
{
	return s->ring && !source_rereadable(s->source, at->file);
}

static uint64_t *slot_of(const struct saver *s, const struct moment *at)
{
	return &s->slots[(at->frame + (size_t)at->file * 40503u) % s->slot_count];
}

static struct kept *find(const struct saver *s, const struct moment *at)
{
	uint64_t start = *slot_of(s, at);

	if (!start || s->ring_at - (start - 1) > s->ring_room)
		return NULL;
	struct kept *k = (struct kept *)(s->ring + (start - 1) % s->ring_room);
	return k->at.frame == at->frame && k->at.file == at->file ? k : NULL;
}

void saver_keep(void *context, const struct frame *frame)
{
	struct saver *s = context;

	if (!is_kept(s, &frame->at))
		return;
	uint32_t captured = frame->captured < FRAME_MOST ? frame->captured : FRAME_MOST;
	size_t need = (sizeof(struct kept) + captured + 7) / 8 * 8, left = s->ring_room - s->ring_at % s->ring_room;
	if (need > left)
		s->ring_at += left; /* a frame stands in one piece */
	struct kept *k = (struct kept *)(s->ring + s->ring_at % s->ring_room);
	*k = (struct kept){ frame->at, captured, frame->wire, 0, frame->link };
	memcpy(k + 1, frame->data, captured);
	*slot_of(s, &frame->at) = s->ring_at + 1;
	s->ring_at += need;
}

static void save_kept(struct saver *s, const struct moment *at, const char *const *comments, int count)
{
	struct kept *k = find(s, at);

	if (k && k->number)
		return;
	if (k) {
		struct frame frame = { (const uint8_t *)(k + 1), k->captured, k->wire, k->at, k->link };
		k->number = pcapng_write(s->writer, &frame, comments, count);
	}
	if (k && k->number)
		s->counters.saved++;
	else
		s->counters.lost++;
}

static uint32_t number_of(void *context, struct moment at)
{
	const struct saver *s = context;
	const struct kept *k = is_kept(s, &at) ? find(s, &at) : NULL;

	return k ? k->number : 0;
}

/* --- citing --- */

static void remember(struct saver *s, const struct moment *at, const char *comment)
{
	size_t len = strlen(comment) + 1;

	if (s->list_count == s->list_room) {
		size_t room = s->list_room ? s->list_room * 2 : 256;
		struct citation *larger = realloc(s->list, room * sizeof *larger);
		if (!larger) {
			s->counters.lost++;
			return;
		}
		s->list = larger;
		s->list_room = room;
	}
	char *copy = s->comment_bytes + len > CITATIONS_MOST ? NULL : strdup(comment);
	if (!copy) {
		s->counters.lost++;
		return;
	}
	s->comment_bytes += len;
	s->list[s->list_count] = (struct citation){ *at, (uint32_t)s->list_count, copy };
	s->list_count++;
}

static bool same_frame(const struct moment *a, const struct moment *b)
{
	return a->frame == b->frame && a->file == b->file;
}

/* Citations come sorted by frame: those of one frame become its comments. */
static void cite(void *context, const char *session, const struct report_citation *list, int count)
{
	struct saver *s = context;
	char rooms[FRAME_COMMENTS][COMMENT_ROOM];
	const char *comments[FRAME_COMMENTS];

	for (int i = 0, n = 0; i < count; i++) {
		const struct moment *at = &list[i].at;
		if (n < FRAME_COMMENTS) {
			snprintf(rooms[n], COMMENT_ROOM, "imapwhy %s: %s (%s#%u)", session, list[i].says, source_name(s->source, at->file), at->frame);
			comments[n] = rooms[n];
			n++;
		}
		if (i + 1 < count && same_frame(at, &list[i + 1].at))
			continue;
		if (is_kept(s, at))
			save_kept(s, at, comments, n);
		else
			for (int j = 0; j < n; j++)
				remember(s, at, comments[j]);
		n = 0;
	}
}

/* --- files, once more --- */

static int by_place(const void *x, const void *y)
{
	const struct citation *a = x, *b = y;

	if (a->at.file != b->at.file)
		return a->at.file < b->at.file ? -1 : 1;
	if (a->at.frame != b->at.frame)
		return a->at.frame < b->at.frame ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* How many citations from `from` on are of its frame. */
static size_t same_from(const struct saver *s, size_t from)
{
	size_t n = 1;

	while (from + n < s->list_count && same_frame(&s->list[from].at, &s->list[from + n].at))
		n++;
	return n;
}

static void save_cited(struct saver *s, const struct frame *frame, size_t from, size_t count)
{
	const char *comments[FRAME_COMMENTS];
	int n = 0;

	for (size_t i = from; i < from + count && n < FRAME_COMMENTS; i++)
		if (n == 0 || strcmp(comments[n - 1], s->list[i].comment) != 0)
			comments[n++] = s->list[i].comment;
	if (pcapng_write(s->writer, frame, comments, n))
		s->counters.saved++;
	else
		s->counters.lost++;
}

/* Reads the file of the citation at `from`; returns the first citation of another file. */
static size_t read_again(struct saver *s, size_t from)
{
	uint16_t index = s->list[from].at.file;
	struct file *file = file_open(source_name(s->source, index), index, INPUT_WINDOW, NULL, NULL, NULL);
	struct frame frame;
	bool more = file != NULL;

	while (from < s->list_count && s->list[from].at.file == index) {
		size_t count = same_from(s, from);
		while ((more = more && file_next(file, &frame, NULL) == FILE_FRAME) && frame.at.frame < s->list[from].at.frame)
			;
		if (more && frame.at.frame == s->list[from].at.frame)
			save_cited(s, &frame, from, count);
		else
			s->counters.lost++;
		from += count;
	}
	if (file)
		file_close(&file);
	return from;
}

void saver_collect(struct saver *s)
{
	if (s->list_count)
		qsort(s->list, s->list_count, sizeof *s->list, by_place);
	for (size_t from = 0; from < s->list_count;)
		from = read_again(s, from);
}

/* --- its life --- */

struct saver *saver_create(const char *path, size_t ring_bytes, struct error *error)
{
	struct saver *s = calloc(1, sizeof *s);

	if (!s || !(s->path = strdup(path))) {
		free(s);
		error_set(error, "%s: no memory to save evidence", path);
		return NULL;
	}
	s->ring_bytes = ring_bytes;
	s->citing = (struct report_citing){ s, s->path, cite, number_of };
	s->writer = pcapng_writer_create(path, "imapwhy " IMAPWHY_VERSION, error);
	if (!s->writer)
		saver_close(&s, NULL);
	return s;
}

bool saver_watch(struct saver *s, struct source *source, struct error *error)
{
	s->source = source;
	if (source_all_rereadable(source))
		return true;
	s->ring_room = s->ring_bytes / 8 * 8;
	s->slot_count = s->ring_room / 64;
	s->ring = malloc(s->ring_room);
	s->slots = calloc(s->slot_count, sizeof *s->slots);
	s->counters.bytes = s->ring_room + s->slot_count * sizeof *s->slots;
	return (s->ring && s->slots) || error_set(error, "--save-evidence: no memory for recent frames; give less with --memory");
}

const struct report_citing *saver_citing(struct saver *s)
{
	return &s->citing;
}

struct saver_counters saver_counters(const struct saver *s)
{
	return s->counters;
}

bool saver_close(struct saver **saver, struct error *error)
{
	struct saver *s = *saver;

	*saver = NULL;
	if (!s)
		return true;
	bool whole = pcapng_writer_close(&s->writer, error);
	for (size_t i = 0; i < s->list_count; i++)
		free(s->list[i].comment);
	free(s->list);
	free(s->ring);
	free(s->slots);
	free(s->path);
	free(s);
	return whole;
}
