/* What the sources of access tokens share: one function for each kind of credential file. */
#ifndef MF_TRANSFERS_GCS_SOURCE_INT_H
#define MF_TRANSFERS_GCS_SOURCE_INT_H

#include "transfers/gcs_file.h"
#include "transfers/gcs_source.h"
#include "transfers/s3_source_int.h"

#define MF_GCS_TIMEOUT_US 30000000u

/* What a token is got with. */
struct mf_gcs_asking {
	const struct mf_gcs_file *file;
	const char *path; /* of the file, for messages */
	const struct mf_s3_fetch *fetch;
	int64_t now_unix_s;
};

/* A token in *out. 0, -1. */
int mf_gcs_by_service_account(
    const struct mf_gcs_asking *a, struct mf_s3_credentials **out, struct mf_error *e);
int mf_gcs_by_authorized_user(
    const struct mf_gcs_asking *a, struct mf_s3_credentials **out, struct mf_error *e);
int mf_gcs_by_external_account(
    const struct mf_gcs_asking *a, struct mf_s3_credentials **out, struct mf_error *e);

/* Append "name=value" of a form (application/x-www-form-urlencoded), '&' before it where it is not
 * the first. The buffer must have room: it may hold secrets. */
void mf_gcs_put_field(struct mf_buf *form, const char *name, const char *value);
/* Room in a form for n bytes of values. 0, -1. */
int mf_gcs_form_init(struct mf_buf *form, size_t n, struct mf_error *e);
/* Post a form to the file's token endpoint and read the token. origin is of the credentials. */
int mf_gcs_post_form(const struct mf_gcs_asking *a, const struct mf_buf *form, const char *origin,
    struct mf_s3_credentials **out, struct mf_error *e);

#endif
