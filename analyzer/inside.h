/* Asks for the dialogue inside TLS where no key was given, and tells it as facts. */
#ifndef IMAPWHY_INSIDE_H
#define IMAPWHY_INSIDE_H

#include "drive.h"
#include "infer.h"

/* The session's case; false: it has none (no TLS, met in mid-stream, read with keys) or plainly works
 * (`whole`: is asked all the same). `into` borrows from the session. */
bool inside_case(const struct session *session, const struct fact_view view[FACT_COUNT], bool whole, struct inside_case *into);
/* Remembers that these records show nothing wrong, where so: until more come, waiting alone changes that no more. */
void inside_remember(struct session *session, const struct inside_case *c, const struct inside *inside);
/* Sets the facts inside.*, and names the session that showed an answer like this one before (`proofs` NULL: does not). */
void inside_facts(const struct inside *inside, struct fact_view view[FACT_COUNT], struct other_proofs *proofs);
/* What the session tells of its server's answers: false where its login is told by its answer alone, or not at all. */
bool inside_answer(const struct inside *inside, struct answer *into);

#endif
