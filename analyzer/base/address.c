/* Address texts, by the system's own formatter. */
#include "address.h"

#include <arpa/inet.h>

const char *address_text(const struct address *a, char *into)
{
	if (a->family == 0 || !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->byte, into, ADDRESS_TEXT))
		memcpy(into, "?", 2);
	return into;
}

bool address_parse(const char *text, struct address *into)
{
	struct address a = { .family = 4 };

	if (inet_pton(AF_INET, text, a.byte) != 1) {
		a.family = 6;
		if (inet_pton(AF_INET6, text, a.byte) != 1)
			return false;
	}
	*into = a;
	return true;
}
