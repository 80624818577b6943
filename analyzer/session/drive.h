/* Drives one session: packets through the TCP tracker into dissectors, facts out. */
#ifndef IMAPWHY_DRIVE_H
#define IMAPWHY_DRIVE_H

#include "dissector.h"
#include "session.h"
#include "spares.h"
#include "table.h"
#include "tcp.h"

struct tls_shared;
struct speaker; /* a flow shown to nDPI (ndpi_adapter.h) */
struct speakers;

#define VIEWED_MOST 1024

/* What all sessions share; owned by the pipeline. */
struct session_shared {
	struct texts *texts;
	struct held_pool *held;
	struct tls_shared *tls;
	struct user_policy users;
	struct speakers *speakers;
	struct endpoint viewed[VIEWED_MOST]; /* servers whose TLS nDPI was shown already */
	uint64_t facts_lost, tails_capped;
	size_t tail_bytes;
	struct spares tails;                 /* where they are kept */
	size_t session_bytes, session_bytes_most; /* of all sessions, at work or packed, as last counted; and the most there ever were */
};

/* Bytes that a dissector could not take yet. */
struct tail {
	uint8_t *data;
	uint32_t len, room;
};

/* A stream of both directions, TCP's or the one that TLS carries. */
struct layer {
	struct tail tail[2];
	uint8_t use[2]; /* enum use: who reads that direction */
};

struct session {
	struct flow *flow;         /* the table's part (tracked.h) */
	struct session_shared *shared;
	struct tcp tcp;            /* from here on it is packed while the session rests */
	struct facts facts;
	uint32_t counted;          /* its part of session_bytes */
	void *imap, *tls;          /* the dissectors' states; NULL: not begun */
	struct layer outer, *inner; /* inner: NULL until something was decrypted */
	struct speaker *speaker;   /* NULL: nDPI is not asked */
	uint8_t companion;         /* enum word_companion: POP3 or submission, whose dialogue is not read */
	bool untold;               /* written, yet no document was: nothing to correct */
	bool tls_port, mail_port, starttls, met_midstream, data_seen[2];
	bool written;              /* a verdict was written */
	bool progress;             /* and something new came since */
	uint16_t encapsulation;
	uint16_t looks;            /* how often the timer looked since the last packet */
	const void *written_rule;  /* the rule written */
	uint64_t id, revision;
	struct moment first, last; /* newest by time */
	uint32_t packets[2];       /* by direction, duplicates not counted */
	uint32_t inside_well;      /* the records inside TLS that showed nothing wrong: not asked again (analyzer/inside.c); 0: none */
	nanoseconds sign_at;       /* when the server's host was last told alive */
	uint16_t refused_told;     /* refused logins that context knows of */
	uint16_t proven;           /* what others had proven when the verdict was written: bits by their place among the facts context.* */
	bool sign_served;
	bool served;               /* told to the incidents as one that was served */
	uint64_t incident;         /* that it was counted to; 0: none */
	nanoseconds proof_until;   /* when the verdict was written: what others show later proves nothing; 0: not written */
	nanoseconds settle_since;  /* when a verdict that waits for context was first reached; 0: none */
};

/* A fresh (zeroed) session of that flow, which outlives it as `shared` does. */
void session_begin(struct session *session, struct flow *flow, struct session_shared *shared);
/* Feeds a packet. Returns the tracker's news (TCP_NEWS_…). TCP_NEWS_NEW_SESSION: the packet was not taken, it begins another session. */
unsigned session_packet(struct session *session, const struct packet *packet);
/* Turns holes that nothing will fill any more into gaps; before a view is asked for. */
void session_settle_holes(struct session *session, struct moment now);
/* Counts the session's memory anew, itself and all that it owns but what others count (tails, what waits, what decrypts). Not done for
 * each allocation: its timer does often enough. */
void session_count(struct session *session);
/* Frees what the session owns, itself excepted. */
void session_release(struct session *session);

/* All facts, derived ones included, as they stand at `now`. */
void session_view(const struct session *session, nanoseconds now, bool at_end, struct fact_view view[FACT_COUNT]);
/* Neither an answer nor an acknowledgement nor a window: until a packet comes, only facts that drift (facts.h) may change. */
bool nothing_is_owed(const struct fact_view view[FACT_COUNT]);
/* What reports and incidents ask of it; texts are borrowed from `shared`. */
void session_summarize(const struct session *session, const struct fact_view view[FACT_COUNT], struct session_summary *into);

#endif
