/* Sessions are made and freed beside the small records by which the flow table finds them. */
#include "tracked.h"

#include <stdlib.h>

struct session *tracked_begin(struct tracked *t, struct session_shared *shared)
{
	t->session = calloc(1, sizeof *t->session);
	if (t->session)
		session_begin(t->session, &t->flow, shared);
	return t->session;
}

void tracked_release(struct tracked *t)
{
	session_release(t->session);
	free(t->session);
	t->session = NULL;
}
