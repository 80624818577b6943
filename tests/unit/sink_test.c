/* The sink: whole lines, full disks, slow and gone readers, rotation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sink.h"

static const char *whole(const char *path, char *room, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(room, 1, size - 1, f) : 0;

	room[n] = '\0';
	if (f)
		fclose(f);
	return room;
}

static void a_full_disk_is_told(void **state)
{
	struct error error;
	struct sink *s = sink_open("/dev/full", &error);

	(void)state;
	assert_non_null(s);
	assert_false(sink_failed(s, &error));
	assert_false(sink_put(s, "{}\n", 3));
	assert_false(sink_put(s, "{}\n", 3));
	assert_true(sink_failed(s, &error));
	assert_non_null(strstr(error.text, strerror(ENOSPC)));
	assert_non_null(strstr(error.text, "2 of 2 lost"));
	assert_false(sink_gone(s));
	sink_close(&s);
}

static void a_rotated_file_is_made_anew(void **state)
{
	char folder[] = "/tmp/sink-XXXXXX", path[64], old[64], room[64];
	struct error error;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/out", folder);
	snprintf(old, sizeof old, "%s/out.1", folder);
	struct sink *s = sink_open(path, &error);
	assert_true(sink_put(s, "one\n", 4));
	assert_int_equal(rename(path, old), 0);
	assert_true(sink_put(s, "two\n", 4));
	assert_true(sink_reopen(s, &error));
	assert_true(sink_put(s, "three\n", 6));
	assert_string_equal(whole(old, room, sizeof room), "one\ntwo\n");
	assert_string_equal(whole(path, room, sizeof room), "three\n");
	unlink(path);
	unlink(old);
	rmdir(folder);
	assert_false(sink_reopen(s, &error));
	assert_non_null(strstr(error.text, "old file"));
	assert_true(sink_put(s, "four\n", 5));
	sink_close(&s);
}

static void nowhere_is_refused(void **state)
{
	struct error error;

	(void)state;
	assert_null(sink_open("/nonexistent/place/out", &error));
	assert_non_null(strstr(error.text, "-w"));
}

/* Standard output stands in for a pipe: that is what its descriptor may be. */
static void pipes(void **state)
{
	int ends[2], before = dup(STDOUT_FILENO);
	struct error error;
	char line[4096];

	(void)state;
	fflush(stdout);
	memset(line, 'x', sizeof line);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	dup2(ends[1], STDOUT_FILENO);
	struct sink *s = sink_open(NULL, &error);
	bool first = sink_put(s, line, sizeof line);
	bool second = sink_put(s, line, 100); /* nobody reads for a second */
	bool gone_before = sink_gone(s);
	close(ends[0]);
	sink_put(s, line, 100);
	bool lost = sink_failed(s, &error);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(ends[1]);
	sink_close(&s);
	assert_true(first);
	assert_false(second);
	assert_false(gone_before);
	assert_true(lost);
	assert_non_null(strstr(error.text, "2 of 3 lost"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_full_disk_is_told), cmocka_unit_test(a_rotated_file_is_made_anew),
					    cmocka_unit_test(nowhere_is_refused), cmocka_unit_test(pipes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
