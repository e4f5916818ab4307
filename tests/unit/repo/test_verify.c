/* Verify: nothing that is wrong passes silently; damage is named; repair makes it good. */
#include "tests/unit/repo/repo_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "src/base/fs.h"
#include "src/repo/index_int.h"
#include "src/repo/ingest_int.h"
#include "src/repo/publish_int.h"
#include "src/repo/stats.h"
#include "src/repo/verify.h"

#define MAX_FINDINGS 64

struct findings {
	size_t n;
	char text[MAX_FINDINGS][1024]; /* "version|path|reason" */
};

static void
take(void *arg, const struct mf_verify_damage *d)
{
	struct findings *f = arg;

	if (f->n < MAX_FINDINGS)
		snprintf(f->text[f->n], sizeof(f->text[0]), "%s|%s|%s", d->version, d->path,
		    d->reason);
	f->n++;
}

/* Does a finding begin with this and hold that? */
static bool
found(const struct findings *f, const char *begin, const char *hold)
{
	size_t i;

	for (i = 0; i < f->n && i < MAX_FINDINGS; i++)
		if (strncmp(f->text[i], begin, strlen(begin)) == 0 && strstr(f->text[i], hold))
			return true;
	return false;
}

static int
verify(struct mf_repo *repo, struct mf_verify_params p, struct findings *f,
    struct mf_verify_result *out, struct mf_error *e)
{
	struct mf_verify_result ignored;

	*f = (struct findings){0};
	mf_error_clear(e);
	p.damage = take;
	p.arg = f;
	return mf_verify(repo, &p, out != NULL ? out : &ignored, e);
}

static bool
is_damage_code(enum mf_code code)
{
	return code == MF_EDAMAGED || code == MF_EKEY || code == MF_EUNSUPPORTED;
}

static void
put(struct fixture *f, const char *name, const void *bytes, size_t n)
{
	struct mf_error e = {0};

	fixture_expect_ok(mf_store_put(f->repo->store, name, bytes, n, 0, &e), &e, name);
}

static void
get(struct fixture *f, const char *name, struct mf_buf *b)
{
	struct mf_error e = {0};

	mf_buf_clear(b);
	fixture_expect_ok(mf_store_get(f->repo->store, name, 0, 1u << 26, b, &e), &e, name);
}

/* Like fixture_open, but it may fail. */
static struct mf_repo *
try_open(struct fixture *f, struct mf_error *e)
{
	uint8_t encryption[MF_KEY_BYTES], hmac[MF_KEY_BYTES];
	const struct mf_unlock *sources[1];
	struct mf_repo_params p = {.unlock = sources, .n_unlock = 1, .threads = 1};
	struct mf_repo *repo = NULL;
	struct mf_unlock *u;

	memset(encryption, 0x11, sizeof(encryption));
	memset(hmac, 0x22, sizeof(hmac));
	sources[0] = u = mf_unlock_from_pair(encryption, hmac, "the test", e);
	assert_non_null(u);
	fixture_expect_ok(mf_memory_open(f->world, NULL, NULL, &p.store, e), e, "open memory");
	mf_error_clear(e);
	if (mf_repo_open(&p, &repo, e) != 0)
		repo = NULL;
	mf_unlock_free(u);
	return repo;
}

/* The world as it stands now must be refused or reported. */
static void
expect_noticed(struct fixture *f, const char *name, const char *what, size_t at)
{
	struct mf_verify_params p = {.read_data = true};
	struct findings *found_here = calloc(1, sizeof(*found_here));
	struct mf_repo *repo;
	struct mf_error e = {0};

	assert_non_null(found_here);
	repo = try_open(f, &e);
	if (repo != NULL && verify(repo, p, found_here, NULL, &e) == 0)
		fail_msg("%s of %s at %zu passed", what, name, at);
	if (repo == NULL && e.code == MF_ENOTFOUND && strncmp(name, "config/", 7) == 0)
		;
	else if (!is_damage_code(e.code))
		fail_msg("%s of %s at %zu: code %d, %s", what, name, at, (int)e.code, e.message);
	else if (repo != NULL && found_here->n == 0)
		fail_msg("%s of %s at %zu: nothing was named", what, name, at);
	mf_repo_close(repo);
	free(found_here);
}

/* One version, a ref to it, a tag: one object of each kind, and two chunks. */
static void
make_tiny(struct fixture *f)
{
	struct mf_tag tag = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "b"};
	struct mf_annotation a = {.tags = &tag, .n_tags = 1};
	struct mf_error e = {0};
	struct mf_version v;

	fixture_write(f, "model.bin", 1, 70);
	fixture_push(f, "v1");
	fixture_set_ref(f, "production", "v1");
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "resolve");
	fixture_expect_ok(mf_version_annotate(f->repo, &v, &a, fixture_now_us(), &e), &e, "tag");
	mf_version_fini(&v);
}

static void
test_every_byte(void **state)
{
	struct fixture *f = *state;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_names names;
	struct mf_error e = {0};
	size_t i, k;

	make_tiny(f);
	fixture_expect_ok(mf_names_list(f->repo, "", &names, &e), &e, "list");
	assert_true(names.n >= 7);
	for (i = 0; i < names.n; i++) {
		get(f, names.items[i], &b);
		for (k = 0; k < b.len; k++) {
			b.data[k] ^= (uint8_t)(1u << (k % 8));
			put(f, names.items[i], b.data, b.len);
			expect_noticed(f, names.items[i], "a flip", k);
			b.data[k] ^= (uint8_t)(1u << (k % 8));
			put(f, names.items[i], b.data, k);
			expect_noticed(f, names.items[i], "a truncation", k);
		}
		put(f, names.items[i], b.data, b.len);
	}
	mf_names_fini(&names);
	mf_buf_fini(&b);
}

static void
test_every_removal(void **state)
{
	struct fixture *f = *state;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_names names;
	struct mf_error e = {0};
	size_t i;

	make_tiny(f);
	fixture_expect_ok(mf_names_list(f->repo, "", &names, &e), &e, "list");
	for (i = 0; i < names.n; i++) {
		/* nothing names a ref's or annotation's newest object: pins notice the former */
		if (names.items[i][0] == 'r' || names.items[i][0] == 'a')
			continue;
		get(f, names.items[i], &b);
		fixture_expect_ok(mf_store_del(f->repo->store, names.items[i], &e), &e, "del");
		expect_noticed(f, names.items[i], "the removal", 0);
		put(f, names.items[i], b.data, b.len);
	}
	mf_names_fini(&names);
	mf_buf_fini(&b);
}

static void
test_every_swap(void **state)
{
	struct fixture *f = *state;
	struct mf_buf a = MF_BUF_INIT, b = MF_BUF_INIT;
	struct mf_names names;
	struct mf_error e = {0};
	size_t i, k;

	make_tiny(f);
	fixture_write(f, "model.bin", 2, 70);
	fixture_push(f, "v2");
	fixture_set_ref(f, "production", "v2");
	fixture_expect_ok(mf_names_list(f->repo, "", &names, &e), &e, "list");
	for (i = 0; i < names.n; i++) {
		if (names.items[i][0] == 'v')
			continue; /* a mark's bytes mean nothing */
		get(f, names.items[i], &a);
		for (k = 0; k < names.n; k++) {
			if (k == i || names.items[k][0] == 'v')
				continue;
			get(f, names.items[k], &b);
			put(f, names.items[i], b.data, b.len);
			expect_noticed(f, names.items[i], "another's content", k);
		}
		put(f, names.items[i], a.data, a.len);
	}
	mf_names_fini(&names);
	mf_buf_fini(&a);
	mf_buf_fini(&b);
}

/* Name of the object of the chunk that begins this file. */
static void
chunk_of(struct fixture *f, const char *version, const char *path, char *name)
{
	char spec[200];
	const struct mf_chunk_ref *c;
	const struct mf_entry *x;
	struct mf_listing l;
	struct mf_version v;
	struct mf_error e = {0};

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, &v, &e), &e, "resolve");
	fixture_expect_ok(mf_version_read(f->repo, &v, &l, &e), &e, "read");
	x = mf_listing_find(&l, path);
	assert_non_null(x);
	c = &l.chunks[l.slices[x->first_slice].chunk];
	mf_name_chunk(name, &c->id, c->generation);
	mf_listing_fini(&l);
	mf_version_fini(&v);
}

/* Two large files and a run of two small ones in v1; v2 changes one large file. */
static void
make_two(struct fixture *f)
{
	fixture_write(f, "large-a", 1, 1500000);
	fixture_write(f, "large-b", 2, 1500000);
	fixture_write(f, "small-a", 3, 1000);
	fixture_write(f, "small-b", 4, 1000);
	fixture_push(f, "v1");
	fixture_write(f, "large-b", 5, 1500000);
	fixture_push(f, "v2");
}

static void
flip(struct fixture *f, const char *name, size_t at)
{
	struct mf_buf b = MF_BUF_INIT;

	get(f, name, &b);
	b.data[at] ^= 1;
	put(f, name, b.data, b.len);
	mf_buf_fini(&b);
}

static void
test_names_files(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params structure = {.spec = NULL}, data = {.read_data = true, .threads = 3};
	char run[MF_OBJECT_NAME_BYTES], large[MF_OBJECT_NAME_BYTES];
	struct mf_verify_result out;
	struct findings got;
	struct mf_error e = {0};

	make_two(f);
	fixture_expect_ok(verify(f->repo, data, &got, &out, &e), &e, "verify");
	assert_int_equal(out.versions, 2);
	assert_int_equal(out.files, 8);
	assert_int_equal(out.chunks, 4);
	assert_true(out.bytes_read > 4500000);
	chunk_of(f, "v1", "small-b", run);
	chunk_of(f, "v1", "large-b", large);
	flip(f, run, 100);
	fixture_expect_ok(mf_store_del(f->repo->store, large, &e), &e, "del");

	assert_int_equal(verify(f->repo, structure, &got, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(got.n, 1);
	assert_true(found(&got, FIXTURE_MODEL "@v1|large-b|", "is missing"));
	assert_int_equal(out.damaged_chunks, 1);

	assert_int_equal(verify(f->repo, data, &got, &out, &e), -1);
	assert_int_equal(got.n, 5);
	assert_int_equal(out.damaged_files, 5);
	assert_int_equal(out.damaged_chunks, 2);
	assert_true(found(&got, FIXTURE_MODEL "@v1|large-b|", "is missing"));
	assert_true(found(&got, FIXTURE_MODEL "@v1|small-a|", run));
	assert_true(found(&got, FIXTURE_MODEL "@v1|small-b|", "authentication"));
	assert_true(found(&got, FIXTURE_MODEL "@v2|small-a|", run));
	assert_true(found(&got, FIXTURE_MODEL "@v2|small-b|", run));
	data.spec = FIXTURE_MODEL "@v2";
	assert_int_equal(verify(f->repo, data, &got, &out, &e), -1);
	assert_int_equal(got.n, 2);
	put(f, run, "x", 1);
	assert_int_equal(verify(f->repo, structure, &got, &out, &e), -1);
	assert_true(found(&got, FIXTURE_MODEL "@v2|small-b|", "truncated"));
}

static void
test_segment_and_root(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params p = {.spec = NULL};
	char name[MF_OBJECT_NAME_BYTES];
	struct mf_names roots;
	struct findings got;
	struct mf_version v;
	struct mf_error e = {0};

	make_two(f);
	fixture_expect_ok(mf_version_resolve(f->repo, FIXTURE_MODEL "@v1", &v, &e), &e, "resolve");
	mf_name_chunk(name, &v.root.segments[0].id, v.root.segments[0].generation);
	flip(f, name, 60);
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_int_equal(got.n, 1);
	assert_true(found(&got, FIXTURE_MODEL "@v1|c/", "manifest segment"));
	flip(f, name, 60);
	snprintf(name, sizeof(name), "m/%s", v.object);
	flip(f, name, 60);
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_int_equal(got.n, 1);
	/* v2 names it as its parent */
	assert_true(found(&got, FIXTURE_MODEL "@v1|m/", "authentication"));
	assert_non_null(strstr(e.hint, "forget --damaged " FIXTURE_MODEL "@v1`"));
	fixture_expect_ok(mf_store_del(f->repo->store, name, &e), &e, "del");
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_true(found(&got, "|m/", "missing"));
	/* and the last: nothing can be listed, and yet it is no empty repository */
	fixture_expect_ok(mf_names_list(f->repo, "m/", &roots, &e), &e, "list");
	fixture_expect_ok(mf_store_del(f->repo->store, roots.items[0], &e), &e, "del");
	mf_names_fini(&roots);
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_int_equal(got.n, 2);
	mf_version_fini(&v);
}

static void
test_repair(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params p = {.read_data = true, .threads = 3, .repair_from = f->dir},
				check = {.read_data = true};
	char run[MF_OBJECT_NAME_BYTES], large[MF_OBJECT_NAME_BYTES], old[MF_OBJECT_NAME_BYTES];
	struct mf_verify_result out;
	struct findings got;
	struct mf_error e = {0};
	size_t objects;

	make_two(f);
	chunk_of(f, "v1", "small-b", run);
	chunk_of(f, "v1", "large-a", large);
	chunk_of(f, "v1", "large-b", old);
	flip(f, run, 100);
	fixture_expect_ok(mf_store_del(f->repo->store, large, &e), &e, "del");
	flip(f, old, 10); /* version 1's large-b is not in the directory any more */
	objects = fixture_count(f, "c/");

	assert_int_equal(verify(f->repo, p, &got, &out, &e), -1);
	assert_int_equal(got.n, 1);
	assert_true(found(&got, FIXTURE_MODEL "@v1|large-b|", old));
	assert_int_equal(out.repaired_chunks, 2);
	assert_int_equal(out.damaged_chunks, 3);
	assert_int_equal(fixture_count(f, "c/"), objects + 2); /* nothing was deleted */

	fixture_write(f, "large-b", 2, 1500000);
	fixture_expect_ok(verify(f->repo, p, &got, &out, &e), &e, "repair");
	assert_int_equal(got.n, 0);
	assert_int_equal(out.repaired_chunks, 1);
	fixture_expect_ok(verify(f->repo, check, &got, &out, &e), &e, "verify after the repair");
	assert_int_equal(out.repaired_chunks, 0);
	assert_int_equal(out.damaged_chunks, 0);
}

static void
test_samples(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params p = {.read_data = true, .sample_n = 3};
	char name[MF_OBJECT_NAME_BYTES];
	struct findings got;
	struct mf_error e = {0};
	unsigned failed = 0, i;

	make_two(f);
	chunk_of(f, "v2", "large-b", name);
	flip(f, name, 200);
	for (i = 0; i < 3; i++) {
		p.sample_i = i;
		failed += verify(f->repo, p, &got, NULL, &e) != 0;
	}
	assert_int_equal(failed, 1);
}

static void
test_local(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params p = {.spec = FIXTURE_MODEL "@v1", .local = f->dir, .threads = 3};
	char path[256], other[256];
	struct findings got;
	struct mf_error e = {0};

	snprintf(path, sizeof(path), "%s/sub", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/sub/link", f->dir);
	assert_int_equal(symlink("../small-a", path), 0);
	fixture_write(f, "large-a", 1, 1500000);
	fixture_write(f, "small-a", 3, 1000);
	fixture_write(f, "small-b", 4, 1000);
	fixture_write(f, "gone", 4, 10);
	snprintf(path, sizeof(path), "%s/small-a", f->dir);
	snprintf(other, sizeof(other), "%s/twin", f->dir);
	assert_int_equal(link(path, other), 0);
	fixture_push(f, "v1");
	fixture_expect_ok(verify(f->repo, p, &got, NULL, &e), &e, "local");

	fixture_write(f, "large-a", 9, 1500000); /* content */
	fixture_write(f, "small-b", 4, 999);	 /* size */
	fixture_write(f, "gone", 0, 0);
	fixture_write(f, "more", 1, 5);
	fixture_write(f, "twin", 3, 1000); /* a file of its own now: the content counts */
	snprintf(path, sizeof(path), "%s/sub/link", f->dir);
	unlink(path);
	assert_int_equal(symlink("../small-b", path), 0);
	snprintf(path, sizeof(path), "%s/.modelferry", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(got.n, 5);
	assert_true(found(&got, FIXTURE_MODEL "@v1|large-a|", "checksum"));
	assert_true(found(&got, FIXTURE_MODEL "@v1|small-b|is 999 bytes", "1000"));
	assert_true(found(&got, FIXTURE_MODEL "@v1|gone|missing", ""));
	assert_true(found(&got, FIXTURE_MODEL "@v1|more|not in the version", ""));
	assert_true(found(&got, FIXTURE_MODEL "@v1|sub/link|leads to ../small-b", "small-a"));

	fixture_write(f, "small-a", 0, 0);
	snprintf(path, sizeof(path), "%s/small-a", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_true(found(&got, FIXTURE_MODEL "@v1|small-a|is a directory", "a file"));
}

#define FIRST_BYTES 280000u
#define SECOND_BYTES 30000u

/* A file in pieces of one byte, so many that its entry goes on in the next segment. */
static void
publish_pieces(struct fixture *f, const uint8_t *bytes)
{
	struct mf_listing l = {0};
	struct mf_ingest_params ip = {.repo = f->repo, .listing = &l, .threads = 1};
	struct mf_root root = {.model = (char *)(uintptr_t)FIXTURE_MODEL,
	    .version = (char *)(uintptr_t) "v1", .tool = (char *)(uintptr_t) "test", .n_files = 1,
	    .n_entries = 1, .bytes = FIRST_BYTES + SECOND_BYTES, .n_chunks = 2};
	struct mf_publish_params pp = {.root = &root, .listing = &l};
	struct mf_entry x = {.type = MF_ENTRY_FILE, .mode = 0644, .size = root.bytes,
	    .path = (char *)(uintptr_t) "pieces"};
	const uint32_t lens[2] = {FIRST_BYTES, SECOND_BYTES};
	struct mf_index *none;
	struct mf_ingest *in;
	struct mf_ingest_job *job;
	struct mf_error e = {0};
	uint64_t stored = 0;
	uint32_t i, k;

	none = mf_index_new_empty(&e);
	ip.index = none;
	memcpy(root.repo_id, mf_keyring_repo_id(f->repo->keyring), sizeof(root.repo_id));
	fixture_expect_ok(mf_ingest_start(&ip, &in, &e), &e, "ingest");
	for (i = 0; i < 2; bytes += lens[i++]) {
		fixture_expect_ok(mf_ingest_job_new(in, lens[i], MF_ELEMENT_BYTES, &job, &e), &e,
		    "job");
		memcpy(job->data, bytes, lens[i]);
		job->len = lens[i];
		for (k = 0; k < lens[i]; k++)
			mf_listing_add_slice(&l, (struct mf_slice){job->chunk, k, 1}, &e);
		fixture_expect_ok(mf_ingest_submit(in, job, &e), &e, "submit");
	}
	fixture_expect_ok(mf_ingest_finish(in, false, NULL, &e), &e, "finish");
	x.n_slices = l.n_slices;
	mf_listing_add_entry(&l, &x, &e);
	fixture_expect_ok(mf_publish(f->repo, &pp, NULL, &stored, &e), &e, "publish");
	assert_true(root.n_segments > 1);
	free(root.segments);
	mf_listing_fini(&l);
	mf_index_free(none);
}

static void
test_continued_entry(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params p = {.read_data = true};
	char path[256];
	struct mf_verify_result out;
	struct mf_names chunks;
	struct mf_buf b = MF_BUF_INIT;
	struct findings got;
	struct mf_error e = {0};
	size_t i;

	fixture_write(f, "pieces", 7, FIRST_BYTES + SECOND_BYTES);
	snprintf(path, sizeof(path), "%s/pieces", f->dir);
	fixture_expect_ok(mf_fs_read_file(AT_FDCWD, path, 1u << 20, &b, &e), &e, "read");
	publish_pieces(f, b.data);
	fixture_expect_ok(verify(f->repo, p, &got, &out, &e), &e, "verify");
	assert_int_equal(out.chunks, 2);
	fixture_expect_ok(mf_names_list(f->repo, "c/", &chunks, &e), &e, "list");
	for (i = 0; i < chunks.n; i++) {
		get(f, chunks.items[i], &b);
		if (b.len != FIRST_BYTES + 64 && b.len != SECOND_BYTES + 64)
			continue; /* a segment */
		fixture_expect_ok(mf_store_del(f->repo->store, chunks.items[i], &e), &e, "del");
	}
	p.repair_from = NULL;
	assert_int_equal(verify(f->repo, p, &got, &out, &e), -1);
	assert_int_equal(got.n, 1);
	assert_int_equal(out.damaged_chunks, 2);
	p.repair_from = f->dir;
	fixture_expect_ok(verify(f->repo, p, &got, &out, &e), &e, "repair");
	assert_int_equal(out.repaired_chunks, 2);
	mf_names_fini(&chunks);
	mf_buf_fini(&b);
}

static void
test_stats(void **state)
{
	struct fixture *f = *state;
	struct mf_stats s;
	struct mf_error e = {0};

	fixture_expect_ok(mf_stats_collect(f->repo, &s, &e), &e, "stats");
	assert_int_equal(s.versions, 0);
	make_two(f);
	fixture_expect_ok(mf_stats_collect(f->repo, &s, &e), &e, "stats");
	assert_int_equal(s.models, 1);
	assert_int_equal(s.versions, 2);
	assert_int_equal(s.logical_bytes, 2 * (2 * 1500000 + 2000));
	assert_int_equal(s.unique_bytes, 3 * 1500000 + 2000);
	assert_int_equal(s.chunks, 4);
	assert_int_equal(s.stored_objects, 6); /* and two segments */
	assert_true(s.stored_bytes > s.unique_bytes);
}

static void
test_unknown(void **state)
{
	struct fixture *f = *state;
	struct mf_verify_params p = {.spec = "nobody"};
	struct findings got;
	struct mf_error e = {0};

	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	p = (struct mf_verify_params){.local = f->dir};
	assert_int_equal(verify(f->repo, p, &got, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(test_every_byte), T(test_every_removal), T(test_every_swap), T(test_names_files),
		T(test_segment_and_root), T(test_repair), T(test_samples), T(test_local),
		T(test_continued_entry), T(test_stats), T(test_unknown),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
