/* Handshake messages out of opened records: put together where they span several, and what follows from them for the keys. */
#include "decryption.h"
#include "inflate.h"
#include "progress.h"
#include "text.h"

#define ROOM_LEAST 2048

static size_t message_span(const uint8_t *m)
{
	return MESSAGE_HEADER + ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);
}

static void go_on(struct sealed_side *side, enum epoch epoch)
{
	side->due = true;
	side->epoch = (uint8_t)epoch;
}

/* A Certificate message under compression (RFC 8879 4); one that can't be unpacked goes untold. */
static void compressed_certificate(struct tls_state *st, struct observer *o, struct bytes body)
{
	struct reader r = reader_of(body);
	uint16_t algorithm = read_be16(&r);
	size_t len = read_be24(&r);
	struct bytes packed = read_bytes(&r, read_be24(&r));

	if (r.shortfall || len == 0 || len > DISSECT_MOST_LEFT)
		return;
	uint8_t *room = decryptor_take(st->decryption->shared, len);
	if (room && inflate_certificate(algorithm, packed, room, len))
		handshake_message(st, o, CERTIFICATE, bytes_of(room, len));
	decryptor_give_back(st->decryption->shared, room, len);
}

/* What changes keys; the rest is the dissector's. */
static void message_13(struct tls_state *st, struct observer *o, uint8_t type, struct bytes body)
{
	struct sealed_side *side = &st->decryption->side[o->from];

	switch (type) {
	case END_OF_EARLY_DATA:
		if (o->from == FROM_CLIENT && side->epoch == EPOCH_EARLY)
			go_on(side, EPOCH_HANDSHAKE);
		break;
	case FINISHED:
		finished_read(st, o);
		if (side->epoch == EPOCH_HANDSHAKE)
			go_on(side, EPOCH_TRAFFIC);
		break;
	case KEY_UPDATE:
		if (side->epoch == EPOCH_TRAFFIC && side->protection && !side->due && !protection_update(side->protection))
			give_up(st, o, WORD_decrypted_stopped);
		break;
	case COMPRESSED_CERTIFICATE:
		compressed_certificate(st, o, body);
		break;
	default:
		handshake_message(st, o, type, body);
	}
}

static void dispatch(struct tls_state *st, struct observer *o, const uint8_t *m, size_t span)
{
	struct bytes body = bytes_of(m + MESSAGE_HEADER, span - MESSAGE_HEADER);

	if (st->decryption->version == TLS13)
		message_13(st, o, m[0], body);
	else
		handshake_message(st, o, m[0], body);
}

static void message_free(struct decryption *d, struct sealed_side *side)
{
	if (side->message)
		wipe(side->message, side->message_len);
	decryptor_give_back(d->shared, side->message, side->message_room);
	side->message = NULL;
	side->message_len = side->message_room = 0;
}

void inner_messages_lost(struct decryption *d, enum direction from)
{
	message_free(d, &d->side[from]);
	d->side[from].message_skip = 0;
}

static bool make_room(struct decryption *d, struct sealed_side *side, size_t need)
{
	uint32_t room = need < ROOM_LEAST ? ROOM_LEAST : (uint32_t)need;

	if (room <= side->message_room)
		return true;
	uint8_t *larger = decryptor_take(d->shared, room);
	if (!larger)
		return false;
	if (side->message_len)
		memcpy(larger, side->message, side->message_len);
	decryptor_give_back(d->shared, side->message, side->message_room);
	side->message = larger;
	side->message_room = room;
	return true;
}

/* Takes a piece of a message that is not whole in its record; returns how much. */
static size_t gather(struct tls_state *st, struct observer *o, struct bytes rest)
{
	struct decryption *d = st->decryption;
	struct sealed_side *side = &d->side[o->from];
	size_t need = side->message_len < MESSAGE_HEADER ? MESSAGE_HEADER : message_span(side->message);

	if (need > DISSECT_MOST_LEFT) {
		side->message_skip = (uint32_t)(need - side->message_len);
		message_free(d, side);
		return 0;
	}
	if (!make_room(d, side, need)) {
		give_up(st, o, WORD_decrypted_stopped);
		return rest.len;
	}
	size_t n = need - side->message_len < rest.len ? need - side->message_len : rest.len;
	memcpy(side->message + side->message_len, rest.data, n);
	side->message_len += (uint32_t)n;
	if (side->message_len >= MESSAGE_HEADER && side->message_len == message_span(side->message)) {
		dispatch(st, o, side->message, side->message_len);
		message_free(d, side);
	}
	return n;
}

void inner_messages(struct tls_state *st, struct observer *o, struct bytes content)
{
	struct sealed_side *side = &st->decryption->side[o->from];

	while (content.len) {
		size_t n = 0;
		if (side->message_skip) {
			n = side->message_skip < content.len ? side->message_skip : content.len;
			side->message_skip -= (uint32_t)n;
		} else if (!side->message_len && content.len >= MESSAGE_HEADER && content.len >= message_span(content.data)) {
			n = message_span(content.data);
			dispatch(st, o, content.data, n);
		} else {
			n = gather(st, o, content);
		}
		content = bytes_part(content, n, content.len);
	}
}
