/* Removing uploads in parts that nobody completed. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/log.h"
#include "transfers/tree_s3_int.h"

#define PAGE_BYTES_MAX ((uint64_t)16 << 20)
#define PAGE_UPLOADS "1000"

struct sweep {
	struct s3_tree *tree;
	int64_t before_us; /* what was begun before that goes */
	char key_marker[MF_S3_KEY_BYTES];
	char id_marker[MF_S3_UPLOAD_ID_BYTES];
	uint64_t n_removed;
};

/* A page of them. 0; 1: the store knows no such thing; -1. */
static int
fetch_page(const struct sweep *w, struct mf_s3_uploads *out, struct mf_error *e)
{
	const bool first = w->key_marker[0] == '\0';
	const struct mf_s3_param query[] = {{"uploads", NULL}, {"max-uploads", PAGE_UPLOADS},
	    {"prefix", w->tree->s->prefix}, {"key-marker", w->key_marker},
	    {"upload-id-marker", w->id_marker}};
	const struct mf_s3_call call = {
	    .method = "GET",
	    .query = query,
	    .n_query = first ? 3 : 5,
	    .doing = "listing unfinished uploads of",
	    .max_body_bytes = PAGE_BYTES_MAX,
	};
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	int rc = s3_tree_call(w->tree, &call, &a, e);

	if (rc != 0 && a.refused && a.class == MF_S3_UNSUPPORTED)
		rc = 1;
	else if (rc == 0)
		rc = mf_s3_xml_uploads(a.http.body.data, a.http.body.len, out, e);
	mf_s3_answer_fini(&a);
	return rc;
}

/* Will some run go on with it? */
static bool
is_kept(const struct sweep *w, const struct mf_s3_upload *u)
{
	const struct mf_tree_memory *m = w->tree->memory;

	return m != NULL && m->keeps(m->arg, u->key + strlen(w->tree->s->prefix), u->id);
}

static int
remove_old(struct sweep *w, const struct mf_s3_uploads *page, struct mf_error *e)
{
	const char *prefix = w->tree->s->prefix;
	const struct mf_s3_upload *u;
	size_t i;

	for (i = 0; i < page->n_uploads; i++) {
		u = &page->uploads[i];
		if (strncmp(u->key, prefix, strlen(prefix)) != 0 ||
		    u->initiated_us > w->before_us || is_kept(w, u))
			continue;
		if (mf_waiting_cancelled(&w->tree->p.retry.waiting))
			return mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		if (s3_tree_abort(w->tree, u->key, u->id, e) != 0)
			return -1;
		w->n_removed++;
	}
	return 0;
}

/* 0: there is another page; 1: that was all; -1. */
static int
advance(struct sweep *w, const struct mf_s3_uploads *page, struct mf_error *e)
{
	const char *id = page->id_marker != NULL ? page->id_marker : "";

	if (!page->truncated)
		return 1;
	if (strlen(page->key_marker) > MF_S3_KEY_MAX || strlen(id) >= sizeof w->id_marker ||
	    page->key_marker[0] == '\0' ||
	    (strcmp(page->key_marker, w->key_marker) == 0 && strcmp(id, w->id_marker) == 0))
		return mf_error_set(e, MF_ETRANSFER,
		    "the listing of unfinished uploads of %s does not get on", w->tree->s->label);
	memcpy(w->key_marker, page->key_marker, strlen(page->key_marker) + 1);
	memcpy(w->id_marker, id, strlen(id) + 1);
	return 0;
}

static int
sweep_all(struct sweep *w, struct mf_error *e)
{
	struct mf_s3_uploads page;
	int rc;

	do {
		if ((rc = fetch_page(w, &page, e)) != 0)
			return rc;
		rc = remove_old(w, &page, e);
		if (rc == 0)
			rc = advance(w, &page, e);
		mf_s3_uploads_fini(&page);
	} while (rc == 0);
	return rc;
}

int
s3_tree_sweep(struct mf_tree *tree, uint64_t min_age_us, struct mf_error *e)
{
	struct sweep w = {.tree = s3_tree_of(tree)};
	int64_t now_s;
	int rc;

	if (s3_tree_check_write(w.tree, e) != 0 ||
	    mf_s3_client_now(w.tree->s->client, &now_s, e) != 0)
		return -1;
	/* a second more: the clock is never ahead of the store's, which cuts seconds off */
	w.before_us = (now_s + 1) * 1000000;
	if (min_age_us > (uint64_t)w.before_us)
		return 0;
	w.before_us -= (int64_t)min_age_us;
	rc = sweep_all(&w, e);
	if (w.n_removed > 0)
		mf_log(MF_LOG_INFO, "%s: removed %" PRIu64 " unfinished uploads", w.tree->s->label,
		    w.n_removed);
	return rc < 0 ? -1 : 0;
}
