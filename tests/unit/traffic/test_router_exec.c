/* The router exec: a program that speaks JSON, and those that speak badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/traffic/router_contract.h"
#include "tests/unit/traffic/router_files.h"

struct executed {
	char dir[SCRATCH_PATH], program[PATH_BYTES], file[PATH_BYTES];
	const char *command[3];
	struct mf_router_plan plan;
};

static void
executed_init(struct executed *w)
{
	const char *src = getenv("MF_TOP_SRCDIR");

	scratch_make(w->dir);
	(void)snprintf(
	    w->program, PATH_BYTES, "%s/tests/unit/traffic/exec-router", src != NULL ? src : "..");
	(void)snprintf(w->file, PATH_BYTES, "%s/weights", w->dir);
	w->command[0] = w->program;
	w->command[1] = w->file;
	w->plan = (struct mf_router_plan){.type = MF_ROUTER_EXEC, .command = w->command};
	put_file(w->file, "100 0\n");
}

static struct mf_router *
executed_open(void *world, struct mf_error *e)
{
	const struct mf_router_params params = router_test_params();

	return mf_router_open(&((struct executed *)world)->plan, &params, e);
}

static double
executed_in_force(void *world)
{
	char text[100];

	get_file(((struct executed *)world)->file, text, sizeof text);
	return strtod(strchr(text, ' '), NULL);
}

static void
executed_by_hand(void *world, unsigned canary)
{
	char text[100];

	(void)snprintf(text, sizeof text, "%u %u\n", 100 - canary, canary);
	put_file(((struct executed *)world)->file, text);
}

/* The file beside the weights that has that name. */
static void
executed_has(const struct executed *w, const char *suffix, const char *text)
{
	char path[PATH_BYTES + 20];

	(void)snprintf(path, sizeof path, "%s.%s", w->file, suffix);
	if (text != NULL)
		put_file(path, text);
	else
		(void)unlink(path);
}

static void
executed_cut(void *world, bool yes)
{
	executed_has(world, "cut", yes ? "" : NULL);
}

static void
a_program(void **state)
{
	struct executed w = {.dir = ""};

	(void)state;
	executed_init(&w);
	router_contract_run(&(struct router_contract){.world = &w,
	    .open = executed_open,
	    .in_force = executed_in_force,
	    .by_hand = executed_by_hand,
	    .cut = executed_cut});
	scratch_remove(w.dir);
}

static void
program_says(struct executed *w, const char *say, enum mf_code code, const char *want)
{
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r = executed_open(w, &e);

	executed_has(w, "say", say);
	assert_int_equal(r->ops->get(r, &seen, &e), -1);
	assert_int_equal(e.code, code);
	if (strstr(e.message, want) == NULL)
		fail_msg("%s, not %s", e.message, want);
	executed_has(w, "say", NULL);
	mf_router_close(r);
}

static void
program_answers(void **state)
{
	struct executed w = {.dir = ""};
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;
	char text[300], path[PATH_BYTES + 20];

	(void)state;
	executed_init(&w);
	r = executed_open(&w, &e);
	assert_int_equal(r->ops->set(r, 60, 40, false, "job \"7\"", &e), 0);
	(void)snprintf(path, sizeof path, "%s.question", w.file);
	assert_string_equal(get_file(path, text, sizeof text),
	    "{\"version\":1,\"verb\":\"set\",\"primary\":60,\"canary\":40,\"mirror\":false,"
	    "\"token\":\"job \\\"7\\\"\"}\n");
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.primary_servers, 2);
	assert_int_equal(seen.canary_up, 1);
	assert_string_equal(seen.note, "two lines of DNS");
	/* it is seen later than it was set */
	executed_has(&w, "say", NULL);
	assert_int_equal(r->ops->set(r, 50, 50, false, NULL, &e), 0);
	executed_has(&w, "late", "50 50\n");
	assert_int_equal(r->ops->set(r, 30, 70, false, NULL, &e), 0);
	executed_has(&w, "late", NULL);
	/* it says yes, and does not: in the end that is told, and the time kept */
	w.plan.timeout_us = 400000;
	executed_has(&w, "say", "{\"primary\":90,\"canary\":10}");
	assert_int_equal(r->ops->set(r, 30, 70, false, NULL, &e), -1);
	/* or, on a busy machine, the time was over before its first answer */
	assert_true(e.code == MF_ECONFLICT || e.code == MF_ETRANSFER);
	w.plan.timeout_us = 0;
	executed_cut(&w, true);
	executed_has(&w, "say", NULL);
	assert_int_equal(r->ops->set(r, 20, 80, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_ECONFLICT);
	assert_non_null(strstr(e.message, "the zone is locked"));
	mf_router_close(r);

	program_says(&w, "", MF_EFAIL, "did not answer with a JSON object");
	program_says(&w, "[1]", MF_EFAIL, "did not answer with a JSON object");
	program_says(&w, "{\"primary\":1,\"primary\":2}", MF_EFAIL, "JSON object");
	program_says(&w, "{}", MF_EFAIL, "do not add up to 100");
	program_says(&w, "{\"primary\":60,\"canary\":30}", MF_EFAIL, "do not add up to 100");
	program_says(&w, "{\"primary\":-1,\"canary\":101}", MF_EFAIL, "\"primary\" is no whole");
	program_says(&w, "{\"primary\":0.5,\"canary\":99.5}", MF_EFAIL, "is no whole number");
	program_says(&w, "{\"primary\":90,\"canary\":10,\"canaryShare\":\"x\"}", MF_EFAIL,
	    "\"canaryShare\" is no number");
	program_says(&w, "{\"error\":3}", MF_EFAIL, "an error that is no text");
	program_says(&w, "{\"error\":\"gone\",\"code\":\"missing\"}", MF_ENOTFOUND, "gone");
	w.plan.timeout_us = 300000;
	w.command[0] = "sleep";
	w.command[1] = "60";
	program_says(&w, NULL, MF_ETRANSFER, "took longer than");
	w.plan.timeout_us = 0;
	w.command[0] = "yes";
	w.command[1] = NULL;
	program_says(&w, NULL, MF_EFAIL, "more than 65536 bytes");
	w.command[0] = "false";
	program_says(&w, NULL, MF_EFAIL, "ended with status 1");
	scratch_remove(w.dir);
}

/* Its program has no way to be cut off but that its file is none. */
static void
example_cut(void *world, bool yes)
{
	const struct executed *w = world;
	char aside[PATH_BYTES + 20];

	(void)snprintf(aside, sizeof aside, "%s.aside", w->file);
	if (yes) {
		assert_int_equal(rename(w->file, aside), 0);
		assert_int_equal(mkdir(w->file, 0700), 0);
	} else {
		assert_int_equal(rmdir(w->file), 0);
		assert_int_equal(rename(aside, w->file), 0);
	}
}

static void
example_of_the_page(void **state)
{
	struct executed w = {.dir = ""};

	(void)state;
	executed_init(&w);
	(void)snprintf(w.program, PATH_BYTES, "%s/program", w.dir);
	take_example("program", w.program);
	assert_int_equal(chmod(w.program, 0755), 0);
	router_contract_run(&(struct router_contract){.world = &w,
	    .open = executed_open,
	    .in_force = executed_in_force,
	    .by_hand = executed_by_hand,
	    .cut = example_cut});
	scratch_remove(w.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_program),
	    cmocka_unit_test(program_answers), cmocka_unit_test(example_of_the_page)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
