/* A session's way from sealed records to what is inside: hellos, records as they come, pieces handed out. */
#include "decrypt.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "decryption.h"
#include "protocol.h"
#include "text.h"

#define HOLE_MOST 32        /* records tried for beyond a hole */
#define SEALED_LEAST 22     /* bytes of the smallest record, its header included */

/* --- hellos --- */

/* An extension's body; false: it is not there. */
static bool extension(struct reader r, uint16_t wanted, struct bytes *body)
{
	struct reader list = reader_of(read_bytes(&r, read_be16(&r)));

	while (reader_left(&list) >= 4) {
		uint16_t type = read_be16(&list);
		*body = read_bytes(&list, read_be16(&list));
		if (type == wanted && !list.shortfall)
			return true;
	}
	return false;
}

void decryption_client_hello(struct tls_state *st, struct bytes body)
{
	struct reader r = reader_of(body);
	struct decryption *d = st->decryption;
	struct bytes found, random;

	read_be16(&r);
	random = read_bytes(&r, RANDOM_BYTES);
	read_bytes(&r, read_u8(&r));
	read_bytes(&r, read_be16(&r));
	read_bytes(&r, read_u8(&r));
	if (r.shortfall)
		return;
	if (!d) {
		d = st->decryption = calloc(1, sizeof *d);
		if (!d)
			return;
		d->shared = tls_shared_decryptor(st->shared);
	}
	memcpy(d->client_random, random.data, RANDOM_BYTES);
	d->early = extension(r, EARLY_DATA, &found);
	d->early_offered |= d->early;
	d->has_offered = extension(r, SESSION_TICKET, &found) && secrets_name(found, d->offered);
}

void decryption_server_hello(struct tls_state *st, struct bytes body, uint16_t version, uint16_t cipher)
{
	struct decryption *d = st->decryption;
	struct reader r = reader_of(body);
	struct bytes found;

	read_be16(&r);
	struct bytes random = read_bytes(&r, RANDOM_BYTES), id = read_bytes(&r, read_u8(&r));
	read_be16(&r);
	uint8_t compression = read_u8(&r);
	if (r.shortfall)
		return;
	memcpy(d->server_random, random.data, RANDOM_BYTES);
	d->version = version;
	d->suite = compression || version < TLS10 || version > TLS13 ? NULL : suite_of(cipher);
	d->encrypt_then_mac = extension(r, ENCRYPT_THEN_MAC, &found);
	d->extended_master = extension(r, EXTENDED_MASTER_SECRET, &found);
	d->has_session = secrets_name(id, d->session);
	d->early = d->early && st->resumed;
}

void decryption_ticket(struct tls_state *st, struct bytes body)
{
	struct reader r = reader_of(body);

	read_be32(&r); /* lifetime */
	st->decryption->has_given = secrets_name(read_bytes(&r, read_be16(&r)), st->decryption->given);
}

/* --- records as they come --- */

void decryption_bytes(struct tls_state *st, enum direction from, struct bytes part, uint16_t whole)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[from];

	if (d->over || whole > SEALED_MOST || part.len == 0)
		return;
	if (part.len == whole) {
		d->whole = part;
		return;
	}
	if (!side->record && !(side->record = decryptor_take(d->shared, SEALED_MOST)))
		return;
	memcpy(side->record + side->gathered, part.data, part.len);
	side->gathered = (uint16_t)(side->gathered + part.len);
}

/* Opened at once where nothing waits before it, else put behind what waits. */
static void take(struct tls_state *st, const struct observer *o, const struct event *e, struct bytes body)
{
	struct decryption *d = st->decryption;
	struct observer then = *o;

	if (!d->queue && open_event(st, o, e, body) == OPENED)
		return;
	if (queue_add(d, e, body))
		return;
	if (d->version)
		give_up(st, &then, WORD_decrypted_keys_missing);
	d->over = true;
	queue_free(d);
}

static void lost(struct tls_state *st, const struct observer *o, uint16_t records)
{
	const struct event e = { o->at, 0, records, (uint8_t)o->from, 0 };

	take(st, o, &e, bytes_of(NULL, 0));
}

void decryption_record(struct tls_state *st, const struct observer *o, uint8_t type, uint16_t length)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[o->from];
	const struct event e = { o->at, length, 0, (uint8_t)o->from, type };
	struct bytes body = side->record ? bytes_of(side->record, side->gathered) : d->whole;

	d->whole = bytes_of(NULL, 0);
	if (d->over)
		return;
	if (body.len == length)
		take(st, o, &e, body);
	else
		lost(st, o, 1);
	record_room_free(d->shared, &side->record);
	side->gathered = 0;
}

void decryption_gap(struct tls_state *st, const struct observer *o, uint64_t missing)
{
	struct decryption *d = st->decryption;
	uint64_t records = missing ? missing / SEALED_LEAST + 1 : HOLE_MOST;

	transcript_drop(d);
	if (!d->over)
		lost(st, o, (uint16_t)(records < HOLE_MOST ? records : HOLE_MOST));
}

/* --- pieces --- */

/* Opens what waits until there is a piece, or a secret is missing. */
static void open_waiting(struct tls_state *st, const struct observer *o)
{
	struct decryption *d = st->decryption;
	struct event e;
	struct bytes body;

	while (!d->ready && !d->over && queue_first(d, &e, &body) && open_event(st, o, &e, body) == OPENED)
		queue_drop_first(d);
	if (d->over && d->queue)
		queue_free(d);
}

/* Once it is given up: that there is more, of each side. */
static bool gap_to_tell(struct decryption *d, const struct observer *o, struct inner *into)
{
	for (int from = 0; d->over && from < 2; from++)
		if (d->side[from].gap) {
			d->side[from].gap = false;
			*into = (struct inner){ bytes_of(NULL, 0), o->at, (enum direction)from, true };
			return true;
		}
	return false;
}

bool decryption_next(struct tls_state *st, const struct observer *o, struct inner *into)
{
	struct decryption *d = st->decryption;

	if (!d->ready && d->shared->plain_len) {
		wipe(d->shared->plain, d->shared->plain_len);
		d->shared->plain_len = 0;
	}
	if (!d->ready && d->queue)
		open_waiting(st, o);
	if (!d->ready)
		return gap_to_tell(d, o, into);
	d->ready = false;
	*into = d->inner;
	return true;
}

void decryption_end(struct tls_state *st)
{
	struct decryption *d = st->decryption;

	if (!d)
		return;
	d->shared->counts.missing += !d->over && d->told == WORD_decrypted_keys_missing;
	for (int i = 0; i < 2; i++) {
		protection_destroy(&d->side[i].protection);
		record_room_free(d->shared, &d->side[i].record);
		inner_messages_lost(d, (enum direction)i);
	}
	transcript_drop(d);
	queue_free(d);
	OPENSSL_cleanse(d, sizeof *d);
	free(d);
	st->decryption = NULL;
}
