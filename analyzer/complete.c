/* Completes a view: the meaning of refusals, the maker of a certificate. */
#include "complete.h"

#include <stdio.h>

static void set(struct fact_view *v, int64_t value, struct moment at, enum direction from)
{
	*v = (struct fact_view){ value, at, (uint8_t)from, true, true };
}

struct place {
	enum fact_id text, code, status, result;
	const char *where;
};

static const struct place places[] = {
	{ FACT_LOGIN_TEXT, FACT_LOGIN_CODE, FACT_LOGIN_ANSWER, FACT_LOGIN_REFUSAL, "login" },
	{ FACT_LAST_REFUSED_TEXT, FACT_LAST_REFUSED_CODE, FACT_LAST_REFUSED_STATUS, FACT_COMMAND_REFUSAL, "command" },
	{ FACT_BYE_TEXT, FACT_COUNT, FACT_COUNT, FACT_BYE_REFUSAL, "bye" },
};

static const char *text_of(const struct fact_view v[FACT_COUNT], enum fact_id id, const struct texts *texts)
{
	return id < FACT_COUNT && v[id].set ? texts_get(texts, (uint32_t)v[id].value) : "";
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; n && (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static bool is_of_login(enum word_refusal means)
{
	switch (means) {
	case WORD_refusal_invalid_credentials:
	case WORD_refusal_app_password_required:
	case WORD_refusal_account_action_required:
	case WORD_refusal_not_authorized:
	case WORD_refusal_plaintext_auth_disabled:
	case WORD_refusal_mechanism_unsupported:
	case WORD_refusal_oauth_token_rejected:
		return true;
	default:
		return false;
	}
}

/* Where the server alone was captured, what a NO says may tell that it answers a login, though the command is not there. */
static void complete_unasked(struct fact_view v[FACT_COUNT], const struct rules *rules, const struct texts *texts)
{
	const struct fact_view *said = &v[FACT_UNASKED_REFUSAL];
	char code[32] = "";

	if (!said->set || v[FACT_ONE_SIDED].value != WORD_side_server || v[FACT_LOGIN_OK].value || v[FACT_LOGIN_REFUSED].set)
		return;
	const char *text = text_of(v, FACT_UNASKED_REFUSAL, texts);
	if (*text == '[')
		snprintf(code, sizeof code, "%.*s", (int)strcspn(text + 1, " ]"), text + 1);
	enum word_refusal means = rules_refusal(rules, "login", WORD_status_no, code, text);
	if (!is_of_login(means))
		return;
	set(&v[FACT_LOGIN_REFUSED], 1, said->at, FROM_SERVER);
	set(&v[FACT_LOGIN_ANSWER], WORD_status_no, said->at, FROM_SERVER);
	set(&v[FACT_LOGIN_REFUSAL], means, said->at, FROM_SERVER);
	v[FACT_LOGIN_TEXT] = *said;
}

/* A greeting is OK, PREAUTH or BYE (RFC 9051, 7.1): servers that say NO or BAD there mean BYE. */
static void complete_greeting(struct fact_view v[FACT_COUNT])
{
	const struct fact_view *said = &v[FACT_GREETING];

	if (!said->set || (said->value != WORD_status_no && said->value != WORD_status_bad) || v[FACT_BYE].set || v[FACT_LOGIN_OK].value)
		return;
	set(&v[FACT_BYE], 1, said->at, FROM_SERVER);
	v[FACT_BYE_TEXT] = v[FACT_GREETING_TEXT];
}

void complete_texts(struct fact_view v[FACT_COUNT], const struct rules *rules, const struct texts *texts)
{
	complete_greeting(v);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const struct place *p = &places[i];
		bool bye = p->code == FACT_COUNT;
		if (bye ? !v[FACT_BYE].set : p->result == FACT_LOGIN_REFUSAL ? !v[FACT_LOGIN_REFUSED].set : !v[FACT_LAST_REFUSED].value)
			continue;
		enum word_status status = bye ? WORD_status_bye : (enum word_status)v[p->status].value;
		enum word_refusal means = rules_refusal(rules, p->where, status, text_of(v, p->code, texts), text_of(v, p->text, texts));
		const struct fact_view *at = v[p->text].set ? &v[p->text] : bye ? &v[FACT_BYE] : &v[p->status];
		set(&v[p->result], means, at->at, FROM_SERVER);
	}
	/* A notice sent just before the refusal may say more than the refusal itself (WEBALERT, plaintext warnings). */
	if (v[FACT_LOGIN_NOTICE].set && v[FACT_LOGIN_REFUSED].set &&
	    (v[FACT_LOGIN_REFUSAL].value == WORD_refusal_unclassified || v[FACT_LOGIN_REFUSAL].value == WORD_refusal_none)) {
		enum word_refusal means = rules_refusal(rules, "login", WORD_status_no, "", text_of(v, FACT_LOGIN_NOTICE, texts));
		if (means != WORD_refusal_unclassified)
			set(&v[FACT_LOGIN_REFUSAL], means, v[FACT_LOGIN_NOTICE].at, FROM_SERVER);
	}
	complete_unasked(v, rules, texts);
	if (v[FACT_LOGIN_METHOD].set && v[FACT_AUTH_OFFERED].set) {
		const struct fact_view *list = &v[FACT_AUTH_OFFERED];
		set(&v[FACT_METHOD_OFFERED], has_word(text_of(v, FACT_AUTH_OFFERED, texts), text_of(v, FACT_LOGIN_METHOD, texts)), list->at, FROM_SERVER);
	}
	if (v[FACT_CERT_ISSUER].set && rules_interceptor(rules, text_of(v, FACT_CERT_ISSUER, texts)))
		v[FACT_INTERCEPTOR] = v[FACT_CERT_ISSUER];
}
