/* The skip path, where most traffic ends: is a segment of mail? Inlined into the walk, for it costs every packet. */
#ifndef IMAPWHY_TRIAGE_H
#define IMAPWHY_TRIAGE_H

#include "analysis.h"

static inline bool port_is_mail(const struct analysis *a, uint16_t port)
{
	return a->mail_port[port / 64] >> (port % 64) & 1;
}

static inline size_t mail_end_slot(const struct analysis *a, const struct address *address, uint16_t port)
{
	return (hash_bytes(a->key, address->byte, 16) + port) % ENDPOINTS;
}

static inline bool is_mail_end(const struct analysis *a, const struct address *address, uint16_t port)
{
	/* Most ports are nobody's. */
	if (!(a->mail_end_port[port / 64] >> (port % 64) & 1))
		return false;
	const struct endpoint *e = &a->mail_end[mail_end_slot(a, address, port)];

	return e->port == port && port && address_same(&e->address, address);
}

static inline bool greeting_like(struct bytes b)
{
	return b.len >= 5 && b.data[0] == '*' && b.data[1] == ' ' &&
	       (memcmp(b.data + 2, "OK ", 3) == 0 || memcmp(b.data + 2, "BYE", 3) == 0 || (b.len >= 9 && memcmp(b.data + 2, "PREAUTH", 7) == 0));
}

/* By its ports, by an end that greeted before, or by its greeting. Else it leaves only a sign that its host answers. */
static inline bool segment_is_mail(struct analysis *a, const struct packet *p)
{
	if (port_is_mail(a, p->source_port) || port_is_mail(a, p->destination_port))
		return true;
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		struct endpoint client = { p->destination, p->destination_port }, server = { p->source, p->source_port };
		passing_synack(a->context.passing, &client, &server, p->at);
	} else if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		struct endpoint client = { p->source, p->source_port }, server = { p->destination, p->destination_port };
		passing_syn(a->context.passing, &client, &server, p->at);
	}
	if (a->context.watching && p->payload_wire)
		a->context.watching = watch_segment(a->context.watch, p);
	if (is_mail_end(a, &p->source, p->source_port) || is_mail_end(a, &p->destination, p->destination_port))
		return true;
	if (!greeting_like(p->payload))
		return false;
	a->mail_end[mail_end_slot(a, &p->source, p->source_port)] = (struct endpoint){ p->source, p->source_port };
	a->mail_end_port[p->source_port / 64] |= (uint64_t)1 << p->source_port % 64;
	return true;
}

#endif
