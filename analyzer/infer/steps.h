/* Between the files of this room: the timeline as steps, and how well a step fits a meaning. */
#ifndef IMAPWHY_INFER_STEPS_H
#define IMAPWHY_INFER_STEPS_H

#include "infer.h"

/* Turns entries into steps: the records of one answer are one step; tickets, close_notify and key updates are none. Returns how many,
 * -1 where nothing can be told. */
int steps_of(const struct inside_case *c, struct inside_step into[INSIDE_STEPS]);

/* What is supposed of both sides while a dialogue is tried. */
struct supposed {
	int tag;                            /* length */
	const struct inside_server *server; /* NULL: none that is known */
	const struct inside_client *client;
};

/* The steps, and what does not depend on what is supposed. */
struct sight {
	const struct inside_model *model;
	const struct inside_case *c;
	struct inside_step step[INSIDE_STEPS];
	int steps;
	bool said_before[INSIDE_STEPS]; /* the server said something of that length before */
	uint8_t reminds[INSIDE_STEPS];  /* bits: the answers known that it may be like */
	bool gave[2];                   /* answers of the server to logins that it refused, to those that it accepted, are known */
	const struct inside_lengths *lengths[INSIDE_STEPS];
	const float *delay_log[INSIDE_STEPS]; /* by meaning */
	float odd_log[INSIDE_STEPS];
	int end_span;
	struct inside_lengths range[INSIDE_STEPS]; /* only of steps whose length is not known to the byte */
};
/* False: nothing can be told. */
bool sight_of(const struct inside_model *model, const struct inside_case *c, struct sight *into);

/* The natural logarithm; nothing is believed to be impossible. */
float likelihood(double p);
/* Fills in the logarithms of `usual`. */
void lengths_ready(const struct inside_model *model, struct inside_lengths *lengths);
/* The bucket of a length known to the byte. */
int length_bucket(const struct inside_model *model, unsigned length);
/* Works out how well a record of that length, below SHORT_MOST, fits a meaning that has texts, under each tag. */
void texts_ready(struct inside_model *model, enum meaning meaning, uint16_t length);

/* Natural logarithms of likelihoods. */
float fit_size(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning);
float fit_delay(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning);
float fit_follows(const struct sight *sight, const struct supposed *s, int dialogue_step);
float fit_end(const struct sight *sight, const struct supposed *s, enum phase phase);
/* After a login was refused: the next is hardly half as short, nor let in by an answer as long as that, nor refused by one of another length. */
float fit_again(const struct sight *sight, int step, enum meaning meaning);
/* Of an answer that is like those this server gave to logins of that kind, only to those of the other, or to none; 0: it gave none. */
float fit_known(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning, const struct answer **like);

/* Length, delay and answers known: under the best tag of each group; under the tags of 1, 2, 3… bytes, both sides unknown; under each of
 * `count` suppositions. */
void fit_groups(const struct sight *sight, int step, enum meaning meaning, float into[GROUPS]);
void fit_tags(const struct sight *sight, int step, enum meaning meaning, float into[LANES]);
void fit_lanes(const struct sight *sight, const struct supposed s[LANES], int count, int step, enum meaning meaning, float into[LANES]);

#endif
