/* Credentials that are written down: at hand, one to a file, in a profile. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_profile.h"
#include "transfers/s3_source_int.h"

#define ORIGIN_BYTES 512

/* Always the same. */

struct fixed {
	struct mf_s3_source source;
	struct mf_s3_credentials *credentials;
};

static int
fixed_fetch(struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	(void)now_unix_s;
	(void)e;
	*out = mf_s3_credentials_ref(((struct fixed *)s)->credentials);
	return 0;
}

static void
fixed_free(struct mf_s3_source *s)
{
	mf_s3_credentials_unref(((struct fixed *)s)->credentials);
	free(s);
}

struct mf_s3_source *
mf_s3_source_static_take(struct mf_s3_credentials *c, struct mf_error *e)
{
	struct fixed *f = calloc(1, sizeof *f);

	if (f == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	f->source = (struct mf_s3_source){fixed_fetch, fixed_free};
	f->credentials = c;
	return &f->source;
}

/* One to a file. */

struct files {
	struct mf_s3_source source;
	char *key_id_path;
	char *secret_path;
	char *token_path; /* or NULL */
};

static int
files_fetch(struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	const struct files *f = (const struct files *)s;
	struct mf_secret *key_id, *secret = NULL, *token = NULL;
	struct mf_s3_credentials_params p = {.expires_unix_s = MF_S3_NEVER};
	char origin[ORIGIN_BYTES];
	int rc = -1;

	(void)now_unix_s;
	(void)snprintf(origin, sizeof origin, "files %s and %s", f->key_id_path, f->secret_path);
	p.origin = origin;
	if ((key_id = mf_s3_read_line(f->key_id_path, MF_S3_KEY_ID_MAX, "access key file", e)) ==
	    NULL)
		goto out;
	if ((secret = mf_s3_read_line(f->secret_path, MF_S3_SECRET_MAX, "secret key file", e)) ==
	    NULL)
		goto out;
	if (f->token_path != NULL && (token = mf_s3_read_line(f->token_path, MF_S3_TOKEN_MAX,
					  "session token file", e)) == NULL)
		goto out;
	p.key_id = (const char *)mf_secret_view(key_id);
	p.secret = (const char *)mf_secret_view(secret);
	p.token = token != NULL ? (const char *)mf_secret_view(token) : NULL;
	rc = (*out = mf_s3_credentials_new(&p, e)) != NULL ? 0 : -1;
out:
	mf_secret_free(key_id);
	mf_secret_free(secret);
	mf_secret_free(token);
	return rc;
}

static void
files_free(struct mf_s3_source *s)
{
	struct files *f = (struct files *)s;

	free(f->key_id_path);
	free(f->secret_path);
	free(f->token_path);
	free(f);
}

struct mf_s3_source *
mf_s3_source_key_files(const char *key_id_path, const char *secret_path, const char *token_path,
    struct mf_error *e)
{
	struct files *f = calloc(1, sizeof *f);

	if (f == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	f->source = (struct mf_s3_source){files_fetch, files_free};
	if ((f->key_id_path = strdup(key_id_path)) == NULL ||
	    (f->secret_path = strdup(secret_path)) == NULL ||
	    (token_path != NULL && (f->token_path = strdup(token_path)) == NULL)) {
		mf_error_nomem(e, "credentials");
		files_free(&f->source);
		return NULL;
	}
	return &f->source;
}

/* A profile. */

struct profile {
	struct mf_s3_source source;
	char *credentials_path; /* or NULL */
	char *config_path;      /* or NULL */
	char *name;
};

static int
profile_fetch(struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e)
{
	const struct profile *p = (const struct profile *)s;
	struct mf_s3_profiles *all = mf_s3_profiles_read(p->credentials_path, p->config_path, e);
	struct mf_s3_credentials_params params = {.expires_unix_s = MF_S3_NEVER};
	struct mf_s3_profile_keys keys;
	char origin[ORIGIN_BYTES];
	int rc;

	(void)now_unix_s;
	if (all == NULL)
		return -1;
	rc = mf_s3_profiles_keys(all, p->name, &keys, e);
	if (rc == 0) {
		(void)snprintf(origin, sizeof origin, "profile %s in %s", p->name, keys.path);
		params.key_id = keys.key_id;
		params.secret = keys.secret;
		params.token = keys.token;
		params.origin = origin;
		rc = (*out = mf_s3_credentials_new(&params, e)) != NULL ? 0 : -1;
	} else if (rc > 0) {
		rc = mf_error_set(e, MF_EUSAGE, "profile %s has no keys in %s", p->name,
		    p->credentials_path != NULL ? p->credentials_path : p->config_path);
	}
	mf_s3_profiles_free(all);
	return rc;
}

static void
profile_free(struct mf_s3_source *s)
{
	struct profile *p = (struct profile *)s;

	free(p->credentials_path);
	free(p->config_path);
	free(p->name);
	free(p);
}

struct mf_s3_source *
mf_s3_source_profile(const char *credentials_path, const char *config_path, const char *profile,
    struct mf_error *e)
{
	struct profile *p = calloc(1, sizeof *p);

	if (p == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	p->source = (struct mf_s3_source){profile_fetch, profile_free};
	if ((p->name = strdup(profile)) == NULL ||
	    (credentials_path != NULL &&
		(p->credentials_path = strdup(credentials_path)) == NULL) ||
	    (config_path != NULL && (p->config_path = strdup(config_path)) == NULL)) {
		mf_error_nomem(e, "credentials");
		profile_free(&p->source);
		return NULL;
	}
	return &p->source;
}
