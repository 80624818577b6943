/* Who took a service's certificate and went on, and who comes to a service and leaves again and again. */
#ifndef IMAPWHY_CERTIFICATES_H
#define IMAPWHY_CERTIFICATES_H

#include "services.h"

/* The tables are made by context.c, of records so large. */
struct certificates {
	struct ageing *names, *leavers;
};
extern const size_t certificates_name_record, certificates_leaver_record;

/* A client that asked that service for that name (SNI, lower case) went on to work after the handshake. */
void certificates_taken(struct certificates *certificates, const struct endpoint *server, const char *name, const struct shown *shown);
/* A client said that it refuses the certificate (an alert, not a mere leaving). */
void certificates_refused(struct certificates *certificates, const struct endpoint *server, const char *name, nanoseconds at);
/* The newest session other than that one which took it between two times, nobody having refused it since. */
bool certificates_taken_by(const struct certificates *certificates, const struct endpoint *server, const char *name, uint64_t session,
			   nanoseconds from, nanoseconds to, struct shown *into);

/* The session of shown->client left that service without a login. It may be told several times. */
void certificates_left(struct certificates *certificates, const struct endpoint *server, const struct shown *shown);
/* How many other sessions of the client left so at most `within` before or after that moment; `into`: the newest of them. */
int certificates_left_by(const struct certificates *certificates, const struct endpoint *server, const struct address *client, uint64_t session,
			 nanoseconds at, nanoseconds within, struct shown *into);

#endif
