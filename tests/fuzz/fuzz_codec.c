/* The codec's decoder on hostile bytes, and the encoder's round trip. The input: u8 codec, u8
 * element, u24 plaintext length, then an encoding (and, taken as plaintext, something to
 * encode). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
decode(const uint8_t *data, size_t n)
{
	struct mf_decoder *dec = mf_decoder_new(NULL);
	const size_t plain = ((size_t)data[2] | (size_t)data[3] << 8 | (size_t)data[4] << 16) %
	    ((size_t)1 << 20);
	uint8_t *out = malloc(plain + 1);

	if (dec != NULL && out != NULL)
		(void)mf_decode(dec, data[0] % 4, data + 5, n - 5, out, plain, NULL);
	free(out);
	mf_decoder_free(dec);
}

static void
round_trip(enum mf_element element, const uint8_t *plain, size_t n)
{
	struct mf_encoder *enc = mf_encoder_new(NULL, NULL);
	struct mf_decoder *dec = mf_decoder_new(NULL);
	uint8_t *body = malloc(mf_encode_bound(n)), *back = malloc(n + 1);
	struct mf_encoded x;

	if (enc != NULL && dec != NULL && body != NULL && back != NULL &&
	    mf_encode(enc, element, plain, n, body, mf_encode_bound(n), &x, NULL) == 0 &&
	    (x.len > n || mf_decode(dec, x.codec, x.body, x.len, back, n, NULL) != 0 ||
	    memcmp(plain, back, n) != 0))
		abort();
	free(back);
	free(body);
	mf_decoder_free(dec);
	mf_encoder_free(enc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 5)
		return 0;
	decode(data, n);
	round_trip((enum mf_element)(data[1] % MF_ELEMENTS), data + 5, n - 5);
	return 0;
}
