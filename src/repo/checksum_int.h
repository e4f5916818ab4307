/* XXH3-128 seeded by the repository, in canonical (big-endian) form. */
#ifndef MF_REPO_CHECKSUM_INT_H
#define MF_REPO_CHECKSUM_INT_H

#include "src/repo/repo_int.h"

void mf_checksum(const struct mf_repo *repo, const void *bytes, size_t n,
    uint8_t out[MF_CHECKSUM_BYTES]);

struct mf_checksum_stream; /* of a whole file, front to back */
struct mf_checksum_stream *mf_checksum_stream_new(const struct mf_repo *repo, struct mf_error *e);
void mf_checksum_stream_reset(struct mf_checksum_stream *s);
void mf_checksum_stream_add(struct mf_checksum_stream *s, const void *bytes, size_t n);
void mf_checksum_stream_end(struct mf_checksum_stream *s, uint8_t out[MF_CHECKSUM_BYTES]);
void mf_checksum_stream_free(struct mf_checksum_stream *s);

#endif
