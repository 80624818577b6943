/* JA3 (salesforce/ja3) and JA4 (FoxIO's specification of the TLS client fingerprint). */
#include "fingerprint.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "protocol.h"

/* A digest being fed with text; once it fails it stays failed. */
struct digest {
	EVP_MD_CTX *context;
	bool fine;
};

static struct digest digest_start(const EVP_MD *kind)
{
	struct digest d = { EVP_MD_CTX_new(), false };

	d.fine = d.context && EVP_DigestInit_ex(d.context, kind, NULL) == 1;
	return d;
}

static void digest_text(struct digest *d, const char *text, size_t len)
{
	d->fine = d->fine && EVP_DigestUpdate(d->context, text, len) == 1;
}

/* Writes the first `bytes` bytes of the digest in hexadecimal and frees it. */
static bool digest_end(struct digest *d, char *into, size_t bytes)
{
	unsigned char value[EVP_MAX_MD_SIZE];

	d->fine = d->fine && EVP_DigestFinal_ex(d->context, value, NULL) == 1;
	EVP_MD_CTX_free(d->context);
	for (size_t i = 0; d->fine && i < bytes; i++)
		snprintf(into + 2 * i, 3, "%02x", value[i]);
	return d->fine;
}

/* The types of the extensions, GREASE left out; returns how many. */
static size_t extension_types(struct bytes extensions, uint16_t *into, size_t room)
{
	struct reader r = reader_of(extensions);
	size_t n = 0;

	while (reader_left(&r) >= 4 && n < room) {
		uint16_t type = read_be16(&r);
		read_bytes(&r, read_be16(&r));
		if (!r.shortfall && !is_grease(type))
			into[n++] = type;
	}
	return n;
}

static size_t pairs(struct bytes list, uint16_t *into, size_t room)
{
	struct reader r = reader_of(list);
	size_t n = 0;

	while (reader_left(&r) >= 2 && n < room) {
		uint16_t value = read_be16(&r);
		if (!is_grease(value))
			into[n++] = value;
	}
	return n;
}

/* As many as a hello of the longest kept handshake message can hold. */
#define MOST_VALUES 8192

/* --- JA3 --- */

static void add_values(struct digest *d, const char *format, char between, const uint16_t *values, size_t n)
{
	char one[8];

	for (size_t i = 0; i < n; i++) {
		if (i)
			digest_text(d, &between, 1);
		digest_text(d, one, (size_t)snprintf(one, sizeof one, format, values[i]));
	}
}

static void add_decimals(struct digest *d, const uint16_t *values, size_t n)
{
	digest_text(d, ",", 1);
	add_values(d, "%u", '-', values, n);
}

static bool ja3(const struct client_hello *h, char into[JA3_TEXT])
{
	uint16_t values[MOST_VALUES];
	struct digest d = digest_start(EVP_md5());
	char version[8];
	size_t n;

	digest_text(&d, version, (size_t)snprintf(version, sizeof version, "%u", h->version));
	n = pairs(h->suites, values, MOST_VALUES);
	add_decimals(&d, values, n);
	n = extension_types(h->extensions, values, MOST_VALUES);
	add_decimals(&d, values, n);
	n = pairs(h->groups, values, MOST_VALUES);
	add_decimals(&d, values, n);
	for (n = 0; n < h->formats.len; n++)
		values[n] = h->formats.data[n];
	add_decimals(&d, values, n);
	return digest_end(&d, into, 16);
}

/* --- JA4 --- */

static int ascending(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static const char *version_code(uint16_t version)
{
	static const struct { uint16_t version; const char *code; } codes[] = {
		{ TLS13, "13" }, { TLS12, "12" }, { TLS11, "11" }, { TLS10, "10" }, { SSL3, "s3" }, { SSL2, "s2" },
	};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].version == version)
			return codes[i].code;
	return "00";
}

/* First and last character of the first protocol; of its hexadecimal form where one of them is no letter or digit. */
static void protocol_code(struct bytes protocols, char into[3])
{
	static const char digits[] = "0123456789abcdef";
	struct reader r = reader_of(protocols);
	struct bytes first = read_bytes(&r, read_u8(&r));

	memcpy(into, "00", 3);
	if (r.shortfall || first.len == 0)
		return;
	uint8_t a = first.data[0], z = first.data[first.len - 1];
	bool plain = a < 0x80 && z < 0x80 && isalnum(a) && isalnum(z);
	into[0] = plain ? (char)a : digits[a >> 4];
	into[1] = plain ? (char)z : digits[z & 15];
}

static bool suites_code(uint16_t *suites, size_t n, char into[13])
{
	if (n == 0) {
		memcpy(into, "000000000000", 13);
		return true;
	}
	struct digest d = digest_start(EVP_sha256());
	qsort(suites, n, sizeof *suites, ascending);
	add_values(&d, "%04x", ',', suites, n);
	return digest_end(&d, into, 6);
}

/* Server name and ALPN are left out: they tell the place, not the client. */
static bool extensions_code(uint16_t *types, size_t n, struct bytes signatures, char into[13])
{
	uint16_t values[MOST_VALUES];
	size_t kept = 0, signed_n = pairs(signatures, values, MOST_VALUES);

	for (size_t i = 0; i < n; i++)
		if (types[i] != 0x0000 && types[i] != 0x0010)
			types[kept++] = types[i];
	if (n == 0) {
		memcpy(into, "000000000000", 13);
		return true;
	}
	struct digest d = digest_start(EVP_sha256());
	qsort(types, kept, sizeof *types, ascending);
	add_values(&d, "%04x", ',', types, kept);
	if (signed_n) {
		digest_text(&d, "_", 1);
		add_values(&d, "%04x", ',', values, signed_n);
	}
	return digest_end(&d, into, 6);
}

static unsigned two_digits(size_t n)
{
	return n > 99 ? 99 : (unsigned)n;
}

bool ja4(const struct client_hello *h, char into[JA4_TEXT])
{
	uint16_t suites[MOST_VALUES], types[MOST_VALUES];
	size_t suites_n = pairs(h->suites, suites, MOST_VALUES), types_n = extension_types(h->extensions, types, MOST_VALUES);
	char protocol[3], suites_hash[13], types_hash[13];

	protocol_code(h->protocols, protocol);
	if (!suites_code(suites, suites_n, suites_hash) || !extensions_code(types, types_n, h->signatures, types_hash))
		return false;
	snprintf(into, JA4_TEXT, "t%s%c%02u%02u%s_%s_%s", version_code(h->most), h->has_name ? 'd' : 'i', two_digits(suites_n),
		two_digits(types_n), protocol, suites_hash, types_hash);
	return true;
}

/* --- those seen lately --- */

#define CACHED 128
#define FORM_MOST 192 /* values; longer forms are rare and not kept */

/* All that both fingerprints are made of, and nothing else: hellos of the same form have the same fingerprints. */
struct form {
	uint16_t values[FORM_MOST];
	size_t count;
};

struct cached {
	struct form form; /* count 0: free */
	struct fingerprints prints;
};

struct fingerprint_cache {
	struct cached list[CACHED];
};

struct fingerprint_cache *fingerprint_cache_create(void)
{
	return calloc(1, sizeof(struct fingerprint_cache));
}

void fingerprint_cache_destroy(struct fingerprint_cache **cache)
{
	free(*cache);
	*cache = NULL;
}

/* The number of values stands before them. What finds no room makes the form full. */
static void form_list(struct form *f, struct bytes list, size_t (*read)(struct bytes list, uint16_t *into, size_t room))
{
	size_t at = f->count++;

	if (at < FORM_MOST)
		f->count += f->values[at] = (uint16_t)read(list, f->values + f->count, FORM_MOST - f->count);
	else
		f->count = FORM_MOST;
}

static size_t singles(struct bytes list, uint16_t *into, size_t room)
{
	size_t n = list.len < room ? list.len : room;

	for (size_t i = 0; i < n; i++)
		into[i] = list.data[i];
	return n;
}

/* False: it has more values than are kept. */
static bool form_of(const struct client_hello *h, struct form *into)
{
	char protocol[3];

	protocol_code(h->protocols, protocol);
	*into = (struct form){ .count = 0 };
	into->values[into->count++] = h->version;
	into->values[into->count++] = h->most;
	into->values[into->count++] = h->has_name;
	into->values[into->count++] = (uint16_t)(protocol[0] << 8 | protocol[1]);
	form_list(into, h->suites, pairs);
	form_list(into, h->extensions, extension_types);
	form_list(into, h->groups, pairs);
	form_list(into, h->formats, singles);
	form_list(into, h->signatures, pairs);
	return into->count < FORM_MOST;
}

static void make(const struct client_hello *h, struct fingerprints *into)
{
	*into = (struct fingerprints){ "", "" };
	ja3(h, into->ja3);
	ja4(h, into->ja4);
}

void fingerprints_of(struct fingerprint_cache *cache, const struct client_hello *h, struct fingerprints *into)
{
	/* No secret: who fills a place on purpose only makes the next hello cost what it did. */
	const struct hash_key fixed = { 0x6a6133, 0x6a6134 };
	struct form form;

	if (!cache || !form_of(h, &form)) {
		make(h, into);
		return;
	}
	size_t len = form.count * sizeof *form.values;
	struct cached *place = &cache->list[hash_bytes(fixed, form.values, len) % CACHED];
	if (place->form.count != form.count || memcmp(place->form.values, form.values, len) != 0) {
		place->form = form;
		make(h, &place->prints);
	}
	*into = place->prints;
}
