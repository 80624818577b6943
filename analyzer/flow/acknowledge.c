/* What acknowledgements and windows tell: round trips, what arrived, what was waited for, a receiver that is full. */
#include "tcp_inside.h"

/* --- acknowledgements --- */

void sample_rtt(struct tcp *tcp, enum direction toward, nanoseconds sent, nanoseconds answered)
{
	nanoseconds us = time_between(sent, answered) / MICROSECOND;
	uint32_t *least = &tcp->rtt[toward];

	if (us < 1)
		us = 1;
	if (us >= UINT32_MAX)
		return;
	if (!*least || us < *least)
		*least = (uint32_t)us;
	if (us > tcp->rtt_most[toward])
		tcp->rtt_most[toward] = (uint32_t)us;
	if (tcp->rtt_samples[toward] < UINT16_MAX)
		tcp->rtt_samples[toward]++;
	tcp->rtt_mean[toward] += (int64_t)(us - tcp->rtt_mean[toward]) / tcp->rtt_samples[toward];
}

static void stalled(struct tcp *tcp, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];
	struct trouble *t = tcp_trouble(tcp);
	nanoseconds start = side->pending_at.time;

	if (!t)
		return;
	if (start < t->stalled_until[from]) /* segments lost together are waited for together */
		start = t->stalled_until[from];
	if (side->pending_last > start) {
		t->stalled += side->pending_last - start;
		t->stalled_until[from] = side->pending_last;
	}
}

/* The oldest of what is still in flight: when exactly it was sent is not kept, so the newest sending of new data stands for it. */
static void pend_rest(struct tcp *tcp, enum direction from, uint32_t acked)
{
	struct tcp_side *side = &tcp->side[from];

	tcp->flags |= rest_flag(from);
	side->pending_sends = 1;
	side->pending_at = (struct moment){ side->last_data, side->last_data_frame, side->last_data_file };
	side->pending_last = side->last_data;
	side->pending_end = side->highest;
	side->pending_size = side->highest - acked < side->largest ? (uint16_t)(side->highest - acked) : side->largest;
	side->pending_quiet = 0;
	side->flags &= (uint16_t)~(SIDE_EXACT | SIDE_SMALL);
	if ((side->flags & SIDE_FIN) && acked == side->fin_sequence) {
		tcp->flags &= (uint16_t)~rest_flag(from);
		side->pending_at = side->fin;
		side->pending_last = side->fin.time;
		side->pending_size = 0;
	}
}

void acknowledge(struct tcp *tcp, enum direction from, uint32_t ack, nanoseconds now)
{
	struct tcp_side *side = &tcp->side[from];

	if (side->pending_sends && !seq_before(ack, side->pending_end)) {
		if (side->pending_sends > 1)
			stalled(tcp, from);
		else if (side->flags & SIDE_EXACT)
			sample_rtt(tcp, other(from), side->pending_at.time, now);
		if (side->pending_size > side->passed)
			side->passed = side->pending_size;
	} else if (side->pending_sends > 1) {
		stalled(tcp, from);
	}
	if (side->pending_sends && side->pending_quiet / 1000 > tcp->survived)
		tcp->survived = in_16_bits(side->pending_quiet / 1000);
	side->acked = ack;
	if ((side->flags & SIDE_FIN) && seq_after(ack, side->fin_sequence))
		side->flags |= SIDE_FIN_ACKED;
	if (ack != side->highest) {
		if (side->pending_sends)
			pend_rest(tcp, from, ack);
		return;
	}
	side->pending_sends = 0;
	if (side->largest > side->passed)
		side->passed = side->largest;
}

/* RFC 5681 2: nothing new, while data is under way. */
static bool repeats_ack(const struct tcp_side *side, const struct tcp_side *peer, const struct packet *p)
{
	return (side->flags & SIDE_ACK) && p->acknowledgement == side->last_ack && !p->payload_wire && !(p->flags & (TCP_SYN | TCP_FIN)) &&
	       p->window == side->window && peer->pending_sends && (peer->flags & SIDE_DATA);
}

bool take_ack(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];
	uint32_t ack = p->acknowledgement;
	bool advances = (side->flags & SIDE_ACK) && seq_after(ack, side->last_ack);
	struct trouble *t;

	if (repeats_ack(side, peer, p) && (t = tcp_trouble(tcp)))
		t->duplicate_acks[from]++;

	if (!(peer->flags & SIDE_STARTED)) {
		if (advances || ((side->flags & SIDE_SYN) && !(p->flags & TCP_SYN)))
			side->flags |= SIDE_LIVES;
	} else {
		if (seq_after(ack, peer->highest + most_ahead(tcp, other(from))) || seq_before(ack, peer->first - 1))
			return false; /* a stray: acknowledges what was never sent */
		if (seq_after(ack, peer->highest))
			peer->highest = ack;
		advances = seq_after(ack, peer->acked);
		if (advances)
			acknowledge(tcp, other(from), ack, p->at.time);
		if (p->has_sack && seq_after(p->sack_right, ack) && seq_after(p->sack_right, peer->sacked) &&
		    !seq_after(p->sack_right, peer->highest))
			peer->sacked = p->sack_right;
	}
	if (advances || !(side->flags & SIDE_ACK)) {
		side->last_ack = ack;
		side->flags |= SIDE_ACK;
	}
	return advances;
}

/* --- windows --- */

void take_window(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];
	struct trouble *t;

	side->window = p->window;
	if (p->window == 0 && !(side->flags & SIDE_ZERO) && (t = tcp_trouble(tcp))) {
		side->flags |= SIDE_ZERO;
		t->zero_at[from] = p->at;
		t->zero_windows[from]++;
	} else if (p->window && (side->flags & SIDE_ZERO)) {
		nanoseconds closed = time_between(tcp->trouble->zero_at[from].time, p->at.time);

		side->flags &= (uint16_t)~SIDE_ZERO;
		t = tcp->trouble;
		if (closed > t->zero_longest[from]) {
			t->zero_longest[from] = closed;
			t->zero_longest_at[from] = t->zero_at[from];
		}
	}
}
