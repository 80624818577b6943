/* The rules of one file: their keys, what must fit within a rule, and among all. */
#include <stddef.h>
#include <string.h>

#include "loaded.h"
#include "numbers.h"

#define RULES_MOST 4096

/* --- keys of a rule --- */

static void read_id(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	const char *id = document_text(d, n, word);

	if (id && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != strlen(id))
		document_problem(d, n, "id `%.60s`: write it with a-z, 0-9, `_`, `.` and `-`", id);
	*(const char **)into = id;
}

/* The word of a list as the list has it, NULL and told where it is none. */
static const char *listed_word(struct document *d, yaml_node_t *n, const char *what, const char *const *list)
{
	int number = document_word(d, n, what, list);

	return number < 0 ? NULL : list[number];
}

/* One reader for each list; its name is the key. */
#define WORD_READER(key, list, may_be_null) \
	static void read_##key(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		if (!(may_be_null) || !node_is_null(n)) \
			*(const char **)into = listed_word(d, n, word, list); \
	}
WORD_READER(class, classes, false)
WORD_READER(stage, enumeration_words(ENUM_stage), true)
WORD_READER(culprit, culprits, true)
WORD_READER(cause, causes, true)
WORD_READER(symptom, symptoms, true)

static void read_outcome(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	int number = document_word(d, n, word, outcomes);

	*(enum outcome *)into = number < 0 ? OUTCOMES : (enum outcome)number;
}

static void read_mechanism(struct document *d, yaml_node_t *n, const char *what, void *into)
{
	struct loaded_rule *l = into;
	char hint[HINT_ROOM];
	const char *word = document_text(d, n, what);

	l->mechanism = word ? mechanism_number(word) : -1;
	if (l->mechanism >= 0)
		l->rule.mechanism = mechanisms[l->mechanism].word;
	else if (word)
		document_problem(d, n, "unknown mechanism `%.60s`%s", word, nearest_hint(word, word_of_mechanism, NULL, hint));
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

static int find_fact(struct document *d, const yaml_node_t *n, const char *word)
{
	char hint[HINT_ROOM];
	int fact = fact_by_word(word);

	if (fact < 0)
		document_problem(d, n, "unknown fact `%.60s`%s", word, nearest_hint(word, word_of_fact, NULL, hint));
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
		*(const char **)into = sentence(d, n, word);
}

static void read_says(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	*(const char **)into = sentence(d, n, word);
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
		expression_compile(text, tell_expression, &(struct compiling){ d, n }, into);
}

#define IN_RULE(member) offsetof(struct loaded_rule, rule.member)
static const struct key rule_keys[] = {
	{ "id", true, read_id, IN_RULE(id) },
	{ "title", true, key_text, IN_RULE(title) },
	{ "version", false, key_text, IN_RULE(version) },
	{ "class", true, read_class, IN_RULE(class) },
	{ "mechanism", true, read_mechanism, 0 },
	{ "stage", false, read_stage, IN_RULE(stage) },
	{ "culprit", false, read_culprit, IN_RULE(culprit) },
	{ "cause", false, read_cause, IN_RULE(cause) },
	{ "outcome", false, read_outcome, IN_RULE(outcome) },
	{ "confidence", true, key_share, IN_RULE(confidence) },
	{ "advice", false, read_advice, 0 },
	{ "symptom", false, read_symptom, IN_RULE(symptom) },
	{ "detail", false, read_detail, IN_RULE(detail) },
	{ "says", true, read_says, IN_RULE(says) },
	{ "evidence", false, read_evidence, 0 },
	{ "when", true, read_when, offsetof(struct loaded_rule, when) },
	{ NULL, false, NULL, 0 },
};

/* --- a rule as a whole --- */

static enum outcome usual_outcome(const char *class)
{
	static const struct {
		const char *class;
		enum outcome outcome;
	} usual[] = { { "degraded", OUTCOME_DEGRADED }, { "none", OUTCOME_HEALTHY }, { "inconclusive", OUTCOME_INCONCLUSIVE } };

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (strcmp(class, usual[i].class) == 0)
			return usual[i].outcome;
	return OUTCOME_FAILED;
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
	bool healthy = rule->outcome == OUTCOME_HEALTHY;

	if (healthy && (rule->culprit || rule->cause))
		document_problem(d, n, "outcome is healthy: culprit and cause must be null");
	if (healthy || rule->outcome == OUTCOME_INCONCLUSIVE)
		return;
	if (!rule->culprit || !rule->cause)
		document_problem(d, n, "outcome is %s: culprit and cause are needed", outcomes[rule->outcome]);
	if (rule->advices == 0)
		document_problem(d, n, "outcome is %s: `advice` needs a step", outcomes[rule->outcome]);
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
	struct loaded_rule l = { .rule = { .outcome = OUTCOMES, .file = d->name, .line = (int)n->start_mark.line + 1 }, .mechanism = -1 };
	int before = d->problems->count;
	document_read(d, n, "rule", rule_keys, &l);
	if (l.rule.id)
		check_repeated(r, d, n, l.rule.id);
	if (l.rule.class && l.rule.outcome == OUTCOMES)
		l.rule.outcome = usual_outcome(l.rule.class);
	if (l.rule.class && l.mechanism >= 0)
		check_pair(d, n, &l);
	/* Words that were told wrong must not be told missing as well. */
	if (l.rule.outcome != OUTCOMES && before == d->problems->count)
		check_blame(d, n, &l.rule);
	l.accuses = l.rule.class && rule_accuses(&l.rule);
	l.answers = l.rule.outcome != OUTCOME_INCONCLUSIVE;
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
