#include "tests/unit/sync/fake_tree.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "src/base/hex.h"

#define FILES_MAX 4096

struct file {
	char *path, *content; /* content NULL: no file */
	enum mf_tree_kind kind;
	int64_t mtime_ns;
	bool in_parts;
	uint64_t part_bytes;
};

struct mf_tree {
	pthread_mutex_t lock;
	const char *label;
	unsigned capabilities;
	struct file files[FILES_MAX]; /* sorted */
	size_t n;
	enum fake_fault fault;
	const char *fault_path;
	enum mf_code fault_code;
	bool copies;
	const struct mf_tree_memory *memory;
	struct fake_counts counts;
};

struct mf_tree_cursor {
	struct mf_tree *t;
	char *last; /* path */
	bool last_is_dir;
};

static void
must(bool yes)
{
	if (!yes)
		abort();
}

static char *
copy_text(const char *s)
{
	char *copy = strdup(s);

	must(copy != NULL);
	return copy;
}

struct mf_tree *
fake_tree(const char *label, unsigned capabilities)
{
	struct mf_tree *t = calloc(1, sizeof *t);

	must(t != NULL && pthread_mutex_init(&t->lock, NULL) == 0);
	t->label = label;
	t->capabilities = capabilities;
	return t;
}

/* Does the file sort before path? A directory does with a '/' behind it. */
static bool
sorts_before(const struct file *f, const char *path, bool is_dir)
{
	const unsigned char *a = (const unsigned char *)f->path, *b = (const unsigned char *)path;

	while (*a != '\0' && *a == *b)
		a++, b++;
	if (*a == '\0' && *b == '\0')
		return f->kind != MF_TREE_DIR && is_dir;
	if (*a == '\0') /* "a/", too, is before what lies in it */
		return f->kind != MF_TREE_DIR || *b >= '/';
	return *b == '\0' ? is_dir && *a < '/' : *a < *b;
}

/* The first file that does not sort before path. With the lock. */
static size_t
find(const struct mf_tree *t, const char *path, bool is_dir)
{
	size_t i = 0;

	while (i < t->n && sorts_before(&t->files[i], path, is_dir))
		i++;
	return i;
}

static struct file *
get(struct mf_tree *t, const char *path)
{
	size_t i = 0;

	while (i < t->n && strcmp(t->files[i].path, path) != 0)
		i++;
	return i < t->n ? &t->files[i] : NULL;
}

static void
unset(struct mf_tree *t, const char *path)
{
	struct file *f = get(t, path);

	if (f == NULL)
		return;
	free(f->path);
	free(f->content);
	memmove(f, f + 1, (size_t)(t->files + t->n - f - 1) * sizeof *f);
	t->n--;
}

static void
set(struct mf_tree *t, const char *path, struct file file)
{
	size_t i;

	unset(t, path);
	must(t->n < FILES_MAX);
	i = find(t, path, file.kind == MF_TREE_DIR);
	memmove(&t->files[i + 1], &t->files[i], (t->n - i) * sizeof t->files[0]);
	file.path = copy_text(path);
	t->files[i] = file;
	t->n++;
}

void
fake_free(struct mf_tree *t)
{
	while (t->n > 0)
		unset(t, t->files[0].path);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
fake_set(struct mf_tree *t, const char *path, const char *content, int64_t mtime_ns)
{
	set(t, path,
	    (struct file){.content = content != NULL ? copy_text(content) : NULL,
		.kind = content != NULL ? MF_TREE_FILE : MF_TREE_DIR,
		.mtime_ns = mtime_ns});
}

void
fake_set_parts(struct mf_tree *t, const char *path, uint64_t part_bytes)
{
	struct file *f;

	pthread_mutex_lock(&t->lock);
	f = get(t, path);
	must(f != NULL);
	f->in_parts = true;
	f->part_bytes = part_bytes;
	pthread_mutex_unlock(&t->lock);
}

void
fake_set_kind(struct mf_tree *t, const char *path, enum mf_tree_kind kind)
{
	set(t, path, (struct file){.kind = kind});
}

void
fake_unset(struct mf_tree *t, const char *path)
{
	unset(t, path);
}

const char *
fake_content(struct mf_tree *t, const char *path)
{
	const struct file *f = get(t, path);

	return f != NULL ? f->content : NULL;
}

int64_t
fake_mtime(struct mf_tree *t, const char *path)
{
	const struct file *f = get(t, path);

	return f != NULL ? f->mtime_ns : -1;
}

size_t
fake_count(struct mf_tree *t)
{
	return t->n;
}

void
fake_fail(struct mf_tree *t, enum fake_fault fault, const char *path, enum mf_code code)
{
	t->fault = fault;
	t->fault_path = path;
	t->fault_code = code;
}

struct fake_counts
fake_counts(struct mf_tree *t)
{
	return t->counts;
}

void
fake_reset_counts(struct mf_tree *t)
{
	t->counts = (struct fake_counts){0};
}

void
fake_allow_copies(struct mf_tree *t)
{
	t->copies = true;
}

static bool
is_bucket(const struct mf_tree *t)
{
	return (t->capabilities & MF_TREE_LOCAL) == 0;
}

static bool
faulty(const struct mf_tree *t, enum fake_fault fault, const char *path)
{
	return t->fault == fault && strcmp(t->fault_path, path) == 0;
}

static void
md5_of(const char *content, uint64_t part_bytes, uint8_t out[MF_TREE_MD5_BYTES])
{
	struct mf_md5_parts *m = mf_md5_parts_new(part_bytes, NULL);

	must(m != NULL);
	mf_md5_parts_update(m, content, strlen(content));
	must(mf_md5_parts_final(m, out, NULL) == 0);
	mf_md5_parts_free(m);
}

static void
describe(const struct mf_tree *t, const struct file *f, bool listed, struct mf_tree_entry *out)
{
	*out = (struct mf_tree_entry){.path = f->path, .kind = f->kind};
	if (f->kind != MF_TREE_FILE)
		return;
	out->size = strlen(f->content);
	out->stored_us = f->mtime_ns / 1000;
	out->has_mtime = !listed || (t->capabilities & MF_TREE_MTIME_LISTED) != 0;
	out->mtime_ns = out->has_mtime ? f->mtime_ns : 0;
	if ((t->capabilities & MF_TREE_LOCAL) != 0)
		return;
	md5_of(f->content, 0, out->md5);
	mf_hex_encode(out->tag, out->md5, MF_TREE_MD5_BYTES);
	out->has_md5 = !f->in_parts && (t->capabilities & MF_TREE_MD5_LISTED) != 0;
	if (listed || f->part_bytes == 0)
		return;
	out->part_bytes = f->part_bytes;
	md5_of(f->content, f->part_bytes, out->parts_md5);
}

int
mf_tree_list(struct mf_tree *t, const char *dir, struct mf_tree_cursor **out, struct mf_error *e)
{
	struct mf_tree_cursor *c = calloc(1, sizeof *c);

	(void)e;
	must(c != NULL && dir[0] == '\0');
	c->t = t;
	*out = c;
	return 0;
}

int
mf_tree_next(struct mf_tree_cursor *c, struct mf_tree_entry *entry, struct mf_error *e)
{
	struct mf_tree *t = c->t;
	int rc = 1;
	size_t i;

	pthread_mutex_lock(&t->lock);
	i = c->last != NULL ? find(t, c->last, c->last_is_dir) : 0;
	if (i < t->n && c->last != NULL && strcmp(t->files[i].path, c->last) == 0)
		i++;
	if (i < t->n) {
		free(c->last);
		c->last = copy_text(t->files[i].path);
		c->last_is_dir = t->files[i].kind == MF_TREE_DIR;
		describe(t, &t->files[i], true, entry);
		entry->path = c->last;
		rc = faulty(t, FAKE_LIST, c->last)
			 ? mf_error_set(e, MF_EPERM, "cannot read the directory of %s", c->last)
			 : 0;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
mf_tree_cursor_close(struct mf_tree_cursor *c)
{
	if (c == NULL)
		return;
	free(c->last);
	free(c);
}

int
mf_tree_look(struct mf_tree *t, const char *path, struct mf_tree_entry *out, struct mf_error *e)
{
	const struct file *f;

	(void)e;
	pthread_mutex_lock(&t->lock);
	t->counts.looks++;
	if ((f = get(t, path)) != NULL) {
		describe(t, f, false, out);
		out->path = path;
	}
	pthread_mutex_unlock(&t->lock);
	return f != NULL ? 0 : 1;
}

/* The content of a file as it is under entry; the caller's. NULL with *e. */
static char *
read_file(struct mf_tree *t, const struct mf_tree_entry *entry, struct mf_error *e)
{
	const struct file *f;
	char *content = NULL;

	pthread_mutex_lock(&t->lock);
	t->counts.gets++;
	if (faulty(t, FAKE_READ, entry->path))
		mf_error_set(e, MF_EPERM, "cannot open %s", entry->path);
	else if (faulty(t, FAKE_CHANGES, entry->path)) {
		t->fault = FAKE_NONE;
		mf_error_set(e, t->fault_code, "%s changed while it was read", entry->path);
	} else if ((f = get(t, entry->path)) == NULL || f->content == NULL ||
		   strlen(f->content) != entry->size)
		mf_error_set(e, MF_ESOURCE, "%s changed", entry->path);
	else
		content = copy_text(f->content);
	pthread_mutex_unlock(&t->lock);
	return content;
}

int
mf_tree_get(struct mf_tree *t, const struct mf_tree_entry *entry, mf_tree_sink *sink, void *arg,
    struct mf_error *e)
{
	char *content = read_file(t, entry, e);
	int rc;

	if (content == NULL)
		return -1;
	rc = sink(arg, content, strlen(content), e);
	free(content);
	return rc;
}

struct source {
	struct mf_tree *t;
	char *content;
	bool breaks;
};

static int
check_whole(const struct source *s, uint64_t end, struct mf_error *e)
{
	return s->breaks && end > strlen(s->content) / 2
		   ? mf_error_set(e, s->t->fault_code, "a file broke off in the middle")
		   : 0;
}

static int
read_at(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	const struct source *s = arg;

	if (offset + n > strlen(s->content))
		return mf_error_set(e, MF_ESOURCE, "a file became shorter");
	if (check_whole(s, offset + n, e) != 0)
		return -1;
	memcpy(buf, s->content + offset, n);
	return 0;
}

static int
read_all(void *arg, mf_tree_sink *sink, void *sink_arg, struct mf_error *e)
{
	const struct source *s = arg;
	size_t size = strlen(s->content), at, n;

	for (at = 0; at < size; at += n) {
		n = size - at < FAKE_PART_BYTES ? size - at : FAKE_PART_BYTES;
		if (check_whole(s, at + n, e) != 0 || sink(sink_arg, s->content + at, n, e) != 0)
			return -1;
	}
	return 0;
}

int
mf_tree_source_open(struct mf_tree *t, const struct mf_tree_entry *entry,
    struct mf_tree_source *out, struct mf_error *e)
{
	char *content = read_file(t, entry, e);
	struct source *s = calloc(1, sizeof *s);

	must(s != NULL);
	if (content == NULL) {
		free(s);
		return -1;
	}
	pthread_mutex_lock(&t->lock);
	*s = (struct source){t, content, faulty(t, FAKE_BREAKS, entry->path)};
	pthread_mutex_unlock(&t->lock);
	*out = (struct mf_tree_source){.size = entry->size,
	    .read_at = read_at,
	    .read_all = is_bucket(t) ? read_all : NULL,
	    .arg = s,
	    .mtime_ns = entry->mtime_ns};
	return 0;
}

void
mf_tree_source_close(struct mf_tree *t, struct mf_tree_source *source)
{
	struct source *s = source->arg;

	(void)t;
	if (s != NULL)
		free(s->content);
	free(s);
}

/* A directory where the file should be, or a file where a directory should be? With the lock. */
static bool
in_the_way(struct mf_tree *t, const char *path)
{
	size_t i, n = strlen(path);
	const struct file *f;

	if ((t->capabilities & MF_TREE_EMPTY_DIRS) == 0)
		return false;
	for (i = 0; i < t->n; i++) {
		f = &t->files[i];
		if (strncmp(f->path, path, n) == 0 && f->path[n] == '/')
			return true;
		if (f->kind == MF_TREE_FILE && strncmp(path, f->path, strlen(f->path)) == 0 &&
		    path[strlen(f->path)] == '/')
			return true;
	}
	f = get(t, path);
	return f != NULL && f->kind == MF_TREE_DIR;
}

static int
put_content(struct mf_tree *t, const char *path, char *take, int64_t mtime_ns, struct mf_error *e)
{
	int rc = -1;

	pthread_mutex_lock(&t->lock);
	if (faulty(t, FAKE_PUT, path) || t->fault == FAKE_PUT_ALL)
		mf_error_set(e, t->fault_code, "cannot put %s", path);
	else if (in_the_way(t, path))
		mf_error_set(e, MF_EEXIST, "something is in the way of %s", path);
	else {
		set(t, path,
		    (struct file){.content = take, .kind = MF_TREE_FILE, .mtime_ns = mtime_ns});
		take = NULL;
		rc = 0;
	}
	pthread_mutex_unlock(&t->lock);
	free(take);
	return rc;
}

struct filling {
	char *content;
	size_t n, size;
};

static int
fill(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct filling *f = arg;

	if (n > f->size - f->n)
		return mf_error_set(e, MF_ESOURCE, "more came than the file has");
	memcpy(f->content + f->n, bytes, n);
	f->n += n;
	return 0;
}

/* In order, or in parts, of which the last comes first. */
static int
take_content(struct mf_tree *t, const struct mf_tree_source *source, char *content,
    struct mf_error *e)
{
	struct filling f = {.content = content, .size = source->size};
	uint64_t at;
	size_t n;

	if (!is_bucket(t) && source->read_all != NULL)
		return source->read_all(source->arg, fill, &f, e);
	if (!is_bucket(t) || source->size <= FAKE_PART_BYTES)
		return source->read_at(source->arg, 0, content, source->size, e);
	for (at = source->size; at > 0; at -= n) {
		n = at % FAKE_PART_BYTES != 0 ? at % FAKE_PART_BYTES : FAKE_PART_BYTES;
		if (source->read_at(source->arg, at - n, content + at - n, n, e) != 0)
			return -1;
		pthread_mutex_lock(&t->lock);
		t->counts.parts++;
		pthread_mutex_unlock(&t->lock);
	}
	return 0;
}

int
mf_tree_put(struct mf_tree *t, const char *path, const struct mf_tree_source *source,
    struct mf_tree_entry *stored, struct mf_error *e)
{
	char *content = calloc(1, source->size + 1);

	must(content != NULL);
	pthread_mutex_lock(&t->lock);
	t->counts.puts++;
	pthread_mutex_unlock(&t->lock);
	if (take_content(t, source, content, e) != 0 ||
	    (source->still != NULL && source->still(source->arg, e) != 0)) {
		free(content);
		return -1;
	}
	if (put_content(t, path, content, source->mtime_ns, e) != 0)
		return -1;
	if (stored != NULL) {
		pthread_mutex_lock(&t->lock);
		describe(t, get(t, path), false, stored);
		pthread_mutex_unlock(&t->lock);
	}
	return 0;
}

int
mf_tree_copy(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	char *content;

	if (!t->copies || !from->copies)
		return 1;
	if ((content = read_file(from, entry, e)) == NULL)
		return -1;
	pthread_mutex_lock(&t->lock);
	t->counts.copies++;
	pthread_mutex_unlock(&t->lock);
	return put_content(t, path, content, fake_mtime(from, entry->path), e);
}

int
mf_tree_move(struct mf_tree *t, const char *path, struct mf_tree *from,
    const struct mf_tree_entry *entry, struct mf_error *e)
{
	int rc = mf_tree_copy(t, path, from, entry, e);

	if (rc == 0) {
		t->counts.moves++;
		unset(from, entry->path);
	}
	return rc;
}

int
mf_tree_touch(
    struct mf_tree *t, const struct mf_tree_entry *entry, int64_t mtime_ns, struct mf_error *e)
{
	struct file *f;

	(void)e;
	pthread_mutex_lock(&t->lock);
	t->counts.touches++;
	f = get(t, entry->path);
	must(f != NULL);
	f->mtime_ns = mtime_ns;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

int
mf_tree_del(struct mf_tree *t, const char *const *paths, size_t n,
    void (*failed)(void *arg, const char *path, const struct mf_error *why), void *arg,
    struct mf_error *e)
{
	size_t i;
	int rc = 0;

	t->counts.del_calls++;
	for (i = 0; i < n; i++) {
		if (faulty(t, FAKE_DEL, paths[i])) {
			rc = mf_error_set(e, MF_EPERM, "cannot remove %s", paths[i]);
			if (failed != NULL)
				failed(arg, paths[i], e);
			continue;
		}
		t->counts.dels++;
		unset(t, paths[i]);
	}
	return rc;
}

int
mf_tree_make_dir(struct mf_tree *t, const char *path, struct mf_error *e)
{
	const struct file *f = get(t, path);

	if (f != NULL && f->kind != MF_TREE_DIR)
		return mf_error_set(e, MF_EEXIST, "a file is in the place of %s", path);
	fake_set(t, path, NULL, 0);
	return 0;
}

int
mf_tree_remove_dir(struct mf_tree *t, const char *path, struct mf_error *e)
{
	size_t i, n = strlen(path);

	(void)e;
	for (i = 0; i < t->n; i++)
		if (strncmp(t->files[i].path, path, n) == 0 && t->files[i].path[n] == '/')
			return 0;
	t->counts.removed_dirs++;
	unset(t, path);
	return 0;
}

int
mf_tree_sweep(struct mf_tree *t, uint64_t min_age_us, struct mf_error *e)
{
	(void)e;
	t->counts.sweeps++;
	t->counts.sweep_age_us = min_age_us;
	return 0;
}

void
mf_tree_remember(struct mf_tree *t, const struct mf_tree_memory *memory)
{
	t->memory = memory;
}

const struct mf_tree_memory *
fake_memory(struct mf_tree *t)
{
	return t->memory;
}

int
mf_tree_abandon(struct mf_tree *t, const char *path, const char *id, struct mf_error *e)
{
	if (faulty(t, FAKE_ABANDON, path))
		return mf_error_set(e, MF_ETRANSFER, "cannot abandon %s", path);
	t->counts.abandoned++;
	t->memory->forget(t->memory->arg, path, id);
	return 0;
}

int
mf_tree_sync(struct mf_tree *t, struct mf_error *e)
{
	if (t->fault == FAKE_SLOW)
		(void)mf_error_set(e, MF_ETRANSFER, "slow down");
	return 0;
}

unsigned
mf_tree_capabilities(struct mf_tree *t)
{
	return t->capabilities;
}

const char *
mf_tree_label(struct mf_tree *t)
{
	return t->label;
}
