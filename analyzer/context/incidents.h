/* Incidents: faults that several sessions share, recognised by distinct clients or by repeats, told when they open, grow and close. */
#ifndef IMAPWHY_INCIDENTS_H
#define IMAPWHY_INCIDENTS_H

#include "ageing.h"

enum incident_scope { SCOPE_UNKNOWN, SCOPE_ACCOUNT, SCOPE_DEVICE, SCOPE_NETWORK, SCOPE_SERVER, SCOPE_PROVIDER, SCOPE_EVERYONE };
enum incident_state { INCIDENT_OPEN, INCIDENT_GROWN, INCIDENT_CLOSED };

/* What is at fault: kinds that are told apart even where the same clients meet them at the same place. */
enum fault_kind { FAULT_SERVICE, FAULT_TLS, FAULT_NAME, FAULT_LOGIN, FAULT_KINDS };

/* Whose fault the sessions point at; all strings outlive the table. */
struct fault {
	const char *class, *mechanism, *cause;
	const void *rule;        /* handed back as it is */
	enum fault_kind kind;
	bool of_device;          /* this client alone is turned away */
	bool of_network;         /* a middlebox or the path */
	bool swallowed;          /* by a middlebox, if the server lived then: others that it served meanwhile show it */
	bool of_server;          /* it answered, so that the path to it holds */
};

/* One session (or failed look-up), hit or served. */
struct incident_session {
	struct endpoint client, server; /* of a look-up the resolver; port 0: the fault of the name, whoever is asked */
	const char *name;        /* of the server, NULL: not known */
	nanoseconds began, at;   /* at: when it ended so, or was served */
	struct moment proof;     /* the frame that shows it */
	uint64_t session;
	uint64_t user;           /* keyed hash of the user's name, 0: not known */
	const char *user_name;   /* as the policy of user names wants it (masked), NULL: not known */
};

/* As told; borrowed until the call returns. */
struct incident_told {
	uint64_t id;
	uint64_t part_of;        /* a wider incident that takes it in; 0: none */
	enum incident_state state;
	enum incident_scope scope;
	const struct fault *fault;
	struct endpoint server;  /* the first hit */
	const char *name;        /* of the server; "" where it is not known */
	const char *domain;      /* of SCOPE_PROVIDER its domain, "" where it is not known */
	bool several;            /* more servers than that one are hit */
	struct address client;   /* the first hit; of SCOPE_NETWORK its network's first address */
	int client_bits;
	nanoseconds since, until;
	uint32_t clients_hit, clients_served, sessions_hit, sessions_served;
	struct moment first, last;
	uint64_t first_session, last_session;
	uint64_t user;           /* 0: not known */
	const char *user_name;   /* "" where it is not known */
};
typedef void incident_tell(void *context, const struct incident_told *told);

struct incidents;
/* `tell` is called with each change of an incident while others are being told here. NULL: out of memory. */
struct incidents *incidents_create(size_t most_bytes, struct hash_key key, incident_tell *tell, void *context);
void incidents_destroy(struct incidents **incidents);
/* A session failed. Its incident's id, 0: none yet. */
uint64_t incidents_hit(struct incidents *incidents, const struct incident_session *session, const struct fault *fault);
/* A session worked. */
void incidents_served(struct incidents *incidents, const struct incident_session *session);
/* A look-up of a mail host was answered. */
void incidents_resolved(struct incidents *incidents, const struct incident_session *session);
/* Closes what is over by now. To be called every few seconds of capture time. */
void incidents_look(struct incidents *incidents, nanoseconds now);
/* The capture ends: what has changed since it was told is told once more, open. */
void incidents_end(struct incidents *incidents, nanoseconds now);
/* Places and clients forgotten for room. */
uint64_t incidents_evicted(const struct incidents *incidents);
size_t incidents_bytes(const struct incidents *incidents);

#endif
