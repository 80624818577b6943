/* The DNS reader: questions, answers with aliases, hostile names; and which names look like mail hosts'. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "dns.h"

#define MESSAGE(literal) bytes_of(literal, sizeof(literal) - 1)

#define QUERY "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04IMAP\x07" "example\x03org\x00\x00\x01\x00\x01"
#define ANSWER_HEAD "\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00\x04imap\x07" "example\x03org\x00\x00\x01\x00\x01"
/* An alias to mx.example.org (by a pointer to offset 17), then two addresses of it. */
#define ALIAS "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x05\x02mx\xc0\x11"
#define FIRST_A "\xc0\x2e\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
#define FIRST_AAAA "\xc0\x2e\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"

/* From an allocation that ends where the message ends. */
static bool read_exact(struct bytes message, struct dns_message *into)
{
	uint8_t *copy = malloc(message.len ? message.len : 1);

	memcpy(copy, message.data, message.len);
	bool good = dns_read(bytes_of(copy, message.len), into);
	free(copy);
	return good;
}

static void a_query(void **state)
{
	struct dns_message m;
	(void)state;
	assert_true(read_exact(MESSAGE(QUERY), &m));
	assert_int_equal(m.id, 0x1234);
	assert_false(m.response);
	assert_int_equal(m.qtype, 1);
	assert_string_equal(m.name, "imap.example.org");
	assert_int_equal(m.answers, 0);
}

static void an_answer_by_an_alias(void **state)
{
	struct dns_message m;
	char room[ADDRESS_TEXT];
	(void)state;
	assert_true(read_exact(MESSAGE(ANSWER_HEAD ALIAS FIRST_A FIRST_AAAA), &m));
	assert_true(m.response);
	assert_string_equal(m.canonical, "mx.example.org");
	assert_int_equal(m.answers, 2);
	assert_string_equal(address_text(&m.answer[0], room), "192.0.2.1");
	assert_string_equal(address_text(&m.answer[1], room), "2001:db8::7");
}

/* Cut anywhere: the header and the question must be whole, of the answers the whole ones count. */
static void cut_messages(void **state)
{
	static const char whole[] = ANSWER_HEAD ALIAS FIRST_A FIRST_AAAA;
	size_t question = sizeof(ANSWER_HEAD) - 1;
	(void)state;
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		struct dns_message m = { .id = 7 };
		assert_int_equal(read_exact(bytes_of(whole, len), &m), len >= question);
		assert_int_equal(m.id, len >= question ? 0x1234 : 7);
		if (len >= question)
			assert_int_equal(m.answers, len >= question + sizeof(ALIAS FIRST_A) - 1);
	}
}

static void no_such_name(void **state)
{
	struct dns_message m;
	(void)state;
	assert_true(read_exact(MESSAGE("\0\1\x83\x83\0\1\0\0\0\0\0\0\1x\0\0\x1c\0\1"), &m));
	assert_int_equal(m.rcode, 3);
	assert_true(m.truncated);
	assert_int_equal(m.qtype, 28);
}

static void hostile_messages(void **state)
{
	struct dns_message m;
	(void)state;
	/* A pointer to itself, forward, two that point at each other; another opcode, no question, two; a label type of 0x40. */
	assert_false(read_exact(MESSAGE("\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"), &m));
	assert_false(read_exact(MESSAGE("\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0e\0\1\0\1"), &m));
	assert_false(read_exact(MESSAGE("\0\1\1\0\0\1\0\0\0\0\0\0\1a\xc0\x0c\0\1\0\1"), &m));
	assert_false(read_exact(MESSAGE("\0\1\x29\0\0\1\0\0\0\0\0\0\1x\0\0\1\0\1"), &m));
	assert_false(read_exact(MESSAGE("\0\1\1\0\0\0\0\0\0\0\0\0"), &m));
	assert_false(read_exact(MESSAGE("\0\1\1\0\0\2\0\0\0\0\0\0\1x\0\0\1\0\1\1y\0\0\1\0\1"), &m));
	assert_false(read_exact(MESSAGE("\0\1\1\0\0\1\0\0\0\0\0\0\x41x\0\0\1\0\1"), &m));
	/* Bytes that would steer a terminal. */
	assert_true(read_exact(MESSAGE("\0\1\1\0\0\1\0\0\0\0\0\0\5a\x1b\xff b\1C\0\0\1\0\1"), &m));
	assert_string_equal(m.name, "a???b.c");
}

static void a_name_too_long(void **state)
{
	uint8_t message[400] = { 0, 1, 1, 0, 0, 1 };
	size_t at = 12;
	struct dns_message m;
	(void)state;
	for (int i = 0; i < 5; i++) {
		message[at++] = 60;
		memset(message + at, 'a', 60);
		at += 60;
	}
	assert_false(read_exact(bytes_of(message, at + 5), &m));
	/* Four of them fit. */
	message[12 + 4 * 61] = 0;
	memcpy(message + 12 + 4 * 61 + 1, "\0\1\0\1", 4);
	assert_true(read_exact(bytes_of(message, 12 + 4 * 61 + 5), &m));
	assert_int_equal(strlen(m.name), 243);
}

static void many_answers(void **state)
{
	uint8_t message[1000];
	struct dns_message m;
	size_t at = sizeof(ANSWER_HEAD) - 1;
	(void)state;
	memcpy(message, ANSWER_HEAD, at);
	message[7] = 40;
	for (int i = 0; i < 40; i++, at += sizeof(FIRST_A) - 1) {
		memcpy(message + at, FIRST_A, sizeof(FIRST_A) - 1);
		message[at + 1] = 0x0c;
	}
	assert_true(read_exact(bytes_of(message, at), &m));
	assert_int_equal(m.answers, DNS_MOST_ANSWERS);
}

static void mail_names(void **state)
{
	static const char *const yes[] = { "imap.example.org", "imap-mail.outlook.com", "outlook.office365.com", "mx01.example.co.uk", "mail.lan",
					   "mail", "imap4", "_imaps._tcp.example.org", "secure.imap.example.org", "pop3.web.de.", "IMAP.Gmail.com",
					   "smtp-relay.gmail.com", "mail2.firma.test" };
	static const char *const no[] = { "", ".", "www.example.org", "mail.com", "www.mail.ru", "maildrop.example.org", "popular.example.org",
					  "smtpfoo.example.org", "example.org", "imapwhy.example.org", "..", "email.com" };
	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (!dns_mail_name(yes[i]))
			fail_msg("%s is a mail host's", yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (dns_mail_name(no[i]))
			fail_msg("%s is none of a mail host", no[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query),        cmocka_unit_test(an_answer_by_an_alias), cmocka_unit_test(cut_messages),
		cmocka_unit_test(no_such_name),   cmocka_unit_test(hostile_messages),      cmocka_unit_test(a_name_too_long),
		cmocka_unit_test(many_answers),   cmocka_unit_test(mail_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
