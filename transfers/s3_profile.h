/*
 * Profiles: the shared credentials file ([NAME]) and the shared config file ([default],
 * [profile NAME]) as one. Of a setting that is in both the credentials file's counts. Either
 * file may be missing. The values lie in guarded memory.
 *
 * One owner; threads may read one together.
 */
#ifndef MF_TRANSFERS_S3_PROFILE_H
#define MF_TRANSFERS_S3_PROFILE_H

#include <stdbool.h>

#include "src/base/error.h"

struct mf_s3_profiles;

/* Read both; a path may be NULL. Blocking. NULL with *e set: a file that is there and cannot be
 * read, or is no such file. */
struct mf_s3_profiles *mf_s3_profiles_read(const char *credentials_path, const char *config_path,
    struct mf_error *e);
void mf_s3_profiles_free(struct mf_s3_profiles *p); /* NULL is fine */

bool mf_s3_profiles_has(const struct mf_s3_profiles *p, const char *name);
/* A setting of a profile: "region", "role_arn". A view, NULL where there is none or it is
 * empty. */
const char *mf_s3_profiles_get(const struct mf_s3_profiles *p, const char *name,
    const char *setting);

struct mf_s3_profile_keys {
	const char *key_id;
	const char *secret;
	const char *token; /* or NULL */
	const char *path;  /* the file that they are in */
};

/* The keys of a profile, all from one file: the credentials file if it has an access key id.
 * Views. 0; 1: neither has; -1 with MF_EUSAGE: a secret without its id, or an id without. */
int mf_s3_profiles_keys(const struct mf_s3_profiles *p, const char *name,
    struct mf_s3_profile_keys *out, struct mf_error *e);

#endif
