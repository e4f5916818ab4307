#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/cmd/progress.h"

#define SECOND 1000000LL

static void
rate_over_a_window(void **state)
{
	struct mf_rate r = {0};
	int i;

	(void)state;
	assert_int_equal(mf_rate_per_s(&r), 0);
	mf_rate_add(&r, 0, 0);
	assert_int_equal(mf_rate_per_s(&r), 0);
	mf_rate_add(&r, SECOND, 100);
	assert_int_equal(mf_rate_per_s(&r), 100);
	for (i = 2; i <= 60; i++) /* then 1000 a second: the beginning is forgotten */
		mf_rate_add(&r, i * SECOND, 100 + (uint64_t)(i - 1) * 1000);
	assert_int_equal(mf_rate_per_s(&r), 1000);
	for (i = 61; i <= 75; i++) /* a stall is seen */
		mf_rate_add(&r, i * SECOND, 59100);
	assert_int_equal(mf_rate_per_s(&r), 0);
}

static void
many_samples_keep_the_window(void **state)
{
	struct mf_rate r = {0};
	int64_t t;

	(void)state;
	for (t = 0; t <= 20 * SECOND; t += 50000)
		mf_rate_add(&r, t, (uint64_t)t / 1000);
	assert_in_range(mf_rate_per_s(&r), 990, 1010);
}

static void
lines_say_what_is_known(void **state)
{
	struct mf_progress p = {0};
	char line[512];

	(void)state;
	mf_progress_line(&p, 0, line, sizeof line);
	assert_null(strstr(line, "left"));
	assert_null(strstr(line, " of "));
	atomic_store(&p.bytes_done, 1u << 30);
	mf_progress_line(&p, 1u << 20, line, sizeof line);
	assert_non_null(strstr(line, "1.0 MiB/s"));
	assert_null(strstr(line, "left")); /* the total is not known */
	atomic_store(&p.bytes_total, UINT64_C(4) << 30);
	atomic_store(&p.files_total, 12);
	atomic_store(&p.bytes_stored, 66);
	atomic_store(&p.bytes_encoded_in, 100);
	mf_progress_line(&p, 0, line, sizeof line);
	assert_non_null(strstr(line, "(25 %)"));
	assert_null(strstr(line, "left")); /* the rate is not known */
	assert_non_null(strstr(line, "0 of 12 files, "));
	assert_non_null(strstr(line, "(66.0 %)"));
	mf_progress_line(&p, 1u << 30, line, sizeof line);
	assert_non_null(strstr(line, "left"));
	p.files_are_read = true; /* and not yet stored */
	mf_progress_line(&p, 0, line, sizeof line);
	assert_non_null(strstr(line, "0 of 12 files read, "));
	mf_progress_line(&p, 1u << 30, line, 10); /* a small buffer is no overflow */
	assert_int_equal(strlen(line), 9);
}

/* A mirror has no chunks. */
static void
a_mirror_counts_files(void **state)
{
	struct mf_progress p = {.plain = true};
	char line[512];

	(void)state;
	atomic_store(&p.files_done, 3);
	atomic_store(&p.files_checked, 20);
	mf_progress_line(&p, 0, line, sizeof line);
	assert_non_null(strstr(line, "3 files, 20 checked"));
	assert_null(strstr(line, "chunks"));
	assert_null(strstr(line, "deleted"));
	atomic_store(&p.files_deleted, 4);
	atomic_store(&p.failures, 1);
	mf_progress_line(&p, 0, line, sizeof line);
	assert_non_null(strstr(line, "4 deleted, 1 failure"));
}

static void
block_fits_the_width(void **state)
{
	struct mf_progress p = {0};
	char block[1024], *second;

	(void)state;
	atomic_store(&p.bytes_done, 123456789);
	mf_progress_block(&p, "pushing caf\xc3\xa9", 5000, 61 * SECOND, 13, block, sizeof block);
	second = strchr(block, '\n');
	assert_non_null(second);
	*second++ = '\0';
	assert_true(strlen(block) <= 13 && strlen(second) <= 13);
	mf_progress_block(&p, "pushing x", 5000, 61 * SECOND, 200, block, sizeof block);
	assert_non_null(strstr(block, "so far"));
}

/* Off a terminal: lines in a pipe, one at the end when asked for; log lines pass through. */
static void
meter_writes_lines(void **state)
{
	struct mf_progress p = {0};
	struct mf_meter_params params = {.progress = &p, .title = "pushing m", .last_line = true,
	    .stats_us = 1000};
	struct mf_error e = {0};
	struct mf_meter *m;
	char text[4096];
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	params.fd = ends[1];
	m = mf_meter_start(&params, &e);
	assert_non_null(m);
	usleep(50000);
	mf_log(MF_LOG_DEBUG, "not shown");
	mf_meter_stop(m);
	n = read(ends[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "pushing m: "));
	assert_int_equal(text[n - 1], '\n');
	close(ends[0]);
	close(ends[1]);
}

/* A live block is wiped at the end and makes room for log lines. */
static const char *
doing(void *arg, char *out, size_t out_bytes)
{
	(void)arg;
	snprintf(out, out_bytes, "weights.bin");
	return out;
}

static void
meter_draws_a_block(void **state)
{
	struct mf_progress p = {0};
	struct mf_meter_params params = {.progress = &p, .title = "t", .live = true, .doing = doing};
	struct mf_log_params log = {.level = MF_LOG_INFO};
	struct mf_error e = {0};
	struct mf_meter *m;
	char text[8192];
	int ends[2];
	struct pollfd drawn = {.events = POLLIN};
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	drawn.fd = ends[0];
	params.fd = log.fd = ends[1];
	mf_log_configure(&log);
	m = mf_meter_start(&params, &e);
	assert_non_null(m);
	assert_int_equal(poll(&drawn, 1, 30000), 1); /* a block is one write */
	mf_log(MF_LOG_INFO, "hello");
	mf_meter_stop(m);
	log.fd = -1;
	mf_log_configure(&log);
	n = read(ends[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "\n  weights.bin"));
	assert_non_null(strstr(text, "\r\033[3A\033[Jinfo: hello\n")); /* all three lines */
	assert_string_equal(text + n - 3, "\033[J");
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rate_over_a_window),
	    cmocka_unit_test(many_samples_keep_the_window),
	    cmocka_unit_test(lines_say_what_is_known),
	    cmocka_unit_test(a_mirror_counts_files),
	    cmocka_unit_test(block_fits_the_width),
	    cmocka_unit_test(meter_writes_lines),
	    cmocka_unit_test(meter_draws_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
