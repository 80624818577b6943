/* How well a length, a delay or an order fits a meaning. */
#include "steps.h"

#include <math.h>

/* Nothing is impossible: less likely than this is not believed. */
#define LEAST 1e-9

float likelihood(double p)
{
	return logf((float)(p < LEAST ? LEAST : p));
}

/* The part of the bytes from..to that lies within least..most. */
static double overlap(double from, double to, double least, double most)
{
	double low = from > least ? from : least, high = to < most ? to : most;

	return high < low ? 0 : (high - low + 1) / (most - least + 1);
}

/* Averaged over the lengths that the record may have had. */
static double usual_size(const struct inside_model *m, enum meaning meaning, struct plain_length plain)
{
	double sum = 0, from = 0;

	for (int i = 0; i < m->size_count; i++) {
		double to = (double)m->size_edge[i] - 1;
		sum += overlap(from, to, plain.least, plain.most) * m->meaning[meaning].size[i];
		from = to + 1;
	}
	return sum;
}

/* Of records that fit nothing: about as long as most are. */
#define ODD_LENGTH 30

/* Decimal tags grow by a digit or two as the session goes on, and hardly by one before login. */
#define TAG_GROWTH 2
static const double tag_grown[2][TAG_GROWTH + 1] = { { 0.96, 0.04, 0 }, { 0.88, 0.09, 0.03 } };

static bool may_come_late(int meaning)
{
	switch (meaning) {
	case MEANS_answer:
	case MEANS_goodbye:
	case MEANS_command:
	case MEANS_idle:
	case MEANS_logout: return true;
	default: return false;
	}
}

static double text_size(const struct inside_text *t, int tag, struct plain_length plain)
{
	if (plain.most < t->least || plain.least > t->most + tag + TAG_GROWTH)
		return 0;
	double least = t->least, most = t->most, sum = 0;

	if (!t->tagged)
		return overlap(least, most, plain.least, plain.most) / (most - least + 1);
	const double *share = tag_grown[may_come_late(t->meaning)];
	for (int i = 0; i <= TAG_GROWTH; i++) {
		double grown = tag + i;
		sum += share[i] * overlap(least + grown, most + grown, plain.least, plain.most);
	}
	return sum / (most - least + 1);
}

/* A text is seldom followed by another line in the same answer. */
#define FIRST_OF_MORE 0.2

/* Nothing follows the answer to LOGOUT. */
static bool ends_there(enum meaning meaning)
{
	return meaning == MEANS_farewell || meaning == MEANS_goodbye;
}

static double all_or_first(double all, double first)
{
	return all > first * FIRST_OF_MORE ? all : first * FIRST_OF_MORE;
}

/* As likely as the likelier of: all of it is the text, its first record is. */
static double texts_size(const struct inside_text *texts, int count, enum meaning meaning, int tag, const struct inside_step *step)
{
	double all = 0, first = 0;
	int of = 0;

	for (int i = 0; i < count; i++) {
		if (texts[i].meaning != meaning)
			continue;
		of++;
		all += text_size(&texts[i], tag, step->all);
		first += ends_there(meaning) ? 0 : text_size(&texts[i], tag, step->first);
	}
	return of ? all_or_first(all, first) / of : 0;
}

void lengths_ready(const struct inside_model *model, struct inside_lengths *l)
{
	for (int i = 0; i < MEANINGS; i++) {
		l->usual_log[i] = likelihood(l->usual[i]);
		l->no_text[i] = likelihood((1 - model->meaning[i].exact) * l->usual[i]);
		l->not_theirs[i] = likelihood((1 - model->exact) * l->usual[i]);
	}
}

static bool has_texts(const struct inside_server *server, enum meaning meaning)
{
	return server && server->meanings >> meaning & 1;
}

static float fit_server(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning)
{
	const struct inside_lengths *lengths = sight->lengths[step];
	double share = sight->model->exact;
	double exact = texts_size(s->server->texts, s->server->text_count, meaning, s->tag, &sight->step[step]);

	float alone = meaning == MEANS_ok || meaning == MEANS_ok_list ? s->server->alone : 0;

	return alone + (exact > 0 ? likelihood((1 - share) * lengths->usual[meaning] + share * exact) : lengths->not_theirs[meaning]);
}

static float fit_usual(const struct sight *sight, int tag, int step, enum meaning meaning)
{
	const struct inside_meaning *row = &sight->model->meaning[meaning];
	const struct inside_lengths *lengths = sight->lengths[step];

	if (!row->text_count)
		return lengths->usual_log[meaning];
	double exact = texts_size(row->texts, row->text_count, meaning, tag, &sight->step[step]);
	return exact > 0 ? likelihood((1 - row->exact) * lengths->usual[meaning] + row->exact * exact) : lengths->no_text[meaning];
}

float fit_size(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning)
{
	return has_texts(s->server, meaning) ? fit_server(sight, s, step, meaning) : fit_usual(sight, s->tag, step, meaning);
}

static int delay_bucket(const struct inside_model *m, nanoseconds after)
{
	int i = 0;

	while (i < m->delay_count - 1 && after >= m->delay_edge[i])
		i++;
	return i;
}

float fit_delay(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning)
{
	const struct inside_model *m = sight->model;
	const nanoseconds *told = s->server ? s->server->delay[meaning] : NULL;
	nanoseconds after = sight->step[step].after;

	if (!told || !told[1])
		return sight->delay_log[step][meaning];
	int buckets = delay_bucket(m, told[1]) - delay_bucket(m, told[0]) + 1;
	double timely = after >= told[0] && after <= told[1] ? 1.0 / buckets : 0;
	return likelihood((1 - m->timely) * m->meaning[meaning].delay[delay_bucket(m, after)] + m->timely * timely);
}

static const struct inside_habits *habits_in(const struct inside_model *m, const struct supposed *s, enum phase phase)
{
	return s->client && s->client->habits.given[phase] ? &s->client->habits : &m->usual;
}

float fit_follows(const struct sight *sight, const struct supposed *s, int dialogue_step)
{
	return habits_in(sight->model, s, (enum phase)dialogue_steps[dialogue_step].phase)->step_log[dialogue_step];
}

float fit_end(const struct sight *sight, const struct supposed *s, enum phase phase)
{
	return habits_in(sight->model, s, phase)->end_log[phase][sight->c->ended][sight->end_span];
}

/* Tags may have grown by a digit. */
#define KNOWN_APART 1

static bool is_like(const struct sight *sight, int tag, int step, const struct answer *known)
{
	int apart = (int)sight->step[step].all.least - tag - known->length;

	/* One client has one kind of tag, whatever its length was taken for. */
	return (apart <= KNOWN_APART && apart >= -KNOWN_APART) || (known->same_client && known->whole == sight->step[step].all.least);
}

/* The same client refused with as long a login before: most likely the same login. */
static bool is_repeated(const struct sight *sight, int step, const struct answer *known)
{
	return known->same_client && !known->accepted && step > 0 && sight->step[step - 1].all.least == known->login;
}

_Static_assert(ANSWERS_MOST <= 8, "the answers known are bits");

/* The known answers of which a step may remind, under whatever tag: bits. */
static uint8_t reminds_of(const struct sight *sight, int step)
{
	const struct inside_case *c = sight->c;
	uint8_t bits = 0;

	for (int i = 0; i < c->known_count && sight->step[step].from == FROM_SERVER; i++) {
		const struct answer *known = &c->known[i];
		int with_tag = (int)sight->step[step].all.least - known->length;
		if ((with_tag >= -KNOWN_APART && with_tag <= TAGS_MOST + KNOWN_APART) || known->same_client)
			bits |= (uint8_t)(1u << i);
	}
	return bits;
}

/* Meanings of which other sessions may have told. */
static bool is_told(enum meaning meaning)
{
	return meaning == MEANS_ok || meaning == MEANS_ok_list || meaning == MEANS_no;
}

/* Of an answer that is like none that this server gave to logins of that kind, where it gave any. */
static float fit_unlike(const struct sight *sight, bool accepts)
{
	return sight->gave[accepts] ? sight->model->unlike_log[accepts] : 0;
}

float fit_known(const struct sight *sight, const struct supposed *s, int step, enum meaning meaning, const struct answer **like)
{
	bool accepts = meaning != MEANS_no, repeated = false, otherwise = false;
	float weight = sight->model->known_log;
	const struct inside_case *c = sight->c;

	if (!is_told(meaning))
		return 0;
	for (int i = 0; sight->reminds[step] >> i; i++) {
		if (!(sight->reminds[step] >> i & 1))
			continue;
		repeated = repeated || (!accepts && is_repeated(sight, step, &c->known[i]));
		if (!is_like(sight, s->tag, step, &c->known[i]))
			continue;
		if (c->known[i].accepted != accepts) {
			otherwise = true;
			continue;
		}
		if (like)
			*like = &c->known[i];
		return repeated ? weight + weight / 2 : weight;
	}
	return (repeated ? weight / 2 : 0) + (otherwise ? sight->model->again_log : fit_unlike(sight, accepts));
}

/* The record before the refusal was the login, or its end. */
static bool is_shorter(const struct sight *sight, int step)
{
	const struct inside_step *before = step >= 2 ? &sight->step[step - 2] : NULL;

	return before && before->from == FROM_CLIENT && 2 * sight->step[step].all.least < before->all.least;
}

float fit_again(const struct sight *sight, int step, enum meaning meaning)
{
	switch (meaning) {
	case MEANS_ok:
	case MEANS_ok_list: return sight->said_before[step] ? sight->model->again_log : 0;
	case MEANS_no: return sight->said_before[step] ? 0 : sight->model->otherwise_log;
	case MEANS_login:
	case MEANS_login_ir: return is_shorter(sight, step) ? sight->model->shorter_log : 0;
	default: return 0;
	}
}

/* But for a tag that grew by a digit. */
static bool is_said_before(const struct sight *sight, int step)
{
	const struct inside_step *s = &sight->step[step];

	for (int i = 0; i < step && s->from == FROM_SERVER; i++) {
		int apart = (int)s->all.least - sight->step[i].all.least;
		if (sight->step[i].from == FROM_SERVER && apart >= 0 && apart <= 1)
			return true;
	}
	return false;
}

int length_bucket(const struct inside_model *m, unsigned length)
{
	int bucket = 0;

	while (bucket < m->size_count - 1 && length >= m->size_edge[bucket])
		bucket++;
	return bucket;
}

/* Where the length is known to the byte, the row of its bucket; else one of its own. */
static const struct inside_lengths *lengths_of(const struct inside_model *m, struct plain_length plain, struct inside_lengths *own)
{
	if (plain.least == plain.most)
		return &m->lengths[length_bucket(m, plain.least)];
	for (int i = 0; i < MEANINGS; i++)
		own->usual[i] = usual_size(m, (enum meaning)i, plain);
	lengths_ready(m, own);
	return own;
}

static int end_span(nanoseconds after)
{
	return after < END_AT_ONCE_MOST ? END_AT_ONCE : after < END_SOON_MOST ? END_SOON : END_LATE;
}

bool sight_of(const struct inside_model *model, const struct inside_case *c, struct sight *into)
{
	into->model = model;
	into->c = c;
	into->gave[false] = into->gave[true] = false;
	for (int i = 0; i < c->known_count; i++)
		into->gave[c->known[i].accepted] = true;
	into->steps = steps_of(c, into->step);
	for (int i = 0; i < into->steps; i++) {
		const struct inside_step *step = &into->step[i];
		into->lengths[i] = lengths_of(model, step->all, &into->range[i]);
		into->delay_log[i] = model->delay_log[delay_bucket(model, step->after)];
		into->said_before[i] = is_said_before(into, i);
		into->reminds[i] = reminds_of(into, i);
		/* The odder the longer, as every length is. */
		into->odd_log[i] = likelihood(model->odd / (step->all.least + ODD_LENGTH));
	}
	if (into->steps > 0)
		into->end_span = end_span(c->end - into->step[into->steps - 1].at.time);
	return into->steps > 0;
}

/* --- side by side --- */

/* A text fits under few tags: the others need not be asked. */
static void add_text(const struct inside_text *t, struct plain_length plain, double sum[TAGS_MOST])
{
	int least = plain.least - t->most - TAG_GROWTH, most = plain.most - t->least;

	if (!t->tagged && (most < 0 || plain.least > t->most))
		return;
	for (int tag = least < 1 || !t->tagged ? 1 : least; tag <= TAGS_MOST && (tag <= most || !t->tagged); tag++)
		sum[tag - 1] += text_size(t, tag, plain);
}

/* fit_usual under each tag, of a meaning that has texts. */
static void sizes_by_tag(const struct inside_meaning *row, double usual, float no_text, const struct plain_length *all,
			 const struct plain_length *first, float into[LANES])
{
	double of_all[TAGS_MOST] = { 0 }, of_first[TAGS_MOST] = { 0 };

	for (int i = 0; i < row->text_count; i++) {
		add_text(&row->texts[i], *all, of_all);
		if (first)
			add_text(&row->texts[i], *first, of_first);
	}
	for (int i = 0; i < TAGS_MOST; i++) {
		double exact = all_or_first(of_all[i], of_first[i]) / row->text_count;
		into[i] = exact > 0 ? likelihood((1 - row->exact) * usual + row->exact * exact) : no_text;
	}
}

/* The greatest of each group of tags. */
static void most_of_groups(const float by_tag[LANES], float into[GROUPS])
{
	for (int group = 0; group < GROUPS; group++) {
		const float *tag = &by_tag[group * GROUP_SIZE];
		into[group] = tag[0];
		for (int i = 1; i < GROUP_SIZE; i++)
			into[group] = tag[i] > into[group] ? tag[i] : into[group];
	}
}

void texts_ready(struct inside_model *m, enum meaning meaning, uint16_t length)
{
	const struct inside_lengths *lengths = &m->lengths[length_bucket(m, length)];
	struct plain_length plain = { length, length };
	float *by_tag = m->text_log[meaning][length];

	sizes_by_tag(&m->meaning[meaning], lengths->usual[meaning], lengths->no_text[meaning], &plain, NULL, by_tag);
	most_of_groups(by_tag, m->text_most[meaning][length]);
}

static bool is_same(struct plain_length a, struct plain_length b)
{
	return a.least == b.least && a.most == b.most;
}

static bool is_short(const struct inside_step *at)
{
	return is_same(at->all, at->first) && at->all.least == at->all.most && at->all.least < SHORT_MOST;
}

/* Longer than all of the meaning's texts. */
static bool is_too_long(const struct inside_meaning *row, const struct inside_step *at)
{
	return at->first.least > row->longest + TAGS_MOST + TAG_GROWTH;
}

/* The same in a row that was worked out before, or else in `into`. */
static const float *fit_texts(const struct sight *sight, int step, enum meaning meaning, float into[LANES])
{
	const struct inside_step *at = &sight->step[step];
	const struct inside_meaning *row = &sight->model->meaning[meaning];
	const struct inside_lengths *lengths = sight->lengths[step];

	if (is_short(at))
		return sight->model->text_log[meaning][at->all.least];
	if (is_too_long(row, at))
		for (int i = 0; i < LANES; i++)
			into[i] = lengths->no_text[meaning];
	else
		sizes_by_tag(row, lengths->usual[meaning], lengths->no_text[meaning], &at->all,
			     is_same(at->all, at->first) || ends_there(meaning) ? NULL : &at->first, into);
	return into;
}

/* What is the same under every tag: how late it is, and that it is like nothing that this server said. */
static float fit_beside(const struct sight *sight, int step, enum meaning meaning)
{
	float unlike = is_told(meaning) && !sight->reminds[step] ? fit_unlike(sight, meaning != MEANS_no) : 0;

	return sight->delay_log[step][meaning] + unlike;
}

void fit_tags(const struct sight *sight, int step, enum meaning meaning, float into[LANES])
{
	bool texts = sight->model->meaning[meaning].text_count;
	float beside = fit_beside(sight, step, meaning), usual = sight->lengths[step]->usual_log[meaning] + beside, sizes[LANES];
	const float *by_tag = texts ? fit_texts(sight, step, meaning, sizes) : NULL;

	for (int i = 0; i < LANES; i++)
		into[i] = texts ? by_tag[i] + beside : usual;
	for (int i = 0; i < TAGS_MOST && is_told(meaning) && sight->reminds[step]; i++)
		into[i] += fit_known(sight, &(struct supposed){ i + 1, NULL, NULL }, step, meaning, NULL);
}

void fit_groups(const struct sight *sight, int step, enum meaning meaning, float into[GROUPS])
{
	const struct inside_step *at = &sight->step[step];
	bool texts = sight->model->meaning[meaning].text_count;
	float beside = fit_beside(sight, step, meaning), by_tag[LANES];

	if ((is_told(meaning) && sight->reminds[step]) || (texts && !is_short(at))) {
		fit_tags(sight, step, meaning, by_tag);
		most_of_groups(by_tag, into);
		return;
	}
	for (int i = 0; i < GROUPS; i++)
		into[i] = (texts ? sight->model->text_most[meaning][at->all.least][i] : sight->lengths[step]->usual_log[meaning]) + beside;
}

void fit_lanes(const struct sight *sight, const struct supposed s[LANES], int count, int step, enum meaning meaning, float into[LANES])
{
	bool texts = sight->model->meaning[meaning].text_count;
	float sizes[LANES], usual = sight->lengths[step]->usual_log[meaning];
	const float *by_tag = texts ? fit_texts(sight, step, meaning, sizes) : NULL;

	for (int i = 0; i < count; i++) {
		float size = has_texts(s[i].server, meaning) ? fit_server(sight, &s[i], step, meaning) : texts ? by_tag[s[i].tag - 1] : usual;
		into[i] = size + fit_delay(sight, &s[i], step, meaning) + fit_known(sight, &s[i], step, meaning, NULL);
	}
}
