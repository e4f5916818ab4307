/* Bodies that the signature does not cover: over TLS, and nowhere else. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "tests/unit/net/certificates.h"
#include "tests/unit/net/http_server.h"
#include "transfers/s3_open.h"

/* Of "hello". */
#define SHA256 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

struct seen {
	pthread_mutex_t lock; /* the server's threads write the rest */
	char put[80], head[80];
};

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct seen *s = arg;
	char *sum = strcmp(q->method, "PUT") == 0 ? s->put : s->head;

	(void)pthread_mutex_lock(&s->lock);
	http_seen_header(q, "x-amz-content-sha256", sum, sizeof s->put);
	(void)pthread_mutex_unlock(&s->lock);
	http_drop_body(c);
	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		    "Last-Modified: Sat, 31 Jan 2026 12:00:00 GMT\r\n\r\n");
	return true;
}

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
		return "KEYONE";
	return strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0 ? "secret" : NULL;
}

static void
put(const struct mf_s3_options *o, struct seen *seen)
{
	struct mf_error e = {0};
	struct mf_store *s;

	assert_int_equal(mf_s3_open("models", o, true, &s, &e), 0);
	if (mf_store_put(s, "c/1", "hello", 5, 0, &e) != 0)
		fail_msg("%s", e.message);
	if (mf_store_head(s, "c/1", NULL, &e) != 0)
		fail_msg("%s", e.message);
	mf_store_close(s);
	(void)pthread_mutex_lock(&seen->lock); /* what was seen is there to be read */
	(void)pthread_mutex_unlock(&seen->lock);
}

static void
test_unsigned(void **state)
{
	struct mf_s3_options o = {.variable = variable};
	struct certificates good;
	struct http_server *server;
	struct mf_error e = {0};
	struct mf_store *s;
	struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char url[64];

	(void)state;
	certificates_make(&good, "test authority", "IP:127.0.0.1", -60, 3600);
	server = http_server_start_tls(play, &seen, good.cert, good.key);
	(void)snprintf(url, sizeof url, "https://127.0.0.1:%u", http_server_port(server));
	o.endpoint_url = url;
	o.ca_file = good.ca;
	put(&o, &seen);
	assert_string_equal(seen.put, SHA256);
	o.unsigned_bodies = true;
	put(&o, &seen);
	assert_string_equal(seen.put, "UNSIGNED-PAYLOAD");
	/* where there is no body, the hash of none costs nothing */
	assert_string_not_equal(seen.head, "UNSIGNED-PAYLOAD");
	assert_string_not_equal(seen.head, "");

	memmove(url + 4, url + 5, strlen(url + 5) + 1); /* "http://" */
	assert_int_equal(mf_s3_open("models", &o, true, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_non_null(strstr(e.message, "TLS"));
	assert_int_equal(http_server_requests(server), 4);
	http_server_stop(server);
	certificates_remove(&good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_unsigned)};

	if (mf_crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests_name("S3, unsigned bodies", tests, NULL, NULL);
}
