#include "transfers/open.h"

#include <string.h>

#include "transfers/dir.h"
#include "transfers/memory.h"

static int
open_dir(const char *path, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	unsigned flags = 0;

	if (path[0] == '\0') {
		mf_error_set(e, MF_EUSAGE, "the repository's path is empty");
		return mf_error_hint(e, "give a directory: -r /srv/models or -r file:///srv/models");
	}
	flags |= p->write ? MF_DIR_WRITE : 0u;
	flags |= p->create ? MF_DIR_CREATE : 0u;
	return mf_dir_open(path, flags, out, e);
}

static int
open_memory(const char *name, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	struct mf_memory *m = mf_memory_named(name, e);
	int r;

	(void)p;
	if (m == NULL)
		return -1;
	r = mf_memory_open(m, NULL, NULL, out, e);
	mf_memory_release(m);
	return r;
}

static int
refuse_bucket(const char *rest, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	(void)rest;
	(void)p;
	(void)out;
	mf_error_set(e, MF_EUNSUPPORTED, "s3:// and gs:// repositories are not supported");
	return mf_error_hint(e, "use a directory: -r file:///srv/models");
}

static const struct {
	const char *prefix;
	int (*open)(const char *rest, const struct mf_store_open_params *p,
	    struct mf_store **out, struct mf_error *e);
} schemes[] = {
	{"file://", open_dir},
	{"mem://", open_memory},
	{"s3://", refuse_bucket},
	{"gs://", refuse_bucket},
};

static int
open_plain(const char *url, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	const char *separator;
	size_t i, n;

	for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		n = strlen(schemes[i].prefix);
		if (strncmp(url, schemes[i].prefix, n) == 0)
			return schemes[i].open(url + n, p, out, e);
	}
	separator = strstr(url, "://");
	if (separator != NULL && memchr(url, '/', (size_t)(separator - url)) == NULL) {
		mf_error_set(e, MF_EUSAGE, "unknown kind of repository \"%.*s://\"",
		    separator - url > 40 ? 40 : (int)(separator - url), url);
		return mf_error_hint(e, "a path or file://PATH names a directory");
	}
	return open_dir(url, p, out, e);
}

int
mf_store_open(const char *url, const struct mf_store_open_params *params, struct mf_store **out,
    struct mf_error *e)
{
	static const struct mf_store_open_params defaults;
	const struct mf_store_open_params *p = params == NULL ? &defaults : params;
	struct mf_store *s;

	if (open_plain(url, p, &s, e) != 0)
		return -1;
	/* the limit counts every attempt, so it is the inner one */
	if (p->limit != NULL && mf_store_limit_take(s, p->limit, &s, e) != 0)
		goto fail;
	if (p->retry != NULL && (mf_store_capabilities(s) & MF_STORE_LOCAL) == 0 &&
	    mf_store_retry_take(s, p->retry, &s, e) != 0)
		goto fail;
	*out = s;
	return 0;
fail:
	mf_store_close(s);
	return -1;
}
