/* Signature V4 against published vectors and against another implementation's. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "transfers/s3_sign.h"

#define SUITE_TIME 1440938160  /* 2015-08-30 12:36:00 */
#define MANUAL_TIME 1369353600 /* 2013-05-24 00:00:00 */
#define OWN_TIME 1772368496    /* 2026-03-01 12:34:56 */
#define SUITE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define MANUAL_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LONG_TOKEN                                                                                 \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmx" \
	"fpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0K" \
	"PkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZb" \
	"qBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

/* The test suite's service has no hash header. */
static const struct mf_s3_dialect suite_dialect = {
    .algorithm = "AWS4-HMAC-SHA256",
    .key_prefix = "AWS4",
    .terminator = "aws4_request",
    .service = "service",
    .date_header = "x-amz-date",
    .token_header = "x-amz-security-token",
};

struct vector {
	const char *name;
	const char *method;
	const char *path;
	struct mf_s3_param query[4];
	struct mf_s3_header headers[4];
	const char *token;
	const char *body;
	enum mf_s3_payload payload;
	const char *signed_headers;
	const char *signature;
	const char *target; /* NULL: the path */
};

/* awslabs/aws-c-auth, tests/aws-signing-test-suite/v4 (where a path may be normalised, the
 * variant that is not), which goes on from AWS's own aws-sig-v4-test-suite. */
static const struct vector suite[] = {
    {"get-vanilla", "GET", "/", .signed_headers = "host;x-amz-date",
	.signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case", "GET", "/",
	.query = {{"Param2", "value2"}, {"Param1", "value1"}}, .signed_headers = "host;x-amz-date",
	.signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
	.target = "/?Param1=value1&Param2=value2"},
    {"get-vanilla-query-order-encoded", "GET", "/",
	.query = {{"Param-3", "Value3"}, {"Param", "Value2"}, {"\xe1\x88\xb4", "Value1"}},
	.signed_headers = "host;x-amz-date",
	.signature = "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
	.target = "/?%E1%88%B4=Value1&Param=Value2&Param-3=Value3"},
    {"get-vanilla-query-unreserved", "GET", "/", .query = {{UNRESERVED, UNRESERVED}},
	.signed_headers = "host;x-amz-date",
	.signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
	.target = "/?" UNRESERVED "=" UNRESERVED},
    {"get-vanilla-utf8-query", "GET", "/", .query = {{"\xe1\x88\xb4", "bar"}},
	.signed_headers = "host;x-amz-date",
	.signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
	.target = "/?%E1%88%B4=bar"},
    {"get-vanilla-empty-query-key", "GET", "/", .query = {{"Param1", "value1"}},
	.signed_headers = "host;x-amz-date",
	.signature = "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
	.target = "/?Param1=value1"},
    {"get-utf8", "GET", "/\xe1\x88\xb4", .signed_headers = "host;x-amz-date",
	.signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
	.target = "/%E1%88%B4"},
    {"get-unreserved", "GET", "/" UNRESERVED, .signed_headers = "host;x-amz-date",
	.signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-space", "GET", "/example space/", .signed_headers = "host;x-amz-date",
	.signature = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
	.target = "/example%20space/"},
    {"get-slash-dot-slash", "GET", "/./", .signed_headers = "host;x-amz-date",
	.signature = "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145"},
    {"get-slashes", "GET", "//example//", .signed_headers = "host;x-amz-date",
	.signature = "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
    {"get-relative", "GET", "/example/..", .signed_headers = "host;x-amz-date",
	.signature = "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282"},
    {"get-header-value-trim", "GET", "/",
	.headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
	.signed_headers = "host;my-header1;my-header2;x-amz-date",
	.signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-value-trim, tabs", "GET", "/",
	.headers = {{"My-Header1", "\t value1\t"}, {"My-Header2", "\"a\t \tb c\" "}},
	.signed_headers = "host;my-header1;my-header2;x-amz-date",
	.signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-key-duplicate", "GET", "/",
	.headers = {{"My-Header1", "value2"}, {"my-header1", "value2"}, {"MY-HEADER1", "value1"}},
	.signed_headers = "host;my-header1;x-amz-date",
	.signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order", "GET", "/",
	.headers = {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"},
	    {"My-Header1", "value2"}},
	.signed_headers = "host;my-header1;x-amz-date",
	.signature = "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-multiline, as three", "GET", "/",
	.headers = {{"My-Header1", "value1"}, {"My-Header1", "value2"}, {"My-Header1", "value3"}},
	.signed_headers = "host;my-header1;x-amz-date",
	.signature = "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790"},
    {"get-vanilla-with-session-token", "GET", "/",
	.token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
	.signed_headers = "host;x-amz-date;x-amz-security-token",
	.signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {"post-sts-header-before", "POST", "/", .token = LONG_TOKEN,
	.signed_headers = "host;x-amz-date;x-amz-security-token",
	.signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-vanilla", "POST", "/", .signed_headers = "host;x-amz-date",
	.signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query", "POST", "/", .query = {{"Param1", "value1"}},
	.signed_headers = "host;x-amz-date",
	.signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
	.target = "/?Param1=value1"},
    {"post-header-key-case", "POST", "/", .headers = {{"My-Header1", "value1"}},
	.signed_headers = "host;my-header1;x-amz-date",
	.signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case", "POST", "/", .headers = {{"My-Header1", "VALUE1"}},
	.signed_headers = "host;my-header1;x-amz-date",
	.signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-x-www-form-urlencoded", "POST", "/",
	.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"},
	    {"x-amz-content-sha256",
		"9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}},
	.body = "Param1=value1", .payload = MF_S3_HASHED_PAYLOAD,
	.signed_headers = "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
	.signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
};

/* Amazon S3 API Reference, "Examples: Signature Calculations". */
static const struct vector manual[] = {
    {"GET Object", "GET", "/test.txt", .headers = {{"Range", "bytes=0-9"}},
	.signed_headers = "host;range;x-amz-content-sha256;x-amz-date",
	.signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT Object", "PUT", "/test$file.text",
	.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
	    {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
	.body = "Welcome to Amazon S3.", .payload = MF_S3_HASHED_PAYLOAD,
	.signed_headers = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	.signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
	.target = "/test%24file.text"},
    {"GET Bucket Lifecycle", "GET", "/", .query = {{"lifecycle", NULL}},
	.signed_headers = "host;x-amz-content-sha256;x-amz-date",
	.signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
	.target = "/?lifecycle="},
    {"GET Bucket (List Objects)", "GET", "/", .query = {{"prefix", "J"}, {"max-keys", "2"}},
	.signed_headers = "host;x-amz-content-sha256;x-amz-date",
	.signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	.target = "/?max-keys=2&prefix=J"},
};

/* What botocore 1.43.11 (S3SigV4Auth) signs, in eu-central-1. */
static const struct vector botocore[] = {
    {"awkward key", "PUT", "/bucket/a b/\xc3\xa4+%?&=;.txt",
	.query = {{"uploadId", "2~x+/="}, {"partNumber", "1"}},
	.headers = {{"x-amz-meta-a-b", "2"}, {"x-amz-meta-a", "1"},
	    {"Content-Type", "application/octet-stream"}, {"If-None-Match", "*"}},
	.body = "abc", .payload = MF_S3_HASHED_PAYLOAD,
	.signed_headers = "content-type;host;if-none-match;x-amz-content-sha256;x-amz-date;"
			  "x-amz-meta-a;x-amz-meta-a-b",
	.signature = "f098ca96f5186f26419acac2e2bf98e6190763b0bccad807fedcea9ef2a3635b",
	.target = "/bucket/a%20b/%C3%A4%2B%25%3F%26%3D%3B.txt?partNumber=1&uploadId=2~x%2B%2F%3D"},
    {"slashes and dots", "GET", "//a//../b/./c/",
	.query = {{"prefix", ""}, {"delimiter", "/"}, {"list-type", "2"}, {"x", "~*!"}},
	.headers = {{"Range", "bytes=0-0"}}, .token = "tok/en+1==",
	.signed_headers = "host;range;x-amz-content-sha256;x-amz-date;x-amz-security-token",
	.signature = "0cf47ed7ee6dae46c1abb7db4344288d4712c814bd78e0e6471f210817be52b4",
	.target = "//a//../b/./c/?delimiter=%2F&list-type=2&prefix=&x=~%2A%21"},
    {"unsigned payload, unsigned header", "PUT", "/k",
	.headers = {{"x-amz-storage-class", "STANDARD_IA"}, {"User-Agent", "x"}}, .token = "tok",
	.body = "zzz", .payload = MF_S3_UNSIGNED_PAYLOAD,
	.signed_headers = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token;"
			  "x-amz-storage-class",
	.signature = "cab7ea6e7dbe2499eb46c7eecb25d7c0496af643b17f74c250b5634d9fc5fccf"},
};

static struct mf_s3_credentials *
credentials(const char *key_id, const char *secret, const char *token)
{
	const struct mf_s3_credentials_params p = {.key_id = key_id,
	    .secret = secret,
	    .token = token,
	    .expires_unix_s = MF_S3_NEVER,
	    .origin = "test"};
	struct mf_error e;
	struct mf_s3_credentials *c = mf_s3_credentials_new(&p, &e);

	if (c == NULL)
		fail_msg("%s", e.message);
	return c;
}

static size_t
count_headers(const struct vector *v)
{
	size_t n = 0;

	while (n < 4 && v->headers[n].name != NULL)
		n++;
	return n;
}

static size_t
count_query(const struct vector *v)
{
	size_t n = 0;

	while (n < 4 && v->query[n].name != NULL)
		n++;
	return n;
}

static const char *
added(const struct mf_s3_signed *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n_added; i++)
		if (strcmp(s->added[i].name, name) == 0)
			return s->added[i].value;
	return "(none)";
}

/* Sign v with the rest from r. */
static void
check(const struct vector *v, struct mf_s3_request r, const char *key_id, const char *scope)
{
	struct mf_s3_credentials *c = credentials(key_id,
	    r.dialect == &suite_dialect ? SUITE_SECRET : MANUAL_SECRET, v->token);
	uint8_t digest[MF_SHA256_BYTES];
	struct mf_s3_signed s;
	struct mf_error e;
	char want[1024];

	if (v->body != NULL)
		mf_sha256(v->body, strlen(v->body), digest);
	r.credentials = c;
	r.method = v->method;
	r.path = v->path;
	r.query = v->query;
	r.n_query = count_query(v);
	r.headers = v->headers;
	r.n_headers = count_headers(v);
	r.payload = v->payload;
	r.payload_sha256 = v->payload == MF_S3_HASHED_PAYLOAD ? digest : NULL;
	if (mf_s3_sign(&r, &s, &e) != 0)
		fail_msg("%s: %s", v->name, e.message);
	snprintf(want, sizeof want,
	    "AWS4-HMAC-SHA256 Credential=%s/%s/aws4_request, "
	    "SignedHeaders=%s, Signature=%s",
	    key_id, scope, v->signed_headers, v->signature);
	if (strcmp(added(&s, "Authorization"), want) != 0)
		fail_msg("%s: %s instead of %s", v->name, added(&s, "Authorization"), want);
	assert_string_equal(s.target, v->target != NULL ? v->target : v->path);
	if (v->token != NULL)
		assert_string_equal(added(&s, "x-amz-security-token"), v->token);
	mf_s3_signed_fini(&s);
	mf_s3_credentials_unref(c);
}

static void
published_test_suite(void **state)
{
	const struct mf_s3_request r = {.dialect = &suite_dialect,
	    .region = "us-east-1",
	    .now_unix_s = SUITE_TIME,
	    .host = "example.amazonaws.com"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof suite / sizeof suite[0]; i++)
		check(&suite[i], r, "AKIDEXAMPLE", "20150830/us-east-1/service");
}

static void
published_s3_examples(void **state)
{
	const struct mf_s3_request r = {.region = "us-east-1",
	    .now_unix_s = MANUAL_TIME,
	    .host = "examplebucket.s3.amazonaws.com"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof manual / sizeof manual[0]; i++)
		check(&manual[i], r, "AKIAIOSFODNN7EXAMPLE", "20130524/us-east-1/s3");
}

static void
same_as_botocore(void **state)
{
	struct mf_s3_request r = {.region = "eu-central-1", .now_unix_s = OWN_TIME};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof botocore / sizeof botocore[0]; i++) {
		r.host = i == 0 ? "127.0.0.1:7480" : "b.s3.example";
		check(&botocore[i], r, "AKIAIOSFODNN7EXAMPLE", "20260301/eu-central-1/s3");
	}
}

/* The headers that S3 needs are all there, whatever the payload. */
static void
added_headers(void **state)
{
	static const char *const hashes[] = {
	    [MF_S3_NO_PAYLOAD] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    [MF_S3_HASHED_PAYLOAD] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    [MF_S3_UNSIGNED_PAYLOAD] = "UNSIGNED-PAYLOAD"};
	struct mf_s3_credentials *c = credentials("id", "secret", NULL);
	uint8_t digest[MF_SHA256_BYTES];
	struct mf_s3_request r = {.credentials = c,
	    .region = "r",
	    .now_unix_s = OWN_TIME,
	    .method = "PUT",
	    .host = "h",
	    .path = "/",
	    .payload_sha256 = digest};
	struct mf_s3_signed s;
	size_t i;

	(void)state;
	mf_sha256("abc", 3, digest);
	for (i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		r.payload = (enum mf_s3_payload)i;
		assert_int_equal(mf_s3_sign(&r, &s, NULL), 0);
		assert_int_equal(s.n_added, 3);
		assert_string_equal(added(&s, "x-amz-content-sha256"), hashes[i]);
		assert_string_equal(added(&s, "x-amz-date"), "20260301T123456Z");
		mf_s3_signed_fini(&s);
	}
	mf_s3_credentials_unref(c);
}

/* Python's hmac and hashlib give the same. */
static void
google_dialect(void **state)
{
	static const struct mf_s3_header headers[] = {{"x-goog-meta-mtime", "1.5"},
	    {"Accept-Encoding", "gzip"}, {"x-goog-if-generation-match", "0"}};
	struct mf_s3_credentials *c = credentials("GOOGEXAMPLEKEY", "goog-secret/+=", NULL);
	uint8_t digest[MF_SHA256_BYTES];
	const struct mf_s3_request r = {.dialect = &mf_s3_goog4,
	    .credentials = c,
	    .region = "auto",
	    .now_unix_s = OWN_TIME,
	    .method = "PUT",
	    .host = "storage.googleapis.com",
	    .path = "/bucket/a b",
	    .headers = headers,
	    .n_headers = 3,
	    .payload = MF_S3_HASHED_PAYLOAD,
	    .payload_sha256 = digest};
	struct mf_s3_signed s;

	(void)state;
	mf_sha256("abc", 3, digest);
	assert_int_equal(mf_s3_sign(&r, &s, NULL), 0);
	assert_string_equal(added(&s, "Authorization"),
	    "GOOG4-HMAC-SHA256 Credential=GOOGEXAMPLEKEY/20260301/auto/storage/goog4_request, "
	    "SignedHeaders=host;x-goog-content-sha256;x-goog-date;x-goog-if-generation-match;"
	    "x-goog-meta-mtime, "
	    "Signature=e33401174a4e0706df9269b53feb8f892f5c2d8642b9dc0a9f3d12382be93446");
	assert_string_equal(added(&s, "x-goog-date"), "20260301T123456Z");
	mf_s3_signed_fini(&s);
	mf_s3_credentials_unref(c);
}

static void
authorization(const struct mf_s3_request *r, char out[512])
{
	struct mf_s3_signed s;

	assert_int_equal(mf_s3_sign(r, &s, NULL), 0);
	(void)snprintf(out, 512, "%s", added(&s, "Authorization"));
	mf_s3_signed_fini(&s);
}

/* The key that was derived for one day, region, service or dialect is not used for another: what
 * one set of credentials signs in turn is what fresh ones sign. */
static void
each_scope_has_its_own_key(void **state)
{
	const struct mf_s3_request all[] = {
	    {.region = "r", .now_unix_s = OWN_TIME},
	    {.region = "r", .now_unix_s = OWN_TIME + 60}, /* another signature, of the same key */
	    {.region = "r", .now_unix_s = OWN_TIME + 86400},
	    {.region = "q", .now_unix_s = OWN_TIME},
	    {.region = "r", .service = "sts", .now_unix_s = OWN_TIME},
	    {.region = "r", .dialect = &mf_s3_goog4, .now_unix_s = OWN_TIME},
	};
	const size_t n = sizeof all / sizeof all[0];
	struct mf_s3_credentials *kept = credentials("id", "secret", NULL), *fresh;
	char text[512], want[512];
	struct mf_s3_request r;
	size_t i;

	(void)state;
	for (i = 0; i < 3 * n; i++) {
		r = all[i < n ? i : (i * 5) % n]; /* in order, then back and forth */
		r.method = "GET";
		r.host = "h";
		r.path = "/";
		r.credentials = kept;
		authorization(&r, text);
		r.credentials = fresh = credentials("id", "secret", NULL);
		authorization(&r, want);
		mf_s3_credentials_unref(fresh);
		assert_string_equal(text, want);
	}
	mf_s3_credentials_unref(kept);
}

static void
refused(void **state)
{
	static const struct mf_s3_header bad[] = {{"x y", "v"}, {"", "v"}, {"x:", "v"},
	    {"x\r\nhost", "v"}, {"x", "v\r\nhost: other"}, {"x", "\x7f"}, {"Host", "other"},
	    {"X-Amz-Date", "v"}, {"x-amz-content-sha256", "v"}, {"X-Amz-Security-Token", "v"},
	    {"authorization", "v"}};
	static const int64_t bad_times[] = {-1, INT64_C(253402300800), INT64_MAX, INT64_MIN};
	struct mf_s3_header many[MF_S3_HEADERS_MAX + 1];
	struct mf_s3_credentials *c = credentials("id", "secret", NULL);
	struct mf_s3_request r = {.credentials = c,
	    .region = "r",
	    .now_unix_s = OWN_TIME,
	    .method = "GET",
	    .host = "h",
	    .path = "/",
	    .n_headers = 1};
	char region[300];
	struct mf_s3_signed s;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		r.headers = &bad[i];
		assert_int_equal(mf_s3_sign(&r, &s, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
		assert_null(s.texts.data);
	}
	for (i = 0; i <= MF_S3_HEADERS_MAX; i++)
		many[i] = (struct mf_s3_header){"x-amz-meta", "v"};
	r.headers = many;
	r.n_headers = MF_S3_HEADERS_MAX + 1;
	assert_int_equal(mf_s3_sign(&r, &s, &e), -1);
	r.n_headers = MF_S3_HEADERS_MAX;
	assert_int_equal(mf_s3_sign(&r, &s, &e), 0);
	mf_s3_signed_fini(&s);
	for (i = 0; i < sizeof bad_times / sizeof bad_times[0]; i++) {
		r.now_unix_s = bad_times[i];
		assert_int_equal(mf_s3_sign(&r, &s, &e), -1);
	}
	r.now_unix_s = 0;
	memset(region, 'r', sizeof region - 1);
	region[sizeof region - 1] = '\0';
	r.region = region;
	assert_int_equal(mf_s3_sign(&r, &s, &e), -1);
	mf_s3_credentials_unref(c);
}

static void
headers_that_change_are_not_signed(void **state)
{
	(void)state;
	assert_false(mf_s3_header_is_signed("Accept-Encoding"));
	assert_false(mf_s3_header_is_signed("user-agent"));
	assert_false(mf_s3_header_is_signed("EXPECT"));
	assert_false(mf_s3_header_is_signed("Transfer-Encoding"));
	assert_true(mf_s3_header_is_signed("accept"));
	assert_true(mf_s3_header_is_signed("Content-MD5"));
	assert_true(mf_s3_header_is_signed("x-amz-meta-user-agent"));
}

/* By name, then by value; the names as they are encoded. */
static void
query_order(void **state)
{
	static const struct mf_s3_param params[] = {
	    {"b", "2"}, {"b", "10"}, {"a-", ""}, {"a", NULL}, {"b", ""}, {"~", "x"}, {"A", "+"}};
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	mf_s3_uri_query(&b, params, sizeof params / sizeof params[0]);
	assert_string_equal(mf_buf_cstr(&b), "A=%2B&a=&a-=&b=&b=10&b=2&~=x");
	mf_buf_clear(&b);
	mf_s3_uri_query(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	mf_buf_fini(&b);
}

static void
decoding(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {{"", ""}, {"a%20b+c%2Bd", "a b c+d"}, {"%e1%88%B4", "\xe1\x88\xb4"},
	    {"%2", NULL}, {"%", NULL}, {"a%2x", NULL}, {"%x2", NULL}, {"%00", NULL},
	    {"%250a", "%0a"}, {"/a/../%2F", "/a/..//"}};
	struct mf_buf again = MF_BUF_INIT;
	char text[32];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, "%s", rows[i].text);
		if (rows[i].want == NULL) {
			assert_int_equal(mf_s3_uri_decode(text, strlen(text), &n), -1);
			continue;
		}
		assert_int_equal(mf_s3_uri_decode(text, strlen(text), &n), 0);
		assert_int_equal(n, strlen(rows[i].want));
		assert_memory_equal(text, rows[i].want, n);
	}
	for (i = 1; i < 256; i++) { /* every byte comes back */
		char byte = (char)i;

		mf_buf_clear(&again);
		mf_s3_uri_encode(&again, &byte, 1, i % 2 == 0);
		assert_int_equal(mf_s3_uri_decode((char *)again.data, again.len, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal((char)again.data[0], byte);
	}
	mf_buf_fini(&again);
}

static void
credentials_are_checked(void **state)
{
	static const struct mf_s3_credentials_params bad[] = {{"", "s", NULL, 0, "here"},
	    {"id\n", "s", NULL, 0, "here"}, {"id", "", NULL, 0, "here"},
	    {"id", "hush hush", NULL, 0, "here"}, {"id", "s", "hush\r\n", 0, "here"},
	    {NULL, NULL, NULL, 0, "here"}, {NULL, NULL, "", 0, "here"},
	    {NULL, NULL, "hush\x01", 0, "here"}};
	static char long_secret[MF_S3_SECRET_MAX + 2];
	struct mf_s3_credentials_params p = {"id", long_secret, NULL, 0, "here"};
	struct mf_s3_credentials *a, *b;
	struct mf_error e;
	char text[2048];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_null(mf_s3_credentials_new(&bad[i], &e));
		assert_int_equal(e.code, MF_EPERM);
		assert_non_null(strstr(e.message, "here"));
		assert_null(strstr(mf_error_text(&e, text, sizeof text), "hush"));
	}
	memset(long_secret, 's', MF_S3_SECRET_MAX + 1);
	assert_null(mf_s3_credentials_new(&p, &e));
	long_secret[MF_S3_SECRET_MAX] = '\0';
	a = mf_s3_credentials_new(&p, NULL);
	assert_non_null(a);
	assert_string_equal(mf_s3_credentials_secret(a), long_secret);
	assert_null(mf_s3_credentials_token(a));
	b = credentials("id", long_secret, "token");
	assert_false(mf_s3_credentials_same(a, b));
	assert_true(mf_s3_credentials_same(a, mf_s3_credentials_ref(a)));
	mf_s3_credentials_unref(a);
	mf_s3_credentials_unref(a);
	p.secret = NULL;
	p.key_id = NULL;
	p.token = "bearer";
	a = mf_s3_credentials_new(&p, NULL);
	assert_null(mf_s3_credentials_key_id(a));
	assert_string_equal(mf_s3_credentials_token(a), "bearer");
	assert_false(mf_s3_credentials_same(a, b));
	mf_s3_credentials_unref(a);
	mf_s3_credentials_unref(b);
	mf_s3_credentials_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_test_suite),
	    cmocka_unit_test(published_s3_examples),
	    cmocka_unit_test(same_as_botocore),
	    cmocka_unit_test(added_headers),
	    cmocka_unit_test(google_dialect),
	    cmocka_unit_test(each_scope_has_its_own_key),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(headers_that_change_are_not_signed),
	    cmocka_unit_test(query_order),
	    cmocka_unit_test(decoding),
	    cmocka_unit_test(credentials_are_checked),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
