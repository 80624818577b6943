/* Keeps the timeline of a session's records: bursts folded, the middle of long sessions summed up. */
#include "records.h"

#include "pack.h"
#include "protocol.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_STEP 8
/* Records of one side closer than this are one burst: a server writes its answer, a client its upload. */
#define BURST (100 * MILLISECOND)
#define SPAN_MOST (UINT8_MAX * RECORD_SPAN)

static uint32_t ticks(nanoseconds span)
{
	if (span <= 0)
		return 0;
	return span / RECORD_TICK > UINT32_MAX ? UINT32_MAX : (uint32_t)(span / RECORD_TICK);
}

static uint16_t sum16(uint32_t a, uint32_t b)
{
	return a + b > UINT16_MAX ? UINT16_MAX : (uint16_t)(a + b);
}

/* The first two records of a burst stay apart: an answer's first line says more alone. */
static bool folds(const struct tls_records *r, enum record_kind kind, enum direction from, nanoseconds time)
{
	if (!r || r->count < 2 || kind != RECORD_DATA || time - r->newest > BURST || time - r->entry > SPAN_MOST)
		return false;
	for (int i = r->count - 2; i < r->count; i++)
		if (r->list[i].kind != RECORD_DATA || r->list[i].from != from)
			return false;
	return r->list[r->count - 1].after <= ticks(BURST + r->list[r->count - 2].span * RECORD_SPAN);
}

/* The two entries behind the first ones become one. */
static void shorten(struct tls_records *r)
{
	struct tls_record *middle = &r->list[RECORDS_FIRST], *next = middle + 1;

	middle->length = sum16(middle->length, next->length);
	middle->after = (uint64_t)middle->after + next->after > UINT32_MAX ? UINT32_MAX : middle->after + next->after;
	middle->span = 0;
	middle->kind = RECORD_MIDDLE;
	memmove(next, next + 1, (size_t)(r->list + r->count - (next + 1)) * sizeof *next);
	r->count--;
}

static bool grow(struct tls_records **records)
{
	struct tls_records *r = *records;
	uint8_t room = (uint8_t)((r ? r->room : 0) + ROOM_STEP);

	if (r && r->count < r->room)
		return true;
	struct tls_records *more = realloc(r, records_size(room));
	if (!more)
		return false;
	if (!r)
		*more = (struct tls_records){ 0 };
	more->room = room;
	*records = more;
	return true;
}

bool records_add(struct tls_records **records, enum record_kind kind, enum direction from, uint16_t length, struct moment at)
{
	struct tls_records *r = *records;

	if (folds(r, kind, from, at.time)) {
		struct tls_record *burst = &r->list[r->count - 1];
		burst->length = sum16(burst->length, length);
		burst->span = (uint8_t)((at.time - r->entry) / RECORD_SPAN);
		r->newest = at.time;
		return true;
	}
	if (r && r->count == RECORDS_MOST)
		shorten(r);
	if (!grow(records))
		return false;
	r = *records;
	if (r->count == 0) {
		r->began = r->entry = at.time;
		r->file = at.file;
	}
	unsigned file = at.file < r->file ? RECORD_FILE_LOST : (unsigned)(at.file - r->file);
	r->list[r->count++] = (struct tls_record){
		.frame = at.frame, .after = ticks(at.time - r->entry), .length = length, .kind = kind, .from = from,
		.file = (uint8_t)(file < RECORD_FILE_LOST ? file : RECORD_FILE_LOST),
	};
	r->entry = r->newest = at.time;
	return true;
}

void records_rename(struct tls_records *r, enum direction from, enum record_kind from_kind, enum record_kind to)
{
	for (int i = r ? r->count - 1 : -1; i >= 0; i--)
		if (r->list[i].from == from) {
			if (r->list[i].kind == from_kind)
				r->list[i].kind = to;
			return;
		}
}

/* How many entries there are stands ahead of them, for on the way back the records aren't there yet. */
void records_pack(struct packer *p, struct tls_records **records)
{
	struct {
		uint8_t count, room;
	} size = { 0 };

	if (!*records)
		return;
	if (p->packing) {
		size.count = (*records)->count;
		size.room = (*records)->room;
	}
	pack(p, &size, sizeof size);
	*records = pack_part(p, *records, records_size(size.count), records_size(size.room));
}

void records_free(struct tls_records **records)
{
	free(*records);
	*records = NULL;
}

struct moment records_moment(const struct tls_records *r, int entry)
{
	struct moment at = { r->began, r->list[entry].frame, (uint16_t)(r->file + r->list[entry].file) };

	for (int i = 1; i <= entry; i++)
		at.time += r->list[i].after * RECORD_TICK;
	/* The middle may have lasted longer than an entry can say. */
	if (entry >= RECORDS_FIRST) {
		at.time = r->entry;
		for (int i = r->count - 1; i > entry; i--)
			at.time -= r->list[i].after * RECORD_TICK;
	}
	if (r->list[entry].file == RECORD_FILE_LOST)
		at.frame = at.file = 0;
	return at;
}

/* --- plaintext lengths --- */

#define TLS13_ADDS 17 /* content type and tag */
#define BLOCK 16

/* What AEAD suites of TLS 1.2 add: explicit nonce and tag. */
enum { GCM_ADDS = 24, CCM_ADDS = 24, CCM_8_ADDS = 16, CHACHA20_ADDS = 16 };

/* The suites that mail clients and servers agree on; IANA TLS Cipher Suites. */
static const struct suites {
	uint16_t first, last;
	uint8_t adds; /* AEAD; 0: CBC with AES or Camellia */
	uint8_t mac;
} suites[] = {
	{ 0x009c, 0x00a7, GCM_ADDS, 0 },     { 0xc02b, 0xc032, GCM_ADDS, 0 },      { 0xc07a, 0xc08d, GCM_ADDS, 0 },
	{ 0xc09c, 0xc09f, CCM_ADDS, 0 },     { 0xc0a0, 0xc0a3, CCM_8_ADDS, 0 },    { 0xc0ac, 0xc0ad, CCM_ADDS, 0 },
	{ 0xc0ae, 0xc0af, CCM_8_ADDS, 0 },   { 0xcca8, 0xccae, CHACHA20_ADDS, 0 }, { 0x002f, 0x003a, 0, 20 },
	{ 0x003c, 0x0040, 0, 32 },           { 0x0041, 0x0046, 0, 20 },            { 0x0067, 0x006d, 0, 32 },
	{ 0x0084, 0x0089, 0, 20 },           { 0xc004, 0xc005, 0, 20 },            { 0xc009, 0xc00a, 0, 20 },
	{ 0xc00e, 0xc00f, 0, 20 },           { 0xc013, 0xc014, 0, 20 },            { 0xc018, 0xc019, 0, 20 },
	{ 0xc023, 0xc023, 0, 32 },           { 0xc024, 0xc024, 0, 48 },            { 0xc025, 0xc025, 0, 32 },
	{ 0xc026, 0xc026, 0, 48 },           { 0xc027, 0xc027, 0, 32 },            { 0xc028, 0xc028, 0, 48 },
	{ 0xc029, 0xc029, 0, 32 },           { 0xc02a, 0xc02a, 0, 48 },            { 0xc072, 0xc072, 0, 32 },
	{ 0xc073, 0xc073, 0, 48 },           { 0xc076, 0xc076, 0, 32 },            { 0xc077, 0xc077, 0, 48 },
};

static bool exact(uint16_t length, uint16_t adds, struct plain_length *into)
{
	if (length < adds)
		return false;
	into->least = into->most = (uint16_t)(length - adds);
	return true;
}

/* IV (from TLS 1.1 on), padding of 1 to 16 bytes, MAC: its place (RFC 7366) does not change the sum by more than the padding. */
static bool range(uint16_t version, uint16_t length, uint16_t mac, struct plain_length *into)
{
	int most = length - mac - 1 - (version >= TLS11 ? BLOCK : 0);

	if (most < 0)
		return false;
	into->most = (uint16_t)most;
	into->least = (uint16_t)(most < BLOCK - 1 ? 0 : most - (BLOCK - 1));
	return true;
}

bool record_plain(uint16_t version, uint16_t cipher, uint16_t length, struct plain_length *into)
{
	if (version == TLS13)
		return exact(length, TLS13_ADDS, into);
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
		if (cipher >= suites[i].first && cipher <= suites[i].last)
			return suites[i].adds ? exact(length, suites[i].adds, into) : range(version, length, suites[i].mac, into);
	return false;
}
