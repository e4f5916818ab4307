#include "src/cmd/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cmd/repo.h"
#include "transfers/tree_dir.h"
#include "transfers/tree_open.h"

#define WINDOW_MIN_BYTES ((size_t)256 << 10)
#define WINDOW_MAX_BYTES ((size_t)2 << 20)

/* How an end is opened. */
struct opening {
	const struct mf_cmd *c;
	enum mf_cmd_end_use use;
	bool target; /* by the options --to-... */
	struct mf_filter *enters;
};

bool
mf_cmd_filter_enters(void *arg, const char *path)
{
	return mf_filter_enters(arg, path);
}

/* A directory that holds nothing, and is nowhere any more once it is open. */
static int
open_nothing(const struct mf_cmd *c, struct mf_tree **out, struct mf_error *e)
{
	char *dir = mf_cmd_spill_dir(c), *name = NULL;
	struct mf_buf b = MF_BUF_INIT;
	int rc = -1;

	mf_buf_printf(&b, "%s/modelferry-XXXXXX", dir != NULL ? dir : "/tmp");
	free(dir);
	if (mf_buf_cstr(&b) == NULL)
		mf_error_nomem(e, "a path");
	else if ((name = mkdtemp((char *)b.data)) == NULL)
		mf_error_sys(e, errno, "cannot make %s", (const char *)b.data);
	else {
		rc = mf_tree_dir_open(&(struct mf_tree_dir_params){.path = name}, out, e);
		(void)rmdir(name);
	}
	mf_buf_fini(&b);
	return rc;
}

static bool
is_bucket(const char *url)
{
	return url != NULL && (strncmp(url, "s3://", 5) == 0 || strncmp(url, "gs://", 5) == 0);
}

/* Then the limits are the wire's alone. */
static bool
has_bucket(const struct mf_cmd *c)
{
	return is_bucket(mf_options_arg(c->options, 0)) || is_bucket(mf_options_arg(c->options, 1));
}

static enum mf_tree_links
links_of(const struct opening *o)
{
	if (mf_options_flag(o->c->options, MF_OPT_LINKS))
		return MF_TREE_LINKS_AS_FILES;
	return o->use == MF_CMD_END_READ && mf_options_flag(o->c->options, MF_OPT_COPY_LINKS)
		   ? MF_TREE_LINKS_FOLLOWED
		   : MF_TREE_LINKS_SHOWN;
}

static int
open_dir(const struct opening *o, const char *path, struct mf_tree **out, struct mf_error *e)
{
	bool write = o->use == MF_CMD_END_WRITE;
	struct mf_tree_dir_params params = {.path = path,
	    .links = links_of(o),
	    .limiter = has_bucket(o->c) ? NULL : o->c->limiter,
	    .enters = o->enters != NULL ? mf_cmd_filter_enters : NULL,
	    .enters_arg = o->enters,
	    .write = write,
	    .no_direct_io = mf_options_flag(o->c->options, MF_OPT_NO_DIRECT_IO),
	    .create = write};

	if (mf_tree_dir_open(&params, out, e) == 0)
		return 0;
	if (e->sys_errno == ENOTDIR) {
		e->code = MF_EUSAGE;
		if (o->use == MF_CMD_END_READ)
			mf_error_hint(e, MF_CMD_ONE_FILE_HINT);
	}
	if (o->use != MF_CMD_END_PLAN || e->code != MF_ENOTFOUND)
		return -1;
	mf_error_clear(e);
	return open_nothing(o->c, out, e);
}

/* For each connection that gets a file or a range: of all they are a quarter of the budget at
 * most. */
static size_t
window_bytes(const struct mf_cmd *c)
{
	const uint64_t n =
	    mf_options_number(c->options, MF_OPT_TRANSFERS) * MF_TREE_S3_PARTS_AT_ONCE;
	const uint64_t share = mf_options_number(c->options, MF_OPT_MEMORY) / 4 / (n > 0 ? n : 1);
	size_t bytes = WINDOW_MIN_BYTES;

	while (bytes < WINDOW_MAX_BYTES && bytes <= share / 2)
		bytes *= 2;
	return bytes;
}

/* Bodies in flight are half of the budget; the other is that of lists, and of what is read. */
static int
open_bucket(const struct opening *o, const char *url, struct mf_tree **out, struct mf_error *e)
{
	const struct mf_cmd *c = o->c;
	struct mf_s3_options s3;
	struct mf_gcs_options gcs;
	const struct mf_tree_open_params params = {.write = o->use == MF_CMD_END_WRITE,
	    .s3 = &s3,
	    .gcs = &gcs,
	    .bucket = {.retry = mf_cmd_retry_params(c),
		.lists_at_once = (unsigned)mf_options_number(c->options, MF_OPT_CHECKERS),
		.ignore_sums = mf_options_flag(c->options, MF_OPT_IGNORE_CHECKSUM),
		.account = o->target && mf_cmd_s3_target_is_other(c),
		.window_bytes = window_bytes(c),
		.memory_bytes = mf_options_number(c->options, MF_OPT_MEMORY) / 2}};

	mf_cmd_s3_options(c, o->target, &s3);
	mf_cmd_gcs_options(c, &gcs);
	return mf_tree_open(url, &params, out, e);
}

static int
open_tree(const struct opening *o, const char *url, struct mf_tree **out, struct mf_error *e)
{
	if (url[0] == '\0')
		return mf_error_set(
		    e, MF_EUSAGE, "an empty path where a directory or bucket is wanted");
	if (strncmp(url, "file://", 7) == 0)
		return open_dir(o, url + 7, out, e);
	if (is_bucket(url))
		return open_bucket(o, url, out, e);
	if (strncmp(url, "s3+v2://", 8) == 0) {
		mf_error_set(e, MF_EUNSUPPORTED, "no plain mirror of an s3+v2:// bucket: %s", url);
		return mf_error_hint(e, "`push` and `pull` work on s3+v2:// buckets");
	}
	if (strstr(url, "://") != NULL) {
		mf_error_set(e, MF_EUSAGE, "neither a directory nor a bucket: %s", url);
		return mf_error_hint(e, "write a path, s3://BUCKET/PATH or gs://BUCKET/PATH");
	}
	return open_dir(o, url, out, e);
}

int
mf_cmd_open_tree(const struct mf_cmd *c, const char *url, enum mf_cmd_end_use use,
    struct mf_tree **out, struct mf_error *e)
{
	const struct opening o = {.c = c, .use = use};

	return open_tree(&o, url, out, e);
}

/* The path with its links resolved; of one that is not there yet, as far as it is. NULL: out of
 * memory, or nothing like it. */
static char * /* NOLINTNEXTLINE(misc-no-recursion): realpath(3) refuses more than PATH_MAX */
resolve(const char *path)
{
	char *full = realpath(path, NULL), *parent, *joined;
	const char *slash = strrchr(path, '/');
	struct mf_buf b = MF_BUF_INIT;

	if (full != NULL || errno != ENOENT)
		return full;
	if (slash != NULL && slash[1] == '\0') { /* "a/b/" is "a/b" */
		parent = strndup(path, (size_t)(slash - path));
		full = parent != NULL && parent[0] != '\0' ? resolve(parent) : NULL;
		free(parent);
		return full;
	}
	parent =
	    slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + (slash == path));
	full = parent != NULL ? resolve(parent) : NULL;
	free(parent);
	if (full == NULL)
		return NULL;
	mf_buf_printf(
	    &b, "%s/%s", strcmp(full, "/") == 0 ? "" : full, slash != NULL ? slash + 1 : path);
	joined = mf_buf_cstr(&b) != NULL ? strdup(mf_buf_cstr(&b)) : NULL;
	mf_buf_fini(&b);
	free(full);
	return joined;
}

static int
name_place(const struct mf_cmd *c, const char *url, struct mf_cmd_end *out, struct mf_error *e)
{
	size_t n = strlen(url);

	if (is_bucket(url)) {
		out->place = url[0] == 's' ? mf_cmd_s3_place(c, out->is_target, url)
					   : mf_cmd_gcs_place(c, url);
		while (n > 0 && url[n - 1] == '/')
			n--;
	} else {
		out->place = resolve(strncmp(url, "file://", 7) == 0 ? url + 7 : url);
		if (out->place == NULL)
			out->place = strdup(url);
		n = out->place != NULL ? strlen(out->place) : 0;
	}
	out->base = n;
	return out->place != NULL ? 0 : mf_error_nomem(e, "a place");
}

int
mf_cmd_open_end(const struct mf_cmd *c, const char *url, enum mf_cmd_end_use use,
    struct mf_cmd_end *out, struct mf_error *e)
{
	const struct opening o = {
	    .c = c, .use = use, .target = out->is_target, .enters = out->enters};

	*out = (struct mf_cmd_end){.is_target = o.target};
	if (open_tree(&o, url, &out->tree, e) != 0)
		return -1;
	return name_place(c, url, out, e);
}

void
mf_cmd_close_end(struct mf_cmd_end *end)
{
	mf_tree_close(end->tree);
	free(end->place);
	*end = (struct mf_cmd_end){0};
}

bool
mf_cmd_ends_overlap(const struct mf_cmd_end *a, const struct mf_cmd_end *b)
{
	size_t n = a->base < b->base ? a->base : b->base;

	if (strcmp(a->place + a->base, b->place + b->base) != 0 ||
	    strncmp(a->place, b->place, n) != 0)
		return false;
	return a->base == b->base || (n > 0 && a->place[n - 1] == '/') ||
	       (a->base > n ? a : b)->place[n] == '/';
}
