/* The report room: community ids against the reference's, documents whole and within bounds, text within its columns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "blocks.h"
#include "parts.h"

#define T0 (1709301727 * SECOND + 123456789)

/* --- a case to report --- */

struct made {
	struct session_summary session;
	struct fact_view view[FACT_COUNT];
	struct verdict verdict;
	struct rule rule, other;
	struct texts *texts;
	struct report_case c;
	FILE *file;
	int descriptor;
	struct report *report;
};

static bool put(void *context, const char *text, size_t len)
{
	return write(((struct made *)context)->descriptor, text, len) == (ssize_t)len;
}

static const char *file_name(const void *context, uint16_t file)
{
	(void)context;
	return file ? "second.pcap" : "office-gateway.pcapng";
}

static void set(struct made *m, enum fact_id id, int64_t value, uint32_t frame, enum direction from)
{
	m->view[id] = (struct fact_view){ value, { T0 + frame * MILLISECOND, frame, 0 }, (uint8_t)from, true, true };
}

static void set_text(struct made *m, enum fact_id id, const char *text, uint32_t frame)
{
	set(m, id, texts_keep(m->texts, bytes_of_text(text)), frame, FROM_SERVER);
}

static struct endpoint endpoint(const char *address, uint16_t port)
{
	struct endpoint e = { .port = port };

	assert_true(address_parse(address, &e.address));
	return e;
}

static void prove(struct made *m, enum fact_id id)
{
	m->verdict.evidence[m->verdict.evidences++] = id;
}

static void make_rule(struct made *m)
{
	m->rule = (struct rule){ .id = "auth-invalid-credentials", .title = "Wrong user name or password", .version = "1",
		.class = "auth_failure", .mechanism = "invalid_credentials", .culprit = "client", .cause = "account_settings",
		.outcome = OUTCOME_FAILED, .confidence = 0.97, .detail = "{imap.login_text}",
		.says = "The server refused the login by {imap.login_method} after {imap.login_time}: the user name or the password is wrong.",
		.symptom = "password_prompts", .advice = { "check_settings", "readd_account", "contact_provider" }, .advices = 3,
		.file = "rules/verdicts/auth.yaml", .line = 3 };
	m->other = m->rule;
	m->other.mechanism = "app_password_required";
}

static void make_facts(struct made *m)
{
	set(m, FACT_SYN, 1, 1, FROM_CLIENT);
	set(m, FACT_ESTABLISHED, 1, 3, FROM_CLIENT);
	set(m, FACT_ENDED, WORD_end_client_fin, 40, FROM_CLIENT);
	set(m, FACT_CLIENT_HELLO, 1, 4, FROM_CLIENT);
	set(m, FACT_SERVER_HELLO, 1, 6, FROM_SERVER);
	set(m, FACT_ESTABLISHED_TLS, 1, 8, FROM_CLIENT);
	set(m, FACT_VERSION, 0x0303, 6, FROM_SERVER);
	set(m, FACT_CIPHER, 0xc02f, 6, FROM_SERVER);
	set_text(m, FACT_SNI, "mail.example.org", 4);
	set_text(m, FACT_JA3, "6734f37431670b3ab4292b8f60f29984", 4);
	set_text(m, FACT_JA4, "t12d1209h1_d34a8e72043a_b39be8c56a14", 4);
	set_text(m, FACT_CERT_SUBJECT, "CN=mail.example.org,O=Example", 6);
	set_text(m, FACT_CERT_ISSUER, "CN=R3,O=Let's Encrypt,C=US", 6);
	set(m, FACT_CERT_NOT_AFTER, T0 + 20 * 24 * 60 * MINUTE, 6, FROM_SERVER);
	set(m, FACT_GREETING, WORD_status_ok, 12, FROM_SERVER);
	set_text(m, FACT_GREETING_TEXT, "Dovecot ready.", 12);
	set_text(m, FACT_SERVER_SOFTWARE, "Dovecot", 12);
	set_text(m, FACT_CAPABILITIES, "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN", 12);
	set(m, FACT_LOGIN_TRIED, 1, 14, FROM_CLIENT);
	set_text(m, FACT_LOGIN_METHOD, "PLAIN", 14);
	set(m, FACT_LOGIN_REFUSED, 1, 16, FROM_SERVER);
	set(m, FACT_LOGIN_ANSWER, WORD_status_no, 16, FROM_SERVER);
	set_text(m, FACT_LOGIN_CODE, "AUTHENTICATIONFAILED", 16);
	set_text(m, FACT_LOGIN_TEXT, "[AUTHENTICATIONFAILED] Authentication failed.", 16);
	set(m, FACT_LOGIN_TIME, 2100 * MILLISECOND, 16, FROM_SERVER);
	set(m, FACT_COMMANDS, 3, 10, FROM_CLIENT);
	set(m, FACT_STAGE, WORD_stage_auth, 14, FROM_CLIENT);
	set_text(m, FACT_USER, "a***@e***.org", 14);
	set(m, FACT_WAITED, 61 * SECOND, 14, FROM_CLIENT);
}

static void make_session(struct made *m)
{
	m->session = (struct session_summary){ .client = endpoint("10.1.4.40", 40112), .server = endpoint("198.51.100.7", 993),
		.implicit_tls = true, .start = T0, .end = T0 + 2100 * MILLISECOND, .server_name = "mail.example.org",
		.first = { T0, 1, 0 }, .last = { T0 + SECOND, 40, 0 }, .rtt = 18200 * MICROSECOND, .user = "a***@e***.org",
		.user_hash = 0x0123456789abcdef, .timings = { -1, 18.2, 40, 61.25, -1, -1 }, .encapsulation = 1 };
	m->session.side[FROM_CLIENT].packets = 20;
	m->session.side[FROM_CLIENT].bytes = 2210;
	m->session.side[FROM_SERVER].packets = 19;
	m->session.side[FROM_SERVER].bytes = 7122;
}

static struct made *make(const struct report_options *options)
{
	static const enum fact_id proofs[] = { FACT_LOGIN_REFUSED, FACT_LOGIN_TEXT, FACT_LOGIN_TRIED, FACT_SYN, FACT_SNI, FACT_VERSION,
					       FACT_GREETING, FACT_WAITED, FACT_LOGIN_CODE, FACT_USER };
	struct made *m = calloc(1, sizeof *m);

	m->texts = texts_create(1 << 20);
	for (int i = 0; i < FACT_COUNT; i++)
		m->view[i].known = fact_kinds[i].absence != ABSENT_UNKNOWN;
	make_session(m);
	make_facts(m);
	make_rule(m);
	m->verdict.rule = &m->rule;
	m->verdict.confidence = m->rule.confidence;
	for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++)
		prove(m, proofs[i]);
	m->verdict.alternatives_count = 2;
	m->verdict.alternatives[0] = (struct alternative){ &m->other, true, FACT_LOGIN_TEXT, "" };
	m->verdict.alternatives[1] = (struct alternative){ &m->other, false, FACT_SASL_ERROR, "imap.sasl_error" };
	m->c = (struct report_case){ &m->session, m->view, &m->verdict, "1709301727.000001-1", NULL, NULL };
	m->file = tmpfile();
	m->descriptor = fileno(m->file);
	m->report = report_create(&(const struct report_out){ m, put }, options, NULL, m->texts, file_name, NULL);
	assert_non_null(m->report);
	return m;
}

static void drop(struct made *m)
{
	report_destroy(&m->report);
	texts_destroy(&m->texts);
	fclose(m->file);
	free(m);
}

/* What was written so far. */
static char *written(struct made *m)
{
	long size = lseek(fileno(m->file), 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	assert_true(pread(fileno(m->file), text, (size_t)size, 0) == size);
	return text;
}

#ifdef REPORT_BENCH /* cc -DREPORT_BENCH: how long a document takes */
int main(void)
{
	struct report_options o = { .output = OUTPUT_JSON, .language = "en" };
	struct made *m = make(&o);
	struct timespec a, b;
	int n = 100000;

	report_session(m->report, &m->c);
	char *t = written(m);
	printf("%s%zu bytes\n", t, strlen(t));
	m->descriptor = open("/dev/null", O_WRONLY);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < n; i++)
		report_session(m->report, &m->c);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.2f us a document\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 1e3 / n);
	free(t);
	drop(m);
	return 0;
}
#else

/* --- community ids: the specification's baseline, with both seeds, of all that has ports (ICMP: type and its counterpart in their place) --- */

static void community_ids_are_those_of_the_specification(void **state)
{
	static const struct {
		uint16_t seed;
		uint8_t protocol;
		const char *a, *b, *id;
		uint16_t a_port, b_port;
	} vectors[] = {
		{ 0, 58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=", 135, 136 },
		{ 1, 58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", "1:kHa1FhMYIT6Ym2Vm2AOtoOARDzY=", 135, 136 },
		{ 0, 58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", "1:zavyT/cezQr1fmImYCwYnMXbgck=", 135, 136 },
		{ 1, 58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", "1:2hSqmsDZ2kdcY9kbiUzOEBic0iM=", 135, 136 },
		{ 0, 58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", "1:2ObVBgIn28oZvibYZhZMBgh7WdQ=", 3, 0 },
		{ 1, 58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", "1:lVEtCZpYu84Xqaa++3lXFyuu2n4=", 3, 0 },
		{ 0, 58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=", 128, 129 },
		{ 1, 58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", "1:GfZxjAkDk2MkegpBYHV6tadtFXQ=", 128, 129 },
		{ 0, 58, "fe80::200:86ff:fe05:80da", "ff02::2", "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=", 133, 134 },
		{ 1, 58, "fe80::200:86ff:fe05:80da", "ff02::2", "1:L7Ka0ZMYu+J3bL4ulW2PrqyXNo8=", 133, 134 },
		{ 0, 58, "fe80::260:97ff:fe07:69ea", "ff02::1", "1:pkvHqCL88/tg1k4cPigmZXUtL00=", 134, 133 },
		{ 1, 58, "fe80::260:97ff:fe07:69ea", "ff02::1", "1:K/ee5UCqAMAQXDorP5nSa2CGLjc=", 134, 133 },
		{ 0, 1, "192.168.0.89", "192.168.0.1", "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=", 8, 0 },
		{ 1, 1, "192.168.0.89", "192.168.0.1", "1:03g6IloqVBdcZlPyX8r0hgoE7kA=", 8, 0 },
		{ 0, 1, "10.0.0.1", "10.0.0.2", "1:YHxtAirCG//0OzkcVAukqKQN9xM=", 11, 0 },
		{ 1, 1, "10.0.0.1", "10.0.0.2", "1:XjUibYHaafLQ3pxQeiMI8g25q20=", 11, 0 },
		{ 0, 6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=", 63943, 25 },
		{ 1, 6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", "1:eJYTW6AOzFLlSUoESovMjnu7rMw=", 63943, 25 },
		{ 0, 132, "192.168.170.8", "192.168.170.56", "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=", 7, 7 },
		{ 1, 132, "192.168.170.8", "192.168.170.56", "1:5w3ZRjeKBzqT3zsaEECDGjUbYeg=", 7, 7 },
		{ 0, 6, "128.232.110.120", "66.35.250.204", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", 34855, 80 },
		{ 1, 6, "128.232.110.120", "66.35.250.204", "1:3V71V58M3Ksw/yuFALMcW0LAHvc=", 34855, 80 },
		{ 0, 17, "192.168.1.52", "8.8.8.8", "1:d/FP5EW3wiY1vCndhwleRRKHowQ=", 54585, 53 },
		{ 1, 17, "192.168.1.52", "8.8.8.8", "1:Q9We8WO3piVF8yEQBNJF4uiSVrI=", 54585, 53 },
	};
	char room[COMMUNITY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct endpoint a = endpoint(vectors[i].a, vectors[i].a_port), b = endpoint(vectors[i].b, vectors[i].b_port);
		struct community *c = community_create(vectors[i].seed);
		assert_string_equal(community_id(c, vectors[i].protocol, &a, &b, room), vectors[i].id);
		assert_string_equal(community_id(c, vectors[i].protocol, &b, &a, room), vectors[i].id);
		community_destroy(&c);
	}
}

/* --- documents --- */

/* Holds the documents against the schema with a real validator. */
static void assert_valid(const char *documents)
{
	char name[] = "/tmp/report_test.XXXXXX", command[1024];
	int file = mkstemp(name);

	assert_true(file >= 0 && write(file, documents, strlen(documents)) == (ssize_t)strlen(documents));
	close(file);
	snprintf(command, sizeof command, "python3 -c 'import json, sys, jsonschema\n"
		 "v = jsonschema.Draft202012Validator(json.load(open(\"docs/report.schema.json\")), format_checker=jsonschema.FormatChecker())\n"
		 "bad = [(e.json_path, e.message) for l in open(\"%s\", encoding=\"utf-8\") for e in v.iter_errors(json.loads(l))]\n"
		 "sys.exit(str(bad) if bad else 0)'", name);
	int status = system(command);
	unlink(name);
	assert_int_equal(status, 0);
}

static const struct report_options json_options = { .output = OUTPUT_JSON, .language = "en" };

static void a_session_becomes_one_valid_line(void **state)
{
	struct made *m = make(&json_options);

	(void)state;
	m->c.revises = "1709301727.000001-0";
	report_session(m->report, &m->c);
	char *text = written(m);
	assert_true(strlen(text) < DOCUMENT_MOST);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	static const char *const parts[] = { "{\"@timestamp\":\"2024-03-01T14:02:09.223456789Z\",\"event\":{\"id\":\"1709301727.000001-1\"",
		"\"cipher\":\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"", "\"confidence\":0.97", "\"duration\":2100000000", "\"connect\":18.2",
		"\"reason\":\"auth_failure.invalid_credentials\"", "\"revises\":\"1709301727.000001-0\"", "\"id\":\"certificate_expires_soon\"",
		"\"until\":\"2024-03-01T14:03:08.137456789Z\",\"kind\":\"absent\"", "\"hash\":\"0123456789abcdef\"", "\"encapsulation\":[\"vlan\"]" };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		assert_non_null(strstr(text, parts[i]));
	assert_valid(text);
	free(text);
	drop(m);
}

static void what_says_nothing_is_left_out(void **state)
{
	struct made *m = make(&json_options);

	(void)state;
	memset(m->view, 0, sizeof m->view);
	m->verdict.evidences = m->verdict.alternatives_count = m->rule.advices = 0;
	m->rule = (struct rule){ .id = "r", .title = "All is well", .version = "1", .class = "none", .mechanism = "success", .stage = "close",
				 .outcome = OUTCOME_HEALTHY, .confidence = 1 };
	m->verdict.confidence = 1;
	m->session.user = NULL;
	m->session.user_hash = 0;
	m->session.encapsulation = 0;
	report_session(m->report, &m->c);
	char *text = written(m);
	assert_non_null(strstr(text, "\"culprit\":null,\"cause\":null"));
	assert_non_null(strstr(text, "\"confidence\":1}"));
	assert_null(strstr(text, "evidence"));
	assert_null(strstr(text, "\"tls\":{"));
	assert_null(strstr(text, "\"user\""));
	assert_valid(text);
	free(text);
	drop(m);
}

static void look_ups_ask_a_resolver(void **state)
{
	struct made *m = make(&json_options);

	(void)state;
	m->session.is_lookup = true;
	m->session.server = endpoint("2001:db8::53", 53);
	m->session.client = endpoint("2001:db8::7", 40000);
	m->rule.class = "name_resolution";
	m->rule.mechanism = "nxdomain";
	m->rule.stage = "resolve";
	set(m, FACT_DNS_RESULT, WORD_lookup_nxdomain, 2, FROM_SERVER);
	set_text(m, FACT_DNS_NAME, "imap.exmaple.org", 1);
	report_session(m->report, &m->c);
	char *text = written(m);
	assert_non_null(strstr(text, "\"dns\":{\"question\":{\"name\":\"imap.exmaple.org\"},\"response_code\":\"NXDOMAIN\"}"));
	assert_non_null(strstr(text, "\"destination\":{\"ip\":\"2001:db8::53\",\"port\":53,\"bytes\""));
	assert_non_null(strstr(text, "\"transport\":\"udp\",\"type\":\"ipv6\",\"protocol\":\"dns\""));
	assert_valid(text);
	free(text);
	drop(m);
}

/* All that can be long is, and all of it wants escaping. */
static void documents_stay_within_their_bounds(void **state)
{
	static const char *const fills[] = { "\"", "\\", "x", "ع", "\x01", "\xff" };
	char text[401], *out;

	(void)state;
	for (size_t f = 0; f < sizeof fills / sizeof *fills; f++) {
		struct made *m = make(&json_options);
		text[0] = '\0';
		while (strlen(text) + strlen(fills[f]) < sizeof text)
			strcat(text, fills[f]);
		m->verdict.evidences = 0;
		for (int i = 0; i < FACT_COUNT; i++)
			if (fact_kinds[i].type == FACT_TEXT) {
				set_text(m, (enum fact_id)i, text, 1000000000u + (uint32_t)i);
				if (m->verdict.evidences < VERDICT_MOST_EVIDENCE)
					prove(m, (enum fact_id)i);
			}
		m->verdict.alternatives_count = VERDICT_MOST_ALTERNATIVES;
		for (int i = 0; i < VERDICT_MOST_ALTERNATIVES; i++)
			m->verdict.alternatives[i] = (struct alternative){ &m->other, false, FACT_LOGIN_TEXT, "imap.login_text contains x" };
		m->rule.title = m->rule.says = m->rule.detail = m->session.user = m->session.server_name = m->c.id = m->c.revises = text;
		report_session(m->report, &m->c);
		out = written(m);
		assert_true(strlen(out) > 1000 && strlen(out) <= DOCUMENT_MOST);
		assert_non_null(strstr(out, "_more\":"));
		assert_valid(out);
		free(out);
		drop(m);
	}
}

static void user_names_stay_masked(void **state)
{
	static const struct {
		enum usernames mode;
		bool name, hash;
	} modes[] = { { USERNAMES_HASH, true, true }, { USERNAMES_MASK, true, false }, { USERNAMES_CLEAR, true, false }, { USERNAMES_OFF, false, false } };

	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct report_options o = json_options;
		o.usernames = modes[i].mode;
		struct made *m = make(&o);
		m->rule.says = "The login of {imap.user} was refused.";
		report_session(m->report, &m->c);
		char *text = written(m);
		assert_int_equal(strstr(text, "a***@e***.org") != NULL, modes[i].name);
		assert_int_equal(strstr(text, "0123456789abcdef") != NULL, modes[i].hash);
		free(text);
		drop(m);
	}
}

static void counts_have_their_documents(void **state)
{
	struct made *m = make(&json_options);
	struct report_attempts a = { endpoint("198.51.100.7", 993), 214, 9, { T0, 5, 0 }, { T0 + SECOND, 900, 0 } };
	struct report_stats s = { .packets = 62113, .flows_tracked = 47, .seconds = 0.02, .all.failed = 3, .source = "office-gateway.pcapng",
				  .first = T0, .last = T0 + SECOND };

	(void)state;
	report_attempts(m->report, &a, T0 + SECOND);
	report_finish(m->report, &s, T0 + SECOND);
	char *text = written(m);
	assert_non_null(strstr(text, "\"attempts\":{\"server\":{\"ip\":\"198.51.100.7\",\"port\":993},\"count\":214,\"sources\":9"));
	assert_non_null(strstr(text, "\"packets\":{\"read\":62113"));
	assert_non_null(strstr(text, "\"seconds\":0.02"));
	assert_non_null(strstr(text, "\"documents\":{\"written\":1"));
	assert_valid(text);
	free(text);
	drop(m);
}

static void times_are_civil(void **state)
{
	char room[TIME_TEXT];

	(void)state;
	time_text(0, room);
	assert_string_equal(room, "1970-01-01T00:00:00.000000000Z");
	time_text(-1, room);
	assert_string_equal(room, "1969-12-31T23:59:59.999999999Z");
	time_text(951868799 * SECOND + 5, room);
	assert_string_equal(room, "2000-02-29T23:59:59.000000005Z");
}

static void lost_lines_are_counted(void **state)
{
	struct made *m = make(&json_options);

	(void)state;
	m->descriptor = open("/dev/full", O_WRONLY);
	report_session(m->report, &m->c);
	close(m->descriptor);
	assert_int_equal(m->report->lost, 1);
	assert_int_equal(m->report->written, 0);
	drop(m);
}

/* --- text --- */

static void assert_columns(const char *text)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		assert_non_null(end);
		assert_true(lines_columns(text, (size_t)(end - text)) <= 80);
	}
}

static char *text_report(struct made *m)
{
	struct report_stats s = { .packets = 62113, .seconds = 0.02, .chosen = { 41, 3, 1, 0, 2 } };

	report_finish(m->report, &s, T0);
	return written(m);
}

static const struct report_options text_options = { .output = OUTPUT_TEXT, .language = "en", .utc = true };

static void repeated_failures_are_one_block(void **state)
{
	struct made *m = make(&text_options);

	(void)state;
	for (int i = 0; i < 3; i++) {
		m->session.client.port++;
		report_session(m->report, &m->c);
	}
	char *text = text_report(m);
	assert_columns(text);
	assert_non_null(strstr(text, "✗ 10.1.4.40:40113 → mail.example.org:993 (198.51.100.7)        14:02:07  3 times\n"
				     "  AUTH FAILURE at auth (invalid_credentials), client, 97 % sure\n"));
	assert_null(strstr(text, "40114"));
	assert_non_null(strstr(text, "3 sessions failed, 1 degraded, 41 healthy, 2 probes"));
	assert_non_null(strstr(text, "62,113 packets in 0.02 s, none dropped\n"));
	assert_null(strstr(text, "\033"));
	free(text);
	drop(m);
}

static void one_servers_fault_is_told_once(void **state)
{
	struct made *m = make(&text_options);

	(void)state;
	for (int i = 0; i < 5; i++) {
		m->session.client.address.byte[3]++;
		report_session(m->report, &m->c);
	}
	char *text = text_report(m);
	assert_non_null(strstr(text, "✗ 5 devices → mail.example.org:993 (198.51.100.7)"));
	assert_null(strstr(strstr(text, "✗") + 1, "✗"));
	free(text);
	drop(m);
}

static void a_correction_withdraws_its_block(void **state)
{
	struct made *m = make(&text_options);

	(void)state;
	report_session(m->report, &m->c);
	m->rule.outcome = OUTCOME_HEALTHY;
	m->c.revises = m->c.id;
	m->c.id = "2";
	report_session(m->report, &m->c);
	char *text = text_report(m);
	assert_null(strstr(text, "✗"));
	free(text);
	drop(m);
}

static void blocks_are_bounded(void **state)
{
	struct made *m = make(&text_options);

	(void)state;
	for (int i = 0; i < 2100; i++) {
		m->session.client.address.byte[2] = (uint8_t)(i >> 8);
		m->session.client.address.byte[3] = (uint8_t)i;
		report_session(m->report, &m->c);
	}
	char *text = text_report(m);
	assert_non_null(strstr(text, "100 more sessions are not shown here"));
	free(text);
	drop(m);
}

static void arabic_stands_in_isolates(void **state)
{
	struct lines l = { 0 };

	(void)state;
	lines_wrap(&l, "  1 ", 4, "تحقق من اسم المستخدم وكلمة المرور في إعدادات الحساب، واكتب كلمة المرور من جديد ثم أعد المحاولة "
				  "مع imap.gmail.com على المنفذ 993.", 80);
	assert_columns(l.text);
	assert_true(strncmp(l.text, "  1 \u2067", 7) == 0);
	for (char *line = strtok(l.text, "\n"); line; line = strtok(NULL, "\n")) {
		assert_non_null(strstr(line, "\u2067"));
		assert_string_equal(line + strlen(line) - 3, "\u2069");
	}
	lines_drop(&l);
	/* What comes from the wire can't turn a line. */
	lines_wrap(&l, "", 0, "evil \u202etxt\u2066.exe", 80);
	assert_string_equal(l.text, "evil txt.exe\n");
	lines_drop(&l);
}

static void long_words_and_colors_keep_the_columns(void **state)
{
	struct report_options o = text_options;

	(void)state;
	o.color = o.verbose = true;
	o.language = "ar";
	struct made *m = make(&o);
	m->session.client = endpoint("2001:db8:1234:5678:9abc:def0:1234:5678", 40112);
	m->session.server = endpoint("2001:db8:1234:5678:9abc:def0:1234:9999", 993);
	char name[200];
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	m->session.server_name = name;
	set_text(m, FACT_LOGIN_TEXT, name, 16);
	report_session(m->report, &m->c);
	m->rule.outcome = OUTCOME_HEALTHY;
	m->rule.class = "none";
	report_session(m->report, &m->c);
	char *text = text_report(m);
	assert_columns(text);
	assert_non_null(strstr(text, "\033[1;31m✗\033[0m "));
	assert_non_null(strstr(text, "✓"));
	free(text);
	drop(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(community_ids_are_those_of_the_specification), cmocka_unit_test(a_session_becomes_one_valid_line),
		cmocka_unit_test(what_says_nothing_is_left_out), cmocka_unit_test(look_ups_ask_a_resolver),
		cmocka_unit_test(documents_stay_within_their_bounds), cmocka_unit_test(user_names_stay_masked),
		cmocka_unit_test(counts_have_their_documents), cmocka_unit_test(times_are_civil), cmocka_unit_test(lost_lines_are_counted),
		cmocka_unit_test(repeated_failures_are_one_block), cmocka_unit_test(one_servers_fault_is_told_once),
		cmocka_unit_test(a_correction_withdraws_its_block), cmocka_unit_test(blocks_are_bounded),
		cmocka_unit_test(arabic_stands_in_isolates), cmocka_unit_test(long_words_and_colors_keep_the_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
