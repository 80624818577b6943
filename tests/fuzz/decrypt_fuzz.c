/* Fuzzing of decryption: the script's contents are sealed with keys that the session knows, then split, flipped and lost. What is handed out
 * must be what was sealed, in its order, and the same bytes one at a time must give the same. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "decrypt.h"
#include "protect.h"

#define CONTENT_MOST 2000
#define SEALED_RECORDS 64
#define PLAIN_MOST (SEALED_RECORDS * CONTENT_MOST)

/* What one side seals with. */
struct sealer {
	uint8_t key[16], iv[12];
	uint64_t sequence;
};

struct run {
	uint64_t state[128];
	struct facts facts;
	struct texts *texts;
	struct observer o;
	struct decryptor *decryptor;
	struct tls_shared *shared;
	struct schedule *schedule;
	struct sealer sealer[2];
	uint8_t epoch[2];
	uint8_t sealed[2][PLAIN_MOST]; /* all application data, one after the other */
	size_t sealed_len[2], heard[2];
	uint8_t left[2][1 << 16];
	size_t left_len[2], handed;
	unsigned records;
	bool is_13, bytewise, flip, dead[2];
};

static const uint8_t client_random[32] = { 1, 2, 3 }, server_random[32] = { 4, 5, 6 };

static void secret_of(enum secret kind, uint8_t into[SECRET_MOST])
{
	memset(into, 0x40 + (int)kind, SECRET_MOST);
}

static void key_13(struct run *r, enum direction from)
{
	uint8_t secret[SECRET_MOST];
	bool traffic = r->epoch[from] >= 1;

	secret_of(from == FROM_CLIENT ? (traffic ? SECRET_CLIENT_TRAFFIC : SECRET_CLIENT_HANDSHAKE)
				      : (traffic ? SECRET_SERVER_TRAFFIC : SECRET_SERVER_HANDSHAKE), secret);
	for (int update = 1; update < r->epoch[from]; update++)
		expand_label(r->schedule, "SHA256", bytes_of(secret, 32), "traffic upd", secret, 32);
	expand_label(r->schedule, "SHA256", bytes_of(secret, 32), "key", r->sealer[from].key, 16);
	expand_label(r->schedule, "SHA256", bytes_of(secret, 32), "iv", r->sealer[from].iv, 12);
	r->sealer[from].sequence = 0;
}

static void key_12(struct run *r)
{
	uint8_t secret[SECRET_MOST], seed[64], block[40];

	secret_of(SECRET_MASTER, secret);
	memcpy(seed, server_random, 32);
	memcpy(seed + 32, client_random, 32);
	prf(r->schedule, "SHA256", bytes_of(secret, 48), "key expansion", bytes_of(seed, 64), block, sizeof block);
	for (int side = 0; side < 2; side++) {
		int mine = side == FROM_SERVER;
		memcpy(r->sealer[side].key, block + 16 * mine, 16);
		memcpy(r->sealer[side].iv, block + 32 + 4 * mine, 4);
	}
}

static void check_inner(struct run *r, const struct inner *in)
{
	const uint8_t *sealed = r->sealed[in->from];

	if (in->gap && in->bytes.len)
		/* What follows stands somewhere behind. */
		while (r->heard[in->from] + in->bytes.len <= r->sealed_len[in->from] &&
		       memcmp(sealed + r->heard[in->from], in->bytes.data, in->bytes.len) != 0)
			r->heard[in->from]++;
	if (in->bytes.len && (r->heard[in->from] + in->bytes.len > r->sealed_len[in->from] ||
			      memcmp(sealed + r->heard[in->from], in->bytes.data, in->bytes.len) != 0))
		abort();
	r->heard[in->from] += in->bytes.len;
	r->handed += in->bytes.len;
}

static void give(struct run *r, enum direction from, struct bytes piece)
{
	size_t all = r->left_len[from] + piece.len, at = 0;
	uint8_t *copy = malloc(all + 1);
	struct dissected d;

	if (!copy || r->dead[from] || all > sizeof r->left[from]) {
		free(copy);
		return;
	}
	memcpy(copy + 1, r->left[from], r->left_len[from]);
	memcpy(copy + 1 + r->left_len[from], piece.data, piece.len);
	r->o.from = from;
	do {
		d = tls_dissector.data(r->state, &r->o, bytes_of(copy + 1 + at, all - at));
		at += d.consumed;
		if (at > all)
			abort();
		if (d.result == DISSECT_INNER)
			check_inner(r, &d.inner);
	} while (d.result == DISSECT_INNER);
	r->dead[from] = d.result == DISSECT_QUIET;
	r->left_len[from] = all - at;
	memcpy(r->left[from], copy + 1 + at, all - at);
	free(copy);
}

static void wire(struct run *r, enum direction from, struct bytes b)
{
	r->o.at.frame++;
	r->o.at.time += MILLISECOND;
	for (size_t i = 0; r->bytewise && i < b.len; i++)
		give(r, from, bytes_part(b, i, 1));
	if (!r->bytewise)
		give(r, from, b);
}

static void seal(struct run *r, enum direction from, uint8_t type, struct bytes content)
{
	uint8_t plain[CONTENT_MOST + 1], record[CONTENT_MOST + 64], nonce[12], data[13] = { 0 };
	struct sealer *s = &r->sealer[from];
	size_t len = content.len + r->is_13, head = r->is_13 ? 5 : 13, body = len + 16 + (r->is_13 ? 0 : 8);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	memcpy(plain, content.data, content.len);
	plain[content.len] = type;
	record[0] = r->is_13 ? 23 : type;
	record[1] = record[2] = 3;
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	memset(record + 5, 0, 8);
	memcpy(nonce, s->iv, 12);
	for (int i = 0; i < 8; i++) {
		uint8_t byte = (uint8_t)(s->sequence >> (56 - 8 * i));
		data[i] = byte;
		if (r->is_13)
			nonce[4 + i] ^= byte;
		else
			nonce[4 + i] = record[5 + i] = byte;
	}
	if (r->is_13) {
		memcpy(data, record, 5);
	} else {
		memcpy(data + 8, record, 3);
		data[11] = (uint8_t)(len >> 8);
		data[12] = (uint8_t)len;
	}
	uint8_t *out = record + 5 + (r->is_13 ? 0 : 8);
	EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, s->key, nonce);
	EVP_EncryptUpdate(c, NULL, &n, data, (int)head);
	if (len)
		EVP_EncryptUpdate(c, out, &n, plain, (int)len);
	EVP_EncryptFinal_ex(c, out + len, &n);
	EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + len);
	EVP_CIPHER_CTX_free(c);
	s->sequence++;
	if (type == 23 && (!r->is_13 || r->epoch[from])) {
		memcpy(r->sealed[from] + r->sealed_len[from], content.data, content.len);
		r->sealed_len[from] += content.len;
	}
	if (r->flip)
		record[5 + body / 2] ^= 1;
	r->flip = false;
	wire(r, from, bytes_of(record, 5 + body));
}

/* Begins with its number, so that no two are alike. */
static void seal_data(struct run *r, enum direction from, struct bytes content)
{
	uint8_t numbered[CONTENT_MOST];

	numbered[0] = (uint8_t)r->records;
	numbered[1] = 0xa5;
	content = bytes_part(content, 0, sizeof numbered - 2);
	memcpy(numbered + 2, content.data, content.len);
	seal(r, from, 23, bytes_of(numbered, content.len + 2));
}

static void hellos(struct run *r)
{
	uint8_t client[] = { 22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, [43] = 0, 0, 2, 0x13, 1, 1, 0 };
	uint8_t server13[] = { 22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3, [43] = 0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4 };
	uint8_t server12[] = { 22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [43] = 0, 0xc0, 0x2f, 0 };
	static const uint8_t change[] = { 20, 3, 3, 0, 1, 1 };

	memcpy(client + 11, client_random, 32);
	memcpy(server13 + 11, server_random, 32);
	memcpy(server12 + 11, server_random, 32);
	wire(r, FROM_CLIENT, bytes_of(client, sizeof client));
	wire(r, FROM_SERVER, r->is_13 ? bytes_of(server13, sizeof server13) : bytes_of(server12, sizeof server12));
	if (!r->is_13)
		for (int side = 0; side < 2; side++)
			wire(r, (enum direction)side, bytes_of(change, sizeof change));
}

static void act(struct run *r, struct reader *in)
{
	uint8_t kind = read_u8(in);
	enum direction from = kind & 1 ? FROM_SERVER : FROM_CLIENT;
	size_t len = read_be16(in) % CONTENT_MOST;
	struct bytes content = read_bytes(in, len < reader_left(in) ? len : reader_left(in));

	switch (kind >> 1 & 7) {
	case 0: case 1:
		seal_data(r, from, content);
		break;
	case 2: case 3:
		seal(r, from, (uint8_t)(20 + kind / 16 % 3), content);
		break;
	case 4:
		r->left_len[from] = 0;
		r->o.from = from;
		tls_dissector.gap(r->state, &r->o, kind & 16 ? 0 : len);
		break;
	case 5:
		r->flip = true;
		break;
	case 6:
		r->epoch[from] += r->epoch[from] < 8;
		if (r->is_13)
			key_13(r, from);
		break;
	case 7:
		wire(r, from, content);
		break;
	}
}

static struct run *play(struct bytes input, bool bytewise)
{
	struct run *r = calloc(1, sizeof *r);
	struct reader in = reader_of(input);

	if (!r || tls_dissector.state_size > sizeof r->state)
		abort();
	r->bytewise = bytewise;
	r->texts = texts_create(1 << 18);
	r->o = (struct observer){ .facts = &r->facts, .texts = r->texts };
	r->decryptor = decryptor_create(1 << 19, (struct hash_key){ 1, 1 });
	r->shared = tls_shared_create();
	r->schedule = schedule_create();
	tls_shared_decrypt(r->shared, r->decryptor);
	tls_attach(r->state, r->shared);
	uint8_t how = read_u8(&in);
	r->is_13 = how & 1;
	for (int kind = 0; kind < SECRET_COUNT; kind++) {
		uint8_t secret[SECRET_MOST];
		secret_of((enum secret)kind, secret);
		if (!(how >> 1 & 1) || kind % 3)
			secrets_add(decryptor_secrets(r->decryptor), client_random, (enum secret)kind, bytes_of(secret, kind == SECRET_MASTER ? 48 : 32));
	}
	if (r->is_13)
		for (int side = 0; side < 2; side++)
			key_13(r, (enum direction)side);
	else
		key_12(r);
	hellos(r);
	while (reader_left(&in) >= 3 && r->records++ < SEALED_RECORDS)
		act(r, &in);
	return r;
}

static int64_t decrypted(const struct run *r)
{
	const struct fact *f = facts_find(&r->facts, FACT_DECRYPTED);

	return f ? f->value : 0;
}

static void finish(struct run *r)
{
	tls_release(r->state);
	facts_clear(&r->facts, r->texts);
	texts_destroy(&r->texts);
	tls_shared_destroy(&r->shared);
	decryptor_destroy(&r->decryptor);
	schedule_destroy(&r->schedule);
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *whole = play(bytes_of(data, size), false), *cut = play(bytes_of(data, size), true);

	if (whole->handed != cut->handed || decrypted(whole) != decrypted(cut))
		abort();
	finish(whole);
	finish(cut);
	return 0;
}
