#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/log.h"

static int pipe_read = -1, pipe_write = -1;
static char line[8192];

static long long
fixed_now(void)
{
	return 1769860800000000LL;
}

static int
set_up(void **state)
{
	int fds[2];

	(void)state;
	if (pipe(fds) != 0)
		return -1;
	pipe_read = fds[0];
	pipe_write = fds[1];
	return 0;
}

static int
tear_down(void **state)
{
	struct mf_log_params standard = {.level = MF_LOG_INFO, .fd = -1};

	(void)state;
	mf_log_set_bracket(NULL, NULL);
	mf_log_configure(&standard);
	close(pipe_read);
	close(pipe_write);
	return 0;
}

static void
configure(enum mf_log_level level, bool json, const char *run_id, long long (*now_us)(void))
{
	struct mf_log_params p = {level, json, pipe_write, run_id, now_us};

	mf_log_configure(&p);
}

/* What one write(2) put into the pipe. */
static const char *
written(void)
{
	ssize_t n = read(pipe_read, line, sizeof line - 1);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static void
test_text(void **state)
{
	(void)state;
	configure(MF_LOG_INFO, false, "r1", NULL);
	mf_log(MF_LOG_ERROR, "object %d\x1b[0m\nis lost", 7);
	assert_string_equal(written(), "error: object 7\\x1b[0m\\nis lost\n");
	mf_log_fields(MF_LOG_INFO, "published", "model", "churn", "note", "a b", "none", "",
	    "null", (char *)NULL, NULL);
	assert_string_equal(written(),
	    "info: published model=churn note=\"a b\" none=\"\" null=\"\"\n");
	configure(MF_LOG_INFO, false, NULL, fixed_now);
	mf_log(MF_LOG_WARNING, "late");
	assert_string_equal(written(), "2026-01-31T12:00:00Z warning: late\n");
}

static void
test_json(void **state)
{
	(void)state;
	configure(MF_LOG_DEBUG, true, "r1", fixed_now);
	mf_log_fields(MF_LOG_DEBUG, "a \"b\" \\ \x01\n\xff\xc3\xa4", "model", "churn", NULL);
	assert_string_equal(written(),
	    "{\"time\":\"2026-01-31T12:00:00Z\",\"level\":\"debug\",\"run\":\"r1\","
	    "\"message\":\"a \\\"b\\\" \\\\ \\u0001\\n\xef\xbf\xbd\xc3\xa4\","
	    "\"model\":\"churn\"}\n");
	configure(MF_LOG_DEBUG, true, NULL, NULL);
	mf_log(MF_LOG_INFO, "%s", "x");
	assert_string_equal(written(), "{\"level\":\"info\",\"message\":\"x\"}\n");
}

/* What the process works on is in each JSON line, and in no text. */
static void
test_context(void **state)
{
	static const struct mf_log_field fields[] = {{"model", "churn"}, {"store", "s3://a\"b"}};

	(void)state;
	mf_log_set_context(fields, 2);
	configure(MF_LOG_INFO, true, "r1", NULL);
	mf_log_fields(MF_LOG_INFO, "x", "key", "c/1", NULL);
	assert_string_equal(written(),
	    "{\"level\":\"info\",\"run\":\"r1\",\"model\":\"churn\",\"store\":\"s3://a\\\"b\","
	    "\"message\":\"x\",\"key\":\"c/1\"}\n");
	configure(MF_LOG_INFO, false, "r1", NULL);
	mf_log(MF_LOG_INFO, "x");
	assert_string_equal(written(), "info: x\n");
	mf_log_set_context(NULL, 0);
	configure(MF_LOG_INFO, true, NULL, NULL);
	mf_log(MF_LOG_INFO, "x");
	assert_string_equal(written(), "{\"level\":\"info\",\"message\":\"x\"}\n");
}

static void
note_tap(void *arg, const void *bytes, size_t n)
{
	char *kept = arg;

	(void)snprintf(kept, 64, "%.*s", (int)n, (const char *)bytes);
}

/* A tap sees the lines that are written, as they are written. */
static void
test_tap(void **state)
{
	char kept[64] = "";

	(void)state;
	configure(MF_LOG_WARNING, false, NULL, NULL);
	mf_log_set_tap(note_tap, kept);
	mf_log(MF_LOG_INFO, "not written");
	assert_string_equal(kept, "");
	mf_log(MF_LOG_WARNING, "low\n");
	assert_string_equal(kept, "warning: low\\n\n");
	assert_string_equal(written(), kept);
	mf_log_set_tap(NULL, NULL);
	mf_log(MF_LOG_WARNING, "other");
	assert_string_equal(kept, "warning: low\\n\n");
	(void)written();
}

static void
test_level(void **state)
{
	(void)state;
	configure(MF_LOG_WARNING, false, NULL, NULL);
	assert_true(mf_log_enabled(MF_LOG_ERROR));
	assert_true(mf_log_enabled(MF_LOG_WARNING));
	assert_false(mf_log_enabled(MF_LOG_INFO));
	mf_log(MF_LOG_INFO, "not written");
	mf_log_fields(MF_LOG_DEBUG, "not written", "a", "b", NULL);
	mf_log(MF_LOG_ERROR, "written");
	assert_string_equal(written(), "error: written\n");
}

static void
test_long_message(void **state)
{
	char text[3000];

	(void)state;
	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	configure(MF_LOG_INFO, false, NULL, NULL);
	mf_log(MF_LOG_INFO, "%s", text);
	assert_int_equal(written()[strlen(line) - 1], '\n');
	mf_log_fields(MF_LOG_INFO, text, NULL);
	assert_int_equal(strlen(written()), strlen("info: ") + sizeof text);
}

static void
count_bracket(bool before, void *arg)
{
	int *count = arg;

	*count = before ? *count + 1 : *count + 100;
}

static void
test_bracket(void **state)
{
	int count = 0;

	(void)state;
	configure(MF_LOG_INFO, false, NULL, NULL);
	mf_log_set_bracket(count_bracket, &count);
	mf_log(MF_LOG_INFO, "one");
	mf_log(MF_LOG_DEBUG, "none");
	assert_int_equal(count, 101);
	assert_string_equal(written(), "info: one\n");
}

static void *
log_much(void *arg)
{
	int i;

	for (i = 0; i < 60; i++)
		mf_log_fields(MF_LOG_INFO, "line", "from", arg, NULL);
	return NULL;
}

/* Lines of several threads come out whole. */
static void
test_threads(void **state)
{
	static char names[3][4] = {"aaa", "bbb", "ccc"};
	pthread_t threads[3];
	char text[64];
	FILE *f;
	int i, lines = 0;

	(void)state;
	configure(MF_LOG_INFO, false, NULL, NULL);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_much, names[i]), 0);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	f = fdopen(dup(pipe_read), "r");
	assert_non_null(f);
	for (; lines < 180 && fgets(text, sizeof text, f) != NULL; lines++) {
		assert_memory_equal(text, "info: line from=", 16);
		assert_true(text[16] == text[17] && text[17] == text[18] && text[19] == '\n');
	}
	fclose(f);
	assert_int_equal(lines, 180);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_context, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_tap, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_level, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_long_message, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_bracket, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_threads, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
