/* Hosts alive and services served: what other traffic proves about a session's server. */
#ifndef IMAPWHY_HOSTS_H
#define IMAPWHY_HOSTS_H

#include "ageing.h"

/* One sign of life of a host, towards somebody, from one of its ports. */
struct sign {
	struct moment at;
	uint64_t session; /* event.id of the session that it belongs to; 0: of traffic that is no session */
	struct endpoint client;
	uint16_t port;
	uint8_t ttl;
	bool served; /* it sent data, not only a SYN-ACK */
};

/* The table is made by context.c, of records so large. */
struct hosts {
	struct ageing *table;
};
extern const size_t hosts_record;
void hosts_alive(struct hosts *hosts, const struct address *host, const struct sign *sign);

/* Which sign is asked for: always one of another connection than `client` to `server`. */
struct sign_wanted {
	const struct endpoint *server, *client;
	bool same_port;    /* of the same service */
	bool served;
	bool other_client; /* of another address than the client's */
	nanoseconds from, to;
};
/* What is known of a host; NULL: nothing. Borrowed until the next hosts_alive, as are its signs. */
const struct host *hosts_find(const struct hosts *hosts, const struct address *host);
/* The newest such sign, NULL: none known. */
const struct sign *host_sign(const struct host *host, const struct sign_wanted *wanted);
/* The TTL with which the host's frames of other connections arrive, nearest to `ttl`; 0: not known. */
uint8_t host_ttl(const struct host *host, const struct endpoint *server, const struct endpoint *client, uint8_t ttl, const struct sign **sign);
/* A connection of another to that host went on of which only the client's side was captured. */
void hosts_unseen(struct hosts *hosts, const struct address *host, const struct sign *sign);
/* The newest such connection between two times, where nothing of the host itself was captured meanwhile; NULL: none. */
const struct sign *host_unseen_by(const struct host *host, const struct sign_wanted *wanted);

#endif
