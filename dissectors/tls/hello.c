/* Reads ClientHello and ServerHello (RFC 8446 4.1, RFC 5246 7.4.1, SSLv2-compatible: RFC 5246 E.2). */
#include "hello.h"

#include "protocol.h"

/* --- suites long refused --- */

/* Ranges of NULL, export, RC4, DES, 3DES and anonymous suites (IANA registry), ascending. */
static const struct { uint16_t first, last; } weak_suites[] = {
	{ 0x0000, 0x0006 }, { 0x0008, 0x0020 }, { 0x0022, 0x0024 }, { 0x0026, 0x002e }, { 0x0034, 0x0034 }, { 0x003a, 0x003b },
	{ 0x0046, 0x0046 }, { 0x0060, 0x0066 }, { 0x006c, 0x006d }, { 0x0089, 0x008b }, { 0x008e, 0x008f }, { 0x0092, 0x0093 },
	{ 0x009b, 0x009b }, { 0x00a6, 0x00a7 }, { 0x00b0, 0x00b1 }, { 0x00b4, 0x00b5 }, { 0x00b8, 0x00b9 }, { 0x00bf, 0x00bf },
	{ 0x00c5, 0x00c5 }, { 0xc001, 0xc003 }, { 0xc006, 0xc008 }, { 0xc00b, 0xc00d }, { 0xc010, 0xc012 }, { 0xc015, 0xc01c },
	{ 0xc033, 0xc034 }, { 0xc039, 0xc03b }, { 0xc046, 0xc047 }, { 0xc05a, 0xc05b }, { 0xc084, 0xc085 }, { 0xc0b4, 0xc0b5 },
	{ 0xfefe, 0xfeff },
};

static bool is_weak(uint16_t suite)
{
	for (size_t i = 0; i < sizeof weak_suites / sizeof *weak_suites; i++)
		if (suite >= weak_suites[i].first && suite <= weak_suites[i].last)
			return true;
	return false;
}

/* Renegotiation, fallback and GREASE values choose no cipher. */
static bool is_signalling(uint16_t suite)
{
	return suite == 0x00ff || suite == 0x5600 || is_grease(suite);
}

static bool only_weak(struct bytes suites)
{
	struct reader r = reader_of(suites);
	bool any = false;

	while (reader_left(&r) >= 2) {
		uint16_t suite = read_be16(&r);
		if (is_signalling(suite))
			continue;
		if (!is_weak(suite))
			return false;
		any = true;
	}
	return any;
}

/* --- extensions of the ClientHello --- */

/* A list whose length stands before it; empty where that does not fit. */
static struct bytes listed(struct bytes body, int length_bytes)
{
	struct reader r = reader_of(body);
	size_t len = length_bytes == 1 ? read_u8(&r) : read_be16(&r);
	struct bytes list = read_bytes(&r, len);

	return r.shortfall ? bytes_of(body.data, 0) : list;
}

static struct bytes host_name(struct bytes body)
{
	struct reader r = reader_of(listed(body, 2));

	while (reader_left(&r) >= 3) {
		uint8_t type = read_u8(&r);
		struct bytes name = read_bytes(&r, read_be16(&r));
		if (type == 0 && !r.shortfall)
			return name;
	}
	return bytes_of(body.data, 0);
}

static void take_extension(struct client_hello *h, uint16_t type, struct bytes body)
{
	switch (type) {
	case SERVER_NAME:
		h->has_name = true;
		h->name = host_name(body);
		break;
	case SUPPORTED_GROUPS:
		h->groups = listed(body, 2);
		break;
	case POINT_FORMATS:
		h->formats = listed(body, 1);
		break;
	case SIGNATURE_ALGORITHMS:
		h->signatures = listed(body, 2);
		break;
	case ALPN:
		h->protocols = listed(body, 2);
		break;
	case EARLY_DATA:
		h->early_data = true;
		break;
	case SUPPORTED_VERSIONS:
		h->versions = listed(body, 1);
		break;
	}
}

static void take_extensions(struct client_hello *h)
{
	struct reader r = reader_of(h->extensions);

	while (reader_left(&r) >= 4) {
		uint16_t type = read_be16(&r);
		struct bytes body = read_bytes(&r, read_be16(&r));
		if (r.shortfall)
			break;
		take_extension(h, type, body);
	}
}

/* Drafts of TLS 1.3 (0x7fxx) count as nothing: no server of today agrees on them. */
static bool is_version(uint16_t version)
{
	return version >= SSL3 && version <= TLS13;
}

static void take_versions(struct client_hello *h)
{
	struct reader r = reader_of(h->versions);

	while (reader_left(&r) >= 2) {
		uint16_t version = read_be16(&r);
		if (!is_version(version))
			continue;
		if (version > h->most)
			h->most = version;
		if (!h->least || version < h->least)
			h->least = version;
	}
	if (!h->most)
		h->most = h->version;
}

bool client_hello_read(struct bytes body, struct client_hello *hello)
{
	struct reader r = reader_of(body);
	struct client_hello h = { .version = read_be16(&r) };

	read_bytes(&r, 32);
	read_bytes(&r, read_u8(&r));
	h.suites = read_bytes(&r, read_be16(&r));
	read_bytes(&r, read_u8(&r));
	if (r.shortfall || h.version >> 8 != 3)
		return false;
	if (reader_left(&r) >= 2)
		h.extensions = read_bytes(&r, read_be16(&r));
	if (r.shortfall)
		return false;
	take_extensions(&h);
	take_versions(&h);
	h.only_weak = only_weak(h.suites);
	*hello = h;
	return true;
}

bool sslv2_hello_read(struct bytes body, struct client_hello *hello)
{
	struct reader r = reader_of(body);
	uint8_t type = read_u8(&r);
	struct client_hello h = { .version = read_be16(&r) };
	uint16_t suites = read_be16(&r);

	read_be32(&r); /* lengths of session id and challenge */
	h.suites = read_bytes(&r, suites);
	if (r.shortfall || type != 1)
		return false;
	h.most = h.version;
	h.only_weak = true;
	for (struct reader s = reader_of(h.suites); reader_left(&s) >= 3;) {
		uint32_t suite = read_be24(&s);
		/* Those of SSLv2 itself have a first byte that is not zero. */
		if (suite < 0x10000 && !is_signalling((uint16_t)suite) && !is_weak((uint16_t)suite))
			h.only_weak = false;
	}
	*hello = h;
	return true;
}

/* --- ServerHello --- */

/* SHA-256 of "HelloRetryRequest" (RFC 8446 4.1.3). */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void take_answered_extensions(struct server_hello *h, struct reader r)
{
	while (reader_left(&r) >= 4) {
		uint16_t type = read_be16(&r);
		struct reader body = reader_of(read_bytes(&r, read_be16(&r)));
		if (type == SUPPORTED_VERSIONS && reader_left(&body) == 2)
			h->version = read_be16(&body);
		if (type == PRE_SHARED_KEY)
			h->psk = true;
	}
}

bool server_hello_read(struct bytes body, struct server_hello *hello)
{
	struct reader r = reader_of(body);
	struct server_hello h = { .version = read_be16(&r) };
	struct bytes random = read_bytes(&r, 32);

	read_bytes(&r, read_u8(&r));
	h.cipher = read_be16(&r);
	read_u8(&r);
	if (r.shortfall || h.version >> 8 != 3)
		return false;
	h.retry = memcmp(random.data, retry_random, sizeof retry_random) == 0;
	if (reader_left(&r) >= 2)
		take_answered_extensions(&h, reader_of(read_bytes(&r, read_be16(&r))));
	*hello = h;
	return true;
}
