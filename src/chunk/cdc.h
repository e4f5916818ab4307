/*
 * Content-defined cutting for bytes without a known structure: a gear hash (Xia et al.,
 * "FastCDC", USENIX ATC 2016) whose table is derived from the repository's cut seed, with
 * normalised masks. A cut depends on the 64 bytes before it and on the distance to the cut
 * before, so that an insertion moves the cuts near it only.
 */
#ifndef MF_CHUNK_CDC_H
#define MF_CHUNK_CDC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_CDC_MIN_BYTES ((size_t)4 << 20)
#define MF_CDC_TARGET_BYTES ((size_t)8 << 20)
#define MF_CDC_MAX_BYTES ((size_t)16 << 20)

/* Immutable: shared by threads. */
struct mf_cdc;

/* key: 32 bytes, the cut seed; copied into a table. NULL: out of memory. */
struct mf_cdc *mf_cdc_new(const uint8_t *key, struct mf_error *e);
void mf_cdc_free(struct mf_cdc *c);

/* The length of the first chunk of buf, or 0: more data are needed (n is below
 * MF_CDC_MAX_BYTES, and `final` does not say that the input ends here). Never more than
 * MF_CDC_MAX_BYTES; less than MF_CDC_MIN_BYTES only for the rest of a final buffer. */
size_t mf_cdc_find(const struct mf_cdc *c, const uint8_t *buf, size_t n, bool final);
/* The same where a call for the first `searched` bytes, not final, has returned 0: they are not
 * searched again. */
size_t mf_cdc_find_on(
    const struct mf_cdc *c, const uint8_t *buf, size_t searched, size_t n, bool final);

#endif
