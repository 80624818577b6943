/* Seeds and keys: from a file, or from the system's randomness. */
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "text.h"

#define KEY_DIGITS 32

static bool random_bytes(void *into, size_t len, struct error *error)
{
	if (getrandom(into, len, 0) != (ssize_t)len)
		return error_set(error, "no random numbers: %s", strerror(errno));
	return true;
}

/* The first 32 hexadecimal digits; what is longer is not needed. */
static bool parse(const char *text, struct hash_key *into)
{
	uint64_t half[2] = { 0, 0 };

	for (int i = 0; i < KEY_DIGITS; i++) {
		int value = hex_digit((unsigned char)text[i]);
		if (value < 0)
			return false;
		half[i / 16] = half[i / 16] << 4 | (uint64_t)value;
	}
	*into = (struct hash_key){ half[0], half[1] };
	wipe(half, sizeof half);
	return true;
}

static bool read_key(const char *path, struct hash_key *into, struct error *error)
{
	char text[KEY_DIGITS + 1] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return error_set(error, "the key of user names, %s, cannot be read: %s", path, strerror(errno));
	setvbuf(file, NULL, _IONBF, 0); /* no copy in a buffer */
	size_t n = fread(text, 1, KEY_DIGITS, file);
	fclose(file);
	bool good = n == KEY_DIGITS && parse(text, into);
	wipe(text, sizeof text);
	return good || error_set(error, "the key of user names, %s, must begin with 32 hexadecimal digits; make one with: openssl rand -hex 32", path);
}

bool keys_make(struct options *o, struct error *error)
{
	if (!o->seed_given && !random_bytes(&o->analysis.seed, sizeof o->analysis.seed, error))
		return false;
	if (o->user_key)
		return read_key(o->user_key, &o->analysis.users.key, error);
	/* A key that this user may not read is as good as none; one that is no key is a mistake to be told. */
	if (access(IMAPWHY_USER_KEY, R_OK) == 0)
		return read_key(IMAPWHY_USER_KEY, &o->analysis.users.key, error);
	return random_bytes(&o->analysis.users.key, sizeof o->analysis.users.key, error);
}
