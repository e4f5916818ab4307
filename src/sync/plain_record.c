/* The records of a mirror: small JSON objects beside its prefixes. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/sync/plain_int.h"

#define RECORD_BYTES_MAX ((uint64_t)65536)
#define FORMAT 1

void
plain_record_of(struct plain_record *r, const struct mf_plain_params *p, bool complete)
{
	const struct mf_version *v = mf_files_version(p->files);
	size_t i;

	*r = (struct plain_record){
	    .complete = complete, .files = v->root.n_files, .bytes = v->root.bytes};
	(void)snprintf(r->model, sizeof r->model, "%s", v->root.model);
	(void)snprintf(r->version, sizeof r->version, "%s", v->root.version);
	(void)snprintf(r->prefix, sizeof r->prefix, "%s", p->prefix);
	for (i = 0; i < sizeof v->digest; i++)
		(void)snprintf(r->manifest + 2 * i, 3, "%02x", v->digest[i]);
}

int
plain_record_path(char out[PLAIN_PATH_BYTES], const char *version, struct mf_error *e)
{
	int n = snprintf(out, PLAIN_PATH_BYTES, "modelferry-version-%s.json", version);

	if (n < 0 || n >= (int)PLAIN_PATH_BYTES || strchr(version, '/') != NULL ||
	    !mf_tree_path_is_valid(out))
		return mf_error_set(e, MF_EUSAGE, "\"%.100s\" is no version's name", version);
	return 0;
}

/* ---- reading ---- */

static int
append(void *arg, const void *bytes, size_t n, struct mf_error *e)
{
	struct mf_buf *b = arg;

	mf_buf_put(b, bytes, n);
	return b->failed ? mf_error_nomem(e, "a record") : 0;
}

static bool
take_text(const json_t *root, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text != NULL && text[0] != '\0' && snprintf(out, size, "%s", text) < (int)size;
}

/* Whoever may write to the place may have written it: nothing of it is taken on trust. */
static int
parse(struct mf_tree *t, const char *path, const struct mf_buf *b, struct plain_record *out,
    struct mf_error *e)
{
	json_t *root = json_loadb((const char *)b->data, b->len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *files = json_object_get(root, "files"),
		     *bytes = json_object_get(root, "bytes");
	const json_t *complete = json_object_get(root, "complete");
	bool good = json_integer_value(json_object_get(root, "format")) == FORMAT &&
		    take_text(root, "model", out->model, sizeof out->model) &&
		    take_text(root, "version", out->version, sizeof out->version) &&
		    take_text(root, "manifest", out->manifest, sizeof out->manifest) &&
		    take_text(root, "prefix", out->prefix, sizeof out->prefix) &&
		    mf_tree_path_is_valid(out->prefix) && json_is_boolean(complete) &&
		    json_integer_value(files) >= 0 && json_integer_value(bytes) >= 0;

	out->complete = json_is_true(complete);
	out->files = (uint64_t)json_integer_value(files);
	out->bytes = (uint64_t)json_integer_value(bytes);
	json_decref(root);
	if (good)
		return 0;
	(void)mf_error_set(
	    e, MF_EDAMAGED, "%s/%s is no record of a mirror", mf_tree_label(t), path);
	return mf_error_hint(e, "modelferry-plan(5) says what stands in one");
}

int
plain_record_get(struct mf_tree *t, const char *path, struct plain_record *out, struct mf_error *e)
{
	struct mf_tree_entry entry;
	struct mf_buf b = MF_BUF_INIT;
	int rc = mf_tree_look(t, path, &entry, e);

	*out = (struct plain_record){0};
	if (rc != 0)
		return rc;
	if (entry.kind != MF_TREE_FILE || entry.size > RECORD_BYTES_MAX)
		return mf_error_set(
		    e, MF_EDAMAGED, "%s/%s is no record of a mirror", mf_tree_label(t), path);
	rc = mf_tree_get(t, &entry, append, &b, e);
	if (rc == 0)
		rc = parse(t, path, &b, out, e);
	mf_buf_fini(&b);
	return rc;
}

/* ---- writing ---- */

static int
read_text(void *arg, uint64_t offset, void *buf, size_t n, struct mf_error *e)
{
	(void)e;
	memcpy(buf, (const char *)arg + offset, n);
	return 0;
}

static json_t *
to_json(const struct plain_record *r)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:b, s:I, s:I}", "format", FORMAT, "model",
	    r->model, "version", r->version, "manifest", r->manifest, "prefix", r->prefix,
	    "complete", (int)r->complete, "files", (json_int_t)r->files, "bytes",
	    (json_int_t)r->bytes);
}

int
plain_record_put(struct mf_tree *t, const char *path, const struct plain_record *r, int64_t now_us,
    struct mf_error *e)
{
	json_t *root = to_json(r);
	char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	struct mf_tree_source source = {
	    .size = text == NULL ? 0 : strlen(text),
	    .read_at = read_text,
	    .arg = text,
	    .mtime_ns = now_us * 1000,
	};
	int rc = -1;

	if (text == NULL)
		(void)mf_error_nomem(e, "a record");
	else if (mf_tree_sync(t, e) == 0 && mf_tree_put(t, path, &source, NULL, e) == 0)
		rc = mf_tree_sync(t, e);
	free(text);
	json_decref(root);
	return rc;
}
