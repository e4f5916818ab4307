/* The S3 store against scripted servers: what it asks, and what it makes of answers that no good
 * server gives. That it keeps the store's contract is tested on a real server: test_s3_store.c. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/transfers/s3_fixture.h"
#include "tests/unit/transfers/s3_script.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define ERROR_BODY(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code></Error>"
#define MODIFIED "Last-Modified: Sat, 31 Jan 2026 12:00:00 GMT\r\n"

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
	f->s = s3_world_store(&f->world, f->script.url, "models", "a b/repo", true);
	mf_s3_store_believe(f->s, &yes);
	f->e = (struct mf_error){0};
}

static void
end(struct fixture *f)
{
	mf_store_close(f->s);
	s3_world_drop(&f->world);
	s3_script_stop(&f->script);
}

static unsigned
asked(const struct fixture *f)
{
	return atomic_load(&f->script.n_asked);
}

static void
assert_header(const struct fixture *f, unsigned nth, const char *name, const char *part)
{
	char value[1024];

	if (strstr(s3_script_header(&f->script, nth, name, value, sizeof value), part) == NULL)
		fail_msg("request %u: %s is \"%s\", without \"%s\"", nth, name, value, part);
}

/* ---- put ---- */

static int
put(struct fixture *f, unsigned flags)
{
	f->e = (struct mf_error){0};
	return mf_store_put(f->s, "r/1", "hello", 5, flags, &f->e);
}

static void
test_put(void **state)
{
	const struct s3_reply replies[] = {{.status = 200}};
	char value[64];
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, MF_STORE_DURABLE), 0);
	assert_string_equal(f.script.asked[0].target, "/models/a%20b/repo/r/1");
	assert_string_equal(f.script.asked[0].body, "hello");
	assert_string_equal(
	    s3_script_header(&f.script, 0, "If-None-Match", value, sizeof value), "");
	assert_int_equal(mf_store_put(f.s, "v/1", NULL, 0, 0, &f.e), 0);
	assert_header(&f, 1, "Content-Length", "0");
	assert_string_equal(mf_store_label(f.s), "s3://models/a b/repo");
	end(&f);
}

static void
test_conditional_put(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL, NULL, 0},
	    {412, NULL, ERROR_BODY("PreconditionFailed"), 0},
	    {409, NULL, ERROR_BODY("ConditionalRequestConflict"), 0},
	    {412, NULL, NULL, 0},
	    {409, NULL, ERROR_BODY("OperationAborted"), 0},
	    {409, NULL, ERROR_BODY("BucketAlreadyExists"), 0},
	    {412, NULL, NULL, 0},
	    {501, NULL, ERROR_BODY("NotImplemented"), 0},
	};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, MF_STORE_IF_ABSENT), 0);
	assert_header(&f, 0, "If-None-Match", "*");
	assert_header(&f, 0, "Authorization", "if-none-match");
	assert_int_equal(put(&f, MF_STORE_IF_ABSENT), 1);
	assert_int_equal(
	    put(&f, MF_STORE_IF_ABSENT), 1); /* two that met; then somebody was first */
	assert_int_equal(asked(&f), 4);
	assert_true(atomic_load(&f.world.sleeps) > 0);
	assert_int_equal(put(&f, MF_STORE_IF_ABSENT), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(put(&f, MF_STORE_IF_ABSENT), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(put(&f, 0), -1); /* nobody asked for a condition */
	assert_int_equal(put(&f, MF_STORE_IF_ABSENT), -1);
	assert_int_equal(f.e.code, MF_EUNSUPPORTED);
	end(&f);
}

static void
test_without_conditional_puts(void **state)
{
	const struct mf_s3_probe no = {.conditional = false};
	const struct s3_reply replies[] = {{.status = 200}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	mf_s3_store_believe(f.s, &no);
	assert_int_equal(mf_store_capabilities(f.s) & MF_STORE_CONDITIONAL, 0);
	assert_int_equal(put(&f, MF_STORE_IF_ABSENT), -1);
	assert_int_equal(f.e.code, MF_EUNSUPPORTED);
	assert_non_null(strstr(f.e.message, "conditional put"));
	assert_int_equal(asked(&f), 0);
	assert_int_equal(put(&f, 0), 0);
	end(&f);
}

/* Of a mark a second put does no harm; of anything else it does. */
static void
test_repeatable_put(void **state)
{
	const struct s3_reply replies[] = {{503, NULL, NULL, 0}, {200, NULL, NULL, 0}};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(put(&f, MF_STORE_REPEATABLE), 0);
	assert_int_equal(asked(&f), 2);
	end(&f);
}

static void
test_put_options(void **state)
{
	const struct mf_s3_header metadata[] = {{"owner", "ml team"}, {"Run", "7"}};
	const struct mf_s3_put_options options = {.storage_class = "STANDARD_IA",
	    .encryption = "aws:kms",
	    .kms_key_id = "arn:aws:kms:x:1:key/2",
	    .metadata = metadata,
	    .n_metadata = 2};
	const struct s3_reply replies[] = {{.status = 200}};
	struct mf_s3_store_params p = {.write = true, .options = options};
	struct mf_store *other = NULL;
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	p.client = s3_world_client(&f.world, f.script.url, "models", true);
	assert_int_equal(mf_s3_store_open(&p, &other, &f.e), 0);
	assert_int_equal(mf_store_put(other, "r/1", "x", 1, 0, &f.e), 0);
	assert_string_equal(f.script.asked[0].target, "/models/r/1");
	assert_header(&f, 0, "x-amz-storage-class", "STANDARD_IA");
	assert_header(&f, 0, "x-amz-server-side-encryption", "aws:kms");
	assert_header(
	    &f, 0, "x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:x:1:key/2");
	assert_header(&f, 0, "x-amz-meta-owner", "ml team");
	assert_header(&f, 0, "Authorization", "x-amz-meta-owner;x-amz-meta-run;");
	mf_store_close(other);

	p.options.storage_class = "DEEP_ARCHIVE";
	assert_int_equal(mf_s3_store_open(&p, &other, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	p.options = (struct mf_s3_put_options){.encryption = "rot13"};
	assert_int_equal(mf_s3_store_open(&p, &other, &f.e), -1);
	p.options = (struct mf_s3_put_options){.encryption = "AES256", .kms_key_id = "k"};
	assert_int_equal(mf_s3_store_open(&p, &other, &f.e), -1);
	assert_int_equal(f.e.code, MF_EUSAGE);
	mf_s3_client_close(p.client);
	end(&f);
}

static void
test_prefixes(void **state)
{
	static const char *const bad[] = {
	    "/a", "a/", "a//b", ".", "a/..", "../a", "a/./b", "a\nb", "a?b", "a#b"};
	static const char *const good[] = {"", "a", "a/b.c", "a b/\xc3\xa4", "..a/b.."};
	struct mf_s3_store_params p = {.write = true};
	char longest[MF_S3_PREFIX_MAX + 2];
	struct mf_store *s = NULL;
	struct s3_world w;
	struct mf_error e;
	size_t i;

	(void)state;
	s3_world_make(&w, "K", "s");
	p.client = s3_world_client(&w, "http://127.0.0.1:1", "models", true);
	for (i = 0; i < LENGTH(bad); i++) {
		p.prefix = bad[i];
		assert_int_equal(mf_s3_store_open(&p, &s, &e), -1);
		assert_int_equal(e.code, MF_EUSAGE);
	}
	for (i = 0; i < LENGTH(good); i++) {
		p.prefix = good[i];
		assert_int_equal(mf_s3_store_open(&p, &s, &e), 0);
		mf_store_close(s);
	}
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	p.prefix = longest;
	assert_int_equal(mf_s3_store_open(&p, &s, &e), -1);
	p.prefix = longest + 1;
	assert_int_equal(mf_s3_store_open(&p, &s, &e), 0);
	mf_store_close(s);
	mf_s3_client_close(p.client);
	s3_world_drop(&w);
}

/* ---- get ---- */

/* What a get of n bytes from offset on brings: the code, and the text in text. */
static enum mf_code
get(struct fixture *f, uint64_t offset, size_t n, char text[32])
{
	struct mf_buf b = MF_BUF_INIT;
	int rc;

	mf_buf_put(&b, ">", 1);
	f->e = (struct mf_error){0};
	rc = mf_store_get(f->s, "c/1", offset, n, &b, &f->e);
	assert_true(b.len < 32);
	memcpy(text, b.data, b.len);
	text[b.len] = '\0';
	assert_true(rc == 0 || strcmp(text, ">") == 0); /* a failure leaves nothing behind */
	mf_buf_fini(&b);
	return rc == 0 ? MF_OK : f->e.code;
}

static void
test_get(void **state)
{
	const struct s3_reply replies[] = {
	    {206, "Content-Range: bytes 2-5/6\r\n", "2345", 0},
	    {206, "Content-Range: bytes 2-4/6\r\n", "234", 0},
	    {206, "Content-Range: bytes 2-4/*\r\n", "234", 0},
	    {416, NULL, ERROR_BODY("InvalidRange"), 0},
	    {200, "ETag: \"x\"\r\n", "012345", 0}, /* knows no ranges */
	    {200, "ETag: \"x\"\r\n", "012345", 0},
	    {200, "ETag: \"x\"\r\n", "01", 0},
	    {200, MODIFIED, "", 0},
	};
	struct fixture f;
	char text[32];

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(get(&f, 2, 100, text), MF_OK);
	assert_string_equal(text, ">2345");
	assert_header(&f, 0, "Range", "bytes=2-101");
	assert_int_equal(get(&f, 2, 3, text), MF_OK);
	assert_string_equal(text, ">234");
	assert_int_equal(get(&f, 2, 3, text), MF_OK);
	assert_int_equal(get(&f, 6, 3, text), MF_OK);
	assert_string_equal(text, ">");
	assert_int_equal(get(&f, 2, 3, text), MF_OK);
	assert_string_equal(text, ">234");
	assert_int_equal(get(&f, 2, 10, text), MF_OK);
	assert_string_equal(text, ">2345");
	assert_int_equal(get(&f, 2, 10, text), MF_OK);
	assert_string_equal(text, ">");
	assert_int_equal(get(&f, 0, 10, text), MF_OK);
	assert_string_equal(text, ">");
	end(&f);
}

static void
test_bad_gets(void **state)
{
	const struct s3_reply replies[] = {
	    {206, "Content-Range: bytes 2-5/6\r\n", "23", 4},     /* cut short */
	    {200, "ETag: \"x\"\r\n", "0123", 6},                  /* the same */
	    {206, "Content-Range: bytes 1-4/6\r\n", "1234", 0},   /* another part */
	    {206, "Content-Range: bytes 2-3/6\r\n", "23", 0},     /* less than there is */
	    {206, "Content-Range: bytes 2-7/9\r\n", "234567", 0}, /* more than was asked for */
	    {206, "Content-Range: bytes 2-5/6\r\n", "234", 0},    /* contradicts itself */
	    {206, "Content-Range: bits 2-5/6\r\n", "2345", 0},
	    {206, "Content-Range: bytes 2-5/6x\r\n", "2345", 0},
	    {206, "Content-Range: bytes 2--5/6\r\n", "2345", 0},
	    {206, "Content-Range: bytes 2-99999999999999999999/6\r\n", "2345", 0},
	    {206, NULL, "2345", 0},
	    {200, "Content-Type: application/xml\r\n", ERROR_BODY("SlowDown"), 0}, /* no object */
	    {500, NULL, ERROR_BODY("InternalError"), 0},
	    {0, NULL, NULL, 0},
	};
	struct fixture f;
	char text[32];
	unsigned i;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	for (i = 0; i < LENGTH(replies); i++) {
		assert_int_equal(get(&f, 2, 4, text), MF_ETRANSFER);
		/* the engine may try a GET once more on a fresh connection */
		assert_in_range(asked(&f), i + 1, i + 1 + (replies[i].status == 0));
		assert_non_null(strstr(f.e.n_frames > 0 ? f.e.frames[0] : f.e.message, "c/1"));
	}
	end(&f);
}

static void
test_missing(void **state)
{
	const struct s3_reply replies[] = {
	    {404, NULL, ERROR_BODY("NoSuchKey"), 0},
	    {404, NULL, NULL, 0}, /* of a HEAD */
	    {404, NULL, NULL, 0},
	    {404, NULL, ERROR_BODY("NoSuchKey"), 0}, /* of a DELETE */
	    {404, NULL, ERROR_BODY("NoSuchBucket"), 0},
	};
	struct fixture f;
	char text[32];

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(get(&f, 0, 4, text), MF_ENOTFOUND);
	assert_int_equal(mf_store_head(f.s, "c/1", NULL, &f.e), 1);
	assert_int_equal(get(&f, UINT64_MAX, 4, text), MF_ENOTFOUND);
	assert_string_equal(f.script.asked[2].method, "HEAD");
	assert_int_equal(mf_store_del(f.s, "c/1", &f.e), 0);
	assert_int_equal(mf_store_del(f.s, "c/1", &f.e), -1);
	assert_int_equal(f.e.code, MF_ENOTFOUND);
	end(&f);
}

static void
test_head(void **state)
{
	const struct s3_reply replies[] = {
	    {200, MODIFIED, NULL, 12345},
	    {200, NULL, NULL, 12345},
	    {200, "Last-Modified: yesterday\r\n", NULL, 12345},
	};
	struct mf_store_stat st = {0};
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(mf_store_head(f.s, "c/1", &st, &f.e), 0);
	assert_int_equal(st.size, 12345);
	assert_int_equal(st.mtime_us, 1769860800000000);
	assert_int_equal(mf_store_head(f.s, "c/1", &st, &f.e), -1);
	assert_int_equal(f.e.code, MF_ETRANSFER);
	assert_int_equal(mf_store_head(f.s, "c/1", &st, &f.e), -1);
	end(&f);
}

/* ---- list ---- */

#define PAGE(rest) "<ListBucketResult><EncodingType>url</EncodingType>" rest "</ListBucketResult>"
#define OBJECT(key, size)                                                                   \
	"<Contents><Key>" key "</Key><LastModified>2026-01-31T12:00:00.700Z</LastModified>" \
	"<Size>" size "</Size></Contents>"
#define MORE "<IsTruncated>true</IsTruncated>"
#define TOKEN(token) MORE "<NextContinuationToken>" token "</NextContinuationToken>"
#define LAST "<IsTruncated>false</IsTruncated>"

struct seen {
	char text[200];
	int64_t mtime_us;
};

static int
see(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct seen *v = arg;
	const size_t n = strlen(v->text);

	(void)snprintf(v->text + n, sizeof v->text - n, "%s=%d ", name, (int)size);
	v->mtime_us = mtime_us;
	return 0;
}

/* What a listing of "c" shows, and its code. */
static enum mf_code
list(struct fixture *f, struct seen *v)
{
	*v = (struct seen){.text = ""};
	f->e = (struct mf_error){0};
	return mf_store_list(f->s, "c", see, v, &f->e) == 0 ? MF_OK : f->e.code;
}

static void
test_list(void **state)
{
	const struct s3_reply replies[] = {
	    {200, NULL,
		PAGE(OBJECT("a+b/repo/c/1", "5") OBJECT("a%20b/repo/c/2", "0") OBJECT(
		    "a%20b/repo/c/B+c", "1") OBJECT("a%20b/repo/c/d/", "0") TOKEN("t/1 +=")),
		0},
	    {200, NULL, PAGE(TOKEN("t2")), 0}, /* empty: deleted ones were passed over */
	    {200, NULL, PAGE(OBJECT("a%20b/repo/c/f", "7") LAST), 0},
	};
	struct fixture f;
	struct seen v;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	assert_int_equal(list(&f, &v), MF_OK);
	assert_string_equal(v.text, "c/1=5 c/2=0 c/f=7 "); /* others are no names of ours */
	assert_int_equal(v.mtime_us, 1769860800000000);    /* whole seconds, as head has them */
	assert_int_equal(asked(&f), 3);
	assert_string_equal(f.script.asked[0].target,
	    "/models?encoding-type=url&list-type=2&max-keys=1000&prefix=a%20b%2Frepo%2Fc");
	assert_string_equal(f.script.asked[1].target,
	    "/models?continuation-token=t%2F1%20%2B%3D&encoding-type=url&list-type=2&max-keys=1000&"
	    "prefix=a%20b%2Frepo%2Fc");
	end(&f);
}

/* A store that refuses version 2 of the call, and one that answers it with version 1. */
static void
test_list_v1(void **state)
{
	const struct s3_reply refuses[] = {
	    {501, NULL, ERROR_BODY("NotImplemented"), 0},
	    {200, NULL, PAGE(OBJECT("a+b/repo/c/1", "5") MORE), 0},
	    {200, NULL, PAGE(OBJECT("a+b/repo/c/2", "6") LAST), 0},
	};
	struct fixture f;
	struct seen v;

	(void)state;
	begin(&f, refuses, LENGTH(refuses));
	assert_int_equal(list(&f, &v), MF_OK);
	assert_string_equal(v.text, "c/1=5 c/2=6 ");
	assert_string_equal(f.script.asked[1].target,
	    "/models?encoding-type=url&max-keys=1000&prefix=a%20b%2Frepo%2Fc");
	assert_string_equal(
	    f.script.asked[2].target, "/models?encoding-type=url&marker=a%20b%2Frepo%2Fc%2F1&max-"
				      "keys=1000&prefix=a%20b%2Frepo%2Fc");
	assert_int_equal(list(&f, &v), MF_OK); /* it is remembered */
	assert_null(strstr(f.script.asked[3].target, "list-type"));
	end(&f);

	begin(&f, refuses + 1, 2);
	assert_int_equal(list(&f, &v), MF_OK);
	assert_string_equal(v.text, "c/1=5 c/2=6 ");
	assert_non_null(strstr(f.script.asked[0].target, "list-type=2"));
	assert_non_null(strstr(f.script.asked[1].target, "marker=a%20b"));
	assert_null(strstr(f.script.asked[1].target, "list-type"));
	end(&f);
}

static void
test_bad_lists(void **state)
{
	const struct s3_reply circle[] = {
	    {200, NULL, PAGE(OBJECT("a+b/repo/c/1", "5") OBJECT("a+b/repo/c/2", "5") TOKEN("x")),
		0},
	    {200, NULL, PAGE(OBJECT("a+b/repo/c/1", "5") OBJECT("a+b/repo/c/2", "5") TOKEN("y")),
		0},
	};
	const struct s3_reply stuck[] = {
	    {200, NULL, PAGE(OBJECT("a+b/repo/c/1", "5") TOKEN("x")), 0},
	    {200, NULL, PAGE(TOKEN("x")), 0},
	};
	const struct s3_reply disorder[] = {
	    {200, NULL, PAGE(OBJECT("a+b/repo/c/2", "5") OBJECT("a+b/repo/c/1", "5") LAST), 0}};
	const struct s3_reply foreign[] = {{200, NULL, PAGE(OBJECT("z", "5") LAST), 0}};
	const struct s3_reply malformed[] = {{200, NULL, "<ListBucketResult><Contents>", 0}};
	const struct s3_reply error[] = {{200, NULL, ERROR_BODY("InternalError"), 0}};
	const struct {
		const struct s3_reply *replies;
		size_t n;
		enum mf_code code;
		unsigned requests;
	} cases[] = {
	    {circle, LENGTH(circle), MF_ETRANSFER, 2},
	    {stuck, LENGTH(stuck), MF_ETRANSFER, 2},
	    {disorder, LENGTH(disorder), MF_EUNSUPPORTED, 1},
	    {foreign, LENGTH(foreign), MF_ETRANSFER, 1},
	    {malformed, LENGTH(malformed), MF_ETRANSFER, 1},
	    {error, LENGTH(error), MF_ETRANSFER, 1},
	};
	struct fixture f;
	struct seen v;
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		begin(&f, cases[i].replies, cases[i].n);
		assert_int_equal(list(&f, &v), cases[i].code);
		assert_int_equal(asked(&f), cases[i].requests);
		end(&f);
	}
}

/* ---- the probe ---- */

static void
assert_probe(const struct s3_reply *replies, size_t n, int rc, bool conditional)
{
	struct mf_s3_probe probe = {.conditional = !conditional};
	struct fixture f;

	begin(&f, replies, n);
	f.world.random = NULL;
	assert_int_equal(mf_s3_probe_run(f.s, &probe, &f.e), rc);
	assert_int_equal(probe.conditional, conditional);
	end(&f);
}

static void
test_probe(void **state)
{
	const struct s3_reply yes[] = {
	    {200, NULL, NULL, 0}, {412, NULL, NULL, 0}, {412, NULL, NULL, 0}, {204, NULL, NULL, 0}};
	const struct s3_reply both_won[] = {
	    {200, NULL, NULL, 0}, {200, NULL, NULL, 0}, {412, NULL, NULL, 0}, {204, NULL, NULL, 0}};
	const struct s3_reply ignores[] = {{200, NULL, NULL, 0}};
	const struct s3_reply unknown[] = {{501, NULL, ERROR_BODY("NotImplemented"), 0}};
	const struct s3_reply denied[] = {{403, NULL, ERROR_BODY("AccessDenied"), 0}};
	const struct s3_reply passing[] = {{500, NULL, NULL, 0}, {500, NULL, NULL, 0},
	    {200, NULL, NULL, 0}, {412, NULL, NULL, 0}, {412, NULL, NULL, 0}, {204, NULL, NULL, 0}};

	(void)state;
	assert_probe(yes, LENGTH(yes), 0, true);
	assert_probe(both_won, LENGTH(both_won), 0, false);
	assert_probe(ignores, LENGTH(ignores), 0, false);
	assert_probe(unknown, LENGTH(unknown), 0, false);
	assert_probe(denied, LENGTH(denied), -1, false);
	assert_probe(passing, LENGTH(passing), 0, true);
}

static void
test_read_only(void **state)
{
	const struct s3_reply replies[] = {{.status = 200}};
	struct mf_s3_store_params p = {.write = false};
	struct mf_store *s = NULL;
	struct fixture f;

	(void)state;
	begin(&f, replies, LENGTH(replies));
	p.client = s3_world_client(&f.world, f.script.url, "models", true);
	assert_int_equal(mf_s3_store_open(&p, &s, &f.e), 0);
	assert_int_equal(mf_store_put(s, "a", "x", 1, 0, &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(mf_store_del(s, "a", &f.e), -1);
	assert_int_equal(f.e.code, MF_EPERM);
	assert_int_equal(mf_store_capabilities(s) & MF_STORE_WRITABLE, 0);
	assert_int_equal(asked(&f), 0);
	mf_store_close(s);
	mf_s3_client_close(p.client);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_conditional_put),
	    cmocka_unit_test(test_without_conditional_puts),
	    cmocka_unit_test(test_repeatable_put),
	    cmocka_unit_test(test_put_options),
	    cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_get),
	    cmocka_unit_test(test_bad_gets),
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_list_v1),
	    cmocka_unit_test(test_bad_lists),
	    cmocka_unit_test(test_probe),
	    cmocka_unit_test(test_read_only),
	};

	return cmocka_run_group_tests_name("s3", tests, NULL, NULL);
}
