/* Wraps text by columns and isolates right-to-left lines. */
#include "lines.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RIGHT_TO_LEFT_ISOLATE "\u2067"
#define POP_ISOLATE "\u2069"

static void lines_add(struct lines *l, const char *text, size_t len)
{
	if (l->failed)
		return;
	if (l->len + len + 1 > l->room) {
		size_t room = (l->len + len + 1) * 2;
		char *more = realloc(l->text, room);
		if (!more) {
			l->failed = true;
			return;
		}
		l->text = more;
		l->room = room;
	}
	memcpy(l->text + l->len, text, len);
	l->len += len;
	l->text[l->len] = '\0';
}

void lines_put(struct lines *l, const char *text)
{
	lines_add(l, text, strlen(text));
}

void lines_putf(struct lines *l, const char *format, ...)
{
	char room[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(room, sizeof room, format, args);
	va_end(args);
	lines_put(l, room);
}

void lines_drop(struct lines *l)
{
	free(l->text);
	*l = (struct lines){ 0 };
}

/* --- characters --- */

/* The character at text (well-formed UTF-8) and its length; a lone byte reads as itself. */
static uint32_t character(const char *text, size_t left, size_t *len)
{
	const uint8_t *b = (const uint8_t *)text;
	size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : b[0] >= 0xc2 ? 2 : 1;

	if (n > left)
		n = 1;
	*len = n;
	/* A colour (ours alone: texts come without ESC) is no character. */
	if (b[0] == 0x1b) {
		const char *end = memchr(text, 'm', left);
		*len = end ? (size_t)(end - text) + 1 : 1;
		return 0;
	}
	switch (n) {
	case 2:
		return (uint32_t)(b[0] & 0x1f) << 6 | (b[1] & 0x3f);
	case 3:
		return (uint32_t)(b[0] & 0x0f) << 12 | (uint32_t)(b[1] & 0x3f) << 6 | (b[2] & 0x3f);
	case 4:
		return (uint32_t)(b[0] & 0x07) << 18 | (uint32_t)(b[1] & 0x3f) << 12 | (uint32_t)(b[2] & 0x3f) << 6 | (b[3] & 0x3f);
	default:
		return b[0];
	}
}

struct range {
	uint32_t first, last;
};

static bool within(const struct range *list, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= list[i].first && c <= list[i].last)
			return true;
	return false;
}
#define WITHIN(list, c) within(list, sizeof(list) / sizeof *(list), c)

/* Marks, embeddings, overrides and isolates: a server's text must not turn the lines around it. */
static bool is_direction_control(uint32_t c)
{
	static const struct range list[] = { { 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2066, 0x2069 } };

	return c >= 0x061c && WITHIN(list, c);
}

static bool is_right_to_left(uint32_t c)
{
	static const struct range list[] = { { 0x0590, 0x08ff }, { 0xfb1d, 0xfdff }, { 0xfe70, 0xfeff }, { 0x10800, 0x10fff }, { 0x1e800, 0x1efff } };

	return c >= 0x0590 && WITHIN(list, c);
}

static bool is_letter(uint32_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0xc0;
}

static unsigned columns_of(uint32_t c)
{
	static const struct range none[] = { { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a },
		{ 0x061c, 0x061c }, { 0x064b, 0x065f }, { 0x0670, 0x0670 }, { 0x06d6, 0x06dc }, { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a },
		{ 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x2060, 0x2069 }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
		{ 0xfeff, 0xfeff } };
	static const struct range two[] = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f9ff }, { 0x20000, 0x3fffd } };

	if (c < 0x300)
		return c != 0;
	return WITHIN(none, c) ? 0 : WITHIN(two, c) ? 2 : 1;
}

unsigned lines_columns(const char *text, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0, n; i < len; i += n)
		columns += columns_of(character(text + i, len - i, &n));
	return columns;
}

/* --- wrapping --- */

/* The direction of the first letter decides, as in the bidirectional algorithm (UAX 9, P2). */
static bool reads_right_to_left(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c = character(text + i, len - i, &n);
		if (!is_direction_control(c) && is_letter(c))
			return is_right_to_left(c);
	}
	return false;
}

static char *without_controls(const char *text)
{
	size_t len = strlen(text), at = 0;
	char *clean = malloc(len + 1);

	for (size_t i = 0, n; clean && i < len; i += n) {
		uint32_t c = character(text + i, len - i, &n);
		if (is_direction_control(c))
			continue;
		memcpy(clean + at, text + i, n);
		at += n;
	}
	if (clean)
		clean[at] = '\0';
	return clean;
}

/* How much of the text fits into the columns: to the last blank, or through a word that is wider than a line. */
static size_t fitting(const char *text, unsigned columns)
{
	size_t len = strlen(text), blank = 0, at = 0, n;

	for (unsigned used = 0; at < len; at += n) {
		uint32_t c = character(text + at, len - at, &n);
		used += columns_of(c);
		if (c == ' ')
			blank = at;
		if (used > columns)
			return blank ? blank : at ? at : n;
	}
	return len;
}

static void add_line(struct lines *l, const char *text, size_t len, bool right_to_left)
{
	if (right_to_left)
		lines_put(l, RIGHT_TO_LEFT_ISOLATE);
	lines_add(l, text, len);
	lines_put(l, right_to_left ? POP_ISOLATE "\n" : "\n");
}

void lines_wrap(struct lines *l, const char *first, unsigned indent, const char *text, unsigned width)
{
	unsigned start = lines_columns(first, strlen(first));
	char *clean = without_controls(text);
	const char *at = clean;

	if (!clean) {
		l->failed = true;
		return;
	}
	bool right_to_left = reads_right_to_left(clean);
	lines_put(l, first);
	do {
		size_t n = fitting(at, width > start + 8 ? width - start : 8);
		add_line(l, at, n, right_to_left);
		for (at += n; *at == ' '; at++)
			;
		if (*at)
			lines_putf(l, "%*s", (int)indent, "");
		start = indent;
	} while (*at);
	free(clean);
}
