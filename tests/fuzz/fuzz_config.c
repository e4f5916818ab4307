/* Configurations as a store may hand them out: decode, then try a raw pair and an identity. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/configuration.h"
#include "crypto/keyfile_int.h"
#include "src/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mf_unlock *
sources(size_t i)
{
	static struct mf_unlock *all[2];
	uint8_t key[32];
	size_t k;

	if (all[0] == NULL) {
		if (mf_crypto_init(NULL) != 0)
			abort();
		for (k = 0; k < sizeof key; k++)
			key[k] = 1;
		all[0] = mf_unlock_from_pair(key, key, "fuzz", NULL);
		all[1] = mf_unlock_take(MF_UNLOCK_IDENTITY, "fuzz", mf_secret_of(key, 32, NULL),
		    NULL, NULL);
	}
	return all[i];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mf_unlock *both[2] = {sources(0), sources(1)};
	/* the number that the bytes claim, so that the checks behind it are reached */
	const uint64_t sequence = size >= 16 ? mf_get_u64(data + 8) : 1;
	struct mf_config *c = mf_config_decode(data, size, sequence, NULL);
	struct mf_keyring *kr = NULL;
	struct mf_error e;
	size_t i;

	if (c == NULL)
		return 0;
	for (i = 0; i < mf_config_slots(c); i++)
		if (mf_config_slot(c, i).label[0] == '\0')
			abort();
	if (mf_config_unlock(c, both, 2, &kr, &e) == 0)
		mf_keyring_free(kr);
	mf_config_free(c);
	return 0;
}
