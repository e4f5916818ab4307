/* Tokens by a credential file, of whichever type. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "transfers/gcs_source_int.h"
#include "transfers/gcs_token.h"

#define FORM_NAMES_BYTES 1024

struct by_file {
	struct mf_s3_source source;
	struct mf_s3_fetch fetch;
	char *path;
};

int
mf_gcs_form_init(struct mf_buf *form, size_t n, struct mf_error *e)
{
	/* each byte may become three */
	return mf_buf_reserve(form, 3 * n + FORM_NAMES_BYTES) == 0
		   ? 0
		   : mf_error_nomem(e, "credentials");
}

void
mf_gcs_put_field(struct mf_buf *form, const char *name, const char *value)
{
	mf_buf_printf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	mf_s3_uri_encode(form, value, strlen(value), false);
}

int
mf_gcs_post_form(const struct mf_gcs_asking *a, const struct mf_buf *form, const char *origin,
    struct mf_s3_credentials **out, struct mf_error *e)
{
	static const struct mf_s3_header type = {
	    "Content-Type", "application/x-www-form-urlencoded"};
	const struct mf_s3_fetch_request r = {.method = "POST",
	    .url = a->file->token_url,
	    .headers = &type,
	    .n_headers = 1,
	    .body = form->data,
	    .body_len = form->len,
	    .timeout_us = MF_GCS_TIMEOUT_US};
	struct mf_buf answer = MF_BUF_INIT;
	int http_status, rc = -1;

	if (form->failed) {
		mf_error_nomem(e, "credentials");
	} else if (mf_s3_ask(a->fetch, r, false, "the token endpoint", &http_status, &answer, e) ==
		   0) {
		if (http_status == 200)
			*out =
			    mf_gcs_token_parse(answer.data, answer.len, a->now_unix_s, origin, e);
		else
			mf_gcs_token_refused(
			    "the token endpoint", http_status, answer.data, answer.len, e);
		rc = http_status == 200 && *out != NULL ? 0 : -1;
	}
	mf_s3_wipe(&answer);
	return rc == 0 ? 0 : mf_error_while(e, "asking %s for %s", a->file->token_url, origin);
}

static int
fetch_by_file(
    struct mf_s3_source *s, int64_t now_unix_s, struct mf_s3_credentials **out, struct mf_error *e)
{
	const struct by_file *f = (const struct by_file *)s;
	struct mf_gcs_file file;
	const struct mf_gcs_asking a = {
	    .file = &file, .path = f->path, .fetch = &f->fetch, .now_unix_s = now_unix_s};
	int rc = -1;

	*out = NULL;
	if (mf_gcs_file_read(f->path, &file, e) != 0)
		return -1;
	switch (file.type) {
	case MF_GCS_SERVICE_ACCOUNT: rc = mf_gcs_by_service_account(&a, out, e); break;
	case MF_GCS_AUTHORIZED_USER: rc = mf_gcs_by_authorized_user(&a, out, e); break;
	case MF_GCS_EXTERNAL_ACCOUNT: rc = mf_gcs_by_external_account(&a, out, e); break;
	}
	mf_gcs_file_fini(&file);
	return rc;
}

static void
free_by_file(struct mf_s3_source *s)
{
	free(((struct by_file *)s)->path);
	free(s);
}

struct mf_s3_source *
mf_gcs_source_file(const char *path, const struct mf_s3_fetch *fetch, struct mf_error *e)
{
	struct mf_gcs_file file;
	struct by_file *f;

	if (mf_gcs_file_read(path, &file, e) != 0)
		return NULL;
	mf_gcs_file_fini(&file);
	if ((f = calloc(1, sizeof *f)) == NULL || (f->path = strdup(path)) == NULL) {
		free(f);
		mf_error_nomem(e, "credentials");
		return NULL;
	}
	f->source = (struct mf_s3_source){fetch_by_file, free_by_file};
	f->fetch = *fetch;
	return &f->source;
}
