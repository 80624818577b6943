/* Clear handshake messages: hellos, certificates and what tells that the server's flight is whole. */
#include "certificate.h"
#include "decrypt.h"
#include "fingerprint.h"
#include "progress.h"
#include "text.h"

#define CERT_NAMES_MOST 200
#define NAME_MOST 255

/* --- ClientHello --- */

static void tell_name(struct tls_state *st, struct observer *o, struct bytes name)
{
	uint8_t low[NAME_MOST];

	if (name.len == 0 || name.len > sizeof low)
		return;
	for (size_t i = 0; i < name.len; i++)
		low[i] = letter_lower(name.data[i]);
	name = bytes_of(low, name.len);
	observe_text(o, FACT_SNI, name);
	struct name_hashes hashes = name_hashes(name);
	st->named = true;
	st->name = hashes.whole;
	st->name_parent = hashes.parent;
}

static void tell_protocols(struct observer *o, struct bytes protocols)
{
	struct reader r = reader_of(protocols);
	char room[200];
	struct text t = TEXT_IN(room);

	while (reader_left(&r) >= 2) {
		struct bytes one = read_bytes(&r, read_u8(&r));
		if (r.shortfall)
			break;
		if (one.len == 2 && is_grease((uint16_t)(one.data[0] << 8 | one.data[1])))
			continue;
		if (t.len)
			text_add(&t, ",");
		text_add_wire(&t, one, NAME_MOST);
	}
	if (t.len)
		observe_text(o, FACT_ALPN, bytes_of(room, t.len));
}

static void tell_fingerprints(const struct tls_state *st, struct observer *o, const struct client_hello *h)
{
	struct fingerprints prints;

	fingerprints_of(tls_shared_fingerprints(st->shared), h, &prints);
	observe_text(o, FACT_JA3, bytes_of_text(prints.ja3));
	observe_text(o, FACT_JA4, bytes_of_text(prints.ja4));
}

static void tell_offer(struct observer *o, const struct client_hello *h)
{
	observe(o, FACT_OFFERED_MAX, h->most);
	if (h->least)
		observe(o, FACT_OFFERED_MIN, h->least);
	if (h->only_weak)
		observe(o, FACT_OFFERED_WEAK, true);
}

static void client_hello(struct tls_state *st, struct observer *o, struct bytes body)
{
	struct client_hello h;
	bool first = !st->client_hello;

	st->client_hello = true;
	observe(o, FACT_CLIENT_HELLO, true);
	if (tls_shared_decryptor(st->shared))
		decryption_client_hello(st, body);
	/* The one that answers a HelloRetryRequest repeats the first. */
	if (!client_hello_read(body, &h) || !first)
		return;
	st->early_data = h.early_data;
	tell_offer(o, &h);
	tell_name(st, o, h.name);
	tell_protocols(o, h.protocols);
	tell_fingerprints(st, o, &h);
}

void sslv2_hello(struct tls_state *st, struct observer *o, struct bytes body)
{
	struct client_hello h;

	st->client_hello = true;
	observe(o, FACT_CLIENT_HELLO, true);
	if (sslv2_hello_read(body, &h))
		tell_offer(o, &h);
	client_asks(st, o);
}

/* --- ServerHello --- */

static void server_hello(struct tls_state *st, struct observer *o, struct bytes body)
{
	struct server_hello h;

	if (!server_hello_read(body, &h))
		return;
	st->version = h.version;
	st->cipher = h.cipher;
	if (h.retry) {
		observe(o, FACT_HELLO_RETRY, true);
		st->early_data = false; /* refused by it */
		return;
	}
	st->server_hello = true;
	observe(o, FACT_SERVER_HELLO, true);
	observe(o, FACT_VERSION, h.version);
	observe(o, FACT_CIPHER, h.cipher);
	if (h.psk) {
		st->resumed = true;
		observe(o, FACT_RESUMED, true);
	}
	if (st->decryption)
		decryption_server_hello(st, body, h.version, h.cipher);
}

/* --- Certificate --- */

static void tell_certificate(const struct tls_state *st, struct observer *o, const struct certificate *c)
{
	struct bytes names = bytes_part(bytes_of_text(c->names), 0, CERT_NAMES_MOST);

	observe_text(o, FACT_CERT_SUBJECT, bytes_of_text(c->subject));
	observe_text(o, FACT_CERT_ISSUER, bytes_of_text(c->issuer));
	if (names.len)
		observe_text(o, FACT_CERT_NAMES, names);
	observe(o, FACT_CERT_SELF_SIGNED, c->self_signed);
	if (c->dated) {
		observe(o, FACT_CERT_NOT_BEFORE, c->not_before);
		observe(o, FACT_CERT_NOT_AFTER, c->not_after);
		observe(o, FACT_CERT_EXPIRED, o->at.time < c->not_before || o->at.time > c->not_after);
	}
	if (!st->named)
		return;
	enum name_match match = certificate_is_for(c, (struct name_hashes){ st->name, st->name_parent });
	if (match != NAME_UNSURE)
		observe(o, FACT_CERT_MISMATCH, match == NAME_OTHER);
}

static void certificate(struct tls_state *st, struct observer *o, struct bytes body)
{
	struct reader r = reader_of(body);

	if (st->version == TLS13)
		read_bytes(&r, read_u8(&r)); /* the request's context */
	read_be24(&r); /* of the chain */
	struct bytes leaf = read_bytes(&r, read_be24(&r));
	const struct certificate *c = r.shortfall || leaf.len == 0 ? NULL : certificate_read(st->shared, leaf);
	if (!c)
		return;
	tell_certificate(st, o, c);
	certificate_release(st->shared, c);
}

/* --- all of them --- */

static void server_message(struct tls_state *st, struct observer *o, uint8_t type, struct bytes body)
{
	switch (type) {
	case SERVER_HELLO:
		server_hello(st, o, body);
		break;
	case NEW_SESSION_TICKET:
		if (st->decryption)
			decryption_ticket(st, body);
		break;
	case CERTIFICATE:
		certificate(st, o, body);
		break;
	case CERTIFICATE_REQUEST:
		observe(o, FACT_CERT_REQUESTED, true);
		break;
	case SERVER_HELLO_DONE:
		st->flight = true;
		observe(o, FACT_SERVER_FLIGHT, true);
		break;
	}
}

void handshake_message(struct tls_state *st, struct observer *o, uint8_t type, struct bytes body)
{
	if (o->from == FROM_SERVER)
		server_message(st, o, type, body);
	else if (type == CLIENT_HELLO)
		client_hello(st, o, body);
	if (st->decryption && st->version != TLS13)
		decryption_handshake(st, o->from, type, body);
}

void handshake_message_cut(struct tls_state *st, struct observer *o, uint8_t type)
{
	if (o->from != FROM_CLIENT || type != CLIENT_HELLO)
		return;
	st->client_hello = true;
	observe(o, FACT_CLIENT_HELLO, true);
}
