/* The documents that count: single attempts at a server, and the statistics of a run. */
#include "parts.h"

struct json_object *json_counted(const char *dataset, const char *kind, const char *type, nanoseconds now, nanoseconds first, nanoseconds last)
{
	struct json_object *document = json_new(), *event;

	put_time(document, "@timestamp", now);
	event = put_object(document, "event");
	put_word(event, "dataset", dataset);
	put_word(event, "kind", kind);
	list_word(put_list(event, "category", 1), "network");
	list_word(put_list(event, "type", 1), type);
	if (last) {
		put_number(event, "duration", last - first);
		put_time(event, "start", first);
		put_time(event, "end", last);
	}
	put_word(put_object(document, "ecs"), "version", "8.11.0");
	return document;
}

void json_finish(struct report *report, struct json_object *document)
{
	if (json_line(document, &report->line))
		report_put(report, report->line.text, report->line.len);
	else
		report->lost++;
	json_drop(&document);
}

static void put_moment(const struct report *report, const char *key, const struct moment *at, struct json_object *into)
{
	struct json_object *o = put_object(into, key);

	uint32_t frame;
	const char *file = report_place(report, at, &frame);

	if (file) {
		put_text(o, "file", file, 120);
		put_count(o, "frame", frame);
	}
	put_time(o, "time", at->time);
}

void json_attempts(struct report *report, const struct report_attempts *a, nanoseconds now)
{
	struct json_object *document = json_counted("imapwhy.attempts", "event", "connection", now, a->first.time, a->last.time), *attempts;
	char message[200], address[ADDRESS_TEXT];

	snprintf(message, sizeof message, "%llu single connection attempts from about %llu sources to %s port %u were neither answered nor repeated.",
		 (unsigned long long)a->count, (unsigned long long)a->sources, address_text(&a->server.address, address), a->server.port);
	put_word(document, "message", message);
	json_end("destination", document, &a->server);
	json_observer(report, document, a->first.file);
	attempts = put_object(put_object(document, "imapwhy"), "attempts");
	json_end("server", attempts, &a->server);
	put_number(attempts, "count", (int64_t)a->count);
	put_number(attempts, "sources", (int64_t)a->sources);
	put_moment(report, "first", &a->first, attempts);
	put_moment(report, "last", &a->last, attempts);
	json_finish(report, document);
}

/* --- statistics --- */

struct counter {
	const char *key;
	uint64_t count;
};

static void put_counters(struct json_object *into, const char *key, const struct counter *list, size_t count)
{
	struct json_object *o = put_object(into, key);

	for (size_t i = 0; i < count; i++)
		put_number(o, list[i].key, (int64_t)list[i].count);
}
#define PUT_COUNTERS(into, key, ...)                                                                  \
	put_counters(into, key, (const struct counter[]){ __VA_ARGS__ },                              \
		     sizeof((const struct counter[]){ __VA_ARGS__ }) / sizeof(struct counter))

static void put_flows(const struct report_stats *s, struct json_object *stats)
{
	struct json_object *flows = put_object(stats, "flows");

	put_number(flows, "tracked", (int64_t)s->flows_tracked);
	put_number(flows, "now", (int64_t)s->flows_now);
	PUT_COUNTERS(flows, "evicted", { "attempts", s->evicted_attempts }, { "settled", s->evicted_settled },
		     { "prelogin", s->evicted_prelogin }, { "loggedin", s->evicted_loggedin });
}

static void put_forgotten(const struct report_stats *s, struct json_object *stats)
{
	static const char *const keys[] = {
		[FORGOTTEN_HOSTS] = "hosts", [FORGOTTEN_PASSING] = "passing", [FORGOTTEN_WATCHED] = "watched", [FORGOTTEN_FAMILIES] = "families",
		[FORGOTTEN_BEHIND] = "behind", [FORGOTTEN_RACES] = "races", [FORGOTTEN_DEVICES] = "devices", [FORGOTTEN_LOGINS] = "logins",
		[FORGOTTEN_SERVICES] = "services", [FORGOTTEN_TIMERS] = "timers", [FORGOTTEN_ANSWERS] = "answers",
		[FORGOTTEN_CERTIFICATES] = "certificates", [FORGOTTEN_INCIDENTS] = "incidents", [FORGOTTEN_LOOKUPS] = "lookups",
		[FORGOTTEN_NAMES] = "names", [FORGOTTEN_ATTEMPTS] = "attempts",
	};
	_Static_assert(sizeof keys / sizeof *keys == FORGOTTEN_KINDS, "a key for each");
	struct json_object *forgotten = put_object(stats, "forgotten");

	for (int kind = 0; kind < FORGOTTEN_KINDS; kind++)
		put_number(forgotten, keys[kind], (int64_t)s->forgotten[kind]);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void put_stats(const struct report *report, const struct report_stats *s, struct json_object *stats)
{
	PUT_COUNTERS(stats, "packets", { "read", s->packets }, { "skipped", s->skipped }, { "malformed", s->malformed },
		     { "duplicate", s->duplicates }, { "cut", s->cut }, { "fragments_dropped", s->fragments_dropped }, { "too_deep", s->too_deep });
	if (!report->options.live)
		PUT_COUNTERS(stats, "files", { "broken", s->files_broken }, { "blocks_skipped", s->blocks_skipped });
	if (report->options.live)
		PUT_COUNTERS(stats, "capture", { "received", s->capture_received }, { "dropped_by_kernel", s->capture_dropped },
			     { "dropped_by_interface", s->interface_dropped },
			     { "interface_lost", s->interface_lost });
	put_flows(s, stats);
	put_forgotten(s, stats);
	put_number(stats, "memory_bytes", (int64_t)s->memory_bytes);
	PUT_COUNTERS(stats, "streams", { "gaps", s->gaps }, { "bytes_lost", s->bytes_lost }, { "capped", s->capped });
	/* The caller may carry documents elsewhere too; ours are counted where they are written. */
	PUT_COUNTERS(stats, "documents", { "written", larger(s->documents_written, report->written) },
		     { "lost", larger(s->documents_lost, report->lost) });
	PUT_COUNTERS(stats, "rules", { "loaded", s->rules_loaded }, { "matched", s->rules_matched });
	if (report->options.citing)
		PUT_COUNTERS(stats, "evidence", { "saved", s->evidence_saved }, { "lost", s->evidence_lost });
	PUT_COUNTERS(stats, "speakers", { "asked", s->speakers_asked }, { "told", s->speakers_told }, { "refused", s->speakers_refused });
	if (s->decryption.used)
		PUT_COUNTERS(stats, "decryption", { "sessions", s->decryption.sessions }, { "records", s->decryption.records },
			     { "bytes", s->decryption.bytes }, { "keys_missing", s->decryption.keys_missing },
			     { "keys_wrong", s->decryption.keys_wrong }, { "stopped", s->decryption.stopped },
			     { "unknown_suite", s->decryption.unknown_suite }, { "capped", s->decryption.capped },
			     { "secrets_evicted", s->decryption.evicted }, { "secrets_lost", s->decryption.secrets_lost });
	PUT_COUNTERS(stats, "sessions", { "healthy", s->all.healthy }, { "failed", s->all.failed }, { "degraded", s->all.degraded },
		     { "inconclusive", s->all.inconclusive }, { "probes", s->all.probes });
	PUT_COUNTERS(stats, "memory_refused", { "facts", s->facts_lost }, { "texts", s->texts_lost });
	put_thousandths(stats, "seconds", (int64_t)(s->seconds * 1000 + 0.5));
	put_text(stats, "source", s->source, 400);
}

void json_stats(struct report *report, const struct report_stats *s, nanoseconds now)
{
	struct json_object *document = json_counted("imapwhy.stats", "metric", "info", now, s->first, s->last);

	json_observer(report, document, 0);
	put_stats(report, s, put_object(put_object(document, "imapwhy"), "stats"));
	json_finish(report, document);
}
