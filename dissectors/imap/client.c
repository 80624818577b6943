/* The client's lines: commands, SASL lines, DONE. Arguments of logins are looked at for a masked user name and kept nowhere. */
#include "imap_state.h"

#include <ctype.h>

/* --- the shape of a command --- */

static bool is_tag(struct bytes tag)
{
	if (!tag.len || tag.len > 128 || tag.data[0] == '*' || tag.data[0] == '+')
		return false;
	for (size_t i = 0; i < tag.len; i++)
		if (!isgraph(tag.data[i]) || strchr("(){%\"\\", tag.data[i]))
			return false;
	return true;
}

static bool is_command_word(struct bytes word)
{
	if (!word.len || word.len > 40 || !isalpha(word.data[0]))
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!isalnum(word.data[i]) && !strchr("-._", word.data[i]))
			return false;
	return true;
}

/* True for `tag word…`; a word that is no known command is `other`. UID's inner command is what counts. */
bool client_command(struct bytes line, struct bytes *tag, enum word_command *command, struct bytes *arguments)
{
	struct bytes rest = line;
	struct bytes first = line_word(&rest), word = line_word(&rest);

	if (!is_tag(first) || !is_command_word(word))
		return false;
	enum word_command found = command_of(word);
	if (found == WORD_command_uid) {
		struct bytes behind = rest;
		enum word_command inner = command_of(line_word(&behind));
		if (inner != WORD_command_none) {
			found = inner;
			rest = behind;
		}
	}
	*tag = first;
	*command = found == WORD_command_none ? WORD_command_other : found;
	*arguments = rest;
	return true;
}

/* --- logins --- */

/* What stands up to the first of that byte; nothing where there is none. */
static struct bytes up_to(struct bytes b, uint8_t end)
{
	const uint8_t *at = b.len ? memchr(b.data, end, b.len) : NULL;
	return at ? bytes_of(b.data, (size_t)(at - b.data)) : bytes_of(b.data, 0);
}

static struct bytes behind(struct bytes b, uint8_t end)
{
	const uint8_t *at = b.len ? memchr(b.data, end, b.len) : NULL;
	return at ? bytes_part(b, (size_t)(at - b.data) + 1, b.len) : bytes_of(b.data, 0);
}

/* gs2-header: flag, authzid, then the mechanism's own attributes. */
static struct bytes gs2_name(struct bytes clear)
{
	struct bytes authzid = behind(clear, ','), attributes = behind(authzid, ',');

	if (bytes_start(authzid, "a="))
		return up_to(bytes_part(authzid, 2, authzid.len), ',');
	return bytes_start(attributes, "n=") ? up_to(bytes_part(attributes, 2, attributes.len), ',') : bytes_of(clear.data, 0);
}

static struct bytes name_within(struct bytes clear, enum sasl_name where)
{
	switch (where) {
	case SASL_NAME_PLAIN:
		return up_to(behind(clear, '\0'), '\0');
	case SASL_NAME_WHOLE:
		return clear;
	case SASL_NAME_WORD:
		return up_to(clear, ' ');
	case SASL_NAME_OAUTH2:
		return bytes_start(clear, "user=") ? up_to(bytes_part(clear, 5, clear.len), 1) : bytes_of(clear.data, 0);
	case SASL_NAME_GS2:
		return gs2_name(clear);
	default:
		return bytes_of(clear.data, 0);
	}
}

/* The first response of a SASL exchange: its user name alone is looked at, the rest wiped unread. */
static void sasl_user(struct imap_state *s, struct observer *o, enum sasl_name where, struct bytes response)
{
	uint8_t clear[600];
	struct bytes name = name_within(bytes_of(clear, base64(response, clear, sizeof clear)), where);

	if (name.len <= IMAP_MOST_USER)
		observe_user(s, o, name);
	wipe(clear, sizeof clear);
}

static void quoted_user(struct imap_state *s, struct observer *o, struct bytes arguments)
{
	char room[IMAP_MOST_USER];
	struct text name = TEXT_IN(room);

	if (line_quoted(&arguments, &name) && arguments.len)
		observe_user(s, o, bytes_of(name.start, name.len));
	wipe(room, sizeof room);
}

static void login_arguments(struct imap_state *s, struct observer *o, struct bytes arguments)
{
	uint64_t length;
	bool waits;
	struct bytes rest = arguments;
	struct bytes first = line_word(&rest);

	if (line_literal(first, &length, &waits) && first.data[0] == '{' && !rest.len) {
		if (length > 0 && length <= IMAP_MOST_USER)
			s->flags |= IMAP_USER_LITERAL;
	} else if (first.len && first.data[0] == '"') {
		quoted_user(s, o, arguments);
	} else if (rest.len) {
		/* One word alone could be anything, a password too. */
		observe_user(s, o, first);
	}
}

static void authenticate_arguments(struct imap_state *s, struct observer *o, struct bytes arguments)
{
	const struct mechanism *mechanism = mechanism_of(line_word(&arguments));

	try_begin(s, mechanism);
	observe_text(o, FACT_LOGIN_METHOD, bytes_of_text(mechanism->word));
	if (strcmp(mechanism->word, "XOAUTH2") == 0 || strcmp(mechanism->word, "OAUTHBEARER") == 0)
		s->flags |= IMAP_OAUTH;
	if (arguments.len)
		sasl_user(s, o, mechanism->name, line_word(&arguments));
	else
		s->sasl_name = mechanism->name;
}

static void start_login(struct imap_state *s, struct observer *o, enum word_command command, struct bytes arguments)
{
	s->login_at = o->at.time;
	s->flags &= (uint16_t)~(IMAP_OAUTH | IMAP_USER_LITERAL);
	s->sasl_name = SASL_NAMES_NOBODY;
	s->user = s->user_local = 0;
	observe(o, FACT_LOGIN_TRIED, 1);
	observe_change(o, FACT_SASL_ERROR, false);
	if (command == WORD_command_login) {
		try_begin(s, mechanism_of(bytes_of_text("LOGIN")));
		observe_text(o, FACT_LOGIN_METHOD, bytes_of_text("LOGIN"));
		login_arguments(s, o, arguments);
	} else {
		authenticate_arguments(s, o, arguments);
	}
}

static void sasl_line(struct imap_state *s, struct observer *o, struct asked *a, struct bytes line)
{
	if (s->sasl_name && !bytes_same_word(line, "*"))
		sasl_user(s, o, s->sasl_name, line);
	s->sasl_name = SASL_NAMES_NOBODY;
	a->flags &= (uint8_t)~ASKED_CLIENT_TURN;
	a->at = o->at;
}

/* --- other commands --- */

static void observe_command(struct imap_state *s, struct observer *o, enum word_command command, struct bytes line, struct bytes arguments)
{
	struct bytes rest = line;

	switch (command) {
	case WORD_command_login:
	case WORD_command_authenticate:
		start_login(s, o, command, arguments);
		break;
	case WORD_command_starttls:
		observe(o, FACT_STARTTLS_SENT, true);
		break;
	case WORD_command_logout:
		s->flags |= IMAP_LOGOUT;
		observe(o, FACT_LOGOUT, true);
		break;
	case WORD_command_idle:
		observe(o, FACT_IDLE_SEEN, true);
		break;
	case WORD_command_id:
		software_id(s, o, FACT_CLIENT_SOFTWARE, arguments);
		break;
	case WORD_command_other:
		line_word(&rest);
		if (line_masked_word(line_word(&rest)))
			observe(o, FACT_MASKED, true);
		break;
	default:
		break;
	}
}

/* A new command while IDLE waits for DONE: DONE was lost, and with it perhaps the answer. */
static void leave_idle(struct imap_state *s, struct observer *o)
{
	struct asked *idle = asked_last(s, WORD_command_idle);

	if (!idle || !(idle->flags & ASKED_CLIENT_TURN))
		return;
	idle->flags = (uint8_t)((idle->flags & ~ASKED_CLIENT_TURN) | ASKED_DOUBT);
	observe_change(o, FACT_IN_IDLE, false);
}

static void new_command(struct imap_state *s, struct observer *o, struct bytes line, struct bytes tag, enum word_command command,
			struct bytes arguments)
{
	leave_idle(s, o);
	asked_add(s, line_hash(tag), command, o->at);
	count_command(s, command);
	observe(o, FACT_COMMANDS, 1);
	if (s->flags & IMAP_IN && command != WORD_command_logout)
		observe(o, FACT_COMMANDS_AFTER_LOGIN, 1);
	observe_command(s, o, command, line, arguments);
	s->side[FROM_CLIENT] |= SIDE_BEARS;
}

static bool idle_done(struct imap_state *s, struct observer *o, struct bytes line)
{
	struct asked *idle = asked_last(s, WORD_command_idle);

	/* Four letters can be a SASL line too. */
	if (!bytes_same_word(line, "DONE") || (!idle && asked_sasl(s)))
		return false;
	if (idle) {
		if (idle->flags & ASKED_CLIENT_TURN)
			observe(o, FACT_IDLE_TIME, o->at.time - idle->at.time);
		idle->flags &= (uint8_t)~ASKED_CLIENT_TURN;
		idle->at = o->at;
	}
	observe_change(o, FACT_IN_IDLE, false);
	return true;
}

void client_line(struct imap_state *s, struct observer *o, struct bytes line)
{
	struct asked *sasl = asked_sasl(s);
	struct bytes tag, arguments;
	enum word_command command = WORD_command_none;
	bool is_command = client_command(line, &tag, &command, &arguments);

	bool sure = idle_done(s, o, line) || (is_command && command != WORD_command_other);
	/* SASL lines hold no space, so a known command behind one ends the exchange even where its answer was not seen. */
	if (sasl && !sure) {
		sasl_line(s, o, sasl, line);
		return;
	}
	if (!sure && s->side[FROM_CLIENT] & SIDE_LOST)
		return;
	s->side[FROM_CLIENT] &= (uint8_t)~SIDE_LOST;
	if (is_command)
		new_command(s, o, line, tag, command, arguments);
}

void client_literal(struct imap_state *s, struct observer *o, bool waits)
{
	struct asked *a = asked_open(s);

	if (!a || !waits)
		return;
	a->flags |= ASKED_PLUS;
	a->at = o->at;
}

void client_line_end(struct imap_state *s, struct observer *o)
{
	struct asked *a = asked_open(s);

	if (!a)
		return;
	a->flags &= (uint8_t)~(ASKED_OPEN | ASKED_PLUS);
	a->at = o->at;
	if (s->early)
		server_answered_early(s, o);
}
