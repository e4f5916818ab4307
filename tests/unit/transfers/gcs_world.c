#include "config.h"

#include "tests/unit/transfers/gcs_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Waiting that a server asks for is not waited for. */
static void
no_sleep(void *arg, uint64_t us)
{
	(void)arg;
	(void)us;
}

static struct gcs_world *
make(const struct fake_gcs_params *p, bool hmac)
{
	struct gcs_world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	w->rough = p->refuse_every > 0;
	scratch_make(w->dir);
	w->server = fake_gcs_start(p);
	fake_gcs_write_credentials(w->server, w->dir);
	(void)snprintf(w->file, sizeof w->file, "%s/service.json", w->dir);
	(void)snprintf(w->id, sizeof w->id, "%s/hmac-id", w->dir);
	(void)snprintf(w->secret, sizeof w->secret, "%s/hmac-secret", w->dir);
	w->options = (struct mf_gcs_options){.endpoint_url = fake_gcs_url(w->server),
	    .credentials_file = hmac ? NULL : w->file,
	    .access_key_file = hmac ? w->id : NULL,
	    .secret_key_file = hmac ? w->secret : NULL,
	    .waiting = {.sleep_us = no_sleep}};
	w->retry = (struct mf_retry_params){.attempts = 3, .waiting = {.sleep_us = no_sleep}};
	return w;
}

struct gcs_world *
gcs_world_bearer(void)
{
	const struct fake_gcs_params p = {.page = 0};

	return make(&p, false);
}

struct gcs_world *
gcs_world_hmac(void)
{
	const struct fake_gcs_params p = {.page = 7};

	return make(&p, true);
}

struct gcs_world *
gcs_world_rough(void)
{
	const struct fake_gcs_params p = {.page = 7, .token_uses = 100, .refuse_every = 7};

	return make(&p, false);
}

void
gcs_world_drop(void *world)
{
	struct gcs_world *w = world;

	fake_gcs_stop(w->server);
	scratch_remove(w->dir);
	free(w);
}
