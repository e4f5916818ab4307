#include "src/report/prom_push.h"

#include <string.h>

#include "src/base/text.h"
#include "src/net/url.h"
#include "src/report/prom.h"

#define WHAT "--pushgateway"

/* RFC 4648, section 5, without padding. */
static void
put_base64url(struct mf_buf *out, const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const uint8_t *s = (const uint8_t *)text;
	size_t n = strlen(text), k, i;
	uint32_t v;

	for (; n > 0; n -= k, s += k) {
		k = n < 3 ? n : 3;
		v = (uint32_t)s[0] << 16 | (k > 1 ? (uint32_t)s[1] << 8 : 0) | (k > 2 ? s[2] : 0u);
		for (i = 0; i <= k; i++)
			mf_buf_put_u8(out, (uint8_t)digits[v >> (18 - 6 * i) & 63]);
	}
}

/* Is the value one that stays itself in a path? */
static bool
is_plain(const char *value)
{
	return strcmp(value, ".") != 0 && strcmp(value, "..") != 0 &&
	       value[strspn(value,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")] == '\0';
}

/* "/label/value"; nothing for a value that is empty, as in the metrics themselves. */
static void
put_pair(struct mf_buf *out, const char *label, const char *value)
{
	char clean[MF_PROM_LABEL_MAX + 1];

	if (value == NULL || value[0] == '\0')
		return;
	mf_text_escape(clean, sizeof clean, value);
	if (is_plain(clean)) {
		mf_buf_printf(out, "/%s/%s", label, clean);
		return;
	}
	mf_buf_printf(out, "/%s@base64/", label);
	put_base64url(out, clean);
}

int
mf_prom_push_put_url(struct mf_buf *out, const char *url, const char *instance,
    const struct mf_report_run *run, struct mf_error *e)
{
	struct mf_url u = MF_URL_INIT;
	size_t n;
	int rc = 0;

	if (mf_url_parse(&u, url, e) != 0)
		return mf_error_while(e, "reading " WHAT);
	if (u.query != NULL)
		rc = mf_error_set(e, MF_EUSAGE, WHAT " is a URL without a query");
	mf_url_fini(&u);
	for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
		continue;
	mf_buf_put(out, url, n);
	mf_buf_printf(out, "/metrics/job/modelferry");
	put_pair(out, "instance", instance);
	put_pair(out, mf_prom_label_name(MF_PROM_COMMAND), run->command);
	put_pair(out, mf_prom_label_name(MF_PROM_MODEL), run->model);
	put_pair(out, mf_prom_label_name(MF_PROM_STORE), run->store);
	return rc;
}

int
mf_prom_push(struct mf_post *post, const char *url, const char *instance,
    const struct mf_report_run *run, uint64_t timeout_us, struct mf_error *e)
{
	struct mf_post_message m = {.what = WHAT,
	    .method = "POST",
	    .content_type = "text/plain; version=0.0.4; charset=utf-8",
	    .timeout_us = timeout_us};
	struct mf_buf text = MF_BUF_INIT, group = MF_BUF_INIT;
	struct mf_prom p = MF_PROM_INIT;
	int rc = mf_prom_push_put_url(&group, url, instance, run, e);

	if (rc == 0)
		rc = mf_prom_add_run(&p, run, e);
	if (rc == 0) {
		mf_prom_put(&text, &p);
		m.url = mf_buf_cstr(&group);
		m.body = text.data;
		m.body_bytes = text.len;
		rc = m.url == NULL || text.failed ? mf_error_nomem(e, "metrics")
						  : mf_post_send(post, &m, e);
	}
	mf_prom_fini(&p);
	mf_buf_fini(&text);
	mf_buf_fini(&group);
	return rc;
}
