/* Drives one session: the tracker's bytes go to the dissector that reads their direction, chosen by what it speaks. */
#include "drive.h"

#include <stdlib.h>

#include "hash.h"
#include "identify.h"
#include "ndpi_adapter.h"
#include "text.h"
#include "tls.h"

enum use { USE_UNDECIDED, USE_IMAP, USE_TLS, USE_NONE };

#define TAIL_MOST (DISSECT_MOST_LEFT + 1024)

void session_begin(struct session *s, struct flow *flow, struct session_shared *shared)
{
	s->flow = flow;
	s->shared = shared;
	tcp_init(&s->tcp, shared->held);
}

static size_t memory_of(const struct session *s)
{
	return sizeof *s + tcp_memory(&s->tcp) + s->facts.room * sizeof *s->facts.list + (s->imap ? imap_dissector.state_size : 0) +
	       tls_memory(s->tls) + (s->inner ? sizeof *s->inner : 0);
}

void session_count(struct session *s)
{
	struct session_shared *shared = s->shared;
	uint32_t now = (uint32_t)memory_of(s);

	shared->session_bytes += now - (size_t)s->counted;
	s->counted = now;
	if (shared->session_bytes > shared->session_bytes_most)
		shared->session_bytes_most = shared->session_bytes;
}

static void tail_drop(struct session *s, struct tail *t)
{
	if (!t->data)
		return;
	/* It may hold half of a LOGIN line. */
	wipe(t->data, t->len);
	s->shared->tail_bytes -= t->room;
	spares_give(&s->shared->tails, t->data, t->room);
	*t = (struct tail){ 0 };
}

static void layer_drop(struct session *s, struct layer *layer)
{
	tail_drop(s, &layer->tail[FROM_CLIENT]);
	tail_drop(s, &layer->tail[FROM_SERVER]);
}

void session_release(struct session *s)
{
	layer_drop(s, &s->outer);
	if (s->inner)
		layer_drop(s, s->inner);
	free(s->inner);
	s->inner = NULL;
	tcp_release(&s->tcp);
	tls_release(s->tls);
	speaker_end(s->shared->speakers, &s->speaker);
	free(s->imap);
	free(s->tls);
	s->imap = s->tls = NULL;
	facts_clear(&s->facts, s->shared->texts);
	s->shared->session_bytes -= s->counted;
	s->counted = 0;
}

static struct observer observer_of(struct session *s, enum direction from, struct moment at)
{
	return (struct observer){ &s->facts, s->shared->texts, at, from, &s->shared->facts_lost, &s->shared->users };
}

/* How the connection began, which tells the dissector of IMAP whether a greeting is due and since when. */
static void tell_beginning(struct session *s, bool outermost)
{
	struct observer o = observer_of(s, FROM_CLIENT, s->first);

	if (tcp_midstream(&s->tcp))
		observe(&o, FACT_MIDSTREAM, true);
	else if (outermost && tcp_established(&s->tcp))
		observe_at(&o, FACT_ESTABLISHED, true, s->tcp.established, FROM_CLIENT);
}

static const struct dissector *dissector_of(struct session *s, const struct layer *layer, enum direction from, void **state)
{
	uint8_t use = layer->use[from];
	const struct dissector *d = use == USE_IMAP ? &imap_dissector : use == USE_TLS ? &tls_dissector : NULL;

	if (!d)
		return NULL;
	void **slot = d == &imap_dissector ? &s->imap : &s->tls;
	if (!*slot) {
		*slot = calloc(1, d->state_size);
		if (!*slot) {
			s->shared->facts_lost++;
			return NULL;
		}
		if (d == &tls_dissector)
			tls_attach(*slot, s->shared->tls);
		else
			tell_beginning(s, layer == &s->outer);
	}
	*state = *slot;
	return d;
}

/* --- nDPI --- */

/* Names those directions that were unknown. */
static void speaker_told(struct session *s, struct observer *o, enum word_speaker talks)
{
	static const enum fact_id facts[2] = { [FROM_CLIENT] = FACT_CLIENT_SPEAKS, [FROM_SERVER] = FACT_SERVER_SPEAKS };

	for (int from = 0; from < 2; from++) {
		const struct fact *known = facts_find(&s->facts, facts[from]);
		if (!known || known->value != WORD_speaker_unknown)
			continue;
		struct moment first = { known->time, known->frame, known->file };
		observe_at(o, facts[from], talks, first, (enum direction)from);
	}
}

/* One handshake of a server shows its certificate and cipher as well as a thousand. */
static struct endpoint *viewed_slot(struct session_shared *shared, const struct endpoint *server)
{
	const struct hash_key fixed = { 0x6e445049, 1 }; /* not the run's seed: what is shown must not depend on it */

	return &shared->viewed[(hash_bytes(fixed, server->address.byte, 16) + server->port) % VIEWED_MOST];
}

static void speaker_done(struct session *s, struct observer *o)
{
	char risks[160];
	enum word_speaker talks = speaker_talks(s->speaker);

	if (talks != WORD_speaker_unknown)
		speaker_told(s, o, talks);
	else if (s->outer.use[FROM_CLIENT] == USE_TLS) {
		*viewed_slot(s->shared, &s->flow->server) = s->flow->server;
		if (speaker_risks(s->speaker, risks, sizeof risks))
			observe_text(o, FACT_TLS_RISKS, bytes_of_text(risks));
	}
	speaker_end(s->shared->speakers, &s->speaker);
}

static void ask(struct session *s, struct observer *o, struct bytes bytes)
{
	if (s->speaker && speaker_hears(s->shared->speakers, s->speaker, o->from, bytes, o->at.time))
		speaker_done(s, o);
}

static void begin_view(struct session *s)
{
	const struct endpoint *viewed = viewed_slot(s->shared, &s->flow->server);

	if (!s->speaker && !(viewed->port == s->flow->server.port && address_same(&viewed->address, &s->flow->server.address)))
		s->speaker = speaker_begin(s->shared->speakers, ASK_RISKS);
}

/* Who reads a direction from now on, by the first bytes it says. False: too few to tell. */
static bool decide(struct session *s, struct observer *o, struct bytes bytes)
{
	enum direction from = o->from;
	enum word_speaker speaks = identify(bytes, from);

	if (speaks == WORD_speaker_silent)
		return false;
	if (speaks == WORD_speaker_unknown && s->met_midstream)
		speaks = s->tls_port ? WORD_speaker_tls : s->companion ? WORD_speaker_unknown : WORD_speaker_imap;
	observe(o, from == FROM_CLIENT ? FACT_CLIENT_SPEAKS : FACT_SERVER_SPEAKS, speaks);
	if (speaks == WORD_speaker_unknown && s->mail_port && !s->speaker)
		s->speaker = speaker_begin(s->shared->speakers, ASK_PROTOCOL);
	else if (speaks == WORD_speaker_tls && from == FROM_CLIENT && !s->met_midstream)
		begin_view(s);
	ask(s, o, bytes);
	if (speaks == WORD_speaker_tls)
		s->outer.use[from] = USE_TLS;
	else if (s->companion)
		s->outer.use[from] = USE_NONE;
	else if (speaks == WORD_speaker_imap || (from == FROM_CLIENT && !s->tls_port && speaks == WORD_speaker_unknown))
		s->outer.use[from] = USE_IMAP;
	else
		s->outer.use[from] = USE_NONE;
	return true;
}

/* After a hand-over or a gap in the first bytes the direction is judged anew. */
static struct dissected feed(struct session *s, struct layer *layer, struct observer *o, struct bytes bytes)
{
	void *state;
	const struct dissector *d = dissector_of(s, layer, o->from, &state);

	if (!d)
		return (struct dissected){ .result = DISSECT_QUIET, .consumed = bytes.len };
	return d->data(state, o, bytes);
}

/* The other direction's unread bytes belong to TLS from here on, too. Within TLS there is no other. */
static void hand_over_to_tls(struct session *s, struct layer *layer)
{
	if (layer == s->inner) {
		layer->use[FROM_CLIENT] = layer->use[FROM_SERVER] = USE_NONE;
		return;
	}
	s->starttls = true;
	begin_view(s);
	layer->use[FROM_CLIENT] = layer->use[FROM_SERVER] = USE_TLS;
	tail_drop(s, &layer->tail[FROM_CLIENT]);
}

static void take_inner(struct session *s, const struct inner *inner);

/* Gives the bytes to whoever reads them; returns how many were taken. */
static size_t consume(struct session *s, struct layer *layer, struct observer *o, struct bytes bytes)
{
	size_t taken = 0;
	bool inner = false;

	while (taken < bytes.len || inner) {
		struct bytes rest = bytes_part(bytes, taken, bytes.len);
		if (layer->use[o->from] == USE_UNDECIDED && !decide(s, o, rest))
			return taken;
		if (layer->use[o->from] == USE_NONE)
			return bytes.len;
		struct dissected did = feed(s, layer, o, rest);
		taken += did.consumed < rest.len ? did.consumed : rest.len;
		inner = did.result == DISSECT_INNER;
		if (did.result == DISSECT_STARTTLS) {
			hand_over_to_tls(s, layer);
			continue;
		}
		if (did.result == DISSECT_QUIET) {
			layer->use[o->from] = USE_NONE;
			return bytes.len;
		}
		if (inner)
			take_inner(s, &did.inner);
		else if (did.consumed == 0)
			return taken;
	}
	return taken;
}

/* Nothing more of that direction can be read. */
static void give_up(struct session *s, struct layer *layer, enum direction from, uint64_t *counter)
{
	++*counter;
	layer->use[from] = USE_NONE;
	tail_drop(s, &layer->tail[from]);
}

/* A tail of that room that holds those bytes in place of what it was. */
static bool tail_move(struct session *s, struct tail *t, struct bytes bytes, uint32_t room)
{
	uint8_t *more = spares_take(&s->shared->tails, room);

	if (!more)
		return false;
	memcpy(more, bytes.data, bytes.len);
	tail_drop(s, t);
	*t = (struct tail){ more, (uint32_t)bytes.len, room };
	s->shared->tail_bytes += room;
	return true;
}

/* Keeps what was not taken, up to the cap. */
static void tail_keep(struct session *s, struct layer *layer, enum direction from, struct bytes rest)
{
	struct tail *t = &layer->tail[from];

	if (rest.len > TAIL_MOST) {
		give_up(s, layer, from, &s->shared->tails_capped);
		return;
	}
	if (rest.len > t->room) {
		if (!tail_move(s, t, rest, rest.len <= 512 ? 512 : rest.len <= 4096 ? 4096 : TAIL_MOST))
			give_up(s, layer, from, &s->shared->facts_lost);
		return;
	}
	memmove(t->data, rest.data, rest.len);
	if (t->len > rest.len)
		wipe(t->data + rest.len, t->len - rest.len);
	t->len = (uint32_t)rest.len;
}

/* Puts some of the bytes behind the tail and gives it on; returns how many. */
static size_t tail_grow(struct session *s, struct layer *layer, struct observer *o, struct bytes bytes)
{
	struct tail *t = &layer->tail[o->from];
	size_t more = bytes.len < TAIL_MOST - t->len ? bytes.len : TAIL_MOST - t->len;

	if (t->len + more > t->room && !tail_move(s, t, bytes_of(t->data, t->len), TAIL_MOST)) {
		give_up(s, layer, o->from, &s->shared->facts_lost);
		return bytes.len;
	}
	memcpy(t->data + t->len, bytes.data, more);
	t->len = (uint32_t)(t->len + more);
	size_t taken = consume(s, layer, o, bytes_of(t->data, t->len));
	if (layer->use[o->from] == USE_NONE || taken >= t->len)
		tail_drop(s, t);
	else if (taken == 0 && t->len >= TAIL_MOST)
		give_up(s, layer, o->from, &s->shared->tails_capped);
	else
		tail_keep(s, layer, o->from, bytes_part(bytes_of(t->data, t->len), taken, t->len));
	return more;
}

static void take(struct session *s, struct layer *layer, struct observer *o, struct bytes bytes)
{
	struct tail *t = &layer->tail[o->from];

	while (bytes.len && t->data)
		bytes = bytes_part(bytes, tail_grow(s, layer, o, bytes), bytes.len);
	if (!bytes.len || layer->use[o->from] == USE_NONE)
		return;
	size_t taken = consume(s, layer, o, bytes);
	if (taken < bytes.len && layer->use[o->from] != USE_NONE)
		tail_keep(s, layer, o->from, bytes_part(bytes, taken, bytes.len));
}

static void on_data(void *context, enum direction from, struct bytes bytes, struct moment at)
{
	struct session *s = context;
	struct observer o = observer_of(s, from, at);

	s->data_seen[from] = true;
	if (s->outer.use[from] != USE_UNDECIDED)
		ask(s, &o, bytes);
	take(s, &s->outer, &o, bytes);
}

static void layer_gap(struct session *s, struct layer *layer, struct observer *o, uint64_t missing)
{
	void *state;

	tail_drop(s, &layer->tail[o->from]);
	/* What reads the other direction waits for answers that may lie in the hole. */
	enum direction read = layer->use[o->from] == USE_UNDECIDED ? other(o->from) : o->from;
	const struct dissector *d = dissector_of(s, layer, read, &state);
	if (d)
		d->gap(state, o, missing);
}

/* What TLS carries is IMAP's: the same state reads on that read before STARTTLS. */
static void take_inner(struct session *s, const struct inner *inner)
{
	struct observer o = observer_of(s, inner->from, inner->at);

	if (!s->inner) {
		s->inner = calloc(1, sizeof *s->inner);
		if (!s->inner) {
			s->shared->facts_lost++;
			return;
		}
		s->inner->use[FROM_CLIENT] = s->inner->use[FROM_SERVER] = USE_IMAP;
	}
	if (inner->gap)
		layer_gap(s, s->inner, &o, 0);
	take(s, s->inner, &o, inner->bytes);
}

static void on_gap(void *context, enum direction from, uint64_t missing, struct moment at)
{
	struct session *s = context;
	struct observer o = observer_of(s, from, at);

	if (s->outer.use[from] == USE_UNDECIDED)
		s->met_midstream = true;
	layer_gap(s, &s->outer, &o, missing);
}

static void on_fin(void *context, enum direction from, struct moment at)
{
	struct session *s = context;
	struct observer o = observer_of(s, from, at);
	void *state;
	const struct dissector *d = dissector_of(s, &s->outer, from, &state);

	if (d)
		d->end(state, &o);
	tail_drop(s, &s->outer.tail[from]);
}

unsigned session_packet(struct session *s, const struct packet *p)
{
	enum direction from = p->source_port == s->flow->client.port && address_same(&p->source, &s->flow->client.address) ? FROM_CLIENT
															: FROM_SERVER;
	const struct stream_sink sink = { s, on_data, on_gap, on_fin };

	if (!s->first.frame) {
		s->first = p->at;
		s->met_midstream = !(p->flags & TCP_SYN);
	}
	s->encapsulation |= p->encapsulation;
	unsigned news = tcp_packet(&s->tcp, p, from, &sink);
	if (!(news & (TCP_NEWS_DUPLICATE | TCP_NEWS_NEW_SESSION))) {
		s->packets[from]++;
		if (p->at.time >= s->last.time)
			s->last = p->at;
	}
	return news;
}

void session_settle_holes(struct session *s, struct moment now)
{
	const struct stream_sink sink = { s, on_data, on_gap, on_fin };

	tcp_settle(&s->tcp, now, &sink);
	/* Secrets may have been told since the last packet. */
	struct observer o = observer_of(s, FROM_CLIENT, now);
	struct inner inner;
	while (s->tls && tls_waiting(s->tls, &o, &inner))
		take_inner(s, &inner);
}
