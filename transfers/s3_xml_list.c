/* ListBucketResult, ListMultipartUploadsResult, ListPartsResult. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "transfers/s3_time.h"
#include "transfers/s3_uri.h"
#include "transfers/s3_xml.h"
#include "transfers/s3_xml_int.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

enum field {
	KEY,
	SIZE,
	ETAG,
	MODIFIED,
	STORAGE_CLASS,
	CONTENTS,
	PREFIX,
	TRUNCATED,
	TOKEN,
	MARKER,
	ENCODING,
	UPLOAD_ID,
	UPLOAD,
	ID_MARKER,
	PART_NUMBER,
	PART,
};

/* Any of the three, half read. */
struct listing {
	const struct mf_xml_document *d;
	struct mf_xml_array entries;
	struct mf_xml_array prefixes;
	struct mf_s3_texts texts;
	/* the entry that is open */
	char *key, *etag, *storage_class, *id;
	uint64_t size_bytes, number;
	int64_t time_us;
	bool has_size, has_time, has_number;
	/* of the whole */
	bool truncated, has_truncated, encoded;
	char *token, *marker, *id_marker;
};

static int
bad(const struct listing *l, const char *why, struct mf_error *e)
{
	return mf_xml_bad(l->d, why, e);
}

static int
keep(struct listing *l, char **where, const char *text, size_t n, struct mf_error *e)
{
	return (*where = mf_s3_texts_keep(&l->texts, text, n, e)) != NULL ? 0 : -1;
}

static int
keep_etag(struct listing *l, const char *text, size_t n, struct mf_error *e)
{
	mf_xml_unquote(&text, &n);
	if (n >= MF_S3_ETAG_BYTES)
		return bad(l, "an ETag is too long", e);
	return keep(l, &l->etag, text, n, e);
}

static void
close_entry(struct listing *l)
{
	l->key = l->etag = l->storage_class = l->id = NULL;
	l->has_size = l->has_time = l->has_number = false;
}

static int
add_object(struct listing *l, struct mf_error *e)
{
	struct mf_s3_object o = {.size_bytes = l->size_bytes, .mtime_us = l->time_us};

	if (l->key == NULL || l->key[0] == '\0' || !l->has_size || !l->has_time)
		return bad(l, "an entry lacks name, size or time", e);
	o.key = l->key;
	o.etag = l->etag != NULL ? l->etag : "";
	o.storage_class = l->storage_class != NULL ? l->storage_class : "";
	close_entry(l);
	return mf_xml_array_add(&l->entries, &o, sizeof o, l->d, e);
}

static int
add_upload(struct listing *l, struct mf_error *e)
{
	struct mf_s3_upload u = {.key = l->key, .id = l->id, .initiated_us = l->time_us};

	if (l->key == NULL || l->key[0] == '\0' || l->id == NULL || l->id[0] == '\0' ||
	    !l->has_time)
		return bad(l, "an upload lacks name, id or time", e);
	close_entry(l);
	return mf_xml_array_add(&l->entries, &u, sizeof u, l->d, e);
}

static int
add_part(struct listing *l, struct mf_error *e)
{
	struct mf_s3_part p = {.number = (unsigned)l->number, .size_bytes = l->size_bytes};

	if (!l->has_number || !l->has_size || l->etag == NULL)
		return bad(l, "a part lacks number, size or ETag", e);
	mf_xml_copy(p.etag, sizeof p.etag, l->etag, strlen(l->etag));
	close_entry(l);
	return mf_xml_array_add(&l->entries, &p, sizeof p, l->d, e);
}

static int
add_prefix(struct listing *l, const char *text, size_t n, struct mf_error *e)
{
	char *prefix;

	if (n == 0)
		return bad(l, "a common prefix is empty", e);
	if (keep(l, &prefix, text, n, e) != 0)
		return -1;
	return mf_xml_array_add(&l->prefixes, &prefix, sizeof prefix, l->d, e);
}

/* The fields that are no text. */
static int
take_value(struct listing *l, int field, const char *text, struct mf_error *e)
{
	switch (field) {
	case SIZE:
		l->has_size = mf_xml_number(text, INT64_MAX, &l->size_bytes) == 0;
		return l->has_size ? 0 : bad(l, "a size is no number", e);
	case MODIFIED:
		l->has_time = mf_s3_time_parse(text, &l->time_us) == 0;
		return l->has_time ? 0 : bad(l, "a time cannot be read", e);
	case PART_NUMBER:
		l->has_number =
		    mf_xml_number(text, MF_S3_PARTS_MAX, &l->number) == 0 && l->number > 0;
		return l->has_number ? 0 : bad(l, "a part's number is none", e);
	case TRUNCATED:
		l->has_truncated = mf_xml_bool(text, &l->truncated) == 0;
		return l->has_truncated ? 0 : bad(l, "IsTruncated is neither true nor false", e);
	case ENCODING:
		l->encoded = strcmp(text, "url") == 0;
		return l->encoded || text[0] == '\0' ? 0 : bad(l, "it has an unknown encoding", e);
	default: return 0;
	}
}

static int
take(void *arg, int field, const char *text, size_t n, struct mf_error *e)
{
	struct listing *l = arg;

	switch ((enum field)field) {
	case KEY: return keep(l, &l->key, text, n, e);
	case ETAG: return keep_etag(l, text, n, e);
	case STORAGE_CLASS: return keep(l, &l->storage_class, text, n, e);
	case UPLOAD_ID:
		if (n >= MF_S3_UPLOAD_ID_BYTES)
			return bad(l, "an upload's id is too long", e);
		return keep(l, &l->id, text, n, e);
	case TOKEN: return keep(l, &l->token, text, n, e);
	case MARKER: return keep(l, &l->marker, text, n, e);
	case ID_MARKER: return keep(l, &l->id_marker, text, n, e);
	case PREFIX: return add_prefix(l, text, n, e);
	case CONTENTS: return add_object(l, e);
	case UPLOAD: return add_upload(l, e);
	case PART: return add_part(l, e);
	case SIZE:
	case MODIFIED:
	case PART_NUMBER:
	case TRUNCATED:
	case ENCODING: return take_value(l, field, text, e);
	}
	return 0;
}

static void
listing_fini(struct listing *l)
{
	free(l->entries.all);
	free(l->prefixes.all);
	mf_s3_texts_fini(&l->texts);
}

/* Read into *l. After -1 nothing of it needs freeing. */
static int
read_listing(struct listing *l, const struct mf_xml_document *d, const void *bytes, size_t n,
    struct mf_error *e)
{
	*l = (struct listing){.d = d};
	if (mf_xml_read(d, l, bytes, n, e) == 0 &&
	    (l->has_truncated || bad(l, "it does not say whether it is truncated", e) == 0))
		return 0;
	listing_fini(l);
	return -1;
}

static int
decode(const struct listing *l, const char *text, struct mf_error *e)
{
	/* All texts of the listing are its own to change. */
	char *mine = (char *)(uintptr_t)text;
	size_t n;

	if (mf_s3_uri_decode(mine, strlen(mine), &n) != 0 || n == 0)
		return bad(l, "a name is encoded wrongly", e);
	mine[n] = '\0';
	return 0;
}

/* NextMarker. Servers differ in whether they encode it with the rest: where it is the last name
 * as that reads decoded, it was not. */
static int
decode_marker(const struct listing *l, const char *last, struct mf_error *e)
{
	if (!l->encoded || l->marker == NULL || l->marker[0] == '\0' ||
	    (last != NULL && strcmp(l->marker, last) == 0))
		return 0;
	return decode(l, l->marker, e);
}

static const struct mf_xml_field list_fields[] = {
    {"ListBucketResult/Contents/Key", KEY},
    {"ListBucketResult/Contents/Size", SIZE},
    {"ListBucketResult/Contents/ETag", ETAG},
    {"ListBucketResult/Contents/LastModified", MODIFIED},
    {"ListBucketResult/Contents/StorageClass", STORAGE_CLASS},
    {"ListBucketResult/Contents", CONTENTS},
    {"ListBucketResult/CommonPrefixes/Prefix", PREFIX},
    {"ListBucketResult/IsTruncated", TRUNCATED},
    {"ListBucketResult/NextContinuationToken", TOKEN},
    {"ListBucketResult/NextMarker", MARKER},
    {"ListBucketResult/EncodingType", ENCODING},
};

static const struct mf_xml_document list_document = {
    "a listing", list_fields, LENGTH(list_fields), take, 0, false, false};

/* Names as they are; and the last of them in the order of bytes. */
static int
decode_page(const struct listing *l, const struct mf_s3_page *p, const char **last,
    struct mf_error *e)
{
	const char *key, *prefix;
	size_t i;

	for (i = 0; l->encoded && i < p->n_objects; i++)
		if (decode(l, p->objects[i].key, e) != 0)
			return -1;
	for (i = 0; l->encoded && i < p->n_prefixes; i++)
		if (decode(l, p->prefixes[i], e) != 0)
			return -1;
	key = p->n_objects > 0 ? p->objects[p->n_objects - 1].key : NULL;
	prefix = p->n_prefixes > 0 ? p->prefixes[p->n_prefixes - 1] : NULL;
	*last = key == NULL || (prefix != NULL && strcmp(prefix, key) > 0) ? prefix : key;
	return decode_marker(l, *last, e);
}

int
mf_s3_xml_list(const void *bytes, size_t n, struct mf_s3_page *out, struct mf_error *e)
{
	const char *last = NULL;
	struct listing l;

	if (read_listing(&l, &list_document, bytes, n, e) != 0)
		return -1;
	*out = (struct mf_s3_page){.objects = l.entries.all,
	    .n_objects = l.entries.n,
	    .prefixes = l.prefixes.all,
	    .n_prefixes = l.prefixes.n,
	    .truncated = l.truncated,
	    .token = l.token != NULL && l.token[0] != '\0' ? l.token : NULL,
	    .texts = l.texts};
	if (decode_page(&l, out, &last, e) != 0)
		goto fail;
	out->marker = l.marker != NULL && l.marker[0] != '\0' ? l.marker : last;
	if (out->marker == NULL)
		out->marker = "";
	if (out->truncated && out->token == NULL && out->marker[0] == '\0') {
		bad(&l, "it is truncated and does not say where it goes on", e);
		goto fail;
	}
	return 0;
fail:
	mf_s3_page_fini(out);
	return -1;
}

void
mf_s3_page_fini(struct mf_s3_page *p)
{
	free(p->objects);
	free(p->prefixes);
	mf_s3_texts_fini(&p->texts);
	*p = (struct mf_s3_page){0};
}

static const struct mf_xml_field uploads_fields[] = {
    {"ListMultipartUploadsResult/Upload/Key", KEY},
    {"ListMultipartUploadsResult/Upload/UploadId", UPLOAD_ID},
    {"ListMultipartUploadsResult/Upload/Initiated", MODIFIED},
    {"ListMultipartUploadsResult/Upload", UPLOAD},
    {"ListMultipartUploadsResult/IsTruncated", TRUNCATED},
    {"ListMultipartUploadsResult/NextKeyMarker", MARKER},
    {"ListMultipartUploadsResult/NextUploadIdMarker", ID_MARKER},
    {"ListMultipartUploadsResult/EncodingType", ENCODING},
};

static const struct mf_xml_document uploads_document = {
    "a list of uploads", uploads_fields, LENGTH(uploads_fields), take, 0, false, false};

int
mf_s3_xml_uploads(const void *bytes, size_t n, struct mf_s3_uploads *out, struct mf_error *e)
{
	struct listing l;
	size_t i;

	if (read_listing(&l, &uploads_document, bytes, n, e) != 0)
		return -1;
	*out = (struct mf_s3_uploads){.uploads = l.entries.all,
	    .n_uploads = l.entries.n,
	    .truncated = l.truncated,
	    .key_marker = l.marker != NULL ? l.marker : "",
	    .id_marker = l.id_marker != NULL ? l.id_marker : "",
	    .texts = l.texts};
	for (i = 0; l.encoded && i < out->n_uploads; i++)
		if (decode(&l, out->uploads[i].key, e) != 0)
			goto fail;
	if (decode_marker(&l, i > 0 ? out->uploads[i - 1].key : NULL, e) != 0)
		goto fail;
	if (out->truncated && out->key_marker[0] == '\0') {
		bad(&l, "it is truncated and does not say where it goes on", e);
		goto fail;
	}
	return 0;
fail:
	mf_s3_uploads_fini(out);
	return -1;
}

void
mf_s3_uploads_fini(struct mf_s3_uploads *u)
{
	free(u->uploads);
	mf_s3_texts_fini(&u->texts);
	*u = (struct mf_s3_uploads){0};
}

static const struct mf_xml_field parts_fields[] = {
    {"ListPartsResult/Part/PartNumber", PART_NUMBER},
    {"ListPartsResult/Part/Size", SIZE},
    {"ListPartsResult/Part/ETag", ETAG},
    {"ListPartsResult/Part", PART},
    {"ListPartsResult/IsTruncated", TRUNCATED},
    {"ListPartsResult/NextPartNumberMarker", MARKER},
};

static const struct mf_xml_document parts_document = {
    "a list of parts", parts_fields, LENGTH(parts_fields), take, 0, false, false};

int
mf_s3_xml_parts(const void *bytes, size_t n, struct mf_s3_parts *out, struct mf_error *e)
{
	uint64_t next = 0;
	struct listing l;
	int rc = 0;

	if (read_listing(&l, &parts_document, bytes, n, e) != 0)
		return -1;
	if (l.truncated &&
	    (l.marker == NULL || mf_xml_number(l.marker, MF_S3_PARTS_MAX, &next) != 0 || next == 0))
		rc = bad(&l, "it is truncated and does not say where it goes on", e);
	*out = (struct mf_s3_parts){.parts = l.entries.all,
	    .n_parts = l.entries.n,
	    .truncated = l.truncated,
	    .next = (unsigned)next};
	mf_s3_texts_fini(&l.texts);
	if (rc != 0)
		mf_s3_parts_fini(out);
	return rc;
}

void
mf_s3_parts_fini(struct mf_s3_parts *p)
{
	free(p->parts);
	*p = (struct mf_s3_parts){0};
}
