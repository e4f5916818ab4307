/* Key text that people edit: files of trusted keys, and the one-line key files. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/keyfile.h"
#include "crypto/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int started;
	struct mf_trust *t;
	struct mf_error e;
	uint8_t key[MF_KEY_BYTES];

	if (!started && mf_crypto_init(NULL) != 0)
		abort();
	started = 1;
	t = mf_trust_parse(data, size, "fuzz", &e);
	if (t != NULL && mf_trust_keys(t) == 0)
		abort();
	mf_trust_free(t);
	if (size <= MF_TEXTKEY_MAX_FILE)
		(void)mf_textkey_parse(data, size, MF_IDENTITY_LABEL, "fuzz", key, &e);
	return 0;
}
