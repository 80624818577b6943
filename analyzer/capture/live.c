/* Live capture: libpcap without blocking, an own wait, a clock that moves when nothing arrives, interfaces that come and go. */
#include "live.h"

#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "privilege.h"

#define SNAP_LENGTH 262144
#define BUFFER_BYTES (64 << 20)
#define READ_TIMEOUT 10 /* ms; 0 hangs, immediate mode falls back to the slower TPACKET_V2 */
#define WAIT 50         /* ms */
#define RING_DELAY (100 * MILLISECOND)
#define ENDING (50 * MILLISECOND) /* what was captured before the end has come by then */
#define REOPEN_FIRST (1 * SECOND) /* then twice as long each time, up to: */
#define REOPEN_LAST (30 * SECOND)
#define STATISTICS_EVERY 0x10000u /* frames: often enough that libpcap's 32-bit counters can't wrap unseen */

struct live {
	char *name, *filter;
	int snap_length, buffer_bytes;
	bool no_promiscuous;
	volatile sig_atomic_t *stop;
	pcap_t *pcap; /* NULL while the interface is gone */
	int fd;
	uint16_t link;
	bool nano;
	uint32_t frames; /* the frame number: packets since the start, wrapping */
	nanoseconds clock, tick; /* capture time told last; monotonic: when it was told */
	nanoseconds reopen_at, reopen_wait; /* monotonic: when to try again; how long after a vain try */
	bool down;        /* its link is down, and that was told */
	nanoseconds ends; /* stopped: capture time up to which frames are still handed over; 0: not stopped */
	struct pcap_stat before;
	uint64_t received, dropped, interface_dropped, lost;
};

static nanoseconds now(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* The interfaces that there are, for the error text. */
static void list_interfaces(char *into, size_t room)
{
	char ignored[PCAP_ERRBUF_SIZE];
	pcap_if_t *all = NULL;
	size_t len = 0;

	into[0] = '\0';
	if (pcap_findalldevs(&all, ignored) != 0)
		return;
	for (const pcap_if_t *i = all; i && len < room; i = i->next)
		if (i->flags & PCAP_IF_UP)
			len += (size_t)snprintf(into + len, room - len, "%s%s", len ? ", " : "", i->name);
	pcap_freealldevs(all);
}

static bool why_not(const struct live *live, pcap_t *pcap, int status, struct error *error)
{
	char there[400];

	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return error_set(error, "%s: not permitted to capture; run as root, or: setcap cap_net_raw+ep on the imapwhy program", live->name);
	case PCAP_ERROR_NO_SUCH_DEVICE:
		list_interfaces(there, sizeof there);
		return error_set(error, "%s: no such interface; there are: %s", live->name, there[0] ? there : "none that may be captured on");
	case PCAP_ERROR_IFACE_NOT_UP:
		return error_set(error, "%s: the interface is down; bring it up: ip link set %s up", live->name, live->name);
	default:
		return error_set(error, "%s: can't capture: %s%s%s", live->name, pcap_statustostr(status),
			pcap && pcap_geterr(pcap)[0] ? ": " : "", pcap ? pcap_geterr(pcap) : "");
	}
}

static bool set_filter(const struct live *live, pcap_t *pcap, struct error *error)
{
	struct bpf_program program;

	if (!live->filter || !live->filter[0])
		return true;
	if (pcap_compile(pcap, &program, live->filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return error_set(error, "%s: filter \"%s\": %s (see man pcap-filter)", live->name, live->filter, pcap_geterr(pcap));
	if (pcap_setfilter(pcap, &program) != 0) {
		error_set(error, "%s: filter \"%s\" can't be set: %s", live->name, live->filter, pcap_geterr(pcap));
		pcap_freecode(&program);
		return false;
	}
	pcap_freecode(&program);
	return true;
}

/* libpcap numbers some link types otherwise than files do; frames always carry the files' numbers. */
static uint16_t link_of(pcap_t *pcap)
{
	int link = pcap_datalink(pcap);

	return link == DLT_RAW ? 101 : (uint16_t)link;
}

static bool open_interface(struct live *live, struct error *error)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(live->name, text);
	int status;

	if (!pcap)
		return error_set(error, "%s: can't capture: %s", live->name, text);
	pcap_set_snaplen(pcap, live->snap_length);
	pcap_set_promisc(pcap, !live->no_promiscuous);
	pcap_set_timeout(pcap, READ_TIMEOUT);
	pcap_set_buffer_size(pcap, live->buffer_bytes);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(pcap);
	if (status < 0) {
		why_not(live, pcap, status, error);
		pcap_close(pcap);
		return false;
	}
	if (!set_filter(live, pcap, error)) {
		pcap_close(pcap);
		return false;
	}
	live->fd = pcap_get_selectable_fd(pcap);
	if (pcap_setnonblock(pcap, 1, text) != 0 || live->fd < 0) {
		error_set(error, "%s: can't be waited for: %s", live->name, text);
		pcap_close(pcap);
		return false;
	}
	live->pcap = pcap;
	live->down = false;
	live->link = link_of(pcap);
	live->nano = pcap_get_tstamp_precision(pcap) == PCAP_TSTAMP_PRECISION_NANO;
	live->before = (struct pcap_stat){ 0 };
	return true;
}

struct live *live_open(const char *interface, const struct source_options *options, struct error *error)
{
	struct live *live = calloc(1, sizeof *live);

	if (!live)
		return error_set(error, "%s: no memory", interface), NULL;
	live->name = strdup(interface);
	live->filter = options->filter ? strdup(options->filter) : NULL;
	live->snap_length = options->snap_length > 0 ? options->snap_length : SNAP_LENGTH;
	live->buffer_bytes = options->buffer_bytes > 0 ? options->buffer_bytes : BUFFER_BYTES;
	live->no_promiscuous = options->no_promiscuous;
	live->stop = options->stop;
	live->clock = now(CLOCK_REALTIME) - RING_DELAY;
	live->tick = now(CLOCK_MONOTONIC);
	if (!live->name || !open_interface(live, error) || !privilege_drop(options->user, error))
		live_close(&live);
	return live;
}

/* Adds what libpcap's 32-bit counters grew by. */
static void update_statistics(struct live *live)
{
	struct pcap_stat at;

	if (!live->pcap || pcap_stats(live->pcap, &at) != 0)
		return;
	live->received += at.ps_recv - live->before.ps_recv;
	live->dropped += at.ps_drop - live->before.ps_drop;
	live->interface_dropped += at.ps_ifdrop - live->before.ps_ifdrop;
	live->before = at;
}

void live_close(struct live **at)
{
	struct live *live = *at;

	if (!live)
		return;
	if (live->pcap)
		pcap_close(live->pcap);
	free(live->name);
	free(live->filter);
	free(live);
	*at = NULL;
}

/* Nothing arrived: capture time is the wall clock less what the ring may hold back. It never goes backwards, and goes on at its own pace where the
 * wall clock was set back. */
static enum source_status idle(struct live *live, struct frame *frame)
{
	nanoseconds wall = now(CLOCK_REALTIME) - RING_DELAY, tick = now(CLOCK_MONOTONIC);

	if (wall > live->clock)
		live->clock = wall;
	else if (live->clock - wall > 1 * SECOND)
		live->clock += tick - live->tick;
	live->tick = tick;
	*frame = (struct frame){ .at = { .time = live->clock, .frame = live->frames }, .link = live->link };
	return SOURCE_IDLE;
}

/* The interface is gone: its handle is closed, and another tried for, ever less often. */
static enum source_status interface_gone(struct live *live, struct error *error)
{
	error_set(error, "%s: the interface is gone (%s); waiting for it to come back", live->name, pcap_geterr(live->pcap));
	update_statistics(live);
	pcap_close(live->pcap);
	live->pcap = NULL;
	live->lost++;
	live->reopen_wait = REOPEN_FIRST;
	live->reopen_at = now(CLOCK_MONOTONIC) + REOPEN_FIRST;
	return SOURCE_NOTICE;
}

/* True: it is back. */
static bool try_reopen(struct live *live, struct error *error)
{
	if (now(CLOCK_MONOTONIC) < live->reopen_at)
		return false;
	if (open_interface(live, NULL)) {
		error_set(error, "%s: the interface is back; capturing goes on", live->name);
		return true;
	}
	live->reopen_wait = live->reopen_wait * 2 < REOPEN_LAST ? live->reopen_wait * 2 : REOPEN_LAST;
	live->reopen_at = now(CLOCK_MONOTONIC) + live->reopen_wait;
	return false;
}

/* Waits for packets. A link that is down wakes the handle at once: then the time is slept through instead. What libpcap asks to wait at the most
 * (pcap_get_required_select_timeout) is left alone: on Linux it is a look every millisecond whether the link is up again, and ours does that too. */
static void wait_for_packets(struct live *live)
{
	struct pollfd wanted = { .fd = live->fd, .events = POLLIN };

	if (poll(&wanted, 1, WAIT) > 0 && (wanted.revents & ~POLLIN) != 0)
		poll(NULL, 0, WAIT);
}

static enum source_status hand_over(struct live *live, struct frame *frame, const struct pcap_pkthdr *head, const u_char *data)
{
	frame->data = data;
	frame->captured = head->caplen;
	frame->wire = head->len > head->caplen ? head->len : head->caplen;
	frame->at.time = head->ts.tv_sec * SECOND + head->ts.tv_usec * (live->nano ? 1 : MICROSECOND);
	frame->at.frame = ++live->frames;
	frame->at.file = 0;
	frame->link = live->link;
	if (frame->at.time > live->clock)
		live->clock = frame->at.time;
	if (live->frames % STATISTICS_EVERY == 0)
		update_statistics(live);
	return SOURCE_FRAME;
}

/* True once for each change: libpcap asks to be waited for at the most a millisecond while the link is down, and not otherwise. */
static bool link_changed(struct live *live, struct error *error)
{
	bool down = pcap_get_required_select_timeout(live->pcap) != NULL;

	if (down == live->down)
		return false;
	live->down = down;
	error_set(error, down ? "%s: the link is down; waiting for it" : "%s: the link is up again", live->name);
	return true;
}

/* A signal asked to stop: what had been captured by then is still handed over. */
static bool is_over(struct live *live, const struct pcap_pkthdr *head)
{
	if (!live->stop || !*live->stop)
		return false;
	if (!live->ends)
		live->ends = now(CLOCK_REALTIME);
	return head ? head->ts.tv_sec * SECOND > live->ends : !live->pcap || now(CLOCK_REALTIME) - live->ends > ENDING;
}

enum source_status live_next(struct live *live, struct frame *frame, struct error *error)
{
	struct pcap_pkthdr *head;
	const u_char *data;

	/* Twice: after the wait the ring is looked at once more, then time is told. */
	for (int turn = 0; turn < 2; turn++) {
		int status;

		if (!live->pcap) {
			if (is_over(live, NULL))
				return SOURCE_END;
			poll(NULL, 0, WAIT);
			if (try_reopen(live, error))
				return SOURCE_NOTICE;
			break;
		}
		status = pcap_next_ex(live->pcap, &head, &data);
		if (is_over(live, status == 1 ? head : NULL))
			return SOURCE_END;
		if (status == 1)
			return hand_over(live, frame, head, data);
		if (status < 0)
			return interface_gone(live, error);
		if (link_changed(live, error))
			return SOURCE_NOTICE;
		if (turn == 0)
			wait_for_packets(live);
	}
	return idle(live, frame);
}

const char *live_name(const struct live *live)
{
	return live->name;
}

void live_counters(struct live *live, struct source_counters *into)
{
	update_statistics(live);
	into->kernel_received += live->received;
	into->kernel_dropped += live->dropped;
	into->interface_dropped += live->interface_dropped;
	into->interface_lost += live->lost;
}
