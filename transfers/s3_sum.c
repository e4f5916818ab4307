/*
 * Checksums of whole objects, where a store tells them: Google's CRC-32C, which it checks as well,
 * and Amazon's (Checking object integrity, S3 user guide), of which those are compared that cost
 * little or are computed anyway. A composite one, "AAAAAA==-3", is none of the whole object.
 */
#include "config.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "crypto/digest.h"
#include "src/base/crc32c.h"
#include "transfers/s3_int.h"

#define WORD "crc32c="
#define SHA256_CHARS 44

const char *
s3_sum_print(uint32_t crc, char out[MF_S3_SUM_BYTES])
{
	const uint8_t big[4] = {
	    (uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};

	memcpy(out, WORD, sizeof WORD);
	(void)sodium_bin2base64(out + sizeof WORD - 1, MF_S3_SUM_BYTES - sizeof WORD + 1, big,
	    sizeof big, sodium_base64_VARIANT_ORIGINAL);
	return out;
}

const char *
s3_sum(const void *bytes, size_t n, char out[MF_S3_SUM_BYTES])
{
	return s3_sum_print(mf_crc32c(0, bytes, n), out);
}

/* The sum of a kind in "crc32c=AAAAAA==,md5=...", or NULL. */
static const char *
find_sum(const char *value, const char *kind)
{
	for (; *value != '\0'; value += strcspn(value, ","), value += *value == ',') {
		value += strspn(value, " \t");
		if (strncasecmp(value, kind, strlen(kind)) == 0)
			return value + strlen(kind);
	}
	return NULL;
}

static bool
find_in(const struct mf_s3_dialect *d, const struct mf_http_response *r, const char *kind,
    char *out, size_t bytes)
{
	const char *name, *value, *told;
	size_t at = 0, n;

	if (d->sum_header == NULL)
		return false;
	while (mf_http_headers_next(&r->headers, &at, &name, &value)) {
		if (strcasecmp(name, d->sum_header) != 0 || (told = find_sum(value, kind)) == NULL)
			continue;
		n = strcspn(told, ", \t");
		if (n != bytes - 1)
			return false;
		memcpy(out, told, n);
		out[n] = '\0';
		return true;
	}
	return false;
}

bool
s3_sum_told(const struct s3_store *s, const struct mf_http_response *r, const char *kind, char *out,
    size_t bytes)
{
	return find_in(s->dialect, r, kind, out, bytes);
}

static void
set_sum(struct mf_s3_attempt *a, const char *name, const char *value)
{
	a->sum_name = name;
	(void)snprintf(a->sum, sizeof a->sum, "%s", value);
}

void
mf_s3_attempt_choose_sum(struct mf_s3_attempt *a)
{
	const struct mf_s3_client *c = a->client;
	const struct mf_s3_call *call = a->call;
	const bool md5 = atomic_load(&c->sends_md5);
	const bool takes = c->dialect == &mf_s3_aws4 && !atomic_load(&c->no_sums);
	const bool crc = takes && c->unsigned_bodies && !md5;
	char text[MF_S3_SUM_BYTES];

	if (c->carrier.perform != NULL)
		return;
	if (takes && call->wants_sum)
		set_sum(a, "x-amz-checksum-mode", "ENABLED");
	else if (crc && call->begins_parts)
		set_sum(a, "x-amz-checksum-algorithm", "CRC32C");
	else if (crc && call->stores && !call->unsummed)
		set_sum(a, "x-amz-checksum-crc32c",
		    s3_sum(call->body, call->body_bytes, text) + sizeof WORD - 1);
	else if (md5 && call->stores)
		mf_s3_attempt_add_md5(a);
}

void
mf_s3_attempt_add_md5(struct mf_s3_attempt *a)
{
	const struct mf_s3_call *call = a->call;
	struct mf_md5 *m = mf_md5_new(NULL);
	uint8_t digest[MF_SHA256_BYTES];
	size_t n = MF_MD5_BYTES;

	a->sum_name = "Content-MD5";
	if (m != NULL)
		mf_md5_update(m, call->body, call->body_bytes);
	if (m == NULL || mf_md5_final(m, digest, NULL) != 0) {
		a->sum_name = "x-amz-checksum-sha256";
		mf_sha256(call->body, call->body_bytes, digest);
		n = sizeof digest;
	}
	mf_md5_free(m);
	(void)sodium_bin2base64(a->sum, sizeof a->sum, digest, n, sodium_base64_VARIANT_ORIGINAL);
}

/* ---- what an answer tells of the whole object ---- */

/* Whatever is told first of these: Google's goes by its dialect. */
static enum s3_sum_kind
find_told(const struct mf_s3_dialect *d, const struct mf_http_response *r,
    char told[MF_S3_BODY_SUM_BYTES])
{
	static const struct {
		const char *name;
		size_t chars;
		enum s3_sum_kind kind;
	} rows[] = {
	    {"x-amz-checksum-crc32c", S3_SUM_CHARS, S3_SUM_CRC32C},
	    {"x-amz-checksum-sha256", SHA256_CHARS, S3_SUM_SHA256},
	};
	const char *type = mf_http_response_header(r, "x-amz-checksum-type"), *value;
	size_t i;

	if (d->sum_header != NULL)
		return find_in(d, r, WORD, told, S3_SUM_CHARS + 1) ? S3_SUM_CRC32C : S3_SUM_NONE;
	if (type != NULL && strcasecmp(type, "COMPOSITE") == 0)
		return S3_SUM_NONE;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		value = mf_http_response_header(r, rows[i].name);
		if (value == NULL || strlen(value) != rows[i].chars)
			continue;
		memcpy(told, value, rows[i].chars + 1);
		return rows[i].kind;
	}
	return S3_SUM_NONE;
}

void
s3_sum_check_begin(struct s3_sum_check *c, const struct mf_s3_dialect *d,
    const struct mf_http_response *r, bool cheap)
{
	s3_sum_check_fini(c);
	c->crc32c = 0;
	c->kind = find_told(d, r, c->told);
	if (c->kind == S3_SUM_SHA256 && (cheap || (c->sha256 = mf_sha256_new(NULL)) == NULL))
		c->kind = S3_SUM_NONE;
}

void
s3_sum_check_update(struct s3_sum_check *c, const void *bytes, size_t n)
{
	if (c->kind == S3_SUM_CRC32C)
		c->crc32c = mf_crc32c(c->crc32c, bytes, n);
	else if (c->kind == S3_SUM_SHA256)
		mf_sha256_update(c->sha256, bytes, n);
}

bool
s3_sum_check_fits(struct s3_sum_check *c)
{
	char sum[MF_S3_BODY_SUM_BYTES];
	uint8_t digest[MF_SHA256_BYTES];

	if (c->kind == S3_SUM_CRC32C)
		return strcmp(s3_sum_print(c->crc32c, sum) + sizeof WORD - 1, c->told) == 0;
	if (c->kind == S3_SUM_NONE || mf_sha256_final(c->sha256, digest, NULL) != 0)
		return true;
	(void)sodium_bin2base64(
	    sum, sizeof sum, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
	return strcmp(sum, c->told) == 0;
}

void
s3_sum_check_fini(struct s3_sum_check *c)
{
	mf_sha256_free(c->sha256);
	c->sha256 = NULL;
	c->kind = S3_SUM_NONE;
}

bool
s3_sums_fit(
    const struct mf_s3_dialect *d, const struct mf_http_response *r, const void *bytes, size_t n)
{
	struct s3_sum_check c = {.kind = S3_SUM_NONE};
	bool fits;

	s3_sum_check_begin(&c, d, r, false);
	s3_sum_check_update(&c, bytes, n);
	fits = s3_sum_check_fits(&c);
	s3_sum_check_fini(&c);
	return fits;
}

bool
s3_sum_fits(const struct s3_store *s, const struct mf_http_response *r, const void *bytes, size_t n)
{
	return s3_sums_fit(s->dialect, r, bytes, n);
}
