/* Sessions begin with their first packet, tell context what each packet proves, and are forgotten. */
#include "sessions.h"

#include "cases.h"
#include "companions.h"
#include "judge.h"
#include "tracked.h"
#include "triage.h"

/* A busy service need not say more often that it lives. */
#define SIGN_EVERY (100 * MILLISECOND)

/* Is the server on the packet's source side? By who opened, else by the port, else by the lower number. */
static bool server_is_source(const struct analysis *a, const struct packet *p)
{
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return false;
	if ((p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return true;
	bool source = port_is_mail(a, p->source_port) || is_mail_end(a, &p->source, p->source_port);
	bool destination = port_is_mail(a, p->destination_port) || is_mail_end(a, &p->destination, p->destination_port);
	return source != destination ? source : p->source_port < p->destination_port;
}

struct session *find_session(struct analysis *a, const struct ends *ends)
{
	struct tracked *t = (struct tracked *)flow_find(a->flows, ends);

	if (!t)
		return NULL;
	/* Most of it will be touched: the parts come all at once, not one after the other. */
	for (size_t at = 0; t->session && at < sizeof *t->session; at += 64)
		__builtin_prefetch((const char *)t->session + at);
	return tracked_wake(t, &a->shared);
}

struct session *begin_session(struct analysis *a, const struct packet *p)
{
	struct endpoint from = { p->source, p->source_port }, to = { p->destination, p->destination_port };
	bool turned = server_is_source(a, p);
	struct tracked *t = (struct tracked *)flow_add(a->flows, turned ? &to : &from, turned ? &from : &to, RANK_BEFORE_LOGIN);

	if (!t)
		return NULL;
	struct session *s = tracked_begin(t, &a->shared);
	if (!s) {
		flow_remove(a->flows, &t->flow);
		return NULL;
	}
	s->mail_port = port_is_mail(a, s->flow->server.port);
	const struct companion *companion = s->mail_port ? companion_of(s->flow->server.port) : NULL;
	if (companion && a->companions >> (companion - companions) & 1) {
		s->companion = (uint8_t)companion->service;
		s->mail_port = false;
	}
	s->tls_port = s->flow->server.port == IMAPS_PORT || (s->companion && companion->tls);
	a->sessions++;
	return s;
}

void drive_out_sessions(struct analysis *a)
{
	while (a->shared.session_bytes > a->session_room && flow_evict(a->flows))
		;
}

void forget_session(struct analysis *a, struct flow *flow)
{
	wheel_set(a->wheel, flow, 0);
	tracked_release((struct tracked *)flow, &a->shared);
	flow_remove(a->flows, flow);
}

/* A frame of the server shows its host alive. */
static void note_life(struct analysis *a, struct session *s, const struct packet *p)
{
	bool from_client = p->source_port == s->flow->client.port && address_same(&p->source, &s->flow->client.address);
	bool served = p->payload_wire > 0;

	if (from_client || (p->flags & TCP_RST) || !((p->flags & TCP_SYN) || served))
		return;
	if (served == s->sign_served && p->at.time - s->sign_at < SIGN_EVERY)
		return;
	s->sign_at = p->at.time;
	s->sign_served = served;
	hosts_alive(&a->context.hosts, &s->flow->server.address, &(struct sign){ p->at, s->id, s->flow->client, s->flow->server.port, p->ttl, served });
}

void session_served(struct analysis *a, struct session *s, nanoseconds at)
{
	const struct fact *user = facts_find(&s->facts, FACT_USER_HASH);
	struct case_of c = case_of(a, s);

	if (s->served)
		return;
	s->served = true;
	if (!s->companion)
		devices_login_ok(&a->context.devices, c.client, c.server, at);
	incidents_served(a->incidents, &(struct incident_session){ .client = s->flow->client, .server = s->flow->server, .name = c.name,
								   .at = at, .session = s->id, .user = user ? (uint64_t)user->value : 0 });
}

static void note_work(struct analysis *a, struct session *s, struct moment at)
{
	const struct fact *records, *login = facts_find(&s->facts, FACT_LOGIN_OK);

	if (s->flow->rank != RANK_BEFORE_LOGIN)
		return;
	bool companion_served = s->companion && s->tcp.side[FROM_SERVER].bytes && s->tcp.side[FROM_CLIENT].bytes && !s->tls_port;
	if (!companion_served && !login && (!(records = facts_find(&s->facts, FACT_SERVER_RECORDS)) || records->value < 3))
		return;
	struct case_of c = case_of(a, s);
	flow_rank(a->flows, s->flow, RANK_LOGGED_IN);
	if (s->companion)
		context_companion_worked(&a->context, &c, at);
	else
		context_worked(&a->context, &c, at);
	/* A few records inside TLS may be a refusal as well: its verdict will tell. */
	if (companion_served || login)
		session_served(a, s, at.time);
	devices_handshake(&a->context.devices, &s->flow->client.address,
			  &(struct handshake){ s->first, s->flow->server.address, s->tcp.rtt[FROM_SERVER], HANDSHAKE_ANSWERED });
}

/* told: what works was told so before, and its closing too, should it be closing. */
static void note_closing(struct analysis *a, struct session *s, nanoseconds at, bool told)
{
	if (told || s->flow->rank != RANK_LOGGED_IN || tcp_end(&s->tcp) == WORD_end_open)
		return;
	struct case_of c = case_of(a, s);
	context_closing(&a->context, &c, at);
}

void feed_session(struct analysis *a, struct session *s, const struct packet *p)
{
	unsigned news = session_packet(s, p);

	if (!s->id)
		s->id = id_of(&s->flow->client, &s->flow->server, s->first, 0);

	if (news & TCP_NEWS_NEW_SESSION) {
		struct fact_view view[FACT_COUNT];
		if (!s->written || s->progress) {
			const struct rule *rule = judge_session(a, s, false, view);
			if (verdict_changed(s, view, rule))
				session_written(a, s, view, rule);
		}
		forget_session(a, s->flow);
		s = begin_session(a, p);
		if (s)
			feed_session(a, s, p);
		return;
	}
	if (news & TCP_NEWS_DUPLICATE) {
		a->duplicates++;
		return;
	}
	note_life(a, s, p);
	bool worked = s->flow->rank == RANK_LOGGED_IN;
	note_work(a, s, p->at);
	note_closing(a, s, p->at.time, worked && !(news & TCP_NEWS_CLOSING));
	flow_touch(a->flows, s->flow);
	if (news & TCP_NEWS_PROGRESS)
		s->progress = true;
	s->looks = 0;
	s->settle_since = 0;
	nanoseconds next = p->at.time + LOOK_FIRST;
	/* An armed timer that comes too early re-arms itself: cheaper than moving it for every packet. */
	if (!s->flow->deadline || s->flow->deadline > next + SECOND)
		wheel_set(a->wheel, s->flow, next);
}

struct session *promote_attempt(struct analysis *a, const struct attempt *attempt)
{
	struct packet syn;

	attempt_packet(attempt, &syn);
	behind_syn(&a->context.behind, &syn);
	struct session *s = begin_session(a, &syn);
	if (s)
		feed_session(a, s, &syn);
	return s;
}

void note_family(struct analysis *a, const struct packet *syn)
{
	const char *name = lookups_name(a->lookups, &syn->destination);

	if (name)
		families_tried(&a->context.families, &(struct named_service){ name, syn->destination_port }, &syn->source, syn->at.time);
}
