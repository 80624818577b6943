/* Reads key log lines into the table of secrets. */
#include "keylog.h"

#include <openssl/crypto.h>

#include "text.h"

#define LABEL_MOST 64
#define TRAFFIC_LEAST 32
#define SESSION_ID_MOST 32

#define ENCRYPTED_NAME 8 /* of an encrypted pre-master secret's first bytes */

struct form {
	const char *label;
	const char *name_prefix, *secret_prefix; /* of the second and third word; NULL: none */
	enum secret kind;
	uint8_t name_least, name_most, secret_least;
};

/* What NSS, OpenSSL, GnuTLS and Wireshark write; the first that fits. */
static const struct form forms[] = {
	{ "CLIENT_RANDOM", NULL, NULL, SECRET_MASTER, RANDOM_BYTES, RANDOM_BYTES, MASTER_BYTES },
	{ "CLIENT_EARLY_TRAFFIC_SECRET", NULL, NULL, SECRET_CLIENT_EARLY, RANDOM_BYTES, RANDOM_BYTES, TRAFFIC_LEAST },
	{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET", NULL, NULL, SECRET_CLIENT_HANDSHAKE, RANDOM_BYTES, RANDOM_BYTES, TRAFFIC_LEAST },
	{ "SERVER_HANDSHAKE_TRAFFIC_SECRET", NULL, NULL, SECRET_SERVER_HANDSHAKE, RANDOM_BYTES, RANDOM_BYTES, TRAFFIC_LEAST },
	{ "CLIENT_TRAFFIC_SECRET_0", NULL, NULL, SECRET_CLIENT_TRAFFIC, RANDOM_BYTES, RANDOM_BYTES, TRAFFIC_LEAST },
	{ "SERVER_TRAFFIC_SECRET_0", NULL, NULL, SECRET_SERVER_TRAFFIC, RANDOM_BYTES, RANDOM_BYTES, TRAFFIC_LEAST },
	{ "RSA", "Session-ID:", "Master-Key:", SECRET_MASTER, 1, SESSION_ID_MOST, MASTER_BYTES },
	{ "RSA", NULL, NULL, SECRET_PREMASTER, ENCRYPTED_NAME, ENCRYPTED_NAME, MASTER_BYTES },
	{ "PMS_CLIENT_RANDOM", NULL, NULL, SECRET_PREMASTER, RANDOM_BYTES, RANDOM_BYTES, 1 },
};

enum line { LINE_EMPTY, LINE_SECRET, LINE_IGNORED, LINE_WRONG };

/* False: an odd count of digits, others than those, or not between `least` and `most` bytes. */
static bool hexadecimal(struct bytes text, uint8_t *into, size_t least, size_t most, size_t *len)
{
	if (text.len % 2 || text.len / 2 < least || text.len / 2 > most)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
		if (high < 0 || low < 0)
			return false;
		into[i / 2] = (uint8_t)(high << 4 | low);
	}
	*len = text.len / 2;
	return true;
}

/* The word up to the next space. */
static struct bytes word(struct bytes *rest)
{
	size_t n = 0;

	while (n < rest->len && rest->data[n] != ' ')
		n++;
	struct bytes w = bytes_part(*rest, 0, n);
	*rest = bytes_part(*rest, n + 1, rest->len);
	return w;
}

static bool is_label(struct bytes w)
{
	for (size_t i = 0; i < w.len; i++)
		if (!(w.data[i] >= 'A' && w.data[i] <= 'Z') && !(w.data[i] >= '0' && w.data[i] <= '9') && w.data[i] != '_')
			return false;
	return w.len > 0 && w.len <= LABEL_MOST;
}

/* Steps over a prefix; false: it is not there. */
static bool begins(struct bytes *text, const char *prefix)
{
	size_t len = prefix ? strlen(prefix) : 0;

	if (text->len < len || (len && memcmp(text->data, prefix, len) != 0))
		return false;
	*text = bytes_part(*text, len, text->len);
	return true;
}

/* The name in the place of a client's random, where it is none. */
static bool name_of(const struct form *f, struct bytes text, uint8_t into[RANDOM_BYTES])
{
	uint8_t name[RANDOM_BYTES];
	size_t len;

	if (!hexadecimal(text, name, f->name_least, f->name_most, &len))
		return false;
	if (f->name_least == RANDOM_BYTES)
		memcpy(into, name, RANDOM_BYTES);
	return f->name_least == RANDOM_BYTES || secrets_name(bytes_of(name, len), into);
}

static enum line take_secret(struct secrets *secrets, const struct form *f, struct bytes name, struct bytes secret)
{
	uint8_t named[RANDOM_BYTES], value[SECRET_MOST];
	size_t len;

	/* Pre-master secrets of Diffie-Hellman are as long as its group. */
	if (f->kind == SECRET_PREMASTER && secret.len > 2 * SECRET_MOST)
		return LINE_IGNORED;
	if (!name_of(f, name, named) || !hexadecimal(secret, value, f->secret_least, SECRET_MOST, &len))
		return LINE_WRONG;
	secrets_add(secrets, named, f->kind, bytes_of(value, len));
	OPENSSL_cleanse(value, sizeof value);
	return LINE_SECRET;
}

static enum line read_line(struct secrets *secrets, struct bytes line)
{
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.data[0] == '#')
		return LINE_EMPTY;
	struct bytes label = word(&line), name = word(&line), secret = word(&line);
	if (!is_label(label) || name.len == 0 || secret.len == 0 || line.len)
		return LINE_WRONG;
	for (const struct form *f = forms; f < forms + sizeof forms / sizeof *forms; f++)
		if (bytes_same_word(label, f->label) && begins(&name, f->name_prefix) && begins(&secret, f->secret_prefix))
			return take_secret(secrets, f, name, secret);
	return LINE_IGNORED;
}

void keylog_read(struct secrets *secrets, struct bytes text, struct keylog_counts *counts)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		enum line is = read_line(secrets, bytes_part(text, 0, len));

		counts->lines++;
		counts->secrets += is == LINE_SECRET;
		counts->ignored += is == LINE_IGNORED;
		counts->wrong += is == LINE_WRONG;
		if (is == LINE_WRONG && !counts->first_wrong)
			counts->first_wrong = counts->lines;
		text = bytes_part(text, len + 1, text.len);
	}
}
