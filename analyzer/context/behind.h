/* Devices behind one address (NAT): told apart by their clocks, their systems' lifetimes and their TLS hellos. */
#ifndef IMAPWHY_BEHIND_H
#define IMAPWHY_BEHIND_H

#include "ageing.h"
#include "packet.h"

/* The table is made by context.c, of records so large. */
struct behind {
	struct ageing *table;
};
extern const size_t behind_record;

/* A SYN to a mail server. */
void behind_syn(struct behind *behind, const struct packet *syn);
/* A session's ClientHello, by its JA4. */
void behind_hello(struct behind *behind, const struct address *client, const char *ja4, nanoseconds at);
/* At least so many devices; 1 where nothing shows more, or nothing is known. */
int behind_devices(const struct behind *behind, const struct address *client);

#endif
