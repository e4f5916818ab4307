/* What the tests of src/rollout share: a region a test, trees of texts, texts of trees. */
#ifndef MF_TESTS_UNIT_ROLLOUT_TREES_H
#define MF_TESTS_UNIT_ROLLOUT_TREES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/region.h"
#include "src/rollout/document.h"
#include "src/rollout/node.h"

#define ROWS(a) (sizeof(a) / sizeof(a)[0])

static inline struct mf_region *
trees_region(void)
{
	const struct mf_region_params params = {
	    .plain_bytes = (size_t)256 << 20, .what = "a test", .reserve_bytes = (size_t)1 << 30};
	struct mf_region *r;

	assert_int_equal(mf_region_new(&params, &r, NULL), 0);
	return r;
}

/* A fresh region, as the state of each test. */
static inline int
trees_setup(void **state)
{
	*state = trees_region();
	return 0;
}

static inline int
trees_teardown(void **state)
{
	mf_region_free(*state);
	return 0;
}

#define trees_test(function) cmocka_unit_test_setup_teardown(function, trees_setup, trees_teardown)

/* The tree of a JSON text. */
static inline struct mf_node *
tree_of(struct mf_region *r, const char *json)
{
	struct mf_error e = {0};
	struct mf_node *node = mf_document_json("the test", json, strlen(json), r, &e);

	if (node == NULL)
		fail_msg("%s: %s", json, e.message);
	return node;
}

static inline void
assert_tree(const struct mf_node *node, const char *json)
{
	struct mf_buf b = MF_BUF_INIT;

	assert_non_null(node);
	mf_node_put_json(&b, node);
	assert_string_equal(mf_buf_cstr(&b), json);
	mf_buf_fini(&b);
}

#endif
