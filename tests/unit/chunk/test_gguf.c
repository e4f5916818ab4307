#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/chunk/sample.h"

static void
tensors_and_padding(void **state)
{
	static const struct sample_tensor t[] = {
	    {"token_embd", NULL, 2, 18 * 600000, 10}, /* Q4_0: 10.3 MiB */
	    {"norm", NULL, 0, 4100, 11},
	    {"output", NULL, 30, 2 << 20, 12},
	    {"norm2", NULL, 0, 400, 13},
	};
	struct mf_cut_plan *p;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_gguf(&s, t, 4, 3);
	p = sample_must(&s, "gguf");
	assert_int_equal(p->n_chunks, 5);
	assert_int_equal(p->chunks[0].element, MF_ELEMENT_TEXT);
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_Q4_0);
	assert_int_equal(p->chunks[1].len, (8 << 20) - (8 << 20) % 18);
	assert_int_equal(p->chunks[2].element, MF_ELEMENT_Q4_0);
	/* padding belongs to the tensor before it */
	assert_int_equal(p->chunks[1].len + p->chunks[2].len, (18 * 600000 + 63) / 64 * 64);
	assert_int_equal(p->chunks[3].element, MF_ELEMENT_F32);
	assert_int_equal(p->chunks[3].len, 4160 + 448);
	assert_int_equal(p->chunks[3].n_extents, 2);
	assert_int_equal(p->chunks[4].element, MF_ELEMENT_BF16);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

/* A type that is not known reaches to the next tensor. */
static void
unknown_type(void **state)
{
	static const struct sample_tensor t[] = {
	    {"a", NULL, 250, 3 << 20, 10},
	    {"b", NULL, 1, 4 << 20, 11},
	    {"c", NULL, 99, 2 << 20, 12},
	};
	struct mf_cut_plan *p;
	struct sample s;

	(void)state;
	sample_init(&s);
	sample_gguf(&s, t, 3, 0);
	p = sample_must(&s, "gguf");
	assert_int_equal(p->n_chunks, 4);
	assert_int_equal(p->chunks[1].element, MF_ELEMENT_UNKNOWN);
	assert_int_equal(p->chunks[1].len, 3 << 20);
	assert_int_equal(p->chunks[2].element, MF_ELEMENT_F16);
	assert_int_equal(p->chunks[3].len, 2 << 20);
	mf_cut_plan_free(p);
	sample_fini(&s);
}

/* Long metadata (a vocabulary) have chunks of their own, apart from the tensor infos. */
static void
vocabulary_apart(void **state)
{
	static const struct sample_tensor t[] = {
	    {"a", NULL, 1, 3 << 20, 10},
	    {"b", NULL, 1, 4 << 20, 11},
	};
	struct mf_cut_plan *pa, *pb;
	struct sample a, b;

	(void)state;
	sample_init(&a);
	sample_init(&b);
	sample_gguf(&a, t, 1, 20000);
	sample_gguf(&b, t, 2, 20000);
	pa = sample_must(&a, "gguf");
	pb = sample_must(&b, "gguf");
	assert_true(pa->chunks[0].len == pb->chunks[0].len && pa->chunks[0].len > 200000);
	assert_int_equal(pa->chunks[1].element, MF_ELEMENT_TEXT);
	mf_cut_plan_free(pa);
	mf_cut_plan_free(pb);
	sample_fini(&a);
	sample_fini(&b);
}

/* The fixed part of a header that the hostile cases go on from. */
static void
start(struct mf_buf *b, uint64_t tensors, uint64_t pairs)
{
	mf_buf_put(b, "GGUF", 4);
	mf_buf_put_u32(b, 3);
	mf_buf_put_u64(b, tensors);
	mf_buf_put_u64(b, pairs);
}

static void
put_string(struct mf_buf *b, const char *text)
{
	mf_buf_put_u64(b, strlen(text));
	mf_buf_put(b, text, strlen(text));
}

static void
put_tensor(struct mf_buf *b, const char *name, uint64_t elements, uint32_t type, uint64_t offset)
{
	put_string(b, name);
	mf_buf_put_u32(b, 1);
	mf_buf_put_u64(b, elements);
	mf_buf_put_u32(b, type);
	mf_buf_put_u64(b, offset);
}

/* Refused for this reason, once 4 KiB of zeros follow; frees b. */
static void
refused(struct mf_buf *b, const char *word)
{
	struct sample s;

	sample_init(&s);
	sample_bytes(&s, b->data, b->len);
	sample_virtual(&s, 4096, 1);
	sample_refused(&s, word);
	assert_true(s.n_reads < 100);
	sample_fini(&s);
	mf_buf_fini(b);
}

static void
hostile_counts(void **state)
{
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	start(&b, UINT64_MAX, 0);
	refused(&b, "malformed");
	start(&b, 0, UINT64_MAX);
	refused(&b, "malformed");
	start(&b, 1000000000, 1000000000);
	refused(&b, "malformed");
	mf_buf_put(&b, "GGUF\001\0\0\0", 8);
	refused(&b, "version");
	mf_buf_put(&b, "GGUF\0\0\0\003", 8); /* big-endian */
	refused(&b, "version");
}

static void
hostile_metadata(void **state)
{
	struct mf_buf b = MF_BUF_INIT;
	unsigned i;

	(void)state;
	start(&b, 0, 1); /* key length */
	mf_buf_put_u64(&b, UINT64_MAX - 7);
	refused(&b, "malformed");
	start(&b, 0, 1); /* type */
	put_string(&b, "k");
	mf_buf_put_u32(&b, 13);
	refused(&b, "malformed");
	start(&b, 0, 1); /* string length */
	put_string(&b, "k");
	mf_buf_put_u32(&b, 8);
	mf_buf_put_u64(&b, UINT64_MAX);
	refused(&b, "malformed");
	start(&b, 0, 1); /* array length times size wraps */
	put_string(&b, "k");
	mf_buf_put_u32(&b, 9);
	mf_buf_put_u32(&b, 10);
	mf_buf_put_u64(&b, ((uint64_t)1 << 61) + 1);
	refused(&b, "malformed");
	start(&b, 0, 1); /* array of ever more arrays */
	put_string(&b, "k");
	mf_buf_put_u32(&b, 9);
	for (i = 0; i < 100; i++) {
		mf_buf_put_u32(&b, 9);
		mf_buf_put_u64(&b, 1);
	}
	refused(&b, "malformed");
	start(&b, 0, 1); /* alignment */
	put_string(&b, "general.alignment");
	mf_buf_put_u32(&b, 4);
	mf_buf_put_u32(&b, 48);
	refused(&b, "malformed");
	start(&b, 0, 1);
	put_string(&b, "general.alignment");
	mf_buf_put_u32(&b, 4);
	mf_buf_put_u32(&b, 0);
	refused(&b, "malformed");
}

static void
hostile_tensors(void **state)
{
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	start(&b, 1, 0);
	put_tensor(&b, "a", 16, 0, UINT64_MAX - 31);
	refused(&b, "past the end");
	start(&b, 1, 0);
	put_tensor(&b, "a", 16, 0, 4096);
	refused(&b, "past the end");
	start(&b, 1, 0);
	put_tensor(&b, "a", UINT64_MAX / 2, 0, 0);
	refused(&b, "malformed");
	start(&b, 1, 0); /* not whole blocks */
	put_tensor(&b, "a", 33, 2, 0);
	refused(&b, "malformed");
	start(&b, 1, 0);
	put_string(&b, "a");
	mf_buf_put_u32(&b, 1000000); /* dimensions */
	refused(&b, "malformed");
	start(&b, 2, 0);
	put_tensor(&b, "a", 16, 0, 0);
	put_tensor(&b, "b", 16, 0, 32);
	refused(&b, "overlap");
	start(&b, 2, 0);
	put_tensor(&b, "a", 16, 0, 0);
	put_tensor(&b, "a", 16, 0, 64);
	refused(&b, "same name");
}

/* Cut short anywhere, it is refused or has no structure; never more. */
static void
truncated(void **state)
{
	static const struct sample_tensor t = {"a", NULL, 1, 2048, 10};
	struct sample s, part;
	struct mf_cut_plan *p;
	size_t n;

	(void)state;
	sample_init(&s);
	sample_gguf(&s, &t, 1, 5);
	for (n = 0; n < s.bytes.len; n++) {
		sample_init(&part);
		sample_bytes(&part, s.bytes.data, n);
		assert_int_equal(sample_plan(&part, &p, NULL), 1);
		sample_fini(&part);
	}
	sample_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tensors_and_padding),
	    cmocka_unit_test(unknown_type),
	    cmocka_unit_test(vocabulary_apart),
	    cmocka_unit_test(hostile_counts),
	    cmocka_unit_test(hostile_metadata),
	    cmocka_unit_test(hostile_tensors),
	    cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests_name("chunk/gguf", tests, NULL, NULL);
}
