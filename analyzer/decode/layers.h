/* Inside of decode: what the layers of one frame hand to each other. Not for other rooms. */
#ifndef IMAPWHY_LAYERS_H
#define IMAPWHY_LAYERS_H

#include "packet.h"

/* Headers that can stand inside each other without end (tags, label stacks, IP) before we stop looking. */
#define NESTING_MOST 8

/* What is left of the frame: captured bytes and how many there were on the wire. Always len <= wire. */
struct span {
	const uint8_t *at;
	uint32_t len, wire;
};

struct fragments;

struct decoder {
	struct decode_counters counters;
	uint64_t calls; /* number of the present decode(): reassembled bytes stay put as long as it runs */
	struct fragments *fragments;
};

/* One frame on its way through its layers. */
struct walk {
	struct decoder *decoder;
	struct packet *into;
	unsigned depth;
};

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Steps over a header; false, and nothing moved, where it was not captured whole. */
static inline bool span_skip(struct span *s, uint32_t n)
{
	if (s->len < n)
		return false;
	s->at += n;
	s->len -= n;
	s->wire -= n;
	return true;
}

/* The header said that n bytes are left on the wire, more (cut) or fewer (padding) than we thought. */
static inline void span_set(struct span *s, uint32_t n)
{
	s->wire = n;
	if (s->len > n)
		s->len = n;
}

/* As span_set, but never beyond what the layer outside has. */
static inline void span_limit(struct span *s, uint32_t n)
{
	if (n < s->wire)
		span_set(s, n);
}

static inline enum decode_status malformed(struct walk *w)
{
	w->decoder->counters.malformed++;
	return DECODE_MALFORMED;
}

static inline enum decode_status not_ip(struct walk *w)
{
	w->decoder->counters.not_ip++;
	return DECODE_NOT_OURS;
}

static inline enum decode_status other_transport(struct walk *w)
{
	w->decoder->counters.other_transport++;
	return DECODE_NOT_OURS;
}

/* One header deeper; false and counted when that is too deep: the caller returns DECODE_NOT_OURS. */
static inline bool deeper(struct walk *w)
{
	if (++w->depth <= NESTING_MOST)
		return true;
	w->decoder->counters.too_deep++;
	return false;
}

/* Each reads the layer that starts at s and all inside it; the frame's end of the walk is counted by whoever ends it. */
enum decode_status link_any(struct walk *w, uint16_t link, struct span s);
enum decode_status link_ethernet(struct walk *w, struct span s);
enum decode_status link_ethertype(struct walk *w, uint16_t type, struct span s);
enum decode_status link_mpls(struct walk *w, struct span s);
enum decode_status link_ppp(struct walk *w, struct span s);
enum decode_status tunnel_gre(struct walk *w, struct span s);
/* True when the UDP payload is a tunnel of that destination port: then *status is the walk's outcome. */
bool tunnel_udp(struct walk *w, uint16_t port, struct span s, enum decode_status *status);
enum decode_status ip_any(struct walk *w, struct span s);
enum decode_status ip_v4(struct walk *w, struct span s);
enum decode_status ip_v6(struct walk *w, struct span s);
enum decode_status transport_tcp(struct walk *w, struct span s);
enum decode_status transport_udp(struct walk *w, struct span s);
enum decode_status transport_icmp(struct walk *w, struct span s);
enum decode_status transport_icmp6(struct walk *w, struct span s);

/* Steps over IPv6 extension headers to what is none, or to a fragment header; false where they are cut or too many. */
bool ip_v6_skip_extensions(struct span *s, uint8_t *next);

static inline void address_v4(struct address *a, const uint8_t *wire)
{
	memcpy(a->byte, wire, 4);
	memset(a->byte + 4, 0, 12);
	a->family = 4;
}

static inline void address_v6(struct address *a, const uint8_t *wire)
{
	memcpy(a->byte, wire, 16);
	a->family = 6;
}

struct fragment {
	uint32_t id;
	uint32_t offset; /* in bytes */
	uint8_t protocol; /* IPv4: part of the key. IPv6: that of the fragment at offset 0 counts */
	bool more;
};

struct fragments *fragments_create(void);
void fragments_destroy(struct fragments **fragments);
/* Keeps the fragment s of the datagram between w->into's addresses. DECODE_PACKET: that was the last, and *s and *protocol are now the
 * whole datagram's; s stays valid until the next decode(). */
enum decode_status fragments_add(struct walk *w, const struct fragment *fragment, struct span *s, uint8_t *protocol);

#endif
