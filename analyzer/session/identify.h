/* What somebody speaks, by the first bytes of a direction. */
#ifndef IMAPWHY_IDENTIFY_H
#define IMAPWHY_IDENTIFY_H

#include "facts.h"

/* WORD_speaker_silent: too few bytes to tell. */
enum word_speaker identify(struct bytes first, enum direction from);

#endif
