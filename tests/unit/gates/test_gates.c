/* Gates: what each path answers, what is refused, how many fit, and what a file keeps. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/gates/gates_file.h"

#define CANARY                                                                    \
	"{\"name\":\"podinfo\",\"namespace\":\"test\",\"phase\":\"Progressing\"," \
	"\"checksum\":\"1\",\"metadata\":{\"a\":\"b\"}}"
#define OTHER "{\"name\":\"podinfo\",\"namespace\":\"prod\"}"

static int
ask(struct mf_gates *g, const char *method, const char *path, const char *body)
{
	struct mf_gates_answer a;

	mf_gates_ask(g, method, path, body, body != NULL ? strlen(body) : 0, &a);
	assert_non_null(a.text);
	assert_true(a.status != 204);
	return a.status;
}

static void
paths(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} rows[] = {
	    {"GET", "/healthz", NULL, 200},
	    {"HEAD", "/healthz", NULL, 200},
	    {"POST", "/healthz", NULL, 405},
	    {"POST", "/gate/approve", CANARY, 200},
	    {"GET", "/gate/approve", NULL, 200},
	    {"POST", "/gate/approve", "no JSON", 200},
	    {"POST", "/gate/halt", CANARY, 403},
	    {"GET", "/gate/halt", NULL, 403},
	    {"PUT", "/gate/halt", NULL, 405},
	    /* closed until it is opened; its own kind, name and namespace alone */
	    {"POST", "/gate/check", CANARY, 403},
	    {"POST", "/rollback/check", CANARY, 403},
	    {"POST", "/gate/open", CANARY, 202},
	    {"POST", "/gate/check", CANARY, 200},
	    {"POST", "/gate/check", OTHER, 403},
	    {"POST", "/rollback/check", CANARY, 403},
	    {"POST", "/gate/open", CANARY, 202},
	    {"POST", "/rollback/open", CANARY, 202},
	    {"POST", "/gate/close", CANARY, 202},
	    {"POST", "/gate/check", CANARY, 403},
	    {"POST", "/rollback/check", CANARY, 200},
	    {"POST", "/rollback/close", CANARY, 202},
	    {"POST", "/rollback/close", CANARY, 202},
	    {"POST", "/rollback/check", CANARY, 403},
	    /* methods */
	    {"GET", "/gate/check", NULL, 405},
	    {"GET", "/gate/open", CANARY, 405},
	    {"DELETE", "/gate/close", CANARY, 405},
	    {"post", "/gate/open", CANARY, 405},
	    /* paths */
	    {"GET", "/", NULL, 404},
	    {"POST", "/gate", CANARY, 404},
	    {"POST", "/gate/open/", CANARY, 404},
	    {"POST", "//gate/open", CANARY, 404},
	    {"POST", "/gate%2fopen", CANARY, 404},
	    {"POST", "/rollback/approve", CANARY, 404},
	    {"POST", "/Gate/open", CANARY, 404},
	    {"POST", "", CANARY, 404},
	    /* bodies */
	    {"POST", "/gate/open", NULL, 400},
	    {"POST", "/gate/open", "", 400},
	    {"POST", "/gate/open", "no JSON", 400},
	    {"POST", "/gate/check", "[]", 400},
	    {"POST", "/gate/check", "{}", 400},
	    {"POST", "/gate/check", "{\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"\",\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":7,\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"a\",\"namespace\":null}", 400},
	    {"POST", "/gate/check", "{\"name\":\"a b\",\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"a\\n\",\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"a\\u0000\",\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"\\u00e4\",\"namespace\":\"test\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"a\",\"namespace\":\"b.c\"}", 400},
	    {"POST", "/gate/check", "{\"name\":\"a\",\"name\":\"b\",\"namespace\":\"c\"}", 400},
	    {"POST", "/gate/check", CANARY "x", 400},
	    /* "a.b" in "c" is not "a" in "b.c", and no namespace is one of its own */
	    {"POST", "/gate/open", "{\"name\":\"a.b\",\"namespace\":\"c\"}", 202},
	    {"POST", "/gate/check", "{\"name\":\"a.b\",\"namespace\":\"c\"}", 200},
	    {"POST", "/gate/check", "{\"name\":\"a.b\"}", 403},
	    {"POST", "/gate/open", "{\"name\":\"a.b\"}", 202},
	    {"POST", "/gate/check", "{\"name\":\"a.b\",\"namespace\":\"\"}", 200},
	};
	struct mf_gates *g = mf_gates_new(NULL);
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		status = ask(g, rows[i].method, rows[i].path, rows[i].body);
		if (status != rows[i].status)
			fail_msg("row %zu %s %s: %d", i, rows[i].method, rows[i].path, status);
	}
	assert_int_equal(mf_gates_open_count(g), 2);
	mf_gates_free(g);
}

static void
details(void **state)
{
	struct mf_gates *g = mf_gates_new(NULL);
	struct mf_gates_answer a;
	char *body = malloc(MF_GATES_BODY_BYTES + 100), name[400];

	(void)state;
	assert_non_null(body);
	mf_gates_ask(g, "PUT", "/gate/open", NULL, 0, &a);
	assert_string_equal(a.allow, "POST");
	mf_gates_ask(g, "POST", "/gate/open", CANARY, strlen(CANARY), &a);
	assert_true(a.changed);
	mf_gates_ask(g, "POST", "/gate/open", CANARY, strlen(CANARY), &a);
	assert_false(a.changed);
	assert_true(mf_gates_changes("/gate/open") && mf_gates_changes("/rollback/close"));
	assert_false(mf_gates_changes("/gate/check") || mf_gates_changes("/gate/approve") ||
		     mf_gates_changes("/healthz") || mf_gates_changes("/x"));
	/* names and bodies have bounds */
	memset(name, 'n', sizeof name);
	name[MF_GATES_NAME_BYTES] = '\0';
	(void)snprintf(
	    body, MF_GATES_BODY_BYTES, "{\"name\":\"%s\",\"namespace\":\"%s\"}", name, name);
	assert_int_equal(ask(g, "POST", "/gate/open", body), 202);
	assert_int_equal(ask(g, "POST", "/gate/check", body), 200);
	name[MF_GATES_NAME_BYTES] = 'n';
	name[MF_GATES_NAME_BYTES + 1] = '\0';
	(void)snprintf(body, MF_GATES_BODY_BYTES, "{\"name\":\"%s\",\"namespace\":\"n\"}", name);
	assert_int_equal(ask(g, "POST", "/gate/open", body), 400);
	memset(body, ' ', MF_GATES_BODY_BYTES + 1);
	memcpy(body, CANARY, strlen(CANARY));
	body[MF_GATES_BODY_BYTES] = '\0';
	assert_int_equal(ask(g, "POST", "/gate/check", body), 200);
	body[MF_GATES_BODY_BYTES] = ' ';
	body[MF_GATES_BODY_BYTES + 1] = '\0';
	assert_int_equal(ask(g, "POST", "/gate/check", body), 400);
	free(body);
	mf_gates_free(g);
}

static void
name_body(char body[64], unsigned i)
{
	(void)snprintf(body, 64, "{\"name\":\"n%u\",\"namespace\":\"s\"}", i * 7919 % 100003);
}

/* As many as fit, in any order; a check takes no room. */
static void
many(void **state)
{
	struct mf_gates *g = mf_gates_new(NULL), *again = mf_gates_new(NULL);
	struct mf_buf text = MF_BUF_INIT, second = MF_BUF_INIT;
	char body[64];
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		name_body(body, i);
		assert_int_equal(ask(g, "POST", "/gate/check", body), 403);
	}
	assert_int_equal(mf_gates_open_count(g), 0);
	for (i = 0; i < MF_GATES_OPEN_MAX; i++) {
		name_body(body, i);
		assert_int_equal(
		    ask(g, "POST", i % 2 == 0 ? "/gate/open" : "/rollback/open", body), 202);
	}
	name_body(body, i);
	assert_int_equal(ask(g, "POST", "/gate/open", body), 503);
	name_body(body, 0);
	assert_int_equal(ask(g, "POST", "/gate/open", body), 202); /* it was */
	mf_gates_put(&text, g);
	assert_int_equal(mf_gates_take(again, (const char *)text.data, text.len, NULL), 0);
	mf_gates_put(&second, again);
	assert_int_equal(text.len, second.len);
	assert_memory_equal(text.data, second.data, text.len);
	for (i = 0; i < MF_GATES_OPEN_MAX; i++) {
		name_body(body, i);
		assert_int_equal(
		    ask(again, "POST", i % 2 == 0 ? "/gate/check" : "/rollback/check", body), 200);
		assert_int_equal(
		    ask(g, "POST", i % 2 == 0 ? "/gate/close" : "/rollback/close", body), 202);
	}
	assert_int_equal(mf_gates_open_count(g), 0);
	mf_buf_fini(&text);
	mf_buf_fini(&second);
	mf_gates_free(g);
	mf_gates_free(again);
}

static void
undo(void **state)
{
	struct mf_gates *g = mf_gates_new(NULL);

	(void)state;
	assert_int_equal(ask(g, "POST", "/gate/open", CANARY), 202);
	mf_gates_undo(g);
	mf_gates_undo(g);
	assert_int_equal(ask(g, "POST", "/gate/check", CANARY), 403);
	mf_gates_undo(g); /* of a check: nothing */
	assert_int_equal(ask(g, "POST", "/gate/open", CANARY), 202);
	assert_int_equal(ask(g, "POST", "/gate/close", CANARY), 202);
	mf_gates_undo(g);
	assert_int_equal(ask(g, "POST", "/gate/check", CANARY), 200);
	assert_int_equal(ask(g, "POST", "/gate/open", CANARY), 202); /* changed nothing */
	mf_gates_undo(g);
	assert_int_equal(ask(g, "POST", "/gate/check", CANARY), 200);
	mf_gates_free(g);
}

static void
texts(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {"modelferry gates 1\n0 open\n", true},
	    {"modelferry gates 1\ngate a.b\nrollback a.b\n2 open\n", true},
	    {"modelferry gates 1\ngate a.b.c\ngate x.\n2 open\n", true},
	    {"", false},
	    {"modelferry gates 1\n", false},
	    {"modelferry gates 2\n0 open\n", false},
	    {"modelferry gates 1\n0 open", false},
	    {"modelferry gates 1\n1 open\n", false},
	    {"modelferry gates 1\ngate a.b\n", false},
	    {"modelferry gates 1\ngate a.b\n0 open\n", false},
	    {"modelferry gates 1\ngate a.b\ngate a.b\n2 open\n", false},
	    {"modelferry gates 1\ngate ab\n1 open\n", false},
	    {"modelferry gates 1\ngate .b\n1 open\n", false},
	    {"modelferry gates 1\ndoor a.b\n1 open\n", false},
	    {"modelferry gates 1\ngate a b.c\n1 open\n", false},
	    {"modelferry gates 1\n0 open\n0 open\n", false},
	    {"modelferry gates 1\n0 open\ngate a.b\n", false},
	};
	struct mf_error e;
	struct mf_gates *g;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		g = mf_gates_new(NULL);
		rc = mf_gates_take(g, rows[i].text, strlen(rows[i].text), &e);
		if ((rc == 0) != rows[i].good)
			fail_msg("row %zu: %d", i, rc);
		assert_true(rc == 0 || e.code == MF_EDAMAGED);
		mf_gates_free(g);
	}
}

static int
ask_file(struct mf_gates_file *f, const char *path, int *status)
{
	struct mf_gates_answer a;
	struct mf_error e;
	int rc = mf_gates_file_ask(f, "POST", path, CANARY, strlen(CANARY), &a, &e);

	*status = a.status;
	return rc;
}

static void
file(void **state)
{
	char dir[100], path[130];
	struct mf_gates_file *f;
	struct mf_error e = {0};
	struct stat st;
	int status;

	(void)state;
	(void)snprintf(dir, sizeof dir, "%s/mf-gates-XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/state", dir); /* made where it is missing */
	assert_non_null(f = mf_gates_file_open(path, &e));
	assert_int_equal(ask_file(f, "/gate/open", &status), 0);
	assert_int_equal(status, 202);
	/* nobody else beside it */
	assert_null(mf_gates_file_open(path, &e));
	assert_int_equal(e.code, MF_ECONFLICT);
	mf_gates_file_close(f);
	assert_non_null(f = mf_gates_file_open(path, &e));
	assert_int_equal(mf_gates_file_count(f), 1);
	assert_int_equal(ask_file(f, "/gate/check", &status), 0);
	assert_int_equal(status, 200);
	(void)snprintf(path, sizeof path, "%s/state/gates", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* what cannot be kept has not happened: a directory stands where the file should */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(ask_file(f, "/gate/close", &status), -1);
	assert_int_equal(status, 500);
	assert_int_equal(ask_file(f, "/gate/check", &status), 0);
	assert_int_equal(status, 200);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(ask_file(f, "/gate/close", &status), 0);
	mf_gates_file_close(f);
	/* damage is told, not taken for closed gates */
	assert_int_equal(mf_fs_replace(AT_FDCWD, path, "modelferry gates 1\nga", 21, 0600, &e), 0);
	(void)snprintf(path, sizeof path, "%s/state", dir);
	assert_null(mf_gates_file_open(path, &e));
	assert_int_equal(e.code, MF_EDAMAGED);
	assert_int_equal(mf_fs_remove_tree(AT_FDCWD, dir, &e), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths),
	    cmocka_unit_test(details),
	    cmocka_unit_test(many),
	    cmocka_unit_test(undo),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(file),
	};

	return cmocka_run_group_tests_name("gates", tests, NULL, NULL);
}
