/* For the benchmark of decryption: the same IMAP sessions in clear and inside TLS 1.3, with their key log; and what libcrypto alone takes
 * to open the records. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <time.h>

#include "tls_talk.h"

#define SEGMENT 1448
#define RECORD 16640
#define EPOCH 1795510800u

struct capture {
	FILE *out;
	uint64_t at; /* microseconds */
	uint32_t sent[2];
	uint16_t client, port;
	uint32_t client_address;
};

static void put16(uint8_t *p, unsigned n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static void put32(uint8_t *p, uint32_t n)
{
	put16(p, n >> 16);
	put16(p + 2, n & 0xffff);
}

static void packet(struct capture *c, enum direction from, uint8_t flags, const uint8_t *data, size_t len)
{
	static const uint8_t ethernet[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };
	uint8_t head[54] = { 0 }, *ip = head + 14, *tcp = head + 34;
	uint32_t record[4] = { (uint32_t)(EPOCH + c->at / 1000000), (uint32_t)(c->at % 1000000), (uint32_t)(sizeof head + len),
			       (uint32_t)(sizeof head + len) };

	memcpy(head, ethernet, sizeof ethernet);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(40 + len));
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + (from == FROM_CLIENT ? 12 : 16), c->client_address);
	put32(ip + (from == FROM_CLIENT ? 16 : 12), 0xc0000201);
	put16(tcp, from == FROM_CLIENT ? c->client : c->port);
	put16(tcp + 2, from == FROM_CLIENT ? c->port : c->client);
	put32(tcp + 4, c->sent[from]);
	put32(tcp + 8, flags & 16 ? c->sent[!from] : 0);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 65000);
	fwrite(record, sizeof record, 1, c->out);
	fwrite(head, sizeof head, 1, c->out);
	fwrite(data, 1, len, c->out);
	c->sent[from] += (uint32_t)len + (flags & 3 ? 1 : 0);
	c->at += 50;
}

static void carry(struct capture *c, enum direction from, const uint8_t *data, size_t len)
{
	for (size_t at = 0, n = 0; at < len; at += SEGMENT, n++) {
		packet(c, from, 24, data + at, len - at < SEGMENT ? len - at : SEGMENT);
		if (n % 2 || at + SEGMENT >= len)
			packet(c, (enum direction)!from, 16, NULL, 0);
	}
	c->at += 1000;
}

static void open_connection(struct capture *c, unsigned number)
{
	c->client_address = 0x0a000000 + number;
	c->client = (uint16_t)(20000 + number % 40000);
	c->sent[0] = 1000 + number;
	c->sent[1] = 900000 + number;
	packet(c, FROM_CLIENT, 2, NULL, 0);
	packet(c, FROM_SERVER, 18, NULL, 0);
	packet(c, FROM_CLIENT, 16, NULL, 0);
}

static void close_connection(struct capture *c)
{
	packet(c, FROM_CLIENT, 17, NULL, 0);
	packet(c, FROM_SERVER, 17, NULL, 0);
	packet(c, FROM_CLIENT, 16, NULL, 0);
}

static void capture_begin(struct capture *c, const char *prefix, const char *name, uint16_t port)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1 };
	char path[512];

	snprintf(path, sizeof path, "%s-%s.pcap", prefix, name);
	*c = (struct capture){ .out = fopen(path, "wb"), .port = port };
	if (!c->out)
		abort();
	fwrite(head, sizeof head, 1, c->out);
}

/* --- the dialogue --- */

struct pair {
	struct capture *clear;
	struct talk *talk;
};

static void say(struct pair *p, enum direction from, const char *text, size_t len)
{
	carry(p->clear, from, (const uint8_t *)text, len);
	talk_say(p->talk, from, text, len);
	p->talk->said_len[from] = 0;
}

static void line(struct pair *p, enum direction from, const char *text)
{
	say(p, from, text, strlen(text));
}

static void mail(struct pair *p, unsigned tag, size_t len)
{
	char ask[64], *text = malloc(len + 200);
	size_t n = (size_t)sprintf(text, "* %u FETCH (UID %u BODY[] {%zu}\r\n", tag, tag, len);

	for (size_t i = 0; i < len; i++)
		text[n++] = i % 78 < 76 ? (char)('!' + i % 89) : i % 78 == 76 ? '\r' : '\n';
	n += (size_t)sprintf(text + n, ")\r\na%u OK Fetch completed.\r\n", tag);
	snprintf(ask, sizeof ask, "a%u UID FETCH %u (UID BODY.PEEK[])\r\n", tag, tag);
	line(p, FROM_CLIENT, ask);
	say(p, FROM_SERVER, text, n);
	free(text);
}

static void flags(struct pair *p, unsigned tag)
{
	char text[4096];
	int n = snprintf(text, sizeof text, "a%u UID FETCH %u:* (FLAGS)\r\n", tag, tag);

	say(p, FROM_CLIENT, text, (size_t)n);
	n = 0;
	for (unsigned i = 1; i <= 40; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "* %u FETCH (UID %u FLAGS (\\Seen))\r\n", i, 1000 + i);
	n += snprintf(text + n, sizeof text - (size_t)n, "a%u OK Fetch completed.\r\n", tag);
	say(p, FROM_SERVER, text, (size_t)n);
}

static void dialogue(struct pair *p)
{
	line(p, FROM_SERVER, "* OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN] ready.\r\n");
	line(p, FROM_CLIENT, "a1 LOGIN user password\r\n");
	line(p, FROM_SERVER, "a1 OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS] Logged in\r\n");
	line(p, FROM_CLIENT, "a2 SELECT INBOX\r\n");
	line(p, FROM_SERVER, "* FLAGS (\\Seen)\r\n* 40 EXISTS\r\n* 0 RECENT\r\na2 OK [READ-WRITE] Select completed.\r\n");
	for (unsigned i = 0; i < 10; i++)
		flags(p, 10 + i);
	mail(p, 30, 6000);
	mail(p, 31, 45000);
	for (unsigned i = 0; i < 3; i++)
		mail(p, 32 + i, 250000);
	line(p, FROM_CLIENT, "a9 LOGOUT\r\n");
	line(p, FROM_SERVER, "* BYE Logging out\r\na9 OK Logout completed.\r\n");
}

/* --- making and opening --- */

/* The bodies' lengths of all sealed records, for the other task. */
static void note_records(FILE *out, const struct talk *t)
{
	for (int from = 0; from < 2; from++) {
		uint8_t *all = malloc(1 << 20);
		size_t len = 0;
		for (size_t i = 0; i < t->count; i++)
			if (t->pieces[i].from == (enum direction)from) {
				memcpy(all + len, t->pieces[i].data, t->pieces[i].len);
				len += t->pieces[i].len;
			}
		for (size_t at = 0; at + 5 <= len;) {
			uint16_t body = (uint16_t)(all[at + 3] << 8 | all[at + 4]);
			if (all[at] == 23)
				fwrite(&body, sizeof body, 1, out);
			at += 5u + body;
		}
		free(all);
	}
}

static int make(const char *suite, unsigned sessions, const char *prefix)
{
	struct talk_options o = { .version = TLS1_3_VERSION, .suites = suite };
	struct talk contexts = { 0 };
	struct capture clear, sealed;
	char path[512];

	capture_begin(&clear, prefix, "clear", 143);
	capture_begin(&sealed, prefix, "sealed", 993);
	snprintf(path, sizeof path, "%s.keys", prefix);
	FILE *keys = fopen(path, "w");
	snprintf(path, sizeof path, "%s.records", prefix);
	FILE *records = fopen(path, "wb");
	if (!keys || !records)
		return 1;
	talk_contexts(&contexts, &o);
	o.contexts = &contexts;
	for (unsigned i = 0; i < sessions; i++) {
		struct talk t;
		struct pair p = { &clear, &t };
		if (!talk_begin(&t, &o))
			return 1;
		open_connection(&clear, i);
		dialogue(&p);
		close_connection(&clear);
		open_connection(&sealed, i);
		for (size_t k = 0; k < t.count; k++)
			carry(&sealed, t.pieces[k].from, t.pieces[k].data, t.pieces[k].len);
		close_connection(&sealed);
		fputs(t.keylog, keys);
		note_records(records, &t);
		talk_end(&t);
	}
	return fclose(clear.out) | fclose(sealed.out) | fclose(keys) | fclose(records);
}

static void once(EVP_CIPHER_CTX *c, bool seal, uint8_t *from, uint8_t *to, int len)
{
	uint8_t nonce[12] = { 0 }, data[5] = { 23, 3, 3 };
	int n;

	EVP_CipherInit_ex2(c, NULL, NULL, nonce, seal, NULL);
	if (!seal)
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, from + len);
	EVP_CipherUpdate(c, NULL, &n, data, sizeof data);
	EVP_CipherUpdate(c, to, &n, from, len);
	if (EVP_CipherFinal_ex(c, to + len, &n) <= 0)
		abort();
	if (seal)
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, to + len);
}

static double processor_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The key and IV of two epochs of both sides, put into the cipher: each expansion is one HMAC. */
static void set_keys(EVP_MAC_CTX *hmac, EVP_CIPHER *cipher)
{
	static const uint8_t secret[32], info[19];
	uint8_t block[32];
	size_t n;

	for (int side = 0; side < 2; side++) {
		EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
		EVP_CipherInit_ex2(c, cipher, NULL, NULL, 0, NULL);
		for (int epoch = 0; epoch < 2; epoch++) {
			for (int i = 0; i < 2; i++) {
				EVP_MAC_init(hmac, secret, sizeof secret, NULL);
				EVP_MAC_update(hmac, info, sizeof info);
				EVP_MAC_final(hmac, block, &n, sizeof block);
			}
			EVP_CipherInit_ex2(c, NULL, block, NULL, 0, NULL);
		}
		EVP_CIPHER_CTX_free(c);
	}
}

/* Prints the seconds that making the keys of so many sessions and decrypting records of those lengths take. */
static int open_records(const char *cipher_name, const char *prefix, unsigned sessions)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0), OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *hmac = EVP_MAC_CTX_new(mac);
	static uint8_t plain[RECORD], key[32];
	static uint16_t lengths[1 << 22];
	char path[512];
	double seconds;
	uint64_t bytes = 0;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipher_name, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	snprintf(path, sizeof path, "%s.records", prefix);
	FILE *records = fopen(path, "rb");
	if (!records || !cipher)
		return 1;
	EVP_CipherInit_ex2(c, cipher, key, NULL, 1, NULL);
	size_t count = fread(lengths, sizeof *lengths, sizeof lengths / sizeof *lengths, records);
	for (size_t i = 0; i < count; i++)
		bytes += lengths[i];
	/* Each record stands in memory of its own, as those of a capture do. */
	uint8_t *all = malloc(bytes), *at = all;
	for (size_t i = 0; i < count; at += lengths[i++])
		once(c, true, plain, at, lengths[i] - 16);
	EVP_MAC_CTX_set_params(hmac, params);
	double began = processor_seconds();
	for (unsigned i = 0; i < sessions; i++)
		set_keys(hmac, cipher);
	at = all;
	for (size_t i = 0; i < count; at += lengths[i++])
		once(c, false, at, plain, lengths[i] - 16);
	seconds = processor_seconds() - began;
	bytes -= 16 * count;
	printf("%.6f %llu %zu\n", seconds, (unsigned long long)bytes, count);
	fclose(records);
	free(all);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(cipher);
	EVP_MAC_CTX_free(hmac);
	EVP_MAC_free(mac);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "make") == 0)
		return make(argv[2], (unsigned)atoi(argv[3]), argv[4]);
	if (argc == 5 && strcmp(argv[1], "open") == 0)
		return open_records(argv[2], argv[3], (unsigned)atoi(argv[4]));
	fprintf(stderr, "use: sealed make SUITE SESSIONS PREFIX | sealed open CIPHER PREFIX SESSIONS\n");
	return 2;
}
