/* Text of unknown origin made fit for a terminal and for JSON. */
#include "tests/fuzz/fuzz_check.h"

#include <jansson.h>

#include "src/base/text.h"

/* Is all of s valid UTF-8? */
static int
is_utf8(const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n)
		if ((n = mf_text_char_bytes(s)) == 0)
			return 0;
	return 1;
}

static void
check_escaped(const char *text)
{
	struct mf_buf all = MF_BUF_INIT;
	char cut[24];
	const char *p;
	size_t bytes;

	mf_text_put_escaped(&all, text);
	fuzz_require(mf_buf_cstr(&all) != NULL);
	p = (const char *)all.data;
	fuzz_require(is_utf8(p) && strlen(p) == all.len && all.len <= 4 * strlen(text));
	for (; *p != '\0'; p++)
		fuzz_require((unsigned char)*p >= 0x20 && *p != 0x7f &&
			     ((unsigned char)p[0] != 0xc2 || (unsigned char)p[1] >= 0xa0));
	for (bytes = 1; bytes <= sizeof(cut); bytes++) {
		mf_text_escape(cut, bytes, text);
		fuzz_require(strlen(cut) < bytes && is_utf8(cut));
		fuzz_require(strncmp(cut, (const char *)all.data, strlen(cut)) == 0);
		fuzz_require(strlen(cut) + 4 >= bytes || strlen(cut) == all.len);
	}
	mf_buf_fini(&all);
}

static void
check_json(const char *text)
{
	struct mf_buf b = MF_BUF_INIT;
	json_t *value;

	mf_text_put_json(&b, text);
	fuzz_require(!b.failed);
	value = json_loadb((const char *)b.data, b.len, JSON_DECODE_ANY, NULL);
	fuzz_require(json_is_string(value));
	fuzz_require(!is_utf8(text) || strcmp(json_string_value(value), text) == 0);
	json_decref(value);
	mf_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_text(data, n);

	check_escaped(text);
	check_json(text);
	free(text);
	return 0;
}
