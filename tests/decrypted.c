/* For decrypt_test.py: what a capture's sessions carry inside TLS, record by record, as digests. Nothing but this program can be asked for
 * it: it stands between the session's driver and the IMAP dissector (ld --wrap). */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "key_feed.h"

#define SESSIONS 4096
#define STATE_BYTES 1024 /* more than the dissector's own */

extern const struct dissector __real_imap_dissector, __wrap_imap_dissector;

static struct heard {
	const void *state;
	size_t left[2]; /* given before and not consumed */
} heard[SESSIONS];
static size_t count;

/* Memory of a session long over may be another's by now: a zeroed state begins. */
static bool is_fresh(const void *state)
{
	const uint8_t *bytes = state;

	for (size_t i = 0; i < STATE_BYTES; i++)
		if (bytes[i])
			return false;
	return true;
}

static struct heard *heard_by(const void *state)
{
	for (size_t i = count; i-- > 0 && !is_fresh(state);)
		if (heard[i].state == state)
			return &heard[i];
	if (count == SESSIONS)
		abort();
	heard[count].state = state;
	return &heard[count++];
}

static void print_record(const struct heard *h, enum direction from, struct bytes b)
{
	uint8_t digest[32];

	EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL);
	printf("%zu %c %zu ", (size_t)(h - heard), from == FROM_CLIENT ? 'c' : 's', b.len);
	for (int i = 0; i < 16; i++)
		printf("%02x", digest[i]);
	puts("");
}

static struct dissected data(void *state, struct observer *o, struct bytes bytes)
{
	struct heard *h = heard_by(state);
	const struct fact *hello = facts_find(o->facts, FACT_CLIENT_HELLO);
	size_t left = h->left[o->from];

	if (hello && bytes.len > left)
		print_record(h, o->from, bytes_part(bytes, left, bytes.len));
	struct dissected d = __real_imap_dissector.data(state, o, bytes);
	h->left[o->from] = bytes.len - d.consumed;
	return d;
}

static void gap(void *state, struct observer *o, uint64_t missing)
{
	struct heard *h = heard_by(state);

	h->left[o->from] = 0;
	printf("%zu %c gap\n", (size_t)(h - heard), o->from == FROM_CLIENT ? 'c' : 's');
	__real_imap_dissector.gap(state, o, missing);
}

static void end(void *state, struct observer *o)
{
	__real_imap_dissector.end(state, o);
}

static enum probe_result probe(struct bytes first, enum direction from)
{
	return __real_imap_dissector.probe(first, from);
}

const struct dissector __wrap_imap_dissector = { "imap", STATE_BYTES, probe, data, gap, end };

int main(int argc, char **argv)
{
	struct error error = { "" };
	struct analysis_options options = { .memory = 256u << 20 };
	struct source_options of_source = { 0 };
	struct frame frame;
	enum source_status status;

	if (argc != 4) {
		fprintf(stderr, "usage: decrypted RULES KEYLOG CAPTURE\n");
		return 2;
	}
	struct rules *rules = rules_load(argv[1], stderr);
	struct key_feed *feed = key_feed_create(*argv[2] ? argv[2] : NULL, &error);
	struct source *source = source_open_files((const char *const *)&argv[3], 1, &of_source, &error);
	struct analysis *analysis = rules ? analysis_create(&options, rules, &error) : NULL;
	if (!feed || !source || !analysis) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	key_feed_begin(feed, analysis);
	while ((status = source_next(source, &frame, &error)) != SOURCE_END)
		if (status == SOURCE_FRAME)
			analysis_frame(analysis, &frame);
		else if (status == SOURCE_SECRETS)
			key_feed_take(feed, source_secrets(source));
	analysis_end(analysis);
	analysis_destroy(&analysis);
	source_close(&source);
	key_feed_destroy(&feed);
	rules_destroy(&rules);
	return 0;
}
