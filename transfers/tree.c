/* The checks that every driver of tree.h may rely on. */
#include "transfers/tree.h"

#include <string.h>

#include "transfers/tree_int.h"

bool
mf_tree_path_is_valid(const char *path)
{
	size_t n;

	if (path[0] == '\0' || strlen(path) > MF_TREE_PATH_MAX)
		return false;
	for (;; path += n + 1) {
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[n] == '\0')
			return true;
	}
}

/* e, or a place to put what nobody wants to know. */
static struct mf_error *
somewhere(struct mf_error *e, struct mf_error *spare)
{
	mf_error_clear(spare);
	return e != NULL ? e : spare;
}

static int
check_path(struct mf_tree *t, const char *path, struct mf_error *e)
{
	if (mf_tree_path_is_valid(path))
		return 0;
	return mf_error_set(
	    e, MF_EUSAGE, "%s: no path of a file below %s", path, mf_tree_label(t));
}

int
mf_tree_list(struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e)
{
	struct mf_error spare;

	*out = NULL;
	e = somewhere(e, &spare);
	if (dir[0] != '\0' && check_path(t, dir, e) != 0)
		return -1;
	return t->ops->list(t, dir, out, e);
}

int
mf_tree_next(struct mf_tree_cursor *c, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct mf_error spare;

	return c->tree->ops->next(c, entry, somewhere(e, &spare));
}

void
mf_tree_cursor_close(struct mf_tree_cursor *c)
{
	if (c != NULL)
		c->tree->ops->cursor_close(c);
}

int
mf_tree_look(struct mf_tree *t, const char *path, struct mf_tree_entry *out, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	*out = (struct mf_tree_entry){.path = path};
	return check_path(t, path, e) == 0 ? t->ops->look(t, path, out, e) : -1;
}

int
mf_tree_get(struct mf_tree *t, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	return check_path(t, entry->path, e) == 0 ? t->ops->get(t, entry, sink, arg, e) : -1;
}

int
mf_tree_put(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	struct mf_tree_entry ignored;
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (stored == NULL)
		stored = &ignored;
	*stored = (struct mf_tree_entry){.path = path};
	return check_path(t, path, e) == 0 ? t->ops->put(t, path, source, stored, e) : -1;
}

int
mf_tree_source_open(struct mf_tree *t, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	*out = (struct mf_tree_source){.size = 0};
	return check_path(t, entry->path, e) == 0 ? t->ops->source_open(t, entry, out, e) : -1;
}

void
mf_tree_source_close(struct mf_tree *t, struct mf_tree_source *source)
{
	if (source->read_at != NULL)
		t->ops->source_close(t, source);
	*source = (struct mf_tree_source){.size = 0};
}

int
mf_tree_copy(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (check_path(t, path, e) != 0 || check_path(from, entry->path, e) != 0)
		return -1;
	return t->ops->copy != NULL ? t->ops->copy(t, path, from, entry, e) : 1;
}

int
mf_tree_move(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (check_path(t, path, e) != 0 || check_path(from, entry->path, e) != 0)
		return -1;
	return t->ops->move != NULL ? t->ops->move(t, path, from, entry, e) : 1;
}

int
mf_tree_touch(
    struct mf_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (check_path(t, entry->path, e) != 0)
		return -1;
	if (t->ops->touch == NULL)
		return mf_error_set(e, MF_EUNSUPPORTED,
		    "%s cannot change the time of %s alone", mf_tree_label(t), entry->path);
	return t->ops->touch(t, entry, mtime_ns, e);
}

int
mf_tree_del(struct mf_tree *t, const char *const *paths, size_t n,
    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
    struct mf_error *e)
{
	struct mf_error spare;
	size_t i;

	e = somewhere(e, &spare);
	for (i = 0; i < n; i++)
		if (check_path(t, paths[i], e) != 0)
			return -1;
	return n > 0 ? t->ops->del(t, paths, n, failed, arg, e) : 0;
}

int
mf_tree_make_dir(struct mf_tree *t, const char *path, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (check_path(t, path, e) != 0)
		return -1;
	return t->ops->make_dir != NULL ? t->ops->make_dir(t, path, e) : 0;
}

int
mf_tree_remove_dir(struct mf_tree *t, const char *path, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (check_path(t, path, e) != 0)
		return -1;
	return t->ops->remove_dir != NULL ? t->ops->remove_dir(t, path, e) : 0;
}

void
mf_tree_remember(struct mf_tree *t, const struct mf_tree_memory *memory)
{
	if (t->ops->remember != NULL)
		t->ops->remember(t, memory);
}

int
mf_tree_abandon(struct mf_tree *t, const char *path, const char *id, struct mf_error *e)
{
	struct mf_error spare;

	e = somewhere(e, &spare);
	if (check_path(t, path, e) != 0)
		return -1;
	return t->ops->abandon != NULL ? t->ops->abandon(t, path, id, e) : 0;
}

int
mf_tree_sweep(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e)
{
	struct mf_error spare;

	return t->ops->sweep != NULL ? t->ops->sweep(t, min_age_us, somewhere(e, &spare)) : 0;
}

int
mf_tree_sync(struct mf_tree *t, struct mf_error *e)
{
	struct mf_error spare;

	return t->ops->sync != NULL ? t->ops->sync(t, somewhere(e, &spare)) : 0;
}

unsigned
mf_tree_capabilities(struct mf_tree *t)
{
	return t->ops->capabilities(t);
}

const char *
mf_tree_label(struct mf_tree *t)
{
	return t->ops->label(t);
}

void
mf_tree_close(struct mf_tree *t)
{
	if (t != NULL)
		t->ops->close(t);
}
