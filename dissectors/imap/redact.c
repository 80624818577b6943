/* Names leave masked: user names, e-mail addresses and the tokens of links never get into a fact. */
#include "imap_state.h"

#include <ctype.h>

/* The first character of a name: one whole UTF-8 sequence (the text's own cleaning judges it). */
static struct bytes first_character(struct bytes name)
{
	size_t n = name.len ? 1 : 0;

	while (n < name.len && n < 4 && (name.data[n] & 0xc0) == 0x80)
		n++;
	return bytes_part(name, 0, n);
}

static void mask_part(struct bytes part, struct text *into)
{
	text_add_wire(into, first_character(part), 4);
	text_add(into, "***");
}

/* The last label of a domain tells a country, not a person. */
static void mask_domain(struct bytes domain, struct text *into)
{
	size_t dot = domain.len;

	mask_part(domain, into);
	while (dot && domain.data[dot - 1] != '.')
		dot--;
	struct bytes last = bytes_part(domain, dot, domain.len);
	if (dot < 2 || last.len == 0 || last.len > 24)
		return;
	for (size_t i = 0; i < last.len; i++)
		if (!isalnum(last.data[i]) && last.data[i] != '-')
			return;
	text_add(into, ".");
	text_add_wire(into, last, last.len);
}

/* Where the sign between name and domain stands; %40 is how links write it. */
static bool find_at(struct bytes name, size_t *at, size_t *width)
{
	for (size_t i = 0; i < name.len; i++) {
		bool coded = name.len - i >= 3 && memcmp(name.data + i, "%40", 3) == 0;
		if (coded || name.data[i] == '@') {
			*at = i;
			*width = coded ? 3 : 1;
			return true;
		}
	}
	return false;
}

static void mask_user(struct bytes name, struct text *into)
{
	size_t at, width;

	if (!find_at(name, &at, &width)) {
		mask_part(name, into);
		return;
	}
	mask_part(bytes_part(name, 0, at), into);
	text_add(into, "@");
	mask_domain(bytes_part(name, at + width, name.len), into);
}

void observe_user(struct imap_state *s, struct observer *o, struct bytes name)
{
	char room[IMAP_MOST_USER];
	struct text masked = TEXT_IN(room);
	size_t at, width;

	if (!name.len)
		return;
	struct bytes local = find_at(name, &at, &width) ? bytes_part(name, 0, at) : name;
	const uint8_t *slash = memchr(local.data, '\\', local.len); /* DOMAIN\name */
	if (slash)
		local = bytes_part(local, (size_t)(slash - local.data) + 1, local.len);
	s->user = line_hash(name);
	/* Very short names would be found in every text. */
	s->user_local = local.len > 2 ? line_hash(local) : 0;
	if (o->users)
		observe(o, FACT_USER_HASH, (int64_t)user_hash(o->users, name));
	if (o->users && o->users->clear)
		text_add_wire(&masked, name, IMAP_MOST_USER);
	else
		mask_user(name, &masked);
	observe_text(o, FACT_USER, bytes_of(masked.start, masked.len));
}

static bool name_byte(uint8_t c)
{
	return isalnum(c) || c >= 0x80 || (c && strchr("._-+%!#$~@", c));
}

static bool is_user(const struct imap_state *s, struct bytes word)
{
	uint32_t hash = line_hash(word);
	return hash == s->user || hash == s->user_local;
}

/* One run of name bytes; `in_query`: within a link's query, where long words are somebody's keys. */
static void redact_word(const struct imap_state *s, struct bytes word, bool in_query, struct text *into)
{
	size_t dots = 0, at, width;

	while (dots < word.len && strchr(".!", word.data[word.len - 1 - dots]))
		dots++;
	struct bytes end = bytes_part(word, word.len - dots, dots);
	word.len -= dots;
	bool address = find_at(word, &at, &width) && at > 0 && at + width < word.len;
	if (address || (word.len && is_user(s, word)))
		mask_user(word, into);
	else if (in_query && word.len > 20)
		text_add(into, "***");
	else
		text_add_wire(into, word, word.len);
	text_add_wire(into, end, end.len);
}

void observe_redacted(const struct imap_state *s, struct observer *o, enum fact_id id, struct bytes text)
{
	char room[512];
	struct text clean = TEXT_IN(room);
	bool in_query = false;

	for (size_t i = 0; i < text.len && !clean.cut;) {
		size_t n = 0;
		while (i + n < text.len && name_byte(text.data[i + n]))
			n++;
		if (n) {
			redact_word(s, bytes_part(text, i, n), in_query, &clean);
		} else {
			uint8_t c = text.data[i];
			in_query = c == '?' || (in_query && !strchr(" ])>", c));
			text_add_wire(&clean, bytes_part(text, i, 1), 1);
			n = 1;
		}
		i += n;
	}
	if (clean.len)
		observe_text(o, id, bytes_of(clean.start, clean.len));
	else
		observe_no_text(o, id);
}

void observe_no_text(struct observer *o, enum fact_id id)
{
	observe_change(o, id, 0);
}

void observe_change(struct observer *o, enum fact_id id, int64_t value)
{
	const struct fact *old = facts_find(o->facts, id);

	if (old ? old->value != value : value != 0)
		observe(o, id, value);
}
