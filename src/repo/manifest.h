/*
 * The manifest of a version in memory, and its bytes: a root (signed, names the segments) and
 * content-addressed segments of entries. Pure; sealing and storing is object_int.h's.
 * The bytes: modelferry-repository(5), MANIFEST.
 */
#ifndef MF_REPO_MANIFEST_H
#define MF_REPO_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/id.h"
#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/base/region.h"

#define MF_MANIFEST_FORMAT 1
#define MF_CHECKSUM_BYTES 16		/* XXH3-128, canonical */
#define MF_ROOT_MAX_BYTES (1u << 20)
#define MF_SEGMENT_MAX_BYTES (4u << 20)
#define MF_SEGMENT_READER_BYTES ((size_t)2 * MF_SEGMENT_MAX_BYTES) /* sealed, too, meanwhile */
#define MF_SEGMENT_TARGET_BYTES (512u << 10)
#define MF_PATH_MAX_BYTES 4096
#define MF_CHUNK_MAX_BYTES (16u << 20)

enum mf_entry_type { MF_ENTRY_FILE = 1, MF_ENTRY_DIR, MF_ENTRY_SYMLINK, MF_ENTRY_HARDLINK };

/* A chunk as a manifest names it. */
struct mf_chunk_ref {
	struct mf_id id;
	uint64_t generation; /* hint: where it was when the manifest was written */
	uint8_t checksum[MF_CHECKSUM_BYTES];
	uint32_t plain_len;
};

/* Some bytes of a file: a stretch of one chunk. Slices of a file are in file order. */
#define MF_SLICE_ELSEWHERE UINT32_MAX /* no chunk: bytes that another shard has; offset 0 */
struct mf_slice {
	uint32_t chunk; /* index into the chunk table of the listing (struct mf_listing) */
	uint32_t offset;
	uint32_t len;
};

struct mf_entry {
	enum mf_entry_type type;
	uint32_t mode; /* permission bits, 07777 */
	int64_t mtime_ns, ctime_ns;
	uint64_t inode;
	uint64_t size;
	uint8_t checksum[MF_CHECKSUM_BYTES]; /* of a file's whole content */
	char *path;	/* owned; relative, safe (mf_fs_path_is_safe) */
	char *target;	/* owned; of a symlink; of a hard link the path of its first name */
	size_t first_slice; /* in the listing's slices */
	size_t n_slices;
	bool lacks_checksum; /* it is another shard's, and zero here */
};

/* All entries of a version, by path (compared bytewise, '/' lowest), with the chunks they use. */
struct mf_listing {
	struct mf_entry *entries;
	size_t n_entries, entries_capacity;
	struct mf_slice *slices;
	size_t n_slices, slices_capacity;
	struct mf_chunk_ref *chunks;
	size_t n_chunks, chunks_capacity;
	/* What one shard of a push has: slices may be MF_SLICE_ELSEWHERE, entries lack checksums.
	 * Set by whoever makes the listing; in any other, both are damage. */
	bool is_partial;
	/* where entries, slices and strings lie; NULL: in plain memory (mf_listing_init) */
	struct mf_region *entries_region, *slices_region, *strings_region;
};

struct mf_tag { char *key, *value; };
#define MF_PAIRS_MAX 1024 /* tags, and metrics, of a version */
#define MF_PAIR_KEY_MAX_BYTES 1024
#define MF_PAIR_VALUE_MAX_BYTES 65536
struct mf_metric { char *name; double value; };

struct mf_segment_ref {
	struct mf_id id;
	uint64_t generation;
	uint32_t plain_len;
};

#define MF_ROOT_PARTIAL 1u /* flag: some source files were left out (--allow-partial) */
#define MF_ROOT_SHARD 2u   /* flag: what one shard of a push brought, and no version */

#define MF_SHARDS_MAX 256
#define MF_LISTING_DIGEST_BYTES 32
#define MF_LISTING_NO_INODE 1u /* rules: what does not count in the digest of a listing */
#define MF_LISTING_NO_CTIME 2u

/* Of a root with MF_ROOT_SHARD: which part it is, of what. */
struct mf_root_shard {
	uint32_t number, of; /* 1 to of; of is at most MF_SHARDS_MAX */
	uint8_t rules;
	uint8_t listing[MF_LISTING_DIGEST_BYTES]; /* digest of all entries, see shard_int.h */
};

struct mf_root {
	uint8_t repo_id[32];
	char *model, *version, *parent; /* parent "": none */
	int64_t created_us, scanned_us; /* scanned: when the source's metadata were read */
	char *tool;
	uint32_t flags;
	uint64_t n_entries, n_files, bytes, n_chunks;
	struct mf_tag *tags;
	size_t n_tags;
	struct mf_metric *metrics;
	size_t n_metrics;
	struct mf_segment_ref *segments;
	size_t n_segments;
	struct mf_root_shard shard; /* where flags has MF_ROOT_SHARD */
	bool is_signed;
	uint8_t signer[32];    /* Ed25519 public key */
	uint8_t signature[64]; /* over MF_ROOT_SIGN_DOMAIN and all bytes before the signature part */
};

#define MF_ROOT_SIGN_DOMAIN "modelferry manifest v1"

/* An empty listing whose entries and slices lie in regions, so that they need not be in memory
 * together; {0} is one in plain memory. */
int mf_listing_init(struct mf_listing *l, const struct mf_region_params *p, struct mf_error *e);
/* Its regions are not looked at for a while. */
void mf_listing_cool(const struct mf_listing *l);
/* How many entries may be looked at between two mf_listing_cool. */
#define MF_LISTING_COOL_ENTRIES 4096
/* Memory that entries, slices and strings take, where they lie in regions. */
size_t mf_listing_memory_bytes(const struct mf_listing *l);
/* Free what they own; an empty one in plain memory is left. */
void mf_listing_fini(struct mf_listing *l);
void mf_root_fini(struct mf_root *r);
/* Would a reader take these? 0, or -1 with MF_EUSAGE: too many, or one that is too long. */
int mf_root_check_tags(const struct mf_tag *tags, size_t n, struct mf_error *e);
int mf_root_check_metrics(const struct mf_metric *metrics, size_t n, struct mf_error *e);
/* Append; strings and slices are copied. -1: out of memory. */
int mf_listing_add_entry(struct mf_listing *l, const struct mf_entry *entry, struct mf_error *e);
int mf_listing_add_slice(struct mf_listing *l, struct mf_slice s, struct mf_error *e);
int mf_listing_add_chunk(struct mf_listing *l, const struct mf_chunk_ref *c, uint32_t *index,
    struct mf_error *e);
/* Order of paths: as bytes, with '/' before every other byte, so that a directory's content
 * follows it. */
int mf_path_compare(const char *a, const char *b);
/* The entry of this path, or NULL. The listing must be sorted. */
const struct mf_entry *mf_listing_find(const struct mf_listing *l, const char *path);

/* Encode the entries from *next on into one segment (appended to out), until the segment
 * closes: at a content-defined entry past the target, or before the maximum. *next is where
 * the following segment starts; a file's slices may go on there, *slice_next says where. */
int mf_segment_encode(const struct mf_listing *l, size_t *next, size_t *slice_next,
    struct mf_buf *out, struct mf_error *e);
/* Append a segment's entries to l. Hostile input: MF_EDAMAGED, bounded. A segment that goes on
 * with the last entry of l extends it. */
int mf_segment_decode(const uint8_t *bytes, size_t n, struct mf_listing *l, struct mf_error *e);

/* Only the ids a segment names: for prune and verify. cb's nonzero return stops with it. */
int mf_segment_each_chunk(const uint8_t *bytes, size_t n,
    int (*cb)(void *arg, const struct mf_chunk_ref *chunk), void *arg, struct mf_error *e);

/* signer may be NULL: an unsigned root. Sets is_signed, signer, signature. -1: MF_EUSAGE for
 * tags, metrics and segments past what a reader takes, MF_ENOMEM. */
int mf_root_encode(struct mf_root *r, const struct mf_signer *signer, struct mf_buf *out,
    struct mf_error *e);
/* *r is the caller's, to be ended with mf_root_fini. Hostile input: MF_EDAMAGED, bounded. The
 * signature is not checked: mf_root_verify. */
int mf_root_decode(const uint8_t *bytes, size_t n, struct mf_root *out, struct mf_error *e);
/* trust must know the signer; n bytes are the root's. MF_EKEY otherwise. */
int mf_root_verify(const struct mf_root *r, const uint8_t *bytes, size_t n,
    const struct mf_trust *trust, int64_t now_us, struct mf_error *e);

#endif
