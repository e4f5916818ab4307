/* --include, --exclude, --filter-from, --files-from: the options to a filter. */
#include <fcntl.h>
#include <string.h>

#include "src/base/fs.h"
#include "src/cmd/repo.h"

#define RULES_MAX_BYTES ((size_t)64 << 20)

static int
add_file(struct mf_filter *f, const char *path,
    int (*add)(struct mf_filter *, const char *, const char *, size_t, struct mf_error *),
    struct mf_error *e)
{
	struct mf_buf text = MF_BUF_INIT;
	int rc = mf_fs_read_file(AT_FDCWD, path, RULES_MAX_BYTES, &text, e);

	if (rc == 0)
		rc = add(f, path, text.len > 0 ? (const char *)text.data : "", text.len, e);
	mf_buf_fini(&text);
	return rc;
}

static int
add_value(struct mf_filter *f, enum mf_option id, const char *text, struct mf_error *e)
{
	switch (id) {
	case MF_OPT_INCLUDE: return mf_filter_include(f, text, e);
	case MF_OPT_EXCLUDE: return mf_filter_exclude(f, text, e);
	case MF_OPT_FILTER_FROM: return add_file(f, text, mf_filter_add_rules, e);
	case MF_OPT_FILES_FROM: return add_file(f, text, mf_filter_add_paths, e);
	default: return 0;
	}
}

int
mf_cmd_load_filter(const struct mf_cmd *c, struct mf_filter **out, struct mf_error *e)
{
	struct mf_filter *f = mf_filter_new(e);
	enum mf_option id;
	const char *text;
	size_t i;

	*out = NULL;
	if (f == NULL)
		return -1;
	for (i = 0; mf_options_each(c->options, i, &id, &text); i++)
		if (add_value(f, id, text, e) != 0)
			goto fail;
	if (mf_filter_seal(f, e) != 0)
		goto fail;
	if (mf_filter_takes_all(f))
		mf_filter_free(f);
	else
		*out = f;
	return 0;
fail:
	mf_filter_free(f);
	return -1;
}

bool
mf_cmd_selects(void *arg, const char *path, bool is_dir)
{
	const struct mf_filter *f = arg;

	return is_dir ? mf_filter_enters(f, path) : mf_filter_takes(f, path);
}
