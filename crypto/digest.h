/*
 * Digests that other systems ask for, SHA-256 and MD5, of bytes that are no secret. The
 * repository's own ids and checksums are keyed and lie elsewhere (id.h, seal.h).
 *
 * SHA-256 (FIPS 180-4) is one implementation behind a row with a function pointer; a variant
 * is a file: digest.c holds the reference, by libsodium; digest_evp.c computes the same bytes
 * about five times as fast through libcrypto; sha256_together.c those of large pieces two at a
 * time, whichever threads they belong to, where the processor has instructions for it, and leaves
 * all others to libcrypto. HMAC-SHA256 is RFC 2104, by libsodium.
 *
 * MD5 (RFC 1321) protects nothing against anybody: it is here because S3 asks for Content-MD5
 * in places and calls it ETag in others. Several streams at once are computed in the lanes of the
 * processor's vectors (md5.c), whichever threads they belong to: three to five times as fast as one
 * after the other, which matters where few processors have many streams to read. They meet under a
 * lock of the process; a struct mf_md5 belongs to one thread at a time. All others are pure
 * functions of their arguments.
 */
#ifndef MF_CRYPTO_DIGEST_H
#define MF_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_SHA256_BYTES 32
#define MF_SHA256_HEX_BYTES (2 * MF_SHA256_BYTES + 1) /* with the NUL */
#define MF_MD5_BYTES 16
#define MF_MD5_RING_BYTES ((size_t)256 << 10)

struct mf_sha256_row {
	const char *name;
	/* The digest of n bytes (bytes may be NULL if n is 0). Cannot fail. */
	void (*digest)(const void *bytes, size_t n, uint8_t out[MF_SHA256_BYTES]);
};

extern const struct mf_sha256_row mf_sha256_sodium;
extern const struct mf_sha256_row mf_sha256_evp;
extern const struct mf_sha256_row mf_sha256_together;

/* By the fastest row. */
void mf_sha256(const void *bytes, size_t n, uint8_t out[MF_SHA256_BYTES]);

/* HMAC-SHA256 of n bytes, with a key of any length. Wipes what it derived. */
void mf_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
    uint8_t out[MF_SHA256_BYTES]);

/* The same of what comes bit by bit, through libcrypto. One thread at a time. */
struct mf_sha256_sum;

/* Of nothing yet. NULL with MF_ENOMEM. */
struct mf_sha256_sum *mf_sha256_new(struct mf_error *e);
/* Add n bytes. A failure inside the library is reported by mf_sha256_final. */
void mf_sha256_update(struct mf_sha256_sum *s, const void *bytes, size_t n);
/* The digest; then *s is as new again, for the next one. 0, or -1 with MF_EFAIL. */
int mf_sha256_final(struct mf_sha256_sum *s, uint8_t out[MF_SHA256_BYTES], struct mf_error *e);
void mf_sha256_free(struct mf_sha256_sum *s);

/*
 * A stream's MD5. It takes some hundred bytes, and MF_MD5_RING_BYTES more once it has had 32 KiB
 * while another such stream was under way. One that is alone goes as fast as a processor does (0.9
 * GB/s), and up to three together not much slower; where more are combined each gets 0.5 GB/s or
 * more. A stream that stands still holds up nobody for more than a few ms.
 */
struct mf_md5;

/* An MD5 of what is to come. NULL with MF_ENOMEM, or with MF_EUNSUPPORTED where the system's
 * policy forbids MD5 (FIPS mode). */
struct mf_md5 *mf_md5_new(struct mf_error *e);
/* Add n bytes; they are not needed any more when it returns. May work for other streams, or wait
 * for some ms until enough of them have data. */
void mf_md5_update(struct mf_md5 *m, const void *bytes, size_t n);
/* The digest; then *m is as new again, for the next one. 0. (-1 with MF_EFAIL would be for a
 * library's failure, which ours cannot have.) */
int mf_md5_final(struct mf_md5 *m, uint8_t out[MF_MD5_BYTES], struct mf_error *e);
/* At any time, also in the middle: waits for a thread that works on it, 0.5 ms. NULL is fine. */
void mf_md5_free(struct mf_md5 *m);

/* What stores of the S3 kind make the ETag of an object of, that was put in parts: the MD5 of the
 * MD5s of each part_bytes bytes and of the rest. Of no bytes there is one part. */
struct mf_md5_parts;

/* As mf_md5_new, and the same below. 0 part_bytes: no parts, the MD5 of all bytes. */
struct mf_md5_parts *mf_md5_parts_new(uint64_t part_bytes, struct mf_error *e);
void mf_md5_parts_update(struct mf_md5_parts *m, const void *bytes, size_t n);
int mf_md5_parts_final(struct mf_md5_parts *m, uint8_t out[MF_MD5_BYTES], struct mf_error *e);
void mf_md5_parts_free(struct mf_md5_parts *m); /* NULL is fine */

#endif
