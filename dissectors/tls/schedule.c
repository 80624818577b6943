/* Both key schedules on libcrypto: HMAC for HKDF-Expand, its TLS1-PRF for the rest. */
#include "schedule.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

#define CIPHERS_MOST 16
#define INFO_MOST 64

struct schedule {
	EVP_MAC_CTX *hmac[2]; /* of SHA256 and SHA384 */
	EVP_KDF_CTX *prf;
	struct {
		const char *name;
		EVP_CIPHER *cipher;
	} ciphers[CIPHERS_MOST];
};

static EVP_MAC_CTX *hmac_of(const char *hash)
{
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)hash, 0),
				      OSSL_PARAM_construct_end() };
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

	EVP_MAC_free(hmac);
	if (context && EVP_MAC_CTX_set_params(context, params) > 0)
		return context;
	EVP_MAC_CTX_free(context);
	return NULL;
}

struct schedule *schedule_create(void)
{
	struct schedule *s = calloc(1, sizeof *s);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);

	if (s) {
		s->hmac[0] = hmac_of("SHA256");
		s->hmac[1] = hmac_of("SHA384");
		s->prf = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	}
	EVP_KDF_free(kdf);
	if (s && (!s->hmac[0] || !s->hmac[1] || !s->prf))
		schedule_destroy(&s);
	ERR_clear_error();
	return s;
}

void schedule_destroy(struct schedule **schedule)
{
	struct schedule *s = *schedule;

	if (!s)
		return;
	for (int i = 0; i < CIPHERS_MOST; i++)
		EVP_CIPHER_free(s->ciphers[i].cipher);
	EVP_MAC_CTX_free(s->hmac[0]);
	EVP_MAC_CTX_free(s->hmac[1]);
	EVP_KDF_CTX_free(s->prf);
	free(s);
	*schedule = NULL;
}

/* HkdfLabel (RFC 8446 7.1), and behind it the number of HKDF-Expand's one block. */
static size_t info_of(const char *label, size_t len, uint8_t info[INFO_MOST])
{
	static const char prefix[] = "tls13 ";
	size_t label_len = strlen(label), n = 0;

	info[n++] = (uint8_t)(len >> 8);
	info[n++] = (uint8_t)len;
	info[n++] = (uint8_t)(sizeof prefix - 1 + label_len);
	memcpy(info + n, prefix, sizeof prefix - 1);
	n += sizeof prefix - 1;
	memcpy(info + n, label, label_len);
	n += label_len;
	info[n++] = 0;
	info[n++] = 1;
	return n;
}

bool expand_label(struct schedule *s, const char *hash, struct bytes secret, const char *label, uint8_t *into, size_t len)
{
	EVP_MAC_CTX *hmac = s->hmac[strcmp(hash, "SHA384") == 0];
	uint8_t info[INFO_MOST], block[EVP_MAX_MD_SIZE];
	size_t info_len = info_of(label, len, info), block_len = 0;
	bool good = EVP_MAC_init(hmac, secret.data, secret.len, NULL) > 0 && EVP_MAC_update(hmac, info, info_len) > 0 &&
		    EVP_MAC_final(hmac, block, &block_len, sizeof block) > 0 && len <= block_len;

	if (good)
		memcpy(into, block, len);
	OPENSSL_cleanse(block, sizeof block);
	return good;
}

static OSSL_PARAM octets(const char *name, struct bytes b)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)b.data, b.len);
}

bool prf(struct schedule *s, const char *hash, struct bytes secret, const char *label, struct bytes seed, uint8_t *into, size_t len)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)hash, 0),
		octets(OSSL_KDF_PARAM_SECRET, secret),
		octets(OSSL_KDF_PARAM_SEED, bytes_of_text(label)),
		octets(OSSL_KDF_PARAM_SEED, seed),
		OSSL_PARAM_construct_end(),
	};
	bool good = EVP_KDF_derive(s->prf, into, len, params) > 0;

	EVP_KDF_CTX_reset(s->prf);
	ERR_clear_error();
	return good;
}

const EVP_CIPHER *schedule_cipher(struct schedule *s, const struct suite *suite)
{
	for (int i = 0; i < CIPHERS_MOST; i++) {
		if (!s->ciphers[i].name) {
			s->ciphers[i].name = suite->cipher;
			s->ciphers[i].cipher = EVP_CIPHER_fetch(NULL, suite->cipher, NULL);
		}
		if (strcmp(s->ciphers[i].name, suite->cipher) == 0)
			return s->ciphers[i].cipher;
	}
	return NULL;
}
