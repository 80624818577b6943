/* Address families: how often in a row IPv6 lost to IPv4 on the way to a server, by the client's network. */
#ifndef IMAPWHY_FAMILIES_H
#define IMAPWHY_FAMILIES_H

#include "ageing.h"

/* A server as its clients know it by either family. */
struct named_service {
	const char *name;
	uint16_t port;
};

/* The tables are made by context.c, of records so large. */
struct families {
	struct ageing *tries, *fates;
};
extern const size_t families_tries_record, families_fate_record;

/* A client tries it by IPv6. */
void families_tried(struct families *families, const struct named_service *service, const struct address *client, nanoseconds at);
/* A connection that was opened at `began` works, by the family of its client's address. */
void families_worked(struct families *families, const struct named_service *service, const struct address *client, nanoseconds began);
/* How often in a row IPv6 lost for the client, an IPv4 one being known by the IPv6 attempt beside its connection of that time. */
uint32_t families_lost(const struct families *families, const struct named_service *service, const struct address *client, nanoseconds began);

#endif
