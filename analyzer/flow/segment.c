/* Data and FIN in the sequence space: new, late, sent again, a keep-alive or probe; and the oldest that is not acknowledged. */
#include "tcp_inside.h"

#define USUAL_MSS 1460
#define SMALL_MOST 500 /* every path carries frames of 576 bytes (RFC 791) */

/* --- keep-alives and probes --- */

/* Keep-alive, or window probe where the other side's window is closed. */
static bool probes(const struct tcp_side *side, const struct tcp_side *peer, const struct packet *p)
{
	uint32_t len = p->payload_wire;

	if (p->flags & (TCP_SYN | TCP_FIN) || len > 1 || (side->flags & SIDE_FIN))
		return false;
	if (p->sequence == side->highest - 1 && (side->acked == side->highest || (peer->flags & SIDE_ZERO)))
		/* A byte that did not come by yet was only captured after its acknowledgement. */
		return len == 0 || (seq_after(side->highest, side->first) && seq_before(p->sequence, side->next));
	return (peer->flags & SIDE_ZERO) && (len == 1 || seq_before(p->sequence, side->highest)) &&
	       !seq_after(p->sequence, side->acked);
}

/* A keep-alive after one that was not answered: the other side may be gone. */
static void note_alone(struct tcp *tcp, const struct tcp_side *side, struct moment at)
{
	struct trouble *t = tcp_trouble(tcp);

	if (!t)
		return;
	if (!t->alone++) {
		t->alone++;
		t->alone_at = at;
		t->alone_first = side->last_seen;
	}
	t->alone_last = at.time;
}

static unsigned take_probe(struct tcp *tcp, enum direction from, struct moment at, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	if (peer->flags & SIDE_ZERO) {
		if (tcp->trouble)
			tcp->trouble->probes[other(from)]++;
	} else if (side->flags & SIDE_PROBED) {
		note_alone(tcp, side, at);
	} else if (tcp->trouble) {
		tcp->trouble->alone = 0;
	}
	if (!side->pending_sends && !(side->flags & SIDE_PROBED)) {
		side->flags |= SIDE_PROBED;
		side->pending_quiet = quiet;
	}
	return TCP_NEWS_KEEPALIVE;
}

/* --- what is not acknowledged --- */

static void pend(struct tcp *tcp, enum direction from, const struct packet *p, uint32_t end, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from];

	side->pending_sends = 1;
	side->pending_size = p->payload_wire > UINT16_MAX ? UINT16_MAX : (uint16_t)p->payload_wire;
	side->pending_end = end;
	if (!(side->flags & SIDE_PROBED)) /* keep-alives without an answer don't end the quiet */
		side->pending_quiet = quiet;
	side->pending_at = p->at;
	side->pending_last = p->at.time;
	tcp->flags &= (uint16_t)~rest_flag(from);
	side->flags &= (uint16_t)~(SIDE_EXACT | SIDE_SMALL);
	if (p->sequence == side->acked)
		side->flags |= SIDE_EXACT;
}

/* Keeps account of the oldest that is not acknowledged. again: sent before. */
static void watch_pending(struct tcp *tcp, enum direction from, const struct packet *p, bool again, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from];
	uint32_t end = p->sequence + p->payload_wire + (p->flags & TCP_FIN ? 1 : 0);

	if (!seq_after(end, side->acked))
		return;
	if (!side->pending_sends) {
		pend(tcp, from, p, end, quiet);
	} else if (again && !seq_after(p->sequence, side->acked)) {
		if (side->pending_sends < UINT16_MAX)
			side->pending_sends++;
		side->pending_last = p->at.time;
		if (tcp->flags & rest_flag(from)) {
			side->pending_at.frame = p->at.frame;
			side->pending_at.file = p->at.file;
		}
		if (p->payload_wire > side->pending_size)
			side->pending_size = p->payload_wire > UINT16_MAX ? UINT16_MAX : (uint16_t)p->payload_wire;
	} else if (p->payload_wire && (p->payload_wire <= side->passed || p->payload_wire < SMALL_MOST)) {
		side->flags |= SIDE_SMALL; /* of a size that the path carries */
	}
}

/* An acknowledgement from beyond what was seen of a side: it has sent what never came by, lost on its way here (a path that swallows
 * full-size segments looks so from behind it) or by the capture. */
static void note_unseen(struct tcp *tcp, const struct packet *p, enum direction from, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];
	uint32_t missing = p->sequence - side->highest, mss = peer->mss >= 256 ? peer->mss - (p->has_timestamps ? 12u : 0u) : USUAL_MSS;

	if (!(side->flags & SIDE_SYN) || !(peer->flags & SIDE_SYN) || (side->flags & SIDE_FIN) || !seq_after(p->sequence, side->highest))
		return;
	if (missing > (uint32_t)peer->window << (peer->scale <= 14 ? peer->scale : 0))
		return;
	if (!side->pending_sends) {
		pend(tcp, from, p, p->sequence, quiet);
		side->pending_size = (uint16_t)(missing < mss ? missing : mss);
		side->flags &= (uint16_t)~SIDE_EXACT;
	}
	struct trouble *t = from == FROM_SERVER ? tcp_trouble(tcp) : NULL;
	if (t && !t->unseen_at.time)
		t->unseen_at = p->at;
	side->highest = p->sequence;
}

/* --- new, late or again --- */

/* Segments that the card had put together count as what went over the wire. */
static uint32_t segments(const struct tcp *tcp, enum direction from, uint32_t len)
{
	uint32_t mss = tcp->side[other(from)].mss;

	if (mss < 256)
		mss = USUAL_MSS;
	return (len + mss - 1) / mss;
}

/* Bytes below the highest: sent again, or late by another path (or captured late)? */
static bool out_of_order(const struct tcp *tcp, enum direction from, const struct packet *p)
{
	const struct tcp_side *side = &tcp->side[from];
	/* A loss is told to the sender, and repaired, by way of the receiver; with selective acknowledgement (below) that would show. */
	bool told = side->flags & tcp->side[other(from)].flags & SIDE_SACK;
	nanoseconds patience = tcp->rtt[other(from)] ? (tcp->rtt[other(from)] + (told ? tcp->rtt[from] : 0)) * MICROSECOND : 3 * MILLISECOND;

	if (stream_has(side, p->sequence, p->payload_wire))
		return false;
	if (!seq_after(p->sequence + p->payload_wire, side->acked))
		return true; /* acknowledged, so it had arrived: only the capture is late */
	return !seq_after(side->sacked, p->sequence) && time_between(side->last_data, p->at.time) < patience;
}

/* A router just said that its segments are too big (RFC 1191): that they come again, smaller, is no sign of a bad line. */
static bool told_too_big(const struct trouble *t, enum direction from, const struct packet *p)
{
	return t && t->icmp_kind == WORD_icmp_too_big && t->icmp_quoted == from && time_between(t->icmp_last.time, p->at.time) < SECOND;
}

static void count_again(struct tcp *tcp, enum direction from, const struct packet *p)
{
	struct tcp_side *side = &tcp->side[from];
	struct trouble *t = tcp_trouble(tcp);

	if (!seq_after(p->sequence + p->payload_wire, side->acked) || told_too_big(t, from, p)) {
		if (t)
			t->spurious[from] += segments(tcp, from, p->payload_wire);
		return;
	}
	if (!side->retransmitted && t)
		t->retransmitted_at[from] = p->at;
	side->retransmitted += segments(tcp, from, p->payload_wire);
}

static void note_data(struct tcp_side *side, const struct packet *p)
{
	side->last_data = p->at.time;
	side->last_data_frame = p->at.frame;
	side->last_data_file = p->at.file;
	if (p->payload_wire > side->largest)
		side->largest = p->payload_wire > UINT16_MAX ? UINT16_MAX : (uint16_t)p->payload_wire;
}

/* Counts a segment as new, late or sent again; its news. */
static unsigned sort_data(struct tcp *tcp, enum direction from, const struct packet *p, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from];
	const struct tcp_side *peer = &tcp->side[other(from)];
	uint32_t end = p->sequence + p->payload_wire;
	bool overlaps = seq_before(p->sequence, side->highest) && (side->highest - p->sequence > 1 || !seq_after(end, side->highest));
	bool again = overlaps && !out_of_order(tcp, from, p), fresh = seq_after(end, side->highest);
	struct trouble *t;

	watch_pending(tcp, from, p, again, quiet);
	if (again && (peer->flags & SIDE_ZERO) && p->sequence == side->acked && tcp->trouble)
		tcp->trouble->probes[other(from)]++; /* the window closed on data in flight: its repetition probes */
	else if (again)
		count_again(tcp, from, p);
	else
		side->data_segments += segments(tcp, from, p->payload_wire);
	if (overlaps && !again && (t = tcp_trouble(tcp)))
		t->out_of_order[from]++;
	if (fresh || !again)
		note_data(side, p);
	if (fresh)
		side->highest = end;
	return (again ? TCP_NEWS_RETRANSMISSION : 0u) | (fresh || !again ? TCP_NEWS_PROGRESS : 0u);
}

/* --- a segment --- */

static unsigned take_fin(struct tcp *tcp, enum direction from, const struct packet *p, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from];
	uint32_t at = p->sequence + p->payload_wire;
	bool again = side->flags & SIDE_FIN;

	if (again && at != side->fin_sequence)
		return 0;
	if (!p->payload_wire) /* else the data took care of it */
		watch_pending(tcp, from, p, again, quiet);
	if (again)
		return 0;
	side->flags |= SIDE_FIN;
	side->fin = p->at;
	side->fin_sequence = at;
	if (!seq_after(side->highest, at))
		side->highest = at + 1;
	if (seq_after(side->acked, at))
		side->flags |= SIDE_FIN_ACKED;
	return TCP_NEWS_PROGRESS | note_end(tcp, from == FROM_CLIENT ? WORD_end_client_fin : WORD_end_server_fin);
}

/* A keep-alive met first (one byte back), or bytes that the other side had acknowledged: the stream starts later than thought. */
static void move_start(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];

	if (side->flags & (SIDE_SYN | SIDE_DATA))
		return;
	if (p->sequence == side->next + 1 || (seq_after(p->sequence, side->next) && p->sequence == side->acked))
		start_side(side, p->sequence);
}

static bool stray(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];
	uint32_t end = p->sequence + p->payload_wire;

	if (seq_after(end, side->highest + most_ahead(tcp, from)))
		return true;
	return (side->flags & SIDE_FIN) && seq_after(end, side->fin_sequence);
}

/* Data on a SYN may be refused and then comes again: it is handed on, yet not pending. */
unsigned take_syn_data(struct tcp *tcp, const struct packet *p, enum direction from, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];

	if (!p->payload_wire || (side->flags & (SIDE_DATA | SIDE_FIN)))
		return 0;
	tcp->flags |= TCP_FAST_OPEN;
	note_data(side, p);
	side->flags |= SIDE_DATA;
	stream_take(tcp, from, p->sequence + 1, p->payload, p->payload_wire, p->at, sink);
	return TCP_NEWS_PROGRESS;
}

unsigned take_data(struct tcp *tcp, const struct packet *p, enum direction from, uint32_t quiet, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	unsigned news = 0;

	if (stray(tcp, p, from))
		return 0;
	if (probes(side, &tcp->side[other(from)], p)) {
		news = take_probe(tcp, from, p->at, quiet);
		if (!seq_after(p->sequence + p->payload_wire, side->highest))
			return news;
		side->highest = p->sequence + p->payload_wire; /* a probe with a byte of new data */
		side->flags |= SIDE_DATA;
		stream_take(tcp, from, p->sequence, p->payload, p->payload_wire, p->at, sink);
		return news;
	}
	if (p->payload_wire) {
		move_start(tcp, p, from);
		news |= sort_data(tcp, from, p, quiet);
		side->flags |= SIDE_DATA;
	}
	if (p->flags & TCP_FIN)
		news |= take_fin(tcp, from, p, quiet);
	if (p->payload_wire)
		stream_take(tcp, from, p->sequence, p->payload, p->payload_wire, p->at, sink);
	else if (!(p->flags & TCP_FIN))
		note_unseen(tcp, p, from, quiet);
	stream_fin(tcp, from, p->at, sink);
	return news;
}
