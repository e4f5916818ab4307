/*
 * Hands out credentials and keeps them fresh. They come from one source (s3_source.h), which is
 * asked at first use, before they expire, and when a store refused them. Requests that go on
 * meanwhile use what is still valid: one thread at a time asks the source, the others wait only
 * where there is nothing valid.
 *
 * Any number of threads. No lock is held while the source is asked. Time is an argument.
 */
#ifndef MF_TRANSFERS_S3_PROVIDER_H
#define MF_TRANSFERS_S3_PROVIDER_H

#include <stdint.h>

#include "src/base/error.h"
#include "transfers/s3_credentials.h"

/* A source of credentials; an implementation embeds it as its first member. */
struct mf_s3_source {
	/* Get them anew; a reference for the caller in *out. Blocking, one thread at a time.
	 * -1 with MF_ETRANSFER where trying later may help. */
	int (*fetch)(struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out,
	    struct mf_error *e);
	void (*free)(struct mf_s3_source *s);
};

/* NULL is fine. */
void mf_s3_source_free(struct mf_s3_source *s);

/* Seconds before expiry from which newer ones are asked for; and how long to leave the source
 * alone after it failed, or had none that last longer, while the old are still valid. */
#define MF_S3_REFRESH_EARLY_S 300
#define MF_S3_REFRESH_PAUSE_S 30

struct mf_s3_provider;

/* source belongs to the provider once it is returned, and still to the caller on NULL. Asks
 * nothing yet. */
struct mf_s3_provider *mf_s3_provider_take(struct mf_s3_source *source, struct mf_error *e);
void mf_s3_provider_free(struct mf_s3_provider *p); /* NULL is fine; no thread may be inside */

/* Credentials to sign a request with now: a reference in *out. Blocking where the source has to
 * be asked. Fresh ones that are past their expiry are handed out too: the store's clock, not
 * ours, has the last word. -1 with the source's error. */
int mf_s3_provider_get(struct mf_s3_provider *p, int64_t now_unix_s, struct mf_s3_credentials **out,
    struct mf_error *e);

/* The store refused these as expired or unknown: the next get asks the source, unless somebody
 * did since. Where the source has nothing else than what was refused, get fails with MF_EPERM. */
void mf_s3_provider_refused(struct mf_s3_provider *p, const struct mf_s3_credentials *c);

#endif
