/* The best and the next best dialogue, step by step, and what tells them apart. */
#include "reading.h"

#include <math.h>
#include <string.h>

/* Logged in, not logging out: who closes then broke off. */
static bool in_work(enum phase phase)
{
	return phase_kinds[phase].group == GROUP_WITHIN && phase != PHASE_logging_out && phase != PHASE_logged_out;
}

enum word_inside outcome_of(int state, enum word_end ended)
{
	static const uint8_t words[] = {
		[MOOD_NONE] = WORD_inside_no_login, [MOOD_REFUSED] = WORD_inside_login_refused,
		[MOOD_LIMITED] = WORD_inside_connection_limit, [MOOD_TEMPORARY] = WORD_inside_temporary,
	};
	enum phase phase = PHASE_IN(state);
	bool by_server = ended == WORD_end_server_fin || ended == WORD_end_server_reset;

	switch (phase) {
	case PHASE_start: return WORD_inside_no_greeting;
	case PHASE_told_error: return WORD_inside_login_refused; /* the error says it; many clients leave without the empty line */
	case PHASE_expired:
	case PHASE_expired_before: return WORD_inside_autologout;
	case PHASE_sent_login:
	case PHASE_sent_mechanism:
	case PHASE_sent_response:
	case PHASE_sent_empty: return MOOD_IN(state) == MOOD_NONE ? WORD_inside_login_unanswered : words[MOOD_IN(state)];
	default: break;
	}
	if (phase_kinds[phase].group == GROUP_WITHIN)
		return by_server && in_work(phase) ? WORD_inside_closed : WORD_inside_success;
	return words[MOOD_IN(state)];
}

#define LONG_WAIT (5 * SECOND)

bool waited_long(const struct sight *sight, const struct walked way[INSIDE_STEPS])
{
	for (int i = 0; i < sight->steps; i++)
		if (sight->step[i].from == FROM_SERVER && sight->step[i].after >= LONG_WAIT && way[i].meaning != MEANS_push)
			return true;
	return false;
}

void inside_begin(const struct sight *sight, struct inside *into)
{
	memset(into, 0, sizeof *into);
	memcpy(into->step, sight->step, (size_t)sight->steps * sizeof *sight->step);
	into->steps = sight->steps;
}

static struct inside_reading read_step(const struct sight *sight, const struct walk *walk, int lane, int step, const struct walked *walked,
				       const struct answer **like)
{
	const struct supposed *s = &walk->supposed[lane];
	enum meaning meaning = (enum meaning)walked->meaning;
	struct inside_reading r = { .meaning = (uint8_t)meaning, .phase = (uint8_t)PHASE_IN(walked->after),
				    .follows = walk_follows(sight, walk, lane, step, walked) };

	if (meaning == MEANINGS)
		return r;
	r.size = fit_size(sight, s, step, meaning);
	r.delay = fit_delay(sight, s, step, meaning);
	r.known = fit_known(sight, s, step, meaning, like);
	return r;
}

void read_dialogue(const struct sight *sight, const struct walk *walk, int lane, const struct walked way[INSIDE_STEPS],
		   struct inside_dialogue *into)
{
	const struct inside_model *m = sight->model;
	const struct supposed *s = &walk->supposed[lane];

	*into = (struct inside_dialogue){ .tag = (uint8_t)s->tag, .client = s->client ? (int)(s->client - m->clients) : -1,
					  .server = s->server ? (int)(s->server - m->servers) : -1,
					  .ending = fit_end(sight, s, PHASE_IN(way[sight->steps - 1].after)) };
	for (int i = sight->steps - 1; i >= 0; i--)
		into->reading[i] = read_step(sight, walk, lane, i, &way[i], &into->like);
}

static void add_term(struct inside *i, struct inside_term term)
{
	for (int n = 0; n < INSIDE_TERMS; n++) {
		if (n >= i->terms) {
			i->term[i->terms++] = term;
			return;
		}
		if (fabsf(term.weight) > fabsf(i->term[n].weight)) {
			struct inside_term displaced = i->term[n];
			i->term[n] = term;
			term = displaced;
		}
	}
}

#define TERM_LEAST 0.1f

static void find_terms(struct inside *i)
{
	for (int n = 0; n < i->steps; n++) {
		const struct inside_reading *a = &i->best.reading[n], *b = &i->second.reading[n];
		float weights[] = { [TERM_SIZE] = a->size - b->size, [TERM_DELAY] = a->delay - b->delay, [TERM_FOLLOWS] = a->follows - b->follows,
				    [TERM_END] = 0, [TERM_KNOWN] = a->known - b->known };
		for (int kind = TERM_SIZE; kind <= TERM_KNOWN; kind++)
			if (fabsf(weights[kind]) >= TERM_LEAST)
				add_term(i, (struct inside_term){ n, kind, weights[kind] });
	}
	float ending = i->best.ending - i->second.ending;
	if (fabsf(ending) >= TERM_LEAST)
		add_term(i, (struct inside_term){ -1, TERM_END, ending });
}

static bool is_login(int meaning)
{
	return meaning == MEANS_login || meaning == MEANS_login_ir || meaning == MEANS_mechanism;
}

static bool is_refusal(int meaning)
{
	return meaning == MEANS_no || meaning == MEANS_limit || meaning == MEANS_temporary;
}

/* The login that decided is the newest one. */
static void find_login(struct inside *i)
{
	i->login = i->answer = -1;
	for (int n = 0; n < i->steps; n++) {
		const struct inside_reading *r = &i->best.reading[n];
		if (is_login(r->meaning)) {
			i->login = n;
			i->answer = -1;
		}
		if (r->meaning == MEANS_ok || r->meaning == MEANS_ok_list || is_refusal(r->meaning) ||
		    (r->meaning == MEANS_bye && r->phase == PHASE_turned_away && i->login >= 0))
			i->answer = n;
		i->refused += is_refusal(r->meaning);
	}
}

/* The margin is what is left of certainty: the best's share less the next best's, in 1,000. */
static void weigh(const struct inside_model *m, struct inside *i)
{
	i->margin = (int)(tanh(i->apart * m->sharpness / 2) * 1000);
	i->what = i->margin >= m->threshold ? i->best.what : WORD_inside_unclear;
}

void read_inside(const struct inside_model *model, struct inside *i)
{
	if (i->has_second)
		find_terms(i);
	find_login(i);
	weigh(model, i);
}
