/* The walk of a packet: source → decode → triage → flow → session → case → verdict → report. */
#ifndef IMAPWHY_PIPELINE_H
#define IMAPWHY_PIPELINE_H

#include "packet.h"
#include "report.h"
#include "rules.h"
#include "source.h"

#define PORTS_MOST 64

struct analysis_options {
	uint16_t ports[PORTS_MOST]; /* beside IMAP's own */
	int port_count;
	size_t memory;          /* hard limit in bytes */
	uint64_t seed;
	struct user_policy users;
	bool explain;           /* write every rule and term of each session to `explain_to` */
	FILE *explain_to;
	/* what is reported, not what is analysed */
	bool companions;        /* POP3 and submission sessions that are well, too */
	unsigned outcomes;      /* bits 1 << enum outcome; 0: all */
	struct address client, server;
	int client_bits, server_bits; /* 0: all */
	const char *server_name, *user;
	nanoseconds since, until; /* 0: none */
};

struct analysis;
/* The rules must outlive it. NULL and error: out of memory. */
struct analysis *analysis_create(const struct analysis_options *options, const struct rules *rules, struct error *error);
void analysis_destroy(struct analysis **analysis);
/* Borrowed; for the report, which outlives no analysis. */
const struct texts *analysis_texts(const struct analysis *analysis);
/* Where verdicts, incidents and attempts go; it stays the caller's. None: they are counted alone. */
void analysis_report_to(struct analysis *analysis, struct report *report);

/* Who wants to keep the frames that sessions are made of; called once for each, after it was looked at. */
void analysis_keep(struct analysis *analysis, void (*keep)(void *context, const struct frame *frame), void *context);
/* Secrets of TLS sessions, lines of a key log (keylog.h), whose counts go on: what stands in sessions that begin from now on is read with
 * them. An empty text makes sessions wait a while for secrets to come. */
struct keylog_counts;
void analysis_secrets(struct analysis *analysis, struct bytes text, struct keylog_counts *counts);
/* Who is asked when a session lacks its secrets; it may call analysis_secrets, and says whether any came. It limits its own rate. */
void analysis_secrets_wanted(struct analysis *analysis, bool (*more)(void *context), void *context);

/* The next frame of the capture: borrowed until return. */
void analysis_frame(struct analysis *analysis, const struct frame *frame);
/* Nothing arrived: capture time went on. */
void analysis_clock(struct analysis *analysis, nanoseconds now);
/* The capture dropped packets between the two moments: what sessions of that time lack may have been among them. */
void analysis_dropped(struct analysis *analysis, uint64_t packets, nanoseconds from, nanoseconds until);
/* Tells the single attempts counted since the last time, in documents of their own. */
void analysis_attempts(struct analysis *analysis);
/* The capture (or recording) ends: every session is judged and forgotten. */
void analysis_end(struct analysis *analysis);
/* Frames whose link type is not known were skipped: how many, the first of them, its type. */
uint64_t analysis_unknown_links(const struct analysis *analysis, struct moment *first, uint16_t *type);
/* All counters as they stand. `source` is the one whose frames it was given. */
void analysis_stats(struct analysis *analysis, const struct source *source, struct report_stats *into);

#endif
