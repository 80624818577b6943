/* What the files of this room share: the report's state, its evidence, its writer. */
#ifndef IMAPWHY_PARTS_H
#define IMAPWHY_PARTS_H

#include "json.h"
#include "report.h"
#include "words.h"

#define DOCUMENT_MOST 8000 /* bytes of a line: collectors cut longer ones */

/* --- community.c --- */
struct community;
struct community *community_create(uint16_t seed);
void community_destroy(struct community **community);
#define COMMUNITY_TEXT 32
/* Community ID v1 of a connection into a buffer of COMMUNITY_TEXT; NULL: no digest. */
const char *community_id(struct community *c, uint8_t protocol, const struct endpoint *a, const struct endpoint *b, char *into);

/* --- redact.c --- */
struct shown_user {
	const char *name; /* masked; NULL: not shown */
	char hash[17];    /* "": not shown */
};
/* name: as the policy kept it, NULL: not known; hash: 0: not known. */
struct shown_user redact_user(enum usernames mode, const char *name, uint64_t hash);
void put_user(const struct shown_user *shown, struct json_object *document);
/* May the fact be shown at all? */
bool redact_allows(enum usernames mode, enum fact_id id);

/* --- evidence.c --- */
struct proof {
	enum fact_id id;
	const struct fact_view *fact;
	bool absent;       /* shows that nothing came, from fact->at.time to `until` */
	nanoseconds until;
};
/* The verdict's `most` most telling proofs in the order of their frames; how many others there are goes to `more`. */
int evidence_collect(const struct report *report, const struct report_case *c, struct proof *into, int most, int *more);

/* The other session that shows the fact, NULL: this one does. */
const struct other_proof *evidence_other(const struct report_case *c, enum fact_id id);
/* The evidence line of a proof. */
const char *evidence_says(const struct report *report, const struct report_case *c, const struct proof *p, char *into, size_t room);

struct notice {
	const char *id;
	char says[240];
	uint32_t frame; /* 0: none */
};
#define NOTICES_MOST 13
int evidence_notices(const struct report *report, const struct report_case *c, struct notice into[NOTICES_MOST]);

/* A rule's text with each {fact.word} as its value. */
const char *evidence_fill(const struct report *report, const struct report_case *c, const char *text, char *into, size_t room);
/* The rule's step as a sentence; its word where no rules are loaded. */
const char *evidence_advice(const struct report *report, const struct rule *rule, int step);
/* --- answers.c --- */
struct step_answer {
	char says[400];
	bool done;        /* nothing is left to do for that step */
	struct moment at; /* frame 0: no frame shows it */
	uint64_t session; /* whose frame it is; 0: this session's, or of traffic that is no session */
};
/* Whether traffic answers the step, and how. */
bool answer_step(const struct report *report, const struct report_case *c, const char *step, struct step_answer *into);

/* The stage that the rule names, else how far the session came. */
const char *case_stage(const struct report_case *c);
/* Known, and other than zero. */
bool case_has(const struct report_case *c, enum fact_id id);
/* A set text fact, NULL where it is not. */
const char *case_text(const struct report *report, const struct report_case *c, enum fact_id id);
/* A set word fact, NULL where it is not or stands at its first word (none). */
const char *case_word(const struct report_case *c, enum fact_id id);

/* --- report.c --- */
/* Hands a whole line (or block of lines) to where the report goes; what is lost is counted. */
void report_put(struct report *report, const char *text, size_t len);
/* The file in which others find that frame, and its number there; NULL: none that can be shared. */
const char *report_place(const struct report *report, const struct moment *at, uint32_t *frame);

/* --- names.c --- */
const char *tls_version_name(int64_t version, bool *ssl); /* "1.2"; NULL: not known */
#define SUITE_TEXT 8
/* The suite's IANA name, else its number into a buffer of SUITE_TEXT. */
const char *tls_suite_name(int64_t suite, char *into);

/* --- json_session.c, json_counts.c --- */
void json_session(struct report *report, const struct report_case *c);
void json_attempts(struct report *report, const struct report_attempts *a, nanoseconds now);
void json_stats(struct report *report, const struct report_stats *stats, nanoseconds now);
void json_observer(const struct report *report, struct json_object *document, uint16_t file);
/* Begins a document that is no session's; json_finish writes and drops it. */
struct json_object *json_counted(const char *dataset, const char *kind, const char *type, nanoseconds now, nanoseconds first, nanoseconds last);
void json_finish(struct report *report, struct json_object *document);
/* --- incidents.c */
void json_incident(struct report *report, const struct incident_told *told, nanoseconds now);
void json_end(const char *key, struct json_object *document, const struct endpoint *end);

/* How much of a document is shown; documents that come out too long are made again with less. */
struct limits {
	int evidence, alternatives, advice;
	size_t text, word;
};
/* Room for the lists of one document, which are made beside it. */
#define LISTS_ROOM 16384
/* json_own.c: the object of our own. */
/* False: its lists are too long for any document. */
bool json_own(struct report *report, const struct report_case *c, const struct limits *limits, struct json_object *document);

/* --- json_inside.c --- */
/* At most so many of the dialogue's records; returns how many were left out. */
int json_inside_records(const struct report *report, const struct inside *inside, int most, struct rows *rows);
void json_inside_terms(const struct report *report, const struct inside *inside, int most, struct rows *rows);

/* --- text.c --- */
struct blocks;
struct blocks *blocks_create(void);
void blocks_destroy(struct blocks **blocks);
void text_session(struct report *report, const struct report_case *c);
void text_incident(struct report *report, const struct incident_told *told);
void text_attempts(struct report *report, const struct report_attempts *a);
void text_counts(struct report *report, const struct report_stats *stats);
void text_finish(struct report *report, const struct report_stats *stats);

/* Facts that rule texts name, found once: by where the name stands. */
#define FILL_CACHE 512
struct fill_cache {
	const char *at[FILL_CACHE];
	int16_t fact[FILL_CACHE];
};

struct report {
	struct report_options options;
	const struct rules *rules;
	const struct texts *texts;
	const char *(*file_name)(const void *context, uint16_t file);
	const void *context;
	struct report_out out;
	uint64_t written, lost; /* lines and blocks handed out, and those that were not */
	struct report_line line;
	struct community *community;
	struct blocks *blocks;
	struct fill_cache *fill;
	char *lists; /* LISTS_ROOM */
};

#endif
