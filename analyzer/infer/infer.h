/* Infers the dialogue inside TLS from its records: the one that fits best, the next best, and what tells them apart. */
#ifndef IMAPWHY_INFER_H
#define IMAPWHY_INFER_H

#include <stdio.h>

#include "answers.h"
#include "model.h"
#include "records.h"

/* A record of the client, or an answer of the server with all its records. */
struct inside_step {
	struct plain_length all, first; /* of plaintext: of all its records, of the first one */
	nanoseconds after;              /* since the end of the one before it */
	struct moment at;
	enum direction from;
	bool middle;                    /* stands for many that were not kept */
};

struct inside_case {
	const struct tls_records *records;
	uint16_t version, cipher;
	bool starttls;        /* no greeting comes inside */
	nanoseconds began;    /* when the handshake was done, 0: not known */
	enum word_end ended;
	nanoseconds end;      /* when it ended, or until when nothing more came */
	const struct answer *known; /* that this server gave in other sessions */
	int known_count;
	bool working;         /* it got far more than anybody gets before login: servers and clients need not be told apart */
};

#define INSIDE_OUTCOMES (WORD_inside_closed + 1)
#define INSIDE_STEPS (RECORDS_MOST + 1)
#define INSIDE_TERMS 5

/* What a step is taken for, and how likely each part of that is (natural logarithms). */
struct inside_reading {
	uint8_t meaning, phase;      /* phase: after it; meaning MEANINGS: it fits nothing */
	float size, delay, follows, known;
};

/* One dialogue that may have been. */
struct inside_dialogue {
	enum word_inside what;
	double score;
	struct inside_reading reading[INSIDE_STEPS];
	float ending;        /* likelihood of how it ended */
	uint8_t tag;         /* length of the client's tags, 0: not told */
	int client, server;  /* of the model's lists, -1: none of them */
	const struct answer *like; /* the answer in another session that its login's answer is like, NULL: none */
};

struct inside_term {
	int step;            /* -1: how the session ended */
	enum { TERM_SIZE, TERM_DELAY, TERM_FOLLOWS, TERM_END, TERM_KNOWN } kind;
	float weight;        /* of the best over the next best */
};

struct inside {
	struct inside_step step[INSIDE_STEPS];
	int steps;
	bool has_second;
	struct inside_dialogue best, second; /* the second is the best that would lead to another verdict */
	double apart;        /* how much likelier (natural logarithm) all that ends like the best is than all that ends like the next best */
	int margin;          /* the same of the best's share over the next best's, per mille */
	enum word_inside what; /* the best, or unclear below the threshold */
	struct inside_term term[INSIDE_TERMS]; /* that decided, the heaviest first */
	int terms;
	int login, answer;   /* steps of the login that decided, and of its answer; -1: none */
	int refused;         /* logins refused before that */
};

/* False: there is nothing to infer from (no records, a suite without known lengths, holes). */
bool infer(const struct inside_model *model, const struct inside_case *c, struct inside *into);
/* A first look, much cheaper. True: the login was clearly accepted and nobody waited long, as `infer` would find. `into` lacks the second
 * dialogue but for what came of it; its margin is the least while client and server are not known. */
bool infer_glance(const struct inside_model *model, const struct inside_case *c, struct inside *into);
/* Every step with its likeliest meanings, the two dialogues, the terms. */
void infer_explain(const struct inside_model *model, const struct inside_case *c, FILE *out);
/* A term as a sentence. */
const char *infer_term_says(const struct inside *i, int term, char *into, size_t room);

#endif
