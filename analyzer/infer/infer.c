/* Walks the steps through the phases of a dialogue (Viterbi), once for each pair of client and server that may be, and keeps the best way to
 * each outcome. */
#include "steps.h"

#include <math.h>
#include <string.h>

#define NEVER -1e30f
/* A session that was not seen greeted, and one whose middle was not kept before its login was told. */
#define UNGREETED -4.0f
#define MIDDLE_BEFORE_LOGIN -8.0f

/* How a login went that was not accepted, carried along until one is. */
enum mood { MOOD_NONE, MOOD_REFUSED, MOOD_LIMITED, MOOD_TEMPORARY, MOODS };
#define STATES (PHASES * MOODS)

struct walk {
	float score[INSIDE_STEPS + 1][STATES];
	uint8_t from[INSIDE_STEPS + 1][STATES];
	uint8_t meaning[INSIDE_STEPS + 1][STATES]; /* MEANINGS: fits nothing */
	uint8_t alive[STATES], reached[STATES]; /* those that are still followed; those that the step at hand leads to */
	int alive_count, reached_count;
};

static int state_of(enum phase phase, enum mood mood)
{
	return (int)phase * MOODS + (int)mood;
}

static enum mood mood_after(enum mood mood, enum phase phase, enum meaning meaning)
{
	bool login = phase == PHASE_sent_login || phase == PHASE_sent_mechanism || phase == PHASE_sent_response || phase == PHASE_sent_empty;

	switch (meaning) {
	case MEANS_no: return MOOD_REFUSED;
	case MEANS_limit: return MOOD_LIMITED;
	case MEANS_temporary: return MOOD_TEMPORARY;
	case MEANS_bye: return mood != MOOD_NONE ? mood : login ? MOOD_REFUSED : MOOD_TEMPORARY;
	default: return mood;
	}
}

/* Logged in, not logging out: who closes then broke off. */
static bool in_work(enum phase phase)
{
	return phase_kinds[phase].group == GROUP_WITHIN && phase != PHASE_logging_out && phase != PHASE_logged_out;
}

static enum word_inside outcome_of(int state, enum word_end ended)
{
	static const uint8_t words[] = {
		[MOOD_NONE] = WORD_inside_no_login, [MOOD_REFUSED] = WORD_inside_login_refused,
		[MOOD_LIMITED] = WORD_inside_connection_limit, [MOOD_TEMPORARY] = WORD_inside_temporary,
	};
	enum phase phase = (enum phase)(state / MOODS);
	bool by_server = ended == WORD_end_server_fin || ended == WORD_end_server_reset;

	switch (phase) {
	case PHASE_start: return WORD_inside_no_greeting;
	case PHASE_told_error: return WORD_inside_login_refused; /* the error says it; many clients leave without the empty line */
	case PHASE_expired:
	case PHASE_expired_before: return WORD_inside_autologout;
	case PHASE_sent_login:
	case PHASE_sent_mechanism:
	case PHASE_sent_response:
	case PHASE_sent_empty: return state % MOODS == MOOD_NONE ? WORD_inside_login_unanswered : words[state % MOODS];
	default: break;
	}
	if (phase_kinds[phase].group == GROUP_WITHIN)
		return by_server && in_work(phase) ? WORD_inside_closed : WORD_inside_success;
	return words[state % MOODS];
}

/* --- one walk --- */

static void reach(struct walk *w, int step, int to, float score, int from, int meaning)
{
	if (score <= w->score[step + 1][to])
		return;
	if (w->score[step + 1][to] <= NEVER)
		w->reached[w->reached_count++] = (uint8_t)to;
	w->score[step + 1][to] = score;
	w->from[step + 1][to] = (uint8_t)from;
	w->meaning[step + 1][to] = (uint8_t)meaning;
}

static void reach_middle(struct walk *w, int step, int state)
{
	enum phase phase = (enum phase)(state / MOODS);
	bool within = phase_kinds[phase].group == GROUP_WITHIN;

	reach(w, step, within ? state_of(PHASE_at_work, (enum mood)(state % MOODS)) : state,
	      w->score[step][state] + (within ? 0 : MIDDLE_BEFORE_LOGIN), state, MEANINGS);
}

/* What is so far behind the best is not followed any more. */
#define FAR_BEHIND 18.0f

static void drop_hopeless(struct walk *w, int step)
{
	const float *score = w->score[step];
	float best = NEVER;

	for (int i = 0; i < w->reached_count; i++)
		best = score[w->reached[i]] > best ? score[w->reached[i]] : best;
	w->alive_count = 0;
	for (int i = 0; i < w->reached_count; i++)
		if (score[w->reached[i]] >= best - FAR_BEHIND)
			w->alive[w->alive_count++] = w->reached[i];
}

/* How likely a step is what a meaning says, under a tag and a server: worked out where it is first asked for. */
struct fits {
	float of[INSIDE_STEPS][MEANINGS];
	bool known[INSIDE_STEPS][MEANINGS];
};

static void forget_fits(struct fits *f)
{
	memset(f->known, 0, sizeof f->known);
}

static float fits_as(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning, struct fits *f)
{
	if (!f->known[step][meaning])
		f->of[step][meaning] = fit_size(sight, s, step, meaning) + fit_delay(sight, s, step, meaning) +
				       fit_known(sight, s, step, meaning, NULL);
	f->known[step][meaning] = true;
	return f->of[step][meaning];
}

/* By each way that leads on from a state. */
static void walk_on(const struct sight *sight, const struct supposed *s, int step, int state, struct fits *fits, struct walk *w)
{
	enum phase phase = (enum phase)(state / MOODS);
	enum mood mood = (enum mood)(state % MOODS);

	for (int d = sight->model->first_step[phase]; d < sight->model->last_step[phase]; d++) {
		const struct dialogue_step *way = &dialogue_steps[d];
		enum meaning meaning = (enum meaning)way->meaning;
		if (meaning_kinds[meaning].from != sight->step[step].from)
			continue;
		float score = w->score[step][state] + fits_as(sight, s, step, meaning, fits) + fit_follows(sight, s, d);
		score += mood == MOOD_NONE ? 0 : fit_again(sight, step, meaning);
		reach(w, step, state_of((enum phase)way->then, mood_after(mood, phase, meaning)), score, state, meaning);
	}
}

static void walk_step(const struct sight *sight, const struct supposed *s, int step, struct fits *fits, struct walk *w)
{
	for (int i = 0; i < STATES; i++)
		w->score[step + 1][i] = NEVER;
	w->reached_count = 0;
	for (int n = 0; n < w->alive_count; n++) {
		int i = w->alive[n];
		if (sight->step[step].middle) {
			reach_middle(w, step, i);
			continue;
		}
		reach(w, step, i, w->score[step][i] + sight->odd_log[step], i, MEANINGS);
		walk_on(sight, s, step, i, fits, w);
	}
	drop_hopeless(w, step + 1);
}

static void walk(const struct sight *sight, const struct supposed *s, struct fits *fits, struct walk *w)
{
	const int greeted = state_of(PHASE_greeted, MOOD_NONE), start = state_of(PHASE_start, MOOD_NONE);

	w->score[0][greeted] = sight->c->starttls ? 0 : UNGREETED;
	w->alive[0] = (uint8_t)greeted;
	w->alive_count = 1;
	if (!sight->c->starttls) {
		w->score[0][start] = 0;
		w->alive[w->alive_count++] = (uint8_t)start;
	}
	for (int i = 0; i < sight->steps; i++)
		walk_step(sight, s, i, fits, w);
}

/* --- all walks --- */

/* The best way to an outcome, and under which supposition. */
struct champion {
	double score;
	int state;
	struct supposed supposed;
};

struct contest {
	struct walk walk;
	struct fits of_tag[TAGS_MOST + 1]; /* by the tag's length, of a server that is not known */
	struct fits fits;                  /* of one that is */
	struct champion best[INSIDE_OUTCOMES];
};

static double prior_of(const struct inside_model *m, const struct supposed *s)
{
	double rest = 1, p = 1;

	if (s->client) {
		p *= s->client->share / (s->client->tag_most - s->client->tag_least + 1);
	} else {
		for (int i = 0; i < m->client_count; i++)
			rest -= m->clients[i].share;
		p *= rest * m->tag[s->tag];
	}
	rest = 1;
	for (int i = 0; i < m->server_count; i++)
		rest -= m->servers[i].share;
	return log(p * (s->server ? s->server->share : rest) + 1e-12);
}

/* Returns the best score of any outcome. */
static double compete(const struct sight *sight, const struct supposed *s, struct fits *fits, struct contest *c)
{
	struct walk *w = &c->walk;
	const float *last = w->score[sight->steps];
	double prior = prior_of(sight->model, s), best = NEVER;

	walk(sight, s, fits, w);
	for (int n = 0; n < w->alive_count; n++) {
		int state = w->alive[n];
		double score = prior + last[state] + fit_end(sight, s, (enum phase)(state / MOODS));
		struct champion *champion = &c->best[outcome_of(state, sight->c->ended)];
		if (score > champion->score)
			*champion = (struct champion){ score, state, *s };
		best = score > best ? score : best;
	}
	return best;
}

/* Suppositions so far behind the best are not made any more definite. */
#define NOT_TRIED 9.0

/* The tags tried with every server, each with the client that fits it best: the likeliest of them with a server unknown. */
#define TRIED 6
struct trial {
	struct supposed supposed;
	double score;
};

static void put_trial(struct trial list[TRIED], struct trial one)
{
	for (int i = 0; i < TRIED; i++)
		if (one.score > list[i].score) {
			struct trial displaced = list[i];
			list[i] = one;
			one = displaced;
		}
}

/* The client that fits this tag best, `unknown`: what it comes to with none that is known. */
static struct trial best_of_tag(const struct sight *sight, int tag, double unknown, struct contest *c)
{
	const struct inside_model *m = sight->model;
	struct trial best = { { tag, NULL, NULL }, unknown };

	for (int client = 0; client < m->client_count; client++) {
		const struct inside_client *one = &m->clients[client];
		if (tag < one->tag_least || tag > one->tag_most)
			continue;
		struct supposed s = { tag, NULL, one };
		double score = compete(sight, &s, &c->of_tag[tag], c);
		if (score > best.score)
			best = (struct trial){ s, score };
	}
	return best;
}

/* A server whose greeting is so much less likely than any is not tried. */
#define OTHER_GREETING 2.5f

static bool greets_so(const struct sight *sight, const struct supposed *s)
{
	struct supposed unknown = { s->tag, NULL, NULL };

	return sight->c->starttls || sight->step[0].from != FROM_SERVER ||
	       fit_size(sight, s, 0, MEANS_greeting) >= fit_size(sight, &unknown, 0, MEANS_greeting) - OTHER_GREETING;
}

static void try_servers(const struct sight *sight, struct supposed s, struct contest *c)
{
	const struct inside_model *m = sight->model;

	for (int server = 0; server < m->server_count; server++) {
		s.server = &m->servers[server];
		if (!greets_so(sight, &s))
			continue;
		forget_fits(&c->fits);
		compete(sight, &s, &c->fits, c);
	}
}

/* Outcomes that lead to the same verdict, or nearly so: what tells them apart is no doubt about the rest. */
static enum word_inside kind_of(enum word_inside what)
{
	switch (what) {
	case WORD_inside_connection_limit:
	case WORD_inside_temporary: return WORD_inside_login_refused;
	case WORD_inside_no_login: return WORD_inside_success;
	default: return what;
	}
}

/* The best of all outcomes, or of all of another kind than that; -1: none. */
static int best_but(const struct contest *c, int of)
{
	int best = -1;

	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		if (c->best[i].score > NEVER && (of < 0 || kind_of((enum word_inside)i) != kind_of((enum word_inside)of)) &&
		    (best < 0 || c->best[i].score > c->best[best].score))
			best = i;
	return best;
}

/* So far ahead of every other kind of outcome, a session that worked needs no closer look, unless somebody waited so long that it matters
 * what for. */
#define CLEARLY 9.0
#define LONG_WAIT (5 * SECOND)

static bool clearly_worked(const struct sight *sight, const struct contest *c)
{
	for (int i = 0; i < sight->steps; i++)
		if (sight->step[i].from == FROM_SERVER && sight->step[i].after >= LONG_WAIT)
			return false;
	int best = best_but(c, -1), second = best_but(c, best);

	return best >= 0 && kind_of((enum word_inside)best) == WORD_inside_success &&
	       (second < 0 || c->best[best].score - c->best[second].score >= CLEARLY);
}

/* First every tag with client and server unknown, then the likelier ones with each client, then the likeliest of these with each server. */
static void try_all(const struct sight *sight, struct contest *c)
{
	double unknown[TAGS_MOST + 1], best = NEVER;
	struct trial tried[TRIED];

	for (int tag = 1; tag <= TAGS_MOST; tag++) {
		struct supposed s = { tag, NULL, NULL };
		forget_fits(&c->of_tag[tag]);
		unknown[tag] = compete(sight, &s, &c->of_tag[tag], c);
		best = unknown[tag] > best ? unknown[tag] : best;
	}
	if (sight->c->working || clearly_worked(sight, c))
		return;
	for (int i = 0; i < TRIED; i++)
		tried[i].score = NEVER;
	for (int tag = 1; tag <= TAGS_MOST; tag++)
		if (unknown[tag] >= best - NOT_TRIED)
			put_trial(tried, best_of_tag(sight, tag, unknown[tag], c));
	for (int i = 0; i < TRIED && tried[i].score > NEVER && tried[i].score >= tried[0].score - NOT_TRIED; i++)
		try_servers(sight, tried[i].supposed, c);
}

/* --- what it came to --- */

static void read_path(const struct sight *sight, const struct champion *champion, enum word_inside what, struct contest *c,
		      struct inside_dialogue *into)
{
	const struct inside_model *m = sight->model;
	const struct supposed *s = &champion->supposed;
	struct walk *w = &c->walk;
	int state = champion->state;

	*into = (struct inside_dialogue){ .what = what, .score = champion->score, .tag = (uint8_t)s->tag,
					  .client = s->client ? (int)(s->client - m->clients) : -1,
					  .server = s->server ? (int)(s->server - m->servers) : -1,
					  .ending = fit_end(sight, s, (enum phase)(state / MOODS)) };
	forget_fits(&c->fits);
	walk(sight, s, &c->fits, w);
	for (int i = sight->steps - 1; i >= 0; i--) {
		struct inside_reading *r = &into->reading[i];
		int before = w->from[i + 1][state];
		*r = (struct inside_reading){ .meaning = w->meaning[i + 1][state], .phase = (uint8_t)(state / MOODS) };
		if (r->meaning < MEANINGS) {
			r->size = fit_size(sight, s, i, (enum meaning)r->meaning);
			r->delay = fit_delay(sight, s, i, (enum meaning)r->meaning);
			r->known = fit_known(sight, s, i, (enum meaning)r->meaning, &into->like);
			r->follows = fit_follows(sight, s, dialogue_step_of((enum phase)(before / MOODS), (enum meaning)r->meaning)) +
				     (before % MOODS == MOOD_NONE ? 0 : fit_again(sight, i, (enum meaning)r->meaning));
		} else {
			r->follows = w->score[i + 1][state] - w->score[i][before];
		}
		state = before;
	}
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
	double apart = i->has_second ? (i->best.score - i->second.score) * m->sharpness : INFINITY;

	i->margin = (int)(tanh(apart / 2) * 1000);
	i->what = i->margin >= m->threshold ? i->best.what : WORD_inside_unclear;
}

bool infer(const struct inside_model *model, const struct inside_case *c, struct inside *into)
{
	struct sight sight;
	struct contest contest;

	if (!model->loaded || !sight_of(model, c, &sight))
		return false;
	for (int i = 0; i < INSIDE_OUTCOMES; i++)
		contest.best[i].score = NEVER;
	try_all(&sight, &contest);
	int best = best_but(&contest, -1), second = best_but(&contest, best);
	if (best < 0)
		return false;
	memset(into, 0, sizeof *into);
	memcpy(into->step, sight.step, sizeof sight.step);
	into->steps = sight.steps;
	into->has_second = second >= 0;
	read_path(&sight, &contest.best[best], (enum word_inside)best, &contest, &into->best);
	if (into->has_second) {
		read_path(&sight, &contest.best[second], (enum word_inside)second, &contest, &into->second);
		find_terms(into);
	}
	find_login(into);
	weigh(model, into);
	return true;
}
