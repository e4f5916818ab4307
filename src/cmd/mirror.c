/* What sync, copy and check begin with. */
#include "src/cmd/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "src/cmd/repo.h"

bool
mf_cmd_mirror_takes(void *arg, const char *path)
{
	return mf_filter_takes(arg, path);
}

/* parent is the bucket's URL up to name. 1 yes, 0; -1: a failure that may pass, and leaves it open.
 * An object that nobody may ask about is none. */
static int
has_object(
    const struct mf_cmd *c, const char *parent, const char *name, struct mf_error *e)
{
	struct mf_tree_entry entry = {0};
	struct mf_tree *tree;
	int rc = -1;

	if (mf_cmd_open_tree(c, parent, MF_CMD_END_READ, &tree, e) == 0) {
		rc = mf_tree_look(tree, name, &entry, e);
		mf_tree_close(tree);
	}
	if (rc < 0 && mf_error_row(e->code)->retryable)
		return -1;
	mf_error_clear(e);
	return rc == 0;
}

int
mf_cmd_mirror_refuse_object(void *arg, struct mf_error *e)
{
	const struct mf_cmd_mirror *m = arg;
	const char *url = mf_options_arg(m->c->options, 0), *name = strrchr(url, '/');
	char *parent;
	int rc;

	if ((mf_tree_capabilities(m->src.tree) & MF_TREE_LOCAL) != 0 || name == NULL ||
	    name[1] == '\0' || strstr(url, "://") + 2 == name)
		return 0;
	if ((parent = strndup(url, (size_t)(name - url))) == NULL)
		return mf_error_nomem(e, "a path");
	rc = has_object(m->c, parent, name + 1, e);
	free(parent);
	if (rc <= 0)
		return rc;
	mf_error_set(e, MF_EUSAGE, "%s is an object, and nothing lies below it", url);
	return mf_error_hint(e, MF_CMD_ONE_FILE_HINT);
}

static const char *
doing(void *arg, char *out, size_t out_bytes)
{
	const struct mf_cmd_mirror *m = arg;

	return mf_names_text(m->names,
	    (size_t)mf_options_number(m->c->options, MF_OPT_STATS_FILE_NAME_LENGTH), out,
	    out_bytes);
}

static int
refuse_overlap(const char *a, const struct mf_cmd_end *x, const char *b, const struct mf_cmd_end *y,
    struct mf_error *e)
{
	if (!mf_cmd_ends_overlap(x, y))
		return 0;
	return mf_error_set(e, MF_EUSAGE, "%s and %s overlap: %s and %s", a, b,
	    mf_tree_label(x->tree), mf_tree_label(y->tree));
}

static int
open_backup(struct mf_cmd_mirror *m, enum mf_cmd_end_use use, struct mf_error *e)
{
	const char *url = mf_options_text(m->c->options, MF_OPT_BACKUP_DIR);

	if (url == NULL)
		return 0;
	m->backup.is_target = true; /* beside the destination, as with rclone */
	if (mf_cmd_open_end(m->c, url, use, &m->backup, e) != 0)
		return -1;
	if (refuse_overlap("--backup-dir", &m->backup, "the destination", &m->dst, e) != 0)
		return -1;
	return refuse_overlap("--backup-dir", &m->backup, "the source", &m->src, e);
}

static int
check_flags(const struct mf_options *o, struct mf_error *e)
{
	if (mf_options_given(o, MF_OPT_DELETE_AFTER) && !mf_options_flag(o, MF_OPT_DELETE_AFTER))
		return mf_error_set(
		    e, MF_EUSAGE, "--delete-after=false: sync deletes last, always");
	if (mf_options_flag(o, MF_OPT_LINKS) && mf_options_flag(o, MF_OPT_COPY_LINKS))
		return mf_error_set(e, MF_EUSAGE,
		    "--links keeps symbolic links and --copy-links follows them: one of the two");
	if (strchr(mf_options_given(o, MF_OPT_SUFFIX) ? mf_options_text(o, MF_OPT_SUFFIX) : "",
		'/') != NULL)
		return mf_error_set(e, MF_EUSAGE, "--suffix has a / in it");
	return 0;
}

int
mf_cmd_mirror_prepare(struct mf_cmd_mirror *m, bool mirrors, struct mf_error *e)
{
	const struct mf_options *o = m->c->options;
	const enum mf_cmd_end_use use = !mirrors                             ? MF_CMD_END_READ
					: mf_options_flag(o, MF_OPT_DRY_RUN) ? MF_CMD_END_PLAN
									     : MF_CMD_END_WRITE;

	m->dst.is_target = true;
	if (check_flags(o, e) != 0 || mf_cmd_check_target(m->c, mf_options_arg(o, 1), e) != 0 ||
	    mf_cmd_load_filter(m->c, &m->filter, e) != 0)
		return -1;
	m->src.enters = m->filter;
	if (mf_options_command(o) != MF_CMD_SYNC || !mf_options_flag(o, MF_OPT_DELETE_EXCLUDED))
		m->dst.enters = m->filter;
	if (mf_cmd_open_end(m->c, mf_options_arg(o, 0), MF_CMD_END_READ, &m->src, e) != 0 ||
	    mf_cmd_open_end(m->c, mf_options_arg(o, 1), use, &m->dst, e) != 0)
		return -1;
	if (mirrors && (refuse_overlap("the source", &m->src, "the destination", &m->dst, e) != 0 ||
			   open_backup(m, use, e) != 0))
		return -1;
	m->names = mf_names_new((size_t)(mf_options_number(o, MF_OPT_TRANSFERS) +
					 mf_options_number(o, MF_OPT_CHECKERS)),
	    e);
	if (m->names == NULL)
		return -1;
	m->c->progress.plain = true;
	m->c->doing = doing;
	m->c->doing_arg = m;
	return 0;
}

void
mf_cmd_mirror_fini(struct mf_cmd_mirror *m)
{
	mf_cmd_end_progress(m->c);
	m->c->doing = NULL;
	mf_cmd_close_end(&m->src);
	mf_cmd_close_end(&m->dst);
	mf_cmd_close_end(&m->backup);
	mf_filter_free(m->filter);
	mf_names_free(m->names);
	mf_cache_close(m->cache);
	mf_uploads_close(m->uploads);
	free(m->spill_dir);
}

int
mf_cmd_mirror_begin(struct mf_cmd_mirror *m, const char *word, struct mf_error *e)
{
	char title[200];

	snprintf(title, sizeof title, "%s %.80s to %.80s", word, mf_tree_label(m->src.tree),
	    mf_tree_label(m->dst.tree));
	return mf_cmd_begin_progress(m->c, title, e);
}
