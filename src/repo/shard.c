/* Who has what, and the digest of a listing. */
#include <string.h>

#include "src/base/buf.h"
#include "src/repo/shard_int.h"

#define DIGEST_DOMAIN "modelferry listing v1"

/* total * part / of, rounded down, without an overflow: of is small. */
static uint64_t
share(uint64_t total, uint64_t part, uint64_t of)
{
	return total / of * part + total % of * part / of;
}

struct mf_shard_range
mf_shard_range_of(uint64_t total_bytes, uint32_t number, uint32_t of)
{
	struct mf_shard_range r = {share(total_bytes, number - 1, of), UINT64_MAX};

	if (number < of)
		r.to = share(total_bytes, number, of);
	return r;
}

bool
mf_shard_has(const struct mf_shard_range *r, uint64_t position)
{
	return position >= r->from && position < r->to;
}

bool
mf_shard_meets(const struct mf_shard_range *r, uint64_t position, uint64_t size_bytes)
{
	return size_bytes > 0 && position < r->to && position + (size_bytes - 1) >= r->from;
}

void
mf_listing_digest_init(struct mf_listing_digest *d, uint8_t rules)
{
	d->rules = rules;
	crypto_generichash_init(&d->state, NULL, 0, MF_LISTING_DIGEST_BYTES);
	crypto_generichash_update(
	    &d->state, (const uint8_t *)DIGEST_DOMAIN, sizeof(DIGEST_DOMAIN) - 1);
	crypto_generichash_update(&d->state, &rules, 1);
}

static void
add_string(struct mf_listing_digest *d, const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;
	uint8_t len[4];

	mf_set_u32(len, (uint32_t)n);
	crypto_generichash_update(&d->state, len, sizeof(len));
	crypto_generichash_update(&d->state, (const uint8_t *)s, n);
}

void
mf_listing_digest_add(struct mf_listing_digest *d, const struct mf_entry *x)
{
	bool is_dir = x->type == MF_ENTRY_DIR;
	uint8_t fixed[37];

	fixed[0] = (uint8_t)x->type;
	mf_set_u32(fixed + 1, x->mode);
	mf_set_u64(fixed + 5, is_dir ? 0 : (uint64_t)x->mtime_ns);
	mf_set_u64(fixed + 13,
	    is_dir || (d->rules & MF_LISTING_NO_CTIME) != 0 ? 0 : (uint64_t)x->ctime_ns);
	mf_set_u64(fixed + 21, is_dir || (d->rules & MF_LISTING_NO_INODE) != 0 ? 0 : x->inode);
	mf_set_u64(fixed + 29, x->type == MF_ENTRY_FILE ? x->size : 0);
	crypto_generichash_update(&d->state, fixed, sizeof(fixed));
	add_string(d, x->path);
	add_string(d, x->target);
}

void
mf_listing_digest_end(struct mf_listing_digest *d, uint8_t out[MF_LISTING_DIGEST_BYTES])
{
	crypto_generichash_final(&d->state, out, MF_LISTING_DIGEST_BYTES);
}

void
mf_listing_digest_of(
    const struct mf_listing *l, uint8_t rules, uint8_t out[MF_LISTING_DIGEST_BYTES])
{
	struct mf_listing_digest d;
	size_t i;

	mf_listing_digest_init(&d, rules);
	for (i = 0; i < l->n_entries; i++) {
		if (i % MF_LISTING_COOL_ENTRIES == 0)
			mf_listing_cool(l);
		mf_listing_digest_add(&d, &l->entries[i]);
	}
	mf_listing_digest_end(&d, out);
}
