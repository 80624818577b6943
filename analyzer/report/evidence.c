/* What a case shows: its proofs in the order of their frames, notices beside the verdict, sentences with their values. */
#include <stdlib.h>

#include "parts.h"
#include "protocol.h"
#include "text.h"

bool case_has(const struct report_case *c, enum fact_id id)
{
	return c->view[id].known && c->view[id].value != 0;
}

const char *case_text(const struct report *report, const struct report_case *c, enum fact_id id)
{
	if (!c->view[id].set || !redact_allows(report->options.usernames, id))
		return NULL;
	return texts_get(report->texts, (uint32_t)c->view[id].value);
}

const char *case_word(const struct report_case *c, enum fact_id id)
{
	return c->view[id].set && c->view[id].value != 0 ? fact_word(id, c->view[id].value) : NULL;
}

const char *case_stage(const struct report_case *c)
{
	if (c->verdict->rule->stage)
		return c->verdict->rule->stage;
	if (c->view[FACT_STAGE].known)
		return fact_word(FACT_STAGE, c->view[FACT_STAGE].value);
	return c->session->is_lookup ? "resolve" : "connect";
}

/* --- proofs --- */

/* Waits: what they show is that nothing came since the frame that asked. */
static bool shows_absence(enum fact_id id)
{
	return id == FACT_WAITED || id == FACT_SYN_WAITED || id == FACT_DNS_WAITED || id == FACT_VAIN_SILENCE;
}

static bool is_later(const struct proof *a, const struct proof *b)
{
	const struct moment *x = &a->fact->at, *y = &b->fact->at;

	if (x->file != y->file && x->time != y->time) /* files are numbered as they were named */
		return x->time > y->time;
	if (x->frame != y->frame)
		return x->frame > y->frame;
	if (x->time != y->time)
		return x->time > y->time;
	return a->id > b->id;
}

static void insert(struct proof *list, int count, struct proof p)
{
	while (count > 0 && is_later(&list[count - 1], &p)) {
		list[count] = list[count - 1];
		count--;
	}
	list[count] = p;
}

/* Judgements over other facts are no evidence themselves, and a count of nothing proves nothing. */
static bool tells(enum fact_id id, const struct fact_view *fact)
{
	return fact_kinds[id].says[0] && !(fact_kinds[id].type == FACT_NUMBER && !fact->value);
}

int evidence_collect(const struct report *report, const struct report_case *c, struct proof *into, int most, int *more)
{
	int count = 0;

	*more = 0;
	for (int i = 0; i < c->verdict->evidences; i++) {
		enum fact_id id = c->verdict->evidence[i];
		const struct fact_view *fact = &c->view[id];
		/* Every claim names its frame; what has none is no evidence, and neither is what was made of other facts. */
		if (!fact->set || !tells(id, fact) || (!fact->at.frame && !report->options.live) || !redact_allows(report->options.usernames, id))
			continue;
		if (count >= most) {
			++*more;
			continue;
		}
		bool absent = shows_absence(id);
		if (absent && fact->value <= 0)
			continue;
		insert(into, count++, (struct proof){ id, fact, absent, absent ? fact->at.time + fact->value : 0 });
	}
	return count;
}

const struct other_proof *evidence_other(const struct report_case *c, enum fact_id id)
{
	const struct other_proofs *p = c->session->others;

	for (int i = 0; p && i < p->count; i++)
		if (p->list[i].fact == id)
			return &p->list[i];
	return NULL;
}

/* What did not come, by the debt. */
static const char *const absences[] = {
	[WORD_owed_nothing] = "nothing came in %s", [WORD_owed_handshake] = "the handshake was not completed in %s",
	[WORD_owed_client_hello] = "no ClientHello in %s", [WORD_owed_server_hello] = "no ServerHello in %s",
	[WORD_owed_tls_handshake] = "the TLS handshake did not go on in %s", [WORD_owed_greeting] = "no greeting in %s",
	[WORD_owed_starttls] = "no answer to STARTTLS in %s", [WORD_owed_login] = "no answer to the login in %s",
	[WORD_owed_command] = "no answer to the command in %s", [WORD_owed_record] = "no record in answer in %s",
};

const char *evidence_says(const struct report *report, const struct report_case *c, const struct proof *p, char *into, size_t room)
{
	const struct other_proof *other = evidence_other(c, p->id);
	char address[ADDRESS_TEXT];

	if (p->id == FACT_WAITED) {
		char value[64];
		snprintf(into, room, absences[c->view[FACT_OWED].value], fact_value_text(p->id, p->fact, report->texts, value, sizeof value));
	} else {
		fact_says(p->id, p->fact, report->texts, into, room);
	}
	/* Whose traffic shows it. */
	if (other && !address_same(&other->client, &c->session->client.address)) {
		size_t len = strlen(into);
		snprintf(into + len, room - len, " (%s)", address_text(&other->client, address));
	}
	return into;
}

/* --- sentences --- */

/* The fact that is named from `at` to its brace. Rule texts stay where they are, so their place finds it again. */
static int fact_named(struct fill_cache *cache, const char *at, size_t len)
{
	size_t slot = ((uintptr_t)at ^ (uintptr_t)at >> 9) % FILL_CACHE;
	char word[64];

	if (cache->at[slot] == at)
		return cache->fact[slot];
	if (len >= sizeof word)
		return -1;
	memcpy(word, at, len);
	word[len] = '\0';
	cache->fact[slot] = (int16_t)fact_by_word(word);
	cache->at[slot] = at;
	return cache->fact[slot];
}

static void add_value(const struct report *report, const struct report_case *c, int id, struct text *into)
{
	char room[512];

	if (id < 0 || !c->view[id].known || !redact_allows(report->options.usernames, (enum fact_id)id))
		text_add(into, "?");
	else
		text_add(into, fact_value_text((enum fact_id)id, &c->view[id], report->texts, room, sizeof room));
}

static void add_part(struct text *into, const char *from, size_t len)
{
	size_t left = into->room - into->len - 1;

	if (len > left) {
		len = left;
		into->cut = true;
	}
	memcpy(into->start + into->len, from, len);
	into->len += len;
	into->start[into->len] = '\0';
}

const char *evidence_fill(const struct report *report, const struct report_case *c, const char *text, char *into, size_t room)
{
	struct text t = { .start = into, .room = room };

	into[0] = '\0';
	while (text && *text) {
		const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL;
		if (!close) {
			text_add(&t, text);
			break;
		}
		add_part(&t, text, (size_t)(open - text));
		add_value(report, c, fact_named(report->fill, open + 1, (size_t)(close - open - 1)), &t);
		text = close + 1;
	}
	return into;
}

const char *evidence_advice(const struct report *report, const struct rule *rule, int step)
{
	const char *word = rule->advice[step];

	return report->rules ? rules_advice(report->rules, report->options.language, word, rule->mechanism) : word;
}

/* --- notices --- */

enum notice_id { NOTICE_CLEAR_TEXT, NOTICE_OUTDATED, NOTICE_EXPIRES, NOTICE_COMPRESSED, NOTICE_RISKS, NOTICE_KEYS_MISSING,
		 NOTICE_KEYS_WRONG, NOTICE_UNREAD, NOTICE_IDLE_TIMER, NOTICE_POP3, NOTICE_IPV6_LOSES, NOTICE_BEHIND, NOTICE_PROXIED };

static const struct notice_kind {
	const char *id, *en, *ar;
	enum fact_id frame_of;
	bool has_value;
} notice_kinds[] = {
	[NOTICE_CLEAR_TEXT] = { "clear_text_login", "The login went over the network without encryption.",
				"جرى تسجيل الدخول عبر الشبكة دون تشفير.", FACT_LOGIN_TRIED, false },
	[NOTICE_OUTDATED] = { "outdated_tls", "The connection uses an outdated TLS version (%s).",
			      "يستخدم الاتصال إصدارًا قديمًا من TLS ‏(%s).", FACT_VERSION, true },
	[NOTICE_EXPIRES] = { "certificate_expires_soon", "The server's certificate expires on %s.",
			     "تنتهي صلاحية شهادة الخادم في %s.", FACT_CERT_NOT_AFTER, true },
	[NOTICE_COMPRESSED] = { "compressed", "The session is compressed from here on; what follows was not read.",
				"الجلسة مضغوطة من هنا؛ ولم يُقرأ ما بعدها.", FACT_COMPRESSED, false },
	[NOTICE_RISKS] = { "tls_risks", "nDPI sees risks in this server's TLS: %s.", "يرى nDPI مخاطر في TLS لهذا الخادم: %s.", FACT_TLS_RISKS, true },
	[NOTICE_KEYS_MISSING] = { "keys_missing", "The key log has no secrets for this session; what is inside TLS was not read.",
				  "لا يحتوي سجل المفاتيح على أسرار هذه الجلسة؛ فلم يُقرأ ما بداخل TLS.", FACT_DECRYPTED, false },
	[NOTICE_KEYS_WRONG] = { "keys_wrong", "The secrets in the key log do not fit this session; from here on what is inside TLS was not read.",
				"لا تناسب الأسرار في سجل المفاتيح هذه الجلسة؛ ومن هنا لم يُقرأ ما بداخل TLS.", FACT_DECRYPTED, false },
	[NOTICE_UNREAD] = { "partly_decrypted", "Not everything inside TLS could be read.", "تعذّرت قراءة بعض ما بداخل TLS.",
			    FACT_DECRYPTED, false },
	[NOTICE_POP3] = { "pop3", "POP3 is used here; IMAP would keep several devices in step.",
			  "يُستخدم هنا POP3؛ أما IMAP فيُبقي عدة أجهزة متزامنة.", FACT_COMPANION, false },
	[NOTICE_IPV6_LOSES] = { "ipv6_always_loses", "IPv6 lost to IPv4 %s times in a row on the way to this server: mend it or switch it off.",
				"خسر IPv6 أمام IPv4 ‏%s مرات متتالية في الطريق إلى هذا الخادم: أصلحه أو أوقفه.", FACT_SYN, true },
	[NOTICE_PROXIED] = { "handshake_by_proxy", "The SYN-ACK's TTL differs by %s from that of the server's data: a SYN proxy or balancer shook hands in its stead, "
			     "which does not prove that the server is up.",
			     "تختلف قيمة TTL في SYN-ACK بمقدار %s عن بيانات الخادم: أجرى المصافحةَ نيابةً عنه وكيل SYN أو موازن أحمال، وهذا لا يثبت أن الخادم يعمل.",
			     FACT_SYNACK_TTL_DIFFERENCE, true },
	[NOTICE_BEHIND] = { "many_devices", "At least %s devices share this client's address (NAT).",
			    "يشترك %s أجهزة على الأقل في عنوان هذا العميل (NAT).", FACT_SYN, true },
	[NOTICE_IDLE_TIMER] = { "idle_timer", "Something on this path forgets connections that are quiet for %s.",
				"شيء ما على هذا المسار ينسى الاتصالات التي تبقى صامتة مدة %s.", FACT_IDLE_MOST, true },
};

/* Fewer may be chance. */
#define LOSSES_LEAST 3

static bool notice_holds(const struct report_case *c, enum notice_id id)
{
	const struct fact_view *v = c->view;

	switch (id) {
	case NOTICE_CLEAR_TEXT:
		return case_has(c, FACT_LOGIN_TRIED) && v[FACT_CLIENT_HELLO].known && !v[FACT_CLIENT_HELLO].value && !c->session->implicit_tls;
	case NOTICE_OUTDATED:
		return v[FACT_VERSION].set && v[FACT_VERSION].value < TLS12;
	case NOTICE_EXPIRES:
		return v[FACT_CERT_NOT_AFTER].set && v[FACT_CERT_NOT_AFTER].value > c->session->end &&
		       v[FACT_CERT_NOT_AFTER].value - c->session->end <= 30 * 24 * 60 * MINUTE;
	case NOTICE_COMPRESSED:
		return case_has(c, FACT_COMPRESSED);
	case NOTICE_RISKS:
		return c->view[FACT_TLS_RISKS].set;
	case NOTICE_KEYS_MISSING:
		return v[FACT_DECRYPTED].value == WORD_decrypted_keys_missing;
	case NOTICE_KEYS_WRONG:
		return v[FACT_DECRYPTED].value == WORD_decrypted_keys_wrong;
	case NOTICE_UNREAD:
		return v[FACT_DECRYPTED].value == WORD_decrypted_partly || v[FACT_DECRYPTED].value == WORD_decrypted_stopped ||
		       v[FACT_DECRYPTED].value == WORD_decrypted_unknown_suite;
	case NOTICE_POP3:
		return v[FACT_COMPANION].value == WORD_companion_pop3;
	case NOTICE_IPV6_LOSES:
		return c->session->answers && c->session->answers->ipv6_lost >= LOSSES_LEAST;
	case NOTICE_PROXIED:
		return v[FACT_SYNACK_TTL_DIFFERENCE].set && v[FACT_SYNACK_TTL_DIFFERENCE].value;
	case NOTICE_BEHIND:
		return c->session->answers && c->session->answers->devices > 1;
	case NOTICE_IDLE_TIMER:
		return v[FACT_IDLE_MOST].set && (v[FACT_VAIN_QUIET].value >= MINUTE || v[FACT_RESET_QUIET].value >= MINUTE);
	}
	return false;
}

static void idle_timer_text(const struct report_case *c, bool arabic, char *into, size_t room)
{
	long long least = (long long)((c->view[FACT_IDLE_LEAST].value + SECOND / 2) / SECOND),
		  most = (long long)((c->view[FACT_IDLE_MOST].value + SECOND / 2) / SECOND);
	long long sessions = (long long)c->view[FACT_IDLE_SESSIONS].value;

	if (least == most)
		snprintf(into, room, arabic ? "%lld ثانية (%lld جلسات)" : "%lld s (%lld sessions agree)", most, sessions);
	else
		snprintf(into, room, arabic ? "بين %lld و%lld ثانية (%lld جلسات)" : "between %lld and %lld s (%lld sessions agree)", least, most, sessions);
}

static void notice_says(const struct report *report, const struct report_case *c, enum notice_id id, struct notice *into)
{
	const struct notice_kind *kind = &notice_kinds[id];
	const char *form = strcmp(report->options.language, "ar") == 0 ? kind->ar : kind->en;
	const char *hole = kind->has_value ? strstr(form, "%s") : NULL;
	char value[160] = "";
	struct text t = TEXT_IN(into->says);

	if (!hole) {
		text_add(&t, form);
		return;
	}
	if (id == NOTICE_EXPIRES) {
		time_text(c->view[FACT_CERT_NOT_AFTER].value, value);
		value[10] = '\0'; /* the day says it */
	} else if (id == NOTICE_IDLE_TIMER) {
		idle_timer_text(c, form == kind->ar, value, sizeof value);
	} else if (id == NOTICE_IPV6_LOSES || id == NOTICE_BEHIND) {
		const struct session_answers *a = c->session->answers;
		snprintf(value, sizeof value, "%u", id == NOTICE_BEHIND ? (unsigned)a->devices : a->ipv6_lost);
	} else if (id == NOTICE_PROXIED) {
		snprintf(value, sizeof value, "%lld", (long long)c->view[FACT_SYNACK_TTL_DIFFERENCE].value);
	} else if (id == NOTICE_RISKS) {
		snprintf(value, sizeof value, "%s", texts_get(report->texts, (uint32_t)c->view[FACT_TLS_RISKS].value));
	} else {
		bool ssl = false;
		const char *name = tls_version_name(c->view[FACT_VERSION].value, &ssl);
		snprintf(value, sizeof value, "%s %s", ssl ? "SSL" : "TLS", name ? name : "?");
	}
	add_part(&t, form, (size_t)(hole - form));
	text_add(&t, value);
	text_add(&t, hole + 2);
}

int evidence_notices(const struct report *report, const struct report_case *c, struct notice into[NOTICES_MOST])
{
	int count = 0;

	for (int id = 0; id < NOTICES_MOST; id++) {
		if (!notice_holds(c, (enum notice_id)id))
			continue;
		into[count].id = notice_kinds[id].id;
		into[count].frame = report->options.live ? 0 : c->view[notice_kinds[id].frame_of].at.frame;
		notice_says(report, c, (enum notice_id)id, &into[count]);
		count++;
	}
	return count;
}
