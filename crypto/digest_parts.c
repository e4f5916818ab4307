/* The MD5 of the MD5s of parts, of bytes as they pass: two digests, whatever the number of parts.
 */
#include "config.h"

#include <stdlib.h>

#include "crypto/digest.h"

struct mf_md5_parts {
	struct mf_md5 *part, *whole; /* whole: of the MD5s; NULL where there are no parts */
	uint64_t part_bytes, left;   /* of this part */
	bool empty;                  /* nothing has come */
	struct mf_error why;         /* its code is set: a part's digest failed */
};

struct mf_md5_parts *
mf_md5_parts_new(uint64_t part_bytes, struct mf_error *e)
{
	struct mf_md5_parts *m = calloc(1, sizeof *m);

	if (m == NULL) {
		mf_error_nomem(e, "an MD5 digest");
		return NULL;
	}
	m->part_bytes = m->left = part_bytes;
	m->empty = true;
	m->part = mf_md5_new(e);
	if (m->part != NULL && part_bytes > 0)
		m->whole = mf_md5_new(e);
	if (m->part != NULL && (part_bytes == 0 || m->whole != NULL))
		return m;
	mf_md5_parts_free(m);
	return NULL;
}

static void
end_part(struct mf_md5_parts *m)
{
	uint8_t md5[MF_MD5_BYTES];

	if (mf_md5_final(m->part, md5, &m->why) == 0)
		mf_md5_update(m->whole, md5, sizeof md5);
	m->left = m->part_bytes;
}

void
mf_md5_parts_update(struct mf_md5_parts *m, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	size_t now;

	if (n > 0)
		m->empty = false;
	if (m->whole == NULL) {
		mf_md5_update(m->part, bytes, n);
		return;
	}
	for (; n > 0; at += now, n -= now) {
		now = n < m->left ? n : (size_t)m->left;
		mf_md5_update(m->part, at, now);
		if ((m->left -= now) == 0)
			end_part(m);
	}
}

int
mf_md5_parts_final(struct mf_md5_parts *m, uint8_t out[MF_MD5_BYTES], struct mf_error *e)
{
	const struct mf_error *why = &m->why;
	int rc;

	if (m->whole == NULL)
		return mf_md5_final(m->part, out, e);
	if (m->left < m->part_bytes || m->empty)
		end_part(m);
	m->empty = true;
	rc = mf_md5_final(m->whole, out, e);
	if (rc != 0 || why->code == MF_OK)
		return rc;
	if (e != NULL)
		*e = *why;
	mf_error_clear(&m->why);
	return -1;
}

void
mf_md5_parts_free(struct mf_md5_parts *m)
{
	if (m == NULL)
		return;
	mf_md5_free(m->part);
	mf_md5_free(m->whole);
	free(m);
}
