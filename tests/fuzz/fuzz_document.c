/* A plan's text, or an answer: as a stream of YAML and as JSON. */
#include "tests/fuzz/fuzz_check.h"

#include <stdio.h>

#include "src/rollout/document.h"

/* What hangs together below node; its depth. */
static unsigned
check_tree(const struct mf_node *node, unsigned depth)
{
	const struct mf_node *item;
	char path[MF_NODE_PATH_BYTES];
	size_t i;

	fuzz_require(depth <= MF_NODE_DEPTH_MAX);
	fuzz_require(strlen(mf_node_path(node, path)) < sizeof path);
	if (node->kind != MF_NODE_LIST && node->kind != MF_NODE_MAP) {
		fuzz_require(node->n_items == 0 && node->text != NULL);
		return depth;
	}
	for (i = 0; i < node->n_items; i++) {
		item = node->items[i];
		fuzz_require(item->parent == node && item->index == i);
		fuzz_require((item->key != NULL) == (node->kind == MF_NODE_MAP));
		if (item->key != NULL)
			fuzz_require(mf_node_get(node, item->key) == item);
		(void)check_tree(item, depth + 1);
	}
	return depth;
}

/* Printed and read again it is the same. */
static void
check_again(const struct mf_node *node, struct mf_region *r)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	const struct mf_node *again;

	mf_node_put_json(&b, node);
	fuzz_require(!b.failed);
	again = mf_document_json("it", b.data, b.len, r, &e);
	/* escapes make it longer, and empty collections count twice as JSON */
	fuzz_require(again != NULL || b.len > MF_DOCUMENT_BYTES_MAX / 8);
	if (again != NULL)
		fuzz_require(mf_node_equal(node, again));
	mf_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct mf_region_params params = {
	    .plain_bytes = (size_t)256 << 20, .what = "it", .reserve_bytes = (size_t)1 << 30};
	struct mf_region *r;
	struct mf_documents docs;
	struct mf_error e = {0};
	const struct mf_node *node;
	size_t i;

	fuzz_require(mf_region_new(&params, &r, NULL) == 0);
	if (mf_documents_read(&docs, "f", data, n, r, &e) != 0) {
		fuzz_require_error(&e);
	} else {
		fuzz_require(e.code == MF_OK);
		for (i = 0; i < docs.n; i++) {
			(void)check_tree(docs.roots[i], 0);
			check_again(docs.roots[i], r);
		}
	}
	if ((node = mf_document_json("it", data, n, r, &e)) == NULL)
		fuzz_require_error(&e);
	else
		(void)check_tree(node, 0);
	mf_region_free(r);
	return 0;
}
