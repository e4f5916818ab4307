/* What an object's headers say of it: mtime, MD5, ETag, which part an answer is. */
#include "tests/fuzz/fuzz_check.h"

#include <string.h>

#include "transfers/s3_range.h"
#include "transfers/tree_s3_int.h"

static void
check_mtime(const char *text)
{
	char printed[S3_TREE_MTIME_BYTES];
	int64_t ns, again;

	if (s3_tree_parse_mtime(text, &ns) != 0)
		return;
	s3_tree_print_mtime(ns, printed);
	fuzz_require(s3_tree_parse_mtime(printed, &again) == 0 && again == ns);
}

static void
check_rfc3339(const char *text)
{
	char printed[S3_TREE_MTIME_BYTES];
	int64_t ns, again;

	if (s3_tree_parse_rfc3339(text, &ns) != 0)
		return;
	s3_tree_print_rfc3339(ns, printed);
	fuzz_require(s3_tree_parse_rfc3339(printed, &again) == 0 && again == ns);
}

static void
check_md5(const char *text)
{
	uint8_t md5[MF_TREE_MD5_BYTES], again[MF_TREE_MD5_BYTES];
	char printed[S3_TREE_MD5_BYTES];

	if (s3_tree_parse_md5(text, md5) != 0)
		return;
	s3_tree_print_md5(md5, printed);
	fuzz_require(s3_tree_parse_md5(printed, again) == 0);
	fuzz_require(memcmp(md5, again, sizeof md5) == 0);
}

static void
check_tag(const char *text)
{
	char tag[MF_TREE_TAG_BYTES];
	uint8_t md5[MF_TREE_MD5_BYTES];
	uint64_t n;

	s3_tree_copy_tag(text, tag);
	fuzz_require(strlen(tag) < sizeof tag && strchr(tag, '"') == NULL);
	if (s3_tree_tag_is_md5(tag, md5))
		fuzz_require(strspn(tag, "0123456789abcdefABCDEF") == strlen(tag));
	if (s3_tree_tag_is_parts(tag, md5, &n))
		fuzz_require(n >= 1 && n <= MF_S3_PARTS_MAX &&
			     strspn(tag, "0123456789abcdefABCDEF-") == strlen(tag));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_text(data, n);
	uint64_t first, last, total;

	check_mtime(text);
	check_rfc3339(text);
	check_md5(text);
	check_tag(text);
	if (s3_parse_content_range(text, &first, &last, &total) == 0)
		fuzz_require(
		    first <= UINT64_C(999999999999999999) && last <= UINT64_C(999999999999999999));
	free(text);
	return 0;
}
