/* What `show` says of sites that have the version, and of runs that keep it. */
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/show_runs.h"
#include "src/repo/keep.h"
#include "src/repo/receipt.h"

struct showing {
	const struct mf_version *v;
	FILE *out;    /* NULL: */
	json_t *runs; /* a list that grows */
};

static const char *
serving_of(const struct mf_receipt *r)
{
	return r->serving == MF_SERVING_YES  ? "serving"
	       : r->serving == MF_SERVING_NO ? "not serving"
					     : "serving or not";
}

static void
print_receipt(FILE *out, const struct mf_receipt *r)
{
	char age[MF_UNIT_TEXT_BYTES];

	fprintf(out, "%-10s ", "receipt");
	mf_output_name(out, r->site);
	fputc('/', out);
	mf_output_name(out, r->instance);
	fprintf(out, ", %s, %s ago%s\n", serving_of(r), mf_format_duration(r->age_us, age),
	    r->is_signed ? ", signed" : "");
}

static json_t *
receipt_json(const struct mf_receipt *r)
{
	char print[MF_SIGN_FINGERPRINT_BYTES];
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	mf_sign_fingerprint(r->signer, print);
	if (mf_output_set_name(o, "site", r->site) == 0 &&
	    mf_output_set_name(o, "instance", r->instance) == 0 &&
	    mf_output_set_time(o, "time", r->time_us) == 0 &&
	    json_object_set_new(o, "age_seconds", json_real((double)r->age_us / 1e6)) == 0 &&
	    json_object_set_new(o, "files", json_integer((json_int_t)r->files)) == 0 &&
	    json_object_set_new(o, "bytes", json_integer((json_int_t)r->bytes)) == 0 &&
	    json_object_set_new(o, "serving",
		r->serving == MF_SERVING_UNKNOWN
		    ? json_null()
		    : json_boolean(r->serving == MF_SERVING_YES)) == 0 &&
	    json_object_set_new(o, "signer", r->is_signed ? json_string(print) : json_null()) == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int
show_receipts(
    struct mf_repo *repo, const struct showing *s, json_t *o, int64_t now_us, struct mf_error *e)
{
	struct mf_receipts list;
	json_t *all = NULL;
	size_t i;
	int rc = 0;

	if (mf_receipts_list(repo, s->v->root.model, NULL, now_us, &list, e) != 0)
		return -1;
	if (o != NULL && (all = json_array()) == NULL)
		rc = -1;
	for (i = 0; rc == 0 && i < list.n; i++) {
		if (memcmp(list.items[i].digest, s->v->digest, sizeof s->v->digest) != 0)
			continue;
		if (o == NULL)
			print_receipt(s->out, &list.items[i]);
		else
			rc = json_array_append_new(all, receipt_json(&list.items[i]));
	}
	mf_receipts_fini(&list);
	if (rc == 0 && o != NULL)
		rc = json_object_set_new(o, "receipts", all);
	else
		json_decref(all);
	return rc == 0 ? 0 : mf_error_nomem(e, "result");
}

static int
show_keep(void *arg, const struct mf_keep *keep)
{
	struct showing *s = arg;
	char when[MF_TIME_TEXT_BYTES];
	json_t *o;

	if (strcmp(keep->version, s->v->root.version) != 0)
		return 0;
	if (s->runs == NULL) {
		fprintf(s->out, "%-10s ", "kept by");
		mf_output_name(s->out, keep->run);
		fprintf(s->out, "%s%s\n", keep->until_us == MF_KEEP_OPEN ? "" : " until ",
		    keep->until_us == MF_KEEP_OPEN ? "" : mf_format_time(keep->until_us, when));
		return 0;
	}
	if ((o = json_object()) == NULL)
		return -1;
	if (mf_output_set_name(o, "run", keep->run) == 0 &&
	    (keep->until_us == MF_KEEP_OPEN ? json_object_set_new(o, "until", json_null())
					    : mf_output_set_time(o, "until", keep->until_us)) == 0)
		return json_array_append_new(s->runs, o);
	json_decref(o);
	return -1;
}

int
mf_cmd_show_runs(const struct mf_cmd *c, struct mf_repo *repo, const struct mf_version *v,
    json_t *o, int64_t now_us, struct mf_error *e)
{
	struct showing s = {.v = v, .out = c->out};

	if (show_receipts(repo, &s, o, now_us, e) != 0)
		return -1;
	if (o != NULL &&
	    ((s.runs = json_array()) == NULL || json_object_set_new(o, "kept_by", s.runs) != 0))
		return mf_error_nomem(e, "result");
	mf_error_clear(e);
	if (mf_keep_each(repo, v->root.model, NULL, show_keep, &s, e) == 0)
		return 0;
	return e->code != MF_OK ? -1 : mf_error_nomem(e, "result");
}
