/* TLS record layer: finds records and clear handshake messages in a stream, through splits and holes. */
#include "tls.h"

#include "decrypt.h"
#include "pack.h"
#include "progress.h"

#define RECORD_MOST 18432      /* RFC 5246: 2^14 + 2048 */
#define RECORD_MOST_LIKELY 16640 /* what is believed when looking for a header in the middle of nowhere */
#define SSLV2_HEADER 2
#define SSLV2_MOST 2048

void tls_attach(void *state, struct tls_shared *shared)
{
	((struct tls_state *)state)->shared = shared;
}

void tls_release(void *state)
{
	if (!state)
		return;
	records_free(&((struct tls_state *)state)->records);
	decryption_end(state);
}

size_t tls_memory(const void *state)
{
	const struct tls_state *st = state;

	return st ? sizeof *st + (st->records ? records_size(st->records->room) : 0) : 0;
}

void *tls_pack(struct packer *p, void *state)
{
	struct tls_state *st = pack_part(p, state, sizeof *st, sizeof *st);

	if (st)
		records_pack(p, &st->records);
	return st;
}

bool tls_waiting(void *state, const struct observer *o, struct inner *into)
{
	struct tls_state *st = state;

	return st->decryption && decryption_next(st, o, into);
}

/* --- record headers --- */

struct header {
	enum record_type type;
	uint16_t length;
};

static bool is_record_type(uint8_t type)
{
	return type >= CHANGE_CIPHER_SPEC && type <= HEARTBEAT;
}

/* As far as the bytes go: could they begin a record? */
static bool may_be_header(struct bytes b)
{
	if (b.len > 0 && !is_record_type(b.data[0]))
		return false;
	if (b.len > 1 && b.data[1] != 3)
		return false;
	return b.len < RECORD_HEADER || (b.data[3] << 8 | b.data[4]) <= RECORD_MOST;
}

static struct header header_of(struct bytes b)
{
	return (struct header){ b.data[0], (uint16_t)(b.data[3] << 8 | b.data[4]) };
}

/* Stricter: for where a record may or may not begin. */
static bool is_likely_header(struct bytes b)
{
	struct header h = header_of(b);

	return may_be_header(b) && h.type <= APPLICATION_DATA && b.data[2] <= 4 && h.length > 0 && h.length <= RECORD_MOST_LIKELY &&
	       (h.type != CHANGE_CIPHER_SPEC || h.length == 1);
}

static enum probe_result tls_probe(struct bytes first, enum direction from)
{
	if (first.len == 0)
		return PROBE_MORE;
	if (from == FROM_CLIENT && first.data[0] & 0x80) {
		if (first.len < 5)
			return PROBE_MORE;
		return first.data[2] == 1 && (first.data[3] == 3 || (first.data[3] == 0 && first.data[4] == 2)) ? PROBE_YES : PROBE_NO;
	}
	if (!may_be_header(first))
		return PROBE_NO;
	if (first.len < RECORD_HEADER)
		return PROBE_MORE;
	if (!is_likely_header(first))
		return PROBE_NO;
	if (header_of(first).type != HANDSHAKE)
		return header_of(first).type == CHANGE_CIPHER_SPEC ? PROBE_NO : PROBE_YES;
	if (first.len == RECORD_HEADER)
		return PROBE_MORE;
	return first.data[RECORD_HEADER] == (from == FROM_CLIENT ? CLIENT_HELLO : SERVER_HELLO) ? PROBE_YES : PROBE_NO;
}

/* --- clear handshake messages over records --- */

/* A walk over the bodies of consecutive handshake records. */
struct walk {
	struct bytes bytes;
	size_t at;
	uint16_t left, length;         /* of the current record */
	uint8_t message[DISSECT_MOST_LEFT];
	size_t got;
	bool broken;                   /* another record came where the message goes on */
};

/* Steps over the next handshake record's header; false where it is not there. */
static bool walk_on(struct walk *w)
{
	struct bytes rest = bytes_part(w->bytes, w->at, w->bytes.len);

	if (rest.len < RECORD_HEADER)
		return false;
	w->broken = !may_be_header(rest) || header_of(rest).type != HANDSHAKE || header_of(rest).length == 0;
	if (w->broken)
		return false;
	w->left = w->length = header_of(rest).length;
	w->at += RECORD_HEADER;
	return true;
}

/* Gathers until `want` bytes of the message are there; false where they are not. */
static bool walk_to(struct walk *w, size_t want)
{
	while (w->got < want) {
		if (w->left == 0 && !walk_on(w))
			return false;
		size_t n = want - w->got;
		if (n > w->left)
			n = w->left;
		if (n > w->bytes.len - w->at)
			n = w->bytes.len - w->at;
		if (n == 0)
			return false;
		memcpy(w->message + w->got, w->bytes.data + w->at, n);
		w->got += n;
		w->at += n;
		w->left = (uint16_t)(w->left - n);
	}
	return true;
}

static size_t message_length(const struct walk *w)
{
	return MESSAGE_HEADER + ((size_t)w->message[1] << 16 | (size_t)w->message[2] << 8 | w->message[3]);
}

/* The type of a record whose body is not read in clear; 0: it is. */
static uint8_t sealed_type(enum tls_mode mode)
{
	static const uint8_t types[] = {
		[MODE_CHANGE] = CHANGE_CIPHER_SPEC, [MODE_FINISHED] = HANDSHAKE, [MODE_SECRET_ALERT] = ALERT,
		[MODE_PROTECTED] = APPLICATION_DATA, [MODE_DATA] = APPLICATION_DATA, [MODE_TICKET] = APPLICATION_DATA,
		[MODE_EARLY] = APPLICATION_DATA, [MODE_SKIP] = HEARTBEAT,
	};

	return types[mode];
}

static void close_record(struct tls_state *st, struct observer *o, struct tls_side *side)
{
	if (side->left == 0 && side->open) {
		side->open = false;
		side->ended = true;
		record_ends(st, o, side->mode, side->length);
		if (st->decryption && sealed_type(side->mode))
			decryption_record(st, o, sealed_type(side->mode), side->length);
	}
}

/* Passes over what belongs to a message too long to keep. */
static size_t skip_message(struct tls_side *side, size_t there)
{
	size_t n = there < side->left ? there : side->left;

	if (n > side->skip)
		n = side->skip;
	side->skip -= (uint32_t)n;
	side->left = (uint16_t)(side->left - n);
	return n;
}

/* A message whose end lies further off than may be left unconsumed is passed over. What counts is its span, not how it was
 * cut into calls. */
static bool is_too_long(const struct walk *w)
{
	return w->at > DISSECT_MOST_LEFT || (w->got >= MESSAGE_HEADER && message_length(w) + w->at - w->got > DISSECT_MOST_LEFT);
}

/* The next handshake message of the clear; returns how many bytes it took, 0: it is not whole yet. */
static size_t message(struct tls_state *st, struct observer *o, struct tls_side *side, struct bytes rest)
{
	struct walk w;

	if (side->skip)
		return skip_message(side, rest.len);
	w.bytes = rest;
	w.at = w.got = 0;
	w.left = side->left;
	w.length = side->length;
	w.broken = false;
	bool whole = walk_to(&w, MESSAGE_HEADER) && !is_too_long(&w) && walk_to(&w, message_length(&w));
	if (w.got >= MESSAGE_HEADER && !w.broken && is_too_long(&w)) {
		side->skip = (uint32_t)message_length(&w);
		return skip_message(side, rest.len);
	}
	if (!whole && !w.broken)
		return 0;
	side->left = w.left;
	side->length = w.length;
	if (whole)
		handshake_message(st, o, w.message[0], bytes_of(w.message + MESSAGE_HEADER, w.got - MESSAGE_HEADER));
	return w.at;
}

/* --- the stream --- */

static size_t clear_alerts(struct tls_state *st, struct observer *o, struct tls_side *side, struct bytes rest)
{
	if (rest.len < 2)
		return 0;
	clear_alert(st, o, rest.data[0], rest.data[1]);
	side->left = (uint16_t)(side->left - 2);
	return 2;
}

static size_t body(struct tls_state *st, struct observer *o, struct tls_side *side, struct bytes rest)
{
	size_t n = rest.len < side->left ? rest.len : side->left;

	if (side->mode == MODE_MESSAGES && side->left)
		n = message(st, o, side, rest);
	else if (side->mode == MODE_ALERT && side->left)
		n = clear_alerts(st, o, side, rest);
	else {
		if (st->decryption && sealed_type(side->mode))
			decryption_bytes(st, o->from, bytes_part(rest, 0, n), side->length);
		side->left = (uint16_t)(side->left - n);
	}
	close_record(st, o, side);
	return n;
}

static void open_record(struct tls_state *st, struct observer *o, struct tls_side *side, struct header h)
{
	if (h.type != HANDSHAKE)
		side->skip = 0;
	side->left = side->length = h.length;
	side->open = side->spoke = true;
	side->mode = record_begins(st, o, h.type, h.length);
	close_record(st, o, side); /* empty ones */
}

static void garbage(struct observer *o, struct tls_side *side)
{
	/* After a hole it is we who lost the place. */
	if (side->holes) {
		side->lost = true;
		return;
	}
	side->dead = true;
	observe(o, FACT_TLS_GARBAGE, o->from == FROM_CLIENT ? WORD_side_client : WORD_side_server);
}

/* SSLv2-compatible ClientHello: may only be the client's first bytes. */
static size_t old_hello(struct tls_state *st, struct observer *o, struct tls_side *side, struct bytes rest, bool *is)
{
	size_t length = rest.len > 1 ? (size_t)(rest.data[0] & 0x7f) << 8 | rest.data[1] : 0;

	*is = o->from == FROM_CLIENT && !side->spoke && rest.data[0] & 0x80 && (rest.len < 2 || (length >= 9 && length <= SSLV2_MOST)) &&
	      (rest.len < 3 || rest.data[2] == 1) && (rest.len < 4 || rest.data[3] == 3 || rest.data[3] == 0);
	if (!*is || rest.len < 2 || rest.len < SSLV2_HEADER + length)
		return 0;
	side->spoke = true;
	sslv2_hello(st, o, bytes_part(rest, SSLV2_HEADER, length));
	return SSLV2_HEADER + length;
}

static size_t header(struct tls_state *st, struct observer *o, struct tls_side *side, struct bytes rest)
{
	bool is_old;
	size_t n = old_hello(st, o, side, rest, &is_old);

	if (is_old)
		return n;
	if (!may_be_header(rest)) {
		garbage(o, side);
		return 0;
	}
	if (rest.len < RECORD_HEADER)
		return 0;
	open_record(st, o, side, header_of(rest));
	return RECORD_HEADER;
}

/* Looks for a record's header; the last four bytes stay, they may begin one. */
static size_t search(struct tls_side *side, struct bytes rest)
{
	size_t i = 0;

	for (; rest.len - i >= RECORD_HEADER; i++)
		if (is_likely_header(bytes_part(rest, i, RECORD_HEADER))) {
			side->lost = false;
			break;
		}
	return i;
}

/* One step on; 0: more bytes are needed, or nothing changed but the side's state. */
static size_t step(struct tls_state *st, struct observer *o, struct tls_side *side, struct bytes rest)
{
	if (side->lost)
		return search(side, rest);
	return side->open ? body(st, o, side, rest) : header(st, o, side, rest);
}

static void tell_partial(struct tls_state *st, struct observer *o, struct tls_side *side, bool partial)
{
	static const uint8_t words[2][2] = { { WORD_side_none, WORD_side_server }, { WORD_side_client, WORD_side_both } };

	/* Told anew for each record, so that its frame is the one that shows this record's beginning. */
	bool news = partial != side->told_partial || (partial && side->ended);

	side->partial = side->told_partial = partial;
	side->ended = false;
	if (!news)
		return;
	observe(o, FACT_TLS_PARTIAL, words[st->side[FROM_CLIENT].partial][st->side[FROM_SERVER].partial]);
}

/* Of a message that waits for more, for where no more comes. */
static void note_unread(struct tls_side *side, struct bytes rest)
{
	bool waits = rest.len && side->open && side->mode == MODE_MESSAGES && !side->skip && !side->lost;

	side->unread = waits ? (uint16_t)rest.len : 0;
	side->unread_type = waits ? rest.data[0] : 0;
}

static struct dissected tls_data(void *state, struct observer *o, struct bytes bytes)
{
	struct tls_state *st = state;
	struct tls_side *side = &st->side[o->from];
	size_t at = 0;
	struct dissected d = { .result = DISSECT_INNER };

	/* What waited may be readable by now, and what was handed out last is read. */
	if (st->decryption && decryption_next(st, o, &d.inner))
		return d;
	while (at < bytes.len && !side->dead) {
		bool was_lost = side->lost;
		size_t n = step(st, o, side, bytes_part(bytes, at, bytes.len));
		at += n;
		if (st->decryption && decryption_next(st, o, &d.inner)) {
			d.consumed = at;
			return d;
		}
		if (n == 0 && was_lost == side->lost)
			break;
	}
	note_unread(side, bytes_part(bytes, at, bytes.len));
	tell_partial(st, o, side, !side->dead && !side->lost && (side->open || at < bytes.len));
	if (side->dead)
		return (struct dissected){ .result = DISSECT_QUIET, .consumed = bytes.len };
	return (struct dissected){ .result = DISSECT_ON, .consumed = at };
}

/* --- holes --- */

/* A record's body that is not read may have a hole. */
static bool lies_within(const struct tls_side *side, uint64_t missing)
{
	return side->open && side->mode != MODE_MESSAGES && side->mode != MODE_ALERT && missing > 0 && missing <= side->left;
}

/* The frame was cut within a clear message: its record goes on behind the hole, and what kind of message it is was seen. */
static bool cut_within_message(struct tls_state *st, struct observer *o, struct tls_side *side, uint64_t missing)
{
	if (!side->open || !side->unread || !missing || side->unread + missing > side->left || st->decryption)
		return false;
	handshake_message_cut(st, o, side->unread_type);
	side->blind |= o->from != FROM_CLIENT || side->unread_type != CLIENT_HELLO;
	side->left = (uint16_t)(side->left - side->unread - missing);
	side->mode = MODE_SKIP;
	close_record(st, o, side);
	return true;
}

bool tls_saw_all(const void *state, enum direction from)
{
	return !((const struct tls_state *)state)->side[from].blind;
}

static void tls_gap(void *state, struct observer *o, uint64_t missing)
{
	struct tls_state *st = state;
	struct tls_side *side = &st->side[o->from];

	if (side->dead)
		return;
	side->holes = true;
	keep_record(st, o, RECORD_HOLE, 0);
	answered_in_hole(st, o);
	if (lies_within(side, missing)) {
		side->left = (uint16_t)(side->left - missing);
		close_record(st, o, side);
	} else if (!cut_within_message(st, o, side, missing)) {
		/* The record that the hole begins in was there; what else was, is not known. */
		if (side->open && side->mode != MODE_MESSAGES && side->mode != MODE_ALERT) {
			side->left = 0;
			close_record(st, o, side);
		}
		side->open = false;
		side->left = 0;
		side->skip = 0;
		side->lost = side->blind = true;
		if (st->decryption)
			decryption_gap(st, o, missing);
	}
	side->unread = 0;
	tell_partial(st, o, side, side->open);
}

/* What was left unfinished has been told by tls.partial_record already. */
static void tls_end(void *state, struct observer *o)
{
	struct tls_state *st = state;

	st->side[o->from].closed = true;
}

const struct dissector tls_dissector = {
	.name = "tls",
	.state_size = sizeof(struct tls_state),
	.probe = tls_probe,
	.data = tls_data,
	.gap = tls_gap,
	.end = tls_end,
};
