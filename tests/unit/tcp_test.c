/* The TCP tracker, by scripts of packets. Every script runs with small sequence numbers and across their wrap-around. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "tcp.h"

#include <stdio.h>
#include <stdlib.h>

#define C FROM_CLIENT
#define S FROM_SERVER
enum { SYN = TCP_SYN, ACK = TCP_ACK, FIN = TCP_FIN, RST = TCP_RST };

/* --- the script's world --- */

struct world {
	uint32_t isn[2];
	struct held_pool *pool;
	struct tcp tcp;
	struct stream_sink sink;
	nanoseconds now;
	uint32_t frame;
	struct packet p;          /* template of the next packet */
	uint8_t ttl[2];
	uint16_t ip_id[2];
	bool timestamps[2];
	char got[2][4096];        /* data, with <n> for gaps and $ for FIN */
	struct fact_view view[FACT_COUNT];
};

static void on_data(void *context, enum direction from, struct bytes b, struct moment at)
{
	struct world *w = context;
	size_t n = strlen(w->got[from]);

	(void)at;
	if (n + b.len >= sizeof w->got[from])
		return;
	memcpy(w->got[from] + n, b.data, b.len);
	w->got[from][n + b.len] = 0;
}

static void on_gap(void *context, enum direction from, uint64_t missing, struct moment at)
{
	struct world *w = context;
	size_t n = strlen(w->got[from]);

	(void)at;
	snprintf(w->got[from] + n, sizeof w->got[from] - n, "<%llu>", (unsigned long long)missing);
}

static void on_fin(void *context, enum direction from, struct moment at)
{
	struct world *w = context;

	(void)at;
	strcat(w->got[from], "$");
}

static void reset_packet(struct world *w)
{
	memset(&w->p, 0, sizeof w->p);
	w->p.transport = TRANSPORT_TCP;
	w->p.window = 500;
	w->p.window_scale = 255;
}

static struct world *begin(void **state)
{
	struct world *w = *state;

	tcp_release(&w->tcp);
	held_pool_destroy(&w->pool);
	w->pool = held_pool_create(1 << 20);
	tcp_init(&w->tcp, w->pool);
	memset(w->got, 0, sizeof w->got);
	memset(w->view, 0, sizeof w->view);
	w->sink = (struct stream_sink){ w, on_data, on_gap, on_fin };
	w->now = 1000 * SECOND;
	w->frame = 0;
	w->ttl[C] = 64;
	w->ttl[S] = 57;
	w->ip_id[C] = 100;
	w->ip_id[S] = 7000;
	w->timestamps[C] = w->timestamps[S] = true;
	reset_packet(w);
	return w;
}

static void wait_ms(struct world *w, double ms)
{
	w->now += (nanoseconds)(ms * MILLISECOND);
}

/* Sends w->p as the template with these fields; seq and ack count from the ISNs. One millisecond later than the one before. */
static unsigned sends_sized(struct world *w, int from, unsigned flags, uint32_t seq, uint32_t ack, const char *payload, uint32_t wire)
{
	struct packet *p = &w->p;
	unsigned news;

	wait_ms(w, 1);
	p->at = (struct moment){ w->now, ++w->frame, 0 };
	p->source.family = p->destination.family = 4;
	p->source.byte[3] = from == C ? 1 : 2;
	p->destination.byte[3] = from == C ? 2 : 1;
	p->source_port = from == C ? 40000 : 143;
	p->destination_port = from == C ? 143 : 40000;
	p->sequence = w->isn[from] + seq;
	p->acknowledgement = flags & ACK ? w->isn[1 - from] + ack : 0;
	p->flags = (uint8_t)flags;
	p->payload = bytes_of_text(payload);
	p->payload_wire = wire;
	if (!p->ttl)
		p->ttl = w->ttl[from];
	if (!p->ip_id)
		p->ip_id = ++w->ip_id[from];
	if (w->timestamps[from] && !(flags & RST)) {
		p->has_timestamps = true;
		p->timestamp = w->frame;
	}
	if (flags & SYN) {
		p->mss = 1460;
		p->window_scale = 7;
		p->sack_permitted = true;
	}
	news = tcp_packet(&w->tcp, p, from, &w->sink);
	reset_packet(w);
	return news;
}

static unsigned sends(struct world *w, int from, unsigned flags, uint32_t seq, uint32_t ack, const char *payload)
{
	return sends_sized(w, from, flags, seq, ack, payload, (uint32_t)strlen(payload));
}

/* A payload of n bytes. */
static unsigned sends_n(struct world *w, int from, uint32_t seq, uint32_t ack, uint32_t n)
{
	char text[3000];

	memset(text, 'x', n);
	text[n] = 0;
	return sends(w, from, ACK, seq, ack, text);
}

/* SYN, SYN-ACK, ACK with 10 ms to the server and 4 ms to the client and back. */
static void handshake(struct world *w)
{
	assert_true(sends(w, C, SYN, 0, 0, "") & TCP_NEWS_PROGRESS);
	wait_ms(w, 9);
	sends(w, S, SYN | ACK, 0, 1, "");
	wait_ms(w, 3);
	assert_true(sends(w, C, ACK, 1, 1, "") & TCP_NEWS_ESTABLISHED);
}

static const struct fact_view *facts(struct world *w, double ms_later)
{
	memset(w->view, 0, sizeof w->view);
	tcp_facts(&w->tcp, w->now + (nanoseconds)(ms_later * MILLISECOND), w->view);
	return w->view;
}

#define VALUE(w, id) (facts(w, 0)[FACT_##id].value)
#define SET(w, id) (facts(w, 0)[FACT_##id].set)

/* --- handshake --- */

static void handshake_and_close(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	assert_true(sends(w, S, ACK, 1, 1, "* OK\r\n") & TCP_NEWS_PROGRESS);
	sends(w, C, ACK, 1, 7, "");
	assert_true(sends(w, C, FIN | ACK, 1, 7, "") & TCP_NEWS_CLOSING);
	assert_false(sends(w, S, FIN | ACK, 7, 2, "") & TCP_NEWS_ENDED);
	assert_true(sends(w, C, ACK, 2, 8, "") & TCP_NEWS_ENDED);
	assert_true(tcp_closed(&w->tcp));
	assert_string_equal(w->got[S], "* OK\r\n$");
	assert_string_equal(w->got[C], "$");
	assert_int_equal(VALUE(w, ENDED), WORD_end_client_fin);
	assert_int_equal(VALUE(w, SYN), 1);
	assert_int_equal(VALUE(w, SYNACK), 1);
	assert_int_equal(VALUE(w, CONNECT_TIME), 14 * MILLISECOND);
	assert_true(VALUE(w, RTT) > 0 && VALUE(w, RTT) <= 14 * MILLISECOND);
	assert_int_equal(VALUE(w, SERVER_BYTES), 6);
	assert_true(tcp_whole(&w->tcp, C) && tcp_whole(&w->tcp, S));
	assert_false(SET(w, MIDSTREAM) || SET(w, ONE_SIDED) || SET(w, VAIN_SENDS) || SET(w, LOST_BYTES) || SET(w, RETRANSMITTED));
	assert_int_equal(facts(w, 0)[FACT_SYNACK].at.frame, 2);
}

static void syns_unanswered(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	wait_ms(w, 999);
	sends(w, C, SYN, 0, 0, "");
	wait_ms(w, 1999);
	sends(w, C, SYN, 0, 0, "");
	assert_int_equal(VALUE(w, SYN), 3);
	assert_int_equal(VALUE(w, SYN_SPAN), 3 * SECOND);
	assert_int_equal(facts(w, 4900)[FACT_SYN_WAITED].value, 7900 * MILLISECOND);
	assert_false(facts(w, 4900)[FACT_SYN_OVERDUE].set);
	assert_true(facts(w, 5100)[FACT_SYN_OVERDUE].value);
	assert_true(tcp_unanswered(&w->tcp));
	assert_true(tcp_whole(&w->tcp, S));
}

static void refused(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	w->isn[S] = 0; /* RST of a closed port: sequence 0 */
	assert_int_equal(sends(w, S, RST | ACK, 0, 1, "") & (TCP_NEWS_ENDED | TCP_NEWS_CLOSING), TCP_NEWS_ENDED | TCP_NEWS_CLOSING);
	assert_true(VALUE(w, REFUSED));
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_reset);
	assert_false(SET(w, RESET_TTL_DIFFERENCE) || SET(w, RESET_ODD_ACK) || SET(w, RESET_BEHIND) || SET(w, SYN_WAITED) || SET(w, MIDSTREAM));
	/* Windows tries again, then it is let in */
	assert_false(sends(w, C, SYN, 0, 0, "") & TCP_NEWS_NEW_SESSION);
	assert_int_equal(VALUE(w, SYN), 2);
	sends(w, S, SYN | ACK, 0, 1, "");
	assert_false(VALUE(w, REFUSED));
	assert_int_equal(VALUE(w, ENDED), WORD_end_open);
}

static void bare_rst_refuses_nothing(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	sends(w, S, RST, 5, 0, "");
	assert_false(SET(w, REFUSED));
	assert_int_equal(VALUE(w, ENDED), WORD_end_open);
	assert_int_equal(VALUE(w, SERVER_RST), 1);
}

static void synacks_again(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	sends(w, S, SYN | ACK, 0, 1, "");
	wait_ms(w, 1000);
	sends(w, S, SYN | ACK, 0, 1, "");
	wait_ms(w, 2000);
	sends(w, S, SYN | ACK, 0, 1, "");
	assert_int_equal(VALUE(w, SYNACK), 3);
	assert_false(SET(w, ESTABLISHED) || SET(w, SYN_WAITED));
}

static void fast_open(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "hello");
	sends(w, S, SYN | ACK, 0, 6, "");
	sends(w, C, ACK, 6, 1, " you");
	sends(w, S, ACK, 1, 10, "yes");
	assert_string_equal(w->got[C], "hello you");
	assert_false(SET(w, RETRANSMITTED) || SET(w, LOST_BYTES));
	/* refused: only the SYN is acknowledged, the data comes again */
	w = begin(state);
	sends(w, C, SYN, 0, 0, "hello");
	sends(w, S, SYN | ACK, 0, 1, "");
	sends(w, C, ACK, 1, 1, "hello");
	sends(w, S, ACK, 1, 6, "");
	assert_string_equal(w->got[C], "hello");
	assert_false(SET(w, RETRANSMITTED) || SET(w, VAIN_SENDS));
}

static void split_handshakes(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	sends(w, S, SYN, 0, 0, "");
	sends(w, C, SYN | ACK, 0, 1, "");
	sends(w, S, SYN | ACK, 0, 1, "");
	sends(w, C, ACK, 1, 1, "abc");
	assert_true(tcp_established(&w->tcp));
	assert_string_equal(w->got[C], "abc");
}

static void used_anew(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, RST | ACK, 1, 1, "");
	w->isn[C] += 77777;
	assert_int_equal(sends(w, C, SYN, 0, 0, ""), TCP_NEWS_NEW_SESSION);
	tcp_release(&w->tcp);
	sends(w, C, SYN, 0, 0, "");
	assert_int_equal(VALUE(w, SYN), 1);
	/* an open one: a stray, until so long a quiet */
	w = begin(state);
	handshake(w);
	w->isn[C] += 77777;
	assert_int_equal(sends(w, C, SYN, 0, 0, ""), 0);
	wait_ms(w, 61000);
	assert_int_equal(sends(w, C, SYN, 0, 0, ""), TCP_NEWS_NEW_SESSION);
}

static void same_frame_fed_again(void **state)
{
	struct world *w = begin(state);
	struct packet p = { .transport = TRANSPORT_TCP, .flags = TCP_SYN, .ip_id = 9, .ttl = 64, .at = { w->now, 1, 0 } }, copy = p;

	copy.at.frame = 2;
	copy.ttl = 63;
	assert_false(frame_duplicate(w->pool, &p));
	assert_true(frame_duplicate(w->pool, &copy));
	assert_false(frame_duplicate(w->pool, &p));
	assert_true(frame_duplicate(w->pool, &copy));
	assert_int_equal(tcp_packet(&w->tcp, &p, C, NULL) & TCP_NEWS_DUPLICATE, 0);
}

/* --- streams --- */

static void order_is_restored(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 4, 1, "def");
	sends(w, C, ACK, 10, 1, "jkl");
	assert_string_equal(w->got[C], "");
	sends(w, C, ACK, 1, 1, "abc");
	assert_string_equal(w->got[C], "abcdef");
	sends(w, C, FIN | ACK, 13, 1, "mn");
	sends(w, C, ACK, 7, 1, "ghi");
	assert_string_equal(w->got[C], "abcdefghijklmn$");
	assert_int_equal(VALUE(w, CLIENT_BYTES), 14);
	assert_int_equal(held_pool_counters(w->pool)->held_bytes, 0);
	assert_false(SET(w, RETRANSMITTED));
}

static void first_copy_wins(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 3, 1, "CD");
	sends(w, C, ACK, 7, 1, "GH");
	sends(w, C, ACK, 2, 1, "bcdefghi");
	sends(w, C, ACK, 1, 1, "1234567890");
	assert_string_equal(w->got[C], "1bCDefGHi0");
	sends(w, C, ACK, 5, 1, "zzzzzzz");
	assert_string_equal(w->got[C], "1bCDefGHi0z");
}

static void acknowledged_holes_are_gaps(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "abc");
	sends(w, S, ACK, 7, 1, "ghi");
	sends(w, C, ACK, 1, 10, "");
	assert_string_equal(w->got[S], "abc");
	wait_ms(w, 10);
	sends(w, C, ACK, 1, 10, "x");
	assert_string_equal(w->got[S], "abc<3>ghi");
	assert_int_equal(VALUE(w, LOST_BYTES), 3);
	assert_false(tcp_whole(&w->tcp, S));
	assert_true(tcp_whole(&w->tcp, C));
	/* a late capture of what was given up is no news */
	sends(w, S, ACK, 4, 1, "def");
	assert_string_equal(w->got[S], "abc<3>ghi");
}

static void captured_after_its_acknowledgement(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 1, 4, "");
	sends(w, S, ACK, 1, 1, "abc");
	wait_ms(w, 10);
	sends(w, S, ACK, 4, 1, "def");
	assert_string_equal(w->got[S], "abcdef");
	assert_false(SET(w, LOST_BYTES) || SET(w, RETRANSMITTED));
}

static void settle_at_the_end(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "abc");
	sends(w, C, ACK, 1, 20, "");
	assert_string_equal(w->got[S], "abc");
	tcp_settle(&w->tcp, (struct moment){ w->now, w->frame, 0 }, &w->sink);
	assert_string_equal(w->got[S], "abc<16>");
	/* a lone byte is taken for a FIN, unless more follows */
	w = begin(state);
	handshake(w);
	sends(w, S, ACK, 1, 1, "abc");
	sends(w, C, ACK, 1, 5, "");
	tcp_settle(&w->tcp, (struct moment){ w->now, w->frame, 0 }, &w->sink);
	assert_string_equal(w->got[S], "abc");
	sends(w, S, ACK, 5, 1, "e");
	sends(w, C, ACK, 1, 6, "");
	tcp_settle(&w->tcp, (struct moment){ w->now, w->frame, 0 }, &w->sink);
	assert_string_equal(w->got[S], "abc<1>e");
}

static void cut_by_the_snap_length(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends_sized(w, S, ACK, 1, 1, "abc", 10);
	sends(w, S, ACK, 11, 1, "def");
	assert_string_equal(w->got[S], "abc<7>def");
	assert_true(VALUE(w, TRUNCATED));
	assert_false(SET(w, LOST_BYTES));
	/* and out of order */
	sends_sized(w, S, ACK, 20, 1, "xy", 4);
	sends_sized(w, S, ACK, 14, 1, "q", 6);
	assert_string_equal(w->got[S], "abc<7>defq<5>xy<2>");
}

static void caps_make_gaps(void **state)
{
	struct world *w = begin(state);
	uint32_t seq = 101;

	handshake(w);
	for (int i = 0; i < 200; i++, seq += 2000)
		sends_n(w, C, seq, 1, 2000);
	assert_true(held_pool_counters(w->pool)->capped > 0);
	assert_true(held_pool_counters(w->pool)->held_most <= 256 * 1024);
	assert_memory_equal(w->got[C], "<100>x", 6);
	tcp_release(&w->tcp);
	assert_int_equal(held_pool_counters(w->pool)->held_bytes, 0);
}

static void full_pool(void **state)
{
	struct world *w = begin(state);

	held_pool_destroy(&w->pool);
	w->pool = held_pool_create(0);
	tcp_init(&w->tcp, w->pool);
	handshake(w);
	sends(w, C, ACK, 4, 1, "def");
	assert_string_equal(w->got[C], "<3>def");
}

static void stray_data_is_left(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 1, 1, "abc");
	assert_int_equal(sends(w, C, ACK, 0x30000000, 1, "forged"), 0);
	assert_int_equal(sends(w, S, ACK, 1, 0x30000000, ""), 0);
	sends(w, S, ACK, 1, 4, "");
	tcp_settle(&w->tcp, (struct moment){ w->now, w->frame, 0 }, &w->sink);
	assert_string_equal(w->got[C], "abc");
	assert_false(SET(w, CLIENT_UNACKED));
}

/* --- mid-stream, one side --- */

static void midstream(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct world *w = begin(state);

		sends(w, first, ACK, 500, 900, "abc");
		sends(w, 1 - first, ACK, 900, 503, "xyz");
		sends(w, first, ACK, 503, 903, "def");
		assert_string_equal(w->got[first], "abcdef");
		assert_string_equal(w->got[1 - first], "xyz");
		assert_true(VALUE(w, MIDSTREAM) && VALUE(w, ESTABLISHED));
		assert_false(SET(w, LOST_BYTES) || SET(w, ONE_SIDED) || SET(w, RETRANSMITTED));
		assert_false(tcp_whole(&w->tcp, C) || tcp_whole(&w->tcp, S));
	}
}

static void midstream_from_a_keep_alive(void **state)
{
	struct world *w = begin(state);

	sends(w, S, ACK, 99, 50, "");
	sends(w, C, ACK, 50, 100, "");
	wait_ms(w, 60000);
	sends(w, S, ACK, 100, 50, "abc");
	sends(w, C, ACK, 50, 103, "");
	wait_ms(w, 100);
	sends(w, C, ACK, 50, 103, "DONE");
	assert_string_equal(w->got[S], "abc");
	assert_false(SET(w, LOST_BYTES) || SET(w, RETRANSMITTED));
}

static void one_side_only(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	sends(w, C, ACK, 1, 1, "");
	sends(w, C, ACK, 1, 50, "a LOGIN");
	wait_ms(w, 100);
	sends(w, C, ACK, 8, 9000, "b SELECT");
	assert_int_equal(VALUE(w, ONE_SIDED), WORD_side_client);
	assert_false(SET(w, LOST_BYTES) || SET(w, VAIN_SENDS) || SET(w, CLIENT_UNACKED));
	assert_string_equal(w->got[C], "a LOGINb SELECT");
	assert_string_equal(w->got[S], "");
	assert_true(tcp_whole(&w->tcp, C));
	assert_false(tcp_whole(&w->tcp, S));
	w = begin(state);
	sends(w, S, SYN | ACK, 0, 1, "");
	sends(w, S, ACK, 1, 1, "* OK");
	assert_int_equal(VALUE(w, ONE_SIDED), WORD_side_server);
	assert_false(tcp_whole(&w->tcp, C));
}

/* --- repetition --- */

static void duplicates_count_once(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	w->p.ip_id = 4711;
	sends(w, C, ACK, 1, 1, "abc");
	/* the copy has the same timestamp, not the script's next */
	w->timestamps[C] = false;
	w->p.has_timestamps = true;
	w->p.timestamp = w->frame;
	w->p.ip_id = 4711;
	w->p.ttl = 63;
	assert_int_equal(sends(w, C, ACK, 1, 1, "abc"), TCP_NEWS_DUPLICATE);
	assert_false(SET(w, RETRANSMITTED));
	assert_int_equal(held_pool_counters(w->pool)->duplicates, 1);
	/* another identification: sent again */
	wait_ms(w, 5);
	assert_true(sends(w, C, ACK, 1, 1, "abc") & TCP_NEWS_RETRANSMISSION);
	assert_int_equal(VALUE(w, RETRANSMITTED), 1);
}

/* IPv6 has no identification: haste or a hop tells. */
static void duplicates_without_identification(void **state)
{
	struct world *w = begin(state);
	struct packet p = { .transport = TRANSPORT_TCP, .flags = TCP_ACK, .ttl = 64, .payload_wire = 3, .payload = bytes_of_text("abc"),
			    .at = { w->now, 1, 0 } }, ack;

	assert_false(frame_duplicate(w->pool, &p));
	p.at = (struct moment){ w->now + 5 * MILLISECOND, 2, 0 };
	assert_false(frame_duplicate(w->pool, &p));
	p.at = (struct moment){ w->now + 6 * MILLISECOND, 3, 0 };
	assert_true(frame_duplicate(w->pool, &p));
	p.at = (struct moment){ w->now + 14 * MILLISECOND, 4, 0 };
	p.ttl = 63;
	assert_true(frame_duplicate(w->pool, &p));
	p.at = (struct moment){ w->now + 14 * MILLISECOND, 5, 0 };
	p.ttl = 60;
	assert_false(frame_duplicate(w->pool, &p));
	ack = p;
	ack.payload_wire = 0;
	ack.payload.len = 0;
	ack.at.frame = 6;
	assert_false(frame_duplicate(w->pool, &ack));
	ack.at.frame = 7;
	assert_false(frame_duplicate(w->pool, &ack));
	ack.at.frame = 8;
	ack.ttl = 59;
	assert_true(frame_duplicate(w->pool, &ack));
}

static void retransmission_and_its_stall(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	for (uint32_t i = 0; i < 20; i++)
		sends(w, S, ACK, 1 + i, 1, "x");
	wait_ms(w, 299);
	sends(w, S, ACK, 1, 1, "x");
	assert_int_equal(VALUE(w, VAIN_SENDS), 2);
	assert_false(SET(w, STALLED));
	sends(w, C, ACK, 1, 21, "");
	assert_int_equal(VALUE(w, RETRANSMITTED), 1);
	assert_int_equal(VALUE(w, RETRANSMITTED_SHARE), 50);
	assert_int_equal(VALUE(w, DATA_SEGMENTS), 20);
	assert_int_equal(VALUE(w, STALLED), 319 * MILLISECOND);
	assert_false(SET(w, VAIN_SENDS));
}

static void lost_before_the_capture(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 4, 1, "def");
	wait_ms(w, 250);
	assert_true(sends(w, C, ACK, 1, 1, "abc") & TCP_NEWS_RETRANSMISSION);
	assert_string_equal(w->got[C], "abcdef");
}

static void keep_alives(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "abc");
	sends(w, C, ACK, 1, 4, "");
	for (int i = 0; i < 3; i++) {
		wait_ms(w, 60000);
		assert_true(sends(w, S, ACK, 3, 1, i ? "" : "c") & TCP_NEWS_KEEPALIVE);
		sends(w, C, ACK, 1, 4, "");
	}
	assert_false(SET(w, RETRANSMITTED) || SET(w, VAIN_SENDS) || SET(w, ZERO_WINDOW_PROBES));
	sends(w, S, ACK, 4, 1, "def");
	assert_string_equal(w->got[S], "abcdef");
}

static void keep_alives_in_vain(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "abc");
	sends(w, C, ACK, 1, 4, "");
	for (int i = 0; i < 4; i++) {
		wait_ms(w, 1000);
		sends(w, S, ACK, 3, 1, "");
	}
	assert_int_equal(VALUE(w, VAIN_SENDS), 4);
	assert_int_equal(VALUE(w, VAIN_SIDE), WORD_side_server);
	assert_true(VALUE(w, VAIN_SPAN) >= 3 * SECOND);
	sends(w, C, ACK, 1, 4, ""); /* there it is again */
	assert_false(SET(w, VAIN_SENDS));
	wait_ms(w, 1000);
	sends(w, S, ACK, 3, 1, "");
	assert_false(SET(w, VAIN_SENDS));
}

static void zero_window(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "abc");
	w->p.window = 0;
	sends(w, C, ACK, 1, 4, "");
	for (int i = 0; i < 4; i++) {
		wait_ms(w, 500);
		assert_true(sends(w, S, ACK, 3, 1, "") & TCP_NEWS_KEEPALIVE);
		w->p.window = 0;
		sends(w, C, ACK, 1, 4, "");
	}
	assert_true(VALUE(w, ZERO_WINDOW_OPEN));
	assert_int_equal(VALUE(w, ZERO_WINDOW_PROBES), 4);
	assert_int_equal(VALUE(w, ZERO_WINDOW_SIDE), WORD_side_client);
	assert_int_equal(facts(w, 10000)[FACT_ZERO_WINDOW].value, 12008 * MILLISECOND);
	assert_false(SET(w, RETRANSMITTED) || SET(w, VAIN_SENDS));
	sends(w, C, ACK, 1, 4, "");
	assert_false(SET(w, ZERO_WINDOW_OPEN));
	assert_int_equal(facts(w, 10000)[FACT_ZERO_WINDOW].value, 2009 * MILLISECOND);
}

/* A probe that carries a new byte, refused and sent again with the rest. */
static void probes_of_a_byte(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	w->p.window = 0;
	sends(w, C, ACK, 1, 1, "a");
	for (int i = 0; i < 3; i++) {
		wait_ms(w, 1000);
		sends(w, S, ACK, 1, 2, "x");
		w->p.window = 0;
		sends(w, C, ACK, 2, 1, "");
	}
	assert_int_equal(VALUE(w, ZERO_WINDOW_PROBES), 3);
	sends(w, C, ACK, 2, 1, "");
	sends(w, S, ACK, 1, 2, "xyz");
	sends(w, C, ACK, 2, 4, "");
	assert_string_equal(w->got[S], "xyz");
	assert_false(SET(w, RETRANSMITTED) || SET(w, VAIN_SENDS));
}

/* --- in vain --- */

static void data_in_vain(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "* OK");
	sends(w, C, ACK, 1, 5, "");
	wait_ms(w, 1800000 - 1);
	sends(w, C, ACK, 1, 5, "NOOP");
	wait_ms(w, 299);
	sends(w, C, ACK, 1, 5, "NOOP");
	wait_ms(w, 2999);
	sends(w, C, ACK, 1, 5, "NOOP");
	assert_int_equal(VALUE(w, VAIN_SENDS), 3);
	assert_int_equal(VALUE(w, VAIN_SPAN), 3300 * MILLISECOND);
	assert_int_equal(VALUE(w, VAIN_SIDE), WORD_side_client);
	assert_int_equal(VALUE(w, VAIN_QUIET), 1800 * SECOND);
	assert_int_equal(VALUE(w, CLIENT_UNACKED), 4);
	assert_int_equal(facts(w, 5000)[FACT_VAIN_SILENCE].value, 8300 * MILLISECOND);
	assert_false(SET(w, VAIN_FIN_ONLY) || SET(w, VAIN_FULL_SIZE));
	assert_int_equal(facts(w, 0)[FACT_VAIN_SENDS].at.frame, 6);
	sends(w, S, ACK, 5, 5, "");
	assert_false(SET(w, VAIN_SENDS) || SET(w, CLIENT_UNACKED));
}

static void fin_in_vain(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 1, 1, "x");
	sends(w, S, ACK, 1, 2, "");
	sends(w, C, FIN | ACK, 2, 1, "");
	wait_ms(w, 400);
	sends(w, C, FIN | ACK, 2, 1, "");
	assert_int_equal(VALUE(w, VAIN_SENDS), 2);
	assert_true(VALUE(w, VAIN_FIN_ONLY));
	assert_false(SET(w, RETRANSMITTED) || SET(w, CLIENT_UNACKED));
	/* data and FIN, only the data is acknowledged */
	w = begin(state);
	handshake(w);
	sends(w, C, FIN | ACK, 1, 1, "x");
	sends(w, S, ACK, 1, 2, "");
	assert_true(VALUE(w, VAIN_FIN_ONLY));
	sends(w, S, ACK, 1, 3, "");
	assert_false(SET(w, VAIN_SENDS));
}

static void full_size_in_vain(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends_n(w, C, 1, 1, 200);
	sends(w, S, ACK, 1, 201, "");
	sends_n(w, S, 1, 201, 1448);
	sends_n(w, S, 1449, 201, 1448);
	sends_n(w, S, 2897, 201, 300);
	assert_false(SET(w, VAIN_FULL_SIZE)); /* the small one was not told to have arrived */
	w->p.has_sack = true;
	w->p.sack_left = w->isn[S] + 2897;
	w->p.sack_right = w->isn[S] + 3197;
	sends(w, C, ACK, 201, 1, "");
	for (int i = 0; i < 3; i++) {
		wait_ms(w, 300 << i);
		sends_n(w, S, 1, 201, 1448);
	}
	assert_true(VALUE(w, VAIN_FULL_SIZE));
	assert_int_equal(VALUE(w, VAIN_SENDS), 4);
	sends(w, C, ACK, 201, 3197, "");
	assert_false(SET(w, VAIN_FULL_SIZE));
	/* full segments have passed: another trouble */
	sends_n(w, S, 3197, 201, 1448);
	wait_ms(w, 300);
	sends_n(w, S, 3197, 201, 1448);
	assert_true(SET(w, VAIN_SENDS));
	assert_false(SET(w, VAIN_FULL_SIZE));
}

static void a_lone_hello_fills_no_segment(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends_n(w, C, 1, 1, 517);
	wait_ms(w, 200);
	sends_n(w, C, 1, 1, 517);
	assert_int_equal(VALUE(w, VAIN_SENDS), 2);
	assert_false(SET(w, VAIN_FULL_SIZE));
}

/* Behind the place where full segments vanish only the jump of the sequence number tells of them. */
static void sent_but_never_seen(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends_n(w, S, 1, 1, 100);
	sends(w, C, ACK, 1, 101, "FETCH");
	sends(w, S, ACK, 101, 6, "");
	wait_ms(w, 20000);
	sends(w, C, FIN | ACK, 6, 101, "");
	sends(w, S, ACK, 9000, 7, "");
	assert_int_equal(VALUE(w, SERVER_UNACKED), 8899);
	assert_int_equal(VALUE(w, VAIN_SIDE), WORD_side_server);
	assert_true(VALUE(w, VAIN_FULL_SIZE));
	assert_false(SET(w, LOST_BYTES));
	assert_int_equal(VALUE(w, MISSING), 8899);
	for (uint32_t at = 101; at < 9000; at += 2000) /* sent again, and this time it comes by */
		sends_n(w, S, at, 7, at + 2000 < 9000 ? 2000 : 9000 - at);
	assert_false(SET(w, MISSING));
}

/* --- resets --- */

static void reset_of_a_stale_connection(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "* OK");
	sends(w, C, ACK, 1, 5, "");
	wait_ms(w, 1799999);
	sends(w, C, ACK, 1, 5, "NOOP");
	wait_ms(w, 9);
	assert_int_equal(sends(w, S, RST, 5, 0, "") & (TCP_NEWS_ENDED | TCP_NEWS_RESET), TCP_NEWS_ENDED | TCP_NEWS_RESET);
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_reset);
	assert_true(VALUE(w, RESET_ANSWERS_DATA));
	assert_int_equal(VALUE(w, RESET_QUIET), 1800 * SECOND);
	assert_true(SET(w, RESET_TTL_DIFFERENCE));
	assert_int_equal(VALUE(w, RESET_TTL_DIFFERENCE), 0);
	assert_false(SET(w, RESET_BEHIND) || SET(w, RESET_ODD_ACK) || SET(w, RESET_NO_OPTIONS) || SET(w, RESET_AFTER_FIN) || SET(w, RESET_SOON));
	assert_int_equal(VALUE(w, SERVER_RST), 1);
}

static void reset_of_a_keep_alive(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "* OK");
	sends(w, C, ACK, 1, 5, "");
	wait_ms(w, 7199999);
	sends(w, S, ACK, 4, 1, "");
	sends(w, C, RST, 1, 0, "");
	assert_int_equal(VALUE(w, RESET_QUIET), 7200 * SECOND);
	assert_false(SET(w, RESET_ANSWERS_DATA));
}

/* What was under way when the server aborted is still acknowledged: each acknowledgement meets a socket that is closed. */
static void resets_for_late_acknowledgements(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	for (uint32_t at = 1; at < 5000; at += 1000)
		sends_n(w, S, at, 1, 1000);
	sends(w, S, RST | ACK, 5001, 1, "");
	for (uint32_t at = 1001; at <= 4001; at += 1000) {
		sends(w, C, ACK, 1, at, "");
		sends(w, S, RST, at, 0, "");
	}
	assert_false(SET(w, RESET_RISING));
}

static void forged_reset(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "* OK server");
	sends(w, C, ACK, 1, 12, "");
	wait_ms(w, 50);
	sends(w, C, ACK, 1, 12, "a LOGIN");
	w->p.ttl = 62;
	assert_true(sends(w, S, RST | ACK, 12, 8, "") & TCP_NEWS_ENDED);
	assert_int_equal(VALUE(w, RESET_TTL_DIFFERENCE), 5);
	assert_true(VALUE(w, RESET_NO_OPTIONS));
	assert_true(VALUE(w, RESET_SOON)); /* 1 ms; the path to the server takes 11 */
	assert_false(SET(w, RESET_ANSWERS_DATA));
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_reset);
	wait_ms(w, 10);
	sends(w, S, ACK, 12, 8, "a OK");
	assert_int_equal(VALUE(w, RESET_THEN_DATA), 1);
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_reset); /* nobody took it yet */
	assert_true(sends(w, C, ACK, 8, 16, "") & TCP_NEWS_REVIVED);
	assert_int_equal(VALUE(w, ENDED), WORD_end_open);
	assert_false(tcp_closed(&w->tcp));
	sends(w, C, FIN | ACK, 8, 16, "");
	sends(w, S, FIN | ACK, 16, 9, "");
	assert_true(sends(w, C, ACK, 9, 17, "") & TCP_NEWS_ENDED);
	assert_int_equal(VALUE(w, ENDED), WORD_end_client_fin);
	assert_string_equal(w->got[S], "* OK servera OK$");
}

static void resets_behind_and_odd(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 1, 1, "x");
	sends(w, S, ACK, 1, 2, "* OK server");
	sends(w, S, RST | ACK, 1, 2, "");
	assert_true(VALUE(w, RESET_BEHIND));
	assert_false(SET(w, RESET_ODD_ACK));
	w = begin(state);
	handshake(w);
	sends(w, C, ACK, 1, 1, "x");
	sends(w, S, RST | ACK, 1, 5000, "");
	assert_true(VALUE(w, RESET_ODD_ACK));
	assert_false(SET(w, RESET_BEHIND));
	/* bare, at what the other side has acknowledged: how any host answers */
	w = begin(state);
	handshake(w);
	sends(w, C, ACK, 1, 1, "LOGOUT");
	sends(w, S, ACK, 1, 1, "late");
	sends(w, C, RST, 1, 0, "");
	assert_false(SET(w, RESET_BEHIND));
}

static void resets_to_both(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 1, 1, "x");
	w->p.ttl = 62;
	sends(w, S, RST | ACK, 1, 2, "");
	w->p.ttl = 62;
	sends(w, C, RST | ACK, 2, 1, "");
	assert_true(VALUE(w, RESET_BOTH));
	assert_int_equal(VALUE(w, CLIENT_RST), 1);
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_reset);
}

/* A closed socket answers frames that were under way, each by its own acknowledgement. */
static void bare_reset_by_an_older_acknowledgement(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "late");
	sends(w, C, ACK, 1, 1, "QUIT");
	sends(w, S, ACK, 5, 5, "answer");
	sends(w, C, ACK, 5, 11, "more");
	sends(w, S, RST, 5, 0, "");
	assert_false(SET(w, RESET_BEHIND) || SET(w, RESET_NO_OPTIONS));
	/* all of the client's was answered: nothing of it is under way */
	w = begin(state);
	handshake(w);
	sends(w, C, ACK, 1, 1, "QUIT");
	sends(w, S, ACK, 1, 5, "answer");
	sends(w, C, ACK, 5, 7, "");
	sends(w, S, RST, 1, 0, "");
	assert_true(VALUE(w, RESET_BEHIND));
}

/* The client's host believed the first and resets what the server goes on sending. */
static void answered_reset_is_not_both(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, ACK, 1, 1, "x");
	sends(w, S, RST | ACK, 1, 2, "");
	sends(w, S, ACK, 1, 2, "* OK");
	sends(w, C, RST, 2, 0, "");
	assert_false(SET(w, RESET_BOTH));
	assert_int_equal(VALUE(w, RESET_THEN_DATA), 1);
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_reset);
}

static void resets_of_normal_closings(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, C, FIN | ACK, 1, 1, "");
	sends(w, S, ACK, 1, 2, "* BYE");
	assert_true(sends(w, C, RST, 2, 0, "") & TCP_NEWS_ENDED);
	assert_int_equal(VALUE(w, ENDED), WORD_end_client_fin);
	assert_true(VALUE(w, RESET_AFTER_FIN));
	/* after both FINs */
	w = begin(state);
	handshake(w);
	sends(w, S, FIN | ACK, 1, 1, "");
	sends(w, C, FIN | ACK, 1, 2, "");
	sends(w, S, ACK, 2, 2, "");
	assert_true(tcp_closed(&w->tcp));
	sends(w, S, RST, 2, 0, "");
	assert_int_equal(VALUE(w, ENDED), WORD_end_server_fin);
	assert_false(SET(w, RESET_BEHIND) || SET(w, RESET_THEN_DATA) || SET(w, RESET_BOTH));
}

static void reset_out_of_window(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends(w, S, ACK, 1, 1, "* OK");
	assert_int_equal(sends(w, S, RST, 0x20000000, 0, ""), TCP_NEWS_RESET);
	assert_int_equal(VALUE(w, ENDED), WORD_end_open);
	assert_false(tcp_closed(&w->tcp));
	sends(w, C, ACK, 1, 5, "go on");
	sends(w, S, ACK, 5, 6, "fine");
	assert_true(VALUE(w, RESET_THEN_DATA) >= 1);
	assert_string_equal(w->got[S], "* OKfine");
}

static void ttl_of_a_syn_proxy(void **state)
{
	struct world *w = begin(state);

	w->ttl[S] = 250;
	handshake(w);
	w->ttl[S] = 57;
	sends(w, S, ACK, 1, 1, "* OK");
	sends(w, S, RST | ACK, 5, 1, "");
	assert_int_equal(VALUE(w, RESET_TTL_DIFFERENCE), 0);
}

static void lone_reset(void **state)
{
	struct world *w = begin(state);

	sends(w, S, RST | ACK, 5, 1, "");
	assert_true(VALUE(w, MIDSTREAM));
	assert_false(SET(w, ESTABLISHED) || SET(w, RESET_TTL_DIFFERENCE) || SET(w, REFUSED));
}

static void icmp_errors(void **state)
{
	struct world *w = begin(state);

	sends(w, C, SYN, 0, 0, "");
	tcp_icmp(&w->tcp, WORD_icmp_admin_prohibited, C, &(struct packet){ .at = { w->now, ++w->frame, 0 }, .ttl = 61 });
	sends(w, C, SYN, 0, 0, "");
	tcp_icmp(&w->tcp, WORD_icmp_admin_prohibited, C, &(struct packet){ .at = { w->now, ++w->frame, 0 }, .ttl = 61 });
	assert_int_equal(VALUE(w, ICMP), WORD_icmp_admin_prohibited);
	assert_int_equal(VALUE(w, ICMP_COUNT), 2);
	assert_int_equal(facts(w, 0)[FACT_ICMP_COUNT].at.frame, 2);
	assert_false(SET(w, ICMP_PROGRESS));
	sends(w, S, SYN | ACK, 0, 1, "");
	assert_true(VALUE(w, ICMP_PROGRESS));
}

static void counts_for_reports(void **state)
{
	struct world *w = begin(state);
	struct tcp_round_trips rtt;

	handshake(w);
	sends_n(w, S, 1, 1, 1000);
	sends_n(w, S, 2001, 1, 1000);
	sends(w, C, ACK, 1, 1001, "");
	sends(w, C, ACK, 1, 1001, ""); /* the second tells that one is missing */
	w->p.window = 0;
	sends(w, C, ACK, 1, 1001, "");
	struct tcp_side_counts c = tcp_side_counts(&w->tcp, FROM_CLIENT), s = tcp_side_counts(&w->tcp, FROM_SERVER);
	assert_int_equal(c.duplicate_acks, 1);
	assert_int_equal(c.zero_windows, 1);
	assert_int_equal(s.data_segments, 2);
	assert_int_equal(s.duplicate_acks + s.zero_windows + s.out_of_order + s.retransmitted, 0);
	assert_true(tcp_round_trips(&w->tcp, &rtt));
	assert_true(rtt.least > 0 && rtt.least <= rtt.mean && rtt.mean <= rtt.most);
}

/* The acknowledgement had come by: the sender was in too much of a hurry, and nothing was lost. */
static void spurious_retransmissions_are_no_loss(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends_n(w, S, 1, 1, 100);
	sends(w, C, ACK, 1, 101, "");
	wait_ms(w, 300);
	sends_n(w, S, 1, 1, 100);
	struct tcp_side_counts s = tcp_side_counts(&w->tcp, FROM_SERVER);
	assert_int_equal(s.spurious, 1);
	assert_int_equal(s.retransmitted, 0);
	assert_false(SET(w, RETRANSMITTED));
}

/* Late by another path, or captured late: neither lost nor sent again. */
static void late_segments_are_counted(void **state)
{
	struct world *w = begin(state);

	handshake(w);
	sends_n(w, S, 1, 1, 100);
	sends_n(w, S, 201, 1, 100);
	sends_n(w, S, 101, 1, 100);
	struct tcp_side_counts s = tcp_side_counts(&w->tcp, FROM_SERVER);
	assert_int_equal(s.out_of_order, 1);
	assert_int_equal(s.retransmitted, 0);
}

static void small_enough(void **state)
{
	(void)state;
	assert_true(sizeof(struct tcp) <= 416);
}

/* Any split and any order of the segments of a text gives the text. */
static void every_order(void **state)
{
	static const char text[] = "abcdefghij";

	srand(4);
	for (int round = 0; round < 500; round++) {
		struct world *w = begin(state);
		int sent = 0;

		handshake(w);
		while (strlen(w->got[C]) < 10 && sent++ < 1000) {
			uint32_t at = (uint32_t)rand() % 10, n = 1 + (uint32_t)rand() % (10 - at);
			char piece[16];

			snprintf(piece, sizeof piece, "%.*s", (int)n, text + at);
			sends(w, C, ACK, 1 + at, 1, piece);
		}
		assert_string_equal(w->got[C], text);
		assert_int_equal(VALUE(w, CLIENT_BYTES), 10);
		tcp_release(&w->tcp);
		assert_int_equal(held_pool_counters(w->pool)->held_bytes, 0);
	}
}

/* --- */

static int small_numbers(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	w->isn[C] = 1000;
	w->isn[S] = 2000;
	w->pool = held_pool_create(1 << 20);
	tcp_init(&w->tcp, w->pool);
	*state = w;
	return 0;
}

static int wrapping_numbers(void **state)
{
	struct world *w;

	small_numbers(state);
	w = *state;
	w->isn[C] = 0xfffffffd;
	w->isn[S] = 0xfffffffe;
	return 0;
}

static int clear(void **state)
{
	struct world *w = *state;

	tcp_release(&w->tcp);
	held_pool_destroy(&w->pool);
	free(w);
	return 0;
}

#define TWICE(f) cmocka_unit_test_setup_teardown(f, small_numbers, clear), \
	{ #f " (wrapping)", f, wrapping_numbers, clear, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(handshake_and_close), TWICE(syns_unanswered), TWICE(refused), TWICE(bare_rst_refuses_nothing), TWICE(synacks_again),
		TWICE(fast_open), TWICE(split_handshakes), TWICE(used_anew), TWICE(same_frame_fed_again), TWICE(order_is_restored),
		TWICE(first_copy_wins), TWICE(acknowledged_holes_are_gaps), TWICE(captured_after_its_acknowledgement),
		TWICE(settle_at_the_end), TWICE(cut_by_the_snap_length), TWICE(caps_make_gaps), TWICE(full_pool), TWICE(stray_data_is_left),
		TWICE(midstream), TWICE(midstream_from_a_keep_alive), TWICE(one_side_only), TWICE(duplicates_count_once),
		TWICE(duplicates_without_identification), TWICE(retransmission_and_its_stall), TWICE(lost_before_the_capture),
		TWICE(keep_alives), TWICE(keep_alives_in_vain), TWICE(zero_window), TWICE(probes_of_a_byte), TWICE(data_in_vain), TWICE(fin_in_vain),
		TWICE(full_size_in_vain), TWICE(sent_but_never_seen), TWICE(a_lone_hello_fills_no_segment),
		TWICE(answered_reset_is_not_both), TWICE(bare_reset_by_an_older_acknowledgement), TWICE(reset_of_a_stale_connection), TWICE(reset_of_a_keep_alive), TWICE(resets_for_late_acknowledgements), TWICE(forged_reset),
		TWICE(resets_behind_and_odd), TWICE(resets_to_both), TWICE(resets_of_normal_closings), TWICE(reset_out_of_window),
		TWICE(ttl_of_a_syn_proxy), TWICE(lone_reset), TWICE(icmp_errors), TWICE(counts_for_reports), TWICE(late_segments_are_counted), TWICE(spurious_retransmissions_are_no_loss), TWICE(small_enough), TWICE(every_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
