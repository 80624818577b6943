/* One thread fills a ring of pieces, the analysing one takes them. */
#include "ahead.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PIECES 16
#define KEPT 2      /* the piece taken last, and the one before it */
#define WORTH_IT 12 /* waking the reader costs more than a piece's wait: it gets room for several */
#define LARGE_PAGE ((size_t)2 << 20)

_Static_assert(WORTH_IT <= PIECES - KEPT, "a taker that waits has woken the reader");

struct piece {
	uint8_t front[AHEAD_FRONT];
	uint8_t bytes[AHEAD_PIECE];
	size_t len;
};

struct ahead {
	ahead_read *read;
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, freed;
	uint64_t ready, taken; /* pieces since the start, under the lock */
	bool over;             /* the taker wants no more */
	struct piece piece[PIECES];
};

/* Whole pieces, however small the parts are in which they come: each hand-over costs the same. False when no more will come. */
static bool fill(struct ahead *a, struct piece *piece)
{
	ssize_t n = 1;

	while (piece->len < AHEAD_PIECE && (n = a->read(a->context, piece->bytes + piece->len, AHEAD_PIECE - piece->len)) > 0)
		piece->len += (size_t)n;
	return n > 0;
}

static uint64_t room_of(const struct ahead *a)
{
	return a->taken + PIECES - KEPT - a->ready;
}

static bool wait_for_room(struct ahead *a)
{
	bool over;

	pthread_mutex_lock(&a->lock);
	while (!a->over && !room_of(a))
		pthread_cond_wait(&a->freed, &a->lock);
	over = a->over;
	pthread_mutex_unlock(&a->lock);
	return !over;
}

static void *read_all(void *context)
{
	struct ahead *a = context;
	bool more = true, ended = false;

	while (!ended && wait_for_room(a)) {
		struct piece *piece = &a->piece[a->ready % PIECES];
		piece->len = 0;
		more = more && fill(a, piece);
		ended = piece->len == 0;
		pthread_mutex_lock(&a->lock);
		a->ready++;
		pthread_cond_signal(&a->filled);
		pthread_mutex_unlock(&a->lock);
	}
	return NULL;
}

static bool has_second_core(void)
{
	cpu_set_t cores;

	return sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 1;
}

/* Signals are the analysing thread's. */
static bool start_thread(struct ahead *a)
{
	sigset_t all, before;
	int status;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	status = pthread_create(&a->thread, NULL, read_all, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status == 0;
}

/* All of a file passes through it on both cores: in large pages, where there are any, neither asks for their places all the time. */
static struct ahead *ring_make(void)
{
	size_t size = (sizeof(struct ahead) + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	struct ahead *a = aligned_alloc(LARGE_PAGE, size);

	if (a)
		madvise(a, size, MADV_HUGEPAGE);
	return a;
}

struct ahead *ahead_start(ahead_read *read, void *context)
{
	struct ahead *a = has_second_core() ? ring_make() : NULL;

	if (!a)
		return NULL;
	a->read = read;
	a->context = context;
	a->ready = a->taken = 0;
	a->over = false;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->filled, NULL);
	pthread_cond_init(&a->freed, NULL);
	if (start_thread(a))
		return a;
	free(a);
	return NULL;
}

uint8_t *ahead_next(struct ahead *a, size_t *len)
{
	pthread_mutex_lock(&a->lock);
	while (a->ready == a->taken)
		pthread_cond_wait(&a->filled, &a->lock);
	struct piece *piece = &a->piece[a->taken % PIECES];
	*len = piece->len;
	/* The empty piece at the end stays: who asks again gets it again. */
	a->taken += piece->len > 0;
	if (room_of(a) >= WORTH_IT)
		pthread_cond_signal(&a->freed);
	pthread_mutex_unlock(&a->lock);
	return piece->bytes;
}

void ahead_stop(struct ahead **ahead)
{
	struct ahead *a = *ahead;

	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->over = true;
	pthread_cond_signal(&a->freed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->freed);
	pthread_cond_destroy(&a->filled);
	pthread_mutex_destroy(&a->lock);
	free(a);
	*ahead = NULL;
}
