/* imapwhy: options in, then the task they name. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap.h"
#include "keys.h"
#include "run.h"

/* Beside the program in its source tree, else where it was installed. */
static const char *rules_directory(const struct options *o, char *room, size_t size)
{
	char program[2048];

	if (o->rules)
		return o->rules;
	if (getenv("IMAPWHY_RULES"))
		return getenv("IMAPWHY_RULES");
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	if (n > 0) {
		static const char *const places[] = { "rules", "../share/imapwhy/rules" };
		program[n] = '\0';
		char *slash = strrchr(program, '/');
		for (size_t i = 0; slash && i < 2; i++) {
			struct stat st;
			snprintf(room, size, "%.*s/%s", (int)(slash - program), program, places[i]);
			if (stat(room, &st) == 0 && S_ISDIR(st.st_mode))
				return room;
		}
	}
	return IMAPWHY_RULES;
}

static void list_rules(const struct rules *rules)
{
	for (int i = 0; i < rules_count(rules); i++) {
		const struct rule *r = rules_get(rules, i);
		printf("%-34s %s.%s  %s\n", r->id, r->class, r->mechanism, r->title);
	}
}

static void list_facts(void)
{
	static const char *const types[] = { "boolean", "number", "duration", "size", "time", "text", "word" };

	printf("# Facts\n\nThe words that rules use, made from analyzer/facts/facts.def by `imapwhy facts`.\n\n"
	       "| word | type | meaning |\n| --- | --- | --- |\n");
	for (int i = 0; i < FACT_COUNT; i++) {
		const struct fact_kind *k = &fact_kinds[i];
		const char *const *words = enumeration_words(k->words);
		printf("| `%s` | %s", k->word, types[k->type]);
		for (int w = 0; words && words[w]; w++)
			printf("%s%s", w ? ", " : ": ", words[w]);
		printf(" | %s |\n", k->meaning);
	}
}

static int with_rules(struct options *o)
{
	char room[2200];
	const char *directory = rules_directory(o, room, sizeof room);
	struct rules *rules = rules_load(directory, stderr);

	if (!rules) {
		complain("the rules could not be loaded; see above, or name another directory with --rules");
		return 2;
	}
	int status = 0;
	if (o->task == TASK_RULES_CHECK) {
		printf("%d rules in %s: no mistakes found\n", rules_count(rules), directory);
	} else if (o->task == TASK_RULES_LIST) {
		list_rules(rules);
	} else {
		status = run(o, rules);
	}
	rules_destroy(&rules);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct error error = { "" };

	if (!options_read(&options, argc, argv, &error) || !keys_make(&options, &error)) {
		complain(error.text);
		return 2;
	}
	switch (options.task) {
	case TASK_HELP:
		fputs(options_help, stdout);
		return 0;
	case TASK_VERSION:
		puts("imapwhy " IMAPWHY_VERSION);
		return 0;
	case TASK_FACTS:
		list_facts();
		return 0;
	default:
		heap_on_huge_pages(options.analysis.memory / 2);
		return with_rules(&options);
	}
}
