/* What stands beside the sessions: DNS, whose answers and silence look-ups keep, and ICMP errors, which sessions and look-ups are told. */
#ifndef IMAPWHY_BESIDE_H
#define IMAPWHY_BESIDE_H

#include "analysis.h"

/* A DNS message over UDP, either way. */
void hear_dns(struct analysis *a, const struct packet *p, struct bytes message);
/* A segment to or from port 53: messages that stand whole in it (RFC 1035 4.2.2). */
void hear_dns_over_tcp(struct analysis *a, const struct packet *p);
/* An ICMP error with the packet that it quotes. */
void hear_icmp(struct analysis *a, const struct packet *p);

#endif
