/* Which credentials for Google Cloud Storage are taken, for which flags and environment. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/unit/transfers/s3_fetch_script.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/gcs_chain.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define NOW 1772368496

static char scratch[SCRATCH_PATH];

static const char *
look_up(void *arg, const char *name)
{
	const char *const *at;

	for (at = arg; *at != NULL; at += 2)
		if (strcmp(at[0], name) == 0)
			return at[1];
	return strcmp(name, "HOME") == 0 ? scratch : NULL;
}

static const char *
path_of(const char *name)
{
	static char paths[16][SCRATCH_PATH + 80];
	static size_t n;
	char *path = paths[n++ % LENGTH(paths)];

	(void)snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
	return path;
}

static const char *
put(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* A user's credential file whose token comes from that host. */
static const char *
put_user(const char *name, const char *host)
{
	char text[512];

	(void)snprintf(text, sizeof text,
	    "{\"type\":\"authorized_user\",\"client_id\":\"c\",\"client_secret\":\"s\","
	    "\"refresh_token\":\"r\",\"token_uri\":\"https://%s/token\"}",
	    host);
	return put(name, text);
}

/* The one request of a chain goes to url; then its credentials are handed out. */
static void
check_asks(struct mf_gcs_chain c, const char *const *env, const char *method, const char *url,
    bool proxied)
{
	const struct fetch_step step = {
	    method, url, NULL, NULL, proxied, 200, "{\"access_token\":\"t\",\"expires_in\":3599}"};
	struct fetch_script s = {&step, 1, 0, ""};
	struct mf_s3_credentials *got;
	struct mf_s3_provider *p;
	struct mf_error e = {0};
	bool bearer = false;

	c.variable = look_up;
	c.variable_arg = (void *)(uintptr_t)env;
	c.fetch = fetch_by_script(&s);
	if ((p = mf_gcs_chain_open(&c, &bearer, &e)) == NULL)
		fail_msg("%s", e.message);
	assert_true(bearer);
	assert_int_equal(s.done, 0); /* nobody was asked yet */
	assert_int_equal(mf_s3_provider_get(p, NOW, &got, &e), 0);
	assert_string_equal(mf_s3_credentials_token(got), "t");
	mf_s3_credentials_unref(got);
	assert_int_equal(s.done, 1);
	mf_s3_provider_free(p);
}

static void
check_refused(struct mf_gcs_chain c, const char *const *env, enum mf_code code, const char *says)
{
	char said[2048];
	struct mf_error e = {0};
	bool bearer;

	c.variable = look_up;
	c.variable_arg = (void *)(uintptr_t)env;
	assert_null(mf_gcs_chain_open(&c, &bearer, &e));
	(void)mf_error_text(&e, said, sizeof said);
	if (e.code != code || strstr(said, says) == NULL)
		fail_msg("%s", said);
}

static void
order(void **state)
{
	const char *flag = put_user("flag.json", "flag.example");
	const char *named = put_user("named.json", "named.example");
	const char *const all[] = {
	    "GOOGLE_APPLICATION_CREDENTIALS", named, "GCE_METADATA_HOST", "127.0.0.1:1", NULL};
	const char *const cloud[] = {"CLOUDSDK_CONFIG", path_of("sdk"), NULL};
	const char *const meta[] = {"GOOGLE_APPLICATION_CREDENTIALS", "", "CLOUDSDK_CONFIG",
	    path_of("empty"), "GCE_METADATA_HOST", "127.0.0.1:1", NULL};
	const char *const nothing[] = {"CLOUDSDK_CONFIG", path_of("empty"), NULL};
	const char *const home[] = {NULL};

	(void)state;
	assert_int_equal(mkdir(path_of(".config"), 0700), 0);
	assert_int_equal(mkdir(path_of(".config/gcloud"), 0700), 0);
	assert_int_equal(mkdir(path_of("sdk"), 0700), 0);
	put_user(".config/gcloud/application_default_credentials.json", "home.example");
	put_user("sdk/application_default_credentials.json", "sdk.example");
	check_asks((struct mf_gcs_chain){.credentials_file = flag}, all, "POST",
	    "https://flag.example/token", true);
	check_asks((struct mf_gcs_chain){0}, all, "POST", "https://named.example/token", true);
	check_asks((struct mf_gcs_chain){0}, cloud, "POST", "https://sdk.example/token", true);
	check_asks((struct mf_gcs_chain){0}, home, "POST", "https://home.example/token", true);
	check_asks((struct mf_gcs_chain){0}, meta, "GET",
	    "http://127.0.0.1:1/computeMetadata/v1/instance/service-accounts/default/token", false);
	check_asks((struct mf_gcs_chain){0}, nothing, "GET",
	    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/"
	    "token",
	    false);
}

static void
refused(void **state)
{
	const char *const bad[] = {"GOOGLE_APPLICATION_CREDENTIALS", path_of("none.json"), NULL};
	const char *const off[] = {
	    "CLOUDSDK_CONFIG", path_of("empty"), "NO_GCE_CHECK", "True", NULL};
	const char *const host[] = {
	    "CLOUDSDK_CONFIG", path_of("empty"), "GCE_METADATA_HOST", "a/b", NULL};
	const char *id = put("id", "GOOG1X\n");

	(void)state;
	check_refused((struct mf_gcs_chain){0}, bad, MF_EUSAGE, "GOOGLE_APPLICATION_CREDENTIALS");
	check_refused((struct mf_gcs_chain){.credentials_file = put("e.json", "{}")}, bad,
	    MF_EUSAGE, "no \"type\"");
	check_refused((struct mf_gcs_chain){0}, off, MF_EPERM, "none are set");
	check_refused((struct mf_gcs_chain){0}, host, MF_EUSAGE, "GCE_METADATA_HOST");
	check_refused((struct mf_gcs_chain){.access_key_file = id}, bad, MF_EUSAGE, "together");
	check_refused((struct mf_gcs_chain){.secret_key_file = id}, bad, MF_EUSAGE, "together");
	check_refused(
	    (struct mf_gcs_chain){
		.access_key_file = id, .secret_key_file = id, .credentials_file = id},
	    bad, MF_EUSAGE, "one of them is taken");
}

static void
hmac(void **state)
{
	const char *const env[] = {"GOOGLE_APPLICATION_CREDENTIALS", path_of("none.json"), NULL};
	const struct mf_gcs_chain c = {.access_key_file = put("id", "GOOG1X\n"),
	    .secret_key_file = put("secret", "s3cret\n"),
	    .variable = look_up,
	    .variable_arg = (void *)(uintptr_t)env};
	struct mf_s3_credentials *got;
	struct mf_s3_provider *p;
	bool bearer = true;

	(void)state;
	assert_non_null(p = mf_gcs_chain_open(&c, &bearer, NULL));
	assert_false(bearer);
	assert_int_equal(mf_s3_provider_get(p, NOW, &got, NULL), 0);
	assert_string_equal(mf_s3_credentials_key_id(got), "GOOG1X");
	assert_string_equal(mf_s3_credentials_secret(got), "s3cret");
	mf_s3_credentials_unref(got);
	mf_s3_provider_free(p);
}

static int
start(void **state)
{
	(void)state;
	scratch_make(scratch);
	return mf_crypto_init(NULL);
}

static int
end(void **state)
{
	(void)state;
	scratch_remove(scratch);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order), cmocka_unit_test(refused), cmocka_unit_test(hmac)};

	return cmocka_run_group_tests_name("gcs_chain", tests, start, end);
}
