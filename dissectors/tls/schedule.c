/* Both key schedules through libcrypto's EVP_KDF. */
#include "schedule.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static OSSL_PARAM octets(const char *name, struct bytes b)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)b.data, b.len);
}

static OSSL_PARAM digest(const char *hash)
{
	return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)hash, 0);
}

static bool derive(const char *name, const OSSL_PARAM *params, uint8_t *into, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool good = context && EVP_KDF_derive(context, into, len, params) > 0;

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return good;
}

bool expand_label(const char *hash, struct bytes secret, const char *label, uint8_t *into, size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		digest(hash),
		octets(OSSL_KDF_PARAM_KEY, secret),
		octets(OSSL_KDF_PARAM_PREFIX, bytes_of_text("tls13 ")),
		octets(OSSL_KDF_PARAM_LABEL, bytes_of_text(label)),
		OSSL_PARAM_construct_end(),
	};

	return derive("TLS13-KDF", params, into, len);
}

bool prf(const char *hash, struct bytes secret, const char *label, struct bytes seed, uint8_t *into, size_t len)
{
	const OSSL_PARAM params[] = {
		digest(hash),
		octets(OSSL_KDF_PARAM_SECRET, secret),
		octets(OSSL_KDF_PARAM_SEED, bytes_of_text(label)),
		octets(OSSL_KDF_PARAM_SEED, seed),
		OSSL_PARAM_construct_end(),
	};

	return derive("TLS1-PRF", params, into, len);
}
