/* A fake Google Cloud Storage, and options that lead to it: for the contracts. */
#ifndef TESTS_UNIT_TRANSFERS_GCS_WORLD_H
#define TESTS_UNIT_TRANSFERS_GCS_WORLD_H

#include "tests/harness/fake_gcs.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/gcs_open.h"
#include "transfers/retry.h"

struct gcs_world {
	struct fake_gcs *server;
	char dir[SCRATCH_PATH];
	bool rough;
	/* Of a service account or of an HMAC key. What it points to is the world's. */
	struct mf_gcs_options options;
	struct mf_retry_params retry; /* three times, without waiting */
	char file[SCRATCH_PATH + 32], id[SCRATCH_PATH + 32], secret[SCRATCH_PATH + 32];
};

/* With bearer tokens; with HMAC keys and small pages; with a server whose tokens end soon, that
 * refuses every seventh request, and lists in small pages. Each fails the test where it cannot. */
struct gcs_world *gcs_world_bearer(void);
struct gcs_world *gcs_world_hmac(void);
struct gcs_world *gcs_world_rough(void);
void gcs_world_drop(void *world);

#endif
