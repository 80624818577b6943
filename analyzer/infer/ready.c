/* What follows from rules/inside-tls.yaml for all sessions, worked out once: logarithms, and the ways from each state. */
#include "steps.h"

#include <math.h>

static void habits_ready(struct inside_habits *h)
{
	for (int i = 0; i < dialogue_step_count; i++)
		h->step_log[i] = likelihood(h->step[i]);
	for (int phase = 0; phase < PHASES; phase++)
		for (int i = 0; i < ENDS * END_SPANS; i++)
			h->end_log[phase][i / END_SPANS][i % END_SPANS] = likelihood(h->end[phase][i / END_SPANS][i % END_SPANS]);
}

static void client_ready(struct inside_client *c)
{
	habits_ready(&c->habits);
	for (int phase = 0; phase < PHASES; phase++)
		c->own_habits = c->own_habits || c->habits.given[phase];
}

/* By length where it is short, and for every lane. */
static void lanes_ready(struct inside_model *m)
{
	for (int i = 0; i < MEANINGS; i++)
		for (int length = 0; length < SHORT_MOST && m->meaning[i].text_count; length++)
			texts_ready(m, (enum meaning)i, (uint16_t)length);
	for (int i = 0; i < STEPS_MOST; i++)
		for (int lane = 0; lane < LANES; lane++)
			m->follows[i][lane] = m->usual.step_log[i];
}

static void longest_ready(struct inside_meaning *row)
{
	for (int i = 0; i < row->text_count; i++)
		row->longest = row->texts[i].most > row->longest ? row->texts[i].most : row->longest;
}

static void rows_ready(struct inside_model *m)
{
	for (int i = 0; i < MEANINGS; i++)
		longest_ready(&m->meaning[i]);
	for (int bucket = 0; bucket < m->size_count; bucket++) {
		for (int i = 0; i < MEANINGS; i++)
			m->lengths[bucket].usual[i] = m->meaning[i].size[bucket];
		lengths_ready(m, &m->lengths[bucket]);
	}
	for (int bucket = 0; bucket < m->delay_count; bucket++)
		for (int i = 0; i < MEANINGS; i++)
			m->delay_log[bucket][i] = likelihood(m->meaning[i].delay[bucket]);
}

/* --- the ways --- */

/* Once a login was accepted it does not matter any more what was refused before. */
static enum mood mood_after(enum mood mood, enum phase phase, enum meaning meaning, enum phase then)
{
	if (phase_kinds[then].group == GROUP_WITHIN)
		return MOOD_NONE;
	/* A BYE that comes before the credentials refuses nobody's. */
	bool login = phase == PHASE_sent_login || phase == PHASE_sent_response || phase == PHASE_sent_empty;

	switch (meaning) {
	case MEANS_no: return MOOD_REFUSED;
	case MEANS_limit: return MOOD_LIMITED;
	case MEANS_temporary: return MOOD_TEMPORARY;
	case MEANS_bye: return mood != MOOD_NONE ? mood : login ? MOOD_REFUSED : MOOD_TEMPORARY;
	default: return mood;
	}
}

static int add_ways(struct inside_model *m, enum direction from, int state, int count)
{
	for (int i = 0; i < dialogue_step_count; i++) {
		const struct dialogue_step *step = &dialogue_steps[i];
		enum meaning meaning = (enum meaning)step->meaning;
		if (step->phase != PHASE_IN(state) || meaning_kinds[meaning].from != from)
			continue;
		enum mood mood = mood_after(MOOD_IN(state), (enum phase)step->phase, meaning, (enum phase)step->then);
		m->ways[from][count++] = (struct inside_way){ step->meaning, (uint8_t)STATE(step->then, mood), (uint8_t)i };
	}
	return count;
}

static void ways_ready(struct inside_model *m)
{
	for (int i = 0; i < dialogue_step_count; i++)
		m->leads[dialogue_steps[i].phase] |= 1u << dialogue_steps[i].then;
	for (int from = 0; from < 2; from++) {
		int count = 0;
		for (int state = 0; state < STATES; state++) {
			m->first_way[from][state] = (uint16_t)count;
			count = add_ways(m, (enum direction)from, state, count);
		}
		m->first_way[from][STATES] = (uint16_t)count;
	}
}

/* Most servers list capabilities as they accept a login, or never do. */
static void server_ready(const struct inside_model *m, struct inside_server *s)
{
	const double *usual = m->usual.step;
	double ok = usual[dialogue_step_of(PHASE_sent_login, MEANS_ok)], listed = usual[dialogue_step_of(PHASE_sent_login, MEANS_ok_list)];
	bool says_ok = s->meanings >> MEANS_ok & 1, says_listed = s->meanings >> MEANS_ok_list & 1;

	if (says_ok != says_listed)
		s->alone = likelihood(ok + listed) - likelihood(says_ok ? ok : listed);
}

static void shares_ready(struct inside_model *m)
{
	m->other_clients = m->other_servers = 1;
	for (int i = 0; i < m->client_count; i++)
		m->other_clients -= m->clients[i].share;
	for (int i = 0; i < m->server_count; i++)
		m->other_servers -= m->servers[i].share;
	for (int tag = 1; tag <= TAGS_MOST; tag++) {
		double prior = log(m->other_clients * m->tag[tag] * m->other_servers + 1e-12), *most = &m->group_prior[GROUP_OF(tag)];
		m->tag_prior[tag] = prior;
		*most = prior > *most || (tag - 1) % GROUP_SIZE == 0 ? prior : *most;
	}
}

void inside_ready(struct inside_model *m)
{
	shares_ready(m);
	habits_ready(&m->usual);
	for (int i = 0; i < m->client_count; i++)
		client_ready(&m->clients[i]);
	for (int i = 0; i < m->server_count; i++)
		server_ready(m, &m->servers[i]);
	rows_ready(m);
	lanes_ready(m);
	m->known_log = (float)log(m->known);
	m->again_log = likelihood(m->again);
	for (int accepts = 0; accepts < 2; accepts++)
		m->unlike_log[accepts] = likelihood(m->unlike[accepts]);
	m->shorter_log = likelihood(m->shorter);
	m->otherwise_log = likelihood(m->otherwise);
	ways_ready(m);
}
