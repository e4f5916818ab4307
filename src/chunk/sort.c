/*
 * Heap sort of items: in place and never quadratic, whoever chose the order. What is in order
 * already, as almost every file's tensors are, costs one pass.
 */
#include "src/chunk/plan_int.h"

typedef bool less_fn(const struct mf_cut_item *a, const struct mf_cut_item *b);

static bool
less_name(const struct mf_cut_item *a, const struct mf_cut_item *b)
{
	return a->name_hash < b->name_hash;
}

/* Empty items come before the one that starts where they lie. */
static bool
less_offset(const struct mf_cut_item *a, const struct mf_cut_item *b)
{
	return a->offset != b->offset ? a->offset < b->offset : a->len < b->len;
}

static inline void
sift(struct mf_cut_item *v, size_t root, size_t n, less_fn *less)
{
	struct mf_cut_item moving = v[root];
	size_t child;

	while ((child = 2 * root + 1) < n) {
		if (child + 1 < n && less(&v[child], &v[child + 1]))
			child++;
		if (!less(&moving, &v[child]))
			break;
		v[root] = v[child];
		root = child;
	}
	v[root] = moving;
}

static inline void
sort(struct mf_cut_item *v, size_t n, less_fn *less)
{
	struct mf_cut_item last;
	size_t i;

	for (i = 1; i < n && !less(&v[i], &v[i - 1]); i++)
		continue;
	if (i >= n)
		return;
	for (i = n / 2; i-- > 0;)
		sift(v, i, n, less);
	for (i = n; i-- > 1;) {
		last = v[i];
		v[i] = v[0];
		v[0] = last;
		sift(v, 0, i, less);
	}
}

void
mf_cut_sort_by_name(struct mf_cut_item *v, size_t n)
{
	sort(v, n, less_name);
}

void
mf_cut_sort_by_offset(struct mf_cut_item *v, size_t n)
{
	sort(v, n, less_offset);
}
