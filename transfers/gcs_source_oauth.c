/* Tokens for a service account's private key, and for a person's refresh token. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "transfers/gcs_jwt.h"
#include "transfers/gcs_source_int.h"

#define ORIGIN_BYTES 512

int
mf_gcs_by_service_account(
    const struct mf_gcs_asking *a, struct mf_s3_credentials **out, struct mf_error *e)
{
	const struct mf_gcs_service_account *account = &a->file->service;
	const struct mf_gcs_jwt claims = {.issuer = account->email,
	    .key_id = account->key_id,
	    .audience = a->file->token_url,
	    .scope = MF_GCS_SCOPE,
	    .now_unix_s = a->now_unix_s};
	struct mf_buf jwt = MF_BUF_INIT, form = MF_BUF_INIT;
	char origin[ORIGIN_BYTES];
	int rc = -1;

	(void)snprintf(origin, sizeof origin, "service account %s", account->email);
	if (mf_gcs_jwt_make(&claims, account->private_key, a->path, &jwt, e) != 0 ||
	    mf_gcs_form_init(&form, jwt.len, e) != 0)
		goto out;
	if (mf_buf_cstr(&jwt) == NULL) {
		mf_error_nomem(e, "credentials");
		goto out;
	}
	mf_gcs_put_field(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	mf_gcs_put_field(&form, "assertion", mf_buf_cstr(&jwt));
	rc = mf_gcs_post_form(a, &form, origin, out, e);
	if (rc != 0 && e != NULL && e->code == MF_EPERM)
		mf_error_hint(e,
		    "check that the key in %s has not been withdrawn, and this "
		    "machine's clock",
		    a->path);
out:
	mf_s3_wipe(&jwt);
	mf_s3_wipe(&form);
	return rc;
}

int
mf_gcs_by_authorized_user(
    const struct mf_gcs_asking *a, struct mf_s3_credentials **out, struct mf_error *e)
{
	const struct mf_gcs_authorized_user *user = &a->file->user;
	const char *secret = (const char *)mf_secret_view(user->client_secret);
	const char *token = (const char *)mf_secret_view(user->refresh_token);
	struct mf_buf form = MF_BUF_INIT;
	char origin[ORIGIN_BYTES];
	int rc = -1;

	(void)snprintf(origin, sizeof origin, "the user of %s", a->path);
	if (mf_gcs_form_init(&form, strlen(user->client_id) + strlen(secret) + strlen(token), e) !=
	    0)
		goto out;
	mf_gcs_put_field(&form, "grant_type", "refresh_token");
	mf_gcs_put_field(&form, "client_id", user->client_id);
	mf_gcs_put_field(&form, "client_secret", secret);
	mf_gcs_put_field(&form, "refresh_token", token);
	rc = mf_gcs_post_form(a, &form, origin, out, e);
	if (rc != 0 && e != NULL && e->code == MF_EPERM)
		mf_error_hint(e, "'gcloud auth application-default login' makes new credentials; "
				 "programs without a person better have a service account");
out:
	mf_s3_wipe(&form);
	return rc;
}
