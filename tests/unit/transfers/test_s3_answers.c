/* Answers that are not what they seem: of somebody between, or with a checksum of something else.
 * Credentials that end twice in one call; and what is asked where a refusal says nothing. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/transfers/tree_s3_fixture.h"
#include "transfers/retry.h"

#define PAGE "<!DOCTYPE html><html><body>Log in</body></html>"
/* of "hello" */
#define CRC "x-amz-checksum-crc32c: mnG7TA==\r\n"
#define SHA "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n"
#define OTHER_CRC "x-amz-checksum-crc32c: AAAAAA==\r\n"
#define OTHER_SHA "x-amz-checksum-sha256: AAAAul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n"

struct fixture {
	struct s3_world world;
	struct s3_script script;
	struct mf_store *s;
	struct mf_error e;
};

static void
begin(struct fixture *f, const struct s3_reply *replies, size_t n)
{
	const struct mf_s3_probe yes = {.conditional = true};

	s3_world_make(&f->world, "KEYONE", "secret");
	s3_script_start(&f->script, replies, n);
	f->s = s3_world_store(&f->world, f->script.url, "models", "repo", true);
	mf_s3_store_believe(f->s, &yes);
	f->e = (struct mf_error){0};
}

static void
end(struct fixture *f)
{
	assert_int_equal(atomic_load(&f->script.n_asked), f->script.n_replies);
	mf_store_close(f->s);
	s3_world_drop(&f->world);
	s3_script_stop(&f->script);
}

static int
put(const struct s3_reply *reply, enum mf_code code)
{
	struct fixture f;
	int rc;

	begin(&f, reply, 1);
	rc = mf_store_put(f.s, "r/1", "hello", 5, MF_STORE_IF_ABSENT, &f.e);
	assert_int_equal(f.e.code, code);
	end(&f);
	return rc;
}

static void
test_put_by_others(void **state)
{
	const struct s3_reply others[] = {
	    {200, "Content-Type: text/html\r\n", PAGE, 0},
	    {200, NULL, "<html></html>", 0},
	    {200, NULL, "<HTML></HTML>", 0},
	    {200, NULL, "\n<?xml version=\"1.0\"?>\n" PAGE, 0},
	    {200, NULL, "{\"error\": \"log in\"}", 0},
	    {201, NULL, "ok", 0},
	};
	const struct s3_reply own[] = {
	    {200, NULL, "", 0},
	    {200, NULL, "\n", 0},
	    {200, "ETag: \"x\"\r\n", PAGE, 0},
	    {200, NULL, "<?xml version=\"1.0\"?><PutObjectResult/>", 0},
	    {204, NULL, "", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(others); i++)
		assert_int_equal(put(&others[i], MF_ETRANSFER), -1);
	for (i = 0; i < LENGTH(own); i++)
		assert_int_equal(put(&own[i], MF_OK), 0);
}

static void
test_delete_by_others(void **state)
{
	const struct s3_reply other = {200, NULL, PAGE, 0};
	struct fixture f;

	(void)state;
	begin(&f, &other, 1);
	assert_int_equal(mf_store_del(f.s, "r/1", &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_non_null(strstr(f.e.message, "the answer is not the store's (HTTP 200)"));
	end(&f);
}

/* That something is not there only the store can say. */
static void
test_missing_by_others(void **state)
{
	static const struct s3_reply others[] = {
	    {404, "Content-Type: text/plain\r\n", "default backend - 404", 0},
	    {404, "Content-Type: text/html\r\n", "<html><head></head></html>", 0},
	    {404, NULL, PAGE, 0},
	    {404, NULL, "{\"message\": \"no Route matched with those values\"}", 0},
	};
	static const struct s3_reply own[] = {
	    {404, NULL, ERROR_BODY("NoSuchKey"), 0},
	    {404, NULL, "<Error><Message>gone</Message></Error>", 0},
	    {404, NULL, "\n", 0},
	    {404, NULL, "", 0},
	};
	struct mf_buf out = MF_BUF_INIT;
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(others); i++) {
		begin(&f, &others[i], 1);
		assert_int_equal(mf_store_get(f.s, "r/1", 0, 9, &out, &f.e), -1);
		assert_int_equal(f.e.code, MF_ETRANSFER);
		assert_non_null(strstr(f.e.message, "the answer is not the store's (HTTP 404)"));
		end(&f);
		begin(&f, &others[i], 1);
		assert_int_equal(mf_store_del(f.s, "r/1", &f.e), -1);
		assert_int_equal(f.e.code, MF_ETRANSFER);
		end(&f);
	}
	for (i = 0; i < LENGTH(own); i++) {
		begin(&f, &own[i], 1);
		assert_int_equal(mf_store_get(f.s, "r/1", 0, 9, &out, &f.e), -1);
		assert_int_equal(f.e.code, MF_ENOTFOUND);
		end(&f);
		begin(&f, &own[i], 1);
		assert_int_equal(mf_store_del(f.s, "r/1", &f.e), 0);
		end(&f);
	}
	mf_buf_fini(&out);
}

static void
test_sums_of_puts(void **state)
{
	static const char *const good[] = {CRC, SHA, CRC SHA,
	    "x-amz-checksum-type: FULL_OBJECT\r\n" CRC,
	    "x-amz-checksum-type: COMPOSITE\r\n" OTHER_CRC, "x-amz-checksum-crc32c: AAAAAA==-1\r\n",
	    "x-amz-checksum-sha256: short\r\n", "x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\n"};
	static const char *const bad[] = {
	    OTHER_CRC, OTHER_SHA, OTHER_CRC SHA, "x-amz-checksum-type: FULL_OBJECT\r\n" OTHER_SHA};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(good); i++)
		assert_int_equal(put(&(struct s3_reply){200, good[i], NULL, 0}, MF_OK), 0);
	for (i = 0; i < LENGTH(bad); i++)
		assert_int_equal(put(&(struct s3_reply){200, bad[i], NULL, 0}, MF_ETRANSFER), -1);
}

static void
get(const char *headers, int status, enum mf_code code)
{
	const struct s3_reply reply = {status, headers, "hello", 0};
	struct mf_buf out = MF_BUF_INIT;
	struct fixture f;

	begin(&f, &reply, 1);
	assert_int_equal(mf_store_get(f.s, "r/1", 0, 10, &out, &f.e), code == MF_OK ? 0 : -1);
	assert_int_equal(f.e.code, code);
	assert_int_equal(out.len, code == MF_OK ? 5 : 0);
	mf_buf_fini(&out);
	end(&f);
}

static void
test_sums_of_gets(void **state)
{
	(void)state;
	get("ETag: \"x\"\r\n" CRC, 200, MF_OK);
	get("ETag: \"x\"\r\n" OTHER_CRC, 200, MF_ETRANSFER);
	get("Content-Range: bytes 0-4/5\r\n" OTHER_SHA, 206, MF_ETRANSFER);
}

/* While a call waits, credentials run out once more. */
static uint64_t
change_key(void *arg)
{
	((struct s3_world *)arg)->key_id = "KEYTHREE";
	return 1;
}

static void
test_credentials_run_out_twice(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL, NULL, 0},
	    {400, NULL, ERROR_BODY("ExpiredToken"), 0},
	    {503, NULL, ERROR_BODY("SlowDown"), 0},
	    {400, NULL, ERROR_BODY("ExpiredToken"), 0},
	    {200, NULL, NULL, 0},
	};
	char value[512];
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), 0);
	f.world.key_id = "KEYTWO";
	f.world.random = change_key;
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), 0);
	s3_script_header(&f.script, 3, "Authorization", value, sizeof value);
	assert_non_null(strstr(value, "Credential=KEYTWO/"));
	s3_script_header(&f.script, 4, "Authorization", value, sizeof value);
	assert_non_null(strstr(value, "Credential=KEYTHREE/"));
	end(&f);
}

/* As often as there are others the request goes again, with no wait; but not for ever, and not with
 * the same. */
static void
test_credentials_change_often(void **state)
{
	static const char *const keys[] = {"KEY1", "KEY2", "KEY3", "KEY4", "KEY5", NULL};
	static const char *const ever[] = {
	    "K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10", "K11", "K12", NULL};
	static const struct s3_reply no = {400, NULL, ERROR_BODY("ExpiredToken"), 0};
	const struct s3_reply replies[] = {
	    no, no, no, no, {200, NULL, NULL, 0}, no, no, no, no, no, no, no, no, no, no};
	char value[512];
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	f.world.key_ids = keys;
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), 0);
	assert_int_equal(atomic_load(&f.script.n_asked), 5);
	s3_script_header(&f.script, 4, "Authorization", value, sizeof value);
	assert_non_null(strstr(value, "Credential=KEY5/"));
	f.world.key_id = "KEY5";
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(atomic_load(&f.script.n_asked), 6);
	f.world.key_ids = ever;
	mf_error_clear(&f.e);
	assert_int_equal(mf_store_put(f.s, "r/1", "hello", 5, 0, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_non_null(strstr(f.e.message, "ExpiredToken"));
	assert_int_equal(atomic_load(&f.script.n_asked), 6 + 9);
	assert_int_equal(atomic_load(&f.world.sleeps), 0);
	end(&f);
}

/* ---- of whom is it that it is there? ---- */

#define NO_QUORUM                                         \
	{                                                 \
		503, NULL, ERROR_BODY("SlowDownWrite"), 0 \
	}
#define TAKEN                                                  \
	{                                                      \
		412, NULL, ERROR_BODY("PreconditionFailed"), 0 \
	}

/* 0, 1 or -1 of a put of "hello" that is tried again. */
static int
put_again(const struct s3_reply *replies, size_t n)
{
	struct mf_retry_params params = {.attempts = 3};
	struct mf_store *again;
	struct fixture f;
	int rc;

	begin(&f, replies, n);
	params.waiting = s3_world_waiting(&f.world);
	assert_int_equal(mf_store_retry_take(f.s, &params, &again, &f.e), 0);
	f.s = again;
	rc = mf_store_put(f.s, "r/1", "hello", 5, MF_STORE_IF_ABSENT, &f.e);
	end(&f);
	return rc;
}

/* A store that asks for less because too few of its disks took the object may have it all the same:
 * then what is there is looked at. Elsewhere a refusal has done nothing, and somebody was first. */
static void
test_taken_after_refusal(void **state)
{
	static const struct s3_reply ours[] = {
	    NO_QUORUM, TAKEN, {200, "ETag: \"x\"\r\n", "hello", 0}};
	static const struct s3_reply theirs[] = {
	    NO_QUORUM, TAKEN, {200, "ETag: \"x\"\r\n", "other", 0}};
	static const struct s3_reply gone[] = {
	    NO_QUORUM, TAKEN, {404, NULL, ERROR_BODY("NoSuchKey"), 0}};
	static const struct s3_reply later[] = {NO_QUORUM, TAKEN,
	    {500, NULL, ERROR_BODY("InternalError"), 0}, TAKEN,
	    {200, "ETag: \"x\"\r\n", "hello", 0}};
	static const struct s3_reply stored[] = {NO_QUORUM, {200, NULL, NULL, 0}};
	static const struct s3_reply too_many[] = {
	    {429, NULL, ERROR_BODY("TooManyRequests"), 0}, TAKEN};
	static const struct s3_reply met[] = {
	    {409, NULL, ERROR_BODY("ConditionalRequestConflict"), 0}, TAKEN};

	(void)state;
	assert_int_equal(put_again(ours, LENGTH(ours)), 0);
	assert_int_equal(put_again(theirs, LENGTH(theirs)), 1);
	assert_int_equal(put_again(gone, LENGTH(gone)), 1);
	assert_int_equal(put_again(later, LENGTH(later)), 0);
	assert_int_equal(put_again(stored, LENGTH(stored)), 0);
	assert_int_equal(put_again(too_many, LENGTH(too_many)), 1);
	assert_int_equal(put_again(met, LENGTH(met)), 1);
}

#define ENDLESS (256 * MIB)

static void
say_endless(struct http_conn *c, const char *head, _Atomic uint64_t *sent)
{
	static const char piece[64 << 10];

	http_say(c, "HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\nETag: \"x\"\r\n\r\n", head);
	while (!http_gone(c) && atomic_load(sent) < ENDLESS) {
		http_say(c, "%zx\r\n", sizeof piece);
		http_say_bytes(c, piece, sizeof piece);
		http_say(c, "\r\n");
		atomic_fetch_add(sent, sizeof piece);
	}
}

/* Refuses a HEAD, and gives all of a large object to whoever asks for its first byte. */
static bool
play_endless(struct http_conn *c, const struct http_seen *q, void *arg)
{
	if (strcmp(q->method, "HEAD") == 0) {
		http_say(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\n");
		return true;
	}
	say_endless(c, "200 OK", arg);
	return false;
}

/* What is asked for to learn why a HEAD was refused is not read to its end. */
static void
test_why_refused(void **state)
{
	_Atomic uint64_t sent = 0;
	struct http_server *server = http_server_start(play_endless, &sent);
	struct mf_store_stat unused;
	struct s3_world world;
	struct mf_store *s;
	struct mf_error e;
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
	s3_world_make(&world, "KEYONE", "secret");
	s = s3_world_store(&world, url, "models", "repo", true);
	assert_int_equal(mf_store_head(s, "r/1", &unused, &e), -1);
	assert_int_equal(e.code, MF_EPERM);
	assert_int_equal(e.http_status, 403);
	assert_int_equal(http_server_requests(server), 2);
	mf_store_close(s);
	s3_world_drop(&world);
	http_server_stop(server);
	assert_true(atomic_load(&sent) < ENDLESS / 2);
}

static bool
play_endless_part(struct http_conn *c, const struct http_seen *q, void *arg)
{
	(void)q;
	say_endless(c, "206 Partial Content\r\nContent-Range: bytes 0-4/5", arg);
	return false;
}

/* A part that goes on behind its end is not waited for. */
static void
test_part_without_end(void **state)
{
	_Atomic uint64_t sent = 0;
	struct http_server *server = http_server_start(play_endless_part, &sent);
	struct mf_buf out = MF_BUF_INIT;
	struct s3_world world;
	struct mf_store *s;
	struct mf_error e;
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(server));
	s3_world_make(&world, "KEYONE", "secret");
	s = s3_world_store(&world, url, "models", "repo", true);
	assert_int_equal(mf_store_get(s, "r/1", 0, 100, &out, &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_non_null(strstr(e.message, "is shorter or longer than it said"));
	assert_int_equal(out.len, 0);
	mf_buf_fini(&out);
	mf_store_close(s);
	s3_world_drop(&world);
	http_server_stop(server);
	assert_true(atomic_load(&sent) < ENDLESS / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put_by_others),
	    cmocka_unit_test(test_delete_by_others),
	    cmocka_unit_test(test_missing_by_others),
	    cmocka_unit_test(test_sums_of_puts),
	    cmocka_unit_test(test_sums_of_gets),
	    cmocka_unit_test(test_credentials_run_out_twice),
	    cmocka_unit_test(test_credentials_change_often),
	    cmocka_unit_test(test_taken_after_refusal),
	    cmocka_unit_test(test_why_refused),
	    cmocka_unit_test(test_part_without_end),
	};

	return cmocka_run_group_tests_name("the S3 store, answers", tests, NULL, NULL);
}
