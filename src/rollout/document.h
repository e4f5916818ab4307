/*
 * Text to trees: a YAML stream of documents (JSON is YAML), and strict JSON. Scalars are resolved
 * as Kubernetes' own reader does (YAML 1.1: yes, no, on and off are booleans; 0o17 and 017, too,
 * are numbers), so that a file means here what it means to kubectl. Refused by line: a key twice
 * in one map, a key that is no scalar, tags other than the core ones, a NUL, anchors that would
 * blow up, depth past MF_NODE_DEPTH_MAX, more than max_nodes. Pure but for memory.
 */
#ifndef MF_ROLLOUT_DOCUMENT_H
#define MF_ROLLOUT_DOCUMENT_H

#include <stddef.h>

#include "src/rollout/node.h"

#define MF_DOCUMENT_BYTES_MAX ((size_t)4 << 20)
#define MF_DOCUMENT_NODES_MAX ((size_t)200000)
#define MF_DOCUMENTS_MAX 256u

struct mf_documents {
	const char *file;       /* for messages; the region's copy */
	struct mf_node **roots; /* empty documents are left out */
	size_t n;
};

/* All documents of a stream. -1: MF_EUSAGE naming "FILE:LINE: ...", MF_ENOMEM. */
int mf_documents_read(struct mf_documents *out, const char *file, const void *bytes, size_t n,
    struct mf_region *r, struct mf_error *e);
/* One strict JSON text (RFC 8259). what: for messages ("the answer of URL"). MF_EUSAGE if bad. */
struct mf_node *mf_document_json(
    const char *what, const void *bytes, size_t n, struct mf_region *r, struct mf_error *e);

#endif
