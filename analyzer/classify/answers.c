/* The sentences that answer repair steps from traffic: answers.yaml, each in every language. */
#include <string.h>

#include "loaded.h"

const char *const answer_words[] = {
	"others_served", "others_failed", "others_mixed", "connections_well", "connections_bad", "blocked_beyond", "blocked_from",
	"settings_right", "settings_other", "settings_near", "login_other", "old_tls", "whom", NULL
};

static void read_languages(struct rules *r, struct document *d, yaml_node_t *n, int answer)
{
	struct items pairs;
	const char *word;
	yaml_node_t *at, *value;

	if (!document_pairs(d, n, answer_words[answer], &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		char hint[HINT_ROOM];
		int language = list_number(languages, word);
		if (language < 0)
			document_problem(d, at, "unknown language `%.60s`%s", word, nearest_in_list(word, languages, hint));
		else
			r->answers[answer][language] = document_text(d, value, word);
	}
}

void load_answers(struct rules *r, struct document *d)
{
	struct items pairs;
	const char *word;
	yaml_node_t *root = document_root(d), *at, *value;

	if (!root || !document_pairs(d, root, "answers", &pairs))
		return;
	while (pairs_next(d, &pairs, &word, &at, &value)) {
		char hint[HINT_ROOM];
		int answer = list_number(answer_words, word);
		if (answer < 0)
			document_problem(d, at, "unknown answer `%.60s`%s", word, nearest_in_list(word, answer_words, hint));
		else
			read_languages(r, d, value, answer);
	}
	for (int i = 0; answer_words[i]; i++)
		for (int l = 0; languages[l]; l++)
			if (!r->answers[i][l])
				document_problem(d, NULL, "answer `%s` is missing in %s", answer_words[i], languages[l]);
}

const char *rules_answer(const struct rules *r, const char *language, enum reply reply)
{
	int l = language ? list_number(languages, language) : 0;

	return r->answers[reply][l < 0 ? 0 : l];
}
