/* --backup-dir and --suffix: what is replaced or deleted is kept. */
#include <string.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"

static const char *
suffix_of(const struct mirror_run *r)
{
	return r->p->suffix != NULL ? r->p->suffix : "";
}

bool
mirror_keeps(const struct mirror_run *r)
{
	return r->p->backup != NULL || suffix_of(r)[0] != '\0';
}

static struct mf_tree *
place(const struct mirror_run *r)
{
	return r->p->backup != NULL ? r->p->backup : r->p->dst;
}

/* The path under which it is kept: a view into b. */
static const char *
name_of(const struct mirror_run *r, const char *path, struct mf_buf *b, struct mf_error *e)
{
	const char *name;

	mf_buf_put(b, path, strlen(path));
	mf_buf_put(b, suffix_of(r), strlen(suffix_of(r)));
	if ((name = mf_buf_cstr(b)) == NULL)
		mf_error_nomem(e, "a path");
	return name;
}

int
mirror_keep_copy(struct mirror_run *r, const struct mf_tree_entry *dst, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_tree_entry entry = *dst;
	const char *name = name_of(r, dst->path, &b, e);
	bool of_src;
	int rc = -1;

	if (name != NULL)
		rc = mirror_look(r->p->dst, &entry, e);
	if (rc == 0)
		rc = mirror_transfer(NULL, r->p->dst, &entry, place(r), name, NULL, &of_src, e);
	if (rc < 0)
		mf_error_while(e, "keeping the old %s", dst->path);
	mf_buf_fini(&b);
	return rc < 0 ? -1 : 0; /* what is gone by now need not be kept */
}

int
mirror_keep_move(struct mirror_run *r, const char *path, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_tree_entry entry = {.path = path};
	const char *name = name_of(r, path, &b, e);
	bool of_src;
	int rc = -1;

	if (name != NULL)
		rc = mirror_look(r->p->dst, &entry, e);
	if (rc == 0 && (rc = mf_tree_move(place(r), name, r->p->dst, &entry, e)) == 1) {
		rc = mirror_transfer(NULL, r->p->dst, &entry, place(r), name, NULL, &of_src, e);
		if (rc == 0)
			rc = mf_tree_sync(place(r), e); /* before the only other copy goes */
		if (rc == 0)
			rc = mf_tree_del(r->p->dst, &path, 1, NULL, NULL, e);
	}
	if (rc < 0)
		mf_error_while(e, "keeping the old %s", path);
	mf_buf_fini(&b);
	return rc;
}
