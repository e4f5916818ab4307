/* The sources of access tokens: against scripts, and against the fake Google over HTTP. And what
 * the log says of any source that asks over HTTP. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "src/base/log.h"
#include "tests/harness/fake_gcs.h"
#include "tests/unit/net/http_server.h"
#include "tests/unit/transfers/s3_fetch_script.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/gcs_source.h"
#include "transfers/s3_fetch_http.h"
#include "transfers/s3_source.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define NOW 1772368496

static char scratch[SCRATCH_PATH];

static const char *
put(const char *name, const char *text)
{
	static char paths[8][SCRATCH_PATH + 64];
	static size_t n;
	char *path = paths[n++ % LENGTH(paths)];
	FILE *f;

	(void)snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* What a source gives: its token, or "" with *e set. The source is freed. */
static const char *
fetch(struct mf_s3_source *s, int64_t now, char out[256], struct mf_error *e)
{
	struct mf_s3_credentials *c = NULL;

	assert_non_null(s);
	out[0] = '\0';
	mf_error_clear(e);
	if (s->fetch(s, now, &c, e) == 0) {
		assert_null(mf_s3_credentials_key_id(c));
		(void)snprintf(out, 256, "%s", mf_s3_credentials_token(c));
		mf_s3_credentials_unref(c);
	}
	mf_s3_source_free(s);
	return out;
}

/* ---- over HTTP ---- */

struct net {
	struct mf_http *http;
	struct mf_s3_fetcher *fetcher;
	struct mf_s3_fetch fetch;
};

static void
open_net(struct net *n)
{
	const struct mf_http_params params = {.http_proxy = "http://127.0.0.1:1"};
	const struct mf_waiting waiting = {.arg = NULL};

	assert_non_null(n->http = mf_http_open(&params, NULL));
	assert_non_null(n->fetcher = mf_s3_fetcher_new(n->http, &waiting, NULL));
	n->fetch = mf_s3_fetcher_fetch(n->fetcher);
}

static void
close_net(struct net *n)
{
	mf_s3_fetcher_free(n->fetcher);
	mf_http_close(n->http);
}

/* Every kind of file gets a token from servers that check what they are given. */
static void
files(void **state)
{
	static const char *const names[] = {
	    "service.json", "user.json", "external.json", "impersonated.json"};
	static const unsigned given[] = {1, 1, 1, 2};
	const struct fake_gcs_params params = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&params);
	char path[SCRATCH_PATH + 64], token[256];
	struct mf_error e;
	unsigned before;
	struct net net;
	size_t i;

	(void)state;
	fake_gcs_write_credentials(f, scratch);
	open_net(&net);
	for (i = 0; i < LENGTH(names); i++) {
		before = fake_gcs_count(f, FAKE_GCS_TOKENS);
		(void)snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
		fetch(mf_gcs_source_file(path, &net.fetch, &e), NOW, token, &e);
		if (strncmp(token, "ya29.", 5) != 0)
			fail_msg("%s: %s", names[i], e.message);
		assert_int_equal(fake_gcs_count(f, FAKE_GCS_TOKENS) - before, given[i]);
	}
	/* Whoever does not hold the key gets none. */
	put("subject-token", "another");
	(void)snprintf(path, sizeof path, "%s/external.json", scratch);
	assert_string_equal(fetch(mf_gcs_source_file(path, &net.fetch, &e), NOW, token, &e), "");
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "invalid_grant, not the subject token (HTTP 400)"));
	close_net(&net);
	fake_gcs_stop(f);
}

static bool
no_flavor(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 200, "{\"access_token\":\"stolen\",\"expires_in\":3599}");
}

static void
metadata(void **state)
{
	const struct fake_gcs_params params = {.page = 0};
	struct fake_gcs *f = fake_gcs_start(&params);
	struct http_server *other;
	char host[64], token[256];
	struct mf_error e;
	struct net net;

	(void)state;
	open_net(&net);
	fetch(mf_gcs_source_metadata(fake_gcs_host(f), 0, 0, &net.fetch, &e), NOW, token, &e);
	assert_string_equal(token, "ya29.0");
	fake_gcs_stop(f);
	/* Something that does not say that it is Google's is not believed. */
	other = http_server_start(no_flavor, NULL);
	(void)snprintf(host, sizeof host, "127.0.0.1:%u", http_server_port(other));
	fetch(mf_gcs_source_metadata(host, 0, 0, &net.fetch, &e), NOW, token, &e);
	assert_string_equal(token, "");
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "lacks the header Metadata-Flavor: Google"));
	assert_int_equal(http_server_requests(other), 1);
	http_server_stop(other);
	close_net(&net);
}

/* ---- against scripts ---- */

#define TOKEN_URL \
	"http://169.254.169.254:80/computeMetadata/v1/instance/service-accounts/default/token"

static void
metadata_script(void **state)
{
	static const struct fetch_step nobody[] = {
	    {"GET", TOKEN_URL, "Metadata-Flavor: Google", NULL, false, 0, NULL},
	    {"GET", TOKEN_URL, NULL, NULL, false, 0, NULL}};
	static const struct fetch_step none[] = {{"GET", TOKEN_URL, NULL, NULL, false, 404, "no"}};
	static const struct fetch_step busy[] = {{"GET", TOKEN_URL, NULL, NULL, false, 503, ""}};
	struct fetch_script s = {nobody, 2, 0, ""};
	struct mf_s3_fetch f = fetch_by_script(&s);
	char token[256];
	struct mf_error e;

	(void)state;
	fetch(mf_gcs_source_metadata("169.254.169.254:80", 0, 2, &f, &e), NOW, token, &e);
	assert_int_equal(s.done, 2);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "no metadata server answers"));
	assert_non_null(strstr(e.hint, "GOOGLE_APPLICATION_CREDENTIALS"));
	s = (struct fetch_script){none, 1, 0, ""};
	fetch(mf_gcs_source_metadata("169.254.169.254:80", 0, 1, &f, &e), NOW, token, &e);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "no service account"));
	s = (struct fetch_script){busy, 1, 0, ""};
	fetch(mf_gcs_source_metadata("169.254.169.254:80", 0, 1, &f, &e), NOW, token, &e);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_null(mf_gcs_source_metadata("host/path", 0, 0, &f, &e));
	assert_int_equal(e.code, MF_EUSAGE);
	assert_null(mf_gcs_source_metadata("a b", 0, 0, &f, &e));
}

#define USER(token)                                                                     \
	"{\"type\":\"authorized_user\",\"client_id\":\"c&d\",\"client_secret\":\"s3\"," \
	"\"refresh_token\":\"" token "\",\"token_uri\":\"https://t.example/token\"}"

/* The form is encoded, and the file read again for each token. */
static void
user_script(void **state)
{
	static const struct fetch_step steps[] = {
	    {"POST", "https://t.example/token", "Content-Type: application/x-www-form-urlencoded",
		"grant_type=refresh_token&client_id=c%26d&client_secret=s3&refresh_token=1%2F%2Fa",
		true, 200, "{\"access_token\":\"one\",\"expires_in\":10}"},
	    {"POST", "https://t.example/token", NULL, "refresh_token=b", true, 200,
		"{\"access_token\":\"two\",\"expires_in\":10}"},
	    {"POST", "https://t.example/token", NULL, NULL, true, 400,
		"{\"error\":\"invalid_grant\"}"}};
	struct fetch_script s = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch f = fetch_by_script(&s);
	const char *path = put("user.json", USER("1//a"));
	struct mf_s3_source *source = mf_gcs_source_file(path, &f, NULL);
	struct mf_s3_credentials *c;
	struct mf_error e;

	(void)state;
	assert_non_null(source);
	assert_int_equal(source->fetch(source, NOW, &c, &e), 0);
	assert_string_equal(mf_s3_credentials_token(c), "one");
	assert_int_equal(mf_s3_credentials_expires(c), NOW + 10);
	mf_s3_credentials_unref(c);
	put("user.json", USER("b"));
	assert_int_equal(source->fetch(source, NOW, &c, &e), 0);
	assert_string_equal(mf_s3_credentials_token(c), "two");
	mf_s3_credentials_unref(c);
	assert_int_equal(source->fetch(source, NOW, &c, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.hint, "gcloud auth"));
	assert_null(strstr(e.message, "s3"));
	put("user.json", "gone bad");
	assert_int_equal(source->fetch(source, NOW, &c, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_s3_source_free(source);
}

#define EXTERNAL                                                                             \
	"{\"type\":\"external_account\",\"audience\":\"//iam/pool\",\"subject_token_type\":" \
	"\"urn:jwt\",\"token_url\":\"https://sts.example/v1/token\",\"credential_source\":"

/* A subject token behind a URL, Azure's way, and a service account behind that. */
static void
external_script(void **state)
{
	static const struct fetch_step steps[] = {
	    {"GET", "http://169.254.169.254/m", "Metadata: True", NULL, false, 200,
		"{\"access_token\":\"subject\"}"},
	    {"POST", "https://sts.example/v1/token", NULL,
		"audience=%2F%2Fiam%2Fpool&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2F"
		"cloud-platform&subject_token_type=urn%3Ajwt&subject_token=subject",
		true, 200, "{\"access_token\":\"federated\",\"expires_in\":3600}"},
	    {"POST", "https://iam.example/a@b:generateAccessToken",
		"Authorization: Bearer federated",
		"{\"scope\":[\"https://www.googleapis.com/auth/devstorage.read_write\"],"
		"\"lifetime\":\"900s\"}",
		true, 200, "{\"accessToken\":\"mine\",\"expireTime\":\"2026-03-01T13:34:56Z\"}"}};
	struct fetch_script s = {steps, LENGTH(steps), 0, ""};
	const struct mf_s3_fetch f = fetch_by_script(&s);
	const char *path = put("external.json", EXTERNAL
	    "{\"url\":\"http://169.254.169.254/m\",\"headers\":{\"Metadata\":\"True\"},"
	    "\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"access_token\"}},"
	    "\"service_account_impersonation_url\":"
	    "\"https://iam.example/a@b:generateAccessToken\","
	    "\"service_account_impersonation\":{\"token_lifetime_seconds\":900}}");
	char token[256];
	struct mf_error e;

	(void)state;
	fetch(mf_gcs_source_file(path, &f, &e), NOW, token, &e);
	assert_string_equal(token, "mine");
	assert_int_equal(s.done, LENGTH(steps));
}

/* Without a service account the exchange's token is it, for objects only. */
static void
external_direct(void **state)
{
	static const struct fetch_step steps[] = {{"POST", "https://sts.example/v1/token", NULL,
	    "scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fdevstorage.read_write", true, 200,
	    "{\"access_token\":\"federated\",\"expires_in\":3600}"}};
	struct fetch_script s = {steps, 1, 0, ""};
	const struct mf_s3_fetch f = fetch_by_script(&s);
	char text[SCRATCH_PATH + 512], token[256];
	struct mf_error e;

	(void)state;
	(void)snprintf(text, sizeof text, EXTERNAL "{\"file\":\"%s/subject\"}}", scratch);
	put("subject", "header.claims.signature\n");
	fetch(mf_gcs_source_file(put("x.json", text), &f, &e), NOW, token, &e);
	assert_string_equal(token, "federated");
	put("subject", "two\nlines\n");
	fetch(mf_gcs_source_file(put("x.json", text), &f, &e), NOW, token, &e);
	assert_int_equal(e.code, MF_EPERM);
	assert_non_null(strstr(e.message, "no subject token of one line"));
	put("subject", "\n");
	fetch(mf_gcs_source_file(put("x.json", text), &f, &e), NOW, token, &e);
	assert_int_equal(e.code, MF_EPERM);
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

/* What some of them are asked by is as good as a key: ECS tells tasks apart by the path alone. */
static bool
unpaid(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 402, "hush");
}

static void
log_has_no_paths(void **state)
{
	static const char external[] =
	    "{\"type\": \"external_account\", \"audience\": \"a\", \"subject_token_type\": \"t\", "
	    "\"token_url\": \"https://sts.example/\", "
	    "\"credential_source\": {\"url\": \"http://127.0.0.1:%u/hush?hush=hush\"}}";
	struct http_server *server = http_server_start(unpaid, NULL);
	char name[] = "/tmp/mf-source-log-XXXXXX", text[4096], url[64], file[512], token[256];
	struct mf_log_params log = {.level = MF_LOG_DEBUG, .fd = mkstemp(name)};
	struct mf_s3_credentials *c = NULL;
	struct mf_s3_source *s;
	struct mf_error e;
	struct net net;
	ssize_t n;

	(void)state;
	assert_true(log.fd >= 0);
	(void)remove(name);
	open_net(&net);
	mf_log_configure(&log);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/hush", http_server_port(server));
	assert_non_null(s = mf_s3_source_container(url, "hush", NULL, &net.fetch, NULL));
	assert_int_equal(s->fetch(s, NOW, &c, &e), -1);
	assert_null(strstr(e.message, "hush"));
	mf_s3_source_free(s);
	(void)snprintf(file, sizeof file, external, http_server_port(server));
	fetch(mf_gcs_source_file(put("log.json", file), &net.fetch, &e), NOW, token, &e);
	assert_string_equal(token, "");
	assert_null(strstr(e.message, "hush"));
	n = pread(log.fd, text, sizeof text - 1, 0);
	(void)close(log.fd);
	log = (struct mf_log_params){.level = MF_LOG_INFO, .fd = -1};
	mf_log_configure(&log);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(http_server_requests(server), 2);
	assert_non_null(strstr(text, "path=(hidden) attempt=1 status=402"));
	assert_null(strstr(text, "hush"));
	close_net(&net);
	http_server_stop(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(files), cmocka_unit_test(metadata),
	    cmocka_unit_test(metadata_script), cmocka_unit_test(user_script),
	    cmocka_unit_test(external_script), cmocka_unit_test(external_direct),
	    cmocka_unit_test(log_has_no_paths)};

	return cmocka_run_group_tests_name("gcs_source", tests, start, end);
}
