/* The routers without a proxy: none, a scripted one, a file, a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/traffic/weights_text.h"
#include "tests/unit/traffic/memory_router.h"
#include "tests/unit/traffic/router_contract.h"
#include "tests/unit/transfers/scratch.h"

#define PATH_BYTES (SCRATCH_PATH + 100)

static void
put_file(const char *path, const char *text)
{
	struct mf_error e = {0};

	if (mf_fs_replace(AT_FDCWD, path, text, strlen(text), 0644, &e) != 0)
		fail_msg("%s", e.message);
}

static const char *
get_file(const char *path, char *out, size_t bytes)
{
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_fs_read_file(AT_FDCWD, path, 100000, &b, NULL), 0);
	(void)snprintf(out, bytes, "%s", b.len > 0 ? mf_buf_cstr(&b) : "");
	mf_buf_fini(&b);
	return out;
}

/* A scripted one. */
static struct mf_router *
memory_open(void *world, struct mf_error *e)
{
	(void)e;
	return &((struct memory_router *)world)->router;
}

static double
memory_in_force(void *world)
{
	return ((struct memory_router *)world)->seen.canary;
}

static void
memory_by_hand(void *world, unsigned canary)
{
	struct memory_router *m = world;

	m->seen.canary = canary;
	m->seen.primary = 100 - canary;
	m->seen.canary_share = canary;
	m->seen.primary_share = 100 - canary;
}

static void
memory_cut(void *world, bool yes)
{
	((struct memory_router *)world)->fail_set = yes ? MF_ETRANSFER : MF_OK;
}

static void
scripted(void **state)
{
	static struct memory_router m;

	(void)state;
	memory_router_init(&m);
	router_contract_run(&(struct router_contract){.world = &m,
	    .open = memory_open,
	    .in_force = memory_in_force,
	    .by_hand = memory_by_hand,
	    .cut = memory_cut});
	assert_true(m.n_sets > 10 && m.n_drains > 0);
	assert_string_equal(m.sets[0].token, "token:1");
}

/* A file, and a "proxy" that reads it: cp to what is in force. */
struct filed {
	char dir[SCRATCH_PATH], template[PATH_BYTES], output[PATH_BYTES], live[PATH_BYTES],
	    proxy[PATH_BYTES];
	const char *reload[4], *check[5];
	struct mf_router_plan plan;
};

static void
filed_init(struct filed *w)
{
	scratch_make(w->dir);
	(void)snprintf(w->template, PATH_BYTES, "%s/template", w->dir);
	(void)snprintf(w->output, PATH_BYTES, "%s/output", w->dir);
	(void)snprintf(w->live, PATH_BYTES, "%s/live", w->dir);
	(void)snprintf(w->proxy, PATH_BYTES, "%s/proxy", w->dir);
	put_file(w->template, "# modelferry-weights {{primary}}/{{ canary }} by {{token}}\n"
			      "{{#canary}}server canary weight={{canary}};{{/canary}}\n"
			      "{{#primary}}server primary weight={{primary}};{{/primary}}\n");
	put_file(w->proxy, "#!/bin/sh\nd=${0%/*}\n[ ! -e $d/cut ] && cp $d/output $d/live\n");
	assert_int_equal(chmod(w->proxy, 0755), 0);
	w->reload[0] = w->proxy;
	w->check[0] = "grep";
	w->check[1] = "-q";
	w->check[2] = "weight=";
	w->check[3] = "{{file}}";
	w->plan = (struct mf_router_plan){.type = MF_ROUTER_FILE,
	    .template_path = w->template,
	    .output_path = w->output,
	    .reload = w->reload,
	    .check = w->check};
}

static struct mf_router *
filed_open(void *world, struct mf_error *e)
{
	const struct mf_router_params params = router_test_params();
	struct filed *w = world;

	return mf_router_open(&w->plan, &params, e);
}

static unsigned
filed_says(const char *path)
{
	char text[1000];
	unsigned primary, canary;

	get_file(path, text, sizeof text);
	assert_int_equal(mf_weights_text_read(text, strlen(text), &primary, &canary, NULL), 0);
	return canary;
}

static double
filed_in_force(void *world)
{
	return filed_says(((struct filed *)world)->live);
}

static void
filed_by_hand(void *world, unsigned canary)
{
	const struct filed *w = world;
	char text[100];

	(void)snprintf(
	    text, sizeof text, "# modelferry-weights %u/%u\nweight=\n", 100 - canary, canary);
	put_file(w->output, text);
	put_file(w->live, text);
}

static void
filed_cut(void *world, bool yes)
{
	const struct filed *w = world;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/cut", w->dir);
	if (yes)
		put_file(path, "");
	else
		(void)unlink(path);
}

static void
a_file(void **state)
{
	struct filed w = {.dir = ""};

	(void)state;
	filed_init(&w);
	router_contract_run(&(struct router_contract){.world = &w,
	    .open = filed_open,
	    .in_force = filed_in_force,
	    .by_hand = filed_by_hand,
	    .cut = filed_cut});
	scratch_remove(w.dir);
}

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* What is in the file, what is beside it, and what happens where its commands fail. */
static void
file_steps(void **state)
{
	struct filed w = {.dir = ""};
	char text[1000], kept[PATH_BYTES + 20];
	struct mf_router_can can;
	struct mf_router_seen seen;
	struct mf_error e = {0};
	struct mf_router *r;

	(void)state;
	filed_init(&w);
	(void)snprintf(kept, sizeof kept, "%s.modelferry-before", w.output);
	r = filed_open(&w, &e);
	assert_int_equal(r->ops->check(r, &can, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND); /* there is no file yet */
	filed_by_hand(&w, 0);
	assert_int_equal(r->ops->check(r, &can, &e), 0);
	assert_int_equal(chmod(w.output, 0640), 0);
	assert_int_equal(r->ops->set(r, 75, 25, false, "job:7", &e), 0);
	assert_string_equal(get_file(w.live, text, sizeof text),
	    "# modelferry-weights 75/25 by job:7\nserver canary weight=25;\n"
	    "server primary weight=75;\n");
	assert_int_equal(r->ops->set(r, 0, 100, false, NULL, &e), 0);
	assert_string_equal(get_file(w.live, text, sizeof text),
	    "# modelferry-weights 0/100 by -\nserver canary weight=100;\n\n");
	{
		struct stat st;

		assert_int_equal(stat(w.output, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
	}
	assert_false(exists(kept));
	/* a token that would be more than a token */
	assert_int_equal(r->ops->set(r, 0, 100, false, "a\nb", &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	/* the check refuses the text: nothing was touched */
	w.check[2] = "no such words";
	assert_int_equal(r->ops->set(r, 50, 50, false, NULL, &e), -1);
	assert_int_equal(filed_says(w.output), 100);
	assert_false(exists(kept));
	/* the same in place */
	w.check[2] = "no such words";
	w.check[3] = w.output;
	assert_int_equal(r->ops->set(r, 50, 50, false, NULL, &e), -1);
	assert_non_null(strstr(e.hint, "is as it was"));
	assert_int_equal(filed_says(w.output), 100);
	assert_int_equal(filed_says(w.live), 100);
	assert_false(exists(kept));
	/* on the way back the proxy does not read it: it will when it starts anew */
	w.check[2] = "weight=";
	filed_cut(&w, true);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), -1);
	assert_int_equal(filed_says(w.output), 0);
	assert_int_equal(filed_says(w.live), 100);
	assert_true(exists(kept));
	/* until then what there is to fear is told */
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 100);
	assert_non_null(strstr(seen.note, "was not seen through"));
	filed_cut(&w, false);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), 0);
	assert_int_equal(filed_says(w.live), 0);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.canary, 0);
	assert_string_equal(seen.note, "");
	/* a reload that hangs */
	w.plan.timeout_us = 300000;
	w.reload[0] = "sleep";
	w.reload[1] = "60";
	assert_int_equal(r->ops->set(r, 90, 10, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_int_equal(filed_says(w.output), 0);
	mf_router_close(r);
	scratch_remove(w.dir);
}

static void
bad_template(struct filed *w, const char *text, const char *want)
{
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r = filed_open(w, &e);

	put_file(w->template, text);
	assert_int_equal(r->ops->check(r, &can, &e), -1);
	assert_string_equal(e.message, want);
	assert_int_equal(r->ops->set(r, 90, 10, false, NULL, &e), -1);
	mf_router_close(r);
}

static void
templates(void **state)
{
	struct filed w = {.dir = ""};

	(void)state;
	filed_init(&w);
	filed_by_hand(&w, 0);
	bad_template(&w, "weights {{primary}} {{canary}}",
	    "the words \"modelferry-weights \" are not there");
	bad_template(&w,
	    "modelferry-weights {{primary}}/{{canary}}\nmodelferry-weights "
	    "{{primary}}/{{canary}}",
	    "the words \"modelferry-weights \" are there twice");
	bad_template(&w, "modelferry-weights {{canary}}/{{canary}}",
	    "what follows \"modelferry-weights \" are no weights that add up to 100");
	bad_template(&w, "modelferry-weights {{primary}}/{{canary}}\n\n{{canray}}",
	    "line 3 of the template: {{canray}} is not known");
	bad_template(&w, "modelferry-weights {{primary}}/{{canary}}\n{{#canary}} x",
	    "the template has {{#canary}} and no {{/canary}}");
	bad_template(
	    &w, "{{/canary}}", "line 1 of the template: {{/canary}} without its beginning");
	bad_template(&w, "{{#token}}", "line 1 of the template: no such section: token");
	bad_template(&w, "{{#canary}}{{#primary}}",
	    "line 1 of the template: {{#primary}} within {{#canary}}");
	bad_template(&w, "{{", "line 1 of the template: braces that name nothing");
	bad_template(&w, "{{primary}", "line 1 of the template: braces that name nothing");
	scratch_remove(w.dir);
}

/* A program. */
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
	assert_int_equal(e.code, MF_ECONFLICT);
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

static void
refused_plans(void **state)
{
	static const struct mf_router_plan plans[] = {{.type = MF_ROUTER_EXEC},
	    {.type = MF_ROUTER_FILE, .output_path = "x"}, {.type = MF_ROUTER_HAPROXY},
	    {.type = MF_ROUTER_FOREIGN, .foreign = "istio"}};
	const struct mf_router_params params = router_test_params();
	const struct mf_router_plan none = {.type = MF_ROUTER_NONE};
	struct mf_router_seen seen = {.primary = 100};
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		assert_null(mf_router_open(&plans[i], &params, &e));
		assert_int_equal(e.code, i < 3 ? MF_EUSAGE : MF_EUNSUPPORTED);
	}
	r = mf_router_open(&none, &params, &e);
	assert_int_equal(r->ops->check(r, &can, &e), 0);
	assert_int_equal(r->ops->get(r, &seen, &e), 0);
	assert_int_equal(seen.primary, 100);
	assert_int_equal(r->ops->set(r, 100, 0, false, NULL, &e), 0);
	assert_int_equal(r->ops->set(r, 99, 1, false, NULL, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	mf_router_close(r);
	mf_router_close(NULL);
}

/* An example of modelferry-routers(7), as it stands there. */
static void
take_example(const char *name, const char *path)
{
	const char *src = getenv("MF_TOP_SRCDIR");
	struct mf_buf page = MF_BUF_INIT, out = MF_BUF_INIT;
	char from[PATH_BYTES], mark[100];
	const char *at;

	(void)snprintf(from, sizeof from, "%s/man/modelferry-routers.7", src != NULL ? src : "..");
	assert_int_equal(mf_fs_read_file(AT_FDCWD, from, 1000000, &page, NULL), 0);
	(void)snprintf(mark, sizeof mark, ".\\\" example: %s\n.Bd -literal -offset indent\n", name);
	at = strstr(mf_buf_cstr(&page), mark);
	assert_non_null(at);
	for (at += strlen(mark); strncmp(at, ".Ed\n", 4) != 0; at++) {
		if (at[0] == '\\' && at[1] == 'e')
			mf_buf_put(&out, "\\", 1), at++;
		else
			mf_buf_put(&out, at, 1);
		assert_true(*at != '\0' && *at != '\\');
	}
	put_file(path, mf_buf_cstr(&out));
	mf_buf_fini(&page);
	mf_buf_fini(&out);
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
examples_of_the_page(void **state)
{
	struct executed w = {.dir = ""};
	struct filed f = {.dir = ""};
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r;
	char text[1000];

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

	filed_init(&f);
	filed_by_hand(&f, 0);
	take_example("template", f.template);
	r = filed_open(&f, &e);
	if (r->ops->check(r, &can, &e) != 0)
		fail_msg("%s", e.message);
	assert_int_equal(r->ops->set(r, 90, 10, false, "l:1", &e), 0);
	assert_string_equal(get_file(f.live, text, sizeof text),
	    "# modelferry-weights 90/10 l:1\nupstream llm {\n"
	    "    server 10.0.0.1:8000 weight=90;\n"
	    "    server 10.1.0.1:8000 weight=10;\n}\n");
	assert_int_equal(r->ops->set(r, 0, 100, false, NULL, &e), 0);
	assert_string_equal(get_file(f.live, text, sizeof text),
	    "# modelferry-weights 0/100 -\nupstream llm {\n    \n"
	    "    server 10.1.0.1:8000 weight=100;\n}\n");
	mf_router_close(r);
	scratch_remove(f.dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scripted), cmocka_unit_test(a_file),
	    cmocka_unit_test(file_steps), cmocka_unit_test(templates), cmocka_unit_test(a_program),
	    cmocka_unit_test(program_answers), cmocka_unit_test(refused_plans),
	    cmocka_unit_test(examples_of_the_page)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
