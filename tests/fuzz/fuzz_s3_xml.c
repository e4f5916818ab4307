/* Answers as a store, or whoever stands in its place, may send them: every reader on each. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_uri.h"
#include "transfers/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

/* What was listed has names, and a way to go on; a written deletion of it is no surprise. */
static void
read_list(const uint8_t *data, size_t size)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	struct mf_s3_page p;
	size_t i;

	if (mf_s3_xml_list(data, size, &p, &e) != 0) {
		must(e.code == MF_ETRANSFER);
		return;
	}
	for (i = 0; i < p.n_objects; i++) {
		must(p.objects[i].key[0] != '\0' && p.objects[i].etag != NULL);
		if (mf_s3_xml_put_delete(&b, &p.objects[i].key, 1, &e) != 0)
			must(e.code == MF_EUNSUPPORTED);
	}
	for (i = 0; i < p.n_prefixes; i++)
		must(p.prefixes[i][0] != '\0');
	must(!p.truncated || p.token != NULL || p.marker[0] != '\0');
	mf_buf_fini(&b);
	mf_s3_page_fini(&p);
}

static void
read_uploads_and_parts(const uint8_t *data, size_t size)
{
	struct mf_s3_uploads u;
	struct mf_s3_parts p;
	size_t i;

	if (mf_s3_xml_uploads(data, size, &u, NULL) == 0) {
		for (i = 0; i < u.n_uploads; i++)
			must(u.uploads[i].key[0] != '\0' && u.uploads[i].id[0] != '\0');
		must(!u.truncated || u.key_marker[0] != '\0');
		mf_s3_uploads_fini(&u);
	}
	if (mf_s3_xml_parts(data, size, &p, NULL) == 0) {
		for (i = 0; i < p.n_parts; i++)
			must(p.parts[i].number > 0 && p.parts[i].number <= MF_S3_PARTS_MAX);
		must(!p.truncated || p.next > 0);
		mf_s3_parts_fini(&p);
	}
}

static void
read_short_answers(const uint8_t *data, size_t size)
{
	char id[MF_S3_UPLOAD_ID_BYTES], etag[MF_S3_ETAG_BYTES], region[MF_S3_REGION_BYTES];
	struct mf_s3_error_answer a;
	struct mf_s3_deleted d;

	(void)mf_s3_xml_error(data, size, &a, NULL);
	must(memchr(a.code, '\0', sizeof a.code) != NULL);
	if (mf_s3_xml_initiated(data, size, id, NULL) == 0)
		must(id[0] != '\0' && strlen(id) < sizeof id);
	(void)mf_s3_xml_result(data, size, etag, &a, NULL);
	must(strlen(etag) < sizeof etag);
	if (mf_s3_xml_location(data, size, region, NULL) == 0)
		must(region[0] != '\0');
	if (mf_s3_xml_deleted(data, size, &d, &a, NULL) == 0)
		mf_s3_deleted_fini(&d);
}

/* What is encoded comes back, whatever it was. */
static void
encode(const uint8_t *data, size_t size)
{
	struct mf_buf b = MF_BUF_INIT;
	size_t n;

	if (memchr(data, '\0', size) != NULL)
		return;
	mf_s3_uri_encode(&b, (const char *)data, size, true);
	if (size > 0) {
		must(mf_s3_uri_decode((char *)b.data, b.len, &n) == 0 && n == size);
		must(memcmp(b.data, data, n) == 0);
	}
	mf_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_list(data, size);
	read_uploads_and_parts(data, size);
	read_short_answers(data, size);
	if (size > 0)
		encode(data, size);
	return 0;
}
