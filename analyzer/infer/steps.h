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
	double size[INSIDE_STEPS][MEANINGS];
	float size_log[INSIDE_STEPS][MEANINGS], delay_log[INSIDE_STEPS][MEANINGS], odd_log[INSIDE_STEPS];
};
/* False: nothing can be told. */
bool sight_of(const struct inside_model *model, const struct inside_case *c, struct sight *into);

/* Natural logarithms of likelihoods. */
float fit_size(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning);
float fit_delay(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning);
float fit_follows(const struct sight *sight, const struct supposed *s, int dialogue_step);
float fit_end(const struct sight *sight, const struct supposed *s, enum phase phase);
/* After a login was refused: the next is hardly let in by an answer as long as that, nor refused by one of another length. */
float fit_again(const struct sight *sight, int step, enum meaning meaning);
/* Of an answer that is like those this server gave before to logins of that kind; 0: it gave none. */
float fit_known(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning, const struct answer **like);

#endif
