/* Shared credentials files, and what containers and instances answer, as anybody may write them. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "transfers/s3_ini.h"
#include "transfers/s3_source_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_ini(const uint8_t *data, size_t size)
{
	struct mf_secret *text = mf_secret_of(data, size, NULL);
	struct mf_s3_ini *i;
	struct mf_error e;
	const char *value;

	if (text == NULL)
		abort();
	if ((i = mf_s3_ini_take(text, "the file", &e)) == NULL) {
		if (e.code != MF_EUSAGE)
			abort();
		return;
	}
	value = mf_s3_ini_get(i, "default", "aws_access_key_id");
	if (value != NULL && (!mf_s3_ini_has(i, "default") || strchr(value, '\n') != NULL))
		abort();
	mf_s3_ini_free(i);
}

static void
read_json(const uint8_t *data, size_t size)
{
	struct mf_buf answer = MF_BUF_INIT;
	struct mf_s3_credentials *c;
	struct mf_error e;

	mf_buf_put(&answer, data, size);
	if ((c = mf_s3_json_credentials(&answer, "the fuzzer", &e)) == NULL) {
		if (e.code != MF_ETRANSFER && e.code != MF_EPERM)
			abort();
	} else if (mf_s3_credentials_key_id(c)[0] == '\0') {
		abort();
	}
	mf_s3_credentials_unref(c);
	mf_s3_wipe(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (mf_crypto_init(NULL) != 0)
		abort();
	if (size == 0 || size > 4096)
		return 0;
	read_ini(data, size);
	read_json(data, size);
	return 0;
}
