/* DNS messages go to the look-ups, ICMP errors to whom they quote (RFC 792, RFC 4443). */
#include "beside.h"

#include "dns.h"
#include "sessions.h"

void hear_dns(struct analysis *a, const struct packet *p, struct bytes message)
{
	struct dns_message m;
	struct endpoint from = { p->source, p->source_port }, to = { p->destination, p->destination_port };

	if (!dns_read(message, &m))
		return;
	lookups_message(a->lookups, &m, &from, &to, p->at);
	if (m.response && m.answers && dns_mail_name(m.name))
		incidents_resolved(a->incidents, &(struct incident_session){ .client = to, .server = from, .name = m.name, .at = p->at.time });
}

/* Over TCP two bytes of length stand before a message (RFC 1035 4.2.2). Look-ups of host names fit one segment, or (as some resolvers
 * send it) the length comes in a segment of its own before theirs. */
void hear_dns_over_tcp(struct analysis *a, const struct packet *p)
{
	struct reader r = reader_of(p->payload);
	struct reader with_length = r;
	size_t length = read_be16(&with_length);

	if (!with_length.shortfall && length == reader_left(&with_length))
		r = with_length;
	if (reader_left(&r) > 2)
		hear_dns(a, p, read_bytes(&r, reader_left(&r)));
}

static enum word_icmp icmp_kind(const struct packet *p)
{
	if (p->source.family == 6)
		return p->icmp_type == 2 ? WORD_icmp_too_big : p->icmp_type == 3 ? WORD_icmp_time_exceeded
		     : p->icmp_type != 1 ? WORD_icmp_other
		     : p->icmp_code == 1 || p->icmp_code == 5 || p->icmp_code == 6 ? WORD_icmp_admin_prohibited
		     : p->icmp_code == 4 ? WORD_icmp_port_unreachable
		     : p->icmp_code == 0 ? WORD_icmp_net_unreachable : WORD_icmp_host_unreachable;
	if (p->icmp_type == 11)
		return WORD_icmp_time_exceeded;
	if (p->icmp_type != 3)
		return WORD_icmp_other;
	switch (p->icmp_code) {
	case 0: case 6: case 11:
		return WORD_icmp_net_unreachable;
	case 3: case 2:
		return WORD_icmp_port_unreachable;
	case 4:
		return WORD_icmp_too_big;
	case 9: case 10: case 13:
		return WORD_icmp_admin_prohibited;
	default:
		return WORD_icmp_host_unreachable;
	}
}

void hear_icmp(struct analysis *a, const struct packet *p)
{
	if (!p->quotes)
		return;
	struct endpoint from = { p->quoted_source, p->quoted_source_port }, to = { p->quoted_destination, p->quoted_destination_port };
	if (p->quoted_transport == TRANSPORT_UDP && to.port == 53) {
		lookups_unreachable(a->lookups, &from, &to, p->at);
		return;
	}
	if (p->quoted_transport != TRANSPORT_TCP)
		return;
	struct ends ends = ends_of(a->key, &from.address, from.port, &to.address, to.port);
	struct session *s = find_session(a, &ends);
	struct attempt attempt;
	if (!s && attempts_take(a->attempts, &ends, &attempt))
		s = promote_attempt(a, &attempt);
	if (!s)
		return;
	bool by_client = from.port == s->flow->client.port && address_same(&from.address, &s->flow->client.address);
	tcp_icmp(&s->tcp, icmp_kind(p), by_client ? FROM_CLIENT : FROM_SERVER, p);
	s->looks = 0;
	if (!s->flow->deadline || s->flow->deadline > p->at.time + LOOK_FIRST)
		wheel_set(a->wheel, s->flow, p->at.time + LOOK_FIRST);
}
