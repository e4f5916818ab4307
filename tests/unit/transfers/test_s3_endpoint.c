/* Where a bucket is, and where redirections lead. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transfers/s3_endpoint.h"

static struct mf_s3_endpoint
make(const char *url, const char *region, const char *bucket, enum mf_s3_addressing addressing)
{
	const struct mf_s3_endpoint_params p = {url, region, bucket, addressing};
	struct mf_s3_endpoint ep;
	struct mf_error e = {0};

	if (mf_s3_endpoint_make(&ep, &p, &e) != 0)
		fail_msg("%s", e.message);
	return ep;
}

static void
assert_refused(const char *url, const char *region, const char *bucket, const char *words)
{
	const struct mf_s3_endpoint_params p = {url, region, bucket, MF_S3_VIRTUAL};
	struct mf_s3_endpoint ep;
	struct mf_error e = {0};

	assert_int_equal(mf_s3_endpoint_make(&ep, &p, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_non_null(strstr(e.message, words));
}

/* The URL of a key there. */
static void
assert_url(
    const struct mf_s3_endpoint *ep, const char *bucket, const char *key, const char *expected)
{
	const struct mf_s3_param query[] = {{"uploads", NULL}, {"a", "b c"}};
	struct mf_buf path = MF_BUF_INIT, url = MF_BUF_INIT;

	mf_s3_endpoint_path(ep, bucket, key, &path);
	mf_s3_endpoint_url(
	    ep, mf_buf_cstr(&path), query, key != NULL && strcmp(key, "q") == 0 ? 2 : 0, &url);
	assert_string_equal(mf_buf_cstr(&url), expected);
	mf_buf_fini(&path);
	mf_buf_fini(&url);
}

static void
test_addressing(void **state)
{
	struct mf_s3_endpoint ep = make(NULL, NULL, "models", MF_S3_AUTO);

	(void)state;
	assert_true(ep.amazon);
	assert_string_equal(ep.region, "us-east-1");
	assert_url(&ep, "models", "a/b c", "https://models.s3.us-east-1.amazonaws.com/a/b%20c");
	assert_url(&ep, "models", NULL, "https://models.s3.us-east-1.amazonaws.com/");
	ep = make("", "eu-west-1", "my.models", MF_S3_AUTO);
	assert_url(&ep, "my.models", "a", "https://s3.eu-west-1.amazonaws.com/my.models/a");
	assert_url(&ep, "my.models", NULL, "https://s3.eu-west-1.amazonaws.com/my.models");
	ep = make(NULL, "cn-north-1", "models", MF_S3_AUTO);
	assert_string_equal(ep.authority, "models.s3.cn-north-1.amazonaws.com.cn");
	ep = make(NULL, "eu-west-1", "models", MF_S3_PATH);
	assert_string_equal(ep.authority, "s3.eu-west-1.amazonaws.com");
	ep = make("https://s3.eu-west-1.amazonaws.com", "eu-west-1", "models", MF_S3_AUTO);
	assert_string_equal(ep.authority, "models.s3.eu-west-1.amazonaws.com");
	assert_false(ep.amazon);

	ep = make("http://127.0.0.1:9000", NULL, "models", MF_S3_AUTO);
	assert_url(&ep, "models", "q", "http://127.0.0.1:9000/models/q?a=b%20c&uploads=");
	ep = make("https://rgw.example/", NULL, "models", MF_S3_AUTO);
	assert_url(&ep, "models", "k", "https://rgw.example/models/k");
	ep = make("https://rgw.example:8443/s3%20a/", NULL, "models", MF_S3_AUTO);
	assert_url(&ep, "models", "k", "https://rgw.example:8443/s3%20a/models/k");
	ep = make("https://rgw.example:8443", NULL, "models", MF_S3_VIRTUAL);
	assert_url(&ep, "models", "k", "https://models.rgw.example:8443/k");
}

static void
test_refusals(void **state)
{
	char longest[MF_S3_BUCKET_MAX + 2];

	(void)state;
	assert_refused(NULL, NULL, "ab", "bucket");
	assert_refused(NULL, NULL, "a/b", "bucket");
	assert_refused(NULL, NULL, "a?b", "bucket");
	assert_refused(NULL, NULL, "-abc", "bucket");
	assert_refused(NULL, NULL, "a..b", "bucket");
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_refused(NULL, NULL, longest, "bucket");
	assert_refused(NULL, "eu west", "abc", "region");
	assert_refused(NULL, "eu/../x", "abc", "region");
	assert_refused("ftp://a", NULL, "abc", "");
	assert_refused("http://a/?b=c", NULL, "abc", "query");
	assert_refused("http://127.0.0.1", NULL, "abc", "address");
	assert_refused("http://[::1]:9000", NULL, "abc", "address");
}

static bool
follow(struct mf_s3_endpoint *ep, const char *region, const char *location, const char *host)
{
	const struct mf_s3_redirect r = {region, location, host};

	return mf_s3_endpoint_follow(ep, "models", &r);
}

static void
test_following(void **state)
{
	struct mf_s3_endpoint ep = make(NULL, NULL, "models", MF_S3_AUTO);

	(void)state;
	assert_true(follow(&ep, "eu-west-1", "https://evil.example/", "evil.example"));
	assert_string_equal(ep.authority, "models.s3.eu-west-1.amazonaws.com");
	assert_string_equal(ep.region, "eu-west-1");
	assert_false(follow(&ep, "eu-west-1", NULL, NULL)); /* nothing new */
	assert_false(follow(&ep, "", "", ""));
	assert_false(follow(&ep, "eu west", NULL, NULL));
	assert_false(follow(&ep, NULL, "https://evil.example/key", "evil.example"));
	assert_false(follow(&ep, NULL, "https://xamazonaws.com/key", NULL));
	assert_true(follow(&ep, NULL, NULL, "models.s3-us-west-2.amazonaws.com"));
	assert_string_equal(ep.authority, "models.s3-us-west-2.amazonaws.com");
	assert_true(ep.virtual_host);
	assert_true(follow(&ep, NULL, "https://s3.amazonaws.com/models/key", NULL));
	assert_false(ep.virtual_host);

	ep = make("https://rgw.example/s3", NULL, "models", MF_S3_AUTO);
	assert_true(follow(&ep, "zone-2", NULL, NULL)); /* the same host, another signature */
	assert_string_equal(ep.authority, "rgw.example");
	assert_string_equal(ep.region, "zone-2");
	assert_false(follow(&ep, NULL, "http://rgw.example/models/key", NULL)); /* without TLS */
	assert_false(follow(&ep, NULL, "https://rgw.example/s3/models/key", NULL)); /* here */
	assert_false(follow(&ep, NULL, "/models/key", NULL));
	assert_true(follow(&ep, NULL, "https://zone2.example:8443/models/key?x", NULL));
	assert_url(&ep, "models", "k", "https://zone2.example:8443/models/k");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addressing),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_following),
	};

	return cmocka_run_group_tests_name("s3 endpoint", tests, NULL, NULL);
}
