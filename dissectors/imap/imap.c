/* The IMAP dissector: cuts both directions into lines and literals and keeps in step with them. */
#include "imap_state.h"

/* --- is it IMAP? --- */

static enum probe_result probe_server(struct bytes first)
{
	struct bytes rest = first;

	if (first.len < 2)
		return first.len == 0 || first.data[0] == '*' ? PROBE_MORE : PROBE_NO;
	if (first.data[0] != '*' || first.data[1] != ' ')
		return PROBE_NO;
	line_word(&rest);
	size_t n = 0;
	while (n < rest.len && !strchr(" \r\n", rest.data[n]))
		n++;
	if (n == rest.len)
		return n <= 10 ? PROBE_MORE : PROBE_NO;
	/* Numbers too: untagged data of a session met in mid-stream. */
	bool number = n && rest.data[0] >= '0' && rest.data[0] <= '9';
	return number || server_untagged_word(bytes_part(rest, 0, n)) ? PROBE_YES : PROBE_NO;
}

/* First words of other protocols, which would pass for a tag ("USER list", "EHLO mail"). */
static bool speaks_otherwise(struct bytes tag)
{
	static const char *const verbs[] = { "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "USER", "PASS", "APOP", "AUTH", "STAT", "RETR",
					     "UIDL", "TOP", "DELE", "LIST", "GET", "PUT", "POST", "HEAD", "CONNECT", "OPTIONS" };

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (bytes_same_word(tag, verbs[i]))
			return true;
	return false;
}

static enum probe_result probe_client(struct bytes first)
{
	const uint8_t *end = first.len ? memchr(first.data, '\n', first.len) : NULL;
	struct bytes tag, arguments, line = end ? bytes_part(first, 0, (size_t)(end - first.data)) : first;
	enum word_command command;

	for (size_t i = 0; i < line.len && i < 32; i++)
		if (line.data[i] != '\r' && (line.data[i] < 0x20 || line.data[i] >= 0x7f))
			return PROBE_NO;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	if (end && bytes_same_word(line, "DONE"))
		return PROBE_YES;
	if (client_command(line, &tag, &command, &arguments) && (end || arguments.data < line.data + line.len))
		return command != WORD_command_other && !speaks_otherwise(tag) ? PROBE_YES : PROBE_NO;
	return !end && line.len < 40 ? PROBE_MORE : PROBE_NO;
}

static enum probe_result probe(struct bytes first, enum direction from)
{
	return from == FROM_SERVER ? probe_server(first) : probe_client(first);
}

/* --- lines and literals --- */

static struct bytes without_end(struct bytes line)
{
	if (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* A line's end: does a literal follow, or is the command (or answer) complete? `line` may be no more than its tail. */
static void line_end(struct imap_state *s, struct observer *o, struct bytes line)
{
	uint8_t *side = &s->side[o->from];
	uint64_t length;
	bool waits, bears = *side & SIDE_BEARS;

	*side &= (uint8_t)~SIDE_SKIP;
	if (bears && line_literal(without_end(line), &length, &waits)) {
		s->literal[o->from] = length;
		*side |= SIDE_INSIDE;
		if (o->from == FROM_CLIENT)
			client_literal(s, o, waits);
		return;
	}
	*side &= (uint8_t)~(SIDE_INSIDE | SIDE_BEARS);
	if (bears && o->from == FROM_CLIENT)
		client_line_end(s, o);
}

/* The first bytes of a line that is no part of an answer begun before. */
static enum dissect_result line_start(struct imap_state *s, struct observer *o, struct bytes line)
{
	if (s->side[o->from] & SIDE_INSIDE)
		return DISSECT_ON;
	line = without_end(bytes_part(line, 0, IMAP_MOST_LINE));
	if (o->from == FROM_SERVER)
		return server_line(s, o, line);
	client_line(s, o, line);
	return DISSECT_ON;
}

/* A literal passes unread, but for the user name of a LOGIN: that one waits until it is whole. */
static size_t take_literal(struct imap_state *s, struct observer *o, struct bytes b)
{
	uint64_t left = s->literal[o->from];
	struct asked *open = o->from == FROM_CLIENT ? asked_open(s) : NULL;

	if (open)
		open->flags &= (uint8_t)~ASKED_PLUS;
	if (o->from == FROM_CLIENT && s->flags & IMAP_USER_LITERAL) {
		if (b.len < left)
			return 0;
		s->flags &= (uint16_t)~IMAP_USER_LITERAL;
		observe_user(s, o, bytes_part(b, 0, (size_t)left));
	}
	size_t n = b.len < left ? b.len : (size_t)left;
	s->literal[o->from] -= n;
	return n;
}

/* All but the tail, which may hold a literal's length. */
static size_t all_but_tail(size_t len)
{
	return len > IMAP_LINE_TAIL ? len - IMAP_LINE_TAIL : 0;
}

/* Behind a hole the rest of its line is passed over. A frame that was cut short took the line's end with it: what answers a command by
 * its tag begins a line. */
static bool begins_answer(struct imap_state *s, enum direction from, struct bytes line)
{
	if (from != FROM_SERVER || (s->side[from] & (SIDE_SKIP | SIDE_LOST)) != (SIDE_SKIP | SIDE_LOST))
		return false;
	struct bytes tag = line_word(&line);
	return tag.len && asked_tagged(s, line_hash(tag)) && line_status(line_word(&line)) >= 0;
}

static size_t take_line(struct imap_state *s, struct observer *o, struct bytes b, enum dissect_result *result)
{
	const uint8_t *end = memchr(b.data, '\n', b.len);
	size_t len = end ? (size_t)(end - b.data) + 1 : b.len;

	if (begins_answer(s, o->from, bytes_part(b, 0, len)))
		s->side[o->from] &= (uint8_t)~SIDE_SKIP;
	if (s->side[o->from] & SIDE_SKIP) {
		if (!end)
			return all_but_tail(len);
	} else {
		/* One byte more than the most, so that a cut line is cut at the same place however it comes. */
		if (!end && len <= IMAP_MOST_LINE + 1)
			return 0;
		*result = line_start(s, o, bytes_part(b, 0, len));
		if (!end) {
			s->side[o->from] |= SIDE_SKIP;
			return all_but_tail(len);
		}
	}
	line_end(s, o, bytes_part(b, 0, len));
	return len;
}

/* A ClientHello that was captured ahead of the server's OK to STARTTLS is left for who takes over. */
static bool early_tls(struct imap_state *s, struct observer *o, struct bytes b)
{
	return o->from == FROM_CLIENT && b.data[0] == 0x16 && b.len <= DISSECT_MOST_LEFT && asked_last(s, WORD_command_starttls);
}

/* Bytes that begin no line (TLS, or other noise) make nobody stand within one. */
static bool begins_line(const struct imap_state *s, enum direction from, struct bytes left)
{
	bool within = s->side[from] & (SIDE_SKIP | SIDE_INSIDE) || s->literal[from];
	return left.len && (within || (left.data[0] >= 0x20 && left.data[0] < 0x7f));
}

static size_t step(struct imap_state *s, struct observer *o, struct bytes b, enum dissect_result *result)
{
	if (s->literal[o->from])
		return take_literal(s, o, b);
	if (!(s->side[o->from] & (SIDE_SKIP | SIDE_INSIDE)) && early_tls(s, o, b))
		return 0;
	return take_line(s, o, b, result);
}

/* --- the dissector --- */

/* Does this side stand within a line or a literal? Not while its literal waits for the server's `+`. */
static bool stands_within(struct imap_state *s, enum direction from, bool left)
{
	struct asked *open = asked_open(s);

	if (s->side[from] & SIDE_LOST)
		return false;
	if (from == FROM_CLIENT && open && open->flags & ASKED_PLUS)
		return false;
	return left || s->literal[from] || s->side[from] & (SIDE_SKIP | SIDE_INSIDE);
}

/* Both sides: a `+` makes the client stand within its literal. What the other side left unconsumed is in its bit of midline. */
static void midline_show(struct imap_state *s, struct observer *o, bool left)
{
	static const uint8_t word[] = { WORD_side_none, WORD_side_client, WORD_side_server, WORD_side_both };
	enum direction there = other(o->from);
	uint8_t now = stands_within(s, o->from, left) ? 1u << o->from : 0;
	bool there_left = s->midline & 4u << there;

	if (stands_within(s, there, there_left))
		now |= (uint8_t)(1u << there);
	if (left)
		now |= (uint8_t)(4u << o->from);
	if (there_left)
		now |= (uint8_t)(4u << there);
	if ((now & 3) != (s->midline & 3))
		observe(o, FACT_MIDLINE, word[now & 3]);
	s->midline = now;
}

static void start(struct imap_state *s, struct observer *o)
{
	const struct fact *midstream = facts_find(o->facts, FACT_MIDSTREAM);

	s->flags |= IMAP_STARTED;
	if (!midstream || !midstream->value)
		return;
	s->flags |= IMAP_GREETED;
	s->side[FROM_CLIENT] = s->side[FROM_SERVER] = SIDE_LOST;
}

/* What was asked under compression can't be seen answered. */
static void fall_silent(struct imap_state *s)
{
	s->flags |= IMAP_QUIET;
	s->asked_count = 0;
	s->literal[FROM_CLIENT] = s->literal[FROM_SERVER] = 0;
	s->side[FROM_CLIENT] = s->side[FROM_SERVER] = SIDE_LOST | SIDE_BLIND;
}

static struct dissected data(void *state, struct observer *o, struct bytes bytes)
{
	struct imap_state *s = state;
	struct dissected d = { .result = DISSECT_ON };

	if (!(s->flags & IMAP_STARTED))
		start(s, o);
	if (s->flags & IMAP_QUIET)
		return (struct dissected){ .result = DISSECT_QUIET, .consumed = bytes.len };
	while (d.consumed < bytes.len && d.result == DISSECT_ON) {
		size_t n = step(s, o, bytes_part(bytes, d.consumed, bytes.len), &d.result);
		if (!n)
			break;
		d.consumed += n;
	}
	if (d.result == DISSECT_QUIET)
		fall_silent(s);
	midline_show(s, o, d.result == DISSECT_ON && begins_line(s, o->from, bytes_part(bytes, d.consumed, bytes.len)));
	owed_show(s, o);
	return d;
}

bool imap_saw_all(const void *state, enum direction from)
{
	return !(((const struct imap_state *)state)->side[from] & SIDE_BLIND);
}

/* A hole within a literal costs nothing where its length is known; any other one, all certainty, and where it began within a line,
 * the rest of that. */
static void gap(void *state, struct observer *o, uint64_t missing)
{
	struct imap_state *s = state;
	struct asked *open = asked_open(s);
	bool names_user = o->from == FROM_CLIENT && s->flags & IMAP_USER_LITERAL;
	bool within = s->literal[o->from] || s->side[o->from] & (SIDE_SKIP | SIDE_INSIDE) || s->midline & 4u << o->from;

	s->midline &= (uint8_t)~(4u << o->from);
	if (missing && missing <= s->literal[o->from] && !names_user) {
		s->literal[o->from] -= missing;
		return;
	}
	s->flags |= IMAP_STARTED;
	s->literal[o->from] = 0;
	s->side[o->from] = (uint8_t)(SIDE_LOST | SIDE_BLIND | (within ? SIDE_SKIP : 0));
	if (o->from == FROM_SERVER) {
		s->flags |= IMAP_GREETED;
		asked_doubt_all(s);
	} else {
		s->flags &= (uint16_t)~IMAP_USER_LITERAL;
		s->sasl_name = SASL_NAMES_NOBODY;
		if (open)
			open->flags = (uint8_t)((open->flags & ~(ASKED_OPEN | ASKED_PLUS)) | ASKED_DOUBT);
	}
	midline_show(s, o, false);
	owed_show(s, o);
}

/* Who stops within a line, or owes an answer, was said when it came to that; the answer may still come when nobody waits for it. */
static void end(void *state, struct observer *o)
{
	const struct imap_state *s = state;

	if (o->from == FROM_CLIENT && s->owed)
		observe(o, FACT_LEFT_OWING, s->owed);
}

const struct dissector imap_dissector = { "imap", sizeof(struct imap_state), probe, data, gap, end };
