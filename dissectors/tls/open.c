/* Opens a session's records in their order: which epoch's keys, what a failure means, what was inside. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "decryption.h"
#include "progress.h"

#define DOUBT_AFTER_HOLE 8  /* records that may fail until the place is found again */
#define DOUBT_EARLY 64      /* records of refused early data, or of a handshake without its secrets */
#define TRIES_MOST 4096     /* of a session, at sequence numbers that a hole may have come to */

static void tell(struct decryption *d, struct observer *o, enum word_decrypted word)
{
	if (d->told == word)
		return;
	d->told = (uint8_t)word;
	observe(o, FACT_DECRYPTED, word);
}

/* Wipes the keys at once. Whoever reads the inside is told that there is more unread, of both sides. */
void give_up(struct tls_state *st, struct observer *o, enum word_decrypted why)
{
	struct decryption *d = st->decryption;
	struct decryptor_counts *counts = &d->shared->counts;

	if (d->over)
		return;
	d->over = true;
	counts->missing += why == WORD_decrypted_keys_missing;
	counts->wrong += why == WORD_decrypted_keys_wrong;
	counts->stopped += why == WORD_decrypted_stopped;
	counts->unknown += why == WORD_decrypted_unknown_suite;
	tell(d, o, why);
	for (int i = 0; i < 2; i++) {
		protection_destroy(&d->side[i].protection);
		record_room_free(d->shared, &d->side[i].record);
		inner_messages_lost(d, (enum direction)i);
		d->side[i].gap = d->reading;
	}
}

/* --- keys --- */

static struct bytes traffic_secret(struct decryption *d, enum direction from, enum epoch epoch)
{
	static const enum secret kinds[2][EPOCH_TRAFFIC + 1] = {
		[FROM_CLIENT] = { [EPOCH_EARLY] = SECRET_CLIENT_EARLY, [EPOCH_HANDSHAKE] = SECRET_CLIENT_HANDSHAKE,
				  [EPOCH_TRAFFIC] = SECRET_CLIENT_TRAFFIC },
		[FROM_SERVER] = { [EPOCH_HANDSHAKE] = SECRET_SERVER_HANDSHAKE, [EPOCH_TRAFFIC] = SECRET_SERVER_TRAFFIC },
	};

	return secrets_find(d->shared->secrets, d->client_random, kinds[from][epoch]);
}

static void doubt(struct sealed_side *side, uint16_t records)
{
	if (side->doubt < records)
		side->doubt = records;
}

/* Makes the keys of the epoch, or of the next one where its secret was never told. False: blocked. */
static bool key_13(struct decryption *d, enum direction from)
{
	struct sealed_side *side = &d->side[from];
	struct bytes secret;

	if (side->epoch == EPOCH_CLEAR) {
		side->epoch = from == FROM_CLIENT && d->early ? EPOCH_EARLY : EPOCH_HANDSHAKE;
		if (from == FROM_CLIENT && d->early_offered && !d->early)
			doubt(side, DOUBT_EARLY);
	}
	secret = traffic_secret(d, from, (enum epoch)side->epoch);
	if (secret.len == 0 && side->epoch == EPOCH_EARLY) {
		side->epoch = EPOCH_HANDSHAKE;
		doubt(side, DOUBT_EARLY);
		secret = traffic_secret(d, from, EPOCH_HANDSHAKE);
	}
	if (secret.len == 0 && side->epoch == EPOCH_HANDSHAKE && (secret = traffic_secret(d, from, EPOCH_TRAFFIC)).len) {
		side->epoch = EPOCH_TRAFFIC;
		doubt(side, DOUBT_EARLY);
	}
	if (secret.len == 0)
		return false;
	side->due = false;
	if (!side->protection)
		side->protection = protection_of_traffic(d->shared->schedule, d->suite, secret);
	else if (!protection_renew(side->protection, secret))
		protection_destroy(&side->protection);
	return true;
}

/* The master secret of the session itself (key logs may name it by its id), or of the one that it takes up again. */
static struct bytes master_secret(const struct tls_state *st)
{
	struct decryption *d = st->decryption;
	struct secrets *s = d->shared->secrets;
	struct bytes master = secrets_find(s, d->client_random, SECRET_MASTER);

	if (master.len == 0 && d->has_session)
		master = secrets_find(s, d->session, SECRET_MASTER);
	if (master.len == 0 && st->resumed && d->has_offered)
		master = secrets_find(s, d->offered, SECRET_MASTER);
	if (master.len == 0 && master_of_premaster(d))
		master = secrets_find(s, d->client_random, SECRET_MASTER);
	return master;
}

/* A later session may name this one by its id or ticket, while its own random stands in no key log. */
static void remember(struct decryption *d, struct bytes master)
{
	uint8_t copy[SECRET_MOST];
	struct bytes kept = bytes_of(copy, master.len);

	if (d->remembered)
		return;
	d->remembered = true;
	memcpy(copy, master.data, master.len);
	if (d->has_session)
		secrets_add(d->shared->secrets, d->session, SECRET_MASTER, kept);
	if (d->has_given)
		secrets_add(d->shared->secrets, d->given, SECRET_MASTER, kept);
	OPENSSL_cleanse(copy, sizeof copy);
}

/* The keys that a ChangeCipherSpec of that side puts to use. False: blocked. */
static bool key_12(struct tls_state *st, enum direction from)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[from];
	struct bytes secret = master_secret(st);
	const struct master m = { secret, d->client_random, d->server_random, d->version, d->encrypt_then_mac };

	if (secret.len == 0)
		return false;
	protection_destroy(&side->protection);
	side->protection = protection_of_master(d->shared->schedule, d->suite, &m, from);
	side->epoch = EPOCH_TRAFFIC;
	if (side->protection && from == FROM_SERVER)
		remember(d, secret);
	return true;
}

/* --- one record --- */

/* A record of that epoch, which its side then stands in. */
static int open_in_epoch(struct decryption *d, enum direction from, enum epoch epoch, uint8_t type, struct bytes body, size_t *len)
{
	struct sealed_side *side = &d->side[from];
	struct bytes secret = traffic_secret(d, from, epoch);
	struct protection *next = secret.len ? protection_of_traffic(d->shared->schedule, d->suite, secret) : NULL;
	int lost = next ? protection_open(next, side->lost_most, type, body, d->shared->plain, len) : -1;

	if (lost < 0) {
		protection_destroy(&next);
		return -1;
	}
	protection_destroy(&side->protection);
	side->protection = next;
	side->due = false;
	side->epoch = (uint8_t)epoch;
	inner_messages_lost(d, from);
	return lost;
}

static int try_to_open(struct decryption *d, enum direction from, uint8_t type, struct bytes body, size_t *len)
{
	struct sealed_side *side = &d->side[from];
	unsigned most = d->tries + side->lost_most > TRIES_MOST ? 0 : side->lost_most;
	int lost = protection_open(side->protection, most, type, body, d->shared->plain, len);

	d->tries = (uint16_t)(d->tries + (lost < 0 ? (int)most : lost));
	/* Early data that was refused ends without a word; in a hole an epoch may have ended, too. */
	if (lost < 0 && side->epoch == EPOCH_EARLY)
		lost = open_in_epoch(d, from, EPOCH_HANDSHAKE, type, body, len);
	if (lost < 0 && most && side->epoch != EPOCH_TRAFFIC)
		lost = open_in_epoch(d, from, EPOCH_TRAFFIC, type, body, len);
	return lost;
}

/* A record that does not open: for now, for good, or because the keys are others. */
static void fails(struct tls_state *st, struct observer *o)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[o->from];

	if (side->doubt == 0) {
		give_up(st, o, WORD_decrypted_keys_wrong);
		return;
	}
	if (--side->doubt == 0) {
		give_up(st, o, side->lost_most ? WORD_decrypted_stopped : WORD_decrypted_keys_wrong);
		return;
	}
	if (side->lost_most)
		side->lost_most++;
}

static void hand_out(struct tls_state *st, struct observer *o, struct bytes content)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[o->from];

	/* Within the handshake nobody may send any. */
	if (content.len == 0 || side->epoch == EPOCH_HANDSHAKE)
		return;
	if (!d->reading)
		d->shared->counts.sessions++;
	d->reading = d->ready = true;
	d->inner = (struct inner){ content, o->at, o->from, side->gap };
	side->gap = false;
}

static void contents(struct tls_state *st, struct observer *o, uint8_t type, struct bytes content)
{
	if (type != ALERT)
		went_on(st, o);
	switch (type) {
	case APPLICATION_DATA:
		hand_out(st, o, content);
		break;
	case HANDSHAKE:
		inner_messages(st, o, content);
		break;
	case ALERT:
		if (content.len >= 2)
			clear_alert(st, o, content.data[0], content.data[1]);
		break;
	}
}

/* The type within, behind which there is nothing but padding (RFC 8446 5.2); 0: none. */
static uint8_t type_within(struct bytes *content)
{
	while (content->len && content->data[content->len - 1] == 0)
		content->len--;
	return content->len ? content->data[--content->len] : 0;
}

static void open_record(struct tls_state *st, struct observer *o, uint8_t type, struct bytes body)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[o->from];
	size_t len;
	int lost = try_to_open(d, o->from, type, body, &len);

	/* Also what was opened and then found forged is wiped. */
	d->shared->plain_len = body.len;
	if (lost < 0) {
		fails(st, o);
		return;
	}
	d->shared->counts.records++;
	d->shared->counts.bytes += len;
	if (lost)
		inner_messages_lost(d, o->from);
	if (lost && side->epoch == EPOCH_TRAFFIC)
		side->gap = d->partial = true;
	side->doubt = side->lost_most = 0;
	tell(d, o, d->partial ? WORD_decrypted_partly : WORD_decrypted_yes);
	struct bytes content = bytes_of(d->shared->plain, len);
	if (d->version == TLS13)
		type = type_within(&content);
	contents(st, o, type, content);
}

/* --- events --- */

static void hole(struct decryption *d, const struct event *e)
{
	struct sealed_side *side = &d->side[e->from];

	side->lost_most = (uint16_t)(side->lost_most + e->lost_most);
	doubt(side, DOUBT_AFTER_HOLE);
}

/* Is this side's protection there, or not needed? False: blocked. */
static bool key_for(struct tls_state *st, const struct event *e)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[e->from];

	if (d->version == TLS13)
		return e->type != APPLICATION_DATA || (side->protection && !side->due) || key_13(d, (enum direction)e->from);
	if (e->type == CHANGE_CIPHER_SPEC || !side->protection)
		return key_12(st, (enum direction)e->from);
	return true;
}

static bool is_sealed(const struct decryption *d, uint8_t type)
{
	return d->version == TLS13 ? type == APPLICATION_DATA : type != CHANGE_CIPHER_SPEC;
}

enum opened open_event(struct tls_state *st, const struct observer *o, const struct event *e, struct bytes body)
{
	struct decryption *d = st->decryption;
	struct observer then = *o;

	then.at = e->at;
	then.from = (enum direction)e->from;
	if (e->lost_most) {
		hole(d, e);
		return OPENED;
	}
	if (d->version == 0)
		return OPEN_BLOCKED;
	if (!d->suite) {
		give_up(st, &then, WORD_decrypted_unknown_suite);
		return OPENED;
	}
	if (!key_for(st, e)) {
		tell(d, &then, d->reading ? WORD_decrypted_partly : WORD_decrypted_keys_missing);
		return OPEN_BLOCKED;
	}
	if (!is_sealed(d, e->type))
		return OPENED;
	if (d->side[e->from].protection)
		open_record(st, &then, e->type, body);
	else
		give_up(st, &then, WORD_decrypted_unknown_suite);
	return OPENED;
}
