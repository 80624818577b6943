/* The analysis counts itself: what was seen, skipped, dropped, evicted and lost. */
#include "analysis.h"
#include "decrypt.h"
#include "ndpi_adapter.h"

static void decryption_stats(struct analysis *a, const struct source_counters *c, struct report_stats *into)
{
	const struct decryptor_counts *n = decryptor_counts(a->decryptor);

	into->memory_bytes += decryptor_bytes(a->decryptor);
	into->decryption.used = true;
	into->decryption.sessions = n->sessions;
	into->decryption.records = n->records;
	into->decryption.bytes = n->bytes;
	into->decryption.keys_missing = n->missing;
	into->decryption.keys_wrong = n->wrong;
	into->decryption.stopped = n->stopped;
	into->decryption.unknown_suite = n->unknown;
	into->decryption.capped = n->capped;
	into->decryption.evicted = secrets_evicted(decryptor_secrets(a->decryptor));
	into->decryption.secrets_lost = c->secrets_lost;
}

uint64_t analysis_unknown_links(const struct analysis *a, struct moment *first, uint16_t *type)
{
	const struct decode_counters *d = decoder_counters(a->decoder);

	*first = d->unknown_at;
	*type = d->unknown_type;
	return d->unknown_link;
}

void analysis_stats(struct analysis *a, const struct source *source, struct report_stats *into)
{
	struct source_counters c;
	const struct decode_counters *d = decoder_counters(a->decoder);
	const struct tcp_counters *t = held_pool_counters(a->shared.held);
	const struct speaker_counters *n = speakers_counters(a->shared.speakers);

	source_counters((struct source *)source, &c);
	*into = (struct report_stats){
		.packets = a->packets, .skipped = a->skipped + d->not_ip + d->other_transport + d->unknown_link, .malformed = d->malformed,
		.fragments_dropped = d->fragments_dropped, .too_deep = d->too_deep, .files_broken = c.broken_files, .blocks_skipped = c.blocks_skipped,
		.interface_lost = c.interface_lost,
		.duplicates = a->duplicates, .cut = a->cut, .capture_received = c.kernel_received, .capture_dropped = c.kernel_dropped,
		.interface_dropped = c.interface_dropped, .flows_tracked = a->sessions, .flows_now = flow_count(a->flows),
		.evicted_attempts = attempts_evicted(a->attempts), .evicted_settled = flow_evicted(a->flows, RANK_SETTLED),
		.evicted_prelogin = flow_evicted(a->flows, RANK_BEFORE_LOGIN), .evicted_loggedin = flow_evicted(a->flows, RANK_LOGGED_IN),
		.memory_bytes = flow_bytes(a->flows) + attempts_bytes(a->attempts) + context_bytes(&a->context) + incidents_bytes(a->incidents) + lookups_bytes(a->lookups) +
				texts_bytes(a->shared.texts) + t->held_most + held_pool_spare(a->shared.held) + a->shared.tail_bytes + a->shared.tails.bytes + a->shared.session_bytes_most +
				speakers_bytes(a->shared.speakers),
		.gaps = t->gaps, .bytes_lost = t->lost_bytes, .capped = t->capped + a->shared.tails_capped,
		.rules_loaded = (uint64_t)rules_count(a->rules), .rules_matched = a->matched, .facts_lost = a->shared.facts_lost,
		.speakers_asked = n->asked, .speakers_told = n->told, .speakers_refused = n->refused,
		.texts_lost = texts_lost(a->shared.texts), .all = a->all, .chosen = a->chosen,
		.first = a->first, .last = a->last.time,
		.now = a->now > a->last.time ? a->now : a->last.time,
	};
	memcpy(into->forgotten, a->forgotten, sizeof into->forgotten);
	context_forgotten(&a->context, into->forgotten);
	into->forgotten[FORGOTTEN_INCIDENTS] += incidents_evicted(a->incidents);
	into->forgotten[FORGOTTEN_LOOKUPS] = lookups_evicted(a->lookups);
	into->forgotten[FORGOTTEN_NAMES] = lookups_names_evicted(a->lookups);
	into->forgotten[FORGOTTEN_ATTEMPTS] = attempts_uncounted(a->attempts);
	if (a->decryptor)
		decryption_stats(a, &c, into);
}
