/* Keyed hashing for tables whose keys an attacker chooses (SipHash-1-3). */
#ifndef IMAPWHY_HASH_H
#define IMAPWHY_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_bytes(struct hash_key key, const void *data, size_t len);

#endif
