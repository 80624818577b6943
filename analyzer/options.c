/* Reads the command line into options, every mistake with what to do. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "problems.h"

/* Fits 24 lines of 80 columns. */
const char options_help[] =
	"imapwhy says why an IMAP server did not respond, from captured packets.\n"
	"  imapwhy [options] CAPTURE...      pcap or pcapng, also compressed; -: stdin\n"
	"  imapwhy [options] -i INTERFACE    capture\n"
	"  imapwhy explain CAPTURE... | rules check | rules list | facts\n"
	"Output  -o, --output text|json|none    default: text on a terminal, else json\n"
	"        -w, --write FILE|syslog        instead of standard output\n"
	"            --save-evidence FILE       the frames that verdicts cite, as pcapng\n"
	"        -v, --verbose                  healthy sessions (POP3 too), all proofs\n"
	"            --lang en|ar   --usernames hash|mask|clear|off   --user-key FILE\n"
	"            --community-seed N         --interval SECONDS    between counts\n"
	"Choice      --only OUTCOME,...         failed, degraded, inconclusive, healthy\n"
	"            --client ADDR|NET   --server ADDR|NET|NAME   --user NAME\n"
	"            --since TIME   --until TIME    09:00, 2026-11-24T09:00:00Z, epoch\n"
	"Reading -p, --port PORT                a further mail port (repeatable)\n"
	"            --merge   --separate       files are one recording, or each its own\n"
	"            --memory SIZE   --rules DIR   --seed N   --keylog FILE: TLS secrets\n"
	"Live    -f, --filter FILTER            as man pcap-filter says\n"
	"            --snap BYTES   --buffer SIZE   --no-promiscuous   --run-as USER\n"
	"        -h, --help   -V, --version     everything else: man imapwhy\n"
	"Exit status: 0 analysed, 1 not read or written to the end, 2 bad usage.\n";

#define INTERVAL (60 * SECOND) /* live */

enum { LONG_ONLY = 256, LONG_CLIENT, LONG_SERVER, LONG_USER, LONG_SINCE, LONG_UNTIL, LONG_MERGE, LONG_SEPARATE, LONG_MEMORY, LONG_RULES,
       LONG_USERNAMES, LONG_LANGUAGE, LONG_COMMUNITY, LONG_SEED, LONG_SNAP, LONG_BUFFER, LONG_PROMISCUOUS, LONG_USER_RUN, LONG_USER_KEY, LONG_KEYLOG,
       LONG_EVIDENCE, LONG_INTERVAL };

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },	     { "write", required_argument, NULL, 'w' },
	{ "verbose", no_argument, NULL, 'v' },		     { "port", required_argument, NULL, 'p' },
	{ "only", required_argument, NULL, LONG_ONLY },	     { "client", required_argument, NULL, LONG_CLIENT },
	{ "server", required_argument, NULL, LONG_SERVER },  { "user", required_argument, NULL, LONG_USER },
	{ "since", required_argument, NULL, LONG_SINCE },    { "until", required_argument, NULL, LONG_UNTIL },
	{ "merge", no_argument, NULL, LONG_MERGE },	     { "separate", no_argument, NULL, LONG_SEPARATE },
	{ "memory", required_argument, NULL, LONG_MEMORY },  { "rules", required_argument, NULL, LONG_RULES },
	{ "usernames", required_argument, NULL, LONG_USERNAMES }, { "lang", required_argument, NULL, LONG_LANGUAGE },
	{ "community-seed", required_argument, NULL, LONG_COMMUNITY }, { "seed", required_argument, NULL, LONG_SEED },
	{ "interface", required_argument, NULL, 'i' },	     { "filter", required_argument, NULL, 'f' },
	{ "snap", required_argument, NULL, LONG_SNAP },	     { "buffer", required_argument, NULL, LONG_BUFFER },
	{ "no-promiscuous", no_argument, NULL, LONG_PROMISCUOUS }, { "run-as", required_argument, NULL, LONG_USER_RUN },
	{ "user-key", required_argument, NULL, LONG_USER_KEY }, { "keylog", required_argument, NULL, LONG_KEYLOG },
	{ "save-evidence", required_argument, NULL, LONG_EVIDENCE }, { "interval", required_argument, NULL, LONG_INTERVAL },
	{ "help", no_argument, NULL, 'h' },		     { "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char *option_name(const void *vocabulary, int i)
{
	(void)vocabulary;
	return long_options[i].name;
}

/* What is wrong with the option that getopt gave up on. */
static bool bad_option(int result, const char *text, struct error *error)
{
	char word[64], hint[HINT_ROOM] = "";

	if (result == ':')
		return error_set(error, "%s needs a value; see imapwhy --help", text);
	snprintf(word, sizeof word, "%s", text + strspn(text, "-"));
	word[strcspn(word, "=")] = '\0';
	if (strncmp(text, "--", 2) == 0)
		nearest_hint(word, option_name, NULL, hint);
	return error_set(error, "%.60s is no option of imapwhy, or not the whole of one%s; see imapwhy --help", text, hint);
}

static bool number(const char *text, uint64_t most, uint64_t *into)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	unsigned long long n = strtoull(text, &end, 0);
	uint64_t unit = *end == 'K' || *end == 'k' ? 1024 : *end == 'M' || *end == 'm' ? 1048576 : *end == 'G' || *end == 'g' ? 1073741824 : 1;
	if (unit > 1)
		end++;
	if (*end || n > most / unit)
		return false;
	*into = n * unit;
	return true;
}

static bool take_outcomes(const char *list, unsigned *into, struct error *error)
{
	char copy[128];

	if ((size_t)snprintf(copy, sizeof copy, "%s", list) >= sizeof copy)
		return error_set(error, "--only: list too long");
	for (char *rest = copy, *word; (word = strsep(&rest, ",")) != NULL;) {
		int n = list_number(outcomes, word);
		if (n < 0)
			return error_set(error, "--only %s: outcomes are healthy, failed, degraded and inconclusive", word);
		*into |= 1u << n;
	}
	return true;
}

static bool net(const char *text, struct address *address, int *bits)
{
	char copy[64];
	uint64_t n;

	if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
		return false;
	char *slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (!address_parse(copy, address))
		return false;
	int most = address->family == 4 ? 32 : 128;
	*bits = most;
	if (!slash)
		return true;
	if (!number(slash + 1, (uint64_t)most, &n))
		return false;
	*bits = (int)n;
	return true;
}

static bool time_of(const char *text, nanoseconds *into)
{
	struct tm tm = { 0 };
	uint64_t seconds;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!end)
		end = strptime(text, "%Y-%m-%dT%H:%M", &tm);
	if (end && (*end == '\0' || strcmp(end, "Z") == 0)) {
		tm.tm_isdst = -1;
		*into = (nanoseconds)(*end ? timegm(&tm) : mktime(&tm)) * SECOND;
		return true;
	}
	if (number(text, 4102444800u, &seconds)) {
		*into = (nanoseconds)seconds * SECOND;
		return true;
	}
	time_t now = time(NULL);
	localtime_r(&now, &tm);
	tm.tm_sec = 0;
	end = strptime(text, "%H:%M", &tm);
	if (!end || *end)
		return false;
	*into = (nanoseconds)mktime(&tm) * SECOND;
	return true;
}

static bool wrong(struct error *error, const char *option, const char *value, const char *wanted)
{
	return error_set(error, "%s %s: wanted is %s", option, value, wanted);
}

static bool take_output(struct options *o, const char *value, struct error *error)
{
	static const char *const words[] = { "text", "json", "none", NULL };
	int n = list_number(words, value);

	if (n < 0)
		return wrong(error, "--output", value, "json, text or none");
	o->report.output = (unsigned)n;
	o->output_given = true;
	return true;
}

static bool take_server(struct options *o, const char *value)
{
	if (!net(value, &o->analysis.server, &o->analysis.server_bits))
		o->analysis.server_name = value;
	return true;
}

/* Numbers, by their option, and what they may be. */
static const struct number_option {
	int option;
	uint64_t least, most;
	const char *name, *wanted;
} number_options[] = {
	{ 'p', 1, UINT16_MAX, "--port", "a port from 1 to 65535" },
	{ LONG_MEMORY, 8u << 20, (uint64_t)1 << 46, "--memory", "a size of at least 8M, such as 256M or 1G" },
	{ LONG_COMMUNITY, 0, UINT16_MAX, "--community-seed", "a number from 0 to 65535" },
	{ LONG_SEED, 0, INT64_MAX, "--seed", "a number" },
	{ LONG_SNAP, 0, INT32_MAX, "--snap", "a number of bytes" },
	{ LONG_BUFFER, 0, INT32_MAX, "--buffer", "a size of at most 2G, such as 64M" },
};

static bool take_number(int option, struct options *o, const char *value, struct error *error)
{
	const struct number_option *of = NULL;
	uint64_t n;

	for (size_t i = 0; i < sizeof number_options / sizeof *number_options; i++)
		if (number_options[i].option == option)
			of = &number_options[i];
	if (!of)
		abort(); /* an option of the table above that nobody reads */
	if (!number(value, of->most, &n) || n < of->least)
		return wrong(error, of->name, value, of->wanted);
	switch (option) {
	case 'p':
		if (o->analysis.port_count == PORTS_MOST)
			return error_set(error, "--port: at most %d ports", PORTS_MOST);
		o->analysis.ports[o->analysis.port_count++] = (uint16_t)n;
		break;
	case LONG_MEMORY: o->analysis.memory = n; break;
	case LONG_COMMUNITY: o->report.community_seed = (uint16_t)n; break;
	case LONG_SEED:
		o->analysis.seed = n;
		o->seed_given = true;
		break;
	case LONG_SNAP: o->source.snap_length = (int)n; break;
	case LONG_BUFFER: o->source.buffer_bytes = (int)n; break;
	}
	return true;
}

/* A day at the most. */
static bool seconds_of(const char *text, nanoseconds *into)
{
	uint64_t n;

	if (!number(text, 86400, &n))
		return false;
	*into = (nanoseconds)n * SECOND;
	return true;
}

static bool take(int option, struct options *o, const char *value, struct error *error)
{
	static const char *const modes[] = { "hash", "mask", "clear", "off", NULL };
	int n;

	switch (option) {
	case 'o': return take_output(o, value, error);
	case 'w': o->output_file = value; return true;
	case 'v': o->report.verbose = o->analysis.companions = true; return true;
	case 'i': o->interface = value; return true;
	case 'f': o->source.filter = value; return true;
	case 'h': o->task = TASK_HELP; return true;
	case 'V': o->task = TASK_VERSION; return true;
	case LONG_ONLY: return take_outcomes(value, &o->analysis.outcomes, error);
	case LONG_CLIENT:
		return net(value, &o->analysis.client, &o->analysis.client_bits) ||
		       wrong(error, "--client", value, "an address or network such as 10.1.4.0/24");
	case LONG_SERVER: return take_server(o, value);
	case LONG_USER: o->analysis.user = value; return true;
	case LONG_SINCE: return time_of(value, &o->analysis.since) || wrong(error, "--since", value, "2026-11-24T09:00:00Z or 09:00");
	case LONG_UNTIL: return time_of(value, &o->analysis.until) || wrong(error, "--until", value, "2026-11-24T09:00:00Z or 09:00");
	case LONG_MERGE: o->source.files = FILES_MERGE; return true;
	case LONG_SEPARATE: o->source.files = FILES_SEPARATE; return true;
	case LONG_RULES: o->rules = value; return true;
	case LONG_USERNAMES:
		if ((n = list_number(modes, value)) < 0)
			return wrong(error, "--usernames", value, "hash, mask, clear or off");
		o->report.usernames = (enum usernames)n;
		o->analysis.users.clear = n == USERNAMES_CLEAR;
		return true;
	case LONG_LANGUAGE:
		if (list_number(languages, value) < 0)
			return wrong(error, "--lang", value, "en or ar");
		o->report.language = value;
		return true;
	case LONG_PROMISCUOUS: o->source.no_promiscuous = true; return true;
	case LONG_USER_KEY: o->user_key = value; return true;
	case LONG_KEYLOG: o->keylog = value; return true;
	case LONG_EVIDENCE: o->evidence_file = value; return true;
	case LONG_INTERVAL:
		o->interval_given = true;
		return seconds_of(value, &o->interval) || wrong(error, "--interval", value, "a number of seconds (0: at the end alone)");
	case LONG_USER_RUN: o->source.user = value; return true;
	default: return take_number(option, o, value, error); /* all others are numbers */
	}
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* Leading words that are no captures. Returns how many were taken. */
static int take_task(struct options *o, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "explain") == 0) {
		o->task = TASK_EXPLAIN;
		return 1;
	}
	if (argc > 1 && strcmp(argv[1], "facts") == 0) {
		o->task = TASK_FACTS;
		return 1;
	}
	if (argc > 2 && strcmp(argv[1], "rules") == 0 && (strcmp(argv[2], "check") == 0 || strcmp(argv[2], "list") == 0)) {
		o->task = argv[2][0] == 'c' ? TASK_RULES_CHECK : TASK_RULES_LIST;
		return 2;
	}
	return 0;
}

bool options_read(struct options *o, int argc, char **argv, struct error *error)
{
	*o = (struct options){ .analysis.memory = 256u << 20, .report.language = "en", .report.width = 80 };
	int words = take_task(o, argc, argv), option;

	argc -= words;
	argv += words;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":o:w:vp:i:f:hV", long_options, NULL)) != -1) {
		if (option == ':' || option == '?')
			return bad_option(option, argv[optind - 1], error);
		if (!take(option, o, optarg, error))
			return false;
	}
	o->captures = (const char *const *)argv + optind;
	o->capture_count = argc - optind;
	if (words == 0 && o->capture_count && strcmp(o->captures[0], "rules") == 0 && !is_file("rules"))
		return error_set(error, "rules: wanted is `imapwhy rules check` or `imapwhy rules list`");
	if ((o->task == TASK_ANALYSE || o->task == TASK_EXPLAIN) && !o->interface && o->capture_count == 0)
		return error_set(error, "nothing to read: name capture files, - for standard input, or -i INTERFACE; see imapwhy --help");
	if (o->interface && !o->interval_given)
		o->interval = INTERVAL;
	if (o->interface && o->capture_count)
		return error_set(error, "-i %s and capture files exclude each other", o->interface);
	return true;
}
