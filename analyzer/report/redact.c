/* What of a user's name may leave. Where `clear` was not asked for, the clear name was never kept. */
#include "parts.h"

struct shown_user redact_user(enum usernames mode, const struct session_summary *session)
{
	struct shown_user shown = { 0 };

	if (mode == USERNAMES_OFF)
		return shown;
	if (session->user && session->user[0])
		shown.name = session->user;
	if (mode == USERNAMES_HASH && session->user_hash)
		snprintf(shown.hash, sizeof shown.hash, "%016llx", (unsigned long long)session->user_hash);
	return shown;
}

bool redact_allows(enum usernames mode, enum fact_id id)
{
	return id != FACT_USER_HASH && (mode != USERNAMES_OFF || id != FACT_USER);
}
