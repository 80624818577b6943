/* The tables of other traffic as one, and the facts that they add to a session's view. */
#include "context.h"

#include <stddef.h>

/* Proof of life counts from somewhat before the session to a little after it. */
#define BEFORE (5 * MINUTE)
#define OTHERS_WITHIN (10 * MINUTE)
/* Bans last minutes to hours (fail2ban: 10 min); what was refused longer ago explains no block. */
#define BAN_WITHIN (60 * MINUTE)
#define STUCK_BEFORE MINUTE
#define STUCK_AFTER (3 * SECOND)
#define OFFER_WITHIN (60 * MINUTE)
/* A certificate may be exchanged at any time: what was taken long ago says nothing of today's. */
#define TAKEN_WITHIN (10 * MINUTE)
/* Checks come again within seconds; an app whose certificate was refused asks its owner or waits. */
#define LEAVES_WITHIN MINUTE
#define LEAVES_OFTEN 3

/* The memory is shared out in so many parts. */
#define SHARES 128
#define PASSING_SHARE 16

/* Where a table hangs in a context, its share of the memory, the size of its records, and the counter of those that had to leave. */
static const struct table {
	size_t place, share;
	const size_t *record;
	enum forgotten kind;
} tables[] = {
	{ offsetof(struct context, hosts.table), 16, &hosts_record, FORGOTTEN_HOSTS },
	{ offsetof(struct context, services.table), 16, &services_record, FORGOTTEN_SERVICES },
	{ offsetof(struct context, races.by_client), 12, &races_record, FORGOTTEN_RACES },
	{ offsetof(struct context, races.by_name), 12, &races_record, FORGOTTEN_RACES },
	{ offsetof(struct context, devices.devices), 18, &devices_record, FORGOTTEN_DEVICES },
	{ offsetof(struct context, devices.accounts), 6, &devices_account_record, FORGOTTEN_LOGINS },
	{ offsetof(struct context, certificates.names), 4, &certificates_name_record, FORGOTTEN_CERTIFICATES },
	{ offsetof(struct context, certificates.leavers), 4, &certificates_leaver_record, FORGOTTEN_CERTIFICATES },
	{ offsetof(struct context, timers.table), 8, &timers_record, FORGOTTEN_TIMERS },
	{ offsetof(struct context, answers.table), 8, &answers_record, FORGOTTEN_ANSWERS },
	{ offsetof(struct context, behind.table), 4, &behind_record, FORGOTTEN_BEHIND },
	{ offsetof(struct context, families.tries), 3, &families_tries_record, FORGOTTEN_FAMILIES },
	{ offsetof(struct context, families.fates), 1, &families_fate_record, FORGOTTEN_FAMILIES },
};
#define TABLES_END (tables + sizeof tables / sizeof *tables)

static struct ageing **table_at(struct context *c, const struct table *t)
{
	return (struct ageing **)(void *)((char *)c + t->place);
}

static const struct ageing *table_in(const struct context *c, const struct table *t)
{
	return *(struct ageing *const *)(const void *)((const char *)c + t->place);
}

bool context_init(struct context *c, size_t most, struct hash_key key)
{
	*c = (struct context){ .passing = passing_create(most / SHARES * PASSING_SHARE, key), .watch = watch_create(key) };
	bool all = c->passing && c->watch;

	for (const struct table *t = tables; t < TABLES_END; t++)
		all &= (*table_at(c, t) = ageing_create(*t->record, most / SHARES * t->share, key)) != NULL;
	return all;
}

void context_reset(struct context *c)
{
	for (const struct table *t = tables; t < TABLES_END; t++)
		ageing_destroy(table_at(c, t));
	passing_destroy(&c->passing);
	watch_destroy(&c->watch);
}

size_t context_bytes(const struct context *c)
{
	size_t bytes = passing_bytes(c->passing) + watch_bytes(c->watch);

	for (const struct table *t = tables; t < TABLES_END; t++)
		bytes += ageing_bytes(table_in(c, t));
	return bytes;
}

void context_forgotten(const struct context *c, uint64_t into[FORGOTTEN_KINDS])
{
	into[FORGOTTEN_PASSING] += passing_overwritten(c->passing);
	into[FORGOTTEN_WATCHED] += watch_overwritten(c->watch);
	for (const struct table *t = tables; t < TABLES_END; t++)
		into[t->kind] += ageing_evicted(table_in(c, t));
}

/* --- facts --- */

struct adding {
	struct fact_view *view;
	struct other_proofs *proofs;
};

static void add(struct adding *a, enum fact_id id, int64_t value, const struct shown *shown)
{
	struct other_proofs *p = a->proofs;

	a->view[id] = (struct fact_view){ value, shown->at, FROM_SERVER, true, true };
	if (p->count < SESSION_MOST_OTHERS)
		p->list[p->count++] = (struct other_proof){ id, shown->session, shown->client };
}

static struct shown shown_by(const struct sign *s)
{
	return (struct shown){ s->at, s->session, s->client.address };
}

/* From when on others must have been served: after the trouble began, or the server may have died with this session. Right after its own
 * handshake, or where it noticed only after a long quiet (a minute or more, of which a server's death would have to fall into the end), somewhat
 * earlier will do. */
#define LATELY MINUTE
#define AFTER_HANDSHAKE (10 * SECOND)
#define IN_ITS_QUIET (30 * SECOND)

static nanoseconds trouble_since(const struct case_of *of, const struct fact_view *view)
{
	const struct fact_view *vain = &view[FACT_VAIN_SENDS], *established = &view[FACT_ESTABLISHED];

	if (!vain->set || !vain->value)
		return of->began;
	if (established->set && vain->at.time - established->at.time <= AFTER_HANDSHAKE)
		return vain->at.time - LATELY;
	return view[FACT_VAIN_QUIET].set && view[FACT_VAIN_QUIET].value >= MINUTE ? vain->at.time - IN_ITS_QUIET : vain->at.time;
}

static void add_signs(const struct context *c, const struct case_of *of, struct adding *a)
{
	nanoseconds trouble = trouble_since(of, a->view);
	struct sign_wanted wanted = { .server = of->server, .client = of->client, .from = of->began - BEFORE, .to = of->now };
	const struct host *host = hosts_find(&c->hosts, &of->server->address);
	const struct sign *sign = host_sign(host, &wanted), *unseen = host_unseen_by(host, &wanted);

	if (unseen)
		add(a, FACT_SERVER_UNSEEN, 1, &(struct shown){ unseen->at, unseen->session, unseen->client.address });
	struct answered answered;
	if (sign)
		add(a, FACT_HOST_ALIVE, 1, &(struct shown){ sign->at, sign->session, sign->client.address });
	else if (passing_host(c->passing, &of->server->address, wanted.from, wanted.to, &answered) && answered.port != of->server->port)
		add(a, FACT_HOST_ALIVE, 1, &(struct shown){ answered.at, 0, answered.client });
	wanted.same_port = wanted.served = true;
	wanted.from = trouble;
	sign = host_sign(host, &wanted);
	if (!sign)
		return;
	struct shown shown = shown_by(sign);
	add(a, FACT_SERVICE_ALIVE, 1, &shown);
	wanted.other_client = true;
	sign = host_sign(host, &wanted);
	if (sign) {
		shown = shown_by(sign);
		add(a, FACT_OTHERS_SERVED, 1, &shown);
	}
}

static void add_races(const struct context *c, const struct case_of *of, struct adding *a)
{
	struct winner won;
	bool closed = a->view[FACT_ENDED].set && a->view[FACT_ENDED].value != WORD_end_open;
	struct open_span span = { of->began, closed ? a->view[FACT_ENDED].at.time : of->now };
	/* Clients that try one address after another turn to the other family when they are tired of the first. */
	struct open_span tried = { of->began, of->began + (a->view[FACT_SYN_SPAN].set ? a->view[FACT_SYN_SPAN].value : 0) };
	bool other_family = races_other_family(&c->races, of->server, of->name, tried, RACE_WITHIN, &won);

	if (other_family)
		add(a, FACT_OTHER_FAMILY, 1, &(struct shown){ won.began, won.session, won.client.address });
	if ((other_family && races_beside(&won, span)) || races_won(&c->races, of->client, of->server, span, RACE_WITHIN, &won)) {
		add(a, FACT_RACE_WON, 1, &(struct shown){ won.began, won.session, won.client.address });
		a->view[FACT_RACE_WON].from = FROM_CLIENT;
	}
}

static void add_logins(const struct context *c, const struct case_of *of, struct adding *a)
{
	struct login_history h;

	if (devices_logins(&c->devices, of->client, of->server, of->began - BAN_WITHIN, &h))
		add(a, FACT_CLIENT_REFUSED_BEFORE, h.refused, &(struct shown){ h.at, h.session, of->client->address });
}

static void add_service(const struct context *c, const struct case_of *of, struct adding *a)
{
	const struct service *service = services_find(&c->services, of->server);
	struct shown shown;

	if (service_stuck(service, of->session, of->began - STUCK_BEFORE, of->now, &shown))
		add(a, FACT_STUCK, 1, &shown);
	if (service_offered(service, &of->client->address, of->began - OFFER_WITHIN, of->now, &shown))
		add(a, FACT_STARTTLS_ELSEWHERE, 1, &shown);
}

/* Did others, or the client itself, take the certificate that is shown here, and does the client come and leave all the time? */
static void add_leaving(const struct context *c, const struct case_of *of, struct adding *a)
{
	struct shown shown;

	if (!a->view[FACT_ESTABLISHED].set)
		return;
	if (of->asked_for &&
	    certificates_taken_by(&c->certificates, of->server, of->asked_for, of->session, of->began - TAKEN_WITHIN, of->now, &shown))
		add(a, FACT_CERTIFICATE_TAKEN, 1, &shown);
	if (certificates_left_by(&c->certificates, of->server, &of->client->address, of->session, of->began, LEAVES_WITHIN, &shown) >= LEAVES_OFTEN)
		add(a, FACT_LEAVES_OFTEN, 1, &shown);
}

static void add_timer(const struct context *c, const struct case_of *of, struct adding *a)
{
	struct idle_timer t;

	if (!timers_estimate(&c->timers, of->client, of->server, &t))
		return;
	struct shown shown = { t.at, t.session, of->client->address };
	add(a, FACT_IDLE_MOST, t.most, &shown);
	a->view[FACT_IDLE_LEAST] = (struct fact_view){ t.least, t.at, FROM_SERVER, true, true };
	a->view[FACT_IDLE_SESSIONS] = (struct fact_view){ t.sessions, t.at, FROM_SERVER, true, true };
}

static void add_reset_ttl(const struct context *c, const struct case_of *of, struct adding *a)
{
	const struct fact_view *ttl = &a->view[FACT_RESET_TTL];
	const struct sign *sign;

	if (!ttl->set || ttl->from != FROM_SERVER)
		return;
	uint8_t usual = host_ttl(hosts_find(&c->hosts, &of->server->address), of->server, of->client, (uint8_t)ttl->value, &sign);
	if (usual) {
		struct shown shown = shown_by(sign);
		add(a, FACT_RESET_TTL_OTHERS, ttl->value > usual ? ttl->value - usual : usual - ttl->value, &shown);
	}
}

void context_complete(const struct context *c, const struct case_of *of, struct fact_view view[FACT_COUNT], struct other_proofs *proofs)
{
	struct adding a = { view, proofs };

	proofs->count = 0;
	add_signs(c, of, &a);
	add_races(c, of, &a);
	add_logins(c, of, &a);
	add_service(c, of, &a);
	add_reset_ttl(c, of, &a);
	add_timer(c, of, &a);
	add_leaving(c, of, &a);
}

static void add_passing(struct handshakes *h, const struct attempts_of *p)
{
	if (p->answered && (!h->answered || p->newest.time > h->newest.time))
		h->newest = p->newest;
	h->answered += (int)p->answered;
	h->unanswered += (int)p->unanswered;
	if (p->rtt_least && (!h->rtt_least || p->rtt_least < h->rtt_least))
		h->rtt_least = p->rtt_least;
	if (p->rtt_most > h->rtt_most)
		h->rtt_most = p->rtt_most;
}

void context_answers(const struct context *c, const struct case_of *of, struct session_answers *into)
{
	struct others others;
	struct handshakes h;
	struct loss loss = { 0 };

	service_others(services_find(&c->services, of->server), &of->client->address, of->began - OTHERS_WITHIN, of->now, &others);
	struct attempts_of passing;
	devices_others(&c->devices, of->client, of->server, of->began - BEFORE, of->now, &h);
	if (passing_device(c->passing, &of->client->address, of->began - BEFORE, of->now, &passing))
		add_passing(&h, &passing);
	watch_loss(c->watch, &of->client->address, &loss);
	*into = (struct session_answers){
		.others_all = others.all, .others_served = others.served, .others_failed = others.failed, .others_more = others.more,
		.served_at = others.last_served.at, .served_session = others.last_served.session,
		.failed_at = others.last_failed.at, .failed_session = others.last_failed.session,
		.answered = h.answered, .unanswered = h.unanswered, .rtt_least = h.rtt_least, .rtt_most = h.rtt_most, .handshake_at = h.newest,
		.segments = loss.segments, .retransmitted = loss.retransmitted, .devices = behind_devices(&c->behind, &of->client->address),
		.ipv6_lost = of->name ? families_lost(&c->families, &(struct named_service){ of->name, of->server->port }, &of->client->address, of->began) : 0,
		.all_mail_fails = devices_all_mail_fails(&c->devices, &of->client->address, of->began - OTHERS_WITHIN),
	};
}

_Static_assert(FACT_RESET_TTL_OTHERS - FACT_HOST_ALIVE < 16, "the facts context.* fit 16 bits");

uint16_t context_proven(const struct fact_view view[FACT_COUNT])
{
	uint16_t bits = 0;

	for (int id = FACT_HOST_ALIVE; id <= FACT_RESET_TTL_OTHERS; id++)
		bits |= (uint16_t)((unsigned)view[id].set << (id - FACT_HOST_ALIVE));
	return bits;
}

bool context_host_lived(const struct context *c, const struct case_of *of, nanoseconds from, nanoseconds to)
{
	struct sign_wanted wanted = { .server = of->server, .client = of->client, .from = from, .to = to };
	struct answered answered;

	return host_sign(hosts_find(&c->hosts, &of->server->address), &wanted) || passing_host(c->passing, &of->server->address, from, to, &answered);
}

void context_suppose(struct fact_view view[FACT_COUNT])
{
	static const uint8_t may_come[] = { FACT_HOST_ALIVE, FACT_SERVICE_ALIVE, FACT_OTHERS_SERVED, FACT_RACE_WON, FACT_OTHER_FAMILY, FACT_STUCK,
					    FACT_CERTIFICATE_TAKEN, FACT_LEAVES_OFTEN, FACT_SERVER_UNSEEN };

	for (size_t i = 0; i < sizeof may_come; i++)
		if (!view[may_come[i]].set)
			view[may_come[i]] = (struct fact_view){ .value = 1, .known = true };
}

/* --- learning --- */

static struct shown own(const struct case_of *of, struct moment at)
{
	return (struct shown){ at, of->session, of->client->address };
}

/* It came, and went without a login and, inside TLS, without a word. */
static bool merely_left(const struct fact_view v[FACT_COUNT])
{
	const struct fact_view *ended = &v[FACT_ENDED];
	bool by_client = ended->set && (ended->value == WORD_end_client_fin || ended->value == WORD_end_client_reset);

	return by_client && v[FACT_ESTABLISHED].value && !v[FACT_LOGIN_TRIED].value && !v[FACT_CLIENT_RECORDS].value &&
	       (!v[FACT_CLIENT_HELLO].value || v[FACT_CLIENT_FINISHED].value);
}

static void learn_leaving(struct context *c, const struct case_of *of, const struct fact_view v[FACT_COUNT])
{
	bool took = v[FACT_CLIENT_FINISHED].set && v[FACT_CLIENT_RECORDS].set && v[FACT_WORKED].value;
	struct shown shown = own(of, took ? v[FACT_CLIENT_RECORDS].at : v[FACT_ENDED].at);

	if (took && of->asked_for)
		certificates_taken(&c->certificates, of->server, of->asked_for, &shown);
	else if (merely_left(v))
		certificates_left(&c->certificates, of->server, &shown);
}

void context_learn(struct context *c, const struct case_of *of, const struct fact_view v[FACT_COUNT])
{
	int64_t owed = v[FACT_OWED].value;
	struct shown shown;

	if (v[FACT_SURVIVED].set)
		timers_survived(&c->timers, of->client, of->server, v[FACT_SURVIVED].value, of->now);
	if (v[FACT_ESTABLISHED].set && (owed == WORD_owed_greeting || owed == WORD_owed_server_hello) && v[FACT_WAITED].value >= STUCK_AFTER) {
		shown = own(of, v[FACT_ESTABLISHED].at);
		services_ungreeted(&c->services, of->server, &shown);
	}
	learn_leaving(c, of, v);
	if (v[FACT_ONE_SIDED].value == WORD_side_client)
		hosts_unseen(&c->hosts, &of->server->address,
			     &(struct sign){ .at = v[FACT_ONE_SIDED].at, .session = of->session, .client = *of->client, .port = of->server->port });
	if (v[FACT_STARTTLS_OFFERED].set && v[FACT_STARTTLS_OFFERED].value) {
		shown = own(of, v[FACT_STARTTLS_OFFERED].at);
		services_offers_starttls(&c->services, of->server, &shown);
	}
}

void context_died(struct context *c, const struct case_of *of, const struct fact_view v[FACT_COUNT])
{
	const struct fact_view *vain = &v[FACT_VAIN_QUIET], *reset = &v[FACT_RESET_QUIET];
	const struct fact_view *quiet = reset->value > vain->value ? reset : vain;

	if (quiet->set && quiet->value >= MINUTE)
		timers_died(&c->timers, of->client, of->server, quiet->value, quiet->at, of->session);
}

void context_worked(struct context *c, const struct case_of *of, struct moment at)
{
	struct shown shown = own(of, at);

	races_worked(&c->races, &(struct winner){ { of->began, at.frame, at.file }, 0, of->session, *of->client, *of->server }, of->name);
	services_served(&c->services, of->server, &shown);
	if (of->name)
		families_worked(&c->families, &(struct named_service){ of->name, of->server->port }, &of->client->address, of->began);
}

void context_closing(struct context *c, const struct case_of *of, nanoseconds at)
{
	races_ended(&c->races, of->client, of->server, of->name, at);
}

void context_certificate_refused(struct context *c, const struct case_of *of, nanoseconds at)
{
	if (of->asked_for)
		certificates_refused(&c->certificates, of->server, of->asked_for, at);
}

void context_companion_worked(struct context *c, const struct case_of *of, struct moment at)
{
	struct shown shown = own(of, at);

	services_served(&c->services, of->server, &shown);
}

void context_watch(struct context *c, const struct address *device, nanoseconds now)
{
	watch_begin(c->watch, device, now);
	c->watching = true;
}

void context_failed(struct context *c, const struct case_of *of, struct moment at)
{
	struct shown shown = own(of, at);

	services_failed(&c->services, of->server, &shown);
}
