/*
 * Shards: several processes push one version, each its part. What all of them must find alike
 * without talking to each other: whose a position is, and whether they saw the same files.
 * Pure. The rules: modelferry-repository(5), Partial manifests.
 */
#ifndef MF_REPO_SHARD_INT_H
#define MF_REPO_SHARD_INT_H

#include <sodium.h>

#include "src/repo/manifest.h"

/* Positions: the bytes of all files, in the order of their paths, as one run. */
struct mf_shard_range {
	uint64_t from, to; /* to is not part of it; UINT64_MAX: what comes behind the end too */
};

/* What shard `number` (1 to of) has of total_bytes. The ranges of all shards follow each other
 * without a gap, and differ by at most one byte in length. */
struct mf_shard_range mf_shard_range_of(uint64_t total_bytes, uint32_t number, uint32_t of);
bool mf_shard_has(const struct mf_shard_range *r, uint64_t position);
/* Has it one of the size_bytes from this position on? */
bool mf_shard_meets(const struct mf_shard_range *r, uint64_t position, uint64_t size_bytes);

/* The digest of a listing: everything that push sees of the source but the content. Two
 * processes that saw another state of a file have different ones. rules: MF_LISTING_NO_*. */
struct mf_listing_digest {
	crypto_generichash_state state;
	uint8_t rules;
};
void mf_listing_digest_init(struct mf_listing_digest *d, uint8_t rules);
/* Entries in order. */
void mf_listing_digest_add(struct mf_listing_digest *d, const struct mf_entry *x);
void mf_listing_digest_end(struct mf_listing_digest *d, uint8_t out[MF_LISTING_DIGEST_BYTES]);
/* Of a whole version. */
void mf_listing_digest_of(
    const struct mf_listing *l, uint8_t rules, uint8_t out[MF_LISTING_DIGEST_BYTES]);

#endif
