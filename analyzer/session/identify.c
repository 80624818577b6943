/* Tells protocols apart by the first bytes: greetings of servers, requests of clients. */
#include "identify.h"

#include <strings.h>

#include "dissector.h"
#include "text.h"

struct opening {
	enum word_speaker speaks;
	uint8_t from; /* enum direction */
	const char *start;
};

static const struct opening openings[] = {
	{ WORD_speaker_http, FROM_SERVER, "HTTP/" },	 { WORD_speaker_http, FROM_SERVER, "<html" },
	{ WORD_speaker_http, FROM_SERVER, "<!DOCTYPE" }, { WORD_speaker_smtp, FROM_SERVER, "220 " },
	{ WORD_speaker_smtp, FROM_SERVER, "220-" },	 { WORD_speaker_smtp, FROM_SERVER, "554 " },
	{ WORD_speaker_smtp, FROM_SERVER, "421 " },	 { WORD_speaker_pop3, FROM_SERVER, "+OK" },
	{ WORD_speaker_pop3, FROM_SERVER, "-ERR" },	 { WORD_speaker_ssh, FROM_SERVER, "SSH-" },
	{ WORD_speaker_ssh, FROM_CLIENT, "SSH-" },	 { WORD_speaker_http, FROM_CLIENT, "GET " },
	{ WORD_speaker_http, FROM_CLIENT, "POST " },	 { WORD_speaker_http, FROM_CLIENT, "HEAD " },
	{ WORD_speaker_http, FROM_CLIENT, "OPTIONS " },	 { WORD_speaker_http, FROM_CLIENT, "CONNECT " },
	{ WORD_speaker_smtp, FROM_CLIENT, "EHLO " },	 { WORD_speaker_smtp, FROM_CLIENT, "HELO " },
	{ WORD_speaker_pop3, FROM_CLIENT, "USER " },	 { WORD_speaker_vnc, FROM_SERVER, "RFB 0" },
};

/* Could more bytes still turn it into that opening? */
static bool could_become(struct bytes b, const char *start)
{
	return b.len < strlen(start) && strncasecmp((const char *)b.data, start, b.len) == 0;
}

/* SMB in its NetBIOS frame (MS-SMB2, 2.1); nDPI looks for it on port 445 alone. */
static bool is_smb(struct bytes b)
{
	return b.len >= 8 && b.data[0] == 0 && (b.data[4] == 0xfe || b.data[4] == 0xff) && memcmp(b.data + 5, "SMB", 3) == 0;
}

enum word_speaker identify(struct bytes b, enum direction from)
{
	bool maybe = b.len < 3;

	if (b.len == 0)
		return WORD_speaker_silent;
	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
		if (openings[i].from != from || !letters_alike(b.data[0], openings[i].start[0]))
			continue;
		if (bytes_start(b, openings[i].start))
			return openings[i].speaks == WORD_speaker_smtp && bytes_contain(b, "FTP") ? WORD_speaker_ftp : openings[i].speaks;
		maybe |= could_become(b, openings[i].start);
	}
	if (is_smb(b))
		return WORD_speaker_smb;
	enum probe_result tls = tls_dissector.probe(b, from), imap = imap_dissector.probe(b, from);
	if (tls == PROBE_YES)
		return WORD_speaker_tls;
	if (imap == PROBE_YES)
		return WORD_speaker_imap;
	if ((maybe || tls == PROBE_MORE || imap == PROBE_MORE) && b.len < 64)
		return WORD_speaker_silent;
	return WORD_speaker_unknown;
}
