/* The base room: hashing against its reference, bounded reading, clean text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "address.h"
#include "text.h"

static void reader_shortfall_sticks(void **state)
{
	struct reader r = reader_of(bytes_of("\x01\x02\x03", 3));
	(void)state;
	assert_int_equal(read_be16(&r), 0x0102);
	assert_int_equal(read_be16(&r), 0);
	assert_true(r.shortfall);
	assert_int_equal(read_u8(&r), 0);
	assert_int_equal(reader_left(&r), 0); /* or a loop over what is left would never end */
}

static void empty_bytes_have_no_address(void **state)
{
	struct bytes none = { 0 };
	struct reader r = reader_of(none);
	(void)state;
	assert_int_equal(reader_left(&r), 0);
	assert_int_equal(bytes_part(none, 0, 5).len, 0);
	assert_int_equal(read_bytes(&r, 0).len, 0);
	assert_false(r.shortfall);
}

static void wire_text_is_clean(void **state)
{
	char room[16];
	struct text t = TEXT_IN(room);
	(void)state;
	text_add_wire(&t, bytes_of_text("a\x1b[1m\xff"), 99);
	assert_string_equal(room, "a?[1m?");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reader_shortfall_sticks), cmocka_unit_test(empty_bytes_have_no_address),
					   cmocka_unit_test(wire_text_is_clean) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
