/* Hosts alive and services served: what other traffic proves about a session's server. */
#ifndef IMAPWHY_HOSTS_H
#define IMAPWHY_HOSTS_H

#include "address.h"
#include "hash.h"
#include "moment.h"

/* One sign of life of a host, towards somebody, from one of its ports. */
struct sign {
	struct moment at;
	struct endpoint client;
	uint16_t port;
	bool served; /* it sent data, not only a SYN-ACK */
};

struct hosts;
struct hosts *hosts_create(size_t most, struct hash_key key);
void hosts_destroy(struct hosts **hosts);
void hosts_alive(struct hosts *hosts, const struct address *host, uint16_t port, const struct endpoint *client, bool served, struct moment at);
/* A sign of life between from and to that is not of this client's connection; port 0: any port. NULL: none known. */
const struct sign *hosts_sign(const struct hosts *hosts, const struct endpoint *server, const struct endpoint *client, bool same_port,
			      bool served, nanoseconds from, nanoseconds to);

/* Connections that worked, by client, to find the winner of a race. */
void hosts_worked(struct hosts *hosts, const struct endpoint *client, const struct endpoint *server, struct moment began);
bool hosts_won(const struct hosts *hosts, const struct endpoint *client, const struct endpoint *server, nanoseconds began, nanoseconds within,
	       struct moment *at);
size_t hosts_bytes(const struct hosts *hosts);

#endif
