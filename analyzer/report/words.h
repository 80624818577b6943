/* The few words of our own that the text report is made of, in each language. */
#ifndef IMAPWHY_WORDS_H
#define IMAPWHY_WORDS_H

#include <stdbool.h>

struct words {
	const char *language;
	bool left_to_right;
	const char *at, *comma, *sure, *note, *times, *clients;
	const char *failed, *one_failed, *degraded, *healthy, *inconclusive, *probes, *no_sessions;
	const char *packets, *seconds, *none_dropped, *dropped, *malformed, *more_blocks, *attempts, *sources, *lost, *since, *over, *others;
};

/* Of a language that is not known, the English ones. Never NULL. */
const struct words *words_of(const char *language);
/* A word of the vocabulary as people read it ("firewall_block": "FIREWALL BLOCK"); the word itself where none is known. */
const char *words_class(const struct words *w, const char *class);
const char *words_scope(const struct words *w, const char *scope);
const char *words_culprit(const struct words *w, const char *culprit);

#endif
