/* Which source is asked, for which environment. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crypto/secret.h"
#include "src/base/log.h"
#include "tests/unit/transfers/s3_fetch_script.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/s3_chain.h"
#include "transfers/s3_xml.h"

#define NOW 1772368496 /* 2026-03-01 12:34:56 */
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static char scratch[SCRATCH_PATH];

/* An environment: pairs of name and value, ended by NULL. HOME is the scratch directory. */
static const char *
look_up(void *arg, const char *name)
{
	const char *const *at;

	for (at = arg; *at != NULL; at += 2)
		if (strcmp(at[0], name) == 0)
			return at[1];
	return strcmp(name, "HOME") == 0 ? scratch : NULL;
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

static const char *
put(const char *name, const char *text)
{
	static char paths[8][SCRATCH_PATH + 64];
	static size_t n;
	char *path = paths[n++ % LENGTH(paths)];
	FILE *f;

	snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* Both files empty again. */
static int
clear_files(void **state)
{
	(void)state;
	put(".aws/credentials", "");
	put(".aws/config", "");
	return 0;
}

static struct mf_s3_chain
chain(const char *const *variables, struct fetch_script *script)
{
	return (struct mf_s3_chain){.variable = look_up,
	    .variable_arg = (void *)(uintptr_t)variables,
	    .fetch = fetch_by_script(script)};
}

static struct fetch_script nobody = {NULL, 0, 0, ""};

static void
assert_chain_gives(const struct mf_s3_chain *c, const char *id, const char *origin)
{
	struct mf_s3_credentials *got = NULL;
	struct mf_s3_provider *p;
	struct mf_error e;

	mf_error_clear(&e);
	p = mf_s3_chain_open(c, &e);
	if (p == NULL || mf_s3_provider_get(p, NOW, &got, &e) != 0)
		fail_msg("no credentials: %s", e.message);
	assert_string_equal(mf_s3_credentials_key_id(got), id);
	if (strstr(mf_s3_credentials_origin(got), origin) == NULL)
		fail_msg("from %s", mf_s3_credentials_origin(got));
	mf_s3_credentials_unref(got);
	mf_s3_provider_free(p);
}

static void
assert_refused(const struct mf_s3_chain *c, enum mf_code code, const char *words)
{
	struct mf_error e;
	char text[4096];

	mf_error_clear(&e);
	assert_null(mf_s3_chain_open(c, &e));
	mf_error_text(&e, text, sizeof text);
	if (e.code != code || strstr(text, words) == NULL || strstr(text, "hush") != NULL)
		fail_msg("code %d instead of %d: %s", (int)e.code, (int)code, text);
}

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = hush\n"

static void
flags_come_first(void **state)
{
	static const char *const env[] = {
	    "AWS_ACCESS_KEY_ID", "ENV", "AWS_SECRET_ACCESS_KEY", "hush", NULL};
	struct mf_s3_chain c = chain(env, &nobody);

	(void)state;
	put(".aws/credentials", "no such file, hush\n"); /* not even looked at */
	c.credentials_file = put("mine", "[default]\n" KEYS("MINE") "[other]\n" KEYS("OTHER"));
	assert_chain_gives(&c, "MINE", "/mine");
	c.profile = "other";
	assert_chain_gives(&c, "OTHER", "profile other");
	c.access_key_file = put("id", "FILE\n");
	assert_refused(&c, MF_EUSAGE, "together");
	c.secret_key_file = put("secret", "hush\n");
	assert_chain_gives(&c, "FILE", "/secret");
	c.access_key_file = c.secret_key_file = NULL;
	c.credentials_file = "/nonexistent/file";
	assert_refused(&c, MF_EUSAGE, "/nonexistent/file");
	c = chain(env, &nobody);
	c.session_token_file = "token";
	assert_refused(&c, MF_EUSAGE, "together");
}

static void
variables_come_next(void **state)
{
	static const char *const env[] = {"AWS_ACCESS_KEY_ID", "ENV", "AWS_SECRET_ACCESS_KEY",
	    "hush", "AWS_PROFILE", "p", "AWS_SESSION_TOKEN", "", NULL};
	static const char *const half[] = {
	    "AWS_ACCESS_KEY_ID", "ENV", "AWS_SECRET_ACCESS_KEY", "", NULL};
	static const char *const other_half[] = {"AWS_SECRET_ACCESS_KEY", "hush", NULL};
	static const char *const line_end[] = {
	    "AWS_ACCESS_KEY_ID", "ENV", "AWS_SECRET_ACCESS_KEY", "hush\n", NULL};
	struct mf_s3_chain c = chain(env, &nobody);

	(void)state;
	put(".aws/credentials", "[p]\n" KEYS("PROFILE"));
	assert_chain_gives(&c, "ENV", "variable AWS_ACCESS_KEY_ID");
	c.profile = "p"; /* by a flag: that is meant */
	assert_chain_gives(&c, "PROFILE", ".aws/credentials");
	c = chain(half, &nobody);
	assert_refused(&c, MF_EUSAGE, "AWS_SECRET_ACCESS_KEY is not");
	c = chain(other_half, &nobody);
	assert_refused(&c, MF_EUSAGE, "AWS_ACCESS_KEY_ID is not");
	c = chain(line_end, &nobody);
	assert_refused(&c, MF_EPERM, "control character");
}

static void
files_of_profiles(void **state)
{
	static const char *const plain[] = {NULL};
	static const char *const named[] = {"AWS_PROFILE", "p", NULL};
	static const char *const missing[] = {"AWS_PROFILE", "q", NULL};
	const char *const elsewhere[] = {"AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere",
	    "AWS_CONFIG_FILE", put("conf2", "[profile p]\n" KEYS("CONF2")), NULL};
	struct mf_s3_chain c = chain(plain, &nobody);

	(void)state;
	put(".aws/credentials", "[default]\n" KEYS("DEF"));
	put(".aws/config", "[profile p]\n" KEYS("CONF"));
	assert_chain_gives(&c, "DEF", "profile default");
	c = chain(named, &nobody);
	assert_chain_gives(&c, "CONF", ".aws/config");
	c = chain(missing, &nobody);
	assert_refused(&c, MF_EUSAGE, "no profile q");
	put("elsewhere", "[default]\n" KEYS("ELSE"));
	c = chain(elsewhere, &nobody);
	assert_chain_gives(&c, "ELSE", "/elsewhere");
	c.profile = "p";
	assert_chain_gives(&c, "CONF2", "/conf2");
	put(".aws/credentials", "hush\n");
	c = chain(plain, &nobody);
	assert_refused(&c, MF_EUSAGE, "line 1");
	put(".aws/credentials", "[default]\naws_access_key_id = DEF\n");
	assert_refused(&c, MF_EUSAGE, "no aws_secret_access_key");
}

#define STS_REPLY(action)                                                                      \
	"<" action "Response><" action "Result><Credentials><SessionToken>hush</SessionToken>" \
	"<SecretAccessKey>hush</SecretAccessKey><Expiration>2026-03-01T13:34:56Z</Expiration>" \
	"<AccessKeyId>ROLE</AccessKeyId></Credentials></" action "Result></" action "Response>"

static void
roles_of_profiles(void **state)
{
	static const char *const named[] = {"AWS_PROFILE", "p", "AWS_REGION", "", NULL};
	struct fetch_step step = {"POST", "https://sts.eu-west-3.amazonaws.com", NULL,
	    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn&RoleSessionName=me&"
	    "DurationSeconds=1800&ExternalId=x",
	    true, 200, STS_REPLY("AssumeRole")};
	struct fetch_script script = {&step, 1, 0, ""};
	struct mf_s3_chain c = chain(named, &script);
	char config[1024];

	(void)state;
	put(".aws/credentials", "[base]\n" KEYS("BASE"));
	put(".aws/config", "[profile p]\nrole_arn = arn\nsource_profile = base\nexternal_id = x\n"
			   "duration_seconds = 1800\nrole_session_name = me\nregion = eu-west-3\n");
	assert_chain_gives(&c, "ROLE", "role arn");
	assert_non_null(strstr(script.last_header, "Credential=BASE/20260301/eu-west-3/sts/"));
	/* a profile that has keys and a role may name itself */
	put(".aws/config", "[profile p]\nrole_arn = arn\nsource_profile = p\n" KEYS("SELF"));
	step.url = "https://sts.amazonaws.com";
	step.body = "Action=AssumeRole";
	script.done = 0;
	assert_chain_gives(&c, "ROLE", "role arn");
	assert_non_null(strstr(script.last_header, "Credential=SELF/20260301/us-east-1/sts/"));
	/* web identity */
	snprintf(config, sizeof config,
	    "[profile p]\nrole_arn = arn\n"
	    "web_identity_token_file = %s\n",
	    put("jwt", "hush"));
	put(".aws/config", config);
	step.body = "Action=AssumeRoleWithWebIdentity";
	step.answer = STS_REPLY("AssumeRoleWithWebIdentity");
	script.done = 0;
	assert_chain_gives(&c, "ROLE", "role arn");
}

/* What is asked for and not done is named, not passed over. */
static void
what_profiles_ask_for_in_vain(void **state)
{
	static const struct {
		const char *config, *words;
		enum mf_code code;
	} rows[] = {
	    {"credential_process = /bin/hush", "credential_process", MF_EUNSUPPORTED},
	    {"sso_session = corp", "sso_session", MF_EUNSUPPORTED},
	    {"sso_start_url = https://x", "sso_start_url", MF_EUNSUPPORTED},
	    {"role_arn = a\nsource_profile = base\nmfa_serial = m", "mfa_serial", MF_EUNSUPPORTED},
	    {"role_arn = a\ncredential_source = Environment", "credential_source", MF_EUNSUPPORTED},
	    {"role_arn = a\nsource_profile = chained", "a source_profile that is a role itself",
		MF_EUNSUPPORTED},
	    {"role_arn = a", "neither source_profile nor", MF_EUSAGE},
	    {"role_arn = a\nsource_profile = gone", "profile gone", MF_EUSAGE},
	    {"role_arn = a\nsource_profile = base\nduration_seconds = 1h", "duration_seconds",
		MF_EUSAGE},
	    {"role_arn = a\nsource_profile = base\nregion = a/b", "no region", MF_EUSAGE},
	};
	static const char *const named[] = {"AWS_PROFILE", "p", NULL};
	struct mf_s3_chain c = chain(named, &nobody);
	char config[1024];
	size_t i;

	(void)state;
	put(".aws/credentials", "[base]\n" KEYS("BASE"));
	for (i = 0; i < LENGTH(rows); i++) {
		snprintf(config, sizeof config,
		    "[profile chained]\nrole_arn = b\n[profile p]\n%s\n", rows[i].config);
		put(".aws/config", config);
		assert_refused(&c, rows[i].code, rows[i].words);
	}
	put(".aws/config", "[profile p]\ncredential_process = x\n" KEYS("KEYS"));
	assert_chain_gives(&c, "KEYS", "profile p"); /* which is not needed here */
}

static void
web_identity_variables(void **state)
{
	const char *const env[] = {"AWS_ROLE_ARN", "arn", "AWS_WEB_IDENTITY_TOKEN_FILE",
	    put("jwt", "hush"), "AWS_ROLE_SESSION_NAME", "pod", "AWS_REGION", "eu-west-1", NULL};
	const char *const endpoint[] = {"AWS_ROLE_ARN", "arn", "AWS_WEB_IDENTITY_TOKEN_FILE",
	    env[3], "AWS_ENDPOINT_URL", "https://minio.example:9000", NULL};
	const char *const half[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", env[3], NULL};
	struct fetch_step step = {"POST", "https://sts.eu-west-1.amazonaws.com", NULL,
	    "RoleArn=arn&RoleSessionName=pod&WebIdentityToken=hush", true, 200,
	    STS_REPLY("AssumeRoleWithWebIdentity")};
	struct fetch_script script = {&step, 1, 0, ""};
	struct mf_s3_chain c = chain(env, &script);

	(void)state;
	put(".aws/config", "[default]\nregion = us-west-1\n"); /* no credentials in it: go on */
	assert_chain_gives(&c, "ROLE", "role arn");
	step.url = "https://minio.example:9000";
	step.body = NULL;
	script.done = 0;
	c = chain(endpoint, &script);
	assert_chain_gives(&c, "ROLE", "role arn");
	c = chain(half, &nobody);
	assert_refused(&c, MF_EUSAGE, "AWS_ROLE_ARN is not");
}

static void
container_variables(void **state)
{
	static const char answer[] = "{\"AccessKeyId\": \"BOX\", \"SecretAccessKey\": \"hush\", "
				     "\"Token\": \"hush\", "
				     "\"Expiration\": \"2026-03-01T18:34:56Z\"}";
	static const char *const relative[] = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x",
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/y", NULL};
	const char *const full[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	    put("authorization", "hush-file"), "AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush-text",
	    NULL};
	static const char *const text[] = {"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	    "http://127.0.0.1:1/y", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush-text", NULL};
	static const char *const evil[] = {
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@example.org/", NULL};
	static const char *const far[] = {
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/", NULL};
	struct fetch_step step = {
	    "GET", "http://169.254.170.2/v2/x", NULL, NULL, false, 200, answer};
	struct fetch_script script = {&step, 1, 0, ""};
	struct mf_s3_chain c = chain(relative, &script);

	(void)state;
	assert_chain_gives(&c, "BOX", "container");
	assert_string_equal(script.last_header, "");
	step.url = "http://169.254.170.23/v1/credentials";
	script.done = 0;
	c = chain(full, &script);
	assert_chain_gives(&c, "BOX", "container");
	assert_string_equal(script.last_header, "hush-file");
	step.url = "http://127.0.0.1:1/y";
	script.done = 0;
	c = chain(text, &script);
	assert_chain_gives(&c, "BOX", "container");
	assert_string_equal(script.last_header, "hush-text");
	c = chain(evil, &nobody);
	assert_refused(&c, MF_EUSAGE, "does not begin with /");
	c = chain(far, &nobody);
	assert_refused(&c, MF_EUSAGE, "over http to example.org");
}

static void
instance_is_last(void **state)
{
	static const struct fetch_step steps[] = {
	    {"PUT", "http://127.0.0.1:1338/latest/api/token", NULL, NULL, false, 200, "t"},
	    {"GET", "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/", NULL, NULL,
		false, 200, "r"},
	    {"GET", "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/r", NULL, NULL,
		false, 200, "{\"AccessKeyId\": \"EC2\", \"SecretAccessKey\": \"hush\"}"}};
	static const char *const endpoint[] = {"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	    "http://127.0.0.1:1338", "AWS_METADATA_SERVICE_TIMEOUT", "2", NULL};
	static const char *const off[] = {"AWS_EC2_METADATA_DISABLED", "TRUE", NULL};
	static const char *const bad[] = {"AWS_METADATA_SERVICE_TIMEOUT", "soon", NULL};
	struct fetch_script script = {steps, LENGTH(steps), 0, ""};
	struct mf_s3_chain c = chain(endpoint, &script);

	(void)state;
	assert_chain_gives(&c, "EC2", "role r");
	c = chain(off, &nobody);
	assert_refused(&c, MF_EPERM, "none are set");
	c = chain(bad, &nobody);
	assert_refused(&c, MF_EUSAGE, "AWS_METADATA_SERVICE");
}

static void
regions(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const both[] = {"AWS_DEFAULT_REGION", "r2", "AWS_REGION", "r1", NULL};
	static const char *const second[] = {"AWS_DEFAULT_REGION", "r2", "AWS_REGION", "", NULL};
	char region[MF_S3_REGION_BYTES];
	struct mf_s3_chain c = chain(none, &nobody);
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_s3_chain_region(&c, region, &e), 0);
	assert_string_equal(region, "");
	put(".aws/config",
	    "[default]\nregion = r3\n[profile p]\nregion = r4\n[profile q]\nregion = "
	    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\n");
	assert_int_equal(mf_s3_chain_region(&c, region, &e), 0);
	assert_string_equal(region, "r3");
	c.profile = "p";
	assert_int_equal(mf_s3_chain_region(&c, region, &e), 0);
	assert_string_equal(region, "r4");
	c.profile = "q";
	assert_int_equal(mf_s3_chain_region(&c, region, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	c = chain(both, &nobody);
	assert_int_equal(mf_s3_chain_region(&c, region, &e), 0);
	assert_string_equal(region, "r1");
	c = chain(second, &nobody);
	assert_int_equal(mf_s3_chain_region(&c, region, &e), 0);
	assert_string_equal(region, "r2");
}

int
main(void)
{
	const struct mf_log_params quiet = {.level = MF_LOG_ERROR, .fd = -1};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(flags_come_first, clear_files),
	    cmocka_unit_test_setup(variables_come_next, clear_files),
	    cmocka_unit_test_setup(files_of_profiles, clear_files),
	    cmocka_unit_test_setup(roles_of_profiles, clear_files),
	    cmocka_unit_test_setup(what_profiles_ask_for_in_vain, clear_files),
	    cmocka_unit_test_setup(web_identity_variables, clear_files),
	    cmocka_unit_test_setup(container_variables, clear_files),
	    cmocka_unit_test_setup(instance_is_last, clear_files),
	    cmocka_unit_test_setup(regions, clear_files),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	mf_log_configure(&quiet);
	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
