/* Where frames come from: files (pcap, pcapng, compressed, pipes) or a live interface. One interface for both. */
#ifndef IMAPWHY_SOURCE_H
#define IMAPWHY_SOURCE_H

#include <signal.h>

#include "bytes.h"
#include "error.h"
#include "moment.h"

/* A borrowed frame: valid until the next source_next. */
struct frame {
	const uint8_t *data;
	uint32_t captured, wire; /* bytes captured, bytes on the wire */
	struct moment at;
	uint16_t link; /* link type as libpcap's DLT_/LINKTYPE_ numbers */
};

enum source_status {
	SOURCE_FRAME,   /* a frame */
	SOURCE_IDLE,    /* live: nothing arrived; frame->at.time is the present capture time */
	SOURCE_NOTICE,  /* something that its user should know, in error; reading goes on (no frame) */
	SOURCE_SECRETS, /* before the frames that follow: source_secrets has new TLS secrets (no frame) */
	SOURCE_RESTART, /* the following frames belong to another recording: start afresh (no frame) */
	SOURCE_END,     /* no more */
	SOURCE_BROKEN,  /* a file could not be read on: error says where it broke; call again for the next file */
};

/* Several files: those that follow or overlap each other are one recording; all are; each is one. */
enum file_order { FILES_JOIN, FILES_MERGE, FILES_SEPARATE };

struct source_options {
	enum file_order files;
	/* live */
	const char *filter;
	int snap_length;         /* 0: the default (262144) */
	int buffer_bytes;        /* 0: 64 MiB */
	bool no_promiscuous;
	const char *user;        /* drop privileges to it once open; NULL: nobody when root */
	volatile sig_atomic_t *stop; /* set by a signal: the source ends */
};

struct source_counters {
	uint64_t frames, bytes;           /* handed over */
	uint64_t kernel_received, kernel_dropped, interface_dropped; /* live, or as a pcapng file's statistics blocks tell */
	uint64_t interface_lost;          /* live: times the interface vanished */
	uint64_t broken_files, blocks_skipped; /* unknown pcapng blocks */
	uint64_t secrets_lost;            /* decryption secrets blocks that found no room, or of another format */
};

struct source;

/* Opens capture files ("-" is standard input), not all at once. NULL and error when none can be opened. Files that break later are told
 * by SOURCE_BROKEN. */
struct source *source_open_files(const char *const *paths, int count, const struct source_options *options, struct error *error);
struct source *source_open_live(const char *interface, const struct source_options *options, struct error *error);
void source_close(struct source **source);

/* What came next; what it set of frame and error stands with each status. */
enum source_status source_next(struct source *source, struct frame *frame, struct error *error);

/* The name of a file index (moment.file) or of the interface. */
const char *source_name(const struct source *source, uint16_t file);
/* What a link type is called, as libpcap says; "unknown". */
const char *source_link_name(uint16_t link);
/* Can its frames be read once more after the end? Streams and interfaces can't. */
bool source_rereadable(const struct source *source, uint16_t file);
bool source_all_rereadable(const struct source *source);
void source_counters(struct source *source, struct source_counters *into);
/* Bytes read and bytes in all, for the progress line; all is 0 where it is not known. */
void source_progress(const struct source *source, uint64_t *read, uint64_t *all);
/* The TLS key log texts of pcapng decryption secrets blocks met since they were last told by SOURCE_SECRETS, whole lines; borrowed until the
 * next source_next, which wipes them. */
struct bytes source_secrets(const struct source *source);

#endif
