/* After the handshake: data and who owes an answer, tickets, alerts and close_notify, told by order and size. */
#include "progress.h"

#define TICKET_MOST_CLIENT_CERTIFICATE 4096 /* it stands in the ticket */
#define TICKETS_MOST 8
#define TICKET_WAIT (2 * SECOND)        /* after the client's Finished: a long round trip and a slow server */
#define TICKETS_APART (300 * MILLISECOND) /* written at once, yet they may travel apart */
/* An upload may stall so long; a client that speaks again later does so in spite of the answer that is due. */
#define OWED_PAUSE (3 * SECOND)

static bool is_padded(const struct tls_state *st, uint16_t length, uint16_t plain)
{
	return length == plain || (st->padded && length == plain + PADDING);
}

static bool may_be_13(const struct tls_state *st)
{
	return st->version == TLS13 || st->version == 0;
}

void keep_record(struct tls_state *st, struct observer *o, enum record_kind kind, uint16_t length)
{
	if (st->established && !records_add(&st->records, kind, o->from, length, o->at) && o->lost)
		++*o->lost;
}

static const struct {
	enum fact_id records, bytes, notify;
} facts_of[2] = {
	[FROM_CLIENT] = { FACT_CLIENT_RECORDS, FACT_CLIENT_RECORD_BYTES, FACT_CLIENT_NOTIFY },
	[FROM_SERVER] = { FACT_SERVER_RECORDS, FACT_SERVER_RECORD_BYTES, FACT_SERVER_NOTIFY },
};

static void count_record(struct tls_state *st, struct observer *o, enum direction d, uint16_t length, struct moment at)
{
	observe_at(o, facts_of[d].records, 1, at, d);
	observe_at(o, facts_of[d].bytes, length, at, d);
	st->side[d].data_seen = true;
}

static void notify(struct tls_state *st, struct observer *o)
{
	st->side[o->from].notified = true;
	observe(o, facts_of[o->from].notify, true);
}

/* What looked like close_notify was not the last of its side. */
static void not_closed(struct tls_state *st, struct observer *o)
{
	struct tls_side *side = &st->side[o->from];

	if (side->held) {
		count_record(st, o, o->from, side->held, side->held_at);
		records_rename(st->records, o->from, RECORD_NOTIFY, RECORD_DATA);
	}
	if (side->notified)
		observe(o, facts_of[o->from].notify, false);
	side->held = 0;
	side->notified = false;
}

void went_on(struct tls_state *st, struct observer *o)
{
	if (st->side[o->from].notified)
		not_closed(st, o);
}

/* After STARTTLS no greeting comes (RFC 9051, 6.2.1): the client speaks first, and then again when it has its answer. */
static bool is_greeted(const struct observer *o)
{
	const struct fact *starttls = facts_find(o->facts, FACT_STARTTLS_SENT);

	return !starttls || !starttls->value;
}

/* An IMAP client speaks after the greeting: a lone record taken for a ticket was the greeting (or an answer). */
static void ticket_was_data(struct tls_state *st, struct observer *o)
{
	if (st->tickets != 1 || st->side[FROM_SERVER].data_seen || (!is_greeted(o) && !st->side[FROM_CLIENT].data_seen))
		return;
	answered(st, o, st->ticket_at);
	st->asking = false;
	count_record(st, o, FROM_SERVER, st->ticket_length, st->ticket_at);
	records_rename(st->records, FROM_SERVER, RECORD_TICKET, RECORD_DATA);
}

static void client_data(struct tls_state *st, struct observer *o, uint16_t length)
{
	ticket_was_data(st, o);
	count_record(st, o, FROM_CLIENT, length, o->at);
	st->again |= st->owed && o->at.time - st->client_at >= OWED_PAUSE;
	if (!st->again)
		observe(o, FACT_RECORD_OWED, true);
	st->owed = true;
	client_asks(st, o);
}

static void server_data(struct tls_state *st, struct observer *o, uint16_t length)
{
	count_record(st, o, FROM_SERVER, length, o->at);
	if (st->owed)
		observe(o, FACT_RECORD_OWED, false);
	st->owed = st->again = false;
}

void answered_in_hole(struct tls_state *st, struct observer *o)
{
	if (o->from != FROM_SERVER || !st->owed)
		return;
	observe(o, FACT_RECORD_OWED, false);
	st->owed = st->again = false;
}

bool has_notify_length(const struct tls_state *st, enum direction from, uint16_t length)
{
	return may_be_13(st) && (from == FROM_CLIENT ? is_padded(st, length, ALERT_LENGTH) : length == ALERT_LENGTH);
}

/* TLS 1.3: where the greeting is due, a record too short for one. What follows the client's FIN answers its leaving. */
bool is_early_server_alert(const struct tls_state *st, enum direction from, uint16_t length)
{
	return from == FROM_SERVER && st->version == TLS13 && !st->midstream && !st->side[FROM_SERVER].data_seen &&
	       !st->side[FROM_SERVER].held && !st->side[FROM_CLIENT].closed && length >= ALERT_LENGTH && length <= SERVER_ALERT_MOST;
}

void data_record(struct tls_state *st, struct observer *o, uint16_t length)
{
	struct tls_side *side = &st->side[o->from];
	bool alert = is_early_server_alert(st, o->from, length), close = has_notify_length(st, o->from, length);

	not_closed(st, o);
	keep_record(st, o, alert || close ? RECORD_NOTIFY : RECORD_DATA, length);
	if (alert)
		observe(o, FACT_SERVER_ENCRYPTED_ALERT, true);
	if (close)
		notify(st, o);
	if (alert || close) {
		side->held = length;
		side->held_at = o->at;
	} else if (o->from == FROM_CLIENT) {
		client_data(st, o, length);
	} else {
		server_data(st, o, length);
	}
}

/* TLS 1.3: the first records after the client's Finished, of one length and written at once. */
bool is_ticket(const struct tls_state *st, const struct observer *o, uint16_t length)
{
	uint16_t most = st->client_certificate ? TICKET_MOST_CLIENT_CERTIFICATE : TICKET_MOST;

	if (!may_be_13(st) || st->midstream || st->side[FROM_SERVER].data_seen || length < TICKET_LEAST || length > most ||
	    st->tickets >= TICKETS_MOST)
		return false;
	if (st->tickets == 0)
		return o->at.time - st->finished_at <= TICKET_WAIT;
	return length == st->ticket_length && o->at.time - st->ticket_at.time <= TICKETS_APART;
}

void ticket_record(struct tls_state *st, struct observer *o, uint16_t length)
{
	not_closed(st, o);
	st->tickets++;
	st->ticket_length = length;
	st->ticket_at = o->at;
	keep_record(st, o, RECORD_TICKET, length);
}

/* --- alerts --- */

static uint8_t alert_word(uint8_t description)
{
	static const struct { uint8_t number, word; } words[] = {
		{ 0, WORD_alert_close_notify }, { 10, WORD_alert_unexpected_message }, { 20, WORD_alert_bad_record_mac },
		{ 22, WORD_alert_record_overflow }, { 40, WORD_alert_handshake_failure }, { 41, WORD_alert_no_certificate },
		{ 42, WORD_alert_bad_certificate }, { 43, WORD_alert_unsupported_certificate },
		{ 44, WORD_alert_certificate_revoked }, { 45, WORD_alert_certificate_expired },
		{ 46, WORD_alert_certificate_unknown }, { 47, WORD_alert_illegal_parameter }, { 48, WORD_alert_unknown_ca },
		{ 49, WORD_alert_access_denied }, { 50, WORD_alert_decode_error }, { 51, WORD_alert_decrypt_error },
		{ 70, WORD_alert_protocol_version }, { 71, WORD_alert_insufficient_security },
		{ 80, WORD_alert_internal_error }, { 86, WORD_alert_inappropriate_fallback }, { 90, WORD_alert_user_canceled },
		{ 100, WORD_alert_no_renegotiation }, { 109, WORD_alert_missing_extension },
		{ 110, WORD_alert_unsupported_extension }, { 112, WORD_alert_unrecognized_name },
		{ 113, WORD_alert_bad_certificate_status_response }, { 115, WORD_alert_unknown_psk_identity },
		{ 116, WORD_alert_certificate_required }, { 120, WORD_alert_no_application_protocol },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].number == description)
			return words[i].word;
	return WORD_alert_other;
}

void clear_alert(struct tls_state *st, struct observer *o, uint8_t level, uint8_t description)
{
	const uint8_t warning = 1;
	uint8_t word = alert_word(description);

	if (word == WORD_alert_close_notify)
		notify(st, o);
	else if (o->from == FROM_CLIENT && level != warning)
		observe(o, FACT_CLIENT_ALERT, word);
	else if (o->from == FROM_SERVER && !(level == warning && word == WORD_alert_unrecognized_name))
		observe(o, FACT_SERVER_ALERT, word);
	/* A client that judges the certificate has got it. */
	if (o->from == FROM_CLIENT && st->version == TLS13 && st->side[FROM_SERVER].protected_seen)
		flight_came(st, o);
}

void secret_alert(struct tls_state *st, struct observer *o, uint16_t length)
{
	const struct tls_side *client = &st->side[FROM_CLIENT], *server = &st->side[FROM_SERVER];

	if (o->from == FROM_CLIENT && client->changed && !server->finished && !st->established)
		observe(o, FACT_CLIENT_ENCRYPTED_ALERT, true);
	if (o->from == FROM_SERVER && server->changed && !server->data_seen && !client->notified && !client->closed)
		observe(o, FACT_SERVER_ENCRYPTED_ALERT, true);
	if (st->side[o->from].finished || st->established || (!st->client_hello && !st->server_hello)) {
		keep_record(st, o, RECORD_NOTIFY, length);
		notify(st, o);
	}
}
