/* Devices behind one address (NAT): told apart by their clocks, their systems' lifetimes and their TLS hellos. */
#ifndef IMAPWHY_BEHIND_H
#define IMAPWHY_BEHIND_H

#include "ageing.h"
#include "packet.h"

struct behind;
struct behind *behind_create(size_t most_bytes, struct hash_key key);
void behind_destroy(struct behind **behind);
/* A SYN to a mail server. */
void behind_syn(struct behind *behind, const struct packet *syn);
/* A session's ClientHello, by its JA4. */
void behind_hello(struct behind *behind, const struct address *client, const char *ja4, nanoseconds at);
/* At least so many devices; 1 where nothing shows more, or nothing is known. */
int behind_devices(const struct behind *behind, const struct address *client);
/* Records forgotten for room. */
uint64_t behind_evicted(const struct behind *behind);
size_t behind_bytes(const struct behind *behind);

#endif
