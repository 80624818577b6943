/* Reads DNS messages (RFC 1035): the question, the addresses and the last alias of an answer. */
#include "dns.h"

#include <ctype.h>

#include "text.h"

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28
#define CLASS_IN 1
#define HEADER 12
#define MOST_NAME 255   /* RFC 1035 2.3.4, in octets on the wire */
#define MOST_JUMPS 32   /* pointers only lead backwards, but a name of 127 labels has no use for more */

/* Bounded by itself: never longer than a legal name. */
struct name {
	char text[256];
	size_t len;
};

static bool add_label(struct name *into, const uint8_t *label, size_t n)
{
	if (into->len + (into->len > 0) + n > MOST_NAME - 2)
		return false;
	if (into->len)
		into->text[into->len++] = '.';
	for (size_t i = 0; i < n; i++)
		into->text[into->len++] = (char)(label[i] > 0x20 && label[i] < 0x7f ? tolower(label[i]) : '?');
	into->text[into->len] = '\0';
	return true;
}

/* Reads a name at r and moves r behind it. Each pointer must lead to before the last one's goal, so that it ends. */
static bool read_name(struct bytes message, struct reader *r, struct name *into)
{
	struct reader at = *r;
	size_t limit = reader_left(r) <= message.len ? message.len - reader_left(r) : 0;
	unsigned jumps = 0;

	*into = (struct name){ .len = 0 };
	for (;;) {
		uint8_t length = read_u8(&at);
		if (at.shortfall || (length & 0xc0) == 0x40 || (length & 0xc0) == 0x80)
			return false;
		if (length >= 0xc0) {
			size_t goal = (size_t)(length & 0x3f) << 8 | read_u8(&at);
			if (at.shortfall || goal >= limit || ++jumps > MOST_JUMPS)
				return false;
			if (jumps == 1)
				*r = at;
			limit = goal;
			at = reader_of(bytes_part(message, goal, message.len));
			continue;
		}
		if (length == 0)
			break;
		const uint8_t *label = reader_take(&at, length);
		if (!label || !add_label(into, label, length))
			return false;
	}
	if (!jumps)
		*r = at;
	return true;
}

static void keep_address(struct dns_message *m, struct bytes data, uint8_t family)
{
	struct address *a = &m->answer[m->answers];

	if (m->answers == DNS_MOST_ANSWERS || data.len != (family == 4 ? 4 : 16))
		return;
	*a = (struct address){ .family = family };
	memcpy(a->byte, data.data, data.len);
	m->answers++;
}

/* One record of the answer section; false: the message ends or is malformed there. */
static bool read_record(struct bytes message, struct reader *r, struct dns_message *m)
{
	struct name owner, target;

	if (!read_name(message, r, &owner))
		return false;
	uint16_t type = read_be16(r), class = read_be16(r);
	(void)read_be32(r); /* how long it may be kept */
	struct reader inside = *r;
	struct bytes data = read_bytes(r, read_be16(r));
	if (r->shortfall)
		return false;
	if (class != CLASS_IN)
		return true;
	(void)read_be16(&inside);
	if (type == TYPE_A)
		keep_address(m, data, 4);
	else if (type == TYPE_AAAA)
		keep_address(m, data, 6);
	else if (type == TYPE_CNAME && read_name(message, &inside, &target))
		memcpy(m->canonical, target.text, sizeof target.text);
	return true;
}

bool dns_read(struct bytes message, struct dns_message *into)
{
	struct reader r = reader_of(message);
	struct dns_message m = { .id = read_be16(&r) };
	uint16_t flags = read_be16(&r), questions = read_be16(&r), answers = read_be16(&r);
	struct name name;

	(void)read_be32(&r); /* authority and additional records are not read */
	bool is_query = (flags >> 11 & 15) == 0;
	if (r.shortfall || !is_query || questions != 1 || !read_name(message, &r, &name))
		return false;
	m.qtype = read_be16(&r);
	uint16_t class = read_be16(&r);
	if (r.shortfall || class != CLASS_IN)
		return false;
	m.response = flags >> 15;
	m.truncated = flags >> 9 & 1;
	m.rcode = flags & 15;
	memcpy(m.name, name.text, sizeof m.name);
	/* What stands before a malformed record is good all the same: answers are cut by TC and by the snap length. */
	for (uint16_t i = 0; m.response && i < answers; i++)
		if (!read_record(message, &r, &m)) {
			m.cut = true;
			break;
		}
	*into = m;
	return true;
}

/* --- names of mail hosts --- */

static const char *const mail_words[] = { "imap", "imaps", "imapd", "mail", "mails", "email", "mx", "pop", "pops", "smtp", "smtps", "webmail",
					  "mailbox", "mbox", "mailhost", "mailserver", "mailsrv", "imapmail", "mailin", "mailout",
					  "exchange", "dovecot", "postfix", "zimbra" };
/* Hosts of providers whose names say nothing of mail. */
static const char *const mail_hosts[] = { "outlook.office365.com" };
/* Below these nobody sells domains: "mail.lan" is a host, "mail.com" a company. */
static const char *const local_ends[] = { "lan", "local", "home", "test", "internal", "intranet", "corp", "localdomain", "private", "example", "invalid" };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_one_of(struct bytes word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_same_word(word, list[i]))
			return true;
	return false;
}

/* Without numbers behind: imap4, mx01, mail2. */
static bool is_mail_word(struct bytes word)
{
	while (word.len && isdigit(word.data[word.len - 1]))
		word.len--;
	return is_one_of(word, mail_words, COUNT(mail_words));
}

/* A label counts by any of its pieces: imap-mail, eu-west-imap2, _imaps. */
static bool is_mail_label(struct bytes label)
{
	for (size_t start = 0, i = 0; i <= label.len; i++)
		if (i == label.len || label.data[i] == '-' || label.data[i] == '_') {
			if (is_mail_word(bytes_part(label, start, i - start)))
				return true;
			start = i + 1;
		}
	return false;
}

static struct bytes take_label(struct bytes *rest)
{
	const uint8_t *dot = rest->len ? memchr(rest->data, '.', rest->len) : NULL;
	size_t n = dot ? (size_t)(dot - rest->data) : rest->len;
	struct bytes label = bytes_of(rest->data, n);

	*rest = bytes_part(*rest, n + (dot != NULL), rest->len);
	return label;
}

/* The labels before the registered domain's; of a name of one label, or of two in a local network, the first. */
bool dns_mail_name(const char *name)
{
	struct bytes all = bytes_of_text(name), rest = all;

	if (all.len && all.data[all.len - 1] == '.')
		all.len--;
	if (is_one_of(all, mail_hosts, COUNT(mail_hosts)))
		return true;
	for (rest = all; rest.len;) {
		bool first = rest.data == all.data;
		struct bytes label = take_label(&rest), behind = rest;
		struct bytes second = take_label(&behind);
		bool host = behind.len || (first && (!second.len || is_one_of(second, local_ends, COUNT(local_ends))));
		if (host && is_mail_label(label))
			return true;
	}
	return false;
}
