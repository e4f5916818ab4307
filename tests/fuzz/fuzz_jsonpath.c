/* A JSON path on a document. The input: the path, a newline, the document (else a small one). */
#include "tests/fuzz/fuzz_check.h"

#include "src/rollout/document.h"
#include "src/rollout/jsonpath.h"

static const char document[] =
    "{\"a\":{\"b\":[{\"c\":1,\"d\":\"x\"},{\"c\":2}],\"e\":null},\"f\":[1,2]}";

static int
is_below(const struct mf_node *node, const struct mf_node *root)
{
	while (node != NULL && node != root)
		node = node->parent;
	return node == root;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct mf_region_params params = {
	    .plain_bytes = (size_t)256 << 20, .what = "it", .reserve_bytes = (size_t)1 << 30};
	char *text = fuzz_next_text(&data, &n, '\n');
	struct mf_error e = {0};
	const struct mf_jsonpath *path;
	const struct mf_node *root, *node;
	struct mf_region *r;

	if (text == NULL)
		return 0;
	fuzz_require(mf_region_new(&params, &r, NULL) == 0);
	root = mf_document_json("it", data, n, r, NULL);
	if (root == NULL)
		root = mf_document_json("it", document, sizeof document - 1, r, NULL);
	fuzz_require(root != NULL);
	path = mf_jsonpath_read(text, r, &e);
	node = path != NULL ? mf_jsonpath_first(path, root, &e) : NULL;
	if (node == NULL)
		fuzz_require_error(&e);
	else
		fuzz_require(is_below(node, root));
	mf_region_free(r);
	free(text);
	return 0;
}
