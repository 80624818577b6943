/* Fuzzing of the TCP tracker: a script of small packets on one connection, seen from both sides; whatever they are, streams stay within
 * what was sent, memory within its cap, and facts within their meaning. */
#include "tcp.h"

#include <stdlib.h>

struct watch {
	struct tcp *tcp;
	uint64_t told[2];
	bool ended[2];
};

static void on_data(void *context, enum direction from, struct bytes b, struct moment at)
{
	struct watch *w = context;
	volatile unsigned sum = 0;

	(void)at;
	for (size_t i = 0; i < b.len; i++)
		sum += b.data[i];
	(void)sum;
	if (!b.len || w->ended[from])
		abort();
	w->told[from] += b.len;
}

static void on_gap(void *context, enum direction from, uint64_t missing, struct moment at)
{
	struct watch *w = context;

	(void)at;
	if (!missing || missing > UINT32_MAX || w->ended[from])
		abort();
	w->told[from] += missing;
}

static void on_fin(void *context, enum direction from, struct moment at)
{
	struct watch *w = context;

	(void)at;
	if (w->ended[from])
		abort();
	w->ended[from] = true;
}

static void check(const struct tcp *tcp, nanoseconds now)
{
	static const enum fact_id lasting[] = { FACT_OPEN_FOR, FACT_SINCE_LAST, FACT_SYN_SPAN, FACT_VAIN_SPAN, FACT_STALLED, FACT_RTT,
						FACT_ZERO_WINDOW, FACT_RESET_QUIET, FACT_VAIN_SILENCE };
	struct fact_view view[FACT_COUNT];
	unsigned sends;
	nanoseconds first, last;

	memset(view, 0, sizeof view);
	tcp_facts(tcp, now, view);
	for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
		if (view[lasting[i]].value < 0)
			abort();
	if (tcp->side[0].held_bytes > 256 * 1024 || tcp->side[1].held_bytes > 256 * 1024)
		abort();
	if (tcp_vain(tcp, &sends, &first, &last) != WORD_side_none && (!sends || last < 0))
		abort();
	(void)(tcp_whole(tcp, FROM_CLIENT) + tcp_syn_overdue(tcp, now) + tcp_memory(tcp));
}

/* Fields from the input; sequence numbers near one another mostly, and near the wrap-around. */
static void packet_of(struct reader *r, struct packet *p, uint8_t *payload, nanoseconds *now, uint32_t frame)
{
	uint8_t kind = read_u8(r), more = read_u8(r);

	memset(p, 0, sizeof *p);
	p->transport = TRANSPORT_TCP;
	*now += (nanoseconds)(more & 7 ? (more & 7) * MILLISECOND : read_be16(r) * SECOND);
	if (more & 8)
		*now -= 5 * MILLISECOND; /* captured out of order */
	p->at = (struct moment){ *now, frame, 0 };
	p->flags = read_u8(r) & 63;
	p->sequence = kind & 2 ? read_be32(r) : 0xfffffff0u + read_u8(r);
	p->acknowledgement = kind & 4 ? read_be32(r) : 0xfffffff0u + read_u8(r);
	p->window = kind & 8 ? 0 : 1000;
	p->window_scale = kind & 16 ? 7 : 255;
	p->mss = kind & 32 ? 1460 : 0;
	p->ttl = (uint8_t)(64 - (kind >> 6));
	p->ip_id = more & 16 ? 0 : (uint16_t)frame;
	p->has_timestamps = more & 32;
	p->has_sack = more & 64;
	p->sack_permitted = more & 64;
	p->sack_left = p->acknowledgement + 4;
	p->sack_right = p->acknowledgement + 12;
	p->payload = bytes_of(payload, read_u8(r) % 40);
	p->payload_wire = (uint32_t)p->payload.len + (more & 128 ? read_be16(r) : 0);
	p->truncated = p->payload_wire > p->payload.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t payload[40];
	static struct held_pool *pool; /* large; kept between inputs */
	struct reader r = reader_of(bytes_of(data, size));
	struct tcp tcp;
	struct watch watch = { &tcp, { 0, 0 }, { false, false } };
	struct stream_sink sink = { &watch, on_data, on_gap, on_fin };
	nanoseconds now = 1000 * SECOND, latest = now;
	static uint32_t frame;
	struct packet p;

	if (!pool)
		pool = held_pool_create(4096);
	tcp_init(&tcp, pool);
	while (reader_left(&r) && !r.shortfall) {
		enum direction from = reader_left(&r) & 1 ? FROM_CLIENT : FROM_SERVER;

		packet_of(&r, &p, payload, &now, ++frame);
		latest = now > latest ? now : latest;
		if (tcp_packet(&tcp, &p, from, &sink) & TCP_NEWS_NEW_SESSION) {
			tcp_release(&tcp);
			memset(watch.told, 0, sizeof watch.told);
			memset(watch.ended, 0, sizeof watch.ended);
			if (tcp_packet(&tcp, &p, from, &sink) & TCP_NEWS_NEW_SESSION)
				abort();
		}
		if (p.acknowledgement == 0xfffffff3u)
			tcp_icmp(&tcp, WORD_icmp_other, from, &p);
		check(&tcp, latest);
	}
	tcp_settle(&tcp, (struct moment){ latest, frame, 0 }, &sink);
	check(&tcp, latest + SECOND);
	tcp_release(&tcp);
	if (held_pool_counters(pool)->held_bytes)
		abort();
	return 0;
}
