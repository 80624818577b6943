/* nDPI behind its adapter: who is recognised by content, who is not guessed by port, and that nothing of a flow stays behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "identify.h"
#include "ndpi_adapter.h"

struct said {
	enum direction from;
	const char *data;
	size_t len;
};
#define SAID(from, text) { from, text, sizeof(text) - 1 }

static enum word_speaker talk(const struct said *said, size_t count)
{
	struct speakers *speakers = speakers_create();
	struct speaker *speaker = speaker_begin(speakers, ASK_PROTOCOL);
	enum word_speaker talks;

	assert_non_null(speaker);
	for (size_t i = 0; i < count; i++)
		if (speaker_hears(speakers, speaker, said[i].from, bytes_of(said[i].data, said[i].len), (nanoseconds)(i + 1) * MILLISECOND))
			break;
	talks = speaker_talks(speaker);
	speaker_end(speakers, &speaker);
	assert_null(speaker);
	assert_int_equal(speakers_counters(speakers)->asked, 1);
	assert_int_equal(speakers_counters(speakers)->told, talks != WORD_speaker_unknown);
	speakers_destroy(&speakers);
	return talks;
}
#define TALK(...) talk((const struct said[]){ __VA_ARGS__ }, sizeof((const struct said[]){ __VA_ARGS__ }) / sizeof(struct said))

static void services_are_recognised(void **state)
{
	(void)state;
	/* X.224 connection request with an RDP negotiation request (MS-RDPBCGR 2.2.1.1), and its confirmation. */
	assert_int_equal(TALK(SAID(FROM_CLIENT, "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"),
			      SAID(FROM_SERVER, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x0f\x08\x00\x02\x00\x00\x00")), WORD_speaker_rdp);
	/* MQTT 3.1.1 CONNECT and CONNACK. */
	assert_int_equal(TALK(SAID(FROM_CLIENT, "\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04" "abcd"),
			      SAID(FROM_SERVER, "\x20\x02\x00\x00"), SAID(FROM_CLIENT, "\xc0\x00")), WORD_speaker_mqtt);
	/* RFB 3.8 (RFC 6143, 7.1.1). */
	assert_int_equal(TALK(SAID(FROM_SERVER, "RFB 003.008\n"), SAID(FROM_CLIENT, "RFB 003.008\n")), WORD_speaker_vnc);
}

static void its_memory_is_counted(void **state)
{
	struct speakers *speakers = speakers_create();

	(void)state;
	assert_int_equal(speakers_bytes(speakers), 0); /* not started */
	struct speaker *one = speaker_begin(speakers, ASK_PROTOCOL);
	size_t begun = speakers_bytes(speakers);
	print_message("nDPI takes %zu bytes once it is asked\n", begun);
	assert_true(begun > 100000);
	struct speaker *two = speaker_begin(speakers, ASK_PROTOCOL);
	assert_true(speakers_bytes(speakers) > begun + 500);
	speaker_end(speakers, &two);
	assert_int_equal(speakers_bytes(speakers), begun);
	speaker_end(speakers, &one);
	speakers_destroy(&speakers);
	speakers = speakers_create();
	assert_int_equal(speakers_bytes(speakers), 0); /* all was given back */
	speakers_destroy(&speakers);
}

static void our_own_table_knows_some(void **state)
{
	(void)state;
	assert_int_equal(identify(bytes_of("\0\0\0\x66\xfeSMB\x40\0", 10), FROM_CLIENT), WORD_speaker_smb);
	assert_int_equal(identify(bytes_of_text("220 (vsFTPd 3.0.3)\r\n"), FROM_SERVER), WORD_speaker_ftp);
	assert_int_equal(identify(bytes_of_text("220 mx.example.org ESMTP\r\n"), FROM_SERVER), WORD_speaker_smtp);
}

static void nothing_is_guessed(void **state)
{
	(void)state;
	assert_int_equal(TALK(SAID(FROM_CLIENT, "\x99\x12\x45\x00zzz qq\xff\xfe"), SAID(FROM_SERVER, "\x98\x11\x01\x02yyyyyy")), WORD_speaker_unknown);
}

static void a_flow_is_given_up(void **state)
{
	struct speakers *speakers = speakers_create();
	struct speaker *speaker = speaker_begin(speakers, ASK_PROTOCOL);
	int shown = 1;

	(void)state;
	while (!speaker_hears(speakers, speaker, FROM_CLIENT, bytes_of("\x99\x77\x66", 3), shown * SECOND))
		assert_in_range(++shown, 2, 16);
	assert_int_equal(speaker_talks(speaker), WORD_speaker_unknown);
	speaker_end(speakers, &speaker);
	speakers_destroy(&speakers);
}

static void flows_are_bounded(void **state)
{
	struct speakers *speakers = speakers_create();
	static struct speaker *list[4096];
	int count = 0;

	(void)state;
	while (count < 4096 && (list[count] = speaker_begin(speakers, ASK_PROTOCOL)) != NULL)
		count++;
	assert_in_range(count, 1, 4095);
	assert_int_equal(speakers_counters(speakers)->refused, 1);
	for (int i = 0; i < count; i++)
		speaker_end(speakers, &list[i]);
	list[0] = speaker_begin(speakers, ASK_PROTOCOL);
	assert_non_null(list[0]);
	speaker_end(speakers, &list[0]);
	speakers_destroy(&speakers);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(services_are_recognised), cmocka_unit_test(our_own_table_knows_some),
					    cmocka_unit_test(nothing_is_guessed), cmocka_unit_test(its_memory_is_counted),
					    cmocka_unit_test(a_flow_is_given_up), cmocka_unit_test(flows_are_bounded) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
