/* TCP, UDP and the ICMP errors with what they quote: the end of the walk. */
#include "layers.h"

enum { ICMP_UNREACHABLE = 3, ICMP_QUENCH = 4, ICMP_EXCEEDED = 11, ICMP_PARAMETER = 12 };
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3, OPTION_SACK_PERMITTED = 4, OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8 };
enum { SCALE_NONE = 255, SCALE_MOST = 14 /* RFC 7323 */ };

/* Nothing of the frame is set but by its own layer: the members of the other transports are emptied here. */
static inline void no_icmp(struct packet *p)
{
	memset((char *)p + offsetof(struct packet, icmp_type), 0, sizeof *p - offsetof(struct packet, icmp_type));
}

static inline void no_tcp(struct packet *p)
{
	memset((char *)p + offsetof(struct packet, sequence), 0,
	       offsetof(struct packet, icmp_type) - offsetof(struct packet, sequence));
	p->window_scale = SCALE_NONE;
}

/* What follows the transport's header, which itself may have been cut. */
static inline void set_payload(struct packet *p, struct span s, uint32_t header)
{
	uint32_t have = s.len < header ? s.len : header;

	p->payload = (struct bytes){ s.at + have, s.len - have };
	p->payload_wire = s.wire - header;
	p->truncated = p->payload.len < p->payload_wire;
}

static void option(struct packet *p, const uint8_t *o, uint32_t len)
{
	bool syn = p->flags & TCP_SYN;

	if (o[0] == OPTION_MSS && len == 4 && syn) {
		p->mss = be16(o + 2);
	} else if (o[0] == OPTION_SCALE && len == 3 && syn) {
		p->window_scale = o[2] > SCALE_MOST ? SCALE_MOST : o[2];
	} else if (o[0] == OPTION_SACK_PERMITTED && len == 2 && syn) {
		p->sack_permitted = true;
	} else if (o[0] == OPTION_SACK && len >= 10 && !p->has_sack) {
		p->has_sack = true;
		p->sack_left = be32(o + 2);
		p->sack_right = be32(o + 6);
	} else if (o[0] == OPTION_TIMESTAMPS && len == 10) {
		p->has_timestamps = true;
		p->timestamp = be32(o + 2);
		p->timestamp_echo = be32(o + 6);
	}
}

/* Broken or cut options end the reading but not the packet: receivers take such segments too. */
static void options(struct packet *p, const uint8_t *o, uint32_t left)
{
	while (left > 0 && o[0] != OPTION_END) {
		uint32_t len = 1;

		if (o[0] != OPTION_NOP) {
			if (left < 2 || o[1] < 2 || o[1] > left)
				return;
			len = o[1];
			option(p, o, len);
		}
		o += len;
		left -= len;
	}
}

static inline void no_options(struct packet *p)
{
	p->window_scale = SCALE_NONE;
	p->mss = 0;
	p->has_timestamps = p->sack_permitted = p->has_sack = false;
	p->timestamp = p->timestamp_echo = p->sack_left = p->sack_right = 0;
}

enum decode_status transport_tcp(struct walk *w, struct span s)
{
	static const uint8_t usual[4] = { OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMPS, 10 };
	const uint8_t *h = s.at;
	struct packet *p = w->into;
	uint32_t header;

	if (s.len < 20)
		return malformed(w);
	header = (h[12] >> 4) * 4u;
	if (header < 20 || header > s.wire)
		return malformed(w);
	p->transport = TRANSPORT_TCP;
	p->source_port = be16(h);
	p->destination_port = be16(h + 2);
	p->sequence = be32(h + 4);
	p->acknowledgement = be32(h + 8);
	p->flags = h[13] & 0x3f;
	p->window = be16(h + 14);
	no_options(p);
	no_icmp(p);
	if (header == 32 && s.len >= 32 && memcmp(h + 20, usual, 4) == 0) {
		p->has_timestamps = true;
		p->timestamp = be32(h + 24);
		p->timestamp_echo = be32(h + 28);
	} else if (header > 20) {
		options(p, h + 20, (s.len < header ? s.len : header) - 20);
	}
	set_payload(p, s, header);
	return DECODE_PACKET;
}

enum decode_status transport_udp(struct walk *w, struct span s)
{
	const uint8_t *h = s.at;
	struct packet *p = w->into;
	enum decode_status status;
	struct span inside;
	uint16_t len;

	if (s.len < 8)
		return malformed(w);
	len = be16(h + 4);
	if (len != 0 && len < 8)
		return malformed(w);
	if (len != 0) /* 0: a jumbogram, which IP bounds alone */
		span_limit(&s, len);
	inside = s;
	span_skip(&inside, 8);
	if (tunnel_udp(w, be16(h + 2), inside, &status))
		return status;
	p->transport = TRANSPORT_UDP;
	p->source_port = be16(h);
	p->destination_port = be16(h + 2);
	no_tcp(p);
	no_icmp(p);
	set_payload(p, s, 8);
	return DECODE_PACKET;
}

/* Eight bytes of the transport are what every error quotes at the least: TCP's ports and sequence, UDP's whole header. */
static bool quoted_ports(struct packet *p, uint8_t protocol, struct span s)
{
	const uint8_t *h = s.at;

	if ((protocol != 6 && protocol != 17) || !span_skip(&s, 8))
		return false;
	p->quoted_source_port = be16(h);
	p->quoted_destination_port = be16(h + 2);
	if (protocol == 6) {
		p->quoted_transport = TRANSPORT_TCP;
		p->quoted_sequence = be32(h + 4);
		return true;
	}
	p->quoted_transport = TRANSPORT_UDP;
	if (be16(h + 4) >= 8) /* what is beyond the datagram are extensions of the error (RFC 4884) */
		span_limit(&s, be16(h + 4) - 8u);
	p->quoted_payload = bytes_of(s.at, s.len);
	return true;
}

static bool quoted_v4(struct packet *p, struct span s)
{
	const uint8_t *h = s.at;
	uint32_t header;

	if (s.len < 20 || h[0] >> 4 != 4)
		return false;
	header = (h[0] & 15u) * 4;
	if (header < 20 || !span_skip(&s, header) || be16(h + 6) & 0x1fff) /* a later fragment has no ports */
		return false;
	if (!quoted_ports(p, h[9], s))
		return false;
	address_v4(&p->quoted_source, h + 12);
	address_v4(&p->quoted_destination, h + 16);
	return true;
}

static bool quoted_v6(struct packet *p, struct span s)
{
	const uint8_t *h = s.at, *fragment;
	uint8_t next;

	if (s.len < 40 || h[0] >> 4 != 6)
		return false;
	span_skip(&s, 40);
	next = h[6];
	if (!ip_v6_skip_extensions(&s, &next))
		return false;
	if (next == 44) {
		fragment = s.at;
		if (!span_skip(&s, 8) || be16(fragment + 2) & 0xfff8)
			return false;
		next = fragment[0];
		if (!ip_v6_skip_extensions(&s, &next))
			return false;
	}
	if (!quoted_ports(p, next, s))
		return false;
	address_v6(&p->quoted_source, h + 8);
	address_v6(&p->quoted_destination, h + 24);
	return true;
}

static enum decode_status icmp_error(struct walk *w, struct span s, bool (*quoted)(struct packet *, struct span))
{
	const uint8_t *h = s.at;
	struct packet *p = w->into;

	if (!span_skip(&s, 8))
		return malformed(w);
	no_tcp(p);
	no_icmp(p);
	p->transport = TRANSPORT_ICMP;
	p->source_port = p->destination_port = 0;
	p->payload = bytes_of(s.at, 0);
	p->payload_wire = 0;
	p->truncated = false;
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	p->quotes = quoted(p, s);
	return DECODE_PACKET;
}

enum decode_status transport_icmp(struct walk *w, struct span s)
{
	if (s.len < 1)
		return malformed(w);
	switch (s.at[0]) {
	case ICMP_UNREACHABLE: case ICMP_QUENCH: case ICMP_EXCEEDED: case ICMP_PARAMETER: return icmp_error(w, s, quoted_v4);
	default: return other_transport(w);
	}
}

enum decode_status transport_icmp6(struct walk *w, struct span s)
{
	if (s.len < 1)
		return malformed(w);
	return s.at[0] >= 1 && s.at[0] <= 4 ? icmp_error(w, s, quoted_v6) : other_transport(w);
}
