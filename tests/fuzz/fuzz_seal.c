/*
 * Sealed objects as a store may hand them out. The first byte picks type and cipher. The rest
 * is opened as it is, which must fail, and sealed, opened and damaged, which must come out
 * as it should.
 */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mf_keyring *
ring(unsigned i)
{
	static struct mf_keyring *rings[2];

	if (rings[0] == NULL) {
		if (mf_crypto_init(NULL) != 0)
			abort();
		rings[0] = mf_keyring_create(MF_CIPHER_XCHACHA20_POLY1305, MF_PADDING_NONE, NULL);
		rings[1] = mf_keyring_create(MF_CIPHER_AES256_GCM, MF_PADDING_PADME, NULL);
	}
	return rings[i];
}

/* What is sealed comes back, and not when one byte of it was changed. */
static void
round_trip(const struct mf_keyring *kr, enum mf_object_type type, const struct mf_id *id,
    const uint8_t *data, size_t size)
{
	const struct mf_seal_input in = {.type = type, .id = id, .body = data, .body_len = size,
	    .plain_len = (uint32_t)size};
	uint8_t *out = malloc(mf_seal_len(kr, size)), *copy;
	struct mf_opened o;
	size_t n = 0;

	if (out == NULL || mf_seal(kr, &in, out, &n, NULL) != 0 || (copy = malloc(n)) == NULL)
		abort();
	memcpy(copy, out, n);
	copy[data[0] % n] ^= 0x10;
	if (mf_open(kr, type, id, copy, n, &o, NULL) == 0)
		abort();
	if (mf_open(kr, type, id, out, n, &o, NULL) != 0 || o.body_len != size ||
	    memcmp(o.body, data, size) != 0)
		abort();
	free(copy);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mf_id id = {{1, 2, 3}};
	const struct mf_keyring *kr;
	enum mf_object_type type;
	struct mf_opened o;
	struct mf_error e;
	uint8_t *copy;

	if (size < 2 || size > 1u << 16)
		return 0;
	kr = ring(data[0] >> 7);
	type = 1 + (data[0] & 7);
	if ((copy = malloc(size - 1)) == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (mf_open(kr, type, &id, copy, size - 1, &o, &e) == 0)
		abort(); /* nobody guesses a tag */
	free(copy);
	round_trip(kr, type, &id, data + 1, size - 1);
	return 0;
}
