/* What the tracker knows, as facts and as answers to timers. Reads only. */
#include "tcp_inside.h"

#include "held.h"

#include <stdlib.h>

enum { FULL_LEAST = 1000, SURVIVED_LEAST = 30, TTL_VOTES_LEAST = 3 };

/* --- questions --- */

enum word_end tcp_end(const struct tcp *tcp)
{
	return (enum word_end)tcp->ended;
}

bool tcp_closed(const struct tcp *tcp)
{
	return tcp->flags & TCP_CLOSED;
}

bool tcp_established(const struct tcp *tcp)
{
	return tcp->flags & TCP_ESTABLISHED;
}

bool tcp_midstream(const struct tcp *tcp)
{
	return tcp->flags & TCP_MIDSTREAM;
}

bool tcp_unanswered(const struct tcp *tcp)
{
	return tcp->syns && !(tcp->side[FROM_SERVER].flags & SIDE_SEEN) && !(tcp->flags & TCP_ESTABLISHED);
}

bool tcp_syn_overdue(const struct tcp *tcp, nanoseconds now)
{
	nanoseconds gap = (nanoseconds)tcp->syn_gap * MILLISECOND;

	if (!tcp_unanswered(tcp))
		return false;
	/* Retries double their gaps or keep them at a second, whatever the system. */
	return time_between(tcp->last_syn, now) > 2 * (gap > SECOND ? gap : SECOND) + SECOND;
}

nanoseconds tcp_last_seen(const struct tcp *tcp)
{
	nanoseconds a = tcp->side[0].last_seen, b = tcp->side[1].last_seen;

	return a > b ? a : b;
}

static enum word_side one_sided(const struct tcp *tcp)
{
	for (int d = 0; d < 2; d++)
		if (!(tcp->side[1 - d].flags & SIDE_SEEN) && (tcp->side[d].flags & SIDE_LIVES))
			return d == FROM_CLIENT ? WORD_side_client : WORD_side_server;
	return WORD_side_none;
}

bool tcp_whole(const struct tcp *tcp, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];

	if (!(side->flags & SIDE_STARTED)) /* silent or refusing, as far as the client's SYNs tell */
		return from == FROM_SERVER && (tcp->side[FROM_CLIENT].flags & SIDE_SYN) && !(tcp->flags & TCP_ESTABLISHED);
	return (side->flags & SIDE_SYN) && !(side->flags & SIDE_HOLE);
}

bool tcp_from_start(const struct tcp *tcp, enum direction from)
{
	return (tcp->side[from].flags & (SIDE_STARTED | SIDE_SYN)) == (SIDE_STARTED | SIDE_SYN);
}

static bool vain_of(const struct tcp *tcp, enum direction d)
{
	return tcp->side[d].pending_sends && one_sided(tcp) == WORD_side_none;
}

/* Both may wait for an acknowledgement: the one that tried more, then longer, then the client. */
static int vain_direction(const struct tcp *tcp)
{
	const struct tcp_side *c = &tcp->side[FROM_CLIENT], *s = &tcp->side[FROM_SERVER];
	bool vc = vain_of(tcp, FROM_CLIENT), vs = vain_of(tcp, FROM_SERVER);

	if (!vc || !vs)
		return vc ? FROM_CLIENT : vs ? FROM_SERVER : -1;
	if (c->pending_sends != s->pending_sends)
		return c->pending_sends > s->pending_sends ? FROM_CLIENT : FROM_SERVER;
	return s->pending_last - s->pending_at.time > c->pending_last - c->pending_at.time ? FROM_SERVER : FROM_CLIENT;
}

enum word_side tcp_vain(const struct tcp *tcp, unsigned *sends, nanoseconds *first, nanoseconds *last)
{
	int d = vain_direction(tcp);

	if (d < 0)
		return WORD_side_none;
	*sends = tcp->side[d].pending_sends;
	*first = tcp->side[d].pending_at.time;
	*last = tcp->side[d].pending_last;
	return d == FROM_CLIENT ? WORD_side_client : WORD_side_server;
}

/* --- counts --- */

struct tcp_side_counts tcp_side_counts(const struct tcp *tcp, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];
	const struct trouble *t = tcp->trouble;

	return (struct tcp_side_counts){
		.data_segments = side->data_segments, .retransmitted = side->retransmitted, .bytes = side->bytes,
		.out_of_order = t ? t->out_of_order[from] : 0, .duplicate_acks = t ? t->duplicate_acks[from] : 0,
		.zero_windows = t ? t->zero_windows[from] : 0, .spurious = t ? t->spurious[from] : 0,
	};
}

bool tcp_round_trips(const struct tcp *tcp, struct tcp_round_trips *into)
{
	if (!tcp->rtt[0] || !tcp->rtt[1])
		return false;
	*into = (struct tcp_round_trips){
		.least = ((nanoseconds)tcp->rtt[0] + tcp->rtt[1]) * MICROSECOND,
		.mean = ((nanoseconds)tcp->rtt_mean[0] + tcp->rtt_mean[1]) * MICROSECOND,
		.most = ((nanoseconds)tcp->rtt_most[0] + tcp->rtt_most[1]) * MICROSECOND,
	};
	return true;
}

/* --- facts --- */

static void set(struct fact_view *view, enum fact_id id, int64_t value, struct moment at, enum direction from)
{
	view[id] = (struct fact_view){ .value = value, .at = at, .from = (uint8_t)from, .known = true, .set = true };
}

static enum word_side word_of(enum direction d)
{
	return d == FROM_CLIENT ? WORD_side_client : WORD_side_server;
}

static struct moment last_data_of(const struct tcp_side *side)
{
	return (struct moment){ side->last_data, side->last_data_frame, side->last_data_file };
}

static void capture_facts(const struct tcp *tcp, nanoseconds now, struct fact_view *view)
{
	const struct trouble *t = tcp->trouble;
	enum direction first = tcp->side[FROM_CLIENT].flags & SIDE_SEEN ? FROM_CLIENT : FROM_SERVER;
	nanoseconds last = tcp_last_seen(tcp);
	struct moment last_at = { .time = last };

	if (tcp->flags & TCP_MIDSTREAM)
		set(view, FACT_MIDSTREAM, true, tcp->first, first);
	if (one_sided(tcp) != WORD_side_none)
		set(view, FACT_ONE_SIDED, one_sided(tcp), tcp->first, first);
	if (t && t->lost)
		set(view, FACT_LOST_BYTES, (int64_t)t->lost, t->lost_at, t->lost_from);
	if (tcp->flags & TCP_TRUNCATED)
		set(view, FACT_TRUNCATED, true, t ? t->truncated_at : tcp->first, t ? t->truncated_from : first);
	set(view, FACT_OPEN_FOR, time_between(tcp->first.time, last), tcp->first, first);
	set(view, FACT_SINCE_LAST, time_between(last, now), last_at, first);
}

static void handshake_facts(const struct tcp *tcp, nanoseconds now, struct fact_view *view)
{
	const struct tcp_side *server = &tcp->side[FROM_SERVER];
	struct moment last = { .time = tcp->last_syn };

	if (tcp->syns) {
		set(view, FACT_SYN, tcp->syns, tcp->syn, FROM_CLIENT);
		set(view, FACT_SYN_SPAN, time_between(tcp->syn.time, tcp->last_syn), last, FROM_CLIENT);
	}
	if (tcp_unanswered(tcp))
		set(view, FACT_SYN_WAITED, time_between(tcp->syn.time, now), tcp->syn, FROM_CLIENT);
	if (tcp_syn_overdue(tcp, now))
		set(view, FACT_SYN_OVERDUE, true, tcp->syn, FROM_CLIENT);
	if (tcp->synacks)
		set(view, FACT_SYNACK, tcp->synacks, tcp->synack, FROM_SERVER);
	if (tcp->synacks && server->ttl != tcp->synack_ttl && server->ttl == server->ttl_last && server->ttl_votes >= TTL_VOTES_LEAST)
		set(view, FACT_SYNACK_TTL_DIFFERENCE, abs((int)tcp->synack_ttl - server->ttl), tcp->synack, FROM_SERVER);
	if (!(tcp->flags & TCP_ESTABLISHED))
		return;
	set(view, FACT_ESTABLISHED, true, tcp->established, FROM_CLIENT);
	if (tcp->syns && tcp->synacks)
		set(view, FACT_CONNECT_TIME, time_between(tcp->syn.time, tcp->established.time), tcp->established, FROM_CLIENT);
}

static struct moment end_moment(const struct tcp *tcp, const struct reset_notes *n)
{
	if (tcp->ended == WORD_end_client_fin || tcp->ended == WORD_end_server_fin)
		return tcp->side[tcp->ended == WORD_end_client_fin ? FROM_CLIENT : FROM_SERVER].fin;
	return n ? n->ended : (struct moment){ .time = tcp_last_seen(tcp) };
}

static void end_facts(const struct tcp *tcp, struct fact_view *view)
{
	const struct reset_notes *n = tcp->trouble ? tcp->trouble->resets : NULL;
	bool client = tcp->ended == WORD_end_client_fin || tcp->ended == WORD_end_client_reset;

	if (tcp->ended != WORD_end_open)
		set(view, FACT_ENDED, tcp->ended, end_moment(tcp, n), client ? FROM_CLIENT : FROM_SERVER);
	if (tcp->side[FROM_CLIENT].flags & SIDE_FIN)
		set(view, FACT_CLIENT_FIN, true, tcp->side[FROM_CLIENT].fin, FROM_CLIENT);
	if (tcp->side[FROM_SERVER].flags & SIDE_FIN)
		set(view, FACT_SERVER_FIN, true, tcp->side[FROM_SERVER].fin, FROM_SERVER);
}

static void reset_facts(const struct tcp *tcp, const struct reset_notes *n, struct fact_view *view)
{
	static const struct { uint16_t bit; uint8_t id; } told[] = {
		{ RESET_AFTER_FIN, FACT_RESET_AFTER_FIN }, { RESET_ANSWERS_DATA, FACT_RESET_ANSWERS_DATA },
		{ RESET_BEHIND, FACT_RESET_BEHIND }, { RESET_ODD_ACK, FACT_RESET_ODD_ACK },
		{ RESET_SOON, FACT_RESET_SOON }, { RESET_NO_OPTIONS, FACT_RESET_NO_OPTIONS },
		{ RESET_RISING, FACT_RESET_RISING }, { RESET_ODD_WINDOW, FACT_RESET_ODD_WINDOW },
		{ RESET_NO_ID, FACT_RESET_NO_ID }, { RESET_ODD_ID, FACT_RESET_ODD_ID }, { RESET_REPEATED, FACT_RESET_REPEATED },
		{ RESET_ODD_FORM, FACT_RESET_ODD_FORM }, { RESET_UNKNOWN_TO, FACT_RESET_UNKNOWN_TO },
	};
	struct moment first = n->at[n->first];

	if (n->count[FROM_CLIENT])
		set(view, FACT_CLIENT_RST, n->count[FROM_CLIENT], n->at[FROM_CLIENT], FROM_CLIENT);
	if (n->count[FROM_SERVER])
		set(view, FACT_SERVER_RST, n->count[FROM_SERVER], n->at[FROM_SERVER], FROM_SERVER);
	if (tcp->flags & TCP_REFUSED)
		set(view, FACT_REFUSED, true, n->ended, FROM_SERVER);
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (n->bits & told[i].bit)
			set(view, told[i].id, true, first, n->first);
	if (n->quiet)
		set(view, FACT_RESET_QUIET, n->quiet, first, n->first);
	set(view, FACT_RESET_TTL, n->ttl, first, n->first);
	if (ttl_difference(tcp, n) >= 0)
		set(view, FACT_RESET_TTL_DIFFERENCE, ttl_difference(tcp, n), first, n->first);
	if (forged_points(tcp, n)) {
		set(view, FACT_RESET_FORGED, forged_points(tcp, n), first, n->first);
		set(view, FACT_RESET_FORGED_ELSE, forged_points(tcp, n) - forged_points_of_ttl(tcp, n), first, n->first);
	}
	if (n->then_count)
		set(view, FACT_RESET_THEN_DATA, n->then_count, n->then, n->first);
	if (n->then_synack)
		set(view, FACT_RESET_THEN_SYNACK, true, tcp->synack, FROM_SERVER);
	if (n->bits & RESET_BOTH)
		set(view, FACT_RESET_BOTH, true, n->both, n->first);
}

/* Full-size segments are lost while smaller ones pass. */
static bool full_size(const struct tcp *tcp, enum direction d)
{
	const struct tcp_side *side = &tcp->side[d], *peer = &tcp->side[other(d)];
	uint32_t limit = peer->mss >= 256 ? peer->mss - (side->flags & SIDE_TIMESTAMPS ? 12u : 0u) : UINT16_MAX;
	bool sack = side->flags & peer->flags & SIDE_SACK;

	if (side->pending_size <= side->passed)
		return false;
	/* The largest of few segments need not fill one: below FULL_LEAST it takes the MSS to tell. */
	if (side->pending_size < limit && (side->pending_size < side->largest || side->pending_size < FULL_LEAST))
		return false;
	/* A smaller one was sent behind it: with selective acknowledgement its arrival would have been told. */
	if ((side->flags & SIDE_SMALL) && sack && !seq_after(side->sacked, side->acked))
		return false;
	return (tcp->flags & TCP_ESTABLISHED) && (peer->flags & SIDE_SEEN);
}

/* The frame that shows what is pending: its first sending, or the newest where that one is not known. */
static struct moment pending_moment(const struct tcp *tcp, enum direction d)
{
	struct moment at = tcp->side[d].pending_at;

	if ((tcp->flags & rest_flag(d)) && tcp->side[d].pending_sends > 1)
		at.time = tcp->side[d].pending_last;
	return at;
}

/* Nothing is pending, yet keep-alives go unanswered: that side is alone. */
static void alone_facts(const struct tcp *tcp, struct fact_view *view)
{
	const struct trouble *t = tcp->trouble;
	enum direction d = tcp->side[FROM_CLIENT].flags & SIDE_PROBED ? FROM_CLIENT : FROM_SERVER;

	if (!t || t->alone < 3 || !(tcp->side[d].flags & SIDE_PROBED) || one_sided(tcp) != WORD_side_none)
		return;
	set(view, FACT_VAIN_SENDS, t->alone, t->alone_at, d);
	set(view, FACT_VAIN_SPAN, time_between(t->alone_first, t->alone_last), t->alone_at, d);
	set(view, FACT_VAIN_SIDE, word_of(d), t->alone_at, d);
	set(view, FACT_VAIN_QUIET, (nanoseconds)tcp->side[d].pending_quiet * MILLISECOND, t->alone_at, d);
	set(view, FACT_VAIN_SILENCE, time_between(tcp->side[1 - d].last_seen, t->alone_last), t->alone_at, d);
}

static void vain_facts(const struct tcp *tcp, nanoseconds now, struct fact_view *view)
{
	int d = vain_direction(tcp);
	const struct tcp_side *side;
	struct moment at, quiet;
	nanoseconds end = now, heard;

	if (d < 0) {
		alone_facts(tcp, view);
		return;
	}
	side = &tcp->side[d];
	at = pending_moment(tcp, d);
	quiet = tcp->flags & rest_flag(d) ? last_data_of(side) : at;
	heard = tcp->side[1 - d].flags & SIDE_SEEN ? tcp->side[1 - d].last_seen : tcp->first.time;
	if (heard > quiet.time)
		quiet.time = heard;
	if (tcp->flags & TCP_CLOSED)
		end = tcp->trouble && tcp->trouble->resets && tcp->trouble->resets->accepted ? tcp->trouble->resets->ended.time : tcp_last_seen(tcp);
	set(view, FACT_VAIN_SENDS, side->pending_sends, at, d);
	set(view, FACT_VAIN_SPAN, time_between(side->pending_at.time, side->pending_last), at, d);
	set(view, FACT_VAIN_SIDE, word_of(d), at, d);
	set(view, FACT_VAIN_QUIET, (nanoseconds)side->pending_quiet * MILLISECOND, at, d);
	set(view, FACT_VAIN_SILENCE, time_between(quiet.time, end), quiet, d);
	if ((side->flags & SIDE_FIN) && side->acked == side->fin_sequence)
		set(view, FACT_VAIN_FIN_ONLY, true, at, d);
	else if (full_size(tcp, d))
		set(view, FACT_VAIN_FULL_SIZE, true, at, d);
}

static uint32_t share_of(const struct tcp_side *side)
{
	return side->data_segments >= 20 ? (uint32_t)((uint64_t)side->retransmitted * 1000 / side->data_segments) : 0;
}

/* The direction with the worse share; too few segments for a share: with more retransmissions, then with more segments. */
static enum direction lossy(const struct tcp *tcp)
{
	const struct tcp_side *c = &tcp->side[FROM_CLIENT], *s = &tcp->side[FROM_SERVER];

	if (share_of(c) != share_of(s))
		return share_of(s) > share_of(c) ? FROM_SERVER : FROM_CLIENT;
	if (c->retransmitted != s->retransmitted)
		return s->retransmitted > c->retransmitted ? FROM_SERVER : FROM_CLIENT;
	return s->data_segments > c->data_segments ? FROM_SERVER : FROM_CLIENT;
}

static void loss_facts(const struct tcp *tcp, struct fact_view *view)
{
	const struct trouble *t = tcp->trouble;
	enum direction d = lossy(tcp);
	const struct tcp_side *side = &tcp->side[d];
	struct moment at = t && side->retransmitted ? t->retransmitted_at[d] : last_data_of(side);

	if (side->data_segments)
		set(view, FACT_DATA_SEGMENTS, side->data_segments, last_data_of(side), d);
	if (side->retransmitted)
		set(view, FACT_RETRANSMITTED, side->retransmitted, at, d);
	if (share_of(side))
		set(view, FACT_RETRANSMITTED_SHARE, share_of(side), at, d);
	if (t && t->stalled)
		set(view, FACT_STALLED, t->stalled, at, d);
	if (tcp->rtt[0] && tcp->rtt[1])
		set(view, FACT_RTT, ((nanoseconds)tcp->rtt[0] + tcp->rtt[1]) * MICROSECOND,
		    tcp->flags & TCP_MIDSTREAM ? tcp->first : tcp->established, FROM_CLIENT);
}

static void window_facts(const struct tcp *tcp, const struct trouble *t, nanoseconds now, struct fact_view *view)
{
	nanoseconds longest[2];
	struct moment at[2];
	enum direction d;

	for (int i = 0; i < 2; i++) {
		nanoseconds end = tcp->flags & TCP_CLOSED ? tcp_last_seen(tcp) : now;
		nanoseconds current = tcp->side[i].flags & SIDE_ZERO ? time_between(t->zero_at[i].time, end) : 0;

		longest[i] = t->zero_longest[i];
		at[i] = t->zero_longest_at[i];
		if ((tcp->side[i].flags & SIDE_ZERO) && current >= longest[i]) {
			longest[i] = current;
			at[i] = t->zero_at[i];
		}
	}
	if (!at[0].frame && !at[1].frame && !at[0].time && !at[1].time)
		return;
	d = longest[1] > longest[0] || (!at[0].time && !at[0].frame) ? FROM_SERVER : FROM_CLIENT;
	set(view, FACT_ZERO_WINDOW, longest[d], at[d], d);
	set(view, FACT_ZERO_WINDOW_SIDE, word_of(d), at[d], d);
	if (tcp->side[d].flags & SIDE_ZERO)
		set(view, FACT_ZERO_WINDOW_OPEN, true, t->zero_at[d], d);
	if (t->probes[d])
		set(view, FACT_ZERO_WINDOW_PROBES, t->probes[d], at[d], d);
}

static void byte_facts(const struct tcp *tcp, enum direction d, enum fact_id bytes, enum fact_id last, enum fact_id unacked, struct fact_view *view)
{
	const struct tcp_side *side = &tcp->side[d];
	uint32_t end = side->flags & SIDE_FIN ? side->fin_sequence : side->highest;

	if (side->bytes)
		set(view, bytes, (int64_t)side->bytes, last_data_of(side), d);
	if (side->last_data)
		set(view, last, side->last_data, last_data_of(side), d);
	if (side->pending_sends && seq_after(end, side->acked) && one_sided(tcp) == WORD_side_none)
		set(view, unacked, end - side->acked, pending_moment(tcp, d), d);
}

/* Still missing when asked: what was sent again meanwhile has moved the frontier. Its later bytes may have come by (they are held), or only
 * an acknowledgement tells of it. */
static void unseen_facts(const struct tcp *tcp, struct fact_view *view)
{
	const struct tcp_side *server = &tcp->side[FROM_SERVER];
	const struct trouble *t = tcp->trouble;

	if (server->held && seq_after(server->held->seq, server->next))
		set(view, FACT_MISSING, server->held->seq - server->next, server->held->at, FROM_SERVER);
	else if (t && t->unseen_at.time && seq_after(server->highest, server->next))
		set(view, FACT_MISSING, server->highest - server->next, t->unseen_at, FROM_SERVER);
}

static void icmp_facts(const struct trouble *t, struct fact_view *view)
{
	set(view, FACT_ICMP, t->icmp_kind, t->icmp_last, other(t->icmp_quoted));
	set(view, FACT_ICMP_TTL, t->icmp_ttl, t->icmp_last, other(t->icmp_quoted));
	set(view, FACT_ICMP_COUNT, t->icmp_count, t->icmp_first, other(t->icmp_quoted));
	if (t->icmp_progress)
		set(view, FACT_ICMP_PROGRESS, true, t->progress_at, other(t->icmp_quoted));
}

void tcp_facts(const struct tcp *tcp, nanoseconds now, struct fact_view view[FACT_COUNT])
{
	const struct trouble *t = tcp->trouble;

	capture_facts(tcp, now, view);
	handshake_facts(tcp, now, view);
	end_facts(tcp, view);
	if (tcp->survived >= SURVIVED_LEAST)
		set(view, FACT_SURVIVED, (nanoseconds)tcp->survived * SECOND, tcp->established, FROM_CLIENT);
	vain_facts(tcp, now, view);
	loss_facts(tcp, view);
	byte_facts(tcp, FROM_CLIENT, FACT_CLIENT_BYTES, FACT_LAST_CLIENT_DATA, FACT_CLIENT_UNACKED, view);
	byte_facts(tcp, FROM_SERVER, FACT_SERVER_BYTES, FACT_LAST_SERVER_DATA, FACT_SERVER_UNACKED, view);
	unseen_facts(tcp, view);
	if (!t)
		return;
	if (t->resets && (t->resets->count[0] || t->resets->count[1]))
		reset_facts(tcp, t->resets, view);
	window_facts(tcp, t, now, view);
	if (t->icmp_count)
		icmp_facts(t, view);
}
