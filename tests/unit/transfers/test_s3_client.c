/* What the client does between a store and its caller: signing, going elsewhere, the clock, fresh
 * credentials, patience; and what it never does: send twice what may have been carried out. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/transfers/s3_fixture.h"
#include "tests/unit/transfers/s3_script.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define ERROR_BODY(code)                                      \
	"<?xml version=\"1.0\"?><Error><Code>" code "</Code>" \
	"<RequestId>r-1</RequestId></Error>"
#define NOON_UNIX_US 1769860800000000 /* 2026-01-31T12:00:00Z */

struct fixture {
	struct s3_world world;
	struct s3_script script;
	struct mf_s3_client *client;
	struct mf_s3_answer a;
	struct mf_error e;
};

static void
begin(struct fixture *f, const struct s3_reply *replies, size_t n)
{
	s3_world_make(&f->world, "KEYONE", "secret");
	f->world.unix_us = NOON_UNIX_US;
	s3_script_start(&f->script, replies, n);
	f->client = s3_world_client(&f->world, f->script.url, "models", true);
	f->a = MF_S3_ANSWER_INIT;
	f->e = (struct mf_error){0};
}

static void
end(struct fixture *f)
{
	mf_s3_answer_fini(&f->a);
	mf_s3_client_close(f->client);
	s3_world_drop(&f->world);
	s3_script_stop(&f->script);
}

static int
put(struct fixture *f)
{
	const struct mf_s3_call call = {.method = "PUT",
	    .key = "a/b c",
	    .body = "hello",
	    .body_bytes = 5,
	    .has_body = true,
	    .doing = "putting"};

	return mf_s3_client_call(f->client, &call, &f->a, &f->e);
}

static int
get(struct fixture *f)
{
	const struct mf_s3_call call = {.method = "GET", .key = "k", .doing = "getting"};

	return mf_s3_client_call(f->client, &call, &f->a, &f->e);
}

static int
head(struct fixture *f)
{
	const struct mf_s3_call call = {.method = "HEAD", .key = "k", .doing = "looking up"};

	return mf_s3_client_call(f->client, &call, &f->a, &f->e);
}

/* The nth request has this in that header. */
static void
assert_header(const struct fixture *f, unsigned nth, const char *name, const char *part)
{
	char value[1024];

	if (strstr(s3_script_header(&f->script, nth, name, value, sizeof value), part) == NULL)
		fail_msg("request %u: %s is \"%s\", without \"%s\"", nth, name, value, part);
}

static void
test_signing(void **state)
{
	const struct s3_reply replies[] = {{.status = 200}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f), 0);
	assert_string_equal(f.script.asked[0].method, "PUT");
	assert_string_equal(f.script.asked[0].target, "/models/a/b%20c");
	assert_string_equal(f.script.asked[0].body, "hello");
	assert_header(&f, 0, "x-amz-date", "20260131T120000Z");
	assert_header(&f, 0, "x-amz-content-sha256", /* of "hello" */
	    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	assert_header(&f, 0, "Authorization",
	    "AWS4-HMAC-SHA256 Credential=KEYONE/20260131/us-east-1/s3/aws4_request");
	assert_header(&f, 0, "Content-Length", "5");
	f.world.unix_us += 60000000; /* signed as it is sent */
	assert_int_equal(get(&f), 0);
	assert_header(&f, 1, "x-amz-date", "20260131T120100Z");
	assert_int_equal(atomic_load(&f.world.asked), 1);
	end(&f);
}

static void
test_region(void **state)
{
	const struct s3_reply replies[] = {
	    {400, NULL,
		"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>"
		"</Error>",
		0},
	    {200, NULL, NULL, 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 2);
	assert_header(&f, 1, "Authorization", "/eu-west-1/s3/aws4_request");
	assert_string_equal(f.script.asked[1].body, "hello");
	assert_int_equal(put(&f), 0); /* it was learned */
	assert_header(&f, 2, "Authorization", "/eu-west-1/s3/aws4_request");
	end(&f);
}

/* A HEAD has no body that would name the region: its headers, or a GET, do. */
static void
test_region_of_head(void **state)
{
	const struct s3_reply replies[] = {
	    {301, "x-amz-bucket-region: eu-west-2\r\n", NULL, 0},
	    {200, NULL, NULL, 0},
	    {400, NULL, NULL, 0},
	    {400, NULL,
		"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region>"
		"</Error>",
		0},
	    {200, NULL, NULL, 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(head(&f), 0);
	assert_header(&f, 1, "Authorization", "/eu-west-2/s3/aws4_request");
	assert_int_equal(head(&f), 0);
	assert_string_equal(f.script.asked[3].method, "GET");
	assert_header(&f, 3, "Range", "bytes=0-0");
	assert_string_equal(f.script.asked[4].method, "HEAD");
	assert_header(&f, 4, "Authorization", "/eu-west-3/s3/aws4_request");
	end(&f);
}

static void
test_temporary_redirect(void **state)
{
	const struct s3_reply elsewhere[] = {{.status = 200}};
	struct s3_script other;
	char location[128];
	struct s3_reply replies[] = {{307, location, ERROR_BODY("TemporaryRedirect"), 0}};
	struct fixture f;

	(void)state;
	s3_script_start(&other, elsewhere, 1);
	(void)snprintf(location, sizeof location, "Location: %s/models/a/b%%20c\r\n", other.url);
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f), 0);
	assert_int_equal(atomic_load(&other.n_asked), 1);
	assert_string_equal(other.asked[0].target, "/models/a/b%20c");
	assert_string_equal(other.asked[0].body, "hello");
	assert_int_equal(put(&f), 0); /* for that request only */
	assert_int_equal(atomic_load(&f.script.n_asked), 2);
	assert_int_equal(atomic_load(&other.n_asked), 2);
	end(&f);
	s3_script_stop(&other);
}

static void
test_redirects_end(void **state)
{
	const struct s3_reply replies[] = {
	    {301, "x-amz-bucket-region: a-1\r\n", ERROR_BODY("PermanentRedirect"), 0},
	    {301, "x-amz-bucket-region: b-1\r\n", ERROR_BODY("PermanentRedirect"), 0},
	    {301, "x-amz-bucket-region: c-1\r\n", ERROR_BODY("PermanentRedirect"), 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	assert_int_equal(atomic_load(&f.script.n_asked), 3);
	assert_non_null(strstr(f.e.message, "s3://models/k"));
	assert_non_null(strstr(f.e.message, "PermanentRedirect"));
	end(&f);
}

static void
test_clock(void **state)
{
	const struct s3_reply replies[] = {
	    {403, "Date: Sat, 31 Jan 2026 15:00:00 GMT\r\n", ERROR_BODY("RequestTimeTooSkewed"), 0},
	    {200, NULL, NULL, 0},
	    {403, "Date: Sat, 31 Jan 2026 15:00:00 GMT\r\n", ERROR_BODY("RequestTimeTooSkewed"), 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f), 0);
	assert_header(&f, 0, "x-amz-date", "20260131T120000Z");
	assert_header(&f, 1, "x-amz-date", "20260131T150000Z");
	f.world.unix_us += 1000000;
	assert_int_equal(put(&f), -1); /* once in a call, else it is refused */
	assert_int_equal(f.e.code, MF_EPERM);
	assert_header(&f, 2, "x-amz-date", "20260131T150001Z"); /* and kept */
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	end(&f);
}

static void
test_clock_of_head(void **state)
{
	const struct s3_reply replies[] = {
	    {403, "Date: Sat, 31 Jan 2026 15:00:00 GMT\r\n", NULL, 0},
	    {403, "Date: Sat, 31 Jan 2026 15:00:00 GMT\r\n", ERROR_BODY("RequestTimeTooSkewed"), 0},
	    {200, NULL, NULL, 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(head(&f), 0);
	assert_string_equal(f.script.asked[2].method, "HEAD");
	assert_header(&f, 2, "x-amz-date", "20260131T150000Z");
	end(&f);
}

static void
test_denied_head(void **state)
{
	const struct s3_reply replies[] = {
	    {403, NULL, NULL, 0},
	    {403, NULL, ERROR_BODY("AccessDenied"), 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(head(&f), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(f.e.http_status, 403);
	assert_non_null(strstr(f.e.message, "AccessDenied"));
	assert_non_null(strstr(f.e.message, "r-1"));
	assert_null(strstr(f.e.message, "secret"));
	assert_int_equal(atomic_load(&f.script.n_asked), 2);
	end(&f);
}

static void
test_fresh_credentials(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL, NULL, 0},
	    {400, NULL, ERROR_BODY("ExpiredToken"), 0},
	    {200, NULL, NULL, 0},
	    {403, NULL, ERROR_BODY("InvalidAccessKeyId"), 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f), 0);
	f.world.key_id = "KEYTWO";
	assert_int_equal(put(&f), 0);
	assert_header(&f, 1, "Authorization", "Credential=KEYONE/");
	assert_header(&f, 2, "Authorization", "Credential=KEYTWO/");
	assert_string_equal(f.script.asked[2].body, "hello");
	assert_int_equal(put(&f), -1); /* the source has no others: the store's words are told */
	assert_int_equal(f.e.code, MF_EPERM);
	assert_non_null(strstr(f.e.message, "InvalidAccessKeyId"));
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	assert_int_equal(atomic_load(&f.world.asked), 3);
	end(&f);
}

static void
test_slow_down(void **state)
{
	const struct s3_reply replies[] = {
	    {503, "Retry-After: 7\r\n", ERROR_BODY("SlowDown"), 0},
	    {503, NULL, ERROR_BODY("SlowDown"), 0},
	    {429, NULL, NULL, 0},
	    {200, NULL, NULL, 0},
	};
	struct fixture f;
	uint64_t start_us;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	start_us = atomic_load(&f.world.now_us);
	assert_int_equal(put(&f), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	assert_in_range(atomic_load(&f.world.now_us) - start_us, 7000000, 12000000);
	end(&f);
}

static void
test_patience_ends(void **state)
{
	const struct s3_reply replies[] = {{503, NULL, ERROR_BODY("SlowDown"), 0}};
	const struct s3_reply later[] = {{503, "Retry-After: 3600\r\n", ERROR_BODY("SlowDown"), 0}};
	struct fixture f;
	uint64_t start_us;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	start_us = atomic_load(&f.world.now_us);
	assert_int_equal(put(&f), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_non_null(strstr(f.e.message, "SlowDown"));
	assert_true(f.e.n_frames > 0);
	assert_in_range(atomic_load(&f.world.now_us) - start_us, 270000000, 300000000);
	assert_in_range(atomic_load(&f.script.n_asked), 10, 60);
	f.script.replies = later; /* asked to wait longer than patience lasts */
	start_us = atomic_load(&f.world.now_us);
	assert_int_equal(put(&f), -1);
	assert_int_equal(atomic_load(&f.world.now_us), start_us);
	end(&f);
}

static void
reopen(struct fixture *f)
{
	mf_s3_client_close(f->client);
	f->client = s3_world_client(&f->world, f->script.url, "models", true);
}

/* --tpslimit counts what is sent, again or not. */
static void
test_requests_are_limited(void **state)
{
	const struct s3_reply replies[] = {{200, NULL, NULL, 0},
	    {400, NULL,
		"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>"
		"</Error>",
		0},
	    {200, NULL, NULL, 0}};
	const struct mf_limits limits = {.requests_per_1000s = 2000};
	struct mf_waiting waiting;
	struct fixture f;
	uint64_t start_us;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	waiting = s3_world_waiting(&f.world);
	assert_int_equal(mf_limiter_new(&limits, &waiting, &f.world.limiter, &f.e), 0);
	reopen(&f);
	assert_true(mf_s3_client_is_paced(f.client));
	start_us = atomic_load(&f.world.now_us);
	assert_int_equal(get(&f), 0);
	assert_int_equal(put(&f), 0);
	assert_int_equal(get(&f), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	assert_int_equal(atomic_load(&f.world.now_us) - start_us, 3 * 500000);
	atomic_store(&f.world.cancel_at_sleep, true);
	assert_int_equal(put(&f), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	assert_int_equal(atomic_load(&f.script.n_asked), 4);
	mf_limiter_free(f.world.limiter);
	end(&f);
}

static void
test_outage(void **state)
{
	const struct s3_reply down[] = {{500, NULL, ERROR_BODY("InternalError"), 0}};
	const struct s3_reply missing[] = {{404, NULL, ERROR_BODY("NoSuchKey"), 0}};
	struct mf_flow_params params = {.requests = 4, .patience_us = 60000000};
	struct fixture f;
	uint64_t start_us;
	int i;

	(void)state;
	begin(&f, down, LENGTH(down));
	params.waiting = s3_world_waiting(&f.world);
	assert_int_equal(mf_flow_new(&params, &f.world.flow, &f.e), 0);
	reopen(&f);
	start_us = atomic_load(&f.world.now_us);
	for (i = 0; i < 5; i++)
		assert_int_equal(get(&f), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(f.e.http_status, 500);
	assert_non_null(strstr(f.e.message, f.script.url));
	assert_non_null(strstr(f.e.message, "does not answer: 5 requests in a row have failed"));
	assert_non_null(strstr(f.e.message, "InternalError"));
	assert_int_equal(atomic_load(&f.world.now_us), start_us);
	assert_int_equal(get(&f), -1); /* held until it may try */
	assert_in_range(atomic_load(&f.world.now_us) - start_us, 500000, 1000000);
	assert_int_equal(atomic_load(&f.script.n_asked), 6);
	f.script.replies = missing; /* a refusal is an answer */
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.e.code, MF_ENOTFOUND);
	start_us = atomic_load(&f.world.now_us);
	for (i = 0; i < 9; i++)
		assert_int_equal(get(&f), -1);
	assert_int_equal(atomic_load(&f.world.now_us), start_us);

	/* for good: a put that cannot leave waits no longer than patience, and says so */
	f.script.replies = down;
	for (i = 0; i < 5; i++)
		assert_int_equal(get(&f), -1);
	atomic_fetch_add(&f.world.now_us, 60000000);
	assert_int_equal(get(&f), -1);
	assert_non_null(strstr(f.e.message, "given up after 1m"));
	assert_int_equal(put(&f), -1);
	assert_non_null(strstr(f.e.message, "given up after 1m"));
	assert_int_equal(f.e.code, MF_ETRANSFER);
	mf_flow_free(f.world.flow);
	end(&f);
}

/* A 503 without a word may be a proxy's, of a request that went through. */
static void
test_bare_503(void **state)
{
	const struct s3_reply replies[] = {
	    {503, NULL, "<html>no server</html>", 0}, {503, NULL, NULL, 0}, {200, NULL, NULL, 0}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(atomic_load(&f.script.n_asked), 1);
	assert_int_equal(get(&f), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 3);
	end(&f);
}

/* What may have been carried out is never sent again. */
static void
test_no_blind_repeats(void **state)
{
	const struct s3_reply replies[] = {
	    {500, NULL, ERROR_BODY("InternalError"), 0},
	    {200, NULL, ERROR_BODY("InternalError"), 0},
	    {200, NULL, ERROR_BODY("SlowDown"), 0},
	    {0, NULL, NULL, 0},
	    {502, NULL, NULL, 0},
	};
	struct fixture f;
	unsigned i;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	for (i = 0; i < LENGTH(replies); i++) {
		f.e.code = MF_OK;
		assert_int_equal(put(&f), -1);
		assert_int_equal(f.e.code, MF_ETRANSFER);
		assert_int_equal(atomic_load(&f.script.n_asked), i + 1);
		assert_int_equal(f.a.refused, i != 3);
	}
	assert_int_equal(atomic_load(&f.world.sleeps), 0);
	end(&f);
}

/* What did not leave this machine may be sent again. */
static void
test_unreachable(void **state)
{
	const struct s3_reply replies[] = {{.status = 200}};
	struct fixture f;
	uint64_t start_us;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	http_server_stop(f.script.server);
	f.script.server = NULL;
	start_us = atomic_load(&f.world.now_us);
	assert_int_equal(put(&f), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_in_range(atomic_load(&f.world.now_us) - start_us, 270000000, 300000000);
	start_us = atomic_load(&f.world.now_us);
	assert_int_equal(get(&f), -1); /* whoever calls repeats these */
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(atomic_load(&f.world.now_us), start_us);
	end(&f);
}

static void
test_interrupted(void **state)
{
	const struct s3_reply replies[] = {{503, NULL, ERROR_BODY("SlowDown"), 0}};
	const struct s3_reply silent[] = {{-1, NULL, NULL, 0}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	/* a wait that is cut short: nothing was done */
	atomic_store(&f.world.cancel_at_sleep, true);
	assert_int_equal(put(&f), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	assert_int_equal(atomic_load(&f.script.n_asked), 1);
	/* a request that is cut short: who knows */
	atomic_store(&f.world.cancelled, false);
	f.script.replies = silent;
	f.world.cancel_after_polls = 4;
	assert_int_equal(put(&f), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	f.world.polls = 0;
	assert_int_equal(get(&f), -1);
	assert_int_equal(f.e.code, MF_EINTERRUPTED);
	end(&f);
}

static void
test_now(void **state)
{
	const struct s3_reply replies[] = {
	    {403, "Date: Sat, 31 Jan 2026 15:00:00 GMT\r\n", ERROR_BODY("AccessDenied"), 0},
	    {200, NULL, NULL, 0},
	    {200, "Date: Sat, 31 Jan 2026 16:00:00 GMT\r\n", NULL, 0},
	};
	struct fixture f;
	int64_t now_s;

	(void)state;
	begin(&f, replies, 1);
	assert_int_equal(mf_s3_client_now(f.client, &now_s, &f.e), 0); /* any answer has a Date */
	assert_int_equal(now_s, NOON_UNIX_US / 1000000 + 3 * 3600);
	f.script.replies = replies + 1;
	f.script.n_replies = 2;
	atomic_store(&f.script.n_asked, 0);
	atomic_fetch_add(&f.world.now_us, 90500000);
	assert_int_equal(mf_s3_client_now(f.client, &now_s, &f.e), 0);
	assert_int_equal(now_s, NOON_UNIX_US / 1000000 + 3 * 3600 + 90);
	assert_int_equal(atomic_load(&f.script.n_asked), 0);
	assert_int_equal(get(&f), 0); /* without Date: nothing is learned */
	assert_int_equal(mf_s3_client_now(f.client, &now_s, &f.e), 0);
	assert_int_equal(now_s, NOON_UNIX_US / 1000000 + 3 * 3600 + 90);
	assert_int_equal(get(&f), 0);
	assert_int_equal(mf_s3_client_now(f.client, &now_s, &f.e), 0);
	assert_int_equal(now_s, NOON_UNIX_US / 1000000 + 4 * 3600);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_signing),
	    cmocka_unit_test(test_region),
	    cmocka_unit_test(test_region_of_head),
	    cmocka_unit_test(test_temporary_redirect),
	    cmocka_unit_test(test_redirects_end),
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_clock_of_head),
	    cmocka_unit_test(test_denied_head),
	    cmocka_unit_test(test_fresh_credentials),
	    cmocka_unit_test(test_slow_down),
	    cmocka_unit_test(test_patience_ends),
	    cmocka_unit_test(test_requests_are_limited),
	    cmocka_unit_test(test_outage),
	    cmocka_unit_test(test_bare_503),
	    cmocka_unit_test(test_no_blind_repeats),
	    cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_interrupted),
	    cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests_name("s3 client", tests, NULL, NULL);
}
