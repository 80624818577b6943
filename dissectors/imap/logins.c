/* Attempts to log in: by which mechanism, and what came of each. */
#include "imap_state.h"

/* The mechanisms that may be named; what else stands there could be a secret in the wrong place. */
static const struct mechanism mechanisms[] = {
	{ "PLAIN", SASL_NAME_PLAIN }, { "LOGIN", SASL_NAME_WHOLE }, { "CRAM-MD5", SASL_NAME_WORD }, { "XOAUTH2", SASL_NAME_OAUTH2 },
	{ "OAUTHBEARER", SASL_NAME_GS2 }, { "SCRAM-SHA-1", SASL_NAME_GS2 }, { "SCRAM-SHA-1-PLUS", SASL_NAME_GS2 },
	{ "SCRAM-SHA-224", SASL_NAME_GS2 }, { "SCRAM-SHA-256", SASL_NAME_GS2 }, { "SCRAM-SHA-256-PLUS", SASL_NAME_GS2 },
	{ "SCRAM-SHA-384", SASL_NAME_GS2 }, { "SCRAM-SHA-512", SASL_NAME_GS2 }, { "SCRAM-SHA-512-PLUS", SASL_NAME_GS2 },
	{ "SCRAM-SHA3-512", SASL_NAME_GS2 }, { "DIGEST-MD5", 0 }, { "NTLM", 0 }, { "GSSAPI", 0 }, { "GSS-SPNEGO", 0 }, { "SPNEGO", 0 },
	{ "GS2-KRB5", 0 }, { "GS2-KRB5-PLUS", 0 }, { "KERBEROS_V4", 0 }, { "XOAUTH", 0 }, { "OAUTH10A", 0 }, { "EXTERNAL", 0 },
	{ "ANONYMOUS", 0 }, { "OTP", 0 }, { "SKEY", 0 }, { "SRP", 0 }, { "SECURID", 0 }, { "ATOKEN", 0 }, { "ATOKEN2", 0 },
	{ "WTOKEN", 0 }, { "PTOKEN", 0 }, { "WETOKEN", 0 }, { "PLAIN-CLIENTTOKEN", 0 }, { "PASSDSS-3DES-1", 0 }, { "NMAS_LOGIN", 0 },
	{ "MSN", 0 }, { "XYMCOOKIE", 0 }, { "XYMCOOKIEB64", 0 }, { "XYMECOOKIE", 0 }, { "XYMPKI", 0 }, { "X-APOP", 0 }, { "APOP", 0 }, { "OTHER", 0 },
};

#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

const struct mechanism *mechanism_of(struct bytes word)
{
	for (size_t i = 0; i < MECHANISMS - 1; i++)
		if (bytes_same_word(word, mechanisms[i].word))
			return &mechanisms[i];
	return &mechanisms[MECHANISMS - 1];
}

/* Response codes that refusals carry (RFC 5530, 9051, and those of large providers). The server's other words are not kept. */
static const char *const codes[] = {
	NULL, "OTHER", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "UNAVAILABLE", "LIMIT",
	"INUSE", "OVERQUOTA", "SERVERBUG", "CLIENTBUG", "CANNOT", "NOPERM", "ALERT", "REFERRAL", "THROTTLED", "WEBALERT", "AUTH",
	"CORRUPTION", "TEMPFAIL",
};

static uint8_t code_number(struct bytes code)
{
	if (!code.len)
		return 0;
	for (size_t i = 2; i < sizeof codes / sizeof *codes; i++)
		if (bytes_same_word(code, codes[i]))
			return (uint8_t)i;
	return 1;
}

/* When there is no room the oldest is forgotten. */
void try_begin(struct imap_state *s, const struct mechanism *mechanism)
{
	if (s->try_count == IMAP_MOST_LOGINS)
		memmove(s->tries, s->tries + 1, --s->try_count * sizeof *s->tries);
	s->tries[s->try_count++] = (struct login_try){ .mechanism = (uint8_t)(mechanism - mechanisms) };
}

void try_end(struct imap_state *s, int status, struct bytes code)
{
	if (!s->try_count)
		return;
	struct login_try *t = &s->tries[s->try_count - 1];
	t->result = (uint8_t)status;
	t->code = status == WORD_status_ok ? 0 : code_number(code);
}

size_t imap_logins(const void *state, struct imap_login *into, size_t most)
{
	const struct imap_state *s = state;
	size_t n = 0;

	for (size_t i = 0; i < s->try_count && n < most; i++) {
		const struct login_try *t = &s->tries[i];
		into[n++] = (struct imap_login){ mechanisms[t->mechanism].word, (enum word_status)t->result, codes[t->code] };
	}
	return n;
}
