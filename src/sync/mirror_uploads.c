/* Uploads in parts from one run to the next: the memory that dst asks, on the disk of this machine.
 */
#include <string.h>

#include "src/base/log.h"
#include "src/sync/mirror_int.h"

/* ---- the memory: arg is a struct mirror_memory ---- */

static const struct mf_mirror_params *
params_of(const void *arg)
{
	return ((const struct mirror_memory *)arg)->p;
}

static int
recall(void *arg, const char *path, struct mf_tree_upload *out)
{
	const struct mf_mirror_params *p = params_of(arg);
	struct mf_uploads_row row;

	if (mf_uploads_get(p->uploads, p->dst_place, path, &row) != 0)
		return 1;
	*out = (struct mf_tree_upload){.size = row.size,
	    .part_bytes = row.part_bytes,
	    .mtime_ns = row.mtime_ns,
	    .headers = row.headers,
	    .summed = row.summed};
	memcpy(out->id, row.id, sizeof out->id);
	return 0;
}

static int
remember(void *arg, const char *path, const struct mf_tree_upload *u)
{
	const struct mf_mirror_params *p = params_of(arg);
	struct mf_uploads_row row = {.size = u->size,
	    .part_bytes = u->part_bytes,
	    .mtime_ns = u->mtime_ns,
	    .headers = u->headers,
	    .summed = u->summed,
	    .used_us = p->now_us};

	_Static_assert(sizeof row.id == sizeof u->id, "ids are of one length");
	memcpy(row.id, u->id, sizeof row.id);
	return mf_uploads_put(p->uploads, p->dst_place, path, p->src_place, &row);
}

static void
forget(void *arg, const char *path, const char *id)
{
	const struct mf_mirror_params *p = params_of(arg);

	mf_uploads_drop(p->uploads, p->dst_place, path, id);
}

static int
recall_part(void *arg, const char *path, unsigned number, const char *etag, uint32_t *sum)
{
	const struct mf_mirror_params *p = params_of(arg);

	return mf_uploads_get_part(p->uploads, p->dst_place, path, number, etag, sum);
}

static void
remember_part(void *arg, const char *path, unsigned number, const char *etag, uint32_t sum)
{
	const struct mf_mirror_params *p = params_of(arg);

	mf_uploads_put_part(p->uploads, p->dst_place, path, number, etag, sum);
}

static bool
is_fresh(const struct mf_mirror_params *p, const struct mf_uploads_row *row)
{
	return p->now_us - row->used_us <= (int64_t)p->upload_age_us;
}

static bool
keeps(void *arg, const char *path, const char *id)
{
	const struct mf_mirror_params *p = params_of(arg);
	struct mf_uploads_row row;

	return mf_uploads_get(p->uploads, p->dst_place, path, &row) == 0 &&
	       strcmp(row.id, id) == 0 && is_fresh(p, &row);
}

static bool
has_place(const struct mf_mirror_params *p)
{
	return p->uploads != NULL && !p->dry_run;
}

void
mirror_remember(struct mirror_memory *m, const struct mf_mirror_params *p)
{
	*m = (struct mirror_memory){.p = p,
	    .tree = {.recall = recall,
		.remember = remember,
		.forget = forget,
		.recall_part = recall_part,
		.remember_part = remember_part,
		.keeps = keeps,
		.arg = m}};
	if (has_place(p))
		mf_tree_remember(p->dst, &m->tree);
}

void
mirror_remember_no_more(const struct mirror_memory *m)
{
	if (has_place(m->p))
		mf_tree_remember(m->p->dst, NULL);
}

/* ---- what nobody will go on with ---- */

/* Is the file that it was begun for there no more? Where that cannot be told: no. */
static bool
has_changed(const struct mirror_run *r, const char *path, const struct mf_uploads_row *row)
{
	struct mf_tree_entry now = {.path = path};
	struct mf_error unsaid = {0};
	const int rc = mirror_look(r->p->src, &now, &unsaid);

	return rc > 0 || (rc == 0 && (now.size != row->size || now.mtime_ns != row->mtime_ns));
}

int
mirror_abandon_uploads(struct mirror_run *r, struct mf_error *e)
{
	const struct mf_mirror_params *p = r->p;
	struct mf_buf path = MF_BUF_INIT, after = MF_BUF_INIT;
	struct mf_error unsaid = {0};
	struct mf_uploads_row row;
	const char *last = "";
	int rc = 0;

	while (rc == 0 &&
	       mf_uploads_next(p->uploads, p->dst_place, p->src_place, last, &path, &row) == 0) {
		mf_buf_clear(&after);
		mf_buf_printf(&after, "%s", (const char *)path.data);
		if ((last = mf_buf_cstr(&after)) == NULL)
			rc = mf_error_nomem(e, "a path");
		else if (mirror_interrupted(r))
			rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		else if (is_fresh(p, &row) && (!row.of_source || !has_changed(r, last, &row)))
			continue;
		else if (mf_tree_abandon(p->dst, last, row.id, &unsaid) == 0)
			mf_log(MF_LOG_INFO, "removed the unfinished upload of %s", last);
		else
			mf_log(MF_LOG_WARNING, "%s", unsaid.message);
	}
	mf_buf_fini(&path);
	mf_buf_fini(&after);
	return rc;
}
