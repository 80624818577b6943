/* The commands of IMAP, those at work without a tagged answer, and how many of which kind there were. */
#include "imap_state.h"

/* Words of clients that need another state than before login are marked: an OK to them proves a login. */
static const struct {
	const char *word;
	uint8_t command;
	bool needs_login;
} table[] = {
	{ "UID", WORD_command_uid, true },
	{ "FETCH", WORD_command_fetch, true },
	{ "NOOP", WORD_command_noop, false },
	{ "IDLE", WORD_command_idle, true },
	{ "SELECT", WORD_command_select, true },
	{ "STATUS", WORD_command_status, true },
	{ "SEARCH", WORD_command_search, true },
	{ "STORE", WORD_command_store, true },
	{ "LIST", WORD_command_list, true },
	{ "CAPABILITY", WORD_command_capability, false },
	{ "LOGIN", WORD_command_login, false },
	{ "AUTHENTICATE", WORD_command_authenticate, false },
	{ "LOGOUT", WORD_command_logout, false },
	{ "STARTTLS", WORD_command_starttls, false },
	{ "ENABLE", WORD_command_enable, true },
	{ "EXAMINE", WORD_command_examine, true },
	{ "CREATE", WORD_command_create, true },
	{ "DELETE", WORD_command_delete, true },
	{ "RENAME", WORD_command_rename, true },
	{ "SUBSCRIBE", WORD_command_subscribe, true },
	{ "UNSUBSCRIBE", WORD_command_unsubscribe, true },
	{ "LSUB", WORD_command_lsub, true },
	{ "XLIST", WORD_command_xlist, true },
	{ "NAMESPACE", WORD_command_namespace, true },
	{ "APPEND", WORD_command_append, true },
	{ "CLOSE", WORD_command_close, true },
	{ "UNSELECT", WORD_command_unselect, true },
	{ "EXPUNGE", WORD_command_expunge, true },
	{ "COPY", WORD_command_copy, true },
	{ "MOVE", WORD_command_move, true },
	{ "ID", WORD_command_id, false },
	{ "COMPRESS", WORD_command_compress, false },
	{ "CHECK", WORD_command_check, true },
	{ "GETQUOTA", WORD_command_getquota, true },
	{ "GETQUOTAROOT", WORD_command_getquotaroot, true },
	{ "SORT", WORD_command_sort, true },
	{ "THREAD", WORD_command_thread, true },
	{ "NOTIFY", WORD_command_notify, true },
	{ "UNAUTHENTICATE", WORD_command_unauthenticate, true },
};

#define COMMANDS (sizeof table / sizeof *table)

enum word_command command_of(struct bytes word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (bytes_same_word(word, table[i].word))
			return table[i].command;
	return WORD_command_none;
}

bool command_needs_login(enum word_command command)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (table[i].command == command)
			return table[i].needs_login;
	return false;
}

/* --- commands at work, oldest first --- */

void asked_remove(struct imap_state *s, struct asked *a)
{
	size_t behind = (size_t)(s->asked + s->asked_count - (a + 1));

	memmove(a, a + 1, behind * sizeof *a);
	s->asked_count--;
}

/* When the table is full a doubtful one leaves; else the newest stands in for those that found no room, so that the oldest
 * (which are answered first, and are what is owed) stay known. */
struct asked *asked_add(struct imap_state *s, uint32_t tag, enum word_command command, struct moment at)
{
	for (uint8_t i = 0; s->asked_count == IMAP_MOST_ASKED && i < s->asked_count; i++)
		if (s->asked[i].flags & ASKED_DOUBT)
			asked_remove(s, &s->asked[i]);
	if (s->asked_count == IMAP_MOST_ASKED) {
		s->asked_count--;
		s->overflow = s->overflow < UINT16_MAX ? (uint16_t)(s->overflow + 1) : UINT16_MAX;
	}
	struct asked *a = &s->asked[s->asked_count++];
	*a = (struct asked){ at, tag, (uint8_t)command, ASKED_OPEN };
	return a;
}

struct asked *asked_tagged(struct imap_state *s, uint32_t tag)
{
	for (uint8_t i = 0; i < s->asked_count; i++)
		if (s->asked[i].tag == tag)
			return &s->asked[i];
	return NULL;
}

struct asked *asked_last(struct imap_state *s, enum word_command command)
{
	for (uint8_t i = s->asked_count; i-- > 0;)
		if (s->asked[i].command == command)
			return &s->asked[i];
	return NULL;
}

struct asked *asked_sasl(struct imap_state *s)
{
	struct asked *a = asked_last(s, WORD_command_authenticate);
	return a && !(a->flags & (ASKED_OPEN | ASKED_DOUBT)) ? a : NULL;
}

/* Only the newest command can lack its end. */
struct asked *asked_open(struct imap_state *s)
{
	struct asked *a = s->asked_count ? &s->asked[s->asked_count - 1] : NULL;
	return a && a->flags & ASKED_OPEN ? a : NULL;
}

struct asked *asked_login(struct imap_state *s)
{
	struct asked *a = asked_last(s, WORD_command_login);
	return a ? a : asked_last(s, WORD_command_authenticate);
}

void asked_doubt_all(struct imap_state *s)
{
	for (uint8_t i = 0; i < s->asked_count; i++)
		s->asked[i].flags |= ASKED_DOUBT;
	s->overflow = 0;
}

static bool is_owed(const struct asked *a)
{
	return !(a->flags & (ASKED_DOUBT | ASKED_CLIENT_TURN)) && (!(a->flags & ASKED_OPEN) || a->flags & ASKED_PLUS);
}

void owed_show(struct imap_state *s, struct observer *o)
{
	const struct asked *owed = NULL;

	for (uint8_t i = 0; !owed && i < s->asked_count; i++)
		if (is_owed(&s->asked[i]))
			owed = &s->asked[i];
	uint8_t command = owed ? owed->command : WORD_command_none;
	uint32_t frame = owed ? owed->at.frame : 0;
	if (command == s->owed && frame == s->owed_frame)
		return;
	s->owed = command;
	s->owed_frame = frame;
	if (owed)
		observe_at(o, FACT_COMMAND_OWED, command, owed->at, FROM_CLIENT);
	else
		observe(o, FACT_COMMAND_OWED, WORD_command_none);
}

/* --- how many of which kind --- */

static size_t place_of(const struct imap_state *s, enum word_command command)
{
	size_t i = 0;

	while (i < IMAP_MOST_COMMAND_KINDS && s->counts[i].count && s->counts[i].command != command)
		i++;
	return i;
}

/* The last place is for all the kinds that find no other. */
static size_t place_or_last(const struct imap_state *s, enum word_command command)
{
	size_t i = place_of(s, command);
	return i < IMAP_MOST_COMMAND_KINDS - 1 ? i : IMAP_MOST_COMMAND_KINDS - 1;
}

void count_command(struct imap_state *s, enum word_command command)
{
	size_t i = place_or_last(s, command);
	bool shared = s->counts[i].count && s->counts[i].command != command;

	s->counts[i].command = (uint8_t)(shared ? WORD_command_other : command);
	if (s->counts[i].count < 0xffffff)
		s->counts[i].count++;
}

void count_answer(struct imap_state *s, enum word_command command, nanoseconds took)
{
	size_t i = place_or_last(s, command);
	int64_t ms = took / MILLISECOND;

	if (s->counts[i].count && ms > s->counts[i].worst_ms)
		s->counts[i].worst_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

size_t imap_commands(const void *state, struct imap_command_count *into, size_t most)
{
	const struct imap_state *s = state;
	size_t n = 0;

	for (size_t i = 0; i < IMAP_MOST_COMMAND_KINDS && n < most; i++)
		if (s->counts[i].count)
			into[n++] = (struct imap_command_count){ s->counts[i].command, s->counts[i].count, s->counts[i].worst_ms };
	return n;
}
