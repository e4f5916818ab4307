/* versions and show. */
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/cmd/show_runs.h"
#include "src/repo/commit.h"

/* Versions come sorted by model; the refs of the model at hand are kept. */
struct table {
	struct mf_cmd *c;
	struct mf_cmd_repo r;
	struct mf_versions vs;
	struct mf_refs refs;
	const char *model; /* whose refs these are */
};

static int
load_refs(struct table *t, const char *model, struct mf_error *e)
{
	if (t->model != NULL && strcmp(t->model, model) == 0)
		return 0;
	mf_refs_fini(&t->refs);
	t->model = model;
	return mf_ref_list(t->r.repo, model, &t->refs, e);
}

static void
put_names(const struct table *t, const struct mf_version *v)
{
	FILE *out = t->c->out;
	size_t i;

	for (i = 0; i < t->refs.n; i++)
		if (mf_cmd_ref_is(&t->refs.items[i], v))
			fprintf(out, " [%s]", t->refs.items[i].name);
	if (v->rejected)
		fprintf(out, " rejected");
	if ((v->root.flags & MF_ROOT_PARTIAL) != 0)
		fprintf(out, " partial");
	for (i = 0; i < v->root.n_metrics; i++) {
		fprintf(out, " ");
		mf_output_name(out, v->root.metrics[i].name);
		fprintf(out, "=%.6g", v->root.metrics[i].value);
	}
	for (i = 0; i < v->root.n_tags; i++) {
		fprintf(out, " ");
		mf_output_name(out, v->root.tags[i].key);
		fprintf(out, "=");
		mf_output_name(out, v->root.tags[i].value);
	}
}

static void
put_line(const struct table *t, const struct mf_version *v)
{
	char when[MF_TIME_TEXT_BYTES], bytes[MF_UNIT_TEXT_BYTES];

	fprintf(t->c->out, "%.19s  %10s %8llu  %s@%s", mf_format_time(v->root.created_us, when),
	    mf_format_size(v->root.bytes, bytes), (unsigned long long)v->root.n_files,
	    v->root.model, v->root.version);
	put_names(t, v);
	fprintf(t->c->out, "\n");
}

/* One past the last version of the model that begins at from. */
static size_t
end_of_model(const struct mf_versions *vs, size_t from)
{
	size_t i = from;

	while (i < vs->n && strcmp(vs->items[i].root.model, vs->items[from].root.model) == 0)
		i++;
	return i;
}

/* Model by model, newest first. array: NULL for text. */
static int
put_all(struct table *t, json_t *array, struct mf_error *e)
{
	const struct mf_version *v;
	size_t from, end, i;

	for (from = 0; from < t->vs.n; from = end) {
		end = end_of_model(&t->vs, from);
		if (load_refs(t, t->vs.items[from].root.model, e) != 0)
			return -1;
		for (i = end; i-- > from;) {
			v = &t->vs.items[i];
			if (array == NULL)
				put_line(t, v);
			else if (json_array_append_new(array, mf_cmd_version_json(v, &t->refs)) != 0)
				return mf_error_nomem(e, "result");
		}
	}
	return 0;
}

static void
put_pending(void *arg, const char *model, const char *version, unsigned pushed, unsigned of)
{
	const struct table *t = arg;

	fprintf(t->c->out, "not committed: %u of %u shards of %s@%s\n", pushed, of, model, version);
}

static int
list(struct table *t, struct mf_error *e)
{
	const char *model = mf_options_arg(t->c->options, 0);
	json_t *array;

	if (model != NULL && mf_repo_check_name("model", model, e) != 0)
		return -1;
	if (mf_versions_list(t->r.repo, model, NULL, NULL, &t->vs, e) != 0)
		return -1;
	if (!t->c->json && mf_commit_pending(t->r.repo, model, put_pending, t, e) != 0)
		return -1;
	if (t->vs.n == 0 && model != NULL)
		return mf_error_set(e, MF_ENOTFOUND, "no such model: %s", model);
	if (!t->c->json)
		return put_all(t, NULL, e);
	if ((array = json_array()) == NULL)
		return mf_error_nomem(e, "result");
	if (put_all(t, array, e) == 0)
		return mf_output_json(t->c->out, array, e);
	json_decref(array);
	return -1;
}

int
mf_cmd_versions(struct mf_cmd *c, struct mf_error *e)
{
	struct table t = {.c = c};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &t.r, e);

	if (rc == 0)
		rc = list(&t, e);
	mf_refs_fini(&t.refs);
	mf_versions_fini(&t.vs);
	mf_cmd_close_repo(&t.r);
	return rc;
}

static void
put_field(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%-10s ", name);
	mf_output_name(out, value);
	fprintf(out, "\n");
}

static void
put_signer(FILE *out, const struct mf_root *root)
{
	char print[MF_SIGN_FINGERPRINT_BYTES];

	if (!root->is_signed) {
		put_field(out, "signed", "no");
		return;
	}
	mf_sign_fingerprint(root->signer, print);
	put_field(out, "signed by", print);
}

/* `previous` is derived and has no sequence of its own. */
static void
put_ref(FILE *out, const struct mf_ref *ref)
{
	fprintf(out, "%-10s %s", "ref", ref->name);
	if (ref->sequence > 0)
		fprintf(out, ", sequence %llu", (unsigned long long)ref->sequence);
	fprintf(out, "\n");
}

static void
put_lists(FILE *out, const struct mf_version *v, const struct mf_refs *refs)
{
	size_t i;

	for (i = 0; i < refs->n; i++)
		if (mf_cmd_ref_is(&refs->items[i], v))
			put_ref(out, &refs->items[i]);
	for (i = 0; i < v->root.n_tags; i++) {
		fprintf(out, "%-10s ", "tag");
		mf_output_name(out, v->root.tags[i].key);
		fprintf(out, "=");
		mf_output_name(out, v->root.tags[i].value);
		fprintf(out, "\n");
	}
	for (i = 0; i < v->root.n_metrics; i++) {
		fprintf(out, "%-10s ", "metric");
		mf_output_name(out, v->root.metrics[i].name);
		fprintf(out, "=%.15g\n", v->root.metrics[i].value);
	}
}

static void
put_version(FILE *out, const struct mf_version *v, const struct mf_refs *refs)
{
	const struct mf_root *root = &v->root;
	char text[MF_TIME_TEXT_BYTES], size[MF_UNIT_TEXT_BYTES], digest[65];

	mf_hex_encode(digest, v->digest, 32);
	put_field(out, "model", root->model);
	put_field(out, "version", root->version);
	put_field(out, "created", mf_format_time(root->created_us, text));
	put_field(out, "scanned", mf_format_time(root->scanned_us, text));
	put_field(out, "parent", root->parent[0] != '\0' ? root->parent : "none");
	put_field(out, "tool", root->tool);
	put_field(out, "digest", digest);
	put_signer(out, root);
	fprintf(out, "%-10s %llu files of %llu entries, %s in %llu chunks\n", "content",
	    (unsigned long long)root->n_files, (unsigned long long)root->n_entries,
	    mf_format_size(root->bytes, size), (unsigned long long)root->n_chunks);
	if ((root->flags & MF_ROOT_PARTIAL) != 0)
		put_field(out, "partial", "some files of the source were left out");
	if (v->rejected) {
		put_field(out, "rejected", v->rejected_reason[0] != '\0' ? v->rejected_reason
									  : "no reason given");
		put_field(out, "by", v->rejected_by);
	}
	put_lists(out, v, refs);
}

static int
put_shown(struct mf_cmd *c, struct mf_repo *repo, const struct mf_version *v,
    const struct mf_refs *refs, struct mf_error *e)
{
	char digest[65];
	json_t *o;

	if (!c->json) {
		put_version(c->out, v, refs);
		return mf_cmd_show_runs(c, repo, v, NULL, mf_cmd_now_us(), e);
	}
	mf_hex_encode(digest, v->digest, 32);
	o = mf_cmd_version_json(v, refs);
	if (o == NULL || json_object_set_new(o, "digest", json_string(digest)) != 0 ||
	    mf_output_set_name(o, "tool", v->root.tool) != 0 ||
	    mf_output_set_time(o, "scanned", v->root.scanned_us) != 0 ||
	    json_object_set_new(o, "entries", json_integer((json_int_t)v->root.n_entries)) != 0) {
		json_decref(o);
		return mf_error_nomem(e, "result");
	}
	if (mf_cmd_show_runs(c, repo, v, o, mf_cmd_now_us(), e) != 0) {
		json_decref(o);
		return -1;
	}
	return mf_output_json(c->out, o, e);
}

int
mf_cmd_show(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct mf_version v = {0};
	struct mf_refs refs = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = mf_version_resolve(r.repo, mf_options_arg(c->options, 0), &v, e);
	if (rc == 0)
		rc = mf_ref_list(r.repo, v.root.model, &refs, e);
	if (rc == 0)
		rc = put_shown(c, r.repo, &v, &refs, e);
	mf_refs_fini(&refs);
	mf_version_fini(&v);
	mf_cmd_close_repo(&r);
	return rc;
}
