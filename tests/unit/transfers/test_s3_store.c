/*
 * The store contract on a real S3 server, which the environment names as tests/servers do:
 * MODELFERRY_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and MF_TEST_BUCKET, an
 * existing bucket. Without them nothing is tested. With MODELFERRY_CA_FILE, too, that address is one
 * of TLS, which the decorated store takes, and SERVER_HTTP_URL the other one's. MF_TEST_CONDITIONAL
 * is "no" where the server has no conditional put.
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

#include "tests/unit/transfers/s3_fixture.h"
#include "tests/unit/transfers/store_contract.h"
#include "transfers/gate.h"
#include "transfers/retry.h"

struct world {
	struct s3_world s3;
	const char *url;
	char prefix[64];
};

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
	struct world *w = arg;
	struct mf_s3_probe probe = {.conditional = false};
	struct mf_store *s = s3_world_store(
	    &w->s3, w->url, getenv("MF_TEST_BUCKET"), w->prefix, false);
	struct mf_error e = {0};

	if (mf_s3_probe_run(s, &probe, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(probe.conditional, strcmp(from_env("MF_TEST_CONDITIONAL"), "no") != 0);
	mf_s3_store_believe(s, &probe);
	return s;
}

static struct mf_store *
make_at(const char *url, void **world)
{
	const struct mf_waiting waiting = {.arg = NULL};
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->url = url;
	s3_world_make_trusting(&w->s3, getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"),
	    getenv("MODELFERRY_CA_FILE"));
	w->s3.lists_at_once = 4;
	(void)snprintf(
	    w->prefix, sizeof w->prefix, "A path/%016" PRIx64, mf_waiting_random(&waiting));
	*world = w;
	return again(w);
}

static struct mf_store *
make(void **world)
{
	return make_at(getenv(getenv("MODELFERRY_CA_FILE") != NULL ? "SERVER_HTTP_URL"
								   : "MODELFERRY_ENDPOINT_URL"),
	    world);
}

static struct mf_store *
make_decorated(void **world)
{
	const struct mf_gate_params gate = {.transfers = 4, .checkers = 8};
	const struct mf_retry_params retry = {.attempts = 3};
	struct mf_store *s = make_at(getenv("MODELFERRY_ENDPOINT_URL"), world);

	assert_int_equal(mf_store_gate_take(s, &gate, &s, NULL), 0);
	assert_int_equal(mf_store_retry_take(s, &retry, &s, NULL), 0);
	return s;
}

static void
drop(void *arg)
{
	struct world *w = arg;

	s3_world_drop(&w->s3);
	free(w);
}

int
main(void)
{
	/* Swift's Last-Modified is the next whole second. A Ceph gateway reads a coarse clock for
	 * Date and an exact one for the object, which may be in the next second already. */
	const int64_t rounding_us = 1000000;
	const struct mf_contract_subject subjects[] = {
	    {"s3", make, again, drop, rounding_us},
	    {getenv("MODELFERRY_CA_FILE") != NULL ? "s3 over TLS+gate+retry" : "s3+gate+retry",
		make_decorated, again, drop, rounding_us},
	};

	if (from_env("MODELFERRY_ENDPOINT_URL")[0] == '\0' ||
	    from_env("MF_TEST_BUCKET")[0] == '\0') {
		puts("1..0 # SKIP no S3 server is named; test_s3_store.sh brings one up");
		return 0;
	}
	return mf_contract_run("s3 store", subjects, sizeof subjects / sizeof subjects[0]);
}
