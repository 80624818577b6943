/* How far a handshake is, and what each record means there, told by type, order and size. */
#include "progress.h"

#define SHA384_SUITE 0x1302 /* the one suite of TLS 1.3 with SHA-384 */
/* Body lengths of protected 1.3 records: plaintext, one byte of type, 16 of tag. */
#define FINISHED_LENGTH 53
#define FINISHED_LENGTH_SHA384 69
#define FINISHED_MOST 128 /* of any version and suite */
/* A first protected record of the server longer than this is no EncryptedExtensions alone: the flight stands in one record. */
#define EXTENSIONS_MOST 100
/* Client records closer than this are one burst (an upload): the answer is awaited from its end. */
#define BURST SECOND

/* --- time --- */

void client_asks(struct tls_state *st, const struct observer *o)
{
	if (!st->asking || o->at.time - st->client_at < BURST)
		st->asked = o->at.time;
	st->asking = true;
	st->client_at = o->at.time;
}

void answered(struct tls_state *st, struct observer *o, struct moment at)
{
	if (st->asking && at.time >= st->asked)
		observe_at(o, FACT_SLOWEST_RECORD, at.time - st->asked, at, FROM_SERVER);
}

static void server_answers(struct tls_state *st, struct observer *o)
{
	answered(st, o, o->at);
	/* After the client's Finished it is the greeting that is waited for, whatever ends the handshake before it. */
	if (st->established || !st->side[FROM_CLIENT].finished)
		st->asking = false;
}

/* --- the handshake's milestones --- */

void flight_came(struct tls_state *st, struct observer *o)
{
	bool by_client = o->from == FROM_CLIENT && st->flight_at.frame; /* the client's answer tells that it came, its own frames show it */

	if (!st->flight && st->server_hello)
		observe_at(o, FACT_SERVER_FLIGHT, true, by_client ? st->flight_at : o->at, FROM_SERVER);
	st->flight = true;
}

static void establish(struct tls_state *st, struct observer *o)
{
	if (!st->established)
		observe(o, FACT_ESTABLISHED_TLS, true);
	st->established = true;
}

static void client_finished(struct tls_state *st, struct observer *o)
{
	observe(o, FACT_CLIENT_FINISHED, true);
	st->side[FROM_CLIENT].finished = true;
	st->finished_at = o->at.time;
}

static bool is_finished_length(struct tls_state *st, uint16_t length, uint16_t more)
{
	if (st->cipher != SHA384_SUITE && length == FINISHED_LENGTH + more)
		return true;
	return (st->cipher == SHA384_SUITE || st->cipher == 0) && length == FINISHED_LENGTH_SHA384 + more;
}

/* TLS 1.3, the client's records up to its Finished. */
static void client_protected(struct tls_state *st, struct observer *o, uint16_t length)
{
	struct tls_side *client = &st->side[FROM_CLIENT];
	bool first = !client->protected_seen;

	client->protected_seen = true;
	if (st->rejected)
		return;
	if (first && !st->early_data && (length == ALERT_LENGTH || length == ALERT_LENGTH + PADDING)) {
		st->rejected = true;
		observe(o, FACT_CLIENT_ENCRYPTED_ALERT, true);
		flight_came(st, o);
		return;
	}
	client_asks(st, o);
	bool padded = is_finished_length(st, length, PADDING);
	if (!padded && !is_finished_length(st, length, 0)) {
		/* A Certificate, alone or with all that follows it; or early data. */
		st->client_certificate = !st->early_data;
		return;
	}
	st->padded = padded;
	flight_came(st, o);
	client_finished(st, o);
	establish(st, o);
}

void finished_read(struct tls_state *st, struct observer *o)
{
	flight_came(st, o);
	if (o->from == FROM_CLIENT) {
		if (!st->side[FROM_CLIENT].finished)
			client_finished(st, o);
		establish(st, o);
	}
}

/* TLS 1.3, the server's records up to the client's Finished. */
static void server_protected(struct tls_state *st, struct observer *o, uint16_t length)
{
	struct tls_side *server = &st->side[FROM_SERVER];
	bool first = !server->protected_seen;

	server->protected_seen = true;
	st->flight_at = o->at;
	if (length == ALERT_LENGTH) {
		server->held = length;
		server->held_at = o->at;
		server->notified = true;
		observe(o, FACT_SERVER_NOTIFY, true);
		return;
	}
	bool whole = first ? length > EXTENSIONS_MOST || (st->resumed && length > FINISHED_LENGTH)
			   : is_finished_length(st, length, 0) || is_finished_length(st, length, PADDING);
	if (!whole)
		return;
	flight_came(st, o);
	st->finished_at = o->at.time;
}

/* A server that goes on after protected records of the client took them: its Finished was among them, in one record with its
 * certificate. Where the client goes unseen, the server's Finished and a later record tell the same. */
static bool server_went_on(const struct tls_state *st, const struct observer *o, uint16_t length)
{
	const struct tls_side *client = &st->side[FROM_CLIENT];

	if (st->early_data || st->rejected || !st->server_hello)
		return false;
	if (client->protected_seen)
		return length > SERVER_ALERT_MOST;
	return !client->spoke && st->flight && o->at.time > st->finished_at;
}

/* --- TLS 1.2 and before --- */

static void change_cipher(struct tls_state *st, struct observer *o)
{
	struct tls_side *server = &st->side[FROM_SERVER];

	st->side[o->from].changed = true;
	if (st->version == TLS13 || o->from == FROM_CLIENT || !st->server_hello)
		return;
	/* A server that changes ciphers without ServerHelloDone takes up an older session. */
	if (!st->flight && !server->holes) {
		st->resumed = true;
		observe(o, FACT_RESUMED, true);
	}
	flight_came(st, o);
}

static void secret_handshake(struct tls_state *st, struct observer *o)
{
	bool first = !st->side[o->from].finished;

	st->side[o->from].finished = true;
	if (first && o->from == FROM_CLIENT)
		client_finished(st, o);
	if (st->side[FROM_CLIENT].finished && st->side[FROM_SERVER].finished)
		establish(st, o);
}

/* --- records --- */

static enum tls_mode data_mode(struct tls_state *st, struct observer *o, uint16_t length)
{
	bool old = (st->version && st->version != TLS13) || st->side[FROM_CLIENT].finished;

	if (!st->established && !st->client_hello && !st->server_hello) {
		st->midstream = true;
		establish(st, o);
	} else if (!st->established && old) {
		establish(st, o); /* its Finished was missed, or came in a record that was */
	} else if (!st->established && o->from == FROM_CLIENT && !st->server_hello && (st->early_data || st->version == TLS13)) {
		return MODE_EARLY; /* a HelloRetryRequest sets the version too */
	} else if (!st->established && o->from == FROM_SERVER && server_went_on(st, o, length)) {
		if (st->side[FROM_CLIENT].protected_seen)
			client_finished(st, o);
		st->finished_at = o->at.time;
		flight_came(st, o);
		establish(st, o);
	}
	if (!st->established)
		return MODE_PROTECTED;
	return o->from == FROM_SERVER && is_ticket(st, o, length) ? MODE_TICKET : MODE_DATA;
}

static enum tls_mode mode_of(struct tls_state *st, struct observer *o, enum record_type type, uint16_t length)
{
	/* Up to TLS 1.2 all is encrypted after ChangeCipherSpec; in 1.3 that record means nothing. */
	bool secret = st->established || (st->side[o->from].changed && st->version != TLS13);
	/* In a capture of the client alone a second ClientHello may follow: far longer than Finished. */
	bool hello = st->version == 0 && o->from == FROM_CLIENT && !st->established && length > FINISHED_MOST;

	switch (type) {
	case CHANGE_CIPHER_SPEC:
		return MODE_CHANGE;
	case ALERT:
		return length == 2 && !(secret && st->version && st->version != TLS13) ? MODE_ALERT : MODE_SECRET_ALERT;
	case HANDSHAKE:
		return secret && !hello ? MODE_FINISHED : MODE_MESSAGES;
	case APPLICATION_DATA:
		return data_mode(st, o, length);
	default:
		return MODE_SKIP;
	}
}

enum tls_mode record_begins(struct tls_state *st, struct observer *o, enum record_type type, uint16_t length)
{
	enum tls_mode mode = mode_of(st, o, type, length);
	bool answer = mode == MODE_MESSAGES || mode == MODE_PROTECTED || mode == MODE_CHANGE || mode == MODE_FINISHED ||
		      (mode == MODE_DATA && !has_notify_length(st, o->from, length) && !is_early_server_alert(st, o->from, length));

	/* The answer is there as soon as it begins: how long it takes to come through is the path's affair. */
	if (o->from == FROM_SERVER && answer)
		server_answers(st, o);
	return mode;
}

static void protected_record(struct tls_state *st, struct observer *o, uint16_t length)
{
	if (o->from == FROM_CLIENT)
		client_protected(st, o, length);
	else
		server_protected(st, o, length);
}

void record_ends(struct tls_state *st, struct observer *o, enum tls_mode mode, uint16_t length)
{
	switch (mode) {
	case MODE_CHANGE:
		change_cipher(st, o);
		break;
	case MODE_FINISHED:
		secret_handshake(st, o);
		break;
	case MODE_SECRET_ALERT:
		secret_alert(st, o, length);
		break;
	case MODE_PROTECTED:
		protected_record(st, o, length);
		break;
	case MODE_DATA:
		data_record(st, o, length);
		break;
	case MODE_TICKET:
		ticket_record(st, o, length);
		break;
	case MODE_MESSAGES:
	case MODE_ALERT:
	case MODE_EARLY:
	case MODE_SKIP:
		break;
	}
	if (o->from == FROM_CLIENT && (mode == MODE_MESSAGES || mode == MODE_CHANGE || mode == MODE_FINISHED))
		client_asks(st, o);
}
