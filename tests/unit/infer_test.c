/* The timeline of records inside TLS, and what is inferred from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "records.h"

/* --- the timeline --- */

static struct moment moment_at(nanoseconds time, uint32_t frame)
{
	return (struct moment){ 1000 * SECOND + time, frame, 2 };
}

static void keeps_each_record_and_its_moment(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	assert_true(records_add(&r, RECORD_TICKET, FROM_SERVER, 250, moment_at(0, 8)));
	assert_true(records_add(&r, RECORD_DATA, FROM_SERVER, 129, moment_at(3 * MILLISECOND, 9)));
	assert_true(records_add(&r, RECORD_DATA, FROM_CLIENT, 40, moment_at(5 * SECOND, 12)));
	assert_int_equal(r->count, 3);
	assert_int_equal(r->list[2].length, 40);
	assert_int_equal(r->list[2].from, FROM_CLIENT);
	struct moment at = records_moment(r, 2);
	assert_int_equal(at.time, moment_at(5 * SECOND, 0).time);
	assert_int_equal(at.frame, 12);
	assert_int_equal(at.file, 2);
	records_free(&r);
	assert_null(r);
	records_free(&r);
}

static void folds_a_burst_into_its_second_record(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	records_add(&r, RECORD_DATA, FROM_CLIENT, 40, moment_at(0, 1));
	for (int i = 1; i <= 50; i++)
		records_add(&r, RECORD_DATA, FROM_SERVER, 1000, moment_at(i * 10 * MILLISECOND, (uint32_t)i + 1));
	assert_int_equal(r->count, 3);
	assert_int_equal(r->list[1].length, 1000);
	assert_int_equal(r->list[2].length, 49000);
	assert_int_equal(r->list[2].span, 48);
	assert_int_equal(r->list[2].frame, 3);
	/* What follows is timed right all the same, and 100 s of data stay within the cap. */
	records_add(&r, RECORD_DATA, FROM_CLIENT, 40, moment_at(SECOND, 60));
	assert_int_equal(records_moment(r, 3).time, moment_at(SECOND, 0).time);
	for (int i = 1; i <= 10000; i++)
		records_add(&r, RECORD_DATA, FROM_SERVER, 16384, moment_at(SECOND + i * 10 * MILLISECOND, 61));
	assert_true(r->count <= RECORDS_MOST);
	assert_int_equal(r->list[5].length, UINT16_MAX);
	records_free(&r);
}

static void sums_up_the_middle_of_a_long_session(void **state)
{
	struct tls_records *r = NULL;
	uint32_t frame = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		frame++;
		assert_true(records_add(&r, RECORD_DATA, i % 2 ? FROM_SERVER : FROM_CLIENT, 30, moment_at(i * SECOND, frame)));
	}
	assert_int_equal(r->count, RECORDS_MOST);
	assert_true(r->room <= RECORDS_MOST);
	assert_int_equal(r->list[RECORDS_FIRST].kind, RECORD_MIDDLE);
	assert_int_equal(r->list[RECORDS_FIRST - 1].frame, RECORDS_FIRST);
	assert_int_equal(r->list[RECORDS_MOST - 1].frame, 100000);
	assert_int_equal(records_moment(r, RECORDS_MOST - 1).time, moment_at(99999 * SECOND, 0).time);
	records_free(&r);
}

static void renames_what_turned_out_otherwise(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	records_rename(r, FROM_CLIENT, RECORD_NOTIFY, RECORD_DATA);
	records_add(&r, RECORD_NOTIFY, FROM_CLIENT, 19, moment_at(0, 1));
	records_add(&r, RECORD_DATA, FROM_SERVER, 30, moment_at(1, 2));
	records_rename(r, FROM_CLIENT, RECORD_NOTIFY, RECORD_DATA);
	assert_int_equal(r->list[0].kind, RECORD_DATA);
	records_rename(r, FROM_SERVER, RECORD_TICKET, RECORD_NOTIFY);
	assert_int_equal(r->list[1].kind, RECORD_DATA);
	records_free(&r);
}

static void odd_clocks_and_files_do_no_harm(void **state)
{
	struct tls_records *r = NULL;

	(void)state;
	records_add(&r, RECORD_DATA, FROM_CLIENT, 19, moment_at(SECOND, 1));
	records_add(&r, RECORD_DATA, FROM_SERVER, 19, moment_at(0, 2)); /* the clock went back */
	records_add(&r, RECORD_DATA, FROM_CLIENT, 19, (struct moment){ INT64_MAX, 3, 60000 });
	assert_int_equal(r->list[1].after, 0);
	assert_int_equal(r->list[2].after, UINT32_MAX);
	assert_int_equal(records_moment(r, 2).frame, 0); /* too many files on: no frame rather than a wrong one */
	records_free(&r);
}

/* The measured lengths of the facts: a LOGIN's NO of 53 bytes, the list of 405. */
static void tells_plain_lengths(void **state)
{
	static const struct {
		uint16_t version, cipher, length, least, most;
	} known[] = {
		{ 0x0304, 0x1302, 70, 53, 53 },     { 0x0304, 0x1301, 422, 405, 405 }, { 0x0303, 0xc030, 136, 112, 112 },
		{ 0x0303, 0xcca8, 128, 112, 112 },  { 0x0303, 0xc09e, 77, 53, 53 },    { 0x0303, 0xc0a0, 69, 53, 53 },
		{ 0x0303, 0xc028, 192, 112, 127 },  { 0x0303, 0xc028, 96, 16, 31 },    { 0x0303, 0xc014, 48, 0, 11 },
		{ 0x0301, 0xc014, 32, 0, 11 },
	};
	struct plain_length p;

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		assert_true(record_plain(known[i].version, known[i].cipher, known[i].length, &p));
		assert_int_equal(p.least, known[i].least);
		assert_int_equal(p.most, known[i].most);
	}
	assert_false(record_plain(0x0304, 0x1301, 16, &p));
	assert_false(record_plain(0x0303, 0xc030, 23, &p));
	assert_false(record_plain(0x0303, 0xc028, 60, &p));
	assert_false(record_plain(0x0303, 0x0005, 60, &p)); /* RC4 */
	assert_false(record_plain(0, 0, 60, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_each_record_and_its_moment),
		cmocka_unit_test(folds_a_burst_into_its_second_record),
		cmocka_unit_test(sums_up_the_middle_of_a_long_session),
		cmocka_unit_test(renames_what_turned_out_otherwise),
		cmocka_unit_test(odd_clocks_and_files_do_no_harm),
		cmocka_unit_test(tells_plain_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
