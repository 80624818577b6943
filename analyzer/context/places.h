/* The places where faults are counted, from one client at one server to everything in sight; for incidents.c alone. */
#ifndef IMAPWHY_PLACES_H
#define IMAPWHY_PLACES_H

#include "crowd.h"
#include "incidents.h"

/* Narrow to wide. */
enum place_kind {
	PLACE_DEVICE,    /* one client at one server */
	PLACE_ACCOUNT,   /* one user at one provider, from whatever device */
	PLACE_SERVICE,   /* one server address and port (or one resolver, or one name that nobody finds) */
	PLACE_PROVIDER,  /* all servers of one domain, all ports of one address */
	PLACE_NETWORK,   /* one network of clients, at whatever server */
	PLACE_ALL,
	PLACE_KINDS
};

#define PORTS 4
#define NAME_ROOM 128
#define WITHIN (10 * MINUTE) /* a hit so long after the last one starts afresh */

struct counted {
	struct fault fault;
	uint32_t count;
};

/* What each service asks of its places stands first. */
struct place {
	struct aged aged;
	uint8_t kind, fault_kind;
	bool open;
	uint8_t ports;           /* in use; PORTS + 1: more than are kept, all count */
	uint16_t port[PORTS];    /* at which its clients were hit: what is served at others proves nothing */
	struct crowd crowd;
	uint64_t group;          /* hash of the domain, or of the address */
	nanoseconds since, last_hit, last_began; /* last: of the newest hit, and of the session it was */
	uint32_t served_since_hit; /* sessions of others than those hit, since the newest hit; before it: */
	uint32_t sessions_served, sessions_hit;
	bool pending;            /* hit since it was judged last */
	uint64_t id;
	uint64_t user;           /* of an account: the hash of its user's name, and the name as it may leave */
	char user_name[64];
	nanoseconds looked, judged;
	uint32_t others_served;  /* clients elsewhere that were served meanwhile: the most that was seen */
	uint32_t told_hit, told_sessions, told_served;
	uint32_t weighed;        /* sessions_hit when it was last asked whether it has grown */
	enum incident_scope told_scope;
	struct endpoint server;  /* of the first one hit */
	struct counted fault[CROWD_KINDS]; /* by streak.kind */
	char name[NAME_ROOM];    /* of the service, "" where it is not known */
	struct moment first, last;
	uint64_t first_session, last_session;
};

struct places {
	struct ageing *table[2]; /* devices and accounts, of which there are many; all wider ones */
	struct hash_key key;
	struct crowd_budget budget;
	bool any[PLACE_KINDS][FAULT_KINDS]; /* made ever: most recordings have no device, no account at fault */
	nanoseconds swept, unused; /* when places unused since were made to give their memory back */
	void (*leave)(void *context, struct place *place); /* has to make room */
	void *context;
};

bool places_init(struct places *places, size_t most_bytes, struct hash_key key, void (*leave)(void *context, struct place *place), void *context);
void places_reset(struct places *places);

/* Wide to narrow, the places that a hit counts for; how many. */
int places_hit(struct places *places, const struct incident_session *session, const struct fault *fault, struct place *into[PLACE_KINDS]);
/* Counts it there. */
void place_record(struct places *places, struct place *place, const struct incident_session *session, const struct fault *fault);
/* Counts a client that was served at all places that know of it. */
void places_served(struct places *places, const struct incident_session *session);
void places_resolved(struct places *places, const struct incident_session *session);
/* The service (a resolver for FAULT_NAME), and everything; NULL: not known. */
struct place *place_service(const struct places *places, enum fault_kind kind, const struct endpoint *server);
struct place *place_all(const struct places *places, enum fault_kind kind);
/* The fault that most of its hits were. */
const struct fault *place_fault(const struct place *place);
/* Counts the faults of those anew that are hit now. */
void place_count_faults(struct place *place);
/* Places and clients that had to leave while they were watched. */
uint64_t places_forgotten(const struct places *places);
size_t places_bytes(const struct places *places);
/* Starts afresh. */
void place_calm(struct place *place);
/* "example.org" of "imap.example.org", "example.co.uk" of "imap.example.co.uk"; borrows. */
const char *domain_of(const char *name);

#endif
