/* Fuzzing of decode: two bytes choose the link type, then frames follow, each after its length, into one decoder (so that fragments meet). */
#include "packet.h"

#include <stdlib.h>

static unsigned sum_of(struct bytes b)
{
	unsigned sum = 0;

	for (size_t i = 0; i < b.len; i++)
		sum += b.data[i];
	return sum;
}

/* An exact copy, so that a sanitizer sees a byte too far; all that is handed out is touched. */
static void one(struct decoder *d, uint16_t link, struct bytes frame, uint32_t wire, struct moment at)
{
	uint8_t *copy = malloc(frame.len);
	volatile unsigned sum;
	struct packet p;

	if (!copy)
		return;
	memcpy(copy, frame.data, frame.len);
	if (decode(d, link, copy, (uint32_t)frame.len, wire, at, &p) == DECODE_PACKET) {
		sum = sum_of(p.payload) + sum_of(p.quoted_payload);
		(void)sum;
		if (p.payload.len > p.payload_wire || p.truncated != (p.payload.len < p.payload_wire))
			abort();
		if (p.transport == TRANSPORT_NONE || (p.source.family != 4 && p.source.family != 6))
			abort();
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t links[] = { 1, 0, 9, 12, 14, 50, 101, 108, 113, 228, 229, 276, 147 };
	struct reader r = reader_of(bytes_of(data, size));
	uint16_t link = links[read_be16(&r) % (sizeof links / sizeof *links)];
	struct moment at = { 0, 0, 0 };
	struct decoder *d;

	if (r.shortfall || !(d = decoder_create()))
		return 0;
	while (reader_left(&r) > 3) {
		uint32_t len = read_be16(&r);
		uint32_t more = read_u8(&r); /* what the snap length cut */

		if (len > reader_left(&r))
			len = (uint32_t)reader_left(&r);
		at.frame++;
		at.time += SECOND;
		one(d, link, read_bytes(&r, len), len + more * 16, at);
	}
	decoder_destroy(&d);
	return 0;
}
