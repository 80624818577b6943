/* Cuts an expression's text into tokens and says what to write instead of what it doesn't know. */
#include "tokens.h"

#include <stdbool.h>
#include <string.h>

#include "expression.h"
#include "moment.h"

static const char blank[] = " \t\r\n";
static const char digits[] = "0123456789";
static const char hex_digits[] = "0123456789abcdefABCDEF";
/* Upper case belongs to no known word; it is taken so that the nearest can be named. */
static const char word_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

static const struct {
	const char *text;
	int operator;
} operators[] = { { "==", OP_EQ }, { "!=", OP_NE }, { "<=", OP_LE }, { ">=", OP_GE }, { "<", OP_LT }, { ">", OP_GT } };

static const struct {
	const char *text, *bad;
} habits[] = {
	{ "=", "write `==` for equal" },
	{ "&&", "write `and`" },
	{ "&", "write `and`" },
	{ "||", "write `or`" },
	{ "|", "write `or`" },
	{ "!", "write `not`" },
	{ "'", "strings stand in double quotes" },
};

static const struct {
	const char *word;
	enum unit unit;
	int64_t factor;
} units[] = {
	{ "ns", UNIT_TIME, 1 },
	{ "us", UNIT_TIME, MICROSECOND },
	{ "ms", UNIT_TIME, MILLISECOND },
	{ "s", UNIT_TIME, SECOND },
	{ "m", UNIT_TIME, MINUTE },
	{ "h", UNIT_TIME, 60 * MINUTE },
	{ "B", UNIT_SIZE, 1 },
	{ "KB", UNIT_SIZE, 1024 },
	{ "MB", UNIT_SIZE, 1024 * 1024 },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct token bad_token(size_t from, size_t len, const char *what)
{
	return (struct token){ .kind = TOKEN_BAD, .from = from, .len = len, .bad = what };
}

static struct token string_token(const char *text, size_t from)
{
	size_t i = from + 1;

	for (; text[i] && text[i] != '"'; i++) {
		if (text[i] == '\\' && text[i + 1] != '"' && text[i + 1] != '\\')
			return bad_token(i, 1, "a backslash stands only before \" or another backslash");
		if (text[i] == '\n')
			return bad_token(i, 1, "a string ends on the line where it starts");
		i += text[i] == '\\';
	}
	if (!text[i])
		return bad_token(from, i - from, "the string's closing quote is missing");
	return (struct token){ .kind = TOKEN_STRING, .from = from, .len = i + 1 - from };
}

/* Reads digits of a base; false where they exceed 63 bits. */
static bool read_digits(const char *text, size_t len, int base, int64_t *number)
{
	int64_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		int c = text[i] | 0x20;
		int digit = c >= 'a' ? c - 'a' + 10 : text[i] - '0';
		if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, digit, &sum))
			return false;
	}
	*number = sum;
	return true;
}

static struct token hex_token(const char *text, size_t from)
{
	size_t len = strspn(text + from + 2, hex_digits);
	struct token t = { .kind = TOKEN_NUMBER, .from = from, .len = len + 2 };

	if (len == 0 || strspn(text + from, word_letters) != len + 2)
		return bad_token(from, strspn(text + from, word_letters), "not a hexadecimal number");
	if (!read_digits(text + from + 2, len, 16, &t.number))
		return bad_token(from, t.len, "the number is too large");
	return t;
}

/* The digits behind a decimal point, times the unit's factor. */
static int64_t fraction(const char *text, size_t len, int64_t factor)
{
	int64_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		factor /= 10;
		sum += (text[i] - '0') * factor;
	}
	return sum;
}

static struct token number_token(const char *text, size_t from)
{
	const char *at = text + from;
	size_t all = strspn(at, word_letters), whole = strspn(at, digits);
	size_t part = at[whole] == '.' ? strspn(at + whole + 1, digits) : 0;
	size_t end = whole + (part ? part + 1 : 0);
	struct token t = { .kind = TOKEN_NUMBER, .from = from, .len = all };
	int64_t factor = 1;

	if (end < all) {
		size_t i = 0;
		while (i < COUNT(units) && !(strlen(units[i].word) == all - end && memcmp(units[i].word, at + end, all - end) == 0))
			i++;
		if (i == COUNT(units))
			return bad_token(from, all, "not a number; units are ms, s, m, h and B, KB, MB");
		t.unit = units[i].unit;
		factor = units[i].factor;
	}
	if (part && t.unit == UNIT_NONE)
		return bad_token(from, all, "a number without unit has no fraction");
	if (!read_digits(at, whole, 10, &t.number) || __builtin_mul_overflow(t.number, factor, &t.number) ||
	    (part && __builtin_add_overflow(t.number, fraction(at + whole + 1, part, factor), &t.number)))
		return bad_token(from, all, "the number is too large");
	return t;
}

/* Only plain numbers can be negative: no duration or size is. */
static struct token negative_token(const char *text, size_t from)
{
	struct token t = number_token(text, from + 1);

	if (t.kind == TOKEN_NUMBER && t.unit != UNIT_NONE)
		return bad_token(from, t.len + 1, "a duration or size is never negative");
	t.from = from;
	t.len++;
	t.number = -t.number;
	return t;
}

static struct token sign_token(const char *text, size_t from)
{
	static const struct {
		char c;
		enum token_kind kind;
	} single[] = { { '(', TOKEN_OPEN }, { ')', TOKEN_CLOSE }, { ',', TOKEN_COMMA } };

	for (size_t i = 0; i < COUNT(single); i++)
		if (text[from] == single[i].c)
			return (struct token){ .kind = single[i].kind, .from = from, .len = 1 };
	for (size_t i = 0; i < COUNT(operators); i++)
		if (strncmp(text + from, operators[i].text, strlen(operators[i].text)) == 0)
			return (struct token){ .kind = TOKEN_OPERATOR, .from = from, .len = strlen(operators[i].text),
					       .operator = operators[i].operator };
	for (size_t i = 0; i < COUNT(habits); i++)
		if (strncmp(text + from, habits[i].text, strlen(habits[i].text)) == 0)
			return bad_token(from, strlen(habits[i].text), habits[i].bad);
	return bad_token(from, 1, "no part of an expression");
}

struct token token_at(const char *text, size_t at)
{
	size_t from = at + strspn(text + at, blank);

	if (!text[from])
		return (struct token){ .kind = TOKEN_END, .from = from };
	if (text[from] == '"')
		return string_token(text, from);
	if (text[from] == '0' && (text[from + 1] | 0x20) == 'x')
		return hex_token(text, from);
	if (strchr(digits, text[from]))
		return number_token(text, from);
	if (text[from] == '-' && text[from + 1] && strchr(digits, text[from + 1]))
		return negative_token(text, from);
	if (text[from] != '-' && text[from] != '.' && strchr(word_letters, text[from]))
		return (struct token){ .kind = TOKEN_WORD, .from = from, .len = strspn(text + from, word_letters) };
	return sign_token(text, from);
}
