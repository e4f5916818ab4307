/* What a sample of bytes says about its compressibility. Pure, any thread. */
#ifndef MF_CODEC_MEASURE_H
#define MF_CODEC_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MF_MEASURE_MAX_BYTES ((size_t)65536)
#define MF_MEASURE_SLOTS 4096

struct mf_histogram {
	uint32_t count[256];
	uint32_t total;
};

/* Count every step-th of n bytes. */
void mf_histogram_count(struct mf_histogram *h, const uint8_t *p, size_t n, size_t step);
/* h += more */
void mf_histogram_add(struct mf_histogram *h, const struct mf_histogram *more);
/* Bytes that an ideal order-0 coder needs for what was counted; for a sample (the bias that a
 * small one has is corrected). */
double mf_histogram_entropy_bytes(const struct mf_histogram *h, bool is_sample);
/* How many byte values occur. */
unsigned mf_histogram_distinct(const struct mf_histogram *h);

/* The base for which mf_planes_kernel.pack misses least of what was counted; *missed of it. */
unsigned mf_histogram_pack_base(const struct mf_histogram *h, uint32_t *missed);

/* Share (0 to 1) of positions whose next 12 bytes stood in the sample before: whether a search
 * for matches promises anything. n up to MF_MEASURE_MAX_BYTES. slots is scratch. */
double mf_measure_repeats(const uint8_t *p, size_t n, uint16_t slots[MF_MEASURE_SLOTS]);

/* Does what stands in the middle of n bytes come again within the next 256 KiB, at a distance
 * that is a multiple of 8? Samples too thin for such long periods miss them. */
bool mf_measure_far_repeat(const uint8_t *p, size_t n);

#endif
