/* A long file read ahead on a second core gives the bytes that stand in it, whatever is asked for at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ahead.h"
#include "input.h"

#define LONG_FILE (5u << 20)

static char path[] = "/tmp/imapwhy-input-XXXXXX", packed[sizeof path + 3];
static volatile sig_atomic_t stop;

/* Each byte tells its place, and no two neighbourhoods are alike, so that packing leaves it long. */
static uint8_t byte_at(uint64_t n)
{
	uint64_t x = (n / 8 + 1) * 0x9e3779b97f4a7c15u;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (uint8_t)(x >> (n % 8 * 8));
}

static int make_files(void **state)
{
	char command[2 * sizeof packed + 32];
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");

	(void)state;
	if (!f)
		return -1;
	for (uint64_t n = 0; n < LONG_FILE; n++)
		putc(byte_at(n), f);
	if (fclose(f) != 0)
		return -1;
	snprintf(packed, sizeof packed, "%s.gz", path);
	snprintf(command, sizeof command, "gzip -1 -c %s > %s", path, packed);
	return system(command);
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(path) | unlink(packed);
}

static void open_file(struct input *in, const char *name)
{
	struct error error;

	stop = 0;
	assert_true(input_open(in, name, INPUT_WINDOW, &stop, &error));
}

static void expect_bytes(const uint8_t *p, uint64_t from, size_t n)
{
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(from + i))
			fail_msg("byte %llu differs", (unsigned long long)(from + i));
}

/* Pieces of many lengths: within a window, over the ends of pieces, more than fits before a piece, more than a window. */
static void read_in_steps(const char *name, size_t first, size_t most)
{
	struct input in;
	uint64_t at = 0;
	size_t n = first;

	open_file(&in, name);
	while (at + n <= LONG_FILE) {
		assert_int_equal(input_offset(&in), at);
		expect_bytes(input_have(&in, n), at, n);
		size_t used = n > 3 ? n / 2 + 1 : n; /* what is left over is asked for again */
		in.at += used;
		at += used;
		n = n * 7 % most + 1;
	}
	assert_true(input_skip(&in, LONG_FILE - at));
	assert_int_equal(input_offset(&in), LONG_FILE);
	assert_null(input_have(&in, 1));
	assert_string_equal(in.trouble, "");
	input_close(&in);
}

static void bytes_stand_where_they_should(void **state)
{
	const char *const names[] = { path, packed };

	(void)state;
	for (int i = 0; i < 2; i++) {
		read_in_steps(names[i], 100, 1500);
		read_in_steps(names[i], 100, AHEAD_FRONT + 100);
		read_in_steps(names[i], 4000, 3 * AHEAD_PIECE);
		read_in_steps(names[i], 2 * INPUT_WINDOW, INPUT_WINDOW);
	}
}

/* The end is told again and again; what is left is handed over. */
static void the_end_stays_the_end(void **state)
{
	struct input in;

	(void)state;
	open_file(&in, path);
	assert_true(input_skip(&in, LONG_FILE - 5));
	for (int i = 0; i < 3; i++)
		assert_null(input_have(&in, 6));
	expect_bytes(input_have(&in, 5), LONG_FILE - 5, 5);
	input_close(&in);
}

/* Closed while the thread waits for room, and while it has just begun. */
static void closing_ends_the_reading(void **state)
{
	struct input in;

	(void)state;
	for (uint64_t n = 0; n * AHEAD_PIECE < LONG_FILE; n++) {
		open_file(&in, n % 2 ? packed : path);
		assert_true(input_skip(&in, n * AHEAD_PIECE));
		input_close(&in);
	}
}

static void stopping_ends_it_early(void **state)
{
	struct input in;

	(void)state;
	open_file(&in, path);
	assert_true(input_skip(&in, INPUT_WINDOW + 1));
	stop = 1;
	assert_false(input_skip(&in, LONG_FILE - INPUT_WINDOW - 1));
	assert_string_equal(in.trouble, "");
	input_close(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_stand_where_they_should),
		cmocka_unit_test(the_end_stays_the_end),
		cmocka_unit_test(closing_ends_the_reading),
		cmocka_unit_test(stopping_ends_it_early),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
