#include "tests/unit/traffic/router_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/fs.h"

void
put_file(const char *path, const char *text)
{
	struct mf_error e = {0};

	if (mf_fs_replace(AT_FDCWD, path, text, strlen(text), 0644, &e) != 0)
		fail_msg("%s", e.message);
}

const char *
get_file(const char *path, char *out, size_t bytes)
{
	struct mf_buf b = MF_BUF_INIT;

	assert_int_equal(mf_fs_read_file(AT_FDCWD, path, 100000, &b, NULL), 0);
	(void)snprintf(out, bytes, "%s", b.len > 0 ? mf_buf_cstr(&b) : "");
	mf_buf_fini(&b);
	return out;
}

void
take_example(const char *name, const char *path)
{
	const char *src = getenv("MF_TOP_SRCDIR");
	struct mf_buf page = MF_BUF_INIT, out = MF_BUF_INIT;
	char from[PATH_BYTES], mark[100];
	const char *at;

	(void)snprintf(from, sizeof from, "%s/man/modelferry-routers.7", src != NULL ? src : "..");
	assert_int_equal(mf_fs_read_file(AT_FDCWD, from, 1000000, &page, NULL), 0);
	(void)snprintf(mark, sizeof mark, ".\\\" example: %s\n.Bd -literal -offset indent\n", name);
	at = strstr(mf_buf_cstr(&page), mark);
	assert_non_null(at);
	for (at += strlen(mark); strncmp(at, ".Ed\n", 4) != 0; at++) {
		if (at[0] == '\\' && at[1] == 'e')
			mf_buf_put(&out, "\\", 1), at++;
		else
			mf_buf_put(&out, at, 1);
		assert_true(*at != '\0' && *at != '\\');
	}
	put_file(path, mf_buf_cstr(&out));
	mf_buf_fini(&page);
	mf_buf_fini(&out);
}
