#include "config.h"

#include "transfers/gcs_file.h"

#include <stdlib.h>
#include <string.h>

#include "src/net/headers.h"
#include "transfers/gcs_json.h"
#include "transfers/s3_source_int.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define LIFETIME_MIN_S 600
#define LIFETIME_MAX_S 43200
#define LIFETIME_S 3600

/* What is being read. */
struct reading {
	const json_t *object;
	const char *path;
	struct mf_gcs_file *out;
	struct mf_error *e;
};

static int
bad(const struct reading *r, const char *why)
{
	return mf_error_set(r->e, MF_EUSAGE, "credential file %s %s", r->path, why);
}

static int
unsupported(const struct reading *r, const char *what)
{
	mf_error_set(r->e, MF_EUNSUPPORTED,
	    "credential file %s asks for %s, which modelferry does "
	    "not do",
	    r->path, what);
	return mf_error_hint(r->e, "credentials of the types service_account, authorized_user and "
				   "external_account (by a file or a URL) are taken");
}

/* ---- members ---- */

/* A copy of a text, which may be missing where it is optional. */
static int
take_text(
    const struct reading *r, const json_t *object, const char *name, bool optional, char **out)
{
	const char *text = mf_gcs_json_text(object, name);

	if (text == NULL && optional)
		return 0;
	if (text == NULL)
		return mf_error_set(
		    r->e, MF_EUSAGE, "credential file %s lacks \"%s\"", r->path, name);
	return (*out = strdup(text)) != NULL ? 0 : mf_error_nomem(r->e, "credentials");
}

static int
take_secret(const struct reading *r, const char *name, struct mf_secret **out)
{
	const char *text = mf_gcs_json_text(r->object, name);

	if (text == NULL)
		return mf_error_set(
		    r->e, MF_EUSAGE, "credential file %s lacks \"%s\"", r->path, name);
	return (*out = mf_gcs_json_secret(text, r->e)) != NULL ? 0 : -1;
}

/* A URL that secrets go to; other where the file names none (NULL: it must). */
static int
take_url(const struct reading *r, const char *name, const char *other, char **out)
{
	const char *text = mf_gcs_json_text(r->object, name);

	if (text == NULL)
		text = other;
	if (text == NULL)
		return mf_error_set(
		    r->e, MF_EUSAGE, "credential file %s lacks \"%s\"", r->path, name);
	if (mf_s3_check_url(text, NULL, name, r->e) != 0)
		return mf_error_while(r->e, "reading credential file %s", r->path);
	return (*out = strdup(text)) != NULL ? 0 : mf_error_nomem(r->e, "credentials");
}

/* ---- types ---- */

static int
read_service_account(struct reading *r)
{
	struct mf_gcs_service_account *a = &r->out->service;

	if (take_text(r, r->object, "client_email", false, &a->email) != 0 ||
	    take_text(r, r->object, "private_key_id", true, &a->key_id) != 0 ||
	    take_secret(r, "private_key", &a->private_key) != 0)
		return -1;
	return take_url(r, "token_uri", MF_GCS_TOKEN_URL, &r->out->token_url);
}

static int
read_authorized_user(struct reading *r)
{
	struct mf_gcs_authorized_user *u = &r->out->user;

	if (take_text(r, r->object, "client_id", false, &u->client_id) != 0 ||
	    take_secret(r, "client_secret", &u->client_secret) != 0 ||
	    take_secret(r, "refresh_token", &u->refresh_token) != 0)
		return -1;
	return take_url(r, "token_uri", MF_GCS_TOKEN_URL, &r->out->token_url);
}

static int
read_headers(struct reading *r, json_t *headers)
{
	struct mf_gcs_external_account *x = &r->out->external;
	struct mf_gcs_subject_header *h;
	const char *name;
	json_t *value;

	json_object_foreach(headers, name, value)
	{
		if (x->n_headers == MF_GCS_SUBJECT_HEADERS_MAX)
			return bad(r, "has too many headers in its credential_source");
		if (!json_is_string(value) || !mf_http_is_token(name, strlen(name)))
			return bad(r, "has a header in its credential_source that is none");
		h = &x->headers[x->n_headers++];
		if ((h->name = strdup(name)) == NULL)
			return mf_error_nomem(r->e, "credentials");
		if ((h->value = mf_gcs_json_secret(json_string_value(value), r->e)) == NULL)
			return -1;
	}
	return 0;
}

/* {"type": "text"} or {"type": "json", "subject_token_field_name": ...} */
static int
read_format(struct reading *r, const json_t *format)
{
	const char *type = mf_gcs_json_text(format, "type");

	if (type == NULL || strcmp(type, "text") == 0)
		return 0;
	if (strcmp(type, "json") != 0)
		return unsupported(r, "a subject token of an unknown format");
	return take_text(r, format, "subject_token_field_name", false, &r->out->external.field);
}

/* Azure's metadata service speaks plain http, under an address that no network routes. */
static int
take_subject_url(struct reading *r, const char *text)
{
	static const char *const hosts[] = {"169.254.169.254", NULL};
	struct mf_gcs_external_account *x = &r->out->external;

	if (mf_s3_check_url(text, hosts, "the URL of the subject token", r->e) != 0)
		return mf_error_while(r->e, "reading credential file %s", r->path);
	x->url_is_local = strncmp(text, "http:", 5) == 0;
	return (x->url = strdup(text)) != NULL ? 0 : mf_error_nomem(r->e, "credentials");
}

static int
read_source(struct reading *r)
{
	static const char *const others[] = {"environment_id", "executable", "certificate"};
	const json_t *source = json_object_get(r->object, "credential_source");
	const char *url = mf_gcs_json_text(source, "url");
	size_t i;

	for (i = 0; i < LENGTH(others); i++)
		if (json_object_get(source, others[i]) != NULL)
			return unsupported(r, others[i]);
	if ((url == NULL) == (mf_gcs_json_text(source, "file") == NULL))
		return bad(r, "names neither one file nor one url in its credential_source");
	if (url != NULL ? take_subject_url(r, url) != 0
			: take_text(r, source, "file", false, &r->out->external.path) != 0)
		return -1;
	if (read_headers(r, json_object_get(source, "headers")) != 0)
		return -1;
	return read_format(r, json_object_get(source, "format"));
}

static int
read_impersonation(struct reading *r)
{
	static const char name[] = "service_account_impersonation_url";
	const json_t *how = json_object_get(r->object, "service_account_impersonation");
	const json_t *lifetime = json_object_get(how, "token_lifetime_seconds");
	struct mf_gcs_external_account *x = &r->out->external;

	x->lifetime_s = LIFETIME_S;
	if (lifetime != NULL) {
		if (!json_is_integer(lifetime) || json_integer_value(lifetime) < LIFETIME_MIN_S ||
		    json_integer_value(lifetime) > LIFETIME_MAX_S)
			return bad(r, "has a token_lifetime_seconds that is not from 600 to 43200");
		x->lifetime_s = (uint64_t)json_integer_value(lifetime);
	}
	if (mf_gcs_json_text(r->object, name) == NULL)
		return 0;
	return take_url(r, name, NULL, &x->impersonation);
}

static int
read_external_account(struct reading *r)
{
	struct mf_gcs_external_account *x = &r->out->external;

	if (json_object_get(r->object, "workforce_pool_user_project") != NULL ||
	    json_object_get(r->object, "client_secret") != NULL)
		return unsupported(r, "a pool of a workforce");
	if (take_text(r, r->object, "audience", false, &x->audience) != 0 ||
	    take_text(r, r->object, "subject_token_type", false, &x->token_type) != 0 ||
	    take_url(r, "token_url", NULL, &r->out->token_url) != 0 || read_source(r) != 0)
		return -1;
	return read_impersonation(r);
}

/* ---- all of it ---- */

static int
read_object(struct reading *r)
{
	static const struct {
		const char *name;
		enum mf_gcs_file_type type;
		int (*read)(struct reading *r);
	} types[] = {{"service_account", MF_GCS_SERVICE_ACCOUNT, read_service_account},
	    {"authorized_user", MF_GCS_AUTHORIZED_USER, read_authorized_user},
	    {"external_account", MF_GCS_EXTERNAL_ACCOUNT, read_external_account}};
	const char *type = mf_gcs_json_text(r->object, "type");
	const char *universe = mf_gcs_json_text(r->object, "universe_domain");
	size_t i;

	if (type == NULL)
		return bad(r, "has no \"type\": it is no credential file of Google Cloud");
	if (universe != NULL && strcmp(universe, "googleapis.com") != 0)
		return unsupported(r, "another universe_domain than googleapis.com");
	for (i = 0; i < LENGTH(types); i++) {
		if (strcmp(type, types[i].name) != 0)
			continue;
		r->out->type = types[i].type;
		return types[i].read(r);
	}
	mf_error_set(r->e, MF_EUNSUPPORTED,
	    "credential file %s is of the type \"%.60s\", which "
	    "modelferry does not do",
	    r->path, type);
	return mf_error_hint(
	    r->e, "service_account, authorized_user and external_account are taken");
}

int
mf_gcs_file_parse(
    const void *bytes, size_t n, const char *path, struct mf_gcs_file *out, struct mf_error *e)
{
	struct reading r = {.path = path, .out = out, .e = e};
	json_t *object = mf_gcs_json_read(bytes, n);
	int rc;

	memset(out, 0, sizeof *out);
	if (object == NULL)
		return bad(&r, "is no JSON object");
	r.object = object;
	if ((rc = read_object(&r)) != 0)
		mf_gcs_file_fini(out);
	mf_gcs_json_free(object);
	return rc;
}

int
mf_gcs_file_read(const char *path, struct mf_gcs_file *out, struct mf_error *e)
{
	struct mf_error why = {0};
	struct mf_secret *text =
	    mf_secret_read_file(path, MF_GCS_FILE_MAX, "credential file", &why);
	int rc;

	if (text == NULL) {
		if (why.code == MF_EKEY || why.code == MF_ENOTFOUND)
			why.code = MF_EUSAGE; /* no matter of the repository's keys */
		if (e != NULL)
			*e = why;
		return -1;
	}
	rc = mf_gcs_file_parse(mf_secret_view(text), mf_secret_len(text), path, out, e);
	mf_secret_free(text);
	return rc;
}

static void
free_external(struct mf_gcs_external_account *x)
{
	size_t i;

	for (i = 0; i < x->n_headers; i++) {
		free(x->headers[i].name);
		mf_secret_free(x->headers[i].value);
	}
	free(x->audience);
	free(x->token_type);
	free(x->path);
	free(x->url);
	free(x->field);
	free(x->impersonation);
}

void
mf_gcs_file_fini(struct mf_gcs_file *f)
{
	switch (f->type) {
	case MF_GCS_SERVICE_ACCOUNT:
		free(f->service.email);
		free(f->service.key_id);
		mf_secret_free(f->service.private_key);
		break;
	case MF_GCS_AUTHORIZED_USER:
		free(f->user.client_id);
		mf_secret_free(f->user.client_secret);
		mf_secret_free(f->user.refresh_token);
		break;
	case MF_GCS_EXTERNAL_ACCOUNT: free_external(&f->external); break;
	}
	free(f->token_url);
	memset(f, 0, sizeof *f);
}
