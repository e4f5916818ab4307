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
#include "tests/unit/transfers/tree_known.h"
#include "transfers/s3_open.h"
#include "transfers/tree_s3.h"

/* Of "hello". */
#define SHA256 "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

/* of zeros, in base64 */
#define CRC_OF_5_MIB "zqsFQg=="
#define CRC_OF_1_MIB "FCmMEg=="
#define PART ((uint64_t)5 << 20)

struct seen {
	pthread_mutex_t lock; /* the server's threads write the rest */
	char put[80], head[80];
	bool refuses;   /* it knows no checksums */
	bool locks;     /* it wants MD5s, and nothing else will do */
	bool breaks;    /* the second part of an upload fails */
	unsigned n_told; /* checksums in the last completion */
	char log[2048]; /* a line for each change: method, what it says of checksums */
};

/* An upload in parts, from its beginning to its end; and objects. */
static void
answer_change(struct http_conn *c, const struct http_seen *q)
{
	static const char begun[] = "<InitiateMultipartUploadResult><UploadId>id</UploadId>"
				    "</InitiateMultipartUploadResult>";
	static const char done[] = "<CompleteMultipartUploadResult><ETag>\"abc-2\"</ETag>"
				   "</CompleteMultipartUploadResult>";
	const char *body = strcmp(q->method, "POST") != 0         ? ""
			   : strstr(q->target, "uploads") != NULL ? begun
								  : done;

	http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nETag: \"abc\"\r\n\r\n%s",
	    strlen(body), body);
}

/* false: it was refused. */
static bool
note_change(struct seen *s, struct http_conn *c, const struct http_seen *q, const char *body)
{
	const char *refusal =
	    "<Error><Code>InvalidArgument</Code><Message>Unsupported header "
	    "'x-amz-checksum-crc32c' received for this API call.</Message></Error>";
	static const char demand[] = "<Error><Code>MissingContentMD5</Code></Error>";
	char crc[64], algorithm[64], md5[64], line[256];
	const char *told = strstr(body, "<ChecksumCRC32C>");

	http_seen_header(q, "x-amz-checksum-crc32c", crc, sizeof crc);
	http_seen_header(q, "x-amz-checksum-algorithm", algorithm, sizeof algorithm);
	(void)snprintf(line, sizeof line, "%s %s%s%s\n", q->method, crc, algorithm,
	    told != NULL ? "told" : "");
	(void)strncat(s->log, line, sizeof s->log - strlen(s->log) - 1);
	for (s->n_told = 0; told != NULL; told = strstr(told + 1, "<ChecksumCRC32C>"))
		s->n_told++;
	if (s->breaks && strstr(q->target, "partNumber=2") != NULL) {
		http_say(c, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
		return false;
	}
	http_seen_header(q, "Content-MD5", md5, sizeof md5);
	if (s->locks && strcmp(q->method, "PUT") == 0 && md5[0] == '\0')
		refusal = demand;
	else if (!s->refuses || crc[0] + algorithm[0] == 0)
		return true;
	http_say(c, "HTTP/1.1 400 Bad\r\nContent-Length: %zu\r\n\r\n%s", strlen(refusal), refusal);
	return false;
}

static const char first_part[] =
    "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>"
    "<ETag>\"abc\"</ETag><Size>5242880</Size></Part></ListPartsResult>";

static bool
play(struct http_conn *c, const struct http_seen *q, void *arg)
{
	struct seen *s = arg;
	char *sum = strcmp(q->method, "PUT") == 0 ? s->put : s->head;

	(void)pthread_mutex_lock(&s->lock);
	http_seen_header(q, "x-amz-content-sha256", sum, sizeof s->put);
	(void)pthread_mutex_unlock(&s->lock);
	if (sum == s->put || strcmp(q->method, "POST") == 0) {
		char body[4096] = "";
		bool taken;

		body[http_read_body(c, body, sizeof body - 1)] = '\0';
		http_drop_body(c);
		(void)pthread_mutex_lock(&s->lock);
		taken = note_change(s, c, q, body);
		(void)pthread_mutex_unlock(&s->lock);
		if (taken)
			answer_change(c, q);
		return true;
	}
	http_drop_body(c);
	if (strcmp(q->method, "GET") == 0) {
		http_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(first_part),
		    first_part);
		return true;
	}
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

static int
read_zeros(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)arg;
	(void)offset;
	(void)e;
	memset(buf, 0, n);
	return 0;
}

/* In two parts. */
static void
put_parts(const struct mf_s3_options *o)
{
	const struct mf_tree_s3_params p = {.part_bytes = PART, .parts_at_once = 1};
	const struct mf_tree_source source = {.size = PART + (1 << 20), .read_at = read_zeros};
	struct mf_error e = {0};
	struct mf_tree *t;

	assert_int_equal(mf_tree_s3_open("models", o, true, &p, &t, &e), 0);
	if (mf_tree_put(t, "x", &source, NULL, &e) != 0)
		fail_msg("%s", e.message);
	mf_tree_close(t);
}

static int
put_remembered(const struct mf_s3_options *o, struct seen *seen, struct tree_known *k)
{
	const struct mf_tree_s3_params p = {
	    .part_bytes = PART, .parts_at_once = 1, .retry = {.attempts = 1}};
	const struct mf_tree_source source = {.size = PART + (1 << 20), .read_at = read_zeros};
	struct mf_tree *t;
	int rc;

	seen->log[0] = '\0';
	assert_int_equal(mf_tree_s3_open("models", o, true, &p, &t, NULL), 0);
	tree_known_begin(k, t);
	rc = mf_tree_put(t, "x", &source, NULL, NULL);
	mf_tree_close(t);
	return rc;
}

/* An upload that was begun with checksums goes on with them, or begins anew where there are none.
 */
static void
resumed_uploads(struct mf_s3_options *o, struct seen *seen)
{
	struct tree_known k = tree_known_nothing();

	seen->breaks = true;
	assert_int_equal(put_remembered(o, seen, &k), -1);
	assert_true(k.n == 1 && k.upload.summed);
	seen->breaks = false;
	assert_int_equal(put_remembered(o, seen, &k), 0);
	assert_string_equal(seen->log, "PUT " CRC_OF_1_MIB "\nPOST told\n");
	assert_int_equal(seen->n_told, 2);
	seen->breaks = true;
	assert_int_equal(put_remembered(o, seen, &k), -1);
	seen->breaks = false;
	o->unsigned_bodies = false;
	assert_int_equal(put_remembered(o, seen, &k), 0);
	assert_string_equal(seen->log, "POST \nPUT \nPUT \nPOST \n");
	o->unsigned_bodies = true;
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
	unsigned n;

	(void)state;
	certificates_make(&good, "test authority", "IP:127.0.0.1", -60, 3600);
	server = http_server_start_tls(play, &seen, good.cert, good.key);
	(void)snprintf(url, sizeof url, "https://127.0.0.1:%u", http_server_port(server));
	o.endpoint_url = url;
	o.ca_file = good.ca;
	put(&o, &seen);
	assert_string_equal(seen.put, SHA256);
	put_parts(&o);
	assert_string_equal(seen.log, "PUT \nPOST \nPUT \nPUT \nPOST \n");
	o.unsigned_bodies = true;
	put(&o, &seen);
	assert_string_equal(seen.put, "UNSIGNED-PAYLOAD");
	/* where there is no body, the hash of none costs nothing */
	assert_string_not_equal(seen.head, "UNSIGNED-PAYLOAD");
	assert_string_not_equal(seen.head, "");
	/* instead of the hash */
	seen.log[0] = '\0';
	put(&o, &seen);
	put_parts(&o);
	assert_string_equal(seen.log,
	    "PUT mnG7TA==\nPOST CRC32C\nPUT " CRC_OF_5_MIB "\nPUT " CRC_OF_1_MIB "\nPOST told\n");
	resumed_uploads(&o, &seen);
	/* by a store that takes none, without, which each client finds out once */
	seen.log[0] = '\0';
	seen.refuses = true;
	put_parts(&o);
	put(&o, &seen);
	assert_string_equal(
	    seen.log, "POST CRC32C\nPOST \nPUT \nPUT \nPOST \nPUT mnG7TA==\nPUT \n");
	seen.log[0] = '\0';
	seen.refuses = false;
	seen.locks = true;
	put(&o, &seen);
	assert_string_equal(seen.log, "PUT mnG7TA==\nPUT \n");
	n = http_server_requests(server);

	memmove(url + 4, url + 5, strlen(url + 5) + 1); /* "http://" */
	assert_int_equal(mf_s3_open("models", &o, true, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_non_null(strstr(e.message, "TLS"));
	assert_int_equal(http_server_requests(server), n);
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
