/*
 * The bytes of a manifest segment: a chunk table, then entries that index it.
 *
 *	u32 format, u32 chunks, u32 entries
 *	chunk:	id[32], u64 generation, checksum[16], u32 plaintext length
 *	entry:	u8 type, u8 flags, u32 mode, i64 mtime_ns, i64 ctime_ns, u64 inode, u64 size,
 *		checksum[16], block path, block target, u32 slices
 *	slice:	u32 chunk (index into this segment's table), u32 offset, u32 length
 *
 * Fields, not columns: a stranger reads it in twenty lines, and zstd takes most of the
 * redundancy. Where a segment ends depends on entries alone (a hash of the path), so that two
 * versions share the segments between their differences.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/repo/manifest.h"
#include "src/base/fs.h"

#define ENTRY_CONTINUED 1u /* more slices of the last entry of the segment before */
#define ENTRY_LACKS_CHECKSUM 2u /* of a partial manifest: another shard has it */
#define CHUNK_RECORD_BYTES 60
#define SLICE_RECORD_BYTES 12
#define ENTRY_FIXED_BYTES 66
/* A segment stays below this much, so that the entry that closes it fits too. */
#define SEGMENT_CLOSE_BYTES (3u << 20)
#define SLICES_PER_RECORD 8192u

/* Does a segment that is past its minimum end before this path? One path in 512 ends one. */
static bool
path_closes(const char *path)
{
	return (XXH3_64bits(path, strlen(path)) & 511) == 0;
}

/* The numbers that a segment gives to chunks of the listing. */
struct numbering {
	uint32_t *local;    /* by global index: local number + 1, valid where stamp fits */
	uint32_t *used;	    /* by local number: global index */
	uint32_t n, capacity;
};

static int
number_of(struct numbering *t, uint32_t global, uint32_t *local, struct mf_error *e)
{
	uint32_t *more, want;

	if (t->local[global] != 0) {
		*local = t->local[global] - 1;
		return 0;
	}
	if (t->n == t->capacity) {
		want = t->capacity ? t->capacity * 2 : 256;
		more = reallocarray(t->used, want, sizeof(*more));
		if (more == NULL)
			return mf_error_nomem(e, "a manifest segment");
		t->used = more;
		t->capacity = want;
	}
	t->used[t->n] = global;
	t->local[global] = ++t->n;
	*local = t->n - 1;
	return 0;
}

static void
put_entry_head(struct mf_buf *b, const struct mf_entry *x, unsigned flags, uint32_t n_slices)
{
	mf_buf_put_u8(b, (uint8_t)x->type);
	mf_buf_put_u8(b, (uint8_t)flags);
	mf_buf_put_u32(b, x->mode);
	mf_buf_put_u64(b, (uint64_t)x->mtime_ns);
	mf_buf_put_u64(b, (uint64_t)x->ctime_ns);
	mf_buf_put_u64(b, x->inode);
	mf_buf_put_u64(b, x->size);
	mf_buf_put(b, x->checksum, MF_CHECKSUM_BYTES);
	mf_buf_put_string(b, x->path);
	mf_buf_put_string(b, x->target ? x->target : "");
	mf_buf_put_u32(b, n_slices);
}

/* One entry, or as many of its slices as a record takes. */
static int
put_entry(const struct mf_listing *l, const struct mf_entry *x, size_t *slice_next,
    struct numbering *t, struct mf_buf *b, struct mf_error *e)
{
	size_t left = x->n_slices - *slice_next, i;
	uint32_t n = left > SLICES_PER_RECORD ? SLICES_PER_RECORD : (uint32_t)left, local = 0;
	const struct mf_slice *s;

	put_entry_head(b, x,
	    (*slice_next != 0 ? ENTRY_CONTINUED : 0) |
		(x->lacks_checksum ? ENTRY_LACKS_CHECKSUM : 0),
	    n);
	for (i = 0; i < n; i++) {
		s = &l->slices[x->first_slice + *slice_next + i];
		local = MF_SLICE_ELSEWHERE;
		if (s->chunk != MF_SLICE_ELSEWHERE && number_of(t, s->chunk, &local, e) != 0)
			return -1;
		mf_buf_put_u32(b, local);
		mf_buf_put_u32(b, s->offset);
		mf_buf_put_u32(b, s->len);
	}
	*slice_next += n;
	return 0;
}

static void
put_table(const struct mf_listing *l, const struct numbering *t, struct mf_buf *out)
{
	const struct mf_chunk_ref *c;
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		c = &l->chunks[t->used[i]];
		mf_buf_put(out, c->id.bytes, MF_ID_BYTES);
		mf_buf_put_u64(out, c->generation);
		mf_buf_put(out, c->checksum, MF_CHECKSUM_BYTES);
		mf_buf_put_u32(out, c->plain_len);
	}
}

int
mf_segment_encode(const struct mf_listing *l, size_t *next, size_t *slice_next,
    struct mf_buf *out, struct mf_error *e)
{
	struct mf_buf body = MF_BUF_INIT;
	struct numbering t = {0};
	uint32_t n_entries = 0;
	size_t bytes;
	int rc = -1;

	t.local = calloc(l->n_chunks + 1, sizeof(*t.local));
	if (t.local == NULL)
		return mf_error_nomem(e, "a manifest segment");
	while (*next < l->n_entries) {
		bytes = body.len + (size_t)t.n * CHUNK_RECORD_BYTES;
		if (n_entries > 0 &&
		    (bytes >= SEGMENT_CLOSE_BYTES ||
			(bytes >= MF_SEGMENT_TARGET_BYTES / 4 && *slice_next == 0 &&
			    path_closes(l->entries[*next].path))))
			break;
		if (put_entry(l, &l->entries[*next], slice_next, &t, &body, e) != 0)
			goto out;
		n_entries++;
		if (*slice_next == l->entries[*next].n_slices) {
			*slice_next = 0;
			(*next)++;
		}
	}
	mf_buf_put_u32(out, MF_MANIFEST_FORMAT);
	mf_buf_put_u32(out, t.n);
	mf_buf_put_u32(out, n_entries);
	put_table(l, &t, out);
	mf_buf_put(out, body.data, body.len);
	if (body.failed || out->failed) {
		mf_error_nomem(e, "a manifest segment");
		goto out;
	}
	rc = 0;
out:
	free(t.local);
	free(t.used);
	mf_buf_fini(&body);
	return rc;
}

static int
damaged(struct mf_error *e, const char *what)
{
	return mf_error_set(e, MF_EDAMAGED, "manifest segment: %s", what);
}

struct segment_head {
	uint32_t n_chunks, n_entries;
};

static int
read_head(struct mf_reader *r, size_t n, struct segment_head *h, struct mf_error *e)
{
	uint32_t format;

	if (n > MF_SEGMENT_MAX_BYTES)
		return damaged(e, "longer than 4 MiB");
	format = mf_reader_u32(r);
	if (!r->failed && format != MF_MANIFEST_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "manifest segment of format %u", format);
	h->n_chunks = mf_reader_u32(r);
	h->n_entries = mf_reader_u32(r);
	if (r->failed || h->n_chunks > r->left / CHUNK_RECORD_BYTES ||
	    h->n_entries > r->left / ENTRY_FIXED_BYTES)
		return damaged(e, "its counts do not fit its length");
	return 0;
}

static int
read_chunk(struct mf_reader *r, struct mf_chunk_ref *c, struct mf_error *e)
{
	const uint8_t *p;

	if ((p = mf_reader_bytes(r, MF_ID_BYTES)) != NULL)
		memcpy(c->id.bytes, p, MF_ID_BYTES);
	c->generation = mf_reader_u64(r);
	if ((p = mf_reader_bytes(r, MF_CHECKSUM_BYTES)) != NULL)
		memcpy(c->checksum, p, MF_CHECKSUM_BYTES);
	c->plain_len = mf_reader_u32(r);
	if (r->failed || c->plain_len == 0 || c->plain_len > MF_CHUNK_MAX_BYTES)
		return damaged(e, "a chunk of a length that cannot be");
	return 0;
}

/* Whose chunk is in this segment's table, or, in a partial manifest, elsewhere. */
static int
check_slice(const struct mf_listing *l, struct mf_slice *s, size_t table, uint32_t n_chunks,
    struct mf_error *e)
{
	if (s->chunk == MF_SLICE_ELSEWHERE && l->is_partial && s->len > 0 && s->offset == 0)
		return 0;
	if (s->chunk >= n_chunks || s->len == 0)
		return damaged(e, "a slice of no chunk");
	s->chunk += (uint32_t)table;
	if (s->offset > l->chunks[s->chunk].plain_len ||
	    s->len > l->chunks[s->chunk].plain_len - s->offset)
		return damaged(e, "a slice past its chunk");
	return 0;
}

static int
read_slices(struct mf_reader *r, struct mf_listing *l, uint32_t n, size_t table,
    uint32_t n_chunks, struct mf_error *e)
{
	struct mf_slice s;
	uint32_t i;

	if (n > r->left / SLICE_RECORD_BYTES)
		return damaged(e, "its counts do not fit its length");
	for (i = 0; i < n; i++) {
		s.chunk = mf_reader_u32(r);
		s.offset = mf_reader_u32(r);
		s.len = mf_reader_u32(r);
		if (check_slice(l, &s, table, n_chunks, e) != 0 ||
		    mf_listing_add_slice(l, s, e) != 0)
			return -1;
	}
	return 0;
}

static int
continue_entry(struct mf_listing *l, const char *path, uint32_t n_slices, struct mf_error *e)
{
	struct mf_entry *last = l->n_entries > 0 ? &l->entries[l->n_entries - 1] : NULL;

	if (last == NULL || last->type != MF_ENTRY_FILE || strcmp(last->path, path) != 0)
		return damaged(e, "goes on with an entry that is not there");
	last->n_slices += n_slices;
	return 0;
}

static int
check_entry(const struct mf_listing *l, const struct mf_entry *x, struct mf_error *e)
{
	static const uint8_t none[MF_CHECKSUM_BYTES];

	if (!mf_fs_path_is_safe(x->path))
		return damaged(e, "a path that leaves the directory");
	if (x->lacks_checksum && memcmp(x->checksum, none, sizeof(none)) != 0)
		return damaged(e, "a checksum that is another shard's");
	if (l->n_entries > 0 && mf_path_compare(l->entries[l->n_entries - 1].path, x->path) >= 0)
		return damaged(e, "paths out of order");
	if (x->type < MF_ENTRY_FILE || x->type > MF_ENTRY_HARDLINK)
		return mf_error_set(e, MF_EUNSUPPORTED, "manifest entry of type %d", (int)x->type);
	if (x->type == MF_ENTRY_HARDLINK && !mf_fs_path_is_safe(x->target))
		return damaged(e, "a hard link that leaves the directory");
	if (x->type == MF_ENTRY_SYMLINK && x->target[0] == '\0')
		return damaged(e, "a symbolic link to nothing");
	return 0;
}

static int
read_entry(struct mf_reader *r, struct mf_listing *l, size_t table, uint32_t n_chunks,
    struct mf_error *e)
{
	struct mf_entry x = {0};
	const uint8_t *p;
	uint32_t n_slices;
	unsigned flags;
	int rc = -1;

	x.type = (enum mf_entry_type)mf_reader_u8(r);
	flags = mf_reader_u8(r);
	x.mode = mf_reader_u32(r) & 07777;
	x.mtime_ns = (int64_t)mf_reader_u64(r);
	x.ctime_ns = (int64_t)mf_reader_u64(r);
	x.inode = mf_reader_u64(r);
	x.size = mf_reader_u64(r);
	if ((p = mf_reader_bytes(r, MF_CHECKSUM_BYTES)) != NULL)
		memcpy(x.checksum, p, MF_CHECKSUM_BYTES);
	x.path = mf_reader_string(r, MF_PATH_MAX_BYTES);
	x.target = mf_reader_string(r, MF_PATH_MAX_BYTES);
	n_slices = mf_reader_u32(r);
	if (r->failed || x.path == NULL || x.target == NULL) {
		mf_reader_error(r, e, "manifest segment: ends in the middle of an entry");
		goto out;
	}
	if (flags & ~(ENTRY_CONTINUED | (l->is_partial ? ENTRY_LACKS_CHECKSUM : 0))) {
		mf_error_set(e, MF_EUNSUPPORTED, "manifest entry with flags %#x", flags);
		goto out;
	}
	x.lacks_checksum = (flags & ENTRY_LACKS_CHECKSUM) != 0;
	x.first_slice = l->n_slices;
	x.n_slices = n_slices;
	if (flags & ENTRY_CONTINUED) {
		if (continue_entry(l, x.path, n_slices, e) != 0)
			goto out;
	} else if (check_entry(l, &x, e) != 0 || mf_listing_add_entry(l, &x, e) != 0) {
		goto out;
	}
	if (n_slices > 0 && x.type != MF_ENTRY_FILE)
		damaged(e, "data for an entry that is no file");
	else
		rc = read_slices(r, l, n_slices, table, n_chunks, e);
out:
	free(x.path);
	free(x.target);
	return rc;
}

int
mf_segment_decode(const uint8_t *bytes, size_t n, struct mf_listing *l, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	struct segment_head h;
	struct mf_chunk_ref c;
	size_t table = l->n_chunks;
	uint32_t i, index;

	if (read_head(&r, n, &h, e) != 0)
		return -1;
	for (i = 0; i < h.n_chunks; i++)
		if (read_chunk(&r, &c, e) != 0 || mf_listing_add_chunk(l, &c, &index, e) != 0)
			return -1;
	for (i = 0; i < h.n_entries; i++)
		if (read_entry(&r, l, table, h.n_chunks, e) != 0)
			return -1;
	return r.left == 0 ? 0 : damaged(e, "bytes behind its end");
}

int
mf_segment_each_chunk(const uint8_t *bytes, size_t n,
    int (*cb)(void *arg, const struct mf_chunk_ref *chunk), void *arg, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	struct segment_head h;
	struct mf_chunk_ref c;
	uint32_t i;
	int rc;

	if (read_head(&r, n, &h, e) != 0)
		return -1;
	for (i = 0; i < h.n_chunks; i++) {
		if (read_chunk(&r, &c, e) != 0)
			return -1;
		if ((rc = cb(arg, &c)) != 0)
			return rc;
	}
	return 0;
}
