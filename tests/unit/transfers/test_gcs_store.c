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
#include "tests/harness/fake_gcs.h"
#include "tests/unit/transfers/scratch.h"
#include "tests/unit/transfers/store_contract.h"
#include "transfers/open.h"
#include "transfers/retry.h"

struct world {
	struct fake_gcs *server;
	char dir[SCRATCH_PATH];
	bool hmac, rough;
};

/* Waiting that a server asks for is not waited for. */
static void
no_sleep(void *arg, uint64_t us)
{
	(void)arg;
	(void)us;
}

static struct mf_store *
again(void *arg)
{
	struct world *w = arg;
	char file[SCRATCH_PATH + 32], id[SCRATCH_PATH + 32], secret[SCRATCH_PATH + 32];
	const struct mf_gcs_options gcs = {.endpoint_url = fake_gcs_url(w->server),
	    .credentials_file = w->hmac ? NULL : file,
	    .access_key_file = w->hmac ? id : NULL,
	    .secret_key_file = w->hmac ? secret : NULL,
	    .waiting = {.sleep_us = no_sleep}};
	const struct mf_retry_params retry = {.attempts = 3, .waiting = {.sleep_us = no_sleep}};
	const struct mf_store_open_params p = {
	    .write = true, .gcs = &gcs, .retry = w->rough ? &retry : NULL};
	struct mf_store *s = NULL;
	struct mf_error e = {0};

	(void)snprintf(file, sizeof file, "%s/service.json", w->dir);
	(void)snprintf(id, sizeof id, "%s/hmac-id", w->dir);
	(void)snprintf(secret, sizeof secret, "%s/hmac-secret", w->dir);
	if (mf_store_open("gs://bucket-1/A path/x", &p, &s, &e) != 0)
		fail_msg("%s", e.message);
	return s;
}

static struct mf_store *
make_with(void **world, const struct fake_gcs_params *p, bool hmac)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->hmac = hmac;
	w->rough = p->refuse_every > 0;
	scratch_make(w->dir);
	w->server = fake_gcs_start(p);
	fake_gcs_write_credentials(w->server, w->dir);
	*world = w;
	return again(w);
}

static struct mf_store *
make_bearer(void **world)
{
	const struct fake_gcs_params p = {.page = 0};

	return make_with(world, &p, false);
}

static struct mf_store *
make_hmac(void **world)
{
	const struct fake_gcs_params p = {.page = 7};

	return make_with(world, &p, true);
}

static struct mf_store *
make_rough(void **world)
{
	const struct fake_gcs_params p = {.page = 7, .token_uses = 100, .refuse_every = 7};

	return make_with(world, &p, false);
}

static void
drop(void *arg)
{
	struct world *w = arg;

	fake_gcs_stop(w->server);
	scratch_remove(w->dir);
	free(w);
}

int
main(void)
{
	static const struct mf_contract_subject subjects[] = {
	    {"gs, bearer tokens", make_bearer, again, drop, 1000000},
	    {"gs, HMAC keys", make_hmac, again, drop, 1000000},
	    {"gs, a rough server", make_rough, again, drop, 1000000},
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return mf_contract_run("gcs_store", subjects, sizeof subjects / sizeof subjects[0]);
}
