/*
 * Reading one manifest segment by itself. Versions share segments, and each is looked at
 * once: so one must be read without those before it, although a large file may go on from
 * one to the next.
 */
#include <stdlib.h>
#include <string.h>

#include "src/repo/segments_ahead_int.h"
#include "src/repo/verify_int.h"

#define CONTINUED 1u /* modelferry-repository(5), MANIFEST: flag of an entry */
#define CHUNK_RECORD_BYTES 60
#define BEFORE_PATH_BYTES 52 /* of an entry, between flags and path */

/* The path of a first entry that goes on from the segment before: 0, NULL where none does (or
 * the segment is damaged, which its decoding will tell). */
static int
continued_path(const uint8_t *bytes, size_t n, char **path, struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n);
	uint32_t n_chunks, n_entries;

	*path = NULL;
	mf_reader_u32(&r);
	n_chunks = mf_reader_u32(&r);
	n_entries = mf_reader_u32(&r);
	if (r.failed || n_entries == 0 || n_chunks > r.left / CHUNK_RECORD_BYTES)
		return 0;
	mf_reader_bytes(&r, (size_t)n_chunks * CHUNK_RECORD_BYTES);
	mf_reader_u8(&r);
	if ((mf_reader_u8(&r) & CONTINUED) == 0)
		return 0;
	mf_reader_bytes(&r, BEFORE_PATH_BYTES);
	*path = mf_reader_string(&r, MF_PATH_MAX_BYTES);
	return r.no_memory ? mf_error_nomem(e, "a path") : 0;
}

size_t
verify_entries_of(const struct mf_listing *l, bool continues)
{
	return l->n_entries - (continues ? 1 : 0);
}

/* Do the slices of the files that begin and end in this segment add up to their sizes? */
static int
check_sizes(const struct mf_listing *l, bool continues, struct mf_error *e)
{
	const struct mf_entry *x;
	uint64_t bytes;
	size_t i, k;

	for (i = continues ? 1 : 0; i + 1 < l->n_entries; i++) {
		x = &l->entries[i];
		for (bytes = 0, k = 0; k < x->n_slices; k++)
			bytes += l->slices[x->first_slice + k].len;
		if (x->type == MF_ENTRY_FILE && bytes != x->size)
			return mf_error_set(e, MF_EDAMAGED,
			    "manifest segment: the pieces of %s do not add up to its size", x->path);
	}
	return 0;
}

int
verify_decode_segment(const uint8_t *bytes, size_t n, struct mf_listing *out, bool *continues,
    struct mf_error *e)
{
	struct mf_entry before = {.type = MF_ENTRY_FILE};
	int rc;

	mf_listing_fini(out);
	*continues = false;
	rc = continued_path(bytes, n, &before.path, e);
	if (rc == 0 && before.path != NULL) {
		*continues = true;
		rc = mf_listing_add_entry(out, &before, e);
		free(before.path);
	}
	if (rc == 0)
		rc = mf_segment_decode(bytes, n, out, e);
	if (rc == 0)
		rc = check_sizes(out, *continues, e);
	if (rc != 0)
		mf_listing_fini(out);
	return rc;
}

int
verify_read_segment(struct verify *s, const struct mf_segment_ref *ref, struct mf_listing *out,
    bool *continues, struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	int rc = s->ahead != NULL ? mf_segments_ahead_get(s->ahead, ref, &plain, e)
				  : mf_segment_get(s->repo, ref, &plain, e);

	if (rc == 0)
		rc = verify_decode_segment(plain.data, plain.len, out, continues, e);
	else
		mf_listing_fini(out);
	mf_buf_fini(&plain);
	return rc;
}
