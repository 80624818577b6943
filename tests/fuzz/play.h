/* For the fuzz targets of stream dissectors: plays pieces of both directions and gaps, whole or byte by byte, and compares what was said. */
#ifndef IMAPWHY_PLAY_H
#define IMAPWHY_PLAY_H

#include "dissector.h"

#include <stdlib.h>

struct play_side {
	uint8_t left[1 << 17];
	size_t len;
};

struct play {
	const struct dissector *dissector;
	uint64_t state[128];
	struct facts facts;
	struct texts *texts;
	struct observer o;
	struct play_side side[2];
	bool over;
};

/* Exact copies, so that a sanitizer sees a byte too far. */
static inline void play_give(struct play *r, enum direction from, struct bytes piece)
{
	struct play_side *side = &r->side[from];
	uint8_t *copy = malloc(side->len + piece.len + 1);

	if (!copy || r->over || side->len + piece.len > sizeof side->left) {
		free(copy);
		return;
	}
	memcpy(copy + 1, side->left, side->len);
	memcpy(copy + 1 + side->len, piece.data, piece.len);
	size_t all = side->len + piece.len;
	r->o.from = from;
	struct dissected d = r->dissector->data(r->state, &r->o, bytes_of(copy + 1, all));
	if (d.consumed > all || (d.result == DISSECT_ON && all - d.consumed > DISSECT_MOST_LEFT))
		abort();
	side->len = all - d.consumed;
	memcpy(side->left, copy + 1 + d.consumed, side->len);
	r->over = d.result == DISSECT_STARTTLS;
	free(copy);
}

static inline void play_piece(struct play *r, struct bytes piece, bool bytewise)
{
	for (size_t i = 0; bytewise && i + 1 < piece.len; i++)
		play_give(r, r->o.from, bytes_part(piece, i, 1));
	play_give(r, r->o.from, bytewise && piece.len ? bytes_part(piece, piece.len - 1, 1) : piece);
}

/* A piece: a byte for direction and kind, two for its length. Each is a frame. prepare (or NULL) sees the fresh state. */
static inline struct play *play(const struct dissector *dissector, struct bytes input, bool bytewise, void (*prepare)(void *state))
{
	struct play *r = calloc(1, sizeof *r);
	struct reader in = reader_of(input);

	if (!r || dissector->state_size > sizeof r->state)
		abort();
	r->dissector = dissector;
	r->texts = texts_create(1 << 20);
	r->o = (struct observer){ .facts = &r->facts, .texts = r->texts };
	if (prepare)
		prepare(r->state);
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
			dissector->gap(r->state, &r->o, len);
			continue;
		}
		play_piece(r, read_bytes(&in, len < reader_left(&in) ? len : reader_left(&in)), bytewise);
	}
	return r;
}

static inline int64_t play_value(const struct play *r, int id)
{
	const struct fact *f = facts_find(&r->facts, (enum fact_id)id);
	return f ? f->value : 0;
}

/* The same bytes cut otherwise must say the same in the end. */
static inline void play_compare(const struct play *a, const struct play *b)
{
	for (int id = 0; id < FACT_COUNT; id++) {
		bool text = fact_kinds[id].type == FACT_TEXT;
		if (text ? strcmp(texts_get(a->texts, (uint32_t)play_value(a, id)), texts_get(b->texts, (uint32_t)play_value(b, id))) != 0
			 : play_value(a, id) != play_value(b, id))
			abort();
	}
}

static inline void play_finish(struct play *r)
{
	facts_clear(&r->facts, r->texts);
	texts_destroy(&r->texts);
	free(r);
}

#endif
