#include "src/repo/annotation_ahead_int.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/each_int.h"

#define AHEAD_BYTES ((size_t)8 << 20)

/* What one reading has beside the annotations. */
struct reading {
	struct mf_annotations_ahead *ahead;
	const struct mf_names *prefixes;
	pthread_mutex_t lock; /* of bytes_left */
};

/* a/MODEL/VER/TIME-RAND: is the part before the last one among the prefixes? */
static bool
is_wanted(const struct mf_names *prefixes, const char *name)
{
	const char *slash = strrchr(name, '/');
	char prefix[MF_OBJECT_NAME_BYTES];
	size_t n;

	if (slash == NULL)
		return false;
	n = (size_t)(slash + 1 - name);
	memcpy(prefix, name, n);
	prefix[n] = '\0';
	return mf_names_has(prefixes, prefix);
}

/* Does it fit into memory? */
static bool
keep(struct reading *r, size_t bytes)
{
	bool fits;

	pthread_mutex_lock(&r->lock);
	fits = bytes <= r->ahead->bytes_left;
	if (fits)
		r->ahead->bytes_left -= bytes;
	pthread_mutex_unlock(&r->lock);
	return fits;
}

static int
read_ahead(void *arg, size_t i, struct mf_error *e)
{
	struct reading *r = arg;
	const char *name = r->ahead->names->items[i];
	struct mf_buf *plain = &r->ahead->plain[i];
	struct mf_error why = {0};

	(void)e;
	if (!is_wanted(r->prefixes, name))
		return 0;
	if (mf_object_get(r->ahead->repo, MF_OBJECT_ANNOTATION, name, plain, &why) == 0) {
		if (keep(r, plain->len))
			return 0;
		mf_buf_fini(plain);
		return 1;
	}
	mf_buf_fini(plain);
	/* the rest may be well, unless the store is not */
	return why.code == MF_ENOTFOUND || why.code == MF_EDAMAGED || why.code == MF_EKEY ? 0 : 1;
}

int
mf_annotations_ahead_read(struct mf_annotations_ahead *ahead, const struct mf_names *names,
    const struct mf_names *prefixes, struct mf_error *e)
{
	struct reading r = {.ahead = ahead, .prefixes = prefixes};
	const struct mf_repo_work work = {.n = names->n, .work = read_ahead, .arg = &r};
	int rc;

	if (names->n < 2 || (mf_store_capabilities(ahead->repo->store) & MF_STORE_LOCAL) != 0)
		return 0;
	if ((ahead->plain = calloc(names->n, sizeof(*ahead->plain))) == NULL)
		return mf_error_nomem(e, "annotations");
	ahead->names = names;
	ahead->bytes_left = AHEAD_BYTES;
	pthread_mutex_init(&r.lock, NULL);
	rc = mf_repo_each(ahead->repo, &work, e);
	pthread_mutex_destroy(&r.lock);
	return rc;
}

static int
by_name(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

int
mf_annotations_ahead_get(
    struct mf_annotations_ahead *ahead, const char *name, struct mf_buf *plain, struct mf_error *e)
{
	const struct mf_buf *read = NULL;
	char *const *at = NULL;

	if (ahead->plain != NULL)
		at = bsearch(name, ahead->names->items, ahead->names->n,
		    sizeof(*ahead->names->items), by_name);
	if (at != NULL)
		read = &ahead->plain[at - ahead->names->items];
	if (read == NULL || read->len == 0)
		return mf_object_get(ahead->repo, MF_OBJECT_ANNOTATION, name, plain, e);
	mf_buf_put(plain, read->data, read->len);
	return plain->failed ? mf_error_nomem(e, "an annotation") : 0;
}

void
mf_annotations_ahead_fini(struct mf_annotations_ahead *ahead)
{
	size_t i;

	for (i = 0; ahead->plain != NULL && i < ahead->names->n; i++)
		mf_buf_fini(&ahead->plain[i]);
	free(ahead->plain);
	ahead->plain = NULL;
}
