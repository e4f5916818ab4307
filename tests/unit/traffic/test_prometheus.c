/* Prometheus: what is asked, which value counts, what else is measured, and what is refused. */
#include "tests/unit/traffic/asking.h"

#include <sys/stat.h>
#include <unistd.h>

#include "src/traffic/prometheus_answer.h"
#include "tests/unit/net/certificates.h"

#define VECTOR(values) \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" values "]}}"
#define SERIES(value) "{\"metric\":{\"a\":\"b\"},\"value\":[1700000000.25,\"" value "\"]}"
#define SCALAR(value)                                                                          \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.5,\"" value \
	"\"]}}"
#define MATRIX                                                                                     \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["                 \
	"{\"metric\":{},\"values\":[[1,\"1\"],[2,\"2\"]]},{\"metric\":{},\"values\":[[1,\"3\"]]}]" \
	"}}"

static struct asking a;

/* Which value counts in a Canary. */
static void
canary_values(void **state)
{
	static const struct {
		const char *script;
		enum mf_measure_end end;
		double value;
		const char *why;
	} rows[] = {
	    {"200~~" VECTOR(SERIES("99.5")), MF_MEASURE_VALUE, 99.5, ""},
	    {"200~~" VECTOR(SERIES("1") "," SERIES("2") "," SERIES("3")), MF_MEASURE_VALUE, 3, ""},
	    {"200~~" VECTOR(SERIES("+Inf")), MF_MEASURE_VALUE, (double)INFINITY, ""},
	    {"200~~" VECTOR(SERIES("-1.5e+06")), MF_MEASURE_VALUE, -1.5e6, ""},
	    {"200~~" VECTOR(""), MF_MEASURE_NONE, 0, "the result is empty"},
	    {"200~~" VECTOR(SERIES("1") "," SERIES("NaN")), MF_MEASURE_NAN, 0, "the value is NaN"},
	    {"200~~" SCALAR("1"), MF_MEASURE_ERROR, 0,
		"the answer is a scalar; wrap the query in vector()"},
	    {"200~~" MATRIX, MF_MEASURE_ERROR, 0, "the answer has multiple values"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		asking_begin(&a, MF_PROVIDER_PROMETHEUS, rows[i].script);
		assert_int_equal(asking_ask(&a), rows[i].end);
		assert_string_equal(a.out.why, rows[i].why);
		if (rows[i].end == MF_MEASURE_VALUE)
			assert_true(a.out.value >= rows[i].value && a.out.value <= rows[i].value);
		assert_null(a.out.result);
		asking_end(&a);
	}
}

static const char *
tree_text(struct mf_buf *b)
{
	mf_buf_clear(b);
	if (a.out.result != NULL)
		mf_node_put_json(b, a.out.result);
	return mf_buf_cstr(b);
}

/* What Argo's conditions see. */
static void
analysis_values(void **state)
{
	static const struct {
		const char *script, *json;
	} rows[] = {
	    {"200~~" VECTOR(SERIES("1") "," SERIES("NaN")), "[1,\"NaN\"]"},
	    {"200~~" VECTOR(""), "[]"},
	    {"200~~" SCALAR("0.5"), "0.5"},
	    {"200~~" MATRIX, "[1,2,3]"},
	};
	struct mf_buf b = MF_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		asking_begin(&a, MF_PROVIDER_PROMETHEUS, rows[i].script);
		a.q.as_tree = true;
		assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
		assert_string_equal(tree_text(&b), rows[i].json);
		asking_end(&a);
	}
	mf_buf_fini(&b);
}

/* The request: path, squeezed query, base path, headers; a long one is posted. */
static void
requests(void **state)
{
	const struct mf_pair headers[] = {{"X-Custom", "tenant-1"}};
	char address[128], *longer;

	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS, "200~~" VECTOR(SERIES("1")));
	(void)snprintf(address, sizeof address, "%s/prom//", a.web.origin);
	a.q.address = address;
	a.q.query = "\n sum(\n\trate(x{a=\"b  c\"}[1m])\n)";
	a.q.headers = headers;
	a.q.n_headers = 1;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[0].method, "GET");
	assert_string_equal(a.web.seen[0].target,
	    "/prom/api/v1/query?query=sum%28%20rate%28x%7Ba%3D%22b%20%20c%22%7D%5B1m%5D%29%20%29"
	    "&timeout=5001ms");
	assert_string_equal(a.web.seen[0].custom, "tenant-1");
	a.q.address = a.web.origin;
	a.q.query = "up";
	a.q.range = (struct mf_metric_range){
	    .start_ago_us = 300000000, .end_ago_us = 0, .step_us = 60000000};
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[1].target,
	    "/api/v1/query_range?query=up&timeout=5001ms&start=1699999700.250&end=1700000000.250"
	    "&step=60.000");
	longer = malloc(8001);
	assert_non_null(longer);
	memset(longer, 'u', 8000);
	longer[8000] = '\0';
	a.q.range.step_us = 0;
	a.q.query = longer;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[2].method, "POST");
	assert_string_equal(a.web.seen[2].target, "/api/v1/query");
	assert_string_equal(a.web.seen[2].content_type, "application/x-www-form-urlencoded");
	assert_memory_equal(a.web.seen[2].body, "query=uuu", 9);
	free(longer);
	asking_end(&a);
}

/* By the text of a query. */
static void
by_query(struct web_script *w, const struct web_request *q, int *status, char *text, size_t n)
{
	static const struct {
		const char *query, *value; /* NULL: empty */
	} rows[] = {{"=value&", "7"}, {"=count&", "41.6"}, {"=few&", "3"}, {"=old&", "400"},
	    {"=empty&", NULL}, {"=left&", "0.8"}, {"=nan&", "NaN"},
	    {"=time%28%29%20-%20max%28timestamp%28value%20%29%29&", "12.5"},
	    {"=vector%281%29&", "1"}};
	size_t i;

	(void)w;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strstr(q->target, rows[i].query) != NULL) {
			if (rows[i].value == NULL)
				(void)snprintf(text, n, "%s", VECTOR(""));
			else
				(void)snprintf(text, n,
				    VECTOR("{\"metric\":{},\"value\":[1,\"%s\"]}"), rows[i].value);
			return;
		}
	*status = 400;
	(void)snprintf(text, n,
	    "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":"
	    "\"parse error:\\n unexpected \\\"}\\\"\"}");
}

static void
companions(void **state)
{
	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS, "");
	a.web.answer = by_query;
	a.q.query = "value";
	a.q.count_query = "count";
	a.q.min_samples = 42;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(a.out.samples, 42);
	assert_int_equal(a.out.age_us, 0);
	a.q.count_query = "few";
	assert_int_equal(asking_ask(&a), MF_MEASURE_FEW);
	assert_string_equal(a.out.why, "3 samples of 42");
	a.q.count_query = "empty";
	assert_int_equal(asking_ask(&a), MF_MEASURE_FEW);
	assert_int_equal(a.out.samples, 0);
	a.q.count_query = "broken";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "bad_data: parse error:\\n unexpected \"}\"");
	a.q.count_query = NULL;
	a.q.min_samples = 0;
	/* of a selector the age is asked for by itself, of others by a query */
	a.q.max_age_us = 60000000;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(a.out.age_us, 12500000);
	a.q.max_age_us = 12000000;
	assert_int_equal(asking_ask(&a), MF_MEASURE_NONE);
	assert_string_equal(a.out.why, "the newest sample is 12 s old");
	a.q.age_query = "old";
	a.q.max_age_us = 0;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(a.out.age_us, 400000000);
	asking_end(&a);
}

static void
predicates(void **state)
{
	struct mf_buf b = MF_BUF_INIT;

	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS, "");
	a.web.answer = by_query;
	a.q.query = "empty";
	a.q.left_query = "left";
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE); /* a Canary's range decides */
	assert_true(a.out.value > 0.79 && a.out.value < 0.81);
	assert_string_equal(a.out.why, "");
	a.q.as_tree = true;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(tree_text(&b), "false");
	a.q.query = "value";
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(tree_text(&b), "true");
	a.q.query = a.q.left_query = "empty";
	assert_int_equal(asking_ask(&a), MF_MEASURE_NONE);
	assert_null(a.out.result);
	a.q.left_query = "broken";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, NULL), 0);
	mf_buf_fini(&b);
	asking_end(&a);
}

/* What a server that means no good, or none of Prometheus, may answer. */
static void
hostile(void **state)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
	    {"200~~", "the answer is no JSON"},
	    {"200~~<html>", "the answer is no JSON"},
	    {"200~~[]", "the answer is none of Prometheus: it has no status"},
	    {"200~~{\"status\":\"fine\"}", "the answer is none of Prometheus: it has no status"},
	    {"200~~{\"status\":\"success\"}",
		"the answer is none of Prometheus: it has no result of a known type"},
	    {"200~~{\"status\":\"success\",\"data\":{\"resultType\":\"tensor\",\"result\":[]}}",
		"the answer is none of Prometheus: it has no result of a known type"},
	    {"200~~" VECTOR("{\"metric\":{}}"), "the answer is none of Prometheus: a series has no "
						"value; native histograms are not"},
	    {"200~~" VECTOR("{\"value\":[1,2]}"),
		"the answer is none of Prometheus: a point is no time and value"},
	    {"200~~" VECTOR("{\"value\":[1,\"2\",3]}"),
		"the answer is none of Prometheus: a point is no time and value"},
	    {"200~~" VECTOR(SERIES("0x10")),
		"the answer is none of Prometheus: a value is no number"},
	    {"200~~" VECTOR(SERIES("")), "the answer is none of Prometheus: a value is no number"},
	    {"200~~" VECTOR("{\"metric\":{\"le\":\"NaN\"},\"value\":[1,\"1\"]}"),
		"the answer is none of Prometheus: a label le is no number"},
	    {"200~~{\"status\":\"error\",\"errorType\":\"e\\u001b[1m\",\"error\":\"\\u0007\"}",
		"e\\x1b[1m: \\x07"},
	    {"422~~{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"too many\"}",
		"execution: too many"},
	    {"401~~who are you", "the server answered 401: who are you"},
	    {"204~~", "the answer is no JSON"},
	    {"reset", ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		asking_begin(&a, MF_PROVIDER_PROMETHEUS, rows[i].script);
		assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
		if (strncmp(a.out.why, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("\"%s\" is not \"%s\"", a.out.why, rows[i].why);
		assert_true(a.out.why[0] != '\0');
		asking_end(&a);
	}
}

static void
warnings(void **state)
{
	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS,
	    "200~~{\"status\":\"success\",\"warnings\":[\"one replica is away\"],\"data\":"
	    "{\"resultType\":\"vector\",\"result\":[" SERIES("5") "]}}");
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.out.why, "warning: one replica is away");
	asking_end(&a);
}

static void
patience(void **state)
{
	const uint64_t begin_us = asking_now_us(NULL);

	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS, "hang");
	a.q.timeout_us = 100000;
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_true(asking_now_us(NULL) - begin_us < 9000000);
	asking_end(&a);
}

/* The second one is asked where the first hangs, fails, or is not there; not where it refuses. */
static void
several_servers(void **state)
{
	struct web_script second;
	char both[200];

	(void)state;
	web_start(&second, "200~~" VECTOR(SERIES("2")));
	asking_begin(&a, MF_PROVIDER_PROMETHEUS, "reset|503~~|hang|400~~no");
	(void)snprintf(both, sizeof both, " %s/a\n%s/b ", a.web.origin, second.origin);
	a.q.address = both;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	a.q.timeout_us = 400000;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(second.n_seen, 3);
	assert_memory_equal(second.seen[2].target, "/b/api", 6);
	a.q.timeout_us = 5000000;
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_int_equal(second.n_seen, 3);
	a.q.address = "http://127.0.0.1:1/";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	a.q.address = "  ";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	asking_end(&a);
	web_stop(&second);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fprintf(f, "%s", text);
	(void)fclose(f);
}

/* Files of credentials, and a Secret as Kubernetes mounts it; read again at each question. */
static void
credentials(void **state)
{
	char token[128], dir[160];

	(void)state;
	memset(&a, 0, sizeof a);
	web_secret_file(a.secrets_dir, "");
	(void)unlink(a.secrets_dir);
	(void)snprintf(dir, sizeof dir, "%s/login", a.secrets_dir);
	assert_int_equal(mkdir(a.secrets_dir, 0700), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(dir, "username", "joe\n");
	write_file(dir, "password", "hush");
	web_start(&a.web, "200~~" VECTOR(SERIES("1")));
	asking_open(&a, MF_PROVIDER_PROMETHEUS);
	web_secret_file(token, "first\n");
	a.q.auth.bearer_file = token;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[0].authorization, "Bearer first");
	web_remove_file(token);
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	a.q.auth = (struct mf_metric_auth){.secret_name = "login"};
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[1].authorization, "Basic am9lOmh1c2g=");
	write_file(dir, "token", "t0");
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_string_equal(a.web.seen[2].authorization, "Bearer t0");
	a.q.auth.secret_name = "other";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(
	    a.out.why, "the secret other has neither a token nor a username and password");
	a.q.auth.secret_name = "../login";
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "\"../login\" is no name of a secret");
	asking_end(&a);
	(void)snprintf(token, sizeof token, "rm -r '%.100s'", a.secrets_dir);
	assert_int_equal(system(token), 0);
}

/* A secret that the server repeats does not get into the reason. */
static void
no_secret_told(void **state)
{
	char token[128];

	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS, "403~~bad token s3cr3t-t0ken");
	web_secret_file(token, "s3cr3t-t0ken");
	a.q.auth.bearer_file = token;
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "the server answered 403");
	a.q.auth = (struct mf_metric_auth){.secret_name = "x"};
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	assert_string_equal(a.out.why, "the secret x cannot be read");
	web_remove_file(token);
	asking_end(&a);
}

static void
tls(void **state)
{
	struct certificates c;

	(void)state;
	memset(&a, 0, sizeof a);
	certificates_make(&c, "test", "IP:127.0.0.1", -3600, 3600);
	web_start_tls(&a.web, "200~~" VECTOR(SERIES("1")), c.cert, c.key);
	asking_open(&a, MF_PROVIDER_PROMETHEUS);
	assert_int_equal(asking_ask(&a), MF_MEASURE_ERROR);
	a.q.ca_file = c.ca;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	a.q.ca_file = NULL;
	a.q.insecure = true;
	assert_int_equal(asking_ask(&a), MF_MEASURE_VALUE);
	asking_end(&a);
	certificates_remove(&c);
}

static void
probes(void **state)
{
	struct mf_error e = {0};

	(void)state;
	asking_begin(&a, MF_PROVIDER_PROMETHEUS,
	    "200~~" VECTOR(SERIES("1")) "|200~~" VECTOR(SERIES("2")) "|200~~" VECTOR("") "|500~~");
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), 0);
	assert_non_null(strstr(a.web.seen[0].target, "query=vector%281%29&"));
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), -1);
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), -1);
	assert_int_equal(a.provider->ops->probe(a.provider, &a.q, &e), -1);
	asking_end(&a);
}

static void
checks(void **state)
{
	struct mf_metric_query q = {.type = MF_PROVIDER_PROMETHEUS, .query = "up"};
	struct mf_metric_params params = {.dialer = NULL};
	struct mf_metric_provider *p;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_metric_check(&q, false, &e), -1);
	assert_string_equal(e.message, "provider prometheus needs the address of a server");
	q.address = "https://a.example/prom http://b.example";
	assert_int_equal(mf_metric_check(&q, false, &e), -1);
	assert_int_equal(mf_metric_check(&q, true, &e), 0);
	q.min_samples = 5;
	assert_int_equal(mf_metric_check(&q, true, &e), -1);
	q.query = NULL;
	assert_int_equal(mf_metric_check(&q, true, &e), -1);
	assert_string_equal(e.message, "provider prometheus needs a query");
	assert_int_equal(mf_metric_open(MF_PROVIDER_JOB, &params, &p, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	assert_null(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(canary_values),
	    cmocka_unit_test(analysis_values),
	    cmocka_unit_test(requests),
	    cmocka_unit_test(companions),
	    cmocka_unit_test(predicates),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(warnings),
	    cmocka_unit_test(patience),
	    cmocka_unit_test(several_servers),
	    cmocka_unit_test(credentials),
	    cmocka_unit_test(no_secret_told),
	    cmocka_unit_test(tls),
	    cmocka_unit_test(probes),
	    cmocka_unit_test(checks),
	};

	return cmocka_run_group_tests_name("prometheus", tests, asking_crypto, NULL);
}
