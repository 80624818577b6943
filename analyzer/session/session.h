/* A session: one connection (or failed look-up) with its dissectors, its facts and its life. */
#ifndef IMAPWHY_SESSION_H
#define IMAPWHY_SESSION_H

#include "address.h"
#include "facts.h"
#include "imap.h"

#define SESSION_MOST_COMMANDS IMAP_MOST_COMMAND_KINDS

/* Whose frame shows a fact that another session brought. */
struct other_proof {
	enum fact_id fact;
	uint64_t session; /* event.id; 0: of traffic that is no session */
	struct address client;
};

#define SESSION_MOST_OTHERS 14
struct other_proofs {
	struct other_proof list[SESSION_MOST_OTHERS];
	int count;
};

/* What other traffic answers of the repair steps. */
struct session_answers {
	int others_all, others_served, others_failed; /* other clients of the same service: each once in `all` */
	bool others_more;                             /* and more than are remembered */
	struct moment served_at, failed_at;
	uint64_t served_session, failed_session;
	int answered, unanswered;                     /* the newest other connections of this client */
	uint32_t rtt_least, rtt_most;                 /* their handshakes, microseconds; 0: unknown */
	struct moment handshake_at;
	uint32_t segments, retransmitted;             /* data segments of its other connections, since its mail fails */
	int devices;                                  /* behind this client's address, at least */
	uint32_t ipv6_lost;                           /* how often in a row IPv6 lost to IPv4 on its way to the server */
	bool all_mail_fails;                          /* this client's mail fails at submission and at reading it */
};

/* What reports say of a session beside its facts. Filled when a verdict is asked for. */
struct session_summary {
	struct endpoint client, server; /* resolve: the resolver as server */
	bool is_lookup;
	uint8_t companion;              /* enum word_companion */
	bool implicit_tls;              /* network.protocol imaps, else imap */
	nanoseconds start, end;
	const char *server_name;        /* SNI or looked-up name, NULL */
	uint16_t encapsulation;         /* bits of packet.h */
	struct moment first, last;
	struct {
		uint64_t packets, bytes, data_segments, retransmissions, spurious, out_of_order, duplicate_acks, zero_windows, resets;
	} side[2];                      /* by enum direction */
	struct {
		nanoseconds least, mean, most;  /* 0: unknown */
	} rtt;
	const char *user;               /* as struct user_policy wants it; NULL */
	uint64_t user_hash;             /* keyed; 0: none */
	struct {                        /* milliseconds, -1: not reached */
		double resolve, connect, tls, greeting, auth, first_data;
	} timings;
	const char *looked_up;          /* the name by which this client had looked the server up, NULL: not seen */
	struct address resolved;        /* the address that gave; family 0: none */
	struct imap_command_count commands[SESSION_MOST_COMMANDS]; /* in the order of their first use */
	size_t command_count;
	struct imap_login logins[IMAP_MOST_LOGINS];                /* the newest attempts, oldest first */
	size_t login_count;
	const struct address *icmp_sender; /* of the newest ICMP error about it; NULL: there was none */
	const struct other_proofs *others; /* NULL: none */
	uint64_t incident;              /* the incident it belongs to; 0: none yet */
	const struct session_answers *answers; /* NULL: not asked */
};

#endif
