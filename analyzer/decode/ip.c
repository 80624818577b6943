/* IPv4 and IPv6 with their options and extension headers, to the transport or the next tunnel. */
#include "layers.h"

enum { IP_HOP_BY_HOP = 0, IP_ICMP = 1, IP_IPV4 = 4, IP_TCP = 6, IP_UDP = 17, IP_IPV6 = 41, IP_ROUTING = 43, IP_FRAGMENT = 44,
	IP_GRE = 47, IP_AH = 51, IP_ICMP6 = 58, IP_DESTINATION = 60, IP_MOBILITY = 135, IP_MPLS = 137, IP_HIP = 139, IP_SHIM6 = 140 };

#define EXTENSIONS_MOST 16

static enum decode_status payload(struct walk *w, uint8_t protocol, struct span s);

static enum decode_status authentication(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;

	if (!deeper(w))
		return DECODE_NOT_OURS;
	if (s.len < 2 || !span_skip(&s, (h[1] + 2u) * 4))
		return malformed(w);
	return payload(w, h[0], s);
}

static enum decode_status payload(struct walk *w, uint8_t protocol, struct span s)
{
	switch (protocol) {
	case IP_TCP: return transport_tcp(w, s);
	case IP_UDP: return transport_udp(w, s);
	case IP_ICMP: return w->into->source.family == 4 ? transport_icmp(w, s) : other_transport(w);
	case IP_ICMP6: return w->into->source.family == 6 ? transport_icmp6(w, s) : other_transport(w);
	case IP_GRE: return tunnel_gre(w, s);
	case IP_AH: return authentication(w, s);
	case IP_MPLS: return link_mpls(w, s);
	case IP_IPV4:
		w->into->encapsulation |= ENCAPSULATED_IPIP;
		return ip_v4(w, s);
	case IP_IPV6:
		w->into->encapsulation |= ENCAPSULATED_IPIP;
		return ip_v6(w, s);
	default: return other_transport(w);
	}
}

static enum decode_status v4_fragment(struct walk *w, uint16_t field, uint8_t protocol, struct span s)
{
	struct fragment f = { .id = w->into->ip_id, .offset = (field & 0x1fffu) * 8, .protocol = protocol, .more = field & 0x2000 };
	enum decode_status status = fragments_add(w, &f, &s, &protocol);

	return status == DECODE_PACKET ? payload(w, protocol, s) : status;
}

enum decode_status ip_v4(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	struct packet *p = w->into;
	uint32_t header, total;
	uint16_t field;

	if (!deeper(w))
		return DECODE_NOT_OURS;
	if (s.len < 20 || h[0] >> 4 != 4)
		return malformed(w);
	header = (h[0] & 15u) * 4;
	total = be16(h + 2);
	if (total == 0) /* segmentation offload: too long for the field, the card writes it later */
		total = s.wire;
	if (header < 20 || total < header)
		return malformed(w);
	span_set(&s, total);
	if (!span_skip(&s, header))
		return malformed(w);
	field = be16(h + 6);
	p->ttl = h[8];
	p->ip_id = be16(h + 4);
	p->dont_fragment = field & 0x4000;
	address_v4(&p->source, h + 12);
	address_v4(&p->destination, h + 16);
	if (field & 0x3fff)
		return v4_fragment(w, field, h[9], s);
	return h[9] == IP_TCP ? transport_tcp(w, s) : payload(w, h[9], s);
}

bool ip_v6_skip_extensions(struct span *s, uint8_t *next)
{
	for (int i = 0; i < EXTENSIONS_MOST; i++) {
		const uint8_t *h = s->at;
		uint32_t len;

		switch (*next) {
		case IP_HOP_BY_HOP: case IP_ROUTING: case IP_DESTINATION: case IP_MOBILITY: case IP_HIP: case IP_SHIM6: case IP_AH:
			break;
		default:
			return true;
		}
		if (s->len < 2)
			return false;
		len = *next == IP_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
		if (!span_skip(s, len))
			return false;
		*next = h[0];
	}
	return false;
}

/* An atomic fragment (RFC 6946) is whole by itself and goes on at once. */
static enum decode_status v6_fragment(struct walk *w, struct span *s, uint8_t *next)
{
	const uint8_t *h = s->at;
	struct fragment f;

	if (!span_skip(s, 8))
		return malformed(w);
	*next = h[0];
	f = (struct fragment){ .id = be32(h + 4), .offset = be16(h + 2) & 0xfff8u, .protocol = h[0], .more = h[3] & 1 };
	if (f.offset == 0 && !f.more)
		return DECODE_PACKET;
	return fragments_add(w, &f, s, next);
}

static enum decode_status v6_inside(struct walk *w, uint8_t next, struct span s)
{
	for (;;) {
		enum decode_status status;

		if (!ip_v6_skip_extensions(&s, &next))
			return malformed(w);
		if (next != IP_FRAGMENT)
			return payload(w, next, s);
		if (!deeper(w)) /* a hostile datagram may hold fragment headers without end */
			return DECODE_NOT_OURS;
		status = v6_fragment(w, &s, &next);
		if (status != DECODE_PACKET)
			return status;
	}
}

enum decode_status ip_v6(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	struct packet *p = w->into;
	uint32_t len;

	if (!deeper(w))
		return DECODE_NOT_OURS;
	if (s.len < 40 || h[0] >> 4 != 6)
		return malformed(w);
	span_skip(&s, 40);
	len = be16(h + 4);
	if (len != 0) /* 0: a jumbogram or segmentation offload, which reach to the frame's end */
		span_set(&s, len);
	p->ttl = h[7];
	p->ip_id = 0;
	p->dont_fragment = false;
	address_v6(&p->source, h + 8);
	address_v6(&p->destination, h + 24);
	return h[6] == IP_TCP ? transport_tcp(w, s) : v6_inside(w, h[6], s);
}

enum decode_status ip_any(struct walk *w, struct span s)
{
	if (s.len == 0)
		return malformed(w);
	return s.at[0] >> 4 == 6 ? ip_v6(w, s) : ip_v4(w, s);
}
