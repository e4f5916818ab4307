/*
 * Checksums of whole objects, where a store tells them: Google's CRC-32C, which it checks as well,
 * and Amazon's (Checking object integrity, S3 user guide), of which those are compared that cost
 * little or are computed anyway. A composite one, "AAAAAA==-3", is none of the whole object.
 */
#include "config.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "crypto/digest.h"
#include "src/base/crc32c.h"
#include "transfers/s3_client_int.h"
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

bool
s3_sum_told(const struct s3_store *s, const struct mf_http_response *r, const char *kind, char *out,
    size_t bytes)
{
	const char *name, *value, *told;
	size_t at = 0, n;

	if (s->dialect->sum_header == NULL)
		return false;
	while (mf_http_headers_next(&r->headers, &at, &name, &value)) {
		if (strcasecmp(name, s->dialect->sum_header) != 0 ||
		    (told = find_sum(value, kind)) == NULL)
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
	(void)sodium_bin2base64(
	    a->sum, sizeof a->sum, digest, n, sodium_base64_VARIANT_ORIGINAL);
}

bool
s3_sums_fit(const struct mf_http_response *r, const void *bytes, size_t n)
{
	const char *type = mf_http_response_header(r, "x-amz-checksum-type");
	const char *crc = mf_http_response_header(r, "x-amz-checksum-crc32c");
	const char *sha = mf_http_response_header(r, "x-amz-checksum-sha256");
	char sum[MF_S3_SUM_BYTES], sha_sum[SHA256_CHARS + 1];
	uint8_t digest[MF_SHA256_BYTES];

	if (type != NULL && strcasecmp(type, "COMPOSITE") == 0)
		return true;
	if (crc != NULL && strlen(crc) == S3_SUM_CHARS)
		return strcmp(crc, s3_sum(bytes, n, sum) + sizeof WORD - 1) == 0;
	if (sha == NULL || strlen(sha) != SHA256_CHARS)
		return true;
	mf_sha256(bytes, n, digest);
	(void)sodium_bin2base64(
	    sha_sum, sizeof sha_sum, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
	return strcmp(sha, sha_sum) == 0;
}

bool
s3_sum_fits(const struct s3_store *s, const struct mf_http_response *r, const void *bytes, size_t n)
{
	char sum[MF_S3_SUM_BYTES], told[S3_SUM_CHARS + 1];

	if (s->dialect->sum_header == NULL)
		return s3_sums_fit(r, bytes, n);
	if (!s3_sum_told(s, r, WORD, told, sizeof told))
		return true;
	(void)s3_sum(bytes, n, sum);
	return strcmp(told, sum + sizeof WORD - 1) == 0;
}
