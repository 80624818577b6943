/* Collects what is wrong in rule files and finds the word that was probably meant. */
#include "problems.h"

#include <stdarg.h>

#include "text.h"

/* A hostile file could otherwise fill a disk with complaints. */
#define PROBLEMS_MOST 500
#define WORD_MOST 48
#define FEW_WORDS 12

void problem(struct problems *p, const char *file, int line, const char *format, ...)
{
	char raw[1024], clean[1024];
	struct text text = TEXT_IN(clean);
	va_list args;

	if (p->count++ >= PROBLEMS_MOST || !p->out)
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	text_add_wire(&text, bytes_of_text(raw), sizeof raw);
	if (line > 0)
		fprintf(p->out, "%s:%d: %s\n", file, line, clean);
	else
		fprintf(p->out, "%s: %s\n", file, clean);
}

void problems_finish(struct problems *p)
{
	if (p->out && p->count > PROBLEMS_MOST)
		fprintf(p->out, "and %d more\n", p->count - PROBLEMS_MOST);
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time; long words are compared by their beginnings. */
static int distance(const char *a, const char *b)
{
	int row[WORD_MOST + 1];
	int la = (int)strnlen(a, WORD_MOST), lb = (int)strnlen(b, WORD_MOST);

	for (int j = 0; j <= lb; j++)
		row[j] = j;
	for (int i = 1; i <= la; i++) {
		int diagonal = row[0];
		row[0] = i;
		for (int j = 1; j <= lb; j++) {
			int above = row[j];
			row[j] = least(diagonal + (a[i - 1] != b[j - 1]), least(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[lb];
}

/* `login_ok` stands for `imap.login_ok`, however many letters are missing. */
static int how_far(const char *word, const char *known)
{
	return strlen(word) > 3 && strstr(known, word) ? 1 : distance(word, known);
}

static void add_all(struct text *t, word_at *at, const void *vocabulary)
{
	text_add(t, "; one of");
	for (int i = 0; at(vocabulary, i); i++)
		text_addf(t, "%s %s", i ? "," : "", at(vocabulary, i));
}

const char *nearest_hint(const char *word, word_at *at, const void *vocabulary, char into[HINT_ROOM])
{
	struct text t = { .start = into, .room = HINT_ROOM };
	const char *best = NULL;
	int least_far = (int)strnlen(word, WORD_MOST) / 3 + 2, words = 0;

	into[0] = '\0';
	for (; at(vocabulary, words); words++) {
		int far = how_far(word, at(vocabulary, words));
		if (far < least_far) {
			least_far = far;
			best = at(vocabulary, words);
		}
	}
	if (best)
		text_addf(&t, "; did you mean `%s`?", best);
	else if (words <= FEW_WORDS)
		add_all(&t, at, vocabulary);
	return into;
}

static const char *list_at(const void *list, int n)
{
	return ((const char *const *)list)[n];
}

const char *nearest_in_list(const char *word, const char *const *list, char into[HINT_ROOM])
{
	return nearest_hint(word, list_at, list, into);
}
