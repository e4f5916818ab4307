/* XXH3-128, by libxxhash. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
/* By default the library has one instruction set, that of every processor of the architecture. With
 * this the names below mean what picks the best that this one has: 65 GB/s in place of 5 to 20 with
 * AVX-512, on a Zen 5. */
#ifdef HAVE_XXH3_128BITS_WITHSEED_DISPATCH
#include <xxh_x86dispatch.h>
#endif

#include "src/repo/checksum_int.h"

struct mf_checksum_stream {
	XXH3_state_t *state;
	uint64_t seed;
};

void
mf_checksum(const struct mf_repo *repo, const void *bytes, size_t n, uint8_t out[MF_CHECKSUM_BYTES])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c,
	    XXH3_128bits_withSeed(bytes, n, mf_keyring_xxh_seed(repo->keyring)));
	memcpy(out, c.digest, MF_CHECKSUM_BYTES);
}

struct mf_checksum_stream *
mf_checksum_stream_new(const struct mf_repo *repo, struct mf_error *e)
{
	struct mf_checksum_stream *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->state = XXH3_createState()) == NULL) {
		free(s);
		mf_error_nomem(e, "a checksum");
		return NULL;
	}
	s->seed = mf_keyring_xxh_seed(repo->keyring);
	mf_checksum_stream_reset(s);
	return s;
}

void
mf_checksum_stream_reset(struct mf_checksum_stream *s)
{
	XXH3_128bits_reset_withSeed(s->state, s->seed);
}

void
mf_checksum_stream_add(struct mf_checksum_stream *s, const void *bytes, size_t n)
{
	XXH3_128bits_update(s->state, bytes, n);
}

void
mf_checksum_stream_end(struct mf_checksum_stream *s, uint8_t out[MF_CHECKSUM_BYTES])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(s->state));
	memcpy(out, c.digest, MF_CHECKSUM_BYTES);
}

void
mf_checksum_stream_free(struct mf_checksum_stream *s)
{
	if (s == NULL)
		return;
	XXH3_freeState(s->state);
	free(s);
}
