/* This EVP_md5 is found before libcrypto's, which is a shared library. */
#include "config.h"

#include "tests/unit/transfers/md5_policy.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <string.h>

static bool is_forbidden;

void
md5_policy_forbid(bool forbidden)
{
	is_forbidden = forbidden;
}

const EVP_MD *
EVP_md5(void)
{
	void *const found = dlsym(RTLD_NEXT, "EVP_md5");
	const EVP_MD *(*real)(void) = NULL;

	if (is_forbidden || found == NULL)
		return NULL;
	memcpy(&real, &found, sizeof real); /* ISO C does not convert the one to the other */
	return real();
}
