/* Fuzzing of the IMAP dissector: pieces of both directions and gaps; the same bytes one at a time must say the same. */
#include "imap.h"
#include "play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);

	(void)imap_dissector.probe(input, FROM_CLIENT);
	(void)imap_dissector.probe(input, FROM_SERVER);
	struct play *whole = play(&imap_dissector, input, false, NULL), *cut = play(&imap_dissector, input, true, NULL);
	play_compare(whole, cut);
	play_finish(whole);
	play_finish(cut);
	return 0;
}
