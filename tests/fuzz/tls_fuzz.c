/* Fuzzing of the TLS dissector: pieces of both directions and gaps; the same bytes one at a time must say the same. */
#include "tls.h"
#include "play.h"

static struct tls_shared *shared;

static void attach(void *state)
{
	tls_attach(state, shared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);

	if (!shared && !(shared = tls_shared_create()))
		abort();
	(void)tls_dissector.probe(input, FROM_CLIENT);
	(void)tls_dissector.probe(input, FROM_SERVER);
	struct play *whole = play(&tls_dissector, input, false, attach), *cut = play(&tls_dissector, input, true, NULL);
	play_compare(whole, cut);
	tls_release(whole->state);
	tls_release(cut->state);
	play_finish(whole);
	play_finish(cut);
	return 0;
}
