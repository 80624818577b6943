/* Resets: which are believed, what the first one looks like, and frames that belie it. */
#include "tcp_inside.h"

#include <stdlib.h>

#define BOTH_WITHIN (50 * MILLISECOND)
#define AT_ONCE_WITHIN (5 * MILLISECOND)
#define REORDERED_WITHIN MILLISECOND
#define LONG_QUIET (60 * SECOND)
/* Below this a round trip is too short for "sooner than the path allows" to mean anything. */
#define SHORTEST_PATH 1000 /* us */
/* The handshake alone measures it once, a look-up of the neighbour's address included. */
#define SHORTEST_PATH_ONCE 3000 /* us */
/* A host that numbers all its frames alike may have sent others meanwhile: so many, and so many more in each millisecond (in sixteens). */
#define IDS_AHEAD 64
#define IDS_PER_MS 1
#define IDS_BEHIND 2 /* captured out of order */

/* Whether the receiver would take it (RFC 9293 3.10.7, with some leniency: its window is known only as last told). */
static bool acceptable(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	if (!(side->flags & SIDE_STARTED)) { /* the peer is in SYN-SENT, or the capture does not tell */
		if (!(peer->flags & SIDE_SYN) || (tcp->flags & TCP_ESTABLISHED))
			return true;
		return (p->flags & TCP_ACK) && !seq_before(p->acknowledgement, peer->first) &&
		       p->acknowledgement - peer->first <= UINT16_MAX;
	}
	if ((peer->flags & SIDE_ACK) && seq_before(p->sequence, peer->last_ack))
		return false;
	return !seq_after(p->sequence, side->highest + most_ahead(tcp, from));
}

/* Without ACK, its sequence number that which the other side acknowledged: so answers a host that knows no such connection. What it
 * answers may have been under way with an older acknowledgement, yet only while something of the other side is unanswered. */
static bool bare(const struct tcp_side *peer, const struct packet *p)
{
	if ((p->flags & TCP_ACK) || !(peer->flags & SIDE_ACK))
		return false;
	return p->sequence == peer->last_ack || (peer->pending_sends && peer->last_ack - p->sequence <= UINT16_MAX);
}

static bool behind(const struct tcp_side *side, const struct tcp_side *peer, const struct packet *p)
{
	uint32_t sent = side->flags & SIDE_FIN ? side->fin_sequence : side->highest;

	if (!(side->flags & SIDE_STARTED) || (side->flags & SIDE_FIN) || bare(peer, p))
		return false;
	return seq_before(p->sequence, sent);
}

/* An acknowledgement of what the other side never sent. Met in mid-stream, its earlier bytes are not known. */
static bool odd_ack(const struct tcp_side *peer, const struct packet *p)
{
	uint32_t least = peer->first, most = seq_after(peer->next, peer->highest) ? peer->next : peer->highest;

	if (!(p->flags & TCP_ACK) || !(peer->flags & SIDE_STARTED))
		return false;
	if (!(peer->flags & SIDE_SYN))
		least -= 1 << 20;
	return seq_before(p->acknowledgement, least) || seq_after(p->acknowledgement, most);
}

/* The handshake's last ACK is all that it can answer: the server had not accepted before. */
static bool answers_handshake(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	return from == FROM_SERVER && (tcp->flags & TCP_ESTABLISHED) && tcp->synacks == 1 && !(side->flags & SIDE_DATA) && !peer->pending_sends &&
	       tcp->rtt[from] >= SHORTEST_PATH_ONCE && (bare(peer, p) || p->acknowledgement == peer->highest);
}

/* Faster than its alleged sender can have heard of what it answers. A reset that merely crosses data answers nothing. */
static bool too_soon(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *peer = &tcp->side[other(from)];
	nanoseconds since, half = (nanoseconds)tcp->rtt[from] * MICROSECOND / 2;

	if (answers_handshake(tcp, p, from))
		since = tcp->established.time;
	else if (tcp->rtt[from] < SHORTEST_PATH || !peer->pending_sends)
		return false;
	else if (bare(peer, p))
		since = peer->pending_at.time;
	else if ((p->flags & TCP_ACK) && p->acknowledgement == peer->highest)
		since = peer->pending_last > peer->last_data ? peer->pending_last : peer->last_data;
	else
		return false;
	return time_between(since, p->at.time) < half;
}

/* Before the server's first segment its SYN-ACK must tell. */
static bool lacks_options(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from];
	bool has = (side->flags & SIDE_TIMESTAMPS) || (from == FROM_SERVER && !(side->flags & SIDE_DATA) && (tcp->flags & TCP_SYNACK_TIMESTAMPS));

	return has && !p->has_timestamps && !bare(&tcp->side[other(from)], p);
}

/* A window unlike any that side told: not 0, which most stacks put there, and not its last one or near it. */
static bool odd_window(const struct tcp_side *side, const struct tcp_side *peer, const struct packet *p)
{
	uint16_t last = side->window;

	if (bare(peer, p) || !p->window || !(side->flags & SIDE_ACK))
		return false;
	return p->window > last ? p->window - last > last / 2 + 64 : last - p->window > last / 2 + 64;
}

/* Its side counts its frames, and this one goes without, or a client that never did begins to; what answers an unknown connection may. */
static bool lacks_id(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	bool counts = tcp->flags & (from == FROM_CLIENT ? TCP_COUNTS_CLIENT : TCP_COUNTS_SERVER);

	return (counts ? !p->ip_id : p->ip_id && from == FROM_CLIENT && (tcp->side[from].flags & SIDE_ACK)) && p->source.family == 4 &&
	       !bare(&tcp->side[other(from)], p);
}

/* The client numbers its frames one by one, and this one is numbered elsewhere; what answers an unknown connection may be. */
static bool odd_id(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	unsigned ahead = ids_ahead(tcp, p);
	nanoseconds passed = time_between(tcp->side[from].last_seen, p->at.time) / MILLISECOND;

	return from == FROM_CLIENT && counts_one_by_one(tcp) && p->ip_id && p->source.family == 4 && !bare(&tcp->side[FROM_SERVER], p) &&
	       ahead > IDS_AHEAD + IDS_PER_MS * passed && ahead < IDS_ALL - IDS_BEHIND;
}

/* The side that was at work a moment ago claims not to know the connection. */
static bool unknown_to(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	/* A server may deny what it never accepted (a full queue); a client that shook hands was at work. */
	return bare(peer, p) && (tcp->flags & TCP_ESTABLISHED) && (from == FROM_CLIENT || (side->flags & SIDE_DATA)) && !((side->flags | peer->flags) & SIDE_FIN) &&
	       time_between(tcp_last_seen(tcp), p->at.time) < LONG_QUIET && time_between(side->last_seen, p->at.time) < LONG_QUIET;
}

/* Without ACK, yet no answer to anything: stacks that abort say what they acknowledge. */
static bool odd_form(const struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	return !(p->flags & TCP_ACK) && (tcp->flags & TCP_ESTABLISHED) && (side->flags & SIDE_STARTED) && (peer->flags & SIDE_ACK) &&
	       !bare(peer, p) && !((side->flags | peer->flags) & SIDE_FIN);
}

static nanoseconds answers_within(const struct tcp *tcp)
{
	nanoseconds two = 2 * MICROSECOND * ((nanoseconds)tcp->rtt[0] + tcp->rtt[1]);

	return two > SECOND ? two : SECOND;
}

/* What of the other side it answers: data alone, or also FIN and keep-alive. */
static void what_it_answers(const struct tcp *tcp, const struct packet *p, enum direction from, struct reset_notes *n)
{
	const struct tcp_side *peer = &tcp->side[other(from)];
	bool acknowledges = (p->flags & TCP_ACK) && !seq_before(p->acknowledgement, peer->highest);
	bool data = peer->pending_sends && !((peer->flags & SIDE_FIN) && peer->acked == peer->fin_sequence);
	nanoseconds sent = peer->pending_last > peer->last_data ? peer->pending_last : peer->last_data;

	if (peer->flags & SIDE_PROBED)
		sent = peer->last_seen;
	else if (!peer->pending_sends)
		return;
	if (time_between(sent, p->at.time) > answers_within(tcp))
		return;
	n->quiet = (nanoseconds)peer->pending_quiet * MILLISECOND;
	if (data && !acknowledges)
		n->bits |= RESET_ANSWERS_DATA;
}

static void note_first(const struct tcp *tcp, const struct packet *p, enum direction from, struct reset_notes *n)
{
	const struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];

	n->first = (uint8_t)from;
	n->ttl = p->ttl;
	if ((side->flags | peer->flags) & SIDE_FIN)
		n->bits |= RESET_AFTER_FIN;
	if (behind(side, peer, p))
		n->bits |= RESET_BEHIND;
	if (odd_ack(peer, p))
		n->bits |= RESET_ODD_ACK;
	if (too_soon(tcp, p, from))
		n->bits |= RESET_SOON;
	if (lacks_options(tcp, p, from))
		n->bits |= RESET_NO_OPTIONS;
	if (odd_window(side, peer, p))
		n->bits |= RESET_ODD_WINDOW;
	if (lacks_id(tcp, p, from))
		n->bits |= RESET_NO_ID;
	if (odd_id(tcp, p, from))
		n->bits |= RESET_ODD_ID;
	if (odd_form(tcp, p, from))
		n->bits |= RESET_ODD_FORM;
	if (unknown_to(tcp, p, from))
		n->bits |= RESET_UNKNOWN_TO;
	what_it_answers(tcp, p, from, n);
}

static void note_both(const struct tcp *tcp, const struct packet *p, enum direction from, struct reset_notes *n)
{
	const struct tcp_side *peer = &tcp->side[other(from)];

	if (n->count[from] || !n->count[other(from)] || (tcp->side[0].flags & tcp->side[1].flags & SIDE_FIN))
		return;
	if (bare(peer, p) && peer->last_seen > n->newest[other(from)]) /* a host that believed the first answers what came after it */
		return;
	if (time_between(n->at[other(from)].time, p->at.time) > BOTH_WITHIN)
		return;
	n->bits |= RESET_BOTH;
	if (time_between(n->at[other(from)].time, p->at.time) <= AT_ONCE_WITHIN)
		n->bits |= RESET_BOTH_AT_ONCE;
	n->both = p->at;
}

/* An abort is told once; what a host says to a connection that it does not know is bare, and told for each segment: of a client that
 * only shook hands there is one. */
static void note_repeated(const struct tcp *tcp, const struct packet *p, enum direction from, struct reset_notes *n)
{
	const struct tcp_side *side = &tcp->side[from], *peer = &tcp->side[other(from)];
	bool for_each = bare(peer, p) && (from == FROM_CLIENT || (side->flags & SIDE_DATA) || peer->pending_sends);

	if (!n->count[from] || for_each || !(tcp->flags & TCP_ESTABLISHED) || time_between(n->newest[from], p->at.time) > AT_ONCE_WITHIN ||
	    peer->last_seen > n->newest[from])
		return;
	if (p->sequence == n->sequence[from])
		n->bits |= RESET_REPEATED;
	if (odd_ack(peer, p))
		n->bits |= RESET_ODD_ACK;
}

/* The answer to an acknowledgement that was under way when its sender aborted: bare, and behind the reset that the abort sent. */
static bool answers_older(const struct tcp *tcp, const struct packet *p, enum direction from, const struct reset_notes *n)
{
	return !(p->flags & TCP_ACK) && seq_before(p->sequence, n->farthest[from]) &&
	       time_between(tcp->side[other(from)].last_seen, p->at.time) <= answers_within(tcp);
}

/* Guessing ahead: another sequence number than that of the reset before, with nothing sent between that would explain it. */
static void note_rising(const struct tcp *tcp, const struct packet *p, enum direction from, struct reset_notes *n)
{
	const struct tcp_side *peer = &tcp->side[other(from)];

	if (n->count[from] && p->sequence != n->sequence[from] && !bare(peer, p) && !answers_older(tcp, p, from, n) && (tcp->side[from].flags & SIDE_STARTED) &&
	    !(tcp->side[from].flags & SIDE_FIN) && tcp->side[from].last_seen == n->newest[from])
		n->bits |= RESET_RISING;
}

static unsigned accept_reset(struct tcp *tcp, const struct packet *p, enum direction from, struct reset_notes *n)
{
	unsigned news;

	if (tcp->flags & TCP_CLOSED)
		return 0;
	n->accepted = true;
	n->ended = p->at;
	n->ended_by = (uint8_t)from;
	n->highest[0] = tcp->side[0].highest;
	n->highest[1] = tcp->side[1].highest;
	if (from == FROM_SERVER && (tcp->side[FROM_CLIENT].flags & SIDE_SYN) && !tcp->synacks && (p->flags & TCP_ACK) &&
	    !(tcp->flags & TCP_ESTABLISHED))
		tcp->flags |= TCP_REFUSED;
	news = note_end(tcp, from == FROM_CLIENT ? WORD_end_client_reset : WORD_end_server_reset);
	if (news)
		n->bits |= RESET_ENDED;
	tcp->flags |= TCP_CLOSED;
	return news | TCP_NEWS_ENDED;
}

/* A client that aborts tells what it had got by then. Not where that had been sent in vain: there the silence says more. */
static void take_last_word(struct tcp *tcp, const struct packet *p, enum direction from)
{
	const struct tcp_side *peer = &tcp->side[other(from)];

	if (from == FROM_CLIENT && (p->flags & TCP_ACK) && peer->pending_sends == 1 && seq_after(p->acknowledgement, peer->acked) &&
	    !seq_after(p->acknowledgement, peer->highest))
		acknowledge(tcp, other(from), p->acknowledgement, p->at.time);
}

unsigned take_reset(struct tcp *tcp, const struct packet *p, enum direction from)
{
	struct reset_notes *n = tcp_resets(tcp);
	unsigned news = TCP_NEWS_RESET;

	if (!n) { /* no memory: at least it ends */
		if (acceptable(tcp, p, from)) {
			news |= note_end(tcp, from == FROM_CLIENT ? WORD_end_client_reset : WORD_end_server_reset) | TCP_NEWS_ENDED;
			tcp->flags |= TCP_CLOSED;
		}
		return news;
	}
	if (!n->count[0] && !n->count[1])
		note_first(tcp, p, from, n);
	note_both(tcp, p, from, n);
	note_rising(tcp, p, from, n);
	note_repeated(tcp, p, from, n);
	if (!n->count[from]++)
		n->at[from] = p->at;
	n->sequence[from] = p->sequence;
	if (n->count[from] == 1 || seq_after(p->sequence, n->farthest[from]))
		n->farthest[from] = p->sequence;
	n->newest[from] = p->at.time;
	if (acceptable(tcp, p, from)) {
		news |= accept_reset(tcp, p, from, n);
		take_last_word(tcp, p, from);
	}
	return news;
}

/* Sent after the reset, or only captured after it? */
static bool reordered(const struct reset_notes *n, const struct packet *p, enum direction from)
{
	uint32_t end = p->sequence + p->payload_wire;

	return time_between(n->newest[from], p->at.time) < REORDERED_WITHIN && p->payload_wire && !seq_after(end, n->sequence[from]);
}

/* Both sides go on: what one sent after the reset, the other acknowledged. */
static bool goes_on(const struct tcp *tcp, const struct reset_notes *n, const struct packet *p, enum direction from)
{
	return n->accepted && (tcp->flags & TCP_CLOSED) && !(tcp->flags & TCP_REFUSED) && n->then_count &&
	       seq_after(p->acknowledgement, n->highest[other(from)]);
}

unsigned belie_reset(struct tcp *tcp, const struct packet *p, enum direction from, bool data, bool ack)
{
	struct reset_notes *n = tcp->trouble ? tcp->trouble->resets : NULL;

	if (!n || (!data && !ack))
		return 0;
	if (n->count[from] && !reordered(n, p, from) && !n->then_count++)
		n->then = p->at;
	if (!ack || !goes_on(tcp, n, p, from))
		return 0;
	tcp->flags &= (uint16_t)~TCP_CLOSED;
	n->accepted = false;
	if (n->bits & RESET_ENDED) {
		tcp->ended = WORD_end_open;
		n->bits &= (uint16_t)~RESET_ENDED;
	}
	return TCP_NEWS_REVIVED;
}
