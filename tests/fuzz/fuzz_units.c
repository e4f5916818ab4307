/* Sizes, durations, numbers and times as people write them: what is read can be written and read
 * again, with no more lost than is not shown. */
#include "tests/fuzz/fuzz_check.h"

#include <stdio.h>

#include "src/base/units.h"

#define KI ((uint64_t)1024)
#define S_US ((uint64_t)1000000)

static void
check_size(const char *text)
{
	char out[MF_UNIT_TEXT_BYTES], squeezed[MF_UNIT_TEXT_BYTES];
	struct mf_error e = {0};
	uint64_t bytes, back, lost;
	size_t i, n = 0;

	if (mf_parse_size(text, &bytes, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	mf_format_size(bytes, out);
	for (i = 0; out[i] != '\0'; i++)
		if (out[i] != ' ')
			squeezed[n++] = out[i];
	squeezed[n] = '\0';
	if (mf_parse_size(squeezed, &back, &e) != 0) {
		fuzz_require(strcmp(out, "16.0 EiB") == 0);
		return;
	}
	lost = back > bytes ? back - bytes : bytes - back;
	fuzz_require(bytes < KI ? lost == 0 : lost <= bytes / 20 + 1);
}

/* What mf_format_duration leaves out. */
static uint64_t
resolution_us(uint64_t us)
{
	const uint64_t s = us / S_US;

	return us < 1000   ? 1
	       : us < S_US ? 1000
	       : s < 60    ? S_US / 10
	       : s < 3600  ? S_US
	       : s < 86400 ? 60 * S_US
			   : 3600 * S_US;
}

static void
check_duration(const char *text)
{
	char out[MF_UNIT_TEXT_BYTES];
	struct mf_error e = {0};
	uint64_t us, back = 0;

	if (mf_parse_duration(text, &us, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	fuzz_require(mf_parse_duration(mf_format_duration(us, out), &back, &e) == 0);
	fuzz_require(back <= us && us - back < resolution_us(us));
}

static void
check_u64(const char *text)
{
	struct mf_error e = {0};
	uint64_t value, back;
	char out[32];

	if (mf_parse_u64(text, UINT64_MAX, &value, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	(void)snprintf(out, sizeof(out), "%llu", (unsigned long long)value);
	fuzz_require(mf_parse_u64(out, value, &back, &e) == 0 && back == value);
	fuzz_require(strcmp(out, text + strspn(text, "0")) == 0 || value == 0);
	fuzz_require(value == 0 || mf_parse_u64(text, value - 1, &back, &e) != 0);
}

static void
check_time(const char *text)
{
	char out[MF_TIME_TEXT_BYTES];
	struct mf_error e = {0};
	int64_t us, back;

	if (mf_parse_time(text, &us, &e) != 0) {
		fuzz_require_error(&e);
		return;
	}
	fuzz_require(mf_parse_time(mf_format_time(us, out), &back, &e) == 0 && back == us);
}

/* Every number can be written. */
static void
check_formats(const uint8_t *data, size_t n)
{
	char size[MF_UNIT_TEXT_BYTES], duration[MF_UNIT_TEXT_BYTES], time[MF_TIME_TEXT_BYTES];
	int64_t us;

	if (n < sizeof(us))
		return;
	memcpy(&us, data, sizeof(us));
	check_size(mf_format_size((uint64_t)us, size));
	check_duration(mf_format_duration((uint64_t)us, duration));
	fuzz_require(strchr(mf_format_time(us, time), 'T') != NULL && strchr(time, 'Z') != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_text(data, n);

	check_size(text);
	check_duration(text);
	check_u64(text);
	check_time(text);
	check_formats(data, n);
	free(text);
	return 0;
}
