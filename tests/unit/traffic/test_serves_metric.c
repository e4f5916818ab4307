/* Which version servers serve, by the label of a metric. */
#include "tests/unit/traffic/web_script.h"

#include "crypto/secret.h"
#include "src/traffic/serves_metric.h"

#define SECOND ((uint64_t)1000000)
#define HEAD "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
#define TAIL "]}}"
#define AT(instance, version)                                                                      \
	"{\"metric\":{\"instance\":\"" instance "\",\"version\":\"" version "\"},"                 \
	"\"value\":[1,\"1\"]}"

struct fixture {
	struct web_script web;
	struct web_clock clock;
	struct mf_dialer *dialer;
	struct mf_metric_provider *prometheus;
	uint64_t now_us;
	unsigned n_waits;
	bool gone; /* nobody wants to know any more */
	struct mf_serves_plan plan;
	struct mf_serves_metric_params params;
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
begin(struct fixture *f, const char *script)
{
	struct mf_metric_params p;

	memset(f, 0, sizeof *f);
	web_start(&f->web, script);
	f->dialer = web_dialer(&f->clock, NULL);
	p = (struct mf_metric_params){.dialer = f->dialer, .now_us = now, .arg = f};
	if (mf_metric_open(MF_PROVIDER_PROMETHEUS, &p, &f->prometheus, &f->e) != 0)
		fail_msg("%s", f->e.message);
	f->plan = (struct mf_serves_plan){.by_metric = true,
	    .label = "version",
	    .metric = {.type = MF_PROVIDER_PROMETHEUS,
		.address = f->web.origin,
		.query = "model_info"}};
	f->params = (struct mf_serves_metric_params){.prometheus = f->prometheus,
	    .plan = &f->plan,
	    .version = "v2",
	    .n_servers = 2,
	    .timeout_us = 10 * SECOND,
	    .now_us = now,
	    .wait = wait_for,
	    .arg = f};
}

static void
end(struct fixture *f)
{
	f->prometheus->ops->close(f->prometheus);
	mf_dialer_close(f->dialer);
	web_stop(&f->web);
}

/* One answer a row, and what is made of it. */
static void
judgements(void **state)
{
	static const struct {
		const char *answer, *why; /* NULL: all serve it */
	} rows[] = {
	    {HEAD AT("a:1", "v2") "," AT("b:1", "v2") TAIL, NULL},
	    {HEAD AT("a:1", "v2") "," AT("b:1", "v1") TAIL, "server b:1 serves v1, not v2"},
	    {HEAD AT("a:1", "v2") TAIL, "1 of 2 servers say that they serve v2"},
	    /* two series of one server are one server */
	    {HEAD AT("a:1", "v2") "," AT("a:1", "v2") TAIL,
		"1 of 2 servers say that they serve v2"},
	    {HEAD AT("a:1", "v2") "," AT("a:1", "v1") "," AT("b:1", "v2") TAIL,
		"server a:1 serves v1, not v2"},
	    /* without the label each series is one */
	    {HEAD "{\"metric\":{\"version\":\"v2\"},\"value\":[1,\"1\"]},"
		  "{\"metric\":{\"version\":\"v2\",\"a\":\"b\"},\"value\":[1,\"1\"]}" TAIL,
		NULL},
	    {HEAD "{\"metric\":{\"version\":\"v1\"},\"value\":[1,\"1\"]}" TAIL,
		"a server serves v1, not v2"},
	    {HEAD TAIL, "0 of 2 servers say that they serve v2"},
	    {HEAD "{\"metric\":{\"instance\":\"a:1\"},\"value\":[1,\"1\"]}" TAIL,
		"a series has no label version"},
	    {HEAD "{\"metric\":{\"version\":2},\"value\":[1,\"1\"]}" TAIL,
		"a series has no label version"},
	    {"{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"1\"]}}",
		"the answer is no vector"},
	    {HEAD AT("a\\n:1", "v\\u001b1") TAIL, "server a\\n:1 serves v\\x1b1, not v2"},
	};
	struct mf_region_params p = {.plain_bytes = (size_t)1 << 20, .what = "an answer"};
	struct mf_prom_answer answer;
	struct mf_region *r;
	struct mf_error e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		e = (struct mf_error){0};
		assert_int_equal(mf_region_new(&p, &r, &e), 0);
		if (mf_prom_answer_read(&answer, rows[i].answer, strlen(rows[i].answer), r, &e) !=
		    0)
			fail_msg("%s: %s", rows[i].answer, e.message);
		rc = mf_serves_metric_judge(&answer, "version", "v2", 2, &e);
		if ((rc == 0) != (rows[i].why == NULL) ||
		    (rows[i].why != NULL && strstr(e.message, rows[i].why) == NULL))
			fail_msg("%s: %d %s", rows[i].answer, rc, e.message);
		mf_region_free(r);
	}
}

static void
waiting(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "503|200~~" HEAD AT("a:1", "v1") TAIL "|200~~" HEAD AT("a:1", "v2") TAIL
		  "|200~~" HEAD AT("a:1", "v2") "," AT("b:1", "v2") TAIL);
	if (mf_serves_metric_wait(&f.params, &f.e) != 0)
		fail_msg("%s", f.e.message);
	assert_int_equal(f.n_waits, 3);
	web_settle(&f.web);
	assert_int_equal(f.web.n_seen, 4);
	assert_non_null(strstr(f.web.seen[0].target, "/api/v1/query?query=model_info"));
	end(&f);
}

static void
time_is_over(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "200~~" HEAD AT("a:1", "v2") "," AT("b:1", "v1") TAIL);
	assert_int_equal(mf_serves_metric_wait(&f.params, &f.e), -1);
	assert_int_equal(f.e.code, MF_EFAIL);
	assert_string_equal(f.e.message, "serves.metric: server b:1 serves v1, not v2");
	assert_int_equal(f.now_us, 10 * SECOND);
	f.gone = true;
	f.now_us = 0;
	assert_int_equal(mf_serves_metric_wait(&f.params, &f.e), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(judgements),
	    cmocka_unit_test(waiting),
	    cmocka_unit_test(time_is_over),
	};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("traffic/serves_metric", tests, NULL, NULL);
}
