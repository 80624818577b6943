/* The TCP tracker: follows both directions of a connection, packet by packet. */
#include "tcp.h"

#include "held.h"
#include "tcp_inside.h"

#include <stdlib.h>

/* A SYN of another sequence number: after so long a quiet the tuple is used anew, whatever state it was left in. */
#define LONG_QUIET (60 * SECOND)
#define USUAL_MSS 1460

/* --- life --- */

void tcp_init(struct tcp *tcp, struct held_pool *pool)
{
	memset(tcp, 0, sizeof *tcp);
	tcp->pool = pool;
	tcp->side[0].scale = tcp->side[1].scale = 255;
}

void tcp_release(struct tcp *tcp)
{
	struct held_pool *pool = tcp->pool;

	stream_release(tcp);
	if (tcp->trouble)
		free(tcp->trouble->resets);
	free(tcp->trouble);
	tcp_init(tcp, pool);
}

struct trouble *tcp_trouble(struct tcp *tcp)
{
	if (!tcp->trouble && !(tcp->trouble = calloc(1, sizeof *tcp->trouble)))
		tcp->pool->counters.no_memory++;
	return tcp->trouble;
}

struct reset_notes *tcp_resets(struct tcp *tcp)
{
	struct trouble *t = tcp_trouble(tcp);

	if (t && !t->resets && !(t->resets = calloc(1, sizeof *t->resets)))
		tcp->pool->counters.no_memory++;
	return t ? t->resets : NULL;
}

size_t tcp_memory(const struct tcp *tcp)
{
	size_t sum = (size_t)tcp->side[0].held_bytes + tcp->side[1].held_bytes;

	if (tcp->trouble)
		sum += sizeof *tcp->trouble + (tcp->trouble->resets ? sizeof *tcp->trouble->resets : 0);
	return sum;
}

/* --- small helps --- */

unsigned note_end(struct tcp *tcp, enum word_end how)
{
	if (tcp->ended != WORD_end_open)
		return 0;
	tcp->ended = (uint8_t)how;
	return TCP_NEWS_CLOSING;
}

uint32_t most_ahead(const struct tcp *tcp, enum direction from)
{
	const struct tcp_side *peer = &tcp->side[other(from)];

	if (!(peer->flags & SIDE_SYN)) /* the scale of its window is not known */
		return 1u << 30;
	return (1u << 20) + 4 * ((uint32_t)peer->window << (peer->scale <= 14 ? peer->scale : 0));
}

static uint32_t in_ms(nanoseconds t)
{
	return t / MILLISECOND > UINT32_MAX ? UINT32_MAX : (uint32_t)(t / MILLISECOND);
}

static uint16_t in_16_bits(uint32_t n)
{
	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

static void sample_rtt(struct tcp *tcp, enum direction toward, nanoseconds sent, nanoseconds answered)
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

/* The usual TTL of a side by majority; a SYN's counts only until other frames tell theirs. */
static void note_ttl(struct tcp_side *side, const struct packet *p)
{
	side->ttl_last = p->ttl;
	if (!side->ttl || (!side->ttl_votes && p->ttl != side->ttl))
		side->ttl = p->ttl;
	if (p->flags & TCP_SYN)
		return;
	if (side->ttl != p->ttl)
		side->ttl_votes--;
	else if (side->ttl_votes < 255)
		side->ttl_votes++;
}

/* Segments that the card had put together count as what went over the wire. */
static uint32_t segments(const struct tcp *tcp, enum direction from, uint32_t len)
{
	uint32_t mss = tcp->side[other(from)].mss;

	if (mss < 256)
		mss = USUAL_MSS;
	return (len + mss - 1) / mss;
}

/* --- start --- */

static bool starts_anew(const struct tcp *tcp, const struct packet *p, enum direction from)
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

static void start_side(struct tcp_side *side, uint32_t seq)
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
	if (tcp->syns < UINT16_MAX)
		tcp->syns++;
}

static void count_synack(struct tcp *tcp, const struct packet *p)
{
	if (!tcp->synacks) {
		tcp->synack = p->at;
		tcp->synack_ttl = p->ttl;
	}
	if (!tcp->synacks && tcp->syns == 1)
		sample_rtt(tcp, FROM_SERVER, tcp->syn.time, p->at.time);
	if (tcp->synacks < UINT16_MAX)
		tcp->synacks++;
	tcp->side[FROM_SERVER].flags |= SIDE_LIVES; /* it answers a SYN */
	if (tcp->flags & TCP_REFUSED) { /* the refusal was not the last word */
		tcp->flags &= (uint16_t)~(TCP_REFUSED | TCP_CLOSED);
		tcp->ended = WORD_end_open;
	}
}

/* Before anything but SYNs was exchanged a side may choose its sequence number anew. False: a stray. */
static bool take_syn(struct tcp *tcp, const struct packet *p, enum direction from)
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
static void start_midstream(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];
	const struct tcp_side *peer = &tcp->side[other(from)];
	uint32_t seq = p->sequence;

	if ((peer->flags & (SIDE_SYN | SIDE_ACK)) == (SIDE_SYN | SIDE_ACK) && seq - peer->last_ack < 1 << 20)
		seq = peer->last_ack;
	start_side(side, seq);
}

/* --- acknowledgements --- */

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

/* Takes the acknowledgement that a frame of `from` carries; true: it advances. */
static bool take_ack(struct tcp *tcp, const struct packet *p, enum direction from)
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

static void take_window(struct tcp *tcp, const struct packet *p, enum direction from)
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

/* --- data --- */

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

static unsigned take_probe(struct tcp *tcp, enum direction from, uint32_t quiet)
{
	struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	if ((peer->flags & SIDE_ZERO) && tcp->trouble)
		tcp->trouble->probes[other(from)]++;
	if (!side->pending_sends && !(side->flags & SIDE_PROBED)) {
		side->flags |= SIDE_PROBED;
		side->pending_quiet = quiet;
	}
	return TCP_NEWS_KEEPALIVE;
}

/* Bytes below the highest: sent again, or late by another path (or captured late)? */
static bool out_of_order(const struct tcp *tcp, enum direction from, const struct packet *p)
{
	const struct tcp_side *side = &tcp->side[from];
	nanoseconds patience = tcp->rtt[other(from)] ? tcp->rtt[other(from)] * MICROSECOND : 3 * MILLISECOND;

	if (stream_has(side, p->sequence, p->payload_wire))
		return false;
	if (!seq_after(p->sequence + p->payload_wire, side->acked))
		return true; /* acknowledged, so it had arrived: only the capture is late */
	return !seq_after(side->sacked, p->sequence) && time_between(side->last_data, p->at.time) < patience;
}

static void count_again(struct tcp *tcp, enum direction from, const struct packet *p)
{
	struct tcp_side *side = &tcp->side[from];
	struct trouble *t = tcp_trouble(tcp);

	if (!seq_after(p->sequence + p->payload_wire, side->acked)) {
		if (t)
			t->spurious[from] += segments(tcp, from, p->payload_wire);
		return;
	}
	if (!side->retransmitted && t)
		t->retransmitted_at[from] = p->at;
	side->retransmitted += segments(tcp, from, p->payload_wire);
}

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
	} else if (p->payload_wire && p->payload_wire < side->pending_size) {
		side->flags |= SIDE_SMALL;
	}
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

static bool stray(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];
	uint32_t end = p->sequence + p->payload_wire;

	if (seq_after(end, side->highest + most_ahead(tcp, from)))
		return true;
	return (side->flags & SIDE_FIN) && seq_after(end, side->fin_sequence);
}

/* Data on a SYN may be refused and then comes again: it is handed on, yet not pending. */
static unsigned take_syn_data(struct tcp *tcp, const struct packet *p, enum direction from, const struct stream_sink *sink)
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

static unsigned take_data(struct tcp *tcp, const struct packet *p, enum direction from, uint32_t quiet, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	unsigned news = 0;

	if (stray(tcp, p, from))
		return 0;
	if (probes(side, &tcp->side[other(from)], p)) {
		news = take_probe(tcp, from, quiet);
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

/* --- the packet --- */

static unsigned note_established(struct tcp *tcp, const struct packet *p, enum direction from)
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

static void first_frame(struct tcp *tcp, const struct packet *p)
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

static unsigned take_segment(struct tcp *tcp, const struct packet *p, enum direction from, uint32_t quiet, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	unsigned news = 0;
	bool advances = false;

	if (p->flags & TCP_SYN) {
		if (!take_syn(tcp, p, from))
			return 0;
		news |= TCP_NEWS_PROGRESS;
	} else if (!(side->flags & SIDE_STARTED)) {
		start_midstream(tcp, p, from);
	}
	if (p->has_timestamps && !(p->flags & TCP_SYN)) /* a proxy may agree on what its host does not do */
		side->flags |= SIDE_TIMESTAMPS;
	note_ttl(side, p);
	if (p->ip_id)
		tcp->flags |= from == FROM_CLIENT ? TCP_COUNTS_CLIENT : TCP_COUNTS_SERVER;
	if (p->flags & TCP_ACK)
		advances = take_ack(tcp, p, from);
	news |= advances ? TCP_NEWS_PROGRESS : 0u;
	news |= note_established(tcp, p, from);
	if (p->flags & TCP_SYN) {
		side->window = p->window;
		return news | take_syn_data(tcp, p, from, sink);
	}
	take_window(tcp, p, from);
	{
		unsigned data = take_data(tcp, p, from, quiet, sink);

		return news | data | belie_reset(tcp, p, from, data & TCP_NEWS_PROGRESS, advances);
	}
}

static unsigned note_closed(struct tcp *tcp)
{
	if ((tcp->flags & TCP_CLOSED) || !(tcp->side[0].flags & tcp->side[1].flags & SIDE_FIN_ACKED))
		return 0;
	tcp->flags |= TCP_CLOSED;
	return TCP_NEWS_ENDED;
}

static void note_progress_after_icmp(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct trouble *t = tcp->trouble;

	if (!t || !t->icmp_count || t->icmp_quoted == from || t->icmp_progress || (p->flags & TCP_RST))
		return;
	t->icmp_progress = true;
	t->progress_at = p->at;
}

/* A second capture of the frame? The selective acknowledgement of later bytes shows that the sender had a reason to repeat it. */
static bool duplicate(struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];

	if (!frame_duplicate(tcp->pool, p))
		return false;
	if (p->ip_id || !p->payload_wire || !(side->flags & SIDE_STARTED) || !seq_after(side->sacked, p->sequence) ||
	    p->ttl != side->ttl_last)
		return true;
	frame_no_duplicate(tcp->pool, p);
	return false;
}

unsigned tcp_packet(struct tcp *tcp, const struct packet *p, enum direction from, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];
	bool seen = (side->flags | peer->flags) & SIDE_SEEN;
	uint32_t quiet;
	unsigned news;

	if (duplicate(tcp, p, from))
		return TCP_NEWS_DUPLICATE;
	if ((p->flags & (TCP_SYN | TCP_RST)) == TCP_SYN && starts_anew(tcp, p, from))
		return TCP_NEWS_NEW_SESSION;
	if (!seen)
		first_frame(tcp, p);
	quiet = seen ? in_ms(time_between(tcp_last_seen(tcp), p->at.time)) : 0;
	side->flags |= SIDE_SEEN;
	note_progress_after_icmp(tcp, p, from);
	if (p->flags & TCP_RST)
		news = take_reset(tcp, p, from);
	else
		news = take_segment(tcp, p, from, quiet, sink);
	if (p->at.time > side->last_seen)
		side->last_seen = p->at.time;
	if (peer->flags & SIDE_PROBED && !(p->flags & TCP_RST))
		peer->flags &= (uint16_t)~SIDE_PROBED;
	stream_settle(tcp, FROM_CLIENT, p->at, false, sink);
	stream_settle(tcp, FROM_SERVER, p->at, false, sink);
	return news | note_closed(tcp);
}

void tcp_settle(struct tcp *tcp, struct moment now, const struct stream_sink *sink)
{
	stream_settle(tcp, FROM_CLIENT, now, true, sink);
	stream_settle(tcp, FROM_SERVER, now, true, sink);
}

void tcp_icmp(struct tcp *tcp, enum word_icmp kind, enum direction quoted, struct moment at)
{
	struct trouble *t = tcp_trouble(tcp);

	if (!t)
		return;
	if (!t->icmp_count++)
		t->icmp_first = at;
	t->icmp_last = at;
	t->icmp_kind = (uint8_t)kind;
	t->icmp_quoted = (uint8_t)quoted;
	t->icmp_progress = false;
}
