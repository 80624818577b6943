/* Reads what the best walks came to: each step's meaning, the terms that decide, the login. */
#ifndef IMAPWHY_INFER_READING_H
#define IMAPWHY_INFER_READING_H

#include "walk.h"

/* The dialogue that led to a state, all but what came of it and its score. */
void read_dialogue(const struct sight *sight, const struct walk *walk, int lane, int state, struct inside_dialogue *into);
/* From the best and the next best: what tells them apart, the login that decided, what is left of certainty. */
void read_inside(const struct inside_model *model, struct inside *i);

#endif
