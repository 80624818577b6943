/* The NSS key log format (draft-ietf-tls-keylogfile): lines of a label, the client's random and a secret, in hexadecimal. Older forms name
 * the session by its id or by the first bytes of its encrypted pre-master secret, and tell that. */
#ifndef IMAPWHY_TLS_KEYLOG_H
#define IMAPWHY_TLS_KEYLOG_H

#include "secrets.h"

struct keylog_counts {
	uint64_t lines;       /* read, comments and empty ones included */
	uint64_t secrets;     /* taken into the table */
	uint64_t ignored;     /* of no use here: exporter secrets, labels of other protocols */
	uint64_t wrong;       /* not as the format says */
	uint64_t first_wrong; /* number of the first such line, from 1; 0: none */
};

/* Reads whole lines; the last one may lack its end. Counts go on from what `counts` holds. */
void keylog_read(struct secrets *secrets, struct bytes text, struct keylog_counts *counts);

#endif
