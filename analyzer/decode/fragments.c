/* Fragments of IPv4 and IPv6 datagrams put together again, within a fixed room. What came first stays: a later fragment that
 * overlaps changes nothing. */
#include "layers.h"

#include <stdlib.h>

#define DATAGRAMS 64
#define DATAGRAM_BYTES 65536u
#define BLOCK 8u /* every fragment but the last is a multiple of it */
#define PATIENCE (30 * SECOND)
#define LENGTH_UNKNOWN UINT32_MAX

struct datagram {
	enum { FREE, WAITING, WHOLE } state;
	uint32_t id;
	struct address source, destination;
	uint8_t key_protocol; /* 0 for IPv6 */
	uint8_t protocol;
	nanoseconds since;
	uint64_t order;       /* of arrival: the oldest makes room */
	uint64_t whole_in;    /* the decode() that handed it out, which may still be reading it */
	uint32_t pieces, blocks;
	uint32_t end;         /* the farthest byte seen */
	uint32_t length;      /* known once the last fragment came */
	uint32_t captured;    /* bytes before the first that the snap length cut off */
	struct room {
		uint8_t bytes[DATAGRAM_BYTES];
		uint8_t seen[DATAGRAM_BYTES / BLOCK / 8];
	} *room;              /* allocated at first need, then kept */
};

struct fragments {
	uint64_t order;
	struct datagram datagram[DATAGRAMS];
};

struct fragments *fragments_create(void)
{
	return calloc(1, sizeof(struct fragments));
}

void fragments_destroy(struct fragments **fragments)
{
	if (!*fragments)
		return;
	for (int i = 0; i < DATAGRAMS; i++)
		free((*fragments)->datagram[i].room);
	free(*fragments);
	*fragments = NULL;
}

static bool same(const struct datagram *d, const struct packet *p, const struct fragment *f)
{
	return d->id == f->id && d->key_protocol == (p->source.family == 4 ? f->protocol : 0) &&
	       address_same(&d->source, &p->source) && address_same(&d->destination, &p->destination);
}

/* Either way: the clock of the next file may stand long before. Unsigned, as times are hostile too. */
static bool expired(const struct datagram *d, nanoseconds now)
{
	uint64_t apart = now > d->since ? (uint64_t)now - (uint64_t)d->since : (uint64_t)d->since - (uint64_t)now;

	return apart > (uint64_t)PATIENCE;
}

static void give_up(struct walk *w, struct datagram *d)
{
	w->decoder->counters.fragments_dropped += d->pieces;
	d->state = FREE;
}

/* Which of two slots is the better to take: a free one, else the oldest. */
static bool better(const struct datagram *d, const struct datagram *than)
{
	if (!than)
		return true;
	if ((d->state == FREE) != (than->state == FREE))
		return d->state == FREE;
	return d->state != FREE && d->order < than->order;
}

/* The datagram that the fragment belongs to, new if need be; on the way those too old are given up. */
static struct datagram *find(struct walk *w, const struct fragment *f, bool *fresh)
{
	struct fragments *all = w->decoder->fragments;
	struct datagram *take = NULL;

	for (struct datagram *d = all->datagram; d < all->datagram + DATAGRAMS; d++) {
		if (d->state == WHOLE) {
			/* A tunnel's datagram is being read while the fragment inside it looks for a place. */
			if (d->whole_in == w->decoder->calls)
				continue;
			d->state = FREE;
		}
		if (d->state == WAITING && expired(d, w->into->at.time))
			give_up(w, d);
		if (d->state == WAITING && same(d, w->into, f))
			return d;
		if (better(d, take))
			take = d;
	}
	if (!take) /* one walk can't hold them all: it ends at NESTING_MOST */
		abort();
	*fresh = true;
	return take;
}

static bool begin(struct walk *w, struct datagram *d, const struct fragment *f)
{
	struct room *room = d->room;

	if (d->state == WAITING)
		give_up(w, d);
	if (!room && !(room = malloc(sizeof *room)))
		return false;
	memset(room->seen, 0, sizeof room->seen);
	*d = (struct datagram){
		.state = WAITING,
		.id = f->id,
		.source = w->into->source,
		.destination = w->into->destination,
		.key_protocol = w->into->source.family == 4 ? f->protocol : 0,
		.protocol = f->protocol,
		.since = w->into->at.time,
		.order = ++w->decoder->fragments->order,
		.length = LENGTH_UNKNOWN,
		.captured = DATAGRAM_BYTES,
		.room = room,
	};
	return true;
}

static void put_block(struct datagram *d, uint32_t at, const struct span *s, uint32_t from)
{
	uint32_t wire = s->wire - from < BLOCK ? s->wire - from : BLOCK;
	uint32_t have = s->len > from ? s->len - from : 0;
	uint32_t block = at / BLOCK;

	if (d->room->seen[block / 8] & 1u << block % 8)
		return;
	d->room->seen[block / 8] |= (uint8_t)(1u << block % 8);
	d->blocks++;
	if (have > wire)
		have = wire;
	if (have)
		memcpy(d->room->bytes + at, s->at + from, have);
	if (have < wire && at + have < d->captured)
		d->captured = at + have;
}

/* Whether the fragment agrees with what is known of the datagram's end. */
static bool fits(const struct datagram *d, const struct fragment *f, uint32_t end)
{
	if (d->length != LENGTH_UNKNOWN)
		return end <= d->length && (f->more || end == d->length);
	return f->more || end >= d->end;
}

static void put(struct datagram *d, const struct fragment *f, const struct span *s)
{
	uint32_t end = f->offset + s->wire;

	d->pieces++;
	if (f->offset == 0)
		d->protocol = f->protocol;
	if (!f->more)
		d->length = end;
	if (end > d->end)
		d->end = end;
	for (uint32_t from = 0; from < s->wire; from += BLOCK)
		put_block(d, f->offset + from, s, from);
}

static bool whole(const struct datagram *d)
{
	return d->length != LENGTH_UNKNOWN && d->blocks == (d->length + BLOCK - 1) / BLOCK;
}

static enum decode_status hand_out(struct walk *w, struct datagram *d, struct span *s, uint8_t *protocol)
{
	d->state = WHOLE;
	d->whole_in = w->decoder->calls;
	*s = (struct span){ d->room->bytes, d->captured < d->length ? d->captured : d->length, d->length };
	*protocol = d->protocol;
	w->into->fragmented = true;
	return DECODE_PACKET;
}

static enum decode_status drop(struct walk *w)
{
	w->decoder->counters.fragments_dropped++;
	return malformed(w);
}

enum decode_status fragments_add(struct walk *w, const struct fragment *f, struct span *s, uint8_t *protocol)
{
	struct datagram *d;
	bool fresh = false;

	w->decoder->counters.fragments++;
	if (s->wire == 0 || s->wire >= DATAGRAM_BYTES || f->offset + s->wire >= DATAGRAM_BYTES || (f->more && s->wire % BLOCK != 0))
		return drop(w);
	d = find(w, f, &fresh);
	if (fresh && !begin(w, d, f)) {
		w->decoder->counters.fragments_dropped++;
		return DECODE_NOT_OURS;
	}
	if (!fits(d, f, f->offset + s->wire))
		return drop(w);
	put(d, f, s);
	return whole(d) ? hand_out(w, d, s, protocol) : DECODE_FRAGMENT_KEPT;
}
