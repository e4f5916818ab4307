#include "config.h"

#include "transfers/s3_sign.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/hex.h"
#include "src/base/units.h"

#define DATE_BYTES 17 /* 20130524T000000Z */
#define DAY_CHARS 8
#define LINES_MAX (MF_S3_HEADERS_MAX + 1 + MF_S3_ADDED_HEADERS)

const struct mf_s3_dialect mf_s3_aws4 = {
    .algorithm = "AWS4-HMAC-SHA256",
    .key_prefix = "AWS4",
    .terminator = "aws4_request",
    .service = "s3",
    .date_header = "x-amz-date",
    .hash_header = "x-amz-content-sha256",
    .token_header = "x-amz-security-token",
    .scheme = "s3",
    .prefix = "x-amz-",
    .kms_header = "server-side-encryption-aws-kms-key-id",
    .if_absent = {"If-None-Match", "*"},
};
const struct mf_s3_dialect mf_s3_goog4 = {
    .algorithm = "GOOG4-HMAC-SHA256",
    .key_prefix = "GOOG4",
    .terminator = "goog4_request",
    .service = "storage",
    .date_header = "x-goog-date",
    .hash_header = "x-goog-content-sha256",
    .token_header = "x-goog-security-token",
    .scheme = "gs",
    .prefix = "x-goog-",
    .kms_header = "encryption-kms-key-name",
    .if_absent = {"x-goog-if-generation-match", "0"},
    .sum_header = "x-goog-hash",
    .bearer = true,
};

/* Hop by hop, or changed on the way: Google's front end rewrites Accept-Encoding, proxies add
 * to the others, libcurl decides on some of them after the signature. */
static const char *const unsigned_headers[] = {"accept-encoding", "authorization", "connection",
    "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "user-agent", "via", "x-amzn-trace-id", "x-forwarded-for"};

bool
mf_s3_header_is_signed(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof unsigned_headers / sizeof unsigned_headers[0]; i++)
		if (strcasecmp(name, unsigned_headers[i]) == 0)
			return false;
	return true;
}

/* What the steps of one signature hand on. */
struct job {
	const struct mf_s3_request *r;
	const struct mf_s3_dialect *dialect;
	const char *service;
	char date[DATE_BYTES];
	char payload[MF_SHA256_HEX_BYTES]; /* or UNSIGNED-PAYLOAD */
	struct mf_buf path;
	struct mf_buf query;
	struct mf_buf names;     /* "host;x-amz-date" */
	struct mf_buf canonical; /* the canonical request; with the session token */
	char scope[MF_S3_SCOPE_BYTES];
	char signature[MF_SHA256_HEX_BYTES];
};

/* A header as it is signed. Equal names keep their order. */
struct line {
	const char *name;  /* lower case */
	const char *value; /* trimmed and collapsed */
};

static int
set_date(struct job *j, struct mf_error *e)
{
	char text[MF_TIME_TEXT_BYTES];
	size_t n = 0;
	const char *at;

	if (j->r->now_unix_s < 0 || j->r->now_unix_s >= INT64_C(253402300800)) /* year 10000 */
		return mf_error_set(e, MF_EUSAGE, "the clock shows no date that can be signed");
	mf_format_time(j->r->now_unix_s * 1000000, text);
	for (at = text; *at != '\0' && n < DATE_BYTES - 1; at++)
		if (*at != '-' && *at != ':')
			j->date[n++] = *at;
	j->date[n] = '\0';
	return 0;
}

static void
set_payload(struct job *j)
{
	static const char not_signed[] = "UNSIGNED-PAYLOAD";
	uint8_t digest[MF_SHA256_BYTES];

	switch (j->r->payload) {
	case MF_S3_NO_PAYLOAD:
		mf_sha256(NULL, 0, digest);
		mf_hex_encode(j->payload, digest, sizeof digest);
		break;
	case MF_S3_HASHED_PAYLOAD:
		mf_hex_encode(j->payload, j->r->payload_sha256, MF_SHA256_BYTES);
		break;
	case MF_S3_UNSIGNED_PAYLOAD: memcpy(j->payload, not_signed, sizeof not_signed); break;
	}
}

/* RFC 9110, section 5.6.2. */
static bool
is_token(const char *name)
{
	return name[0] != '\0' &&
	       strspn(name, "!#$%&'*+-.^_`|~0123456789"
			    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
}

static bool
is_ours(const struct mf_s3_dialect *d, const char *name)
{
	return strcasecmp(name, "host") == 0 || strcasecmp(name, "authorization") == 0 ||
	       strcasecmp(name, d->date_header) == 0 || strcasecmp(name, d->token_header) == 0 ||
	       (d->hash_header != NULL && strcasecmp(name, d->hash_header) == 0);
}

static int
check_header(const struct job *j, const struct mf_s3_header *h, struct mf_error *e)
{
	const char *at;

	if (!is_token(h->name))
		return mf_error_set(e, MF_EUSAGE, "\"%s\" is no name of a header", h->name);
	if (is_ours(j->dialect, h->name))
		return mf_error_set(e, MF_EUSAGE,
		    "header %s is made with the signature and cannot "
		    "be given",
		    h->name);
	for (at = h->value; *at != '\0'; at++)
		if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
			return mf_error_set(e, MF_EUSAGE,
			    "the value of header %s has a control "
			    "character in it",
			    h->name);
	return 0;
}

/* Append name and value as they are signed, each with its NUL. */
static void
put_line(struct mf_buf *texts, const char *name, const char *value)
{
	bool begun = false;
	size_t n;

	for (; *name != '\0'; name++)
		mf_buf_put_u8(texts, (uint8_t)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name));
	mf_buf_put_u8(texts, '\0');
	while (*(value += strspn(value, " \t")) != '\0') {
		if (begun)
			mf_buf_put_u8(texts, ' ');
		n = strcspn(value, " \t");
		mf_buf_put(texts, value, n);
		value += n;
		begun = true;
	}
	mf_buf_put_u8(texts, '\0');
}

/* The texts of all headers that are signed, unsorted; *n of them. */
static int
put_lines(const struct job *j, struct mf_buf *texts, size_t *n, struct mf_error *e)
{
	const struct mf_s3_request *r = j->r;
	const char *token = mf_s3_credentials_token(r->credentials);
	size_t i;

	if (r->n_headers > MF_S3_HEADERS_MAX)
		return mf_error_set(e, MF_EUSAGE, "a request may have %d headers, not %zu",
		    MF_S3_HEADERS_MAX, r->n_headers);
	put_line(texts, "host", r->host);
	put_line(texts, j->dialect->date_header, j->date);
	*n = 2;
	if (j->dialect->hash_header != NULL) {
		put_line(texts, j->dialect->hash_header, j->payload);
		++*n;
	}
	if (token != NULL) {
		put_line(texts, j->dialect->token_header, token);
		++*n;
	}
	for (i = 0; i < r->n_headers; i++) {
		if (check_header(j, &r->headers[i], e) != 0)
			return -1;
		if (!mf_s3_header_is_signed(r->headers[i].name))
			continue;
		put_line(texts, r->headers[i].name, r->headers[i].value);
		++*n;
	}
	return texts->failed ? mf_error_nomem(e, "a signature") : 0;
}

/* By name; a handful, mostly sorted already. */
static void
sort_lines(struct line *lines, size_t n)
{
	struct line line;
	size_t i, at;

	for (i = 1; i < n; i++) {
		line = lines[i];
		for (at = i; at > 0 && strcmp(lines[at - 1].name, line.name) > 0; at--)
			lines[at] = lines[at - 1];
		lines[at] = line;
	}
}

/* Room for all of it at once: no copy of the session token is left behind by a growing buffer. */
static int
reserve(struct job *j, struct mf_buf *texts, struct mf_error *e)
{
	const struct mf_s3_request *r = j->r;
	const char *token = mf_s3_credentials_token(r->credentials);
	size_t total = 1024 + strlen(r->host) + (token != NULL ? strlen(token) : 0), i;

	for (i = 0; i < r->n_headers; i++)
		total += strlen(r->headers[i].name) + strlen(r->headers[i].value) + 2;
	if (mf_buf_reserve(texts, total) != 0 || mf_buf_reserve(&j->canonical, 2 * total) != 0)
		return mf_error_nomem(e, "a signature");
	return 0;
}

/* "name:value" lines into j->canonical, their names into j->names; several headers of one name
 * make one line with commas. */
static int
put_headers(struct job *j, struct mf_error *e)
{
	struct mf_buf texts = MF_BUF_INIT;
	struct line lines[LINES_MAX];
	const char *at;
	size_t n = 0, i;
	bool again;
	int rc = -1;

	if (reserve(j, &texts, e) != 0 || put_lines(j, &texts, &n, e) != 0)
		goto out;
	for (i = 0, at = (const char *)texts.data; i < n; i++) {
		lines[i].name = at;
		at += strlen(at) + 1;
		lines[i].value = at;
		at += strlen(at) + 1;
	}
	sort_lines(lines, n);
	for (i = 0; i < n; i++) {
		again = i > 0 && strcmp(lines[i - 1].name, lines[i].name) == 0;
		if (!again) {
			mf_buf_put_text(&j->names, i > 0 ? ";" : "");
			mf_buf_put_text(&j->names, lines[i].name);
			mf_buf_put_text(&j->canonical, i > 0 ? "\n" : "");
			mf_buf_put_text(&j->canonical, lines[i].name);
		}
		mf_buf_put_text(&j->canonical, again ? "," : ":");
		mf_buf_put_text(&j->canonical, lines[i].value);
	}
	rc = 0;
out:
	if (texts.data != NULL)
		sodium_memzero(texts.data, texts.len); /* the session token */
	mf_buf_fini(&texts);
	return rc;
}

static int
make_canonical_request(struct job *j, struct mf_error *e)
{
	mf_s3_uri_encode(&j->path, j->r->path, strlen(j->r->path), true);
	mf_s3_uri_query(&j->query, j->r->query, j->r->n_query);
	if (mf_buf_cstr(&j->path) == NULL || mf_buf_cstr(&j->query) == NULL)
		return mf_error_nomem(e, "a signature");
	mf_buf_printf(&j->canonical, "%s\n%s\n%s\n", j->r->method, (const char *)j->path.data,
	    (const char *)j->query.data);
	if (put_headers(j, e) != 0)
		return -1;
	if (mf_buf_cstr(&j->names) == NULL)
		return mf_error_nomem(e, "a signature");
	mf_buf_printf(&j->canonical, "\n\n%s\n%s", (const char *)j->names.data, j->payload);
	return j->canonical.failed ? mf_error_nomem(e, "a signature") : 0;
}

static void
next_key(uint8_t key[MF_SHA256_BYTES], const char *text)
{
	mf_hmac_sha256(key, MF_SHA256_BYTES, text, strlen(text), key);
}

/* HMAC(HMAC(HMAC(HMAC(prefix secret, day), region), service), terminator), or what came of that for
 * the request before. */
static void
derive_key(const struct job *j, uint8_t key[MF_SHA256_BYTES])
{
	uint8_t first[8 + MF_S3_SECRET_MAX];
	const char *secret = mf_s3_credentials_secret(j->r->credentials);
	const size_t prefix_len = strlen(j->dialect->key_prefix), secret_len = strlen(secret);

	if (mf_s3_credentials_recall_key(j->r->credentials, j->scope, key))
		return;
	assert(prefix_len <= 8 && secret_len <= MF_S3_SECRET_MAX);
	memcpy(first, j->dialect->key_prefix, prefix_len);
	memcpy(first + prefix_len, secret, secret_len);
	mf_hmac_sha256(first, prefix_len + secret_len, j->date, DAY_CHARS, key);
	sodium_memzero(first, prefix_len + secret_len);
	next_key(key, j->r->region);
	next_key(key, j->service);
	next_key(key, j->dialect->terminator);
	mf_s3_credentials_keep_key(j->r->credentials, j->scope, key);
}

static int
compute_signature(struct job *j, struct mf_error *e)
{
	uint8_t digest[MF_SHA256_BYTES], key[MF_SHA256_BYTES];
	char hex[MF_SHA256_HEX_BYTES];
	struct mf_buf text = MF_BUF_INIT;

	mf_sha256(j->canonical.data, j->canonical.len, digest);
	mf_hex_encode(hex, digest, sizeof digest);
	mf_buf_reserve(&text, sizeof j->scope + sizeof j->date + sizeof hex + 64);
	mf_buf_printf(&text, "%s\n%s\n%s\n%s", j->dialect->algorithm, j->date, j->scope, hex);
	if (text.failed) {
		mf_buf_fini(&text);
		return mf_error_nomem(e, "a signature");
	}
	derive_key(j, key);
	mf_hmac_sha256(key, sizeof key, text.data, text.len, digest);
	sodium_memzero(key, sizeof key);
	mf_hex_encode(j->signature, digest, sizeof digest);
	mf_buf_fini(&text);
	return 0;
}

/* Append a text with its NUL; where it begins. */
static size_t
keep(struct mf_buf *texts, const char *text)
{
	const size_t at = texts->len;

	mf_buf_put(texts, text, strlen(text) + 1);
	return at;
}

static void
add_header(struct mf_s3_signed *out, const char *name, const char *value)
{
	out->added[out->n_added].name = name;
	out->added[out->n_added++].value = value;
}

static int
fill_in(const struct job *j, struct mf_s3_signed *out, struct mf_error *e)
{
	const char *token = mf_s3_credentials_token(j->r->credentials), *all;
	struct mf_buf *t = &out->texts;
	size_t date, payload, authorization;

	mf_buf_printf(t, "%s%s%s", (const char *)j->path.data, j->query.len > 0 ? "?" : "",
	    (const char *)j->query.data);
	mf_buf_put_u8(t, '\0');
	date = keep(t, j->date);
	payload = keep(t, j->payload);
	authorization = t->len;
	mf_buf_printf(t, "%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
	    j->dialect->algorithm, mf_s3_credentials_key_id(j->r->credentials), j->scope,
	    (const char *)j->names.data, j->signature);
	if (mf_buf_cstr(t) == NULL)
		return mf_error_nomem(e, "a signature");
	all = (const char *)t->data;
	out->target = all;
	add_header(out, j->dialect->date_header, all + date);
	if (j->dialect->hash_header != NULL)
		add_header(out, j->dialect->hash_header, all + payload);
	if (token != NULL)
		add_header(out, j->dialect->token_header, token);
	add_header(out, "Authorization", all + authorization);
	return 0;
}

static int
set_scope(struct job *j, struct mf_error *e)
{
	const int n = snprintf(j->scope, sizeof j->scope, "%.*s/%s/%s/%s", DAY_CHARS, j->date,
	    j->r->region, j->service, j->dialect->terminator);

	if (n < 0 || (size_t)n >= sizeof j->scope)
		return mf_error_set(e, MF_EUSAGE, "the name of the region is too long");
	return 0;
}

int
mf_s3_sign(const struct mf_s3_request *r, struct mf_s3_signed *out, struct mf_error *e)
{
	struct job j = {.r = r, .dialect = r->dialect != NULL ? r->dialect : &mf_s3_aws4};
	int rc = -1;

	assert(r->path[0] == '/' && mf_s3_credentials_key_id(r->credentials) != NULL);
	j.service = r->service != NULL ? r->service : j.dialect->service;
	*out = (struct mf_s3_signed){0};
	set_payload(&j);
	if (set_date(&j, e) != 0 || set_scope(&j, e) != 0 || make_canonical_request(&j, e) != 0 ||
	    compute_signature(&j, e) != 0)
		goto out;
	rc = fill_in(&j, out, e);
out:
	if (j.canonical.data != NULL)
		sodium_memzero(j.canonical.data, j.canonical.len);
	mf_buf_fini(&j.path);
	mf_buf_fini(&j.query);
	mf_buf_fini(&j.names);
	mf_buf_fini(&j.canonical);
	if (rc != 0)
		mf_s3_signed_fini(out);
	return rc;
}

void
mf_s3_signed_fini(struct mf_s3_signed *s)
{
	mf_buf_fini(&s->texts);
	*s = (struct mf_s3_signed){0};
}
