/* URLs and their encoding, header lists. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/net/headers.h"
#include "src/net/url.h"

static void
good_urls(void **state)
{
	static const struct {
		const char *text, *authority, *path, *query;
		const char *again; /* NULL: as text */
		bool tls, loopback;
	} rows[] = {
	    {"https://s3.example.com", "s3.example.com", "/", NULL, "https://s3.example.com/", true,
		false},
	    {"HTTPS://S3.Example.COM:443/B", "s3.example.com", "/B", NULL,
		"https://s3.example.com/B", true, false},
	    {"http://localhost:80?x", "localhost", "/", "x", "http://localhost/?x", false, true},
	    {"http://127.0.0.1:9000/a//b/../c?d=e&f?/", "127.0.0.1:9000", "/a//b/../c", "d=e&f?/",
		NULL, false, true},
	    {"https://[2001:DB8::1]:8443/", "[2001:db8::1]:8443", "/", NULL,
		"https://[2001:db8::1]:8443/", true, false},
	    {"http://[::1]/?", "[::1]", "/", "", NULL, false, true},
	    {"http://my.localhost/", "my.localhost", "/", NULL, NULL, false, true},
	    {"http://notlocalhost/", "notlocalhost", "/", NULL, NULL, false, false},
	    {"http://127.0.0.1.example/", "127.0.0.1.example", "/", NULL, NULL, false, false},
	    {"http://128.0.0.1/", "128.0.0.1", "/", NULL, NULL, false, false},
	    {"https://a_b-c.d/%2f%E2%82%ac!$&'()*+,;=:@~._-", "a_b-c.d",
		"/%2f%E2%82%ac!$&'()*+,;=:@~._-", NULL, NULL, true, false},
	    {"https://h:65535/", "h:65535", "/", NULL, NULL, true, false},
	};
	char authority[MF_URL_AUTHORITY_BYTES];
	struct mf_buf again = MF_BUF_INIT;
	struct mf_error e;
	struct mf_url u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (mf_url_parse(&u, rows[i].text, &e) != 0)
			fail_msg("%s: %s", rows[i].text, e.message);
		assert_string_equal(mf_url_authority(&u, authority), rows[i].authority);
		assert_string_equal(u.path, rows[i].path);
		assert_int_equal(u.query == NULL, rows[i].query == NULL);
		if (u.query != NULL)
			assert_string_equal(u.query, rows[i].query);
		assert_int_equal(u.tls, rows[i].tls);
		assert_int_equal(mf_url_is_loopback(&u), rows[i].loopback);
		mf_buf_clear(&again);
		mf_url_put(&again, &u);
		assert_string_equal(mf_buf_cstr(&again),
		    rows[i].again != NULL ? rows[i].again : rows[i].text);
		mf_url_fini(&u);
	}
	mf_buf_fini(&again);
}

static void
bad_urls(void **state)
{
	static const char *const rows[] = {"", "s3.example.com", "//s3.example.com/", "ftp://h/",
	    "https:/h/", "https://", "https:///x", "https://h:0/", "https://h:65536/",
	    "https://h:/", "https://h:12a/", "https://h:000080/", "https://u@h/", "https://u:p@h/",
	    "https://h/#f", "https://h/ ", " https://h/", "https://h\r\n/", "https://h/\r\nX: y",
	    "https://h/%", "https://h/%4", "https://h/%4g", "https://h/\xc3\xa9",
	    "https://\xc3\xa9/", "https://h/?a b", "https://h/\"", "https://h/<", "https://h/\\",
	    "https://h/^", "https://h/`", "https://h/{}", "https://h/|", "https://h/[",
	    "https://a..b/", "https://.a/", "https://a./", "https://a%2eb/", "https://1/",
	    "https://127.1/", "https://0x7f.1/", "https://0x7f000001/", "https://a.0x10/",
	    "https://2130706433/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://01.2.3.4/",
	    "https://[::1/", "https://[::1]x/", "https://[::1%25eth0]/", "https://[127.0.0.1]/",
	    "https://[]/", "https://::1/", "https://h\\@evil/", "https://h?@evil/ "};
	char text[MF_URL_TEXT_MAX + 2];
	struct mf_error e;
	struct mf_url u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (mf_url_parse(&u, rows[i], &e) != -1)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(e.code, MF_EUSAGE);
		assert_null(u.path);
		mf_url_fini(&u); /* harmless */
	}
	memset(text, 'a', sizeof text);
	memcpy(text, "https://h/", 10);
	text[MF_URL_TEXT_MAX] = '\0';
	assert_int_equal(mf_url_parse(&u, text, &e), 0);
	mf_url_fini(&u);
	text[MF_URL_TEXT_MAX] = 'a';
	text[MF_URL_TEXT_MAX + 1] = '\0';
	assert_int_equal(mf_url_parse(&u, text, &e), -1);
	memset(text, 'a', sizeof text);
	memcpy(text, "https://", 8);
	memcpy(text + 8 + 64, "/", 2); /* a label of 64 */
	assert_int_equal(mf_url_parse(&u, text, &e), -1);
}

static void
encoding(void **state)
{
	static const char raw[] = "A z0-._~/%+&=\x00\xff\xc3\xa9*";
	static const char coded[] = "A%20z0-._~%2F%25%2B%26%3D%00%FF%C3%A9%2A";
	struct mf_buf b = MF_BUF_INIT;
	uint8_t all[255];
	struct mf_buf c = MF_BUF_INIT;
	size_t i;

	(void)state;
	mf_url_encode(&b, raw, sizeof raw - 1, "");
	assert_string_equal(mf_buf_cstr(&b), coded);
	mf_buf_clear(&b);
	mf_url_encode(&b, raw, sizeof raw - 1, "/&");
	assert_non_null(strstr(mf_buf_cstr(&b), "~/%25%2B&%3D%00"));
	mf_buf_clear(&b);
	for (i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)(i + 1);
	mf_url_encode(&b, all, sizeof all, "/");
	assert_int_equal(mf_url_decode(&c, (const char *)b.data, b.len), 0);
	assert_int_equal(c.len, sizeof all);
	assert_memory_equal(c.data, all, sizeof all);
	mf_buf_clear(&c);
	assert_int_equal(mf_url_decode(&c, "a+b%2fc%2Fd", 11), 0);
	assert_string_equal(mf_buf_cstr(&c), "a+b/c/d");
	assert_int_equal(mf_url_decode(&c, "%", 1), -1);
	assert_int_equal(mf_url_decode(&c, "%2", 2), -1);
	assert_int_equal(mf_url_decode(&c, "%2x", 3), -1);
	assert_int_equal(mf_url_decode(&c, "%00", 3), -1);
	assert_int_equal(mf_url_decode(&c, "%2fx", 2), -1); /* cut by its length */
	mf_buf_fini(&b);
	mf_buf_fini(&c);
}

static void
header_list(void **state)
{
	struct mf_http_headers h = MF_HTTP_HEADERS_INIT;
	const char *name, *value;
	struct mf_error e;
	size_t at = 0;

	(void)state;
	assert_false(mf_http_headers_next(&h, &at, &name, &value));
	assert_int_equal(mf_http_headers_add(&h, "X-A", " \tone two\t ", &e), 0);
	assert_int_equal(mf_http_headers_add(&h, "x-b", "", &e), 0);
	assert_int_equal(mf_http_headers_add(&h, "x-a", "three", &e), 0);
	assert_string_equal(mf_http_headers_get(&h, "x-A"), "one two");
	assert_string_equal(mf_http_headers_get(&h, "X-B"), "");
	assert_null(mf_http_headers_get(&h, "x"));
	assert_true(mf_http_headers_next(&h, &at, &name, &value));
	assert_string_equal(name, "X-A");
	assert_true(mf_http_headers_next(&h, &at, &name, &value));
	assert_true(mf_http_headers_next(&h, &at, &name, &value));
	assert_string_equal(value, "three");
	assert_false(mf_http_headers_next(&h, &at, &name, &value));
	assert_int_equal(mf_http_headers_add(&h, "X-A", "a\r\nb", &e), -1);
	assert_int_equal(mf_http_headers_add_n(&h, "X-A", 3, "a\0b", 3, &e), -1);
	assert_int_equal(mf_http_headers_add(&h, "X A", "b", &e), -1);
	assert_int_equal(h.n, 3);
	mf_http_headers_clear(&h);
	assert_null(mf_http_headers_get(&h, "X-A"));
	mf_http_headers_fini(&h);
}

static void
header_bounds(void **state)
{
	struct mf_http_headers h = MF_HTTP_HEADERS_INIT;
	char *big = calloc(1, MF_HTTP_HEADER_BYTES_MAX + 1);
	struct mf_error e;
	unsigned i;

	(void)state;
	memset(big, 'x', MF_HTTP_HEADER_BYTES_MAX);
	assert_int_equal(mf_http_headers_add(&h, "a", big, &e), -1);
	assert_int_equal(mf_http_headers_add_n(&h, "a", 1, big, MF_HTTP_HEADER_BYTES_MAX - 3, &e),
	    0);
	assert_int_equal(mf_http_headers_add(&h, "a", "", &e), -1);
	mf_http_headers_clear(&h);
	for (i = 0; i < MF_HTTP_HEADERS_MAX; i++)
		assert_int_equal(mf_http_headers_add(&h, "a", "b", &e), 0);
	assert_int_equal(mf_http_headers_add(&h, "a", "b", &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	mf_http_headers_fini(&h);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_urls),
	    cmocka_unit_test(bad_urls),
	    cmocka_unit_test(encoding),
	    cmocka_unit_test(header_list),
	    cmocka_unit_test(header_bounds),
	};

	return cmocka_run_group_tests_name("net/url", tests, NULL, NULL);
}
