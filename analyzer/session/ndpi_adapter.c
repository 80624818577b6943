/* The only file that includes nDPI, and all that differs from its version 4.2 to 5.x. */
#include "ndpi_adapter.h"

#include <malloc.h>
#include <ndpi/ndpi_api.h>
#include <stdlib.h>

#include "text.h"

#define NDPI_VERSION (NDPI_MAJOR * 100 + NDPI_MINOR)

#define HEADERS 40u      /* IPv4 and TCP without options */
#define PIECE_MOST 1400u /* payload bytes shown as one packet */
#define PIECES_MOST 12   /* a flow that it does not know after so many is given up */
#define FLOWS_MOST 1024  /* shown at the same time */

struct speakers {
	struct ndpi_detection_module_struct *module; /* NULL: not started */
	bool broken;                                 /* it could not be started */
	unsigned flows;
	struct speaker_counters counters;
};

struct speaker {
	struct ndpi_flow_struct *flow;
	enum speaker_question question;
	enum word_speaker talks;
	uint32_t sent[2];
	uint8_t pieces;
};

/* --- its memory --- */

/* The library's hooks know no context: what it holds is counted for the whole process. */
static size_t held;

static void *counted(void *memory)
{
	held += memory ? malloc_usable_size(memory) : 0;
	return memory;
}

static void *counting_malloc(size_t size)
{
	return counted(malloc(size));
}

/* All that nDPI frees is wiped first: it copies user names, passwords, URLs. */
static void wiping_free(void *memory)
{
	if (!memory)
		return;
	size_t size = malloc_usable_size(memory);
	wipe(memory, size);
	held -= size < held ? size : held; /* it may have had some of it from elsewhere */
	free(memory);
}

/* --- what differs by version --- */

#if NDPI_VERSION >= 500
static void *counting_calloc(size_t count, size_t size)
{
	return counted(calloc(count, size));
}

static void *wiping_realloc(void *old, size_t size)
{
	void *larger = counting_malloc(size);
	size_t had = old ? malloc_usable_size(old) : 0;

	if (!larger)
		return NULL;
	if (had)
		memcpy(larger, old, had < size ? had : size);
	wiping_free(old);
	return larger;
}

static struct ndpi_detection_module_struct *start(void)
{
	ndpi_set_memory_alloction_functions(counting_malloc, wiping_free, counting_calloc, wiping_realloc, NULL, NULL, counting_malloc, wiping_free);
	struct ndpi_detection_module_struct *module = ndpi_init_detection_module(NULL);
	if (module && ndpi_finalize_initialization(module) != 0) {
		ndpi_exit_detection_module(module);
		return NULL;
	}
	return module;
}
#else
/* Those that stand on a mail port by mistake; fewer protocols halve the cost of a packet. */
static struct ndpi_detection_module_struct *start(void)
{
	static const uint16_t wanted[] = {
		NDPI_PROTOCOL_HTTP, NDPI_PROTOCOL_MAIL_SMTP, NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_SSH, NDPI_PROTOCOL_RDP, NDPI_PROTOCOL_SMBV1,
		NDPI_PROTOCOL_SMBV23, NDPI_PROTOCOL_MQTT, NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_TELNET, NDPI_PROTOCOL_VNC, NDPI_PROTOCOL_MYSQL,
		NDPI_PROTOCOL_POSTGRES, NDPI_PROTOCOL_REDIS, NDPI_PROTOCOL_LDAP, NDPI_PROTOCOL_SIP, NDPI_PROTOCOL_RTSP, NDPI_PROTOCOL_IRC,
		NDPI_PROTOCOL_SOCKS, NDPI_PROTOCOL_MSSQL_TDS, NDPI_PROTOCOL_TLS,
	};
	NDPI_PROTOCOL_BITMASK protocols;

	set_ndpi_malloc(counting_malloc);
	set_ndpi_free(wiping_free);
#if NDPI_VERSION >= 410
	struct ndpi_detection_module_struct *module = ndpi_init_detection_module(NULL);
#else
	/* The addresses it is shown suggest nothing (make_packet): a list of some is not needed. */
	struct ndpi_detection_module_struct *module = ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
#endif
	if (!module)
		return NULL;
	NDPI_BITMASK_RESET(protocols);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		NDPI_BITMASK_ADD(protocols, wanted[i]);
	ndpi_set_protocol_detection_bitmask2(module, &protocols);
	ndpi_finalize_initialization(module);
	return module;
}
#endif

static ndpi_protocol show(struct speakers *s, struct ndpi_flow_struct *flow, const uint8_t *packet, size_t len, nanoseconds time)
{
#if NDPI_VERSION >= 406
	return ndpi_detection_process_packet(s->module, flow, packet, (uint16_t)len, (uint64_t)(time / MILLISECOND), NULL);
#else
	return ndpi_detection_process_packet(s->module, flow, packet, (uint16_t)len, (uint64_t)(time / MILLISECOND));
#endif
}

static bool wants_more(struct speakers *s, struct ndpi_flow_struct *flow, const ndpi_protocol *found)
{
#if NDPI_VERSION >= 500
	(void)s, (void)flow;
	return found->state != NDPI_STATE_CLASSIFIED;
#else
	(void)found;
	return ndpi_extra_dissection_possible(s->module, flow);
#endif
}

#if NDPI_VERSION >= 410
#define FOUND(result, which) ((result).proto.which)
#else
#define FOUND(result, which) ((result).which)
#endif

/* --- what its words mean here --- */

static enum word_speaker word_of(uint16_t protocol)
{
	static const struct {
		uint16_t protocol;
		uint8_t word;
	} words[] = {
		{ NDPI_PROTOCOL_HTTP, WORD_speaker_http },	   { NDPI_PROTOCOL_MAIL_SMTP, WORD_speaker_smtp },
		{ NDPI_PROTOCOL_MAIL_POP, WORD_speaker_pop3 },	   { NDPI_PROTOCOL_SSH, WORD_speaker_ssh },
		{ NDPI_PROTOCOL_RDP, WORD_speaker_rdp },	   { NDPI_PROTOCOL_SMBV1, WORD_speaker_smb },
		{ NDPI_PROTOCOL_SMBV23, WORD_speaker_smb },	   { NDPI_PROTOCOL_MQTT, WORD_speaker_mqtt },
		{ NDPI_PROTOCOL_FTP_CONTROL, WORD_speaker_ftp },   { NDPI_PROTOCOL_TELNET, WORD_speaker_telnet },
		{ NDPI_PROTOCOL_VNC, WORD_speaker_vnc },	   { NDPI_PROTOCOL_MYSQL, WORD_speaker_mysql },
		{ NDPI_PROTOCOL_POSTGRES, WORD_speaker_postgresql }, { NDPI_PROTOCOL_REDIS, WORD_speaker_redis },
		{ NDPI_PROTOCOL_LDAP, WORD_speaker_ldap },	   { NDPI_PROTOCOL_SIP, WORD_speaker_sip },
		{ NDPI_PROTOCOL_RTSP, WORD_speaker_rtsp },	   { NDPI_PROTOCOL_IRC, WORD_speaker_irc },
		{ NDPI_PROTOCOL_SOCKS, WORD_speaker_socks },	   { NDPI_PROTOCOL_MSSQL_TDS, WORD_speaker_tds },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].protocol == protocol)
			return (enum word_speaker)words[i].word;
	return WORD_speaker_unknown;
}

size_t speaker_risks(const struct speaker *speaker, char *into, size_t room)
{
	struct text t = { .start = into, .room = room };

	into[0] = '\0';
#if NDPI_VERSION < 500
	static const struct {
		uint8_t risk;
		const char *says;
	} risks[] = {
		{ NDPI_TLS_WEAK_CIPHER, "weak cipher" },
		{ NDPI_TLS_SELFSIGNED_CERTIFICATE, "self-signed certificate" },
		{ NDPI_TLS_CERTIFICATE_EXPIRED, "certificate expired" },
		{ NDPI_TLS_CERTIFICATE_MISMATCH, "certificate for another name" },
		{ NDPI_TLS_OBSOLETE_VERSION, "obsolete TLS version" },
	};
	for (size_t i = 0; i < sizeof risks / sizeof *risks; i++)
		if (speaker->flow->risk >> risks[i].risk & 1)
			text_addf(&t, "%s%s", t.len ? ", " : "", risks[i].says);
#else
	(void)speaker;
#endif
	return t.len;
}

/* --- showing --- */

struct speakers *speakers_create(void)
{
	return calloc(1, sizeof(struct speakers));
}

void speakers_destroy(struct speakers **speakers)
{
	if (!*speakers)
		return;
	if ((*speakers)->module)
		ndpi_exit_detection_module((*speakers)->module);
	free(*speakers);
	*speakers = NULL;
}

const struct speaker_counters *speakers_counters(const struct speakers *speakers)
{
	return &speakers->counters;
}

size_t speakers_bytes(const struct speakers *s)
{
	return held + s->flows * sizeof(struct speaker);
}

struct speaker *speaker_begin(struct speakers *s, enum speaker_question question)
{
	if (!s->module && !s->broken) {
		s->module = start();
		s->broken = !s->module;
	}
	struct speaker *speaker = s->module && s->flows < FLOWS_MOST ? calloc(1, sizeof *speaker) : NULL;
	struct ndpi_flow_struct *flow = speaker ? counted(calloc(1, sizeof *flow)) : NULL;
	if (!flow) {
		free(speaker);
		s->counters.refused++;
		return NULL;
	}
	*speaker = (struct speaker){ .flow = flow, .question = question, .talks = WORD_speaker_unknown };
	s->flows++;
	s->counters.asked++;
	return speaker;
}

void speaker_end(struct speakers *s, struct speaker **speaker)
{
	if (!*speaker)
		return;
	ndpi_free_flow_data((*speaker)->flow);
	wiping_free((*speaker)->flow);
	free(*speaker);
	*speaker = NULL;
	s->flows--;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

/* nDPI wants packets; it is shown what the stream says, in order, between addresses (RFC 5737) and dynamic ports that suggest nothing. */
static size_t make_packet(const struct speaker *speaker, enum direction from, struct bytes payload, uint8_t *into)
{
	static const uint8_t ends[2][4] = { { 192, 0, 2, 1 }, { 192, 0, 2, 2 } };
	static const uint16_t ports[2] = { 50001, 50002 };
	enum direction to = from == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT;

	memset(into, 0, HEADERS);
	into[0] = 0x45;
	put16(into + 2, (uint16_t)(HEADERS + payload.len));
	into[8] = 64;
	into[9] = 6; /* TCP */
	memcpy(into + 12, ends[from], 4);
	memcpy(into + 16, ends[to], 4);
	put16(into + 20, ports[from]);
	put16(into + 22, ports[to]);
	put32(into + 24, 1 + speaker->sent[from]);
	put32(into + 28, 1 + speaker->sent[to]);
	into[32] = 5 << 4; /* header words */
	into[33] = 0x18;   /* PSH, ACK */
	put16(into + 34, 65535);
	memcpy(into + HEADERS, payload.data, payload.len);
	return HEADERS + payload.len;
}

static bool show_piece(struct speakers *s, struct speaker *speaker, enum direction from, struct bytes piece, nanoseconds time)
{
	uint8_t packet[HEADERS + PIECE_MOST];
	size_t len = make_packet(speaker, from, piece, packet);
	ndpi_protocol found = show(s, speaker->flow, packet, len, time);

	wipe(packet, len);
	speaker->sent[from] += (uint32_t)piece.len;
	if (++speaker->pieces >= PIECES_MOST)
		return true;
	if (speaker->question == ASK_RISKS)
		return FOUND(found, app_protocol) != NDPI_PROTOCOL_UNKNOWN && !wants_more(s, speaker->flow, &found);
	if (speaker->flow->confidence != NDPI_CONFIDENCE_DPI)
		return false;
	speaker->talks = word_of(FOUND(found, app_protocol));
	if (speaker->talks == WORD_speaker_unknown)
		speaker->talks = word_of(FOUND(found, master_protocol));
	if (speaker->talks != WORD_speaker_unknown)
		s->counters.told++;
	return true;
}

bool speaker_hears(struct speakers *s, struct speaker *speaker, enum direction from, struct bytes bytes, nanoseconds time)
{
	for (size_t at = 0; at < bytes.len; at += PIECE_MOST)
		if (show_piece(s, speaker, from, bytes_part(bytes, at, PIECE_MOST), time))
			return true;
	return false;
}

enum word_speaker speaker_talks(const struct speaker *speaker)
{
	return speaker->talks;
}
