/* Annotations, as a hostile writer with the data key could make them: what is taken is the one
 * encoding of what it says, and leaves a version with each tag once. */
#include "tests/fuzz/fuzz_check.h"

#include "src/repo/annotation_int.h"

static void
check_encoding(const struct mf_annotation_record *x, const uint8_t *data, size_t n)
{
	const struct mf_annotation a = {x->tags, x->n_tags, x->rejected, x->reason, x->by};
	struct mf_error e = {0};
	struct mf_buf b = MF_BUF_INIT;

	fuzz_require(mf_annotation_encode(&a, x->digest, x->time_us, &b, &e) == 0);
	fuzz_require(b.len == n && memcmp(b.data, data, n) == 0);
	mf_buf_fini(&b);
}

static void
check_tags(const struct mf_root *root)
{
	size_t i, k;

	for (i = 0; i < root->n_tags; i++) {
		fuzz_require(root->tags[i].value[0] != '\0');
		for (k = 0; k < i; k++)
			fuzz_require(strcmp(root->tags[i].key, root->tags[k].key) != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mf_annotation_record x;
	struct mf_version v = {0};
	struct mf_error e = {0};
	size_t most;

	if (mf_annotation_decode(data, n, &x, &e) != 0) {
		fuzz_require_error(&e);
		return 0;
	}
	check_encoding(&x, data, n);
	most = x.n_tags;
	memcpy(v.digest, x.digest, sizeof(v.digest));
	fuzz_require(mf_annotation_apply(&x, &v, &e) == 0);
	mf_annotation_record_fini(&x);
	fuzz_require(
	    v.root.n_tags <= most && (v.rejected_reason == NULL) == (v.rejected_by == NULL));
	/* the same once more changes nothing */
	if (mf_annotation_decode(data, n, &x, &e) == 0) {
		fuzz_require(mf_annotation_apply(&x, &v, &e) == 0 && v.root.n_tags <= most);
		mf_annotation_record_fini(&x);
	}
	check_tags(&v.root);
	mf_version_fini(&v);
	return 0;
}
