/* The bytes of a condemned list: u32 format, u32 names, {string name}. */
#include <stdio.h>
#include <stdlib.h>

#include "src/repo/condemned_int.h"
#include "src/repo/damaged_int.h"

#define CONDEMNED_FORMAT 1

void
mf_condemned_encode(const struct mf_names *names, struct mf_buf *out)
{
	size_t i;

	mf_buf_put_u32(out, CONDEMNED_FORMAT);
	mf_buf_put_u32(out, (uint32_t)names->n);
	for (i = 0; i < names->n; i++)
		mf_buf_put_string(out, names->items[i]);
}

int
mf_condemned_decode(const uint8_t *bytes, size_t n_bytes, struct mf_names *names,
    struct mf_error *e)
{
	struct mf_reader r = mf_reader_of(bytes, n_bytes);
	uint32_t format = mf_reader_u32(&r), n = mf_reader_u32(&r), i;
	char *name;

	if (!r.failed && format != CONDEMNED_FORMAT)
		return mf_error_set(e, MF_EUNSUPPORTED, "condemned list of format %u", format);
	for (i = 0; i < n && !r.failed; i++) {
		name = mf_reader_string(&r, MF_STORE_NAME_MAX);
		if (name != NULL)
			mf_names_add(names, name);
		free(name);
	}
	if (names->failed)
		return mf_error_nomem(e, "a condemned list");
	if (r.failed || r.left != 0)
		return mf_reader_error(&r, e, "condemned list of a shape that cannot be");
	return 0;
}

int
mf_condemned_read_one(struct mf_repo *repo, const char *list, struct mf_names *names,
    struct mf_error *e)
{
	struct mf_buf plain = MF_BUF_INIT;
	int rc = mf_object_get(repo, MF_OBJECT_CONDEMNED, list, &plain, e);

	if (rc == 0)
		rc = mf_condemned_decode(plain.data, plain.len, names, e);
	mf_buf_fini(&plain);
	if (rc == 0)
		mf_names_sort(names);
	else
		mf_damaged_obstacle_hint(list, e);
	return rc;
}

int
mf_condemned_read(struct mf_repo *repo, struct mf_names *names, struct mf_names *lists,
    struct mf_error *e)
{
	struct mf_names all;
	size_t i;
	int rc = 0;

	*names = (struct mf_names){0};
	if (mf_names_list(repo, "x/", &all, e) != 0)
		return -1;
	for (i = 0; rc == 0 && i < all.n; i++) {
		rc = mf_condemned_read_one(repo, all.items[i], names, e);
		if (rc != 0 && e->code == MF_ENOTFOUND)
			rc = 0; /* its run ended while we read: none of its names is left */
	}
	if (rc == 0 && lists != NULL)
		*lists = all;
	else
		mf_names_fini(&all);
	if (rc != 0)
		mf_names_fini(names);
	return rc;
}

int
mf_condemned_put(struct mf_repo *repo, const struct mf_names *names,
    char list[MF_OBJECT_NAME_BYTES], struct mf_error *e)
{
	char rand[MF_RANDOM_NAME_BYTES];
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	mf_name_random(rand);
	snprintf(list, MF_OBJECT_NAME_BYTES, "x/%s", rand);
	mf_condemned_encode(names, &b);
	rc = b.failed ? mf_error_nomem(e, "a condemned list")
		      : mf_object_put_new(repo, MF_OBJECT_CONDEMNED, list, b.data, b.len,
			    MF_STORE_DURABLE, e);
	mf_buf_fini(&b);
	return rc;
}
