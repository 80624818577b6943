/* Documents: JSON in the Elastic Common Schema, text for people. Fields: docs/report.schema.json. */
#ifndef IMAPWHY_REPORT_H
#define IMAPWHY_REPORT_H

#include "context.h"
#include "infer.h"
#include "rules.h"
#include "session.h"

enum usernames { USERNAMES_HASH, USERNAMES_MASK, USERNAMES_CLEAR, USERNAMES_OFF };

/* A frame that a document cites, and what it says. */
struct report_citation {
	struct moment at;
	const char *says;
};

/* Who keeps the frames that documents cite. */
struct report_citing {
	void *context;
	const char *file; /* where they stand */
	/* What the document `session` (an event.id) cites, in the order of frames; borrowed. Called before the document is written. */
	void (*cite)(void *context, const char *session, const struct report_citation *list, int count);
	/* A frame's number in `file`; 0: it has none there, or not yet. */
	uint32_t (*number)(void *context, struct moment at);
};

struct report_options {
	enum { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_NONE } output;
	enum usernames usernames;
	const char *language;   /* "en", "ar" */
	uint16_t community_seed;
	bool color, verbose;
	unsigned width;         /* columns of the text */
	bool utc;               /* times of the text in UTC, not local */
	bool live;              /* no frame numbers to share but those of `citing` */
	const struct report_citing *citing; /* NULL: frames cited are not kept; outlives the report */
};

/* What a report of one session is made from; all borrowed. */
struct report_case {
	const struct session_summary *session;
	const struct fact_view *view; /* [FACT_COUNT] */
	const struct verdict *verdict;
	const char *id, *revises;     /* event.id; revises NULL: none */
	const struct inside *inside;  /* the dialogue inside TLS, NULL: none was inferred */
};

/* Sessions by outcome; probes stand apart from the healthy. */
struct report_sessions {
	uint64_t healthy, failed, degraded, inconclusive, probes;
};

struct report_stats {
	uint64_t packets, skipped, malformed, duplicates, cut, fragments_dropped, too_deep;
	uint64_t files_broken, blocks_skipped; /* capture files cut off or damaged; pcapng blocks of unknown kinds */
	uint64_t capture_received, capture_dropped, interface_dropped, interface_lost;
	uint64_t flows_tracked, flows_now, evicted_attempts, evicted_settled, evicted_prelogin, evicted_loggedin;
	uint64_t forgotten[FORGOTTEN_KINDS]; /* records of other traffic that left for room */
	uint64_t memory_bytes;
	uint64_t gaps, bytes_lost, capped;
	uint64_t documents_written, documents_lost;
	uint64_t rules_loaded, rules_matched;
	uint64_t evidence_saved, evidence_lost; /* frames of --save-evidence */
	uint64_t speakers_asked, speakers_told, speakers_refused; /* flows shown to nDPI */
	struct {
		bool used; /* secrets were given */
		uint64_t sessions, records, bytes;                        /* read inside TLS */
		uint64_t keys_missing, keys_wrong, stopped, unknown_suite; /* sessions not read, or no further */
		uint64_t capped, evicted, secrets_lost; /* records without room, sessions whose secrets had to leave, blocks of secrets not taken */
	} decryption;
	uint64_t facts_lost, texts_lost;
	struct report_sessions all, chosen; /* analysed; chosen by their ends and time to be reported */
	double seconds;
	const char *source;
	nanoseconds first, last, now; /* capture time: of the first and last packet, and as it stands */
};

struct report_attempts {
	struct endpoint server;
	uint64_t count, sources; /* sources: estimated */
	struct moment first, last;
};

/* Where a report goes: a whole line, or a block of lines, at a time. False: it was lost, which is counted. */
struct report_out {
	void *context;
	bool (*put)(void *context, const char *text, size_t len);
};

struct report;
/* All of its arguments but `out` and `options`, which are copied, must outlive it. file_name: of moment.file. NULL: no memory. */
struct report *report_create(const struct report_out *out, const struct report_options *options, const struct rules *rules, const struct texts *texts,
			     const char *(*file_name)(const void *context, uint16_t file), const void *context);
void report_destroy(struct report **report);
/* False: report_session would drop what it is given. */
bool report_wants_sessions(const struct report *report);
void report_session(struct report *report, const struct report_case *c);
void report_incident(struct report *report, const struct incident_told *told, nanoseconds now);
void report_attempts(struct report *report, const struct report_attempts *a, nanoseconds now);
/* Text output: prints the blocks folded and sorted, and the summary table; JSON: the stats document. */
void report_finish(struct report *report, const struct report_stats *stats, nanoseconds now);
/* The counters as they stand, in between. */
void report_snapshot(struct report *report, const struct report_stats *stats, nanoseconds now);

#endif
