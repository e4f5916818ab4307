/* The bytes of manifests: what is encoded is decoded, and nothing else is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "src/repo/annotation_int.h"
#include "src/repo/manifest.h"

static void
fill_chunk(struct mf_chunk_ref *c, unsigned n)
{
	*c = (struct mf_chunk_ref){.generation = n * 7919u, .plain_len = 1000 + n};
	memset(c->id.bytes, (int)(n & 255), sizeof(c->id.bytes));
	memcpy(c->id.bytes, &n, sizeof(n));
	memset(c->checksum, (int)(n * 3 & 255), sizeof(c->checksum));
}

/* n files of one slice each, in order; every tenth chunk is shared by ten files. */
static void
make_listing(struct mf_listing *l, unsigned n)
{
	struct mf_error e = {0};
	struct mf_chunk_ref c;
	struct mf_entry x;
	uint32_t index = 0;
	char path[64];
	unsigned i;

	*l = (struct mf_listing){0};
	for (i = 0; i < n; i++) {
		if (i % 10 == 0) {
			fill_chunk(&c, i);
			assert_int_equal(mf_listing_add_chunk(l, &c, &index, &e), 0);
		}
		snprintf(path, sizeof(path), "d%03u/file-%06u", i / 1000, i);
		x = (struct mf_entry){.type = MF_ENTRY_FILE, .mode = 0644, .mtime_ns = -5 + i,
		    .ctime_ns = 1000000007 + i, .inode = i, .size = 3, .path = path,
		    .first_slice = l->n_slices, .n_slices = 1};
		assert_int_equal(mf_listing_add_slice(l, (struct mf_slice){index, i % 10 * 3, 3}, &e), 0);
		assert_int_equal(mf_listing_add_entry(l, &x, &e), 0);
	}
}

static void
assert_same(const struct mf_listing *a, const struct mf_listing *b)
{
	size_t i, j;

	assert_int_equal(a->n_entries, b->n_entries);
	for (i = 0; i < a->n_entries; i++) {
		const struct mf_entry *x = &a->entries[i], *y = &b->entries[i];

		assert_string_equal(x->path, y->path);
		assert_int_equal(x->type, y->type);
		assert_int_equal(x->mode, y->mode);
		assert_int_equal(x->mtime_ns, y->mtime_ns);
		assert_int_equal(x->inode, y->inode);
		assert_int_equal(x->n_slices, y->n_slices);
		for (j = 0; j < x->n_slices; j++) {
			const struct mf_slice *s = &a->slices[x->first_slice + j];
			const struct mf_slice *t = &b->slices[y->first_slice + j];

			assert_int_equal(s->offset, t->offset);
			assert_int_equal(s->len, t->len);
			assert_memory_equal(&a->chunks[s->chunk].id, &b->chunks[t->chunk].id, 32);
			assert_int_equal(a->chunks[s->chunk].generation, b->chunks[t->chunk].generation);
		}
	}
}

/* Encode all segments and decode them into out; how many there were. */
static unsigned
through_segments(const struct mf_listing *l, struct mf_listing *out)
{
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;
	size_t next = 0, slice = 0;
	unsigned n = 0;

	*out = (struct mf_listing){0};
	while (next < l->n_entries) {
		mf_buf_clear(&b);
		assert_int_equal(mf_segment_encode(l, &next, &slice, &b, &e), 0);
		assert_true(b.len <= MF_SEGMENT_MAX_BYTES);
		assert_int_equal(mf_segment_decode(b.data, b.len, out, &e), 0);
		n++;
	}
	mf_buf_fini(&b);
	return n;
}

static void
segments_round_trip(void **state)
{
	struct mf_listing l, back;

	(void)state;
	make_listing(&l, 20000);
	assert_true(through_segments(&l, &back) > 1);
	assert_same(&l, &back);
	mf_listing_fini(&l);
	mf_listing_fini(&back);
}

static void
a_file_of_many_slices_spans_segments(void **state)
{
	struct mf_error e = {0};
	struct mf_listing l = {0}, back;
	struct mf_chunk_ref c;
	struct mf_entry x = {.type = MF_ENTRY_FILE, .mode = 0600, .path = (char[]){"huge"}};
	uint32_t index;
	unsigned i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		fill_chunk(&c, i);
		assert_int_equal(mf_listing_add_chunk(&l, &c, &index, &e), 0);
		assert_int_equal(mf_listing_add_slice(&l, (struct mf_slice){index, 0, c.plain_len}, &e), 0);
		x.size += c.plain_len;
	}
	x.n_slices = i;
	assert_int_equal(mf_listing_add_entry(&l, &x, &e), 0);
	assert_true(through_segments(&l, &back) > 1);
	assert_same(&l, &back);
	mf_listing_fini(&l);
	mf_listing_fini(&back);
}

/* One file more moves the bounds of at most two segments. */
static void
versions_share_segments(void **state)
{
	struct mf_error e = {0};
	struct mf_listing l;
	struct mf_buf a[64] = {{0}}, b = MF_BUF_INIT;
	size_t next = 0, slice = 0, i;
	unsigned n = 0, shared = 0, total = 0;

	(void)state;
	make_listing(&l, 60000);
	for (; next < l.n_entries; n++)
		assert_int_equal(mf_segment_encode(&l, &next, &slice, &a[n], &e), 0);
	l.entries[30005].mode = 0755;
	for (next = 0; next < l.n_entries; total++) {
		mf_buf_clear(&b);
		assert_int_equal(mf_segment_encode(&l, &next, &slice, &b, &e), 0);
		for (i = 0; i < n; i++)
			shared += a[i].len == b.len && memcmp(a[i].data, b.data, b.len) == 0;
	}
	assert_true(n > 4);
	assert_true(total - shared <= 2);
	for (i = 0; i < n; i++)
		mf_buf_fini(&a[i]);
	mf_buf_fini(&b);
	mf_listing_fini(&l);
}

/* Cut anywhere, or with any byte changed, a segment is refused or decodes to something within
 * bounds; it never crashes (the sanitizer build looks). */
static void
a_damaged_segment_is_survived(void **state)
{
	struct mf_error e = {0};
	struct mf_listing l, out;
	struct mf_buf b = MF_BUF_INIT;
	size_t next = 0, slice = 0, i;
	uint8_t *copy;

	(void)state;
	make_listing(&l, 30);
	assert_int_equal(mf_segment_encode(&l, &next, &slice, &b, &e), 0);
	for (i = 0; i < b.len; i++) {
		out = (struct mf_listing){0};
		copy = malloc(i + 1); /* exact, so that a sanitizer sees a byte too far */
		memcpy(copy, b.data, i);
		assert_int_equal(mf_segment_decode(copy, i, &out, &e), -1);
		mf_listing_fini(&out);
		free(copy);
		out = (struct mf_listing){0};
		b.data[i] ^= 0x55;
		mf_segment_decode(b.data, b.len, &out, &e);
		mf_listing_fini(&out);
		b.data[i] ^= 0x55;
	}
	mf_buf_fini(&b);
	mf_listing_fini(&l);
}

static void
refuses_path(const char *path)
{
	struct mf_error e = {0};
	struct mf_listing l = {0}, out = {0};
	struct mf_buf b = MF_BUF_INIT;
	struct mf_entry x = {.type = MF_ENTRY_FILE, .path = (char *)(uintptr_t)path};
	size_t next = 0, slice = 0;

	assert_int_equal(mf_listing_add_entry(&l, &x, &e), 0);
	assert_int_equal(mf_segment_encode(&l, &next, &slice, &b, &e), 0);
	assert_int_equal(mf_segment_decode(b.data, b.len, &out, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	mf_buf_fini(&b);
	mf_listing_fini(&l);
	mf_listing_fini(&out);
}

static void
paths_that_leave_are_refused(void **state)
{
	(void)state;
	refuses_path("../x");
	refuses_path("/etc/passwd");
	refuses_path("a/../../b");
	refuses_path("a//b");
	refuses_path(".");
	refuses_path("");
}

static void
paths_have_an_order(void **state)
{
	(void)state;
	assert_true(mf_path_compare("a", "a/b") < 0);
	assert_true(mf_path_compare("a/b", "a-b") < 0); /* '/' before '-', though 0x2d < 0x2f */
	assert_true(mf_path_compare("a/z", "a!") < 0);
	assert_true(mf_path_compare("b", "a/z") > 0);
	assert_int_equal(mf_path_compare("a/b", "a/b"), 0);
}

static char key_text[] = "stage", value_text[] = "prod", metric_text[] = "accuracy",
	    model_text[] = "churn", version_text[] = "v2", parent_text[] = "v1", tool_text[] = "t";

static struct mf_root
a_root(void)
{
	static struct mf_tag tags[] = {{key_text, value_text}};
	static struct mf_metric metrics[] = {{metric_text, 0.93}};
	static struct mf_segment_ref segments[] = {{.generation = 5, .plain_len = 77}};

	return (struct mf_root){.model = model_text, .version = version_text,
	    .parent = parent_text, .created_us = 123, .scanned_us = -1, .tool = tool_text,
	    .flags = MF_ROOT_PARTIAL, .n_entries = 9, .n_files = 8, .bytes = 1ull << 45,
	    .n_chunks = 3, .tags = tags, .n_tags = 1, .metrics = metrics, .n_metrics = 1,
	    .segments = segments, .n_segments = 1};
}

static void
a_signed_root_round_trips_and_binds(void **state)
{
	struct mf_error e = {0};
	struct mf_signer *signer = mf_signer_generate(&e), *other = mf_signer_generate(&e);
	struct mf_root r = a_root(), back;
	struct mf_buf b = MF_BUF_INIT;
	char line[MF_TEXTKEY_BYTES];
	struct mf_trust *trust, *stranger;
	size_t i, held = 0;

	(void)state;
	mf_signer_public_text(signer, line);
	trust = mf_trust_parse(line, strlen(line), "test", &e);
	mf_signer_public_text(other, line);
	stranger = mf_trust_parse(line, strlen(line), "test", &e);
	assert_int_equal(mf_root_encode(&r, signer, &b, &e), 0);
	assert_int_equal(mf_root_decode(b.data, b.len, &back, &e), 0);
	assert_string_equal(back.version, "v2");
	assert_true(back.metrics[0].value == 0.93);
	assert_int_equal(back.bytes, 1ull << 45);
	assert_int_equal(mf_root_verify(&back, b.data, b.len, trust, 1, &e), 0);
	assert_int_equal(mf_root_verify(&back, b.data, b.len, stranger, 1, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	mf_root_fini(&back);
	for (i = 0; i < b.len; i++) { /* no byte can change and still be trusted */
		b.data[i] ^= 1;
		if (mf_root_decode(b.data, b.len, &back, &e) == 0) {
			held += mf_root_verify(&back, b.data, b.len, trust, 1, &e) == 0;
			mf_root_fini(&back);
		}
		b.data[i] ^= 1;
		assert_int_equal(mf_root_decode(b.data, i, &back, &e), -1);
	}
	assert_int_equal(held, 0);
	mf_buf_fini(&b);
	mf_trust_free(trust);
	mf_trust_free(stranger);
	mf_signer_free(signer);
	mf_signer_free(other);
}

static void
an_unsigned_root_is_not_trusted(void **state)
{
	struct mf_error e = {0};
	struct mf_signer *signer = mf_signer_generate(&e);
	struct mf_root r = a_root(), back;
	struct mf_buf b = MF_BUF_INIT;
	char line[MF_TEXTKEY_BYTES];
	struct mf_trust *trust;

	(void)state;
	mf_signer_public_text(signer, line);
	trust = mf_trust_parse(line, strlen(line), "test", &e);
	assert_int_equal(mf_root_encode(&r, NULL, &b, &e), 0);
	assert_int_equal(mf_root_decode(b.data, b.len, &back, &e), 0);
	assert_int_equal(mf_root_verify(&back, b.data, b.len, trust, 1, &e), -1);
	assert_int_equal(e.code, MF_EKEY);
	mf_root_fini(&back);
	mf_buf_fini(&b);
	mf_trust_free(trust);
	mf_signer_free(signer);
}

static char *
text_of(size_t n)
{
	char *text = calloc(n + 1, 1);

	assert_non_null(text);
	memset(text, 'x', n);
	return text;
}

static int
encode_with(struct mf_tag *tag, struct mf_metric *metric, struct mf_error *e)
{
	struct mf_root r = a_root(), back;
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	if (tag != NULL)
		r.tags = tag;
	if (metric != NULL)
		r.metrics = metric;
	rc = mf_root_encode(&r, NULL, &b, e);
	if (rc == 0) {
		assert_int_equal(mf_root_decode(b.data, b.len, &back, e), 0);
		mf_root_fini(&back);
	}
	mf_buf_fini(&b);
	return rc;
}

static void
no_root_is_written_that_cannot_be_read(void **state)
{
	struct mf_error e = {0};
	char *name = text_of(1025), *value = text_of(65537);
	struct mf_tag tag = {name + 1, value + 1};
	struct mf_metric metric = {name + 1, 1};

	(void)state;
	assert_int_equal(encode_with(&tag, &metric, &e), 0);
	tag.key = name;
	assert_int_equal(encode_with(&tag, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	tag = (struct mf_tag){name + 1, value};
	assert_int_equal(encode_with(&tag, NULL, &e), -1);
	metric.name = name;
	assert_int_equal(encode_with(NULL, &metric, &e), -1);
	assert_int_equal(mf_root_check_tags(NULL, 1025, &e), -1);
	assert_int_equal(mf_root_check_metrics(NULL, 1025, &e), -1);
	free(name);
	free(value);
}

static void
no_annotation_is_written_that_cannot_be_read(void **state)
{
	const uint8_t digest[32] = {7};
	struct mf_error e = {0};
	char *reason = text_of(65537), *by = text_of(1025);
	struct mf_annotation a = {.rejected = -1, .reason = reason + 1, .by = by + 1};
	struct mf_annotation_record back;
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	assert_int_equal(mf_annotation_encode(&a, digest, -3, &b, &e), 0);
	assert_int_equal(mf_annotation_decode(b.data, b.len, &back, &e), 0);
	assert_int_equal(back.rejected, -1);
	assert_int_equal(back.time_us, -3);
	assert_string_equal(back.reason, a.reason);
	mf_annotation_record_fini(&back);
	assert_int_equal(mf_annotation_decode(b.data, b.len - 1, &back, &e), -1);
	mf_buf_fini(&b);
	a.reason = reason;
	assert_int_equal(mf_annotation_encode(&a, digest, 1, &b, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	a.reason = NULL;
	a.by = by;
	assert_int_equal(mf_annotation_encode(&a, digest, 1, &b, &e), -1);
	assert_int_equal(b.len, 0);
	mf_buf_fini(&b);
	free(reason);
	free(by);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(segments_round_trip),
	    cmocka_unit_test(a_file_of_many_slices_spans_segments),
	    cmocka_unit_test(versions_share_segments),
	    cmocka_unit_test(a_damaged_segment_is_survived),
	    cmocka_unit_test(paths_that_leave_are_refused),
	    cmocka_unit_test(paths_have_an_order),
	    cmocka_unit_test(a_signed_root_round_trips_and_binds),
	    cmocka_unit_test(an_unsigned_root_is_not_trusted),
	    cmocka_unit_test(no_root_is_written_that_cannot_be_read),
	    cmocka_unit_test(no_annotation_is_written_that_cannot_be_read),
	};
	struct mf_error e = {0};

	if (mf_crypto_init(&e) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
