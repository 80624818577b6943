/* How a device's mail connections fare, by their handshakes alone; and which logins of it were refused. */
#ifndef IMAPWHY_DEVICES_H
#define IMAPWHY_DEVICES_H

#include "ageing.h"

enum handshake_result { HANDSHAKE_ANSWERED, HANDSHAKE_UNANSWERED };

struct handshake {
	struct moment at;
	struct address server;
	uint32_t rtt;    /* microseconds from the capture point to the server and back; 0: unknown */
	uint8_t result;  /* enum handshake_result */
};

/* The tables are made by context.c, of records so large. */
struct devices {
	struct ageing *devices, *accounts;
};
extern const size_t devices_record, devices_account_record;

/* How a handshake of that client with some mail server went. */
void devices_handshake(struct devices *devices, const struct address *client, const struct handshake *handshake);
/* Of the newest handshakes of a device with other servers than that one, between two times. */
struct handshakes {
	int answered, unanswered;
	uint32_t rtt_least, rtt_most; /* microseconds, of those answered; 0: unknown */
	struct moment newest;         /* of the answered ones, else of the others */
};
void devices_others(const struct devices *devices, const struct endpoint *client, const struct endpoint *server, nanoseconds from, nanoseconds to,
		    struct handshakes *into);

/* A mail connection of the device failed: at reading (IMAP, POP3) or at sending mail. */
void devices_mail_failed(struct devices *devices, const struct address *client, bool sending, nanoseconds at);
/* Both failed since `from`. */
bool devices_all_mail_fails(const struct devices *devices, const struct address *client, nanoseconds from);

/* --- logins of one client address at one server address --- */
struct login_history {
	uint32_t refused;      /* since the last one that was accepted */
	struct moment at;      /* of the newest refusal */
	uint64_t session;
};
void devices_login_refused(struct devices *devices, const struct endpoint *client, const struct endpoint *server, uint32_t count, struct moment at,
			   uint64_t session);
void devices_login_ok(struct devices *devices, const struct endpoint *client, const struct endpoint *server, nanoseconds at);
/* False: none refused since `from`. */
bool devices_logins(const struct devices *devices, const struct endpoint *client, const struct endpoint *server, nanoseconds from,
		    struct login_history *into);

#endif
