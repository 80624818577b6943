/* Reads leaf certificates with libcrypto, and keeps the newest so that one seen before is not read again. */
#include "certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "address.h"
#include "fingerprint.h"
#include "hash.h"
#include "text.h"

#define KEPT_SETS 64 /* of KEPT_WAYS each: the oldest of a set leaves first */
#define KEPT_WAYS 4
#define DIGEST_BYTES 32
#define NAMES_MOST 8192
#define NAME_MOST 400

struct kept {
	uint8_t digest[DIGEST_BYTES];
	struct certificate *certificate; /* NULL: free */
	uint64_t used;
};

struct tls_shared {
	struct kept kept[KEPT_SETS][KEPT_WAYS];
	uint64_t clock, hits;
	struct decryptor *decryptor;
	struct fingerprint_cache *fingerprints;
};

/* --- making one --- */

static void certificate_free(struct certificate *c)
{
	if (!c)
		return;
	free(c->subject);
	free(c->issuer);
	free(c->names);
	free(c->common_name);
	free(c);
}

/* RFC 2253 form, letters beyond ASCII left readable. */
static char *name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text = NULL;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
		long len = BIO_get_mem_data(bio, &data);
		text = strndup(len > 0 ? data : "", len > 0 ? (size_t)(len < NAME_MOST ? len : NAME_MOST) : 0);
	}
	BIO_free(bio);
	return text;
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)letter_lower((uint8_t)*text);
}

static char *common_name(const X509_NAME *subject)
{
	char name[NAME_MOST] = "";

	/* The last CN is the most specific (RFC 6125 6.4.4). */
	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
		const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
		struct text t = TEXT_IN(name);
		text_add_wire(&t, bytes_of(ASN1_STRING_get0_data(cn), (size_t)ASN1_STRING_length(cn)), sizeof name - 1);
	}
	lower(name);
	return strdup(name);
}

static bool add_address(struct text *t, const ASN1_STRING *ip)
{
	struct address a = { .family = ASN1_STRING_length(ip) == 4 ? 4 : 6 };
	char room[ADDRESS_TEXT];

	if (ASN1_STRING_length(ip) != 4 && ASN1_STRING_length(ip) != 16)
		return false;
	memcpy(a.byte, ASN1_STRING_get0_data(ip), (size_t)ASN1_STRING_length(ip));
	text_add(t, address_text(&a, room));
	return true;
}

static void add_name(struct text *t, const GENERAL_NAME *name, bool *has_dns_name)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

	if (type != GEN_DNS && type != GEN_IPADD)
		return;
	if (t->len)
		text_add(t, ",");
	if (type == GEN_DNS) {
		*has_dns_name = true;
		text_add_wire(t, bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), NAME_MOST);
	} else if (!add_address(t, value)) {
		text_add(t, "?");
	}
}

static void take_names(struct certificate *c, const X509 *x)
{
	char room[NAMES_MOST];
	struct text t = TEXT_IN(room);
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !t.cut; i++)
		add_name(&t, sk_GENERAL_NAME_value(names, i), &c->has_dns_name);
	GENERAL_NAMES_free(names);
	lower(room);
	c->names_cut = t.cut;
	c->names = strdup(room);
}

static bool time_of(const ASN1_TIME *from, nanoseconds *into)
{
	struct tm tm;
	/* Beyond these years nanoseconds do not fit; they mean "always" and "never" alike. */
	const int64_t most = INT64_MAX / SECOND;

	if (!from || ASN1_TIME_to_tm(from, &tm) != 1)
		return false;
	int64_t seconds = timegm(&tm);
	*into = seconds > most ? INT64_MAX : seconds < -most ? INT64_MIN : seconds * SECOND;
	return true;
}

static struct certificate *certificate_parse(struct bytes der)
{
	const unsigned char *at = der.data;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	struct certificate *c = x ? calloc(1, sizeof *c) : NULL;

	if (c) {
		c->subject = name_text(X509_get_subject_name(x));
		c->issuer = name_text(X509_get_issuer_name(x));
		c->common_name = common_name(X509_get_subject_name(x));
		c->self_signed = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
		c->dated = time_of(X509_get0_notBefore(x), &c->not_before) && time_of(X509_get0_notAfter(x), &c->not_after);
		take_names(c, x);
	}
	X509_free(x);
	ERR_clear_error(); /* malformed certificates must not leave a queue behind */
	if (c && c->subject && c->issuer && c->common_name && c->names)
		return c;
	certificate_free(c);
	return NULL;
}

/* --- keeping them --- */

struct tls_shared *tls_shared_create(void)
{
	struct tls_shared *shared = calloc(1, sizeof *shared);

	if (shared && !(shared->fingerprints = fingerprint_cache_create()))
		tls_shared_destroy(&shared);
	return shared;
}

void tls_shared_destroy(struct tls_shared **shared)
{
	if (!*shared)
		return;
	for (int s = 0; s < KEPT_SETS; s++)
		for (int w = 0; w < KEPT_WAYS; w++)
			certificate_free((*shared)->kept[s][w].certificate);
	fingerprint_cache_destroy(&(*shared)->fingerprints);
	free(*shared);
	*shared = NULL;
}

void tls_shared_decrypt(struct tls_shared *shared, struct decryptor *decryptor)
{
	shared->decryptor = decryptor;
}

struct decryptor *tls_shared_decryptor(const struct tls_shared *shared)
{
	return shared ? shared->decryptor : NULL;
}

struct fingerprint_cache *tls_shared_fingerprints(const struct tls_shared *shared)
{
	return shared ? shared->fingerprints : NULL;
}

uint64_t tls_shared_hits(const struct tls_shared *shared)
{
	return shared->hits;
}

/* Its place among the kept, or the place that it shall take: a free one, or that of the one unused longest. */
static struct kept *kept_place(struct tls_shared *shared, const uint8_t digest[DIGEST_BYTES])
{
	struct kept *set = shared->kept[digest[0] % KEPT_SETS], *oldest = set;

	for (int w = 0; w < KEPT_WAYS; w++) {
		if (set[w].certificate && memcmp(set[w].digest, digest, DIGEST_BYTES) == 0)
			return &set[w];
		if (set[w].used < oldest->used)
			oldest = &set[w];
	}
	return oldest;
}

const struct certificate *certificate_read(struct tls_shared *shared, struct bytes der)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (!shared)
		return certificate_parse(der);
	if (EVP_Digest(der.data, der.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return NULL;
	struct kept *place = kept_place(shared, digest);
	if (place->certificate && memcmp(place->digest, digest, DIGEST_BYTES) == 0) {
		shared->hits++;
	} else {
		struct certificate *made = certificate_parse(der);
		if (!made)
			return NULL;
		certificate_free(place->certificate);
		place->certificate = made;
		memcpy(place->digest, digest, DIGEST_BYTES);
	}
	place->used = ++shared->clock;
	return place->certificate;
}

void certificate_release(struct tls_shared *shared, const struct certificate *certificate)
{
	if (!shared)
		certificate_free((struct certificate *)certificate);
}

/* --- whose it is --- */

static const struct hash_key name_key = { 0x696d617077687921u, 0x746c73206e616d65u };

struct name_hashes name_hashes(struct bytes name)
{
	const uint8_t *dot;

	if (name.len && name.data[name.len - 1] == '.')
		name.len--;
	dot = name.len ? memchr(name.data, '.', name.len) : NULL;
	struct bytes parent = dot ? bytes_part(name, (size_t)(dot - name.data) + 1, name.len) : bytes_of(name.data, 0);
	return (struct name_hashes){ hash_bytes(name_key, name.data, name.len), hash_bytes(name_key, parent.data, parent.len) };
}

/* A wildcard stands for one whole leftmost label, of names that have at least two more. */
static bool is_wildcard(struct bytes name)
{
	return name.len > 2 && name.data[0] == '*' && name.data[1] == '.' && memchr(name.data + 2, '.', name.len - 2);
}

static bool is_for(struct bytes one, struct name_hashes name)
{
	if (is_wildcard(one))
		return name_hashes(one).parent == name.parent;
	return name_hashes(one).whole == name.whole;
}

enum name_match certificate_is_for(const struct certificate *c, struct name_hashes name)
{
	const char *at = c->names;

	if (!c->has_dns_name && is_for(bytes_of_text(c->common_name), name))
		return NAME_SAME;
	while (*at) {
		size_t len = strcspn(at, ",");
		if (is_for(bytes_of(at, len), name))
			return NAME_SAME;
		at += len + (at[len] == ',');
	}
	return c->names_cut ? NAME_UNSURE : NAME_OTHER;
}
