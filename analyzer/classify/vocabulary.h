/* The public words of a verdict; what a rule may say. */
#ifndef IMAPWHY_VOCABULARY_H
#define IMAPWHY_VOCABULARY_H

#define STEP_COUNT 8
#define LANGUAGE_COUNT 2

struct mechanism {
	const char *class, *word;
};

/* Ends with a NULL word; a mechanism's number is its place here. */
extern const struct mechanism mechanisms[];
/* How a session came out, by the word's place in `outcomes`. */
enum outcome { OUTCOME_HEALTHY, OUTCOME_FAILED, OUTCOME_DEGRADED, OUTCOME_INCONCLUSIVE, OUTCOMES };
/* NULL-terminated lists. */
extern const char *const classes[], *const culprits[], *const causes[], *const outcomes[OUTCOMES + 1], *const symptoms[];
extern const char *const steps[STEP_COUNT + 1], *const languages[LANGUAGE_COUNT + 1];

#define MECHANISM_MOST 96

/* Number of the mechanism (of any class), -1: none such. */
int mechanism_number(const char *word);
/* Place of a word in a NULL-terminated list, -1: none such. */
int list_number(const char *const *list, const char *word);
/* The n-th mechanism's or fact's word, for hints; NULL past the end. */
const char *word_of_mechanism(const void *unused, int n);
const char *word_of_fact(const void *unused, int n);

#endif
