/* prune and stats. */
#include "src/repo/prune.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/repo/stats.h"

struct prune {
	struct mf_cmd *c;
	struct mf_prune_params p;
	struct mf_prune_result result;
	const char **tags;
	json_t *forgotten; /* with --json */
	bool failed;
};

static void
note_forgotten(void *arg, const char *model, const char *version)
{
	struct prune *s = arg;

	if (s->forgotten != NULL)
		s->failed = json_array_append_new(s->forgotten,
				json_pack("{s:s, s:s}", "model", model, "version", version)) != 0 ||
		    s->failed;
	mf_log(MF_LOG_INFO, "%s %s@%s", s->p.dry_run ? "would forget" : "forgetting", model,
	    version);
}

static int
load_tags(struct prune *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;
	size_t n = 0;

	while (mf_options_nth(o, MF_OPT_KEEP_TAG, n) != NULL)
		n++;
	if (n == 0)
		return 0;
	if ((s->tags = calloc(n, sizeof *s->tags)) == NULL)
		return mf_error_nomem(e, "tags");
	for (; s->p.n_keep_tags < n; s->p.n_keep_tags++)
		s->tags[s->p.n_keep_tags] = mf_options_nth(o, MF_OPT_KEEP_TAG, s->p.n_keep_tags);
	s->p.keep_tags = s->tags;
	return 0;
}

static int
prepare(struct prune *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;
	struct mf_prune_params *p = &s->p;

	p->keep_last = (unsigned)mf_options_number(o, MF_OPT_KEEP_LAST);
	p->keep_within_us = (int64_t)mf_options_number(o, MF_OPT_KEEP_WITHIN);
	p->grace_us = (int64_t)mf_options_number(o, MF_OPT_GRACE);
	p->dry_run = mf_options_flag(o, MF_OPT_DRY_RUN);
	p->reseal = mf_options_flag(o, MF_OPT_RESEAL);
	p->now_us = mf_cmd_now_us();
	p->memory_bytes = mf_options_number(o, MF_OPT_MEMORY);
	p->interrupted = mf_cmd_interrupted;
	p->forgotten = note_forgotten;
	p->arg = s;
	p->progress = &s->c->progress;
	if (s->c->json && (s->forgotten = json_array()) == NULL)
		return mf_error_nomem(e, "result");
	return load_tags(s, e);
}

static int
print(struct prune *s, struct mf_error *e)
{
	const struct mf_prune_result *r = &s->result;
	const char *would = s->p.dry_run ? "would have " : "";
	char bytes[MF_UNIT_TEXT_BYTES];

	if (s->c->json)
		return mf_output_json(s->c->out, s->failed ? NULL
			: json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "forgotten",
			      s->forgotten, "versions_forgotten", (json_int_t)r->versions_forgotten,
			      "manifests_deleted", (json_int_t)r->manifests_deleted,
			      "objects_deleted", (json_int_t)r->objects_deleted, "bytes_deleted",
			      (json_int_t)r->bytes_deleted, "objects_kept",
			      (json_int_t)r->objects_kept, "spared", (json_int_t)r->spared,
			      "resealed", (json_int_t)r->resealed, "locked",
			      (json_int_t)r->locked, "dry_run", s->p.dry_run), e);
	fprintf(s->c->out,
	    "%sforgotten %llu versions; %sdeleted %llu manifests and %llu objects of %s; "
	    "%llu objects stay\n", would, (unsigned long long)r->versions_forgotten, would,
	    (unsigned long long)r->manifests_deleted, (unsigned long long)r->objects_deleted,
	    mf_format_size(r->bytes_deleted, bytes), (unsigned long long)r->objects_kept);
	if (r->locked > 0)
		fprintf(s->c->out, "%llu objects are locked, and stay until a later prune\n",
		    (unsigned long long)r->locked);
	if (r->resealed > 0)
		fprintf(s->c->out, "%ssealed %llu chunks again\n", would,
		    (unsigned long long)r->resealed);
	return 0;
}

int
mf_cmd_prune(struct mf_cmd *c, struct mf_error *e)
{
	struct prune s = {.c = c};
	struct mf_cmd_repo r = {0};
	struct mf_error unsaid = {0};
	int rc = prepare(&s, e);

	if (rc == 0)
		rc = mf_cmd_open_repo(c, s.p.dry_run ? MF_CMD_READ : MF_CMD_WRITE, &r, e);
	if (rc == 0)
		rc = mf_cmd_begin_progress(c, "pruning", e);
	if (rc == 0)
		rc = mf_prune(r.repo, &s.p, &s.result, e);
	mf_cmd_end_progress(c);
	/* what was done is told all the same where locked objects stay */
	if ((rc == 0 || s.result.locked > 0) && print(&s, rc == 0 ? e : &unsaid) != 0)
		rc = -1;
	free(s.tags);
	json_decref(s.forgotten);
	mf_cmd_close_repo(&r);
	return rc;
}

static double
share(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (double)part * 100 / (double)whole;
}

static void
print_stats(FILE *out, const struct mf_stats *x)
{
	char a[MF_UNIT_TEXT_BYTES], b[MF_UNIT_TEXT_BYTES];

	fprintf(out, "models     %llu\nversions   %llu\nchunks     %llu\nobjects    %llu\n",
	    (unsigned long long)x->models, (unsigned long long)x->versions,
	    (unsigned long long)x->chunks, (unsigned long long)x->stored_objects);
	if (x->partials > 0)
		fprintf(out, "partial    %llu manifests of shards that are not committed\n",
		    (unsigned long long)x->partials);
	fprintf(out, "pushed     %s\n", mf_format_size(x->logical_bytes, a));
	fprintf(out, "distinct   %s, %.1f %% of what was pushed\n",
	    mf_format_size(x->unique_bytes, a), share(x->unique_bytes, x->logical_bytes));
	fprintf(out, "stored     %s, %.1f %% of what is distinct, %.1f %% of what was pushed\n",
	    mf_format_size(x->stored_bytes, b), share(x->stored_bytes, x->unique_bytes),
	    share(x->stored_bytes, x->logical_bytes));
}

int
mf_cmd_stats(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct mf_stats x = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = mf_stats_collect(r.repo, &x, e);
	if (rc == 0 && c->json)
		rc = mf_output_json(c->out,
		    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "models",
			(json_int_t)x.models, "partials", (json_int_t)x.partials, "versions",
			(json_int_t)x.versions, "logical_bytes", (json_int_t)x.logical_bytes,
			"unique_bytes", (json_int_t)x.unique_bytes, "chunks", (json_int_t)x.chunks,
			"stored_objects", (json_int_t)x.stored_objects, "stored_bytes",
			(json_int_t)x.stored_bytes),
		    e);
	else if (rc == 0)
		print_stats(c->out, &x);
	mf_cmd_close_repo(&r);
	return rc;
}
