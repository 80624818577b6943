/* Tunnels over IP and UDP: GRE (with ERSPAN, PPTP and WCCP), VXLAN, GENEVE, GTP. */
#include "layers.h"

enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000, GRE_ACKNOWLEDGEMENT = 0x0080 };

/* RFC 1701's source routes: entries until an empty one. */
static bool gre_skip_routes(struct span *s)
{
	const uint8_t *h;

	do {
		h = s->at;
		if (!span_skip(s, 4) || !span_skip(s, h[3]))
			return false;
	} while (be16(h) != 0 || h[3] != 0);
	return true;
}

static bool gre_skip_fields(struct span *s, uint16_t flags)
{
	uint32_t fields = 0;

	if (flags & (GRE_CHECKSUM | GRE_ROUTING))
		fields += 4;
	if (flags & GRE_KEY)
		fields += 4;
	if (flags & GRE_SEQUENCE)
		fields += 4;
	return span_skip(s, fields) && (!(flags & GRE_ROUTING) || gre_skip_routes(s));
}

/* PPTP: PPP whose length stands in the key; what is encrypted or compressed inside is not IP to us. */
static enum decode_status gre_ppp(struct walk *w, struct span s, uint16_t flags)
{
	const uint8_t *key = s.at;

	if (!(flags & GRE_KEY) || !span_skip(&s, 4))
		return malformed(w);
	if (!(flags & GRE_SEQUENCE)) /* an acknowledgement alone */
		return other_transport(w);
	if (!span_skip(&s, flags & GRE_ACKNOWLEDGEMENT ? 8 : 4))
		return malformed(w);
	span_limit(&s, be16(key));
	return link_ppp(w, s);
}

/* Without a GRE sequence number it is type I, which has no header of its own. */
static enum decode_status erspan_2(struct walk *w, struct span s, uint16_t flags)
{
	if (flags & GRE_SEQUENCE && !span_skip(&s, 8))
		return malformed(w);
	return link_ethernet(w, s);
}

static enum decode_status erspan_3(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	uint16_t last;

	if (!span_skip(&s, 12))
		return malformed(w);
	last = be16(h + 10);
	if (last & 1 && !span_skip(&s, 8)) /* the platform's own subheader */
		return malformed(w);
	switch (last >> 10 & 0x1f) {
	case 0: return link_ethernet(w, s);
	case 2: return ip_any(w, s);
	default: return not_ip(w);
	}
}

/* Redirected packets: version 2 of WCCP has a header of its own, version 1 none. */
static enum decode_status wccp(struct walk *w, struct span s)
{
	if (s.len && s.at[0] >> 4 != 4 && !span_skip(&s, 4))
		return malformed(w);
	return ip_v4(w, s);
}

enum decode_status tunnel_gre(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	uint16_t flags, type;

	if (!span_skip(&s, 4))
		return malformed(w);
	flags = be16(h);
	type = be16(h + 2);
	w->into->encapsulation |= ENCAPSULATED_GRE;
	if ((flags & 7) == 1)
		return gre_ppp(w, s, flags);
	if ((flags & 7) != 0 || !gre_skip_fields(&s, flags))
		return malformed(w);
	switch (type) {
	case 0x6558: return link_ethernet(w, s);
	case 0x88be: return erspan_2(w, s, flags);
	case 0x22eb: return erspan_3(w, s);
	case 0x883e: return wccp(w, s);
	default: return type < 0x0600 ? not_ip(w) : link_ethertype(w, type, s);
	}
}

/* The port alone proves nothing (a DNS client may use it as its own), so the fixed bits have to be right. */
static bool vxlan_header(const uint8_t *h)
{
	bool group_policy = h[0] & 0x80;

	return h[0] & 0x08 && !(h[0] & 0x77) && h[7] == 0 && (group_policy || (h[1] == 0 && h[2] == 0 && h[3] == 0));
}

/* The generic extension (draft-ietf-nvo3-vxlan-gpe) tells what is inside. */
static bool vxlan_gpe_header(const uint8_t *h)
{
	return h[0] & 0x08 && !(h[0] & 0xf0) && h[1] == 0 && h[2] == 0 && h[7] == 0;
}

static enum decode_status vxlan_gpe(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;

	w->into->encapsulation |= ENCAPSULATED_VXLAN;
	span_skip(&s, 8);
	switch (h[0] & 0x04 ? h[3] : 3) {
	case 1: return ip_v4(w, s);
	case 2: return ip_v6(w, s);
	case 3: return link_ethernet(w, s);
	case 5: return link_mpls(w, s);
	default: return not_ip(w);
	}
}

/* RFC 8086: no source routes, and a type that GRE carries. */
static bool gre_header(const uint8_t *h)
{
	uint16_t type = be16(h + 2);

	return !(be16(h) & 0x4fff) && (type == 0x6558 || type == 0x0800 || type == 0x86dd);
}

static bool geneve_header(const uint8_t *h)
{
	uint16_t type = be16(h + 2);

	return h[0] >> 6 == 0 && !(h[1] & 0x3f) && h[7] == 0 && (type == 0x6558 || type == 0x0800 || type == 0x86dd);
}

static enum decode_status geneve(struct walk *w, struct span s)
{
	uint16_t type = be16(s.at + 2);

	w->into->encapsulation |= ENCAPSULATED_GENEVE;
	if (!span_skip(&s, 8 + (s.at[0] & 0x3fu) * 4))
		return malformed(w);
	return type == 0x6558 ? link_ethernet(w, s) : link_ethertype(w, type, s);
}

/* User data (3GPP TS 29.281 5.1): version 1, message type 255. */
static bool gtp_header(const uint8_t *h)
{
	return h[0] >> 4 == 3 && !(h[0] & 0x08) && h[1] == 0xff;
}

/* Extension headers of four bytes or a multiple, whose last byte names the next. */
static bool gtp_skip_extensions(struct span *s, uint8_t next)
{
	while (next) {
		uint32_t bytes = s->len ? s->at[0] * 4u : 0;

		if (!bytes || !span_skip(s, bytes))
			return false;
		next = s->at[-1];
	}
	return true;
}

static enum decode_status gtp(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	bool options = h[0] & 7;

	w->into->encapsulation |= ENCAPSULATED_GTP;
	span_skip(&s, 8);
	span_limit(&s, be16(h + 2));
	if (options && (!span_skip(&s, 4) || (h[0] & 4 && !gtp_skip_extensions(&s, h[11]))))
		return malformed(w);
	return ip_any(w, s);
}

bool tunnel_udp(struct walk *w, uint16_t port, struct span s, enum decode_status *status)
{
	if (s.len < 8)
		return false;
	if ((port == 4789 || port == 8472) && vxlan_header(s.at)) {
		w->into->encapsulation |= ENCAPSULATED_VXLAN;
		span_skip(&s, 8);
		*status = link_ethernet(w, s);
		return true;
	}
	if (port == 4790 && vxlan_gpe_header(s.at)) {
		*status = vxlan_gpe(w, s);
		return true;
	}
	if (port == 4754 && gre_header(s.at)) {
		*status = tunnel_gre(w, s);
		return true;
	}
	if (port == 2152 && gtp_header(s.at)) {
		*status = gtp(w, s);
		return true;
	}
	if (port == 6081 && geneve_header(s.at)) {
		*status = geneve(w, s);
		return true;
	}
	return false;
}
