/* DNS messages (RFC 1035), as far as look-ups of host names need them. */
#ifndef IMAPWHY_DNS_H
#define IMAPWHY_DNS_H

#include "address.h"
#include "bytes.h"

#define DNS_MOST_ANSWERS 16

struct dns_message {
	uint16_t id;
	bool response, truncated; /* truncated: by the server (TC) */
	bool cut;                 /* it announces more answers than could be read */
	uint8_t rcode;
	uint16_t qtype; /* 1 A, 28 AAAA, others as they are */
	char name[256]; /* the question's name, lower case, without the last dot; bytes that are no printable ASCII as '?' */
	uint8_t answers; /* A and AAAA records kept, at the end of a CNAME chain or not */
	struct address answer[DNS_MOST_ANSWERS];
	char canonical[256]; /* the last CNAME's target, "" where there is none */
};

/* Reads a message (UDP payload, or TCP payload without its length prefix). False: not DNS, or not a query with exactly one question. */
bool dns_read(struct bytes message, struct dns_message *into);
/* Does this name look like a mail host's? (labels such as imap, mail, mx, pop, smtp, and numbered forms of them) */
bool dns_mail_name(const char *name);

#endif
