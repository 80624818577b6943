/* What one analysis holds: the state that pipeline, triage, sessions, judging and cases share; nothing else in the program sees it. */
#ifndef IMAPWHY_ANALYSIS_H
#define IMAPWHY_ANALYSIS_H

#include "attempts.h"
#include "context.h"
#include "drive.h"
#include "inside.h"
#include "lookups.h"
#include "pipeline.h"

#define ENDPOINTS 4096
#define DROPS_MOST 64
#define WANTED_MOST 64

/* Packets that the capture dropped in a span of time. */
struct drops {
	nanoseconds from, until;
	uint64_t packets;
};

struct analysis {
	struct analysis_options options;
	const struct rules *rules;
	struct report *report;
	struct decoder *decoder;
	struct flow_table *flows;
	struct wheel *wheel;
	struct attempts *attempts;
	struct context context;
	struct incidents *incidents;
	unsigned companions;            /* bits by their place: those that are not read as IMAP because of --port */
	struct lookups *lookups;
	struct session_shared shared;
	size_t session_room;            /* what sessions may take */
	struct decryptor *decryptor; /* NULL: no secrets were given */
	bool keylog;                 /* they come from a key log, which is for all recordings */
	uint64_t mail_port[65536 / 64]; /* the triage's bit map */
	struct endpoint mail_end[ENDPOINTS]; /* found by their greeting */
	uint64_t mail_end_port[65536 / 64]; /* the ports of any of them */
	nanoseconds now, first, lookups_looked;
	struct moment last;
	uint64_t forgotten[FORGOTTEN_KINDS]; /* in recordings that are over, whose tables are gone */
	uint64_t packets, bytes, skipped, duplicates, cut, sessions, matched;
	struct {
		uint64_t id[WANTED_MOST]; /* incidents that a chosen session belongs to, the newest ones, a ring */
		unsigned count;
		bool now;                 /* a chosen session is being told to the incidents */
	} wanted;
	struct report_sessions all, chosen; /* by outcome, corrected where a verdict was */
	struct other_proofs proofs; /* of the newest view */
	struct hash_key key;
	void (*keep)(void *context, const struct frame *frame); /* NULL: nobody does */
	void *keep_context;
	struct {                /* of the session judged last */
		struct inside_case of;
		struct answer answers[ANSWERS_MOST];
		struct inside result;
		bool known, glanced; /* glanced: a first look was enough, the result is not whole */
	} inside;
	bool ending;
	struct drops drops[DROPS_MOST]; /* the newest spans, a ring */
	uint64_t drops_count;
};

#endif
