/* The servers of a site: told to load, asked what they serve, warmed up, compared. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/program.h"

#define ANSWER_BYTES ((size_t)1 << 20)
#define CALL_TIMEOUT_US UINT64_C(10000000)
#define ARGS_MAX 64u

/* {server}, {model} and {version} are filled in; braces of anything else stand as they are. */
static int
fill(struct mf_buf *out, const char *text, const struct mf_migration *x, const char *server,
    const char *version)
{
	const struct {
		const char *name, *value;
	} words[] = {
	    {"{server}", server == NULL ? "" : server},
	    {"{model}", x->m->model == NULL ? "" : x->m->model},
	    {"{version}", version},
	};
	size_t i;

	while (*text != '\0') {
		for (i = 0; i < 3 && strncmp(text, words[i].name, strlen(words[i].name)) != 0; i++)
			;
		if (i < 3) {
			mf_buf_printf(out, "%s", words[i].value);
			text += strlen(words[i].name);
		} else {
			mf_buf_put(out, text++, 1);
		}
	}
	return out->failed ? -1 : 0;
}

static bool
interrupted(void *arg)
{
	const struct mf_migration *x = arg;

	return x->p->interrupted();
}

static uint64_t
boot_us(void *arg)
{
	const struct mf_migration *x = arg;

	return (uint64_t)x->p->boot_us();
}

static int
run_program(struct mf_migration *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_buf *answer, struct mf_error *e)
{
	struct mf_buf words[ARGS_MAX] = {0};
	const char *argv[ARGS_MAX + 1] = {0};
	struct mf_program p = {
	    .argv = argv,
	    .output = answer,
	    .max_output_bytes = ANSWER_BYTES,
	    .timeout_us = call->timeout_us == 0 ? CALL_TIMEOUT_US : call->timeout_us,
	    .now_us = boot_us,
	    .interrupted = interrupted,
	    .arg = x,
	};
	size_t n, i;
	int rc = 0;

	for (n = 0; rc == 0 && call->command[n] != NULL; n++) {
		if (n == ARGS_MAX)
			rc = mf_error_set(e, MF_EUSAGE, "%s has more than %u arguments",
			    call->command[0], ARGS_MAX);
		else if (fill(&words[n], call->command[n], x, server, version) != 0)
			rc = mf_error_nomem(e, "the arguments of a program");
		else
			argv[n] = mf_buf_cstr(&words[n]);
	}
	if (rc == 0)
		rc = mf_program_run(&p, e);
	for (i = 0; i < n && i < ARGS_MAX; i++)
		mf_buf_fini(&words[i]);
	return rc;
}

static int
run_http(struct mf_migration *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_buf *answer, struct mf_error *e)
{
	struct mf_buf url = MF_BUF_INIT, body = MF_BUF_INIT;
	struct mf_dial_answer got = MF_DIAL_ANSWER_INIT;
	struct mf_dial_call c = {
	    .method = call->method,
	    .headers = call->headers,
	    .n_headers = call->n_headers,
	    .timeout_us = call->timeout_us,
	    .retries = call->retries,
	};
	int rc = 0;

	if (fill(&url, call->url, x, server, version) != 0 ||
	    (call->body != NULL && fill(&body, call->body, x, server, version) != 0))
		rc = mf_error_nomem(e, "a call");
	if (rc == 0) {
		c.url = mf_buf_cstr(&url);
		c.body = call->body == NULL ? NULL : body.data;
		c.body_bytes = body.len;
		mf_dial(mf_world_dialer(x->world), &c, &got);
		if (got.status < 200 || got.status > 299)
			rc = mf_error_set(e, MF_ETRANSFER, "%s: %s",
			    server == NULL ? "a call of the plan" : server, got.why);
		else if (answer != NULL)
			mf_buf_put(answer, got.body.data, got.body.len);
	}
	mf_dial_answer_fini(&got);
	mf_buf_fini(&url);
	mf_buf_fini(&body);
	return rc;
}

int
mf_migration_call(struct mf_migration *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_buf *answer, struct mf_error *e)
{
	if (call->command != NULL)
		return run_program(x, call, server, version, answer, e);
	return run_http(x, call, server, version, answer, e);
}

/* Does the call speak of each server, or is it one call for the site? */
static bool
for_each_server(const struct mf_call_plan *call)
{
	size_t i;

	if (call->command == NULL)
		return strstr(call->url, "{server}") != NULL;
	for (i = 0; call->command[i] != NULL; i++)
		if (strstr(call->command[i], "{server}") != NULL)
			return true;
	return false;
}

int
mf_migration_reload(struct mf_migration *x, const struct mf_site_plan *site, const char *version,
    struct mf_error *e)
{
	size_t i;

	if (!site->has_reload)
		return 0;
	mf_migration_stage(x, MF_STAGE_RELOAD, site->name);
	if (!for_each_server(&site->reload))
		return mf_migration_call(x, &site->reload, NULL, version, NULL, e);
	for (i = 0; i < site->n_servers; i++)
		if (mf_migration_call(x, &site->reload, site->servers[i], version, NULL, e) != 0)
			return mf_error_while(e, "reloading %s", site->servers[i]);
	return 0;
}
