/* What a verdict needs beside the session's own facts: what server texts mean. */
#ifndef IMAPWHY_COMPLETE_H
#define IMAPWHY_COMPLETE_H

#include "rules.h"

/* Sets the facts that say what refusals and farewells mean, by server-texts.yaml and what else the login shows. */
void complete_texts(struct fact_view view[FACT_COUNT], const struct rules *rules, const struct texts *texts);

#endif
