#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/net/url.h"
#include "src/traffic/mlflow_int.h"

#define API "/api/2.0/mlflow/"
#define SEARCH_RESULTS 100

const char *
mf_mlflow_setting(const struct mf_hook *hook, const char *name)
{
	size_t i;

	for (i = 0; i < hook->n_metadata; i++)
		if (strcmp(hook->metadata[i].name, name) == 0)
			return hook->metadata[i].value;
	return NULL;
}

int
mf_mlflow_fail(struct mf_mlflow_run *run, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(run->out->why, sizeof run->out->why, fmt, ap) < 0)
		run->out->why[0] = '\0';
	va_end(ap);
	return -1;
}

/* One request; what: "setting the alias champion". 0, and the answer's JSON in *reply where it is
 * asked for; -1. body is taken. */
static int
ask(struct mf_mlflow_run *run, const char *what, const char *method, const char *suffix,
    json_t *body, json_t **reply)
{
	const struct mf_hook *hook = run->call->hook;
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	const struct mf_dial_call call = {.method = method,
	    .url = hook->url,
	    .url_file = hook->url_file,
	    .suffix = suffix,
	    .auth = &hook->auth,
	    .body = text,
	    .body_bytes = text != NULL ? strlen(text) : 0,
	    .timeout_us = hook->timeout_us,
	    .retries = hook->retries,
	    .unverified = hook->disable_tls};
	struct mf_dial_answer *a = &run->answer;
	int rc = 0;

	if (body == NULL || text != NULL) {
		mf_dial(run->dialer, &call, a);
		run->out->attempts += a->attempts;
		run->out->status = a->status;
		if (a->status < 200 || a->status > 299)
			rc = mf_mlflow_fail(run, "%s: %s", what, a->why);
	} else {
		rc = mf_mlflow_fail(run, "%s: out of memory", what);
	}
	if (rc == 0 && reply != NULL &&
	    (*reply = json_loadb((const char *)a->body.data, a->body.len, 0, NULL)) == NULL)
		rc = mf_mlflow_fail(run, "%s: the answer is no JSON", what);
	json_decref(body);
	free(text);
	return rc;
}

static void
put_query(struct mf_buf *b, const char *lead, const char *value)
{
	mf_buf_printf(b, "%s", lead);
	mf_url_encode(b, value, strlen(value), "");
}

static int
get(struct mf_mlflow_run *run, const char *what, struct mf_buf *suffix, json_t **reply)
{
	const char *text = mf_buf_cstr(suffix);
	int rc = text != NULL ? ask(run, what, "GET", text, NULL, reply)
			      : mf_mlflow_fail(run, "%s: out of memory", what);

	mf_buf_fini(suffix);
	return rc;
}

static int
look_at_model(struct mf_mlflow_run *run)
{
	struct mf_buf suffix = MF_BUF_INIT;

	put_query(&suffix, API "registered-models/get?name=", run->model);
	return get(run, "looking at the registered model", &suffix, &run->registered);
}

static int
take_number(struct mf_mlflow_run *run, const char *number)
{
	size_t n = strlen(number);

	if (n == 0 || n >= sizeof run->number || strspn(number, "0123456789") != n)
		return mf_mlflow_fail(run, "the registry's version is no number");
	memcpy(run->number, number, n + 1);
	return 0;
}

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static const char *
tag_of(const json_t *version, const char *key)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(json_object_get(version, "tags"), i, tag)
	{
		const char *name = text_of(tag, "key");

		if (name != NULL && strcmp(name, key) == 0)
			return text_of(tag, "value");
	}
	return NULL;
}

/* The one version with that tag. The filter is the server's; what it found is looked at again. */
static int
pick(struct mf_mlflow_run *run, const json_t *found, const char *tag)
{
	const char *wanted = run->call->version, *name, *number = NULL;
	const json_t *version;
	size_t i, n = 0;

	json_array_foreach(json_object_get(found, "model_versions"), i, version)
	{
		name = tag_of(version, tag);
		if (name == NULL || strcmp(name, wanted) != 0 ||
		    text_of(version, "version") == NULL)
			continue;
		number = text_of(version, "version");
		n++;
	}
	if (n == 1)
		return take_number(run, number);
	run->out->status = 0;
	return mf_mlflow_fail(run,
	    "%s versions of %s have the tag %s=%s; tag one, or give its number",
	    n == 0 ? "no" : "several", run->model, tag, wanted);
}

static int
find_version(struct mf_mlflow_run *run)
{
	const char *given = mf_mlflow_setting(run->call->hook, "version");
	const char *tag = mf_mlflow_setting(run->call->hook, "versionTag");
	struct mf_buf filter = MF_BUF_INIT, suffix = MF_BUF_INIT;
	json_t *found = NULL;
	int rc;

	if (given != NULL)
		return take_number(run, given);
	if (run->call->version == NULL || strpbrk(run->call->version, "'`\\") != NULL)
		return mf_mlflow_fail(run, "no version's name to look for in the registry");
	tag = tag != NULL ? tag : MF_MLFLOW_VERSION_TAG;
	mf_buf_printf(&filter, "name='%s' AND tags.`%s`='%s'", run->model, tag, run->call->version);
	mf_buf_printf(&suffix, API "model-versions/search?max_results=%d", SEARCH_RESULTS);
	if (mf_buf_cstr(&filter) != NULL)
		put_query(&suffix, "&filter=", mf_buf_cstr(&filter));
	suffix.failed = suffix.failed || filter.failed;
	mf_buf_fini(&filter);
	rc = get(run, "looking for the version", &suffix, &found);
	if (rc == 0)
		rc = pick(run, found, tag);
	json_decref(found);
	return rc;
}

int
mf_mlflow_look(struct mf_mlflow_run *run)
{
	struct mf_buf suffix = MF_BUF_INIT;

	if (look_at_model(run) != 0 || find_version(run) != 0)
		return -1;
	put_query(&suffix, API "model-versions/get?name=", run->model);
	put_query(&suffix, "&version=", run->number);
	return get(run, "looking at the version", &suffix, &run->version);
}

const char *
mf_mlflow_alias_now(const struct mf_mlflow_run *run, const char *alias)
{
	const json_t *model = json_object_get(run->registered, "registered_model"), *item;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(model, "aliases"), i, item)
	{
		name = text_of(item, "alias");
		if (name != NULL && strcmp(name, alias) == 0)
			return text_of(item, "version");
	}
	return NULL;
}

const char *
mf_mlflow_in_stage_now(const struct mf_mlflow_run *run, const char *stage)
{
	const json_t *model = json_object_get(run->registered, "registered_model"), *item;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(model, "latest_versions"), i, item)
	{
		name = text_of(item, "current_stage");
		if (name != NULL && strcmp(name, stage) == 0)
			return text_of(item, "version");
	}
	return NULL;
}

const char *
mf_mlflow_tag_now(const struct mf_mlflow_run *run, const char *key)
{
	return tag_of(json_object_get(run->version, "model_version"), key);
}

const char *
mf_mlflow_stage_now(const struct mf_mlflow_run *run)
{
	const char *s = text_of(json_object_get(run->version, "model_version"), "current_stage");

	return s != NULL && s[0] != '\0' ? s : "None";
}

int
mf_mlflow_set_alias(struct mf_mlflow_run *run, const char *alias, const char *number)
{
	return ask(run, "setting the alias", "POST", API "registered-models/alias",
	    json_pack("{s:s,s:s,s:s}", "name", run->model, "alias", alias, "version", number),
	    NULL);
}

int
mf_mlflow_delete_alias(struct mf_mlflow_run *run, const char *alias)
{
	return ask(run, "deleting the alias", "DELETE", API "registered-models/alias",
	    json_pack("{s:s,s:s}", "name", run->model, "alias", alias), NULL);
}

int
mf_mlflow_set_stage(struct mf_mlflow_run *run, const char *number, const char *stage, bool archive)
{
	return ask(run, "moving the stage", "POST", API "model-versions/transition-stage",
	    json_pack("{s:s,s:s,s:s,s:b}", "name", run->model, "version", number, "stage", stage,
		"archive_existing_versions", (int)archive),
	    NULL);
}

int
mf_mlflow_set_tag(struct mf_mlflow_run *run, const char *key, const char *value)
{
	return ask(run, "setting a tag", "POST", API "model-versions/set-tag",
	    json_pack("{s:s,s:s,s:s,s:s}", "name", run->model, "version", run->number, "key", key,
		"value", value),
	    NULL);
}

int
mf_mlflow_delete_tag(struct mf_mlflow_run *run, const char *key)
{
	return ask(run, "deleting a tag", "DELETE", API "model-versions/delete-tag",
	    json_pack("{s:s,s:s,s:s}", "name", run->model, "version", run->number, "key", key),
	    NULL);
}
