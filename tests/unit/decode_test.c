/* Tests of decode: every link type, tunnel, fragment order, option and quote, and every length at which a frame can be cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "packet.h"

/* --- building frames --- */

struct build {
	uint8_t byte[70000];
	uint32_t len;
};

static void put(struct build *b, const void *data, uint32_t len)
{
	memcpy(b->byte + b->len, data, len);
	b->len += len;
}

static void put8(struct build *b, unsigned v)
{
	b->byte[b->len++] = (uint8_t)v;
}

static void put16(struct build *b, unsigned v)
{
	put8(b, v >> 8);
	put8(b, v);
}

static void put32(struct build *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v);
}

static void set16(struct build *b, uint32_t at, unsigned v)
{
	b->byte[at] = (uint8_t)(v >> 8);
	b->byte[at + 1] = (uint8_t)v;
}

static void fill(struct build *b, uint32_t n, unsigned v)
{
	while (n--)
		put8(b, v);
}

static void put_ethernet(struct build *b, unsigned type)
{
	put(b, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
	put16(b, type);
}

/* Returns where it starts, for close_v4. */
static uint32_t put_v4(struct build *b, unsigned protocol)
{
	uint32_t at = b->len;

	put16(b, 0x4500);
	put16(b, 0);
	put16(b, 0x1234);
	put16(b, 0x4000);
	put8(b, 61);
	put8(b, protocol);
	put16(b, 0);
	put(b, "\xc0\0\2\1\xc6\x33\x64\2", 8);
	return at;
}

static void close_v4(struct build *b, uint32_t at)
{
	set16(b, at + 2, b->len - at);
}

static uint32_t put_v6(struct build *b, unsigned next)
{
	uint32_t at = b->len;

	put32(b, 0x60000000);
	put16(b, 0);
	put8(b, next);
	put8(b, 57);
	put(b, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 32);
	return at;
}

static void close_v6(struct build *b, uint32_t at)
{
	set16(b, at + 4, b->len - at - 40);
}

static void put_tcp_with(struct build *b, unsigned flags, const void *option, uint32_t options)
{
	put16(b, 40000);
	put16(b, 143);
	put32(b, 0x01020304);
	put32(b, 0x0a0b0c0d);
	put8(b, (20 + options) / 4 << 4);
	put8(b, flags);
	put16(b, 4096);
	put32(b, 0);
	put(b, option, options);
}

static const char timestamps[] = "\1\1\x08\x0a\0\0\0\x11\0\0\0\x22";

static void put_tcp(struct build *b)
{
	put_tcp_with(b, TCP_ACK | TCP_PSH, timestamps, 12);
	put(b, "a1 NOOP\r\n", 9);
}

static uint32_t put_udp(struct build *b, unsigned source, unsigned destination)
{
	uint32_t at = b->len;

	put16(b, source);
	put16(b, destination);
	put32(b, 0);
	return at;
}

static void close_udp(struct build *b, uint32_t at)
{
	set16(b, at + 4, b->len - at);
}

static void put_v4_tcp(struct build *b)
{
	uint32_t at = put_v4(b, 6);

	put_tcp(b);
	close_v4(b, at);
}

static void put_inner_frame(struct build *b)
{
	put_ethernet(b, 0x0800);
	put_v4_tcp(b);
}

static void put_v6_tcp(struct build *b)
{
	uint32_t at = put_v6(b, 6);

	put_tcp(b);
	close_v6(b, at);
}

/* --- looking at what came out --- */

struct run {
	struct decoder *decoder;
	struct build frame;
	struct packet p;
};

static struct run *run_create(void)
{
	struct run *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->decoder = decoder_create();
	assert_non_null(r->decoder);
	return r;
}

static void run_destroy(struct run *r)
{
	decoder_destroy(&r->decoder);
	assert_null(r->decoder);
	free(r);
}

static enum decode_status run_at(struct run *r, uint16_t link, uint32_t captured, nanoseconds time)
{
	memset(&r->p, 0xee, sizeof r->p); /* what decode forgets to set shows */
	return decode(r->decoder, link, r->frame.byte, captured, r->frame.len, (struct moment){ time, 7, 0 }, &r->p);
}

static enum decode_status run(struct run *r, uint16_t link)
{
	return run_at(r, link, r->frame.len, SECOND);
}

static void is_tcp(const struct packet *p, unsigned family)
{
	assert_int_equal(p->transport, TRANSPORT_TCP);
	assert_int_equal(p->at.frame, 7);
	assert_int_equal(p->source.family, family);
	assert_int_equal(p->destination.family, family);
	assert_memory_equal(p->source.byte, family == 4 ? "\xc0\0\2\1\0\0\0\0\0\0\0\0\0\0\0\0" : "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_memory_equal(p->destination.byte, family == 4 ? "\xc6\x33\x64\2\0\0\0\0\0\0\0\0\0\0\0\0" : "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	assert_int_equal(p->ttl, family == 4 ? 61 : 57);
	assert_int_equal(p->ip_id, family == 4 ? 0x1234 : 0);
	assert_int_equal(p->source_port, 40000);
	assert_int_equal(p->destination_port, 143);
	assert_int_equal(p->sequence, 0x01020304);
	assert_int_equal(p->acknowledgement, 0x0a0b0c0d);
	assert_int_equal(p->window, 4096);
	assert_int_equal(p->flags, TCP_ACK | TCP_PSH);
	assert_true(p->has_timestamps);
	assert_int_equal(p->timestamp, 0x11);
	assert_int_equal(p->timestamp_echo, 0x22);
	assert_int_equal(p->window_scale, 255);
	assert_int_equal(p->mss, 0);
	assert_false(p->sack_permitted);
	assert_false(p->has_sack);
	assert_false(p->truncated);
	assert_int_equal(p->payload.len, 9);
	assert_int_equal(p->payload_wire, 9);
	assert_memory_equal(p->payload.data, "a1 NOOP\r\n", 9);
	assert_false(p->quotes);
	assert_int_equal(p->icmp_type, 0);
	assert_int_equal(p->quoted_source.family, 0);
	assert_int_equal(p->quoted_payload.len, 0);
}

/* Decodes what was built, expects that TCP packet and starts anew. */
static void gives_tcp(struct run *r, uint16_t link, unsigned family, unsigned encapsulation)
{
	assert_int_equal(run(r, link), DECODE_PACKET);
	is_tcp(&r->p, family);
	assert_int_equal(r->p.encapsulation, encapsulation);
	assert_false(r->p.fragmented);
	r->frame.len = 0;
}

static void gives(struct run *r, uint16_t link, enum decode_status status)
{
	assert_int_equal(run(r, link), status);
	r->frame.len = 0;
}

/* --- link types --- */

static void ethernet(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_ethernet(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	fill(&r->frame, 10, 0); /* padding, which is not payload */
	gives_tcp(r, 1, 4, 0);
	put_ethernet(&r->frame, 0x86dd);
	put_v6_tcp(&r->frame);
	fill(&r->frame, 4, 0xff);
	gives_tcp(r, 1, 6, 0);
	put_ethernet(&r->frame, 0x0806);
	fill(&r->frame, 28, 0);
	gives(r, 1, DECODE_NOT_OURS);
	put_ethernet(&r->frame, 8 + 61); /* 802.3 with SNAP */
	put(&r->frame, "\xaa\xaa\x03\0\0\0\x08\0", 8);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 1, 4, 0);
	put_ethernet(&r->frame, 38); /* spanning tree */
	fill(&r->frame, 46, 0x42);
	gives(r, 1, DECODE_NOT_OURS);
	assert_int_equal(decoder_counters(r->decoder)->not_ip, 2);
	assert_int_equal(decoder_counters(r->decoder)->packets, 3);
	run_destroy(r);
}

static void vlan(void **state)
{
	static const uint16_t types[] = { 0x8100, 0x88a8, 0x9100 };
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		put_ethernet(&r->frame, types[i]);
		put16(&r->frame, 100);
		put16(&r->frame, 0x0800);
		put_v4_tcp(&r->frame);
		gives_tcp(r, 1, 4, ENCAPSULATED_VLAN);
	}
	put_ethernet(&r->frame, 0x88a8);
	put32(&r->frame, 5 << 16 | 0x8100);
	put32(&r->frame, 6 << 16 | 0x86dd);
	put_v6_tcp(&r->frame);
	gives_tcp(r, 1, 6, ENCAPSULATED_VLAN);
	put_ethernet(&r->frame, 0x8926); /* VN-Tag between VLAN tags */
	put32(&r->frame, 0x40030001);
	put32(&r->frame, 0x81000007);
	put16(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 1, 4, ENCAPSULATED_VLAN);
	put_ethernet(&r->frame, 0x893f); /* E-tag */
	fill(&r->frame, 6, 1);
	put16(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 1, 4, ENCAPSULATED_VLAN);
	put_ethernet(&r->frame, 0x88e7); /* backbone service tag */
	put32(&r->frame, 77);
	put_inner_frame(&r->frame);
	gives_tcp(r, 1, 4, ENCAPSULATED_VLAN);
	put_ethernet(&r->frame, 0x8100);
	for (int i = 0; i < 20; i++)
		put32(&r->frame, 0x00018100);
	gives(r, 1, DECODE_NOT_OURS);
	assert_int_equal(decoder_counters(r->decoder)->too_deep, 1);
	run_destroy(r);
}

static void cooked(void **state)
{
	struct run *r = run_create();

	(void)state;
	put(&r->frame, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0", 14);
	put16(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 113, 4, ENCAPSULATED_COOKED);
	put(&r->frame, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0", 14);
	put16(&r->frame, 0x8100);
	put32(&r->frame, 0x000586dd);
	put_v6_tcp(&r->frame);
	gives_tcp(r, 113, 6, ENCAPSULATED_COOKED | ENCAPSULATED_VLAN);
	put16(&r->frame, 0x86dd);
	put(&r->frame, "\0\0\0\0\0\2\0\1\0\6\2\0\0\0\0\1\0\0", 18);
	put_v6_tcp(&r->frame);
	gives_tcp(r, 276, 6, ENCAPSULATED_COOKED);
	put16(&r->frame, 0x0001); /* one of Linux's own */
	fill(&r->frame, 60, 0);
	gives(r, 276, DECODE_NOT_OURS);
	run_destroy(r);
}

static void raw(void **state)
{
	static const uint16_t links[] = { 12, 14, 101 };
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		put_v4_tcp(&r->frame);
		gives_tcp(r, links[i], 4, 0);
		put_v6_tcp(&r->frame);
		gives_tcp(r, links[i], 6, 0);
	}
	put_v4_tcp(&r->frame);
	gives_tcp(r, 228, 4, 0);
	put_v6_tcp(&r->frame);
	gives_tcp(r, 229, 6, 0);
	put_v4_tcp(&r->frame);
	gives(r, 229, DECODE_MALFORMED);
	put_v4_tcp(&r->frame);
	gives(r, 147, DECODE_UNKNOWN_LINK);
	assert_int_equal(decoder_counters(r->decoder)->unknown_link, 1);
	assert_int_equal(decoder_counters(r->decoder)->malformed, 1);
	run_destroy(r);
}

static void loopback(void **state)
{
	static const uint8_t v6[] = { 10, 24, 28, 30 };
	struct run *r = run_create();

	(void)state;
	for (uint16_t link = 0; link <= 108; link += 108) {
		put32(&r->frame, 2);
		put_v4_tcp(&r->frame);
		gives_tcp(r, link, 4, 0);
		put32(&r->frame, 2u << 24);
		put_v4_tcp(&r->frame);
		gives_tcp(r, link, 4, 0);
		for (unsigned i = 0; i < sizeof v6; i++) {
			put32(&r->frame, v6[i]);
			put_v6_tcp(&r->frame);
			gives_tcp(r, link, 6, 0);
			put32(&r->frame, (uint32_t)v6[i] << 24);
			put_v6_tcp(&r->frame);
			gives_tcp(r, link, 6, 0);
		}
	}
	put32(&r->frame, 7);
	gives(r, 0, DECODE_NOT_OURS);
	run_destroy(r);
}

static void ppp(void **state)
{
	struct run *r = run_create();

	(void)state;
	put32(&r->frame, 0xff030021);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 9, 4, 0);
	put16(&r->frame, 0x0057);
	put_v6_tcp(&r->frame);
	gives_tcp(r, 9, 6, 0);
	put8(&r->frame, 0x21); /* compressed protocol */
	put_v4_tcp(&r->frame);
	gives_tcp(r, 50, 4, 0);
	put32(&r->frame, 0x0f000800); /* Cisco HDLC */
	put_v4_tcp(&r->frame);
	gives_tcp(r, 50, 4, 0);
	put32(&r->frame, 0xff03c021); /* LCP */
	fill(&r->frame, 8, 0);
	gives(r, 50, DECODE_NOT_OURS);
	run_destroy(r);
}

static void pppoe(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_ethernet(&r->frame, 0x8864);
	put32(&r->frame, 0x11000042);
	put16(&r->frame, 2 + 61);
	put16(&r->frame, 0x0021);
	put_v4_tcp(&r->frame);
	fill(&r->frame, 3, 0);
	gives_tcp(r, 1, 4, ENCAPSULATED_PPPOE);
	put_ethernet(&r->frame, 0x8863);
	fill(&r->frame, 46, 0);
	gives(r, 1, DECODE_NOT_OURS);
	put_ethernet(&r->frame, 0x8864);
	fill(&r->frame, 46, 0);
	gives(r, 1, DECODE_MALFORMED);
	run_destroy(r);
}

static void mpls(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_ethernet(&r->frame, 0x8847);
	put32(&r->frame, 0x00012040);
	put32(&r->frame, 0x00013140); /* bottom of the stack */
	put_v4_tcp(&r->frame);
	gives_tcp(r, 1, 4, ENCAPSULATED_MPLS);
	put_ethernet(&r->frame, 0x8848);
	put32(&r->frame, 0x00013140);
	put_v6_tcp(&r->frame);
	gives_tcp(r, 1, 6, ENCAPSULATED_MPLS);
	put_ethernet(&r->frame, 0x8847); /* a pseudowire with its control word, */
	put32(&r->frame, 0x00013140);
	put32(&r->frame, 0);
	put_ethernet(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 1, 4, ENCAPSULATED_MPLS);
	put_ethernet(&r->frame, 0x8847); /* and without */
	put32(&r->frame, 0x00013140);
	put_ethernet(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	gives_tcp(r, 1, 4, ENCAPSULATED_MPLS);
	run_destroy(r);
}

/* --- tunnels --- */

/* Ethernet and IPv4 of a tunnel; close_v4(&r->frame, 14) ends it. */
static void put_outer(struct build *b, unsigned protocol)
{
	put_ethernet(b, 0x0800);
	put_v4(b, protocol);
	b->byte[14 + 12] = 10; /* other addresses than inside */
	b->byte[14 + 8] = 200;
}

static void gre(void **state)
{
	struct run *r = run_create();

	(void)state;
	for (unsigned flags = 0; flags < 16; flags++) {
		put_outer(&r->frame, 47);
		put16(&r->frame, flags << 12);
		put16(&r->frame, 0x0800);
		if (flags & 12)
			put32(&r->frame, 0);
		if (flags & 2)
			put32(&r->frame, 1);
		if (flags & 1)
			put32(&r->frame, 2);
		if (flags & 4) { /* one route and the empty one */
			put32(&r->frame, 0x08000004);
			put32(&r->frame, 0x0a000001);
			put32(&r->frame, 0);
		}
		put_v4_tcp(&r->frame);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	}
	put_outer(&r->frame, 47);
	put32(&r->frame, 0x000086dd);
	put_v6_tcp(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 6, ENCAPSULATED_GRE);
	put_outer(&r->frame, 47);
	put32(&r->frame, 0x20006558);
	put32(&r->frame, 77);
	put_inner_frame(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	for (unsigned version = 1; version <= 2; version++) { /* WCCP */
		put_outer(&r->frame, 47);
		put32(&r->frame, 0x0000883e);
		if (version == 2)
			put32(&r->frame, 0x00000100);
		put_v4_tcp(&r->frame);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	}
	put_outer(&r->frame, 47); /* a keepalive */
	put32(&r->frame, 0);
	close_v4(&r->frame, 14);
	gives(r, 1, DECODE_NOT_OURS);
	put_outer(&r->frame, 47);
	put32(&r->frame, 0x00050800);
	close_v4(&r->frame, 14);
	gives(r, 1, DECODE_MALFORMED);
	run_destroy(r);
}

static void erspan(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_outer(&r->frame, 47); /* I */
	put32(&r->frame, 0x000088be);
	put_inner_frame(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	put_outer(&r->frame, 47); /* II */
	put32(&r->frame, 0x100088be);
	put32(&r->frame, 9);
	put32(&r->frame, 0x10010001);
	put32(&r->frame, 0);
	put_inner_frame(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	for (unsigned last = 0; last < 2; last++) { /* III without and with the subheader */
		put_outer(&r->frame, 47);
		put32(&r->frame, 0x100022eb);
		put32(&r->frame, 9);
		put32(&r->frame, 0x20010001);
		put32(&r->frame, 0);
		put32(&r->frame, last);
		fill(&r->frame, last * 8, 0x33);
		put_inner_frame(&r->frame);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	}
	put_outer(&r->frame, 47); /* III around bare IP */
	put32(&r->frame, 0x100022eb);
	put32(&r->frame, 9);
	fill(&r->frame, 10, 0x20);
	put16(&r->frame, 2 << 10);
	put_v6_tcp(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 6, ENCAPSULATED_GRE);
	run_destroy(r);
}

static void pptp(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_outer(&r->frame, 47);
	put32(&r->frame, 0x3081880b);
	put16(&r->frame, 4 + 61);
	put16(&r->frame, 3);
	put32(&r->frame, 1);
	put32(&r->frame, 2);
	put32(&r->frame, 0xff030021);
	put_v4_tcp(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 4, ENCAPSULATED_GRE);
	put_outer(&r->frame, 47); /* an acknowledgement alone */
	put32(&r->frame, 0x2081880b);
	put32(&r->frame, 3);
	put32(&r->frame, 2);
	close_v4(&r->frame, 14);
	gives(r, 1, DECODE_NOT_OURS);
	run_destroy(r);
}

static void ip_in_ip(void **state)
{
	struct run *r = run_create();
	uint32_t at;

	(void)state;
	put_outer(&r->frame, 4);
	put_v4_tcp(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 4, ENCAPSULATED_IPIP);
	put_outer(&r->frame, 41);
	put_v6_tcp(&r->frame);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 6, ENCAPSULATED_IPIP);
	at = put_v6(&r->frame, 4);
	put_v4_tcp(&r->frame);
	close_v6(&r->frame, at);
	gives_tcp(r, 101, 4, ENCAPSULATED_IPIP);
	for (int i = 0; i < 30; i++)
		set16(&r->frame, put_v4(&r->frame, 4) + 2, 1000);
	gives(r, 101, DECODE_NOT_OURS);
	assert_int_equal(decoder_counters(r->decoder)->too_deep, 1);
	run_destroy(r);
}

static void udp_tunnels(void **state)
{
	static const uint16_t ports[] = { 4789, 8472 };
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		put_outer(&r->frame, 17);
		put_udp(&r->frame, 55555, ports[i]);
		put32(&r->frame, 0x08000000);
		put32(&r->frame, 0x00000500);
		put_inner_frame(&r->frame);
		close_udp(&r->frame, 34);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, 4, ENCAPSULATED_VXLAN);
	}
	for (unsigned options = 0; options < 3; options++) {
		put_outer(&r->frame, 17);
		put_udp(&r->frame, 55555, 6081);
		put16(&r->frame, options << 8);
		put16(&r->frame, 0x6558);
		put32(&r->frame, 0x00000500);
		fill(&r->frame, options * 4, 1);
		put_inner_frame(&r->frame);
		close_udp(&r->frame, 34);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, 4, ENCAPSULATED_GENEVE);
	}
	put_outer(&r->frame, 17);
	put_udp(&r->frame, 55555, 6081);
	put32(&r->frame, 0x000086dd);
	put32(&r->frame, 0x00000500);
	put_v6_tcp(&r->frame);
	close_udp(&r->frame, 34);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 6, ENCAPSULATED_GENEVE);
	run_destroy(r);
}

static void udp_tunnels_that_name_their_load(void **state)
{
	static const struct { uint16_t port; uint32_t first, second; unsigned family, encapsulation; } kinds[] = {
		{ 4790, 0x0c000001, 0x00000500, 4, ENCAPSULATED_VXLAN }, { 4790, 0x0c000002, 0x00000500, 6, ENCAPSULATED_VXLAN },
		{ 4754, 0x20000800, 0x00000007, 4, ENCAPSULATED_GRE },	 { 4754, 0x200086dd, 0x00000007, 6, ENCAPSULATED_GRE },
	};
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		put_outer(&r->frame, 17);
		put_udp(&r->frame, 55555, kinds[i].port);
		put32(&r->frame, kinds[i].first);
		put32(&r->frame, kinds[i].second);
		if (kinds[i].family == 4)
			put_v4_tcp(&r->frame);
		else
			put_v6_tcp(&r->frame);
		close_udp(&r->frame, 34);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, kinds[i].family, kinds[i].encapsulation);
	}
	for (unsigned extensions = 0; extensions < 3; extensions++) {
		put_outer(&r->frame, 17);
		put_udp(&r->frame, 55555, 2152);
		put8(&r->frame, extensions ? 0x34 : 0x30);
		put8(&r->frame, 0xff);
		put16(&r->frame, 0); /* the length, below */
		put32(&r->frame, 77);
		if (extensions)
			put32(&r->frame, 0x00000085);
		for (unsigned i = 1; i <= extensions; i++)
			put32(&r->frame, i < extensions ? 0x01000085 : 0x01000000);
		put_v4_tcp(&r->frame);
		set16(&r->frame, 44, r->frame.len - 50);
		close_udp(&r->frame, 34);
		close_v4(&r->frame, 14);
		gives_tcp(r, 1, 4, ENCAPSULATED_GTP);
	}
	put_outer(&r->frame, 17);
	put_udp(&r->frame, 55555, 4790);
	put32(&r->frame, 0x0c000003);
	put32(&r->frame, 0x00000500);
	put_inner_frame(&r->frame);
	close_udp(&r->frame, 34);
	close_v4(&r->frame, 14);
	gives_tcp(r, 1, 4, ENCAPSULATED_VXLAN);
	run_destroy(r);
}

/* A DNS answer to a client whose own port is a tunnel's. */
static void no_udp_tunnel(void **state)
{
	static const uint16_t ports[] = { 4789, 8472, 6081, 4790, 4754, 2152 };
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++) {
		put_outer(&r->frame, 17);
		put_udp(&r->frame, 53, ports[i]);
		put(&r->frame, "\x08\x00\x81\x80\0\1\0\1\0\0\0\0", 12);
		close_udp(&r->frame, 34);
		close_v4(&r->frame, 14);
		gives(r, 1, DECODE_PACKET);
		assert_int_equal(r->p.transport, TRANSPORT_UDP);
		assert_int_equal(r->p.payload.len, 12);
		assert_int_equal(r->p.encapsulation, 0);
	}
	run_destroy(r);
}

/* --- IP --- */

static void v4_lengths(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v4_tcp(&r->frame);
	set16(&r->frame, 2, 0); /* segmentation offload */
	gives_tcp(r, 228, 4, 0);
	put_v4_tcp(&r->frame);
	set16(&r->frame, 2, 19);
	gives(r, 228, DECODE_MALFORMED);
	put_v4_tcp(&r->frame);
	r->frame.byte[0] = 0x44;
	gives(r, 228, DECODE_MALFORMED);
	put_v4(&r->frame, 6); /* options of IP */
	fill(&r->frame, 12, 1);
	r->frame.byte[0] = 0x48;
	put_tcp(&r->frame);
	close_v4(&r->frame, 0);
	gives_tcp(r, 228, 4, 0);
	put_v4(&r->frame, 51); /* authenticated */
	put32(&r->frame, 0x06040000);
	fill(&r->frame, 20, 9);
	put_tcp(&r->frame);
	close_v4(&r->frame, 0);
	gives_tcp(r, 228, 4, 0);
	put_v4(&r->frame, 50); /* encrypted */
	fill(&r->frame, 40, 9);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_NOT_OURS);
	assert_int_equal(decoder_counters(r->decoder)->other_transport, 1);
	put_v4_tcp(&r->frame);
	set16(&r->frame, 2, 1500); /* the frame was cut before and its wire length with it */
	gives(r, 228, DECODE_PACKET);
	assert_true(r->p.truncated);
	assert_true(r->p.dont_fragment);
	assert_int_equal(r->p.payload.len, 9);
	assert_int_equal(r->p.payload_wire, 1500 - 52);
	run_destroy(r);
}

static void v6_extensions(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v6(&r->frame, 0);
	put(&r->frame, "\x3c\0\1\4\0\0\0\0", 8);          /* hop by hop, then destination */
	put(&r->frame, "\x2b\1\1\x0c\0\0\0\0\0\0\0\0\0\0\0\0", 16); /* then routing */
	put(&r->frame, "\x33\0\0\0\0\0\0\0", 8);          /* then authentication */
	put(&r->frame, "\x2c\4\0\0", 4);
	fill(&r->frame, 20, 9);
	put(&r->frame, "\x06\0\0\0\0\0\0\1", 8);          /* an atomic fragment */
	put_tcp(&r->frame);
	close_v6(&r->frame, 0);
	gives_tcp(r, 229, 6, 0);
	put_v6(&r->frame, 6);
	put_tcp(&r->frame); /* payload length 0 */
	gives_tcp(r, 229, 6, 0);
	put_v6(&r->frame, 59);
	gives(r, 229, DECODE_NOT_OURS);
	put_v6(&r->frame, 60);
	for (int i = 0; i < 100; i++)
		put(&r->frame, "\x3c\0\1\4\0\0\0\0", 8);
	close_v6(&r->frame, 0);
	gives(r, 229, DECODE_MALFORMED);
	put_v6(&r->frame, 44);
	for (int i = 0; i < 100; i++)
		put(&r->frame, "\x2c\0\0\0\0\0\0\1", 8);
	close_v6(&r->frame, 0);
	gives(r, 229, DECODE_NOT_OURS);
	assert_int_equal(decoder_counters(r->decoder)->too_deep, 1);
	run_destroy(r);
}

/* --- transport --- */

static void syn_options(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v4(&r->frame, 6);
	put_tcp_with(&r->frame, TCP_SYN, "\2\4\5\xb4\4\2\x08\x0a\0\0\0\1\0\0\0\0\1\3\3\7", 20);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_int_equal(r->p.flags, TCP_SYN);
	assert_int_equal(r->p.mss, 1460);
	assert_int_equal(r->p.window_scale, 7);
	assert_true(r->p.sack_permitted);
	assert_true(r->p.has_timestamps);
	assert_int_equal(r->p.timestamp, 1);
	assert_int_equal(r->p.payload.len, 0);
	assert_int_equal(r->p.payload_wire, 0);
	put_v4(&r->frame, 6);
	put_tcp_with(&r->frame, TCP_SYN, "\3\3\xff\0", 4);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_int_equal(r->p.window_scale, 14);
	put_v4(&r->frame, 6); /* neither belongs into other segments */
	put_tcp_with(&r->frame, TCP_ACK, "\2\4\5\xb4\3\3\7\1", 8);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_int_equal(r->p.mss, 0);
	assert_int_equal(r->p.window_scale, 255);
	run_destroy(r);
}

static void sack(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v4(&r->frame, 6);
	put_tcp_with(&r->frame, TCP_ACK, "\1\1\5\x12\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4", 20);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_true(r->p.has_sack);
	assert_int_equal(r->p.sack_left, 1);
	assert_int_equal(r->p.sack_right, 2);
	run_destroy(r);
}

static void odd_options(void **state)
{
	static const char *const odd[] = { "\x08\x00\1\1", "\x08\x01\1\1", "\2\x09\1\1", "\1\1\1\5", "\1\1\5\2", "\0\2\4\5" };
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
		put_v4(&r->frame, 6);
		put_tcp_with(&r->frame, TCP_SYN, odd[i], 4);
		close_v4(&r->frame, 0);
		gives(r, 228, DECODE_PACKET);
		assert_false(r->p.has_sack);
		assert_false(r->p.has_timestamps);
		assert_int_equal(r->p.mss, 0);
	}
	for (unsigned offset = 0; offset < 16; offset++) {
		put_v4(&r->frame, 6);
		put_tcp_with(&r->frame, TCP_ACK, "", 0);
		r->frame.byte[32] = (uint8_t)(offset << 4);
		close_v4(&r->frame, 0);
		gives(r, 228, offset == 5 ? DECODE_PACKET : DECODE_MALFORMED);
	}
	run_destroy(r);
}

/* A snap length that leaves the ports but not all options or payload. */
static void cut_tcp(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_ethernet(&r->frame, 0x0800);
	put_v4_tcp(&r->frame);
	for (uint32_t n = 0; n < r->frame.len; n++) {
		enum decode_status status = run_at(r, 1, n, 0);

		if (n < 54) {
			assert_int_equal(status, DECODE_MALFORMED);
			continue;
		}
		assert_int_equal(status, DECODE_PACKET);
		assert_true(r->p.truncated);
		assert_int_equal(r->p.payload.len, n > 66 ? n - 66 : 0);
		assert_int_equal(r->p.payload_wire, 9);
		assert_int_equal(r->p.has_timestamps, n >= 66);
	}
	run_destroy(r);
}

static void udp(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v4(&r->frame, 17);
	put_udp(&r->frame, 53, 3333);
	put(&r->frame, "answer", 6);
	close_udp(&r->frame, 20);
	put(&r->frame, "more", 4); /* in IP but not in UDP */
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_int_equal(r->p.transport, TRANSPORT_UDP);
	assert_int_equal(r->p.source_port, 53);
	assert_int_equal(r->p.destination_port, 3333);
	assert_int_equal(r->p.payload.len, 6);
	assert_int_equal(r->p.payload_wire, 6);
	assert_memory_equal(r->p.payload.data, "answer", 6);
	assert_int_equal(r->p.sequence, 0);
	assert_int_equal(r->p.flags, 0);
	assert_int_equal(r->p.window_scale, 255);
	assert_false(r->p.has_timestamps);
	assert_false(r->p.quotes);
	put_v4(&r->frame, 17);
	put_udp(&r->frame, 53, 3333);
	set16(&r->frame, 24, 7);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_MALFORMED);
	run_destroy(r);
}

static void icmp(void **state)
{
	static const uint8_t types[] = { 3, 4, 11, 12 };
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < sizeof types; i++) {
		put_v4(&r->frame, 1);
		put8(&r->frame, types[i]);
		put8(&r->frame, 1);
		fill(&r->frame, 6, 0);
		put_v4(&r->frame, 6);
		set16(&r->frame, 30, 1500); /* as it was, not as it is quoted */
		put16(&r->frame, 40000);
		put16(&r->frame, 993);
		put32(&r->frame, 0x11223344);
		close_v4(&r->frame, 0);
		gives(r, 228, DECODE_PACKET);
		assert_int_equal(r->p.transport, TRANSPORT_ICMP);
		assert_int_equal(r->p.icmp_type, types[i]);
		assert_int_equal(r->p.icmp_code, 1);
		assert_true(r->p.quotes);
		assert_int_equal(r->p.quoted_transport, TRANSPORT_TCP);
		assert_int_equal(r->p.quoted_source.family, 4);
		assert_memory_equal(r->p.quoted_source.byte, "\xc0\0\2\1", 4);
		assert_memory_equal(r->p.quoted_destination.byte, "\xc6\x33\x64\2", 4);
		assert_int_equal(r->p.quoted_source_port, 40000);
		assert_int_equal(r->p.quoted_destination_port, 993);
		assert_int_equal(r->p.quoted_sequence, 0x11223344);
		assert_int_equal(r->p.payload.len, 0);
		assert_int_equal(r->p.source_port, 0);
	}
	put_v4(&r->frame, 1);
	put32(&r->frame, 0x08000000); /* echo */
	put32(&r->frame, 0);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_NOT_OURS);
	put_v4(&r->frame, 58); /* ICMPv6 in IPv4 */
	put32(&r->frame, 0x01000000);
	put32(&r->frame, 0);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_NOT_OURS);
	run_destroy(r);
}

static void icmp_quotes_little(void **state)
{
	struct run *r = run_create();

	(void)state;
	for (unsigned left = 0; left <= 28; left++) {
		put_v4(&r->frame, 1);
		put32(&r->frame, 0x03030000);
		put32(&r->frame, 0);
		put_v4(&r->frame, 6);
		fill(&r->frame, 8, 1);
		r->frame.len = 28 + left;
		close_v4(&r->frame, 0);
		gives(r, 228, DECODE_PACKET);
		assert_int_equal(r->p.quotes, left == 28);
		if (!r->p.quotes) {
			assert_int_equal(r->p.quoted_source.family, 0);
			assert_int_equal(r->p.quoted_transport, TRANSPORT_NONE);
		}
	}
	put_v4(&r->frame, 1);
	put32(&r->frame, 0x03030000);
	put32(&r->frame, 0);
	put_v4(&r->frame, 6);
	set16(&r->frame, 28 + 6, 0x0010); /* a later fragment is quoted */
	fill(&r->frame, 8, 1);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_false(r->p.quotes);
	run_destroy(r);
}

static void icmp_quotes_udp(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v4(&r->frame, 1);
	put32(&r->frame, 0x03030000);
	put32(&r->frame, 0);
	put_v4(&r->frame, 17);
	put_udp(&r->frame, 5353, 53);
	put(&r->frame, "question", 8);
	close_udp(&r->frame, 48);
	fill(&r->frame, 20, 0); /* RFC 4884 */
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_true(r->p.quotes);
	assert_int_equal(r->p.quoted_transport, TRANSPORT_UDP);
	assert_int_equal(r->p.quoted_destination_port, 53);
	assert_int_equal(r->p.quoted_payload.len, 8);
	assert_memory_equal(r->p.quoted_payload.data, "question", 8);
	run_destroy(r);
}

static void icmp6(void **state)
{
	struct run *r = run_create();

	(void)state;
	for (unsigned type = 0; type < 8; type++) {
		put_v6(&r->frame, 58);
		put8(&r->frame, type);
		put8(&r->frame, 4);
		fill(&r->frame, 6, 0);
		put_v6(&r->frame, 60);
		put(&r->frame, "\x2c\0\1\4\0\0\0\0", 8);
		put(&r->frame, "\x06\0\0\1\0\0\0\1", 8); /* a first fragment */
		put_tcp(&r->frame);
		close_v6(&r->frame, 0);
		if (type < 1 || type > 4) {
			gives(r, 229, DECODE_NOT_OURS);
			continue;
		}
		gives(r, 229, DECODE_PACKET);
		assert_int_equal(r->p.icmp_type, type);
		assert_true(r->p.quotes);
		assert_int_equal(r->p.quoted_transport, TRANSPORT_TCP);
		assert_int_equal(r->p.quoted_source.family, 6);
		assert_int_equal(r->p.quoted_destination.byte[15], 2);
		assert_int_equal(r->p.quoted_destination_port, 143);
		assert_int_equal(r->p.quoted_sequence, 0x01020304);
	}
	run_destroy(r);
}

/* --- fragments --- */

/* What is cut into fragments: TCP with 1000 bytes of payload that tell their place. */
static void whole_datagram(struct build *b)
{
	put_tcp_with(b, TCP_ACK | TCP_PSH, timestamps, 12);
	for (uint32_t i = 0; i < 1000; i++)
		put8(b, i * 7 >> 2);
}

/* Gives one fragment; bytes other than `spoil` 0 are changed by it. */
static enum decode_status give(struct run *r, unsigned family, unsigned id, uint32_t from, uint32_t to, uint8_t spoil, nanoseconds when)
{
	struct build *all = calloc(1, sizeof *all);
	enum decode_status status;

	assert_non_null(all);
	whole_datagram(all);
	for (uint32_t i = from; i < to; i++)
		all->byte[i] ^= spoil;
	r->frame.len = 0;
	if (family == 4) {
		put_v4(&r->frame, 6);
		set16(&r->frame, 4, id);
		set16(&r->frame, 6, from / 8 | (to < all->len ? 0x2000 : 0));
	} else {
		put_v6(&r->frame, 44);
		put16(&r->frame, 0x0600);
		put16(&r->frame, (from & 0xfff8) | (to < all->len));
		put32(&r->frame, id);
	}
	put(&r->frame, all->byte + from, to - from);
	if (family == 4)
		close_v4(&r->frame, 0);
	else
		close_v6(&r->frame, 0);
	status = run_at(r, family == 4 ? 228 : 229, r->frame.len, when);
	free(all);
	return status;
}

static void is_whole(const struct packet *p)
{
	struct build *all = calloc(1, sizeof *all);

	assert_non_null(all);
	whole_datagram(all);
	assert_true(p->fragmented);
	assert_false(p->truncated);
	assert_int_equal(p->source_port, 40000);
	assert_int_equal(p->payload.len, 1000);
	assert_int_equal(p->payload_wire, 1000);
	assert_memory_equal(p->payload.data, all->byte + 32, 1000);
	free(all);
}

static void fragments_every_order(void **state)
{
	static const uint16_t cut[4][2] = { { 0, 8 }, { 8, 400 }, { 400, 1024 }, { 1024, 1032 } };
	static const uint8_t orders[24][4] = { { 0, 1, 2, 3 }, { 0, 1, 3, 2 }, { 0, 2, 1, 3 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 0, 3, 2, 1 },
		{ 1, 0, 2, 3 }, { 1, 0, 3, 2 }, { 1, 2, 0, 3 }, { 1, 2, 3, 0 }, { 1, 3, 0, 2 }, { 1, 3, 2, 0 }, { 2, 0, 1, 3 }, { 2, 0, 3, 1 },
		{ 2, 1, 0, 3 }, { 2, 1, 3, 0 }, { 2, 3, 0, 1 }, { 2, 3, 1, 0 }, { 3, 0, 1, 2 }, { 3, 0, 2, 1 }, { 3, 1, 0, 2 }, { 3, 1, 2, 0 },
		{ 3, 2, 0, 1 }, { 3, 2, 1, 0 } };
	struct run *r = run_create();

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		for (unsigned o = 0; o < 24; o++) {
			for (unsigned i = 0; i < 4; i++) {
				const uint16_t *c = cut[orders[o][i]];

				assert_int_equal(give(r, family, o, c[0], c[1], 0, SECOND),
						 i == 3 ? DECODE_PACKET : DECODE_FRAGMENT_KEPT);
			}
			is_whole(&r->p);
		}
	}
	assert_int_equal(decoder_counters(r->decoder)->fragments, 2 * 24 * 4);
	assert_int_equal(decoder_counters(r->decoder)->fragments_dropped, 0);
	assert_int_equal(decoder_counters(r->decoder)->packets, 2 * 24);
	run_destroy(r);
}

static void fragments_overlap(void **state)
{
	struct run *r = run_create();

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		assert_int_equal(give(r, family, 1, 400, 800, 0, 0), DECODE_FRAGMENT_KEPT);
		assert_int_equal(give(r, family, 1, 400, 800, 0x55, 0), DECODE_FRAGMENT_KEPT); /* forged, too late */
		assert_int_equal(give(r, family, 1, 0, 400, 0, 0), DECODE_FRAGMENT_KEPT);
		assert_int_equal(give(r, family, 1, 0, 800, 0x55, 0), DECODE_FRAGMENT_KEPT);
		assert_int_equal(give(r, family, 1, 800, 1032, 0, 0), DECODE_PACKET);
		is_whole(&r->p);
	}
	run_destroy(r);
}

static enum decode_status give_odd(struct run *r, unsigned offset, bool more, uint32_t len)
{
	r->frame.len = 0;
	put_v4(&r->frame, 6);
	set16(&r->frame, 6, offset / 8 | (more ? 0x2000 : 0));
	fill(&r->frame, len, 0);
	close_v4(&r->frame, 0);
	return run(r, 228);
}

static void fragments_odd(void **state)
{
	struct run *r = run_create();

	(void)state;
	assert_int_equal(give_odd(r, 0, true, 0), DECODE_MALFORMED);
	assert_int_equal(give_odd(r, 0, true, 12), DECODE_MALFORMED);
	assert_int_equal(give_odd(r, 65528, false, 16), DECODE_MALFORMED); /* the ping of death */
	assert_int_equal(give_odd(r, 800, true, 80), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give_odd(r, 400, false, 80), DECODE_MALFORMED);    /* ends before what was seen */
	assert_int_equal(give_odd(r, 880, false, 80), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give_odd(r, 960, true, 80), DECODE_MALFORMED);     /* beyond the end */
	assert_int_equal(give_odd(r, 880, false, 72), DECODE_MALFORMED);    /* another end */
	assert_int_equal(decoder_counters(r->decoder)->fragments_dropped, 6);
	run_destroy(r);
}

static void fragments_patience(void **state)
{
	struct run *r = run_create();

	(void)state;
	assert_int_equal(give(r, 4, 1, 0, 800, 0x55, 10 * SECOND), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give(r, 4, 1, 800, 1032, 0, 41 * SECOND), DECODE_FRAGMENT_KEPT); /* of another datagram */
	assert_int_equal(give(r, 4, 1, 0, 800, 0, 42 * SECOND), DECODE_PACKET);
	is_whole(&r->p);
	assert_int_equal(decoder_counters(r->decoder)->fragments_dropped, 1);
	assert_int_equal(give(r, 4, 1, 0, 800, 0x55, 100 * SECOND), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give(r, 4, 1, 800, 1032, 0, 1 * SECOND), DECODE_FRAGMENT_KEPT); /* an earlier recording */
	assert_int_equal(give(r, 4, 1, 0, 800, 0, INT64_MAX), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give(r, 4, 1, 0, 800, 0, INT64_MIN), DECODE_FRAGMENT_KEPT);
	run_destroy(r);
}

static void fragments_flood(void **state)
{
	struct run *r = run_create();

	(void)state;
	for (unsigned id = 0; id < 1000; id++)
		assert_int_equal(give(r, 4, id, 0, 800, 0, SECOND), DECODE_FRAGMENT_KEPT);
	assert_int_equal(decoder_counters(r->decoder)->fragments_dropped, 1000 - 64);
	assert_int_equal(give(r, 4, 936, 800, 1032, 0, SECOND), DECODE_PACKET); /* the oldest of those kept */
	is_whole(&r->p);
	run_destroy(r);
}

/* The first fragment was cut by the snap length: what is before the cut is readable, the rest is known to miss. */
static void fragments_cut(void **state)
{
	struct run *r = run_create();

	(void)state;
	give(r, 4, 1, 0, 800, 0, 0);
	decoder_destroy(&r->decoder);
	r->decoder = decoder_create();
	assert_int_equal(run_at(r, 228, 20 + 101, 0), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give(r, 4, 1, 800, 1032, 0, 0), DECODE_PACKET);
	assert_true(r->p.truncated);
	assert_int_equal(r->p.payload.len, 101 - 32);
	assert_int_equal(r->p.payload_wire, 1000);
	run_destroy(r);
}

/* A fragment inside a tunnel's datagram that itself comes in two fragments. */
static enum decode_status give_nested(struct run *r, struct decoder *aside, uint32_t from, uint32_t to)
{
	struct decoder *own = r->decoder;
	struct build inner;
	enum decode_status status = DECODE_NOT_OURS;

	r->decoder = aside; /* builds it without showing it bare */
	give(r, 4, 9, from, to, 0, 0);
	r->decoder = own;
	inner = r->frame;
	for (unsigned half = 0; half < 2; half++) {
		r->frame.len = 0;
		put_v4(&r->frame, 4);
		set16(&r->frame, 6, half ? 1 : 0x2000);
		put(&r->frame, inner.byte + half * 8, half ? inner.len - 8 : 8);
		close_v4(&r->frame, 0);
		status = run(r, 228);
	}
	return status;
}

/* The outer's room is still read while a place for the inner is looked for; at 24 a shared room would be overwritten unread. */
static void fragments_nested(void **state)
{
	struct run *r = run_create();
	struct decoder *aside = decoder_create();

	(void)state;
	assert_int_equal(give_nested(r, aside, 24, 1032), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give_nested(r, aside, 0, 24), DECODE_PACKET);
	is_whole(&r->p);
	assert_int_equal(r->p.encapsulation, ENCAPSULATED_IPIP);
	assert_int_equal(give_nested(r, aside, 0, 24), DECODE_FRAGMENT_KEPT);
	assert_int_equal(give(r, 4, 9, 24, 1032, 0, 0), DECODE_PACKET);
	is_whole(&r->p);
	decoder_destroy(&aside);
	run_destroy(r);
}

/* Two alternating datagrams over and over: rooms are used again and what was in them before never shows. */
static void fragments_again(void **state)
{
	struct run *r = run_create();

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(give(r, 4, i, 0, 800, 0, 0), DECODE_FRAGMENT_KEPT);
		assert_int_equal(give(r, 6, i, 800, 1032, 0, 0), DECODE_FRAGMENT_KEPT);
		assert_int_equal(give(r, 4, i, 800, 1032, 0, 0), DECODE_PACKET);
		is_whole(&r->p);
		assert_int_equal(give(r, 6, i, 0, 800, 0, 0), DECODE_PACKET);
		is_whole(&r->p);
	}
	run_destroy(r);
}

/* The largest datagram there is. */
static void fragments_of_udp(void **state)
{
	struct run *r = run_create();

	(void)state;
	put_v4(&r->frame, 17);
	set16(&r->frame, 6, 0x2000);
	put_udp(&r->frame, 53, 5353);
	set16(&r->frame, 24, 65515);
	fill(&r->frame, 40000 - 8, 1);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_FRAGMENT_KEPT);
	put_v4(&r->frame, 17);
	set16(&r->frame, 6, 5000);
	fill(&r->frame, 65515 - 40000, 1);
	close_v4(&r->frame, 0);
	gives(r, 228, DECODE_PACKET);
	assert_int_equal(r->p.transport, TRANSPORT_UDP);
	assert_int_equal(r->p.payload.len, 65515 - 8);
	run_destroy(r);
}

/* --- every frame, cut and changed everywhere --- */

static const uint16_t every_link[] = { 0, 1, 9, 12, 14, 50, 101, 108, 113, 228, 229, 276, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
#define SAMPLES 24

static void put_outer_udp(struct build *b, unsigned port, uint32_t head, uint32_t rest)
{
	put_outer(b, 17);
	put_udp(b, 55555, port);
	put32(b, head);
	put32(b, rest);
	put_inner_frame(b);
	close_udp(b, 34);
	close_v4(b, 14);
}

static void put_outer_gre(struct build *b, uint32_t head, uint32_t fields)
{
	put_outer(b, 47);
	put32(b, head);
	fill(b, fields, 0);
	put_inner_frame(b);
	close_v4(b, 14);
}

/* A frame of every kind, for link type every_link[i]. */
static void sample(struct build *b, unsigned i)
{
	b->len = 0;
	switch (i) {
	case 0: put32(b, 2); put_v4_tcp(b); break;
	case 1: put_ethernet(b, 0x88a8); put32(b, 0x8100); put32(b, 0x0800); put_v4_tcp(b); break;
	case 2: put32(b, 0xff030057); put_v6_tcp(b); break;
	case 3: case 4: case 9: put_v4_tcp(b); break;
	case 5: put32(b, 0x0f000800); put_v4_tcp(b); break;
	case 6: case 10: put_v6_tcp(b); break;
	case 7: put32(b, 30u << 24); put_v6_tcp(b); break;
	case 8: fill(b, 14, 0); put16(b, 0x0800); put_v4_tcp(b); break;
	case 11: put16(b, 0x86dd); fill(b, 18, 0); put_v6_tcp(b); break;
	case 12: put_ethernet(b, 0x8864); put32(b, 0x11000001); put16(b, 63); put16(b, 0x21); put_v4_tcp(b); break;
	case 13: put_ethernet(b, 0x8847); put32(b, 0x100); put32(b, 0); put_inner_frame(b); break;
	case 14: put_outer_udp(b, 4789, 0x08000000, 0x500); break;
	case 15: put_outer_udp(b, 6081, 0x00006558, 0x500); break;
	case 16: put_outer_gre(b, 0xb0006558, 12); break;
	case 17: put_outer_gre(b, 0x100088be, 12); b->byte[42] = 0x10; break;
	case 18: put_outer_gre(b, 0x100022eb, 16); b->byte[42] = 0x20; break;
	case 19: put_outer(b, 47); put32(b, 0x3081880b); put32(b, 65 << 16); put32(b, 0); put32(b, 0); put32(b, 0xff030021);
		put_v4_tcp(b); close_v4(b, 14); break;
	case 20: put_outer(b, 1); put32(b, 0x03030000); put32(b, 0); put_v4_tcp(b); close_v4(b, 14); break;
	case 21: put_ethernet(b, 0x86dd); put_v6(b, 58); put32(b, 0x01030000); put32(b, 0); put_v6(b, 60); put(b, "\6\0\1\4\0\0\0\0", 8);
		put_tcp(b); close_v6(b, 14); break;
	case 22: put_outer(b, 6); set16(b, 20, 0x2001); fill(b, 64, 1); close_v4(b, 14); break;
	case 23: put_ethernet(b, 0x86dd); put_v6(b, 0); put(b, "\x2c\0\1\4\0\0\0\0\6\0\0\1\0\0\0\1", 16); put_tcp_with(b, TCP_SYN,
		"\2\4\5\xb4\4\2\x08\x0a\0\0\0\1\0\0\0\0\1\3\3\7", 20); close_v6(b, 14); break;
	}
}

static unsigned sum_of(struct bytes b)
{
	unsigned sum = 0;

	for (size_t i = 0; i < b.len; i++)
		sum += b.data[i];
	return sum;
}

/* Decodes an exact copy, so that a sanitizer sees a byte too far, and touches all that it hands out. */
static enum decode_status decode_copy(struct decoder *d, uint16_t link, const uint8_t *data, uint32_t len, uint32_t wire, nanoseconds when)
{
	uint8_t *copy = malloc(len ? len : 1);
	volatile unsigned sum;
	struct packet p;
	enum decode_status status;

	assert_non_null(copy);
	memcpy(copy, data, len);
	memset(&p, 0xee, sizeof p);
	status = decode(d, link, copy + (len ? 0 : 1), len, wire, (struct moment){ when, 1, 0 }, &p);
	if (status == DECODE_PACKET) {
		sum = sum_of(p.payload) + sum_of(p.quoted_payload);
		(void)sum;
		assert_true(p.payload.len <= p.payload_wire);
		assert_int_equal(p.truncated, p.payload.len < p.payload_wire);
		assert_true(p.source.family == 4 || p.source.family == 6);
		assert_int_equal(p.source.family, p.destination.family);
		assert_true(p.transport >= TRANSPORT_TCP && p.transport <= TRANSPORT_ICMP);
		assert_true(p.window_scale == 255 || p.window_scale <= 14);
		assert_true(p.quoted_transport <= TRANSPORT_UDP);
	}
	free(copy);
	return status;
}

static uint64_t all_counted(const struct decode_counters *c)
{
	return c->packets + c->not_ip + c->other_transport + c->malformed + c->unknown_link + c->too_deep;
}

static void cut_everywhere(void **state)
{
	struct build *b = calloc(1, sizeof *b);
	struct decoder *d = decoder_create();

	(void)state;
	for (unsigned i = 0; i < SAMPLES; i++) {
		sample(b, i);
		if (i < 22) {
			assert_int_equal(decode_copy(d, every_link[i], b->byte, b->len, b->len, 0), DECODE_PACKET);
		}
		for (uint32_t n = 0; n <= b->len; n++) {
			decode_copy(d, every_link[i], b->byte, n, b->len, 0);
			decode_copy(d, every_link[i], b->byte, n, n, 0);
			decode_copy(d, every_link[i], b->byte, n, 0, 0);
		}
	}
	decoder_destroy(&d);
	free(b);
}

/* Every byte of every sample at some values, then many bytes at random; what ends is counted exactly once. */
static void changed_everywhere(void **state)
{
	static const uint8_t values[] = { 0, 1, 2, 4, 5, 6, 8, 0x0f, 0x10, 0x2b, 0x2c, 0x2f, 0x33, 0x3c, 0x40, 0x45, 0x4f, 0x7f, 0x80, 0xf0, 0xff };
	struct build *b = calloc(1, sizeof *b);
	struct decoder *d = decoder_create();
	const struct decode_counters *c = decoder_counters(d);
	uint32_t random = 12345;
	uint64_t frames = 0, kept = 0;

	(void)state;
	for (unsigned i = 0; i < SAMPLES; i++) {
		sample(b, i);
		for (uint32_t at = 0; at < b->len; at++) {
			uint8_t was = b->byte[at];

			for (unsigned v = 0; v < sizeof values; v++, frames++) {
				b->byte[at] = values[v];
				kept += decode_copy(d, every_link[i], b->byte, b->len, b->len, 0) == DECODE_FRAGMENT_KEPT;
			}
			b->byte[at] = was;
		}
	}
	for (unsigned n = 0; n < 200000; n++, frames++) {
		unsigned i = n % SAMPLES;

		sample(b, i);
		for (unsigned k = 0; k < 1 + n % 5; k++) {
			random = random * 1664525 + 1013904223;
			b->byte[(random >> 8) % b->len] = (uint8_t)(random >> 24);
		}
		kept += decode_copy(d, every_link[i], b->byte, b->len - (random >> 16) % 3, b->len, n * MILLISECOND) == DECODE_FRAGMENT_KEPT;
	}
	assert_int_equal(all_counted(c) + kept, frames);
	decoder_destroy(&d);
	free(b);
}

static void nothing(void **state)
{
	struct decoder *d = decoder_create();
	struct packet p;

	(void)state;
	for (unsigned link = 0; link < 300; link++)
		assert_int_not_equal(decode(d, (uint16_t)link, NULL, 0, 0, (struct moment){ 0, 1, 0 }, &p), DECODE_PACKET);
	decoder_destroy(&d);
	decoder_destroy(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet), cmocka_unit_test(vlan), cmocka_unit_test(cooked), cmocka_unit_test(raw), cmocka_unit_test(loopback),
		cmocka_unit_test(ppp), cmocka_unit_test(pppoe), cmocka_unit_test(mpls), cmocka_unit_test(gre), cmocka_unit_test(erspan),
		cmocka_unit_test(pptp), cmocka_unit_test(ip_in_ip), cmocka_unit_test(udp_tunnels), cmocka_unit_test(udp_tunnels_that_name_their_load), cmocka_unit_test(no_udp_tunnel),
		cmocka_unit_test(v4_lengths), cmocka_unit_test(v6_extensions), cmocka_unit_test(syn_options), cmocka_unit_test(sack),
		cmocka_unit_test(odd_options), cmocka_unit_test(cut_tcp), cmocka_unit_test(udp), cmocka_unit_test(icmp),
		cmocka_unit_test(icmp_quotes_little), cmocka_unit_test(icmp_quotes_udp), cmocka_unit_test(icmp6),
		cmocka_unit_test(fragments_every_order), cmocka_unit_test(fragments_overlap), cmocka_unit_test(fragments_odd),
		cmocka_unit_test(fragments_patience), cmocka_unit_test(fragments_flood), cmocka_unit_test(fragments_cut),
		cmocka_unit_test(fragments_nested), cmocka_unit_test(fragments_again), cmocka_unit_test(fragments_of_udp),
		cmocka_unit_test(cut_everywhere), cmocka_unit_test(changed_everywhere), cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
