#include "src/chunk/cdc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "src/base/buf.h"

/* The hash forgets a byte after 64 further ones: its bit has left at the top by then. */
#define WINDOW_BYTES 64
/* The highest bits depend on the whole window. One position in 2^23 passes up to the target,
 * one in 2^21 behind it; so 61 % of the chunks reach the target and 1 % the maximum. */
#define STRICT_BITS 23
#define LOOSE_BITS 21

struct mf_cdc {
	uint64_t gear[256];
};

struct mf_cdc *
mf_cdc_new(const uint8_t *key, struct mf_error *e)
{
	/* XChaCha20 takes a 24-byte nonce; it separates this use of the seed from others */
	static const uint8_t nonce[crypto_stream_xchacha20_NONCEBYTES] = "modelferry gear table 1";
	uint8_t stream[256 * 8];
	struct mf_cdc *c;
	size_t i;

	assert(key != NULL);
	_Static_assert(crypto_stream_xchacha20_KEYBYTES == 32, "the key is the seed");
	if ((c = malloc(sizeof(*c))) == NULL) {
		(void)mf_error_nomem(e, "the cutting table");
		return NULL;
	}
	(void)crypto_stream_xchacha20(stream, sizeof(stream), nonce, key);
	for (i = 0; i < 256; i++)
		c->gear[i] = mf_get_u64(stream + 8 * i);
	sodium_memzero(stream, sizeof(stream));
	return c;
}

void
mf_cdc_free(struct mf_cdc *c)
{
	if (c == NULL)
		return;
	sodium_memzero(c, sizeof(*c));
	free(c);
}

/* The first position in [from, to) behind whose byte the hash is below 2^(64 - bits), plus 1;
 * 0 when there is none. *hash goes in and out. */
static size_t
scan(const uint64_t *gear, const uint8_t *buf, size_t from, size_t to, int bits, uint64_t *hash)
{
	const uint64_t limit = (uint64_t)1 << (64 - bits);
	uint64_t h = *hash;
	size_t i = from;

	for (; i + 4 <= to; i += 4) {
		uint64_t h1 = (h << 1) + gear[buf[i]];
		uint64_t h2 = (h1 << 1) + gear[buf[i + 1]];
		uint64_t h3 = (h2 << 1) + gear[buf[i + 2]];
		uint64_t h4 = (h3 << 1) + gear[buf[i + 3]];

		if (__builtin_expect(h1 < limit, 0))
			return i + 1;
		if (__builtin_expect(h2 < limit, 0))
			return i + 2;
		if (__builtin_expect(h3 < limit, 0))
			return i + 3;
		if (__builtin_expect(h4 < limit, 0))
			return i + 4;
		h = h4;
	}
	for (; i < to; i++) {
		h = (h << 1) + gear[buf[i]];
		if (h < limit)
			return i + 1;
	}
	*hash = h;
	return 0;
}

size_t
mf_cdc_find_on(const struct mf_cdc *c, const uint8_t *buf, size_t searched, size_t n, bool final)
{
	const size_t whole = n, from = searched > MF_CDC_MIN_BYTES ? searched : MF_CDC_MIN_BYTES;
	size_t cut = 0, i, strict_end;
	uint64_t hash = 0;

	if (n > MF_CDC_MAX_BYTES)
		n = MF_CDC_MAX_BYTES;
	if (n > from) {
		for (i = from - WINDOW_BYTES; i < from; i++)
			hash = (hash << 1) + c->gear[buf[i]];
		strict_end = n < MF_CDC_TARGET_BYTES ? n : MF_CDC_TARGET_BYTES;
		if (from < strict_end)
			cut = scan(c->gear, buf, from, strict_end, STRICT_BITS, &hash);
		if (cut == 0)
			cut = scan(c->gear, buf, from < strict_end ? strict_end : from, n,
			    LOOSE_BITS, &hash);
		if (cut != 0)
			return cut;
	}
	if (n == MF_CDC_MAX_BYTES || (final && n == whole))
		return n;
	return 0;
}

size_t
mf_cdc_find(const struct mf_cdc *c, const uint8_t *buf, size_t n, bool final)
{
	return mf_cdc_find_on(c, buf, 0, n, final);
}
