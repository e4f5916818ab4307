#include "tests/unit/repo/repo_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "crypto/keyring_int.h"
#include "crypto/seal.h"
#include "src/base/fs.h"
#include "src/codec/codec.h"

static int64_t clock_us = FIXTURE_NOW_US;

void
fixture_expect_ok(int rc, const struct mf_error *e, const char *what)
{
	char text[2048];

	if (rc != 0)
		fail_msg("%s: %d, %s", what, rc, mf_error_text(e, text, sizeof(text)));
}

unsigned
fixture_stride(unsigned stride, unsigned sanitized)
{
	if (getenv("MF_TEST_EXHAUSTIVE") != NULL)
		return 1;
	return getenv("MF_SANITIZER") != NULL ? stride * sanitized : stride;
}

int64_t
fixture_now_us(void)
{
	return clock_us;
}

void
fixture_set_clock(struct fixture *f, int64_t us)
{
	clock_us = us;
	mf_memory_set_clock(f->world, us);
}

void
fixture_advance(struct fixture *f, int64_t us)
{
	fixture_set_clock(f, clock_us + us);
}

static struct mf_unlock *
raw_pair(void)
{
	uint8_t encryption[MF_KEY_BYTES], hmac[MF_KEY_BYTES];
	struct mf_unlock *u;
	struct mf_error e = {0};

	memset(encryption, 0x11, sizeof(encryption));
	memset(hmac, 0x22, sizeof(hmac));
	u = mf_unlock_from_pair(encryption, hmac, "the test", &e);
	assert_non_null(u);
	return u;
}

struct mf_repo *
fixture_open(const struct fixture *f, mf_memory_step *step, void *arg, struct mf_state *state)
{
	struct mf_unlock *u = raw_pair();
	const struct mf_unlock *sources[] = {u};
	struct mf_repo_params p = {.url = "mem://test", .unlock = sources, .n_unlock = 1,
	    .state = state, .threads = 1, .now_us = clock_us};
	struct mf_repo *repo = NULL;
	struct mf_error e = {0};

	fixture_expect_ok(mf_memory_open(f->world, step, arg, &p.store, &e), &e, "open memory");
	fixture_expect_ok(mf_repo_open(&p, &repo, &e), &e, "open");
	mf_unlock_free(u);
	return repo;
}

/* Secrets by count: where the files are cut and how the runs of small files end follows from
 * them, and with random ones a test that counts bytes would fail once in some hundred runs. */
static struct mf_keyring *
next_keyring(struct mf_error *e)
{
	static uint8_t count;
	uint8_t root[MF_KEY_BYTES];
	struct mf_epoch first = {.number = 1};

	count++;
	memset(root, count, sizeof(root));
	memset(first.key, 0x80 ^ count, sizeof(first.key));
	return mf_keyring_of(&(struct mf_keyring_params){.cipher = MF_CIPHER_XCHACHA20_POLY1305,
				 .padding = MF_PADDING_NONE, .root0 = root, .root = root,
				 .epochs = &first, .n_epochs = 1}, e);
}

static void
make_repo(struct fixture *f)
{
	struct mf_config_params cp = {.now_us = clock_us};
	struct mf_unlock *u = raw_pair();
	struct mf_slot_params slot = {.label = "test", .source = u, .now_us = clock_us};
	struct mf_store *store;
	struct mf_keyring *kr;
	struct mf_config *c;
	struct mf_error e = {0};

	kr = next_keyring(&e);
	assert_non_null(kr);
	c = mf_config_create(kr, &cp, &e);
	assert_non_null(c);
	fixture_expect_ok(mf_config_add_slot(c, kr, &slot, NULL, &e), &e, "add slot");
	fixture_expect_ok(mf_memory_open(f->world, NULL, NULL, &store, &e), &e, "open memory");
	fixture_expect_ok(mf_repo_init(store, c, kr, &e), &e, "init");
	mf_store_close(store);
	mf_config_free(c);
	mf_keyring_free(kr);
	mf_unlock_free(u);
}

void
fixture_init(struct fixture *f)
{
	struct mf_error e = {0};

	*f = (struct fixture){0};
	fixture_expect_ok(mf_crypto_init(&e), &e, "crypto");
	f->world = mf_memory_new(&e);
	assert_non_null(f->world);
	fixture_set_clock(f, FIXTURE_NOW_US);
	snprintf(f->dir, sizeof(f->dir), "/tmp/mf-test-repo-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	make_repo(f);
	f->repo = fixture_open(f, NULL, NULL, NULL);
}

void
fixture_fini(struct fixture *f)
{
	struct mf_error e = {0};

	mf_repo_close(f->repo);
	mf_memory_release(f->world);
	if (f->dir[0] != '\0')
		mf_fs_remove_tree(AT_FDCWD, f->dir, &e);
	*f = (struct fixture){0};
}

struct cloning {
	const struct fixture *from;
	struct fixture *to;
	struct mf_store *store;
};

static int
clone_object(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct cloning *c = arg;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	fixture_expect_ok(mf_store_get(c->from->repo->store, name, 0, size + 1, &b, &e), &e, name);
	mf_memory_set_clock(c->to->world, mtime_us);
	fixture_expect_ok(mf_store_put(c->store, name, b.data, b.len, 0, &e), &e, name);
	mf_buf_fini(&b);
	return 0;
}

void
fixture_clone(const struct fixture *from, struct fixture *to)
{
	struct cloning c = {.from = from, .to = to};
	struct mf_error e = {0};

	*to = (struct fixture){0};
	to->world = mf_memory_new(&e);
	assert_non_null(to->world);
	fixture_expect_ok(mf_memory_open(to->world, NULL, NULL, &c.store, &e), &e, "open memory");
	fixture_expect_ok(mf_store_list(from->repo->store, "", clone_object, &c, &e), &e, "clone");
	mf_store_close(c.store);
	mf_memory_set_clock(to->world, clock_us);
	mf_memory_set_conditional(
	    to->world, (mf_store_capabilities(from->repo->store) & MF_STORE_CONDITIONAL) != 0);
	to->repo = fixture_open(to, NULL, NULL, NULL);
}

int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fixture_init(f);
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

void
fixture_write(const struct fixture *f, const char *path, unsigned seed, size_t n)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
	char full[512];
	FILE *out;
	size_t i;

	snprintf(full, sizeof(full), "%s/%s", f->dir, path);
	unlink(full);
	if (n == 0)
		return;
	out = fopen(full, "w");
	assert_non_null(out);
	for (i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		fputc((int)(x >> 56), out);
	}
	assert_int_equal(fclose(out), 0);
}

int
fixture_try_push(struct mf_repo *repo, const struct fixture *f, const char *version,
    struct mf_push_result *out, struct mf_error *e)
{
	struct mf_push_params p = {.dir = f->dir, .model = FIXTURE_MODEL, .version = version,
	    .by = "test", .now_us = fixture_now_us, .threads = 1};

	return mf_push(repo, &p, out, e);
}

struct mf_push_result
fixture_push(struct fixture *f, const char *version)
{
	struct mf_push_result out;
	struct mf_error e = {0};

	fixture_expect_ok(fixture_try_push(f->repo, f, version, &out, &e), &e, "push");
	return out;
}

static void
resolve(struct fixture *f, const char *version, struct mf_version *v)
{
	char spec[200];
	struct mf_error e = {0};

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	fixture_expect_ok(mf_version_resolve(f->repo, spec, v, &e), &e, spec);
}

void
fixture_set_ref(struct fixture *f, const char *ref, const char *version)
{
	struct mf_error e = {0};
	struct mf_version v;
	struct mf_ref_move move = {.name = ref, .to = &v, .by = "test", .now_us = clock_us};

	resolve(f, version, &v);
	fixture_expect_ok(mf_ref_set(f->repo, &move, NULL, &e), &e, "set ref");
	mf_version_fini(&v);
}

void
fixture_forget(struct fixture *f, const char *version)
{
	struct mf_error e = {0};
	struct mf_version v;

	resolve(f, version, &v);
	fixture_expect_ok(mf_version_forget(f->repo, &v, &e), &e, "forget");
	mf_version_fini(&v);
}

int
fixture_try_prune(struct mf_repo *repo, int64_t grace_us, struct mf_prune_result *out,
    struct mf_error *e)
{
	struct mf_prune_params p = {.grace_us = grace_us, .now_us = clock_us};

	return mf_prune(repo, &p, out, e);
}

struct mf_prune_result
fixture_prune(struct fixture *f, int64_t grace_us)
{
	struct mf_prune_result out;
	struct mf_error e = {0};

	fixture_expect_ok(fixture_try_prune(f->repo, grace_us, &out, &e), &e, "prune");
	return out;
}

struct copying {
	const struct fixture *f;
	uint64_t generation;
	struct mf_buf b;
};

static int
copy_chunk(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct copying *c = arg;
	char fresh[MF_OBJECT_NAME_BYTES];
	struct mf_error e = {0};
	uint64_t generation;
	struct mf_id id;

	(void)mtime_us;
	mf_buf_clear(&c->b);
	if (mf_name_parse_chunk(name, &id, &generation) != 0 || generation == c->generation ||
	    mf_store_get(c->f->repo->store, name, 0, size, &c->b, &e) != 0)
		return 0;
	mf_name_chunk(fresh, &id, c->generation);
	mf_store_put(c->f->repo->store, fresh, c->b.data, c->b.len, 0, &e);
	return 0;
}

void
fixture_put_generation(const struct fixture *f, uint64_t generation)
{
	struct copying c = {f, generation, MF_BUF_INIT};
	struct mf_error e = {0};

	mf_store_list(f->repo->store, "c/", copy_chunk, &c, &e);
	mf_buf_fini(&c.b);
}

size_t
fixture_count(const struct fixture *f, const char *prefix)
{
	struct mf_names names;
	struct mf_error e = {0};
	size_t n;

	fixture_expect_ok(mf_names_list(f->repo, prefix, &names, &e), &e, prefix);
	n = names.n;
	mf_names_fini(&names);
	return n;
}

bool
fixture_is_listed(const struct fixture *f, const char *version)
{
	struct mf_versions vs;
	struct mf_error e = {0};
	bool found = false;
	size_t i;

	fixture_expect_ok(mf_versions_list(f->repo, FIXTURE_MODEL, NULL, NULL, &vs, &e), &e,
	    "list versions");
	for (i = 0; i < vs.n; i++)
		found = found || strcmp(vs.items[i].root.version, version) == 0;
	mf_versions_fini(&vs);
	return found;
}

static void
check_chunk(const struct fixture *f, const struct mf_chunk_ref *c)
{
	struct mf_decoder *dec;
	struct mf_buf sealed = MF_BUF_INIT;
	struct mf_error e = {0};
	struct mf_opened o;
	struct mf_id again;
	uint8_t *plain;

	fixture_expect_ok(mf_chunk_fetch(f->repo, &c->id, c->generation, &sealed, NULL, &e), &e,
	    "a chunk of a listed version");
	fixture_expect_ok(mf_open(f->repo->keyring, MF_OBJECT_CHUNK, &c->id, sealed.data,
			      sealed.len, &o, &e), &e, "open a chunk");
	plain = malloc(c->plain_len);
	dec = mf_decoder_new(&e);
	assert_non_null(plain);
	assert_non_null(dec);
	fixture_expect_ok(mf_decode(dec, o.header.codec, o.body, o.body_len, plain, c->plain_len,
			      &e), &e, "decode a chunk");
	mf_keyring_content_id(f->repo->keyring, MF_OBJECT_CHUNK, plain, c->plain_len, &again);
	assert_memory_equal(&again, &c->id, sizeof(again));
	mf_decoder_free(dec);
	free(plain);
	mf_buf_fini(&sealed);
}

size_t
fixture_check_versions(const struct fixture *f)
{
	struct mf_listing l;
	struct mf_versions vs;
	struct mf_error e = {0};
	size_t i, j, n;

	fixture_expect_ok(mf_versions_list(f->repo, NULL, NULL, NULL, &vs, &e), &e, "list");
	for (i = 0; i < vs.n; i++) {
		fixture_expect_ok(mf_version_read(f->repo, &vs.items[i], &l, &e), &e,
		    "read a version");
		for (j = 0; j < l.n_chunks; j++)
			check_chunk(f, &l.chunks[j]);
		mf_listing_fini(&l);
	}
	n = vs.n;
	mf_versions_fini(&vs);
	return n;
}
