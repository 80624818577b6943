/* Signals set flags; the run looks at them between frames. */
#include "signals.h"

#include <stddef.h>

static volatile sig_atomic_t stop, reopen, tell;

static void on_signal(int number)
{
	if (number == SIGHUP)
		reopen = 1;
	else if (number == SIGUSR1)
		tell = 1;
	else
		stop = 1;
}

void signals_catch(bool live)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	if (live)
		sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

volatile sig_atomic_t *signals_stop(void)
{
	return &stop;
}

static bool take(volatile sig_atomic_t *flag)
{
	if (!*flag)
		return false;
	*flag = 0;
	return true;
}

bool signals_reopen(void)
{
	return take(&reopen);
}

bool signals_tell(void)
{
	return take(&tell);
}
