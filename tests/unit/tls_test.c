/* The TLS dissector: real handshakes at every split point, holes, made-up oddities, and the lab's captures where they are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certificate.h"
#include "fingerprint.h"
#include "tls.h"
#include "tls_fixtures.h"
#include "tls_streams.h"

/* --- a session under test --- */

struct rig {
	struct tls_state state;
	struct facts facts;
	struct texts *texts;
	uint8_t *waiting[2]; /* what was not consumed, by direction */
	size_t waiting_len[2];
	bool quiet[2];
};

static void rig_start(struct rig *r, struct tls_shared *shared)
{
	memset(r, 0, sizeof *r);
	r->texts = texts_create(1 << 20);
	tls_attach(&r->state, shared);
}

static void rig_end(struct rig *r)
{
	tls_release(&r->state);
	facts_clear(&r->facts, r->texts);
	texts_destroy(&r->texts);
	free(r->waiting[0]);
	free(r->waiting[1]);
}

/* Hands over a copy that ends where its memory ends. */
static void feed(struct rig *r, enum direction from, struct moment at, const void *data, size_t len)
{
	struct observer o = { &r->facts, r->texts, at, from, NULL };
	size_t all = r->waiting_len[from] + len;
	uint8_t *room = malloc(all ? all : 1);

	if (r->waiting_len[from])
		memcpy(room, r->waiting[from], r->waiting_len[from]);
	memcpy(room + r->waiting_len[from], data, len);
	struct dissected d = tls_dissector.data(&r->state, &o, bytes_of(room, all));
	assert_true(d.consumed <= all);
	assert_true(all - d.consumed <= DISSECT_MOST_LEFT);
	r->quiet[from] = d.result == DISSECT_QUIET;
	free(r->waiting[from]);
	r->waiting_len[from] = all - d.consumed;
	r->waiting[from] = malloc(r->waiting_len[from] + 1);
	memcpy(r->waiting[from], room + d.consumed, r->waiting_len[from]);
	free(room);
}

static void gap(struct rig *r, enum direction from, struct moment at, uint64_t missing)
{
	struct observer o = { &r->facts, r->texts, at, from, NULL };

	r->waiting_len[from] = 0;
	tls_dissector.gap(&r->state, &o, missing);
}

static const struct fact *fact(struct rig *r, enum fact_id id)
{
	return facts_find(&r->facts, id);
}

static int64_t number(struct rig *r, enum fact_id id)
{
	return fact(r, id) ? fact(r, id)->value : 0;
}

static const char *text(struct rig *r, enum fact_id id)
{
	return fact(r, id) ? texts_get(r->texts, (uint32_t)fact(r, id)->value) : "";
}

/* All facts as one text. A newest value of nothing reads as one that was never told. */
static char *facts_text(struct rig *r)
{
	char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	for (int i = 0; i < r->facts.count; i++) {
		const struct fact *x = &r->facts.list[i];
		const struct fact_kind *k = &fact_kinds[x->id];
		if (k->fold == FOLD_LAST && k->absence == ABSENT_ZERO && x->value == 0)
			continue;
		fprintf(f, "%s %u ", k->word, x->frame);
		if (k->type == FACT_TEXT)
			fprintf(f, "%s\n", texts_get(r->texts, (uint32_t)x->value));
		else
			fprintf(f, "%lld\n", (long long)x->value);
	}
	fclose(f);
	return all;
}

/* --- fixtures --- */

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct stream stream_from(const struct fixture_piece *from)
{
	struct stream s = { 0 };

	for (; from->hex; from++) {
		size_t n = strlen(from->hex) / 2;
		s.pieces = realloc(s.pieces, (s.count + 1) * sizeof *s.pieces);
		struct piece *p = &s.pieces[s.count++];
		*p = (struct piece){ calloc(1, n + from->filler + 1), n + from->filler, from->from,
			{ FIXTURE_TIME + from->ms * MILLISECOND, (uint32_t)s.count, 0 } };
		for (size_t i = 0; i < n; i++)
			p->data[i] = (uint8_t)(nibble(from->hex[2 * i]) << 4 | nibble(from->hex[2 * i + 1]));
	}
	return s;
}

static void stream_free(struct stream *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->pieces[i].data);
	free(s->pieces);
}

static size_t stream_bytes(const struct stream *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->pieces[i].len;
	return n;
}

/* Plays it with the piece that holds byte `cut` in two; `step`: in pieces of that size (0: as they came). */
static void play(struct rig *r, const struct stream *s, size_t cut, size_t step)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct piece *p = &s->pieces[i];
		for (size_t at = 0; at < p->len;) {
			size_t n = p->len - at;
			if (step && n > step)
				n = step;
			else if (cut > at && cut < p->len && at == 0)
				n = cut;
			feed(r, p->from, p->at, p->data + at, n);
			at += n;
		}
		cut = cut >= p->len ? cut - p->len : 0;
	}
}

static void same_at_every_split(const struct stream *s, size_t stride, struct tls_shared *shared)
{
	struct rig r;

	rig_start(&r, shared);
	play(&r, s, 0, 0);
	char *whole = facts_text(&r);
	rig_end(&r);
	for (size_t step = 1; step <= 3; step++) {
		rig_start(&r, shared);
		play(&r, s, 0, step);
		char *parts = facts_text(&r);
		assert_string_equal(parts, whole);
		free(parts);
		rig_end(&r);
	}
	for (size_t cut = 1; cut < stream_bytes(s); cut += stride) {
		rig_start(&r, shared);
		play(&r, s, cut, 0);
		char *parts = facts_text(&r);
		assert_string_equal(parts, whole);
		free(parts);
		rig_end(&r);
	}
	free(whole);
}

#define DIALOGUE { FACT_CLIENT_RECORDS, 2 }, { FACT_SERVER_RECORDS, 4 }, { FACT_CLIENT_NOTIFY, 1 }, { FACT_SERVER_NOTIFY, 1 }, \
	{ FACT_SLOWEST_RECORD, 2010 * MILLISECOND }, { FACT_RECORD_OWED, 0 }
#define HANDSHAKE_DONE { FACT_CLIENT_HELLO, 1 }, { FACT_SERVER_HELLO, 1 }, { FACT_SERVER_FLIGHT, 1 }, { FACT_CLIENT_FINISHED, 1 }, \
	{ FACT_ESTABLISHED_TLS, 1 }

struct expected {
	const char *name;
	const struct fixture_piece *pieces;
	struct { enum fact_id id; int64_t value; } facts[18]; /* ends at CAPTURE's first fact, id 0 */
	struct { enum fact_id id; const char *text; } texts[5];
};

static const struct expected all_expected[] = {
	{ "full12", full12,
	  { HANDSHAKE_DONE, DIALOGUE, { FACT_VERSION, 0x303 }, { FACT_OFFERED_MAX, 0x303 }, { FACT_CERT_SELF_SIGNED, 0 }, { FACT_CERT_MISMATCH, 0 },
	    { FACT_CERT_EXPIRED, 0 }, { FACT_RESUMED, 0 } },
	  { { FACT_SNI, "imap.example.test" }, { FACT_CERT_SUBJECT, "CN=imap.example.test,O=Bücher,C=DE" }, { FACT_CERT_ISSUER, "CN=Lab CA,O=Lab,C=DE" },
	    { FACT_CERT_NAMES, "imap.example.test,*.mail.test,192.0.2.7" } } },
	{ "resumed12", resumed12, { HANDSHAKE_DONE, DIALOGUE, { FACT_VERSION, 0x303 }, { FACT_RESUMED, 1 } }, { { 0, NULL } } },
	{ "full13", full13, { HANDSHAKE_DONE, DIALOGUE, { FACT_VERSION, 0x304 }, { FACT_CIPHER, 0x1302 }, { FACT_OFFERED_MIN, 0x304 },
	    { FACT_SERVER_ENCRYPTED_ALERT, 0 }, { FACT_RESUMED, 0 } }, { { 0, NULL } } },
	{ "resumed13", resumed13, { HANDSHAKE_DONE, DIALOGUE, { FACT_VERSION, 0x304 }, { FACT_RESUMED, 1 } }, { { 0, NULL } } },
	{ "retry13", retry13, { HANDSHAKE_DONE, DIALOGUE, { FACT_VERSION, 0x304 }, { FACT_HELLO_RETRY, 1 } }, { { 0, NULL } } },
	{ "unknown_ca12", unknown_ca12, { { FACT_CLIENT_ALERT, WORD_alert_unknown_ca }, { FACT_SERVER_FLIGHT, 1 }, { FACT_ESTABLISHED_TLS, 0 },
	    { FACT_CERT_SELF_SIGNED, 1 }, { FACT_CERT_MISMATCH, 1 } }, { { FACT_CERT_SUBJECT, "CN=nas.local" } } },
	{ "unknown_ca13", unknown_ca13, { { FACT_CLIENT_ALERT, WORD_alert_unknown_ca }, { FACT_SERVER_FLIGHT, 1 }, { FACT_CLIENT_FINISHED, 0 },
	    { FACT_ESTABLISHED_TLS, 0 } }, { { FACT_CERT_SUBJECT, "" } } },
	{ "no_client_certificate13", no_client_certificate13, { HANDSHAKE_DONE, { FACT_SERVER_ENCRYPTED_ALERT, 1 }, { FACT_SERVER_RECORDS, 0 } },
	  { { 0, NULL } } },
	{ "client_certificate13", client_certificate13, { HANDSHAKE_DONE, DIALOGUE, { FACT_SERVER_ENCRYPTED_ALERT, 0 } }, { { 0, NULL } } },
	{ "certificate_asked12", certificate_asked12, { HANDSHAKE_DONE, DIALOGUE, { FACT_CERT_REQUESTED, 1 } }, { { 0, NULL } } },
	{ "no_cipher12", no_cipher12, { { FACT_SERVER_ALERT, WORD_alert_handshake_failure }, { FACT_SERVER_HELLO, 0 }, { FACT_OFFERED_WEAK, 0 } },
	  { { 0, NULL } } },
};

static void real_handshakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all_expected / sizeof *all_expected; i++) {
		const struct expected *e = &all_expected[i];
		struct stream s = stream_from(e->pieces);
		struct rig r;
		rig_start(&r, NULL);
		play(&r, &s, 0, 0);
		for (size_t k = 0; k < sizeof e->facts / sizeof *e->facts && e->facts[k].id; k++)
			if (number(&r, e->facts[k].id) != e->facts[k].value)
				fail_msg("%s: %s is %lld, not %lld", e->name, fact_kinds[e->facts[k].id].word, (long long)number(&r, e->facts[k].id),
					(long long)e->facts[k].value);
		for (size_t k = 0; k < 5 && e->texts[k].text; k++)
			assert_string_equal(text(&r, e->texts[k].id), e->texts[k].text);
		rig_end(&r);
		stream_free(&s);
	}
}

static void every_split_tells_the_same(void **state)
{
	struct tls_shared *shared = tls_shared_create();

	(void)state;
	for (size_t i = 0; i < sizeof all_expected / sizeof *all_expected; i++) {
		struct stream s = stream_from(all_expected[i].pieces);
		same_at_every_split(&s, 1, shared);
		stream_free(&s);
	}
	assert_true(tls_shared_hits(shared) > 1000);
	tls_shared_destroy(&shared);
	assert_null(shared);
}

/* --- holes --- */

/* Every byte of the stream lost once, as one byte and as all the rest of its piece: nothing may break, and what comes after
 * (close_notify, records) is still told. */
static void holes_are_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof all_expected / sizeof *all_expected; i++) {
		struct stream s = stream_from(all_expected[i].pieces);
		for (size_t piece = 0; piece < s.count; piece++)
			for (size_t at = 0; at < s.pieces[piece].len; at += s.pieces[piece].len > 2000 ? 97 : 1) {
				struct rig r;
				rig_start(&r, NULL);
				for (size_t k = 0; k < s.count; k++) {
					const struct piece *p = &s.pieces[k];
					feed(&r, p->from, p->at, p->data, k == piece ? at : p->len);
					if (k != piece)
						continue;
					size_t lost = piece % 2 ? 1 : p->len - at;
					gap(&r, p->from, p->at, lost);
					feed(&r, p->from, p->at, p->data + at + lost, p->len - at - lost);
				}
				assert_null(fact(&r, FACT_TLS_GARBAGE));
				rig_end(&r);
			}
		stream_free(&s);
	}
}

/* The frame of the ClientHello was cut short: that it came is known, and nothing else of the client is in doubt. */
static void a_hello_cut_short(void **state)
{
	struct stream s = stream_from(full13);
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	for (size_t k = 0; k < s.count; k++) {
		const struct piece *p = &s.pieces[k];
		feed(&r, p->from, p->at, p->data, k ? p->len : 200);
		if (!k)
			gap(&r, p->from, p->at, p->len - 200);
	}
	assert_true(number(&r, FACT_CLIENT_HELLO));
	assert_true(number(&r, FACT_SERVER_HELLO));
	assert_true(number(&r, FACT_CLIENT_FINISHED));
	assert_true(tls_saw_all(&r.state, FROM_CLIENT));
	rig_end(&r);
	stream_free(&s);
}

static void a_hole_within_a_record_is_counted_through(void **state)
{
	struct stream s = stream_from(full13);
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	for (size_t k = 0; k < s.count; k++) {
		const struct piece *p = &s.pieces[k];
		if (p->len < 10000) {
			feed(&r, p->from, p->at, p->data, p->len);
			continue;
		}
		feed(&r, p->from, p->at, p->data, 1000);
		gap(&r, p->from, p->at, 3000);
		feed(&r, p->from, p->at, p->data + 4000, p->len - 4000);
	}
	assert_int_equal(number(&r, FACT_SERVER_RECORDS), 4);
	assert_int_equal(number(&r, FACT_SERVER_NOTIFY), 1);
	rig_end(&r);
	stream_free(&s);
}

/* --- made-up records --- */

static struct moment ms(int64_t n)
{
	return (struct moment){ FIXTURE_TIME + n * MILLISECOND, (uint32_t)n + 1, 0 };
}

/* A record of that type and length, its body zeros. */
static void record(struct rig *r, enum direction from, int64_t at, uint8_t type, uint16_t length)
{
	uint8_t *b = calloc(1, 5u + length);

	memcpy(b, (uint8_t[]){ type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length }, 5);
	feed(r, from, ms(at), b, 5u + length);
	free(b);
}

/* The first pieces of a real 1.3 handshake, up to the server's flight. */
static void play_flight13(struct rig *r)
{
	struct stream s = stream_from(full13);

	for (size_t k = 0; k < 2; k++)
		feed(r, s.pieces[k].from, ms((int64_t)k), s.pieces[k].data, s.pieces[k].len);
	stream_free(&s);
}

static void client_that_rejects_in_secret(void **state)
{
	static const uint16_t lengths[] = { 19, 35 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		rig_start(&r, NULL);
		play_flight13(&r);
		record(&r, FROM_CLIENT, 10, 20, 1);
		record(&r, FROM_CLIENT, 10, 23, lengths[i]);
		assert_int_equal(number(&r, FACT_CLIENT_ENCRYPTED_ALERT), 1);
		assert_null(fact(&r, FACT_CLIENT_FINISHED));
		assert_null(fact(&r, FACT_ESTABLISHED_TLS));
		rig_end(&r);
	}
}

static void tickets_and_greetings(void **state)
{
	static const struct {
		struct { int at; int length; } server[5];
		int records;
	} cases[] = {
		{ { { 20, 250 }, { 20, 250 }, { 30, 100 } }, 1 },
		{ { { 20, 250 }, { 20, 250 }, { 30, 247 } }, 1 }, /* a greeting in the tickets' band */
		{ { { 20, 250 }, { 900, 250 } }, 1 },             /* of their size, but later */
		{ { { 20, 100 } }, 1 },
		{ { { 20, 250 }, { 20, 250 } }, 0 },
		{ { { 20, 250 }, { 20, 400 }, { 20, 250 } }, 2 },
		{ { { 5000, 250 } }, 1 },                         /* no ticket takes that long */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rig r;
		rig_start(&r, NULL);
		play_flight13(&r);
		record(&r, FROM_CLIENT, 10, 23, 69);
		assert_int_equal(number(&r, FACT_ESTABLISHED_TLS), 1);
		for (int k = 0; cases[i].server[k].length; k++)
			record(&r, FROM_SERVER, cases[i].server[k].at, 23, (uint16_t)cases[i].server[k].length);
		assert_int_equal(number(&r, FACT_SERVER_RECORDS), cases[i].records);
		rig_end(&r);
	}
}

/* A lone record of a ticket's size that the client answers was the greeting. */
static void lone_ticket_was_the_greeting(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 60, 23, 247);
	record(&r, FROM_CLIENT, 70, 23, 40);
	assert_int_equal(number(&r, FACT_SERVER_RECORDS), 1);
	assert_int_equal(fact(&r, FACT_SERVER_RECORDS)->frame, 61);
	assert_int_equal(number(&r, FACT_SLOWEST_RECORD), 50 * MILLISECOND);
	assert_int_equal(number(&r, FACT_RECORD_OWED), 1);
	rig_end(&r);
}

/* After STARTTLS the client speaks first: what comes around its first record are tickets still. */
static void tickets_after_starttls(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	observe(&(struct observer){ &r.facts, r.texts, ms(0), FROM_CLIENT, NULL }, FACT_STARTTLS_SENT, true);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 60, 23, 266);
	record(&r, FROM_CLIENT, 61, 23, 57);
	record(&r, FROM_SERVER, 80, 23, 266);
	assert_int_equal(number(&r, FACT_SERVER_RECORDS), 0);
	record(&r, FROM_SERVER, 8061, 23, 421);
	assert_int_equal(number(&r, FACT_SLOWEST_RECORD), 8 * SECOND);
	rig_end(&r);
}

/* Nineteen bytes are close_notify while nothing follows; else an empty line was sent. */
static void nineteen_bytes(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 20, 23, 100);
	record(&r, FROM_CLIENT, 30, 23, 19);
	assert_int_equal(number(&r, FACT_CLIENT_NOTIFY), 1);
	assert_int_equal(number(&r, FACT_CLIENT_RECORDS), 0);
	assert_int_equal(number(&r, FACT_RECORD_OWED), 0);
	record(&r, FROM_SERVER, 40, 23, 70);
	record(&r, FROM_CLIENT, 50, 23, 60);
	assert_int_equal(number(&r, FACT_CLIENT_NOTIFY), 0);
	assert_int_equal(number(&r, FACT_CLIENT_RECORDS), 2);
	assert_int_equal(number(&r, FACT_CLIENT_RECORD_BYTES), 79);
	assert_int_equal(fact(&r, FACT_CLIENT_RECORDS)->frame, 31);
	assert_int_equal(number(&r, FACT_RECORD_OWED), 1);
	rig_end(&r);
}

static void answers_are_timed(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 12, 23, 250);
	record(&r, FROM_SERVER, 12, 23, 250);
	record(&r, FROM_SERVER, 3010, 23, 90); /* the greeting: tickets do not shorten the wait */
	assert_int_equal(number(&r, FACT_SLOWEST_RECORD), 3 * SECOND);
	for (int i = 0; i < 100; i++) /* an upload of fifty seconds */
		record(&r, FROM_CLIENT, 10000 + 500 * i, 23, 1000);
	record(&r, FROM_SERVER, 59600, 23, 40);
	assert_int_equal(number(&r, FACT_SLOWEST_RECORD), 3 * SECOND);
	record(&r, FROM_SERVER, 90000, 23, 40); /* unasked */
	assert_int_equal(number(&r, FACT_SLOWEST_RECORD), 3 * SECOND);
	record(&r, FROM_CLIENT, 100000, 23, 40);
	record(&r, FROM_CLIENT, 104000, 23, 40); /* asks again */
	record(&r, FROM_SERVER, 105000, 23, 40);
	assert_int_equal(number(&r, FACT_SLOWEST_RECORD), 5 * SECOND);
	rig_end(&r);
}

/* A client that asks again after a pause still waits for the answer to what it asked first. */
static void owed_since_the_first(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 20, 23, 90);
	record(&r, FROM_CLIENT, 100, 23, 77);
	record(&r, FROM_CLIENT, 600, 23, 77); /* the same burst */
	assert_int_equal(fact(&r, FACT_RECORD_OWED)->frame, 601);
	record(&r, FROM_CLIENT, 9600, 23, 31);
	record(&r, FROM_CLIENT, 9700, 23, 31);
	assert_int_equal(fact(&r, FACT_RECORD_OWED)->frame, 601);
	record(&r, FROM_SERVER, 9800, 23, 90);
	assert_int_equal(number(&r, FACT_RECORD_OWED), 0);
	record(&r, FROM_CLIENT, 9900, 23, 31);
	assert_int_equal(fact(&r, FACT_RECORD_OWED)->frame, 9901);
	rig_end(&r);
}

/* What the server says once the client has left accuses nobody. */
static void alert_of_the_server(void **state)
{
	(void)state;
	for (int left = 0; left < 2; left++) {
		struct rig r;
		rig_start(&r, NULL);
		play_flight13(&r);
		record(&r, FROM_CLIENT, 10, 23, 69);
		struct observer o = { &r.facts, r.texts, { 0 }, FROM_CLIENT, NULL };
		if (left)
			tls_dissector.end(&r.state, &o);
		record(&r, FROM_SERVER, 20, 23, 19);
		assert_int_equal(fact(&r, FACT_SERVER_ENCRYPTED_ALERT) != NULL, !left);
		rig_end(&r);
	}
}

static void close_notify_in_answer(void **state)
{
	(void)state;
	for (int left = 0; left < 2; left++) {
		struct stream s = stream_from(resumed12);
		struct rig r;
		rig_start(&r, NULL);
		for (size_t k = 0; k < 3; k++)
			feed(&r, s.pieces[k].from, ms((int64_t)k), s.pieces[k].data, s.pieces[k].len);
		stream_free(&s);
		if (left)
			record(&r, FROM_CLIENT, 10, 21, 26);
		record(&r, FROM_SERVER, 20, 21, 26);
		assert_int_equal(fact(&r, FACT_SERVER_ENCRYPTED_ALERT) != NULL, !left);
		rig_end(&r);
	}
}

static void the_answer_in_a_hole(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 20, 23, 120);
	record(&r, FROM_CLIENT, 30, 23, 60);
	assert_int_equal(number(&r, FACT_RECORD_OWED), 1);
	gap(&r, FROM_SERVER, ms(40), 200);
	assert_int_equal(number(&r, FACT_RECORD_OWED), 0);
	rig_end(&r);
}

static void coalesced_client_flight(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 900); /* certificate and Finished in one record */
	assert_null(fact(&r, FACT_ESTABLISHED_TLS));
	record(&r, FROM_SERVER, 30, 23, 120);
	assert_int_equal(number(&r, FACT_ESTABLISHED_TLS), 1);
	assert_int_equal(number(&r, FACT_SERVER_RECORDS), 1);
	rig_end(&r);
	rig_start(&r, NULL);
	play_flight13(&r);
	record(&r, FROM_CLIENT, 10, 23, 25);
	record(&r, FROM_CLIENT, 10, 23, 69);
	record(&r, FROM_SERVER, 30, 23, 24);
	assert_int_equal(number(&r, FACT_SERVER_ENCRYPTED_ALERT), 1);
	assert_int_equal(number(&r, FACT_SERVER_RECORDS), 0);
	rig_end(&r);
}

static void met_in_the_middle(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	record(&r, FROM_CLIENT, 10, 23, 40);
	record(&r, FROM_SERVER, 20, 23, 250);
	assert_int_equal(number(&r, FACT_ESTABLISHED_TLS), 1);
	assert_int_equal(number(&r, FACT_CLIENT_RECORDS), 1);
	assert_int_equal(number(&r, FACT_SERVER_RECORDS), 1);
	assert_null(fact(&r, FACT_CLIENT_HELLO));
	record(&r, FROM_SERVER, 20, 21, 26);
	assert_int_equal(number(&r, FACT_SERVER_NOTIFY), 1);
	assert_null(fact(&r, FACT_SERVER_ENCRYPTED_ALERT));
	rig_end(&r);
}

static void one_side_alone(void **state)
{
	struct stream s = stream_from(full13);

	(void)state;
	for (int side = 0; side < 2; side++) {
		struct rig r;
		rig_start(&r, NULL);
		for (size_t k = 0; k < s.count; k++)
			if ((int)s.pieces[k].from == side)
				feed(&r, s.pieces[k].from, s.pieces[k].at, s.pieces[k].data, s.pieces[k].len);
		assert_int_equal(number(&r, FACT_ESTABLISHED_TLS), 1);
		assert_int_equal(number(&r, side ? FACT_SERVER_RECORDS : FACT_CLIENT_RECORDS), side ? 4 : 2);
		rig_end(&r);
	}
	stream_free(&s);
}

static void plain_text_is_garbage(void **state)
{
	struct stream s = stream_from(full13);
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	feed(&r, FROM_SERVER, ms(1), "* OK ready\r\n", 12);
	assert_true(r.quiet[FROM_SERVER]);
	assert_int_equal(number(&r, FACT_TLS_GARBAGE), WORD_side_server);
	/* The client's hello still counts, where the session hands it over. */
	feed(&r, FROM_CLIENT, ms(2), s.pieces[0].data, s.pieces[0].len);
	feed(&r, FROM_CLIENT, ms(3), "\x15\x03\x01\x00\x02\x02\x0a", 7);
	assert_int_equal(number(&r, FACT_CLIENT_HELLO), 1);
	assert_int_equal(number(&r, FACT_CLIENT_ALERT), WORD_alert_unexpected_message);
	rig_end(&r);
	stream_free(&s);
}

static void stopped_within_a_record(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r, NULL);
	feed(&r, FROM_SERVER, ms(1), "\x17\x03\x03\x00\x20xxxx", 9);
	assert_int_equal(number(&r, FACT_TLS_PARTIAL), WORD_side_server);
	feed(&r, FROM_CLIENT, ms(1), "\x17\x03", 2);
	assert_int_equal(number(&r, FACT_TLS_PARTIAL), WORD_side_both);
	feed(&r, FROM_SERVER, ms(1), "xxxxxxxxxxxxxxxxxxxxxxxxxxxx", 28);
	assert_int_equal(number(&r, FACT_TLS_PARTIAL), WORD_side_client);
	feed(&r, FROM_CLIENT, ms(1), "\x03\x00\x01x", 4);
	assert_int_equal(number(&r, FACT_TLS_PARTIAL), WORD_side_none);
	rig_end(&r);
}

/* A chain longer than what may be left waiting is passed over, whole and in crumbs. */
static void endless_certificate_chain(void **state)
{
	const size_t steps[] = { 100000, 1460, 7 };
	size_t len = 0;
	uint8_t *b = calloc(1, 60000);

	(void)state;
	for (int i = 0; i < 3; i++, len += 5 + 16000)
		memcpy(b + len, (uint8_t[]){ 22, 3, 3, 16000 >> 8, 16000 & 255 }, 5);
	memcpy(b + 5, (uint8_t[]){ 11, 0, (48000 - 4 - 4) >> 8, (48000 - 4 - 4) & 255 }, 4);
	memcpy(b + len - 4, (uint8_t[]){ 14, 0, 0, 0 }, 4); /* ServerHelloDone behind it */
	for (int i = 0; i < 3; i++) {
		struct rig r;
		rig_start(&r, NULL);
		for (size_t at = 0; at < len; at += steps[i])
			feed(&r, FROM_SERVER, ms(1), b + at, len - at < steps[i] ? len - at : steps[i]);
		assert_int_equal(number(&r, FACT_SERVER_FLIGHT), 1);
		assert_int_equal(number(&r, FACT_TLS_PARTIAL), WORD_side_none);
		rig_end(&r);
	}
	free(b);
}

static void old_hello_format(void **state)
{
	static const uint8_t hello[] = { 0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x0a, 7, 0, 0xc0,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct rig r;

	(void)state;
	assert_int_equal(tls_dissector.probe(bytes_of(hello, sizeof hello), FROM_CLIENT), PROBE_YES);
	for (size_t cut = 1; cut < sizeof hello; cut++) {
		rig_start(&r, NULL);
		feed(&r, FROM_CLIENT, ms(1), hello, cut);
		feed(&r, FROM_CLIENT, ms(1), hello + cut, sizeof hello - cut);
		assert_int_equal(number(&r, FACT_CLIENT_HELLO), 1);
		assert_int_equal(number(&r, FACT_OFFERED_MAX), 0x0301);
		assert_int_equal(number(&r, FACT_OFFERED_WEAK), 1);
		rig_end(&r);
	}
}

static void probing(void **state)
{
	static const struct { const char *bytes; size_t len; enum direction from; enum probe_result result; } cases[] = {
		{ "\x16\x03\x01\x02\x00\x01", 6, FROM_CLIENT, PROBE_YES }, { "\x16\x03\x01\x02\x00\x02", 6, FROM_CLIENT, PROBE_NO },
		{ "\x16\x03\x03\x00\x7a\x02", 6, FROM_SERVER, PROBE_YES }, { "\x16\x03", 2, FROM_CLIENT, PROBE_MORE },
		{ "\x15\x03\x01\x00\x02\x02", 6, FROM_SERVER, PROBE_YES }, { "\x17\x03\x03\x00\x50", 5, FROM_SERVER, PROBE_YES },
		{ "* OK", 4, FROM_SERVER, PROBE_NO }, { "", 0, FROM_SERVER, PROBE_MORE }, { "a1 NOOP", 7, FROM_CLIENT, PROBE_NO },
		{ "\x16\x02\x01", 3, FROM_CLIENT, PROBE_NO }, { "\x17\x03\x03\xff\xff", 5, FROM_CLIENT, PROBE_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(tls_dissector.probe(bytes_of(cases[i].bytes, cases[i].len), cases[i].from), cases[i].result);
}

/* --- fingerprints, names --- */

/* The example of FoxIO's specification of JA4. */
static void ja4_of_the_specification(void **state)
{
	static const uint8_t suites[] = { 0x1a, 0x1a, 0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9,
		0xcc, 0xa8, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x9c, 0x00, 0x9d, 0x00, 0x2f, 0x00, 0x35 };
	static const uint16_t types[] = { 0x3a3a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
		0xff01, 0x000b, 0x000a, 0x0015 };
	static const uint8_t signatures[] = { 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1 };
	uint8_t extensions[sizeof types * 2];
	char into[JA4_TEXT];

	(void)state;
	memset(extensions, 0, sizeof extensions);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		extensions[4 * i] = (uint8_t)(types[i] >> 8);
		extensions[4 * i + 1] = (uint8_t)types[i];
	}
	struct client_hello h = { .version = 0x0303, .most = 0x0304, .suites = bytes_of(suites, sizeof suites),
		.extensions = bytes_of(extensions, sizeof extensions), .signatures = bytes_of(signatures, sizeof signatures),
		.protocols = bytes_of("\x02h2\x08http/1.1", 12), .has_name = true };
	assert_true(ja4(&h, into));
	assert_string_equal(into, "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

/* Kept fingerprints are those of the same make-up alone, whatever else the hello says. */
static void fingerprints_are_made_once(void **state)
{
	static const uint8_t suites[] = { 0x1a, 0x1a, 0x13, 0x01, 0x13, 0x02 }, greased[] = { 0x2a, 0x2a, 0x13, 0x01, 0x13, 0x02 }, turned[] = { 0x13, 0x02, 0x13, 0x01 };
	static const uint8_t extensions[] = { 0, 0x0a, 0, 0, 0, 0x0d, 0, 0 }, groups[] = { 0, 0x1d }, formats[] = { 0 };
	static uint8_t many[1000];
	struct client_hello h = { .version = 0x0303, .most = 0x0304, .suites = bytes_of(suites, sizeof suites), .extensions = bytes_of(extensions, sizeof extensions) };
	struct client_hello hellos[] = { h, h, h, h, h, h, h, h, h };
	struct fingerprint_cache *cache = fingerprint_cache_create();

	(void)state;
	hellos[1].suites = bytes_of(greased, sizeof greased);
	hellos[2].suites = bytes_of(turned, sizeof turned);
	hellos[3].has_name = true;
	hellos[4].most = 0x0303;
	hellos[5].protocols = bytes_of("\x04imap", 5);
	hellos[6].groups = bytes_of(groups, sizeof groups);
	hellos[7].formats = bytes_of(formats, sizeof formats);
	hellos[8].suites = bytes_of(many, sizeof many);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
			struct fingerprints kept, made;
			fingerprints_of(cache, &hellos[i], &kept);
			fingerprints_of(NULL, &hellos[i], &made);
			assert_string_equal(kept.ja3, made.ja3);
			assert_string_equal(kept.ja4, made.ja4);
		}
	fingerprint_cache_destroy(&cache);
	assert_null(cache);
}

static void names_of_certificates(void **state)
{
	static const struct { const char *names, *common_name; bool has_dns_name; const char *asked; enum name_match match; } cases[] = {
		{ "imap.a.org,*.b.org", "x", true, "imap.a.org", NAME_SAME }, { "imap.a.org,*.b.org", "x", true, "mail.b.org", NAME_SAME },
		{ "imap.a.org,*.b.org", "x", true, "a.mail.b.org", NAME_OTHER }, { "imap.a.org,*.b.org", "x", true, "b.org", NAME_OTHER },
		{ "imap.a.org", "mail.a.org", true, "mail.a.org", NAME_OTHER }, { "", "mail.a.org", false, "mail.a.org", NAME_SAME },
		{ "*.org", "", true, "a.org", NAME_OTHER }, { "192.0.2.7", "", false, "192.0.2.7", NAME_SAME }, { "", "", false, "a.org", NAME_OTHER },
		{ "imap.a.org", "", true, "imap.a.org.", NAME_SAME },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct certificate c = { .names = (char *)cases[i].names, .common_name = (char *)cases[i].common_name,
			.has_dns_name = cases[i].has_dns_name };
		assert_int_equal(certificate_is_for(&c, name_hashes(bytes_of_text(cases[i].asked))), cases[i].match);
	}
}

/* --- the lab's captures --- */

#define LAB "../shared/captures/lab"

/* The part of a connection from the client's first TLS record on (behind STARTTLS), if there is one. */
static bool tls_part(const struct stream *s, struct stream *part)
{
	for (size_t k = 0; k < s->count; k++)
		if (s->pieces[k].from == FROM_CLIENT && s->pieces[k].len > 5 && s->pieces[k].data[0] == 22 && s->pieces[k].data[1] == 3) {
			*part = *s;
			part->pieces += k;
			part->count -= k;
			return !s->holes;
		}
	return false;
}

/* What was read off the captures with tshark. */
static const struct { const char *file; enum fact_id id; int64_t value; const char *text; } lab_facts[] = {
	{ "003_implicit_ok_mbsync_dovecot.pcap", FACT_JA3, 0, "a3afc2c46ba4a7d7fbe1cfb7a3031c2f" },
	{ "003_implicit_ok_mbsync_dovecot.pcap", FACT_CIPHER, 0x1302, NULL },
	{ "109_starttls_ok_curl_courier_tls12.pcap", FACT_JA3, 0, "2c4428422b734ef16cdbf05bc5d82e08" },
	{ "109_starttls_ok_curl_courier_tls12.pcap", FACT_CERT_ISSUER, 0, "CN=Lab Trust Root R1,O=Lab Trust Services,C=DE" },
	{ "509_cert_selfsigned_offlineimap_dovecot.pcap", FACT_CLIENT_ALERT, WORD_alert_unknown_ca, NULL },
	{ "548_tls_clientcert_fake13_mbsync.pcap", FACT_SERVER_ENCRYPTED_ALERT, 1, NULL },
	{ "557_tls_alert_protocol_version_raw.pcap", FACT_SERVER_ALERT, WORD_alert_protocol_version, NULL },
};

static void lab_captures_read_as_tshark_reads_them(void **state)
{
	(void)state;
	if (access(LAB, R_OK) != 0) {
		print_message("no " LAB ": the lab's captures are not here\n");
		skip();
	}
	for (size_t i = 0; i < sizeof lab_facts / sizeof *lab_facts; i++) {
		char path[300];
		struct streams all;
		struct stream part;
		struct rig r;
		snprintf(path, sizeof path, LAB "/%s", lab_facts[i].file);
		assert_true(streams_read(path, &all));
		assert_true(all.count > 0 && tls_part(&all.list[0], &part));
		rig_start(&r, NULL);
		play(&r, &part, 0, 0);
		if (lab_facts[i].text)
			assert_string_equal(text(&r, lab_facts[i].id), lab_facts[i].text);
		else
			assert_int_equal(number(&r, lab_facts[i].id), lab_facts[i].value);
		rig_end(&r);
		streams_free(&all);
	}
}

static void lab_captures_split(void **state)
{
	struct tls_shared *shared = tls_shared_create();
	DIR *d = opendir(LAB);
	size_t n = 0;

	(void)state;
	if (!d) {
		tls_shared_destroy(&shared);
		print_message("no " LAB ": the lab's captures are not here\n");
		skip();
	}
	for (struct dirent *e; (e = readdir(d));) {
		char path[400];
		struct streams all;
		snprintf(path, sizeof path, LAB "/%s", e->d_name);
		if (!strstr(e->d_name, ".pcap") || !streams_read(path, &all))
			continue;
		for (size_t i = 0; i < all.count; i++) {
			struct stream part;
			if (!tls_part(&all.list[i], &part) || stream_bytes(&part) > 40000)
				continue;
			same_at_every_split(&part, stream_bytes(&part) / 40 + 1, shared);
			n++;
		}
		streams_free(&all);
	}
	closedir(d);
	tls_shared_destroy(&shared);
	assert_true(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_handshakes), cmocka_unit_test(every_split_tells_the_same), cmocka_unit_test(holes_are_survived),
		cmocka_unit_test(a_hole_within_a_record_is_counted_through), cmocka_unit_test(a_hello_cut_short), cmocka_unit_test(client_that_rejects_in_secret),
		cmocka_unit_test(tickets_and_greetings), cmocka_unit_test(lone_ticket_was_the_greeting), cmocka_unit_test(nineteen_bytes),
		cmocka_unit_test(tickets_after_starttls),
		cmocka_unit_test(answers_are_timed),
		cmocka_unit_test(owed_since_the_first), cmocka_unit_test(alert_of_the_server), cmocka_unit_test(close_notify_in_answer), cmocka_unit_test(the_answer_in_a_hole),
		cmocka_unit_test(coalesced_client_flight), cmocka_unit_test(met_in_the_middle),
		cmocka_unit_test(one_side_alone), cmocka_unit_test(plain_text_is_garbage), cmocka_unit_test(stopped_within_a_record),
		cmocka_unit_test(endless_certificate_chain), cmocka_unit_test(old_hello_format), cmocka_unit_test(probing),
		cmocka_unit_test(ja4_of_the_specification), cmocka_unit_test(fingerprints_are_made_once), cmocka_unit_test(names_of_certificates),
		cmocka_unit_test(lab_captures_read_as_tshark_reads_them), cmocka_unit_test(lab_captures_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
