/* Bounded text building and the few case-insensitive comparisons that protocols need. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

static void add(struct text *t, const char *s, size_t len)
{
	size_t room = t->room > t->len ? t->room - t->len - 1 : 0;

	if (len > room) {
		len = room;
		t->cut = true;
	}
	memcpy(t->start + t->len, s, len);
	t->len += len;
	if (t->room)
		t->start[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

void text_addf(struct text *t, const char *format, ...)
{
	char piece[1024];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(piece, sizeof piece, format, args);
	va_end(args);
	if (n > 0)
		add(t, piece, (size_t)n < sizeof piece ? (size_t)n : sizeof piece - 1);
	if (n >= (int)sizeof piece)
		t->cut = true;
}

/* The length of the well-formed UTF-8 sequence at b (RFC 3629), 0 where it is none. */
static size_t utf8_length(struct bytes b)
{
	uint8_t c = b.data[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;

	if (n == 0 || n > b.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b.data[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && b.data[1] < 0xa0) || (c == 0xed && b.data[1] > 0x9f) || (c == 0xf0 && b.data[1] < 0x90) ||
	    (c == 0xf4 && b.data[1] > 0x8f))
		return 0;
	return n;
}

/* How many bytes from there on are printable ASCII: most of what comes is. */
static size_t plain_run(struct bytes b, size_t from)
{
	size_t i = from;

	while (i < b.len && b.data[i] >= 0x20 && b.data[i] < 0x7f)
		i++;
	return i - from;
}

void text_add_wire(struct text *t, struct bytes wire, size_t most)
{
	if (wire.len > most) {
		wire.len = most;
		t->cut = true;
	}
	for (size_t i = 0, run; i < wire.len;) {
		if ((run = plain_run(wire, i))) {
			add(t, (const char *)wire.data + i, run);
			i += run;
			continue;
		}
		size_t n = utf8_length(bytes_part(wire, i, wire.len));
		/* C1 control characters (U+0080 to U+009F) can steer a terminal as C0 ones do. */
		bool control = n == 1 ? wire.data[i] < 0x20 || wire.data[i] == 0x7f
				      : n == 2 && wire.data[i] == 0xc2 && wire.data[i + 1] < 0xa0;
		if (n == 0 || control)
			add(t, "?", 1);
		else if (t->room - t->len > n)
			add(t, (const char *)wire.data + i, n);
		else
			t->cut = true;
		i += n ? n : 1;
	}
}

bool bytes_contain(struct bytes hay, const char *needle)
{
	size_t n = strlen(needle);

	if (!n)
		return true;
	for (size_t i = 0; i + n <= hay.len; i++)
		if (letters_alike(hay.data[i], needle[0]) && strncasecmp((const char *)hay.data + i, needle, n) == 0)
			return true;
	return false;
}

void wipe(void *secret, size_t len)
{
	memset(secret, 0, len);
	__asm__ volatile("" : : "r"(secret) : "memory");
}
