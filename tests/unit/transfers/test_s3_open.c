/* Opening s3:// by options and environment, and what is remembered of a bucket. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/unit/transfers/s3_script.h"
#include "transfers/open.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A machine: its environment, and what it remembers. */
struct machine {
	const char *env[8][2];
	char store[128], fact[64];
	uint64_t value;
	int recalls, remembers;
	bool fails;
};

static const char *
variable(void *arg, const char *name)
{
	struct machine *m = arg;
	size_t i;

	for (i = 0; i < LENGTH(m->env) && m->env[i][0] != NULL; i++)
		if (strcmp(m->env[i][0], name) == 0)
			return m->env[i][1];
	return NULL;
}

static int
recall(void *arg, const char *store, const char *fact, uint64_t *value, struct mf_error *e)
{
	struct machine *m = arg;

	m->recalls++;
	*value = 0;
	if (m->fails)
		return mf_error_set(e, MF_EPERM, "no state");
	if (strcmp(store, m->store) != 0 || strcmp(fact, m->fact) != 0)
		return 1;
	*value = m->value;
	return 0;
}

static int
remember(void *arg, const char *store, const char *fact, uint64_t value, struct mf_error *e)
{
	struct machine *m = arg;

	(void)e;
	m->remembers++;
	(void)snprintf(m->store, sizeof m->store, "%s", store);
	(void)snprintf(m->fact, sizeof m->fact, "%s", fact);
	m->value = value;
	return 0;
}

static int
open_at(struct machine *m, const char *url, const char *endpoint, bool write, struct mf_store **out,
    struct mf_error *e)
{
	const struct mf_s3_options s3 = {
	    .endpoint_url = endpoint, .variable = variable, .variable_arg = m};
	const struct mf_store_memory memory = {recall, remember, m};
	const struct mf_store_open_params p = {.write = write, .s3 = &s3, .memory = &memory};

	*e = (struct mf_error){0};
	return mf_store_open(url, &p, out, e);
}

#define KEYS                                              \
	{                                                 \
		{"AWS_ACCESS_KEY_ID", "KEYENV"},          \
		{                                         \
			"AWS_SECRET_ACCESS_KEY", "secret" \
		}                                         \
	}

/* The store asks the limiter itself, for requests and, as the engine sends, for bytes. */
static void
test_limits(void **state)
{
	const struct s3_reply replies[] = {{404, NULL, NULL, 0}};
	const unsigned own = MF_STORE_PACED | MF_STORE_COUNTED;
	struct mf_limits limits = {.requests_per_1000s = 20000};
	const struct mf_waiting waiting = {.now_us = NULL};
	struct mf_limiter *limiter;
	struct machine m = {.env = KEYS};
	struct mf_s3_options s3 = {.variable = variable, .variable_arg = &m};
	const struct mf_store_open_params p = {.s3 = &s3};
	struct mf_http_pacer pacer;
	struct s3_script script;
	struct mf_store *s = NULL;
	struct mf_error e;

	(void)state;
	s3_script_start(&script, replies, LENGTH(replies));
	assert_int_equal(mf_bwlimit_parse("20k:1M", &limits.bandwidth, &e), 0);
	assert_int_equal(mf_limiter_new(&limits, &waiting, &limiter, &e), 0);
	s3.endpoint_url = script.url;
	s3.sending.limiter = limiter;
	assert_int_equal(mf_store_open("s3://models/a", &p, &s, &e), 0);
	assert_int_equal(mf_store_capabilities(s) & own, own);
	assert_int_equal(mf_store_head(s, "x", NULL, &e), 1);
	mf_store_close(s);
	/* the heads of what was sent count: the first ticket after them is for more than its own */
	pacer = mf_limiter_pacer(limiter);
	assert_true(pacer.take(limiter, MF_HTTP_UP, 1, 0) > 300);
	mf_limiter_free(limiter);
	s3_script_stop(&script);
}

static void
test_environment(void **state)
{
	const struct s3_reply replies[] = {{404, NULL, NULL, 0}};
	struct machine m = {.env = KEYS};
	struct s3_script script;
	struct mf_store *s = NULL;
	struct mf_error e;
	char value[512];

	(void)state;
	s3_script_start(&script, replies, LENGTH(replies));
	m.env[2][0] = "AWS_ENDPOINT_URL_S3";
	m.env[2][1] = script.url;
	m.env[3][0] = "AWS_ENDPOINT_URL";
	m.env[3][1] = "http://127.0.0.1:1";
	m.env[4][0] = "AWS_DEFAULT_REGION";
	m.env[4][1] = "eu-west-1";
	assert_int_equal(open_at(&m, "s3://models/a/b/", NULL, false, &s, &e), 0);
	assert_int_equal(m.recalls, 0);
	assert_int_equal(atomic_load(&script.n_asked), 0);
	assert_string_equal(mf_store_label(s), "s3://models/a/b");
	assert_int_equal(mf_store_head(s, "c/1", NULL, &e), 1);
	assert_string_equal(script.asked[0].target, "/models/a/b/c/1");
	assert_non_null(strstr(s3_script_header(&script, 0, "Authorization", value, sizeof value),
	    "Credential=KEYENV/"));
	assert_non_null(strstr(value, "/eu-west-1/s3/"));
	mf_store_close(s);
	s3_script_stop(&script);
}

/* Three puts and a deletion, once: then it is known. A no is tried again. */
static void
test_memory(void **state)
{
	const struct s3_reply yes[] = {
	    {200, NULL, NULL, 0}, {412, NULL, NULL, 0}, {412, NULL, NULL, 0}, {204, NULL, NULL, 0}};
	const struct s3_reply no[] = {{200, NULL, NULL, 0}};
	struct machine m = {.env = KEYS};
	struct s3_script script;
	char expected[128];
	struct mf_store *s = NULL;
	struct mf_error e;

	(void)state;
	s3_script_start(&script, no, LENGTH(no));
	assert_int_equal(open_at(&m, "s3://models", script.url, true, &s, &e), 0);
	assert_int_equal(mf_store_capabilities(s) & MF_STORE_CONDITIONAL, 0);
	assert_int_equal(m.remembers, 0);
	mf_store_close(s);

	script.replies = yes;
	script.n_replies = LENGTH(yes);
	atomic_store(&script.n_asked, 0);
	assert_int_equal(open_at(&m, "s3://models", script.url, true, &s, &e), 0);
	assert_true((mf_store_capabilities(s) & MF_STORE_CONDITIONAL) != 0);
	assert_int_equal(m.remembers, 1);
	(void)snprintf(expected, sizeof expected, "%s models", script.url);
	assert_string_equal(m.store, expected);
	mf_store_close(s);

	assert_int_equal(open_at(&m, "s3://models/elsewhere", script.url, true, &s, &e), 0);
	assert_true((mf_store_capabilities(s) & MF_STORE_CONDITIONAL) != 0);
	assert_int_equal(atomic_load(&script.n_asked), 4); /* none of them now */
	mf_store_close(s);

	m.fails = true;
	assert_int_equal(open_at(&m, "s3://models", script.url, true, &s, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	s3_script_stop(&script);
}

static void
test_refusals(void **state)
{
	struct machine m = {.env = KEYS}, nobody = {.env = {{"AWS_EC2_METADATA_DISABLED", "true"}}};
	struct mf_store *s = NULL;
	struct mf_error e;

	(void)state;
	assert_int_equal(open_at(&nobody, "s3://models", "http://127.0.0.1:1", false, &s, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_int_equal(open_at(&m, "s3://", "http://127.0.0.1:1", false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(open_at(&m, "s3:///a", "http://127.0.0.1:1", false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(open_at(&m, "s3://models//a", "http://127.0.0.1:1", false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(open_at(&m, "s3://models", "nonsense", false, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	/* plain http to another machine */
	assert_int_equal(open_at(&m, "s3://models", "http://192.0.2.1", false, &s, &e), 0);
	assert_int_equal(mf_store_head(s, "c/1", NULL, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_store_close(s);
}

static void
assert_place(const struct mf_s3_options *o, const char *rest, const char *expected)
{
	struct mf_buf b = MF_BUF_INIT;

	mf_s3_place(rest, o, &b);
	assert_string_equal(mf_buf_cstr(&b), expected);
	mf_buf_fini(&b);
}

static void
test_places(void **state)
{
	struct machine m = {.env = {{"AWS_ENDPOINT_URL", "https://a.example"}}};
	struct mf_s3_options o = {.region = "eu-west-1"};

	(void)state;
	assert_place(&o, "models/x//", "s3://models/x");
	o.variable = variable;
	o.variable_arg = &m;
	assert_place(&o, "models/x", "s3://models/x at https://a.example");
	o.endpoint_url = "https://b.example/";
	assert_place(&o, "models", "s3://models at https://b.example");
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
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests_name("s3 open", tests, setup, NULL);
}
