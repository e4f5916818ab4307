/* The reference kernel. The vector kernels use it for the elements behind their last full
 * vector. */
#include <string.h>

#include "src/codec/planes.h"

static uint64_t
rotate_left(uint64_t v, unsigned bits)
{
	return v << 1 | v >> (bits - 1);
}

static uint64_t
rotate_right(uint64_t v, unsigned bits)
{
	return v >> 1 | v << (bits - 1);
}

static void
split(const uint8_t *in, size_t n, unsigned width, bool rotate, uint8_t *const *planes)
{
	size_t i;
	unsigned j;
	uint64_t v;

	for (i = 0; i < n; i++, in += width) {
		v = 0;
		for (j = 0; j < width; j++)
			v |= (uint64_t)in[j] << 8 * j;
		if (rotate)
			v = rotate_left(v, 8 * width);
		for (j = 0; j < width; j++)
			planes[j][i] = (uint8_t)(v >> 8 * j);
	}
}

static void
join(uint8_t *out, size_t n, unsigned width, bool rotate, const uint8_t *const *planes)
{
	size_t i;
	unsigned j;
	uint64_t v;

	for (i = 0; i < n; i++, out += width) {
		v = 0;
		for (j = 0; j < width; j++)
			v |= (uint64_t)planes[j][i] << 8 * j;
		if (rotate)
			v = rotate_right(v, 8 * width);
		for (j = 0; j < width; j++)
			out[j] = (uint8_t)(v >> 8 * j);
	}
}

const struct mf_planes_kernel *
mf_planes_scalar(void)
{
	static const struct mf_planes_kernel kernel = {"scalar", split, join};

	return &kernel;
}
