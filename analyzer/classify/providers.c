/* Well-known providers: read from providers.yaml, found by host, by domain, or by a name that is nearly one of theirs. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loaded.h"

#define PROVIDERS_MOST 1024
#define LONGEST_NAME 128
/* Shorter names lie near to too many. */
#define SHORTEST_NEAR 8
#define NEAR 2

static void read_port(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	const char *text = document_text(d, n, word);
	char *end;
	unsigned long port = text ? strtoul(text, &end, 10) : 0;

	if (text && (*end || port == 0 || port > 65535))
		document_problem(d, n, "port `%.20s`: a number from 1 to 65535 is expected", text);
	else
		*(uint16_t *)into = (uint16_t)port;
}

static const struct key server_keys[] = {
	{ "host", true, key_text, offsetof(struct provider_server, host) },
	{ "port", true, read_port, offsetof(struct provider_server, port) },
	{ "security", true, key_text, offsetof(struct provider_server, security) },
	{ NULL, false, NULL, 0 }
};

static void read_servers(struct document *d, yaml_node_t *n, const char *word, struct provider *p, enum provider_service service)
{
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, word, false, &items))
		return;
	while ((item = items_next(d, &items))) {
		struct provider_server server = { .service = service };
		document_read(d, item, "server", server_keys, &server);
		if (p->servers >= PROVIDER_MOST_SERVERS)
			document_problem(d, item, "more than %d servers of a provider", PROVIDER_MOST_SERVERS);
		else if (server.host && server.port && server.security)
			p->server[p->servers++] = server;
	}
}

#define SERVERS_READER(key, service) \
	static void read_##key(struct document *d, yaml_node_t *n, const char *word, void *into) \
	{ \
		read_servers(d, n, word, into, service); \
	}
SERVERS_READER(imap, PROVIDER_IMAP)
SERVERS_READER(pop3, PROVIDER_POP3)
SERVERS_READER(smtp, PROVIDER_SUBMISSION)

static void read_words(struct document *d, yaml_node_t *n, const char *word, const char **list, int most, int *count)
{
	struct items items;
	yaml_node_t *item;

	if (!document_items(d, n, word, true, &items))
		return;
	while ((item = items_next(d, &items))) {
		const char *text = document_text(d, item, word);
		if (*count >= most)
			document_problem(d, item, "%s: more than %d", word, most);
		else if (text)
			list[(*count)++] = text;
	}
}

static void read_domains(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct provider *p = into;
	read_words(d, n, word, p->domain, PROVIDER_MOST_DOMAINS, &p->domains);
}

static void read_login(struct document *d, yaml_node_t *n, const char *word, void *into)
{
	struct provider *p = into;
	read_words(d, n, word, p->login, PROVIDER_MOST_LOGINS, &p->logins);
}

void load_providers(struct rules *r, struct document *d)
{
	static const struct key keys[] = {
		{ "name", true, key_text, offsetof(struct provider, name) }, { "domains", false, read_domains, 0 },
		{ "imap", false, read_imap, 0 },   { "pop3", false, read_pop3, 0 }, { "smtp", false, read_smtp, 0 },
		{ "login", false, read_login, 0 }, { "note", false, key_note, 0 },  { NULL, false, NULL, 0 }
	};
	yaml_node_t *root = document_root(d), *item;
	struct items items;

	if (!root || !document_items(d, root, "providers", false, &items))
		return;
	while ((item = items_next(d, &items))) {
		struct provider p = { 0 };
		struct provider *list = r->provider_count < PROVIDERS_MOST ? rules_grow(r->providers, r->provider_count, &r->provider_room, sizeof p) : NULL;
		document_read(d, item, "provider", keys, &p);
		if (!list) {
			document_problem(d, item, "no room for another provider");
			return;
		}
		r->providers = list;
		list[r->provider_count++] = p;
	}
}

/* --- finding --- */

const struct provider *rules_provider(const struct rules *r, const char *host, const struct provider_server **server)
{
	for (int i = 0; host && i < r->provider_count; i++)
		for (int j = 0; j < r->providers[i].servers; j++)
			if (strcasecmp(r->providers[i].server[j].host, host) == 0) {
				*server = &r->providers[i].server[j];
				return &r->providers[i];
			}
	return NULL;
}

static bool within(const char *host, const char *domain)
{
	size_t h = strlen(host), n = strlen(domain);

	return h >= n && strcasecmp(host + h - n, domain) == 0 && (h == n || host[h - n - 1] == '.');
}

const struct provider *rules_provider_of_domain(const struct rules *r, const char *host)
{
	for (int i = 0; host && i < r->provider_count; i++)
		for (int j = 0; j < r->providers[i].domains; j++)
			if (within(host, r->providers[i].domain[j]))
				return &r->providers[i];
	return NULL;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Letters added, left out, wrong, or two exchanged (Damerau), as far as `NEAR`; more is NEAR + 1. */
static int distance(const char *a, const char *b)
{
	int la = (int)strlen(a), lb = (int)strlen(b), rows[3][LONGEST_NAME + 1];

	if (la >= LONGEST_NAME || lb >= LONGEST_NAME || abs(la - lb) > NEAR)
		return NEAR + 1;
	for (int j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (int i = 1; i <= la; i++) {
		int *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		row[0] = i;
		for (int j = 1; j <= lb; j++) {
			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const struct provider *rules_provider_near(const struct rules *r, const char *name, const struct provider_server **server)
{
	const struct provider *best = NULL;
	int nearest = NEAR + 1;

	if (!name || strlen(name) < SHORTEST_NEAR)
		return NULL;
	for (int i = 0; i < r->provider_count; i++)
		for (int j = 0; j < r->providers[i].servers; j++) {
			int far = distance(name, r->providers[i].server[j].host);
			if (far > 0 && far < nearest) {
				nearest = far;
				best = &r->providers[i];
				*server = &r->providers[i].server[j];
			}
		}
	return best;
}
