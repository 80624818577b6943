/* What signals ask for. The handlers can reach nothing else, so these few flags belong to the whole program. */
#ifndef IMAPWHY_SIGNALS_H
#define IMAPWHY_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* SIGINT, SIGTERM: end and report; SIGHUP: the output was rotated (reading files: it ends, as everywhere); SIGUSR1: tell the counters. */
void signals_catch(bool live);
volatile sig_atomic_t *signals_stop(void);
/* Was it asked for since the last call? */
bool signals_reopen(void);
bool signals_tell(void);

#endif
