/* Asks for the dialogue inside TLS where no key was given, and tells it as facts. */
#ifndef IMAPWHY_INSIDE_H
#define IMAPWHY_INSIDE_H

#include "drive.h"
#include "infer.h"

/* The session's case; false: it has none (no TLS, met in mid-stream, read with keys). `into` borrows from the session. */
bool inside_case(const struct session *session, const struct fact_view view[FACT_COUNT], struct inside_case *into);
/* Sets the facts inside.*. */
void inside_facts(const struct inside *inside, struct fact_view view[FACT_COUNT]);

#endif
