/* Weighs what speaks for a forged reset. No single weak sign decides: genuine stacks, proxies and balancers show each of them. */
#include "tcp_inside.h"

#include <stdlib.h>

/* Weaver, Sommer, Paxson (NDSS 2009) and what Linux and others do themselves: bare resets have no options and, on Linux, IP ID 0. */
static const struct {
	uint16_t bit;
	uint8_t points, client; /* client: where the client is the alleged sender. No proxy or balancer speaks for it. */
} weights[] = {
	{ RESET_BEHIND, 3, 3 },        /* the sender knows what it has sent; yet behind a SYN proxy Linux was seen to reset so */
	{ RESET_BOTH_AT_ONCE, 4, 4 },  /* two hosts don't abort within milliseconds of each other */
	{ RESET_RISING, 4, 4 },
	{ RESET_ODD_ACK, 3, 3 },
	{ RESET_SOON, 3, 3 },
	{ RESET_UNKNOWN_TO, 2, 2 },    /* or it was restarted, or another host took over */
	{ RESET_ODD_FORM, 2, 2 },
	{ RESET_REPEATED, 2, 2 },
	{ RESET_NO_OPTIONS, 1, 1 },
	{ RESET_ODD_WINDOW, 1, 1 },
	{ RESET_NO_ID, 1, 1 },
	{ RESET_ODD_ID, 0, 3 },
};
enum { POINTS_GOES_ON = 4, POINTS_BOTH = 2, POINTS_FAR = 4, POINTS_OTHER_START = 2, POINTS_NEAR = 2, POINTS_LEFT_OUT = 2, FAR = 3 };

int ttl_difference(const struct tcp *tcp, const struct reset_notes *n)
{
	const struct tcp_side *side = &tcp->side[n->first];

	if (!side->ttl)
		return -1;
	/* A path that changes shows several TTLs, and so does a proxy that shakes hands for others: the nearest counts. */
	int least = abs((int)n->ttl - side->ttl), last = abs((int)n->ttl - side->ttl_last);
	int synack = n->first == FROM_SERVER && tcp->synack_ttl ? abs((int)n->ttl - tcp->synack_ttl) : least;
	least = last < least ? last : least;
	return synack < least ? synack : least;
}

/* With which TTL it most likely set out. */
static int start_of(uint8_t ttl)
{
	return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

int forged_points_of_ttl(const struct tcp *tcp, const struct reset_notes *n)
{
	uint8_t usual = tcp->side[n->first].ttl;
	int difference = ttl_difference(tcp, n);

	if (difference <= 0)
		return 0;
	if (difference < FAR)
		return POINTS_NEAR;
	/* As far away as the rest, but set out with another TTL: some stacks answer so from outside of a connection. */
	if (start_of(n->ttl) != start_of(usual) && start_of(n->ttl) - n->ttl == start_of(usual) - usual)
		return POINTS_OTHER_START;
	return POINTS_FAR;
}

/* What shook hands in the server's stead may end the connection, too, or translate what the server says: looks prove nothing then. */
static uint16_t bits_that_count(const struct tcp *tcp, const struct reset_notes *n)
{
	const struct tcp_side *server = &tcp->side[FROM_SERVER];
	bool in_its_stead = n->first == FROM_SERVER && tcp->synack_ttl && (server->ttl != tcp->synack_ttl || server->ttl_last != tcp->synack_ttl);

	return in_its_stead ? n->bits & (uint16_t)~(RESET_NO_OPTIONS | RESET_ODD_WINDOW | RESET_NO_ID) : n->bits;
}

int forged_points(const struct tcp *tcp, const struct reset_notes *n)
{
	int points = forged_points_of_ttl(tcp, n);
	uint16_t bits = bits_that_count(tcp, n);

	for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
		if (bits & weights[i].bit)
			points += n->first == FROM_CLIENT ? weights[i].client : weights[i].points;
	/* Who counts one by one leaves no number out: it weighs as much as a number out of the sequence. */
	if ((n->bits & RESET_NO_ID) && n->first == FROM_CLIENT && counts_one_by_one(tcp))
		points += POINTS_LEFT_OUT;
	if (n->then_count)
		points += POINTS_GOES_ON;
	if ((n->bits & RESET_BOTH) && !(n->bits & RESET_BOTH_AT_ONCE))
		points += POINTS_BOTH;
	return points;
}
