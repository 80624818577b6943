/* The verdict vocabulary as a table; docs/verdicts.md says what each word means. */
#include "vocabulary.h"

#include <stddef.h>
#include <string.h>

#include "facts.h"

const struct mechanism mechanisms[] = {
	{ "reset", "connection_refused" },
	{ "reset", "reset_by_server" },
	{ "reset", "reset_by_client" },
	{ "reset", "reset_stale_connection" },
	{ "timeout", "connect_timeout" },
	{ "timeout", "handshake_incomplete" },
	{ "timeout", "host_unreachable" },
	{ "timeout", "tls_no_response" },
	{ "timeout", "greeting_timeout" },
	{ "timeout", "auth_timeout" },
	{ "timeout", "command_timeout" },
	{ "timeout", "peer_vanished" },
	{ "timeout", "client_vanished" },
	{ "timeout", "zero_window" },
	{ "timeout", "path_mtu_blackhole" },
	{ "firewall_block", "syn_dropped" },
	{ "firewall_block", "icmp_rejected" },
	{ "firewall_block", "reset_injected" },
	{ "firewall_block", "content_dropped" },
	{ "firewall_block", "state_expired" },
	{ "firewall_block", "client_banned" },
	{ "firewall_block", "tls_intercepted" },
	{ "firewall_block", "starttls_stripped" },
	{ "auth_failure", "invalid_credentials" },
	{ "auth_failure", "app_password_required" },
	{ "auth_failure", "account_action_required" },
	{ "auth_failure", "not_authorized" },
	{ "auth_failure", "plaintext_auth_disabled" },
	{ "auth_failure", "mechanism_unsupported" },
	{ "auth_failure", "oauth_token_rejected" },
	{ "auth_failure", "rejected_inside_tls" },
	{ "tls_failure", "version_mismatch" },
	{ "tls_failure", "no_shared_cipher" },
	{ "tls_failure", "certificate_rejected" },
	{ "tls_failure", "client_certificate_required" },
	{ "tls_failure", "unrecognized_name" },
	{ "tls_failure", "starttls_refused" },
	{ "tls_failure", "handshake_aborted" },
	{ "server_refusal", "connection_limit" },
	{ "server_refusal", "rate_limited" },
	{ "server_refusal", "temporarily_unavailable" },
	{ "server_refusal", "maintenance" },
	{ "server_refusal", "closed_without_greeting" },
	{ "server_refusal", "autologout" },
	{ "server_refusal", "mailbox_unavailable" },
	{ "server_refusal", "over_quota" },
	{ "server_refusal", "command_rejected" },
	{ "server_refusal", "closed_by_server" },
	{ "server_refusal", "access_denied" },
	{ "misconfiguration", "plaintext_to_tls_port" },
	{ "misconfiguration", "tls_to_plaintext_port" },
	{ "misconfiguration", "wrong_service" },
	{ "misconfiguration", "client_protocol_error" },
	{ "name_resolution", "nxdomain" },
	{ "name_resolution", "servfail" },
	{ "name_resolution", "refused" },
	{ "name_resolution", "no_address" },
	{ "name_resolution", "dns_timeout" },
	{ "name_resolution", "resolver_unreachable" },
	{ "degraded", "packet_loss" },
	{ "degraded", "high_latency" },
	{ "degraded", "slow_server" },
	{ "none", "success" },
	{ "none", "clean_close" },
	{ "none", "probe" },
	{ "none", "superseded" },
	{ "inconclusive", "midstream" },
	{ "inconclusive", "one_sided" },
	{ "inconclusive", "capture_loss" },
	{ "inconclusive", "too_short" },
	{ "inconclusive", "truncated" },
	{ NULL, NULL },
};

_Static_assert(sizeof mechanisms / sizeof *mechanisms <= MECHANISM_MOST, "tables by mechanism have room");

const char *const classes[] = { "reset", "timeout", "firewall_block", "auth_failure", "tls_failure", "server_refusal",
				"misconfiguration", "name_resolution", "degraded", "none", "inconclusive", NULL };
const char *const culprits[] = { "client", "server", "network", "middlebox", "unknown", NULL };
const char *const causes[] = { "account_settings", "weak_connection", "server_down", "firewall_antivirus", "mobile_sync", "mail_app",
			       NULL };
const char *const outcomes[OUTCOMES + 1] = { "healthy", "failed", "degraded", "inconclusive", NULL };
const char *const symptoms[] = { "not_syncing", "not_responding_popup", "slow_or_unreachable_inbox", "cannot_send_or_receive",
				 "password_prompts", NULL };
const char *const steps[STEP_COUNT + 1] = { "check_settings", "check_connection", "try_another_device", "restart_app_and_device",
					    "update_software", "check_firewall_antivirus", "readd_account", "contact_provider", NULL };
const char *const languages[LANGUAGE_COUNT + 1] = { "en", "ar", NULL };

int mechanism_number(const char *word)
{
	for (int i = 0; mechanisms[i].word; i++)
		if (strcmp(mechanisms[i].word, word) == 0)
			return i;
	return -1;
}

int list_number(const char *const *list, const char *word)
{
	for (int i = 0; list[i]; i++)
		if (strcmp(list[i], word) == 0)
			return i;
	return -1;
}

const char *word_of_mechanism(const void *unused, int n)
{
	(void)unused;
	return mechanisms[n].word;
}

const char *word_of_fact(const void *unused, int n)
{
	(void)unused;
	return n < FACT_COUNT ? fact_kinds[n].word : NULL;
}
