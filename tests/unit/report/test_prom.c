/* Metrics: their text, what is read back and what is refused, the file, the gateway's URL. */
#include "tests/unit/report/sample_run.h"

#include <sys/stat.h>
#include <unistd.h>

#include "src/report/prom.h"
#include "src/report/prom_file.h"
#include "src/report/prom_push.h"

static void
add(struct mf_prom *p, const struct mf_report_run *run)
{
	struct mf_error e = {0};

	if (mf_prom_add_run(p, run, &e) != 0)
		fail_msg("%s", e.message);
}

static void
text_of_runs(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_prom p = MF_PROM_INIT;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error error;

	(void)state;
	add(&p, &run);
	run = sample_failure(&error);
	add(&p, &run);
	/* characters that are escaped, a byte that is no UTF-8, a label that is not there */
	run.command = "verify";
	run.model = NULL;
	run.store = "/a \"b\"\\c\nd\xff\xc3\xa4";
	add(&p, &run);
	mf_prom_put(&b, &p);
	assert_golden(&b, "runs.prom");
	mf_buf_fini(&b);
	mf_prom_fini(&p);
}

static void
reads_back(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_prom p = MF_PROM_INIT, q = MF_PROM_INIT;
	struct mf_buf b = MF_BUF_INIT, again = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	add(&p, &run);
	run.model = "other";
	run.store = "/a \"b\"\\c\nd\xff\xc3\xa4";
	add(&p, &run);
	run.model = run.store = run.version = NULL;
	add(&p, &run);
	mf_prom_put(&b, &p);
	assert_int_equal(mf_prom_parse(&q, b.data, b.len, &e), 0);
	assert_int_equal(q.n, 3);
	mf_prom_put(&again, &q);
	assert_string_equal(mf_buf_cstr(&again), mf_buf_cstr(&b));
	mf_prom_fini(&q);
	assert_int_equal(mf_prom_parse(&q, "", 0, &e), 0);
	assert_int_equal(q.n, 0);
	mf_buf_fini(&b);
	mf_buf_fini(&again);
	mf_prom_fini(&p);
}

#define EXIT "modelferry_last_run_exit_status"

/* Whichever series came first, the text is the same. */
static void
in_order(void **state)
{
	static const char *const lines[] = {
	    "modelferry_last_run_bytes{command=\"pull\",model=\"a\",store=\"s\"} 2\n",
	    EXIT "{command=\"pull\",model=\"a\",store=\"s\"} 1\n",
	    EXIT "{command=\"push\"} 0\n"};
	static const uint8_t orders[][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct mf_buf first = MF_BUF_INIT, text = MF_BUF_INIT, out = MF_BUF_INIT;
	struct mf_prom p = MF_PROM_INIT;
	struct mf_error e = {0};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		mf_buf_clear(&text);
		mf_buf_clear(&out);
		for (k = 0; k < 3; k++)
			mf_buf_printf(&text, "%s", lines[orders[i][k]]);
		assert_int_equal(mf_prom_parse(&p, text.data, text.len, &e), 0);
		mf_prom_put(i == 0 ? &first : &out, &p);
		if (i > 0)
			assert_string_equal(mf_buf_cstr(&out), mf_buf_cstr(&first));
		mf_prom_fini(&p);
	}
	mf_buf_fini(&first);
	mf_buf_fini(&text);
	mf_buf_fini(&out);
}

static void
refuses(void **state)
{
	static const char *const bad[] = {
	    "\n",
	    EXIT " 1", /* no end */
	    EXIT "\n",
	    EXIT " \n",
	    EXIT " 1 \n",
	    EXIT "  1\n",
	    EXIT " -1\n",
	    EXIT " +1\n",
	    EXIT " NaN\n",
	    EXIT " 1e9\n",
	    EXIT " 1.\n",
	    EXIT " .5\n",
	    EXIT " 1.2.3\n",
	    EXIT " 11111111111111111111111111111111\n",
	    EXIT " 1 1769860800\n",
	    EXIT "{} 1\n",
	    EXIT "{command=\"push\" 1\n",
	    EXIT "{command=\"push} 1\n",
	    EXIT "{command=\"push\",} 1\n",
	    EXIT "{command=\"\"} 1\n",
	    EXIT "{command=push} 1\n",
	    EXIT "{command=\"a\",command=\"a\"} 1\n",
	    EXIT "{command=\"a\\x\"} 1\n",
	    EXIT "{command=\"a\\",
	    EXIT "{command=\"a\\\n",
	    EXIT "{job=\"a\"} 1\n",
	    EXIT "{run_id=\"a\"} 1\n",
	    EXIT " 1\n" EXIT " 1\n",
	    EXIT " 1\r\n",
	    "node_load1 0.5\n",
	    "modelferry_ 1\n",
	    "modelferry 1\n",
	    "# a comment\n",
	    "# HELP node_load1 of another\n",
	    "# TYPE " EXIT " counter\n",
	    "# TYPE " EXIT "\n",
	    "#TYPE " EXIT " gauge\n",
	};
	static const char later[] = "# TYPE modelferry_new gauge\nmodelferry_new{model=\"a\"} 1\n";
	struct mf_prom p = MF_PROM_INIT;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		mf_error_clear(&e);
		if (mf_prom_parse(&p, bad[i], strlen(bad[i]), &e) != -1 || e.code != MF_EDAMAGED)
			fail_msg("taken: %s", bad[i]);
		mf_prom_fini(&p);
	}
	/* a NUL within a line, and too much of it all */
	assert_int_equal(
	    mf_prom_parse(&p, EXIT "{command=\"a\0b\"} 1\n", sizeof EXIT + 17, &e), -1);
	mf_prom_fini(&p);
	assert_int_equal(mf_prom_parse(&p, "", MF_PROM_TEXT_MAX + 1, &e), -1);
	mf_prom_fini(&p);
	/* what a later release may have added is passed over */
	assert_int_equal(mf_prom_parse(&p, later, strlen(later), &e), 0);
	assert_int_equal(p.n, 0);
	mf_prom_fini(&p);
}

static void
bounded(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_prom p = MF_PROM_INIT, q = MF_PROM_INIT;
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};
	char model[32], store[3 * MF_PROM_LABEL_MAX];
	unsigned i;

	(void)state;
	run.model = model;
	for (i = 0; i < MF_PROM_SERIES_MAX; i++) {
		(void)snprintf(model, sizeof model, "m%u", i);
		add(&p, &run);
	}
	add(&p, &run); /* the last of them again */
	run.model = "one more";
	assert_int_equal(mf_prom_add_run(&p, &run, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_prom_fini(&p);
	/* a label that is cut can be read back */
	memset(store, 's', sizeof store - 1);
	store[sizeof store - 1] = '\0';
	run.store = store;
	add(&p, &run);
	mf_prom_put(&b, &p);
	assert_int_equal(mf_prom_parse(&q, b.data, b.len, &e), 0);
	assert_true(strlen(q.series[0].labels[MF_PROM_STORE]) <= MF_PROM_LABEL_MAX);
	mf_prom_fini(&p);
	mf_prom_fini(&q);
	mf_buf_fini(&b);
}

/* ---- the file ---- */

static char dir[] = "/tmp/mf-prom.XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL && chdir(dir) == 0 ? 0 : -1;
}

static int
remove_dir(void **state)
{
	struct mf_error e;

	(void)state;
	return chdir("/") == 0 && mf_fs_remove_tree(AT_FDCWD, dir, &e) == 0 ? 0 : -1;
}

static void
never_sleep(void *arg, uint64_t us)
{
	(void)us;
	++*(unsigned *)arg;
}

static int
update(const char *path, const struct mf_report_run *run, struct mf_error *e)
{
	unsigned naps = 0;
	const struct mf_waiting waiting = {.sleep_us = never_sleep, .arg = &naps};

	mf_error_clear(e);
	return mf_prom_file_update(path, run, &waiting, e);
}

static void
file_keeps_success(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e, error;
	struct stat st;
	mode_t mask = umask(077);

	(void)state;
	assert_int_equal(update("m.prom", &run, &e), 0);
	run = sample_failure(&error);
	assert_int_equal(update("./m.prom", &run, &e), 0);
	(void)umask(mask);
	assert_int_equal(stat("m.prom", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(mf_fs_read_file(AT_FDCWD, "m.prom", 1 << 20, &b, &e), 0);
	assert_golden(&b, "failed.prom");
	mf_buf_fini(&b);
}

static void
file_of_others(void **state)
{
	const struct mf_report_run run = sample_success();
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_fs_replace(AT_FDCWD, "o.prom", "node_load1 1\n", 13, 0600, &e), 0);
	assert_int_equal(update("o.prom", &run, &e), -1);
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(mf_fs_read_file(AT_FDCWD, "o.prom", 100, &b, &e), 0);
	assert_string_equal(mf_buf_cstr(&b), "node_load1 1\n");
	mf_buf_fini(&b);
	assert_int_equal(update("none/o.prom", &run, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	/* an empty one has nothing to lose */
	assert_int_equal(mf_fs_replace(AT_FDCWD, "o.prom", "", 0, 0600, &e), 0);
	assert_int_equal(update("o.prom", &run, &e), 0);
}

static void
gateway_urls(void **state)
{
	struct mf_report_run run = sample_success();
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_prom_push_put_url(&b, "http://push.example:9091/", "db1", &run, &e), 0);
	assert_string_equal(mf_buf_cstr(&b),
	    "http://push.example:9091/metrics/job/modelferry/instance/db1/command/push/model/churn"
	    "/store@base64/czM6Ly9tb2RlbHMvc2l0ZS0x");
	mf_buf_clear(&b);
	run.command = "key rotate";
	run.model = "a/b";
	run.store = "..";
	assert_int_equal(mf_prom_push_put_url(&b, "https://x/under", "d\xc3\xa4", &run, &e), 0);
	assert_string_equal(mf_buf_cstr(&b), "https://x/under/metrics/job/modelferry/"
					     "instance@base64/ZMOk/command@base64/a2V5IHJvdGF0ZQ"
					     "/model@base64/YS9i/store@base64/Li4");
	mf_buf_clear(&b);
	run.model = run.store = NULL;
	assert_int_equal(mf_prom_push_put_url(&b, "https://x", "", &run, &e), 0);
	assert_string_equal(
	    mf_buf_cstr(&b), "https://x/metrics/job/modelferry/command@base64/a2V5IHJvdGF0ZQ");
	assert_int_equal(mf_prom_push_put_url(&b, "https://x/?a=b", "", &run, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_prom_push_put_url(&b, "x:9091", "", &run, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_of_runs),
	    cmocka_unit_test(reads_back),
	    cmocka_unit_test(in_order),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(file_keeps_success),
	    cmocka_unit_test(file_of_others),
	    cmocka_unit_test(gateway_urls),
	};

	return cmocka_run_group_tests_name("report/prom", tests, make_dir, remove_dir);
}
