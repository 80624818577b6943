/* Link layers and what stands between them and IP: VLAN and other tags, MPLS labels, PPPoE and PPP. */
#include "layers.h"

enum { /* EtherTypes */
	TYPE_IPV4 = 0x0800, TYPE_VLAN = 0x8100, TYPE_IPV6 = 0x86dd, TYPE_MPLS = 0x8847, TYPE_MPLS_MULTICAST = 0x8848,
	TYPE_PPPOE = 0x8864, TYPE_QINQ = 0x88a8, TYPE_QINQ_OLD = 0x9100, TYPE_BACKBONE = 0x88e7, TYPE_VNTAG = 0x8926, TYPE_ETAG = 0x893f,
	TYPE_LEAST = 0x0600 /* below it stands an 802.3 length */
};

static bool type_known(uint16_t type)
{
	return type == TYPE_IPV4 || type == TYPE_IPV6 || type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD ||
	       type == TYPE_MPLS || type == TYPE_PPPOE;
}

/* A tag of so many bytes, then the type of what it tags: 802.1Q has two, Cisco's VN-Tag four, 802.1BR's E-tag six. */
static enum decode_status tag(struct walk *w, struct span s, uint32_t bytes)
{
	const uint8_t *h = s.at;

	if (!deeper(w))
		return DECODE_NOT_OURS;
	if (!span_skip(&s, bytes + 2))
		return malformed(w);
	w->into->encapsulation |= ENCAPSULATED_VLAN;
	return link_ethertype(w, be16(h + bytes), s);
}

/* 802.1ah: the service tag, then the customer's whole frame. */
static enum decode_status backbone(struct walk *w, struct span s)
{
	if (!deeper(w))
		return DECODE_NOT_OURS;
	if (!span_skip(&s, 4))
		return malformed(w);
	w->into->encapsulation |= ENCAPSULATED_VLAN;
	return link_ethernet(w, s);
}

/* 802.2: only IP in SNAP is ours; the rest (spanning tree and the like) is not IP. */
static enum decode_status llc(struct walk *w, struct span s)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	const uint8_t *h = s.at;
	uint16_t type;

	if (!span_skip(&s, 8) || memcmp(h, snap, sizeof snap) != 0)
		return not_ip(w);
	type = be16(h + 6);
	return type < TYPE_LEAST ? not_ip(w) : link_ethertype(w, type, s);
}

static enum decode_status pppoe(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;

	if (!deeper(w))
		return DECODE_NOT_OURS;
	if (!span_skip(&s, 6) || h[0] != 0x11)
		return malformed(w);
	if (h[1] != 0) /* discovery */
		return not_ip(w);
	w->into->encapsulation |= ENCAPSULATED_PPPOE;
	span_limit(&s, be16(h + 4));
	return link_ppp(w, s);
}

enum decode_status link_ethertype(struct walk *w, uint16_t type, struct span s)
{
	switch (type) {
	case TYPE_IPV4: return ip_v4(w, s);
	case TYPE_IPV6: return ip_v6(w, s);
	case TYPE_VLAN: case TYPE_QINQ: case TYPE_QINQ_OLD: return tag(w, s, 2);
	case TYPE_VNTAG: return tag(w, s, 4);
	case TYPE_ETAG: return tag(w, s, 6);
	case TYPE_BACKBONE: return backbone(w, s);
	case TYPE_MPLS: case TYPE_MPLS_MULTICAST: return link_mpls(w, s);
	case TYPE_PPPOE: return pppoe(w, s);
	default: return type < TYPE_LEAST ? llc(w, s) : not_ip(w);
	}
}

enum decode_status link_ethernet(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	uint16_t type;

	if (!span_skip(&s, 14))
		return malformed(w);
	type = be16(h + 12);
	if (type == TYPE_IPV4) /* the common case, without the detour */
		return ip_v4(w, s);
	return link_ethertype(w, type, s);
}

/* Nothing says what follows the labels: the IP version, or a pseudowire with or without its control word. */
static enum decode_status mpls_inside(struct walk *w, struct span s)
{
	unsigned version = s.len ? s.at[0] >> 4 : 0;

	if (version == 4)
		return ip_v4(w, s);
	if (version == 6)
		return ip_v6(w, s);
	if (version == 0 && s.len >= 18 && type_known(be16(s.at + 16)) && !type_known(be16(s.at + 12)))
		span_skip(&s, 4);
	if (s.len < 14 || !type_known(be16(s.at + 12)))
		return not_ip(w);
	return link_ethernet(w, s);
}

enum decode_status link_mpls(struct walk *w, struct span s)
{
	const uint8_t *label;

	if (!deeper(w))
		return DECODE_NOT_OURS;
	w->into->encapsulation |= ENCAPSULATED_MPLS;
	do {
		label = s.at;
		if (!span_skip(&s, 4))
			return malformed(w);
	} while (!(label[2] & 1)); /* the bottom of the stack */
	return mpls_inside(w, s);
}

/* PPP with or without address and control bytes, with a protocol of two bytes or (compressed, odd) one; Cisco's HDLC too. */
enum decode_status link_ppp(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	uint16_t protocol;

	if (s.len >= 4 && (h[0] == 0x0f || h[0] == 0x8f) && h[1] == 0) {
		span_skip(&s, 4);
		return be16(h + 2) < TYPE_LEAST ? not_ip(w) : link_ethertype(w, be16(h + 2), s);
	}
	if (s.len >= 2 && h[0] == 0xff && h[1] == 0x03)
		span_skip(&s, 2);
	h = s.at;
	if (s.len >= 1 && h[0] & 1) {
		protocol = h[0];
		span_skip(&s, 1);
	} else if (span_skip(&s, 2)) {
		protocol = be16(h);
	} else {
		return malformed(w);
	}
	switch (protocol) {
	case 0x0021: return ip_v4(w, s);
	case 0x0057: return ip_v6(w, s);
	case 0x0281: case 0x0283: return link_mpls(w, s);
	default: return not_ip(w);
	}
}

/* The family is in the byte order of the machine that captured, and IPv6's number is that of its system. */
static enum decode_status loopback(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	uint32_t family;

	if (!span_skip(&s, 4))
		return malformed(w);
	family = be32(h);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2: return ip_v4(w, s);
	case 10: case 24: case 28: case 30: return ip_v6(w, s);
	default: return not_ip(w);
	}
}

/* Linux cooked, both versions: the protocol stands at another place and the header is longer. */
static enum decode_status cooked(struct walk *w, struct span s, uint32_t header, uint32_t type_at)
{
	const uint8_t *h = s.at;
	uint16_t type;

	if (!span_skip(&s, header))
		return malformed(w);
	w->into->encapsulation |= ENCAPSULATED_COOKED;
	type = be16(h + type_at);
	if (type < TYPE_LEAST) /* 4 says 802.2; the other small numbers are Linux's own */
		return type == 4 ? llc(w, s) : not_ip(w);
	return link_ethertype(w, type, s);
}

static void unknown_link(struct walk *w, uint16_t link)
{
	struct decode_counters *c = &w->decoder->counters;

	if (c->unknown_link++ == 0) {
		c->unknown_at = w->into->at;
		c->unknown_type = link;
	}
}

enum decode_status link_any(struct walk *w, uint16_t link, struct span s)
{
	switch (link) {
	case 1: return link_ethernet(w, s);
	case 0: case 108: return loopback(w, s);
	case 9: case 50: return link_ppp(w, s);
	case 12: case 14: case 101: return ip_any(w, s);
	case 113: return cooked(w, s, 16, 14);
	case 276: return cooked(w, s, 20, 0);
	case 228: return ip_v4(w, s);
	case 229: return ip_v6(w, s);
	default:
		unknown_link(w, link);
		return DECODE_UNKNOWN_LINK;
	}
}
