/* Fuzzing of the IMAP dissector: pieces of both directions and gaps; the same bytes one at a time must say the same. */
#include "imap.h"

#include <stdlib.h>

struct side {
	uint8_t left[1 << 17];
	size_t len;
};

struct run {
	uint64_t state[64];
	struct facts facts;
	struct texts *texts;
	struct observer o;
	struct side side[2];
	bool over;
};

/* Exact copies, so that a sanitizer sees a byte too far. */
static void give(struct run *r, enum direction from, struct bytes piece)
{
	struct side *side = &r->side[from];
	uint8_t *copy = malloc(side->len + piece.len + 1);

	if (!copy || r->over || side->len + piece.len > sizeof side->left) {
		free(copy);
		return;
	}
	memcpy(copy + 1, side->left, side->len);
	memcpy(copy + 1 + side->len, piece.data, piece.len);
	size_t all = side->len + piece.len;
	r->o.from = from;
	struct dissected d = imap_dissector.data(r->state, &r->o, bytes_of(copy + 1, all));
	if (d.consumed > all || (d.result == DISSECT_ON && all - d.consumed > DISSECT_MOST_LEFT))
		abort();
	side->len = all - d.consumed;
	memcpy(side->left, copy + 1 + d.consumed, side->len);
	r->over = d.result == DISSECT_STARTTLS;
	free(copy);
}

/* A piece: a byte for direction and kind, two for its length. Each is a frame. */
static struct run *play(struct bytes input, bool bytewise)
{
	struct run *r = calloc(1, sizeof *r);
	struct reader in = reader_of(input);

	if (!r || imap_dissector.state_size > sizeof r->state)
		abort();
	r->texts = texts_create(1 << 20);
	r->o = (struct observer){ .facts = &r->facts, .texts = r->texts };
	if (read_u8(&in) & 1)
		observe(&r->o, FACT_MIDSTREAM, true);
	while (reader_left(&in) >= 3) {
		uint8_t kind = read_u8(&in);
		size_t len = read_be16(&in);
		r->o.from = kind & 1 ? FROM_SERVER : FROM_CLIENT;
		r->o.at.frame++;
		r->o.at.time += kind * MILLISECOND;
		if (kind >= 0xf8 && !r->over) {
			r->side[r->o.from].len = 0;
			imap_dissector.gap(r->state, &r->o, len);
			continue;
		}
		struct bytes piece = read_bytes(&in, len < reader_left(&in) ? len : reader_left(&in));
		for (size_t i = 0; bytewise && i + 1 < piece.len; i++)
			give(r, r->o.from, bytes_part(piece, i, 1));
		give(r, r->o.from, bytewise && piece.len ? bytes_part(piece, piece.len - 1, 1) : piece);
	}
	return r;
}

static int64_t value(const struct run *r, int id)
{
	const struct fact *f = facts_find(&r->facts, (enum fact_id)id);
	return f ? f->value : 0;
}

static void compare(const struct run *a, const struct run *b)
{
	for (int id = 0; id < FACT_COUNT; id++) {
		bool text = fact_kinds[id].type == FACT_TEXT;
		/* In passing a side may stand within a line and out of it again: it is the end that counts. */
		if (text ? strcmp(texts_get(a->texts, (uint32_t)value(a, id)), texts_get(b->texts, (uint32_t)value(b, id))) != 0
			 : value(a, id) != value(b, id))
			abort();
	}
}

static void finish(struct run *r)
{
	facts_clear(&r->facts, r->texts);
	texts_destroy(&r->texts);
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	struct run *whole, *cut;

	(void)imap_dissector.probe(input, FROM_CLIENT);
	(void)imap_dissector.probe(input, FROM_SERVER);
	whole = play(input, false);
	cut = play(input, true);
	compare(whole, cut);
	finish(whole);
	finish(cut);
	return 0;
}
