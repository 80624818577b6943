/* Keyed hashing for tables whose keys an attacker chooses (SipHash-1-3). */
#ifndef IMAPWHY_HASH_H
#define IMAPWHY_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* 64 bits of `len` bytes; who does not know the key can choose none that collide. */
uint64_t hash_bytes(struct hash_key key, const void *data, size_t len);

/* Multiplies to 128 bits and folds (as wyhash does), for what is hashed often and short. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
