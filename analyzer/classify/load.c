/* Loads the rules directory: every file is read and every mistake told before it gives up. */
#include "loaded.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MOST 4096
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

/* --- keys of a rule --- */

static void read_id(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct loaded_rule *l = into;
	const char *id = document_text(d, n, word);

	if (id && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != strlen(id))
		document_problem(d, n, "id `%.60s`: write it with a-z, 0-9, `_`, `.` and `-`", id);
	l->rule.id = id;
}

/* Most keys are just a text: one reader each, by the member's name. */
#define TEXT_READER(member) \
	static void read_##member(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		((struct loaded_rule *)into)->rule.member = document_text(d, n, word); \
	}
TEXT_READER(title)
TEXT_READER(version)

/* The word of a list as the list has it, NULL and told where it is none. */
static const char *listed_word(struct document *d, yaml_node_t *n, const char *what, const char *const *list)
{
	int number = document_word(d, n, what, list);

	return number < 0 ? NULL : list[number];
}

#define WORD_READER(member, list, may_be_null) \
	static void read_##member(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		if (!(may_be_null) || !node_is_null(n)) \
			((struct loaded_rule *)into)->rule.member = listed_word(d, n, word, list); \
	}
WORD_READER(class, classes, false)
WORD_READER(stage, enumeration_words(ENUM_stage), true)
WORD_READER(culprit, culprits, true)
WORD_READER(cause, causes, true)
WORD_READER(outcome, outcomes, false)
WORD_READER(symptom, symptoms, true)

static void read_mechanism(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct loaded_rule *l = into;
	char hint[HINT_ROOM];
	const char *word = document_text(d, n, what);

	l->mechanism = word ? mechanism_number(word) : -1;
	if (l->mechanism >= 0)
		l->rule.mechanism = mechanisms[l->mechanism].word;
	else if (word)
		document_problem(d, n, "unknown mechanism `%.60s`%s", word, nearest_hint(word, mechanism_word, NULL, hint));
}

static void read_confidence(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct loaded_rule *l = into;
	const char *text = document_text(d, n, what);
	double value = 0, place = 1;
	const char *c = text;

	if (!text)
		return;
	/* Not strtod: the decimal point is a point in every locale, and no infinity or hexadecimal is wanted. */
	for (; *c >= '0' && *c <= '9' && value <= 1; c++)
		value = value * 10 + (*c - '0');
	if (*c == '.' && c > text)
		for (c++; *c >= '0' && *c <= '9'; c++)
			value += (*c - '0') * (place /= 10);
	if (*c || value > 1)
		document_problem(d, n, "confidence `%.60s`: a number from 0 to 1 is expected, like 0.85", text);
	l->rule.confidence = value;
}

static void read_advice(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct rule *rule = &((struct loaded_rule *)into)->rule;
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, what, false, &items))
		return;
	while ((item = items_next(d, &items))) {
		const char *step = listed_word(d, item, "step", steps);
		for (int i = 0; step && i < rule->advices; i++)
			if (rule->advice[i] == step) {
				document_problem(d, item, "step `%s` is listed twice", step);
				step = NULL;
			}
		if (step)
			rule->advice[rule->advices++] = step;
	}
}

static const char *fact_at(const void *unused, int n)
{
	(void)unused;
	return n < FACT_COUNT ? fact_kinds[n].word : NULL;
}

static int find_fact(struct document *d, const yaml_node_t *n, const char *word)
{
	char hint[HINT_ROOM];
	int fact = fact_by_word(word);

	if (fact < 0)
		document_problem(d, n, "unknown fact `%.60s`%s", word, nearest_hint(word, fact_at, NULL, hint));
	return fact;
}

static void read_evidence(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct loaded_rule *l = into;
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, what, false, &items))
		return;
	if (items.count > VERDICT_MOST_EVIDENCE) {
		document_problem(d, n, "%s: more than %d facts", what, VERDICT_MOST_EVIDENCE);
		return;
	}
	while ((item = items_next(d, &items))) {
		const char *word = document_text(d, item, what);
		int fact = word ? find_fact(d, item, word) : -1;
		if (fact >= 0)
			l->evidence[l->evidences++] = (uint8_t)fact;
	}
}

/* A sentence in which {fact.word} stands for a value. */
static const char *sentence(struct document *d, yaml_node_t *n, const char *what)
{
	const char *text = document_text(d, n, what);

	for (const char *open = text ? strchr(text, '{') : NULL; open; open = strchr(open + 1, '{')) {
		char word[64];
		size_t len = strcspn(open + 1, "{}");
		if (open[1 + len] != '}' || len >= sizeof word) {
			document_problem(d, n, "%s: `{` is not closed", what);
			return NULL;
		}
		memcpy(word, open + 1, len);
		word[len] = '\0';
		find_fact(d, n, word);
	}
	return text;
}

static void read_detail(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	if (!node_is_null(n))
		((struct loaded_rule *)into)->rule.detail = sentence(d, n, word);
}

static void read_says(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	((struct loaded_rule *)into)->rule.says = sentence(d, n, word);
}

struct compiling {
	struct document *document;
	const yaml_node_t *node;
};

static void tell_expression(void *context, size_t offset, const char *what)
{
	struct compiling *c = context;
	problem(c->document->problems, c->document->name, document_line(c->document, c->node, offset), "when: %s", what);
}

static void read_when(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	const char *text = document_text(d, n, what);

	if (text)
		expression_compile(text, tell_expression, &(struct compiling){ d, n }, &((struct loaded_rule *)into)->when);
}

static const struct key rule_keys[] = {
	{ "id", true, read_id },
	{ "title", true, read_title },
	{ "version", false, read_version },
	{ "class", true, read_class },
	{ "mechanism", true, read_mechanism },
	{ "stage", false, read_stage },
	{ "culprit", false, read_culprit },
	{ "cause", false, read_cause },
	{ "outcome", false, read_outcome },
	{ "confidence", true, read_confidence },
	{ "advice", false, read_advice },
	{ "symptom", false, read_symptom },
	{ "detail", false, read_detail },
	{ "says", true, read_says },
	{ "evidence", false, read_evidence },
	{ "when", true, read_when },
	{ NULL, false, NULL },
};

/* --- a rule as a whole --- */

static const char *usual_outcome(const char *class)
{
	static const struct {
		const char *class, *outcome;
	} usual[] = { { "degraded", "degraded" }, { "none", "healthy" }, { "inconclusive", "inconclusive" } };

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (strcmp(class, usual[i].class) == 0)
			return usual[i].outcome;
	return "failed";
}

static void check_pair(struct document *d, const yaml_node_t *n, const struct loaded_rule *l)
{
	const char *class = mechanisms[l->mechanism].class;

	if (strcmp(class, l->rule.class) != 0)
		document_problem(d, n, "mechanism `%s` belongs to class `%s`, not to `%s`", l->rule.mechanism, class, l->rule.class);
}

/* A healthy session has nobody to blame and nothing to do, a failed one has. */
static void check_blame(struct document *d, const yaml_node_t *n, const struct rule *rule)
{
	bool healthy = strcmp(rule->outcome, "healthy") == 0;

	if (healthy && (rule->culprit || rule->cause))
		document_problem(d, n, "outcome is healthy: culprit and cause must be null");
	if (healthy || strcmp(rule->outcome, "inconclusive") == 0)
		return;
	if (!rule->culprit || !rule->cause)
		document_problem(d, n, "outcome is %s: culprit and cause are needed", rule->outcome);
	if (rule->advices == 0)
		document_problem(d, n, "outcome is %s: `advice` needs a step", rule->outcome);
}

static void check_repeated(const struct rules *r, struct document *d, const yaml_node_t *n, const char *id)
{
	for (int i = 0; i < r->count; i++)
		if (r->list[i].rule.id && strcmp(r->list[i].rule.id, id) == 0) {
			document_problem(d, n, "rule `%.60s` stands already in %s:%d", id, r->list[i].rule.file, r->list[i].rule.line);
			return;
		}
}

/* False: there is no room for more. */
static bool load_rule(struct rules *r, struct document *d, yaml_node_t *n)
{
	struct loaded_rule *list = r->count < RULES_MOST ? rules_grow(r->list, r->count, &r->room, sizeof *list) : NULL;

	if (!list) {
		document_problem(d, n, "no room for another rule");
		return false;
	}
	r->list = list;
	struct loaded_rule l = { .rule = { .file = d->name, .line = (int)n->start_mark.line + 1 }, .mechanism = -1 };
	int before = d->problems->count;
	document_read(d, n, "rule", rule_keys, &l);
	if (l.rule.id)
		check_repeated(r, d, n, l.rule.id);
	if (l.rule.class && !l.rule.outcome)
		l.rule.outcome = usual_outcome(l.rule.class);
	if (l.rule.class && l.mechanism >= 0)
		check_pair(d, n, &l);
	/* Words that were told wrong must not be told missing as well. */
	if (l.rule.outcome && before == d->problems->count)
		check_blame(d, n, &l.rule);
	l.accuses = l.rule.outcome && l.rule.class && rule_accuses(&l.rule);
	l.answers = l.rule.outcome && strcmp(l.rule.outcome, "inconclusive") != 0;
	r->list[r->count++] = l;
	return true;
}

void load_verdicts(struct rules *r, struct document *d)
{
	yaml_node_t *root = document_root(d), *item;
	struct items items;

	if (!root || !document_items(d, root, "rules", false, &items))
		return;
	while ((item = items_next(d, &items)) && load_rule(r, d, item))
		;
}

/* --- the directory --- */

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
