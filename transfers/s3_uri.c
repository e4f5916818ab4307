#include "config.h"

#include "transfers/s3_uri.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"

void
mf_s3_uri_encode(struct mf_buf *out, const char *text, size_t n, bool slash)
{
	mf_url_encode(out, text, n, slash ? "/" : "");
}

struct encoded {
	const char *name;
	const char *value;
};

/* By name, then by value: not by whole lines, for '=' sorts behind '-' and the digits. */
static int
compare_encoded(const void *a, const void *b)
{
	const struct encoded *x = a, *y = b;
	const int r = strcmp(x->name, y->name);

	return r != 0 ? r : strcmp(x->value, y->value);
}

static void
put_encoded(struct mf_buf *out, const char *text)
{
	mf_s3_uri_encode(out, text, strlen(text), false);
	mf_buf_put_u8(out, '\0');
}

void
mf_s3_uri_query(struct mf_buf *out, const struct mf_s3_param *params, size_t n)
{
	struct encoded all[MF_S3_QUERY_MAX];
	struct mf_buf text = MF_BUF_INIT; /* name NUL value NUL ... */
	const char *at;
	size_t i;

	assert(n <= MF_S3_QUERY_MAX);
	for (i = 0; i < n; i++) {
		put_encoded(&text, params[i].name);
		put_encoded(&text, params[i].value != NULL ? params[i].value : "");
	}
	if (text.failed) {
		out->failed = true;
		goto out;
	}
	for (i = 0, at = (const char *)text.data; i < n; i++) {
		all[i].name = at;
		at += strlen(at) + 1;
		all[i].value = at;
		at += strlen(at) + 1;
	}
	qsort(all, n, sizeof all[0], compare_encoded);
	for (i = 0; i < n; i++)
		mf_buf_printf(out, "%s%s=%s", i > 0 ? "&" : "", all[i].name, all[i].value);
out:
	mf_buf_fini(&text);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
mf_s3_uri_decode(char *text, size_t n, size_t *len)
{
	size_t i, to = 0;
	int high, low;

	for (i = 0; i < n; i++) {
		if (text[i] != '%') {
			text[to++] = text[i] == '+' ? ' ' : text[i];
			continue;
		}
		if (n - i < 3 || (high = hex_value(text[i + 1])) < 0 ||
		    (low = hex_value(text[i + 2])) < 0 || high + low == 0)
			return -1;
		text[to++] = (char)(high << 4 | low);
		i += 2;
	}
	*len = to;
	return 0;
}
