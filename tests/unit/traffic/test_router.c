/* The routers without a proxy: none, a scripted one, a file. */
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

#include "src/traffic/weights_text.h"
#include "tests/unit/traffic/memory_router.h"
#include "tests/unit/traffic/router_contract.h"
#include "tests/unit/traffic/router_files.h"

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
	assert_int_equal(rename(w.output, kept) | symlink(kept, w.output), 0);
	assert_int_equal(r->ops->check(r, &can, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(rename(kept, w.output), 0);
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

static void
example_of_the_page(void **state)
{
	struct filed f = {.dir = ""};
	struct mf_router_can can;
	struct mf_error e = {0};
	struct mf_router *r;
	char text[1000];

	(void)state;
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

/* Whoever moves any of these excludes all others that do. */
static void
objects(void **state)
{
	static const char *const primary[] = {"web/old*", "api/old", "web/other", NULL};
	static const char *const canary[] = {"api/new", "api/newer", NULL};
	static const char *const one[] = {"python3", "/opt/one.py", "--fast", NULL};
	static const char *const bad[] = {"web", NULL};
	struct mf_router_plan plan = {.type = MF_ROUTER_HAPROXY,
	    .primary = primary,
	    .n_primary = 3,
	    .canary = canary,
	    .n_canary = 2};
	struct mf_router_objects got;
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_router_objects_of(&plan, &got, &e), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.names[0], "haproxy:api");
	assert_string_equal(got.names[1], "haproxy:web");
	plan.canary = bad;
	plan.n_canary = 1;
	assert_int_equal(mf_router_objects_of(&plan, &got, &e), -1);
	plan = (struct mf_router_plan){.type = MF_ROUTER_EXEC, .command = one};
	assert_int_equal(mf_router_objects_of(&plan, &got, &e), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.names[0], "exec:python3 /opt/one.py --fast");
	plan = (struct mf_router_plan){.type = MF_ROUTER_FILE, .output_path = "/etc/envoy.yaml"};
	assert_int_equal(mf_router_objects_of(&plan, &got, &e), 0);
	assert_string_equal(got.names[0], "file:/etc/envoy.yaml");
	plan.type = MF_ROUTER_NONE;
	assert_int_equal(mf_router_objects_of(&plan, &got, &e), 0);
	assert_int_equal(got.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scripted), cmocka_unit_test(a_file),
	    cmocka_unit_test(file_steps), cmocka_unit_test(templates),
	    cmocka_unit_test(refused_plans), cmocka_unit_test(example_of_the_page),
	    cmocka_unit_test(objects)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
