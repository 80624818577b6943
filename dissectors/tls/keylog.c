/* Reads key log lines into the table of secrets. */
#include "keylog.h"

#include <openssl/crypto.h>

#include "text.h"

#define LABEL_MOST 64

static const struct {
	const char *label;
	enum secret kind;
} labels[] = {
	{ "CLIENT_RANDOM", SECRET_MASTER },
	{ "CLIENT_EARLY_TRAFFIC_SECRET", SECRET_CLIENT_EARLY },
	{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET", SECRET_CLIENT_HANDSHAKE },
	{ "SERVER_HANDSHAKE_TRAFFIC_SECRET", SECRET_SERVER_HANDSHAKE },
	{ "CLIENT_TRAFFIC_SECRET_0", SECRET_CLIENT_TRAFFIC },
	{ "SERVER_TRAFFIC_SECRET_0", SECRET_SERVER_TRAFFIC },
};

enum line { LINE_EMPTY, LINE_SECRET, LINE_IGNORED, LINE_WRONG };

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* False: an odd count of digits, others than those, or not between `least` and `most` bytes. */
static bool hexadecimal(struct bytes text, uint8_t *into, size_t least, size_t most, size_t *len)
{
	if (text.len % 2 || text.len / 2 < least || text.len / 2 > most)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = digit(text.data[i]), low = digit(text.data[i + 1]);
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

static enum line take_secret(struct secrets *secrets, enum secret kind, struct bytes random_text, struct bytes secret_text)
{
	uint8_t random[RANDOM_BYTES], secret[SECRET_MOST];
	size_t random_len, len;
	size_t least = kind == SECRET_MASTER ? MASTER_BYTES : RANDOM_BYTES;

	if (!hexadecimal(random_text, random, RANDOM_BYTES, RANDOM_BYTES, &random_len) ||
	    !hexadecimal(secret_text, secret, least, SECRET_MOST, &len))
		return LINE_WRONG;
	secrets_add(secrets, random, kind, bytes_of(secret, len));
	OPENSSL_cleanse(secret, sizeof secret);
	return LINE_SECRET;
}

static enum line read_line(struct secrets *secrets, struct bytes line)
{
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (line.len == 0 || line.data[0] == '#')
		return LINE_EMPTY;
	struct bytes label = word(&line), random = word(&line), secret = word(&line);
	if (!is_label(label) || random.len == 0 || secret.len == 0 || line.len)
		return LINE_WRONG;
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (bytes_same_word(label, labels[i].label))
			return take_secret(secrets, labels[i].kind, random, secret);
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
