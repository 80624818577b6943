/* Writes the benchmark's captures from a seed: mixed BYTES, imap SESSIONS, imap-idle SESSIONS, flood SOURCES, one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "imap_talk.h"
#include "script.h"
#include "tls_shapes.h"

#define EPOCH 1795510800u /* 2026-11-24T09:00:00Z */

struct work {
	struct player *player;
	FILE *labels;
	uint64_t seed, size, session;
};

static void label(struct work *w, const struct flow *f, bool healthy, const char *kind)
{
	uint32_t c = f->address[CLIENT], s = f->address[SERVER];

	fprintf(w->labels, "%u.%u.%u.%u %u %u.%u.%u.%u %u %s %s\n", c >> 24, c >> 16 & 255, c >> 8 & 255, c & 255, f->port[CLIENT], s >> 24,
		s >> 16 & 255, s >> 8 & 255, s & 255, f->port[SERVER], healthy ? "healthy" : "failed", kind);
}

/* A session of a client of its own for every four. */
static struct flow *session(struct work *w, uint64_t at, bool healthy, enum talk_wish wish)
{
	uint64_t n = w->session++;
	const char *kind;
	uint32_t client = 0x0a010001 + (uint32_t)(n / 4) % 16000000;
	uint16_t port = (uint16_t)(49152 + n % 4 * 4000 + n / 4 % 3999);
	struct flow *f = talk_new(roll(&w->seed), at, client, port, healthy, wish, &kind);

	label(w, f, healthy, kind);
	player_add(w->player, f);
	return f;
}

static void imap(struct work *w)
{
	uint64_t at = 0, gap = 600 * (uint64_t)SECOND / (w->size ? w->size : 1) + 1;

	for (uint64_t i = 0; i < w->size; i++) {
		session(w, at, below(&w->seed, 10) != 0, TALK_ANY);
		at += below(&w->seed, (uint32_t)(2 * gap));
		player_until(w->player, at);
	}
}

static void imap_idle(struct work *w)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < w->size; i++) {
		session(w, at, true, TALK_IDLE);
		at += 2 * MILLISECOND;
		player_until(w->player, at);
	}
}

static void endpoints(struct flow *f, uint16_t server_port)
{
	f->address[CLIENT] = 0x0a640000 + below(&f->seed, 4000);
	f->address[SERVER] = 0x68000000 + below(&f->seed, 1 << 16);
	f->port[CLIENT] = (uint16_t)(32768 + below(&f->seed, 28000));
	f->port[SERVER] = server_port;
}

static struct flow *web(uint64_t seed, uint64_t at)
{
	struct flow *f = flow_new(seed, at, TCP);
	bool secure = below(&f->seed, 8) != 0;

	endpoints(f, secure ? 443 : 80);
	flow_open(f);
	if (secure) {
		tls_handshake(f, TLS13);
		flow_say(f, SERVER);
	}
	for (unsigned n = 1 + below(&f->seed, 4); n; n--) {
		flow_pause(f, 1000 + skewed(&f->seed, 100000, 5000000));
		flow_say_noise(f, CLIENT, 80 + skewed(&f->seed, 400, 4000), secure);
		flow_pause(f, 500 + skewed(&f->seed, 8000, 2000000));
		flow_say_noise(f, SERVER, 150 + skewed(&f->seed, 800, 600000), secure);
	}
	flow_close(f, below(&f->seed, 2));
	return f;
}

static struct flow *quic(uint64_t seed, uint64_t at)
{
	struct flow *f = flow_new(seed, at, UDP);

	endpoints(f, 443);
	flow_datagram(f, CLIENT, 1250);
	flow_datagram(f, SERVER, 1250);
	flow_datagram(f, SERVER, 1250);
	flow_datagram(f, CLIENT, 80);
	for (unsigned n = 2 + skewed(&f->seed, 5, 400); n; n--) {
		f->now += 100;
		flow_datagram(f, SERVER, n % 9 ? 1250 : 60 + below(&f->seed, 900));
		if (n % 2)
			flow_datagram(f, CLIENT, 33 + below(&f->seed, 12));
	}
	return f;
}

static struct flow *dns(uint64_t seed, uint64_t at)
{
	struct flow *f = flow_new(seed, at, UDP);
	unsigned char m[200] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w', 8 };
	size_t n = 17;

	endpoints(f, 53);
	f->address[SERVER] = 0x0a000035;
	m[0] = (unsigned char)roll(&f->seed);
	m[1] = (unsigned char)roll(&f->seed);
	for (int i = 0; i < 8; i++)
		m[n++] = (unsigned char)('a' + below(&f->seed, 26));
	memcpy(m + n, "\3com\0\0\1\0\1", 9);
	n += 9;
	flow_put(f, m, n);
	m[2] = 0x81, m[3] = 0x80, m[7] = 1;
	memcpy(m + n, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x68", 13);
	flow_put(f, m, n + 16);
	flow_datagram(f, CLIENT, n);
	flow_datagram(f, SERVER, n + 16);
	f->steps[0].from = 0;
	f->steps[1].from = (uint32_t)n;
	return f;
}

static struct flow *ping(uint64_t seed, uint64_t at)
{
	struct flow *f = flow_new(seed, at, ICMP);

	endpoints(f, 0);
	for (unsigned n = 1 + below(&f->seed, 8); n; n--) {
		flow_datagram(f, CLIENT, 56);
		flow_datagram(f, SERVER, 56);
		f->now += SECOND;
	}
	return f;
}

static struct flow *mixed_flow(struct work *w, uint64_t at)
{
	unsigned n = below(&w->seed, 1000);

	if (n < 30)
		return session(w, at, below(&w->seed, 20) != 0, TALK_SHORT);
	struct flow *f = (n < 480 ? web : n < 560 ? quic : n < 960 ? dns : ping)(roll(&w->seed), at);
	player_add(w->player, f);
	return f;
}

static void mixed(struct work *w)
{
	uint64_t at = 0;

	for (uint64_t planned = 0; planned < w->size;) {
		planned += flow_wire_bytes(mixed_flow(w, at));
		at += below(&w->seed, 800);
		player_until(w->player, at);
	}
}

static void flood_frame(unsigned char *frame, uint64_t n)
{
	/* n times an odd number: every source once, in no order */
	uint32_t source = 0x20000000 + ((uint32_t)(n * 2654435761u) & 0x0fffffff);
	uint64_t seed = n;

	frame[26] = (unsigned char)(source >> 24);
	frame[27] = (unsigned char)(source >> 16);
	frame[28] = (unsigned char)(source >> 8);
	frame[29] = (unsigned char)source;
	uint64_t more = roll(&seed);
	memcpy(frame + 18, &more, 2);
	memcpy(frame + 34, (unsigned char *)&more + 2, 2);
	frame[34] |= 0x80;
	memcpy(frame + 38, (unsigned char *)&more + 4, 4);
}

static uint16_t checksum(const unsigned char *at, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

static void put_checksum(unsigned char *at, uint16_t n)
{
	at[0] = (unsigned char)(n >> 8);
	at[1] = (unsigned char)n;
}

static uint32_t sum_of(const unsigned char *at)
{
	return (uint16_t)~checksum(at, 8, 0);
}

static void flood(struct work *w)
{
	unsigned char frame[64] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 44, 0, 0, 0, 0, 52, 6, 0, 0, 0, 0, 0, 0, 198, 51, 100, 1,
				    0, 0, 3, 225, 0, 0, 0, 0, 0, 0, 0, 0, 0x60, 2, 4, 0, 0, 0, 0, 0, 2, 4, 5, 180 };

	for (uint64_t n = 0; n < w->size; n++) {
		uint64_t at = n * 2;
		flood_frame(frame, n);
		memset(frame + 24, 0, 2);
		memset(frame + 50, 0, 2);
		put_checksum(frame + 24, checksum(frame + 14, 20, 0));
		put_checksum(frame + 50, checksum(frame + 34, 24, sum_of(frame + 26) + 6 + 24));
		if (n == w->size / 2)
			session(w, at, true, TALK_SECURE);
		player_until(w->player, at);
		player_raw(w->player, at, frame, sizeof frame);
	}
}

static void one(struct work *w)
{
	struct flow *f = flow_new(roll(&w->seed), 0, TCP);

	endpoints(f, 993);
	flow_signal(f, CLIENT, SYN);
	player_add(w->player, f);
}

static const struct kind {
	const char *name;
	void (*write)(struct work *w);
	uint64_t size;
} kinds[] = {
	{ "mixed", mixed, 1000000000 }, { "imap", imap, 50000 }, { "imap-idle", imap_idle, 100000 }, { "flood", flood, 5000000 }, { "one", one, 1 },
};

static FILE *opened(const char *name, const char *ending)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s%s", name, ending);
	if (!(file = fopen(path, "w"))) {
		perror(path);
		exit(1);
	}
	return file;
}

static void generate(const struct kind *kind, const char *name, uint64_t size, uint64_t seed)
{
	FILE *out = opened(name, "");
	struct work w = { .player = player_new(out, EPOCH), .labels = opened(name, ".labels"), .seed = seed, .size = size };

	tls_prepare(seed, "mail.example.org");
	kind->write(&w);
	player_until(w.player, UINT64_MAX);
	printf("%s %s: %" PRIu64 " packets, %" PRIu64 " bytes, %.0f bytes a packet, %" PRIu64 " IMAP sessions\n", kind->name, name,
	       player_packets(w.player), player_bytes(w.player), (double)player_bytes(w.player) / (double)player_packets(w.player) - 16, w.session);
	if (fclose(out) || fclose(w.labels)) {
		perror(name);
		exit(1);
	}
	player_free(w.player);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 3 && i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(argv[1], kinds[i].name) == 0) {
			generate(&kinds[i], argv[2], argc > 3 ? strtoull(argv[3], NULL, 0) : kinds[i].size, argc > 4 ? strtoull(argv[4], NULL, 0) : 1);
			return 0;
		}
	fprintf(stderr, "use: generate mixed|imap|imap-idle|flood|one FILE [SIZE [SEED]]\n");
	return 2;
}
