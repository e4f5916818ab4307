/* Sending: what is tried again, for how long, and that no URL gets into a message or the log. */
#include "tests/unit/report/sample_run.h"

#include <unistd.h>

#include "src/base/log.h"
#include "src/report/post.h"
#include "tests/unit/net/certificates.h"
#include "tests/unit/net/http_server.h"

#define SECOND ((uint64_t)1000000)

/* A server that plays the answers of a script, one after the other, and a clock that only moves
 * when somebody sleeps. */
struct fixture {
	struct http_server *server;
	struct mf_post *post;
	struct mf_error e;
	const char *script; /* "503 Retry-After: 3|200": status and perhaps a header each */
	unsigned n;
	uint64_t now_us, slept_us;
	unsigned naps;
	bool cancelled;
	char url[100];
	char last_body[64];
};

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct fixture *f = arg;
	const char *at = f->script;
	char line[80];
	unsigned i;

	(void)q;
	for (i = 0; i < f->n && strchr(at, '|') != NULL; i++)
		at = strchr(at, '|') + 1;
	f->n++;
	(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "|"), at);
	f->last_body[http_read_body(c, f->last_body, sizeof f->last_body - 1)] = '\0';
	if (strcmp(line, "reset") == 0) {
		http_reset(c);
		return false;
	}
	if (strcmp(line, "hang") == 0) {
		while (!http_stopping(c))
			http_nap(5);
		return false;
	}
	http_say(c, "HTTP/1.1 %.3s Some Words\r\n%s%sContent-Length: 0\r\n\r\n", line,
	    strlen(line) > 4 ? line + 4 : "", strlen(line) > 4 ? "\r\n" : "");
	return true;
}

static uint64_t
now(void *arg)
{
	return ((struct fixture *)arg)->now_us;
}

static void
sleep_for(void *arg, uint64_t us)
{
	struct fixture *f = arg;

	f->now_us += us;
	f->slept_us += us;
	f->naps++;
}

/* What makes mf_backoff_us wait as long as it ever would, the first three times. */
static uint64_t
most(void *arg)
{
	(void)arg;
	return (MF_POST_BASE_US + UINT64_C(1)) * (2 * MF_POST_BASE_US + UINT64_C(1)) *
		   (4 * MF_POST_BASE_US + UINT64_C(1)) -
	       1;
}

static bool
is_cancelled(void *arg)
{
	return ((struct fixture *)arg)->cancelled;
}

static void
begin(struct fixture *f, const char *script)
{
	const struct mf_post_params params = {.waiting = {.now_us = now,
						  .sleep_us = sleep_for,
						  .random = most,
						  .cancelled = is_cancelled,
						  .arg = f}};

	*f = (struct fixture){.script = script, .now_us = 77};
	f->server = http_server_start(play, f);
	f->post = mf_post_open(&params, &f->e);
	assert_non_null(f->post);
	(void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%u/hooks/s3cr3t?key=s3cr3t",
	    http_server_port(f->server));
}

static void
end(struct fixture *f)
{
	mf_post_close(f->post);
	http_server_stop(f->server);
}

static int
post(struct fixture *f, uint64_t timeout_us)
{
	const struct mf_post_message m = {.what = "--notify-url",
	    .method = "POST",
	    .url = f->url,
	    .hide_path = true,
	    .content_type = "text/plain",
	    .body = "hello",
	    .body_bytes = 5,
	    .timeout_us = timeout_us};

	mf_error_clear(&f->e);
	f->n = 0;
	f->slept_us = 0;
	return mf_post_send(f->post, &m, &f->e);
}

static void
outcomes(void **state)
{
	static const struct {
		const char *script;
		unsigned attempts;
		int rc;
		enum mf_code code;
		uint64_t slept_us;
	} rows[] = {
	    {"200", 1, 0, MF_OK, 0},
	    {"204", 1, 0, MF_OK, 0},
	    /* backoff: at most 0.5, 1, 2 s; this source of jitter says the most */
	    {"500|200", 2, 0, MF_OK, 500000},
	    {"reset|502|503|200", 4, 0, MF_OK, 3500000},
	    {"503|503|503|503|200", 4, -1, MF_ETRANSFER, 3500000},
	    /* what the server asks for, where it is more */
	    {"429 Retry-After: 3|200", 2, 0, MF_OK, 3000000},
	    {"429 Retry-After: 0|200", 2, 0, MF_OK, 500000},
	    {"429 Retry-After: 3600|200", 1, -1, MF_ETRANSFER, 0},
	    /* for good */
	    {"400|200", 1, -1, MF_EFAIL, 0},
	    {"403|200", 1, -1, MF_EPERM, 0},
	    {"404|200", 1, -1, MF_EFAIL, 0},
	    {"301 Location: http://127.0.0.1/|200", 1, -1, MF_EFAIL, 0},
	};
	struct fixture f;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(&f, rows[i].script);
		rc = post(&f, 60 * SECOND);
		if (rc != rows[i].rc || f.n != rows[i].attempts || f.slept_us != rows[i].slept_us ||
		    (rc != 0 && f.e.code != rows[i].code))
			fail_msg("%s: %d after %u attempts, code %d, slept %llu: %s",
			    rows[i].script, rc, f.n, (int)f.e.code, (unsigned long long)f.slept_us,
			    f.e.message);
		assert_string_equal(f.last_body, "hello");
		assert_null(strstr(f.e.message, "s3cr3t"));
		if (rc != 0 && f.n == 1)
			assert_string_equal(f.e.frames[0], "sending to --notify-url");
		else if (rc != 0)
			assert_string_equal(f.e.frames[0], "sending to --notify-url 4 times");
		end(&f);
	}
}

/* No wait is begun that could not end in time, and a server that says nothing is left. */
static void
bounded(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "503");
	assert_int_equal(post(&f, 1200000), -1);
	assert_int_equal(f.n, 2); /* 0.5 s, and no second wait of 1 s */
	assert_int_equal(f.slept_us, 500000);
	assert_int_equal(post(&f, 0), -1);
	assert_int_equal(f.n, 0);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	end(&f);
	begin(&f, "hang");
	/* the engine's clock is the real one: a tenth of a second */
	assert_int_equal(post(&f, 100000), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	end(&f);
}

static void
cancelled(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "hang");
	f.cancelled = true;
	assert_int_equal(post(&f, 600 * SECOND), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	end(&f);
}

static void
nothing_in_the_log(void **state)
{
	struct mf_log_params log = {.level = MF_LOG_DEBUG, .fd = -1};
	struct fixture f;
	char text[8192];
	int fds[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log.fd = fds[1];
	mf_log_configure(&log);
	begin(&f, "503|404");
	assert_int_equal(post(&f, 60 * SECOND), -1);
	end(&f);
	log = (struct mf_log_params){.level = MF_LOG_INFO, .fd = -1};
	mf_log_configure(&log);
	n = read(fds[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "(hidden)"));
	assert_null(strstr(text, "s3cr3t"));
	close(fds[0]);
	close(fds[1]);
}

/* A server is trusted by the authorities that were given, or not told a byte. */
static void
authorities(void **state)
{
	struct fixture f = {.script = "200"};
	struct mf_post_params params = {.ca_file = NULL};
	struct certificates c;

	(void)state;
	certificates_make(&c, "Somebody", "IP:127.0.0.1", -60, 3600);
	f.server = http_server_start_tls(play, &f, c.cert, c.key);
	(void)snprintf(
	    f.url, sizeof f.url, "https://127.0.0.1:%u/s3cr3t", http_server_port(f.server));
	f.post = mf_post_open(&params, &f.e);
	assert_non_null(f.post);
	assert_int_equal(post(&f, 60 * SECOND), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(f.n, 0);
	mf_post_close(f.post);
	params.ca_file = c.ca;
	f.post = mf_post_open(&params, &f.e);
	assert_non_null(f.post);
	assert_int_equal(post(&f, 60 * SECOND), 0);
	assert_string_equal(f.last_body, "hello");
	end(&f);
	certificates_remove(&c);
}

static void
checked(void **state)
{
	struct mf_error e = {0};

	(void)state;
	assert_int_equal(mf_post_check_url("--x", "https://a.example/s3cr3t", false, &e), 0);
	assert_int_equal(mf_post_check_url("--x", "http://[::1]:80/s3cr3t", false, &e), 0);
	assert_int_equal(mf_post_check_url("--x", "http://a.example/s3cr3t", true, &e), 0);
	assert_int_equal(mf_post_check_url("--x", "http://a.example/s3cr3t", false, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_null(strstr(e.message, "s3cr3t"));
	assert_int_equal(mf_post_check_url("--x", "https://u:s3cr3t@a.example/", false, &e), -1);
	assert_null(strstr(e.message, "s3cr3t"));
	assert_int_equal(mf_post_check_url("--x", "s3cr3t", false, &e), -1);
	assert_null(strstr(e.message, "s3cr3t"));
}

static void
urls_from_files(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
	    {"https://a.example/x", "https://a.example/x"},
	    {" https://a.example/x\r\n\n", "https://a.example/x"},
	    {"https://a.example/x\nhttps://b.example/\n", NULL},
	    {"https://a.example/x y", NULL},
	    {"https://a.example/\xc3\xa4", NULL},
	    {"\n", NULL},
	};
	char path[] = "/tmp/mf-post.XXXXXX";
	struct mf_error e = {0};
	struct mf_secret *url;
	size_t i;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(
		    pwrite(fd, rows[i].text, strlen(rows[i].text), 0), strlen(rows[i].text));
		url = mf_post_read_url("--notify-url-file", path, &e);
		assert_int_equal(url != NULL, rows[i].want != NULL);
		if (url != NULL)
			assert_string_equal(mf_post_url_view(url), rows[i].want);
		else
			assert_null(strstr(e.message, "example"));
		mf_secret_free(url);
	}
	close(fd);
	(void)unlink(path);
	assert_null(mf_post_read_url("--notify-url-file", path, &e));
}

static int
start_crypto(void **state)
{
	struct mf_error e;

	(void)state;
	return mf_crypto_init(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outcomes),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(cancelled),
	    cmocka_unit_test(nothing_in_the_log),
	    cmocka_unit_test(authorities),
	    cmocka_unit_test(checked),
	    cmocka_unit_test(urls_from_files),
	};

	return cmocka_run_group_tests_name("report/post", tests, start_crypto, NULL);
}
