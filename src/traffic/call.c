#include "src/traffic/call.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/program.h"
#include "src/net/url.h"

#define TIMEOUT_US 10000000u
#define WORDS_MAX 64u

/* The value of the name that text begins with, "{model}", and its length; NULL: none. */
static const char *
value_at(const char *text, const struct mf_call_values *v, size_t *name_bytes)
{
	const struct {
		const char *name, *value;
	} names[] = {{"{server}", v->server}, {"{model}", v->model}, {"{version}", v->version}};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		*name_bytes = strlen(names[i].name);
		if (strncmp(text, names[i].name, *name_bytes) == 0)
			return names[i].value;
	}
	return NULL;
}

void
mf_call_put(struct mf_buf *b, const char *text, const struct mf_call_values *values, bool in_url)
{
	const char *value;
	size_t n, bytes;

	while (*text != '\0') {
		n = strcspn(text, "{");
		mf_buf_put(b, text, n);
		text += n;
		if (*text == '\0')
			break;
		value = value_at(text, values, &n);
		if (value == NULL) {
			mf_buf_put(b, text++, 1);
			continue;
		}
		text += n;
		bytes = strlen(value);
		if (value == values->server) {
			if (bytes > 0 && value[bytes - 1] == '/')
				bytes--;
			mf_buf_put(b, value, bytes);
		} else if (in_url) {
			mf_url_encode(b, value, bytes, "");
		} else {
			mf_buf_put(b, value, bytes);
		}
	}
}

static int
over_http(const struct mf_call_params *p, const struct mf_call_plan *plan,
    const struct mf_call_values *values, uint64_t timeout_us, struct mf_buf *out,
    struct mf_error *e)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_buf url = MF_BUF_INIT, body = MF_BUF_INIT;
	struct mf_dial_call call = {.method = plan->method,
	    .headers = plan->headers,
	    .n_headers = plan->n_headers,
	    .timeout_us = timeout_us,
	    .retries = plan->retries};
	int rc = 0;

	mf_call_put(&url, plan->url, values, true);
	call.url = mf_buf_cstr(&url);
	if (plan->body != NULL) {
		mf_call_put(&body, plan->body, values, false);
		call.body = mf_buf_cstr(&body);
		call.body_bytes = body.len;
	}
	if (url.failed || body.failed) {
		rc = mf_error_nomem(e, "a call");
	} else {
		mf_dial(p->dialer, &call, &answer);
		if (answer.cancelled)
			rc = mf_error_set(e, MF_EINTERRUPTED, "interrupted");
		else if (answer.status < 200 || answer.status > 299)
			rc = mf_error_set(
			    e, answer.status == 0 ? MF_ETRANSFER : MF_EFAIL, "%s", answer.why);
		else if (out != NULL)
			mf_buf_put(out, answer.body.data, answer.body.len);
		if (e != NULL && rc != 0)
			e->http_status = answer.status;
	}
	mf_dial_answer_fini(&answer);
	mf_buf_fini(&url);
	mf_buf_fini(&body);
	return rc;
}

static int
by_program(const struct mf_call_params *p, const struct mf_call_plan *plan,
    const struct mf_call_values *values, uint64_t timeout_us, struct mf_buf *out,
    struct mf_error *e)
{
	struct mf_buf words[WORDS_MAX];
	const char *argv[WORDS_MAX + 1];
	struct mf_program program = {.argv = argv,
	    .search = true,
	    .output = out,
	    .max_output_bytes = MF_DIAL_ANSWER_BYTES,
	    .timeout_us = timeout_us,
	    .now_us = p->now_us,
	    .interrupted = p->interrupted,
	    .arg = p->arg};
	bool failed = false;
	size_t n = 0;
	int rc;

	for (; n < WORDS_MAX && plan->command[n] != NULL; n++) {
		words[n] = MF_BUF_INIT;
		mf_call_put(&words[n], plan->command[n], values, false);
		argv[n] = mf_buf_cstr(&words[n]);
		failed = failed || argv[n] == NULL;
	}
	argv[n] = NULL;
	if (plan->command[n] != NULL)
		rc = mf_error_set(e, MF_EUSAGE, "more than %u words of a command", WORDS_MAX);
	else if (failed)
		rc = mf_error_nomem(e, "a command");
	else
		rc = mf_program_run(&program, e);
	while (n > 0)
		mf_buf_fini(&words[--n]);
	return rc;
}

int
mf_call_do(const struct mf_call_params *params, const struct mf_call_plan *plan,
    const struct mf_call_values *values, uint64_t timeout_us, struct mf_buf *out,
    struct mf_error *e)
{
	const uint64_t own_us = plan->timeout_us != 0 ? plan->timeout_us : TIMEOUT_US;
	const uint64_t us = timeout_us != 0 && timeout_us < own_us ? timeout_us : own_us;

	return plan->url != NULL ? over_http(params, plan, values, us, out, e)
				 : by_program(params, plan, values, us, out, e);
}
