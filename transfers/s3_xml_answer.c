/* The short answers. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "transfers/s3_xml.h"
#include "transfers/s3_xml_int.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

void
mf_xml_take_error(struct mf_s3_error_answer *out, int field, const char *text, size_t n)
{
	switch (field) {
	case MF_XML_ERROR_CODE: mf_xml_copy(out->code, sizeof out->code, text, n); break;
	case MF_XML_ERROR_MESSAGE: mf_xml_copy(out->message, sizeof out->message, text, n); break;
	case MF_XML_ERROR_REGION: mf_xml_copy(out->region, sizeof out->region, text, n); break;
	case MF_XML_ERROR_ENDPOINT:
		mf_xml_copy(out->endpoint, sizeof out->endpoint, text, n);
		break;
	case MF_XML_ERROR_BUCKET: mf_xml_copy(out->bucket, sizeof out->bucket, text, n); break;
	case MF_XML_ERROR_REQUEST:
		mf_xml_copy(out->request_id, sizeof out->request_id, text, n);
		break;
	default: break;
	}
}

/* Error */

static int
take_error(void *arg, int field, const char *text, size_t n, struct mf_error *e)
{
	(void)e;
	mf_xml_take_error(arg, field, text, n);
	return 0;
}

static const struct mf_xml_field error_fields[] = {
    MF_XML_ERROR_FIELDS(""), MF_XML_ERROR_FIELDS("ErrorResponse/")};

static const struct mf_xml_document error_document = {
    "an error", error_fields, LENGTH(error_fields), take_error, 512, true, false};

int
mf_s3_xml_error(const void *bytes, size_t n, struct mf_s3_error_answer *out, struct mf_error *e)
{
	*out = (struct mf_s3_error_answer){0};
	if (mf_xml_read(&error_document, out, bytes, n, e) == 0)
		return 0;
	*out = (struct mf_s3_error_answer){0};
	return -1;
}

/* One text, or an Error in its place. */

enum field { TEXT, ROOT };

struct one_text {
	const struct mf_xml_document *d;
	char *out;
	size_t out_bytes;
	bool is_etag, is_error;
	struct mf_s3_error_answer *error;
};

static int
take_text(void *arg, int field, const char *text, size_t n, struct mf_error *e)
{
	struct one_text *t = arg;

	if (field == MF_XML_ERROR)
		t->is_error = true;
	if (field != TEXT) {
		if (t->error != NULL)
			mf_xml_take_error(t->error, field, text, n);
		return 0;
	}
	if (t->is_etag)
		mf_xml_unquote(&text, &n);
	if (n >= t->out_bytes)
		return mf_xml_bad(t->d, "one of its texts is too long", e);
	mf_xml_copy(t->out, t->out_bytes, text, n);
	return 0;
}

static const struct mf_xml_field initiated_fields[] = {
    {"InitiateMultipartUploadResult/UploadId", TEXT}};

static const struct mf_xml_document initiated_document = {"the start of an upload",
    initiated_fields, LENGTH(initiated_fields), take_text, 0, false, false};

int
mf_s3_xml_initiated(const void *bytes, size_t n, char id[MF_S3_UPLOAD_ID_BYTES], struct mf_error *e)
{
	struct one_text t = {
	    .d = &initiated_document, .out = id, .out_bytes = MF_S3_UPLOAD_ID_BYTES};

	id[0] = '\0';
	if (mf_xml_read(t.d, &t, bytes, n, e) != 0)
		return -1;
	return id[0] != '\0' ? 0 : mf_xml_bad(t.d, "it has no id", e);
}

static const struct mf_xml_field result_fields[] = {
    {"CompleteMultipartUploadResult/ETag", TEXT},
    {"CopyObjectResult/ETag", TEXT},
    {"CopyPartResult/ETag", TEXT},
    MF_XML_ERROR_FIELDS(""),
};

static const struct mf_xml_document result_document = {"the result of an upload or copy",
    result_fields, LENGTH(result_fields), take_text, 0, true, false};

int
mf_s3_xml_result(const void *bytes, size_t n, char etag[MF_S3_ETAG_BYTES],
    struct mf_s3_error_answer *error, struct mf_error *e)
{
	struct one_text t = {.d = &result_document,
	    .out = etag,
	    .out_bytes = MF_S3_ETAG_BYTES,
	    .is_etag = true,
	    .error = error};

	etag[0] = '\0';
	*error = (struct mf_s3_error_answer){0};
	if (mf_xml_read(t.d, &t, bytes, n, e) != 0)
		return -1;
	return t.is_error ? 1 : 0;
}

static const struct mf_xml_field location_fields[] = {{"LocationConstraint", TEXT}};

static const struct mf_xml_document location_document = {
    "a bucket's location", location_fields, LENGTH(location_fields), take_text, 0, false, false};

int
mf_s3_xml_location(const void *bytes, size_t n, char region[MF_S3_REGION_BYTES], struct mf_error *e)
{
	struct one_text t = {
	    .d = &location_document, .out = region, .out_bytes = MF_S3_REGION_BYTES};

	region[0] = '\0';
	if (mf_xml_read(t.d, &t, bytes, n, e) != 0)
		return -1;
	if (region[0] == '\0')
		mf_xml_copy(region, MF_S3_REGION_BYTES, "us-east-1", 9);
	else if (strcmp(region, "EU") == 0)
		mf_xml_copy(region, MF_S3_REGION_BYTES, "eu-west-1", 9);
	return 0;
}

/* DeleteResult */

enum deleted_field { DELETED, FAILED_KEY, FAILED_CODE, FAILED_MESSAGE, FAILED };

struct deletion {
	const struct mf_xml_document *d;
	struct mf_s3_deleted *out;
	struct mf_xml_array failures;
	struct mf_s3_failure open;
	struct mf_s3_error_answer *error;
	bool is_error;
};

static int
keep(struct deletion *d, const char **where, const char *text, size_t n, struct mf_error *e)
{
	return (*where = mf_s3_texts_keep(&d->out->texts, text, n, e)) != NULL ? 0 : -1;
}

static int
add_failure(struct deletion *d, struct mf_error *e)
{
	struct mf_s3_failure f = d->open;

	if (f.key == NULL || f.code == NULL)
		return mf_xml_bad(d->d, "a failure lacks name or code", e);
	if (f.message == NULL)
		f.message = "";
	d->open = (struct mf_s3_failure){0};
	return mf_xml_array_add(&d->failures, &f, sizeof f, d->d, e);
}

static int
take_deleted(void *arg, int field, const char *text, size_t n, struct mf_error *e)
{
	struct deletion *d = arg;

	switch (field) {
	case DELETED: d->out->n_deleted++; return 0;
	case FAILED_KEY: return keep(d, &d->open.key, text, n, e);
	case FAILED_CODE: return keep(d, &d->open.code, text, n, e);
	case FAILED_MESSAGE: return keep(d, &d->open.message, text, n, e);
	case FAILED: return add_failure(d, e);
	case MF_XML_ERROR: d->is_error = true; return 0;
	default: mf_xml_take_error(d->error, field, text, n); return 0;
	}
}

static const struct mf_xml_field deleted_fields[] = {
    {"DeleteResult/Deleted", DELETED},
    {"DeleteResult/Error/Key", FAILED_KEY},
    {"DeleteResult/Error/Code", FAILED_CODE},
    {"DeleteResult/Error/Message", FAILED_MESSAGE},
    {"DeleteResult/Error", FAILED},
    MF_XML_ERROR_FIELDS(""),
};

static const struct mf_xml_document deleted_document = {"the result of a deletion", deleted_fields,
    LENGTH(deleted_fields), take_deleted, 0, false, false};

int
mf_s3_xml_deleted(const void *bytes, size_t n, struct mf_s3_deleted *out,
    struct mf_s3_error_answer *error, struct mf_error *e)
{
	struct deletion d = {.d = &deleted_document, .out = out, .error = error};
	int rc;

	*out = (struct mf_s3_deleted){0};
	*error = (struct mf_s3_error_answer){0};
	rc = mf_xml_read(d.d, &d, bytes, n, e);
	out->failures = d.failures.all;
	out->n_failures = d.failures.n;
	if (rc == 0 && !d.is_error)
		return 0;
	mf_s3_deleted_fini(out);
	return rc == 0 ? 1 : -1;
}

void
mf_s3_deleted_fini(struct mf_s3_deleted *d)
{
	free(d->failures);
	mf_s3_texts_fini(&d->texts);
	*d = (struct mf_s3_deleted){0};
}
