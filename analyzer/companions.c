/* The ports of POP3 (RFC 1939, RFC 8314) and submission (RFC 6409, RFC 8314). */
#include "companions.h"

#define CERTAIN 0.85

const struct companion companions[] = {
	{ 110, WORD_companion_pop3, false }, { 995, WORD_companion_pop3, true },
	{ 587, WORD_companion_submission, false }, { 465, WORD_companion_submission, true }, { 0, WORD_companion_none, false },
};

const struct companion *companion_of(uint16_t port)
{
	for (const struct companion *c = companions; c->port; c++)
		if (c->port == port)
			return c;
	return NULL;
}

/* Written for them (rules/verdicts/15-companions.yaml): it asks for no more than can be known of them. */
static bool is_theirs(const struct rule *rule)
{
	static const char family[] = "companion.";

	return strncmp(rule->id, family, sizeof family - 1) == 0;
}

bool companion_tells(const struct rule *rule)
{
	static const char *const transport[] = { "reset", "timeout", "firewall_block", "tls_failure", NULL };
	/* These ask what was said: a QUIT may come before a reset, an answer may not be due. */
	static const char *const of_dialogue[] = { "reset_by_server", "reset_by_client", "reset_stale_connection", "auth_timeout", "command_timeout",
						   "starttls_stripped", "starttls_refused", "client_vanished", "certificate_rejected", NULL };

	if ((rule->outcome != OUTCOME_FAILED && rule->outcome != OUTCOME_DEGRADED) || rule->confidence < CERTAIN)
		return false;
	return is_theirs(rule) || (list_number(transport, rule->class) >= 0 && list_number(of_dialogue, rule->mechanism) < 0);
}
