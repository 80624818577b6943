/* The clients of one place (a service, a provider, a network): who is hit by a fault there, since when, and who is served. */
#ifndef IMAPWHY_CROWD_H
#define IMAPWHY_CROWD_H

#include "address.h"
#include "hash.h"
#include "moment.h"

#define CROWD_MOST 4096 /* clients of one place; beyond them the one that was quiet longest is forgotten */
#define CROWD_KINDS 8
#define CROWD_SERVED 4  /* newest services of a client that are remembered */

/* One client, on a line of the cache: what each service asks and changes. */
struct party {
	struct address address;
	uint16_t streak;          /* number of its streak and 1; 0: none, it was never hit */
	nanoseconds served[CROWD_SERVED], since; /* newest first; the first one since the incident began, 0: none */
};
_Static_assert(sizeof(struct party) == 64, "a client takes one line");

/* How a client was hit: few are, and theirs stand together. */
struct streak {
	uint32_t hits;            /* since it began; 0: not hit, as far as that counts */
	uint16_t party;           /* whose it is, by number */
	uint8_t kind;             /* the owner's: of its newest hit; below CROWD_KINDS, or one that is like no other */
	nanoseconds began, hit;   /* when its first failing session began; its newest hit */
	nanoseconds back;         /* when it was first served after its newest hit; 0: not yet */
	struct moment first;      /* proof of its first hit */
	uint64_t session;
	uint32_t where;           /* the narrower place of its newest hit, hashed */
	struct endpoint server;   /* of its newest hit */
};

/* Memory that all crowds of one table share. */
struct crowd_budget {
	struct hash_key key;
	size_t used, most;
	uint64_t forgotten;       /* clients that had to leave while their place was watched */
};

struct crowd {
	struct party *party;
	struct streak *streak;
	uint32_t count, room;     /* of parties; room: a power of two; 0: none yet */
	uint16_t streaks, streak_room;
};

/* Gives its memory back; it is empty then. */
void crowd_release(struct crowd *crowd, struct crowd_budget *budget);
/* The client will be asked for soon: its line is fetched. */
void crowd_expect(const struct crowd *crowd, const struct crowd_budget *budget, const struct address *client);
/* The client's record, made where there is none; NULL: no memory is left for any. */
struct party *crowd_take(struct crowd *crowd, struct crowd_budget *budget, const struct address *client);
/* NULL: it was never hit. */
struct streak *crowd_streak(const struct crowd *crowd, const struct party *party);
bool party_is_hit(const struct crowd *crowd, const struct party *party);
/* Was that client hit? */
bool crowd_is_hit(const struct crowd *crowd, const struct crowd_budget *budget, const struct address *client);

struct crowd_hit {
	nanoseconds began, at;    /* when the failing session began; it may be told late: newer ones may be known */
	struct moment proof;
	uint64_t session;
};
/* The client is hit. Returns its streak; NULL: no memory is left for any. */
struct streak *crowd_hit(struct crowd *crowd, struct crowd_budget *budget, struct party *party, const struct crowd_hit *hit);
/* The client is served, which may be told late, too. since: when the place's incident began; 0: there is none. */
void crowd_serve(struct crowd *crowd, struct party *party, nanoseconds at, nanoseconds since);
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
	const struct streak *streak; /* of the first */
	int bits;                 /* of the network that all that were hit share; 0: several */
	bool served_inside;       /* others of the first one's network were served */
	bool several;             /* they were hit at several addresses of one family */
};

/* Whom the fault hits that is newest at `until`: hits more than `within` before it count no more, nor those served before it. Counting stops
 * where more than so many times as many were served as are hit. */
struct tally crowd_watched(const struct crowd *crowd, nanoseconds until, nanoseconds within, uint32_t times);
/* Was anybody served between two times whom the fault does not hit at `until`? */
bool crowd_any_served(const struct crowd *crowd, nanoseconds since, nanoseconds until, nanoseconds within);
/* Makes those the incident's: whoever is hit from now on counts, whoever was not failing is none of it. */
void crowd_open(struct crowd *crowd, nanoseconds since, nanoseconds until, nanoseconds within);
/* Everybody hit in an open incident, and who was served meanwhile. */
struct tally crowd_counted(const struct crowd *crowd, nanoseconds since, nanoseconds until);
/* Everybody hit in an open incident; nobody that was served, which is dearer to count. */
struct tally crowd_all_hit(const struct crowd *crowd);
/* Was the client served between two times (as far as that is remembered)? */
bool party_served_between(const struct party *party, nanoseconds from, nanoseconds to);
/* /24, of IPv6 /64. */
int network_bits(const struct address *address);
bool same_network(const struct address *a, const struct address *b);

#endif
