/* nDPI: what an unknown speaker on a mail port talks, and its view of a TLS handshake. The only door to that library. */
#ifndef IMAPWHY_NDPI_ADAPTER_H
#define IMAPWHY_NDPI_ADAPTER_H

#include "facts.h"

/* nDPI itself; made at once, but the library is started only when the first flow is shown to it (13 to 17 ms). */
struct speakers;
struct speakers *speakers_create(void); /* NULL: no memory */
void speakers_destroy(struct speakers **speakers);

struct speaker_counters {
	uint64_t asked, told; /* flows shown to it, and those it named */
	uint64_t refused;     /* flows not shown: too many at once, or no memory */
};
const struct speaker_counters *speakers_counters(const struct speakers *speakers);
/* What it takes, the library's own included (of the whole process). */
size_t speakers_bytes(const struct speakers *speakers);

enum speaker_question {
	ASK_PROTOCOL, /* what is spoken here? */
	ASK_RISKS,    /* it is TLS: what is wrong with the handshake? */
};

/* One flow that is being shown to nDPI. NULL: it can't be shown (counted). */
struct speaker;
struct speaker *speaker_begin(struct speakers *speakers, enum speaker_question question);
/* Shows the flow's next bytes of that direction. True: it has its answer, or never will; end it. */
bool speaker_hears(struct speakers *speakers, struct speaker *speaker, enum direction from, struct bytes bytes, nanoseconds time);
/* What it was found to talk, by its content and never by its port; WORD_speaker_unknown: nDPI does not know it either. */
enum word_speaker speaker_talks(const struct speaker *speaker);
/* Adds what is wrong with the TLS handshake to `into` ("weak cipher, self-signed certificate"); its length, 0: nothing. */
size_t speaker_risks(const struct speaker *speaker, char *into, size_t room);
/* Frees it; everything that nDPI copied of the flow (it keeps names and passwords) is wiped. */
void speaker_end(struct speakers *speakers, struct speaker **speaker);

#endif
