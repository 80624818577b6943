/* The text report: a block for each failure, folded, worst first; printed at the end (live: as they come). */
#include <stdlib.h>

#include "blocks.h"
#include "hash.h"
#include "parts.h"
#include "text.h"

#define SENTENCE_ROOM 1024
#define FEW_PROOFS 6
#define FEW_STEPS 3
#define SHORT_DETAIL 30

static enum rank rank_of(const struct rule *rule)
{
	static const enum rank ranks[OUTCOMES] = { [OUTCOME_FAILED] = RANK_FAILED, [OUTCOME_DEGRADED] = RANK_DEGRADED,
						   [OUTCOME_INCONCLUSIVE] = RANK_UNDECIDED, [OUTCOME_HEALTHY] = RANK_HEALTHY };

	return ranks[rule->outcome];
}

/* --- the body of a block --- */

/* Nothing is quite certain. */
static int percent_of(double confidence)
{
	int percent = (int)(confidence * 100 + 0.5);

	return percent < 99 ? percent : 99;
}

static void add_verdict(const struct report *report, const struct report_case *c, struct lines *body)
{
	const struct rule *rule = c->verdict->rule;
	const struct words *w = words_of(report->options.language);
	char room[SENTENCE_ROOM], line[256];
	struct text t = TEXT_IN(line);
	bool color = report->options.color;

	text_addf(&t, "%s%s%s %s %s (%s", color ? block_color(rank_of(rule)) : "", words_class(w, rule->class), color ? "\033[0m" : "",
		  w->at, case_stage(c), rule->mechanism);
	evidence_fill(report, c, rule->detail, room, sizeof room);
	if (room[0] && strcmp(room, rule->mechanism) != 0 && lines_columns(room, strlen(room)) <= SHORT_DETAIL)
		text_addf(&t, ": %s", room);
	text_add(&t, ")");
	/* Nobody is blamed, and of nothing one can be sure, where it is undecided. */
	bool decided = rank_of(rule) != RANK_UNDECIDED;
	if (rule->culprit && decided)
		text_addf(&t, "%s%s", w->comma, words_culprit(w, rule->culprit));
	if (rank_of(rule) != RANK_HEALTHY && decided)
		text_addf(&t, "%s%d %s", w->comma, percent_of(c->verdict->confidence), w->sure);
	lines_wrap(body, "  ", 2, line, block_width(report));
}

static void add_sentence(const struct report *report, const struct report_case *c, struct lines *body)
{
	const struct rule *rule = c->verdict->rule;
	char room[SENTENCE_ROOM];

	lines_wrap(body, "  ", 2, evidence_fill(report, c, rule->says ? rule->says : rule->title, room, sizeof room), block_width(report));
}

/* The frame that shows it; live, where frames have no number to share, its time. Said once for lines of the same frame. */
static void proof_place(const struct report *report, const struct report_case *c, const struct proof *p, const struct proof *before, char *into,
			size_t room)
{
	const struct moment *at = &p->fact->at;
	char number[160];

	uint32_t frame;
	bool placed = report_place(report, at, &frame);
	if (!placed)
		block_time(report, at->time, number, sizeof number);
	else if (at->file != c->session->first.file)
		snprintf(number, sizeof number, "%.100s #%u", report->file_name(report->context, at->file), frame);
	else
		snprintf(number, sizeof number, "#%u", frame);
	if (before && before->fact->at.frame == at->frame && before->fact->at.file == at->file && (placed || before->fact->at.time == at->time))
		snprintf(into, room, "    %*s  ", (int)strlen(number), "");
	else
		snprintf(into, room, "    %s  ", number);
}

static void add_proofs(const struct report *report, const struct report_case *c, struct lines *body)
{
	struct proof proofs[VERDICT_MOST_EVIDENCE];
	int more = 0, count = evidence_collect(report, c, proofs, report->options.verbose ? VERDICT_MOST_EVIDENCE : FEW_PROOFS, &more);
	char place[200], room[512];

	for (int i = 0; i < count; i++) {
		proof_place(report, c, &proofs[i], i ? &proofs[i - 1] : NULL, place, sizeof place);
		lines_wrap(body, place, (unsigned)strlen(place), evidence_says(report, c, &proofs[i], room, sizeof room),
			   block_width(report));
	}
}

static void add_notices(const struct report *report, const struct report_case *c, struct lines *body)
{
	struct notice notices[NOTICES_MOST];
	int count = evidence_notices(report, c, notices);
	char line[256];

	for (int i = 0; i < count; i++) {
		snprintf(line, sizeof line, "%s %s", words_of(report->options.language)->note, notices[i].says);
		lines_wrap(body, "  ", 2, line, block_width(report));
	}
}

static void add_steps(const struct report *report, const struct report_case *c, struct lines *body)
{
	const struct rule *rule = c->verdict->rule;
	int count = report->options.verbose || rule->advices < FEW_STEPS ? rule->advices : FEW_STEPS, left = 0;
	struct step_answer answers[RULE_MOST_ADVICE];
	char number[16], line[1024];

	for (int i = 0; i < count; i++) {
		answer_step(report, c, rule->advice[i], &answers[i]);
		if (answers[i].done)
			continue;
		snprintf(number, sizeof number, "  %d ", ++left);
		struct text t = TEXT_IN(line);
		text_addf(&t, "%s%s%s", evidence_advice(report, rule, i), answers[i].says[0] ? " " : "", answers[i].says);
		lines_wrap(body, number, (unsigned)strlen(number), line, block_width(report));
	}
	/* Nothing is left to do for these. */
	for (int i = 0; i < count; i++)
		if (answers[i].done)
			lines_wrap(body, "  - ", 4, answers[i].says, block_width(report));
}

static void add_body(const struct report *report, const struct report_case *c, struct lines *body)
{
	enum rank rank = rank_of(c->verdict->rule);

	add_verdict(report, c, body);
	if (rank != RANK_HEALTHY) {
		add_sentence(report, c, body);
		add_proofs(report, c, body);
	}
	add_notices(report, c, body);
	if (rank == RANK_FAILED || rank == RANK_DEGRADED)
		add_steps(report, c, body);
}

/* --- who talks to whom --- */

static void add_end(struct text *t, const struct endpoint *end)
{
	char room[ADDRESS_TEXT];

	text_addf(t, end->address.family == 6 ? "[%s]:%u" : "%s:%u", address_text(&end->address, room), end->port);
}

/* "mail.example.net:143 (198.51.100.7)", or the name that a look-up asked for and whom it asked. */
static void add_server(const struct report *report, const struct report_case *c, struct text *t)
{
	const struct session_summary *s = c->session;
	const char *name = s->is_lookup ? case_text(report, c, FACT_DNS_NAME) : s->server_name;
	char room[ADDRESS_TEXT];

	if (!name || !name[0]) {
		name = s->server_name;
		if (!name || !name[0]) {
			add_end(t, &s->server);
			return;
		}
	}
	text_add_wire(t, bytes_of_text(name), 200);
	if (!s->is_lookup)
		text_addf(t, ":%u", s->server.port);
	text_addf(t, " (%s%s)", s->is_lookup ? "DNS " : "", address_text(&s->server.address, room));
}

/* --- taking in --- */

static struct block_key key_of(const struct report *report, const struct report_case *c)
{
	struct block_key key;

	memset(&key, 0, sizeof key); /* its padding too: keys compare as memory */
	key.client = c->session->client.address;
	key.server = c->session->server;
	key.mechanism = c->verdict->rule->mechanism;
	/* Look-ups of one resolver differ by the name asked for; its number of `texts` may come to mean another text. */
	const char *name = c->session->is_lookup ? case_text(report, c, FACT_DNS_NAME) : NULL;
	if (name)
		key.name = hash_bytes((struct hash_key){ 0, 0 }, name, strlen(name));
	return key;
}

static void write_block(const struct report *report, struct block *b, const struct report_case *c)
{
	struct lines body = { 0 };
	char room[320];
	struct text t = TEXT_IN(room);

	add_end(&t, &c->session->client);
	text_add(&t, " → ");
	size_t client_len = t.len;
	add_server(report, c, &t);
	add_body(report, c, &body);
	block_fill(b, room, client_len, &body);
	b->start = c->session->start;
	b->duration = c->session->end - c->session->start;
	b->file = c->session->first.file;
	blocks_saw_file(report->blocks, b->file);
	lines_drop(&body);
}

void text_session(struct report *report, const struct report_case *c)
{
	enum rank rank = rank_of(c->verdict->rule);
	struct block_key key = key_of(report, c);
	bool is_new = false;

	if (c->revises)
		blocks_withdraw(report->blocks, c->revises);
	if (rank == RANK_HEALTHY && !report->options.verbose)
		return;
	struct block *b = blocks_take(report->blocks, &key, rank, &is_new);
	if (!b)
		return;
	b->count++;
	if (c->session->incident)
		b->incident = c->session->incident;
	snprintf(b->id, sizeof b->id, "%s", c->id);
	if (!is_new)
		return;
	write_block(report, b, c);
	/* An incident's line stands for its sessions; they are summed up at the end. */
	if (report->options.live && (report->options.verbose || !b->incident)) {
		blocks_print_one(report, b);
		b->came = true;
	}
}

void text_incident(struct report *report, const struct incident_told *told)
{
	struct lines lines = { 0 };

	if (!told->part_of)
		text_incident_lines(report, told, &lines);
	if (report->options.live && lines.text && !lines.failed)
		report_put(report, lines.text, lines.len);
	else if (!report->options.live)
		blocks_incident(report->blocks, told->id, &lines);
	lines_drop(&lines);
}

void text_attempts(struct report *report, const struct report_attempts *a)
{
	blocks_attempts(report->blocks, a);
}

/* --- the end --- */

static const char *grouped(uint64_t number, char *into, size_t room)
{
	char plain[24];
	int len = snprintf(plain, sizeof plain, "%llu", (unsigned long long)number);
	struct text t = { .start = into, .room = room };

	into[0] = '\0';
	for (int i = 0; i < len; i++)
		text_addf(&t, "%s%c", i && (len - i) % 3 == 0 ? "," : "", plain[i]);
	return into;
}

static void add_sessions(const struct words *w, const struct report_sessions *s, struct text *t)
{
	const struct {
		uint64_t count;
		const char *word;
	} counts[] = { { s->degraded, w->degraded }, { s->inconclusive, w->inconclusive }, { s->healthy, w->healthy }, { s->probes, w->probes } };
	char room[32];

	if (!(s->failed | s->degraded | s->inconclusive | s->healthy | s->probes)) {
		text_add(t, w->no_sessions);
		return;
	}
	text_addf(t, "%s %s", grouped(s->failed, room, sizeof room), s->failed == 1 ? w->one_failed : w->failed);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i].count)
			text_addf(t, "%s%s %s", w->comma, grouped(counts[i].count, room, sizeof room), counts[i].word);
}

static void add_packets(const struct words *w, const struct report_stats *s, struct text *t)
{
	uint64_t dropped = s->capture_dropped + s->interface_dropped;
	char room[32];

	text_addf(t, "%s %s %.2f %s%s", grouped(s->packets, room, sizeof room), w->packets, s->seconds, w->seconds, w->comma);
	if (dropped)
		text_addf(t, "%s %s", grouped(dropped, room, sizeof room), w->dropped);
	else
		text_add(t, w->none_dropped);
	if (s->malformed)
		text_addf(t, "%s%s %s", w->comma, grouped(s->malformed, room, sizeof room), w->malformed);
}

static void add_summary(const struct report *report, const struct report_stats *s, struct lines *out)
{
	const struct words *w = words_of(report->options.language);
	char left[256], right[256];
	struct text l = TEXT_IN(left), r = TEXT_IN(right);
	unsigned width = block_width(report);

	add_sessions(w, &s->chosen, &l);
	add_packets(w, s, &r);
	unsigned used = lines_columns(left, l.len) + lines_columns(right, r.len);
	if (used + 2 <= width && w->left_to_right)
		lines_putf(out, "%s%*s%s\n", left, (int)(width - used), "", right);
	else {
		lines_wrap(out, "", 2, left, width);
		lines_wrap(out, "", 2, right, width);
	}
	if (s->facts_lost + s->texts_lost) {
		snprintf(left, sizeof left, "%s: %s", w->lost, grouped(s->facts_lost + s->texts_lost, right, sizeof right));
		lines_wrap(out, "", 2, left, width);
	}
}

/* `-o none`: the counters alone, one a line. */
static void add_counters(const struct report_stats *s, struct lines *out)
{
	uint64_t forgotten = 0;

	for (int kind = 0; kind < FORGOTTEN_KINDS; kind++)
		forgotten += s->forgotten[kind];
	const struct {
		const char *name;
		uint64_t count;
	} counters[] = {
		{ "packets skipped", s->skipped }, { "packets malformed", s->malformed }, { "packets duplicate", s->duplicates },
		{ "packets cut short", s->cut }, { "fragments dropped", s->fragments_dropped }, { "packets with too many tunnels", s->too_deep },
		{ "capture files broken", s->files_broken }, { "pcapng blocks skipped", s->blocks_skipped }, { "times the interface vanished", s->interface_lost }, { "flows tracked", s->flows_tracked }, { "attempts evicted", s->evicted_attempts },
		{ "settled sessions evicted", s->evicted_settled }, { "sessions evicted before login", s->evicted_prelogin },
		{ "logged-in sessions evicted", s->evicted_loggedin }, { "stream gaps", s->gaps }, { "stream bytes lost", s->bytes_lost },
		{ "streams capped", s->capped }, { "records of others forgotten", forgotten },
		{ "memory, bytes", s->memory_bytes }, { "rules loaded", s->rules_loaded },
		{ "verdicts by a rule", s->rules_matched },
	};
	char room[32];

	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
		lines_putf(out, "%-32s%16s\n", counters[i].name, grouped(counters[i].count, room, sizeof room));
}

static void put_lines(struct report *report, struct lines *out)
{
	if (out->failed)
		report->lost++;
	else
		report_put(report, out->text, out->len);
	lines_drop(out);
}

void text_counts(struct report *report, const struct report_stats *stats)
{
	struct lines out = { 0 };

	add_counters(stats, &out);
	add_summary(report, stats, &out);
	put_lines(report, &out);
}

void text_finish(struct report *report, const struct report_stats *stats)
{
	struct lines out = { 0 };

	if (report->options.output == OUTPUT_TEXT)
		blocks_print(report);
	else
		add_counters(stats, &out);
	add_summary(report, stats, &out);
	put_lines(report, &out);
}
