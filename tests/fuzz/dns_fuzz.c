/* Fuzzing of the DNS reader: any bytes; what it says must be bounded and clean. */
#include "dns.h"

#include <stdlib.h>

static void check_name(const char *name)
{
	size_t n = strnlen(name, 256);

	if (n > 253)
		abort();
	for (size_t i = 0; i < n; i++)
		if (name[i] <= 0x20 || name[i] >= 0x7f || (name[i] >= 'A' && name[i] <= 'Z'))
			abort();
	(void)dns_mail_name(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message m;
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (dns_read(bytes_of(copy, size), &m)) {
		check_name(m.name);
		check_name(m.canonical);
		if (m.answers > DNS_MOST_ANSWERS)
			abort();
	}
	free(copy);
	return 0;
}
