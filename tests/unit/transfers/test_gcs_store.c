/*
 * The store contract on gs://, on the fake Google: with bearer tokens, with HMAC keys, and with a
 * server whose tokens end soon, that refuses every seventh request, and lists in small pages.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/unit/transfers/gcs_world.h"
#include "tests/unit/transfers/store_contract.h"
#include "transfers/open.h"

static struct mf_store *
again(void *arg)
{
	const struct gcs_world *w = arg;
	const struct mf_store_open_params p = {
	    .write = true, .gcs = &w->options, .retry = w->rough ? &w->retry : NULL};
	struct mf_store *s = NULL;
	struct mf_error e = {0};

	if (mf_store_open("gs://bucket-1/A path/x", &p, &s, &e) != 0)
		fail_msg("%s", e.message);
	return s;
}

static struct mf_store *
make_bearer(void **world)
{
	return again(*world = gcs_world_bearer());
}

static struct mf_store *
make_hmac(void **world)
{
	return again(*world = gcs_world_hmac());
}

static struct mf_store *
make_rough(void **world)
{
	return again(*world = gcs_world_rough());
}

int
main(void)
{
	static const struct mf_contract_subject subjects[] = {
	    {"gs, bearer tokens", make_bearer, again, gcs_world_drop, 1000000},
	    {"gs, HMAC keys", make_hmac, again, gcs_world_drop, 1000000},
	    {"gs, a rough server", make_rough, again, gcs_world_drop, 1000000},
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return mf_contract_run("gcs_store", subjects, sizeof subjects / sizeof subjects[0]);
}
