/* Calls to model servers, and waiting until all of them serve the version. */
#include "tests/unit/traffic/web_script.h"

#include "crypto/secret.h"
#include "src/traffic/serves.h"

#define SECOND ((uint64_t)1000000)

struct fixture {
	struct web_script a, b;
	struct web_clock clock;
	struct mf_dialer *dialer;
	uint64_t now_us;
	unsigned n_waits;
	bool gone; /* nobody wants to know any more */
	const char *servers[2];
	struct mf_serves_plan plan;
	struct mf_serves_params params;
	struct mf_serves_said said[2];
	struct mf_error e;
};

static uint64_t
now(void *arg)
{
	return ((struct fixture *)arg)->now_us;
}

static bool
wait_for(void *arg, uint64_t us)
{
	struct fixture *f = arg;

	f->now_us += us;
	f->n_waits++;
	return !f->gone;
}

static void
begin(struct fixture *f, const char *a, const char *b)
{
	memset(f, 0, sizeof *f);
	web_start(&f->a, a);
	web_start(&f->b, b);
	f->dialer = web_dialer(&f->clock, NULL);
	f->servers[0] = f->a.origin;
	f->servers[1] = f->b.origin;
	f->plan = (struct mf_serves_plan){
	    .call = {.url = "{server}/v2/models/{model}?v={version}"}, .json_path = "{$.version}"};
	f->params =
	    (struct mf_serves_params){.call = {.dialer = f->dialer, .now_us = now, .arg = f},
		.plan = &f->plan,
		.servers = f->servers,
		.n_servers = 2,
		.model = "churn model",
		.version = "v2",
		.timeout_us = 10 * SECOND,
		.wait = wait_for};
}

static int
wait_all(struct fixture *f)
{
	mf_error_clear(&f->e);
	f->n_waits = 0;
	return mf_serves_wait(&f->params, f->said, &f->e);
}

static void
end(struct fixture *f)
{
	mf_dialer_close(f->dialer);
	web_stop(&f->a);
	web_stop(&f->b);
}

static void
readings(void **state)
{
	static const struct {
		const char *path, *answer, *said; /* said NULL: refused */
	} rows[] = {
	    {"{$.version}", "{\"version\":\"v2\"}", "v2"},
	    {"{$.models[0].id}", "{\"models\":[{\"id\":\"churn-v2\"}]}", "churn-v2"},
	    {"{$.version}", "{\"version\":7}", "7"},
	    {"{$.loaded}", "{\"loaded\":true}", "true"},
	    {NULL, "\"v2\"", "v2"},
	    {NULL, "v2\n", "v2"},
	    {NULL, "v2 \x1b[2J", "v2 \\x1b[2J"},
	    {"{$}", "\"v2\"", "v2"},
	    {"{$.version}", "{\"version\":null}", NULL},
	    {"{$.version}", "{\"version\":{}}", NULL},
	    {"{$.version}", "{\"version\":\"\"}", NULL},
	    {"{$.version}", "{}", NULL},
	    {"{$.version}", "v2", NULL},
	    {"{$.version}", "", NULL},
	    {NULL, "", NULL},
	    {NULL,
		"this is a page of an error that somebody wrote, and it is much too long to be "
		"taken for the name of a version, is it not, so that it is refused here",
		NULL},
	};
	char said[MF_SERVES_SAID_BYTES];
	struct mf_error e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_error_clear(&e);
		rc = mf_serves_read(rows[i].path, rows[i].answer, strlen(rows[i].answer), said, &e);
		if ((rc == 0) != (rows[i].said != NULL))
			fail_msg("row %zu: %d %s %s", i, rc, said, e.message);
		if (rc == 0)
			assert_string_equal(said, rows[i].said);
		else
			assert_true(e.message[0] != '\0');
	}
}

#define V1 "200~~{\"version\":\"v1\"}"
#define V2 "200~~{\"version\":\"v2\"}"

static void
all_serve(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, V2, V2);
	assert_int_equal(wait_all(&f), 0);
	assert_int_equal(f.n_waits, 0);
	web_settle(&f.a);
	assert_string_equal(f.a.seen[0].target, "/v2/models/churn%20model?v=v2");
	assert_string_equal(f.a.seen[0].method, "GET");
	assert_int_equal(f.a.n_seen, 1);
	end(&f);
}

/* One is slow to load; the one that was right already is asked again at the end. */
static void
one_takes_longer(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, V2, "503|" V1 "|nonsense|" V2);
	assert_int_equal(wait_all(&f), 0);
	assert_int_equal(f.b.n_seen, 5);
	assert_int_equal(f.a.n_seen, 2);
	end(&f);
	/* and where it fell back meanwhile, that is not enough */
	begin(&f, V2 "|" V1 "|" V2, V1 "|" V2);
	assert_int_equal(wait_all(&f), 0);
	assert_true(f.said[0].right && f.said[1].right);
	assert_int_equal(f.n_waits, 2);
	end(&f);
}

static void
too_late(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, V2, V1);
	assert_int_equal(wait_all(&f), -1);
	assert_int_equal(f.e.code, MF_EFAIL);
	assert_non_null(strstr(f.e.message, f.b.origin));
	assert_non_null(strstr(f.e.message, "serves v1, not v2"));
	assert_int_equal(f.n_waits, 10);
	assert_true(f.said[0].right);
	assert_false(f.said[1].right);
	assert_string_equal(f.said[1].version, "v1");
	end(&f);
	begin(&f, "500~~loading", "reset");
	assert_int_equal(wait_all(&f), -1);
	assert_non_null(
	    strstr(f.e.message, "does not say that it serves v2: answered 500: loading"));
	assert_int_equal(f.e.n_frames, 1);
	end(&f);
}

static void
given_up(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, V1, V2);
	f.gone = true;
	assert_int_equal(wait_all(&f), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	f.params.n_servers = 0;
	assert_int_equal(wait_all(&f), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	f.params.n_servers = 2;
	f.plan.by_metric = true;
	assert_int_equal(wait_all(&f), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	end(&f);
}

static void
calls(void **state)
{
	static const char *const printed[] = {
	    "printf", "%s %s %s", "{server}/x", "{model}{", "{version}{nothing}", NULL};
	static const char *const failing[] = {"false", NULL};
	struct mf_call_values values = {"http://a/", "m%/n", "v 2"};
	struct mf_call_plan plan = {.command = printed};
	struct mf_buf out = MF_BUF_INIT;
	struct fixture f;

	(void)state;
	begin(&f, "200~~done|302~Location: /other|200|500~~no", "200");
	assert_int_equal(mf_call_do(&f.params.call, &plan, &values, 0, &out, &f.e), 0);
	assert_string_equal(mf_buf_cstr(&out), "http://a/x m%/n{ v 2{nothing}");
	plan.command = failing;
	assert_int_equal(mf_call_do(&f.params.call, &plan, &values, 0, NULL, &f.e), -1);
	/* over HTTP */
	mf_buf_clear(&out);
	values.server = f.a.origin;
	plan = (struct mf_call_plan){.url = "{server}/load/{model}",
	    .method = "PUT",
	    .body = "{\"model\":\"{model}\",\"at\":\"{version}\"}"};
	assert_int_equal(mf_call_do(&f.params.call, &plan, &values, 0, &out, &f.e), 0);
	assert_string_equal(mf_buf_cstr(&out), "done");
	web_settle(&f.a);
	assert_string_equal(f.a.seen[0].method, "PUT");
	assert_string_equal(f.a.seen[0].target, "/load/m%25%2Fn");
	assert_string_equal(f.a.seen[0].body, "{\"model\":\"m%/n\",\"at\":\"v 2\"}");
	assert_int_equal(mf_call_do(&f.params.call, &plan, &values, 0, NULL, &f.e), 0);
	assert_int_equal(mf_call_do(&f.params.call, &plan, &values, 0, NULL, &f.e), -1);
	assert_int_equal(f.e.http_status, 500);
	assert_string_equal(f.e.message, "answered 500: no");
	mf_buf_fini(&out);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(readings),
	    cmocka_unit_test(all_serve),
	    cmocka_unit_test(one_takes_longer),
	    cmocka_unit_test(too_late),
	    cmocka_unit_test(given_up),
	    cmocka_unit_test(calls),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("traffic/serves", tests, NULL, NULL);
}
