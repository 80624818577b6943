/* Reading inside TLS: key schedules against published vectors, every suite in sessions that libssl makes, holes, forgeries, keys that are
 * late, wrong or missing, and key logs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/err.h>

#ifdef HAVE_zlib
#include <zlib.h>
#endif

#include "decrypt.h"
#include "decryption.h"
#include "inflate.h"
#include "keylog.h"
#include "protect.h"
#include "protocol.h"
#include "schedule.h"
#include "tls_talk.h"

/* --- vectors --- */

static size_t hex(const char *text, uint8_t *into)
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned byte;
		if (*text == ' ')
			continue;
		assert_int_equal(sscanf(text++, "%2x", &byte), 1);
		into[n++] = (uint8_t)byte;
	}
	return n;
}

static void expect_label(const char *secret, const char *label, const char *want)
{
	uint8_t s[64], w[64], got[64];
	struct schedule *schedule = schedule_create();
	size_t secret_len = hex(secret, s), want_len = hex(want, w);

	assert_true(expand_label(schedule, "SHA256", bytes_of(s, secret_len), label, got, want_len));
	assert_memory_equal(got, w, want_len);
	schedule_destroy(&schedule);
}

/* RFC 8448, section 3. */
static void keys_of_tls_13_are_as_published(void **state)
{
	(void)state;
	expect_label("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21", "key", "dbfaa693d1762c5b666af5d950258d01");
	expect_label("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21", "iv", "5bd3c71b836e0b76bb73265f");
	expect_label("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", "key", "3fce516009c21727d0f2e4e86ee403bc");
	expect_label("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38", "iv", "5d313eb2671276ee13000b30");
	expect_label("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", "key", "17422dda596ed5d9acd890e3c63f5051");
}

/* RFC 8448, section 3: the client's application record. */
static void a_record_of_tls_13_opens_as_published(void **state)
{
	uint8_t secret[32], sealed[128], plain[SEALED_MOST];
	size_t len;

	(void)state;
	hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", secret);
	size_t n = hex("a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae6"
		       "3aeebb21694915e4", sealed);
	struct schedule *schedule = schedule_create();
	struct protection *p = protection_of_traffic(schedule, suite_of(0x1301), bytes_of(secret, sizeof secret));
	assert_int_equal(protection_open(p, 0, 23, bytes_of(sealed, n), plain, &len), 0);
	assert_int_equal(len, 51);
	for (int i = 0; i < 50; i++)
		assert_int_equal(plain[i], i);
	assert_int_equal(plain[50], 23);
	assert_int_equal(protection_open(p, 0, 23, bytes_of(sealed, n), plain, &len), -1);
	protection_destroy(&p);
	schedule_destroy(&schedule);
}

/* The vector for P_SHA256 that the TLS working group's list published, and every implementation tests against. */
static void the_prf_is_as_published(void **state)
{
	uint8_t secret[16], seed[16], want[100], got[100];

	(void)state;
	hex("9bbe436ba940f017b17652849a71db35", secret);
	hex("a0ba9f936cda311827a6f796ffd5198c", seed);
	size_t n = hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd37"
		       "97c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66", want);
	struct schedule *schedule = schedule_create();
	assert_true(prf(schedule, "SHA256", bytes_of(secret, 16), "test label", bytes_of(seed, 16), got, n));
	assert_memory_equal(got, want, n);
	schedule_destroy(&schedule);
}

/* --- a session read --- */

struct reading {
	struct decryptor *decryptor;
	struct tls_shared *shared;
	struct tls_state st;
	struct facts facts;
	struct texts *texts;
	uint8_t *heard[2], *waiting[2];
	size_t heard_len[2], waiting_len[2];
	unsigned gaps[2];
	uint32_t frame;
	struct keylog_counts counts;
};

static void reading_begin(struct reading *r, const char *keylog)
{
	memset(r, 0, sizeof *r);
	r->decryptor = decryptor_create(1 << 20, (struct hash_key){ 1, 2 });
	r->shared = tls_shared_create();
	tls_shared_decrypt(r->shared, r->decryptor);
	r->texts = texts_create(1 << 16);
	tls_attach(&r->st, r->shared);
	for (int i = 0; i < 2; i++) {
		r->heard[i] = malloc(TALK_SAID);
		r->waiting[i] = malloc(1 << 17);
	}
	keylog_read(decryptor_secrets(r->decryptor), bytes_of_text(keylog), &r->counts);
}

/* Another session with the same secrets. */
static void reading_next(struct reading *r)
{
	tls_release(&r->st);
	facts_clear(&r->facts, r->texts);
	memset(&r->st, 0, sizeof r->st);
	tls_attach(&r->st, r->shared);
	memset(r->heard_len, 0, sizeof r->heard_len);
	memset(r->waiting_len, 0, sizeof r->waiting_len);
	memset(r->gaps, 0, sizeof r->gaps);
}

static void reading_end(struct reading *r)
{
	tls_release(&r->st);
	facts_clear(&r->facts, r->texts);
	texts_destroy(&r->texts);
	tls_shared_destroy(&r->shared);
	/* Nothing but rooms kept for the next may be left. */
	assert_true(decryptor_bytes(r->decryptor) <= (1u << 19) + 16 * SEALED_MOST);
	decryptor_destroy(&r->decryptor);
	for (int i = 0; i < 2; i++) {
		free(r->heard[i]);
		free(r->waiting[i]);
	}
}

static void take(struct reading *r, const struct inner *in)
{
	r->gaps[in->from] += in->gap;
	assert_true(in->at.frame > 0 && in->at.frame <= r->frame);
	assert_true(r->heard_len[in->from] + in->bytes.len <= TALK_SAID);
	if (in->bytes.len)
		memcpy(r->heard[in->from] + r->heard_len[in->from], in->bytes.data, in->bytes.len);
	r->heard_len[in->from] += in->bytes.len;
}

static struct observer observer_of(struct reading *r, enum direction from)
{
	return (struct observer){ .facts = &r->facts, .texts = r->texts, .at = { r->frame * MILLISECOND, r->frame, 0 }, .from = from };
}

static void hear(struct reading *r, enum direction from, const void *data, size_t len)
{
	r->frame++;
	struct observer o = observer_of(r, from);
	size_t all = r->waiting_len[from] + len, at = 0;
	uint8_t *copy = malloc(all ? all : 1);

	memcpy(copy, r->waiting[from], r->waiting_len[from]);
	memcpy(copy + r->waiting_len[from], data, len);
	struct dissected d;
	do {
		d = tls_dissector.data(&r->st, &o, bytes_of(copy + at, all - at));
		at += d.consumed;
		assert_true(at <= all);
		if (d.result == DISSECT_INNER)
			take(r, &d.inner);
	} while (d.result == DISSECT_INNER);
	r->waiting_len[from] = all - at;
	memcpy(r->waiting[from], copy + at, all - at);
	free(copy);
}

static void lose(struct reading *r, enum direction from, size_t len)
{
	r->frame++;
	struct observer o = observer_of(r, from);

	r->waiting_len[from] = 0;
	tls_dissector.gap(&r->st, &o, len);
}

static void hear_all(struct reading *r, const struct talk *t, size_t step)
{
	for (size_t i = 0; i < t->count; i++)
		for (size_t at = 0; at < t->pieces[i].len; at += step)
			hear(r, t->pieces[i].from, t->pieces[i].data + at, t->pieces[i].len - at < step ? t->pieces[i].len - at : step);
}

static int decrypted(const struct reading *r)
{
	const struct fact *f = facts_find(&r->facts, FACT_DECRYPTED);

	return f ? (int)f->value : WORD_decrypted_none;
}

static int64_t value(const struct reading *r, enum fact_id id)
{
	const struct fact *f = facts_find(&r->facts, id);

	return f ? f->value : 0;
}

static void expect_all(const struct reading *r, const struct talk *t)
{
	assert_int_equal(decrypted(r), WORD_decrypted_yes);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(r->heard_len[i], t->said_len[i]);
		assert_memory_equal(r->heard[i], t->said[i], t->said_len[i]);
		assert_int_equal(r->gaps[i], 0);
	}
}

static void converse(struct talk *t)
{
	char long_line[5000];

	talk_line(t, FROM_SERVER, "* OK IMAP4rev1 ready\r\n");
	talk_line(t, FROM_CLIENT, "a1 LOGIN user secret\r\n");
	talk_line(t, FROM_SERVER, "a1 OK logged in\r\n");
	memset(long_line, 'x', sizeof long_line);
	long_line[sizeof long_line - 1] = '\0';
	talk_line(t, FROM_SERVER, long_line);
	talk_line(t, FROM_CLIENT, "a2 LOGOUT\r\n");
	talk_line(t, FROM_SERVER, "* BYE\r\na2 OK\r\n");
}

static void expect_read(const struct talk_options *o, const char *what)
{
	struct talk t;
	struct reading r;

	if (!talk_begin(&t, o)) {
		print_message("no session with %s\n", what);
		fail();
	}
	converse(&t);
	SSL_shutdown(t.ssl[FROM_SERVER]);
	talk_carry(&t);
	for (int way = 0; way < 3; way++) {
		static const size_t steps[] = { SIZE_MAX / 2, 1, 1460 };
		reading_begin(&r, t.keylog);
		hear_all(&r, &t, steps[way]);
		expect_all(&r, &t);
		assert_int_equal(value(&r, FACT_SERVER_NOTIFY), 1);
		assert_int_equal(value(&r, FACT_ESTABLISHED_TLS), 1);
		assert_string_equal(texts_get(r.texts, (uint32_t)value(&r, FACT_CERT_SUBJECT)), "CN=imap.example.org");
		reading_end(&r);
	}
	talk_end(&t);
}

static void every_suite_of_tls_13_is_read(void **state)
{
	static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
					      "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256" };

	(void)state;
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
		expect_read(&(struct talk_options){ .version = TLS1_3_VERSION, .suites = suites[i] }, suites[i]);
	expect_read(&(struct talk_options){ .version = TLS1_3_VERSION, .padding = 512 }, "padding");
	expect_read(&(struct talk_options){ .version = TLS1_3_VERSION, .server_groups = "P-384" }, "HelloRetryRequest");
}

static const char *const suites_12[] = {
	"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256", "AES256-GCM-SHA384",
	"ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305", "DHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM",
	"ECDHE-ECDSA-AES256-CCM", "ECDHE-ECDSA-AES128-CCM8", "AES256-CCM8", "DHE-RSA-AES256-CCM", "ECDHE-RSA-AES128-SHA", "AES256-SHA",
	"DHE-RSA-AES128-SHA256", "AES256-SHA256", "ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256", "CAMELLIA128-SHA",
	"DHE-RSA-CAMELLIA256-SHA256", "ECDHE-RSA-CAMELLIA256-SHA384",
};

static void suites_of_tls_12_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof suites_12 / sizeof *suites_12; i++) {
		struct talk_options o = { .version = TLS1_2_VERSION, .suites = suites_12[i] };
		expect_read(&o, suites_12[i]); /* encrypt-then-MAC where CBC */
		o.ssl_options = SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_NO_EXTENDED_MASTER_SECRET;
		expect_read(&o, suites_12[i]);
	}
}

static void older_versions_are_read(void **state)
{
	(void)state;
	for (int etm = 0; etm < 2; etm++) {
		uint64_t options = etm ? 0 : SSL_OP_NO_ENCRYPT_THEN_MAC;
		expect_read(&(struct talk_options){ .version = TLS1_1_VERSION, .suites = "AES128-SHA@SECLEVEL=0", .ssl_options = options }, "1.1");
		expect_read(&(struct talk_options){ .version = TLS1_VERSION, .suites = "AES256-SHA@SECLEVEL=0", .ssl_options = options }, "1.0");
	}
}

static void splits_make_no_difference(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct talk_options o = { .version = version, .no_rsa = true };
		struct talk t;
		struct reading r;
		assert_true(talk_begin(&t, &o));
		talk_line(&t, FROM_SERVER, "* OK ready\r\n");
		talk_line(&t, FROM_CLIENT, "a1 LOGIN user secret\r\n");
		for (size_t i = 0; i < t.count; i++)
			for (size_t cut = 1; cut < t.pieces[i].len; cut++) {
				reading_begin(&r, t.keylog);
				for (size_t k = 0; k < t.count; k++) {
					size_t first = k == i ? cut : t.pieces[k].len;
					hear(&r, t.pieces[k].from, t.pieces[k].data, first);
					hear(&r, t.pieces[k].from, t.pieces[k].data + first, t.pieces[k].len - first);
				}
				expect_all(&r, &t);
				reading_end(&r);
			}
		talk_end(&t);
	}
}

static void large_records_are_read(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct talk_options o = { .version = version };
		struct talk t;
		struct reading r;
		uint8_t *big = malloc(200000);
		memset(big, 'b', 200000);
		assert_true(talk_begin(&t, &o));
		talk_line(&t, FROM_SERVER, "* OK ready\r\n");
		talk_say(&t, FROM_SERVER, big, 200000);
		talk_say(&t, FROM_CLIENT, big, 60000);
		reading_begin(&r, t.keylog);
		hear_all(&r, &t, 1448);
		expect_all(&r, &t);
		reading_end(&r);
		talk_end(&t);
		free(big);
	}
}

static void key_updates_are_followed(void **state)
{
	struct talk t;
	struct reading r;

	(void)state;
	assert_true(talk_begin(&t, &(struct talk_options){ .version = TLS1_3_VERSION, .suites = "TLS_AES_256_GCM_SHA384" }));
	for (int i = 0; i < 3; i++) {
		talk_line(&t, FROM_SERVER, "* OK still here\r\n");
		SSL_key_update(t.ssl[FROM_SERVER], i ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
		talk_line(&t, FROM_SERVER, "* OK with new keys\r\n");
		talk_line(&t, FROM_CLIENT, "a1 NOOP\r\n");
	}
	reading_begin(&r, t.keylog);
	hear_all(&r, &t, 100);
	expect_all(&r, &t);
	reading_end(&r);
	talk_end(&t);
}

static void renegotiate(struct talk *t, enum direction who, bool anew)
{
	if (anew)
		SSL_renegotiate(t->ssl[who]);
	else
		SSL_renegotiate_abbreviated(t->ssl[who]);
	for (int i = 0; i < 6; i++) {
		SSL_do_handshake(t->ssl[who]);
		talk_carry(t);
		talk_hear(t);
	}
	assert_true(SSL_is_init_finished(t->ssl[who]) && !SSL_renegotiate_pending(t->ssl[who]));
}

static void renegotiated_sessions_are_read(void **state)
{
	static const char *const suites[] = { "ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA256", "ECDHE-RSA-CHACHA20-POLY1305" };

	(void)state;
	for (size_t i = 0; i < 4 * sizeof suites / sizeof *suites; i++) {
		struct talk t;
		struct reading r;
		assert_true(talk_begin(&t, &(struct talk_options){ .version = TLS1_2_VERSION, .suites = suites[i / 4],
								   .ssl_options = SSL_OP_ALLOW_CLIENT_RENEGOTIATION }));
		talk_line(&t, FROM_SERVER, "* OK ready\r\n");
		renegotiate(&t, i & 1 ? FROM_SERVER : FROM_CLIENT, i & 2);
		converse(&t);
		reading_begin(&r, t.keylog);
		hear_all(&r, &t, 700);
		expect_all(&r, &t);
		reading_end(&r);
		talk_end(&t);
	}
}

/* Only the lines that begin so. */
static void keep_lines(char *log, const char *label)
{
	char *into = log;

	for (char *line = log, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (strncmp(line, label, strlen(label)) == 0) {
			memmove(into, line, (size_t)(end + 1 - line));
			into += end + 1 - line;
		}
	*into = '\0';
}

/* By a pre-master secret, named as OpenSSL and NSS do or by the client's random, or by the session's id. */
static void other_forms_of_log(struct talk *t, char forms[3][512])
{
	char premaster[97] = "", random[65] = "", master[97] = "";
	const uint8_t *id;
	unsigned id_len;

	assert_int_equal(sscanf(strstr(t->keylog, "CLIENT_RANDOM "), "CLIENT_RANDOM %64s %96s", random, master), 2);
	id = SSL_SESSION_get_id(SSL_get_session(t->ssl[FROM_SERVER]), &id_len);
	keep_lines(t->keylog, "RSA ");
	assert_int_equal(sscanf(t->keylog, "RSA %*s %96s", premaster), 1);
	snprintf(forms[0], 512, "%s", t->keylog);
	snprintf(forms[1], 512, "PMS_CLIENT_RANDOM %s %s\n", random, premaster);
	int n = snprintf(forms[2], 512, "RSA Session-ID:");
	for (unsigned i = 0; i < id_len; i++)
		n += snprintf(forms[2] + n, 512 - (size_t)n, "%02x", id[i]);
	snprintf(forms[2] + n, 512 - (size_t)n, " Master-Key:%s\n", master);
}

static void pre_master_secrets_and_session_ids_are_used(void **state)
{
	static const struct {
		int version;
		const char *suite;
	} cases[] = { { TLS1_2_VERSION, "AES256-GCM-SHA384" }, { TLS1_2_VERSION, "AES128-SHA256" }, { TLS1_VERSION, "AES128-SHA@SECLEVEL=0" } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
		struct talk t;
		struct reading r;
		char forms[3][512];
		uint64_t options = SSL_OP_NO_TICKET | (i & 1 ? SSL_OP_NO_EXTENDED_MASTER_SECRET : 0);
		assert_true(talk_begin(&t, &(struct talk_options){ .version = cases[i / 2].version, .suites = cases[i / 2].suite, .ssl_options = options }));
		converse(&t);
		other_forms_of_log(&t, forms);
		for (int form = 0; form < 3; form++) {
			reading_begin(&r, forms[form]);
			hear_all(&r, &t, 1460);
			expect_all(&r, &t);
			reading_end(&r);
		}
		talk_end(&t);
	}
}

static void client_certificates_do_not_hide_the_rest(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t;
		struct reading r;
		assert_true(talk_begin(&t, &(struct talk_options){ .version = version, .client_certificate = true }));
		converse(&t);
		reading_begin(&r, t.keylog);
		hear_all(&r, &t, 1460);
		expect_all(&r, &t);
		assert_int_equal(value(&r, FACT_CERT_REQUESTED), 1);
		assert_string_equal(texts_get(r.texts, (uint32_t)value(&r, FACT_CERT_SUBJECT)), "CN=imap.example.org");
		reading_end(&r);
		talk_end(&t);
	}
}

/* --- resumption --- */

/* Up to 1.2 the later session's own random may stand in no key log: `forget`. */
static void resumed(int version, uint64_t options, const char *early, bool forget)
{
	struct talk first, second;
	struct reading r;

	assert_true(talk_begin(&first, &(struct talk_options){ .version = version, .ssl_options = options }));
	converse(&first);
	assert_non_null(first.session);
	SSL_SESSION *session = SSL_SESSION_dup(first.session);
	SSL_shutdown(first.ssl[FROM_CLIENT]);
	SSL_shutdown(first.ssl[FROM_SERVER]);
	assert_true(talk_begin(&second, &(struct talk_options){ .version = version, .contexts = &first, .resume = session, .early = early }));
	assert_true(SSL_session_reused(second.ssl[FROM_CLIENT]));
	converse(&second);
	reading_begin(&r, first.keylog);
	if (!forget)
		keylog_read(decryptor_secrets(r.decryptor), bytes_of_text(second.keylog), &r.counts);
	hear_all(&r, &first, 1460);
	expect_all(&r, &first);
	reading_next(&r);
	hear_all(&r, &second, 1460);
	expect_all(&r, &second);
	assert_int_equal(value(&r, FACT_RESUMED), 1);
	reading_end(&r);
	SSL_SESSION_free(session);
	talk_end(&second);
	talk_end(&first);
}

static void resumed_sessions_are_read(void **state)
{
	(void)state;
	resumed(TLS1_3_VERSION, 0, NULL, false);
	resumed(TLS1_3_VERSION, 0, "a0 CAPABILITY\r\n", false);
	for (int forget = 0; forget < 2; forget++) {
		resumed(TLS1_2_VERSION, 0, NULL, forget);
		resumed(TLS1_2_VERSION, SSL_OP_NO_TICKET, NULL, forget);
	}
}

/* A server that asks for another key share refuses early data unread. */
static void refused_early_data_is_stepped_over(void **state)
{
	struct talk first, second;
	struct reading r;

	(void)state;
	assert_true(talk_begin(&first, &(struct talk_options){ .version = TLS1_3_VERSION }));
	converse(&first);
	SSL_CTX_set_max_early_data(first.context[FROM_SERVER], 0);
	assert_true(talk_begin(&second, &(struct talk_options){ .version = TLS1_3_VERSION, .contexts = &first, .resume = first.session,
								.early = "a0 CAPABILITY\r\n" }));
	second.said_len[FROM_CLIENT] = 0;
	converse(&second);
	reading_begin(&r, second.keylog);
	hear_all(&r, &second, 1460);
	assert_int_equal(decrypted(&r), WORD_decrypted_yes);
	assert_int_equal(r.heard_len[FROM_SERVER], second.said_len[FROM_SERVER]);
	assert_memory_equal(r.heard[FROM_CLIENT] + r.heard_len[FROM_CLIENT] - second.said_len[FROM_CLIENT], second.said[FROM_CLIENT],
			    second.said_len[FROM_CLIENT]);
	reading_end(&r);
	talk_end(&second);
	talk_end(&first);
}

/* --- what goes wrong --- */

static void conversation(struct talk *t, int version)
{
	assert_true(talk_begin(t, &(struct talk_options){ .version = version }));
	converse(t);
}

static void forged_records_end_the_reading(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t;
		struct reading r;
		conversation(&t, version);
		t.pieces[t.count - 2].data[9] ^= 1; /* the client's LOGOUT */
		reading_begin(&r, t.keylog);
		hear_all(&r, &t, 1460);
		assert_int_equal(decrypted(&r), WORD_decrypted_keys_wrong);
		assert_int_equal(decryptor_counts(r.decryptor)->wrong, 1);
		assert_int_equal(r.heard_len[FROM_CLIENT], strlen("a1 LOGIN user secret\r\n"));
		assert_int_equal(r.gaps[FROM_CLIENT], 1);
		assert_int_equal(r.gaps[FROM_SERVER], 1);
		reading_end(&r);
		talk_end(&t);
	}
}

static void wrong_keys_are_told(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t;
		struct reading r;
		conversation(&t, version);
		/* The last digit of each line's secret. */
		for (char *end = t.keylog; (end = strchr(end, '\n')) != NULL; end++)
			end[-1] = end[-1] == '0' ? '1' : '0';
		reading_begin(&r, t.keylog);
		hear_all(&r, &t, 1460);
		assert_int_equal(decrypted(&r), WORD_decrypted_keys_wrong);
		assert_int_equal(r.heard_len[0] + r.heard_len[1], 0);
		assert_int_equal(r.gaps[0] + r.gaps[1], 0);
		assert_int_equal(value(&r, FACT_ESTABLISHED_TLS), 1); /* the rest is told as without keys */
		reading_end(&r);
		talk_end(&t);
	}
}

static void missing_keys_are_told(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t;
		struct reading r;
		conversation(&t, version);
		reading_begin(&r, "# nothing\n");
		for (int i = 0; i < 20; i++) /* more than may wait */
			talk_say(&t, FROM_SERVER, t.said[FROM_SERVER], 5000);
		hear_all(&r, &t, 1460);
		assert_int_equal(decrypted(&r), WORD_decrypted_keys_missing);
		assert_int_equal(decryptor_counts(r.decryptor)->missing, 1);
		assert_int_equal(r.heard_len[0] + r.heard_len[1], 0);
		reading_end(&r);
		talk_end(&t);
	}
}

struct late {
	struct reading *r;
	const char *keylog;
	uint32_t from_frame;
	unsigned asked;
};

static bool come_late(void *context)
{
	struct late *l = context;

	l->asked++;
	if (l->r->frame < l->from_frame || l->r->counts.secrets)
		return false;
	keylog_read(decryptor_secrets(l->r->decryptor), bytes_of_text(l->keylog), &l->r->counts);
	return true;
}

static void late_keys_read_what_waited(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t;
		conversation(&t, version);
		for (uint32_t frame = 1; frame <= t.count + 1; frame++) {
			struct reading r;
			struct inner inner;
			reading_begin(&r, "");
			struct late late = { &r, t.keylog, frame, 0 };
			secrets_refill(decryptor_secrets(r.decryptor), come_late, &late);
			hear_all(&r, &t, SIZE_MAX / 2);
			/* Nothing more comes: who judges the session asks once more. */
			r.frame++;
			struct observer o = observer_of(&r, FROM_CLIENT);
			while (tls_waiting(&r.st, &o, &inner))
				take(&r, &inner);
			expect_all(&r, &t);
			reading_end(&r);
		}
		talk_end(&t);
	}
}

static void waiting_is_bounded_by_time_and_room(void **state)
{
	struct talk t;
	struct reading r;

	(void)state;
	conversation(&t, TLS1_3_VERSION);
	reading_begin(&r, "");
	for (size_t i = 0; i < t.count; i++) {
		hear(&r, t.pieces[i].from, t.pieces[i].data, t.pieces[i].len);
		r.frame += 4000; /* of a millisecond each */
	}
	assert_int_equal(decryptor_counts(r.decryptor)->missing, 1);
	reading_end(&r);
	/* A decryptor that is full reads no pieces. */
	reading_begin(&r, t.keylog);
	struct decryptor *small = decryptor_create(4096, (struct hash_key){ 1, 2 });
	keylog_read(decryptor_secrets(small), bytes_of_text(t.keylog), &r.counts);
	tls_shared_decrypt(r.shared, small);
	hear_all(&r, &t, 7);
	assert_true(decryptor_counts(small)->capped > 0);
	assert_int_equal(r.heard_len[0], 0);
	tls_release(&r.st);
	tls_shared_decrypt(r.shared, r.decryptor);
	decryptor_destroy(&small);
	reading_end(&r);
	talk_end(&t);
}

/* Reads all but `len` bytes from `at` on of the piece `skipped`. */
static void read_with_hole(struct reading *r, const struct talk *t, size_t skipped, size_t at, size_t len)
{
	reading_begin(r, t->keylog);
	for (size_t i = 0; i < t->count; i++) {
		const struct talk_piece *p = &t->pieces[i];
		if (i != skipped) {
			hear(r, p->from, p->data, p->len);
			continue;
		}
		hear(r, p->from, p->data, at);
		lose(r, p->from, len);
		hear(r, p->from, p->data + at + len, p->len - at - len);
	}
}

static void reading_goes_on_behind_holes(void **state)
{
	static const char last[] = "* BYE\r\na2 OK\r\n";

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk t;
		struct reading r;
		conversation(&t, version);
		size_t answer = t.count - 4, data = t.count - 3;
		for (int way = 0; way < 4; way++) {
			const size_t at[] = { 0, 20, 3, 1000 }, len[] = { t.pieces[answer].len, 4, t.pieces[answer].len - 3, 1000 };
			read_with_hole(&r, &t, way == 3 ? data : answer, at[way], len[way]);
			assert_int_equal(decrypted(&r), WORD_decrypted_partly);
			assert_int_equal(r.heard_len[FROM_CLIENT], t.said_len[FROM_CLIENT]);
			assert_true(r.gaps[FROM_SERVER] == 1 && r.gaps[FROM_CLIENT] == 0);
			assert_true(r.heard_len[FROM_SERVER] < t.said_len[FROM_SERVER] && r.heard_len[FROM_SERVER] > sizeof last);
			assert_memory_equal(r.heard[FROM_SERVER] + r.heard_len[FROM_SERVER] - (sizeof last - 1), last, sizeof last - 1);
			reading_end(&r);
		}
		talk_end(&t);
	}
}

/* The certificate's frames are lost: what follows the handshake is read all the same. */
static void a_hole_in_the_handshake_is_passed(void **state)
{
	struct talk t;
	struct reading r;

	(void)state;
	conversation(&t, TLS1_3_VERSION);
	size_t flight = 1;
	assert_true(t.pieces[flight].from == FROM_SERVER && t.pieces[flight].len > 500);
	read_with_hole(&r, &t, flight, 200, 250);
	assert_true(decrypted(&r) == WORD_decrypted_yes || decrypted(&r) == WORD_decrypted_partly);
	assert_int_equal(r.heard_len[FROM_CLIENT], t.said_len[FROM_CLIENT]);
	assert_int_equal(r.heard_len[FROM_SERVER], t.said_len[FROM_SERVER]);
	reading_end(&r);
	talk_end(&t);
}

static void only_traffic_secrets_suffice(void **state)
{
	struct talk t;
	struct reading r;
	char keys[8192] = "";

	(void)state;
	conversation(&t, TLS1_3_VERSION);
	for (char *line = strtok(t.keylog, "\n"); line; line = strtok(NULL, "\n"))
		if (!strstr(line, "HANDSHAKE"))
			strcat(strcat(keys, line), "\n");
	reading_begin(&r, keys);
	hear_all(&r, &t, 1460);
	assert_int_equal(r.heard_len[FROM_CLIENT], t.said_len[FROM_CLIENT]);
	assert_int_equal(r.heard_len[FROM_SERVER], t.said_len[FROM_SERVER]);
	reading_end(&r);
	talk_end(&t);
}

/* A client that does not trust the certificate says so inside the handshake. */
/* "imap imap imap imap imap imap" as zlib, brotli and zstd pack it. */
static void certificates_are_unpacked(void **state)
{
	static const char *const packed[] = { "", "78dacbcc4d2c50c8c44100009e180a8b", "1b1c00f88d54b5bf4c6b832b90b060270a900e", "28b52ffd00585d000028696d6170200100008b16" };
	static const char said[] = "imap imap imap imap imap imap";
	uint8_t in[64], out[64];

	(void)state;
	for (uint16_t algorithm = 0; algorithm < 5; algorithm++) {
		size_t n = algorithm >= 1 && algorithm <= 3 ? hex(packed[algorithm], in) : 0;
		bool good = inflate_certificate(algorithm, bytes_of(in, n), out, sizeof said - 1);
		if (n == 0) {
			assert_false(good);
			continue;
		}
		if (!good) {
			print_message("built without the library for algorithm %u\n", algorithm);
			continue;
		}
		assert_memory_equal(out, said, sizeof said - 1);
		assert_false(inflate_certificate(algorithm, bytes_of(in, n), out, sizeof said - 2));
		assert_false(inflate_certificate(algorithm, bytes_of(in, n), out, sizeof said));
		for (size_t cut = 0; cut < n; cut++)
			assert_false(inflate_certificate(algorithm, bytes_of(in, cut), out, sizeof said - 1));
	}
}

#ifdef HAVE_zlib
static uint8_t *put24(uint8_t *at, size_t number)
{
	at[0] = (uint8_t)(number >> 16);
	at[1] = (uint8_t)(number >> 8);
	at[2] = (uint8_t)number;
	return at + 3;
}

/* CompressedCertificate (RFC 8879 4) of a server's certificate; its length. */
static size_t compressed(SSL *server, uint8_t into[4096])
{
	uint8_t plain[4096] = { 0 }, *at = plain + 7;
	int der = i2d_X509(SSL_get_certificate(server), &at);
	uLongf packed = 4096 - 12;

	put24(plain + 1, (size_t)der + 5);
	put24(plain + 4, (size_t)der);
	size_t len = (size_t)der + 9;
	assert_int_equal(compress(into + 12, &packed, plain, len), Z_OK);
	into[0] = COMPRESSED_CERTIFICATE;
	put24(into + 1, packed + 8);
	into[4] = 0;
	into[5] = 1;
	put24(put24(into + 6, len), packed);
	return packed + 12;
}

static void a_compressed_certificate_is_told(void **state)
{
	struct talk t;
	struct reading r;
	uint8_t message[4096];

	(void)state;
	conversation(&t, TLS1_3_VERSION);
	reading_begin(&r, "# nothing\n");
	for (size_t i = 0; i < 2; i++) /* the hellos */
		hear(&r, t.pieces[i].from, t.pieces[i].data, t.pieces[i].len);
	assert_null(facts_find(&r.facts, FACT_CERT_SUBJECT));
	struct observer o = observer_of(&r, FROM_SERVER);
	size_t len = compressed(t.ssl[FROM_SERVER], message);
	inner_messages(&r.st, &o, bytes_of(message, len - 1));
	assert_null(facts_find(&r.facts, FACT_CERT_SUBJECT));
	inner_messages(&r.st, &o, bytes_of(message + len - 1, 1));
	assert_string_equal(texts_get(r.texts, (uint32_t)value(&r, FACT_CERT_SUBJECT)), "CN=imap.example.org");
	reading_end(&r);
	talk_end(&t);
}
#else
static void a_compressed_certificate_is_told(void **state)
{
	(void)state;
	skip(); /* built without zlib */
}
#endif

static void alerts_inside_the_handshake_are_read(void **state)
{
	struct talk t;
	struct reading r;
	struct talk_options o = { .version = TLS1_3_VERSION };

	(void)state;
	memset(&t, 0, sizeof t);
	talk_contexts(&t, &o);
	SSL_CTX_set_verify(t.context[FROM_CLIENT], SSL_VERIFY_PEER, NULL);
	struct talk refusing;
	o.contexts = &t;
	assert_false(talk_begin(&refusing, &o));
	reading_begin(&r, refusing.keylog);
	hear_all(&r, &refusing, 1460);
	assert_int_equal(value(&r, FACT_CLIENT_ALERT), WORD_alert_unknown_ca);
	assert_string_equal(texts_get(r.texts, (uint32_t)value(&r, FACT_CERT_SUBJECT)), "CN=imap.example.org");
	reading_end(&r);
	talk_end(&refusing);
	talk_end(&t);
}

/* --- key logs and their table --- */

#define ONE_RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ONE_SECRET "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define MASTER ONE_SECRET "404142434445464748494a4b4c4d4e4f"

static void key_logs_are_read_and_their_mistakes_counted(void **state)
{
	static const char log[] =
		"# a comment\r\n\n"
		"CLIENT_RANDOM " ONE_RANDOM " " MASTER "\r\n"
		"SERVER_TRAFFIC_SECRET_0 " ONE_RANDOM " " ONE_SECRET "\n"
		"CLIENT_TRAFFIC_SECRET_0 " ONE_RANDOM " " MASTER "\n"
		"EXPORTER_SECRET " ONE_RANDOM " " ONE_SECRET "\n"
		"RSA 0102030405060708 " MASTER "\n"
		"RSA Session-ID:0102030405 Master-Key:" MASTER "\n"
		"PMS_CLIENT_RANDOM " ONE_RANDOM " " ONE_SECRET "\n"
		"PMS_CLIENT_RANDOM " ONE_RANDOM " " MASTER ONE_SECRET "\n" /* a longer one than is kept */
		"CLIENT_RANDOM " ONE_RANDOM " " ONE_SECRET "\n"       /* 11: too short */
		"CLIENT_RANDOM " ONE_RANDOM "\n"
		"CLIENT_RANDOM " ONE_RANDOM " " MASTER "0\n"
		"CLIENT_RANDOM " ONE_RANDOM " " MASTER "00\n"
		"SERVER_TRAFFIC_SECRET_0 " ONE_RANDOM "00 " ONE_SECRET "\n"
		"SERVER_TRAFFIC_SECRET_0 " ONE_RANDOM " " ONE_SECRET " more\n"
		"password: hunter2\n"
		"RSA 01020304050607 " MASTER "\n"
		"RSA Session-ID:0102030405 " MASTER "\n"
		"SERVER_TRAFFIC_SECRET_0 " ONE_RANDOM " zz" ONE_SECRET "\n"
		"SERVER_HANDSHAKE_TRAFFIC_SECRET " ONE_RANDOM " " ONE_SECRET;
	struct secrets *s = secrets_create(1 << 16, (struct hash_key){ 3, 4 });
	struct keylog_counts c = { 0 };
	uint8_t random[RANDOM_BYTES];

	(void)state;
	keylog_read(s, bytes_of(log, sizeof log - 1), &c);
	assert_int_equal(c.lines, 21);
	assert_int_equal(c.secrets, 7);
	assert_int_equal(c.ignored, 2);
	assert_int_equal(c.wrong, 10);
	assert_int_equal(c.first_wrong, 11);
	hex(ONE_RANDOM, random);
	assert_int_equal(secrets_find(s, random, SECRET_MASTER).len, 48);
	assert_int_equal(secrets_find(s, random, SECRET_MASTER).data[47], 0x4f);
	assert_int_equal(secrets_find(s, random, SECRET_SERVER_TRAFFIC).len, 32);
	assert_int_equal(secrets_find(s, random, SECRET_SERVER_HANDSHAKE).len, 32);
	assert_int_equal(secrets_find(s, random, SECRET_CLIENT_EARLY).len, 0);
	secrets_destroy(&s);
}

static void the_oldest_secrets_leave_first(void **state)
{
	struct secrets *s = secrets_create(1, (struct hash_key){ 3, 4 });
	uint8_t random[RANDOM_BYTES] = { 0 };

	(void)state;
	for (uint16_t i = 0; i < 1000; i++) {
		random[0] = (uint8_t)i;
		random[31] = (uint8_t)(i >> 8);
		assert_true(secrets_add(s, random, SECRET_MASTER, bytes_of(random, 32)));
		assert_memory_equal(secrets_find(s, random, SECRET_MASTER).data, random, 32);
	}
	assert_int_equal(secrets_evicted(s), 1000 - 16);
	int kept = 0;
	for (uint16_t i = 0; i < 1000; i++) {
		random[0] = (uint8_t)i;
		random[31] = (uint8_t)(i >> 8);
		bool found = secrets_find(s, random, SECRET_MASTER).len;
		assert_int_equal(found, i >= 1000 - 16);
		kept += found;
	}
	assert_int_equal(kept, 16);
	assert_false(secrets_add(s, random, SECRET_MASTER, bytes_of(NULL, 0)));
	secrets_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_tls_13_are_as_published),
		cmocka_unit_test(a_record_of_tls_13_opens_as_published),
		cmocka_unit_test(the_prf_is_as_published),
		cmocka_unit_test(every_suite_of_tls_13_is_read),
		cmocka_unit_test(suites_of_tls_12_are_read),
		cmocka_unit_test(older_versions_are_read),
		cmocka_unit_test(splits_make_no_difference),
		cmocka_unit_test(large_records_are_read),
		cmocka_unit_test(key_updates_are_followed),
		cmocka_unit_test(renegotiated_sessions_are_read),
		cmocka_unit_test(pre_master_secrets_and_session_ids_are_used),
		cmocka_unit_test(client_certificates_do_not_hide_the_rest),
		cmocka_unit_test(resumed_sessions_are_read),
		cmocka_unit_test(refused_early_data_is_stepped_over),
		cmocka_unit_test(forged_records_end_the_reading),
		cmocka_unit_test(wrong_keys_are_told),
		cmocka_unit_test(missing_keys_are_told),
		cmocka_unit_test(late_keys_read_what_waited),
		cmocka_unit_test(waiting_is_bounded_by_time_and_room),
		cmocka_unit_test(reading_goes_on_behind_holes),
		cmocka_unit_test(a_hole_in_the_handshake_is_passed),
		cmocka_unit_test(only_traffic_secrets_suffice),
		cmocka_unit_test(certificates_are_unpacked),
		cmocka_unit_test(a_compressed_certificate_is_told),
		cmocka_unit_test(alerts_inside_the_handshake_are_read),
		cmocka_unit_test(key_logs_are_read_and_their_mistakes_counted),
		cmocka_unit_test(the_oldest_secrets_leave_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
