/* Sessions are made, packed while they are quiet, and freed beside the small records by which the flow table finds them. */
#include "tracked.h"

#include <stdlib.h>

#include "pack.h"
#include "text.h"
#include "tls.h"

struct packed_session {
	struct moment first; /* also the reference of the times within */
	uint16_t len;
	uint8_t bytes[];
};

/* What the table's record and the run tell is not packed. */
#define HEAD offsetof(struct session, tcp)

struct session *tracked_begin(struct tracked *t, struct session_shared *shared)
{
	t->session = calloc(1, sizeof *t->session);
	if (!t->session)
		return NULL;
	session_begin(t->session, &t->flow, shared);
	session_count(t->session);
	return t->session;
}

/* Unread bytes, waiting segments, keys and what nDPI is shown stay where they are: who has them is seldom quiet. */
static void walk(struct packer *p, struct session *s)
{
	pack(p, (uint8_t *)s + HEAD, sizeof *s - HEAD);
	tcp_pack(p, &s->tcp);
	facts_pack(p, &s->facts);
	s->imap = pack_part(p, s->imap, imap_dissector.state_size, imap_dissector.state_size);
	s->tls = tls_pack(p, s->tls);
	s->inner = pack_part(p, s->inner, sizeof *s->inner, sizeof *s->inner);
}

void tracked_rest(struct tracked *t)
{
	struct session *s = t->session;
	struct packer p;

	pack_begin(&p, (uint64_t)s->first.time);
	walk(&p, s);
	struct packed_session *packed = p.failed ? NULL : malloc(sizeof *packed + p.len);
	if (!packed)
		return;
	packed->first = s->first;
	packed->len = (uint16_t)p.len;
	memcpy(packed->bytes, p.bytes, p.len);
	pack_end(&p);
	s->shared->session_bytes += sizeof *packed + packed->len - s->counted;
	free(s);
	t->session = NULL;
	t->packed = packed;
}

static void packed_free(struct tracked *t, struct session_shared *shared)
{
	shared->session_bytes -= sizeof *t->packed + t->packed->len;
	wipe(t->packed->bytes, t->packed->len);
	free(t->packed);
	t->packed = NULL;
}

struct session *tracked_wake(struct tracked *t, struct session_shared *shared)
{
	struct session *s;
	struct packer p;

	if (t->session)
		return t->session;
	s = malloc(sizeof *s);
	if (s) {
		s->flow = &t->flow;
		s->shared = shared;
		unpack_begin(&p, (uint64_t)t->packed->first.time, t->packed->bytes, t->packed->len);
		walk(&p, s);
		if (!pack_end(&p)) {
			free(s);
			s = NULL;
		}
	}
	if (!s) {
		shared->facts_lost++;
		return NULL;
	}
	packed_free(t, shared);
	s->counted = 0;
	session_count(s);
	return t->session = s;
}

struct moment tracked_first(const struct tracked *t)
{
	return t->session ? t->session->first : t->packed->first;
}

/* What the session holds can be freed only once it is unpacked; without memory for that it is lost. */
void tracked_release(struct tracked *t, struct session_shared *shared)
{
	struct session *s = tracked_wake(t, shared);

	if (s)
		session_release(s);
	else
		packed_free(t, shared);
	free(s);
	t->session = NULL;
}
