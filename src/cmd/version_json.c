/* A version as JSON. */
#include "crypto/sign.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

static json_t *
tags_of(const struct mf_root *root)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; o != NULL && i < root->n_tags; i++)
		if (mf_output_set_name(o, root->tags[i].key, root->tags[i].value) != 0) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *
metrics_of(const struct mf_root *root)
{
	json_t *o = json_object();
	size_t i;

	for (i = 0; o != NULL && i < root->n_metrics; i++)
		if (json_object_set_new(o, root->metrics[i].name,
			json_real(root->metrics[i].value)) != 0) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *
refs_of(const struct mf_version *v, const struct mf_refs *refs)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && refs != NULL && i < refs->n; i++)
		if (mf_cmd_ref_is(&refs->items[i], v) &&
		    json_array_append_new(a, json_string(refs->items[i].name)) != 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

static int
set_signer(json_t *o, const struct mf_root *root)
{
	char print[MF_SIGN_FINGERPRINT_BYTES];

	if (!root->is_signed)
		return json_object_set_new(o, "signer", json_null());
	mf_sign_fingerprint(root->signer, print);
	return json_object_set_new(o, "signer", json_string(print));
}

static int
set_rejected(json_t *o, const struct mf_version *v)
{
	if (json_object_set_new(o, "rejected", json_boolean(v->rejected)) != 0)
		return -1;
	if (!v->rejected)
		return 0;
	if (mf_output_set_name(o, "rejected_reason",
		v->rejected_reason != NULL ? v->rejected_reason : "") != 0)
		return -1;
	return mf_output_set_name(o, "rejected_by", v->rejected_by != NULL ? v->rejected_by : "");
}

json_t *
mf_cmd_version_json(const struct mf_version *v, const struct mf_refs *refs)
{
	const struct mf_root *root = &v->root;
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	if (json_object_set_new(o, "model", json_string(root->model)) == 0 &&
	    json_object_set_new(o, "version", json_string(root->version)) == 0 &&
	    mf_output_set_time(o, "created", root->created_us) == 0 &&
	    json_object_set_new(o, "files", json_integer((json_int_t)root->n_files)) == 0 &&
	    json_object_set_new(o, "bytes", json_integer((json_int_t)root->bytes)) == 0 &&
	    json_object_set_new(o, "chunks", json_integer((json_int_t)root->n_chunks)) == 0 &&
	    json_object_set_new(o, "refs", refs_of(v, refs)) == 0 &&
	    json_object_set_new(o, "tags", tags_of(root)) == 0 &&
	    json_object_set_new(o, "metrics", metrics_of(root)) == 0 &&
	    json_object_set_new(o, "parent",
		root->parent[0] != '\0' ? json_string(root->parent) : json_null()) == 0 &&
	    json_object_set_new(o, "partial",
		json_boolean((root->flags & MF_ROOT_PARTIAL) != 0)) == 0 &&
	    set_signer(o, root) == 0 && set_rejected(o, v) == 0)
		return o;
	json_decref(o);
	return NULL;
}
