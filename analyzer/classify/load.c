/* Loads the rules directory: every file is read and every mistake told before it gives up. */
#include "loaded.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MOST 256

void *rules_grow(void *list, int count, int *room, size_t size)
{
	if (count < *room)
		return list;
	int more = *room ? *room * 2 : 32;
	void *longer = realloc(list, (size_t)more * size);
	if (longer)
		*room = more;
	return longer;
}

/* False where the file could not be read or parsed; it is kept for rules_destroy either way. */
static struct document *open_document(struct rules *r, const char *path, struct problems *problems)
{
	struct document *list = rules_grow(r->documents, r->document_count, &r->document_room, sizeof *list);

	if (!list) {
		problem(problems, path, 0, "out of memory");
		return NULL;
	}
	r->documents = list;
	struct document *d = &list[r->document_count++];
	return document_open(d, path, problems) ? d : NULL;
}

static void load_file(struct rules *r, const char *directory, const char *name, struct problems *problems,
		      void (*load)(struct rules *, struct document *))
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) {
		problem(problems, directory, 0, "the path is too long");
		return;
	}
	struct document *d = open_document(r, path, problems);
	if (d)
		load(r, d);
}

static int is_yaml(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);
	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

/* By bytes: alphasort would follow the locale, and the order decides verdicts. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_verdict_files(struct rules *r, const char *directory, struct problems *problems)
{
	char path[PATH_MAX];
	struct dirent **names = NULL;

	if (snprintf(path, sizeof path, "%s/verdicts", directory) >= (int)sizeof path) {
		problem(problems, directory, 0, "the path is too long");
		return;
	}
	int n = scandir(path, &names, is_yaml, by_name);
	if (n < 0)
		problem(problems, path, 0, "%s", strerror(errno));
	else if (n == 0)
		problem(problems, path, 0, "no rule file (*.yaml) there");
	else if (n > FILES_MOST)
		problem(problems, path, 0, "more than %d rule files", FILES_MOST);
	for (int i = 0; i < n; i++) {
		if (n <= FILES_MOST)
			load_file(r, path, names[i]->d_name, problems, load_verdicts);
		free(names[i]);
	}
	free(names);
}

struct rules *rules_load(const char *directory, FILE *out)
{
	static const struct {
		const char *name;
		void (*load)(struct rules *, struct document *);
	} data[] = {
		{ "server-texts.yaml", load_server_texts },
		{ "interception-issuers.yaml", load_issuers },
		{ "advice.yaml", load_advice },
		{ "answers.yaml", load_answers },
		{ "providers.yaml", load_providers },
		{ "inside-tls.yaml", load_inside },
	};
	struct problems problems = { .out = out };
	struct rules *r = calloc(1, sizeof *r);

	if (!r) {
		problem(&problems, directory, 0, "out of memory");
		return NULL;
	}
	load_verdict_files(r, directory, &problems);
	for (size_t i = 0; i < sizeof data / sizeof *data; i++)
		load_file(r, directory, data[i].name, &problems, data[i].load);
	if (!problems.count && !terms_number(r))
		problem(&problems, directory, 0, "out of memory");
	problems_finish(&problems);
	for (int i = 0; i < r->document_count; i++)
		r->documents[i].problems = NULL;
	if (problems.count)
		rules_destroy(&r);
	return r;
}

void rules_destroy(struct rules **rules)
{
	struct rules *r = *rules;

	if (!r)
		return;
	for (int i = 0; i < r->count; i++) {
		expression_free(&r->list[i].when);
		free(r->list[i].asks);
	}
	free(r->terms);
	free(r->rule_sets);
	for (int i = 0; i < r->server_text_count; i++)
		server_text_free(&r->server_texts[i]);
	for (int i = 0; i < r->issuer_count; i++)
		free(r->issuers[i].needle);
	for (int i = 0; i < r->document_count; i++)
		document_close(&r->documents[i]);
	inside_free(&r->inside);
	free(r->list);
	free(r->server_texts);
	free(r->issuers);
	free(r->providers);
	free(r->documents);
	free(r);
	*rules = NULL;
}

int rules_count(const struct rules *r)
{
	return r->count;
}

const struct rule *rules_get(const struct rules *r, int index)
{
	return index >= 0 && index < r->count ? &r->list[index].rule : NULL;
}
