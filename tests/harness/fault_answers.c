/*
 * The faults, one by one. Those of answers are asked for where there is a body, and distort it or
 * what is said of it; those of listings and errors bring another document.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness/fault_rules.h"
#include "tests/harness/http_words.h"

#define ENDLESS_BYTES ((size_t)1 << 30) /* nobody reads that much */
#define DRIP_MS 20
#define SKEW_MAX_S 900

/* ---- reading ---- */

static bool
read_half(struct http_conn *c, struct s3_query *q)
{
	(void)http_read_body(c, q->body, q->n / 2);
	return true;
}

static bool
reset_request(struct http_conn *c, struct s3_query *q)
{
	(void)read_half(c, q);
	http_reset(c);
	return false;
}

static bool
stall_request(struct http_conn *c, struct s3_query *q)
{
	(void)read_half(c, q);
	while (!http_stopping(c))
		http_nap(DRIP_MS);
	return false;
}

static bool
reset_before(struct http_conn *c, struct s3_query *q)
{
	(void)http_read_body(c, q->body, q->n);
	http_reset(c);
	return false;
}

static bool
corrupt_request(struct http_conn *c, struct s3_query *q)
{
	if (http_read_body(c, q->body, q->n) < q->n)
		return false;
	if (q->n > 0)
		q->body[q->n / 2] ^= 1;
	return true;
}

/* ---- refusing ---- */

/* value: "409,ConditionalRequestConflict" */
static void
refuse(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	char code[FAULT_VALUE_BYTES];
	int status;

	if (sscanf(value, "%d,%127s", &status, code) != 2)
		harness_die("refuse: no status and code");
	s3_refuse(q, reply, status, code, "");
}

/* The access key id and the region of a signature; "" where there is none. */
static void
read_scope(const struct s3_query *q, char key_id[128], char region[64])
{
	char authorization[2048];

	key_id[0] = region[0] = '\0';
	http_seen_header(q->seen, "Authorization", authorization, sizeof authorization);
	if (sscanf(authorization, "AWS4-HMAC-SHA256 Credential=%127[^/]/%*[^/]/%63[^/]", key_id,
		region) != 2)
		key_id[0] = region[0] = '\0';
}

/* value: the access key id whose token has ended */
static bool
is_expired(const struct s3_query *q, const char *value)
{
	char key_id[128], region[64];

	read_scope(q, key_id, region);
	return strcmp(key_id, value) == 0;
}

static void
refuse_expired(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	(void)value;
	s3_refuse(q, reply, 400, "ExpiredToken", "");
}

/* value: the bucket's region */
static bool
is_elsewhere(const struct s3_query *q, const char *value)
{
	char key_id[128], region[64];

	read_scope(q, key_id, region);
	return strcmp(region, value) != 0;
}

static void
refuse_region(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	char host[128], endpoint[256];

	http_seen_header(q->seen, "Host", host, sizeof host);
	(void)snprintf(endpoint, sizeof endpoint, "<Endpoint>%s</Endpoint>", host);
	s3_refuse(q, reply, 301, "PermanentRedirect", endpoint);
	mf_buf_printf(&reply->headers, "x-amz-bucket-region: %s\r\n", value);
}

/* Is the request's time too far from the server's? */
static bool
is_skewed(const struct s3_query *q, const char *value)
{
	char date[32];
	struct tm tm = {0};

	(void)value;
	http_seen_header(q->seen, "x-amz-date", date, sizeof date);
	if (sscanf(date, "%4d%2d%2dT%2d%2d%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		&tm.tm_min, &tm.tm_sec) != 6)
		return true;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return labs((long)(timegm(&tm) - q->now)) > SKEW_MAX_S;
}

static void
refuse_skewed(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	(void)value;
	s3_refuse(q, reply, 403, "RequestTimeTooSkewed", "");
}

/* Google's front changes Accept-Encoding on the way: who signed it has a wrong signature. */
static bool
signs_encoding(const struct s3_query *q, const char *value)
{
	char authorization[2048];
	const char *names;

	(void)value;
	http_seen_header(q->seen, "Authorization", authorization, sizeof authorization);
	names = strstr(authorization, "SignedHeaders=");
	return names == NULL || strstr(names, "accept-encoding") != NULL;
}

static void
refuse_signature(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	(void)value;
	s3_refuse(q, reply, 403, "SignatureDoesNotMatch", "");
}

/* A bucket that locks what is put into it. */
static bool
lacks_md5(const struct s3_query *q, const char *value)
{
	char md5[64];

	(void)value;
	return (q->op == S3_PUT || q->op == S3_PART) &&
	       http_seen_header(q->seen, "Content-MD5", md5, sizeof md5)[0] == '\0';
}

static void
refuse_unlocked(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	(void)value;
	s3_refuse(q, reply, 400, "InvalidRequest", "");
	mf_buf_clear(&reply->body);
	mf_buf_printf(&reply->body,
	    "<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP "
	    "header is required for Put %s requests with Object Lock parameters</Message></Error>",
	    q->op == S3_PART ? "Part" : "Object");
	reply->length = reply->body.len;
}

static void
malformed_error(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	static const char text[] = "<Error><Code>Slow</Down></Error";

	(void)value;
	s3_refuse(q, reply, 500, "InternalError", "");
	mf_buf_clear(&reply->body);
	mf_buf_put(&reply->body, text, strlen(text));
	reply->length = reply->body.len;
}

/* A portal that wants to be logged in to. */
static void
say_html(const struct s3_query *q, const char *value, struct s3_reply *reply)
{
	static const char page[] = "<!DOCTYPE html><html><head><title>Welcome</title></head>"
				   "<body><br>Log in</body></html>\n";

	(void)value;
	reply->status = 200;
	mf_buf_printf(&reply->headers, "Content-Type: text/html\r\n");
	reply->length = strlen(page);
	if (q->op != S3_HEAD)
		mf_buf_put(&reply->body, page, reply->length);
}

/* ---- answering ---- */

/* The head, with that length; what is added ends in \r\n. */
static void
say_head(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply, size_t length,
    const char *more)
{
	struct mf_buf head = MF_BUF_INIT;
	const char *headers = mf_buf_cstr(&reply->headers);

	harness_head(&head, reply->status, q->now, headers != NULL ? headers : "");
	mf_buf_printf(&head, "%sContent-Length: %zu\r\n\r\n", more, length);
	http_say_bytes(c, head.data, head.len);
	mf_buf_fini(&head);
}

static bool
say_half(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	say_head(c, q, reply, reply->body.len, "");
	http_say_bytes(c, reply->body.data, reply->body.len / 2);
	return false;
}

/* A length that is right, and half of the body. */
static bool
truncate_body(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	return say_half(c, q, reply);
}

static bool
reset_body(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)say_half(c, q, reply);
	http_reset(c);
	return false;
}

/* The length of what comes. */
static bool
shorten_body(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	say_head(c, q, reply, reply->body.len / 2, "");
	http_say_bytes(c, reply->body.data, reply->body.len / 2);
	return true;
}

static bool
lengthen_body(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	say_head(c, q, reply, reply->body.len + 1, "");
	http_say_bytes(c, reply->body.data, reply->body.len);
	http_say_bytes(c, "x", 1);
	return true;
}

/* Bytes behind the end, where the next answer should begin. */
static bool
add_tail(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	say_head(c, q, reply, reply->body.len, "");
	mf_buf_put(&reply->body, "and more\r\n", 10);
	http_say_bytes(c, reply->body.data, reply->body.len);
	return true;
}

static bool
corrupt_body(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	if (reply->body.len > 0)
		reply->body.data[reply->body.len / 2] ^= 1;
	say_head(c, q, reply, reply->length, "");
	http_say_bytes(c, reply->body.data, reply->body.len);
	return true;
}

static bool
corrupt_half(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	if (reply->body.len > 0)
		reply->body.data[0] ^= 1;
	return shorten_body(c, q, reply);
}

static bool
drip(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	size_t i;

	say_head(c, q, reply, reply->length, "");
	for (i = 0; i < reply->body.len && !http_gone(c) && !http_stopping(c); i++) {
		http_say_bytes(c, reply->body.data + i, 1);
		http_nap(DRIP_MS);
	}
	return false;
}

static bool
stall(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)say_half(c, q, reply);
	while (!http_stopping(c))
		http_nap(DRIP_MS);
	return false;
}

static bool
lose(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)q;
	(void)reply;
	http_reset(c);
	return false;
}

static bool
say_garbage(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)q;
	(void)reply;
	http_say(c, "220 mail.example ESMTP\r\n");
	return false;
}

/* A sum of something else. */
static bool
wrong_checksum(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	say_head(c, q, reply, reply->length,
	    "x-amz-checksum-crc32c: AAAAAA==\r\nx-amz-checksum-type: FULL_OBJECT\r\n");
	http_say_bytes(c, reply->body.data, reply->body.len);
	return true;
}

/* Of an object that nobody may delete yet. */
static bool
say_kept(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	say_head(c, q, reply, reply->length,
	    "x-amz-object-lock-mode: COMPLIANCE\r\n"
	    "x-amz-object-lock-retain-until-date: 2099-01-02T03:04:05.000Z\r\n");
	http_say_bytes(c, reply->body.data, reply->body.len);
	return true;
}

/* As somebody between sends it who was told that the client takes it: stored blocks of gzip
 * (RFC 1951, 3.2.4; RFC 1952). The sum at the end, which nobody gets to, is 0. */
static bool
say_gzip(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	static const uint8_t begin[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	struct mf_buf out = MF_BUF_INIT;
	size_t at = 0, n;

	mf_buf_put(&out, begin, sizeof begin);
	do {
		n = reply->body.len - at < 65535 ? reply->body.len - at : 65535;
		mf_buf_put_u8(&out, at + n == reply->body.len);
		mf_buf_put_u16(&out, (uint16_t)n);
		mf_buf_put_u16(&out, (uint16_t)~n);
		if (n > 0)
			mf_buf_put(&out, reply->body.data + at, n);
	} while ((at += n) < reply->body.len);
	mf_buf_put_u32(&out, 0);
	mf_buf_put_u32(&out, (uint32_t)reply->body.len);
	if (out.failed)
		harness_die("no memory");
	say_head(c, q, reply, out.len, "Content-Encoding: gzip\r\n");
	http_say_bytes(c, out.data, out.len);
	mf_buf_fini(&out);
	return true;
}

/* ---- documents ---- */

/* What begins the document, and then the same again until the client has enough. */
static bool
say_endless(struct http_conn *c, int status, const char *begin, const char *again)
{
	struct mf_buf piece = MF_BUF_INIT;
	size_t sent = 0;

	http_say(c,
	    "HTTP/1.1 %d Words\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n",
	    status);
	http_say_bytes(c, begin, strlen(begin));
	while (piece.len < 65536)
		mf_buf_put(&piece, again, strlen(again));
	if (piece.failed)
		harness_die("no memory");
	for (; sent < ENDLESS_BYTES && !http_gone(c) && !http_stopping(c); sent += piece.len)
		http_say_bytes(c, piece.data, piece.len);
	mf_buf_fini(&piece);
	return false;
}

static bool
endless_list(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)q;
	(void)reply;
	return say_endless(c, 200, "<ListBucketResult>",
	    "<Contents><Key>k</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z"
	    "</LastModified><ETag>x</ETag></Contents>");
}

static bool
endless_text(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)q;
	(void)reply;
	return say_endless(c, 200, "<ListBucketResult><Contents><Key>", "kkkkkkkk");
}

static bool
deep_list(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)q;
	(void)reply;
	return say_endless(c, 200, "<ListBucketResult>", "<Contents>");
}

static bool
endless_error(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	(void)q;
	(void)reply;
	return say_endless(c, 503, "<Error><Code>SlowDown</Code>", "<a>b</a>");
}

/* Where the head never ends. */
static bool
endless_head(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	size_t sent;

	(void)q;
	(void)reply;
	http_say(c, "HTTP/1.1 200 OK\r\n");
	for (sent = 0; sent < ENDLESS_BYTES && !http_gone(c) && !http_stopping(c); sent += 32)
		http_say(c, "x-amz-meta-a: %017zu\r\n", sent);
	return false;
}

/* The document instead of the reply's. */
static bool
say_document(
    struct http_conn *c, const struct s3_query *q, struct s3_reply *reply, const char *text)
{
	say_head(c, q, reply, strlen(text), "");
	http_say_bytes(c, text, strlen(text));
	return true;
}

static bool
malformed_list(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	return say_document(c, q, reply,
	    "<?xml version=\"1.0\"?><ListBucketResult><Contents><Key>a</Size></Contents>");
}

/* Entities that grow: "billion laughs". */
static bool
entities(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	return say_document(c, q, reply,
	    "<?xml version=\"1.0\"?><!DOCTYPE ListBucketResult [<!ENTITY a \"ha\">"
	    "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c "
	    "\"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">"
	    "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f "
	    "\"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\">"
	    "<!ENTITY h \"&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;\">]>"
	    "<ListBucketResult><IsTruncated>&h;&h;&h;&h;&h;</IsTruncated></ListBucketResult>");
}

/* Another page, and the same token for it, whatever was asked for. */
static bool
repeat_token(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	return say_document(c, q, reply,
	    "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>again</NextContinuationToken></ListBucketResult>");
}

/* The first page again: its tokens name keys, and are not looked at. */
static bool
repeat_page(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	char prefix[1100];
	struct mf_buf text = MF_BUF_INIT;

	harness_param(q->seen, "prefix", prefix, sizeof prefix);
	mf_buf_printf(&text,
	    "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>%08x</NextContinuationToken><Contents><Key>%s0</Key>"
	    "<Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
	    "<ETag>x</ETag></Contents></ListBucketResult>",
	    q->seen->nth, prefix);
	if (mf_buf_cstr(&text) == NULL)
		harness_die("no memory");
	(void)say_document(c, q, reply, mf_buf_cstr(&text));
	mf_buf_fini(&text);
	return true;
}

/* An error that is noticed when 200 is said already. */
static bool
late_error(struct http_conn *c, const struct s3_query *q, struct s3_reply *reply)
{
	return say_document(
	    c, q, reply, "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>");
}

const struct fault fault_table[] = {
    {.name = "reset-request", .read = reset_request},
    {.name = "stall-request", .read = stall_request},
    {.name = "reset", .read = reset_before},
    {.name = "corrupt-request", .read = corrupt_request},
    {.name = "refuse", .refuse = refuse},
    {.name = "expired", .fits = is_expired, .refuse = refuse_expired},
    {.name = "region", .fits = is_elsewhere, .refuse = refuse_region},
    {.name = "skew", .fits = is_skewed, .refuse = refuse_skewed, .sets_clock = true},
    {.name = "front", .fits = signs_encoding, .refuse = refuse_signature},
    {.name = "locked", .fits = lacks_md5, .refuse = refuse_unlocked},
    {.name = "malformed-error", .refuse = malformed_error},
    {.name = "html", .refuse = say_html},
    {.name = "truncate", .answer = truncate_body},
    {.name = "reset-answer", .answer = reset_body},
    {.name = "shorten", .answer = shorten_body},
    {.name = "lengthen", .answer = lengthen_body},
    {.name = "tail", .answer = add_tail},
    {.name = "corrupt", .answer = corrupt_body},
    {.name = "corrupt-half", .answer = corrupt_half},
    {.name = "drip", .answer = drip},
    {.name = "stall", .answer = stall},
    {.name = "lose", .answer = lose},
    {.name = "garbage", .answer = say_garbage},
    {.name = "checksum", .answer = wrong_checksum},
    {.name = "kept", .answer = say_kept},
    {.name = "gzip", .answer = say_gzip},
    {.name = "endless-list", .answer = endless_list},
    {.name = "endless-text", .answer = endless_text},
    {.name = "deep-list", .answer = deep_list},
    {.name = "endless-error", .answer = endless_error},
    {.name = "endless-head", .answer = endless_head},
    {.name = "malformed-list", .answer = malformed_list},
    {.name = "entities", .answer = entities},
    {.name = "repeat-token", .answer = repeat_token},
    {.name = "repeat-page", .answer = repeat_page},
    {.name = "late-error", .answer = late_error},
    {.name = "hold", .holds = true},
    {.name = NULL},
};
