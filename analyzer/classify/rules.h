/* Rules: YAML files turned into checked expressions over facts; the first that matches is the verdict. */
#ifndef IMAPWHY_RULES_H
#define IMAPWHY_RULES_H

#include <stdio.h>

#include "error.h"
#include "facts.h"
#include "model.h"
#include "vocabulary.h"

#define RULE_MOST_ADVICE 8
#define VERDICT_MOST_EVIDENCE 24
#define VERDICT_MOST_ALTERNATIVES 6

/* A rule as reports see it; strings live as long as the rules. */
struct rule {
	const char *id, *title, *version;
	const char *class, *mechanism;
	const char *stage;   /* a word, or NULL: the fact `stage` says */
	const char *culprit, *cause; /* NULL: null */
	enum outcome outcome;
	double confidence;
	const char *detail;  /* text in which {fact.word} stands for the fact's value; NULL: none */
	const char *says;    /* the sentence for people, {fact.word} likewise */
	const char *symptom; /* NULL: none */
	const char *advice[RULE_MOST_ADVICE]; /* steps, best first */
	int advices;
	const char *file;
	int line;
};

struct alternative {
	const struct rule *rule;
	bool matched;        /* a later rule that matched too; else it failed by one term */
	enum fact_id fact;   /* the term's fact */
	char term[96];       /* the term as written */
};

struct verdict {
	const struct rule *rule;
	enum fact_id evidence[VERDICT_MOST_EVIDENCE]; /* facts that the matching terms named and that were set, and those of `evidence:` */
	int evidences;
	struct alternative alternatives[VERDICT_MOST_ALTERNATIVES];
	int alternatives_count;
	double confidence; /* the rule's, or less where the capture itself lost packets */
};

struct rules;

/* Loads every *.yaml of DIR/verdicts (in the order of their names) and the data files beside it (server-texts.yaml,
 * interception-issuers.yaml, advice.yaml, answers.yaml, providers.yaml, inside-tls.yaml). NULL: what is wrong was written to `problems`, all of it, a line each:
 * FILE:LINE: what, and the nearest known word. */
struct rules *rules_load(const char *directory, FILE *problems);
void rules_destroy(struct rules **rules);
int rules_count(const struct rules *rules);
const struct rule *rules_get(const struct rules *rules, int index);

/* Facts that are worked out of all records inside TLS, at some cost. */
#define FACT_INFERRED(id) ((id) >= FACT_INSIDE && (id) <= FACT_INSIDE_LIKE)

/* Bad news that no later packet is expected to change. */
bool rule_accuses(const struct rule *rule);
/* Whether the verdict may be bad news, as far as can be told while what is inferred is unknown (FACT_INSIDE's `known`). ever: whatever
 * the facts that drift come to, so that false is the last word until a packet comes. */
bool rules_may_fail(const struct rules *rules, const struct fact_view view[FACT_COUNT], const struct texts *texts, bool ever);
/* The verdict's rule alone, for who asks often. The texts in views are numbers of `texts`. */
const struct rule *rules_decide(const struct rules *rules, const struct fact_view view[FACT_COUNT], const struct texts *texts);
/* The whole verdict; its rule is the one that rules_decide gives. */
void rules_classify(const struct rules *rules, const struct fact_view view[FACT_COUNT], const struct texts *texts, struct verdict *into);

/* Every rule, every term, true, false or unknown, with the fact's value and frame: for `imapwhy explain`. */
void rules_explain(const struct rules *rules, const struct fact_view view[FACT_COUNT], const struct texts *texts, FILE *out);

/* What a server's text means in its place (server-texts.yaml): `where` is one of "login", "bye", "command", "greeting". `status` no, bad, bye, ok. */
enum word_refusal rules_refusal(const struct rules *rules, const char *where, enum word_status status, const char *code, const char *text);
/* The product whose issuer this is, NULL: none known. */
const char *rules_interceptor(const struct rules *rules, const char *issuer);
/* The advice's sentence in a language ("en", "ar") for a step and mechanism; never NULL. */
const char *rules_advice(const struct rules *rules, const char *language, const char *step, const char *mechanism);

/* How dialogues inside TLS look (inside-tls.yaml); as long as the rules. */
const struct inside_model *rules_inside(const struct rules *rules);

/* --- what answers repair steps: sentences with {values} to be filled in, never NULL --- */
enum reply {
	ANSWER_OTHERS_SERVED, ANSWER_OTHERS_BEFORE, ANSWER_OTHERS_FAILED, ANSWER_OTHERS_MIXED, ANSWER_CONNECTIONS_WELL, ANSWER_CONNECTIONS_BAD,
	ANSWER_CONNECTIONS_LOSSY, ANSWER_CONNECTIONS_CARRY, ANSWER_LOSS, ANSWER_BLOCKED_BEYOND, ANSWER_BLOCKED_FROM,
	ANSWER_BLOCKED_UNPLACED, ANSWER_REJECTED_BY, ANSWER_REJECTED_BY_HOST, ANSWER_WHAT_PORT, ANSWER_WHAT_HELLO, ANSWER_WHAT_HELLO_FOR,
	ANSWER_WHAT_LOGIN, ANSWER_WHAT_COMMAND, ANSWER_WHAT_SESSION, ANSWER_SETTINGS_RIGHT, ANSWER_SETTINGS_OTHER, ANSWER_SETTINGS_NEAR, ANSWER_LOGIN_OTHER,
	ANSWER_OLD_TLS, ANSWER_WHOM, ANSWER_COUNT
};
const char *rules_answer(const struct rules *rules, const char *language, enum reply reply);

/* --- well-known providers (providers.yaml) --- */
enum provider_service { PROVIDER_IMAP, PROVIDER_POP3, PROVIDER_SUBMISSION };
struct provider_server {
	const char *host, *security; /* security: tls, starttls */
	uint16_t port;
	enum provider_service service;
};
#define PROVIDER_MOST_SERVERS 8
#define PROVIDER_MOST_DOMAINS 24
#define PROVIDER_MOST_LOGINS 4
struct provider {
	const char *name;
	const char *domain[PROVIDER_MOST_DOMAINS], *login[PROVIDER_MOST_LOGINS]; /* login: password, app_password, oauth2 */
	struct provider_server server[PROVIDER_MOST_SERVERS];
	int domains, logins, servers;
};
/* The provider that has this host, and its entry; NULL: none known. */
const struct provider *rules_provider(const struct rules *rules, const char *host, const struct provider_server **server);
/* The provider of the domain that the host lies in. */
const struct provider *rules_provider_of_domain(const struct rules *rules, const char *host);
/* The provider one of whose hosts is nearly that name, one or two letters aside, but not it. */
const struct provider *rules_provider_near(const struct rules *rules, const char *name, const struct provider_server **server);

/* A fact's value as text for people: durations "2.1 s", sizes "1.2 KB", words, TLS versions; into a buffer of `room`. */
const char *fact_value_text(enum fact_id id, const struct fact_view *fact, const struct texts *texts, char *into, size_t room);
/* The evidence line of a fact: its `says` with {} filled. */
const char *fact_says(enum fact_id id, const struct fact_view *fact, const struct texts *texts, char *into, size_t room);

#endif
