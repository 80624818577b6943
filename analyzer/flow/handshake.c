/* How a connection opens: SYN and SYN-ACK (RFC 9293 3.5), a start in mid-stream, a tuple used anew. */
#include "tcp_inside.h"

/* A SYN of another sequence number: after so long a quiet the tuple is used anew, whatever state it was left in. */
#define LONG_QUIET (60 * SECOND)

void first_frame(struct tcp *tcp, const struct packet *p)
{
	tcp->first = p->at;
	if (p->flags & TCP_SYN)
		return;
	tcp->flags |= TCP_MIDSTREAM;
	if (p->flags & TCP_RST)
		return;
	tcp->flags |= TCP_ESTABLISHED;
	tcp->established = p->at;
}

bool starts_anew(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];
	bool over = (tcp->flags & TCP_CLOSED) || (tcp->side[0].flags & tcp->side[1].flags & SIDE_FIN);
	nanoseconds quiet = time_between(tcp_last_seen(tcp), p->at.time);

	if (!((tcp->side[0].flags | tcp->side[1].flags) & SIDE_SEEN))
		return false;
	if ((side->flags & SIDE_SYN) && p->sequence + 1 == side->first)
		return false;
	if (p->flags & TCP_ACK) /* answers a SYN that was not captured, or taken for a stray */
		return (side->flags & SIDE_STARTED) && (over || (tcp->flags & TCP_ESTABLISHED));
	if (from == FROM_SERVER)
		return false;
	return over || quiet >= LONG_QUIET || (tcp->ended != WORD_end_open && quiet >= SECOND);
}

void start_side(struct tcp_side *side, uint32_t seq)
{
	side->first = side->next = side->acked = side->highest = side->sacked = seq;
	side->pending_sends = 0;
	side->flags |= SIDE_STARTED;
}

static void take_options(struct tcp_side *side, const struct packet *p)
{
	side->mss = p->mss;
	side->scale = p->window_scale;
	if (p->sack_permitted)
		side->flags |= SIDE_SACK;
}

static void count_syn(struct tcp *tcp, const struct packet *p)
{
	if (!tcp->syns)
		tcp->syn = p->at;
	else
		tcp->syn_gap = in_16_bits(in_ms(time_between(tcp->last_syn, p->at.time)));
	tcp->last_syn = p->at.time;
	if (tcp->syns < UINT8_MAX)
		tcp->syns++;
}

static void count_synack(struct tcp *tcp, const struct packet *p)
{
	if (!tcp->synacks) {
		tcp->synack = p->at;
		tcp->synack_ttl = p->ttl;
		if (p->has_timestamps)
			tcp->flags |= TCP_SYNACK_TIMESTAMPS;
	}
	if (!tcp->synacks && tcp->syns == 1)
		sample_rtt(tcp, FROM_SERVER, tcp->syn.time, p->at.time);
	if (tcp->synacks < UINT8_MAX)
		tcp->synacks++;
	tcp->side[FROM_SERVER].flags |= SIDE_LIVES; /* it answers a SYN */
	if (tcp->flags & TCP_REFUSED) { /* the refusal was not the last word */
		struct reset_notes *n = tcp->trouble->resets;
		/* Of one SYN a host says one thing; a reset of what it had accepted may come by before that. */
		n->then_synack = tcp->syns == 1 && n->sequence[FROM_SERVER] != p->sequence + 1;
		tcp->flags &= (uint16_t)~(TCP_REFUSED | TCP_CLOSED);
		tcp->ended = WORD_end_open;
	}
}

/* Before anything but SYNs was exchanged a side may choose its sequence number anew. False: a stray. */
bool take_syn(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];
	const struct tcp_side *peer = &tcp->side[other(from)];
	bool same = (side->flags & SIDE_SYN) && side->first == p->sequence + 1;

	if (!same && (side->flags & SIDE_STARTED) && ((tcp->flags & TCP_ESTABLISHED) || (side->flags & (SIDE_DATA | SIDE_FIN))))
		return false;
	if ((p->flags & TCP_ACK) && (peer->flags & SIDE_SYN) &&
	    (seq_before(p->acknowledgement, peer->first) || p->acknowledgement - peer->first > UINT16_MAX))
		return false;
	if (!same) {
		start_side(side, p->sequence + 1);
		side->flags |= SIDE_SYN;
	}
	take_options(side, p);
	if (from == FROM_CLIENT && !(p->flags & TCP_ACK))
		count_syn(tcp, p);
	if (from == FROM_SERVER && (p->flags & TCP_ACK))
		count_synack(tcp, p);
	return true;
}

/* The first frame of a side is no SYN. Where the other side's acknowledgements reach back to a handshake, so does the stream. */
void start_midstream(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];
	const struct tcp_side *peer = &tcp->side[other(from)];
	uint32_t seq = p->sequence;

	if ((peer->flags & (SIDE_SYN | SIDE_ACK)) == (SIDE_SYN | SIDE_ACK) && seq - peer->last_ack < 1 << 20)
		seq = peer->last_ack;
	start_side(side, seq);
}

unsigned note_established(struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *client = &tcp->side[FROM_CLIENT], *server = &tcp->side[FROM_SERVER];

	if ((tcp->flags & TCP_ESTABLISHED) || (p->flags & TCP_SYN) || !(p->flags & TCP_ACK))
		return 0;
	if (from == FROM_CLIENT) {
		if ((server->flags & SIDE_SYN) && (!(client->flags & SIDE_ACK) || seq_before(client->last_ack, server->first)))
			return 0;
		if (tcp->synacks == 1)
			sample_rtt(tcp, FROM_CLIENT, tcp->synack.time, p->at.time);
	} else if (!p->payload_wire && !(p->flags & TCP_FIN)) {
		return 0;
	}
	tcp->flags |= TCP_ESTABLISHED;
	tcp->established = p->at;
	return TCP_NEWS_ESTABLISHED | TCP_NEWS_PROGRESS;
}
