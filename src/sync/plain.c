#include "src/sync/plain.h"

#include <string.h>

#include "src/sync/plain_int.h"

static int
in_the_way(const struct mf_plain_params *p, const char *what, struct mf_error *e)
{
	(void)mf_error_set(e, MF_EEXIST, "%s/%s holds %s", mf_tree_label(p->tree), p->prefix, what);
	return mf_error_hint(
	    e, "nothing is written over there; name another place, or remove what is there");
}

/* What a listing of the prefix shows. */
struct found {
	uint64_t files, bytes;
};

static int
add_found(const struct mf_plain_params *p, const struct mf_tree_entry *entry, struct found *f,
    struct mf_error *e)
{
	const struct mf_entry *ours = NULL;

	if (entry->kind == MF_TREE_DIR)
		return 0;
	if (p->files != NULL && strlen(entry->path) > strlen(p->prefix))
		ours = mf_listing_find(
		    mf_files_listing(p->files), entry->path + strlen(p->prefix) + 1);
	if (ours == NULL)
		return in_the_way(p, "files that are not of this version", e);
	f->files++;
	f->bytes += entry->size;
	return 0;
}

/* All that lies under the prefix is a file of the version. */
static int
list(const struct mf_plain_params *p, struct found *f, struct mf_error *e)
{
	struct mf_tree_cursor *cursor = NULL;
	struct mf_tree_entry entry;
	struct mf_error why = {0};
	int rc;

	*f = (struct found){0};
	if (mf_tree_list(p->tree, p->prefix, &cursor, &why) != 0) {
		if (why.code == MF_ENOTFOUND)
			return 0;
		*e = why;
		return -1;
	}
	while ((rc = mf_tree_next(cursor, &entry, &why)) == 0)
		if (add_found(p, &entry, f, &why) != 0) {
			rc = -1;
			break;
		}
	mf_tree_cursor_close(cursor);
	if (rc >= 0 || why.code == MF_ENOTFOUND)
		return 0;
	*e = why;
	return -1;
}

/* How much a whole mirror holds: a hard link is a file there. */
static struct found
whole(const struct mf_plain_params *p)
{
	const struct mf_listing *l = mf_files_listing(p->files);
	const struct mf_entry *content;
	struct found f = {0};
	size_t i;

	for (i = 0; i < l->n_entries; i++)
		if ((content = plain_content(l, &l->entries[i])) != NULL) {
			f.files++;
			f.bytes += content->size;
		}
	return f;
}

static int
check_whole(const struct mf_plain_params *p, const struct found *f, struct mf_error *e)
{
	const struct found all = whole(p);

	if (f->files == all.files && f->bytes == all.bytes)
		return 0;
	(void)mf_error_set(e, MF_EDAMAGED,
	    "%s/%s holds %llu files of %llu bytes, and its record says %llu of %llu",
	    mf_tree_label(p->tree), p->prefix, (unsigned long long)f->files,
	    (unsigned long long)f->bytes, (unsigned long long)all.files,
	    (unsigned long long)all.bytes);
	return mf_error_hint(e, "remove it and its record, and run it again");
}

static int
check_entries(const struct mf_plain_params *p, struct mf_error *e)
{
	const struct mf_listing *l = mf_files_listing(p->files);
	char path[PLAIN_PATH_BYTES];
	size_t i;

	for (i = 0; i < l->n_entries; i++) {
		if (plain_path(path, p, &l->entries[i], e) != 0)
			return -1;
		if (l->entries[i].type != MF_ENTRY_DIR && plain_content(l, &l->entries[i]) == NULL)
			return mf_error_set(e, MF_EUNSUPPORTED,
			    "%s is a symbolic link, which a mirror cannot hold",
			    l->entries[i].path);
	}
	return 0;
}

/* A record is there: is it this version's? */
static int
compare_record(const struct mf_plain_params *p, const struct plain_record *r, const struct found *f,
    enum mf_plain *out, struct mf_error *e)
{
	struct plain_record own;

	if (p->files == NULL)
		return in_the_way(p, "a version of that name already", e);
	plain_record_of(&own, p, r->complete);
	if (strcmp(own.model, r->model) != 0 || strcmp(own.manifest, r->manifest) != 0 ||
	    strcmp(own.prefix, r->prefix) != 0)
		return in_the_way(p, "another version, as its record says", e);
	*out = r->complete ? MF_PLAIN_WHOLE : MF_PLAIN_PARTLY;
	return r->complete ? check_whole(p, f, e) : 0;
}

static int
look(const struct mf_plain_params *p, const char *path, enum mf_plain *out, struct mf_error *e)
{
	struct plain_record r;
	struct found f;
	int rc;

	*out = MF_PLAIN_NOT;
	if (p->files != NULL && check_entries(p, e) != 0)
		return -1;
	if ((rc = plain_record_get(p->tree, path, &r, e)) < 0 || list(p, &f, e) != 0)
		return -1;
	if (rc == 0)
		return compare_record(p, &r, &f, out, e);
	return f.files == 0 ? 0 : in_the_way(p, "files, and no record says whose", e);
}

/* The version's name is the first part of the prefix. */
static int
path_of(const struct mf_plain_params *p, char out[PLAIN_PATH_BYTES], struct mf_error *e)
{
	char version[MF_PLAIN_VERSION_BYTES];
	size_t n = strcspn(p->prefix, "/");

	if (n >= sizeof version || !mf_tree_path_is_valid(p->prefix))
		return mf_error_set(e, MF_EUSAGE, "\"%.100s\" is no prefix of a mirror", p->prefix);
	memcpy(version, p->prefix, n);
	version[n] = '\0';
	return plain_record_path(out, version, e);
}

int
mf_plain_look(const struct mf_plain_params *p, enum mf_plain *out, struct mf_error *e)
{
	char path[PLAIN_PATH_BYTES];

	return path_of(p, path, e) != 0 ? -1 : look(p, path, out, e);
}

int
mf_plain_write(const struct mf_plain_params *p, struct mf_plain_result *out, struct mf_error *e)
{
	char path[PLAIN_PATH_BYTES];
	enum mf_plain there;
	struct plain_record r;

	*out = (struct mf_plain_result){0};
	if (path_of(p, path, e) != 0 || look(p, path, &there, e) != 0)
		return -1;
	if (there == MF_PLAIN_WHOLE)
		return 0;
	plain_record_of(&r, p, false);
	if (there == MF_PLAIN_NOT && plain_record_put(p->tree, path, &r, p->now_us, e) != 0)
		return -1;
	if (plain_files(p, there == MF_PLAIN_PARTLY, out, e) != 0)
		return mf_error_while(
		    e, "writing the mirror %s/%s", mf_tree_label(p->tree), p->prefix);
	r.complete = true;
	return plain_record_put(p->tree, path, &r, p->now_us, e);
}

int
mf_plain_pointed(struct mf_tree *tree, char out[MF_PLAIN_VERSION_BYTES], struct mf_error *e)
{
	struct plain_record r;
	int rc = plain_record_get(tree, PLAIN_POINTER, &r, e);

	memcpy(out, r.version, MF_PLAIN_VERSION_BYTES);
	return rc;
}

int
mf_plain_point(struct mf_tree *tree, const char *version, int64_t now_us, struct mf_error *e)
{
	char path[PLAIN_PATH_BYTES];
	struct plain_record r;
	int rc;

	if (plain_record_path(path, version, e) != 0)
		return -1;
	if ((rc = plain_record_get(tree, path, &r, e)) < 0)
		return -1;
	if (rc == 1 || !r.complete || strcmp(r.version, version) != 0)
		return mf_error_set(e, MF_ENOTFOUND, "%s has no complete mirror of %s",
		    mf_tree_label(tree), version);
	return plain_record_put(tree, PLAIN_POINTER, &r, now_us, e);
}
