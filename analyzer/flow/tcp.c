/* The TCP tracker: follows both directions of a connection, packet by packet. */
#include "tcp.h"

#include "held.h"
#include "pack.h"
#include "tcp_inside.h"

#include <stdlib.h>

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

void tcp_pack(struct packer *p, struct tcp *tcp)
{
	struct trouble *t = tcp->trouble = pack_part(p, tcp->trouble, sizeof *t, sizeof *t);

	if (t)
		t->resets = pack_part(p, t->resets, sizeof *t->resets, sizeof *t->resets);
}

size_t tcp_memory(const struct tcp *tcp)
{
	const struct trouble *t = tcp->trouble;

	return t ? sizeof *t + (t->resets ? sizeof *t->resets : 0) : 0;
}

/* --- the packet --- */

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

/* IP identifications of the client: the newest by sixteens in the upper bits, how many small steps led there in the lower. One step
 * that is not small shows that it doesn't count this connection's frames, for good. */
static void note_id(struct tcp *tcp, const struct packet *p)
{
	unsigned number = p->ip_id >> IDS_BITS, steps = tcp->client_ids & IDS_NOT_COUNTED;

	if (!p->ip_id || p->source.family != 4 || steps == IDS_NOT_COUNTED)
		return;
	if (tcp->client_ids) {
		if (ids_ahead(tcp, p) > IDS_SMALL)
			steps = IDS_NOT_COUNTED;
		else if (steps < IDS_NOT_COUNTED - 1)
			steps++;
	}
	tcp->client_ids = (uint16_t)(number << IDS_BITS | steps);
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
	if (from == FROM_CLIENT)
		note_id(tcp, p);
	if (p->flags & TCP_ACK)
		advances = take_ack(tcp, p, from);
	news |= advances ? TCP_NEWS_PROGRESS : 0u;
	news |= note_established(tcp, p, from);
	if (p->flags & TCP_SYN) {
		side->window = p->window;
		return news | take_syn_data(tcp, p, from, sink);
	}
	take_window(tcp, p, from);
	unsigned data = take_data(tcp, p, from, quiet, sink);
	return news | data | belie_reset(tcp, p, from, data & TCP_NEWS_PROGRESS, advances);
}

/* More was acknowledged than came by; at the end perhaps the FIN alone. Most packets leave none, and nothing to settle. */
static inline bool has_hole(const struct tcp_side *side)
{
	return seq_before(side->next, side->acked);
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
	if (tcp->trouble || has_hole(&tcp->side[0]) || has_hole(&tcp->side[1])) {
		stream_settle(tcp, FROM_CLIENT, p->at, false, sink);
		stream_settle(tcp, FROM_SERVER, p->at, false, sink);
	}
	return news | note_closed(tcp);
}

void tcp_settle(struct tcp *tcp, struct moment now, const struct stream_sink *sink)
{
	stream_settle(tcp, FROM_CLIENT, now, true, sink);
	stream_settle(tcp, FROM_SERVER, now, true, sink);
}

void tcp_icmp(struct tcp *tcp, enum word_icmp kind, enum direction quoted, const struct packet *error)
{
	struct trouble *t = tcp_trouble(tcp);

	if (!t)
		return;
	if (!t->icmp_count++)
		t->icmp_first = error->at;
	t->icmp_last = error->at;
	t->icmp_sender = error->source;
	t->icmp_ttl = error->ttl;
	t->icmp_kind = (uint8_t)kind;
	t->icmp_quoted = (uint8_t)quoted;
	t->icmp_progress = false;
}

const struct address *tcp_icmp_sender(const struct tcp *tcp)
{
	return tcp->trouble && tcp->trouble->icmp_count ? &tcp->trouble->icmp_sender : NULL;
}
