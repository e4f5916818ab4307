/*
 * Which credentials for Google Cloud Storage are taken: HMAC keys where a flag names their files,
 * else those that Google calls application default credentials, in its order. The first that is set
 * up is the one, and what is set up by halves, or asks for something that is not done here, is
 * refused by name: no quiet fall to the next.
 *
 *  1. flags: the two files of an HMAC key, or a credential file (gcs_file.h)
 *  2. GOOGLE_APPLICATION_CREDENTIALS: a credential file
 *  3. application_default_credentials.json of gcloud, in CLOUDSDK_CONFIG or ~/.config/gcloud, where
 *     it is there
 *  4. the metadata server, at GCE_METADATA_HOST where that is set, unless NO_GCE_CHECK is true
 *
 * An empty variable is as good as none.
 */
#ifndef MF_TRANSFERS_GCS_CHAIN_H
#define MF_TRANSFERS_GCS_CHAIN_H

#include <stdbool.h>

#include "transfers/s3_fetch.h"
#include "transfers/s3_provider.h"

struct mf_gcs_chain {
	/* Flags; NULL: not given. */
	const char *access_key_file;
	const char *secret_key_file;
	const char *credentials_file;
	/* The environment: the value of a variable or NULL. Called before the return only. */
	const char *(*variable)(void *arg, const char *name);
	void *variable_arg;
	struct mf_s3_fetch fetch; /* copied */
};

/* The provider of what is set up; *bearer says whether it gives bearer tokens. Reads files, asks
 * nobody yet. Blocking. NULL with MF_EUSAGE or MF_EUNSUPPORTED for what is refused, MF_EPERM where
 * nothing is set up. */
struct mf_s3_provider *mf_gcs_chain_open(
    const struct mf_gcs_chain *c, bool *bearer, struct mf_error *e);

#endif
