/* Allocation failure in what S3 is made of: signatures, documents, credentials. */
#include "config.h"

#include "tests/unit/torture/torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "src/base/log.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/s3_chain.h"
#include "transfers/s3_sign.h"
#include "transfers/s3_xml.h"

#define NOW 1772368496

static char scratch[SCRATCH_PATH];

static int
use_sign(void *arg, struct mf_error *e)
{
	static const struct mf_s3_param query[] = {{"list-type", "2"}, {"prefix", "a/b c"}};
	static const struct mf_s3_header headers[] = {
	    {"Range", "bytes=0-9"}, {"x-amz-meta-a", "b"}};
	const struct mf_s3_credentials_params p = {"AKID", "secret", "token", NOW, "test"};
	struct mf_s3_credentials *c = mf_s3_credentials_new(&p, e);
	const struct mf_s3_request r = {.credentials = c,
	    .region = "us-east-1",
	    .now_unix_s = NOW,
	    .method = "GET",
	    .host = "b.s3.example",
	    .path = "/a key",
	    .query = query,
	    .n_query = 2,
	    .headers = headers,
	    .n_headers = 2};
	struct mf_s3_signed s;
	int rc;

	(void)arg;
	if (c == NULL)
		return -1;
	if ((rc = mf_s3_sign(&r, &s, e)) == 0) {
		assert_string_equal(s.target, "/a%20key?list-type=2&prefix=a%2Fb%20c");
		mf_s3_signed_fini(&s);
	}
	mf_s3_credentials_unref(c);
	return rc;
}

static int
use_md5(void *arg, struct mf_error *e)
{
	struct mf_md5 *m = mf_md5_new(e);

	(void)arg;
	if (m == NULL)
		return -1;
	mf_md5_free(m);
	return 0;
}

/* More objects than fit in the first arrays. */
static int
use_list(void *arg, struct mf_error *e)
{
	const struct mf_buf *text = arg;
	struct mf_s3_page page;

	if (mf_s3_xml_list(text->data, text->len, &page, e) != 0)
		return -1;
	assert_int_equal(page.n_objects, 40);
	assert_int_equal(page.n_prefixes, 1);
	mf_s3_page_fini(&page);
	return 0;
}

static int
use_uploads(void *arg, struct mf_error *e)
{
	static const char text[] =
	    "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>k</Key>"
	    "<UploadId>i</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>"
	    "</ListMultipartUploadsResult>";
	struct mf_s3_uploads u;

	(void)arg;
	if (mf_s3_xml_uploads(text, strlen(text), &u, e) != 0)
		return -1;
	mf_s3_uploads_fini(&u);
	return 0;
}

static int
use_parts(void *arg, struct mf_error *e)
{
	static const char text[] =
	    "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>"
	    "<ETag>e</ETag><Size>1</Size></Part></ListPartsResult>";
	struct mf_s3_parts p;

	(void)arg;
	if (mf_s3_xml_parts(text, strlen(text), &p, e) != 0)
		return -1;
	mf_s3_parts_fini(&p);
	return 0;
}

static int
use_deleted(void *arg, struct mf_error *e)
{
	static const char text[] = "<DeleteResult><Error><Key>k</Key><Code>c</Code></Error>"
				   "</DeleteResult>";
	struct mf_s3_error_answer a;
	struct mf_s3_deleted d;

	(void)arg;
	if (mf_s3_xml_deleted(text, strlen(text), &d, &a, e) != 0)
		return -1;
	mf_s3_deleted_fini(&d);
	return 0;
}

static int
use_writers(void *arg, struct mf_error *e)
{
	static const struct mf_s3_part part = {1, 1, "etag"};
	static const char *const key = "k";
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	(void)arg;
	rc = mf_s3_xml_put_complete(&b, &part, 1, e);
	if (rc == 0)
		rc = mf_s3_xml_put_delete(&b, &key, 1, e);
	mf_buf_fini(&b);
	return rc;
}

/* Credentials. An environment is pairs of name and value, ended by NULL. */

static const char *
look_up(void *arg, const char *name)
{
	const char *const *at;

	for (at = arg; *at != NULL; at += 2)
		if (strcmp(at[0], name) == 0)
			return at[1];
	return strcmp(name, "HOME") == 0 ? scratch : NULL;
}

#define JSON "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\", \"Token\": \"t\"}"
#define STS(action)                                                                         \
	"<" action "Response><" action "Result><Credentials><SessionToken>t</SessionToken>" \
	"<SecretAccessKey>s</SecretAccessKey><Expiration>2026-03-01T13:34:56Z</Expiration>" \
	"<AccessKeyId>A</AccessKeyId></Credentials></" action "Result></" action "Response>"

/* Whoever is asked, the answer fits. */
static int
fetch(void *arg, const struct mf_s3_fetch_request *r, int *http_status, struct mf_buf *answer,
    struct mf_error *e)
{
	const char *text = JSON;

	(void)arg;
	(void)e;
	if (strstr(r->url, "sts") != NULL)
		text = memmem(r->body, r->body_len, "WebIdentityToken", 16) != NULL
			   ? STS("AssumeRoleWithWebIdentity")
			   : STS("AssumeRole");
	else if (strcmp(r->method, "PUT") == 0)
		text = "token";
	else if (r->url[strlen(r->url) - 1] == '/')
		text = "role";
	mf_buf_put(answer, text, strlen(text));
	*http_status = 200;
	return 0;
}

static int
use_chain(void *arg, struct mf_error *e)
{
	struct mf_s3_chain c = {.variable = look_up, .variable_arg = arg, .fetch = {fetch, NULL}};
	struct mf_s3_credentials *got = NULL;
	struct mf_s3_provider *p;
	char file[SCRATCH_PATH + 16];
	int rc;

	(void)snprintf(file, sizeof file, "%s/line", scratch);
	if (look_up(arg, "FLAGS") != NULL)
		c.access_key_file = c.secret_key_file = c.session_token_file = file;
	if ((p = mf_s3_chain_open(&c, e)) == NULL)
		return -1;
	if ((rc = mf_s3_provider_get(p, NOW, &got, e)) == 0)
		mf_s3_credentials_unref(got);
	mf_s3_provider_free(p);
	return rc;
}

static void
put(const char *name, const char *text)
{
	char path[SCRATCH_PATH + 64];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", scratch, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
credentials(void **state)
{
	char line[SCRATCH_PATH + 16];
	const char *const variables[] = {
	    "AWS_ACCESS_KEY_ID", "A", "AWS_SECRET_ACCESS_KEY", "s", "AWS_SESSION_TOKEN", "t", NULL};
	const char *const flags[] = {"FLAGS", "", NULL};
	const char *const profile[] = {"AWS_PROFILE", "base", NULL};
	const char *const role[] = {"AWS_PROFILE", "role", NULL};
	const char *const identity[] = {
	    "AWS_ROLE_ARN", "arn", "AWS_WEB_IDENTITY_TOKEN_FILE", line, NULL};
	const char *const container[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "t", NULL};
	const char *const container_file[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x",
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", line, NULL};
	const char *const instance[] = {NULL};
	const struct {
		const char *name;
		const char *const *variables;
	} rows[] = {{"variables", variables}, {"flags", flags}, {"profile", profile},
	    {"role", role}, {"web identity", identity}, {"container", container},
	    {"container, file", container_file}, {"instance", instance}};
	struct torture t = {.body = use_chain};
	size_t i;

	(void)state;
	snprintf(line, sizeof line, "%s/line", scratch);
	put("line", "line\n");
	put(".aws/credentials", "[base]\naws_access_key_id = A\naws_secret_access_key = s\n");
	put(".aws/config", "[profile role]\nrole_arn = arn\nsource_profile = base\n"
			   "external_id = x\nregion = r\n");
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		t.name = rows[i].name;
		t.arg = (void *)(uintptr_t)rows[i].variables;
		torture(&t);
	}
}

static void
documents(void **state)
{
	struct mf_buf text = MF_BUF_INIT;
	struct torture list = {.name = "list", .arg = &text, .body = use_list};
	struct torture uploads = {.name = "uploads", .body = use_uploads};
	struct torture parts = {.name = "parts", .body = use_parts};
	struct torture deleted = {.name = "deleted", .body = use_deleted};
	struct torture writers = {.name = "writers", .body = use_writers};
	unsigned i;

	(void)state;
	mf_buf_printf(&text, "<ListBucketResult><IsTruncated>false</IsTruncated>"
			     "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>");
	for (i = 0; i < 40; i++)
		mf_buf_printf(&text,
		    "<Contents><Key>%04000u</Key><Size>1</Size>"
		    "<LastModified>2009-10-12T17:50:30.000Z</LastModified></Contents>",
		    i);
	mf_buf_printf(&text, "</ListBucketResult>");
	torture(&list);
	mf_buf_fini(&text);
	torture(&uploads);
	torture(&parts);
	torture(&deleted);
	torture(&writers);
}

static void
signatures(void **state)
{
	struct torture sign = {.name = "sign", .body = use_sign};
	struct torture md5 = {.name = "md5", .body = use_md5};

	(void)state;
	torture(&sign);
	torture(&md5);
}

static int
make_scratch(void **state)
{
	char path[SCRATCH_PATH + 16];

	(void)state;
	scratch_make(scratch);
	snprintf(path, sizeof path, "%s/.aws", scratch);
	return mkdir(path, 0700);
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_remove(scratch);
	return 0;
}

int
main(void)
{
	const struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = -1};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signatures),
	    cmocka_unit_test(documents),
	    cmocka_unit_test(credentials),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	mf_log_configure(&quiet);
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
