/* The walk of a packet, from frame to verdict. */
#include "beside.h"
#include "cases.h"
#include "looks.h"
#include "sessions.h"
#include "triage.h"

static void clock_to(struct analysis *a, nanoseconds time)
{
	if (time <= a->now)
		return;
	wheel_turn(a->wheel, time, look_at_session, a);
	a->now = time;
	if (time - a->lookups_looked >= SECOND) {
		a->lookups_looked = time;
		incidents_look(a->incidents, time);
		lookups_settle(a->lookups, time, false, lookup_failed, a);
	}
}

void analysis_clock(struct analysis *a, nanoseconds now)
{
	clock_to(a, now);
}

static inline bool is_dns(const struct packet *p)
{
	return p->source_port == 53 || p->destination_port == 53;
}

static void tcp(struct analysis *a, const struct packet *p)
{
	if (!segment_is_mail(a, p)) {
		if (is_dns(p))
			hear_dns_over_tcp(a, p);
		else
			a->skipped++;
		return;
	}
	if (a->shared.session_bytes > a->session_room)
		drive_out_sessions(a);
	struct ends ends = ends_of(a->key, &p->source, p->source_port, &p->destination, p->destination_port);
	flow_expect(a->flows, &ends);
	frame_expect(a->shared.held, p);
	struct session *s = find_session(a, &ends);
	if (s) {
		feed_session(a, s, p);
		return;
	}
	bool syn_alone = (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	struct attempt attempt;
	if (attempts_take(a->attempts, &ends, &attempt)) {
		if (syn_alone && attempt_duplicate(a->shared.held, &attempt, p)) {
			a->duplicates++;
			struct packet again;
			attempt_packet(&attempt, &again);
			attempts_add(a->attempts, &ends, &again);
			return;
		}
		s = promote_attempt(a, &attempt);
		if (s)
			feed_session(a, s, p);
		return;
	}
	if (syn_alone && p->payload_wire == 0) {
		if (p->source.family == 6)
			note_family(a, p);
		attempts_add(a->attempts, &ends, p);
		return;
	}
	/* Met in mid-stream: a bare ACK or RST begins nothing. */
	if (p->payload_wire == 0 && !(p->flags & (TCP_SYN | TCP_FIN)))
		return;
	s = begin_session(a, p);
	if (s)
		feed_session(a, s, p);
}

void analysis_frame(struct analysis *a, const struct frame *frame)
{
	struct packet p;
	uint64_t skipped = a->skipped;

	a->packets++;
	a->bytes += frame->wire;
	if (!a->first)
		a->first = frame->at.time;
	a->last = frame->at;
	clock_to(a, frame->at.time);
	if (decode(a->decoder, frame->link, frame->data, frame->captured, frame->wire, frame->at, &p) != DECODE_PACKET)
		return;
	a->cut += p.truncated;
	if (p.transport == TRANSPORT_TCP)
		tcp(a, &p);
	else if (p.transport == TRANSPORT_ICMP)
		hear_icmp(a, &p);
	else if (is_dns(&p))
		hear_dns(a, &p, p.payload);
	else
		a->skipped++;
	if (a->keep && a->skipped == skipped)
		a->keep(a->keep_context, frame);
}
