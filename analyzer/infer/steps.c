/* The timeline as the steps of a dialogue. */
#include "steps.h"

#include "protocol.h"

/* Records of the server that follow each other closer than this are one answer. */
#define ONE_ANSWER (300 * MILLISECOND)
#define KEY_UPDATE_LENGTH 5 /* RFC 8446 4.6.3: its plaintext; no line of IMAP is so short but none that clients or servers send */

static struct plain_length sum(struct plain_length a, struct plain_length b)
{
	unsigned least = a.least + b.least, most = a.most + b.most;

	return (struct plain_length){ (uint16_t)(least > UINT16_MAX ? UINT16_MAX : least), (uint16_t)(most > UINT16_MAX ? UINT16_MAX : most) };
}

struct building {
	const struct inside_case *c;
	struct inside_step *list;
	int count;
	nanoseconds ended;       /* the newest record's end */
	uint32_t frame;          /* the newest record's */
};

/* Does the record go on with the newest step? */
static bool goes_on(const struct building *b, const struct tls_record *r, struct moment at)
{
	const struct inside_step *newest = &b->list[b->count - 1];

	if (b->count == 0 || newest->middle || newest->from != r->from)
		return false;
	if (r->from == FROM_SERVER)
		return at.time - b->ended <= ONE_ANSWER;
	/* Up to TLS 1.0 a first record of one byte guards the CBC chain. */
	return b->c->version && b->c->version <= TLS10 && at.frame == b->frame && newest->all.least <= 1;
}

static void add(struct building *b, const struct tls_record *r, struct plain_length plain, struct moment at)
{
	nanoseconds after = at.time - b->ended;

	if (goes_on(b, r, at)) {
		struct inside_step *newest = &b->list[b->count - 1];
		newest->all = sum(newest->all, plain);
	} else {
		b->list[b->count++] = (struct inside_step){ plain, plain, after > 0 ? after : 0, at, (enum direction)r->from, false };
	}
	b->ended = at.time + r->span * RECORD_SPAN;
	b->frame = at.frame;
}

/* TLS 1.3: a ticket that was not known at once, as the two came apart, or behind the client's first record. They are of one length and the
 * server's first records: either before the client says anything, or one right behind the other. */
#define FIRST_RECORDS 4

static uint16_t ticket_length(const struct inside_case *c)
{
	const struct tls_record *first = NULL;
	int seen = 0;

	for (int i = 0; c->version == TLS13 && i < c->records->count && seen < FIRST_RECORDS; i++) {
		const struct tls_record *r = &c->records->list[i];
		if (r->from == FROM_CLIENT && first && first != c->records->list)
			return 0;
		if (r->from == FROM_CLIENT)
			continue;
		seen++;
		if (first && r->length == first->length && r->length >= TICKET_LEAST && r->length <= TICKET_MOST)
			return r->length;
		first = first ? first : r;
	}
	return 0;
}

/* False: a record whose length can't be told. */
static bool add_data(struct building *b, const struct tls_record *r, struct moment at)
{
	struct plain_length plain;

	if (!record_plain(b->c->version, b->c->cipher, r->length, &plain))
		return false;
	bool update = b->c->version == TLS13 && plain.least == KEY_UPDATE_LENGTH;
	if (plain.most && !update)
		add(b, r, plain, at);
	return true;
}

int steps_of(const struct inside_case *c, struct inside_step into[INSIDE_STEPS])
{
	struct building b = { .c = c, .list = into };
	int server_records = 0;

	if (!c->records || !c->version)
		return -1;
	uint16_t ticket = ticket_length(c);
	for (int i = 0; i < c->records->count; i++) {
		const struct tls_record *r = &c->records->list[i];
		struct moment at = records_moment(c->records, i);
		if (i == 0)
			b.ended = c->began ? c->began : at.time;
		server_records += r->from == FROM_SERVER;
		if (ticket && r->from == FROM_SERVER && r->length == ticket && server_records <= FIRST_RECORDS)
			continue;
		if (r->kind == RECORD_HOLE || (r->kind == RECORD_DATA && !add_data(&b, r, at)))
			return -1;
		if (r->kind == RECORD_MIDDLE) {
			into[b.count++] = (struct inside_step){ .at = at, .from = (enum direction)r->from, .middle = true };
			b.ended = at.time;
		}
	}
	return b.count;
}
