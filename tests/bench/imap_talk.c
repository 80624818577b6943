/* Writes IMAP sessions: in the clear, by STARTTLS, inside TLS, with the endings real mail programs give them. */
#include "imap_talk.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tls_shapes.h"

struct talk {
	struct flow *f;
	enum shape shape;
	int tag;
};

static const char greeting[] = "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+%s AUTH=PLAIN AUTH=LOGIN] Dovecot ready.\r\n";
static const char capabilities[] = "* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT THREAD=REFERENCES MULTIAPPEND UNSELECT CHILDREN NAMESPACE "
				   "UIDPLUS LIST-EXTENDED CONDSTORE QRESYNC ESEARCH WITHIN SPECIAL-USE LITERAL+\r\n";
static const char selected[] = "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags "
			       "permitted.\r\n* 231 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1700000000] UIDs valid\r\n* OK [UIDNEXT 1042] Predicted next UID\r\n";

static void put(struct talk *t, const char *bytes, size_t length)
{
	if (t->shape == CLEAR)
		flow_put(t->f, bytes, length);
	else
		tls_put_data(t->f, t->shape, length);
}

__attribute__((format(printf, 2, 3))) static void put_line(struct talk *t, const char *format, ...)
{
	char line[2048];
	va_list list;

	va_start(list, format);
	int n = vsnprintf(line, sizeof line, format, list);
	va_end(list);
	put(t, line, (size_t)n);
}

static void client_says(struct talk *t)
{
	flow_pause(t->f, MILLISECOND + below(&t->f->seed, 5000));
	flow_say(t->f, CLIENT);
}

static void server_says(struct talk *t)
{
	flow_pause(t->f, 300 + skewed(&t->f->seed, 2000, 400000));
	flow_say(t->f, SERVER);
}

#define COMMAND(t, ...) (put_line(t, __VA_ARGS__), client_says(t))

static void greet(struct talk *t, const char *more)
{
	put_line(t, greeting, more);
	server_says(t);
}

static void ask_capabilities(struct talk *t)
{
	COMMAND(t, "a%d CAPABILITY\r\n", ++t->tag);
	put_line(t, "%sa%d OK Pre-login capabilities listed, post-login capabilities have more.\r\n", capabilities, t->tag);
	server_says(t);
}

static void login(struct talk *t, bool good)
{
	COMMAND(t, "a%d LOGIN user%u@example.org \"secret-%u\"\r\n", ++t->tag, below(&t->f->seed, 90000), below(&t->f->seed, 1000000));
	if (!good)
		flow_pause(t->f, 2 * SECOND);
	if (good)
		put_line(t, "%sa%d OK Logged in\r\n", capabilities, t->tag);
	else
		put_line(t, "a%d NO [AUTHENTICATIONFAILED] Authentication failed.\r\n", t->tag);
	server_says(t);
}

static void open_inbox(struct talk *t)
{
	COMMAND(t, "a%d SELECT INBOX\r\n", ++t->tag);
	put_line(t, "%sa%d OK [READ-WRITE] Select completed (0.002 + 0.000 secs).\r\n", selected, t->tag);
	server_says(t);
}

static const char *mail_text(void)
{
	static char text[1 << 18];

	if (!text[0])
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[noise_pool()[i] & 63];
	return text;
}

static void fetch(struct talk *t)
{
	unsigned uid = 800 + below(&t->f->seed, 200), size = 500 + skewed(&t->f->seed, 4000, 200000);
	char head[128], tail[128];

	COMMAND(t, "a%d UID FETCH %u (UID RFC822.SIZE BODY.PEEK[])\r\n", ++t->tag, uid);
	int head_length = snprintf(head, sizeof head, "* 17 FETCH (UID %u RFC822.SIZE %u BODY[] {%u}\r\n", uid, size, size);
	int tail_length = snprintf(tail, sizeof tail, ")\r\na%d OK Fetch completed (0.001 + 0.000 secs).\r\n", t->tag);
	if (t->shape == CLEAR) {
		put(t, head, (size_t)head_length);
		put(t, mail_text(), size);
		put(t, tail, (size_t)tail_length);
	} else {
		tls_put_data(t->f, t->shape, (size_t)head_length + size + (size_t)tail_length);
	}
	server_says(t);
}

static void enter_idle(struct talk *t)
{
	COMMAND(t, "a%d IDLE\r\n", ++t->tag);
	put_line(t, "+ idling\r\n");
	server_says(t);
}

static void idle(struct talk *t, int rounds)
{
	enter_idle(t);
	for (int i = 0; i < rounds; i++) {
		flow_pause(t->f, (uint64_t)(20 + below(&t->f->seed, 220)) * SECOND);
		if (below(&t->f->seed, 2))
			put_line(t, "* OK Still here\r\n");
		else
			put_line(t, "* %d EXISTS\r\n* 1 RECENT\r\n", 232 + i);
		server_says(t);
	}
	flow_pause(t->f, (uint64_t)(5 + below(&t->f->seed, 1500)) * SECOND);
}

static void end_idle(struct talk *t)
{
	COMMAND(t, "DONE\r\n");
	put_line(t, "a%d OK Idle completed (12.345 + 12.344 secs).\r\n", t->tag);
	server_says(t);
}

static void logout(struct talk *t)
{
	COMMAND(t, "a%d LOGOUT\r\n", ++t->tag);
	put_line(t, "* BYE Logging out\r\na%d OK Logout completed (0.001 + 0.000 secs).\r\n", t->tag);
	server_says(t);
}

static void put_alert(struct talk *t)
{
	if (t->shape != CLEAR)
		tls_put_alert(t->f, t->shape);
}

static void notify(struct talk *t, enum side side)
{
	if (t->shape == CLEAR)
		return;
	put_alert(t);
	flow_say(t->f, side);
}

/* The ways a session ends well. */
static const char *end_well(struct talk *t)
{
	switch (below(&t->f->seed, t->shape == CLEAR ? 2 : 4)) {
	case 0:
		logout(t);
		notify(t, SERVER);
		flow_close(t->f, SERVER);
		return "logout_server_fin";
	case 1:
		logout(t);
		notify(t, CLIENT);
		flow_close(t->f, CLIENT);
		return "logout_client_fin";
	case 2: /* the program is gone when the server's own close_notify comes */
		logout(t);
		notify(t, CLIENT);
		flow_signal(t->f, CLIENT, FIN | ACK);
		notify(t, SERVER);
		flow_signal(t->f, CLIENT, RST);
		return "logout_notify_rst";
	default: /* phones leave without LOGOUT */
		notify(t, CLIENT);
		flow_signal(t->f, CLIENT, FIN | ACK);
		notify(t, SERVER);
		flow_signal(t->f, CLIENT, RST);
		return "notify_rst";
	}
}

static void begin(struct talk *t, bool may_upgrade)
{
	bool secure = t->shape != CLEAR, upgrade = secure && may_upgrade && below(&t->f->seed, 6) == 0;
	enum shape shape = t->shape;

	t->f->port[SERVER] = secure && !upgrade ? 993 : 143;
	flow_open(t->f);
	if (upgrade) {
		t->shape = CLEAR;
		greet(t, " STARTTLS");
		COMMAND(t, "a%d STARTTLS\r\n", ++t->tag);
		put_line(t, "a%d OK Begin TLS negotiation now.\r\n", t->tag);
		server_says(t);
		t->shape = shape;
	}
	if (secure)
		tls_handshake(t->f, shape);
	if (!upgrade)
		greet(t, "");
	else if (shape == TLS13)
		flow_say(t->f, SERVER);
	ask_capabilities(t);
}

static const char *healthy(struct talk *t, enum talk_wish wish)
{
	begin(t, wish != TALK_SECURE);
	login(t, true);
	open_inbox(t);
	if (wish == TALK_IDLE) {
		enter_idle(t);
		flow_pause(t->f, SECOND);
		return "idle_open";
	}
	for (unsigned n = below(&t->f->seed, 4); n; n--)
		fetch(t);
	unsigned way = wish == TALK_ANY ? below(&t->f->seed, 10) : 9;
	if (way < 2)
		idle(t, (int)below(&t->f->seed, 4));
	if (way == 0)
		return "idle_open";
	if (way == 1)
		end_idle(t);
	return end_well(t);
}

static void syn_timeout(struct talk *t)
{
	flow_signal(t->f, CLIENT, SYN);
	for (unsigned wait = 1; wait <= 16; wait *= 2) {
		flow_pause(t->f, (uint64_t)wait * SECOND);
		flow_again(t->f);
	}
}

static void refused(struct talk *t)
{
	flow_signal(t->f, CLIENT, SYN);
	flow_signal(t->f, SERVER, RST | ACK);
}

static void login_refused(struct talk *t)
{
	flow_open(t->f);
	greet(t, "");
	login(t, false);
	logout(t);
	flow_close(t->f, SERVER);
}

static void no_greeting(struct talk *t)
{
	flow_open(t->f);
	flow_pause(t->f, 30 * SECOND);
	flow_close(t->f, CLIENT);
}

static void tls_alert(struct talk *t)
{
	flow_open(t->f);
	tls_client_hello(t->f);
	flow_say(t->f, CLIENT);
	tls_put_clear_alert(t->f, 40);
	flow_say(t->f, SERVER);
	flow_close(t->f, SERVER);
}

static void tls_reset(struct talk *t)
{
	flow_open(t->f);
	tls_client_hello(t->f);
	flow_say(t->f, CLIENT);
	flow_signal(t->f, SERVER, RST | ACK);
}

static const struct failure {
	const char *name;
	void (*write)(struct talk *t);
	uint16_t port;
	uint32_t server; /* added to the first server's address: dead ones have addresses of their own */
} failures[] = {
	{ "syn_timeout", syn_timeout, 993, 100 }, { "refused", refused, 143, 110 }, { "login_no", login_refused, 143, 0 },
	{ "no_greeting", no_greeting, 143, 120 }, { "tls_alert", tls_alert, 993, 0 }, { "tls_reset", tls_reset, 993, 130 },
};

static const char *failed(struct talk *t)
{
	const struct failure *failure = &failures[below(&t->f->seed, sizeof failures / sizeof *failures)];

	t->shape = CLEAR;
	t->f->port[SERVER] = failure->port;
	t->f->address[SERVER] += failure->server;
	failure->write(t);
	return failure->name;
}

struct flow *talk_new(uint64_t seed, uint64_t at, uint32_t client, uint16_t port, bool well, enum talk_wish wish, const char **kind)
{
	struct talk t = { .f = flow_new(seed, at, TCP) };
	unsigned n = below(&t.f->seed, 100);

	t.shape = wish == TALK_SECURE ? TLS13 : n < 35 ? CLEAR : n < 85 ? TLS13 : TLS12;
	t.f->address[CLIENT] = client;
	t.f->address[SERVER] = 0xc6336401 + (wish == TALK_SECURE ? 0 : below(&t.f->seed, 8)); /* 198.51.100.1 on */
	t.f->port[CLIENT] = port;
	*kind = well ? healthy(&t, wish) : failed(&t);
	return t.f;
}
