/* What the files of the IMAP dissector share: its state, which must stay small (idle sessions are many), and their calls. */
#ifndef IMAPWHY_IMAP_STATE_H
#define IMAPWHY_IMAP_STATE_H

#include "imap.h"
#include "text.h"

#define IMAP_MOST_ASKED 6
#define IMAP_MOST_LINE 8192  /* of longer lines only this much is read */
#define IMAP_LINE_TAIL 24    /* enough of a skipped line's end to see a literal's length there */
#define IMAP_MOST_USER 256   /* a user name in a literal waits until it is whole; longer ones are not read */

/* A command without its tagged answer. `at`: when the server came to owe something (its last line, SASL line, DONE). */
struct asked {
	struct moment at;
	uint32_t tag; /* hash: tags are the client's words and never kept */
	uint8_t command;
	uint8_t flags;
};

enum asked_flag {
	ASKED_OPEN = 1,         /* its last line has not come */
	ASKED_PLUS = 2,         /* open, and the server's `+` for a literal is due */
	ASKED_CLIENT_TURN = 4,  /* a SASL challenge, or an accepted IDLE: the server owes nothing now */
	ASKED_DOUBT = 8,        /* a gap may have held its answer: not called owed any more */
};

enum side_flag {
	SIDE_SKIP = 1,   /* within a line that is read no further */
	SIDE_INSIDE = 2, /* within a command or answer, behind a literal */
	SIDE_BEARS = 4,  /* this line may end in a literal's length */
	SIDE_LOST = 8,   /* out of step (gap, mid-stream): only lines that are surely IMAP count */
	SIDE_BLIND = 16, /* a hole may have held anything: not one within a literal */
};

enum imap_flag {
	IMAP_STARTED = 1,
	IMAP_GREETED = 2, /* or no greeting is due any more */
	IMAP_IN = 4,      /* logged in */
	IMAP_LOGOUT = 8,
	IMAP_QUIET = 16,
	IMAP_USER_LITERAL = 32, /* the client's literal at hand is LOGIN's user name */
	IMAP_OAUTH = 128,       /* the mechanism answers failures with an error challenge */
};

/* Where a SASL mechanism's first response names the user. */
enum sasl_name {
	SASL_NAMES_NOBODY,
	SASL_NAME_PLAIN,  /* authzid NUL authcid NUL password (RFC 4616) */
	SASL_NAME_WHOLE,  /* all of it (LOGIN) */
	SASL_NAME_WORD,   /* up to the first space (CRAM-MD5, RFC 2195) */
	SASL_NAME_OAUTH2, /* user=NAME ^A … (XOAUTH2) */
	SASL_NAME_GS2,    /* n,a=NAME, or n,,n=NAME,r=… (OAUTHBEARER and SCRAM: RFC 5801, 5802, 7628) */
};

/* An attempt to log in; numbers of the tables in logins.c. */
struct login_try {
	uint8_t mechanism, result, code;
};

struct imap_state {
	uint64_t literal[2]; /* bytes to skip, by direction */
	struct asked asked[IMAP_MOST_ASKED];
	nanoseconds login_at;
	struct {
		uint32_t command : 8, count : 24;
		uint32_t worst_ms;
	} counts[IMAP_MOST_COMMAND_KINDS];
	uint32_t user, user_local; /* hashes that find the user's name in the server's texts; 0: none */
	uint32_t owed_frame;       /* what COMMAND_OWED says now */
	uint32_t early;            /* tag of an answer captured ahead of its command; 0: none */
	uint16_t overflow;         /* commands that found no room in asked */
	uint16_t flags;
	uint8_t owed, asked_count, midline, early_status;
	uint8_t sasl_name; /* enum sasl_name of the SASL line to come */
	struct login_try tries[IMAP_MOST_LOGINS];
	uint8_t try_count;
	uint8_t side[2];
};

_Static_assert(sizeof(struct imap_state) <= 304, "an idle session must stay small");

/* --- line.c: pieces of lines --- */
struct bytes line_word(struct bytes *rest);                        /* up to the next space, which is skipped */
bool line_literal(struct bytes line, uint64_t *length, bool *waits); /* does it end in {n}, {n+}? */
bool line_quoted(struct bytes *rest, struct text *into);           /* a quoted string or NIL at the start */
struct bytes line_code(struct bytes text, struct bytes *arguments, struct bytes *behind); /* [CODE arguments] text */
int line_status(struct bytes word);                                /* WORD_status_…, -1: none */
bool line_masked_word(struct bytes word);                          /* XXXXXXXX, XXXXXXXA */
size_t base64(struct bytes in, uint8_t *out, size_t room);
uint32_t line_hash(struct bytes word);

/* --- redact.c: names leave masked --- */
void observe_user(struct imap_state *s, struct observer *o, struct bytes name);
/* A server's (or client software's) text without user names, e-mail addresses and long tokens of links. */
void observe_redacted(const struct imap_state *s, struct observer *o, enum fact_id id, struct bytes text);
/* Takes back a text that an older event set. */
void observe_no_text(struct observer *o, enum fact_id id);

/* --- commands.c: command words and the commands at work --- */
enum word_command command_of(struct bytes word); /* none: no known one */
bool command_needs_login(enum word_command command);
struct asked *asked_add(struct imap_state *s, uint32_t tag, enum word_command command, struct moment at);
struct asked *asked_tagged(struct imap_state *s, uint32_t tag);
struct asked *asked_last(struct imap_state *s, enum word_command command); /* the newest of that command, or NULL */
struct asked *asked_sasl(struct imap_state *s);                                        /* the exchange at work, or NULL */
struct asked *asked_open(struct imap_state *s);                                        /* the command whose end is to come */
struct asked *asked_login(struct imap_state *s);
void asked_remove(struct imap_state *s, struct asked *a);
void asked_doubt_all(struct imap_state *s);
void owed_show(struct imap_state *s, struct observer *o);
void count_command(struct imap_state *s, enum word_command command);
void count_answer(struct imap_state *s, enum word_command command, nanoseconds took);

/* --- logins.c: which were tried and what came of them --- */
struct mechanism {
	const char *word;
	uint8_t name; /* enum sasl_name */
};
/* A mechanism that may be named, `OTHER` for any other word: what stands there could be a secret in the wrong place. */
const struct mechanism *mechanism_of(struct bytes word);
void try_begin(struct imap_state *s, const struct mechanism *mechanism);
void try_end(struct imap_state *s, int status, struct bytes code);

/* --- capability.c --- */
void capability_list(struct imap_state *s, struct observer *o, struct bytes list);
void software_greeting(struct observer *o, struct bytes text);
void software_id(const struct imap_state *s, struct observer *o, enum fact_id id, struct bytes list);

/* --- client.c, server.c: whole lines (or their first IMAP_MOST_LINE bytes), without CRLF --- */
void client_line(struct imap_state *s, struct observer *o, struct bytes line);
void client_literal(struct imap_state *s, struct observer *o, bool waits);   /* the line ended in a literal's length */
void client_line_end(struct imap_state *s, struct observer *o);              /* the command is complete */
bool client_command(struct bytes line, struct bytes *tag, enum word_command *command, struct bytes *arguments);
enum dissect_result server_line(struct imap_state *s, struct observer *o, struct bytes line);
void server_answered_early(struct imap_state *s, struct observer *o);        /* the newest command, by the answer remembered */
bool server_untagged_word(struct bytes word);
/* Sets a flag-like fact only where that changes it: what nobody set is false already. */
void observe_change(struct observer *o, enum fact_id id, int64_t value);

#endif
