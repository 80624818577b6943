/* For packing_test.py: the program, but that a session is packed and unpacked each time before anybody gets hold of it (ld --wrap). */
#include <stdlib.h>

#include "tracked.h"

struct session *__real_tracked_wake(struct tracked *tracked, struct session_shared *shared);
struct session *__wrap_tracked_wake(struct tracked *tracked, struct session_shared *shared);

struct session *__wrap_tracked_wake(struct tracked *t, struct session_shared *shared)
{
	if (t->session)
		tracked_rest(t);
	if (t->session)
		abort(); /* it should have been packed */
	return __real_tracked_wake(t, shared);
}
