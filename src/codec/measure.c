#include <math.h>
#include <string.h>

#include "src/codec/measure.h"

#define REPEAT_BYTES 12
#define PROBE_STEP 4 /* a period of P is seen as 4P at the latest */
#define FAR_BYTES ((size_t)256 << 10)
#define FAR_SAME_BYTES ((size_t)64)

/* Four tables, so that equal neighbours do not wait for each other's store. */
static void
count_dense(struct mf_histogram *h, const uint8_t *p, size_t n)
{
	uint32_t lanes[4][256];
	size_t i;
	unsigned v;

	memset(lanes, 0, sizeof lanes);
	for (i = 0; i + 4 <= n; i += 4) {
		lanes[0][p[i]]++;
		lanes[1][p[i + 1]]++;
		lanes[2][p[i + 2]]++;
		lanes[3][p[i + 3]]++;
	}
	for (; i < n; i++)
		lanes[0][p[i]]++;
	for (v = 0; v < 256; v++)
		h->count[v] = lanes[0][v] + lanes[1][v] + lanes[2][v] + lanes[3][v];
}

void
mf_histogram_count(struct mf_histogram *h, const uint8_t *p, size_t n, size_t step)
{
	size_t i;

	h->total = (uint32_t)((n + step - 1) / step);
	if (step == 1) {
		count_dense(h, p, n);
		return;
	}
	memset(h->count, 0, sizeof h->count);
	for (i = 0; i < n; i += step)
		h->count[p[i]]++;
}

void
mf_histogram_add(struct mf_histogram *h, const struct mf_histogram *more)
{
	unsigned v;

	for (v = 0; v < 256; v++)
		h->count[v] += more->count[v];
	h->total += more->total;
}

unsigned
mf_histogram_distinct(const struct mf_histogram *h)
{
	unsigned v, n = 0;

	for (v = 0; v < 256; v++)
		n += h->count[v] != 0;
	return n;
}

double
mf_histogram_entropy_bytes(const struct mf_histogram *h, bool is_sample)
{
	double bits = 0;
	unsigned v, distinct = 0;

	if (h->total == 0)
		return 0;
	for (v = 0; v < 256; v++) {
		if (h->count[v] == 0)
			continue;
		distinct++;
		bits -= h->count[v] * log2((double)h->count[v] / h->total);
	}
	/* Miller, Madow 1955: the plug-in estimate is low by (K - 1) / 2N nats a symbol */
	if (is_sample)
		bits += (distinct - 1) / (2 * 0.693147180559945);
	return fmin(bits / 8, h->total);
}

unsigned
mf_histogram_pack_base(const struct mf_histogram *h, uint32_t *missed)
{
	uint32_t window = 0, most = 0;
	unsigned v, base = 0;

	for (v = 1; v < 256; v++) { /* the window is v - 14 ... v */
		window += h->count[v];
		if (v > 15)
			window -= h->count[v - 15];
		if (v >= 15 && window > most) {
			most = window;
			base = v - 15;
		}
	}
	*missed = h->total - h->count[0] - most;
	return base;
}

static uint64_t
word_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

double
mf_measure_repeats(const uint8_t *p, size_t n, uint16_t slots[MF_MEASURE_SLOTS])
{
	size_t i, slot, probes = 0, hits = 0;
	uint64_t v;

	memset(slots, 0, MF_MEASURE_SLOTS * sizeof slots[0]);
	for (i = PROBE_STEP; i + REPEAT_BYTES <= n; i += PROBE_STEP) {
		v = word_at(p + i);
		slot = (v * 0x9e3779b97f4a7c15u) >> 52;
		if (word_at(p + slots[slot]) == v &&
		    memcmp(p + slots[slot] + 8, p + i + 8, REPEAT_BYTES - 8) == 0)
			hits++;
		slots[slot] = (uint16_t)i;
		probes++;
	}
	return probes == 0 ? 0 : (double)hits / (double)probes;
}

bool
mf_measure_far_repeat(const uint8_t *p, size_t n)
{
	const size_t middle = n / 2 & ~(size_t)7;
	const size_t end = n - middle < FAR_BYTES ? n : middle + FAR_BYTES;
	const uint64_t needle = n >= 2 * FAR_SAME_BYTES ? word_at(p + middle) : 0;
	size_t i;

	for (i = middle + 8; i + FAR_SAME_BYTES <= end; i += 8)
		if (word_at(p + i) == needle && memcmp(p + middle, p + i, FAR_SAME_BYTES) == 0)
			return true;
	return false;
}
