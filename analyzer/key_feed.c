/* Where secrets come from, how often a growing key log is looked at, and what is said of its mistakes. */
#include "key_feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "key_file.h"
#include "keylog.h"

/* Least time between two looks at the file, by the clock on the wall: sessions without secrets may be many. */
#define LOOK_APART (50 * MILLISECOND)

struct key_feed {
	const char *path;
	struct key_file *file; /* NULL: none */
	struct analysis *analysis;
	struct keylog_counts counts, embedded; /* of the file, of capture files */
	nanoseconds looked;
};

struct key_feed *key_feed_create(const char *path, struct error *error)
{
	struct key_feed *f = calloc(1, sizeof *f);

	if (!f) {
		error_set(error, "out of memory");
		return NULL;
	}
	f->path = path;
	if (path && !(f->file = key_file_open(path, error)))
		key_feed_destroy(&f);
	return f;
}

void key_feed_destroy(struct key_feed **feed)
{
	if (*feed)
		key_file_close(&(*feed)->file);
	free(*feed);
	*feed = NULL;
}

static void read_new(struct key_feed *f)
{
	struct keylog_counts unfinished = { 0 };
	struct bytes text;

	while ((text = key_file_lines(f->file)).len)
		analysis_secrets(f->analysis, text, &f->counts);
	/* It may be whole but for its end; if it is not, it comes again when it is. */
	analysis_secrets(f->analysis, key_file_rest(f->file), &unfinished);
}

static bool look_again(void *context)
{
	struct key_feed *f = context;
	uint64_t before = f->counts.secrets;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	nanoseconds now = t.tv_sec * SECOND + t.tv_nsec;
	if (now - f->looked < LOOK_APART)
		return false;
	f->looked = now;
	read_new(f);
	return f->counts.secrets != before;
}

void key_feed_begin(struct key_feed *f, struct analysis *analysis)
{
	f->analysis = analysis;
	if (!f->file)
		return;
	analysis_secrets_wanted(analysis, look_again, f);
	read_new(f);
}

void key_feed_take(struct key_feed *f, struct bytes text)
{
	analysis_secrets(f->analysis, text, &f->embedded);
}

bool key_feed_trouble(struct key_feed *f, struct error *error)
{
	if (f->file) {
		read_new(f);
		analysis_secrets(f->analysis, key_file_rest(f->file), &f->counts);
	}
	if (f->counts.wrong && !f->counts.secrets) {
		error_set(error, "%s: no key log in NSS format, none of its lines has secrets as one has them; "
				 "name the file that SSLKEYLOGFILE names where the mail app runs", f->path);
		return true;
	}
	if (f->counts.wrong) {
		error_set(error, "%s, line %" PRIu64 ": not as a key log in NSS format has it (%" PRIu64 " such lines of %" PRIu64 ", stepped over)",
			  f->path, f->counts.first_wrong, f->counts.wrong, f->counts.lines);
		return true;
	}
	if (f->file && !f->counts.secrets) {
		error_set(error, "%s: no secrets of TLS sessions in it (SSLKEYLOGFILE makes mail apps write them)", f->path);
		return true;
	}
	if (f->embedded.wrong) {
		error_set(error, "the secrets in the capture: %" PRIu64 " of %" PRIu64 " lines are not as a key log in NSS format has them",
			  f->embedded.wrong, f->embedded.lines);
		return true;
	}
	return false;
}
