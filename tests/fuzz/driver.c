/* Stands in for libFuzzer where clang is missing: replays the seeds, then mutates them at random for a time. driver SECONDS FOLDER... */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_MOST 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seed {
	uint8_t *data;
	size_t len;
};

static struct seed *seeds;
static size_t count;

static void load(const char *folder, const char *name)
{
	char path[4096];
	uint8_t data[INPUT_MOST];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(data, 1, sizeof data, file) : 0;
	if (file)
		fclose(file);
	struct seed *more = realloc(seeds, (count + 1) * sizeof *seeds);
	uint8_t *copy = malloc(len + 1);
	if (!more || !copy)
		abort();
	seeds = more;
	memcpy(copy, data, len);
	seeds[count++] = (struct seed){ copy, len };
}

static uint64_t random_next(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Flips, deletes, repeats, or takes over a part of another seed. */
static size_t mutate(uint8_t *data, size_t len)
{
	size_t at = len ? random_next() % len : 0, n = random_next() % 16 + 1;
	const struct seed *other = &seeds[random_next() % count];

	n = n < len - at ? n : len - at;
	switch (random_next() % 5) {
	case 0:
		if (len)
			data[at] ^= (uint8_t)(1u << random_next() % 8);
		return len;
	case 1:
		if (len)
			data[at] = (uint8_t)random_next();
		return len;
	case 2:
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 3:
		if (len + n > INPUT_MOST)
			return len;
		memmove(data + at + n, data + at, len - at);
		return len + n;
	default:
		n = other->len && at < other->len ? random_next() % (other->len - at) : 0;
		n = n < len - at ? n : len - at;
		memcpy(data + at, other->data + at, n);
		return len;
	}
}

static void give(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MOST];
	unsigned long runs = 0;

	for (int i = 2; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		for (struct dirent *entry; folder && (entry = readdir(folder));)
			if (entry->d_name[0] != '.')
				load(argv[i], entry->d_name);
		if (folder)
			closedir(folder);
	}
	if (!count)
		return fputs("no seeds\n", stderr), 2;
	for (size_t i = 0; i < count; i++)
		give(seeds[i].data, seeds[i].len);
	for (time_t end = time(NULL) + atol(argv[1]); time(NULL) < end; runs++) {
		const struct seed *seed = &seeds[random_next() % count];
		size_t len = seed->len;
		memcpy(data, seed->data, len);
		for (uint64_t n = random_next() % 8 + 1; n; n--)
			len = mutate(data, len);
		give(data, len);
	}
	fprintf(stderr, "Done %lu runs\n", runs + count);
	return 0;
}
