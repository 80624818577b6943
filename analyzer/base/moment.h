/* When and where something was seen: capture time and the frame that shows it. */
#ifndef IMAPWHY_MOMENT_H
#define IMAPWHY_MOMENT_H

#include <stdint.h>

/* Capture time: nanoseconds since the epoch, UTC. */
typedef int64_t nanoseconds;

#define MICROSECOND ((nanoseconds)1000)
#define MILLISECOND ((nanoseconds)1000000)
#define SECOND ((nanoseconds)1000000000)
#define MINUTE (60 * SECOND)

struct moment {
	nanoseconds time;
	uint32_t frame; /* 1-based within its file, as Wireshark counts; 0: none */
	uint16_t file;  /* index of the file in the run */
};

enum direction { FROM_CLIENT = 0, FROM_SERVER = 1 };

static inline enum direction other(enum direction d)
{
	return d == FROM_CLIENT ? FROM_SERVER : FROM_CLIENT;
}

#endif
