/* What stands beside the sessions: DNS, whose answers and silence look-ups keep, and ICMP errors, which sessions and look-ups are told. */
#ifndef IMAPWHY_BESIDE_H
#define IMAPWHY_BESIDE_H

#include "analysis.h"

void hear_dns(struct analysis *a, const struct packet *p, struct bytes message);
void hear_dns_over_tcp(struct analysis *a, const struct packet *p);
void hear_icmp(struct analysis *a, const struct packet *p);

#endif
