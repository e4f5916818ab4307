/* serve: gates that a webhook asks, in the way of Flagger's tester. */
#include <poll.h>
#include <stdlib.h>

#include "src/base/log.h"
#include "src/cmd/cmd.h"
#include "src/cmd/output.h"
#include "src/endpoint/endpoint.h"
#include "src/gates/gates_file.h"
#include "src/state/state.h"

#define LOOK_MS 200 /* a signal ends the wait at once, unless it comes just before */

struct serving {
	struct mf_cmd *c;
	struct mf_gates_file *gates; /* the endpoint's thread's, once it runs */
	struct mf_endpoint *endpoint;
	struct mf_secret *token;
};

static void
answer(void *arg, const struct mf_endpoint_request *q, struct mf_endpoint_answer *a)
{
	struct serving *s = arg;
	struct mf_gates_answer said;
	struct mf_error e = {0};
	char text[MF_ERROR_MESSAGE_BYTES * 2];

	if (mf_gates_file_ask(s->gates, q->method, q->path, q->body, q->body_bytes, &said, &e) != 0)
		mf_log(MF_LOG_ERROR, "%s", mf_error_text(&e, text, sizeof text));
	else if (said.changed)
		mf_log(MF_LOG_INFO, "%s of %s", q->path, said.gate);
	a->status = said.status;
	a->text = said.text;
	a->allow = said.allow;
}

static bool
is_guarded(void *arg, const char *path)
{
	(void)arg;
	return mf_gates_changes(path);
}

static int
open_gates(struct serving *s, struct mf_error *e)
{
	const char *dir = mf_options_text(s->c->options, MF_OPT_STATE_DIR);
	char *own = NULL;

	if (dir == NULL && (dir = own = mf_state_default_dir(e)) == NULL)
		return -1;
	s->gates = mf_gates_file_open(dir, e);
	free(own);
	return s->gates != NULL ? 0 : -1;
}

static int
open_endpoint(struct serving *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;
	const char *token_file = mf_options_text(o, MF_OPT_TOKEN_FILE);
	struct mf_endpoint_params p = {.listen = mf_options_text(o, MF_OPT_LISTEN),
	    .answer = answer,
	    .is_guarded = is_guarded,
	    .arg = s,
	    .max_body_bytes = MF_GATES_BODY_BYTES,
	    .cert_file = mf_options_text(o, MF_OPT_TLS_CERT),
	    .key_file = mf_options_text(o, MF_OPT_TLS_KEY)};

	if (token_file != NULL && (s->token = mf_endpoint_read_token(token_file, e)) == NULL)
		return -1;
	p.token = s->token;
	if ((s->endpoint = mf_endpoint_open(&p, e)) == NULL)
		return -1;
	if (mf_endpoint_is_open_to_others(s->endpoint) && s->token == NULL)
		mf_log(MF_LOG_WARNING,
		    "whoever reaches %s may open and close gates: there is no "
		    "--token-file",
		    mf_endpoint_url(s->endpoint));
	return 0;
}

static int
say_where(struct serving *s, struct mf_error *e)
{
	const char *url = mf_endpoint_url(s->endpoint);

	if (s->c->json)
		fprintf(s->c->out, "{\"url\": \"%s\"}\n", url);
	else
		fprintf(s->c->out, "listening on %s\n", url);
	return mf_output_end(s->c->out, e);
}

int
mf_cmd_serve(struct mf_cmd *c, struct mf_error *e)
{
	struct serving s = {.c = c};
	int rc = -1;

	if (open_gates(&s, e) == 0 && open_endpoint(&s, e) == 0 && say_where(&s, e) == 0) {
		while (!mf_cmd_interrupted())
			(void)poll(NULL, 0, LOOK_MS);
		rc = 0;
	}
	mf_endpoint_close(s.endpoint);
	mf_gates_file_close(s.gates);
	mf_secret_free(s.token);
	return rc;
}
