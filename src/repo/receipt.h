/*
 * Receipts: what a site says of itself after it has pulled and verified a version, so that a
 * migration knows that N sites have it before any weight moves. s/MODEL/VER/SITE/TIME-RAND; bytes:
 * modelferry-repository(5), RECEIPTS.
 *
 * A receipt is fresh by the store's clock: its age is since when it was put (or, where that is
 * more, since the time that the site wrote into it: so that a rekey, which puts it anew, makes none
 * younger). Each site and instance has one of a model; `follow` puts it anew while it lasts.
 *
 * Any thread, any number of processes. Calls block on the store.
 */
#ifndef MF_REPO_RECEIPT_H
#define MF_REPO_RECEIPT_H

#include "crypto/sign.h"
#include "crypto/trust.h"
#include "src/repo/repo.h"

#define MF_SITE_NAME_MAX_BYTES 128u

/* What readers of the site's directory get. Numbers of the format. */
enum mf_serving { MF_SERVING_UNKNOWN = 0, MF_SERVING_YES = 1, MF_SERVING_NO = 2 };

/* Texts are the caller's for mf_receipt_put, and owned by what mf_receipts_list gives. */
struct mf_receipt {
	char *model, *version, *site, *instance;
	uint8_t digest[32]; /* of the version's root */
	int64_t time_us;    /* by the site's clock */
	uint64_t files, bytes;
	enum mf_serving serving;
	/* as read: */
	bool is_signed;
	uint8_t signer[MF_SIGN_PUBLIC_BYTES], signature[MF_SIGN_BYTES];
	uint64_t age_us;
};

struct mf_receipts {
	struct mf_receipt *items;
	size_t n;
};

/* Put it; older ones of this site and instance about any version of the model are deleted. signer
 * may be NULL. MF_EUSAGE where site or instance is no name as of a ref. */
int mf_receipt_put(struct mf_repo *repo, const struct mf_receipt *r, const struct mf_signer *signer,
    struct mf_error *e);

/* All receipts of a model. With trust, those that no trusted key signed are left out, and told to
 * the log. One that cannot be read counts for nothing, and is told to the log. now_us: Unix time,
 * for expiry of keys and for what a site's clock says. mf_receipts_fini. */
int mf_receipts_list(struct mf_repo *repo, const char *model, const struct mf_trust *trust,
    int64_t now_us, struct mf_receipts *out, struct mf_error *e);
void mf_receipts_fini(struct mf_receipts *list);
/* How many instances of a site have the version (digest) by a receipt of at most max_age_us. An
 * instance counts once, by the newest that it wrote; what other sites have counts for nothing.
 * serving: only those that serve it. */
size_t mf_receipts_count(const struct mf_receipts *list, const char *site, const uint8_t digest[32],
    uint64_t max_age_us, bool serving);

#endif
