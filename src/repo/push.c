/* Push, from a directory to a published version. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/log.h"
#include "src/repo/condemned_int.h"
#include "src/repo/publish_int.h"
#include "src/repo/push.h"
#include "src/repo/push_cache_int.h"
#include "src/repo/read_int.h"
#include "src/repo/ref_int.h"

#define MAX_ATTEMPTS 8
#define PLAIN_LIST_BYTES ((size_t)2 << 20) /* a table of files beyond this goes to a file */
#define NO_SPILL_MIN_BYTES ((size_t)16 << 20)

/* What one push holds. */
struct push {
	struct mf_repo *repo;
	const struct mf_push_params *p;
	struct mf_push_result *out;
	struct mf_source_tree tree;
	struct mf_version parent; /* newest version of the model, or the one that is_there */
	bool has_parent, is_there;
	struct mf_listing parent_listing, listing;
	struct mf_region_params spill; /* where the lists of files lie */
	struct mf_idmap trusted; /* the parent's chunks */
	struct mf_shard_range range; /* of a shard */
	int64_t scanned_us;
	uint64_t left_out;
	char version[160];
};

static int
name_version(struct push *s, struct mf_error *e)
{
	time_t now = (time_t)(s->p->now_us() / 1000000);
	char letters[5] = "";
	struct tm tm;
	int i;

	if (s->p->version != NULL) {
		snprintf(s->version, sizeof(s->version), "%s", s->p->version);
		return mf_repo_check_name("version", s->version, e);
	}
	for (i = 0; i < 4; i++)
		letters[i] = (char)('a' + randombytes_uniform(26));
	if (gmtime_r(&now, &tm) == NULL)
		return mf_error_set(e, MF_EFAIL, "this machine's clock is out of range");
	snprintf(s->version, sizeof(s->version), "%04d%02d%02dT%02d%02d%02dZ-%s", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, letters);
	return 0;
}

static size_t
memory_of(const struct push *s)
{
	return s->p->memory_bytes ? s->p->memory_bytes : s->repo->memory_bytes;
}

/* What the lists of files take of the memory: the new one as much as the tree at the end. */
static size_t
lists_bytes(const struct push *s)
{
	const struct mf_source_tree *t = &s->tree;

	return 2 * (mf_region_memory_bytes(t->items_region) +
		       mf_region_memory_bytes(t->strings_region)) +
	    mf_listing_memory_bytes(&s->parent_listing);
}

/* Tables of files are walked in order, again and again, and little of them is looked at
 * together: they lie in files, so that the memory that they take does not grow with them. */
static struct mf_region_params
spill_params(const struct push *s)
{
	struct mf_region_params p = {.dir = s->p->spill_dir,
	    .plain_bytes = PLAIN_LIST_BYTES,
	    .what = "the list of files"};

	if (p.dir == NULL)
		p.plain_bytes = memory_of(s) / 8 > NO_SPILL_MIN_BYTES ? memory_of(s) / 8
								      : NO_SPILL_MIN_BYTES;
	if (s->p->plain_list_bytes > 0)
		p.plain_bytes = s->p->plain_list_bytes;
	return p;
}

static int
load_parent(struct push *s, struct mf_error *e)
{
	struct mf_listing *l = &s->parent_listing;

	if (mf_listing_init(l, &s->spill, e) != 0)
		return -1;
	if (mf_push_cache_load(s->repo, s->p, &s->parent, l) == 0)
		return 0;
	mf_listing_fini(l); /* what there was of it */
	return mf_listing_init(l, &s->spill, e) == 0
	    ? mf_version_read_into(s->repo, &s->parent, l, e)
	    : -1;
}

/* The one to compare with: of the name that is to be pushed, if it is there, made perhaps by a run
 * that was killed before it could say so; else the newest. */
static size_t
choose_parent(struct push *s, const struct mf_versions *vs)
{
	size_t i;

	for (i = vs->n; s->p->version != NULL && s->p->shard.of == 0 && i-- > 0;) {
		if (strcmp(vs->items[i].root.version, s->version) != 0)
			continue;
		s->is_there = true;
		return i;
	}
	return vs->n - 1;
}

/* The parent's files: no cache is needed for a fast second push. A damaged one is no reason not to
 * push: then everything is read. */
static int
read_parent(struct push *s, struct mf_error *e)
{
	struct mf_versions vs;
	uint64_t value = 1;
	size_t i;

	if (mf_versions_list(s->repo, s->p->model, NULL, NULL, &vs, e) != 0)
		return -1;
	if (vs.n > 0) {
		i = choose_parent(s, &vs);
		s->parent = vs.items[i];
		vs.items[i] = (struct mf_version){0};
		s->has_parent = true;
	}
	mf_versions_fini(&vs);
	if (!s->has_parent)
		return 0;
	if (load_parent(s, e) != 0) {
		if (e->code != MF_EDAMAGED)
			return -1;
		mf_log(MF_LOG_WARNING, "%s@%s is damaged (%s); every file is read again",
		    s->p->model, s->parent.root.version, e->message);
		mf_error_clear(e);
		s->parent_listing = (struct mf_listing){0};
	}
	for (i = 0; i < s->parent_listing.n_chunks; i++)
		if (mf_idmap_add(&s->trusted, &s->parent_listing.chunks[i].id, &value) < 0)
			return mf_error_nomem(e, "the chunk index");
	return 0;
}

static int
scan(struct push *s, struct mf_error *e)
{
	struct mf_walk_params w = {.dir = s->p->dir, .selects = s->p->selects,
	    .selects_arg = s->p->selects_arg, .one_file_system = s->p->one_file_system,
	    .allow_partial = s->p->allow_partial, .interrupted = s->p->interrupted,
	    .spill = &s->spill};

	mf_source_tree_fini(&s->tree);
	s->scanned_us = s->p->now_us();
	if (mf_walk(&w, &s->tree, e) != 0)
		return -1;
	s->range = mf_shard_range_of(s->tree.bytes, s->p->shard.of ? s->p->shard.number : 1,
	    s->p->shard.of ? s->p->shard.of : 1);
	if (s->p->progress != NULL) {
		atomic_store(&s->p->progress->bytes_total,
		    (s->range.to < s->tree.bytes ? s->range.to : s->tree.bytes) - s->range.from);
		atomic_store(&s->p->progress->files_total, s->tree.n_files);
		atomic_store(&s->p->progress->bytes_done, 0);
		atomic_store(&s->p->progress->files_done, 0);
	}
	s->left_out = s->tree.left_out;
	return 0;
}

/* Step 0: upload what is not there. */
static int
upload(struct push *s, const struct mf_index *index, struct mf_error *e)
{
	const struct mf_push_params *p = s->p;
	struct mf_ingest_params ip = {.repo = s->repo, .index = index, .trusted = &s->trusted,
	    .listing = &s->listing, .no_check = p->no_check, .dry_run = p->dry_run,
	    .threads = p->threads ? p->threads : s->repo->threads,
	    .memory_bytes = memory_of(s),
	    .interrupted = p->interrupted, .deadline_us = p->deadline_us,
	    .monotonic_us = p->monotonic_us, .progress = p->progress};
	struct mf_ingest_totals totals;
	struct mf_read_params rp = {.repo = s->repo,
	    .dir = p->dir,
	    .tree = &s->tree,
	    .listing = &s->listing,
	    .parent = s->has_parent && p->shard.of == 0 ? &s->parent_listing : NULL,
	    .shard = p->shard.of > 0 ? &s->range : NULL,
	    .parent_scanned_us = s->parent.root.scanned_us,
	    .index = index,
	    .ignore_inode = p->ignore_inode,
	    .ignore_ctime = p->ignore_ctime,
	    .allow_partial = p->allow_partial,
	    .memory_bytes = ip.memory_bytes,
	    .progress = p->progress};
	size_t lists = lists_bytes(s);
	uint64_t left_out = 0;
	int rc;

	ip.memory_bytes -= lists < ip.memory_bytes ? lists : ip.memory_bytes;
	if (mf_ingest_start(&ip, &rp.ingest, e) != 0)
		return -1;
	rc = mf_read_tree(&rp, &left_out, e);
	if (mf_ingest_finish(rp.ingest, rc != 0, &totals, e) != 0)
		rc = -1;
	s->left_out += left_out;
	s->out->new_chunks += totals.new_chunks;
	s->out->new_bytes += totals.new_bytes;
	s->out->stored_bytes += totals.stored_bytes;
	return rc;
}

static void
cool(const struct push *s)
{
	mf_listing_cool(&s->listing);
	mf_listing_cool(&s->parent_listing);
}

static bool
same_string(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The same paths, types, modes, contents? Times alone make no new version. */
static bool
equals_parent(const struct push *s)
{
	const struct mf_entry *a, *b;
	size_t i;

	if (!s->has_parent || s->parent_listing.n_entries != s->listing.n_entries ||
	    (s->parent.root.flags & MF_ROOT_PARTIAL) != (s->left_out ? MF_ROOT_PARTIAL : 0))
		return false;
	for (i = 0; i < s->listing.n_entries; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			cool(s);
		a = &s->listing.entries[i];
		b = &s->parent_listing.entries[i];
		if (a->type != b->type || a->mode != b->mode || a->size != b->size ||
		    strcmp(a->path, b->path) != 0 || !same_string(a->target, b->target) ||
		    memcmp(a->checksum, b->checksum, sizeof(a->checksum)) != 0)
			return false;
	}
	return true;
}

static void
describe(struct push *s, struct mf_root *root)
{
	const struct mf_push_params *p = s->p;
	size_t i;

	*root = (struct mf_root){0};
	memcpy(root->repo_id, mf_keyring_repo_id(s->repo->keyring), sizeof(root->repo_id));
	/* borrowed: the root is encoded, never freed */
	root->model = (char *)(uintptr_t)p->model;
	root->version = s->version;
	root->parent = s->has_parent ? s->parent.root.version : NULL;
	root->created_us = p->now_us();
	root->scanned_us = s->scanned_us;
	root->tool = (char *)(uintptr_t) "modelferry 1";
	root->flags = s->left_out ? MF_ROOT_PARTIAL : 0;
	root->n_entries = s->listing.n_entries;
	root->tags = (struct mf_tag *)(uintptr_t)p->tags;
	root->n_tags = p->n_tags;
	root->metrics = (struct mf_metric *)(uintptr_t)p->metrics;
	root->n_metrics = p->n_metrics;
	root->n_chunks = s->listing.n_chunks;
	for (i = 0; i < s->listing.n_entries; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			cool(s);
		if (s->listing.entries[i].type == MF_ENTRY_FILE) {
			root->n_files++;
			root->bytes += s->listing.entries[i].size;
		}
	}
}

static void
report(struct push *s, const struct mf_root *root)
{
	s->out->files = root->n_files;
	s->out->entries = root->n_entries;
	s->out->bytes = root->bytes;
	s->out->chunks = root->n_chunks;
	s->out->left_out = s->left_out;
	snprintf(s->out->version, sizeof(s->out->version), "%s",
	    s->out->unchanged ? s->parent.root.version : s->version);
}

static int
move_ref(struct push *s, const struct mf_version *v, struct mf_error *e)
{
	struct mf_ref_move move = {.name = s->p->ref, .to = v, .by = s->p->by,
	    .signer = s->p->signer, .now_us = s->p->now_us()};
	struct mf_ref now;

	if (s->p->ref == NULL)
		return 0;
	if (s->out->unchanged && mf_ref_get(s->repo, s->p->model, s->p->ref, &now, e) == 0) {
		bool there = strcmp(now.version, v->root.version) == 0;

		s->out->ref_sequence = now.sequence;
		mf_ref_fini(&now);
		if (there)
			return 0;
	}
	return mf_ref_set(s->repo, &move, &s->out->ref_sequence, e);
}

static uint8_t
listing_rules(const struct push *s)
{
	return (s->p->ignore_inode ? MF_LISTING_NO_INODE : 0) |
	       (s->p->ignore_ctime ? MF_LISTING_NO_CTIME : 0);
}

/* Of all files, not of the shard's alone. */
static void
digest_tree(struct push *s)
{
	struct mf_listing_digest d;
	size_t i;

	mf_listing_digest_init(&d, listing_rules(s));
	for (i = 0; i < s->tree.n; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			mf_source_tree_cool(&s->tree);
		mf_listing_digest_add(&d, &s->tree.items[i].entry);
	}
	mf_listing_digest_end(&d, s->out->listing);
}

/* The root of a partial manifest: no parent, and counts of what is the shard's own. */
static void
describe_part(struct push *s, struct mf_root *root)
{
	const struct mf_slice *slice;
	const struct mf_entry *x;
	size_t i, k;

	describe(s, root);
	root->parent = NULL;
	root->flags = MF_ROOT_SHARD;
	root->shard.number = s->p->shard.number;
	root->shard.of = s->p->shard.of;
	root->shard.rules = listing_rules(s);
	memcpy(root->shard.listing, s->out->listing, sizeof(root->shard.listing));
	root->n_files = root->bytes = root->n_chunks = 0;
	for (i = 0; i < s->listing.n_entries; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			cool(s);
		x = &s->listing.entries[i];
		root->n_files += x->type == MF_ENTRY_FILE && !x->lacks_checksum;
		for (k = 0; k < x->n_slices; k++) {
			slice = &s->listing.slices[x->first_slice + k];
			if (slice->chunk == MF_SLICE_ELSEWHERE)
				continue;
			root->bytes += slice->len;
			root->n_chunks += slice->offset == 0; /* each begins somewhere */
		}
	}
}

/* Where the version is there: of these files, so that there is nothing to do, or of others? */
static int
find_committed(struct push *s, struct mf_error *e)
{
	uint8_t listing[MF_LISTING_DIGEST_BYTES];
	struct mf_listing l;
	struct mf_version v;
	int rc = mf_version_find(s->repo, s->p->model, s->version, &v, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (mf_listing_init(&l, &s->spill, e) != 0 ||
	    mf_version_read_into(s->repo, &v, &l, e) != 0) {
		mf_version_fini(&v);
		return -1;
	}
	mf_listing_digest_of(&l, listing_rules(s), listing);
	mf_listing_fini(&l);
	mf_version_fini(&v);
	s->out->unchanged = memcmp(listing, s->out->listing, sizeof(listing)) == 0;
	if (s->out->unchanged)
		return 0;
	mf_error_set(
	    e, MF_ECONFLICT, "%s@%s exists already, of other files", s->p->model, s->version);
	return mf_error_hint(e,
	    "versions never change: push the shards under another name, or forget "
	    "that one");
}

/* The end of an attempt of a shard. */
static int
publish_part(struct push *s, struct mf_index **index, struct mf_error *e)
{
	struct mf_publish_params pp = {
	    .listing = &s->listing, .signer = s->p->signer, .index = index};
	struct mf_root root;
	int rc;

	describe_part(s, &root);
	report(s, &root);
	if (s->p->dry_run)
		return 0;
	pp.root = &root;
	rc = mf_publish_part(s->repo, &pp, &s->out->stored_bytes, e);
	free(root.segments);
	return rc;
}

static int
refuse_name(const struct push *s, struct mf_error *e)
{
	mf_error_set(
	    e, MF_ECONFLICT, "%s@%s exists already, of other files", s->p->model, s->version);
	return mf_error_hint(
	    e, "versions never change: push under another name, or forget that one");
}

static int
publish(struct push *s, struct mf_index **index, struct mf_error *e)
{
	struct mf_publish_params pp = {
	    .listing = &s->listing, .signer = s->p->signer, .index = index};
	struct mf_version v = {0};
	struct mf_root root;
	int rc;

	s->out->unchanged = (!s->p->force || s->is_there) && equals_parent(s);
	if (s->is_there && !s->out->unchanged)
		return refuse_name(s, e);
	describe(s, &root);
	report(s, &root);
	if (s->p->dry_run)
		return 0;
	if (s->out->unchanged)
		return move_ref(s, &s->parent, e);
	pp.root = &root;
	rc = mf_publish(s->repo, &pp, &v, &s->out->stored_bytes, e);
	free(root.segments);
	if (rc == 0) {
		mf_push_cache_store(s->repo, s->p, v.digest, &s->listing, memory_of(s) / 8);
		rc = move_ref(s, &v, e);
	}
	mf_version_fini(&v);
	return rc;
}

/* One attempt. 0: done. 1: a prune was faster with something that is needed; again. */
static int
attempt(struct push *s, struct mf_error *e)
{
	struct mf_names burned;
	struct mf_index *index = NULL;
	int rc;

	mf_listing_fini(&s->listing);
	if (scan(s, e) != 0 || mf_listing_init(&s->listing, &s->spill, e) != 0)
		return -1;
	if (s->p->shard.of > 0) {
		s->listing.is_partial = true;
		digest_tree(s);
		if (find_committed(s, e) != 0)
			return -1;
		if (s->out->unchanged) {
			snprintf(s->out->version, sizeof(s->out->version), "%s", s->version);
			return 0;
		}
	}
	if (mf_condemned_read(s->repo, &burned, NULL, e) != 0)
		return -1;
	rc = mf_index_load(s->repo, &burned, &index, e);
	mf_names_fini(&burned);
	if (rc == 0)
		rc = upload(s, index, e);
	if (rc == 0)
		rc = s->p->shard.of > 0 ? publish_part(s, &index, e) : publish(s, &index, e);
	mf_index_free(index);
	return rc;
}

static void
push_fini(struct push *s)
{
	mf_source_tree_fini(&s->tree);
	mf_version_fini(&s->parent);
	mf_listing_fini(&s->parent_listing);
	mf_listing_fini(&s->listing);
	mf_idmap_fini(&s->trusted);
}

static int
check_shard(const struct mf_push_params *p, struct mf_error *e)
{
	if (p->shard.of == 0)
		return 0;
	if (p->shard.number < 1 || p->shard.number > p->shard.of || p->shard.of > MF_SHARDS_MAX)
		return mf_error_set(e, MF_EUSAGE,
		    "there is no shard %u of %u: shards are counted from "
		    "1, and a version has at most %d",
		    p->shard.number, p->shard.of, MF_SHARDS_MAX);
	if (p->version == NULL)
		return mf_error_set(e, MF_EUSAGE,
		    "a shard needs the name of the version, the same "
		    "for all shards");
	if (p->ref != NULL || p->n_tags > 0 || p->n_metrics > 0 || p->allow_partial || p->force)
		return mf_error_set(e, MF_EUSAGE,
		    "ref, tags and metrics are the commit's, and a shard "
		    "can neither leave out files nor be forced");
	return 0;
}

int
mf_push(struct mf_repo *repo, const struct mf_push_params *p, struct mf_push_result *out,
    struct mf_error *e)
{
	struct push s = {.repo = repo, .p = p, .out = out, .tree = {.dirfd = -1}};
	int rc = 1, n;

	*out = (struct mf_push_result){0};
	s.spill = spill_params(&s);
	if (check_shard(p, e) != 0 || mf_repo_check_name("model", p->model, e) != 0 ||
	    name_version(&s, e) != 0 || mf_root_check_tags(p->tags, p->n_tags, e) != 0 ||
	    mf_root_check_metrics(p->metrics, p->n_metrics, e) != 0)
		return -1;
	if (read_parent(&s, e) != 0)
		rc = -1;
	for (n = 0; rc == 1 && n < MAX_ATTEMPTS; n++) {
		if (n > 0)
			mf_log(MF_LOG_INFO, "a prune condemned something this version needs; again");
		rc = attempt(&s, e);
	}
	push_fini(&s);
	if (rc == 1)
		rc = mf_error_set(e, MF_ECONFLICT,
		    "prunes kept deleting what %s@%s needs, %d times over", p->model, s.version, n);
	return rc == 0 ? 0 : mf_error_while(e, "pushing %s to %s@%s", p->dir, p->model, s.version);
}
