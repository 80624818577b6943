/* Reads what the best walks came to: each step's meaning, the terms that decide, the login. */
#ifndef IMAPWHY_INFER_READING_H
#define IMAPWHY_INFER_READING_H

#include "walk.h"

/* So far ahead of every other kind of outcome, a session that worked needs no closer look. */
#define CLEARLY 9.0

/* What came of a dialogue that stands there when the session ends. */
enum word_inside outcome_of(int state, enum word_end ended);
/* Was there so long a wait that it matters what for, unless it was for nothing that was asked? */
bool waited_long(const struct sight *sight, const struct walked way[INSIDE_STEPS]);
/* All but the dialogues. */
void inside_begin(const struct sight *sight, struct inside *into);
/* The dialogue of a way that was walked, all but what came of it and its score. */
void read_dialogue(const struct sight *sight, const struct walk *walk, int lane, const struct walked way[INSIDE_STEPS],
		   struct inside_dialogue *into);
/* From the best and the next best: what tells them apart, the login that decided, what is left of certainty. */
void read_inside(const struct inside_model *model, struct inside *i);

#endif
