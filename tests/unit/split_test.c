/* Every payload of every sample's first mail session, cut into two segments at every place: facts, their frames and the verdict stay as they are.
 * Each payload ends at a guard page, so that a byte read too far is a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drive.h"
#include "ndpi_adapter.h"
#include "rules.h"
#include "source.h"
#include "tls.h"

#define PACKETS_MOST 400
#define PAYLOAD_MOST 65536
/* Longer payloads are cut at each of their first and last bytes, and at every so many in between. */
#define EDGE 48
#define STEP 211

/* Tells the first of each kind; the count decides. */
static unsigned wrong;
#define complain(...) (wrong++ < 4000 ? print_error(__VA_ARGS__), print_error("\n") : (void)0)

struct talk {
	struct packet packet[PACKETS_MOST];
	uint8_t *payload[PACKETS_MOST];
	size_t count;
	struct endpoint client, server;
	nanoseconds end;
};

struct world {
	struct rules *rules;
	uint8_t *guarded; /* PAYLOAD_MOST bytes, then a page that may not be touched */
	struct session_shared shared;
};

static bool of_talk(const struct talk *t, const struct packet *p)
{
	bool client = p->source_port == t->client.port && address_same(&p->source, &t->client.address);
	const struct endpoint *source = client ? &t->client : &t->server, *target = client ? &t->server : &t->client;

	return p->source_port == source->port && address_same(&p->source, &source->address) && p->destination_port == target->port &&
	       address_same(&p->destination, &target->address);
}

static void take(struct talk *t, const struct packet *p)
{
	bool mail = p->destination_port == 143 || p->destination_port == 993;

	if (p->transport != TRANSPORT_TCP || t->count == PACKETS_MOST || p->payload.len > PAYLOAD_MOST)
		return;
	if (!t->count && !(mail && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN))
		return;
	if (!t->count) {
		t->client = (struct endpoint){ p->source, p->source_port };
		t->server = (struct endpoint){ p->destination, p->destination_port };
	}
	if (!of_talk(t, p))
		return;
	t->packet[t->count] = *p;
	t->packet[t->count].at.frame = (uint32_t)(t->count + 1) * 2; /* a second half gets the odd number behind it */
	t->payload[t->count] = malloc(p->payload.len + 1);
	if (p->payload.len)
		memcpy(t->payload[t->count], p->payload.data, p->payload.len);
	t->packet[t->count].payload.data = t->payload[t->count];
	t->count++;
	t->end = p->at.time;
}

static void read_talk(const char *path, struct talk *t)
{
	const struct source_options options = { 0 };
	struct error error;
	struct source *source = source_open_files(&path, 1, &options, &error);
	struct decoder *decoder = decoder_create();
	struct frame frame;
	struct packet p;

	assert_non_null(source);
	while (source_next(source, &frame, &error) == SOURCE_FRAME)
		if (decode(decoder, frame.link, frame.data, frame.captured, frame.wire, frame.at, &p) == DECODE_PACKET)
			take(t, &p);
	decoder_destroy(&decoder);
	source_close(&source);
}

static void feed(struct world *w, struct session *s, struct packet p, size_t from, size_t len)
{
	uint8_t *at = w->guarded + PAYLOAD_MOST - len;

	if (len)
		memcpy(at, p.payload.data + from, len);
	p.payload = bytes_of(at, len);
	session_packet(s, &p);
}

/* Plays the session with one payload cut at a place (0: whole); what is known and judged at its end. */
static const char *play(struct world *w, const struct talk *t, size_t cut_one, size_t cut, struct fact_view view[FACT_COUNT])
{
	struct flow flow = { .client = t->client, .server = t->server };
	struct session *s = calloc(1, sizeof *s);
	struct verdict verdict;

	w->shared.held = held_pool_create(1 << 20);
	session_begin(s, &flow, &w->shared);
	s->mail_port = true;
	s->tls_port = t->server.port == 993;
	for (size_t i = 0; i < t->count; i++) {
		struct packet first = t->packet[i], second = first;
		if (i != cut_one || !cut) {
			feed(w, s, first, 0, first.payload.len);
			continue;
		}
		first.flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
		first.payload_wire = (uint32_t)cut;
		second.sequence += (uint32_t)cut;
		second.payload_wire -= (uint32_t)cut;
		second.at.frame++;
		feed(w, s, first, 0, cut);
		feed(w, s, second, cut, second.payload.len - cut);
	}
	session_settle_holes(s, (struct moment){ t->end, 0, 0 });
	session_view(s, t->end, true, view);
	rules_classify(w->rules, view, w->shared.texts, &verdict);
	session_release(s);
	free(s);
	held_pool_destroy(&w->shared.held);
	return verdict.rule->id;
}

/* Numbers of segments change by their nature, and what is measured over them. */
static bool counts_segments(int id)
{
	return id == FACT_DATA_SEGMENTS || id == FACT_RETRANSMITTED || id == FACT_RETRANSMITTED_SHARE || id == FACT_VAIN_FULL_SIZE ||
	       id == FACT_RTT || id == FACT_STALLED || id == FACT_VAIN_SENDS || id == FACT_RESET_THEN_DATA;
}

static void same(const char *path, size_t one, size_t cut, const struct fact_view *a, const struct fact_view *b)
{
	for (int id = 0; id < FACT_COUNT; id++) {
		if (counts_segments(id) || fact_kinds[id].type == FACT_TEXT)
			continue;
		/* Within a line, or owing an answer, in passing: that it came and went is no difference. */
		if (a[id].known && b[id].known && !a[id].value && !b[id].value)
			continue;
		if (a[id].known != b[id].known || a[id].set != b[id].set || a[id].value != b[id].value || a[id].at.frame / 2 != b[id].at.frame / 2)
			complain("%s: payload %zu cut at %zu: %s was %lld in %u and is %lld in %u", path, one, cut, fact_kinds[id].word,
				 (long long)a[id].value, a[id].at.frame / 2, (long long)b[id].value, b[id].at.frame / 2);
	}
}

static size_t next_cut(size_t cut, size_t len)
{
	return cut < EDGE || cut + EDGE >= len ? cut + 1 : cut + STEP < len - EDGE ? cut + STEP : len - EDGE;
}

/* Captured twice: a cut would have to go through the copy, too. */
static bool has_copy(const struct talk *t, size_t one)
{
	for (size_t i = 0; i < t->count; i++)
		if (i != one && t->packet[i].source_port == t->packet[one].source_port && t->packet[i].sequence == t->packet[one].sequence &&
		    t->packet[i].payload.len && t->packet[i].at.time - t->packet[one].at.time < 10 * MILLISECOND &&
		    t->packet[one].at.time - t->packet[i].at.time < 10 * MILLISECOND)
			return true;
	return false;
}

/* nDPI names protocols that are none of ours by their first segment as it came; cut, it may not know them. */
static bool named_by_ndpi(const struct fact_view *view)
{
	int64_t speaks = view[FACT_SERVER_SPEAKS].value;

	return speaks > WORD_speaker_ssh && speaks < WORD_speaker_unknown;
}

static unsigned long split_everywhere(struct world *w, const char *path)
{
	struct talk *t = calloc(1, sizeof *t);
	struct fact_view whole[FACT_COUNT], parts[FACT_COUNT];
	unsigned long splits = 0;

	read_talk(path, t);
	const char *rule = t->count ? play(w, t, 0, 0, whole) : NULL;
	for (size_t i = 0; i < t->count && !named_by_ndpi(whole); i++)
		for (size_t cut = 1; cut < t->packet[i].payload.len && !t->packet[i].truncated && !has_copy(t, i); cut = next_cut(cut, t->packet[i].payload.len)) {
			const char *now = play(w, t, i, cut, parts);
			same(path, i, cut, whole, parts);
			if (strcmp(rule, now) != 0)
				complain("%s: payload %zu cut at %zu: %s became %s", path, i, cut, rule, now);
			splits++;
		}
	for (size_t i = 0; i < t->count; i++)
		free(t->payload[i]);
	free(t);
	return splits;
}

static void cut_at_every_place(void **state)
{
	struct world w = { .rules = rules_load("rules", stderr) };
	glob_t found;
	unsigned long splits = 0;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	assert_non_null(w.rules);
	w.guarded = mmap(NULL, PAYLOAD_MOST + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(w.guarded != MAP_FAILED && mprotect(w.guarded + PAYLOAD_MOST, page, PROT_NONE) == 0);
	w.shared.texts = texts_create(1 << 20);
	w.shared.tls = tls_shared_create();
	w.shared.speakers = speakers_create();
	assert_int_equal(glob("samples/*/capture.*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		splits += split_everywhere(&w, found.gl_pathv[i]);
	print_message("%lu splits over %zu samples\n", splits, found.gl_pathc);
	assert_int_equal(wrong, 0);
	assert_true(splits > 10000);
	globfree(&found);
	texts_destroy(&w.shared.texts);
	tls_shared_destroy(&w.shared.tls);
	speakers_destroy(&w.shared.speakers);
	rules_destroy(&w.rules);
	munmap(w.guarded, PAYLOAD_MOST + page);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cut_at_every_place) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
