/* One run: frames from a source through the analysis to the report, whatever happens on the way. */
#ifndef IMAPWHY_RUN_H
#define IMAPWHY_RUN_H

#include "options.h"

/* Prints errors itself. The exit status: 0 analysed, 1 something could not be read or written to its end, 2 it could not begin as asked. */
int run(struct options *options, const struct rules *rules);
/* Says it on standard error. */
void complain(const char *text);

#endif
