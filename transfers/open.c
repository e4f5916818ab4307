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
	if (mf_dir_open(path, flags, out, e) != 0)
		return -1;
	if (p->limiter != NULL)
		mf_dir_pace(*out, p->limiter);
	return 0;
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

#define CONDITIONAL "conditional puts"
#define MD5 "content-md5"

static int
recall(const struct mf_store_memory *m, const char *store, const char *fact, bool *yes,
    struct mf_error *e)
{
	uint64_t known = 0;

	if (m != NULL && m->recall(m->arg, store, fact, &known, e) < 0)
		return -1;
	*yes = known == 1;
	return 0;
}

/* Of what was found out now. */
static int
remember(const struct mf_store_memory *m, const char *store, const char *fact, bool yes,
    struct mf_error *e)
{
	return m != NULL && yes ? m->remember(m->arg, store, fact, 1, e) : 0;
}

/* What is known of the bucket's conditional puts, and of whether it demands MD5s, or what trying
 * says. Only a yes is kept: a no ends when the store is renewed. */
static int
learn(struct mf_store *s, const struct mf_store_memory *m, struct mf_error *e)
{
	struct mf_buf identity = MF_BUF_INIT;
	struct mf_s3_probe known = {.conditional = false}, probe;
	const char *store;
	int rc = -1;

	mf_s3_store_identity(s, &identity);
	if ((store = mf_buf_cstr(&identity)) == NULL) {
		mf_error_nomem(e, "a store");
		goto out;
	}
	if (recall(m, store, CONDITIONAL, &known.conditional, e) != 0 ||
	    recall(m, store, MD5, &known.md5, e) != 0)
		goto out;
	mf_s3_store_believe(s, &known);
	probe = known;
	if (!known.conditional && mf_s3_probe_run(s, &probe, e) != 0)
		goto out;
	if (remember(m, store, CONDITIONAL, probe.conditional && !known.conditional, e) != 0 ||
	    remember(m, store, MD5, probe.md5 && !known.md5, e) != 0)
		goto out;
	mf_s3_store_believe(s, &probe);
	rc = 0;
out:
	mf_buf_fini(&identity);
	return rc;
}

/* What was opened, once it is known what it can do. */
static int
opened(struct mf_store **out, const struct mf_store_open_params *p, struct mf_error *e)
{
	if ((!p->write && !p->create) || learn(*out, p->memory, e) == 0)
		return 0;
	mf_store_close(*out);
	return -1;
}

static int
open_s3(const char *rest, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	static const struct mf_s3_options defaults;
	const bool write = p->write || p->create;

	if (mf_s3_open(rest, p->s3 != NULL ? p->s3 : &defaults, write, out, e) != 0)
		return -1;
	return opened(out, p, e);
}

static int
open_s3_v2(const char *rest, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	static const struct mf_s3_options defaults;
	const bool write = p->write || p->create;

	if (mf_s3_open_v2(rest, p->s3 != NULL ? p->s3 : &defaults, write, out, e) != 0)
		return -1;
	return opened(out, p, e);
}

static int
open_gcs(const char *rest, const struct mf_store_open_params *p, struct mf_store **out,
    struct mf_error *e)
{
	static const struct mf_gcs_options defaults;
	const bool write = p->write || p->create;

	if (mf_gcs_open(rest, p->gcs != NULL ? p->gcs : &defaults, write, out, e) != 0)
		return -1;
	return opened(out, p, e);
}

static const struct {
	const char *prefix;
	int (*open)(const char *rest, const struct mf_store_open_params *p,
	    struct mf_store **out, struct mf_error *e);
} schemes[] = {
    {"file://", open_dir},
    {"mem://", open_memory},
    {"s3://", open_s3},
    {"s3+v2://", open_s3_v2},
    {"gs://", open_gcs},
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
		return mf_error_hint(e,
		    "a path or file://PATH names a directory, s3://BUCKET/PATH or "
		    "gs://BUCKET/PATH a bucket's; where its server is, --endpoint-url says");
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
	if (p->retry != NULL && (mf_store_capabilities(s) & MF_STORE_LOCAL) == 0 &&
	    mf_store_retry_take(s, p->retry, &s, e) != 0)
		goto fail;
	*out = s;
	return 0;
fail:
	mf_store_close(s);
	return -1;
}
