/*
 * A tree in a bucket, below a prefix: a file is an object, its key the prefix, a '/' and the path.
 * Keys that are no paths (an empty component, '/' at the end, "." or "..") are passed over.
 *
 * As rclone has it: the mtime is the object's metadata "mtime", in decimal seconds, and the MD5 of
 * an object whose ETag is none is "md5chksum", in base64. An ETag is taken for an MD5 where it is
 * 32 hexadecimal digits; no longer once an answer said that a KMS or a customer's key is in use.
 * Of what is put in parts the ETag is the MD5 of the parts' MD5s: the metadata
 * "modelferry-part-bytes" tell how large those are, so that what comes back is compared with it,
 * where the store tells nothing else of the whole.
 *
 * gs:// is the same in Google's words (XML API). As rclone has it there: the mtime is "mtime" in
 * RFC 3339's form, with "goog-reserved-file-mtime" beside it, gsutil's, in whole seconds; either is
 * read. The MD5 is what Google tells (x-goog-hash); an object that was put in parts has none, and
 * what came of it is checked by its CRC-32C. Objects of the encoding gzip are taken as they lie
 * there. Deletions go one by one, several at once.
 *
 * Whatever failed and may work later is tried again, puts too: under one name the last put wins,
 * and nobody but whoever mirrors should put there meanwhile.
 *
 * A file larger than a part goes in parts. What an interrupted one leaves stays for the next run
 * where it is remembered (mf_tree_remember), else it is removed at once where that is possible;
 * mf_tree_sweep removes every other upload in parts below the prefix that was begun before,
 * whoever's it is.
 */
#ifndef MF_TRANSFERS_TREE_S3_H
#define MF_TRANSFERS_TREE_S3_H

#include "transfers/gcs_open.h"
#include "transfers/retry.h"
#include "transfers/s3_open.h"
#include "transfers/tree.h"

#define MF_TREE_S3_PARTS_AT_ONCE 4

/* Zero: the default of each. */
struct mf_tree_s3_params {
	struct mf_retry_params retry; /* whose waiting, where it is zero, is the options' */
	uint64_t part_bytes;          /* 0: 16 MiB. Larger where 10,000 parts would not do */
	/* Of one file, both ways; at most 64. 0: MF_TREE_S3_PARTS_AT_ONCE. */
	unsigned parts_at_once;
	/* A file of four times this or more is read in ranges of it, or of as many whole parts as
	 * hold it. 0: 32 MiB. */
	uint64_t range_bytes;
	/* What is larger is copied in parts of copy_part_bytes. 0: 5 GiB, which is the most that
	 * S3 copies at once, and 512 MiB. No matter where a store has no such limit. */
	uint64_t copy_bytes_max, copy_part_bytes;
	unsigned lists_at_once; /* requests of one long listing; 0: 8; at most 64; 1: read in order */
	bool ignore_sums;       /* get does not compare what came with what the store says of it */
	/* Whose credentials these are, by the caller's count: between trees of two accounts nothing
	 * is copied within the store, since neither may read what is the other's. */
	unsigned account;
	/* Of what was received and not taken yet, by each connection that gets a range or a file of
	 * more than that; a power of two. 0: 256 KiB, and pieces come as they are. */
	size_t window_bytes;
	uint64_t memory_bytes; /* of all puts at once; 0: 128 MiB; at least one part is taken */
};

/* rest is what stands behind "s3://". Asks nothing. 0, and *out is the caller's; -1 as
 * mf_s3_open. p may be NULL. */
int mf_tree_s3_open(const char *rest, const struct mf_s3_options *options, bool write,
    const struct mf_tree_s3_params *p, struct mf_tree **out, struct mf_error *e);

/* The same for what stands behind "gs://"; -1 as mf_gcs_open. */
int mf_tree_gcs_open(const char *rest, const struct mf_gcs_options *options, bool write,
    const struct mf_tree_s3_params *p, struct mf_tree **out, struct mf_error *e);

/* The same on a store that mf_s3_store_open or mf_gcs_open made, which belongs to *out once 0 is
 * returned. */
int mf_tree_s3_take(struct mf_store *store, const struct mf_tree_s3_params *p, struct mf_tree **out,
    struct mf_error *e);

#endif
