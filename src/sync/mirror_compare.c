#include "src/sync/mirror_compare.h"

#include <string.h>

int
mf_compare_paths(const char *a, const char *b)
{
	return strcmp(a, b); /* as unsigned bytes, by the standard */
}

static enum mf_compare_content
same_md5(const uint8_t *src, const uint8_t *dst)
{
	return memcmp(src, dst, MF_TREE_MD5_BYTES) == 0 ? MF_CONTENT_SAME : MF_CONTENT_OTHER;
}

enum mf_compare_content
mf_compare_content(const struct mf_compare_side *src, const struct mf_compare_side *dst)
{
	const struct mf_tree_entry *s = src->entry, *d = dst->entry;

	if (s->has_md5 && d->has_md5)
		return same_md5(s->md5, d->md5);
	if (s->part_bytes > 0 && s->part_bytes == d->part_bytes)
		return same_md5(s->parts_md5, d->parts_md5);
	return src->no_md5 || dst->no_md5 ? MF_CONTENT_UNKNOWABLE : MF_CONTENT_UNKNOWN;
}

static bool
mtimes_are_open(const struct mf_compare_side *src, const struct mf_compare_side *dst)
{
	return (!src->entry->has_mtime && !src->no_mtime) ||
	       (!dst->entry->has_mtime && !dst->no_mtime);
}

/* Where nobody kept a time, the time at which it was stored is the best there is. */
static int64_t
mtime_of(const struct mf_tree_entry *entry)
{
	int64_t ns;

	if (entry->has_mtime)
		return entry->mtime_ns;
	if (__builtin_mul_overflow(entry->stored_us, (int64_t)1000, &ns))
		return entry->stored_us < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

/* -1: the destination is older by the window or more, 1: newer by it, 0: neither. */
static int
compare_times(const struct mf_compare_rules *rules, const struct mf_compare_side *src,
    const struct mf_compare_side *dst)
{
	uint64_t window = rules->window_ns > 0 ? rules->window_ns : 1;
	int64_t s = mtime_of(src->entry), d = mtime_of(dst->entry);

	if (d >= s)
		return (uint64_t)d - (uint64_t)s >= window ? 1 : 0;
	return (uint64_t)s - (uint64_t)d >= window ? -1 : 0;
}

/* Sizes are equal. Without MD5s on both sides equal sizes have to do, as in rclone. */
static enum mf_compare_verdict
by_checksum(const struct mf_compare_side *src, const struct mf_compare_side *dst)
{
	switch (mf_compare_content(src, dst)) {
	case MF_CONTENT_OTHER: return MF_COMPARE_COPY;
	case MF_CONTENT_UNKNOWN: return MF_COMPARE_NEED_MD5S;
	default: return MF_COMPARE_SAME;
	}
}

/* Sizes are equal, times are not. */
static enum mf_compare_verdict
by_content(const struct mf_compare_side *src, const struct mf_compare_side *dst)
{
	switch (mf_compare_content(src, dst)) {
	case MF_CONTENT_SAME: return MF_COMPARE_TOUCH;
	case MF_CONTENT_UNKNOWN: return MF_COMPARE_NEED_MD5S;
	default: return MF_COMPARE_COPY;
	}
}

static enum mf_compare_verdict
compare_update(const struct mf_compare_rules *rules, const struct mf_compare_side *src,
    const struct mf_compare_side *dst)
{
	int order;

	if (mtimes_are_open(src, dst))
		return MF_COMPARE_NEED_MTIMES;
	order = compare_times(rules, src, dst);
	if (order > 0)
		return MF_COMPARE_KEPT;
	if (src->entry->size != dst->entry->size)
		return MF_COMPARE_COPY;
	if (rules->size_only)
		return MF_COMPARE_SAME;
	if (rules->checksum)
		return by_checksum(src, dst);
	return order == 0 ? MF_COMPARE_SAME : by_content(src, dst);
}

static enum mf_compare_verdict
compare_plain(const struct mf_compare_rules *rules, const struct mf_compare_side *src,
    const struct mf_compare_side *dst)
{
	if (src->entry->size != dst->entry->size)
		return MF_COMPARE_COPY;
	if (rules->size_only)
		return MF_COMPARE_SAME;
	if (rules->checksum)
		return by_checksum(src, dst);
	if (mtimes_are_open(src, dst))
		return MF_COMPARE_NEED_MTIMES;
	return compare_times(rules, src, dst) == 0 ? MF_COMPARE_SAME : by_content(src, dst);
}

enum mf_compare_verdict
mf_compare(const struct mf_compare_rules *rules, const struct mf_compare_side *src,
    const struct mf_compare_side *dst)
{
	enum mf_compare_verdict verdict;

	if (rules->ignore_existing)
		return MF_COMPARE_KEPT;
	verdict = rules->update ? compare_update(rules, src, dst) : compare_plain(rules, src, dst);
	if (rules->immutable && (verdict == MF_COMPARE_COPY || verdict == MF_COMPARE_TOUCH))
		return MF_COMPARE_CONFLICT;
	return verdict;
}
