/* Connections that worked, by who opened them: what an attempt beside them lost its race to. */
#ifndef IMAPWHY_RACES_H
#define IMAPWHY_RACES_H

#include "ageing.h"

/* Attempts of one race: happy eyeballs start the other family within 250 ms (RFC 8305); without them the first attempt is given up before. */
#define RACE_WITHIN (5 * SECOND)

struct winner {
	struct moment began;
	nanoseconds ended; /* 0: still open, as far as was told */
	uint64_t session;
	struct endpoint client, server;
};

/* The tables are made by context.c, both of records so large. */
struct races {
	struct ageing *by_client, *by_name;
};
extern const size_t races_record;

/* name: by which the server is known; NULL: none. */
void races_worked(struct races *races, const struct winner *winner, const char *name);
/* One that worked is closed; name as it was told then. */
void races_ended(struct races *races, const struct endpoint *client, const struct endpoint *server, const char *name, nanoseconds at);
/* From when to when a connection was open. */
struct open_span {
	nanoseconds began, ended;
};
/* Were both open at once? One after the other is no race. */
bool races_beside(const struct winner *winner, struct open_span span);
/* A connection of the same client to the same port that worked, was opened within that time of the span's start and was open beside it, but
 * not this one. */
bool races_won(const struct races *races, const struct endpoint *client, const struct endpoint *server, struct open_span span,
	       nanoseconds within, struct winner *into);
/* A connection that worked by the other address family to the same name and port, opened within that time of the span in which this one was
 * tried. The client's address is another one there: nearness in time and the name tell whose it is. */
bool races_other_family(const struct races *races, const struct endpoint *server, const char *name, struct open_span tried, nanoseconds within,
			struct winner *into);

#endif
