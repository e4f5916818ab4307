#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/transfers/s3_fetch_script.h"

static bool
has_header(const struct mf_s3_fetch_request *r, const char *want)
{
	char line[32768];
	size_t i;

	for (i = 0; i < r->n_headers; i++) {
		snprintf(line, sizeof line, "%s: %s", r->headers[i].name, r->headers[i].value);
		if (strcmp(line, want) == 0)
			return true;
	}
	return false;
}

static void
check(struct fetch_script *s, const struct fetch_step *step, const struct mf_s3_fetch_request *r)
{
	size_t i;

	assert_string_equal(r->method, step->method);
	assert_string_equal(r->url, step->url);
	if (step->header != NULL && !has_header(r, step->header))
		fail_msg("request %zu lacks the header %s", s->done, step->header);
	if (step->body != NULL && (r->body == NULL || memmem(r->body, r->body_len, step->body,
							  strlen(step->body)) == NULL))
		fail_msg("request %zu lacks %s", s->done, step->body);
	assert_int_equal(r->direct, !step->proxied);
	assert_true(r->timeout_us > 0 && r->max_bytes > 0);
	s->last_header[0] = '\0';
	for (i = 0; i < r->n_headers; i++)
		if (strcmp(r->headers[i].name, "Authorization") == 0)
			snprintf(s->last_header, sizeof s->last_header, "%s", r->headers[i].value);
}

static int
fetch(void *arg, const struct mf_s3_fetch_request *r, int *http_status, struct mf_buf *answer,
    struct mf_error *e)
{
	struct fetch_script *s = arg;
	const struct fetch_step *step = &s->steps[s->done];

	if (s->done == s->n)
		fail_msg("one request too many: %s %s", r->method, r->url);
	check(s, step, r);
	s->done++;
	if (step->http_status == 0)
		return mf_error_set(e, MF_ETRANSFER, "connection refused");
	assert_true(answer->capacity - answer->len > r->max_bytes);
	if (step->answer != NULL)
		mf_buf_put(answer, step->answer, strlen(step->answer));
	*http_status = step->http_status;
	return 0;
}

struct mf_s3_fetch
fetch_by_script(struct fetch_script *s)
{
	return (struct mf_s3_fetch){fetch, s};
}
