/* Folds observations into facts, and keeps texts once. */
#include "facts.h"

#include <stdlib.h>

#include "hash.h"
#include "pack.h"
#include "text.h"

const struct fact_kind fact_kinds[FACT_COUNT] = {
#define FACT(name, word, type, enumeration, fold, absence, says, meaning) \
	[FACT_##name] = { word, FACT_##type, ENUM_##enumeration, FOLD_##fold, ABSENT_##absence, says, meaning },
#include "facts.def"
#undef FACT
};

_Static_assert(FACT_COUNT <= 255, "a fact's id is a byte");

#define WORD(w) #w,
#define WORDS(name, list) static const char *const words_of_##name[] = { list NULL };
#include "words.def"
#undef WORDS
#undef WORD

const char *const *enumeration_words(enum enumeration e)
{
	static const char *const *const all[ENUM_COUNT] = {
#define WORDS(name, list) [ENUM_##name] = words_of_##name,
#include "words.def"
#undef WORDS
	};
	return e < ENUM_COUNT ? all[e] : NULL;
}

int enumeration_number(enum enumeration e, const char *word)
{
	const char *const *words = enumeration_words(e);

	for (int i = 0; words && words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

int fact_by_word(const char *word)
{
	for (int i = 0; i < FACT_COUNT; i++)
		if (strcmp(fact_kinds[i].word, word) == 0)
			return i;
	return -1;
}

const char *fact_word(enum fact_id id, int64_t value)
{
	const char *const *words = enumeration_words(fact_kinds[id].words);

	for (int64_t i = 0; words && words[i]; i++)
		if (i == value)
			return words[i];
	return "?";
}

bool fact_drifts(enum fact_id id)
{
	static const bool drifts[FACT_COUNT] = {
		/* time */
		[FACT_SINCE_LAST] = true, [FACT_IDLE_QUIET] = true, [FACT_OVER] = true, [FACT_STAGE] = true, [FACT_AT_END] = true,
		/* other traffic, and the capture itself */
		[FACT_HOST_ALIVE] = true, [FACT_SERVICE_ALIVE] = true, [FACT_OTHERS_SERVED] = true, [FACT_RACE_WON] = true,
		[FACT_OTHER_FAMILY] = true, [FACT_CLIENT_REFUSED_BEFORE] = true, [FACT_STUCK] = true, [FACT_STARTTLS_ELSEWHERE] = true,
		[FACT_IDLE_LEAST] = true, [FACT_IDLE_MOST] = true, [FACT_IDLE_SESSIONS] = true, [FACT_RESET_TTL_OTHERS] = true,
		[FACT_CAPTURE_DROPS] = true,
	};

	return drifts[id];
}

/* --- texts --- */

#define TEXT_MOST 400

struct kept {
	char *text;
	uint32_t count, next; /* next in the bucket, or next free */
	uint32_t bucket;
};

struct texts {
	struct kept *kept; /* number 0 stays unused */
	uint32_t room, used, free;
	uint32_t *bucket;
	uint32_t buckets;
	size_t bytes, most;
	uint64_t lost;
	struct hash_key key;
};

struct texts *texts_create(size_t most_bytes)
{
	struct texts *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->most = most_bytes;
	t->buckets = 4096;
	t->used = 1;
	t->bucket = calloc(t->buckets, sizeof *t->bucket);
	t->key = (struct hash_key){ (uint64_t)(uintptr_t)t * 0x9e3779b97f4a7c15u, 0x2545f4914f6cdd1du };
	if (!t->bucket) {
		free(t);
		return NULL;
	}
	return t;
}

void texts_destroy(struct texts **texts)
{
	if (!*texts)
		return;
	for (uint32_t i = 1; i < (*texts)->used; i++)
		free((*texts)->kept[i].text);
	free((*texts)->kept);
	free((*texts)->bucket);
	free(*texts);
	*texts = NULL;
}

static uint32_t take_number(struct texts *t)
{
	uint32_t number = t->free;

	if (number) {
		t->free = t->kept[number].next;
		return number;
	}
	if (t->used >= t->room) {
		uint32_t room = t->room ? t->room * 2 : 256;
		struct kept *more = realloc(t->kept, room * sizeof *more);
		if (!more)
			return 0;
		t->kept = more;
		t->room = room;
	}
	return t->used++;
}

uint32_t texts_keep(struct texts *t, struct bytes wire)
{
	char room[TEXT_MOST + 1];
	struct text clean = TEXT_IN(room);

	text_add_wire(&clean, wire, TEXT_MOST);
	if (clean.len == 0)
		return 0;
	uint32_t bucket = (uint32_t)hash_bytes(t->key, clean.start, clean.len) % t->buckets;
	for (uint32_t n = t->bucket[bucket]; n; n = t->kept[n].next)
		if (strcmp(t->kept[n].text, clean.start) == 0) {
			t->kept[n].count++;
			return n;
		}
	char *copy = t->bytes + clean.len + 1 <= t->most ? malloc(clean.len + 1) : NULL;
	uint32_t number = copy ? take_number(t) : 0;
	if (!number) {
		free(copy);
		t->lost++;
		return 0;
	}
	memcpy(copy, clean.start, clean.len + 1);
	t->kept[number] = (struct kept){ copy, 1, t->bucket[bucket], bucket };
	t->bucket[bucket] = number;
	t->bytes += clean.len + 1;
	return number;
}

void texts_release(struct texts *t, uint32_t number)
{
	if (!number || --t->kept[number].count)
		return;
	struct kept *k = &t->kept[number];
	uint32_t *link = &t->bucket[k->bucket];
	while (*link != number)
		link = &t->kept[*link].next;
	*link = k->next;
	t->bytes -= strlen(k->text) + 1;
	free(k->text);
	k->text = NULL;
	k->next = t->free;
	t->free = number;
}

const char *texts_get(const struct texts *t, uint32_t number)
{
	return number && number < t->used && t->kept[number].text ? t->kept[number].text : "";
}

uint64_t texts_lost(const struct texts *t)
{
	return t->lost;
}

size_t texts_bytes(const struct texts *t)
{
	return t->bytes + t->room * sizeof *t->kept + t->buckets * sizeof *t->bucket;
}

/* --- facts --- */

void facts_clear(struct facts *facts, struct texts *texts)
{
	for (int i = 0; i < facts->count; i++)
		if (fact_kinds[facts->list[i].id].type == FACT_TEXT)
			texts_release(texts, (uint32_t)facts->list[i].value);
	free(facts->list);
	*facts = (struct facts){ 0 };
}

/* A fact as it is packed: the id and what differs little from the fact before stand in the lower bits. */
struct slim_fact {
	int64_t value;
	nanoseconds time;
	uint64_t rest; /* id: 8 bits, from: 1, frame's difference: 33, nothing: 6, file's: 16 */
};

static void facts_slim(const struct facts *f, struct slim_fact *slim)
{
	const struct fact none = { 0 }, *before = &none;

	for (int i = 0; i < f->count; i++) {
		const struct fact *fact = &f->list[i];
		uint64_t frame = pack_signed((int64_t)fact->frame - before->frame), file = (uint16_t)(fact->file - before->file);
		slim[i] = (struct slim_fact){ fact->value, fact->time, fact->id | (uint64_t)fact->from << 8 | frame << 9 | file << 48 };
		before = fact;
	}
}

static void facts_widen(const struct slim_fact *slim, struct facts *f)
{
	const struct fact none = { 0 }, *before = &none;

	for (int i = 0; i < f->count; i++) {
		int64_t frame = unpack_signed(slim[i].rest >> 9 & (((uint64_t)1 << 33) - 1));
		f->list[i] = (struct fact){ .value = slim[i].value, .time = slim[i].time, .frame = (uint32_t)(before->frame + frame),
					    .file = (uint16_t)(before->file + (slim[i].rest >> 48)), .id = (uint8_t)slim[i].rest,
					    .from = slim[i].rest >> 8 & 1 };
		before = &f->list[i];
	}
}

void facts_pack(struct packer *p, struct facts *f)
{
	struct slim_fact slim[FACT_COUNT];

	f->list = pack_part(p, f->list, 0, f->room * sizeof *f->list);
	if (p->packing)
		facts_slim(f, slim);
	pack(p, slim, f->count * sizeof *slim);
	if (!p->packing && f->list)
		facts_widen(slim, f);
}

/* Where the fact stands, or where it would be put. */
static int place_of(const struct facts *facts, enum fact_id id)
{
	int low = 0, high = facts->count;

	while (low < high) {
		int mid = (low + high) / 2;
		if (facts->list[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct fact *facts_find(const struct facts *facts, enum fact_id id)
{
	int at = place_of(facts, id);
	return at < facts->count && facts->list[at].id == id ? &facts->list[at] : NULL;
}

/* A list begins with room for what most sessions have, and grows little by little: an idle session must stay small. */
#define ROOM_FIRST 24u
#define ROOM_MORE 8u

static struct fact *put(struct observer *o, int at)
{
	struct facts *f = o->facts;

	if (f->count == f->room) {
		unsigned room = f->room + (f->room ? ROOM_MORE : ROOM_FIRST);
		struct fact *more = room <= UINT8_MAX ? realloc(f->list, room * sizeof *more) : NULL;
		if (!more) {
			if (o->lost)
				++*o->lost;
			return NULL;
		}
		f->list = more;
		f->room = (uint8_t)room;
	}
	memmove(&f->list[at + 1], &f->list[at], (size_t)(f->count - at) * sizeof *f->list);
	f->count++;
	return &f->list[at];
}

static void set(struct fact *fact, enum fact_id id, int64_t value, struct moment at, enum direction from)
{
	*fact = (struct fact){ value, at.time, at.frame, at.file, (uint8_t)id, (uint8_t)from };
}

static void fold(struct observer *o, struct fact *fact, int64_t value, struct moment at, enum direction from)
{
	enum fact_id id = fact->id;

	switch (fact_kinds[id].fold) {
	case FOLD_FIRST:
		if (fact_kinds[id].type == FACT_TEXT)
			texts_release(o->texts, (uint32_t)value);
		return;
	case FOLD_COUNT:
		fact->value++;
		return;
	case FOLD_SUM:
		fact->value += value;
		return;
	case FOLD_MAX:
		if (value > fact->value)
			set(fact, id, value, at, from);
		return;
	case FOLD_MIN:
		if (value < fact->value)
			set(fact, id, value, at, from);
		return;
	case FOLD_LAST:
		if (fact_kinds[id].type == FACT_TEXT)
			texts_release(o->texts, (uint32_t)fact->value);
		set(fact, id, value, at, from);
		return;
	}
}

void observe_at(struct observer *o, enum fact_id id, int64_t value, struct moment at, enum direction from)
{
	int place = place_of(o->facts, id);

	if (place < o->facts->count && o->facts->list[place].id == id) {
		fold(o, &o->facts->list[place], value, at, from);
		return;
	}
	struct fact *fact = put(o, place);
	if (fact)
		set(fact, id, fact_kinds[id].fold == FOLD_COUNT ? 1 : value, at, from);
	else if (fact_kinds[id].type == FACT_TEXT)
		texts_release(o->texts, (uint32_t)value);
}

void observe(struct observer *o, enum fact_id id, int64_t value)
{
	observe_at(o, id, value, o->at, o->from);
}

void observe_text(struct observer *o, enum fact_id id, struct bytes text)
{
	uint32_t number = texts_keep(o->texts, text);

	if (number)
		observe(o, id, number);
}

uint64_t user_hash(const struct user_policy *policy, struct bytes name)
{
	uint8_t lower[320];
	size_t n = name.len < sizeof lower ? name.len : sizeof lower;

	for (size_t i = 0; i < n; i++)
		lower[i] = letter_lower(name.data[i]);
	uint64_t hash = hash_bytes(policy->key, lower, n);
	wipe(lower, n);
	return hash ? hash : 1;
}
