/* The decoder's life and the entrance: a frame goes in, its walk through the layers is counted. */
#include "layers.h"

#include <stdlib.h>

struct decoder *decoder_create(void)
{
	struct decoder *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->fragments = fragments_create();
	if (!d->fragments) {
		free(d);
		return NULL;
	}
	return d;
}

void decoder_destroy(struct decoder **decoder)
{
	if (!*decoder)
		return;
	fragments_destroy(&(*decoder)->fragments);
	free(*decoder);
	*decoder = NULL;
}

const struct decode_counters *decoder_counters(const struct decoder *decoder)
{
	return &decoder->counters;
}

enum decode_status decode(struct decoder *decoder, uint16_t link, const uint8_t *data, uint32_t captured, uint32_t wire,
			  struct moment at, struct packet *into)
{
	struct walk w = { decoder, into, 0 };
	/* Some writers leave the wire length 0. */
	struct span s = { data, captured, wire < captured ? captured : wire };
	enum decode_status status;

	decoder->calls++;
	/* No memset: each layer sets its own members, the transport those of the others. */
	into->at = at;
	into->encapsulation = 0;
	into->fragmented = false;
	status = link == 1 ? link_ethernet(&w, s) : link_any(&w, link, s);
	if (status == DECODE_PACKET)
		decoder->counters.packets++;
	return status;
}
