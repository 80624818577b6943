/* What rules/inside-tls.yaml says of dialogues inside TLS: how long what is, how long it takes, what follows what. */
#ifndef IMAPWHY_INFER_MODEL_H
#define IMAPWHY_INFER_MODEL_H

#include "facts.h"

enum meaning {
#define MEANING(word, from, says) MEANS_##word,
#include "dialogue.def"
#undef MEANING
	MEANINGS
};

enum phase {
#define PHASE(word, group, says) PHASE_##word,
#include "dialogue.def"
#undef PHASE
	PHASES
};

enum phase_group { GROUP_BEFORE, GROUP_WITHIN, GROUP_AFTER };

/* How a login went that was not accepted, carried along until one is. */
enum mood { MOOD_NONE, MOOD_REFUSED, MOOD_LIMITED, MOOD_TEMPORARY, MOODS };

/* Where a dialogue stands: a phase in a mood. */
#define STATES (PHASES * MOODS)
#define STATE(phase, mood) ((int)(phase) * MOODS + (int)(mood))
#define PHASE_IN(state) ((enum phase)((unsigned)(state) / MOODS))
#define MOOD_IN(state) ((enum mood)((unsigned)(state) % MOODS))

struct meaning_kind {
	const char *word, *says;
	enum direction from;
};
struct phase_kind {
	const char *word, *says;
	enum phase_group group;
};
struct dialogue_step {
	uint8_t phase, meaning, then;
};

extern const struct meaning_kind meaning_kinds[MEANINGS];
extern const struct phase_kind phase_kinds[PHASES];
extern const struct dialogue_step dialogue_steps[];
extern const int dialogue_step_count;
/* -1: none such. */
int meaning_by_word(const char *word);
int phase_by_word(const char *word);
int dialogue_step_of(enum phase phase, enum meaning meaning);

/* How a session may end: the words of the enumeration `end`, and how long after the last record. */
#define ENDS 5
enum { END_AT_ONCE, END_SOON, END_LATE, END_SPANS };
#define END_AT_ONCE_MOST (500 * MILLISECOND)
#define END_SOON_MOST (5 * SECOND)

#define BUCKETS_MOST 32
#define STEPS_MOST 128
#define TEXTS_MOST 24   /* of one server */
#define MEANING_TEXTS_MOST 96 /* of one meaning, whoever says it */
#define TAGS_MOST 12    /* the longest tag that is thought of */
#define CLIENTS_MOST 48
#define SERVERS_MOST 48

/* A text's length without its tag and with CRLF. */
struct inside_text {
	uint16_t least, most;
	bool tagged;
	uint8_t meaning;
};

struct inside_meaning {
	double size[BUCKETS_MOST];   /* probability of each byte of the bucket, not of the bucket */
	double delay[BUCKETS_MOST];  /* of the bucket */
	double exact;                /* how often it is one of the texts, where there are any */
	struct inside_text texts[MEANING_TEXTS_MOST];
	int text_count, longest;     /* longest: made by inside_ready */
	bool given;
};

/* What comes after a phase: each step of dialogue.def, and each end; together 1 for each phase. */
struct inside_habits {
	double step[STEPS_MOST];
	double end[PHASES][ENDS][END_SPANS];
	float step_log[STEPS_MOST], end_log[PHASES][ENDS][END_SPANS]; /* their logarithms, made by inside_ready */
	bool given[PHASES];
};

struct inside_server {
	const char *name;
	double share;
	struct inside_text texts[TEXTS_MOST];
	int text_count;
	uint32_t meanings; /* bit: it has texts of that meaning */
	float alone;       /* how much likelier its one way to accept a login is, where it has not both; made by inside_ready */
	nanoseconds delay[MEANINGS][2]; /* 0, 0: none given */
};

struct inside_client {
	const char *name;
	double share;
	uint8_t tag_least, tag_most;
	struct inside_habits habits; /* phases given take the place of the usual ones */
	bool own_habits;             /* any is given; made by inside_ready */
};

/* How likely records of one length are, as what: probabilities of the bare length, and logarithms. */
struct inside_lengths {
	double usual[MEANINGS];
	float usual_log[MEANINGS];
	float no_text[MEANINGS];   /* where it is none of the meaning's texts */
	float not_theirs[MEANINGS]; /* where it is none of a known server's */
};

/* Suppositions that are tried side by side, and how many of them a register holds. */
#define LANES 12
#define FOUR 4
/* Tags of like length, for a first look: as many groups as a register holds. */
#define GROUPS FOUR
#define GROUP_SIZE (TAGS_MOST / GROUPS)
#define GROUP_OF(tag) (((tag) - 1) / GROUP_SIZE)
_Static_assert(TAGS_MOST % GROUPS == 0, "every tag has its group");
_Static_assert(LANES >= TAGS_MOST, "every tag has its lane");

/* Shorter records are looked up by their length. */
#define SHORT_MOST 128

/* A step of dialogue.def that leads on from a state. */
struct inside_way {
	uint8_t meaning, to, step;
};
#define WAYS_MOST (STEPS_MOST * MOODS)

/* Strings are borrowed from the rules' documents. */
struct inside_model {
	bool loaded;
	int size_count, delay_count;
	uint32_t size_edge[BUCKETS_MOST];     /* the first byte count beyond the bucket */
	nanoseconds delay_edge[BUCKETS_MOST]; /* the first span beyond it */
	struct inside_meaning meaning[MEANINGS];
	struct inside_habits usual;
	double tag[TAGS_MOST + 1]; /* of a client that is not known */
	double exact, timely;      /* how often a known server's answer is one of its texts; comes in the time told */
	double odd;                /* of a record that fits nothing */
	double sharpness;          /* what part of the difference of two scores counts: terms are not independent */
	double known;              /* how much more likely an answer is that this server gave before */
	double again;              /* how likely a login is let in by an answer as long as one that refused another before */
	double unlike[2];          /* how likely an answer that refuses, and one that accepts, is like none of that kind that this server gave before */
	double shorter;            /* how likely a further login is less than half as long as the one that was refused */
	double otherwise;          /* how likely a further login is refused by an answer of another length than the one before */
	double specific;           /* how far a limit or a temporary failure must lead a plain refusal */
	int threshold;             /* per mille; below it the dialogue is unclear */
	struct inside_server *servers;
	int server_count;
	struct inside_client *clients;
	int client_count;
	/* Made by inside_ready: */
	struct inside_lengths lengths[BUCKETS_MOST]; /* of a length in that bucket */
	float delay_log[BUCKETS_MOST][MEANINGS];
	float text_log[MEANINGS][SHORT_MOST][LANES]; /* of a meaning that has texts, under each tag */
	float text_most[MEANINGS][SHORT_MOST][GROUPS]; /* the greatest of each group */
	float follows[STEPS_MOST][LANES];            /* the usual habits in every lane */
	float known_log, again_log, unlike_log[2], shorter_log, otherwise_log;
	double other_clients, other_servers;         /* the share of those that are not known */
	double tag_prior[TAGS_MOST + 1], group_prior[GROUPS]; /* logarithms, both sides unknown; the greatest of the group */
	struct inside_way ways[2][WAYS_MOST];        /* of records of each direction, state by state */
	uint16_t first_way[2][STATES + 1];
	uint32_t leads[PHASES];                      /* bits: the phases that a phase leads to */
};

/* Works out what is the same for all sessions. To be called once all else is filled in. */
void inside_ready(struct inside_model *model);

#endif
