#include "transfers/limit.h"

#include <stdlib.h>

struct limit_store {
	struct mf_store store;
	struct mf_store *inner;
	struct mf_limiter *limiter;
	bool counts, paces; /* what the inner store does not do itself */
};

/* One operation that sends n bytes. The inner store, or NULL with *e set. */
static struct mf_store *
begin(struct mf_store *s, uint64_t n, struct mf_error *e)
{
	struct limit_store *l = (struct limit_store *)s;

	if ((l->counts && !mf_limiter_request(l->limiter)) ||
	    (l->paces && !mf_limiter_bytes(l->limiter, MF_HTTP_UP, n))) {
		mf_error_set(e, MF_EINTERRUPTED, "interrupted while waiting for bandwidth");
		return NULL;
	}
	return l->inner;
}

static int
limit_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct mf_store *inner = begin(s, n, e);

	return inner == NULL ? -1 : mf_store_put(inner, name, bytes, n, flags, e);
}

static int
limit_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct limit_store *l = (struct limit_store *)s;
	struct mf_store *inner = begin(s, 0, e);
	size_t before = out->len;
	int r;

	if (inner == NULL)
		return -1;
	r = mf_store_get(inner, name, offset, max_bytes, out, e);
	if (r == 0 && l->paces) /* cancelled: the bytes are there all the same */
		(void)mf_limiter_bytes(l->limiter, MF_HTTP_DOWN, out->len - before);
	return r;
}

static int
limit_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_head(inner, name, out, e);
}

static int
limit_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_del(inner, name, e);
}

static int
limit_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_list(inner, prefix, cb, arg, e);
}

static int
limit_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct mf_store *inner = begin(s, 0, e);

	return inner == NULL ? -1 : mf_store_list_names(inner, prefix, cb, arg, e);
}

static int
limit_sync(struct mf_store *s, struct mf_error *e)
{
	return mf_store_sync(((struct limit_store *)s)->inner, e);
}

static int
limit_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	return mf_store_adopt(((struct limit_store *)s)->inner, name, e);
}

static int
limit_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	return mf_store_now(((struct limit_store *)s)->inner, unix_us, e);
}

static unsigned
limit_capabilities(struct mf_store *s)
{
	return mf_store_capabilities(((struct limit_store *)s)->inner);
}

static const char *
limit_label(struct mf_store *s)
{
	return mf_store_label(((struct limit_store *)s)->inner);
}

static void
limit_close(struct mf_store *s)
{
	struct limit_store *l = (struct limit_store *)s;

	mf_store_close(l->inner);
	free(l);
}

static const struct mf_store_ops limit_ops = {
	.scheme = "limit",
	.put = limit_put,
	.get = limit_get,
	.head = limit_head,
	.del = limit_del,
	.list = limit_list,
	.list_names = limit_list_names,
	.close = limit_close,
	.sync = limit_sync,
	.adopt = limit_adopt,
	.now = limit_now,
	.capabilities = limit_capabilities,
	.label = limit_label,
};

int
mf_store_limit_take(
    struct mf_store *inner, struct mf_limiter *limiter, struct mf_store **out, struct mf_error *e)
{
	struct limit_store *l = calloc(1, sizeof *l);

	if (l == NULL)
		return mf_error_nomem(e, "a store");
	l->store.ops = &limit_ops;
	l->inner = inner;
	l->limiter = limiter;
	l->counts = (mf_store_capabilities(inner) & MF_STORE_COUNTED) == 0;
	l->paces = (mf_store_capabilities(inner) & MF_STORE_PACED) == 0;
	*out = &l->store;
	return 0;
}
