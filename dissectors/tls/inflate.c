/* The compressions of certificates, by their numbers (RFC 8879 3); which there are is known when it is built (Makefile). */
#include "inflate.h"

#ifdef HAVE_zlib
#include <zlib.h>

static bool unpack_zlib(struct bytes packed, uint8_t *into, size_t len)
{
	uLongf got = len;

	return uncompress(into, &got, packed.data, packed.len) == Z_OK && got == len;
}
#endif

#ifdef HAVE_libbrotlidec
#include <brotli/decode.h>

static bool unpack_brotli(struct bytes packed, uint8_t *into, size_t len)
{
	size_t got = len;

	return BrotliDecoderDecompress(packed.len, packed.data, &got, into) == BROTLI_DECODER_RESULT_SUCCESS && got == len;
}
#endif

#ifdef HAVE_libzstd
#include <zstd.h>

static bool unpack_zstd(struct bytes packed, uint8_t *into, size_t len)
{
	return ZSTD_decompress(into, len, packed.data, packed.len) == len;
}
#endif

bool inflate_certificate(uint16_t algorithm, struct bytes packed, uint8_t *into, size_t len)
{
	static bool (*const unpack[])(struct bytes, uint8_t *, size_t) = {
		NULL,
#ifdef HAVE_zlib
		[1] = unpack_zlib,
#endif
#ifdef HAVE_libbrotlidec
		[2] = unpack_brotli,
#endif
#ifdef HAVE_libzstd
		[3] = unpack_zstd,
#endif
	};

	return algorithm < sizeof unpack / sizeof *unpack && unpack[algorithm] && unpack[algorithm](packed, into, len);
}
