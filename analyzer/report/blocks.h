/* The blocks of a text report, collected within bounds: the same failure again is one block with a count. */
#ifndef IMAPWHY_BLOCKS_H
#define IMAPWHY_BLOCKS_H

#include "lines.h"
#include "parts.h"
#include "words.h"

/* Worst first. */
enum rank { RANK_FAILED, RANK_DEGRADED, RANK_UNDECIDED, RANK_HEALTHY, RANKS };

/* What makes two failures the same. */
struct block_key {
	struct address client;
	struct endpoint server;
	const char *mechanism;
	uint64_t name; /* hash of the name asked for */
};

struct block {
	struct block_key key;
	enum rank rank;
	uint64_t count;   /* 0: withdrawn */
	nanoseconds start, duration; /* of the first */
	uint16_t file;
	uint64_t incident; /* that one of them belongs to; 0: none */
	char id[64];      /* of the newest */
	char *head, *body;
	size_t client_len; /* of the head: "CLIENT → " */
	uint32_t next;    /* in its bucket; 0: none */
	bool printed, came; /* came: live, printed when it came */
};

/* The block of that failure, made where there is none; NULL: no room, which is counted. */
struct block *blocks_take(struct blocks *blocks, const struct block_key *key, enum rank rank, bool *is_new);
void block_fill(struct block *b, const char *head, size_t client_len, const struct lines *body);
/* A later document corrects the one of that id. */
void blocks_withdraw(struct blocks *blocks, const char *id);
/* Blocks name their file once there is more than one. */
void blocks_saw_file(struct blocks *blocks, uint16_t file);
/* The newest word on an incident, in place of what was said of it before; empty: it went into another. */
void blocks_incident(struct blocks *blocks, uint64_t id, const struct lines *text);
/* incidents.c: an incident as a line, and what to do. */
void text_incident_lines(const struct report *report, const struct incident_told *told, struct lines *out);
void blocks_attempts(struct blocks *blocks, const struct report_attempts *a);
/* Columns of the report: 80 at most, 40 at least. */
unsigned block_width(const struct report *report);
const char *block_color(enum rank rank);
/* The hour, in the terminal's zone. */
void block_time(const struct report *report, nanoseconds time, char *into, size_t room);
void blocks_print_one(struct report *report, struct block *b);
void blocks_print(struct report *report);

#endif
