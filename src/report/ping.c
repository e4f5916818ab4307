#include "src/report/ping.h"

#include <stdio.h>
#include <string.h>

#include "src/net/url.h"

#define WHAT "--ping-url"

int
mf_ping_put_url(
    struct mf_buf *out, const char *url, const char *suffix, const char *run_id, struct mf_error *e)
{
	struct mf_url u = MF_URL_INIT;
	char authority[MF_URL_AUTHORITY_BYTES];
	size_t path_n;

	if (mf_url_parse(&u, url, e) != 0)
		return -1;
	path_n = strlen(u.path);
	while (path_n > 0 && u.path[path_n - 1] == '/')
		path_n--;
	mf_buf_printf(out, "%s://%s", u.tls ? "https" : "http", mf_url_authority(&u, authority));
	mf_buf_put(out, u.path, path_n);
	if (suffix != NULL)
		mf_buf_printf(out, "/%s", suffix);
	if (u.query != NULL)
		mf_buf_printf(out, "?%s", u.query);
	if (mf_report_is_uuid(run_id))
		mf_buf_printf(out, "%crid=%s", u.query != NULL ? '&' : '?', run_id);
	mf_url_fini(&u);
	return 0;
}

/* The last n bytes at most, from the beginning of a line. */
static const char *
end_of(const char *log, size_t *n, size_t room)
{
	const char *line = log;

	if (*n <= room)
		return log;
	line = log + (*n - room);
	while (line < log + *n && line[-1] != '\n')
		line++;
	*n -= (size_t)(line - log);
	return line;
}

void
mf_ping_put_body(struct mf_buf *out, const struct mf_report_run *run, const void *log, size_t n)
{
	char text[MF_ERROR_MESSAGE_BYTES + MF_ERROR_HINT_BYTES +
		  MF_ERROR_FRAMES * (MF_ERROR_FRAME_BYTES + 16) + 64];
	const char *lines;
	size_t room;

	mf_report_put_summary(out, run);
	mf_buf_printf(out, "\nrun %s\n", run->run_id);
	if (run->error != NULL)
		mf_buf_printf(out, "\n%s\n", mf_error_text(run->error, text, sizeof text));
	if (n == 0 || out->len + 2 >= MF_PING_BODY_MAX)
		return;
	mf_buf_printf(out, "\n");
	room = MF_PING_BODY_MAX - out->len;
	lines = end_of(log, &n, room);
	mf_buf_put(out, lines, n);
}

static int
send_to(const struct mf_ping *p, const char *suffix, const struct mf_report_run *run,
    const struct mf_buf *body, struct mf_error *e)
{
	struct mf_post_message m = {.what = WHAT,
	    .method = "POST",
	    .hide_path = true,
	    .content_type = "text/plain; charset=utf-8",
	    .body = body->data,
	    .body_bytes = body->len,
	    .timeout_us = p->timeout_us};
	struct mf_buf url = MF_BUF_INIT;
	int rc = mf_ping_put_url(&url, mf_post_url_view(p->url), suffix, run->run_id, e);

	m.url = mf_buf_cstr(&url);
	if (rc == 0)
		rc = m.url == NULL || body->failed ? mf_error_nomem(e, "a ping")
						   : mf_post_send(p->post, &m, e);
	if (url.data != NULL)
		explicit_bzero(url.data, url.capacity);
	mf_buf_fini(&url);
	return rc;
}

int
mf_ping_start(const struct mf_ping *p, const struct mf_report_run *run, struct mf_error *e)
{
	struct mf_buf body = MF_BUF_INIT;
	int rc;

	mf_report_put_subject(&body, run);
	mf_buf_printf(&body, " on %s begins\nrun %s\n", run->host, run->run_id);
	rc = send_to(p, "start", run, &body, e);
	mf_buf_fini(&body);
	return rc;
}

int
mf_ping_end(const struct mf_ping *p, const struct mf_report_run *run, const void *log, size_t n,
    struct mf_error *e)
{
	struct mf_buf body = MF_BUF_INIT;
	char status[16];
	int rc;

	(void)snprintf(status, sizeof status, "%d", run->exit_status);
	mf_ping_put_body(&body, run, log, n);
	rc = send_to(p, run->error != NULL ? status : NULL, run, &body, e);
	mf_buf_fini(&body);
	return rc;
}
