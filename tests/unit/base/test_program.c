/* Programs of the user's: what goes in and comes out, and how they are ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/program.h"

static uint64_t
now_us(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool
is_set(void *arg)
{
	return *(bool *)arg;
}

static struct mf_program
shell(const char *const *argv, struct mf_buf *output)
{
	return (struct mf_program){.argv = argv,
	    .search = true,
	    .output = output,
	    .max_output_bytes = 100000,
	    .timeout_us = 20000000,
	    .grace_us = 200000,
	    .now_us = now_us};
}

static void
in_and_out(void **state)
{
	const char *const argv[] = {"sh", "-c", "cat; printf '|%s|%s' \"$A\" \"$B\"", NULL};
	const char *const variables[] = {"A=a b"};
	struct mf_buf out = MF_BUF_INIT;
	struct mf_program p = shell(argv, &out);
	static char big[90000];
	struct mf_error e = {0};

	(void)state;
	setenv("B", "from us", 1);
	setenv("MODEL_ENCRYPTION_KEY", "secret", 1);
	p.variables = variables;
	p.n_variables = 1;
	assert_int_equal(mf_program_run(&p, &e), 0);
	assert_string_equal(mf_buf_cstr(&out), "|a b|from us");
	/* more than a pipe holds */
	mf_buf_clear(&out);
	memset(big, 'x', sizeof big);
	p.input = big;
	p.input_bytes = sizeof big;
	assert_int_equal(mf_program_run(&p, &e), 0);
	assert_int_equal(out.len, sizeof big + 12);
	/* nobody reads it */
	mf_buf_clear(&out);
	p.argv = (const char *const[]){"true", NULL};
	assert_int_equal(mf_program_run(&p, &e), 0);
	p.argv = (const char *const[]){"sh", "-c", "env | grep MODEL_", NULL};
	assert_int_equal(mf_program_run(&p, &e), -1);
	assert_int_equal(e.code, MF_EFAIL);
	assert_string_equal(e.message, "sh ended with status 1");
	assert_int_equal(out.len, 0);
	mf_buf_fini(&out);
}

static void
failures(void **state)
{
	struct mf_buf out = MF_BUF_INIT;
	struct mf_program p = shell((const char *const[]){"/nonexistent", NULL}, &out);
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_program_run(&p, &e), -1);
	assert_int_equal(e.code, MF_EFAIL);
	p.argv = (const char *const[]){"sh", "-c", "kill -9 $$", NULL};
	assert_int_equal(mf_program_run(&p, &e), -1);
	assert_string_equal(e.message, "sh was ended by signal 9");
	/* without end */
	p.argv = (const char *const[]){"yes", NULL};
	assert_int_equal(mf_program_run(&p, &e), -1);
	assert_string_equal(e.message, "yes says more than 100000 bytes");
	assert_true(out.len <= 100000);
	mf_buf_fini(&out);
	assert_int_equal(mf_program_check("/", &e), -1);
	assert_int_equal(mf_program_check("sh", &e), -1);
	assert_int_equal(mf_program_check_search("sh", &e), 0);
	assert_int_equal(mf_program_check_search("/bin/sh", &e), 0);
	assert_int_equal(mf_program_check_search("no-such-program-here", &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
}

/* One that does not listen, and has a child of its own: both are gone. */
static void
cut_off(void **state)
{
	struct mf_buf out = MF_BUF_INIT;
	struct mf_program p =
	    shell((const char *const[]){"sh", "-c",
		      "trap '' TERM; sleep 60 2>/dev/null & echo $!; wait; wait", NULL},
		&out);
	struct mf_error e = {0};
	uint64_t begin_us = now_us(NULL);
	bool yes = true;
	unsigned tries;
	long pid;

	(void)state;
	p.timeout_us = 300000;
	assert_int_equal(mf_program_run(&p, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_string_equal(e.message, "sh was ended: it took longer than 300ms");
	assert_true(now_us(NULL) - begin_us < 20000000);
	pid = strtol(mf_buf_cstr(&out), NULL, 10);
	assert_true(pid > 1);
	/* its parent is gone: whoever inherits it takes note of its end, some time */
	for (tries = 0; tries < 500 && kill((pid_t)pid, 0) == 0; tries++) {
		char path[64], text[64];
		FILE *f;

		(void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
		if ((f = fopen(path, "r")) == NULL)
			break;
		text[fread(text, 1, sizeof text - 1, f)] = '\0';
		fclose(f);
		if (strstr(text, ") Z ") != NULL)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_true(tries < 500);
	p.interrupted = is_set;
	p.arg = &yes;
	p.timeout_us = 20000000;
	p.argv = (const char *const[]){"sleep", "60", NULL};
	assert_int_equal(mf_program_run(&p, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_string_equal(e.message, "sleep was cut off");
	mf_buf_fini(&out);
}

/* What stays in the background with our pipe in its hand is not waited for. */
static void
background(void **state)
{
	struct mf_buf out = MF_BUF_INIT;
	struct mf_program p = shell(
	    (const char *const[]){"sh", "-c", "sleep 60 2>/dev/null & echo done", NULL}, &out);
	uint64_t begin_us = now_us(NULL);
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_program_run(&p, &e), 0);
	assert_string_equal(mf_buf_cstr(&out), "done\n");
	assert_true(now_us(NULL) - begin_us < 30000000);
	mf_buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_and_out), cmocka_unit_test(failures),
	    cmocka_unit_test(cut_off), cmocka_unit_test(background)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
