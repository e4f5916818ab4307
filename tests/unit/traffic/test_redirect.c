/* Where redirects lead: RFC 3986's own examples, Go's rules of methods, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/traffic/redirect.h"

static void
resolution(void **state)
{
	static const struct {
		const char *location, *url; /* url NULL: refused */
	} rows[] = {
	    /* RFC 3986, 5.4, with the base http://a/b/c/d?q (";p" is no matter to us) */
	    {"g", "http://a/b/c/g"},
	    {"./g", "http://a/b/c/g"},
	    {"g/", "http://a/b/c/g/"},
	    {"/g", "http://a/g"},
	    {"//g", "http://g"},
	    {"?y", "http://a/b/c/d?y"},
	    {"g?y", "http://a/b/c/g?y"},
	    {"#s", "http://a/b/c/d?q"},
	    {"g#s", "http://a/b/c/g"},
	    {"g?y#s", "http://a/b/c/g?y"},
	    {".", "http://a/b/c/"},
	    {"./", "http://a/b/c/"},
	    {"..", "http://a/b/"},
	    {"../", "http://a/b/"},
	    {"../g", "http://a/b/g"},
	    {"../..", "http://a/"},
	    {"../../g", "http://a/g"},
	    {"../../../g", "http://a/g"},
	    {"/./g", "http://a/g"},
	    {"/../g", "http://a/g"},
	    {"g.", "http://a/b/c/g."},
	    {"..g", "http://a/b/c/..g"},
	    {"./../g", "http://a/b/g"},
	    {"g/./h", "http://a/b/c/g/h"},
	    {"g/../h", "http://a/b/c/h"},
	    {"g?y/../x", "http://a/b/c/g?y/../x"},
	    {"https://b.example:8443/x?y", "https://b.example:8443/x?y"},
	    {"HTTP://b.example/", "HTTP://b.example/"},
	    /* refused */
	    {"ftp://b.example/", NULL},
	    {"file:///etc/passwd", NULL},
	    {"javascript:alert(1)", NULL},
	    {"http://user:secret@b.example/", NULL},
	    {"http:g", NULL},
	    {"http://", NULL},
	    {"/with blank", NULL},
	    {"//", NULL},
	};
	struct mf_redirect r = MF_REDIRECT_INIT;
	struct mf_error e;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_error_clear(&e);
		rc = mf_redirect_next("http://a/b/c/d?q", "POST", 307, rows[i].location, &r, &e);
		if (rc != (rows[i].url != NULL ? 1 : -1))
			fail_msg("%s: %d %s", rows[i].location, rc, e.message);
		if (rows[i].url != NULL)
			assert_string_equal(mf_buf_cstr(&r.url), rows[i].url);
		else if (strstr(e.message, "secret") != NULL || strstr(e.message, "b.example"))
			fail_msg("%s", e.message);
	}
	mf_redirect_fini(&r);
}

static void
methods(void **state)
{
	static const struct {
		const char *method;
		int status, rc;
		const char *next;
		bool keep_body;
	} rows[] = {
	    {"POST", 301, 1, "GET", false},
	    {"POST", 302, 1, "GET", false},
	    {"POST", 303, 1, "GET", false},
	    {"POST", 307, 1, "POST", true},
	    {"POST", 308, 1, "POST", true},
	    {"DELETE", 302, 1, "GET", false},
	    {"HEAD", 302, 1, "HEAD", false},
	    {"GET", 301, 1, "GET", false},
	    {"PURGE", 308, 1, "PURGE", true},
	    {"POST", 300, 0, NULL, false},
	    {"POST", 304, 0, NULL, false},
	    {"POST", 305, 0, NULL, false},
	    {"POST", 200, 0, NULL, false},
	    {"POST", 201, 0, NULL, false}, /* its Location is of what was made */
	    {"POST", 404, 0, NULL, false},
	};
	struct mf_redirect r = MF_REDIRECT_INIT;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		rc =
		    mf_redirect_next("https://a/x", rows[i].method, rows[i].status, "/y", &r, NULL);
		if (rc != rows[i].rc)
			fail_msg("row %zu: %d", i, rc);
		if (rc != 1)
			continue;
		assert_string_equal(r.method, rows[i].next);
		assert_int_equal(r.keep_body, rows[i].keep_body);
	}
	assert_int_equal(mf_redirect_next("https://a/x", "POST", 307, NULL, &r, NULL), 0);
	assert_int_equal(mf_redirect_next("https://a/x", "POST", 302, "", &r, NULL), 0);
	mf_redirect_fini(&r);
}

static void
origins(void **state)
{
	static const struct {
		const char *url, *location;
		int rc;
		bool same;
	} rows[] = {
	    {"http://a/x", "/y", 1, true},
	    {"http://a/x", "http://a:80/y", 1, true},
	    {"http://a/x", "http://A/y", 1, true},
	    {"http://a/x", "http://a:81/y", 1, false},
	    {"http://a/x", "https://a/y", 1, false},
	    {"http://a/x", "//b/y", 1, false},
	    {"http://a/x", "http://sub.a/y", 1, false},
	    {"https://a/x", "//a/y", 1, true},
	    {"https://a/x", "http://a/y", -1, false},
	    {"https://a/x", "http://127.0.0.1/y", -1, false},
	};
	struct mf_redirect r = MF_REDIRECT_INIT;
	struct mf_error e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mf_error_clear(&e);
		assert_int_equal(
		    mf_redirect_next(rows[i].url, "POST", 308, rows[i].location, &r, &e),
		    rows[i].rc);
		if (rows[i].rc == 1 && r.same_origin != rows[i].same)
			fail_msg("%s to %s", rows[i].url, rows[i].location);
		if (rows[i].rc < 0)
			assert_string_equal(e.message, "is redirected from https to http");
	}
	mf_redirect_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resolution),
	    cmocka_unit_test(methods),
	    cmocka_unit_test(origins),
	};

	return cmocka_run_group_tests_name("traffic/redirect", tests, NULL, NULL);
}
