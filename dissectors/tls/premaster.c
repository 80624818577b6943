/* Master secrets out of pre-master secrets (RFC 5246 8.1), the extended ones by the handshake's messages (RFC 7627 4). */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "decryption.h"
#include "protocol.h"
#include "text.h"

#define ENCRYPTED_NAME 8 /* of its first bytes, as key logs write it */

static void hello_drop(struct decryption *d)
{
	decryptor_give_back(d->shared, d->hello, d->hello_len);
	d->hello = NULL;
	d->hello_len = 0;
}

void transcript_drop(struct decryption *d)
{
	hello_drop(d);
	EVP_MD_CTX_free(d->transcript);
	d->transcript = NULL;
}

static void header_of(uint8_t type, size_t len, uint8_t into[MESSAGE_HEADER])
{
	into[0] = type;
	into[1] = (uint8_t)(len >> 16);
	into[2] = (uint8_t)(len >> 8);
	into[3] = (uint8_t)len;
}

/* Which hash it takes is not known before ServerHello. */
static void keep_hello(struct decryption *d, struct bytes body)
{
	transcript_drop(d);
	d->session_hash_len = 0;
	d->has_premaster = false;
	d->hello = decryptor_take(d->shared, MESSAGE_HEADER + body.len);
	if (!d->hello)
		return;
	d->hello_len = (uint32_t)(MESSAGE_HEADER + body.len);
	header_of(CLIENT_HELLO, body.len, d->hello);
	memcpy(d->hello + MESSAGE_HEADER, body.data, body.len);
}

static const EVP_MD *hash_of(const struct decryption *d)
{
	if (d->version < TLS12)
		return EVP_md5_sha1();
	return strcmp(d->suite->hash, "SHA384") == 0 ? EVP_sha384() : EVP_sha256();
}

static void transcript_begin(struct decryption *d)
{
	if (d->hello && d->extended_master && d->suite && d->version < TLS13) {
		d->transcript = EVP_MD_CTX_new();
		if (d->transcript &&
		    (EVP_DigestInit_ex(d->transcript, hash_of(d), NULL) <= 0 || EVP_DigestUpdate(d->transcript, d->hello, d->hello_len) <= 0))
			transcript_drop(d);
	}
	hello_drop(d);
}

static void transcript_add(struct decryption *d, uint8_t type, struct bytes body)
{
	uint8_t header[MESSAGE_HEADER];

	header_of(type, body.len, header);
	if (d->transcript && (EVP_DigestUpdate(d->transcript, header, sizeof header) <= 0 || EVP_DigestUpdate(d->transcript, body.data, body.len) <= 0))
		transcript_drop(d);
}

/* The pre-master secret encrypted for the server's RSA key stands behind its length; with other key exchanges nothing is told of this name. */
static void key_exchange(struct decryption *d, struct bytes body)
{
	unsigned len = 0;

	d->has_premaster = body.len >= 2 + ENCRYPTED_NAME && secrets_name(bytes_part(body, 2, ENCRYPTED_NAME), d->premaster);
	if (d->transcript && EVP_DigestFinal_ex(d->transcript, d->session_hash, &len) > 0)
		d->session_hash_len = (uint8_t)len;
	transcript_drop(d);
}

void decryption_handshake(struct tls_state *st, enum direction from, uint8_t type, struct bytes body)
{
	struct decryption *d = st->decryption;

	if (type == CLIENT_HELLO && from == FROM_CLIENT) {
		keep_hello(d, body);
		return;
	}
	if (type == SERVER_HELLO)
		transcript_begin(d);
	if (type != HELLO_REQUEST)
		transcript_add(d, type, body);
	if (type == CLIENT_KEY_EXCHANGE && from == FROM_CLIENT)
		key_exchange(d, body);
}

bool master_of_premaster(struct decryption *d)
{
	uint8_t master[MASTER_BYTES], randoms[2 * RANDOM_BYTES];
	struct bytes secret = secrets_find(d->shared->secrets, d->client_random, SECRET_PREMASTER), seed = bytes_of(randoms, sizeof randoms);
	const char *label = "master secret";

	if (secret.len == 0 && d->has_premaster)
		secret = secrets_find(d->shared->secrets, d->premaster, SECRET_PREMASTER);
	if (secret.len == 0 || (d->extended_master && !d->session_hash_len))
		return false;
	memcpy(randoms, d->client_random, RANDOM_BYTES);
	memcpy(randoms + RANDOM_BYTES, d->server_random, RANDOM_BYTES);
	if (d->extended_master) {
		label = "extended master secret";
		seed = bytes_of(d->session_hash, d->session_hash_len);
	}
	bool good = prf(d->shared->schedule, d->version < TLS12 ? "MD5-SHA1" : d->suite->hash, secret, label, seed, master, sizeof master) &&
		    secrets_add(d->shared->secrets, d->client_random, SECRET_MASTER, bytes_of(master, sizeof master));
	wipe(master, sizeof master);
	return good;
}
