/*
 * The store contract by way of libs3 on a real S3 server, which the environment names as
 * tests/servers do: MODELFERRY_ENDPOINT_URL, MODELFERRY_CA_FILE with TLS, AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, and MF_TEST_BUCKET, an existing bucket. Without them nothing is tested.
 * MF_TEST_CONDITIONAL is "no" where the server has no conditional put.
 */
#include "config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/unit/transfers/store_contract.h"
#include "transfers/open.h"

struct world {
	char url[160];
};

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static const char *
from_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/* What the server can do is tried each time, and must be what is known of it. */
static struct mf_store *
again(void *arg)
{
	const struct world *w = arg;
	const struct mf_retry_params retry = {.attempts = 3};
	const struct mf_s3_options s3 = {.endpoint_url = getenv("MODELFERRY_ENDPOINT_URL"),
	    .ca_file = getenv("MODELFERRY_CA_FILE"),
	    .sending = {.lists_at_once = 4},
	    .variable = variable};
	const struct mf_store_open_params p = {.write = true, .s3 = &s3, .retry = &retry};
	struct mf_store *s;
	struct mf_error e = {0};

	if (mf_store_open(w->url, &p, &s, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal((mf_store_capabilities(s) & MF_STORE_CONDITIONAL) != 0,
	    strcmp(from_env("MF_TEST_CONDITIONAL"), "no") != 0);
	return s;
}

static struct mf_store *
make(void **world)
{
	const struct mf_waiting waiting = {.arg = NULL};
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	assert_int_equal(mf_crypto_init(NULL), 0);
	(void)snprintf(w->url, sizeof w->url, "s3+v2://%s/(a)~path+%%/%016" PRIx64,
	    from_env("MF_TEST_BUCKET"), mf_waiting_random(&waiting));
	*world = w;
	return again(w);
}

int
main(void)
{
	/* as of s3:// on the same servers */
	const int64_t rounding_us = 1000000;
	const struct mf_contract_subject subjects[] = {
	    {"s3+v2+retry", make, again, free, rounding_us},
	};

	if (from_env("MODELFERRY_ENDPOINT_URL")[0] == '\0' ||
	    from_env("MF_TEST_BUCKET")[0] == '\0') {
		puts("1..0 # SKIP no S3 server is named; test_libs3_store.sh brings one up");
		return 0;
	}
	return mf_contract_run("libs3 store", subjects, sizeof subjects / sizeof subjects[0]);
}
