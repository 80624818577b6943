/* Watched devices by address, their connections' sequence numbers in slots by hash, overwritten by whoever comes next. */
#include "watch.h"

#include <stdlib.h>

#define DEVICES_BYTES 32768
#define FLOWS 2048
#define FILTER_BITS 16
#define WATCHED (10 * MINUTE)
#define EXPIRE_EVERY (30 * SECOND)
/* Frames may be captured out of order, or twice, within so long. */
#define REORDERED (5 * MILLISECOND)

struct device {
	struct aged aged;
	nanoseconds until;
	struct loss loss;
};

/* One direction of a connection. */
struct flow_slot {
	uint64_t hash;
	nanoseconds advanced, marked, resent_at;
	uint32_t next;         /* end of what was sent */
	uint32_t marks[2];     /* what it was at `marked`, and a while before that */
	uint32_t resent;       /* sequence number of the newest that came again */
};

struct watch {
	struct ageing *devices;
	uint64_t filter[(1 << FILTER_BITS) / 64]; /* addresses that may be watched: one bit spares others the search */
	uint64_t overwritten;
	nanoseconds expired;
	struct hash_key key;
	struct flow_slot flow[FLOWS];
};

struct watch *watch_create(struct hash_key key)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->key = key;
	w->devices = ageing_create(sizeof(struct device), DEVICES_BYTES, key);
	if (!w->devices)
		watch_destroy(&w);
	return w;
}

void watch_destroy(struct watch **watch)
{
	if (!*watch)
		return;
	ageing_destroy(&(*watch)->devices);
	free(*watch);
	*watch = NULL;
}

static unsigned bit_of(const struct watch *w, const struct address *a)
{
	uint64_t half[2];

	memcpy(half, a->byte, sizeof half);
	return (unsigned)(hash_fold(half[0] ^ w->key.k0, half[1] ^ w->key.k1) >> (64 - FILTER_BITS));
}

static bool may_be_watched(const struct watch *w, const struct address *a)
{
	unsigned bit = bit_of(w, a);

	return w->filter[bit / 64] >> (bit % 64) & 1;
}

static struct device *device_of(const struct watch *w, const struct address *a)
{
	uint8_t key[AGEING_KEY];

	if (!may_be_watched(w, a))
		return NULL;
	key_address(key, a);
	return ageing_find(w->devices, key);
}

static void put_bit(struct watch *w, const struct address *a)
{
	unsigned bit = bit_of(w, a);

	w->filter[bit / 64] |= (uint64_t)1 << (bit % 64);
}

static void put_watched(void *context, void *record)
{
	struct watch *w = context;
	const struct device *d = record;
	struct address a = { .family = d->aged.key[16] };

	memcpy(a.byte, d->aged.key, sizeof a.byte);
	if (d->until > w->expired)
		put_bit(w, &a);
}

/* Whose time is over no longer costs anything. False: nobody is left. */
static bool expire(struct watch *w, nanoseconds now)
{
	uint64_t any = 0;

	w->expired = now;
	memset(w->filter, 0, sizeof w->filter);
	ageing_each(w->devices, put_watched, w);
	for (size_t i = 0; i < sizeof w->filter / sizeof *w->filter; i++)
		any |= w->filter[i];
	return any != 0;
}

void watch_begin(struct watch *w, const struct address *device, nanoseconds now)
{
	uint8_t key[AGEING_KEY];

	key_address(key, device);
	struct device *d = ageing_take(w->devices, key, now);
	if (d->until < now)
		d->loss = (struct loss){ 0 };
	d->until = now + WATCHED;
	put_bit(w, device);
}

static bool at_or_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static struct flow_slot *flow_of(struct watch *w, const struct packet *p, bool *is_new)
{
	uint8_t ends[AGEING_KEY] = { 0 };

	memcpy(ends, p->source.byte, 16);
	memcpy(ends + 16, p->destination.byte, 16);
	memcpy(ends + 32, &p->source_port, 2);
	memcpy(ends + 34, &p->destination_port, 2);
	uint64_t hash = ageing_hash(w->key, ends);
	struct flow_slot *f = &w->flow[hash % FLOWS];
	*is_new = f->hash != hash;
	if (*is_new) {
		w->overwritten += f->hash && p->at.time - f->advanced < MINUTE;
		*f = (struct flow_slot){ .hash = hash, .next = p->sequence, .marks = { p->sequence, p->sequence }, .marked = p->at.time };
	}
	return f;
}

/* It was there already, and long enough ago for the order of frames to mean something. */
static bool came_before(const struct flow_slot *f, const struct packet *p, uint32_t end)
{
	if (!at_or_before(end, f->next) || p->payload_wire <= 1) /* keep-alives and window probes */
		return false;
	if (f->resent == p->sequence && p->at.time - f->resent_at < REORDERED)
		return false;
	return p->at.time - f->advanced >= REORDERED || at_or_before(end, f->marks[1]);
}

static void take_segment(struct watch *w, struct device *d, const struct packet *p)
{
	uint32_t end = p->sequence + p->payload_wire;
	bool is_new;
	struct flow_slot *f = flow_of(w, p, &is_new);

	d->loss.segments++;
	if (p->at.time - f->marked >= REORDERED) {
		f->marks[1] = f->marks[0];
		f->marks[0] = f->next;
		f->marked = p->at.time;
	}
	if (!is_new && came_before(f, p, end)) {
		d->loss.retransmitted++;
		f->resent = p->sequence;
		f->resent_at = p->at.time;
	}
	if (!at_or_before(end, f->next)) {
		f->next = end;
		f->advanced = p->at.time;
	}
}

bool watch_segment(struct watch *w, const struct packet *p)
{
	struct device *d = device_of(w, &p->source);

	if (!d)
		d = device_of(w, &p->destination);
	if (d && p->at.time <= d->until)
		take_segment(w, d, p);
	return p->at.time - w->expired < EXPIRE_EVERY || expire(w, p->at.time);
}

void watch_session(struct watch *w, const struct address *device, const struct loss *loss)
{
	struct device *d = device_of(w, device);

	if (!d)
		return;
	d->loss.segments += loss->segments;
	d->loss.retransmitted += loss->retransmitted;
}

bool watch_loss(const struct watch *w, const struct address *device, struct loss *into)
{
	const struct device *d = device_of(w, device);

	if (!d || !d->loss.segments)
		return false;
	*into = d->loss;
	return true;
}

uint64_t watch_overwritten(const struct watch *w)
{
	return w->overwritten + ageing_evicted(w->devices);
}

size_t watch_bytes(const struct watch *w)
{
	return sizeof *w + ageing_bytes(w->devices);
}
