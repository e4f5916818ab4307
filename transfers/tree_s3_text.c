/* The texts that other software writes into an object's metadata. */
#include "config.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "transfers/tree_s3_int.h"

#define NS_DIGITS 9
#define RFC3339_CHARS 19 /* 2017-07-14T02:40:00 */
#define SECOND_NS UINT64_C(1000000000)

void
s3_tree_print_mtime(int64_t ns, char out[S3_TREE_MTIME_BYTES])
{
	const uint64_t all = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	size_t n;

	(void)snprintf(out, S3_TREE_MTIME_BYTES, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
	    all / SECOND_NS, all % SECOND_NS);
	for (n = strlen(out); out[n - 1] == '0';)
		out[--n] = '\0';
	if (out[n - 1] == '.')
		out[n - 1] = '\0';
}

int
s3_tree_parse_mtime(const char *text, int64_t *ns)
{
	const bool negative = *text == '-';
	const uint64_t most = (uint64_t)INT64_MAX;
	uint64_t seconds = 0, all;
	unsigned decimals = 0;

	text += negative;
	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++) {
		seconds = seconds * 10 + (uint64_t)(*text - '0');
		if (seconds > most / SECOND_NS)
			return -1;
	}
	all = 0;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++)
			if (decimals++ < NS_DIGITS)
				all = all * 10 + (uint64_t)(*text - '0');
	for (; decimals < NS_DIGITS; decimals++)
		all *= 10;
	if (*text != '\0' || all > most - seconds * SECOND_NS)
		return -1;
	all += seconds * SECOND_NS;
	*ns = negative ? -(int64_t)all : (int64_t)all;
	return 0;
}

/* The decimals behind a '.', of which nine count, or none. text is moved behind them. */
static int64_t
read_decimals(const char **text)
{
	unsigned decimals = 0;
	int64_t ns = 0;

	if (**text == '.')
		for (++*text; **text >= '0' && **text <= '9'; ++*text)
			if (decimals++ < NS_DIGITS)
				ns = ns * 10 + (**text - '0');
	for (; decimals < NS_DIGITS; decimals++)
		ns *= 10;
	return ns;
}

/* "Z" or "+05:30": seconds east of Greenwich. 0, -1. */
static int
read_zone(const char *text, int64_t *east_s)
{
	int i;

	*east_s = 0;
	if (strcmp(text, "Z") == 0)
		return 0;
	if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
		return -1;
	for (i = 1; i < 6; i++)
		if (i != 3 && (text[i] < '0' || text[i] > '9'))
			return -1;
	*east_s = ((text[1] - '0') * 10 + text[2] - '0') * INT64_C(3600) +
		  ((text[4] - '0') * 10 + text[5] - '0') * INT64_C(60);
	if (text[0] == '-')
		*east_s = -*east_s;
	return 0;
}

int
s3_tree_parse_rfc3339(const char *text, int64_t *ns)
{
	char whole[RFC3339_CHARS + 2];
	int64_t us, east_s, rest, all;

	if (strlen(text) <= RFC3339_CHARS)
		return -1;
	(void)snprintf(whole, sizeof whole, "%.*sZ", RFC3339_CHARS, text);
	if (mf_parse_time(whole, &us, NULL) != 0)
		return -1;
	text += RFC3339_CHARS;
	rest = read_decimals(&text);
	if (read_zone(text, &east_s) != 0 ||
	    __builtin_mul_overflow(us / 1000000 - east_s, (int64_t)SECOND_NS, &all) ||
	    __builtin_add_overflow(all, rest, &all))
		return -1;
	*ns = all;
	return 0;
}

void
s3_tree_print_rfc3339(int64_t ns, char out[S3_TREE_MTIME_BYTES])
{
	const int64_t rest = ns % (int64_t)SECOND_NS,
		      forward = rest < 0 ? rest + (int64_t)SECOND_NS : rest;
	char seconds[MF_TIME_TEXT_BYTES];
	size_t n;

	(void)mf_format_time((ns / (int64_t)SECOND_NS - (rest < 0)) * 1000000, seconds);
	(void)snprintf(
	    out, S3_TREE_MTIME_BYTES, "%.*s.%09" PRId64, RFC3339_CHARS, seconds, forward);
	for (n = strlen(out); out[n - 1] == '0';)
		n--;
	if (out[n - 1] == '.')
		n--;
	memcpy(out + n, "Z", 2);
}

void
s3_tree_print_md5(const uint8_t md5[MF_TREE_MD5_BYTES], char out[S3_TREE_MD5_BYTES])
{
	(void)sodium_bin2base64(
	    out, S3_TREE_MD5_BYTES, md5, MF_TREE_MD5_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

int
s3_tree_parse_md5(const char *base64, uint8_t md5[MF_TREE_MD5_BYTES])
{
	size_t n;

	return strlen(base64) == S3_TREE_MD5_BYTES - 1 &&
		       sodium_base642bin(md5, MF_TREE_MD5_BYTES, base64, S3_TREE_MD5_BYTES - 1,
			   NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
		       n == MF_TREE_MD5_BYTES
		   ? 0
		   : -1;
}

void
s3_tree_copy_tag(const char *etag, char tag[MF_TREE_TAG_BYTES])
{
	size_t n;

	if (*etag == '"')
		etag++;
	n = strcspn(etag, "\"");
	if (n >= MF_TREE_TAG_BYTES)
		n = MF_TREE_TAG_BYTES - 1;
	memcpy(tag, etag, n);
	tag[n] = '\0';
}

bool
s3_tree_tag_is_parts(const char *tag, uint8_t md5[MF_TREE_MD5_BYTES], uint64_t *n_parts)
{
	const size_t n = (size_t)2 * MF_TREE_MD5_BYTES;
	char hex[2 * MF_TREE_MD5_BYTES + 1];

	if (strlen(tag) < n || tag[n] != '-' || tag[n + 1] == '0')
		return false;
	memcpy(hex, tag, n);
	hex[n] = '\0';
	return s3_tree_tag_is_md5(hex, md5) &&
	       mf_parse_u64(tag + n + 1, MF_S3_PARTS_MAX, n_parts, NULL) == 0;
}

bool
s3_tree_tag_is_md5(const char *tag, uint8_t md5[MF_TREE_MD5_BYTES])
{
	size_t n;

	return strlen(tag) == (size_t)2 * MF_TREE_MD5_BYTES &&
	       sodium_hex2bin(md5, MF_TREE_MD5_BYTES, tag, strlen(tag), NULL, &n, NULL) == 0 &&
	       n == MF_TREE_MD5_BYTES;
}
