/*
 * Reading chunks: fetch, open, decode, check. Where the generation that a manifest hints at is
 * gone or damaged, the other generations of the id are tried, so that a repaired repository
 * reads like a healthy one even while the damaged object is still there.
 */
#ifndef MF_REPO_CHUNK_READ_INT_H
#define MF_REPO_CHUNK_READ_INT_H

#include "src/base/progress.h"
#include "src/repo/repo_int.h"

/* Bytes that a reader may hold: sealed object and decoder. For budgets. */
#define MF_CHUNK_READER_BYTES ((size_t)20 << 20)

/*
 * Call attempt(arg, name, e) for the names of an id, the hinted generation first, then those
 * that the store lists, until one returns 0. One that fails with MF_ENOTFOUND is gone (a prune
 * may have moved it), one that fails with damage (mf_error_is_damage) is passed over; a
 * damaged generation beside a healthy one is a warning in the log. 0; -1 with any other error
 * that came up, with the first damage, or, where no name is stored, with MF_EDAMAGED: a
 * manifest names it, so it is lost. The message names the object. e must not be NULL.
 */
int mf_generations_try(struct mf_repo *repo, enum mf_object_type type, const struct mf_id *id,
    uint64_t hint, int (*attempt)(void *arg, const char *name, struct mf_error *e), void *arg,
    struct mf_error *e);

/* Does this error of reading an object mean that the object itself is no good, so that
 * another generation of it may be? */
bool mf_error_is_damage(const struct mf_error *e);

/* Is an object that was read, and is no good as *e says, worth reading once more? What comes over a
 * network may have been changed on the way. Then that is logged, and *e cleared. */
bool mf_read_again(const struct mf_repo *repo, const char *name, struct mf_error *e);

struct mf_chunk_reader; /* buffers and a decoder, for one thread at a time */

/* What a chunk's plaintext is compared with, beside the AEAD tag of its object. */
enum mf_chunk_check {
	MF_CHUNK_CHECKSUM, /* the manifest's: enough where who has the data key is trusted */
	/* its id, computed again, which a signature covers: it costs four checksums, and says all
	 * that a checksum says of what was read */
	MF_CHUNK_ID,
	MF_CHUNK_BOTH /* so that a manifest with a wrong checksum is found too */
};

struct mf_chunk_reader *mf_chunk_reader_new(
    struct mf_repo *repo, enum mf_chunk_check check, struct mf_error *e);
void mf_chunk_reader_free(struct mf_chunk_reader *r);
/* Its CPU time by stage is counted there, which outlives it. */
void mf_chunk_reader_count(struct mf_chunk_reader *r, struct mf_progress *progress);

/*
 * The chunk's plaintext, ref->plain_len bytes, into plain. fetched_bytes (may be NULL) is
 * raised by the sealed bytes that were read. -1: the store's error, or MF_EDAMAGED,
 * MF_EUNSUPPORTED, MF_EKEY (an epoch without a key) with a message that names the object and
 * says what is wrong: missing, truncated, does not open, wrong content. plain is undefined then.
 */
int mf_chunk_reader_read(struct mf_chunk_reader *r, const struct mf_chunk_ref *ref,
    uint8_t *plain, uint64_t *fetched_bytes, struct mf_error *e);

#endif
