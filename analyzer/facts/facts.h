/* Facts: what is known of a session, each with the moment that set it. The list is facts.def; nothing else names them. */
#ifndef IMAPWHY_FACTS_H
#define IMAPWHY_FACTS_H

#include "bytes.h"
#include "hash.h"
#include "moment.h"

enum fact_id {
#define FACT(name, word, type, enumeration, fold, absence, says, meaning) FACT_##name,
#include "facts.def"
#undef FACT
	FACT_COUNT
};

enum fact_type { FACT_BOOL, FACT_NUMBER, FACT_DURATION, FACT_SIZE, FACT_TIME, FACT_TEXT, FACT_WORD };
enum fact_fold { FOLD_FIRST, FOLD_LAST, FOLD_MAX, FOLD_MIN, FOLD_COUNT, FOLD_SUM };
enum fact_absence { ABSENT_UNKNOWN, ABSENT_ZERO, ABSENT_CLIENT, ABSENT_SERVER, ABSENT_BOTH };

/* Enumerations of words.def: ENUM_end, ENUM_side …, and their words: END_open, SIDE_client … as WORD_end_open. */
enum enumeration {
	ENUM_none,
#define WORDS(name, list) ENUM_##name,
#include "words.def"
#undef WORDS
	ENUM_COUNT
};

struct fact_kind {
	const char *word;    /* as rules and reports call it */
	enum fact_type type;
	enum enumeration words;
	enum fact_fold fold;
	enum fact_absence absence;
	const char *says;    /* evidence line, {} is the value */
	const char *meaning; /* for docs/facts.md */
};

extern const struct fact_kind fact_kinds[FACT_COUNT];

/* The words of an enumeration, NULL-terminated; NULL for ENUM_none. */
const char *const *enumeration_words(enum enumeration e);
/* A word's number, -1 where the enumeration has none such. */
int enumeration_number(enum enumeration e, const char *word);
/* The fact of that rule word, -1: none such. */
int fact_by_word(const char *word);
/* Whether it may change without a packet of its session, of which nothing is owed (drive.h): as time goes by, or by what others show. */
bool fact_drifts(enum fact_id id);
/* What a word's number reads as; "?" out of range. */
const char *fact_word(enum fact_id id, int64_t value);

/* Texts are kept once and counted; number 0 is no text. The table is bounded: when full, texts_keep returns 0 and
 * counts it. */
struct texts;
struct texts *texts_create(size_t most_bytes);
void texts_destroy(struct texts **texts);
/* Keeps a cleaned copy (printable UTF-8, at most 400 bytes of it); one reference for the caller. */
uint32_t texts_keep(struct texts *texts, struct bytes text);
void texts_release(struct texts *texts, uint32_t number);
const char *texts_get(const struct texts *texts, uint32_t number); /* "" for 0 */
uint64_t texts_lost(const struct texts *texts);
size_t texts_bytes(const struct texts *texts);

/* A session's set facts, packed and sorted by id: most sessions set a score of them. */
struct fact {
	int64_t value; /* TEXT: a number of texts; WORD: of its enumeration */
	nanoseconds time;
	uint32_t frame;
	uint16_t file;
	uint8_t id;
	uint8_t from; /* enum direction of the frame */
};

struct facts {
	struct fact *list;
	uint8_t count, room;
};

struct packer;
/* Packs or unpacks their list; `facts` itself stands in a struct that was. */
void facts_pack(struct packer *p, struct facts *facts);
void facts_clear(struct facts *facts, struct texts *texts);
const struct fact *facts_find(const struct facts *facts, enum fact_id id);

/* How names of users are kept: masked beside a hash, unless the operator asked for clear ones. */
struct user_policy {
	struct hash_key key; /* secret of the installation: who lacks it can't try names out on the hashes */
	bool clear;
};
/* The hash of a user's name, whatever the case of its letters. Never 0. */
uint64_t user_hash(const struct user_policy *policy, struct bytes name);

/* How dissectors and trackers speak: each observation folds into its fact as facts.def says. */
struct observer {
	struct facts *facts;
	struct texts *texts;
	struct moment at;    /* the frame that carries the last byte looked at */
	enum direction from; /* whose frame it is */
	uint64_t *lost;      /* counts observations that found no memory */
	const struct user_policy *users; /* NULL: names are masked and not hashed */
};

/* Sets a fact, or adds to it, as facts.def says, at the observer's moment. */
void observe(struct observer *o, enum fact_id id, int64_t value);
/* At another moment than the current one (the frame that asked, not the one that ended the waiting). */
void observe_at(struct observer *o, enum fact_id id, int64_t value, struct moment at, enum direction from);
/* A text fact: kept as texts_keep does; where there is no room it stays as it was, counted. */
void observe_text(struct observer *o, enum fact_id id, struct bytes text);

/* Word numbers: WORD_side_client and so on. */
#include "words_enum.h" /* made from words.def */

/* --- The dense view of a case, for rules and reports. --- */
struct fact_view {
	int64_t value;
	struct moment at;
	uint8_t from;
	bool known; /* false: unknown; no term over it matches */
	bool set;   /* set by an observation, not by what absence means */
};

#endif
