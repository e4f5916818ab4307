/* Views of runs as a hostile holder of the data key could put them into a heartbeat: refused, or
 * read, written again so that they read the same, and shown so that no terminal acts upon them. */
#include "tests/fuzz/fuzz_check.h"

#include "src/base/text.h"
#include "src/cmd/view_text.h"

/* Lines are no wider than wanted; those of three bytes or more count as two columns. */
static void
require_fits(const char *text, const struct mf_view_frame *f)
{
	unsigned columns = 0, rows = 1;
	size_t n;

	for (; *text != '\0'; text += n) {
		n = mf_text_char_bytes(text);
		fuzz_require(n > 0);
		if (*text == '\n') {
			columns = 0;
			rows++;
			continue;
		}
		fuzz_require((unsigned char)*text >= 0x20 && *text != 0x7f);
		fuzz_require(
		    n != 2 || (unsigned char)text[0] != 0xc2 || (unsigned char)text[1] >= 0xa0);
		columns += n > 2 ? 2 : 1;
		fuzz_require(f->columns == 0 || columns <= f->columns);
	}
	fuzz_require(f->rows == 0 || rows <= f->rows);
}

static void
show(const struct mf_migrate_view *v, const struct mf_view_frame *f)
{
	struct mf_buf b = MF_BUF_INIT;

	mf_view_text(&b, v, f);
	if (b.len > 0)
		require_fits(mf_buf_cstr(&b), f);
	mf_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct mf_migrate_view v, again;
	struct mf_buf one = MF_BUF_INIT, two = MF_BUF_INIT;
	struct mf_error e = {0};

	if (mf_view_read(&v, data, n, &e) != 0) {
		fuzz_require_error(&e);
		return 0;
	}
	mf_view_put(&one, &v);
	fuzz_require(mf_view_read(&again, one.data, one.len, &e) == 0);
	mf_view_put(&two, &again);
	fuzz_require(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	show(&v, &(struct mf_view_frame){.now_us = INT64_C(1700000000000000)});
	show(&v, &(struct mf_view_frame){.columns = 30, .rows = 20, .title = "t", .live = true});
	show(&v, &(struct mf_view_frame){
		     .columns = 79, .rows = 3, .title = "t", .live = true, .now_us = 1});
	mf_buf_fini(&one);
	mf_buf_fini(&two);
	return 0;
}
