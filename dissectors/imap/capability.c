/* Capability lists, and the names of the software at both ends. */
#include "imap_state.h"

#include <ctype.h>

static void add_upper(struct text *t, struct bytes word)
{
	char piece[32];
	size_t n = 0;

	if (t->len)
		text_add(t, " ");
	for (size_t i = 0; i < word.len; i++) {
		piece[n++] = (char)(isgraph(word.data[i]) ? toupper(word.data[i]) : '?');
		if (n == sizeof piece - 1 || i + 1 == word.len) {
			piece[n] = '\0';
			text_add(t, piece);
			n = 0;
		}
	}
}

struct offered {
	bool login_disabled, starttls, masked, auth_login;
};

static void look_at_word(struct bytes word, struct offered *seen, struct text *methods)
{
	if (bytes_start(word, "AUTH=")) {
		struct bytes method = bytes_part(word, 5, word.len);
		seen->auth_login |= bytes_same_word(method, "LOGIN");
		add_upper(methods, method);
	}
	seen->login_disabled |= bytes_same_word(word, "LOGINDISABLED");
	seen->starttls |= bytes_same_word(word, "STARTTLS");
	seen->masked |= line_masked_word(word);
}

/* Lists behind the login name no login methods any more: what they lack says nothing. Some servers send the new list ahead of
 * the login's answer. */
static bool is_after_login(struct imap_state *s)
{
	return s->flags & IMAP_IN || (asked_login(s) && !asked_last(s, WORD_command_capability));
}

void capability_list(struct imap_state *s, struct observer *o, struct bytes list)
{
	char room[256];
	struct text methods = TEXT_IN(room);
	struct offered seen = { 0 };

	if (!list.len)
		return;
	observe_text(o, FACT_CAPABILITIES, list);
	for (struct bytes rest = list; rest.len;)
		look_at_word(line_word(&rest), &seen, &methods);
	if (seen.masked)
		observe(o, FACT_MASKED, true);
	if (is_after_login(s))
		return;
	observe(o, FACT_CAPABILITIES_SEEN, 1);
	observe_change(o, FACT_LOGIN_DISABLED, seen.login_disabled);
	if (seen.starttls)
		observe(o, FACT_STARTTLS_OFFERED, true);
	if (!seen.login_disabled && !seen.auth_login)
		add_upper(&methods, bytes_of_text("LOGIN"));
	if (methods.len)
		observe_text(o, FACT_AUTH_OFFERED, bytes_of(methods.start, methods.len));
	else
		observe_no_text(o, FACT_AUTH_OFFERED);
}

/* What greetings say, and whose software says so. */
static const struct {
	const char *says, *name;
} greetings[] = {
	{ "Dovecot", "Dovecot" },
	{ "Cyrus", "Cyrus IMAP" },
	{ "Courier-IMAP", "Courier-IMAP" },
	{ "Gimap", "Gmail" },
	{ "Microsoft Exchange", "Microsoft Exchange" },
	{ "Zimbra", "Zimbra" },
	{ "Stalwart", "Stalwart" },
	{ "iSCREAM", "iCloud" },
	{ "Coremail", "Coremail" },
	{ "QQMail", "QQMail" },
	{ "Yandex", "Yandex" },
	{ "Zoho", "Zoho" },
	{ "MDaemon", "MDaemon" },
	{ "Kerio", "Kerio Connect" },
	{ "GroupWise", "GroupWise" },
	{ "hMailServer", "hMailServer" },
	{ "MailEnable", "MailEnable" },
	{ "Domino", "HCL Domino" },
	{ "SmarterMail", "SmarterMail" },
	{ "AXIGEN", "Axigen" },
	{ "CommuniGate", "CommuniGate Pro" },
	{ "GreenMail", "GreenMail" },
	{ "JAMES", "Apache James" },
	{ "perdition", "Perdition" },
	{ "gluon", "Proton Mail Bridge" },
	{ "Proton", "Proton Mail Bridge" },
	{ "imapgate", "Yahoo" },
	{ "IMAP Server up and ready to accept", "Yahoo" },
	{ "IMAPrev1", "hMailServer" },
	{ "IMAP4 ready", "nginx" },
};

void software_greeting(struct observer *o, struct bytes text)
{
	for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++)
		if (bytes_contain(text, greetings[i].says)) {
			observe_text(o, FACT_SERVER_SOFTWARE, bytes_of_text(greetings[i].name));
			return;
		}
}

/* ID's list (RFC 2971): pairs of strings; only the name and the version of the software are of interest. */
void software_id(const struct imap_state *s, struct observer *o, enum fact_id id, struct bytes list)
{
	char name_room[64], version_room[64];
	struct text name = TEXT_IN(name_room), version = TEXT_IN(version_room);

	if (!list.len || list.data[0] != '(')
		return;
	for (list = bytes_part(list, 1, list.len); list.len && list.data[0] != ')';) {
		char key_room[32], value_room[64];
		struct text key = TEXT_IN(key_room), value = TEXT_IN(value_room);
		bool whole = line_quoted(&list, &key);
		while (whole && list.len && list.data[0] == ' ')
			list = bytes_part(list, 1, list.len);
		if (!whole || !line_quoted(&list, &value))
			break;
		while (list.len && list.data[0] == ' ')
			list = bytes_part(list, 1, list.len);
		struct bytes which = bytes_of(key.start, key.len);
		if (bytes_same_word(which, "name"))
			text_add(&name, value.start);
		else if (bytes_same_word(which, "version"))
			text_add(&version, value.start);
	}
	if (!name.len)
		return;
	if (id == FACT_CLIENT_SOFTWARE && version.len) {
		text_add(&name, " ");
		text_add(&name, version.start);
	}
	observe_redacted(s, o, id, bytes_of(name.start, name.len));
}
