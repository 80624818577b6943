/* The clients of one place (a service, a provider, a network): who is hit by a fault there, since when, and who is served. */
#ifndef IMAPWHY_CROWD_H
#define IMAPWHY_CROWD_H

#include "address.h"
#include "hash.h"
#include "moment.h"

#define CROWD_MOST 4096 /* clients of one place; beyond them the one that was quiet longest is forgotten */
#define CROWD_KINDS 8
#define CROWD_SERVED 4  /* newest services of a client that are remembered */

struct party {
	struct address address;
	uint8_t kind;             /* the owner's: of its newest hit; below CROWD_KINDS, or one that is like no other */
	struct endpoint server;   /* of its newest hit */
	uint32_t hits;            /* since its streak began; 0: not hit */
	uint32_t where;           /* the narrower place of its newest hit, hashed */
	nanoseconds began, hit;   /* when its streak's first failing session began; its newest hit */
	nanoseconds back;         /* when it was first served after its newest hit; 0: not yet */
	nanoseconds served[CROWD_SERVED], since; /* newest first; the first one since the incident began, 0: none */
	struct moment first;      /* proof of its streak's first hit */
	uint64_t session;
};

/* Memory that all crowds of one table share. */
struct crowd_budget {
	struct hash_key key;
	size_t used, most;
	uint64_t forgotten;       /* clients that had to leave while their place was watched */
};

struct crowd {
	struct party *party;
	uint32_t count, room;     /* room: a power of two; 0: none yet */
};

void crowd_release(struct crowd *crowd, struct crowd_budget *budget);
/* The client's record, made where there is none; NULL: no memory is left for any. */
struct party *crowd_take(struct crowd *crowd, struct crowd_budget *budget, const struct address *client);
/* Was that client hit? */
bool crowd_is_hit(const struct crowd *crowd, const struct crowd_budget *budget, const struct address *client);
/* Tells may come late: `at` need not be newer than what is known. `began`: when the failing session began. */
void party_hit(struct party *party, nanoseconds began, nanoseconds at, struct moment proof, uint64_t session);
void party_served(struct party *party, nanoseconds at, nanoseconds since);
/* Those of that kind are like no other from now on. */
void crowd_forget_kind(struct crowd *crowd, uint8_t kind);
/* All that were hit start afresh. */
void crowd_calm(struct crowd *crowd);

struct tally {
	uint32_t hit;             /* clients; of a crowd that is only watched: those that were failing at `until` */
	uint32_t served;          /* others, between `since` and `until` */
	uint32_t back;            /* of those hit: served since their newest hit */
	uint32_t sessions, sessions_served;
	uint32_t outside;         /* of those hit: elsewhere than where most were */
	uint32_t alike[CROWD_KINDS]; /* of those hit, by kind */
	nanoseconds since;
	const struct party *first; /* the first hit, NULL: nobody */
	int bits;                 /* of the network that all that were hit share; 0: several */
	bool served_inside;       /* others of the first one's network were served */
	bool several;             /* they were hit at several addresses of one family */
};

/* Whom the fault hits that is newest at `until`: hits more than `within` before it count no more, nor those served before it. Counting stops
 * where more than so many times as many were served as are hit. */
struct tally crowd_watched(const struct crowd *crowd, nanoseconds until, nanoseconds within, uint32_t times);
/* Makes those the incident's: whoever is hit from now on counts, whoever was not failing is none of it. */
void crowd_open(struct crowd *crowd, nanoseconds since, nanoseconds until, nanoseconds within);
/* Everybody hit in an open incident, and who was served meanwhile. */
struct tally crowd_counted(const struct crowd *crowd, nanoseconds since, nanoseconds until);
/* Was the client served between two times (as far as that is remembered)? */
bool party_served_between(const struct party *party, nanoseconds from, nanoseconds to);
/* /24, of IPv6 /64. */
int network_bits(const struct address *address);
bool same_network(const struct address *a, const struct address *b);

#endif
