/* Writes TLS handshakes, records and alerts of TLS 1.2 and 1.3 for the benchmark's sessions. */
#include "tls_shapes.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static unsigned char chain[8192]; /* the body of a Certificate message */
static size_t chain_bytes;
static char server_name[64];

struct text {
	unsigned char bytes[9000];
	size_t length;
};

static void add(struct text *t, const void *bytes, size_t length)
{
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
}

static void add_number(struct text *t, unsigned n, int width)
{
	while (width--)
		t->bytes[t->length++] = (unsigned char)(n >> 8 * width);
}

static void add_noise(struct text *t, struct flow *f, size_t length)
{
	add(t, noise_pool() + below(&f->seed, NOISE_BYTES - 65536), length);
}

static void add_text(struct text *into, const struct text *t, int width)
{
	add_number(into, (unsigned)t->length, width);
	add(into, t->bytes, t->length);
}

static EVP_PKEY *key_of(uint64_t seed)
{
	unsigned char raw[32];

	for (size_t i = 0; i < 32; i += 8) {
		uint64_t n = roll(&seed);
		memcpy(raw + i, &n, 8);
	}
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, sizeof raw);
}

static void name_entry(X509_NAME *name, const char *field, const char *value)
{
	X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)value, -1, -1, 0);
}

static void extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *certificate(EVP_PKEY *own, EVP_PKEY *signer, const char *subject, const char *issuer)
{
	X509 *x = X509_new();
	char names[200];

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 77777);
	ASN1_TIME_set_string(X509_getm_notBefore(x), "20260101000000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20281231000000Z");
	name_entry(X509_get_subject_name(x), "O", "Example Mail");
	name_entry(X509_get_subject_name(x), "CN", subject);
	name_entry(X509_get_issuer_name(x), "O", "Bench Authority");
	name_entry(X509_get_issuer_name(x), "CN", issuer);
	snprintf(names, sizeof names, "DNS:%s,DNS:imap.example.org,DNS:smtp.example.org,DNS:pop.example.org", server_name);
	extension(x, NID_subject_alt_name, names);
	extension(x, NID_key_usage, "critical,digitalSignature");
	extension(x, NID_ext_key_usage, "serverAuth,clientAuth");
	X509_set_pubkey(x, own);
	X509_sign(x, signer, NULL);
	return x;
}

static void add_certificate(struct text *t, X509 *x)
{
	struct text der = { .length = 0 };
	unsigned char *at = der.bytes;

	der.length = (size_t)i2d_X509(x, &at);
	add_text(t, &der, 3);
	X509_free(x);
}

void tls_prepare(uint64_t seed, const char *name)
{
	struct text list = { .length = 0 }, body = { .length = 0 };
	EVP_PKEY *own = key_of(seed), *root = key_of(seed + 1);

	snprintf(server_name, sizeof server_name, "%s", name);
	add_certificate(&list, certificate(own, root, name, "Bench Issuing CA"));
	add_certificate(&list, certificate(root, root, "Bench Issuing CA", "Bench Root"));
	add_text(&body, &list, 3);
	memcpy(chain, body.bytes, body.length);
	chain_bytes = body.length;
	EVP_PKEY_free(own);
	EVP_PKEY_free(root);
}

static void put_record(struct flow *f, unsigned type, unsigned version, const struct text *t)
{
	const unsigned char header[] = { (unsigned char)type, 3, (unsigned char)version, (unsigned char)(t->length >> 8), (unsigned char)t->length };

	flow_put(f, header, sizeof header);
	flow_put(f, t->bytes, t->length);
}

static void put_opaque(struct flow *f, unsigned type, size_t length)
{
	const unsigned char header[] = { (unsigned char)type, 3, 3, (unsigned char)(length >> 8), (unsigned char)length };

	flow_put(f, header, sizeof header);
	flow_put_noise(f, length);
}

static void put_message(struct flow *f, unsigned version, unsigned type, const struct text *body)
{
	struct text t = { .length = 0 };

	add_number(&t, type, 1);
	add_text(&t, body, 3);
	put_record(f, 22, version, &t);
}

static void put_change_cipher(struct flow *f)
{
	flow_put(f, "\x14\x03\x03\x00\x01\x01", 6);
}

static void add_extension(struct text *t, unsigned type, const char *bytes, size_t length)
{
	add_number(t, type, 2);
	add_number(t, (unsigned)length, 2);
	add(t, bytes, length);
}
#define EXTENSION(t, type, literal) add_extension(t, type, literal, sizeof literal - 1)

static void add_server_name(struct text *t)
{
	size_t n = strlen(server_name);

	add_number(t, 0, 2);
	add_number(t, (unsigned)n + 5, 2);
	add_number(t, (unsigned)n + 3, 2);
	add_number(t, 0, 1);
	add_number(t, (unsigned)n, 2);
	add(t, server_name, n);
}

static void add_key_share(struct text *t, struct flow *f, bool client)
{
	add_number(t, 51, 2);
	add_number(t, client ? 38 : 36, 2);
	if (client)
		add_number(t, 36, 2);
	add_number(t, 0x001d0020, 4);
	add_noise(t, f, 32);
}

void tls_client_hello(struct flow *f)
{
	struct text t = { .length = 0 }, e = { .length = 0 };

	add_number(&t, 0x0303, 2);
	add_noise(&t, f, 32);
	add_number(&t, 32, 1);
	add_noise(&t, f, 32);
	add_number(&t, 18, 2);
	add(&t, "\x13\x02\x13\x03\x13\x01\xc0\x2c\xc0\x30\xc0\x2b\xc0\x2f\xcc\xa9\xcc\xa8", 18);
	add_number(&t, 0x0100, 2);
	add_server_name(&e);
	EXTENSION(&e, 11, "\x03\x00\x01\x02");
	EXTENSION(&e, 10, "\x00\x08\x00\x1d\x00\x17\x00\x1e\x00\x18");
	EXTENSION(&e, 35, "");
	EXTENSION(&e, 22, "");
	EXTENSION(&e, 23, "");
	EXTENSION(&e, 13, "\x00\x14\x04\x03\x05\x03\x06\x03\x08\x07\x08\x04\x08\x05\x08\x06\x04\x01\x05\x01\x06\x01");
	EXTENSION(&e, 43, "\x04\x03\x04\x03\x03");
	EXTENSION(&e, 45, "\x01\x01");
	add_key_share(&e, f, true);
	add_text(&t, &e, 2);
	put_message(f, 1, 1, &t);
}

static void server_hello(struct flow *f, enum shape shape)
{
	struct text t = { .length = 0 }, e = { .length = 0 };

	add_number(&t, 0x0303, 2);
	add_noise(&t, f, 32);
	add_number(&t, 32, 1);
	add_noise(&t, f, 32);
	add_number(&t, shape == TLS13 ? 0x1302 : 0xc030, 2);
	add_number(&t, 0, 1);
	if (shape == TLS13) {
		EXTENSION(&e, 43, "\x03\x04");
		add_key_share(&e, f, false);
	} else {
		EXTENSION(&e, 65281, "\x00");
		EXTENSION(&e, 11, "\x03\x00\x01\x02");
		EXTENSION(&e, 35, "");
		EXTENSION(&e, 23, "");
	}
	add_text(&t, &e, 2);
	put_message(f, 3, 2, &t);
}

static void handshake13(struct flow *f)
{
	put_change_cipher(f);
	put_opaque(f, 23, 23);
	put_opaque(f, 23, chain_bytes + 1200 + below(&f->seed, 900));
	put_opaque(f, 23, 281);
	put_opaque(f, 23, 69);
	flow_say(f, SERVER);
	flow_pause(f, 2 * MILLISECOND);
	put_change_cipher(f);
	put_opaque(f, 23, 69);
	flow_say(f, CLIENT);
	flow_pause(f, MILLISECOND);
	put_opaque(f, 23, 250);
	put_opaque(f, 23, 250);
}

static void handshake12(struct flow *f)
{
	struct text t = { .length = chain_bytes }, exchange = { .length = 0 }, ticket = { .length = 0 }, none = { .length = 0 };

	memcpy(t.bytes, chain, chain_bytes);
	put_message(f, 3, 11, &t);
	add(&exchange, "\x03\x00\x1d\x20", 4);
	add_noise(&exchange, f, 32);
	add_number(&exchange, 0x08040100, 4);
	add_noise(&exchange, f, 256);
	put_message(f, 3, 12, &exchange);
	put_message(f, 3, 14, &none);
	flow_say(f, SERVER);
	flow_pause(f, 2 * MILLISECOND);
	exchange.length = 0;
	add_number(&exchange, 32, 1);
	add_noise(&exchange, f, 32);
	put_message(f, 3, 16, &exchange);
	put_change_cipher(f);
	put_opaque(f, 22, 40);
	flow_say(f, CLIENT);
	flow_pause(f, MILLISECOND);
	add_number(&ticket, 7200, 4);
	add_number(&ticket, 176, 2);
	add_noise(&ticket, f, 176);
	put_message(f, 3, 4, &ticket);
	put_change_cipher(f);
	put_opaque(f, 22, 40);
	flow_say(f, SERVER);
}

/* After it a TLS 1.3 server's tickets are put, not said: they travel with what the server says first. */
void tls_handshake(struct flow *f, enum shape shape)
{
	tls_client_hello(f);
	flow_say(f, CLIENT);
	flow_pause(f, MILLISECOND);
	server_hello(f, shape);
	if (shape == TLS13)
		handshake13(f);
	else
		handshake12(f);
}

void tls_put_data(struct flow *f, enum shape shape, size_t plain_length)
{
	while (plain_length) {
		size_t part = plain_length > 16384 ? 16384 : plain_length;
		put_opaque(f, 23, part + (shape == TLS13 ? 17 : 24));
		plain_length -= part;
	}
}

void tls_put_alert(struct flow *f, enum shape shape)
{
	put_opaque(f, shape == TLS13 ? 23 : 21, shape == TLS13 ? 19 : 26);
}

void tls_put_clear_alert(struct flow *f, unsigned description)
{
	struct text t = { .length = 0 };

	add_number(&t, 0x0200 | description, 2);
	put_record(f, 21, 3, &t);
}
