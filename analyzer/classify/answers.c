/* The sentences that answer repair steps from traffic: answers.yaml, each in every language. */
#include <string.h>

#include "loaded.h"

static const char *const answer_words[] = {
	"others_served", "others_before", "others_failed", "others_mixed", "connections_well", "connections_bad", "connections_lossy", "connections_carry", "loss", "blocked_beyond", "blocked_from",
	"blocked_unplaced", "rejected_by", "rejected_by_host", "what_port", "what_hello", "what_hello_for", "what_login", "what_command", "what_session",
	"settings_right", "settings_other", "settings_near", "login_other", "old_tls", "whom", NULL
};

static void read_languages(struct rules *r, struct document *d, yaml_node_t *n, int answer)
{
	struct items pairs;
	yaml_node_t *value;
	int language;

	if (!document_pairs(d, n, answer_words[answer], &pairs))
		return;
	while (pairs_next_word(d, &pairs, "language", languages, &language, &value))
		r->answers[answer][language] = document_text(d, value, languages[language]);
}

void load_answers(struct rules *r, struct document *d)
{
	struct items pairs;
	yaml_node_t *root = document_root(d), *value;
	int answer;

	if (!root || !document_pairs(d, root, "answers", &pairs))
		return;
	while (pairs_next_word(d, &pairs, "answer", answer_words, &answer, &value))
		read_languages(r, d, value, answer);
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
