/*
 * The pages of a bucket's listing, one after the other: of ListObjectsV2, or of its first version
 * where the store knows no other.
 */
#ifndef MF_TRANSFERS_S3_PAGES_H
#define MF_TRANSFERS_S3_PAGES_H

#include "transfers/s3_int.h"

struct s3_pages {
	struct s3_store *s;
	char prefix[MF_S3_KEY_BYTES]; /* of the keys */
	char *next;                   /* where to go on: a token or a key; NULL: at the start */
	bool by_token, ended;
	bool went_back; /* why the last step failed: a page began before where it was to begin */
	unsigned empty_pages;
	char last_key[MF_S3_KEY_BYTES]; /* of the pages so far; "" before the first */
};

/* name_prefix: behind the store's own. Asks nothing. s3_pages_fini in the end. */
void s3_pages_begin(struct s3_pages *p, struct s3_store *s, const char *name_prefix);
/* A part of what `of` lists: from behind the key `after`, which need not exist. *out as above.
 * 0, -1. */
int s3_pages_begin_after(
    struct s3_pages *out, const struct s3_pages *of, const char *after, struct mf_error *e);
/* The next page: its keys have the prefix, are not too long, and begin behind the page before, so
 * that a store that goes round in circles is noticed. 0, and *out needs mf_s3_page_fini; 1: that
 * was all; -1, and the same is asked for again by the next call. */
int s3_pages_next(struct s3_pages *p, struct mf_s3_page *out, struct mf_error *e);
void s3_pages_fini(struct s3_pages *p);

/* One page of what is right below the directory dir (a key's beginning that ends in '/', or ""),
 * behind the key `after`: objects and, in out->prefixes, directories, unchecked. 0, and *out needs
 * mf_s3_page_fini; -1. */
int s3_pages_children(struct s3_store *s, const char *dir, const char *after,
    struct mf_s3_page *out, struct mf_error *e);

#endif
