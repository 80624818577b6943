/* A service (server address and port) as its clients met it: who was served, who was not, what it offered. */
#ifndef IMAPWHY_SERVICES_H
#define IMAPWHY_SERVICES_H

#include "ageing.h"

/* Something that another session showed. */
struct shown {
	struct moment at;
	uint64_t session;
	struct address client;
};

/* The table is made by context.c, of records so large. */
struct services {
	struct ageing *table;
};
extern const size_t services_record;

/* It served that client; it failed it: the newest of each stays. */
void services_served(struct services *services, const struct endpoint *server, const struct shown *shown);
void services_failed(struct services *services, const struct endpoint *server, const struct shown *shown);
/* Accepted, and left without a greeting for so long that the service is stuck. */
void services_ungreeted(struct services *services, const struct endpoint *server, const struct shown *shown);
void services_offers_starttls(struct services *services, const struct endpoint *server, const struct shown *shown);

/* What is known of a service; NULL: nothing. Borrowed until another is told of. */
const struct service *services_find(const struct services *services, const struct endpoint *server);
/* Clients other than `client` between two times. Both counts may hold the same client. */
struct others {
	int all, served, failed;
	bool more;                /* more clients than are remembered */
	struct shown last_served, last_failed;
};
void service_others(const struct service *service, const struct address *client, nanoseconds from,
		     nanoseconds to, struct others *into);
/* Another session that was accepted between two times and not greeted, since when nobody got in. */
bool service_stuck(const struct service *service, uint64_t session, nanoseconds from, nanoseconds to,
		    struct shown *into);
/* Another client to which it offered STARTTLS between two times. */
bool service_offered(const struct service *service, const struct address *client, nanoseconds from,
		      nanoseconds to, struct shown *into);

#endif
