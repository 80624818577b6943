/* For tests: the TCP connections of a capture as the pieces of payload in the order they came. Reads Ethernet, cooked and raw
 * links, IPv4 and IPv6; connections with loss, or met in the middle, are marked and not put right. */
#ifndef IMAPWHY_TLS_STREAMS_H
#define IMAPWHY_TLS_STREAMS_H

#include <pcap/pcap.h>
#include <stdlib.h>

#include "address.h"
#include "bytes.h"
#include "moment.h"

struct piece {
	uint8_t *data;
	size_t len;
	enum direction from;
	struct moment at;
};

struct stream {
	struct endpoint side[2];
	struct piece *pieces;
	size_t count;
	uint32_t next[2];
	bool known[2], holes;
};

struct streams {
	struct stream *list;
	size_t count;
};

static inline size_t link_offset(int link, const uint8_t *p, size_t len, uint16_t *proto)
{
	size_t at = link == DLT_EN10MB ? 12 : link == DLT_LINUX_SLL ? 14 : link == DLT_LINUX_SLL2 ? 0 : SIZE_MAX;
	if (at == SIZE_MAX || len < 20) {
		*proto = len && p[0] >> 4 == 6 ? 0x86dd : 0x0800;
		return link == DLT_NULL ? 4 : 0;
	}
	*proto = (uint16_t)(p[at] << 8 | p[at + 1]);
	at = link == DLT_LINUX_SLL2 ? 20 : at + 2;
	if (*proto == 0x8100) {
		*proto = (uint16_t)(p[at + 2] << 8 | p[at + 3]);
		at += 4;
	}
	return at;
}

static inline struct stream *stream_of(struct streams *s, const struct endpoint e[2], enum direction *d, bool opens)
{
	for (size_t i = s->count; i-- > 0;)
		for (int flip = 0; flip < 2; flip++)
			if (memcmp(&s->list[i].side[0], &e[flip], sizeof *e) == 0 && memcmp(&s->list[i].side[1], &e[!flip], sizeof *e) == 0) {
				if (opens)
					goto fresh;
				*d = flip ? FROM_SERVER : FROM_CLIENT;
				return &s->list[i];
			}
fresh:
	if (!opens)
		return NULL;
	s->list = realloc(s->list, (s->count + 1) * sizeof *s->list);
	s->list[s->count] = (struct stream){ .side = { e[0], e[1] } };
	*d = FROM_CLIENT;
	return &s->list[s->count++];
}

static inline void take_segment(struct streams *s, const struct endpoint e[2], const uint8_t *tcp, size_t len, struct moment at)
{
	struct reader r = reader_of(bytes_of(tcp, len));
	enum direction d;

	read_be32(&r);
	uint32_t seq = read_be32(&r);
	read_be32(&r);
	uint16_t flags = read_be16(&r);
	size_t head = (size_t)(flags >> 12) * 4;
	bool syn = flags & 2, ack = flags & 16;
	struct stream *st = stream_of(s, e, &d, syn && !ack);
	if (!st || head > len)
		return;
	if (syn) {
		st->next[d] = seq + 1;
		st->known[d] = true;
		return;
	}
	struct bytes data = bytes_part(bytes_of(tcp, len), head, len);
	if (data.len == 0)
		return;
	if (!st->known[d] || (int32_t)(seq - st->next[d]) > 0) {
		st->holes = true;
		st->known[d] = true;
	} else if (seq != st->next[d]) {
		size_t old = st->next[d] - seq;
		if (old >= data.len)
			return;
		data = bytes_part(data, old, data.len);
		seq += (uint32_t)old;
	}
	st->next[d] = seq + (uint32_t)data.len;
	st->pieces = realloc(st->pieces, (st->count + 1) * sizeof *st->pieces);
	struct piece *p = &st->pieces[st->count++];
	*p = (struct piece){ malloc(data.len), data.len, d, at };
	memcpy(p->data, data.data, data.len);
}

static inline void take_frame(struct streams *s, int link, const uint8_t *p, size_t len, struct moment at)
{
	uint16_t proto;
	size_t off = link_offset(link, p, len, &proto);
	struct reader r = reader_of(bytes_part(bytes_of(p, len), off, len));
	struct endpoint e[2];
	size_t total;

	memset(e, 0, sizeof e);
	if (proto == 0x0800) {
		uint8_t first = read_u8(&r);
		read_u8(&r);
		total = read_be16(&r) - (size_t)(first & 15) * 4;
		read_be32(&r);
		read_u8(&r);
		if (read_u8(&r) != 6)
			return;
		read_be16(&r);
		for (int i = 0; i < 2; i++) {
			struct bytes b = read_bytes(&r, 4);
			if (b.len)
				memcpy(e[i].address.byte, b.data, 4);
			e[i].address.family = 4;
		}
		read_bytes(&r, (size_t)(first & 15) * 4 - 20);
	} else if (proto == 0x86dd) {
		read_be32(&r);
		total = read_be16(&r);
		if (read_u8(&r) != 6)
			return;
		read_u8(&r);
		for (int i = 0; i < 2; i++) {
			struct bytes b = read_bytes(&r, 16);
			if (b.len)
				memcpy(e[i].address.byte, b.data, 16);
			e[i].address.family = 6;
		}
	} else {
		return;
	}
	if (r.shortfall || total > reader_left(&r))
		total = reader_left(&r);
	if (r.shortfall || total < 20)
		return;
	struct reader ports = r;
	e[0].port = read_be16(&ports);
	e[1].port = read_be16(&ports);
	take_segment(s, e, r.at, total, at);
}

static inline bool streams_read(const char *path, struct streams *s)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
	struct pcap_pkthdr *h;
	const u_char *data;
	uint32_t frame = 0;

	*s = (struct streams){ 0 };
	if (!p)
		return false;
	while (pcap_next_ex(p, &h, &data) == 1)
		take_frame(s, pcap_datalink(p), data, h->caplen,
			(struct moment){ (nanoseconds)h->ts.tv_sec * SECOND + h->ts.tv_usec, ++frame, 0 });
	pcap_close(p);
	return true;
}

static inline void streams_free(struct streams *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t k = 0; k < s->list[i].count; k++)
			free(s->list[i].pieces[k].data);
		free(s->list[i].pieces);
	}
	free(s->list);
	*s = (struct streams){ 0 };
}

#endif
