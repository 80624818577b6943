/* Builds JSON with json-c; the only file that knows it. */
#include "json.h"

#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define NEW_CONSTANT_KEY (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY)
#define LONGEST_TEXT 2048

static void put(struct json_object *parent, const char *key, struct json_object *value)
{
	if (!parent || json_object_object_add_ex(parent, key, value, NEW_CONSTANT_KEY) != 0)
		json_object_put(value);
}

struct json_object *json_new(void)
{
	return json_object_new_object();
}

void json_drop(struct json_object **object)
{
	json_object_put(*object);
	*object = NULL;
}

struct json_object *put_object(struct json_object *parent, const char *key)
{
	struct json_object *child = json_object_new_object();

	if (!parent || json_object_object_add_ex(parent, key, child, NEW_CONSTANT_KEY) != 0) {
		json_object_put(child);
		return NULL;
	}
	return child;
}

void put_filled(struct json_object *parent, const char *key, struct json_object *child)
{
	if (child && json_object_object_length(child) > 0)
		put(parent, key, child);
	else
		json_object_put(child);
}

struct json_object *put_list(struct json_object *parent, const char *key, int length)
{
	struct json_object *list = json_object_new_array_ext(length > 0 ? length : 1);

	if (!parent || json_object_object_add_ex(parent, key, list, NEW_CONSTANT_KEY) != 0) {
		json_object_put(list);
		return NULL;
	}
	return list;
}

void list_word(struct json_object *list, const char *word)
{
	struct json_object *value = json_object_new_string(word);

	if (!list || json_object_array_add(list, value) != 0)
		json_object_put(value);
}

/* --- texts --- */

static const char cut_mark[] = "\u2026";
#define CLEAN_ROOM (LONGEST_TEXT + sizeof cut_mark)

static bool plain(const char *text, size_t len)
{
	unsigned char odd = 0;

	for (size_t i = 0; i < len; i++)
		odd |= (unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f;
	return !odd;
}

/* The text as clean UTF-8 of at most `most` bytes, itself where it is that already, else in `room` of CLEAN_ROOM. */
static struct bytes clean(const char *text, size_t most, char *room)
{
	size_t len = text ? strlen(text) : 0;

	if (len <= most && plain(text, len))
		return bytes_of(text, len);
	/* A text without room for a whole character leaves it out, so what is cut stays well-formed. */
	struct text t = { .start = room, .room = (most < LONGEST_TEXT ? most : LONGEST_TEXT) + 1 };
	room[0] = '\0';
	text_add_wire(&t, bytes_of(text, len), len);
	if (t.cut)
		memcpy(room + t.len, cut_mark, sizeof cut_mark);
	return bytes_of_text(room);
}

void put_text(struct json_object *parent, const char *key, const char *text, size_t most)
{
	char room[CLEAN_ROOM];
	struct bytes b = clean(text, most, room);

	if (b.len)
		put(parent, key, json_object_new_string_len((const char *)b.data, (int)b.len));
}

void put_word(struct json_object *parent, const char *key, const char *word)
{
	if (word)
		put(parent, key, json_object_new_string(word));
}

/* --- numbers, flags, times --- */

void put_null(struct json_object *parent, const char *key)
{
	put(parent, key, NULL);
}

void put_flag(struct json_object *parent, const char *key, bool flag)
{
	put(parent, key, json_object_new_boolean(flag));
}

/* Adds an integer that writes itself in another form: no text of it is kept in the tree. */
static void put_formed(struct json_object *parent, const char *key, int64_t value, json_object_to_json_string_fn *write)
{
	struct json_object *o = json_object_new_int64(value);

	if (o)
		json_object_set_serializer(o, write, NULL, NULL);
	put(parent, key, o);
}

static char *digits(char *at, uint64_t value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + count;
}

/* Writes the number so that it ends before room[end]; where it begins. */
static size_t number_text(bool negative, uint64_t size, char *room, size_t end)
{
	do
		room[--end] = (char)('0' + size % 10);
	while (size /= 10);
	if (negative)
		room[--end] = '-';
	return end;
}

static int write_thousandths(struct json_object *o, struct printbuf *out, int level, int flags)
{
	char room[32];
	int64_t value = json_object_get_int64(o);
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	size_t at, end = sizeof room - 4;

	(void)level;
	(void)flags;
	if (size % 1000) {
		room[end] = '.';
		digits(room + end + 1, size % 1000, 3);
	}
	at = number_text(value < 0, size / 1000, room, end);
	if (size % 1000)
		for (end = sizeof room; room[end - 1] == '0'; end--)
			;
	return printbuf_memappend(out, room + at, (int)(end - at));
}

/* json-c prints numbers by printf, which costs more than all else of them. */
static int write_number(struct json_object *o, struct printbuf *out, int level, int flags)
{
	char room[24];
	int64_t value = json_object_get_int64(o);
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	size_t at = number_text(value < 0, size, room, sizeof room);

	(void)level;
	(void)flags;
	return printbuf_memappend(out, room + at, (int)(sizeof room - at));
}

void put_number(struct json_object *parent, const char *key, int64_t number)
{
	put_formed(parent, key, number, write_number);
}

void put_count(struct json_object *parent, const char *key, uint64_t count)
{
	if (count)
		put_number(parent, key, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

void put_thousandths(struct json_object *parent, const char *key, int64_t thousandths)
{
	put_formed(parent, key, thousandths, write_thousandths);
}

/* The civil date of a day since 1970, by counting eras of 400 years from 0000-03-01. */
static char *date_text(int64_t day, char *at)
{
	day += 719468;
	int64_t era = (day >= 0 ? day : day - 146096) / 146097;
	uint64_t of_era = (uint64_t)(day - era * 146097);
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t m = (5 * of_year + 2) / 153, month = m < 10 ? m + 3 : m - 9;

	at = digits(at, (uint64_t)((int64_t)year + era * 400 + (month <= 2)), 4);
	*at++ = '-';
	at = digits(at, month, 2);
	*at++ = '-';
	return digits(at, of_year - (153 * m + 2) / 5 + 1, 2);
}

int time_text(nanoseconds time, char *into)
{
	nanoseconds second = time / SECOND, rest = time % SECOND;
	char *at = into;

	if (rest < 0) {
		rest += SECOND;
		second--;
	}
	int64_t day = second / 86400, of_day = second % 86400;
	if (of_day < 0) {
		of_day += 86400;
		day--;
	}
	at = date_text(day, at);
	*at++ = 'T';
	at = digits(at, (uint64_t)of_day / 3600, 2);
	*at++ = ':';
	at = digits(at, (uint64_t)of_day / 60 % 60, 2);
	*at++ = ':';
	at = digits(at, (uint64_t)of_day % 60, 2);
	*at++ = '.';
	at = digits(at, (uint64_t)rest, 9);
	*at++ = 'Z';
	*at = '\0';
	return (int)(at - into);
}

static int write_time(struct json_object *o, struct printbuf *out, int level, int flags)
{
	char room[TIME_TEXT + 2] = "\"";
	int len = 1 + time_text(json_object_get_int64(o), room + 1);

	(void)level;
	(void)flags;
	room[len++] = '"';
	return printbuf_memappend(out, room, len);
}

void put_time(struct json_object *parent, const char *key, nanoseconds time)
{
	put_formed(parent, key, time, write_time);
}

static int write_made(struct json_object *o, struct printbuf *out, int level, int flags)
{
	const char *made = json_object_get_userdata(o);

	(void)level;
	(void)flags;
	return printbuf_memappend(out, made, (int)strlen(made));
}

void put_made(struct json_object *parent, const char *key, const char *json)
{
	struct json_object *o = json_object_new_boolean(false);

	if (o)
		json_object_set_serializer(o, write_made, (void *)(uintptr_t)json, NULL);
	put(parent, key, o);
}

/* --- rows --- */

struct rows rows_begin(char *room, size_t size)
{
	return (struct rows){ .start = room, .room = size };
}

static void row_bytes(struct rows *r, const void *data, size_t len)
{
	/* Two bytes stay free for the end of the list. */
	if (r->full || len + 2 > r->room - r->len) {
		r->full = true;
		return;
	}
	memcpy(r->start + r->len, data, len);
	r->len += len;
}

void row_begin(struct rows *r)
{
	row_bytes(r, r->rows++ ? ",{" : "[{", 2);
	r->members = 0;
}

void row_end(struct rows *r)
{
	row_bytes(r, "}", 1);
}

static void row_key(struct rows *r, const char *key)
{
	row_bytes(r, ",\"", 2);
	if (!r->members++ && !r->full) {
		r->len--;
		r->start[r->len - 1] = '"';
	}
	row_bytes(r, key, strlen(key));
	row_bytes(r, "\":", 2);
}

void row_object(struct rows *r, const char *key)
{
	row_key(r, key);
	row_bytes(r, "{", 1);
	r->members = 0;
}

void row_object_end(struct rows *r)
{
	row_bytes(r, "}", 1);
	r->members = 1;
}

static void row_string(struct rows *r, const char *key, struct bytes b)
{
	const char *text = (const char *)b.data;
	size_t from = 0;

	row_key(r, key);
	row_bytes(r, "\"", 1);
	/* Clean text has no control characters: these two are all that JSON wants escaped. */
	for (size_t i = 0; i < b.len; i++)
		if (text[i] == '"' || text[i] == '\\') {
			row_bytes(r, text + from, i - from);
			row_bytes(r, "\\", 1);
			from = i;
		}
	row_bytes(r, text + from, b.len - from);
	row_bytes(r, "\"", 1);
}

void row_text(struct rows *r, const char *key, const char *text, size_t most)
{
	char room[CLEAN_ROOM];
	struct bytes b = clean(text, most, room);

	if (b.len)
		row_string(r, key, b);
}

void row_word(struct rows *r, const char *key, const char *word)
{
	if (word)
		row_string(r, key, bytes_of_text(word));
}

void row_count(struct rows *r, const char *key, uint64_t count)
{
	char room[24];

	if (!count)
		return;
	size_t at = number_text(false, count, room, sizeof room);
	row_key(r, key);
	row_bytes(r, room + at, sizeof room - at);
}

void row_time(struct rows *r, const char *key, nanoseconds time)
{
	char room[TIME_TEXT];
	int len = time_text(time, room);

	row_string(r, key, bytes_of(room, (size_t)len));
}

void put_rows(struct json_object *parent, const char *key, struct rows *r)
{
	if (!r->rows || r->full)
		return;
	memcpy(r->start + r->len, "]", 2);
	r->len += 2;
	put_made(parent, key, r->start);
}

bool json_line(struct json_object *object, struct report_line *into)
{
	size_t len = 0;
	const char *text = object ? json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len)
				  : NULL;

	if (!text)
		return false;
	if (len + 2 > into->room) {
		char *more = realloc(into->text, len + 2 < 8192 ? 8192 : len + 2);
		if (!more)
			return false;
		into->text = more;
		into->room = len + 2 < 8192 ? 8192 : len + 2;
	}
	memcpy(into->text, text, len);
	memcpy(into->text + len, "\n", 2);
	into->len = len + 1;
	return true;
}
