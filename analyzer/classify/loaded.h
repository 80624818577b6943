/* Rules as they stand in memory; the files of this room alone see them. */
#ifndef IMAPWHY_LOADED_H
#define IMAPWHY_LOADED_H

#include "document.h"
#include "expression.h"
#include "model.h"
#include "rules.h"
#include "vocabulary.h"

#define TERMS_MOST 4096
#define TERM_ALONE UINT16_MAX /* there were too many: it is judged where it stands */

/* A term of a rule's top-level list (or its whole condition): its number among all rules' terms, and its node. */
struct ask {
	uint16_t term, at;
};

struct loaded_rule {
	struct rule rule;
	struct expression when;
	struct ask *asks;
	int ask_count;
	uint8_t evidence[VERDICT_MOST_EVIDENCE];
	int evidences;
	int mechanism; /* its number */
	bool accuses;  /* rule_accuses */
	bool answers;  /* not inconclusive: that a capture can't tell is no other answer to what happened */
};

#define TEXT_MOST_NEEDLES 8

/* An entry of server-texts.yaml; bit sets 0 and counts 0 mean any. Needles are lower case and owned. */
struct server_text {
	uint8_t where, status;
	char *codes[TEXT_MOST_NEEDLES], *texts[TEXT_MOST_NEEDLES];
	int code_count, text_count;
	enum word_refusal means;
};

struct issuer {
	const char *product;
	char *needle; /* lower case, owned */
};

/* What rules ask, each once: a node of the first rule's expression that asks it. */
struct term {
	const struct expression *expression;
	int at;
	unsigned asks; /* bits of enum open: of such facts */
	int rules;     /* how many ask it */
	uint64_t *asked_by; /* those, a bit each */
};

/* A set of rules, a bit each, is worked on in blocks of four words; they stand in registers. */
#define BLOCK 4
struct rule_block {
	uint64_t word[BLOCK];
};

static inline void block_less(struct rule_block *of, const uint64_t *less)
{
	of->word[0] &= ~less[0];
	of->word[1] &= ~less[1];
	of->word[2] &= ~less[2];
	of->word[3] &= ~less[3];
}

#define NEED_MOST 6
#define NEEDS_MOST 256

/* What rules need whatever else holds: one of these facts with another value than nothing, none, 0; or (lack) the first without one. */
struct need {
	uint8_t fact[NEED_MOST];
	uint8_t count;
	uint8_t asks;    /* bits of enum open: of such facts */
	bool lack;
	uint64_t *rules; /* those, a bit each */
};

struct rules {
	struct document *documents;
	int document_count, document_room;
	struct loaded_rule *list;
	int count, room;
	struct term *terms;
	int term_count;
	struct need needs[NEEDS_MOST];
	int need_count;
	size_t words;        /* of a set of rules, 64 bits a word: whole blocks */
	uint64_t *rule_sets; /* sets of rules behind each other: those that accuse, all, each term's `asked_by`, then the needs' `rules` */
	uint64_t *need_sets; /* the last of those */
	struct server_text *server_texts;
	int server_text_count, server_text_room;
	struct issuer *issuers;
	int issuer_count, issuer_room;
	struct inside_model inside;
	struct provider *providers;
	int provider_count, provider_room;
	const char *answers[ANSWER_COUNT][LANGUAGE_COUNT];
	/* The last column is the default. */
	const char *advice[STEP_COUNT][LANGUAGE_COUNT][MECHANISM_MOST + 1];
};

/* Room for one more element in a growing array; NULL: no memory. */
void *rules_grow(void *list, int count, int *room, size_t size);

/* One file each, by its name (load.c); mistakes are told to the document. */
void load_verdicts(struct rules *r, struct document *d);
void load_server_texts(struct rules *r, struct document *d);
void load_issuers(struct rules *r, struct document *d);
void load_advice(struct rules *r, struct document *d);
void load_providers(struct rules *r, struct document *d);
void load_answers(struct rules *r, struct document *d);
void load_inside(struct rules *r, struct document *d);
/* Free what these own. */
void inside_free(struct inside_model *m);
void server_text_free(struct server_text *t);

/* --- terms.c --- */

/* Facts that a judgement leaves open: a term over them holds where they may yet come to make it hold. */
enum open { OPEN_INFERRED = 1, OPEN_DRIFTING = 2 };

/* One judgement of all rules over one view: how their terms came out so far. */
struct judging {
	const struct rules *rules;
	const struct fact_view *view;
	const struct texts *texts;
	unsigned open;             /* bits of enum open */
	uint8_t known[TERMS_MOST]; /* enum, by the term's number */
};
enum { TERM_OPEN, TERM_FAILS, TERM_HOLDS };

/* Numbers the terms once all rules are loaded; false: no memory. */
bool terms_number(struct rules *r);
void judging_begin(struct judging *j, const struct rules *r, const struct fact_view *view, const struct texts *texts, unsigned open);
bool ask_holds(struct judging *j, const struct loaded_rule *rule, struct ask ask);
/* Of what kinds of facts that is: bits of enum open. */
unsigned fact_openness(int fact);

/* --- needs.c --- */

/* Finds what the rules need, once their terms are numbered. */
void needs_find(struct rules *r);
/* Leaves of a block of rules, which begins at that word of their sets, those whose needs are met. */
void rules_in_question(const struct judging *j, size_t word, struct rule_block *of);
/* Those of a block two of whose needs are not met, each of another term: they fail by more than one. */
void rules_far(const struct judging *j, size_t word, struct rule_block *twice);

/* --- match.c --- */

/* The rule that stands behind all others: nothing else matched. */
const struct rule *last_rule(void);

/* How a rule's condition came out. failing: where its one failing term stands, when it failed by exactly one. */
enum fit { FIT_NO, FIT_NEAR, FIT_YES };
struct fitting {
	enum fit fit;
	uint16_t failing;
	uint16_t held; /* terms of the top-level list that held */
};
struct fitting rule_fit(const struct loaded_rule *rule, struct judging *judging);

#endif
