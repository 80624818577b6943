/* Collects, folds and prints the blocks of a text report. */
#include "blocks.h"

#include <stdlib.h>
#include <time.h>

#include "hash.h"
#include "text.h"

#define BLOCKS_MOST 2000 /* of failures; as many again of healthy ones, so that these never crowd those out */
#define BUCKETS 4096
#define ATTEMPTS_MOST 200
#define INCIDENTS_MOST 200
#define GROUP_LEAST 3    /* clients with the same failure at the same server that are told in one block */

struct blocks {
	struct block *list[2 * BLOCKS_MOST];
	uint32_t count, of_kind[2];
	uint32_t bucket[BUCKETS]; /* index + 1 */
	uint64_t untold;          /* sessions of no block, for want of room */
	struct {
		uint64_t id;
		char *text;
		bool shown; /* a block of it was printed in full */
	} incident[INCIDENTS_MOST];
	uint32_t incidents;
	struct report_attempts attempts[ATTEMPTS_MOST];
	uint32_t attempts_count;
	bool many_files;
};

struct blocks *blocks_create(void)
{
	return calloc(1, sizeof(struct blocks));
}

static void drop(struct block *b)
{
	free(b->head);
	free(b->body);
	free(b);
}

void blocks_destroy(struct blocks **blocks)
{
	if (!*blocks)
		return;
	for (uint32_t i = 0; i < (*blocks)->count; i++)
		drop((*blocks)->list[i]);
	for (uint32_t i = 0; i < (*blocks)->incidents; i++)
		free((*blocks)->incident[i].text);
	free(*blocks);
	*blocks = NULL;
}

/* --- folding --- */

static uint32_t bucket_of(const struct block_key *key)
{
	/* Bounded as the table is, a chain of chosen keys costs little: the hash needs no secret. */
	const struct hash_key fixed = { 0x696d617077687931, 0x626c6f636b732020 };
	uint64_t h = hash_bytes(fixed, &key->client.byte, sizeof key->client.byte);

	h ^= hash_bytes(fixed, &key->server.address.byte, sizeof key->server.address.byte) * 3;
	h ^= hash_bytes(fixed, key->mechanism, strlen(key->mechanism)) * 5;
	return (uint32_t)((h ^ key->server.port ^ key->name) % BUCKETS);
}

static bool same(const struct block_key *a, const struct block_key *b)
{
	return address_same(&a->client, &b->client) && address_same(&a->server.address, &b->server.address) &&
	       a->server.port == b->server.port && a->name == b->name && strcmp(a->mechanism, b->mechanism) == 0;
}

static struct block *add(struct blocks *blocks, const struct block_key *key, enum rank rank)
{
	bool healthy = rank == RANK_HEALTHY;
	uint32_t bucket = bucket_of(key);
	struct block *b = blocks->of_kind[healthy] < BLOCKS_MOST ? calloc(1, sizeof *b) : NULL;

	if (!b) {
		blocks->untold++;
		return NULL;
	}
	b->key = *key;
	b->rank = rank;
	b->next = blocks->bucket[bucket];
	blocks->list[blocks->count++] = b;
	blocks->bucket[bucket] = blocks->count;
	blocks->of_kind[healthy]++;
	return b;
}

struct block *blocks_take(struct blocks *blocks, const struct block_key *key, enum rank rank, bool *is_new)
{
	for (uint32_t i = blocks->bucket[bucket_of(key)]; i; i = blocks->list[i - 1]->next) {
		struct block *b = blocks->list[i - 1];
		if (b->rank == rank && same(&b->key, key)) {
			*is_new = b->count == 0;
			return b;
		}
	}
	*is_new = true;
	return add(blocks, key, rank);
}

void block_fill(struct block *b, const char *head, size_t client_len, const struct lines *body)
{
	free(b->head);
	free(b->body);
	b->head = strdup(head);
	b->body = body->text && !body->failed ? strdup(body->text) : NULL;
	b->client_len = client_len;
}

void blocks_saw_file(struct blocks *blocks, uint16_t file)
{
	blocks->many_files |= blocks->count > 0 && blocks->list[0]->file != file;
}

void blocks_withdraw(struct blocks *blocks, const char *id)
{
	for (uint32_t i = 0; i < blocks->count; i++)
		if (blocks->list[i]->count && strcmp(blocks->list[i]->id, id) == 0) {
			blocks->list[i]->count--;
			return;
		}
}

void blocks_incident(struct blocks *blocks, uint64_t id, const struct lines *text)
{
	uint32_t i = 0;

	while (i < blocks->incidents && blocks->incident[i].id != id)
		i++;
	if (i == INCIDENTS_MOST || text->failed) {
		blocks->untold++;
		return;
	}
	blocks->incidents += i == blocks->incidents;
	blocks->incident[i].id = id;
	free(blocks->incident[i].text);
	blocks->incident[i].text = text->text ? strdup(text->text) : NULL;
}

void blocks_attempts(struct blocks *blocks, const struct report_attempts *a)
{
	for (uint32_t i = 0; i < blocks->attempts_count; i++) {
		struct report_attempts *known = &blocks->attempts[i];
		if (known->server.port != a->server.port || !address_same(&known->server.address, &a->server.address))
			continue;
		known->count += a->count;
		if (a->sources > known->sources)
			known->sources = a->sources;
		known->last = a->last;
		return;
	}
	if (blocks->attempts_count < ATTEMPTS_MOST)
		blocks->attempts[blocks->attempts_count++] = *a;
	else
		blocks->untold += a->count;
}

/* --- printing --- */

const char *block_color(enum rank rank)
{
	static const char *const colors[RANKS] = { "\033[1;31m", "\033[1;33m", "\033[1;36m", "\033[32m" };

	return colors[rank];
}

unsigned block_width(const struct report *report)
{
	unsigned width = report->options.width ? report->options.width : 80;

	return width > 80 ? 80 : width < 40 ? 40 : width;
}

void block_time(const struct report *report, nanoseconds time, char *into, size_t room)
{
	time_t second = (time_t)(time / SECOND);
	struct tm tm;

	if (!(report->options.utc ? gmtime_r(&second, &tm) : localtime_r(&second, &tm)) || !strftime(into, room, "%H:%M:%S", &tm))
		into[0] = '\0';
}

static void span_text(nanoseconds span, char *into, size_t room)
{
	if (span < SECOND)
		snprintf(into, room, "%lld ms", (long long)(span / MILLISECOND));
	else if (span < MINUTE)
		snprintf(into, room, "%.1f s", (double)span / 1e9);
	else if (span < 60 * MINUTE)
		snprintf(into, room, "%lld min", (long long)(span / MINUTE));
	else
		snprintf(into, room, "%.1f h", (double)span / 3.6e12);
}

/* Left and right on one line where they fit, else on two. */
static void add_sides(struct lines *out, const char *first, const char *left, const char *right, unsigned width)
{
	unsigned used = lines_columns(first, strlen(first)) + lines_columns(left, strlen(left)), end = lines_columns(right, strlen(right));

	if (used + 2 + end <= width) {
		lines_putf(out, "%s%s%*s%s\n", first, left, (int)(width - used - end), "", right);
		return;
	}
	lines_wrap(out, first, 2, left, width);
	lines_putf(out, "%*s%s\n", (int)(width - end), "", right);
}

/* "3 times": apart from what surrounds it, where the words run the other way. */
static const char *counted(const struct report *report, uint64_t count, const char *word, char *into, size_t room)
{
	const struct words *w = words_of(report->options.language);

	snprintf(into, room, w->left_to_right ? "%llu %s" : "\u2067%llu %s\u2069", (unsigned long long)count, word);
	return into;
}

static void add_head(const struct report *report, const struct block *b, const char *left, uint64_t count, struct lines *out)
{
	static const char *const marks[RANKS] = { "✗", "!", "?", "✓" };
	char first[24], hour[32], span[64], right[128];

	snprintf(first, sizeof first, "%s%s%s ", report->options.color ? block_color(b->rank) : "", marks[b->rank],
		 report->options.color ? "\033[0m" : "");
	block_time(report, b->start, hour, sizeof hour);
	if (count > 1)
		counted(report, count, words_of(report->options.language)->times, span, sizeof span);
	else
		span_text(b->duration, span, sizeof span);
	snprintf(right, sizeof right, "%s  %s", hour, span);
	add_sides(out, first, left, right, block_width(report));
	/* Frames are numbers within a file: which one, where there are several. */
	if (report->blocks->many_files && !report->options.live)
		lines_wrap(out, "  ", 2, report->file_name(report->context, b->file), block_width(report));
}

static void print(struct report *report, struct lines *out)
{
	if (out->failed)
		report->lost++;
	else if (out->len)
		report_put(report, out->text, out->len);
	lines_drop(out);
}

void blocks_print_one(struct report *report, struct block *b)
{
	struct lines out = { 0 };

	add_head(report, b, b->head ? b->head : "", b->count, &out);
	lines_put(&out, b->body ? b->body : "");
	lines_put(&out, "\n");
	print(report, &out);
	b->printed = true;
}

/* Live, a block was printed when it came: what is left to tell is how often it came again. */
static void print_count(struct report *report, const struct block *b)
{
	struct lines out = { 0 };

	if (b->count < 2)
		return;
	add_head(report, b, b->head ? b->head : "", b->count, &out);
	print(report, &out);
}

static bool same_fault(const struct block *a, const struct block *b)
{
	return a->count && b->count && a->rank == b->rank && a->rank != RANK_HEALTHY && a->key.server.port == b->key.server.port &&
	       a->key.name == b->key.name && address_same(&a->key.server.address, &b->key.server.address) &&
	       strcmp(a->key.mechanism, b->key.mechanism) == 0;
}

/* The blocks from `from` on that share its fault: how many, and how many sessions; `mark` sets them printed. */
static uint32_t fault_clients(struct block *const *list, uint32_t from, uint32_t count, uint64_t *sessions, bool mark)
{
	uint32_t clients = 0;

	*sessions = 0;
	for (uint32_t i = from; i < count; i++)
		if (!list[i]->printed && same_fault(list[from], list[i])) {
			clients++;
			*sessions += list[i]->count;
			list[i]->printed |= mark;
		}
	return clients;
}

/* Was a block of the incident of these printed in full already? From now on one is. */
static bool is_shown(struct blocks *blocks, struct block *const *list, uint32_t from, uint32_t count)
{
	uint64_t id = 0;
	bool shown = false;

	for (uint32_t i = from; i < count && !id; i++)
		id = same_fault(list[from], list[i]) ? list[i]->incident : 0;
	for (uint32_t i = 0; id && i < blocks->incidents; i++)
		if (blocks->incident[i].id == id) {
			shown = blocks->incident[i].shown;
			blocks->incident[i].shown = true;
		}
	return shown;
}

/* One server's fault that hits many: told once, with the first client's frames; of an incident with many such, those of the first alone. */
static void print_group(struct report *report, struct block *const *list, uint32_t from, uint32_t count, uint32_t clients)
{
	const struct block *b = list[from];
	bool shown = is_shown(report->blocks, list, from, count);
	struct lines out = { 0 };
	uint64_t sessions;
	char left[400], who[64];

	fault_clients(list, from, count, &sessions, true);
	snprintf(left, sizeof left, "%s → %s", counted(report, clients, words_of(report->options.language)->clients, who, sizeof who),
		 b->head ? b->head + b->client_len : "");
	add_head(report, b, left, sessions, &out);
	const char *body = b->body ? b->body : "";
	lines_putf(&out, "%.*s\n", (int)(shown ? strcspn(body, "\n") + (strchr(body, '\n') != NULL) : strlen(body)), body);
	print(report, &out);
}

/* Worst first, then what happened most, then what came first; the ends settle the rest, so that no table's order shows. */
static int compare(const void *x, const void *y)
{
	const struct block *a = *(struct block *const *)x, *b = *(struct block *const *)y;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return strcmp(a->head ? a->head : "", b->head ? b->head : "");
}

static void print_attempts(struct report *report, const struct report_attempts *a)
{
	char room[ADDRESS_TEXT], line[320];
	struct lines out = { 0 };

	snprintf(line, sizeof line, a->server.address.family == 6 ? "[%s]:%u: %llu %s %llu %s" : "%s:%u: %llu %s %llu %s",
		 address_text(&a->server.address, room), a->server.port, (unsigned long long)a->count,
		 words_of(report->options.language)->attempts, (unsigned long long)a->sources,
		 words_of(report->options.language)->sources);
	lines_wrap(&out, "", 2, line, block_width(report));
	print(report, &out);
}

static void print_untold(struct report *report)
{
	struct lines out = { 0 };
	char line[200];

	if (!report->blocks->untold)
		return;
	snprintf(line, sizeof line, "%llu %s", (unsigned long long)report->blocks->untold, words_of(report->options.language)->more_blocks);
	lines_wrap(&out, "", 2, line, block_width(report));
	print(report, &out);
}

void blocks_print(struct report *report)
{
	struct blocks *blocks = report->blocks;
	struct block *sorted[2 * BLOCKS_MOST];
	uint64_t sessions;

	/* The table itself keeps its order: its chains go by index. */
	memcpy(sorted, blocks->list, blocks->count * sizeof *sorted);
	qsort(sorted, blocks->count, sizeof *sorted, compare);
	/* What many share explains most of what follows. */
	for (uint32_t i = 0; i < blocks->incidents; i++)
		if (blocks->incident[i].text)
			report_put(report, blocks->incident[i].text, strlen(blocks->incident[i].text));
	for (uint32_t i = 0; i < blocks->count; i++) {
		if (sorted[i]->came)
			print_count(report, sorted[i]);
		if (!sorted[i]->count || sorted[i]->printed)
			continue;
		uint32_t clients = fault_clients(sorted, i, blocks->count, &sessions, false);
		if (clients >= GROUP_LEAST && !report->options.verbose)
			print_group(report, sorted, i, blocks->count, clients);
		else
			blocks_print_one(report, sorted[i]);
	}
	for (uint32_t i = 0; i < blocks->attempts_count; i++)
		print_attempts(report, &blocks->attempts[i]);
	print_untold(report);
}
