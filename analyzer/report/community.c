/* Community ID v1: the name of a connection that other tools give it too (github.com/corelight/community-id-spec). */
#include <openssl/evp.h>
#include <stdlib.h>

#include "parts.h"

struct community {
	EVP_MD *sha1;
	EVP_MD_CTX *digest; /* kept: making one costs more than the digest */
	uint16_t seed;
};

struct community *community_create(uint16_t seed)
{
	struct community *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->seed = seed;
	c->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	c->digest = EVP_MD_CTX_new();
	if (!c->digest)
		community_destroy(&c);
	return c;
}

void community_destroy(struct community **community)
{
	if (!*community)
		return;
	EVP_MD_CTX_free((*community)->digest);
	EVP_MD_free((*community)->sha1);
	free(*community);
	*community = NULL;
}

static size_t add(uint8_t *into, size_t at, const void *data, size_t len)
{
	memcpy(into + at, data, len);
	return at + len;
}

static size_t add_be16(uint8_t *into, size_t at, uint16_t value)
{
	into[at] = (uint8_t)(value >> 8);
	into[at + 1] = (uint8_t)value;
	return at + 2;
}

const char *community_id(struct community *c, uint8_t protocol, const struct endpoint *a, const struct endpoint *b, char *into)
{
	size_t size = a->address.family == 4 ? 4 : 16, len = 0;
	uint8_t input[2 + 16 + 16 + 2 + 4], sum[EVP_MAX_MD_SIZE];
	unsigned int sum_len = 0;
	int order = memcmp(a->address.byte, b->address.byte, size);

	/* Both directions give the same: the smaller end stands first. */
	if (order > 0 || (order == 0 && a->port > b->port)) {
		const struct endpoint *swap = a;
		a = b;
		b = swap;
	}
	len = add_be16(input, len, c->seed);
	len = add(input, len, a->address.byte, size);
	len = add(input, len, b->address.byte, size);
	len = add_be16(input, len, (uint16_t)(protocol << 8));
	len = add_be16(input, len, a->port);
	len = add_be16(input, len, b->port);
	/* A host's policy may forbid SHA-1: then there is no id, and the document says all else. */
	if (!c->sha1 || EVP_DigestInit_ex2(c->digest, c->sha1, NULL) != 1 || EVP_DigestUpdate(c->digest, input, len) != 1 ||
	    EVP_DigestFinal_ex(c->digest, sum, &sum_len) != 1 || sum_len != 20)
		return NULL;
	memcpy(into, "1:", 2);
	EVP_EncodeBlock((unsigned char *)into + 2, sum, 20);
	return into;
}
