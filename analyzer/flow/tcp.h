/* The TCP tracker: one connection's two directions, and what they show. */
#ifndef IMAPWHY_TCP_H
#define IMAPWHY_TCP_H

#include "facts.h"
#include "packet.h"

/* --- What all connections of a run share: the memory for segments that wait, the frames just seen, the counters. --- */
struct tcp_counters {
	uint64_t duplicates;     /* frames captured twice */
	uint64_t held_bytes;     /* waiting now, overhead included */
	uint64_t held_most;      /* the most that ever waited */
	uint64_t capped;         /* times that the cap (a flow's or the pool's) turned a hole into a gap */
	uint64_t gaps;           /* gaps handed to sinks */
	uint64_t lost_bytes;     /* and their bytes */
	uint64_t no_memory;      /* observations lost because nothing could be allocated */
};

struct held_pool;
struct held_pool *held_pool_create(size_t most_bytes);
void held_pool_destroy(struct held_pool **pool);
const struct tcp_counters *held_pool_counters(const struct held_pool *pool);
/* Memory that lies idle for segments to come. */
size_t held_pool_spare(const struct held_pool *pool);
/* Whether this frame is a second capture of one seen within the last 10 ms: the same ends, sequence and acknowledgement numbers, length and
 * timestamps, and a lifetime that differs by one at the most (a mirror port shows a packet twice). tcp_packet asks by itself; for the
 * caller's SYN attempts and other packets that no tracker sees. Asking again for the same frame number gives the same answer. */
bool frame_duplicate(struct held_pool *pool, const struct packet *p);
/* That will be asked of this frame soon: what it takes is fetched while others do their part. */
void frame_expect(struct held_pool *pool, const struct packet *p);
/* Another recording begins: its frames are nobody's second capture. */
void frames_forget(struct held_pool *pool);

/* --- One connection. --- */

/* Where in-order bytes go. Called by tcp_packet and tcp_settle, in order, at most a few times a packet. */
struct stream_sink {
	void *context;
	/* New in-order bytes of a direction; at: the frame that carries them. */
	void (*data)(void *context, enum direction from, struct bytes bytes, struct moment at);
	/* `missing` bytes will never come: they were acknowledged but not captured, cut by the snap length, or the reassembly cap
	 * was reached. */
	void (*gap)(void *context, enum direction from, uint64_t missing, struct moment at);
	/* FIN of that direction, in order (after its last data). */
	void (*fin)(void *context, enum direction from, struct moment at);
};

struct held;    /* a segment waiting for what comes before it */
struct trouble; /* what only troubled connections have: resets, zero windows, ICMP errors, retransmissions, gaps */

struct tcp_side {
	uint32_t first;          /* sequence number of the first payload byte (ISN + 1) */
	uint32_t next;           /* the in-order frontier: all before was handed on or given up */
	uint32_t acked;          /* highest acknowledgement by the other side */
	uint32_t highest;        /* end of what was sent, FIN included */
	uint32_t sacked;         /* right edge of the newest selective acknowledgement by the other side */
	uint32_t last_ack;       /* acknowledgement field of its newest frame */
	uint32_t data_segments;  /* first sendings; several where the card had put segments together */
	uint32_t retransmitted;
	uint64_t bytes;          /* payload in sequence, once, as on the wire */
	nanoseconds last_seen, last_data;
	uint32_t last_data_frame;
	uint16_t last_data_file;
	uint16_t flags;          /* bits of tcp_inside.h */
	uint16_t window;         /* newest field, unscaled */
	uint16_t largest, passed, mss; /* largest data segment sent; largest known to have arrived; MSS option */
	uint8_t ttl, ttl_votes, ttl_last; /* the usual one by majority, and the newest, resets not counted */
	uint8_t scale;           /* 255: no option seen */
	/* The oldest data or FIN not acknowledged; it starts at `acked`. */
	uint16_t pending_sends;  /* 0: none */
	uint16_t pending_size;   /* largest segment it was sent in */
	uint32_t pending_end;    /* end of the segment it was first sent in */
	uint32_t pending_quiet;  /* ms without a frame before it */
	struct moment pending_at;/* first sending */
	nanoseconds pending_last;/* newest sending */
	struct moment fin;
	struct held *held;       /* by sequence number, no overlaps */
	uint32_t held_bytes;
	uint32_t fin_sequence;
};

struct tcp {
	struct tcp_side side[2]; /* by enum direction */
	struct held_pool *pool;
	struct trouble *trouble; /* NULL for most */
	struct moment first, syn, synack, established;
	nanoseconds last_syn;
	uint16_t syn_gap;        /* ms between the last two SYNs, 65 s at the most */
	uint16_t survived;       /* longest quiet in s after which what was sent arrived */
	uint32_t rtt[2];         /* least round trip from the capture point to that side and back in microseconds; 0: unknown */
	uint32_t rtt_mean[2], rtt_most[2];
	uint16_t rtt_samples[2];
	uint8_t syns, synacks;   /* 255: so many or more */
	uint16_t client_ids;     /* how the client numbers its frames, see note_id in tcp.c; 0: none seen */
	uint16_t flags;          /* bits of tcp_inside.h */
	uint8_t ended;           /* enum word_end: the first closing act */
	uint8_t synack_ttl;      /* of the first SYN-ACK: a proxy may send it, and another host the data */
};

/* What a packet changed; bits. */
enum tcp_news {
	TCP_NEWS_DUPLICATE = 1,    /* captured twice: nothing was counted, drop it */
	TCP_NEWS_PROGRESS = 2,     /* new data, FIN, or an acknowledgement that advances; handshake steps too */
	TCP_NEWS_ESTABLISHED = 4,  /* the handshake completed with this packet (or the connection is met established) */
	TCP_NEWS_CLOSING = 8,      /* tcp_end() changed from open: the first FIN or accepted RST */
	TCP_NEWS_ENDED = 16,       /* over: both FINs acknowledged, or an accepted RST. Keep it for a while: stray resets and
	                            * traffic that goes on after a forged reset belong to it */
	TCP_NEWS_REVIVED = 32,     /* it goes on although a RST seemed to have ended it: tcp_closed is false again */
	TCP_NEWS_NEW_SESSION = 64, /* the tuple is used anew: nothing was counted; release, init and feed this packet again */
	TCP_NEWS_RESET = 128,      /* the packet is a RST (accepted or not) */
	TCP_NEWS_RETRANSMISSION = 256, /* data sent again */
	TCP_NEWS_KEEPALIVE = 512,  /* keep-alive or window probe */
};

/* pool may be shared by many; it must outlive tcp. */
void tcp_init(struct tcp *tcp, struct held_pool *pool);
/* Frees what waits and the trouble; tcp is as after tcp_init. */
void tcp_release(struct tcp *tcp);
struct packer;
/* Packs or unpacks what it holds beside itself, waiting segments excepted; `tcp` itself stands in a struct that was. */
void tcp_pack(struct packer *p, struct tcp *tcp);
/* Takes a TCP packet of the connection. sink or its members may be NULL. */
unsigned tcp_packet(struct tcp *tcp, const struct packet *p, enum direction from, const struct stream_sink *sink);
/* Turns holes that were acknowledged into gaps. To be called before the session is judged (timer, end of capture, close): packets do
 * it by themselves as they come, yet only 5 ms after the acknowledgement, because frames may be captured out of order. */
void tcp_settle(struct tcp *tcp, struct moment now, const struct stream_sink *sink);
/* An ICMP error that quotes a packet which `quoted` sent. */
void tcp_icmp(struct tcp *tcp, enum word_icmp kind, enum direction quoted, const struct packet *error);
/* Who sent the newest of them; NULL: there was none. Borrowed while tcp lives. */
const struct address *tcp_icmp_sender(const struct tcp *tcp);

/* Fills all facts of tcp.*, icmp.*, session.span, session.since_last and capture.midstream/one_sided/lost_bytes/truncated that are
 * set (known, set, value, at, from); others are left as they are. now: capture time, not before the last frame. */
void tcp_facts(const struct tcp *tcp, nanoseconds now, struct fact_view view[FACT_COUNT]);

/* Counts of one direction, for reports alone. */
struct tcp_side_counts {
	uint32_t data_segments, retransmitted, out_of_order, duplicate_acks, zero_windows;
	uint32_t spurious; /* sent again although the acknowledgement had come by already: not among `retransmitted`, nothing was lost */
	uint64_t bytes;
};
struct tcp_side_counts tcp_side_counts(const struct tcp *tcp, enum direction from);
/* Round trips between both ends: the sums of both halves; false: not both are known. */
struct tcp_round_trips {
	nanoseconds least, mean, most;
};
bool tcp_round_trips(const struct tcp *tcp, struct tcp_round_trips *into);

/* --- Questions for timers. --- */
enum word_end tcp_end(const struct tcp *tcp);        /* the first closing act; WORD_end_open: none */
bool tcp_closed(const struct tcp *tcp);              /* both FINs acknowledged, or reset */
bool tcp_unanswered(const struct tcp *tcp);          /* SYNs alone: neither SYN-ACK nor RST */
bool tcp_syn_overdue(const struct tcp *tcp, nanoseconds now);
bool tcp_established(const struct tcp *tcp);         /* completed, or met in mid-stream */
bool tcp_midstream(const struct tcp *tcp);           /* the first frame seen was no SYN */
nanoseconds tcp_last_seen(const struct tcp *tcp);    /* newest frame of either side */
/* Who sent what is unacknowledged (WORD_side_none: nobody), how often and since when. */
enum word_side tcp_vain(const struct tcp *tcp, unsigned *sends, nanoseconds *first, nanoseconds *last);
/* Whether this direction was captured from its start without a hole (what absence CLIENT and SERVER ask for). */
bool tcp_whole(const struct tcp *tcp, enum direction from);
/* Whether this direction was captured from its start, with or without holes. */
bool tcp_from_start(const struct tcp *tcp, enum direction from);
/* Memory beyond sizeof (struct tcp); what waits is counted by the pool. */
size_t tcp_memory(const struct tcp *tcp);

#endif
