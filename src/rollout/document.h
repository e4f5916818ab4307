/*
 * Text to trees: a YAML stream of documents (JSON is YAML), and strict JSON. Scalars are resolved
 * as Kubernetes' own reader does (sigs.k8s.io/yaml over go-yaml 2: yes, no, on, off, y and n are
 * booleans, 0o17 and 017 are numbers, dates are strings), so that a file means here what it means
 * to kubectl. Merge keys (<<) are followed.
 *
 * Refused by line: a key twice in one map, a key that is null, a fraction or no scalar, .nan and
 * .inf, tags other than the core ones, a NUL, an anchor within itself, a merge behind a key that
 * both have, depth past MF_NODE_DEPTH_MAX, more than MF_DOCUMENT_NODES_MAX nodes of all documents
 * (aliases are copied, and count as often as they are named). Pure but for memory; any thread.
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

/* All documents of a stream. -1: MF_EUSAGE naming "FILE:LINE: ...", MF_ENOMEM. A text that begins
 * as JSON and is good JSON, but no YAML (escaped surrogates, long keys), is read as JSON; its
 * nodes have no lines then. */
int mf_documents_read(struct mf_documents *out, const char *file, const void *bytes, size_t n,
    struct mf_region *r, struct mf_error *e);
/* One strict JSON text (RFC 8259; no key twice, no NUL, the same bounds). what: for messages ("the
 * answer of URL"). NULL: MF_EUSAGE "WHAT is no JSON: ... (line 3)", MF_ENOMEM. */
struct mf_node *mf_document_json(
    const char *what, const void *bytes, size_t n, struct mf_region *r, struct mf_error *e);

#endif
