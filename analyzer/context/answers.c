/* A small ring of answers for each server. */
#include "answers.h"

struct given {
	struct aged aged;
	uint32_t count;
	struct answer answer[ANSWERS_MOST];
};

const size_t answers_record = sizeof(struct given);

static bool same(const struct answer *a, const struct answer *b)
{
	return a->length == b->length && a->accepted == b->accepted && a->login == b->login &&
	       address_same(&a->shown.client, &b->shown.client);
}

void answers_learn(struct answers *answers, const struct endpoint *server, const struct answer *answer)
{
	uint8_t key[AGEING_KEY];

	key_end(key, &server->address, server->port);
	struct given *g = ageing_take(answers->table, key, answer->shown.at.time);
	for (uint32_t i = 0; i < g->count && i < ANSWERS_MOST; i++)
		if (same(&g->answer[i], answer))
			return;
	g->answer[g->count++ % ANSWERS_MOST] = *answer;
}

int answers_of(const struct answers *answers, const struct endpoint *server, const struct address *client, uint64_t session,
	       struct answer into[ANSWERS_MOST])
{
	uint8_t key[AGEING_KEY];
	int count = 0;

	key_end(key, &server->address, server->port);
	const struct given *g = ageing_find(answers->table, key);
	for (uint32_t i = 0; g && i < g->count && i < ANSWERS_MOST; i++) {
		if (g->answer[i].shown.session == session)
			continue;
		into[count] = g->answer[i];
		into[count++].same_client = address_same(&g->answer[i].shown.client, client);
	}
	return count;
}
