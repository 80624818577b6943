/* What spares looks at sessions is right: rules judged by short cuts come out as judged in full, and only drifting facts drift. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>

#include "ndpi_adapter.h"
#include "rules.h"
#include "source.h"
#include "tls.h"
#include "tracked.h"

/* --- rules --- */

static uint32_t chance(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % most;
}

static void at_random(uint32_t *seed, struct fact_view *v, int id)
{
	static const int64_t sizes[] = { 0, 1, 2, 3, 5, 20, 700, 771, 772, 5000, 3 * SECOND, 11 * SECOND, 62 * SECOND, 40 * MINUTE };
	const char *const *words = enumeration_words(fact_kinds[id].words);
	uint32_t count = 0;

	while (words && words[count])
		count++;
	v->known = chance(seed, 8) != 0;
	v->set = v->known && chance(seed, 2);
	v->value = !v->known || fact_kinds[id].type == FACT_TEXT ? 0 :
		   count ? chance(seed, count) : fact_kinds[id].type == FACT_BOOL ? chance(seed, 2) : sizes[chance(seed, 14)];
}

static void most_are_absent(uint32_t *seed, struct fact_view view[FACT_COUNT], uint32_t one_in)
{
	for (int id = 0; id < FACT_COUNT; id++) {
		view[id] = (struct fact_view){ .known = fact_kinds[id].absence == ABSENT_ZERO || chance(seed, 2) };
		if (chance(seed, one_in) == 0)
			at_random(seed, &view[id], id);
	}
}

static void short_cuts_lead_to_the_same_rule(void **state)
{
	struct rules *rules = rules_load("rules", stderr);
	struct fact_view view[FACT_COUNT];
	struct verdict full;
	uint32_t seed = 1;

	(void)state;
	assert_non_null(rules);
	for (int i = 0; i < 20000; i++) {
		most_are_absent(&seed, view, 2 + (uint32_t)i % 20);
		rules_classify(rules, view, NULL, &full);
		assert_ptr_equal(rules_decide(rules, view, NULL), full.rule);
		assert_true(!rule_accuses(full.rule) || rules_may_fail(rules, view, NULL, false));
	}
	rules_destroy(&rules);
}

/* Whatever the drifting and the inferred facts come to, a rule that accuses was foreseen. */
static void what_may_never_fail_never_does(void **state)
{
	struct rules *rules = rules_load("rules", stderr);
	struct fact_view view[FACT_COUNT];
	uint32_t seed = 2;
	unsigned good = 0;

	(void)state;
	assert_non_null(rules);
	for (int i = 0; i < 4000; i++) {
		most_are_absent(&seed, view, 20);
		view[FACT_INSIDE].known = i % 2;
		bool inferred = !view[FACT_INSIDE].known;
		if (rules_may_fail(rules, view, NULL, true))
			continue;
		good++;
		assert_false(rules_may_fail(rules, view, NULL, false));
		for (int change = 0; change < 200; change++) {
			for (int id = 0; id < FACT_COUNT; id++)
				if ((fact_drifts((enum fact_id)id) || (inferred && FACT_INFERRED(id))) && chance(&seed, 2))
					at_random(&seed, &view[id], id);
			assert_false(rule_accuses(rules_decide(rules, view, NULL)));
		}
	}
	assert_true(good > 400);
	rules_destroy(&rules);
}

/* --- facts --- */

struct world {
	struct session_shared shared;
	struct flow_table *flows;
	nanoseconds now;
	unsigned long views;
	const char *path;
};

static bool same(const struct fact_view *a, const struct fact_view *b)
{
	return a->known == b->known && a->set == b->set && a->value == b->value && a->at.time == b->at.time && a->at.frame == b->at.frame;
}

static void look(void *context, struct flow *flow)
{
	static const nanoseconds later[] = { SECOND, 11 * SECOND, 31 * SECOND, 62 * SECOND, 60 * MINUTE };
	struct world *w = context;
	struct session *s = ((struct tracked *)flow)->session;
	struct fact_view now[FACT_COUNT], then[FACT_COUNT];

	session_settle_holes(s, (struct moment){ w->now, 0, 0 });
	session_view(s, w->now, false, now);
	if (!nothing_is_owed(now))
		return;
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		session_settle_holes(s, (struct moment){ w->now + later[i], 0, 0 });
		session_view(s, w->now + later[i], false, then);
		w->views++;
		for (int id = 0; id < FACT_COUNT; id++)
			if (!fact_drifts((enum fact_id)id) && !same(&now[id], &then[id]))
				fail_msg("%s: %s drifts", w->path, fact_kinds[id].word);
	}
}

static void take(struct world *w, const struct packet *p)
{
	const struct hash_key key = { 1, 2 };
	struct endpoint from = { p->source, p->source_port }, to = { p->destination, p->destination_port };
	bool turned = from.port == 143 || from.port == 993;

	if (p->transport != TRANSPORT_TCP || !(turned || to.port == 143 || to.port == 993))
		return;
	struct ends ends = ends_of(key, &p->source, p->source_port, &p->destination, p->destination_port);
	struct tracked *t = (struct tracked *)flow_find(w->flows, &ends);
	if (!t) {
		t = (struct tracked *)flow_add(w->flows, turned ? &to : &from, turned ? &from : &to, RANK_BEFORE_LOGIN);
		struct session *s = tracked_begin(t, &w->shared);
		s->mail_port = true;
		s->tls_port = (turned ? &from : &to)->port == 993;
	}
	session_packet(t->session, p);
}

static void forget(void *context, struct flow *flow)
{
	struct world *w = context;

	tracked_release((struct tracked *)flow, &w->shared);
	flow_remove(w->flows, flow);
}

static void nobody_leaves(void *context, struct flow *flow)
{
	(void)context, (void)flow;
	fail();
}

/* Looks at all sessions every so many packets: in the midst of handshakes, commands and answers. */
static void look_through(struct world *w)
{
	const struct source_options options = { 0 };
	struct error error;
	struct source *source = source_open_files(&w->path, 1, &options, &error);
	struct decoder *decoder = decoder_create();
	struct frame frame;
	struct packet p;
	unsigned count = 0;

	assert_non_null(source);
	w->flows = flow_table_create(sizeof(struct tracked), 4096, (struct hash_key){ 1, 2 }, nobody_leaves, NULL);
	w->shared.held = held_pool_create(1 << 20);
	while (source_next(source, &frame, &error) == SOURCE_FRAME) {
		w->now = frame.at.time > w->now ? frame.at.time : w->now;
		if (decode(decoder, frame.link, frame.data, frame.captured, frame.wire, frame.at, &p) == DECODE_PACKET)
			take(w, &p);
		if (count++ % 3 == 0)
			flow_each(w->flows, look, w);
	}
	flow_each(w->flows, look, w);
	flow_each(w->flows, forget, w);
	flow_table_destroy(&w->flows);
	held_pool_destroy(&w->shared.held);
	decoder_destroy(&decoder);
	source_close(&source);
}

static void only_drifting_facts_drift(void **state)
{
	struct world w = { .shared = { .texts = texts_create(1 << 20), .tls = tls_shared_create(), .speakers = speakers_create() } };
	glob_t found;

	(void)state;
	assert_int_equal(glob("samples/*/capture.*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		w.path = found.gl_pathv[i];
		w.now = 0;
		look_through(&w);
	}
	print_message("%lu views over %zu samples\n", w.views, found.gl_pathc);
	assert_true(w.views > 1000);
	globfree(&found);
	texts_destroy(&w.shared.texts);
	tls_shared_destroy(&w.shared.tls);
	speakers_destroy(&w.shared.speakers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_cuts_lead_to_the_same_rule),
		cmocka_unit_test(what_may_never_fail_never_does),
		cmocka_unit_test(only_drifting_facts_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
