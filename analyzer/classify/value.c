/* Facts' values as text for people. */
#include "rules.h"

#include <inttypes.h>
#include <time.h>

#include "protocol.h"
#include "text.h"

static void say_bool(struct text *t, int64_t value)
{
	text_add(t, value ? "yes" : "no");
}

static void say_number(struct text *t, int64_t value)
{
	text_addf(t, "%" PRId64, value);
}

/* One digit behind the point, cut and not rounded: what took 4.97 s must not read as having reached 5 s. */
static void say_tenths(struct text *t, uint64_t value, uint64_t unit, const char *name)
{
	uint64_t tenths = value % unit / (unit / 10);

	if (value / unit < 100 && tenths)
		text_addf(t, "%" PRIu64 ".%" PRIu64 " %s", value / unit, tenths, name);
	else
		text_addf(t, "%" PRIu64 " %s", value / unit, name);
}

static void say_pair(struct text *t, uint64_t value, uint64_t large, const char *large_name, uint64_t small, const char *small_name)
{
	text_addf(t, "%" PRIu64 " %s", value / large, large_name);
	if (value % large / small)
		text_addf(t, " %" PRIu64 " %s", value % large / small, small_name);
}

static void say_duration(struct text *t, int64_t signed_value)
{
	uint64_t value = signed_value < 0 ? 0 - (uint64_t)signed_value : (uint64_t)signed_value;
	uint64_t second = (uint64_t)SECOND, minute = (uint64_t)MINUTE;

	if (signed_value < 0)
		text_add(t, "-");
	if (value == 0)
		text_add(t, "0 s");
	else if (value < (uint64_t)MICROSECOND)
		text_addf(t, "%" PRIu64 " ns", value);
	else if (value < (uint64_t)MILLISECOND)
		text_addf(t, "%" PRIu64 " us", value / (uint64_t)MICROSECOND);
	else if (value < second)
		say_tenths(t, value, (uint64_t)MILLISECOND, "ms");
	else if (value < 2 * minute)
		say_tenths(t, value, second, "s");
	else if (value < 120 * minute)
		say_pair(t, value, minute, "min", second, "s");
	else
		say_pair(t, value, 60 * minute, "h", minute, "min");
}

/* A unit of 1024 has no whole tenth; sizes are told to the nearest lower tenth. */
static void say_scaled(struct text *t, uint64_t value, uint64_t unit, const char *name)
{
	uint64_t tenths = value % unit * 10 / unit;

	if (value / unit < 100 && tenths)
		text_addf(t, "%" PRIu64 ".%" PRIu64 " %s", value / unit, tenths, name);
	else
		text_addf(t, "%" PRIu64 " %s", value / unit, name);
}

static void say_size(struct text *t, int64_t value)
{
	uint64_t bytes = value < 0 ? 0 : (uint64_t)value;

	if (bytes < 1024)
		text_addf(t, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
	else if (bytes < 1024 * 1024)
		say_scaled(t, bytes, 1024, "KB");
	else
		say_scaled(t, bytes, 1024 * 1024, "MB");
}

static void say_time(struct text *t, int64_t value)
{
	char room[64];
	struct tm tm;
	time_t seconds = (time_t)(value / SECOND - (value % SECOND < 0));

	if (!gmtime_r(&seconds, &tm) || strftime(room, sizeof room, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		text_add(t, "?");
	else
		text_add(t, room);
}

static void say_tls_version(struct text *t, int64_t value)
{
	static const char *const names[] = { "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };

	if (value >= SSL3 && value <= TLS13)
		text_add(t, names[value - SSL3]);
	else
		text_addf(t, "0x%04" PRIx64, (uint64_t)value);
}

static void say_cipher(struct text *t, int64_t value)
{
	text_addf(t, "0x%04" PRIx64, (uint64_t)value);
}

/* IMAP's own words stand in capitals, as in the protocol. */
static void say_word(struct text *t, enum fact_id id, int64_t value)
{
	enum enumeration e = fact_kinds[id].words;
	const char *word = fact_word(id, value);

	if ((e != ENUM_command && e != ENUM_status) || value == 0) {
		text_add(t, word);
		return;
	}
	for (; *word; word++)
		text_addf(t, "%c", *word >= 'a' && *word <= 'z' ? *word - ('a' - 'A') : *word);
}

static void say_value(struct text *t, enum fact_id id, int64_t value, const struct texts *texts)
{
	/* Numbers that are read otherwise than by counting. */
	static const struct {
		enum fact_id id;
		void (*say)(struct text *, int64_t);
	} special[] = { { FACT_OFFERED_MAX, say_tls_version }, { FACT_OFFERED_MIN, say_tls_version }, { FACT_VERSION, say_tls_version },
			{ FACT_CIPHER, say_cipher } };
	static void (*const by_type[])(struct text *, int64_t) = { [FACT_BOOL] = say_bool, [FACT_NUMBER] = say_number,
								   [FACT_DURATION] = say_duration, [FACT_SIZE] = say_size,
								   [FACT_TIME] = say_time };

	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (special[i].id == id) {
			special[i].say(t, value);
			return;
		}
	if (fact_kinds[id].type == FACT_TEXT)
		text_add(t, texts ? texts_get(texts, (uint32_t)value) : "");
	else if (fact_kinds[id].type == FACT_WORD)
		say_word(t, id, value);
	else
		by_type[fact_kinds[id].type](t, value);
}

const char *fact_value_text(enum fact_id id, const struct fact_view *fact, const struct texts *texts, char *into, size_t room)
{
	struct text t = { .start = into, .room = room };

	if (room == 0)
		return "";
	into[0] = '\0';
	if (!fact->known)
		text_add(&t, "unknown");
	else
		say_value(&t, id, fact->value, texts);
	return into;
}

/* Our own words read better with spaces; the protocols' (alerts, for one) stay as they are written there. */
static void space_words(enum fact_id id, char *from)
{
	enum enumeration e = fact_kinds[id].words;

	if (fact_kinds[id].type != FACT_WORD || e == ENUM_alert)
		return;
	for (; *from; from++)
		if (*from == '_')
			*from = ' ';
}

const char *fact_says(enum fact_id id, const struct fact_view *fact, const struct texts *texts, char *into, size_t room)
{
	const char *says = fact_kinds[id].says, *hole = strstr(says, "{}");
	struct text t = { .start = into, .room = room };

	if (room == 0)
		return "";
	into[0] = '\0';
	if (!hole) {
		text_add(&t, says);
		text_add(&t, fact_kinds[id].type == FACT_BOOL && fact->known && !fact->value ? ": no" : "");
		return into;
	}
	/* "SYN (3 in all)": of one there is no more to say. */
	if (fact->known && fact->value == 1 && hole - says >= 2 && strcmp(hole - 2, " ({} in all)") == 0) {
		text_addf(&t, "%.*s", (int)(hole - 2 - says), says);
		return into;
	}
	text_addf(&t, "%.*s", (int)(hole - says), says);
	size_t value_at = t.len;
	if (fact->known)
		say_value(&t, id, fact->value, texts);
	else
		text_add(&t, "unknown");
	space_words(id, into + value_at);
	text_add(&t, hole + 2);
	return into;
}
