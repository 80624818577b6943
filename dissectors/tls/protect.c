/* Opens records with libcrypto's ciphers; what is our own is nonces, additional data and where the padding ends. */
#include "protect.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "protocol.h"
#include "schedule.h"

#define BLOCK_MOST 16
#define MAC_MOST 48
#define KEY_MOST 32
#define PSEUDO_HEADER 13 /* sequence number, type, version, length */

struct protection {
	const struct suite *suite;
	struct schedule *schedule;
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;           /* CBC */
	uint64_t sequence;          /* of the next record */
	uint16_t version;
	bool encrypt_then_mac;
	uint8_t explicit_part;
	uint8_t iv[BLOCK_MOST];     /* AEAD: the nonce's fixed part; TLS 1.0: the last block of the record before */
	uint8_t secret[SECRET_MOST]; /* 1.3: what KeyUpdate goes on from */
	size_t secret_len;
};

/* --- making one --- */

void protection_destroy(struct protection **protection)
{
	struct protection *p = *protection;

	if (!p)
		return;
	EVP_CIPHER_CTX_free(p->cipher);
	EVP_MAC_CTX_free(p->mac);
	OPENSSL_cleanse(p, sizeof *p);
	free(p);
	*protection = NULL;
}

static bool set_cipher(struct protection *p)
{
	const EVP_CIPHER *cipher = schedule_cipher(p->schedule, p->suite);

	if (!cipher || !p->cipher || EVP_DecryptInit_ex2(p->cipher, cipher, NULL, NULL, NULL) <= 0)
		return false;
	if (p->suite->sealing == SEALED_CBC)
		EVP_CIPHER_CTX_set_padding(p->cipher, 0);
	return p->suite->sealing != SEALED_CCM || (EVP_CIPHER_CTX_ctrl(p->cipher, EVP_CTRL_AEAD_SET_IVLEN, NONCE_BYTES, NULL) > 0 &&
						   EVP_CIPHER_CTX_ctrl(p->cipher, EVP_CTRL_AEAD_SET_TAG, p->suite->tag, NULL) > 0);
}

static bool set_key(struct protection *p, const uint8_t *key)
{
	return EVP_DecryptInit_ex2(p->cipher, NULL, key, NULL, NULL) > 0;
}

static bool set_mac(struct protection *p, const uint8_t *key)
{
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)p->suite->mac, 0),
				      OSSL_PARAM_construct_end() };
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	p->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	return p->mac && EVP_MAC_init(p->mac, key, p->suite->tag, params) > 0;
}

/* Takes back what could not be made whole. */
static struct protection *if_good(struct protection *p, bool good)
{
	if (!good)
		protection_destroy(&p);
	ERR_clear_error();
	return p;
}

static struct protection *protection_new(struct schedule *schedule, const struct suite *suite, uint16_t version)
{
	struct protection *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->schedule = schedule;
	p->suite = suite;
	p->version = version;
	p->explicit_part = version == TLS13 || (version <= TLS10 && suite->sealing == SEALED_CBC) ? 0 : suite->explicit_part;
	p->cipher = EVP_CIPHER_CTX_new();
	return if_good(p, set_cipher(p));
}

/* Bytes of each side's IV in the key block. */
static size_t iv_bytes(const struct suite *suite, uint16_t version)
{
	if (suite->sealing == SEALED_CBC)
		return version <= TLS10 ? suite->explicit_part : 0;
	return NONCE_BYTES - suite->explicit_part;
}

struct protection *protection_of_master(struct schedule *schedule, const struct suite *suite, const struct master *m, enum direction from)
{
	uint8_t block[2 * (MAC_MOST + KEY_MOST + BLOCK_MOST)], seed[2 * RANDOM_BYTES];
	size_t mac = suite->mac ? suite->tag : 0, key = suite->key, iv = iv_bytes(suite, m->version), mine = from == FROM_SERVER;
	struct protection *p = protection_new(schedule, suite, m->version);

	if (!p)
		return NULL;
	memcpy(seed, m->server_random, RANDOM_BYTES);
	memcpy(seed + RANDOM_BYTES, m->client_random, RANDOM_BYTES);
	bool good = prf(schedule, m->version < TLS12 ? "MD5-SHA1" : suite->hash, m->secret, "key expansion", bytes_of(seed, sizeof seed), block,
			2 * (mac + key + iv)) &&
		    set_key(p, block + 2 * mac + mine * key) && (mac == 0 || set_mac(p, block + mine * mac));
	if (good)
		memcpy(p->iv, block + 2 * (mac + key) + mine * iv, iv);
	p->encrypt_then_mac = m->encrypt_then_mac && suite->sealing == SEALED_CBC;
	OPENSSL_cleanse(block, sizeof block);
	return if_good(p, good);
}

/* Keys of the secret at hand (RFC 8446 7.3). */
static bool take_traffic_secret(struct protection *p)
{
	uint8_t key[KEY_MOST];
	struct bytes secret = bytes_of(p->secret, p->secret_len);
	bool good = expand_label(p->schedule, p->suite->hash, secret, "key", key, p->suite->key) &&
		    expand_label(p->schedule, p->suite->hash, secret, "iv", p->iv, NONCE_BYTES) && set_key(p, key);

	OPENSSL_cleanse(key, sizeof key);
	p->sequence = 0;
	return good;
}

bool protection_renew(struct protection *p, struct bytes secret)
{
	p->secret_len = secret.len < sizeof p->secret ? secret.len : sizeof p->secret;
	memcpy(p->secret, secret.data, p->secret_len);
	return take_traffic_secret(p);
}

struct protection *protection_of_traffic(struct schedule *schedule, const struct suite *suite, struct bytes secret)
{
	struct protection *p = protection_new(schedule, suite, TLS13);

	return p ? if_good(p, protection_renew(p, secret)) : NULL;
}

bool protection_update(struct protection *p)
{
	uint8_t next[SECRET_MOST];
	bool good = expand_label(p->schedule, p->suite->hash, bytes_of(p->secret, p->secret_len), "traffic upd", next, p->secret_len) &&
		    protection_renew(p, bytes_of(next, p->secret_len));

	OPENSSL_cleanse(next, sizeof next);
	return good;
}

/* --- opening --- */

static void put_number(uint8_t *into, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		into[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
}

/* What is authenticated beside the content up to TLS 1.2. */
static void pseudo_header(const struct protection *p, uint64_t sequence, uint8_t type, size_t len, uint8_t into[PSEUDO_HEADER])
{
	put_number(into, sequence, 8);
	into[8] = type;
	put_number(into + 9, p->version, 2);
	put_number(into + 11, len, 2);
}

static size_t additional_data(const struct protection *p, uint64_t sequence, uint8_t type, size_t sealed, size_t len,
			      uint8_t into[PSEUDO_HEADER])
{
	if (p->version != TLS13) {
		pseudo_header(p, sequence, type, len, into);
		return PSEUDO_HEADER;
	}
	into[0] = type;
	put_number(into + 1, TLS12, 2);
	put_number(into + 3, sealed, 2);
	return 5;
}

static void nonce_of(const struct protection *p, uint64_t sequence, const uint8_t *explicit_part, uint8_t nonce[NONCE_BYTES])
{
	memcpy(nonce, p->iv, NONCE_BYTES);
	if (p->explicit_part) {
		memcpy(nonce + NONCE_BYTES - p->explicit_part, explicit_part, p->explicit_part);
		return;
	}
	for (size_t i = 0; i < 8; i++)
		nonce[NONCE_BYTES - 1 - i] ^= (uint8_t)(sequence >> 8 * i);
}

static bool open_aead(struct protection *p, uint64_t sequence, uint8_t type, struct bytes sealed, uint8_t *plain, size_t *len)
{
	uint8_t nonce[NONCE_BYTES], data[PSEUDO_HEADER];
	bool ccm = p->suite->sealing == SEALED_CCM;
	EVP_CIPHER_CTX *c = p->cipher;
	int n = 0, last = 0;

	if (sealed.len < (size_t)p->explicit_part + p->suite->tag)
		return false;
	size_t content = sealed.len - p->explicit_part - p->suite->tag;
	const uint8_t *body = sealed.data + p->explicit_part;
	size_t data_len = additional_data(p, sequence, type, sealed.len, content, data);
	nonce_of(p, sequence, sealed.data, nonce);
	if (EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, p->suite->tag, (void *)(uintptr_t)(body + content)) <= 0 ||
	    EVP_DecryptInit_ex2(c, NULL, NULL, nonce, NULL) <= 0 || (ccm && EVP_DecryptUpdate(c, NULL, &n, NULL, (int)content) <= 0) ||
	    EVP_DecryptUpdate(c, NULL, &n, data, (int)data_len) <= 0)
		return false;
	/* CCM judges in the one call, all others in the last; a call for nothing would be taken for the end. */
	if ((content || ccm) && EVP_DecryptUpdate(c, plain, &n, body, (int)content) <= 0)
		return false;
	if (!ccm && EVP_DecryptFinal_ex(c, plain + content, &last) <= 0)
		return false;
	*len = content;
	return true;
}

static bool mac_fits(struct protection *p, uint64_t sequence, uint8_t type, size_t len, struct bytes content, const uint8_t *mac)
{
	uint8_t header[PSEUDO_HEADER], made[EVP_MAX_MD_SIZE];
	size_t made_len = 0;

	pseudo_header(p, sequence, type, len, header);
	return EVP_MAC_init(p->mac, NULL, 0, NULL) > 0 && EVP_MAC_update(p->mac, header, sizeof header) > 0 &&
	       EVP_MAC_update(p->mac, content.data, content.len) > 0 && EVP_MAC_final(p->mac, made, &made_len, sizeof made) > 0 &&
	       made_len == p->suite->tag && CRYPTO_memcmp(made, mac, made_len) == 0;
}

/* Blocks to content and padding; the IV stands ahead of them, or is left over from the record before. */
static bool decipher(struct protection *p, struct bytes blocks, uint8_t *plain)
{
	size_t block = p->suite->explicit_part;
	const uint8_t *iv = p->explicit_part ? blocks.data : p->iv;
	int n;

	blocks = bytes_part(blocks, p->explicit_part, blocks.len);
	return blocks.len >= block && blocks.len % block == 0 && EVP_DecryptInit_ex2(p->cipher, NULL, NULL, iv, NULL) > 0 &&
	       EVP_DecryptUpdate(p->cipher, plain, &n, blocks.data, (int)blocks.len) > 0 && (size_t)n == blocks.len;
}

/* Without its padding. */
static bool strip(const uint8_t *plain, size_t *len)
{
	size_t padding = plain[*len - 1];

	if (padding + 1 > *len)
		return false;
	for (size_t i = *len - 1 - padding; i < *len; i++)
		if (plain[i] != padding)
			return false;
	*len -= padding + 1;
	return true;
}

static bool open_cbc(struct protection *p, uint64_t sequence, uint8_t type, struct bytes sealed, uint8_t *plain, size_t *len)
{
	size_t mac = p->suite->tag;
	struct bytes blocks = sealed;

	if (sealed.len < p->explicit_part + mac)
		return false;
	if (p->encrypt_then_mac) {
		blocks.len -= mac;
		if (!mac_fits(p, sequence, type, blocks.len, blocks, blocks.data + blocks.len))
			return false;
	}
	if (!decipher(p, blocks, plain))
		return false;
	size_t n = blocks.len - p->explicit_part;
	if (!strip(plain, &n))
		return false;
	if (!p->encrypt_then_mac) {
		if (n < mac)
			return false;
		n -= mac;
		if (!mac_fits(p, sequence, type, n, bytes_of(plain, n), plain + n))
			return false;
	}
	if (!p->explicit_part)
		memcpy(p->iv, blocks.data + blocks.len - p->suite->explicit_part, p->suite->explicit_part);
	*len = n;
	return true;
}

static bool open_as(struct protection *p, uint64_t sequence, uint8_t type, struct bytes sealed, uint8_t *plain, size_t *len)
{
	bool (*const how)(struct protection *, uint64_t, uint8_t, struct bytes, uint8_t *, size_t *) =
		p->suite->sealing == SEALED_CBC ? open_cbc : open_aead;

	if (sealed.len > SEALED_MOST)
		return false;
	if (how(p, sequence, type, sealed, plain, len))
		return true;
	ERR_clear_error();
	return false;
}

int protection_open(struct protection *p, unsigned most, uint8_t type, struct bytes sealed, uint8_t *plain, size_t *len)
{
	for (unsigned lost = 0; lost <= most; lost++)
		if (open_as(p, p->sequence + lost, type, sealed, plain, len)) {
			p->sequence += lost + 1;
			return (int)lost;
		}
	return -1;
}
