/* s3+v2://: what libs3 sends, what is made of the answers, and what is refused. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/secret.h"
#include "tests/unit/net/certificates.h"
#include "tests/unit/transfers/s3_script.h"
#include "transfers/open.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define OBJECT_HEAD "ETag: \"e\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

/* A machine: its environment, and how it waits. */
struct machine {
	const char *id, *secret, *token;
	atomic_bool cancelled;
	atomic_int sleeps;
	struct mf_s3_options s3;
};

static const char *
variable(void *arg, const char *name)
{
	const struct machine *m = arg;

	if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
		return m->id;
	if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
		return m->secret;
	return strcmp(name, "AWS_SESSION_TOKEN") == 0 ? m->token : NULL;
}

static bool
cancelled(void *arg)
{
	return atomic_load(&((struct machine *)arg)->cancelled);
}

static void
no_sleep(void *arg, uint64_t us)
{
	(void)us;
	atomic_fetch_add(&((struct machine *)arg)->sleeps, 1);
}

static void
machine_make(struct machine *m, const char *endpoint)
{
	*m = (struct machine){.id = "AKEY", .secret = "a-secret"};
	atomic_init(&m->cancelled, false);
	atomic_init(&m->sleeps, 0);
	m->s3 = (struct mf_s3_options){.endpoint_url = endpoint,
	    .variable = variable,
	    .variable_arg = m,
	    .waiting = {.cancelled = cancelled, .sleep_us = no_sleep, .arg = m}};
}

/* It is known that the bucket has conditional puts. */
static int
recall(void *arg, const char *store, const char *fact, uint64_t *value, struct mf_error *e)
{
	(void)arg;
	(void)fact;
	(void)e;
	assert_memory_equal(store, "s3+v2 http", strlen("s3+v2 http"));
	*value = 1;
	return 0;
}

static int
open_at(struct machine *m, const char *url, struct mf_store **out, struct mf_error *e)
{
	const struct mf_store_memory memory = {.recall = recall};
	const struct mf_store_open_params p = {.write = true, .s3 = &m->s3, .memory = &memory};

	*e = (struct mf_error){0};
	*out = NULL;
	return mf_store_open(url, &p, out, e);
}

/* A store at a server that plays these. */
struct fixture {
	struct s3_script script;
	struct machine m;
	struct mf_store *s;
	struct mf_error e;
	struct mf_buf got;
};

static void
begin(struct fixture *f, const struct s3_reply *replies, size_t n)
{
	*f = (struct fixture){.got = MF_BUF_INIT};
	s3_script_start(&f->script, replies, n);
	machine_make(&f->m, f->script.url);
	if (open_at(&f->m, "s3+v2://models/a/b", &f->s, &f->e) != 0)
		fail_msg("%s", f->e.message);
}

static void
end(struct fixture *f)
{
	mf_store_close(f->s);
	mf_buf_fini(&f->got);
	s3_script_stop(&f->script);
}

/* ---- what is sent ---- */

/* The signature of the nth request, as the S3 manual has it ("Signing and Authenticating REST
 * Requests"): base64(HMAC-SHA1(secret, method, MD5, type, date, headers, resource)). */
static void
assert_signed(struct fixture *f, unsigned nth, const char *resource)
{
	char md5[64], date[64], got[128], text[512], expected[128];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned char b64[64];
	unsigned n = 0;

	s3_script_header(&f->script, nth, "Content-MD5", md5, sizeof md5);
	s3_script_header(&f->script, nth, "x-amz-date", date, sizeof date);
	s3_script_header(&f->script, nth, "Authorization", got, sizeof got);
	(void)snprintf(text, sizeof text, "%s\n%s\n\n\nx-amz-date:%s\n%s",
	    f->script.asked[nth].method, md5, date, resource);
	assert_non_null(HMAC(EVP_sha1(), f->m.secret, (int)strlen(f->m.secret),
	    (const unsigned char *)text, strlen(text), mac, &n));
	assert_int_equal(n, 20);
	assert_int_equal(EVP_EncodeBlock(b64, mac, (int)n), 28);
	(void)snprintf(expected, sizeof expected, "AWS AKEY:%s", (const char *)b64);
	assert_string_equal(got, expected);
}

static void
test_requests(void **state)
{
	static const char page[] =
	    "<ListBucketResult><Name>models</Name><IsTruncated>false</IsTruncated>"
	    "<Contents><Key>a/b/c/0</Key><Size>7</Size>"
	    "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents></ListBucketResult>";
	const struct s3_reply replies[] = {{200, NULL, NULL, 0},
	    {206, OBJECT_HEAD "Content-Range: bytes 2-5/9\r\n", "2345", 0}, {204, NULL, NULL, 0},
	    {404, NULL, NULL, 0}, {200, NULL, page, 0}};
	struct fixture f;
	char value[512];

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_string_equal(mf_store_label(f.s), "s3+v2://models/a/b");
	assert_int_equal(mf_store_capabilities(f.s),
	    MF_STORE_WRITABLE | MF_STORE_ORDERED | MF_STORE_CONDITIONAL);
	assert_int_equal(atomic_load(&f.script.n_asked), 0);

	assert_int_equal(mf_store_put(f.s, "c/1", "body", 4, 0, &f.e), 0);
	assert_string_equal(f.script.asked[0].method, "PUT");
	assert_string_equal(f.script.asked[0].target, "/models/a/b/c/1");
	assert_string_equal(f.script.asked[0].body, "body");
	s3_script_header(&f.script, 0, "Content-MD5", value, sizeof value);
	assert_string_equal(value, "hBotaJrYa9FhFEdFPCLG/A==");
	assert_string_equal(
	    s3_script_header(&f.script, 0, "Content-Length", value, sizeof value), "4");
	assert_null(strstr(f.script.asked[0].head, "Expect"));
	assert_signed(&f, 0, "/models/a/b/c/1");

	assert_int_equal(mf_store_get(f.s, "c/1", 2, 4, &f.got, &f.e), 0);
	assert_memory_equal(f.got.data, "2345", 4);
	assert_string_equal(
	    s3_script_header(&f.script, 1, "Range", value, sizeof value), "bytes=2-5");
	assert_signed(&f, 1, "/models/a/b/c/1");

	assert_int_equal(mf_store_del(f.s, "c/1", &f.e), 0);
	assert_string_equal(f.script.asked[2].method, "DELETE");
	assert_signed(&f, 2, "/models/a/b/c/1");

	assert_int_equal(mf_store_head(f.s, "c/1", NULL, &f.e), 1);
	assert_string_equal(f.script.asked[3].method, "HEAD");
	assert_signed(&f, 3, "/models/a/b/c/1");
	end(&f);
}

/* Under the same signature as any put. */
static void
test_conditional(void **state)
{
	static const char taken[] = "<Error><Code>PreconditionFailed</Code></Error>";
	const struct s3_reply replies[] = {
	    {200, NULL, NULL, 0}, {412, NULL, taken, 0}, {200, NULL, NULL, 0}};
	struct fixture f;
	char value[64];

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_put(f.s, "r/1", "x", 1, MF_STORE_IF_ABSENT, &f.e), 0);
	assert_string_equal(
	    s3_script_header(&f.script, 0, "If-None-Match", value, sizeof value), "*");
	assert_signed(&f, 0, "/models/a/b/r/1");
	assert_int_equal(mf_store_put(f.s, "r/1", "x", 1, MF_STORE_IF_ABSENT, &f.e), 1);
	assert_int_equal(mf_store_put(f.s, "r/1", "x", 1, 0, &f.e), 0);
	assert_string_equal(
	    s3_script_header(&f.script, 2, "If-None-Match", value, sizeof value), "");
	end(&f);
}

/* Where it is not known what a bucket can do, it is tried; this one ignores conditions. */
static void
test_probe(void **state)
{
	const struct s3_reply replies[] = {{200, NULL, NULL, 0}};
	struct mf_store_open_params p = {.write = true};
	struct mf_store *s;
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	p.s3 = &f.m.s3;
	assert_int_equal(mf_store_open("s3+v2://models", &p, &s, &f.e), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	assert_int_equal(mf_store_capabilities(s), MF_STORE_WRITABLE | MF_STORE_ORDERED);
	assert_int_equal(mf_store_put(s, "r/1", "x", 1, MF_STORE_IF_ABSENT, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUNSUPPORTED);
	assert_non_null(strstr(f.e.message, "no conditional put"));
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	mf_store_close(s);
	end(&f);
}

static int
count(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	int *n = arg;
	char expected[16];

	(void)snprintf(expected, sizeof expected, "c/%d", *n);
	assert_string_equal(name, expected);
	assert_int_equal(size, 7);
	assert_int_equal(mtime_us, INT64_C(1769860800000000));
	++*n;
	return 0;
}

#define ENTRY(name)                                         \
	"<Contents><Key>a/b/c/" name "</Key><Size>7</Size>" \
	"<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents>"

/* Version 1 of the call, from page to page by the last key; times are UTC wherever we are. */
static void
test_listing(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL,
		"<ListBucketResult><IsTruncated>true</IsTruncated>" ENTRY("0")
		    ENTRY("1") "</ListBucketResult>",
		0},
	    {200, NULL,
		"<ListBucketResult><IsTruncated>false</IsTruncated>" ENTRY(
		    "2") "</ListBucketResult>",
		0}};
	struct fixture f;
	int n = 0;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_list(f.s, "c/", count, &n, &f.e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(f.script.asked[0].target, "/models/?prefix=a/b/c/&max-keys=1000");
	assert_string_equal(
	    f.script.asked[1].target, "/models/?prefix=a/b/c/&marker=a/b/c/1&max-keys=1000");
	assert_signed(&f, 1, "/models/");
	end(&f);
}

/* ---- what comes back ---- */

static void
test_refusals_of_the_server(void **state)
{
	static const char slow[] = "<Error><Code>SlowDown</Code></Error>";
	static const char denied[] =
	    "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
	const struct s3_reply replies[] = {{503, NULL, slow, 0}, {200, NULL, NULL, 0},
	    {403, NULL, denied, 0}, {500, NULL, NULL, 0}, {0, NULL, NULL, 0}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_put(f.s, "c/1", "x", 1, 0, &f.e), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 2);
	assert_true(atomic_load(&f.m.sleeps) > 0);
	assert_int_equal(mf_store_put(f.s, "c/2", "x", 1, 0, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(f.e.http_status, 403);
	assert_non_null(
	    strstr(f.e.message, "putting s3+v2://models/a/b/c/2: AccessDenied, not you"));
	assert_int_equal(mf_store_put(f.s, "c/3", "x", 1, 0, &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	/* once a byte has left, a put is not sent again under its name */
	assert_int_equal(mf_store_put(f.s, "c/4", "x", 1, 0, &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(atomic_load(&f.script.n_asked), 5);
	end(&f);
}

/* libs3 takes a body that ends early for a good one; and follows wherever it is sent. */
static void
test_what_libs3_gets_wrong(void **state)
{
	const struct s3_reply replies[] = {{200, OBJECT_HEAD, "short", 50},
	    {307, "Location: http://elsewhere.example/\r\n", NULL, 0},
	    {301, "Location: https://s3.amazonaws.com/models\r\n", NULL, 0}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_get(f.s, "c/1", 0, 50, &f.got, &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(f.got.len, 0);
	assert_int_equal(mf_store_get(f.s, "c/1", 0, 50, &f.got, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	assert_non_null(strstr(f.e.message, "elsewhere.example is not encrypted"));
	assert_int_equal(mf_store_get(f.s, "c/1", 0, 50, &f.got, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	assert_non_null(strstr(f.e.message, "no way to speak to s3.amazonaws.com"));
	assert_int_equal(atomic_load(&f.script.n_asked), 3);
	end(&f);
}

/* Answers behind whose length libs3 would write past its arrays: it is given none of them. */
static void
test_large_answers(void **state)
{
	struct mf_buf headers = MF_BUF_INIT, document = MF_BUF_INIT;
	struct s3_reply replies[] = {{404, NULL, NULL, 0}, {403, NULL, NULL, 0}};
	struct fixture f;
	int i;

	(void)state;
	for (i = 0; i < 250; i++)
		mf_buf_printf(&headers, "x-amz-meta-%d: v\r\n", i);
	mf_buf_printf(&document, "<Error><Code>AccessDenied</Code>");
	for (i = 0; i < 500; i++)
		mf_buf_printf(&document, "<E%d>v</E%d>", i, i);
	mf_buf_printf(&document, "</Error>");
	replies[0].headers = mf_buf_cstr(&headers);
	replies[1].body = mf_buf_cstr(&document);
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_head(f.s, "c/1", NULL, &f.e), 1);
	assert_int_equal(mf_store_get(f.s, "c/1", 0, 50, &f.got, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_non_null(strstr(f.e.message, "AccessDenied"));
	end(&f);
	mf_buf_fini(&headers);
	mf_buf_fini(&document);
}

static void
test_patience(void **state)
{
	const struct s3_reply replies[] = {{-1, NULL, NULL, 0}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	mf_store_close(f.s);
	f.m.s3.sending.patience.answer_us = 1000;
	assert_int_equal(open_at(&f.m, "s3+v2://models", &f.s, &f.e), 0);
	assert_int_equal(mf_store_get(f.s, "c/1", 0, 50, &f.got, &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_non_null(strstr(f.e.message, "has the request and gave no answer"));
	/* and nobody waits for what nobody wants */
	atomic_store(&f.m.cancelled, true);
	assert_int_equal(mf_store_get(f.s, "c/1", 0, 50, &f.got, &f.e), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	assert_int_equal(atomic_load(&f.script.n_asked), 1);
	end(&f);
}

/* ---- trust ---- */

static bool
play_missing(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	(void)arg;
	return http_answer(c, 404, "");
}

static void
test_tls(void **state)
{
	struct certificates good, other;
	struct http_server *server;
	struct machine m;
	struct mf_store *s;
	struct mf_error e;
	char url[64];
	/* whose authority is named, and how it ends: with an answer, or with a refusal */
	const struct {
		const char *ca_file, *host;
		int rc;
	} cases[] = {{good.ca, "127.0.0.1", 1}, {NULL, "127.0.0.1", -1},
	    {other.ca, "127.0.0.1", -1}, {good.ca, "localhost", -1}};
	size_t i;

	(void)state;
	certificates_make(&good, "test authority", "IP:127.0.0.1", -60, 3600);
	certificates_make(&other, "another authority", "IP:127.0.0.1", -60, 3600);
	server = http_server_start_tls(play_missing, NULL, good.cert, good.key);
	for (i = 0; i < LENGTH(cases); i++) {
		(void)snprintf(
		    url, sizeof url, "https://%s:%u", cases[i].host, http_server_port(server));
		machine_make(&m, url);
		m.s3.ca_file = cases[i].ca_file;
		assert_int_equal(open_at(&m, "s3+v2://models", &s, &e), 0);
		assert_int_equal(mf_store_head(s, "c/1", NULL, &e), cases[i].rc);
		if (cases[i].rc < 0)
			assert_int_equal(e.code, MF_EPERM);
		mf_store_close(s);
	}
	assert_int_equal(http_server_requests(server), 1);
	http_server_stop(server);
	certificates_remove(&good);
	certificates_remove(&other);
}

/* ---- what is refused before anything is sent ---- */

static void
assert_not_opened(struct machine *m, const char *url, enum mf_code code, const char *word)
{
	struct mf_store *s;
	struct mf_error e;

	assert_int_equal(open_at(m, url, &s, &e), -1);
	assert_int_equal(e.code, code);
	if (strstr(e.message, word) == NULL && strstr(e.hint, word) == NULL)
		fail_msg("\"%s\" (%s) has no %s in it", e.message, e.hint, word);
}

static void
assert_endpoint(const char *endpoint, const char *word)
{
	struct machine m;

	machine_make(&m, endpoint);
	assert_not_opened(&m, "s3+v2://models", MF_EUSAGE, word);
}

static void
test_not_opened(void **state)
{
	struct machine m;

	(void)state;
	assert_endpoint(NULL, "--endpoint-url");
	assert_endpoint("https://s3.amazonaws.com", "s3://");
	assert_endpoint("https://S3.eu-west-1.AMAZONAWS.com", "s3://");
	assert_endpoint("https://s3.cn-north-1.amazonaws.com.cn", "s3://");
	assert_endpoint("https://storage.googleapis.com", "gs://");
	assert_endpoint("nonsense", "bad URL");
	machine_make(&m, "https://notamazonaws.com");
	m.s3.put.storage_class = "STANDARD_IA";
	assert_not_opened(&m, "s3+v2://models", MF_EUNSUPPORTED, "storage class");
	m.s3.put.storage_class = NULL;
	m.s3.put.encryption = "AES256";
	assert_not_opened(&m, "s3+v2://models", MF_EUNSUPPORTED, "encryption");
	m.s3.put.encryption = NULL;
	m.s3.session_token_file = "token";
	assert_not_opened(&m, "s3+v2://models", MF_EUNSUPPORTED, "session token");
	m.s3.session_token_file = NULL;
	assert_not_opened(&m, "s3+v2://models/a b", MF_EUNSUPPORTED, "space");
	assert_not_opened(&m, "s3+v2://", MF_EUSAGE, "bucket");
}

/* An operation of this machine is refused with a word. */
static void
assert_not_sent(struct machine *m, enum mf_code code, const char *word)
{
	struct mf_store *s;
	struct mf_error e;

	if (open_at(m, "s3+v2://models", &s, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(mf_store_head(s, "c/1", NULL, &e), -1);
	assert_int_equal(e.code, code);
	if (strstr(e.message, word) == NULL)
		fail_msg("\"%s\" has no \"%s\" in it", e.message, word);
	assert_null(strstr(e.message, m->secret));
	mf_store_close(s);
}

static void
test_not_sent(void **state)
{
	const struct s3_reply replies[] = {{200, NULL, NULL, 0}};
	char secret[66], id[81];
	struct fixture f;

	(void)state;
	memset(secret, 's', sizeof secret - 1);
	memset(id, 'i', sizeof id - 1);
	secret[65] = id[80] = '\0';
	begin(&f, replies, LENGTH(replies));
	f.m.token = "token";
	assert_not_sent(&f.m, MF_EUNSUPPORTED, "session token");
	f.m.token = NULL;
	f.m.secret = secret;
	assert_not_sent(&f.m, MF_EUNSUPPORTED, "secret key (variable AWS_ACCESS_KEY_ID");
	f.m.secret = "a-secret";
	f.m.id = id;
	assert_not_sent(&f.m, MF_EUNSUPPORTED, "access key id");
	f.m.id = "AKEY";
	f.m.s3.endpoint_url = "http://192.0.2.1";
	assert_not_sent(&f.m, MF_EUSAGE, "not encrypted");
	f.m.s3.endpoint_url = "http://127.0.0.1:1/base";
	assert_not_sent(&f.m, MF_EUNSUPPORTED, "a path in its URL");
	assert_int_equal(atomic_load(&f.script.n_asked), 0);
	end(&f);
}

/* ---- many at once ---- */

static void *
look(void *arg)
{
	struct mf_store *s = arg;
	intptr_t failed = 0;
	int i;

	for (i = 0; i < 20; i++)
		failed += mf_store_head(s, "c/1", NULL, NULL) != 1;
	return (void *)failed;
}

static void
test_threads(void **state)
{
	const struct s3_reply replies[] = {{404, NULL, NULL, 0}};
	pthread_t threads[8];
	struct fixture f;
	void *failed;
	size_t i;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	for (i = 0; i < LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, f.s), 0);
	for (i = 0; i < LENGTH(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(atomic_load(&f.script.n_asked), 160);
	end(&f);
}

static int
setup(void **state)
{
	(void)state;
	return mf_crypto_init(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_conditional),
	    cmocka_unit_test(test_probe),
	    cmocka_unit_test(test_listing),
	    cmocka_unit_test(test_refusals_of_the_server),
	    cmocka_unit_test(test_what_libs3_gets_wrong),
	    cmocka_unit_test(test_large_answers),
	    cmocka_unit_test(test_patience),
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_not_opened),
	    cmocka_unit_test(test_not_sent),
	    cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("libs3", tests, setup, NULL);
}
