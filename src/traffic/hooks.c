#include "src/traffic/hooks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/traffic/mlflow.h"

struct hooks {
	struct mf_hook_caller caller; /* first */
	struct mf_dialer *dialer;
};

bool
mf_hooks_passed(const struct mf_hook_answer *answer)
{
	return answer->status >= 200 && answer->status <= MF_HOOKS_PASS;
}

static const char *
find(const struct mf_pair *pairs, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

static void
put_string(struct mf_buf *b, const char *lead, const char *name, const char *value)
{
	mf_buf_printf(b, "%s", lead);
	mf_text_put_json(b, name);
	mf_buf_printf(b, ":");
	mf_text_put_json(b, value != NULL ? value : "");
}

/* Flagger leaves an empty map out. What the hook's own metadata say wins over the version. */
static void
put_metadata(struct mf_buf *b, const struct mf_hook_call *call)
{
	const struct mf_hook *hook = call->hook;
	const bool purge = hook->type == MF_HOOK_PURGE;
	const char *lead = ",\"metadata\":{";
	size_t i;

	for (i = 0; i < call->n_more; i++, lead = ",")
		put_string(b, lead, call->more[i].name, call->more[i].value);
	for (i = 0; i < hook->n_metadata; i++) {
		const struct mf_pair *p = &hook->metadata[i];

		if (find(call->more, call->n_more, p->name) != NULL ||
		    (purge && strcmp(p->name, "method") == 0))
			continue;
		put_string(b, lead, p->name, p->value);
		lead = ",";
	}
	if (call->version != NULL && find(call->more, call->n_more, "version") == NULL &&
	    find(hook->metadata, hook->n_metadata, "version") == NULL) {
		put_string(b, lead, "version", call->version);
		lead = ",";
	}
	if (strcmp(lead, ",") == 0)
		mf_buf_printf(b, "}");
}

void
mf_hooks_put_body(struct mf_buf *b, const struct mf_hook_call *call)
{
	put_string(b, "{", "name", call->name);
	put_string(b, ",", "namespace", call->namespace_name);
	put_string(b, ",", "phase", call->phase);
	put_string(b, ",", "checksum", call->checksum);
	put_metadata(b, call);
	mf_buf_printf(b, "}");
}

void
mf_hooks_fill_event(
    struct mf_hooks_event *event, const char *type, const char *message, int64_t unix_us)
{
	(void)snprintf(event->timestamp, sizeof event->timestamp, "%" PRId64, unix_us / 1000);
	event->more[0] = (struct mf_pair){"eventMessage", message};
	event->more[1] = (struct mf_pair){"eventType", type};
	event->more[2] = (struct mf_pair){"timestamp", event->timestamp};
}

static struct mf_dial_call
dial_of(const struct mf_hook *hook)
{
	return (struct mf_dial_call){.method = "POST",
	    .url = hook->url,
	    .url_file = hook->url_file,
	    .auth = &hook->auth,
	    .timeout_us = hook->timeout_us,
	    .retries = hook->retries,
	    .unverified = hook->disable_tls};
}

/* NULL: it is none of those that a purge may have. */
static const char *
method_of(const struct mf_hook *hook)
{
	static const char *const known[] = {"POST", "PURGE", "BAN", "DELETE"};
	const char *method = find(hook->metadata, hook->n_metadata, "method");
	size_t i;

	if (hook->type != MF_HOOK_PURGE || method == NULL)
		return known[0];
	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(method, known[i]) == 0)
			return known[i];
	return NULL;
}

static void
post(struct mf_dialer *dialer, const struct mf_hook_call *call, struct mf_hook_answer *out)
{
	struct mf_dial_call dial = dial_of(call->hook);
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	struct mf_buf body = MF_BUF_INIT;

	mf_hooks_put_body(&body, call);
	dial.method = method_of(call->hook);
	if (dial.method != NULL && strcmp(dial.method, "POST") == 0) {
		dial.body = body.data;
		dial.body_bytes = body.len;
	}
	if (body.failed || dial.method == NULL) {
		(void)snprintf(out->why, sizeof out->why, "%s",
		    body.failed ? "out of memory" : "its method is none of a purge");
	} else {
		mf_dial(dialer, &dial, &answer);
		out->status = answer.status;
		out->attempts = answer.attempts;
		(void)snprintf(out->why, sizeof out->why, "%s", answer.why);
	}
	mf_dial_answer_fini(&answer);
	mf_buf_fini(&body);
}

static void
call_hook(struct mf_hook_caller *c, const struct mf_hook_call *call, struct mf_hook_answer *out)
{
	struct hooks *h = (struct hooks *)c;

	*out = (struct mf_hook_answer){.status = 0};
	if (call->hook->type == MF_HOOK_MLFLOW)
		mf_mlflow_call(h->dialer, call, out);
	else
		post(h->dialer, call, out);
}

static void
close_hooks(struct mf_hook_caller *c)
{
	free(c);
}

struct mf_hook_caller *
mf_hooks_open(struct mf_dialer *dialer, struct mf_error *e)
{
	static const struct mf_hook_caller_ops ops = {.call = call_hook, .close = close_hooks};
	struct hooks *h = calloc(1, sizeof *h);

	if (h == NULL) {
		mf_error_nomem(e, "a caller of hooks");
		return NULL;
	}
	h->caller.ops = &ops;
	h->dialer = dialer;
	return &h->caller;
}

int
mf_hooks_check(const struct mf_hook *hook, bool allow_http, struct mf_error *e)
{
	const struct mf_dial_call dial = dial_of(hook);
	struct mf_error why = {0};
	int rc = mf_dial_check(&dial, allow_http, &why);

	if (rc == 0 && hook->n_metadata > MF_HOOKS_METADATA_MAX)
		rc = mf_error_set(&why, MF_EUSAGE, "%zu keys of metadata are more than %u",
		    hook->n_metadata, MF_HOOKS_METADATA_MAX);
	if (rc == 0 && method_of(hook) == NULL)
		rc = mf_error_set(
		    &why, MF_EUSAGE, "metadata.method is none of POST, PURGE, BAN and DELETE");
	if (rc == 0 && hook->type == MF_HOOK_MLFLOW)
		rc = mf_mlflow_check(hook, &why);
	if (rc == 0)
		return 0;
	mf_error_set(e, why.code, "hook %s: %s", hook->name, why.message);
	return why.hint[0] != '\0' ? mf_error_hint(e, "%s", why.hint) : -1;
}
