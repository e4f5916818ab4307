#include "config.h"

#include "src/cmd/repo.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/cmd/report.h"
#include "transfers/fault.h"
#include "transfers/gate.h"
#include "transfers/limit.h"
#include "transfers/open.h"
#include "transfers/retry.h"

static bool
is_cancelled(void *arg)
{
	(void)arg;
	return mf_cmd_stopped();
}

struct mf_retry_params
mf_cmd_retry_params(const struct mf_cmd *c)
{
	return (struct mf_retry_params){
	    .attempts = (unsigned)mf_options_number(c->options, MF_OPT_RETRIES) + 1,
	    .flow = c->flow,
	    .waiting = {.cancelled = is_cancelled},
	    .retries = mf_cmd_report_retries(c)};
}

/* Decorate *store, from the inside out. */
static int
decorate(const struct mf_cmd *c, struct mf_store **store, struct mf_error *e)
{
	const struct mf_options *o = c->options;
	struct mf_gate_params gate = {
	    .transfers = (unsigned)mf_options_number(o, MF_OPT_TRANSFERS),
	    .checkers = (unsigned)mf_options_number(o, MF_OPT_CHECKERS)};
	const struct mf_retry_params retry = mf_cmd_retry_params(c);

	if (MF_FAILPOINTS && mf_store_fault_from_env(store, e) != 0)
		return -1;
	if (mf_store_gate_take(*store, &gate, store, e) != 0)
		return -1;
	if ((mf_store_capabilities(*store) & MF_STORE_COUNTED) == 0 &&
	    mf_store_limit_take(*store, c->limiter, store, e) != 0)
		return -1;
	return mf_store_retry_take(*store, &retry, store, e);
}

static int
open_store(const struct mf_cmd *c, const char *url, enum mf_cmd_access access, bool target,
    struct mf_store **out, struct mf_error *e)
{
	const struct mf_store_memory memory = {
	    .recall = mf_cmd_recall, .remember = mf_cmd_remember, .arg = &c};
	struct mf_s3_options s3;
	struct mf_gcs_options gcs;
	struct mf_store_open_params params = {.write = access != MF_CMD_READ,
	    .create = access == MF_CMD_CREATE,
	    .s3 = &s3,
	    .gcs = &gcs,
	    .memory = &memory,
	    .limiter = c->limiter};

	*out = NULL;
	mf_cmd_s3_options(c, target, &s3);
	mf_cmd_gcs_options(c, &gcs);
	if (mf_store_open(url, &params, out, e) != 0)
		return -1;
	if (decorate(c, out, e) == 0)
		return 0;
	mf_store_close(*out);
	*out = NULL;
	return -1;
}

int
mf_cmd_open_store(const struct mf_cmd *c, const char *url, enum mf_cmd_access access,
    struct mf_store **out, struct mf_error *e)
{
	return open_store(c, url, access, false, out, e);
}

const char *
mf_cmd_url(const struct mf_cmd *c, struct mf_error *e)
{
	const char *url = mf_options_text(c->options, MF_OPT_REPO);

	if (url != NULL && url[0] != '\0')
		return url;
	mf_error_set(e, MF_EUSAGE, "no repository given");
	mf_error_hint(e, "give --repo URL, or set MODELFERRY_REPO");
	return NULL;
}

static int
add_unlock(struct mf_cmd_repo *r, struct mf_unlock *u)
{
	if (u == NULL)
		return -1;
	r->unlocks[r->n_unlocks++] = u;
	return 0;
}

int
mf_cmd_load_unlock_files(struct mf_cmd_repo *r, const char *key, const char *passphrase,
    struct mf_error *e)
{
	if (key != NULL && add_unlock(r, mf_unlock_from_identity_file(key, e)) != 0)
		return -1;
	if (passphrase != NULL &&
	    add_unlock(r, mf_unlock_from_passphrase_file(passphrase, e)) != 0)
		return -1;
	return 0;
}

int
mf_cmd_load_unlocks(const struct mf_cmd *c, struct mf_cmd_repo *r, struct mf_error *e)
{
	if (mf_unlock_in_env() && add_unlock(r, mf_unlock_from_env(e)) != 0)
		return -1;
	if (mf_cmd_load_unlock_files(r, mf_options_text(c->options, MF_OPT_KEY_FILE),
		mf_options_text(c->options, MF_OPT_PASSPHRASE_FILE), e) != 0)
		return -1;
	if (r->n_unlocks > 0)
		return 0;
	mf_error_set(e, MF_EKEY, "no key given");
	return mf_error_hint(e,
	    "set MODEL_ENCRYPTION_KEY and MODEL_HMAC_KEY, or give --key-file or --passphrase-file");
}

/* What pins are filed under: an absolute path where that can be found. */
static char *
pin_name(const struct mf_cmd *c, const char *url, bool target)
{
	const char *path = strncmp(url, "file://", 7) == 0 ? url + 7 : url;
	char *full, *name;
	size_t n;

	if (strncmp(url, "s3://", 5) == 0 || strncmp(url, "s3+v2://", 8) == 0)
		return mf_cmd_s3_place(c, target, url); /* one bucket, spoken to in two ways */
	if (strncmp(url, "gs://", 5) == 0)
		return mf_cmd_gcs_place(c, url);
	if (strstr(path, "://") != NULL || (full = realpath(path, NULL)) == NULL)
		return strdup(url);
	n = strlen(full) + sizeof "file://";
	name = malloc(n);
	if (name != NULL)
		snprintf(name, n, "file://%s", full);
	free(full);
	return name;
}

int
mf_cmd_open_at(const struct mf_cmd *c, const char *url, enum mf_cmd_access access,
    const char *expected_id, struct mf_cmd_repo *r, struct mf_error *e)
{
	const struct mf_retry_params retry = mf_cmd_retry_params(c);
	struct mf_repo_params params = {.unlock = (const struct mf_unlock *const *)r->unlocks,
	    .n_unlock = r->n_unlocks, .retry = &retry, .expected_id = expected_id,
	    .now_us = mf_cmd_now_us(),
	    .pulled_dir = r->pulled_dir,
	    .threads = (unsigned)mf_options_number(c->options, MF_OPT_THREADS),
	    .transfers = (unsigned)mf_options_number(c->options, MF_OPT_TRANSFERS),
	    .memory_bytes = mf_options_number(c->options, MF_OPT_MEMORY)};
	char *name;
	int rc = -1;

	if (open_store(c, url, access, r->is_target, &params.store, e) != 0)
		return -1;
	if (mf_state_open(mf_options_text(c->options, MF_OPT_STATE_DIR), &r->state, e) != 0) {
		mf_store_close(params.store);
		return -1;
	}
	params.state = r->state;
	if ((name = pin_name(c, url, r->is_target)) == NULL) {
		mf_store_close(params.store);
		return mf_error_nomem(e, "repository");
	}
	params.url = name;
	rc = mf_repo_open(&params, &r->repo, e);
	free(name);
	return rc;
}

int
mf_cmd_open_repo(const struct mf_cmd *c, enum mf_cmd_access access, struct mf_cmd_repo *r,
    struct mf_error *e)
{
	const char *url = mf_cmd_url(c, e);

	if (url == NULL || mf_cmd_load_unlocks(c, r, e) != 0)
		return -1;
	if (mf_cmd_open_at(c, url, access, mf_options_text(c->options, MF_OPT_REPO_ID), r, e) != 0)
		return -1;
	mf_log(MF_LOG_DEBUG, "begun: %s", mf_command_table[mf_options_command(c->options)].name);
	return 0;
}

void
mf_cmd_close_repo(struct mf_cmd_repo *r)
{
	mf_repo_close(r->repo);
	mf_state_close(r->state);
	while (r->n_unlocks > 0)
		mf_unlock_free(r->unlocks[--r->n_unlocks]);
	*r = (struct mf_cmd_repo){0};
}

int
mf_cmd_load_signer(const struct mf_cmd *c, struct mf_signer **out, struct mf_error *e)
{
	const char *path = mf_options_text(c->options, MF_OPT_SIGN_KEY);

	*out = NULL;
	if (path == NULL)
		return 0;
	*out = mf_signer_load(path, e);
	return *out != NULL ? 0 : -1;
}

int
mf_cmd_load_trust(const struct mf_cmd *c, struct mf_trust **out, struct mf_error *e)
{
	const char *path = mf_options_text(c->options, MF_OPT_TRUSTED_KEYS);

	*out = NULL;
	if (path == NULL)
		return 0;
	*out = mf_trust_load(path, e);
	return *out != NULL ? 0 : -1;
}

const char *
mf_cmd_actor(char out[MF_CMD_ACTOR_BYTES])
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else in this program asks */
	const struct passwd *user = getpwuid(geteuid());
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	if (user != NULL)
		snprintf(out, MF_CMD_ACTOR_BYTES, "%.60s@%.60s", user->pw_name, host);
	else
		snprintf(out, MF_CMD_ACTOR_BYTES, "uid %lu@%.60s", (unsigned long)geteuid(), host);
	return out;
}

int
mf_cmd_split_pair(const char *text, struct mf_tag *out, struct mf_error *e)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
		return mf_error_set(e, MF_EUSAGE, "not KEY=VALUE: %s", text);
	out->key = strndup(text, (size_t)(equals - text));
	out->value = strdup(equals + 1);
	if (out->key != NULL && out->value != NULL)
		return 0;
	free(out->key);
	free(out->value);
	*out = (struct mf_tag){0};
	return mf_error_nomem(e, "tags");
}

bool
mf_cmd_ref_is(const struct mf_ref *ref, const struct mf_version *v)
{
	return strcmp(ref->model, v->root.model) == 0 &&
	    strcmp(ref->version, v->root.version) == 0;
}
