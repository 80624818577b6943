/* The one interface of all dissectors of byte streams. They are pure: bytes in, observations out. */
#ifndef IMAPWHY_DISSECTOR_H
#define IMAPWHY_DISSECTOR_H

#include "facts.h"

/* What a dissector says of the bytes it was given. */
enum dissect_result {
	DISSECT_ON,       /* go on feeding it */
	DISSECT_STARTTLS, /* IMAP only: what follows `consumed` (server's direction), and all that the client sends from now on, is TLS */
	DISSECT_QUIET,    /* it has nothing more to say: feed it no more (COMPRESS; not its protocol) */
	DISSECT_INNER,    /* TLS only: `inner` was carried inside; feed it to whoever reads that, then call again, also with nothing left */
};

/* A piece of the stream that another one carries. */
struct inner {
	struct bytes bytes;  /* valid until the next call, which wipes them */
	struct moment at;    /* the frame that carried the last of it, which may be an earlier one */
	enum direction from; /* whose it is, which may be the other side than the call's */
	bool gap;            /* bytes of it are missing ahead of these, how many is unknown */
};

struct dissected {
	enum dissect_result result;
	size_t consumed; /* of the bytes given; the rest is given again, with more behind it */
	struct inner inner; /* DISSECT_INNER alone */
};

enum probe_result { PROBE_NO, PROBE_YES, PROBE_MORE };

/* State is the caller's zeroed memory of state_size bytes; what it owns outside of it the caller frees (tls_release).
 *
 * data: `bytes` start where the last call's `consumed` ended; only the bytes are new that were not there before. It must consume all
 *       that it can; what it leaves may not exceed DISSECT_MOST_LEFT (longer lines and messages are skipped over with a note in
 *       its state). o->at is the moment of the frame that carries the last byte of `bytes`.
 * gap:  `missing` bytes of that direction will never come (0: unknown). What was left unconsumed is gone. It resynchronises.
 * end:  the direction was closed (FIN or RST) in order. */
struct dissector {
	const char *name;
	size_t state_size;
	enum probe_result (*probe)(struct bytes first, enum direction from);
	struct dissected (*data)(void *state, struct observer *o, struct bytes bytes);
	void (*gap)(void *state, struct observer *o, uint64_t missing);
	void (*end)(void *state, struct observer *o);
};

#define DISSECT_MOST_LEFT 16384

extern const struct dissector imap_dissector, tls_dissector;

#endif
