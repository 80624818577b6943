/* Pieces of IMAP lines: words, literals' lengths, response codes, base64. */
#include "imap_state.h"

#include <ctype.h>

struct bytes line_word(struct bytes *rest)
{
	const uint8_t *space = rest->len ? memchr(rest->data, ' ', rest->len) : NULL;
	size_t n = space ? (size_t)(space - rest->data) : rest->len;
	struct bytes word = bytes_of(rest->data, n);

	while (n < rest->len && rest->data[n] == ' ')
		n++;
	*rest = bytes_part(*rest, n, rest->len);
	return word;
}

/* From the end backwards: `}`, perhaps `+` (or `-`, an old draft), digits, `{`. */
bool line_literal(struct bytes line, uint64_t *length, bool *waits)
{
	size_t at = line.len;
	uint64_t n = 0, unit = 1;

	if (at < 3 || line.data[--at] != '}')
		return false;
	bool at_once = line.data[at - 1] == '+' || line.data[at - 1] == '-';
	if (at_once)
		at--;
	size_t digits_end = at;
	for (; at && isdigit(line.data[at - 1]) && digits_end - at < 18; at--, unit *= 10)
		n += (uint64_t)(line.data[at - 1] - '0') * unit;
	if (at == digits_end || !at || line.data[at - 1] != '{')
		return false;
	*length = n;
	*waits = !at_once;
	return true;
}

bool line_quoted(struct bytes *rest, struct text *into)
{
	struct bytes b = *rest;
	size_t i = 1;

	if (bytes_start(b, "NIL")) {
		*rest = bytes_part(b, 3, b.len);
		return true;
	}
	if (!b.len || b.data[0] != '"')
		return false;
	while (i < b.len && b.data[i] != '"') {
		/* Runs, not single bytes: a character of several bytes must stay whole. */
		size_t start = b.data[i] == '\\' ? i + 1 : i;
		for (i = start + 1; i < b.len && b.data[i] != '"' && b.data[i] != '\\'; i++)
			;
		text_add_wire(into, bytes_part(b, start, i - start), b.len);
	}
	if (i >= b.len)
		return false;
	*rest = bytes_part(b, i + 1, b.len);
	return true;
}

struct bytes line_code(struct bytes text, struct bytes *arguments, struct bytes *behind)
{
	struct bytes none = bytes_of(text.data, 0);
	const uint8_t *end = text.len && text.data[0] == '[' ? memchr(text.data, ']', text.len) : NULL;
	size_t n = 0;

	*arguments = none;
	*behind = text;
	if (!end)
		return none;
	struct bytes code = bytes_part(text, 1, (size_t)(end - text.data) - 1);
	while (n < code.len && (isalnum(code.data[n]) || strchr("-_./", code.data[n])) && code.data[n])
		n++;
	if (n == 0 || n > 40 || (n < code.len && code.data[n] != ' '))
		return none;
	*arguments = bytes_part(code, n + 1, code.len);
	*behind = bytes_part(text, (size_t)(end - text.data) + 1, text.len);
	while (behind->len && behind->data[0] == ' ')
		*behind = bytes_part(*behind, 1, behind->len);
	return bytes_part(code, 0, n);
}

int line_status(struct bytes word)
{
	static const struct {
		const char *word;
		int status;
	} table[] = { { "OK", WORD_status_ok }, { "NO", WORD_status_no }, { "BAD", WORD_status_bad }, { "BYE", WORD_status_bye },
		      { "PREAUTH", WORD_status_preauth } };

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (bytes_same_word(word, table[i].word))
			return table[i].status;
	return -1;
}


/* Boxes write X over the letters; some make the last one an A. No registered name looks so. */
bool line_masked_word(struct bytes word)
{
	if (word.len < 6 || (word.data[word.len - 1] != 'X' && word.data[word.len - 1] != 'A'))
		return false;
	for (size_t i = 0; i + 1 < word.len; i++)
		if (word.data[i] != 'X')
			return false;
	return true;
}

static int base64_value(uint8_t c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* Decodes up to the first byte that is no base64, or until `room` is full. Returns how much it wrote. */
size_t base64(struct bytes in, uint8_t *out, size_t room)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < in.len && n < room; i++) {
		int value = base64_value(in.data[i]);
		if (value < 0)
			break;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	wipe(&bits, sizeof bits);
	return n;
}

/* FNV-1a: finds words of one session again; a collision costs its own session at the most. Never 0. */
uint32_t line_hash(struct bytes word)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < word.len; i++)
		h = (h ^ word.data[i]) * 16777619u;
	return h ? h : 1;
}
