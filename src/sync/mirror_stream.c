/* One file from one tree to another. */
#include "src/sync/mirror_int.h"

/* A source that counts what is read, and knows whether it was what failed. */
struct counted {
	const struct mf_tree_source *inner;
	struct mf_progress *progress;
	_Atomic uint64_t left; /* bytes that do not count as done yet */
	atomic_bool failed;
};

/* Of a part that is read twice, or of parts read at once, no more than the file has. */
static void
count(struct counted *c, uint64_t n)
{
	uint64_t left = atomic_load(&c->left), take;

	do
		take = left < n ? left : n;
	while (!atomic_compare_exchange_weak(&c->left, &left, left - take));
	MF_PROGRESS_ADD(c->progress, bytes_done, take);
}

static int
read_counted(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	struct counted *c = arg;

	if (c->inner->read_at(c->inner->arg, offset, buf, n, e) != 0) {
		atomic_store(&c->failed, true);
		return -1;
	}
	count(c, n);
	return 0;
}

struct counting {
	struct counted *c;
	mf_tree_sink *sink;
	const struct mf_tree_pieces *to; /* in place of a sink */
	void *arg;
	atomic_bool sink_failed;
};

static int
count_and_pass(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct counting *k = arg;

	if (k->sink(k->arg, bytes, n, e) != 0) {
		atomic_store(&k->sink_failed, true);
		return -1;
	}
	count(k->c, n);
	return 0;
}

static int
count_and_write(void *arg, uint64_t offset, const void *bytes, size_t n, struct mf_error *e)
{
	struct counting *k = arg;

	if (k->to->write(k->to->arg, offset, bytes, n, e) != 0) {
		atomic_store(&k->sink_failed, true);
		return -1;
	}
	count(k->c, n);
	return 0;
}

static void
will_read_written(void *arg)
{
	const struct counting *k = arg;

	k->to->will_read(k->to->arg);
}

static int
read_written(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	struct counting *k = arg;

	if (k->to->read(k->to->arg, offset, buf, n, e) == 0)
		return 0;
	atomic_store(&k->sink_failed, true);
	return -1;
}

static int
read_all_counted(void *arg, mf_tree_sink *sink, void *sink_arg, struct mf_error *e)
{
	struct counted *c = arg;
	struct counting k = {.c = c, .sink = sink, .arg = sink_arg};

	if (c->inner->read_all(c->inner->arg, count_and_pass, &k, e) == 0)
		return 0;
	if (!atomic_load(&k.sink_failed))
		atomic_store(&c->failed, true);
	return -1;
}

static int
read_spread_counted(void *arg, const struct mf_tree_pieces *to, struct mf_error *e)
{
	struct counted *c = arg;
	struct counting k = {.c = c, .to = to};
	const struct mf_tree_pieces counting = {
	    count_and_write, will_read_written, read_written, &k};
	const int rc = c->inner->read_spread(c->inner->arg, &counting, e);

	if (rc < 0 && !atomic_load(&k.sink_failed))
		atomic_store(&c->failed, true);
	return rc;
}

static int
still_counted(void *arg, struct mf_error *e)
{
	struct counted *c = arg;

	if (c->inner->still == NULL || c->inner->still(c->inner->arg, e) == 0)
		return 0;
	atomic_store(&c->failed, true);
	return -1;
}

/* Through this process. */
static int
stream(struct mirror_run *r, struct mf_tree *from, const struct mf_tree_entry *entry,
    struct mf_tree *to, const char *path, struct mf_tree_entry *stored, bool *of_src,
    struct mf_error *e)
{
	struct mf_tree_source inner = {0}, outer;
	struct counted c = {.inner = &inner, .progress = r != NULL ? r->p->progress : NULL};
	int rc;

	*of_src = true;
	if (mf_tree_source_open(from, entry, &inner, e) != 0)
		return -1;
	atomic_init(&c.left, inner.size);
	outer = inner;
	outer.read_at = read_counted;
	if (inner.read_all != NULL)
		outer.read_all = read_all_counted;
	if (inner.read_spread != NULL)
		outer.read_spread = read_spread_counted;
	outer.still = still_counted;
	outer.arg = &c;
	rc = mf_tree_put(to, path, &outer, stored, e);
	*of_src = atomic_load(&c.failed);
	if (rc == 0)
		count(&c, inner.size);
	mf_tree_source_close(from, &inner);
	return rc;
}

/* Was it opening the file that failed, for want of a permission or of the file? A copy within a
 * place does not say. */
static bool
cannot_open(struct mf_tree *from, const struct mf_tree_entry *entry, enum mf_code why)
{
	struct mf_tree_source source = {0};
	struct mf_error unsaid = {0};
	bool no;

	if ((why != MF_EPERM && why != MF_ENOTFOUND) ||
	    (mf_tree_capabilities(from) & MF_TREE_LOCAL) == 0)
		return false;
	no = mf_tree_source_open(from, entry, &source, &unsaid) != 0;
	mf_tree_source_close(from, &source);
	return no;
}

int
mirror_transfer(struct mirror_run *r, struct mf_tree *from, const struct mf_tree_entry *entry,
    struct mf_tree *to, const char *path, struct mf_tree_entry *stored, bool *of_src,
    struct mf_error *e)
{
	int rc;

	*of_src = false;
	rc = mf_tree_copy(to, path, from, entry, e);
	if (rc < 0)
		*of_src = cannot_open(from, entry, e->code);
	if (rc == 0 && r != NULL)
		MF_PROGRESS_ADD(r->p->progress, bytes_done, entry->size);
	if (rc <= 0)
		return rc;
	return stream(r, from, entry, to, path, stored, of_src, e);
}
