/* Reassembly: bytes of a direction in order, holes that fill, holes that never will. The first copy of a byte wins. */
#include "held.h"
#include "tcp_inside.h"

#include <stdlib.h>

#define HELD_MOST (256 * 1024)
#define HOLE_PATIENCE (5 * MILLISECOND)

static void tell_gap(struct tcp *tcp, enum direction from, uint32_t missing, struct moment at, const struct stream_sink *sink)
{
	tcp->pool->counters.gaps++;
	tcp->side[from].flags |= SIDE_HOLE;
	tcp->side[from].next += missing;
	if (sink && sink->gap)
		sink->gap(sink->context, from, missing, at);
}

static void lose(struct tcp *tcp, enum direction from, uint32_t missing, struct moment at, const struct stream_sink *sink)
{
	struct trouble *t = tcp_trouble(tcp);

	tcp->pool->counters.lost_bytes += missing;
	if (t) {
		if (!t->lost) {
			t->lost_at = at;
			t->lost_from = (uint8_t)from;
		}
		t->lost += missing;
	}
	tell_gap(tcp, from, missing, at, sink);
}

/* Hands on a piece that starts at the frontier. */
static void deliver(struct tcp *tcp, enum direction from, struct bytes data, uint32_t wire, struct moment at, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	struct trouble *t;

	side->bytes += wire;
	side->next += (uint32_t)data.len;
	if (data.len && sink && sink->data)
		sink->data(sink->context, from, data, at);
	if (wire == data.len)
		return;
	if (!(tcp->flags & TCP_TRUNCATED) && (t = tcp_trouble(tcp))) {
		t->truncated_at = at;
		t->truncated_from = (uint8_t)from;
	}
	tcp->flags |= TCP_TRUNCATED;
	tell_gap(tcp, from, wire - (uint32_t)data.len, at, sink);
}

static struct held *pop(struct tcp *tcp, enum direction from)
{
	struct tcp_side *side = &tcp->side[from];
	struct held *h = side->held;

	side->held = h->next;
	side->held_bytes -= (uint32_t)sizeof *h + h->len;
	return h;
}

/* Hands on what waits and has come to its turn. */
static void drain(struct tcp *tcp, enum direction from, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];

	while (side->held && !seq_after(side->held->seq, side->next)) {
		struct held *h = pop(tcp, from);
		uint32_t old = side->next - h->seq;

		if (old < h->wire)
			deliver(tcp, from, bytes_part(bytes_of(h->data, h->len), old, h->len), h->wire - old, h->at, sink);
		held_free(tcp->pool, h);
	}
}

/* Gives up all holes before `upto`. */
static void give_up(struct tcp *tcp, enum direction from, uint32_t upto, struct moment at, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];

	while (seq_before(side->next, upto)) {
		uint32_t end = upto;

		if (side->held && seq_before(side->held->seq, end))
			end = side->held->seq;
		if (seq_before(side->next, end))
			lose(tcp, from, end - side->next, at, sink);
		drain(tcp, from, sink);
	}
}

/* Room for a segment: past the cap the oldest holes are given up. False: even so there is none (the pool is full of others'). */
static bool make_room(struct tcp *tcp, enum direction from, size_t len, struct moment at, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	size_t size = sizeof(struct held) + len;

	while (side->held && (side->held_bytes + size > HELD_MOST || tcp->pool->counters.held_bytes + size > tcp->pool->most)) {
		tcp->pool->counters.capped++;
		give_up(tcp, from, side->held->seq, at, sink);
		drain(tcp, from, sink);
	}
	return tcp->pool->counters.held_bytes + size <= tcp->pool->most && size <= HELD_MOST;
}

/* Keeps the pieces that no waiting segment covers. */
static void hold(struct tcp *tcp, enum direction from, uint32_t seq, struct bytes data, uint32_t wire, struct moment at)
{
	struct tcp_side *side = &tcp->side[from];
	struct held **link = &side->held;
	uint32_t end = seq + wire, start = seq;

	while (seq_before(start, end)) {
		struct held *h;
		uint32_t stop = end;

		while (*link && !seq_after((*link)->seq + (*link)->wire, start))
			link = &(*link)->next;
		if (*link && !seq_after((*link)->seq, start)) {
			start = (*link)->seq + (*link)->wire;
			continue;
		}
		if (*link && seq_before((*link)->seq, end))
			stop = (*link)->seq;
		h = held_new(tcp->pool, bytes_part(data, start - seq, stop - start), start, stop - start, at);
		if (!h)
			return; /* the hole stays until the acknowledgement makes it a gap */
		h->next = *link;
		*link = h;
		side->held_bytes += (uint32_t)sizeof *h + h->len;
		start = stop;
	}
}

/* In order while others wait: those came first, so their bytes win. */
static void fill(struct tcp *tcp, enum direction from, struct bytes data, uint32_t wire, struct moment at, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	uint32_t seq = side->next, end = seq + wire;

	while (seq_before(side->next, end)) {
		uint32_t stop = end, done = side->next - seq;

		if (side->held && seq_before(side->held->seq, end))
			stop = side->held->seq;
		if (seq_before(side->next, stop))
			deliver(tcp, from, bytes_part(data, done, stop - side->next), stop - side->next, at, sink);
		drain(tcp, from, sink);
	}
}

void stream_take(struct tcp *tcp, enum direction from, uint32_t seq, struct bytes payload, uint32_t wire, struct moment at,
		 const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];

	if (seq_before(seq, side->next)) {
		uint32_t old = side->next - seq;

		if (old >= wire)
			return;
		payload = bytes_part(payload, old, payload.len);
		wire -= old;
		seq = side->next;
	}
	if (seq != side->next && !make_room(tcp, from, payload.len, at, sink)) {
		tcp->pool->counters.capped++;
		give_up(tcp, from, seq, at, sink);
	}
	if (seq == side->next) {
		if (side->held)
			fill(tcp, from, payload, wire, at, sink);
		else
			deliver(tcp, from, payload, wire, at, sink);
	} else if (seq_after(seq, side->next)) {
		hold(tcp, from, seq, payload, wire, at);
	} else {
		stream_take(tcp, from, seq, payload, wire, at, sink); /* making room moved the frontier past its start */
	}
}

void stream_fin(struct tcp *tcp, enum direction from, struct moment at, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];

	if ((side->flags & (SIDE_FIN | SIDE_FIN_TOLD)) != SIDE_FIN || side->next != side->fin_sequence)
		return;
	side->flags |= SIDE_FIN_TOLD;
	side->next++;
	if (sink && sink->fin)
		sink->fin(sink->context, from, at);
}

/* Where the acknowledged stream ends; a FIN is no byte of it. */
static uint32_t acknowledged(const struct tcp_side *side)
{
	if ((side->flags & SIDE_FIN) && seq_after(side->acked, side->fin_sequence))
		return side->fin_sequence;
	return side->acked;
}

void stream_settle(struct tcp *tcp, enum direction from, struct moment now, bool at_once, const struct stream_sink *sink)
{
	struct tcp_side *side = &tcp->side[from];
	uint32_t upto = acknowledged(side);
	struct trouble *t;

	if (!(side->flags & SIDE_STARTED) || !seq_before(side->next, upto)) {
		if (tcp->trouble)
			tcp->trouble->hole_since[from] = 0;
		return;
	}
	/* One byte with nothing behind it is most likely a FIN that was not captured; should data follow, it was a byte. */
	if (upto - side->next == 1 && !side->held && !(side->flags & SIDE_FIN))
		return;
	t = tcp_trouble(tcp);
	if (t && !at_once) {
		if (!t->hole_since[from])
			t->hole_since[from] = now.time;
		if (now.time - t->hole_since[from] < HOLE_PATIENCE)
			return;
	}
	if (t)
		t->hole_since[from] = 0;
	give_up(tcp, from, upto, now, sink);
	stream_fin(tcp, from, now, sink);
}

bool stream_has(const struct tcp_side *side, uint32_t seq, uint32_t len)
{
	uint32_t end = seq + len;

	if (!seq_after(end, side->next))
		return true;
	if (seq_before(seq, side->next))
		seq = side->next;
	for (const struct held *h = side->held; h && seq_before(seq, end); h = h->next)
		if (!seq_after(h->seq, seq) && seq_after(h->seq + h->wire, seq))
			seq = h->seq + h->wire;
	return !seq_before(seq, end);
}

void stream_release(struct tcp *tcp)
{
	for (int d = 0; d < 2; d++)
		while (tcp->side[d].held)
			held_free(tcp->pool, pop(tcp, d));
}
