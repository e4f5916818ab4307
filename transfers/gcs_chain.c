#include "config.h"

#include "transfers/gcs_chain.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "transfers/gcs_source.h"
#include "transfers/s3_source.h"

#define PATH_BYTES 4096

/* A step: 0, and *out is the source, or it stays NULL, then the next step is taken. -1. */
typedef int step_fn(const struct mf_gcs_chain *c, struct mf_s3_source **out, struct mf_error *e);

/* The result of a constructor. */
static int
made(struct mf_s3_source *source, struct mf_s3_source **out)
{
	*out = source;
	return source != NULL ? 0 : -1;
}

static const char *
variable(const struct mf_gcs_chain *c, const char *name)
{
	const char *value = c->variable(c->variable_arg, name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static int
by_hmac_key(const struct mf_gcs_chain *c, struct mf_s3_source **out, struct mf_error *e)
{
	if (c->access_key_file == NULL && c->secret_key_file == NULL)
		return 0;
	if (c->access_key_file == NULL || c->secret_key_file == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "the files of the HMAC access key and of its "
		    "secret are named together or not at all");
	if (c->credentials_file != NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "there are files of an HMAC key and a credential "
		    "file: one of them is taken");
	return made(mf_s3_source_key_files(c->access_key_file, c->secret_key_file, NULL, e), out);
}

static int
by_credentials_file(const struct mf_gcs_chain *c, struct mf_s3_source **out, struct mf_error *e)
{
	const char *path = c->credentials_file;

	return path == NULL ? 0 : made(mf_gcs_source_file(path, &c->fetch, e), out);
}

static int
by_variable(const struct mf_gcs_chain *c, struct mf_s3_source **out, struct mf_error *e)
{
	const char *path = variable(c, "GOOGLE_APPLICATION_CREDENTIALS");

	if (path == NULL)
		return 0;
	if (made(mf_gcs_source_file(path, &c->fetch, e), out) == 0)
		return 0;
	return mf_error_while(e, "reading what GOOGLE_APPLICATION_CREDENTIALS names");
}

static int
by_gcloud(const struct mf_gcs_chain *c, struct mf_s3_source **out, struct mf_error *e)
{
	const char *dir = variable(c, "CLOUDSDK_CONFIG"), *home = variable(c, "HOME");
	char path[PATH_BYTES];
	int n;

	if (dir == NULL && home == NULL)
		return 0;
	n = snprintf(path, sizeof path, "%s%s/application_default_credentials.json",
	    dir != NULL ? dir : home, dir != NULL ? "" : "/.config/gcloud");
	if (n < 0 || (size_t)n >= sizeof path)
		return mf_error_set(e, MF_EUSAGE, "the path of gcloud's configuration is too long");
	return access(path, F_OK) != 0 ? 0 : made(mf_gcs_source_file(path, &c->fetch, e), out);
}

static int
by_metadata(const struct mf_gcs_chain *c, struct mf_s3_source **out, struct mf_error *e)
{
	const char *off = variable(c, "NO_GCE_CHECK");

	if (off != NULL && strcasecmp(off, "true") == 0)
		return 0;
	return made(
	    mf_gcs_source_metadata(variable(c, "GCE_METADATA_HOST"), 0, 0, &c->fetch, e), out);
}

static struct mf_s3_source *
find(const struct mf_gcs_chain *c, bool *bearer, struct mf_error *e)
{
	static step_fn *const steps[] = {
	    by_hmac_key, by_credentials_file, by_variable, by_gcloud, by_metadata};
	struct mf_s3_source *source = NULL;
	size_t i;

	for (i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i](c, &source, e) != 0)
			return NULL;
		*bearer = steps[i] != by_hmac_key;
		if (source != NULL)
			return source;
	}
	mf_error_set(e, MF_EPERM, "no credentials: none are set");
	mf_error_hint(e, "set GOOGLE_APPLICATION_CREDENTIALS, or give --gcs-credentials-file");
	return NULL;
}

struct mf_s3_provider *
mf_gcs_chain_open(const struct mf_gcs_chain *c, bool *bearer, struct mf_error *e)
{
	struct mf_s3_provider *provider = NULL;
	struct mf_s3_source *source = find(c, bearer, e);

	if (source != NULL && (provider = mf_s3_provider_take(source, e)) == NULL)
		mf_s3_source_free(source);
	return provider;
}
