/* What the files of the TCP tracker share among themselves; nobody else includes it. */
#ifndef IMAPWHY_TCP_INSIDE_H
#define IMAPWHY_TCP_INSIDE_H

#include "tcp.h"

/* struct tcp_side.flags */
enum {
	SIDE_STARTED = 1,        /* its sequence numbers are known */
	SIDE_SYN = 2,            /* from its SYN: they are known from the start */
	SIDE_SEEN = 4,           /* a frame of it was captured */
	SIDE_DATA = 8,           /* and one with payload */
	SIDE_ACK = 16,           /* last_ack is valid */
	SIDE_LIVES = 32,         /* its acknowledgements advance: the other side is at work, captured or not */
	SIDE_FIN = 64,
	SIDE_FIN_TOLD = 128,     /* handed on, in order */
	SIDE_FIN_ACKED = 256,
	SIDE_TIMESTAMPS = 512,   /* its frames carry them */
	SIDE_SACK = 1024,        /* its SYN permits selective acknowledgements */
	SIDE_ZERO = 2048,        /* its window is closed */
	SIDE_HOLE = 4096,        /* bytes of it are missing for good */
	SIDE_EXACT = 8192,       /* pending_at is the sending of just what is pending */
	SIDE_SMALL = 16384,      /* a smaller segment was sent behind the pending one */
	SIDE_PROBED = 32768,     /* it sent a keep-alive that is not answered; pending_quiet is the quiet before */
};

/* struct tcp.flags */
enum {
	TCP_MIDSTREAM = 1,
	TCP_ESTABLISHED = 2,
	TCP_CLOSED = 4,
	TCP_REFUSED = 8,
	TCP_TRUNCATED = 16,
	TCP_FAST_OPEN = 32,      /* the SYN carried data */
	TCP_COUNTS_CLIENT = 64,  /* its frames carry IP identifications other than 0 */
	TCP_COUNTS_SERVER = 128,
	TCP_REST_CLIENT = 256,   /* what is pending was sent with other data: its own first frame is not known, the newest stands in pending_at */
	TCP_REST_SERVER = 512,
	TCP_SYNACK_TIMESTAMPS = 1024, /* the SYN-ACK carried them */
};

static inline uint16_t rest_flag(enum direction from)
{
	return from == FROM_CLIENT ? TCP_REST_CLIENT : TCP_REST_SERVER;
}

/* struct tcp.client_ids */
enum { IDS_BITS = 4, IDS_NOT_COUNTED = 15, IDS_SMALL = 1, IDS_ALL = 4096 };

/* How far a frame's IP identification lies ahead of the client's newest, in sixteens. */
static inline unsigned ids_ahead(const struct tcp *tcp, const struct packet *p)
{
	return ((p->ip_id >> IDS_BITS) - (tcp->client_ids >> IDS_BITS)) & (IDS_ALL - 1);
}

/* As far as was seen, and at least once. */
static inline bool counts_one_by_one(const struct tcp *tcp)
{
	unsigned steps = tcp->client_ids & IDS_NOT_COUNTED;

	return steps && steps != IDS_NOT_COUNTED;
}

/* struct reset_notes.bits */
enum {
	RESET_AFTER_FIN = 1, RESET_ANSWERS_DATA = 2, RESET_BEHIND = 4, RESET_ODD_ACK = 8, RESET_SOON = 16, RESET_NO_OPTIONS = 32,
	RESET_BOTH = 64, RESET_ENDED = 128, /* a reset was the first closing act */
	RESET_RISING = 256, RESET_ODD_WINDOW = 512, RESET_NO_ID = 1024, RESET_UNKNOWN_TO = 2048, RESET_BOTH_AT_ONCE = 4096, RESET_REPEATED = 8192, RESET_ODD_FORM = 16384,
	RESET_ODD_ID = 32768,
};

/* Only where a RST was seen. The bits, TTL and quiet are those of the first. */
struct reset_notes {
	struct moment at[2];     /* first of each side */
	struct moment ended;     /* the one that was accepted */
	struct moment then;      /* first frame that belies the reset */
	struct moment both;
	nanoseconds quiet;
	uint32_t count[2];
	uint32_t then_count;
	uint32_t highest[2];     /* at the accepted one */
	uint32_t sequence[2];    /* of the newest of each side */
	uint32_t farthest[2];    /* the highest of each side */
	nanoseconds newest[2];
	uint8_t first;           /* enum direction */
	uint8_t ended_by;        /* enum direction of the accepted one */
	uint8_t ttl;
	uint16_t bits;
	bool accepted;
	bool then_synack;        /* the SYN that it refused was accepted after all */
};

struct trouble {
	struct reset_notes *resets;
	struct moment zero_at[2], zero_longest_at[2]; /* by the side whose window it is */
	nanoseconds zero_longest[2];
	uint32_t probes[2];
	uint32_t zero_windows[2], out_of_order[2], duplicate_acks[2], spurious[2]; /* by the side that sent them */
	struct moment icmp_first, icmp_last;
	uint32_t icmp_count;
	struct address icmp_sender; /* of the newest */
	uint8_t icmp_kind, icmp_quoted, icmp_ttl;
	bool icmp_progress;
	struct moment progress_at;
	struct moment retransmitted_at[2];
	nanoseconds stalled, stalled_until[2];
	uint64_t lost;
	struct moment lost_at, truncated_at;
	struct moment unseen_at; /* the frame that shows that the server sent what never came by; no time: none */
	nanoseconds hole_since[2];
	struct moment alone_at;  /* the second of the keep-alives in a row that nobody answered, the first's time, the newest's, how many */
	nanoseconds alone_first, alone_last;
	uint32_t alone;
	uint8_t lost_from, truncated_from;
};

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) < 0;
}

static inline nanoseconds time_between(nanoseconds from, nanoseconds to)
{
	return to > from ? to - from : 0;
}

static inline uint32_t in_ms(nanoseconds t)
{
	return t / MILLISECOND > UINT32_MAX ? UINT32_MAX : (uint32_t)(t / MILLISECOND);
}

static inline uint16_t in_16_bits(uint32_t n)
{
	return n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

/* --- tcp.c */
/* The connection's trouble, made at first need; NULL where there is no memory. */
struct trouble *tcp_trouble(struct tcp *tcp);
struct reset_notes *tcp_resets(struct tcp *tcp);
/* The first closing act, unless there was one. */
unsigned note_end(struct tcp *tcp, enum word_end how);
/* What the other side lets `from` send beyond its acknowledgement, generously: for telling stray frames. */
uint32_t most_ahead(const struct tcp *tcp, enum direction from);

/* --- handshake.c */
/* The connection's first frame, a SYN or in mid-stream. */
void first_frame(struct tcp *tcp, const struct packet *p);
/* Does this SYN begin another connection between the same ends? */
bool starts_anew(const struct tcp *tcp, const struct packet *p, enum direction from);
/* The side's stream begins with the byte of that sequence number. */
void start_side(struct tcp_side *side, uint32_t seq);
/* False: the SYN is a stray. */
bool take_syn(struct tcp *tcp, const struct packet *p, enum direction from);
/* The first frame of a side is no SYN. */
void start_midstream(struct tcp *tcp, const struct packet *p, enum direction from);
/* Does this frame complete the handshake? Its news. */
unsigned note_established(struct tcp *tcp, const struct packet *p, enum direction from);

/* --- acknowledge.c */
/* A round trip from the capture point to that side and back. */
void sample_rtt(struct tcp *tcp, enum direction toward, nanoseconds sent, nanoseconds answered);
/* The other side has acknowledged what `from` sent, up to `ack`. */
void acknowledge(struct tcp *tcp, enum direction from, uint32_t ack, nanoseconds now);
/* Takes the acknowledgement that a frame of `from` carries; true: it advances. */
bool take_ack(struct tcp *tcp, const struct packet *p, enum direction from);
/* Takes the window that it offers. */
void take_window(struct tcp *tcp, const struct packet *p, enum direction from);

/* --- segment.c */
/* Data on a SYN (RFC 7413); its news. */
unsigned take_syn_data(struct tcp *tcp, const struct packet *p, enum direction from, const struct stream_sink *sink);
/* Data and FIN of a frame that is neither SYN nor RST; quiet: milliseconds without a frame before it. Its news. */
unsigned take_data(struct tcp *tcp, const struct packet *p, enum direction from, uint32_t quiet, const struct stream_sink *sink);

/* --- stream.c */
/* Takes payload at seq: hands on what is in order, keeps the rest. wire: its length on the wire. */
void stream_take(struct tcp *tcp, enum direction from, uint32_t seq, struct bytes payload, uint32_t wire, struct moment at,
		 const struct stream_sink *sink);
/* Hands on the FIN when its turn has come. */
void stream_fin(struct tcp *tcp, enum direction from, struct moment at, const struct stream_sink *sink);
/* Gives up what was acknowledged without being captured; not before 5 ms have passed unless at once. */
void stream_settle(struct tcp *tcp, enum direction from, struct moment now, bool at_once, const struct stream_sink *sink);
/* Whether all of [seq, seq + len) was captured already. */
bool stream_has(const struct tcp_side *side, uint32_t seq, uint32_t len);
void stream_release(struct tcp *tcp);

/* --- reset.c */
unsigned take_reset(struct tcp *tcp, const struct packet *p, enum direction from);
/* A frame of `from` that is neither RST nor SYN: whether it belies a reset. data: new data or FIN; ack: its acknowledgement advances. */
unsigned belie_reset(struct tcp *tcp, const struct packet *p, enum direction from, bool data, bool ack);

/* --- forged.c */
/* How much speaks for the first reset having come from somewhere on the way, in points; FORGED_ENOUGH decide. */
enum { FORGED_ENOUGH = 4 };
int forged_points(const struct tcp *tcp, const struct reset_notes *notes);
/* The points of its TTL alone, which are part of those above. */
int forged_points_of_ttl(const struct tcp *tcp, const struct reset_notes *notes);
/* How far the first reset's TTL lies from the nearest that its side's frames came with; -1: nothing to compare. */
int ttl_difference(const struct tcp *tcp, const struct reset_notes *notes);

#endif
