/* What a verdict needs beside the session's own facts: other traffic, and what server texts mean. */
#ifndef IMAPWHY_COMPLETE_H
#define IMAPWHY_COMPLETE_H

#include "hosts.h"
#include "rules.h"

void complete_context(struct fact_view view[FACT_COUNT], const struct hosts *hosts, const struct endpoint *client, const struct endpoint *server,
		   nanoseconds began, nanoseconds now);
void complete_texts(struct fact_view view[FACT_COUNT], const struct rules *rules, const struct texts *texts);

#endif
