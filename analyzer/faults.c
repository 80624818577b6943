/* From a verdict to the fault that it counts for. */
#include "faults.h"

static bool is(const char *word, const char *wanted)
{
	return word && strcmp(word, wanted) == 0;
}

static enum fault_kind kind_of(const struct rule *rule)
{
	return is(rule->class, "auth_failure")    ? FAULT_LOGIN
	       : is(rule->class, "tls_failure")   ? FAULT_TLS
	       : is(rule->class, "name_resolution") ? FAULT_NAME
						    : FAULT_SERVICE;
}

/* Silence that a middlebox is blamed for, because the server answered others: where it did so before the trouble alone, it may be gone. */
static bool is_silence(const struct rule *rule)
{
	static const char *const silences[] = { "syn_dropped", "content_dropped", "state_expired", NULL };

	return list_number(silences, rule->mechanism) >= 0;
}

static bool fault_of(const struct rule *rule, struct fault *into)
{
	enum fault_kind kind = kind_of(rule);

	if (rule->outcome != OUTCOME_FAILED)
		return false;
	/* A client's own fault is no incident, but for logins refused again and again, certificates, and names that are gone. */
	if (is(rule->culprit, "client") && kind == FAULT_SERVICE)
		return false;
	*into = (struct fault){ .class = rule->class, .mechanism = rule->mechanism, .cause = rule->cause, .rule = rule, .kind = kind };
	into->of_device = is(rule->mechanism, "client_banned");
	into->of_network = !into->of_device && (is(rule->culprit, "middlebox") || (kind == FAULT_NAME && is(rule->culprit, "network")));
	into->swallowed = into->of_network && is_silence(rule);
	into->of_server = is(rule->culprit, "server");
	return true;
}

uint64_t faults_tell(struct incidents *incidents, const struct session_summary *s, const struct trouble *t)
{
	struct incident_session session = { .client = s->client, .server = s->server, .name = s->server_name, .began = t->began, .at = s->end,
					    .proof = t->proof, .session = t->id, .user = s->user_hash, .user_name = s->user };
	struct fault fault;

	if (!fault_of(t->rule, &fault))
		return 0;
	fault.of_network = fault.of_network && (t->lived || !fault.swallowed);
	/* A name that is gone is the fault of no resolver, a resolver's that of no name. */
	if (s->is_lookup && (is(t->rule->mechanism, "nxdomain") || is(t->rule->mechanism, "no_address")))
		session.server.port = 0;
	else if (s->is_lookup)
		session.name = NULL;
	return incidents_hit(incidents, &session, &fault);
}
