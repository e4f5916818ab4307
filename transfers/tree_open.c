#include "config.h"

#include "transfers/tree_open.h"

#include <string.h>

static int
open_dir(
    const char *path, const struct mf_tree_open_params *p, struct mf_tree **out, struct mf_error *e)
{
	const struct mf_tree_dir_params params = {
	    .path = path, .links = p->links, .write = p->write, .create = p->create};

	if (path[0] == '\0')
		return mf_error_set(e, MF_EUSAGE, "the path of a directory is empty");
	return mf_tree_dir_open(&params, out, e);
}

static int
open_s3(
    const char *rest, const struct mf_tree_open_params *p, struct mf_tree **out, struct mf_error *e)
{
	static const struct mf_s3_options defaults;

	return mf_tree_s3_open(
	    rest, p->s3 != NULL ? p->s3 : &defaults, p->write, &p->bucket, out, e);
}

static int
open_gcs(
    const char *rest, const struct mf_tree_open_params *p, struct mf_tree **out, struct mf_error *e)
{
	static const struct mf_gcs_options defaults;

	return mf_tree_gcs_open(
	    rest, p->gcs != NULL ? p->gcs : &defaults, p->write, &p->bucket, out, e);
}

static int
refuse_libs3(
    const char *rest, const struct mf_tree_open_params *p, struct mf_tree **out, struct mf_error *e)
{
	(void)rest;
	(void)p;
	(void)out;
	mf_error_set(
	    e, MF_EUNSUPPORTED, "s3+v2:// cannot be mirrored: libs3 has no multipart uploads");
	return mf_error_hint(e, "use s3:// where the server knows Signature V4");
}

static const struct {
	const char *prefix;
	int (*open)(const char *rest, const struct mf_tree_open_params *p, struct mf_tree **out,
	    struct mf_error *e);
} schemes[] = {
    {"file://", open_dir},
    {"s3://", open_s3},
    {"s3+v2://", refuse_libs3},
    {"gs://", open_gcs},
};

int
mf_tree_open(const char *url, const struct mf_tree_open_params *params, struct mf_tree **out,
    struct mf_error *e)
{
	static const struct mf_tree_open_params defaults;
	const struct mf_tree_open_params *p = params != NULL ? params : &defaults;
	const char *separator = strstr(url, "://");
	size_t i, n;

	*out = NULL;
	for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		n = strlen(schemes[i].prefix);
		if (strncmp(url, schemes[i].prefix, n) == 0)
			return schemes[i].open(url + n, p, out, e);
	}
	if (separator != NULL && memchr(url, '/', (size_t)(separator - url)) == NULL) {
		mf_error_set(e, MF_EUSAGE, "unknown kind of place \"%.*s://\"",
		    separator - url > 40 ? 40 : (int)(separator - url), url);
		return mf_error_hint(e, "a path or file://PATH names a directory, "
					"s3://BUCKET/PATH or gs://BUCKET/PATH a bucket");
	}
	return open_dir(url, p, out, e);
}
