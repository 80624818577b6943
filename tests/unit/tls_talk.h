/* For tests: TLS sessions between libssl and itself in memory, with all that went over the wire, what was said inside and the key log. */
#ifndef IMAPWHY_TLS_TALK_H
#define IMAPWHY_TLS_TALK_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "moment.h"

#define TALK_PIECES 256
#define TALK_SAID (1u << 19)

struct talk_piece {
	uint8_t *data;
	size_t len;
	enum direction from;
};

struct talk {
	SSL_CTX *context[2]; /* by direction: client, server */
	SSL *ssl[2];
	struct talk_piece pieces[TALK_PIECES];
	size_t count;
	uint8_t *said[2];
	size_t said_len[2];
	char keylog[8192];
	SSL_SESSION *session; /* the newest the client was given */
};

struct talk_options {
	int version;           /* TLS1_2_VERSION … */
	const char *suites;    /* TLS 1.3's names, or a cipher list before; NULL: the default */
	uint64_t ssl_options;  /* of both */
	bool client_certificate, no_rsa;
	const char *server_groups;
	SSL_SESSION *resume;   /* a session of the same contexts */
	struct talk *contexts; /* whose contexts are used; NULL: new ones */
	const char *early;     /* early data of the client */
	int padding;           /* records are padded to a multiple of it */
};

static inline void talk_keylog(const SSL *ssl, const char *line)
{
	struct talk *t = SSL_get_app_data(ssl);
	size_t len = strlen(t->keylog);

	snprintf(t->keylog + len, sizeof t->keylog - len, "%s\n", line);
}

static inline int talk_session(SSL *ssl, SSL_SESSION *session)
{
	struct talk *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1;
}

static inline int talk_verify(int good, X509_STORE_CTX *context)
{
	(void)good;
	(void)context;
	return 1;
}

/* Made once: it takes longer than a session. */
static inline EVP_PKEY *talk_key(int kind)
{
	static EVP_PKEY *keys[2];

	if (!keys[kind])
		keys[kind] = kind ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
	return keys[kind];
}

static inline void talk_identity(SSL_CTX *c, const char *name, bool no_rsa)
{
	for (int kind = no_rsa; kind < 2; kind++) {
		EVP_PKEY *key = talk_key(kind);
		X509 *x = X509_new();
		X509_set_version(x, 2);
		ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
		X509_gmtime_adj(X509_getm_notBefore(x), 0);
		X509_gmtime_adj(X509_getm_notAfter(x), 86400);
		X509_set_pubkey(x, key);
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
		X509_set_issuer_name(x, X509_get_subject_name(x));
		X509_sign(x, key, EVP_sha256());
		SSL_CTX_use_certificate(c, x);
		SSL_CTX_use_PrivateKey(c, key);
		X509_free(x);
	}
}

/* What was written by one side goes over the wire. */
static inline bool talk_carry(struct talk *t)
{
	bool moved = false;

	for (int from = 0; from < 2; from++) {
		uint8_t room[1 << 16];
		int n;
		while ((n = BIO_read(SSL_get_wbio(t->ssl[from]), room, sizeof room)) > 0) {
			if (t->count == TALK_PIECES)
				abort();
			struct talk_piece *p = &t->pieces[t->count++];
			*p = (struct talk_piece){ malloc((size_t)n), (size_t)n, (enum direction)from };
			memcpy(p->data, room, (size_t)n);
			BIO_write(SSL_get_rbio(t->ssl[!from]), room, n);
			moved = true;
		}
	}
	return moved;
}

static inline void talk_note(struct talk *t, enum direction from, const void *data, size_t len)
{
	if (t->said_len[from] + len > TALK_SAID)
		abort();
	memcpy(t->said[from] + t->said_len[from], data, len);
	t->said_len[from] += len;
}

/* Both sides read until there is nothing more. */
static inline void talk_hear(struct talk *t)
{
	uint8_t room[4096];

	do
		for (int to = 0; to < 2; to++)
			while (SSL_read(t->ssl[to], room, sizeof room) > 0)
				;
	while (talk_carry(t));
}

static inline void talk_say(struct talk *t, enum direction from, const void *data, size_t len)
{
	if (len)
		SSL_write(t->ssl[from], data, (int)len);
	talk_note(t, from, data, len);
	talk_carry(t);
	talk_hear(t);
}

static inline void talk_line(struct talk *t, enum direction from, const char *line)
{
	talk_say(t, from, line, strlen(line));
}

static inline void talk_contexts(struct talk *t, const struct talk_options *o)
{
	for (int side = 0; side < 2; side++) {
		SSL_CTX *c = t->context[side] = SSL_CTX_new(side == FROM_CLIENT ? TLS_client_method() : TLS_server_method());
		SSL_CTX_set_security_level(c, 0);
		SSL_CTX_set_min_proto_version(c, o->version);
		SSL_CTX_set_max_proto_version(c, o->version);
		SSL_CTX_set_options(c, o->ssl_options | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
		SSL_CTX_set_max_early_data(c, 16384);
		SSL_CTX_set_dh_auto(c, 1);
		if (o->suites && o->version == TLS1_3_VERSION)
			SSL_CTX_set_ciphersuites(c, o->suites);
		else if (o->suites)
			SSL_CTX_set_cipher_list(c, o->suites);
		if (o->padding)
			SSL_CTX_set_block_padding(c, (size_t)o->padding);
		if (side == FROM_SERVER || o->client_certificate)
			talk_identity(c, side == FROM_SERVER ? "imap.example.org" : "a client", o->no_rsa);
	}
	SSL_CTX_set_keylog_callback(t->context[FROM_CLIENT], talk_keylog);
	SSL_CTX_set_session_cache_mode(t->context[FROM_CLIENT], SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(t->context[FROM_CLIENT], talk_session);
	SSL_CTX_set_session_id_context(t->context[FROM_SERVER], (const unsigned char *)"t", 1);
	if (o->server_groups)
		SSL_CTX_set1_groups_list(t->context[FROM_SERVER], o->server_groups);
	if (o->client_certificate)
		SSL_CTX_set_verify(t->context[FROM_SERVER], SSL_VERIFY_PEER, talk_verify);
}

/* Handshake done; false: libssl has no such suite or it did not come about. */
static inline bool talk_begin(struct talk *t, const struct talk_options *o)
{
	*t = (struct talk){ 0 };
	for (int side = 0; side < 2; side++)
		t->said[side] = malloc(TALK_SAID);
	if (o->contexts)
		for (int side = 0; side < 2; side++) {
			t->context[side] = o->contexts->context[side];
			SSL_CTX_up_ref(t->context[side]);
		}
	else
		talk_contexts(t, o);
	for (int side = 0; side < 2; side++) {
		t->ssl[side] = SSL_new(t->context[side]);
		SSL_set_app_data(t->ssl[side], t);
		SSL_set_bio(t->ssl[side], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	}
	SSL_set_connect_state(t->ssl[FROM_CLIENT]);
	SSL_set_accept_state(t->ssl[FROM_SERVER]);
	if (o->resume)
		SSL_set_session(t->ssl[FROM_CLIENT], o->resume);
	if (o->early) {
		size_t n;
		uint8_t room[256];
		SSL_write_early_data(t->ssl[FROM_CLIENT], o->early, strlen(o->early), &n);
		talk_carry(t);
		while (SSL_read_early_data(t->ssl[FROM_SERVER], room, sizeof room, &n) == SSL_READ_EARLY_DATA_SUCCESS && n)
			talk_note(t, FROM_CLIENT, room, n);
	}
	for (int i = 0; i < 12; i++) {
		for (int side = 0; side < 2; side++)
			SSL_do_handshake(t->ssl[side]);
		talk_carry(t);
	}
	bool up = SSL_is_init_finished(t->ssl[0]) && SSL_is_init_finished(t->ssl[1]);
	if (up)
		talk_hear(t);
	return up;
}

static inline void talk_end(struct talk *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->pieces[i].data);
	for (int side = 0; side < 2; side++) {
		SSL_free(t->ssl[side]);
		SSL_CTX_free(t->context[side]);
		free(t->said[side]);
	}
	SSL_SESSION_free(t->session);
	ERR_clear_error();
}

#endif
