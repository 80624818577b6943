/* What key logs told: a bounded table from a client's random, or what else names a session, to its secrets. */
#ifndef IMAPWHY_TLS_SECRETS_H
#define IMAPWHY_TLS_SECRETS_H

#include "bytes.h"
#include "hash.h"

#define RANDOM_BYTES 32
#define MASTER_BYTES 48
#define SECRET_MOST 48 /* as long as the longest hash of any suite (SHA-384) */

enum secret {
	SECRET_MASTER, /* up to TLS 1.2 */
	SECRET_PREMASTER,
	SECRET_CLIENT_EARLY,
	SECRET_CLIENT_HANDSHAKE,
	SECRET_SERVER_HANDSHAKE,
	SECRET_CLIENT_TRAFFIC,
	SECRET_SERVER_TRAFFIC,
	SECRET_COUNT
};

struct secrets;
/* Room for as many sessions as fit into most_bytes; the one told first leaves first, wiped. NULL: no memory. */
struct secrets *secrets_create(size_t most_bytes, struct hash_key key);
void secrets_destroy(struct secrets **secrets);

/* What stands in the place of a client's random where a session is named by its id, its ticket or how its encrypted pre-master secret
 * begins. False: there is no name. */
bool secrets_name(struct bytes name, uint8_t into[RANDOM_BYTES]);

/* Keeps a copy; one of the same session and kind is replaced. False: longer than SECRET_MOST, or empty. */
bool secrets_add(struct secrets *secrets, const uint8_t random[RANDOM_BYTES], enum secret kind, struct bytes value);
/* Borrowed until the next secrets_add; empty where there is none. */
struct bytes secrets_find(struct secrets *secrets, const uint8_t random[RANDOM_BYTES], enum secret kind);
/* Who is asked when secrets_find finds none: true, and it is looked for once more. It may call secrets_add and must limit its own rate. */
void secrets_refill(struct secrets *secrets, bool (*more)(void *context), void *context);
/* Sessions that had to leave. */
uint64_t secrets_evicted(const struct secrets *secrets);

#endif
