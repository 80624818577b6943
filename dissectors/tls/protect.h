/* Record protection of one direction: opens sealed records whose keys are known (RFC 8446 5.2, RFC 5246 6.2.3). */
#ifndef IMAPWHY_TLS_PROTECT_H
#define IMAPWHY_TLS_PROTECT_H

#include "moment.h"
#include "schedule.h"
#include "secrets.h"

/* The longest body of a record: 2^14 and what a seal may add (RFC 5246 6.2.3). */
#define SEALED_MOST 18432

struct protection;

/* What keys are made from up to TLS 1.2; all borrowed for the call. */
struct master {
	struct bytes secret;
	const uint8_t *client_random, *server_random; /* RANDOM_BYTES each */
	uint16_t version;
	bool encrypt_then_mac; /* RFC 7366 */
};

/* What `from` seals. NULL: libcrypto would not (no memory, a cipher that it lacks). */
struct protection *protection_of_master(struct schedule *schedule, const struct suite *suite, const struct master *master, enum direction from);
/* TLS 1.3, from a traffic secret. The schedule must outlive it. */
struct protection *protection_of_traffic(struct schedule *schedule, const struct suite *suite, struct bytes secret);
void protection_destroy(struct protection **protection);

/* Opens the body of a record into `plain` (room for SEALED_MOST), where up to `most` records before it may have been lost. TLS 1.3:
 * padding and the type within are still at its end. Returns how many were lost; -1: it does not fit the keys, nothing is stepped
 * over and `plain` holds nothing of use. */
int protection_open(struct protection *p, unsigned most, uint8_t type, struct bytes sealed, uint8_t *plain, size_t *len);
/* TLS 1.3: goes on with another traffic secret, from the first record on. False: libcrypto would not. */
bool protection_renew(struct protection *p, struct bytes secret);
/* TLS 1.3: goes on with the next generation of keys (KeyUpdate). False: libcrypto would not. */
bool protection_update(struct protection *p);

#endif
