#include "config.h"

#include "src/net/headers.h"

#include <string.h>
#include <strings.h>

void
mf_http_headers_fini(struct mf_http_headers *h)
{
	mf_http_headers_clear(h);
	mf_buf_fini(&h->text);
}

void
mf_http_headers_clear(struct mf_http_headers *h)
{
	if (h->text.data != NULL)
		explicit_bzero(h->text.data, h->text.capacity);
	mf_buf_clear(&h->text);
	h->n = 0;
}

bool
mf_http_is_token(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
				   (s[i] >= '0' && s[i] <= '9');

		if (s[i] == '\0' || (!alnum && strchr("!#$%&'*+-.^_`|~", s[i]) == NULL))
			return false;
	}
	return n > 0;
}

/* Field content of RFC 9110, 5.5: no control character but tab. */
static bool
is_value(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Grow without leaving the old copy behind: realloc(3) would. */
static int
grow(struct mf_http_headers *h, size_t more)
{
	struct mf_buf bigger = MF_BUF_INIT;

	if (h->text.len + more <= h->text.capacity)
		return 0;
	if (mf_buf_reserve(&bigger, (h->text.len + more) * 2) != 0)
		return -1;
	mf_buf_put(&bigger, h->text.data, h->text.len);
	if (h->text.data != NULL)
		explicit_bzero(h->text.data, h->text.len);
	mf_buf_fini(&h->text);
	h->text = bigger;
	return 0;
}

int
mf_http_headers_add_n(struct mf_http_headers *h, const char *name, size_t name_n, const char *value,
    size_t value_n, struct mf_error *e)
{
	if (!mf_http_is_token(name, name_n))
		return mf_error_set(e, MF_EUSAGE, "a header's name is not a token");
	for (; value_n > 0 && is_blank(value[0]); value++)
		value_n--;
	while (value_n > 0 && is_blank(value[value_n - 1]))
		value_n--;
	if (!is_value(value, value_n))
		return mf_error_set(e, MF_EUSAGE,
		    "the value of header %.*s has a control character",
		    (int)(name_n < 64 ? name_n : 64), name);
	if (h->n >= MF_HTTP_HEADERS_MAX || name_n > MF_HTTP_HEADER_BYTES_MAX ||
	    value_n > MF_HTTP_HEADER_BYTES_MAX ||
	    h->text.len + name_n + value_n + 2 > MF_HTTP_HEADER_BYTES_MAX)
		return mf_error_set(e, MF_EUSAGE, "too many or too large headers");
	if (grow(h, name_n + value_n + 2) != 0)
		return mf_error_nomem(e, "a header");
	mf_buf_put(&h->text, name, name_n);
	mf_buf_put_u8(&h->text, 0);
	mf_buf_put(&h->text, value, value_n);
	mf_buf_put_u8(&h->text, 0);
	h->n++;
	return 0;
}

int
mf_http_headers_add(struct mf_http_headers *h, const char *name, const char *value,
    struct mf_error *e)
{
	return mf_http_headers_add_n(h, name, strlen(name), value, strlen(value), e);
}

bool
mf_http_headers_next(const struct mf_http_headers *h, size_t *at, const char **name,
    const char **value)
{
	if (*at >= h->text.len)
		return false;
	*name = (const char *)h->text.data + *at;
	*value = *name + strlen(*name) + 1;
	*at += (size_t)(*value - *name) + strlen(*value) + 1;
	return true;
}

const char *
mf_http_headers_get(const struct mf_http_headers *h, const char *name)
{
	const char *n, *value;
	size_t at = 0;

	while (mf_http_headers_next(h, &at, &n, &value))
		if (strcasecmp(n, name) == 0)
			return value;
	return NULL;
}
