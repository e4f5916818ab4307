/*
 * The XML documents of the S3 API (Amazon S3 API Reference, API version 2006-03-01): answers
 * are read into structures, the two bodies that a client writes are written. All answers are
 * whole in memory; what is not well formed, is cut short, is of another kind, has a document
 * type or goes over a limit is refused as MF_ETRANSFER, and nothing of it is handed out.
 *
 * Pure, any thread.
 */
#ifndef MF_TRANSFERS_S3_XML_H
#define MF_TRANSFERS_S3_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_S3_ETAG_BYTES 128
#define MF_S3_UPLOAD_ID_BYTES 1024
#define MF_S3_REGION_BYTES 64
#define MF_S3_PAGE_MAX 100000 /* entries of one page; servers send 1000 */
#define MF_S3_PARTS_MAX 10000

/* Error. Every field may be empty: RGW leaves Message out, others Region and Endpoint. Longer
 * texts are cut. */
struct mf_s3_error_answer {
	char code[64];
	char message[256];
	char region[MF_S3_REGION_BYTES]; /* of the bucket, with a redirection to it */
	char endpoint[256];
	char bucket[64];
	char request_id[128];
};

/* Read an Error document, also as STS wraps it (ErrorResponse/Error). */
int mf_s3_xml_error(const void *bytes, size_t n, struct mf_s3_error_answer *out,
    struct mf_error *e);

struct mf_s3_text_block;

/* The texts of a page: they stay where they are until it is freed. */
struct mf_s3_texts {
	struct mf_s3_text_block *blocks;
};

struct mf_s3_object {
	const char *key;
	const char *etag;          /* without quotes; "" where there is none */
	const char *storage_class; /* "" where none is told */
	uint64_t size_bytes;
	int64_t mtime_us; /* Unix time */
};

/* ListBucketResult of either version of the call. */
struct mf_s3_page {
	struct mf_s3_object *objects;
	size_t n_objects;
	const char **prefixes; /* CommonPrefixes */
	size_t n_prefixes;
	bool truncated;
	/* How to go on where truncated: the continuation token, NULL where the answer has none
	 * (the store did version 1); and the marker of version 1, never NULL. Raw. */
	const char *token;
	const char *marker;
	struct mf_s3_texts texts; /* what all these point into */
};

/* Read a listing. Names are decoded where the answer says that it encoded them. 0, and *out
 * needs mf_s3_page_fini; -1. A truncated page that does not say how to go on is an error. */
int mf_s3_xml_list(const void *bytes, size_t n, struct mf_s3_page *out, struct mf_error *e);
void mf_s3_page_fini(struct mf_s3_page *p);

struct mf_s3_upload {
	const char *key;
	const char *id;
	int64_t initiated_us; /* Unix time */
};

/* ListMultipartUploadsResult. Ask for it without encoding-type: RGW (16.2) encodes the names then
 * and does not say so. */
struct mf_s3_uploads {
	struct mf_s3_upload *uploads;
	size_t n_uploads;
	bool truncated;
	const char *key_marker; /* to go on where truncated: never NULL then */
	const char *id_marker;
	struct mf_s3_texts texts;
};

int mf_s3_xml_uploads(const void *bytes, size_t n, struct mf_s3_uploads *out, struct mf_error *e);
void mf_s3_uploads_fini(struct mf_s3_uploads *u);

#define MF_S3_CRC32C_BYTES 9 /* in base64, with the NUL */

struct mf_s3_part {
	unsigned number; /* from 1 */
	uint64_t size_bytes;
	char etag[MF_S3_ETAG_BYTES]; /* without quotes */
	char crc32c[MF_S3_CRC32C_BYTES]; /* in base64; "": none was sent. Of ours, never read */
};

/* ListPartsResult. */
struct mf_s3_parts {
	struct mf_s3_part *parts;
	size_t n_parts;
	bool truncated;
	unsigned next; /* part-number-marker to go on, where truncated */
};

int mf_s3_xml_parts(const void *bytes, size_t n, struct mf_s3_parts *out, struct mf_error *e);
void mf_s3_parts_fini(struct mf_s3_parts *p);

/* InitiateMultipartUploadResult: the id of the new upload. */
int mf_s3_xml_initiated(const void *bytes, size_t n, char id[MF_S3_UPLOAD_ID_BYTES],
    struct mf_error *e);

/* CompleteMultipartUploadResult, CopyObjectResult and CopyPartResult: the ETag, without quotes,
 * "" where there is none (RGW's first answer to a completion). Their status is 200 before the
 * work is done, so an error comes with it too: then 1, and it is in *error. */
int mf_s3_xml_result(const void *bytes, size_t n, char etag[MF_S3_ETAG_BYTES],
    struct mf_s3_error_answer *error, struct mf_error *e);

/* LocationConstraint: the bucket's region. An empty one is us-east-1, "EU" is eu-west-1. */
int mf_s3_xml_location(const void *bytes, size_t n, char region[MF_S3_REGION_BYTES],
    struct mf_error *e);

struct mf_s3_failure {
	const char *key;
	const char *code; /* as in an Error document */
	const char *message;
};

/* DeleteResult: what was not deleted. Those that were are counted, unless the answer to a quiet
 * request leaves them out. */
struct mf_s3_deleted {
	size_t n_deleted;
	struct mf_s3_failure *failures;
	size_t n_failures;
	struct mf_s3_texts texts;
};

/* 0; 1: an Error document came in its place, in *error; -1. */
int mf_s3_xml_deleted(const void *bytes, size_t n, struct mf_s3_deleted *out,
    struct mf_s3_error_answer *error, struct mf_error *e);
void mf_s3_deleted_fini(struct mf_s3_deleted *d);

/* Append a CompleteMultipartUpload body. Parts in ascending order, 1 to MF_S3_PARTS_MAX of them.
 * 0, or -1 with MF_ENOMEM. */
int mf_s3_xml_put_complete(struct mf_buf *out, const struct mf_s3_part *parts, size_t n,
    struct mf_error *e);

/* Append a Delete body (quiet: the answer names failures only) for at most 1000 keys. -1 with
 * MF_EUNSUPPORTED for a key that XML cannot say (control characters, bytes that are no UTF-8):
 * delete it by itself. */
int mf_s3_xml_put_delete(struct mf_buf *out, const char *const *keys, size_t n, struct mf_error *e);

#endif
