/* Long listings, of trees and of repositories, read in several places at once: whatever the tree is
 * like and the store says, all of it is shown once and in order, or the listing fails. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/http_words.h"
#include "tests/unit/transfers/tree_s3_fixture.h"

#define KEYS_MAX 6000
#define PAGE 50
#define PREFIX "a b/"

/* A bucket of nothing but names, which stays as it is. */
struct names {
	struct s3_world world;
	struct http_server *server;
	struct mf_store *s; /* the tree's */
	struct mf_tree *t;
	struct mf_error e;
	char *keys[KEYS_MAX];
	size_t n;
	unsigned delay_ms;
	bool ignores_start;      /* what it does not know */
	const char *fails_from;  /* a request that begins behind this is refused */
	const char *false_child; /* told as a directory, too */
	atomic_uint asked, children_asked, now, most;
};

static void
put_name(struct mf_buf *out, const char *element, const char *key, size_t n)
{
	mf_buf_printf(out, "<%s><%s>%.*s</%s>", element,
	    strcmp(element, "Contents") == 0 ? "Key" : "Prefix", (int)n, key,
	    strcmp(element, "Contents") == 0 ? "Key" : "Prefix");
	if (strcmp(element, "Contents") == 0)
		mf_buf_printf(out, "<LastModified>2026-01-31T12:00:00Z</LastModified><ETag>x</"
				   "ETag><Size>1</Size>");
	mf_buf_printf(out, "</%s>", element);
}

/* One page, or all children. */
static void
put_page(struct names *w, struct mf_buf *out, const char *prefix, const char *after, bool children)
{
	const char *slash, *last = NULL;
	size_t i, shown = 0;

	for (i = 0; i < w->n; i++) {
		if (strncmp(w->keys[i], prefix, strlen(prefix)) != 0 ||
		    strcmp(w->keys[i], after) <= 0)
			continue;
		if (!children && shown++ == PAGE)
			break;
		slash = children ? strchr(w->keys[i] + strlen(prefix), '/') : NULL;
		if (slash == NULL)
			put_name(out, "Contents", w->keys[i], strlen(w->keys[i]));
		else if (last == NULL ||
			 strncmp(last, w->keys[i], (size_t)(slash + 1 - w->keys[i])) != 0)
			put_name(
			    out, "CommonPrefixes", w->keys[i], (size_t)(slash + 1 - w->keys[i]));
		last = w->keys[i];
	}
	mf_buf_printf(out, "<IsTruncated>%s</IsTruncated>", i < w->n ? "true" : "false");
	if (i < w->n)
		mf_buf_printf(out, "<NextContinuationToken>%s</NextContinuationToken>", last);
}

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	char prefix[1100], after[1100], start[1100];
	struct mf_buf out = MF_BUF_INIT;
	struct names *w = arg;
	const unsigned now = atomic_fetch_add(&w->now, 1) + 1;
	const bool children = harness_has_param(q, "delimiter");
	unsigned most = atomic_load(&w->most);

	while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
		continue;
	atomic_fetch_add(children ? &w->children_asked : &w->asked, 1);
	if (w->delay_ms > 0)
		http_nap(w->delay_ms);
	harness_param(q, "prefix", prefix, sizeof prefix);
	harness_param(q, "continuation-token", after, sizeof after);
	harness_param(q, "start-after", start, sizeof start);
	if (after[0] == '\0' && (!w->ignores_start || children))
		memcpy(after, start, sizeof after);
	mf_buf_printf(&out, "<ListBucketResult>");
	put_page(w, &out, prefix, after, children);
	if (children && w->false_child != NULL)
		put_name(&out, "CommonPrefixes", w->false_child, strlen(w->false_child));
	mf_buf_printf(&out, "</ListBucketResult>");
	assert_false(out.failed);
	if (w->fails_from != NULL && !children && strcmp(after, w->fails_from) > 0)
		http_answer(c, 403, ERROR_BODY("AccessDenied"));
	else {
		http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", out.len);
		http_say_bytes(c, out.data, out.len);
	}
	mf_buf_fini(&out);
	atomic_fetch_sub(&w->now, 1);
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
begin(struct names *w, unsigned at_once)
{
	const struct mf_tree_s3_params p = {.retry = {.attempts = 2}, .lists_at_once = at_once};
	char url[64];

	qsort(w->keys, w->n, sizeof *w->keys, compare);
	w->server = http_server_start(play, w);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(w->server));
	s3_world_make(&w->world, "KEYONE", "secret");
	w->world.lists_at_once = at_once;
	w->s = s3_world_store(&w->world, url, "models", "a b", true);
	assert_int_equal(mf_tree_s3_take(w->s, &p, &w->t, &w->e), 0);
}

static void
end(struct names *w)
{
	size_t i;

	mf_tree_close(w->t);
	s3_world_drop(&w->world);
	http_server_stop(w->server);
	for (i = 0; i < w->n; i++)
		free(w->keys[i]);
	free(w);
}

static struct names *
new_names(void)
{
	struct names *w = calloc(1, sizeof *w);

	assert_non_null(w);
	return w;
}

static void add(struct names *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct names *w, const char *fmt, ...)
{
	char key[1000];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(key, sizeof key, fmt, args);
	va_end(args);
	assert_true(w->n < KEYS_MAX);
	w->keys[w->n] = strdup(key);
	assert_non_null(w->keys[w->n++]);
}

/* Every name, once, in order; from the listing's start up to an end, or a failure. Returns how it
 * ended. */
static int
show_all(struct names *w, const char *dir, size_t first, size_t n)
{
	struct mf_tree_entry entry;
	struct mf_tree_cursor *c;
	size_t i;
	int rc;

	assert_int_equal(mf_tree_list(w->t, dir, &c, &w->e), 0);
	for (i = first; (rc = mf_tree_next(c, &entry, &w->e)) == 0; i++) {
		assert_true(i < first + n);
		assert_string_equal(entry.path, w->keys[i] + strlen(PREFIX));
	}
	if (rc == 1)
		assert_int_equal(i, first + n);
	else
		assert_int_equal(mf_tree_next(c, &entry, &w->e), -1);
	mf_tree_cursor_close(c);
	return rc;
}

/* ---- shapes ---- */

static void
add_models(struct names *w)
{
	unsigned i;

	for (i = 0; i < 4000; i++)
		add(w, PREFIX "model-%02u/v%02u/file-%u", i / 200, i / 10 % 20, i % 10);
}

static void
add_flat(struct names *w)
{
	unsigned i;

	for (i = 0; i < 2000; i++)
		add(w, PREFIX "file-%u", i);
}

/* What is long lies deep, between names that sort between "x" and "x/...". */
static void
add_deep(struct names *w)
{
	unsigned i, j;

	for (i = 0; i < 10; i++) {
		add(w, PREFIX "only/way/%u.txt", i);
		add(w, PREFIX "only/way/%u", i);
		add(w, PREFIX "only/way/%u0", i);
		for (j = 0; j < 300; j++)
			add(w, PREFIX "only/way/%u/%u/x", i, j);
	}
	for (i = 0; i < 120; i++)
		add(w, PREFIX "only.%u", i);
	add(w, PREFIX "only0");
}

/* One directory after the other is as long as a page, or a little less, or more. */
static void
add_pages(struct names *w)
{
	unsigned i, j;

	for (i = 0; i < 60; i++)
		for (j = 0; j < PAGE - 2 + i % 5; j++)
			add(w, PREFIX "d%02u/%02u", i, j);
}

static void
lists_shape(void (*shape)(struct names *w), bool cuts)
{
	static const unsigned at_once[] = {1, 2, 3, 8, 64};
	struct names *w;
	size_t i, pages;

	for (i = 0; i < LENGTH(at_once); i++) {
		w = new_names();
		shape(w);
		w->delay_ms = cuts && at_once[i] == 8 ? 2 : 0;
		begin(w, at_once[i]);
		assert_int_equal(show_all(w, "", 0, w->n), 1);
		pages = (w->n + PAGE - 1) / PAGE;
		assert_true(atomic_load(&w->most) <= at_once[i]);
		if (at_once[i] == 1 || !cuts) {
			assert_int_equal(atomic_load(&w->asked), pages);
		} else {
			assert_true(atomic_load(&w->asked) > pages);
			assert_true(atomic_load(&w->asked) + atomic_load(&w->children_asked) <=
				    pages * 5 / 4 + 2);
		}
		if (w->delay_ms > 0)
			assert_true(atomic_load(&w->most) > 2);
		end(w);
	}
}

static void
test_shapes(void **state)
{
	(void)state;
	lists_shape(add_models, true);
	lists_shape(add_deep, true);
	lists_shape(add_pages, true);
	lists_shape(add_flat, false);
}

/* Only what is below the directory. */
static void
test_below(void **state)
{
	struct names *w = new_names();
	unsigned i;

	(void)state;
	add_models(w);
	for (i = 0; i < 100; i++)
		add(w, PREFIX "model-07.%u", i);
	begin(w, 8);
	for (i = 0; strcmp(w->keys[i], PREFIX "model-07/v00/file-0") != 0; i++)
		continue;
	assert_int_equal(show_all(w, "model-07", i, 200), 1);
	end(w);
}

/* ---- stores that are not as they should be ---- */

static void
test_start_is_ignored(void **state)
{
	struct names *w = new_names();

	(void)state;
	add_models(w);
	w->ignores_start = true;
	begin(w, 8);
	assert_int_equal(show_all(w, "", 0, w->n), 1);
	end(w);
}

/* What is before it is shown, nothing behind, and never an end. */
static void
test_failure_in_its_turn(void **state)
{
	struct names *w = new_names();

	(void)state;
	add_models(w);
	w->fails_from = PREFIX "model-15/";
	begin(w, 8);
	assert_int_equal(show_all(w, "", 0, w->n), -1);
	assert_int_equal(w->e.code, MF_EPERM);
	end(w);
}

static void
test_false_children(void **state)
{
	static char too_long[MF_S3_KEY_MAX + 100] = PREFIX;
	static const char *const children[] = {PREFIX, "a b", "elsewhere/", PREFIX "model-",
	    PREFIX "model-19/v19/file-9z", PREFIX "model-00/", PREFIX "model-10/v1", too_long};
	struct names *w;
	size_t i;

	(void)state;
	memset(too_long + strlen(PREFIX), 'z', sizeof too_long - strlen(PREFIX) - 1);
	for (i = 0; i < LENGTH(children); i++) {
		w = new_names();
		add_models(w);
		w->false_child = children[i];
		begin(w, 8);
		assert_int_equal(show_all(w, "", 0, w->n), 1);
		end(w);
	}
}

/* ---- a repository's ---- */

struct shown {
	const struct names *of;
	size_t n, wanted;
};

static int
see(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct shown *v = arg;

	assert_true(v->n < v->of->n);
	assert_string_equal(name, v->of->keys[v->n] + strlen(PREFIX));
	assert_int_equal(size, 1);
	assert_true(mtime_us > 0);
	return ++v->n == v->wanted;
}

static void
add_chunks(struct names *w)
{
	unsigned i;

	for (i = 0; i < 256 * 20; i++)
		add(w, PREFIX "c/%02x/%08x", i / 20, i);
}

static void
test_store(void **state)
{
	static const unsigned at_once[] = {0, 1, 2, 8, 1000};
	struct names *w;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(at_once); i++) {
		struct shown v = {.n = 0};

		w = new_names();
		add_chunks(w);
		w->delay_ms = at_once[i] == 8 ? 2 : 0;
		begin(w, at_once[i]);
		v.of = w;
		assert_int_equal(mf_store_list(w->s, "c/", see, &v, &w->e), 0);
		assert_int_equal(v.n, w->n);
		assert_true(atomic_load(&w->most) <= (at_once[i] == 0 ? 1 : at_once[i]));
		if (w->delay_ms > 0)
			assert_true(atomic_load(&w->most) > 2);
		/* whoever asks may have enough anywhere */
		for (v.wanted = 1; v.wanted < w->n; v.wanted = v.wanted * 3 + 1) {
			v.n = 0;
			assert_int_equal(mf_store_list(w->s, "c/", see, &v, &w->e), 0);
			assert_int_equal(v.n, v.wanted);
		}
		end(w);
	}
}

static void
test_store_fails(void **state)
{
	struct names *w = new_names();
	struct shown v = {.of = w};

	(void)state;
	add_chunks(w);
	w->fails_from = PREFIX "c/c0/";
	begin(w, 8);
	assert_int_equal(mf_store_list(w->s, "c/", see, &v, &w->e), -1);
	assert_int_equal(w->e.code, MF_EPERM);
	assert_true(v.n > 0 && v.n <= (size_t)0xc1 * 20);
	end(w);
}

/* ---- ends in the middle ---- */

static void
test_closed_early(void **state)
{
	struct mf_tree_entry entry;
	struct mf_tree_cursor *c;
	struct names *w = new_names();
	unsigned n, i;

	(void)state;
	add_models(w);
	w->delay_ms = 1;
	begin(w, 8);
	for (n = 0; n < 1000; n = n * 2 + 1) {
		assert_int_equal(mf_tree_list(w->t, "", &c, &w->e), 0);
		for (i = 0; i < n; i++)
			assert_int_equal(mf_tree_next(c, &entry, &w->e), 0);
		mf_tree_cursor_close(c);
	}
	end(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_below),
	    cmocka_unit_test(test_start_is_ignored),
	    cmocka_unit_test(test_failure_in_its_turn),
	    cmocka_unit_test(test_false_children),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_store_fails),
	    cmocka_unit_test(test_closed_early),
	};

	return cmocka_run_group_tests_name("long listings of a bucket", tests, NULL, NULL);
}
