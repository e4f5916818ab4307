#include "config.h"

#include "transfers/s3_credentials.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

/* What was derived from a secret. */
struct derived {
	pthread_mutex_t lock;          /* guards all below */
	char scope[MF_S3_SCOPE_BYTES]; /* "": nothing yet */
	struct mf_secret *key;
};

struct mf_s3_credentials {
	atomic_uint references;
	int64_t expires_unix_s;
	char *key_id;             /* or NULL */
	struct mf_secret *secret; /* with its NUL; or NULL */
	struct mf_secret *token;  /* the same */
	struct derived *derived;  /* with a secret */
	char *origin;
};

/* Is it fit for a header? The message must not quote it. */
static int
check_text(const char *text, size_t max, const char *what, const char *origin, struct mf_error *e)
{
	const size_t n = strlen(text);
	size_t i;

	if (n == 0)
		return mf_error_set(e, MF_EPERM, "the %s from %s is empty", what, origin);
	if (n > max)
		return mf_error_set(e, MF_EPERM, "the %s from %s is longer than %zu bytes", what,
		    origin, max);
	for (i = 0; i < n; i++) {
		if ((unsigned char)text[i] > 0x20 && text[i] != 0x7f)
			continue;
		mf_error_set(e, MF_EPERM,
		    "the %s from %s has white space or a control character "
		    "in it, as byte %zu of %zu",
		    what, origin, i + 1, n);
		return mf_error_hint(e, "perhaps a line end was stored with it: printf '%%s' "
					"writes none, echo does");
	}
	return 0;
}

static int
check(const struct mf_s3_credentials_params *p, struct mf_error *e)
{
	if (p->key_id != NULL &&
	    check_text(p->key_id, MF_S3_KEY_ID_MAX, "access key id", p->origin, e) != 0)
		return -1;
	if (p->secret != NULL &&
	    check_text(p->secret, MF_S3_SECRET_MAX, "secret access key", p->origin, e) != 0)
		return -1;
	if ((p->token != NULL && p->token[0] != '\0') || p->key_id == NULL)
		return check_text(p->token != NULL ? p->token : "", MF_S3_TOKEN_MAX,
		    p->key_id != NULL ? "session token" : "bearer token", p->origin, e);
	return 0;
}

/* 0 with *out NULL for no text. */
static int
guard(const char *text, struct mf_secret **out, struct mf_error *e)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	if ((*out = mf_secret_of(text, strlen(text) + 1, e)) == NULL)
		return -1;
	mf_secret_freeze(*out);
	return 0;
}

static struct derived *
derived_new(struct mf_error *e)
{
	struct derived *d = calloc(1, sizeof *d);

	if (d == NULL || (d->key = mf_secret_new(MF_S3_SIGNING_KEY_BYTES, e)) == NULL) {
		free(d);
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	/* With default attributes it cannot fail on Linux. */
	(void)pthread_mutex_init(&d->lock, NULL);
	return d;
}

static void
derived_free(struct derived *d)
{
	if (d == NULL)
		return;
	pthread_mutex_destroy(&d->lock);
	mf_secret_free(d->key);
	free(d);
}

struct mf_s3_credentials *
mf_s3_credentials_new(const struct mf_s3_credentials_params *p, struct mf_error *e)
{
	struct mf_s3_credentials *c;

	assert((p->key_id == NULL) == (p->secret == NULL));
	if (check(p, e) != 0)
		return NULL;
	if ((c = calloc(1, sizeof *c)) == NULL) {
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	atomic_init(&c->references, 1);
	c->expires_unix_s = p->expires_unix_s;
	if (guard(p->secret, &c->secret, e) != 0 || guard(p->token, &c->token, e) != 0 ||
	    (c->secret != NULL && (c->derived = derived_new(e)) == NULL))
		goto fail;
	if ((c->origin = strdup(p->origin)) == NULL ||
	    (p->key_id != NULL && (c->key_id = strdup(p->key_id)) == NULL)) {
		mf_error_nomem(e, "credentials");
		goto fail;
	}
	return c;
fail:
	mf_s3_credentials_unref(c);
	return NULL;
}

struct mf_s3_credentials *
mf_s3_credentials_ref(struct mf_s3_credentials *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
	return c;
}

void
mf_s3_credentials_unref(struct mf_s3_credentials *c)
{
	if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) > 1)
		return;
	mf_secret_free(c->secret);
	mf_secret_free(c->token);
	derived_free(c->derived);
	free(c->key_id);
	free(c->origin);
	free(c);
}

const char *
mf_s3_credentials_key_id(const struct mf_s3_credentials *c)
{
	return c->key_id;
}

const char *
mf_s3_credentials_origin(const struct mf_s3_credentials *c)
{
	return c->origin;
}

int64_t
mf_s3_credentials_expires(const struct mf_s3_credentials *c)
{
	return c->expires_unix_s;
}

static const char *
text_of(const struct mf_secret *s)
{
	return s != NULL ? (const char *)mf_secret_view(s) : NULL;
}

const char *
mf_s3_credentials_secret(const struct mf_s3_credentials *c)
{
	return text_of(c->secret);
}

const char *
mf_s3_credentials_token(const struct mf_s3_credentials *c)
{
	return text_of(c->token);
}

bool
mf_s3_credentials_recall_key(
    const struct mf_s3_credentials *c, const char *scope, uint8_t key[MF_S3_SIGNING_KEY_BYTES])
{
	struct derived *d = c->derived;
	bool same;

	pthread_mutex_lock(&d->lock);
	same = strcmp(d->scope, scope) == 0;
	if (same)
		memcpy(key, mf_secret_view(d->key), MF_S3_SIGNING_KEY_BYTES);
	pthread_mutex_unlock(&d->lock);
	return same;
}

void
mf_s3_credentials_keep_key(const struct mf_s3_credentials *c, const char *scope,
    const uint8_t key[MF_S3_SIGNING_KEY_BYTES])
{
	struct derived *d = c->derived;

	assert(scope[0] != '\0' && strlen(scope) < sizeof d->scope);
	pthread_mutex_lock(&d->lock);
	memcpy(d->scope, scope, strlen(scope) + 1);
	memcpy(mf_secret_bytes(d->key), key, MF_S3_SIGNING_KEY_BYTES);
	pthread_mutex_unlock(&d->lock);
}

static bool
same_secret(const struct mf_secret *a, const struct mf_secret *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return mf_secret_len(a) == mf_secret_len(b) &&
	       sodium_memcmp(mf_secret_view(a), mf_secret_view(b), mf_secret_len(a)) == 0;
}

bool
mf_s3_credentials_same(const struct mf_s3_credentials *a, const struct mf_s3_credentials *b)
{
	if ((a->key_id == NULL) != (b->key_id == NULL) ||
	    (a->key_id != NULL && strcmp(a->key_id, b->key_id) != 0))
		return false;
	return same_secret(a->secret, b->secret) && same_secret(a->token, b->token);
}
