/* Writes a flow's packets as a script: sequence numbers, acknowledgements and time stamp echoes as two real stacks would send them. */
#include "script.h"

#include <stdlib.h>
#include <string.h>

enum { BURST = 10, DELAYED_ACK = 40 * MILLISECOND };

uint64_t roll(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint32_t below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)((roll(seed) >> 32) * n >> 32);
}

uint32_t skewed(uint64_t *seed, uint32_t middle, uint32_t most)
{
	double shape = 0.25 + below(seed, 1000) / 500.0, size = middle * shape;

	for (int i = 0; i < 6 && below(seed, 5) < 2; i++)
		size *= 2.2;
	return size > most ? most : (uint32_t)size;
}

static void *grown(void *old, size_t *room, size_t need, size_t each)
{
	if (need <= *room)
		return old;
	*room = need > 2 * *room ? need : 2 * *room;
	void *new = realloc(old, *room * each);
	if (!new)
		abort();
	return new;
}

struct flow *flow_new(uint64_t seed, uint64_t at, enum transport transport)
{
	struct flow *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->seed = seed;
	f->now = at;
	f->transport = (uint8_t)transport;
	f->reach[CLIENT] = 200 + below(&f->seed, 8000);
	f->reach[SERVER] = 4000 + skewed(&f->seed, 20000, 150000);
	f->ttl[CLIENT] = below(&f->seed, 3) ? 64 : 128;
	f->ttl[SERVER] = (uint8_t)(64 - 5 - below(&f->seed, 15));
	f->stamps = f->ttl[CLIENT] == 64;
	for (int s = 0; s < 2; s++) {
		f->isn[s] = (uint32_t)roll(&f->seed);
		f->stamp_base[s] = (uint32_t)(roll(&f->seed) >> 34);
		f->ip_id[s] = (uint16_t)roll(&f->seed);
	}
	return f;
}

void flow_free(struct flow *f)
{
	free(f->steps);
	free(f->bytes);
	free(f);
}

size_t flow_wire_bytes(const struct flow *f)
{
	size_t sum = 0;

	for (size_t i = 0; i < f->step_count; i++)
		sum += f->steps[i].length + (f->transport == TCP ? f->stamps ? 66u : 54u : 42u) + 16;
	return sum;
}

static uint32_t stamp_of(const struct flow *f, unsigned side)
{
	return f->stamp_base[side] + (uint32_t)(f->now / MILLISECOND);
}

static uint32_t add_step(struct flow *f, unsigned side, unsigned flags, uint32_t from, size_t length, uint32_t record)
{
	unsigned peer = !side;

	f->steps = grown(f->steps, &f->step_room, f->step_count + 1, sizeof *f->steps);
	struct step *s = &f->steps[f->step_count++];
	*s = (struct step){ .at = f->now, .seq = f->isn[side] + f->sent[side], .ack = flags & ACK ? f->isn[peer] + f->acked[side] : 0,
			    .stamp = stamp_of(f, side), .echo = flags & ACK ? f->echo[side] : 0, .from = from,
			    .length = (uint16_t)length, .record = (uint16_t)record, .window = flags & SYN ? 64240 : 502,
			    .side = (uint8_t)side, .flags = (uint8_t)flags };
	if (f->acked[peer] == f->sent[side])
		f->echo[peer] = s->stamp;
	f->sent[side] += (uint32_t)length + !!(flags & (SYN | FIN));
	f->last_side = (uint8_t)side;
	f->now++;
	return s->stamp;
}

/* The side acknowledges all it was sent. */
static void catch_up(struct flow *f, unsigned side)
{
	f->acked[side] = f->sent[!side];
	f->owes[side] = false;
}

static void turn(struct flow *f, unsigned side)
{
	if (f->last_side != side)
		f->now += f->reach[side];
}

void flow_signal(struct flow *f, enum side side, unsigned flags)
{
	turn(f, side);
	if (flags & ACK)
		catch_up(f, side);
	add_step(f, side, flags, 0, 0, 0);
	f->owes[!side] = flags & FIN;
}

/* The last packet once more, as a sender does that hears nothing. */
void flow_again(struct flow *f)
{
	struct step last = f->steps[f->step_count - 1];

	f->sent[last.side] = last.seq - f->isn[last.side];
	add_step(f, last.side, last.flags, last.from, last.length, last.record);
}

void flow_pause(struct flow *f, uint64_t microseconds)
{
	uint64_t until = f->now + microseconds;

	for (unsigned side = 0; side < 2; side++) {
		if (!f->owes[side] || microseconds <= DELAYED_ACK + f->reach[side])
			continue;
		f->now += DELAYED_ACK + f->reach[side];
		catch_up(f, side);
		add_step(f, side, ACK, 0, 0, 0);
	}
	if (f->now < until)
		f->now = until;
}

void flow_put(struct flow *f, const void *bytes, size_t length)
{
	f->bytes = grown(f->bytes, &f->byte_room, f->byte_count + length, 1);
	memcpy(f->bytes + f->byte_count, bytes, length);
	f->byte_count += length;
}

void flow_put_noise(struct flow *f, size_t length)
{
	while (length) {
		size_t part = length > 65536 ? 65536 : length;
		flow_put(f, noise_pool() + below(&f->seed, NOISE_BYTES - 65536), part);
		length -= part;
	}
}

/* Every second segment is acknowledged; a last odd one waits for an answer to carry it. */
static void acknowledge(struct flow *f, unsigned side, const uint32_t *ends, const uint32_t *stamps, int count, bool all)
{
	unsigned peer = !side;

	f->owes[peer] = true;
	if (count < 2)
		return;
	f->now += f->reach[peer];
	for (int i = 1; i < count; i += 2) {
		f->acked[peer] = ends[i];
		f->echo[peer] = stamps[i - 1];
		add_step(f, peer, ACK, 0, 0, 0);
	}
	if (count % 2)
		f->echo[peer] = stamps[count - 1];
	f->owes[peer] = count % 2;
	if (!all)
		f->now += f->reach[side];
	f->last_side = (uint8_t)(all ? peer : side);
}

static void say(struct flow *f, unsigned side, uint32_t from, size_t length, bool as_record)
{
	size_t most = f->stamps ? 1448 : 1460, done = 0, record_left = 0;
	uint32_t ends[BURST], stamps[BURST];

	turn(f, side);
	catch_up(f, side);
	while (done < length) {
		int count = 0;
		for (; count < BURST && done < length; count++) {
			size_t record = 0, part = length - done < most ? length - done : most;
			if (as_record && record_left == 0)
				record = record_left = length - done > 16384 + 17 + 5 ? 16384 + 17 + 5 : length - done;
			if (as_record && part > record_left)
				part = record_left;
			record_left -= as_record ? part : 0;
			stamps[count] = add_step(f, side, ACK | (done + part == length ? PSH : 0), from, part, record ? (uint32_t)record - 5 : 0);
			ends[count] = f->sent[side];
			from += from & NOISE ? 0 : (uint32_t)part;
			done += part;
			f->now += 10 + part / 10;
		}
		acknowledge(f, side, ends, stamps, count, done == length);
	}
}

void flow_say(struct flow *f, enum side side)
{
	say(f, side, (uint32_t)f->said, f->byte_count - f->said, false);
	f->said = f->byte_count;
}

void flow_say_noise(struct flow *f, enum side side, size_t length, bool as_record)
{
	say(f, side, NOISE | below(&f->seed, NOISE_BYTES - 2048), length, as_record);
}

void flow_datagram(struct flow *f, enum side side, size_t length)
{
	turn(f, side);
	add_step(f, side, 0, NOISE | below(&f->seed, NOISE_BYTES - 2048), length, 0);
}

void flow_open(struct flow *f)
{
	flow_signal(f, CLIENT, SYN);
	flow_signal(f, SERVER, SYN | ACK);
	flow_signal(f, CLIENT, ACK);
}

void flow_close(struct flow *f, enum side first)
{
	flow_signal(f, first, FIN | ACK);
	flow_signal(f, !first, FIN | ACK);
	flow_signal(f, first, ACK);
}
