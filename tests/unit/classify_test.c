/* The classify room: expressions in three values, every kind of mistake told, hostile files, verdicts with their evidence. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expression.h"
#include "rules.h"
#include "vocabulary.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- a view and a rules directory to play with --- */

struct world {
	struct fact_view view[FACT_COUNT];
	struct texts *texts;
	char directory[64];
};

static void set(struct world *w, enum fact_id id, int64_t value, uint32_t frame)
{
	w->view[id] = (struct fact_view){ .value = value, .at = { .frame = frame }, .known = true, .set = true };
}

static void set_text(struct world *w, enum fact_id id, const char *text)
{
	set(w, id, texts_keep(w->texts, bytes_of_text(text)), 9);
}

/* Nothing was seen: zero where absence means so, else unknown. */
static void forget(struct world *w)
{
	for (int i = 0; i < FACT_COUNT; i++)
		w->view[i] = (struct fact_view){ .known = fact_kinds[i].absence != ABSENT_UNKNOWN };
}

static void put_file(const struct world *w, const char *name, const char *text, size_t len)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", w->directory, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void put(const struct world *w, const char *name, const char *text)
{
	put_file(w, name, text, strlen(text));
}

static const char good_rule[] =
	"- id: a\n  title: T\n  class: timeout\n  mechanism: auth_timeout\n  culprit: server\n  cause: server_down\n"
	"  confidence: 0.85\n  advice: [contact_provider, check_settings]\n  says: It waited {waited}.\n"
	"  when: tcp.established and waited >= 5s\n";

static const char server_texts[] =
	"- {where: [login], status: [\"no\"], code: AUTHENTICATIONFAILED, means: invalid_credentials, source: RFC 5530}\n"
	"- {where: [login, bye], text: \"Too Many\", means: rate_limited}\n"
	"- {where: command, status: bad, means: protocol_error}\n"
	"- {where: [login], text: \"too many connections\", means: connection_limit}\n";

static void put_advice(const struct world *w, const char *left_out)
{
	char text[4096];
	size_t len = 0;

	for (int i = 0; i < STEP_COUNT; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s:\n  en: {default: do %d, auth_timeout: wait %d}\n%s", steps[i], i, i,
					strcmp(steps[i], left_out) == 0 ? "" : "  ar: {default: x, auth_timeout: y}\n");
	put(w, "advice.yaml", text);
}

/* The file as it is shipped: too long to be made up here. */
static void put_shipped(const struct world *w, const char *name)
{
	char path[128], text[65536];

	snprintf(path, sizeof path, "rules/%s", name);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	text[fread(text, 1, sizeof text - 1, in)] = '\0';
	assert_true(feof(in));
	fclose(in);
	put(w, name, text);
}

static void put_data(const struct world *w)
{
	put(w, "server-texts.yaml", server_texts);
	put(w, "interception-issuers.yaml", "- {product: Shield, kind: antivirus, issuer: [\"Shield Root\", \"Shield CA\"]}\n");
	put(w, "providers.yaml", "- {name: Example}\n");
	put_shipped(w, "inside-tls.yaml");
	put_shipped(w, "answers.yaml");
	put_advice(w, "");
	put(w, "verdicts/rules.yaml", good_rule);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	char path[80];

	strcpy(w->directory, "/tmp/classify_test.XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	snprintf(path, sizeof path, "%s/verdicts", w->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	w->texts = texts_create(1 << 20);
	forget(w);
	put_data(w);
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;

	nftw(w->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	texts_destroy(&w->texts);
	free(w);
	return 0;
}

/* Loads and returns what was told; the caller frees it. */
static char *load(const struct world *w, struct rules **rules)
{
	char *told = NULL;
	size_t len;
	FILE *out = open_memstream(&told, &len);

	*rules = rules_load(w->directory, out);
	fclose(out);
	return told;
}

static struct rules *load_good(const struct world *w)
{
	struct rules *rules;
	char *told = load(w, &rules);

	assert_string_equal(told, "");
	assert_non_null(rules);
	free(told);
	return rules;
}

static void expect_problem(const struct world *w, const char *wanted)
{
	struct rules *rules;
	char *told = load(w, &rules);

	if (rules || !strstr(told, wanted))
		fail_msg("wanted: %s\ntold: %s", wanted, told);
	free(told);
}

/* --- expressions --- */

static void remember_problem(void *context, size_t offset, const char *what)
{
	char *told = context;
	size_t len = strlen(told);

	snprintf(told + len, 4000 - len, "%zu: %s\n", offset, what);
}

static void expressions_are_judged_in_three_values(void **state)
{
	static const struct {
		const char *text;
		enum truth truth;
	} cases[] = {
		{ "tcp.established", IS_TRUE },
		{ "not tcp.established", IS_FALSE },
		{ "port.tls", IS_FALSE },
		{ "tcp.syn", IS_TRUE },
		{ "not tcp.client_reset", IS_TRUE },
		{ "waited == 5s", IS_TRUE },
		{ "waited >= 5000ms and waited <= 5s and waited > 4.999s and waited < 1m", IS_TRUE },
		{ "waited != 5000000000ns", IS_FALSE },
		{ "waited > 0", IS_TRUE },
		{ "tcp.client_bytes == 10KB", IS_TRUE },
		{ "tcp.client_bytes == 10240", IS_TRUE },
		{ "tcp.client_bytes < 0.5MB", IS_TRUE },
		{ "tcp.reset_ttl_difference <= -3", IS_TRUE },
		{ "tcp.reset_ttl_difference > -3", IS_FALSE },
		{ "tls.version == 0x0303", IS_UNKNOWN },
		{ "not tls.version == 0x0303", IS_UNKNOWN },
		{ "unknown(tls.version)", IS_TRUE },
		{ "known(tls.version)", IS_FALSE },
		{ "known(port.tls)", IS_TRUE },
		{ "tls.version == 0x0303 or tcp.established", IS_TRUE },
		{ "tls.version == 0x0303 or port.tls", IS_UNKNOWN },
		{ "tls.version == 0x0303 and tcp.established", IS_UNKNOWN },
		{ "tls.version == 0x0303 and port.tls", IS_FALSE },
		{ "tls.version in (0x0303, 0x0304)", IS_UNKNOWN },
		{ "tls.version not in (0x0303, 0x0304)", IS_UNKNOWN },
		{ "tcp.rtt < waited", IS_UNKNOWN },
		{ "waited > tcp.syn_waited", IS_TRUE },
		{ "tcp.ended == server_fin", IS_TRUE },
		{ "tcp.ended != server_fin", IS_FALSE },
		{ "tcp.ended in (open, server_fin)", IS_TRUE },
		{ "tcp.ended not in (open, server_fin)", IS_FALSE },
		{ "tcp.ended not in (open)", IS_TRUE },
		{ "speaks.client == unknown", IS_FALSE },
		{ "speaks.client == speaks.server", IS_TRUE },
		{ "imap.login_text contains \"TOO many\"", IS_TRUE },
		{ "imap.login_text contains \"too  many\"", IS_FALSE },
		{ "imap.login_text == \"Too Many \\\"x\\\" \\\\\"", IS_TRUE },
		{ "imap.login_text == \"too many\"", IS_FALSE },
		{ "imap.login_text != \"too many\"", IS_TRUE },
		{ "imap.login_text in (\"a\", \"Too Many \\\"x\\\" \\\\\")", IS_TRUE },
		{ "imap.bye_text contains \"x\"", IS_UNKNOWN },
		{ "port.tls and port.tls or tcp.established", IS_TRUE },
		{ "port.tls and (port.tls or tcp.established)", IS_FALSE },
		{ "tcp.established or port.tls and port.tls", IS_TRUE },
		{ "not port.tls and tcp.established", IS_TRUE },
		{ "not (port.tls and tcp.established)", IS_TRUE },
		{ "not not tcp.established", IS_TRUE },
		{ "(((tcp.established)))", IS_TRUE },
		{ "tcp.established\n\t and\r\n not port.tls", IS_TRUE },
	};
	struct world *w = *state;

	set(w, FACT_ESTABLISHED, 1, 3);
	set(w, FACT_WAITED, 5 * SECOND, 4);
	set(w, FACT_SYN, 1, 1);
	set(w, FACT_CLIENT_BYTES, 10240, 5);
	set(w, FACT_RESET_TTL_DIFFERENCE, -3, 6);
	set(w, FACT_ENDED, WORD_end_server_fin, 7);
	set_text(w, FACT_LOGIN_TEXT, "Too Many \"x\" \\");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct expression e;
		char told[4000] = "";
		if (!expression_compile(cases[i].text, remember_problem, told, &e))
			fail_msg("%s: %s", cases[i].text, told);
		if (expression_judge(&e, 0, w->view, w->texts) != cases[i].truth)
			fail_msg("%s: not %d", cases[i].text, cases[i].truth);
		expression_free(&e);
	}
}

static void mistakes_in_expressions_are_told(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "0: a fact expected at the end" },
		{ "tcp.establishd", "unknown fact `tcp.establishd`; did you mean `tcp.established`?" },
		{ "Tcp.Established", "did you mean `tcp.established`?" },
		{ "login_ok", "did you mean `imap.login_ok`?" },
		{ "unknown(tcp.establishd)", "did you mean `tcp.established`?" },
		{ "waited", "waited is a duration: compare it with one like 5s" },
		{ "tcp.ended", "tcp.ended is a word: use" },
		{ "imap.login_text", "imap.login_text is a text: use" },
		{ "tcp.last_client_data", "is a time" },
		{ "waited >= 5", "10: waited is a duration" },
		{ "waited >= 5KB", "waited is a duration" },
		{ "waited >= -5s", "never negative" },
		{ "waited >= five", "unknown fact `five`" },
		{ "waited >= \"5s\"", "waited is a duration" },
		{ "waited contains \"5\"", "waited is a duration" },
		{ "waited >= tcp.client_bytes", "waited is a duration" },
		{ "tcp.client_bytes > 5s", "tcp.client_bytes is a size" },
		{ "tcp.syn > 5s", "tcp.syn is a number" },
		{ "tcp.last_client_data > 5s", "is a time: compare it with another fact" },
		{ "tcp.established == true", "write `tcp.established` or `not tcp.established`" },
		{ "tcp.established > port.tls", "tcp.established is true or false" },
		{ "tcp.established in (1, 2)", "tcp.established is true or false" },
		{ "tcp.ended > open", "tcp.ended is a word" },
		{ "tcp.ended == serverfin", "`serverfin` is no word of tcp.ended; did you mean `server_fin`?" },
		{ "imap.greeting == zzzzzzzzzzz", "one of none, ok, no, bad, bye, preauth" },
		{ "tcp.ended == imap.greeting", "tcp.ended is a word" },
		{ "tcp.ended in (tcp.ended)", "tcp.ended is a word" },
		{ "imap.login_text > \"a\"", "imap.login_text is a text" },
		{ "imap.login_text contains \"\"", "every text contains \"\"" },
		{ "imap.login_text contains x", "a string in double quotes expected before `x`" },
		{ "imap.login_text contains", "a string in double quotes expected at the end" },
		{ "imap.login_text == \"abc", "closing quote is missing" },
		{ "imap.login_text == \"a\\n\"", "a backslash stands only before" },
		{ "imap.login_text == \"a\nb\"", "a string ends on the line" },
		{ "imap.login_text == 'a'", "strings stand in double quotes" },
		{ "waited = 5s", "write `==`" },
		{ "tcp.established && port.tls", "write `and`" },
		{ "tcp.established || port.tls", "write `or`" },
		{ "!tcp.established", "write `not`" },
		{ "tcp.syn > 5 + 1", "no part of an expression" },
		{ "tcp.syn > 12x", "not a number" },
		{ "tcp.syn > 0x", "not a hexadecimal number" },
		{ "tcp.syn > 0xfg", "not a hexadecimal number" },
		{ "tcp.syn > 1.5", "has no fraction" },
		{ "tcp.syn > 99999999999999999999", "too large" },
		{ "tcp.syn > 0xffffffffffffffffff", "too large" },
		{ "waited > 99999999999h", "too large" },
		{ "tcp.established port.tls", "`and` or `or` expected before `port.tls`" },
		{ "(tcp.established", "`and`, `or` or `)` expected at the end" },
		{ "tcp.established)", "`and` or `or` expected before `)`" },
		{ "tcp.established and", "a fact expected at the end" },
		{ "and tcp.established", "a fact expected before `and`" },
		{ "tcp.established and or port.tls", "a fact expected before `or`" },
		{ "waited >=", "a value expected at the end" },
		{ "waited >= >= 5s", "a value expected before `>=`" },
		{ "5s < waited", "a fact expected before `5s`" },
		{ "tcp.ended in open", "`(` expected before `open`" },
		{ "tcp.ended in ()", "a value expected before `)`" },
		{ "tcp.ended in (open", "`,` or `)` expected at the end" },
		{ "tcp.ended in (open server_fin)", "`,` or `)` expected" },
		{ "known tcp.established", "unknown fact `known`" },
		{ "known()", "a fact expected before `)`" },
		{ "known(port.tls", "`)` expected at the end" },
		{ "not", "a fact expected at the end" },
		{ "x.y and z.z and waited", "unknown fact `z.z`" },
		{ "x.y and z.z and waited", "waited is a duration" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct expression e = { 0 };
		char told[4000] = "";
		if (expression_compile(cases[i].text, remember_problem, told, &e) || e.nodes)
			fail_msg("%s: accepted", cases[i].text);
		if (!strstr(told, cases[i].wanted))
			fail_msg("%s\nwanted: %s\ntold: %s", cases[i].text, cases[i].wanted, told);
	}
}

static char *repeated(const char *piece, int times, const char *end)
{
	size_t len = strlen(piece);
	char *text = malloc(len * (size_t)times + strlen(end) + 1);

	for (int i = 0; i < times; i++)
		memcpy(text + len * (size_t)i, piece, len);
	strcpy(text + len * (size_t)times, end);
	return text;
}

static void boundless_expressions_are_refused(void **state)
{
	static const struct {
		const char *piece;
		int times;
		const char *end, *wanted;
	} cases[] = {
		{ "(", 7000, "port.tls", "nested more than 32 deep" },
		{ "not ", 1500, "port.tls", "nested more than 32 deep" },
		{ "port.tls and ", 600, "port.tls", "too many terms" },
		{ "known(", 1000, "", "expected" },
		{ "port.tls and ", 5000, "port.tls", "longer than 8,000" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct expression e = { 0 };
		char told[4000] = "";
		char *text = repeated(cases[i].piece, cases[i].times, cases[i].end);
		assert_false(expression_compile(text, remember_problem, told, &e));
		if (!strstr(told, cases[i].wanted))
			fail_msg("wanted: %s\ntold: %s", cases[i].wanted, told);
		free(text);
	}
	/* A list may fill the nodes to the very last. */
	for (int n = 505; n < 515; n++) {
		struct expression e = { 0 };
		char told[4000] = "";
		char *tail = repeated("1,", n, "1)"), *text = malloc(strlen(tail) + 32);
		sprintf(text, "tcp.syn not in (%s", tail);
		assert_int_equal(expression_compile(text, remember_problem, told, &e), n <= 509);
		if (n <= 509)
			expression_free(&e);
		free(tail);
		free(text);
	}
}

static void terms_read_as_written(void **state)
{
	struct expression e;
	char told[4000] = "", term[32];

	(void)state;
	assert_true(expression_compile("tcp.established   and\n  imap.login_text\tcontains  \"\xc3\xa4\xc3\xa4\"", remember_problem, told, &e));
	assert_string_equal(expression_term(&e, 1, term, sizeof term), "tcp.established");
	assert_string_equal(expression_term(&e, 2, term, 30), "imap.login_text contains \"\xc3\xa4");
	assert_string_equal(expression_term(&e, 2, term, 28), "imap.login_text contains \"");
	assert_string_equal(expression_term(&e, 2, term, 1), "");
	expression_free(&e);
}

/* --- rule files --- */

static void mistakes_in_rules_are_told(void **state)
{
#define HEAD "- id: a\n  title: T\n  class: timeout\n  mechanism: auth_timeout\n"
#define BLAME "  culprit: server\n  cause: server_down\n  advice: [contact_provider]\n"
#define TAIL "  confidence: 0.5\n  says: S\n  when: tcp.established\n"
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ HEAD BLAME TAIL "  colour: red\n", "rules.yaml:11: unknown key `colour`" },
		{ HEAD BLAME TAIL "  confidance: 1\n", "did you mean `confidence`?" },
		{ HEAD BLAME TAIL "  title: T\n", "rules.yaml:11: `title` is given twice" },
		{ "- id: a\n", "rules.yaml:1: rule: `when` is missing" },
		{ "- title: a\n", "rule: `id` is missing" },
		{ "- id: \"A b\"\n", "id `A b`: write it with" },
		{ "- id: [a]\n", "id: a text is expected, not a list" },
		{ "- id: {a: b}\n", "id: a text is expected, not a mapping" },
		{ "- id: \"a\\0b\"\n", "id: holds a NUL" },
		{ "- id: \" \"\n", "id: is empty" },
		{ "- [a]: b\n", "key: a text is expected" },
		{ "- class: timout\n", "unknown class `timout`; did you mean `timeout`?" },
		{ "- mechanism: auth_timout\n", "unknown mechanism `auth_timout`; did you mean `auth_timeout`?" },
		{ "- id: a\n  class: reset\n  mechanism: auth_timeout\n", "mechanism `auth_timeout` belongs to class `timeout`, not to `reset`" },
		{ "- stage: login\n", "unknown stage `login`" },
		{ "- culprit: user\n", "unknown culprit `user`; one of client, server, network, middlebox, unknown" },
		{ "- cause: xxxxxxxxxxxxxxxxxxxx\n", "unknown cause" },
		{ "- outcome: fine\n", "unknown outcome `fine`" },
		{ "- symptom: slow\n", "unknown symptom `slow`" },
		{ "- confidence: 1.5\n", "confidence `1.5`: a number from 0 to 1" },
		{ "- confidence: .5\n", "a number from 0 to 1" },
		{ "- confidence: 0.5x\n", "a number from 0 to 1" },
		{ "- confidence: -1\n", "a number from 0 to 1" },
		{ "- confidence: nan\n", "a number from 0 to 1" },
		{ "- advice: contact_provider\n", "advice: a list is expected" },
		{ "- advice: [phone]\n", "unknown step `phone`" },
		{ "- advice: [check_settings, check_settings]\n", "step `check_settings` is listed twice" },
		{ "- evidence: [tcp.rt]\n", "unknown fact `tcp.rt`; did you mean `tcp.rtt`?" },
		{ "- evidence: waited\n", "evidence: a list is expected" },
		{ "- says: \"it {wated} x\"\n", "unknown fact `wated`; did you mean `waited`?" },
		{ "- says: \"it {waited\"\n", "says: `{` is not closed" },
		{ "- detail: \"it {} x\"\n", "unknown fact ``" },
		{ "- when: tcp.establishd\n", "rules.yaml:1: when: unknown fact" },
		{ "- when: \"tcp.established and\"\n", "when: a fact expected at the end" },
		{ HEAD TAIL, "outcome is failed: culprit and cause are needed" },
		{ HEAD "  culprit: null\n  cause: ~\n" TAIL, "culprit and cause are needed" },
		{ HEAD "  culprit: server\n  cause: server_down\n" TAIL, "`advice` needs a step" },
		{ "- id: a\n  title: T\n  class: none\n  mechanism: probe\n  culprit: server\n" TAIL, "culprit and cause must be null" },
		{ HEAD BLAME TAIL HEAD BLAME TAIL, "rules.yaml:11: rule `a` stands already in" },
		{ "id: a\n", "rules: a list is expected" },
		{ "- a\n", "rule: a mapping is expected, not a text" },
		{ "- - a\n", "rule: a mapping is expected, not a list" },
		{ "- {\n", "rules.yaml:2: " },
		{ "- a: b\n c: d\n", "rules.yaml:2: " },
		{ "- *nowhere\n", "undefined alias" },
		{ "[]\n---\n[]\n", "a second document begins" },
		{ "- id: \"\xff\xfe\"\n", "rules.yaml:1: " },
		{ "- title: x\n- id: \x01\n", "rules.yaml:2: " },
		{ "- id: \"\\e[31m\"\n", "id `?[31m`" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		put(w, "verdicts/rules.yaml", cases[i].text);
		expect_problem(w, cases[i].wanted);
	}
}

static void the_line_of_a_mistake_is_told(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "- id: a\n  when: >-\n    tcp.established\n\n    and wated > 5s\n    and port.tls\n", "rules.yaml:5: when: unknown fact `wated`" },
		{ "- id: a\n  when: |\n    tcp.established and\n    port.tls and\n    wated\n", "rules.yaml:5: when: unknown fact `wated`" },
		{ "- id: a\n  when: tcp.established\n    and\n    wated > 5s\n", "rules.yaml:4: when: unknown fact `wated`" },
		{ "- id: a\n  when: >-\n    tcp.established\n    and\n", "rules.yaml:4: when: a fact expected at the end" },
		{ "- {id: a, when: \"tcp.established and\n    wated > 5s\"}\n", "rules.yaml:1: when: unknown fact `wated`" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		put(w, "verdicts/rules.yaml", cases[i].text);
		expect_problem(w, cases[i].wanted);
	}
}

static void all_mistakes_of_all_files_are_told(void **state)
{
	struct world *w = *state;
	struct rules *rules;

	put(w, "verdicts/rules.yaml", "- colour: red\n- {when: wated}\n");
	put(w, "verdicts/zz.yaml", "- klass: timeout\n");
	put(w, "server-texts.yaml", "- {where: [lgin], means: nothing}\n");
	put(w, "interception-issuers.yaml", "- {product: X}\n");
	put(w, "providers.yaml", "- X\n");
	put_advice(w, "readd_account");
	char *told = load(w, &rules);
	static const char *const wanted[] = {
		"rules.yaml:1: unknown key `colour`", "rules.yaml:2: when: unknown fact `wated`", "zz.yaml:1: unknown key `klass`; did you mean `class`?",
		"unknown where `lgin`; did you mean `login`?", "unknown refusal `nothing`", "interception-issuers.yaml:1: entry: `issuer` is missing",
		"providers.yaml:1: provider: a mapping is expected", "step `readd_account`: `default` is missing in ar",
		"step `readd_account`: `auth_timeout` is missing in ar",
	};
	for (size_t i = 0; i < COUNT(wanted); i++)
		if (!strstr(told, wanted[i]))
			fail_msg("wanted: %s\ntold: %s", wanted[i], told);
	assert_null(rules);
	free(told);
}

static void mistakes_in_data_files_are_told(void **state)
{
	static const struct {
		const char *file, *text, *wanted;
	} cases[] = {
		{ "server-texts.yaml", "a: b\n", "server texts: a list is expected" },
		{ "server-texts.yaml", "- {where: [login], means: none}\n", "at least one of `status`, `code`, `text`" },
		{ "server-texts.yaml", "- {where: [login], status: [maybe], means: none}\n", "unknown status `maybe`; one of no, bad, bye, ok" },
		{ "server-texts.yaml", "- {where: {a: b}, means: none}\n", "where: a list is expected" },
		{ "server-texts.yaml", "- {where: [login], text: [], means: none}\n", "text: 1 to 8 are expected" },
		{ "server-texts.yaml", "- {where: [login], text: [a,b,c,d,e,f,g,h,i], means: none}\n", "text: 1 to 8 are expected" },
		{ "server-texts.yaml", "- {where: [login], text: \"\", means: none}\n", "text: is empty" },
		{ "server-texts.yaml", "- {where: [login], text: a}\n", "`means` is missing" },
		{ "interception-issuers.yaml", "- {product: X, issuer: [[]]}\n", "issuer: a text is expected" },
		{ "interception-issuers.yaml", "- {product: X, issuer: [a], vendor: b}\n", "unknown key `vendor`" },
		{ "providers.yaml", "a: b\n", "providers: a list is expected" },
		{ "inside-tls.yaml", "", "nothing there" },
		{ "inside-tls.yaml", "- a\n", "dialogues: a mapping is expected" },
		{ "inside-tls.yaml", "size: [1]\n", "unknown key `size`; did you mean `sizes`?" },
		{ "inside-tls.yaml", "sizes: [4, 4]\n", "sizes: at most 31 lengths, each greater than the one before" },
		{ "inside-tls.yaml", "sizes: [4, x]\n", "sizes `x`: a number from 0 to 65535 is expected" },
		{ "inside-tls.yaml", "delays: [300]\n", "delays `300`: a span like 300ms, 1.5s or 3m is expected" },
		{ "inside-tls.yaml", "threshold: 1001\n", "threshold `1001`: a number from 0 to 1000 is expected" },
		{ "inside-tls.yaml", "sizes: [4]\nmeanings: {ok: {sizes: [1]}}\n", "sizes: 2 numbers are expected, not 1" },
		{ "inside-tls.yaml", "sizes: [4]\nmeanings: {ok: {sizes: [0, 0]}}\n", "sizes: all are 0" },
		{ "inside-tls.yaml", "sizes: [4]\nmeanings: {okay: {}}\n", "unknown meaning `okay`; did you mean `ok`?" },
		{ "inside-tls.yaml", "meanings: {ok: {}}\n", "meaning `no` is missing" },
		{ "inside-tls.yaml", "meanings: {ok: {texts: [\"TAG OK {3\"]}}\n", "`{` begins what varies, like {20-60}" },
		{ "inside-tls.yaml", "meanings: {ok: {texts: [\"TAG OK {9-70000}\"]}}\n", "`{` begins what varies, like {20-60}" },
		{ "inside-tls.yaml", "follows: {start: {no: 1}}\n", "`no` does not follow `start`" },
		{ "inside-tls.yaml", "follows: {begun: {}}\n", "unknown phase `begun`" },
		{ "inside-tls.yaml", "follows: {start: {greeting: 0}}\n", "start: all are 0" },
		{ "inside-tls.yaml", "follows: {start: {greeting: 1, ends: {closed: [1, 1, 1]}}}\n", "unknown end `closed`" },
		{ "inside-tls.yaml", "servers: [{name: A, share: 0.6, says: {}}, {name: B, share: 0.5, says: {}}]\n", "leave nothing" },
		{ "inside-tls.yaml", "servers: [{name: A, share: 0.1, says: {login: \"TAG LOGIN\"}}]\n", "`login` is said by clients" },
		{ "inside-tls.yaml", "servers: [{name: A, share: 0.1, says: {}, delays: {no: [1s]}}]\n", "no: two spans are expected" },
		{ "inside-tls.yaml", "clients: [{name: A, share: 0.1, tags: [0, 3]}]\n", "the shortest and the longest tag, from 1 to 12" },
		{ "answers.yaml", "whom: {en: x}\n", "answer `whom` is missing in ar" },
		{ "answers.yaml", "who: {en: x}\n", "unknown answer `who`; did you mean `whom`?" },
		{ "advice.yaml", "", "no advice there" },
		{ "advice.yaml", "- a\n", "advice: a mapping is expected" },
		{ "advice.yaml", "check_setting: {}\n", "unknown step `check_setting`; did you mean `check_settings`?" },
		{ "advice.yaml", "check_settings: {de: {}}\n", "unknown language `de`" },
		{ "advice.yaml", "check_settings: {en: {defalt: x}}\n", "neither `default` nor a mechanism: `defalt`" },
		{ "advice.yaml", "check_settings: {en: {default: x, default: y}}\n", "`default` is given twice" },
		{ "advice.yaml", "check_settings: {en: x}\n", "en: a mapping is expected" },
		{ "advice.yaml", "{}\n", "step `contact_provider`: `default` is missing in en and ar" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		put_data(w);
		put(w, cases[i].file, cases[i].text);
		expect_problem(w, cases[i].wanted);
	}
}

static void missing_files_are_told(void **state)
{
	static const char *const files[] = { "server-texts.yaml", "interception-issuers.yaml", "advice.yaml", "providers.yaml",
					      "inside-tls.yaml" };
	struct world *w = *state;
	char path[128];

	for (size_t i = 0; i < COUNT(files); i++) {
		put_data(w);
		snprintf(path, sizeof path, "%s/%s", w->directory, files[i]);
		remove(path);
		snprintf(path, sizeof path, "%s: No such file", files[i]);
		expect_problem(w, path);
	}
	put_data(w);
	snprintf(path, sizeof path, "%s/verdicts/rules.yaml", w->directory);
	remove(path);
	expect_problem(w, "verdicts: no rule file");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_problem(w, "not a regular file");
	remove(path);
	snprintf(path, sizeof path, "%s/verdicts", w->directory);
	rmdir(path);
	expect_problem(w, "verdicts: No such file");
	assert_null(rules_load("/nonexistent", NULL));
	char *long_name = repeated("x", 5000, "");
	assert_null(rules_load(long_name, NULL));
	free(long_name);
}

static void hostile_files_are_refused(void **state)
{
	static const struct {
		const char *piece;
		int times;
	} cases[] = {
		{ "[", 100000 },          { "{", 100000 },        { "- ", 100000 },   { "? ", 100000 },       { "{a: ", 100000 },
		{ "x", 2000000 },         { "a: b\n", 100000 },   { "- {}\n", 6000 }, { "- id: a\n", 20000 }, { "? a\n", 20000 },
		{ "- &a [*a, *a]\n", 9 }, { "- &a {a: *a}\n", 9 }, { "\"", 100001 },   { "&", 100000 },        { "#\n", 300000 },
		{ "'\n", 100001 },        { "- !!x y\n", 1000 },  { "%YAML 9\n", 99 }, { "\t", 100000 },       { "- |\n  a\n", 10000 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rules *rules;
		char *text = repeated(cases[i].piece, cases[i].times, "");
		put(w, "verdicts/zz.yaml", text);
		char *told = load(w, &rules);
		/* Only comments are no mistake. */
		assert_true(!rules == (cases[i].piece[0] != '#'));
		assert_true(strlen(told) < 200000);
		rules_destroy(&rules);
		free(told);
		free(text);
	}
}

static void many_anchors_are_refused(void **state)
{
	struct world *w = *state;
	char *text = calloc(1, 1 << 20), *at = text;

	for (int i = 0; i < 60000; i++)
		at += sprintf(at, "- &a%d x\n", i);
	put(w, "verdicts/zz.yaml", text);
	expect_problem(w, "zz.yaml:501: more than 500 anchors");
	free(text);
}

static void names_order_the_files(void **state)
{
	struct world *w = *state;
	const char *other = HEAD BLAME TAIL;
	char text[1024];

	snprintf(text, sizeof text, "- id: b%s", other + strlen("- id: a"));
	put(w, "verdicts/10-first.yaml", text);
	put(w, "verdicts/notes.txt", "{");
	put(w, "verdicts/.hidden.yaml", "{");
	struct rules *rules = load_good(w);
	assert_int_equal(rules_count(rules), 2);
	assert_string_equal(rules_get(rules, 0)->id, "b");
	assert_string_equal(rules_get(rules, 1)->id, "a");
	assert_null(rules_get(rules, 2));
	assert_null(rules_get(rules, -1));
	rules_destroy(&rules);
	assert_null(rules);
	rules_destroy(&rules);
}

static void a_rule_says_what_its_file_says(void **state)
{
	struct rules *rules = load_good(*state);
	const struct rule *r = rules_get(rules, 0);

	assert_string_equal(r->class, "timeout");
	assert_string_equal(r->mechanism, "auth_timeout");
	assert_int_equal(r->outcome, OUTCOME_FAILED);
	assert_string_equal(r->says, "It waited {waited}.");
	assert_string_equal(r->advice[0], "contact_provider");
	assert_string_equal(r->advice[1], "check_settings");
	assert_int_equal(r->advices, 2);
	assert_int_equal(r->line, 1);
	assert_true(r->confidence > 0.8499 && r->confidence < 0.8501);
	assert_null(r->stage);
	assert_null(r->detail);
	rules_destroy(&rules);
}

/* --- verdicts --- */

#define RULE(id, class, mechanism, when) \
	"- {id: " id ", title: T, class: " class ", mechanism: " mechanism ", culprit: server, cause: server_down, confidence: 0.9,\n" \
	"   advice: [contact_provider], says: S, evidence: [tcp.rtt, tcp.syn], when: '" when "'}\n"

static bool has_evidence(const struct verdict *v, enum fact_id fact)
{
	for (int i = 0; i < v->evidences; i++)
		if (v->evidence[i] == fact)
			return true;
	return false;
}

static void the_first_match_is_the_verdict(void **state)
{
	static const char text[] =
		RULE("near-before", "timeout", "greeting_timeout", "tcp.established and waited >= 5s and imap.login_tried == 7")
		RULE("far", "timeout", "command_timeout", "tcp.established and waited >= 50s and imap.login_tried == 7")
		RULE("single", "timeout", "zero_window", "port.tls")
		RULE("winner", "timeout", "auth_timeout",
		     "tcp.established and not port.tls and (tcp.client_bytes > 0 or waited >= 5s or tcp.server_bytes > 0) and waited > tcp.syn_waited")
		RULE("same", "timeout", "auth_timeout", "tcp.established")
		RULE("later", "reset", "reset_by_server", "tcp.established and tcp.ended == server_fin")
		RULE("later-too", "reset", "reset_by_client", "tcp.established and not (tcp.ended == server_fin or port.mail)")
		RULE("near-again", "timeout", "greeting_timeout", "tcp.established and port.mail")
		RULE("nothing-said", "inconclusive", "too_short", "tcp.established");
	struct world *w = *state;
	struct verdict v;

	put(w, "verdicts/rules.yaml", text);
	struct rules *rules = load_good(w);
	set(w, FACT_ESTABLISHED, 1, 3);
	set(w, FACT_WAITED, 6 * SECOND, 4);
	set(w, FACT_SYN, 1, 1);
	set(w, FACT_ENDED, WORD_end_server_fin, 7);
	set(w, FACT_TLS_PORT, 0, 7);
	set(w, FACT_SYN_WAITED, SECOND, 2);
	rules_classify(rules, w->view, w->texts, &v);
	assert_string_equal(v.rule->id, "winner");
	/* Not: what stands under `not` (port.tls), sides of `or` that don't hold, and what was never set (rtt). */
	assert_int_equal(v.evidences, 4);
	assert_true(has_evidence(&v, FACT_ESTABLISHED) && has_evidence(&v, FACT_WAITED) && has_evidence(&v, FACT_SYN) &&
		    has_evidence(&v, FACT_SYN_WAITED));
	assert_int_equal(v.alternatives_count, 3);
	assert_string_equal(v.alternatives[0].rule->id, "later");
	assert_true(v.alternatives[0].matched);
	assert_string_equal(v.alternatives[1].rule->id, "near-before");
	assert_false(v.alternatives[1].matched);
	assert_string_equal(v.alternatives[1].term, "imap.login_tried == 7");
	assert_int_equal(v.alternatives[1].fact, FACT_LOGIN_TRIED);
	assert_string_equal(v.alternatives[2].rule->id, "later-too");
	assert_string_equal(v.alternatives[2].term, "not (tcp.ended == server_fin or port.mail)");
	assert_int_equal(v.alternatives[2].fact, FACT_ENDED);
	rules_destroy(&rules);
}

static void no_match_is_inconclusive(void **state)
{
	struct world *w = *state;
	struct rules *rules = load_good(w);
	struct verdict v;

	rules_classify(rules, w->view, w->texts, &v);
	assert_string_equal(v.rule->class, "inconclusive");
	assert_string_equal(v.rule->mechanism, "too_short");
	assert_int_equal(v.evidences, 0);
	assert_int_equal(v.alternatives_count, 0);
	set(w, FACT_ESTABLISHED, 1, 3);
	rules_classify(rules, w->view, NULL, &v);
	assert_int_equal(v.alternatives_count, 1);
	assert_string_equal(v.alternatives[0].term, "waited >= 5s");
	rules_destroy(&rules);
}

static void alternatives_and_evidence_are_bounded(void **state)
{
	struct world *w = *state;
	struct verdict v;
	char *text = calloc(1, 1 << 16), *at = text;

	at += sprintf(at, RULE("first", "none", "success", "tcp.established"));
	at = text;
	at += sprintf(at, "- {id: first, title: T, class: none, mechanism: success, confidence: 1, says: S, when: '");
	for (int i = 0; i < FACT_COUNT && i < 60; i++)
		at += sprintf(at, "%sknown(%s)", i ? " and " : "", fact_kinds[i].word);
	at += sprintf(at, "'}\n");
	for (int i = 0; mechanisms[i].word && strcmp(mechanisms[i].class, "none") != 0; i++)
		at += sprintf(at, "- {id: r%d, title: T, class: %s, mechanism: %s, culprit: server, cause: server_down, confidence: 1,"
				  " advice: [contact_provider], says: S, when: tcp.established}\n",
			      i, mechanisms[i].class, mechanisms[i].word);
	put(w, "verdicts/rules.yaml", text);
	struct rules *rules = load_good(w);
	for (int i = 0; i < FACT_COUNT; i++)
		set(w, (enum fact_id)i, 1, 1);
	rules_classify(rules, w->view, NULL, &v);
	assert_string_equal(v.rule->id, "first");
	assert_int_equal(v.rule->outcome, OUTCOME_HEALTHY);
	assert_int_equal(v.evidences, VERDICT_MOST_EVIDENCE);
	assert_int_equal(v.alternatives_count, VERDICT_MOST_ALTERNATIVES);
	assert_string_equal(v.alternatives[0].rule->id, "r0");
	assert_string_equal(v.alternatives[5].rule->id, "r5");
	rules_destroy(&rules);
	free(text);
}

static void explaining_shows_every_term(void **state)
{
	struct world *w = *state;
	struct rules *rules;
	char *told = NULL;
	size_t len;

	put(w, "verdicts/rules.yaml",
	    RULE("x", "timeout", "auth_timeout", "tcp.established and (waited >= 5s or not port.tls) and tcp.rtt < waited and unknown(tls.version)")
	    RULE("y", "timeout", "greeting_timeout", "tcp.established"));
	rules = load_good(w);
	set(w, FACT_ESTABLISHED, 1, 3);
	set(w, FACT_WAITED, 2 * SECOND, 4);
	set_text(w, FACT_LOGIN_TEXT, "x");
	FILE *out = open_memstream(&told, &len);
	rules_explain(rules, w->view, w->texts, out);
	fclose(out);
	static const char *const wanted[] = {
		"x (timeout.auth_timeout, ", "rules.yaml:1): fails by one term", "true    tcp.established ", "tcp.established is yes, frame 3",
		"true    any of\n", "false     waited >= 5s", "waited is 2 s, frame 4", "true      not port.tls", "port.tls is no, never seen",
		"unknown tcp.rtt < waited", "tcp.rtt is unknown", "true    unknown(tls.version)", "): MATCHES: the verdict\n",
	};
	for (size_t i = 0; i < COUNT(wanted); i++)
		if (!strstr(told, wanted[i]))
			fail_msg("wanted: %s\ntold: %s", wanted[i], told);
	free(told);
	rules_destroy(&rules);
}

/* --- data --- */

static void server_texts_are_understood(void **state)
{
	static const struct {
		const char *where;
		enum word_status status;
		const char *code, *text;
		enum word_refusal means;
	} cases[] = {
		{ "login", WORD_status_no, "AUTHENTICATIONFAILED", "", WORD_refusal_invalid_credentials },
		{ "login", WORD_status_no, "authenticationfailed", NULL, WORD_refusal_invalid_credentials },
		{ "login", WORD_status_bad, "AUTHENTICATIONFAILED", "", WORD_refusal_unclassified },
		{ "bye", WORD_status_bye, NULL, "tOO mANY attempts", WORD_refusal_rate_limited },
		{ "login", WORD_status_no, "", "too many connections", WORD_refusal_rate_limited },
		{ "command", WORD_status_bad, "", "too many", WORD_refusal_protocol_error },
		{ "command", WORD_status_no, "", "too many", WORD_refusal_unclassified },
		{ "greeting", WORD_status_bye, "", "too many", WORD_refusal_unclassified },
		{ "nowhere", WORD_status_bye, "", "too many", WORD_refusal_unclassified },
		{ "command", WORD_status_none, "", "", WORD_refusal_unclassified },
		{ "command", (enum word_status)99, "", "", WORD_refusal_unclassified },
	};
	struct rules *rules = load_good(*state);

	for (size_t i = 0; i < COUNT(cases); i++)
		if (rules_refusal(rules, cases[i].where, cases[i].status, cases[i].code, cases[i].text) != cases[i].means)
			fail_msg("case %zu", i);
	rules_destroy(&rules);
}

static void issuers_and_advice_are_found(void **state)
{
	struct rules *rules = load_good(*state);

	assert_string_equal(rules_interceptor(rules, "CN=shield ca,O=X"), "Shield");
	assert_null(rules_interceptor(rules, "CN=Let's Encrypt"));
	assert_null(rules_interceptor(rules, NULL));
	assert_string_equal(rules_advice(rules, "en", "check_settings", "auth_timeout"), "wait 0");
	assert_string_equal(rules_advice(rules, "en", "check_connection", "success"), "do 1");
	assert_string_equal(rules_advice(rules, "ar", "check_connection", "success"), "x");
	assert_string_equal(rules_advice(rules, "xx", "check_connection", NULL), "do 1");
	assert_string_equal(rules_advice(rules, NULL, "nonsense", NULL), "nonsense");
	rules_destroy(&rules);
}

static void the_shipped_rules_are_right(void **state)
{
	struct rules *rules;
	char *told = NULL;
	size_t len;

	(void)state;
	if (access("rules/verdicts", R_OK) != 0)
		skip();
	FILE *out = open_memstream(&told, &len);
	rules = rules_load("rules", out);
	fclose(out);
	if (!rules)
		fail_msg("%s", told);
	for (int i = 0; i < rules_count(rules); i++)
		for (int s = 0; s < rules_get(rules, i)->advices; s++)
			for (int l = 0; l < LANGUAGE_COUNT; l++)
				assert_true(strlen(rules_advice(rules, languages[l], rules_get(rules, i)->advice[s],
								rules_get(rules, i)->mechanism)) > 20);
	rules_destroy(&rules);
	free(told);
}

/* Each row of docs/verdicts.md that begins "| `class` | `mechanism`…". */
static void the_vocabulary_is_the_documented_one(void **state)
{
	char line[4096];
	int documented = 0, known = 0;
	FILE *f = fopen("docs/verdicts.md", "r");

	(void)state;
	if (!f)
		skip();
	while (fgets(line, sizeof line, f)) {
		char class[64], word[64], *cell = strchr(line + 1, '|'), *end = cell ? strchr(cell + 1, '|') : NULL;
		if (sscanf(line, "| `%63[a-z_]` |", class) != 1 || list_number(classes, class) < 0 || !end)
			continue;
		for (*end = '\0'; (cell = strchr(cell + 1, '`')) && sscanf(cell, "`%63[a-z_]`", word) == 1; documented++) {
			int number = mechanism_number(word);
			if (number < 0 || strcmp(mechanisms[number].class, class) != 0)
				fail_msg("%s.%s", class, word);
			cell = strchr(cell + 1, '`');
		}
	}
	while (mechanisms[known].word)
		known++;
	assert_int_equal(documented, known);
	fclose(f);
}

static void values_read_well(void **state)
{
	static const struct {
		enum fact_id id;
		int64_t value;
		const char *text, *says;
	} cases[] = {
		{ FACT_ESTABLISHED, 1, "yes", "connection established" },
		{ FACT_ESTABLISHED, 0, "no", NULL },
		{ FACT_SYN, 3, "3", "SYN (3 in all)" },
		{ FACT_RTT, 0, "0 s", NULL },
		{ FACT_RTT, 999, "999 ns", NULL },
		{ FACT_RTT, 12 * MICROSECOND, "12 us", NULL },
		{ FACT_RTT, 3400 * MICROSECOND, "3.4 ms", "least round trip 3.4 ms" },
		{ FACT_RTT, 340 * MILLISECOND, "340 ms", NULL },
		{ FACT_RTT, -MILLISECOND, "-1 ms", NULL },
		{ FACT_RTT, INT64_MIN, "-2562047 h 47 min", NULL },
		{ FACT_WAITED, 2100 * MILLISECOND, "2.1 s", NULL },
		{ FACT_WAITED, 4999 * MILLISECOND, "4.9 s", NULL },
		{ FACT_WAITED, 60 * SECOND, "60 s", NULL },
		{ FACT_WAITED, 123 * SECOND, "2 min 3 s", NULL },
		{ FACT_WAITED, 29 * MINUTE, "29 min", NULL },
		{ FACT_WAITED, 125 * MINUTE, "2 h 5 min", NULL },
		{ FACT_CLIENT_BYTES, 1, "1 byte", NULL },
		{ FACT_CLIENT_BYTES, 512, "512 bytes", NULL },
		{ FACT_CLIENT_BYTES, 1280, "1.2 KB", "1.2 KB from the client" },
		{ FACT_CLIENT_BYTES, 3 << 20, "3 MB", NULL },
		{ FACT_CLIENT_BYTES, INT64_MAX, "8796093022207 MB", NULL },
		{ FACT_CERT_NOT_AFTER, 1700000000 * SECOND, "2023-11-14 22:13:20 UTC", NULL },
		{ FACT_CERT_NOT_AFTER, -1, "1969-12-31 23:59:59 UTC", NULL },
		{ FACT_VERSION, 0x0303, "TLS 1.2", "agreed on TLS 1.2" },
		{ FACT_OFFERED_MAX, 0x0300, "SSL 3.0", NULL },
		{ FACT_OFFERED_MIN, 0x0200, "0x0200", NULL },
		{ FACT_CIPHER, 0x1301, "0x1301", NULL },
		{ FACT_ENDED, WORD_end_server_fin, "server_fin", "first to close: server fin" },
		{ FACT_ENDED, 99, "?", NULL },
		{ FACT_GREETING, WORD_status_preauth, "PREAUTH", NULL },
		{ FACT_COMMAND_OWED, WORD_command_select, "SELECT", "SELECT unanswered" },
		{ FACT_COMMAND_OWED, 0, "none", NULL },
		{ FACT_LOGIN_TEXT, 0, "", "server says: " },
	};
	struct world *w = *state;
	char text[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fact_view fact = { .value = cases[i].value, .known = true, .set = true };
		assert_string_equal(fact_value_text(cases[i].id, &fact, w->texts, text, sizeof text), cases[i].text);
		if (cases[i].says)
			assert_string_equal(fact_says(cases[i].id, &fact, w->texts, text, sizeof text), cases[i].says);
	}
	set_text(w, FACT_LOGIN_TEXT, "go away");
	assert_string_equal(fact_says(FACT_LOGIN_TEXT, &w->view[FACT_LOGIN_TEXT], w->texts, text, sizeof text), "server says: go away");
	assert_string_equal(fact_says(FACT_LOGIN_TEXT, &w->view[FACT_LOGIN_TEXT], w->texts, text, 10), "server sa");
	assert_string_equal(fact_value_text(FACT_RTT, &w->view[FACT_RTT], w->texts, text, sizeof text), "unknown");
	assert_string_equal(fact_value_text(FACT_RTT, &w->view[FACT_RTT], w->texts, text, 1), "");
	assert_string_equal(fact_value_text(FACT_RTT, &w->view[FACT_RTT], w->texts, NULL, 0), "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(expressions_are_judged_in_three_values),
		TEST(mistakes_in_expressions_are_told),
		TEST(boundless_expressions_are_refused),
		TEST(terms_read_as_written),
		TEST(mistakes_in_rules_are_told),
		TEST(the_line_of_a_mistake_is_told),
		TEST(all_mistakes_of_all_files_are_told),
		TEST(mistakes_in_data_files_are_told),
		TEST(missing_files_are_told),
		TEST(hostile_files_are_refused),
		TEST(many_anchors_are_refused),
		TEST(the_vocabulary_is_the_documented_one),
		TEST(names_order_the_files),
		TEST(a_rule_says_what_its_file_says),
		TEST(the_first_match_is_the_verdict),
		TEST(no_match_is_inconclusive),
		TEST(alternatives_and_evidence_are_bounded),
		TEST(explaining_shows_every_term),
		TEST(server_texts_are_understood),
		TEST(issuers_and_advice_are_found),
		TEST(the_shipped_rules_are_right),
		TEST(values_read_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
