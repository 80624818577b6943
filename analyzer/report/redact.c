/* What of a user's name may leave. Where `clear` was not asked for, the clear name was never kept. */
#include "parts.h"

struct shown_user redact_user(enum usernames mode, const char *name, uint64_t hash)
{
	struct shown_user shown = { 0 };

	if (mode == USERNAMES_OFF)
		return shown;
	if (name && name[0])
		shown.name = name;
	if (mode == USERNAMES_HASH && hash)
		snprintf(shown.hash, sizeof shown.hash, "%016llx", (unsigned long long)hash);
	return shown;
}

bool redact_allows(enum usernames mode, enum fact_id id)
{
	return id != FACT_USER_HASH && (mode != USERNAMES_OFF || id != FACT_USER);
}
