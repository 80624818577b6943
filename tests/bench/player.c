/* Plays scripts of flows in time order into a classic pcap file. */
#include "script.h"

#include <stdlib.h>
#include <string.h>

struct player {
	FILE *out;
	uint64_t epoch, packets, bytes;
	struct flow **heap;
	size_t count, room;
};

const unsigned char *noise_pool(void)
{
	static unsigned char pool[NOISE_BYTES];
	uint64_t seed = 993;

	if (!pool[0] && !pool[1])
		for (size_t i = 0; i < sizeof pool; i += 8) {
			uint64_t n = roll(&seed);
			memcpy(pool + i, &n, 8);
		}
	return pool;
}

static uint64_t next_at(const struct flow *f)
{
	return f->steps[f->played].at;
}

struct player *player_new(FILE *out, uint64_t epoch_seconds)
{
	struct player *p = calloc(1, sizeof *p);
	const uint32_t header[] = { 0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1 };

	if (!p)
		abort();
	p->out = out;
	p->epoch = epoch_seconds;
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	fwrite(header, sizeof header, 1, out);
	p->bytes = sizeof header;
	return p;
}

uint64_t player_packets(const struct player *p)
{
	return p->packets;
}

uint64_t player_bytes(const struct player *p)
{
	return p->bytes;
}

void player_free(struct player *p)
{
	free(p->heap);
	free(p);
}

void player_add(struct player *p, struct flow *f)
{
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 1024;
		p->heap = realloc(p->heap, p->room * sizeof *p->heap);
		if (!p->heap)
			abort();
	}
	size_t i = p->count++;
	for (; i && next_at(p->heap[(i - 1) / 2]) > next_at(f); i = (i - 1) / 2)
		p->heap[i] = p->heap[(i - 1) / 2];
	p->heap[i] = f;
}

static void sink_top(struct player *p, struct flow *f)
{
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < p->count; i = child) {
		if (child + 1 < p->count && next_at(p->heap[child + 1]) < next_at(p->heap[child]))
			child++;
		if (next_at(p->heap[child]) >= next_at(f))
			break;
		p->heap[i] = p->heap[child];
	}
	p->heap[i] = f;
}

static unsigned char *put16(unsigned char *at, unsigned n)
{
	*at++ = (unsigned char)(n >> 8);
	*at++ = (unsigned char)n;
	return at;
}

static unsigned char *put32(unsigned char *at, uint32_t n)
{
	return put16(put16(at, n >> 16), n & 0xffff);
}

static uint32_t sum16(const unsigned char *at, size_t length, uint32_t sum)
{
	for (; length > 1; length -= 2, at += 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	return length ? sum + ((uint32_t)at[0] << 8) : sum;
}

static unsigned folded(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

static unsigned char *tcp_options(unsigned char *at, const struct flow *f, const struct step *s)
{
	if (s->flags & SYN && !(s->flags & RST)) {
		static const unsigned char with[] = { 2, 4, 5, 180, 4, 2, 8, 10 }, plain[] = { 2, 4, 5, 180, 1, 3, 3, 7, 1, 1, 4, 2 };
		if (!f->stamps)
			return memcpy(at, plain, sizeof plain), at + sizeof plain;
		memcpy(at, with, sizeof with);
		at = put32(put32(at + sizeof with, s->stamp), s->echo);
		return put32(at, 0x01030307);
	}
	if (!f->stamps || s->flags & RST)
		return at;
	return put32(put32(put32(at, 0x0101080a), s->stamp), s->echo);
}

static unsigned char *transport_header(unsigned char *at, const struct flow *f, const struct step *s)
{
	unsigned char *start = at;

	if (f->transport == ICMP)
		return put16(put16(put32(at, s->side == CLIENT ? 0x08000000 : 0), f->port[CLIENT]), f->played / 2);
	at = put16(put16(at, f->port[s->side]), f->port[!s->side]);
	if (f->transport == UDP)
		return put32(at, (uint32_t)(s->length + 8) << 16);
	at = put32(put32(at, s->seq), s->ack);
	at = put32(put32(at, (uint32_t)s->flags << 16 | s->window), 0);
	at = tcp_options(at, f, s);
	start[12] = (unsigned char)((at - start) / 4 << 4);
	return at;
}

static unsigned char *payload(unsigned char *at, const struct flow *f, const struct step *s)
{
	if (s->length)
		memcpy(at, s->from & NOISE ? noise_pool() + (s->from & ~NOISE) : f->bytes + s->from, s->length);
	if (s->record) {
		put16(put16(at, 0x1703), 0x0300);
		put16(at + 3, s->record);
	}
	return at + s->length;
}

static void checksums(unsigned char *ip, unsigned char *end, const struct flow *f)
{
	size_t length = (size_t)(end - ip - 20);
	uint32_t pseudo = f->transport == ICMP ? 0 : sum16(ip + 12, 8, f->transport + (uint32_t)length);
	size_t field = f->transport == TCP ? 16 : f->transport == UDP ? 6 : 2;

	put16(ip + 10, folded(sum16(ip, 20, 0)));
	put16(ip + 20 + field, folded(sum16(ip + 20, length, pseudo)));
}

void player_raw(struct player *p, uint64_t at, const unsigned char *frame, size_t length)
{
	const uint32_t header[] = { (uint32_t)(p->epoch + at / SECOND), (uint32_t)(at % SECOND), (uint32_t)length, (uint32_t)length };

	fwrite(header, sizeof header, 1, p->out);
	fwrite(frame, length, 1, p->out);
	p->packets++;
	p->bytes += sizeof header + length;
}

static void play(struct player *p, struct flow *f, const struct step *s)
{
	static const unsigned char ethernet[2][14] = { { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 }, { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 } };
	unsigned char frame[2048], *ip = frame + 14;

	memcpy(frame, ethernet[s->side], 14);
	unsigned char *end = payload(transport_header(ip + 20, f, s), f, s);
	unsigned char *at = put16(put16(ip, 0x4500), (unsigned)(end - ip));
	at = put16(put16(at, f->ip_id[s->side]++), 0x4000);
	at = put16(put16(at, (unsigned)f->ttl[s->side] << 8 | f->transport), 0);
	put32(put32(at, f->address[s->side]), f->address[!s->side]);
	checksums(ip, end, f);
	if (end - frame < 60) {
		memset(end, 0, (size_t)(60 - (end - frame)));
		end = frame + 60;
	}
	player_raw(p, s->at, frame, (size_t)(end - frame));
}

bool player_until(struct player *p, uint64_t at)
{
	while (p->count && next_at(p->heap[0]) < at) {
		struct flow *f = p->heap[0];
		play(p, f, &f->steps[f->played]);
		if (++f->played < f->step_count) {
			sink_top(p, f);
			continue;
		}
		flow_free(f);
		if (--p->count)
			sink_top(p, p->heap[p->count]);
	}
	return p->count > 0;
}
