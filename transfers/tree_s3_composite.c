/*
 * By what an object that was made in parts is known again. Its ETag is the MD5 of its parts' MD5s
 * and their number, in most stores; how large the parts were nobody remembers, so the object's
 * metadata tell. With both, what comes back can be compared, and nothing had to be read before the
 * first byte was sent.
 *
 * Whoever copies an object to other parts may keep its metadata. Then the number of parts mostly
 * does not fit their size any more, and nothing is compared. And some stores' ETags look like that
 * and are something else: as long as it is not known, each upload looks whether it got what its
 * parts make, and takes back what it told where that is not so.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/base/units.h"
#include "transfers/tree_s3_int.h"

void
s3_tree_read_parts(
    const struct s3_tree *t, const struct mf_http_response *r, struct mf_tree_entry *out)
{
	const char *name = t->words->part_bytes;
	const char *told = name != NULL ? mf_http_response_header(r, name) : NULL;
	uint64_t part_bytes, n_parts;

	out->part_bytes = 0;
	if (told == NULL || out->has_md5 || atomic_load(&t->no_md5) ||
	    mf_parse_u64(told, S3_TREE_PART_BYTES_MAX, &part_bytes, NULL) != 0 || part_bytes == 0 ||
	    !s3_tree_tag_is_parts(out->tag, out->parts_md5, &n_parts))
		return;
	if (out->size / part_bytes + (out->size % part_bytes > 0) == n_parts)
		out->part_bytes = part_bytes;
}

/* Whoever knows the MD5 of the whole needs nothing else. */
static bool
has_md5(const struct s3_tree_upload *u)
{
	size_t i;

	for (i = 0; i < u->n_headers; i++)
		if (strcasecmp(u->headers[i].name, u->tree->words->md5) == 0)
			return true;
	return false;
}

struct mf_s3_header
s3_tree_tell_parts(struct s3_tree_upload *u, char text[S3_TREE_PART_BYTES_CHARS])
{
	struct s3_tree *t = u->tree;

	u->told_parts = !atomic_load(&t->no_md5) && !atomic_load(&t->no_parts) && !has_md5(u);
	(void)snprintf(text, S3_TREE_PART_BYTES_CHARS, "%" PRIu64, u->part_bytes);
	return (struct mf_s3_header){t->words->part_bytes, text};
}

void
s3_tree_learn_part(struct s3_tree *t, const struct mf_s3_part *part, const void *bytes)
{
	uint8_t told[MF_MD5_BYTES], md5[MF_MD5_BYTES];
	struct mf_md5 *m;

	if (atomic_load(&t->no_md5) || atomic_load(&t->no_parts) ||
	    !s3_tree_tag_is_md5(part->etag, told) || atomic_exchange(&t->knows_part, true) ||
	    (m = mf_md5_new(NULL)) == NULL)
		return;
	mf_md5_update(m, bytes, (size_t)part->size_bytes);
	if (mf_md5_final(m, md5, NULL) == 0 && memcmp(md5, told, sizeof md5) != 0)
		atomic_store(&t->no_parts, true);
	mf_md5_free(m);
}

bool
s3_tree_composite_tag(const struct s3_tree_upload *u, char out[MF_TREE_TAG_BYTES])
{
	struct mf_md5 *m = mf_md5_new(NULL);
	uint8_t md5[MF_MD5_BYTES];
	bool known = m != NULL;
	size_t i;

	for (i = 0; known && i < u->n_parts; i++) {
		known = s3_tree_tag_is_md5(u->parts[i].etag, md5);
		if (known)
			mf_md5_update(m, md5, sizeof md5);
	}
	known = known && mf_md5_final(m, md5, NULL) == 0;
	mf_md5_free(m);
	if (!known)
		return false;
	mf_hex_encode(out, md5, sizeof md5);
	(void)snprintf(out + (size_t)2 * MF_MD5_BYTES, MF_TREE_TAG_BYTES - (size_t)2 * MF_MD5_BYTES,
	    "-%zu", u->n_parts);
	return true;
}

static bool
can_digest(void)
{
	struct mf_md5 *m = mf_md5_new(NULL);

	mf_md5_free(m);
	return m != NULL;
}

/* Would whoever reads the object compare it with something that it is not? */
static bool
misleads(const struct s3_tree_upload *u)
{
	uint8_t is[MF_MD5_BYTES], made[MF_MD5_BYTES];
	char tag[MF_TREE_TAG_BYTES];
	uint64_t n;

	if (!s3_tree_tag_is_parts(u->etag, is, &n) || n != u->n_parts)
		return false;
	if (atomic_load(&u->tree->no_parts))
		return true;
	if (!s3_tree_composite_tag(u, tag))
		return can_digest();
	return !s3_tree_tag_is_parts(tag, made, &n) || memcmp(is, made, sizeof is) != 0;
}

void
s3_tree_check_told(struct s3_tree_upload *u)
{
	struct s3_tree *t = u->tree;
	struct mf_tree_entry entry = {.path = u->path, .size = u->size};
	struct mf_error e = {0};

	if (!u->told_parts || atomic_load(&t->no_md5) || !misleads(u))
		return;
	if (!atomic_exchange(&t->no_parts, true))
		mf_log(MF_LOG_DEBUG, "%s: the ETag of what is put in parts is none of their MD5s",
		    t->s->label);
	s3_tree_copy_tag(u->etag, entry.tag);
	if (s3_tree_untell_parts(t, &entry, u->mtime_ns, &e) == 0)
		u->etag[0] = '\0';
	else
		mf_log(MF_LOG_WARNING,
		    "%s/%s has an ETag that is none of its parts' MD5s, and metadata that say it "
		    "is: "
		    "it can be read with --ignore-checksum, or put again: %s",
		    t->s->label, u->path, e.message);
}
