#include "src/repo/commit.h"

#include <stdlib.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/metrics.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

struct commit {
	struct mf_cmd *c;
	struct mf_commit_params p;
	struct mf_commit_result result;
	struct mf_cmd_repo r;
	struct mf_signer *signer;
	struct mf_trust *trust;
	struct mf_tag *tags;
	struct mf_metrics metrics;
	char *spill_dir;
	char *model, *version;
	char actor[MF_CMD_ACTOR_BYTES];
};

static int
prepare(struct commit *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;

	if (mf_version_split(mf_options_arg(o, 0), &s->model, &s->version, e) != 0 ||
	    mf_cmd_load_tags(o, &s->tags, &s->p.n_tags, e) != 0 ||
	    mf_metrics_load(o, &s->metrics, e) != 0 ||
	    mf_cmd_load_signer(s->c, &s->signer, e) != 0 ||
	    mf_cmd_load_trust(s->c, &s->trust, e) != 0)
		return -1;
	if (s->version == NULL)
		return mf_error_set(e, MF_EUSAGE, "commit needs the version: %s@VERSION", s->model);
	if (!mf_options_given(o, MF_OPT_SHARDS))
		return mf_error_set(e, MF_EUSAGE,
		    "commit needs --shards N, the number of shards that "
		    "were pushed");
	s->p.model = s->model;
	s->p.version = s->version;
	s->p.shards = (unsigned)mf_options_number(o, MF_OPT_SHARDS);
	s->p.tags = s->tags;
	s->p.metrics = s->metrics.items;
	s->p.n_metrics = s->metrics.n;
	s->p.signer = s->signer;
	s->p.trust = s->trust;
	s->p.ref = mf_options_text(o, MF_OPT_REF);
	s->p.by = mf_cmd_actor(s->actor);
	s->p.now_us = mf_cmd_now_us;
	s->p.spill_dir = s->spill_dir = mf_cmd_spill_dir(s->c);
	return 0;
}

static int
print_json(const struct commit *s, double seconds, struct mf_error *e)
{
	const struct mf_commit_result *r = &s->result;
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:b}", "model", s->model,
	    "version", s->version, "shards", (json_int_t)s->p.shards, "files", (json_int_t)r->files,
	    "bytes", (json_int_t)r->bytes, "chunks", (json_int_t)r->chunks, "stored_bytes",
	    (json_int_t)r->stored_bytes, "seconds", seconds, "already", r->already);

	if (o != NULL && s->p.ref != NULL)
		json_object_set_new(o, "ref",
		    json_pack(
			"{s:s, s:I}", "name", s->p.ref, "sequence", (json_int_t)r->ref_sequence));
	return mf_output_json(s->c->out, o, e);
}

static int
print(const struct commit *s, double seconds, struct mf_error *e)
{
	const struct mf_commit_result *r = &s->result;
	char bytes[MF_UNIT_TEXT_BYTES];
	FILE *out = s->c->out;

	if (r->already && (s->p.n_tags > 0 || s->p.n_metrics > 0))
		mf_log(MF_LOG_WARNING,
		    "%s@%s was there already; its tags and metrics are those that it "
		    "was made with",
		    s->model, s->version);
	if (s->c->json)
		return print_json(s, seconds, e);
	/* a version does not say how many shards it was made of */
	if (r->already)
		fprintf(out, "%s@%s is there already: %llu files, %s\n", s->model, s->version,
		    (unsigned long long)r->files, mf_format_size(r->bytes, bytes));
	else
		fprintf(out, "%s@%s: %llu files, %s, from %u shards in %.1f s\n", s->model,
		    s->version, (unsigned long long)r->files, mf_format_size(r->bytes, bytes),
		    s->p.shards, seconds);
	if (s->p.ref != NULL)
		fprintf(out, "%s is now %s, sequence %llu\n", s->p.ref, s->version,
		    (unsigned long long)r->ref_sequence);
	return 0;
}

int
mf_cmd_commit(struct mf_cmd *c, struct mf_error *e)
{
	struct commit s = {.c = c};
	int64_t start = mf_cmd_monotonic_us();
	int rc = prepare(&s, e);

	if (rc == 0)
		rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &s.r, e);
	if (rc == 0)
		rc = mf_commit(s.r.repo, &s.p, &s.result, e);
	if (rc == 0)
		rc = print(&s, (double)(mf_cmd_monotonic_us() - start) / 1e6, e);
	mf_cmd_close_repo(&s.r);
	mf_signer_free(s.signer);
	mf_trust_free(s.trust);
	mf_metrics_fini(&s.metrics);
	mf_cmd_free_tags(s.tags, s.p.n_tags);
	free(s.spill_dir);
	free(s.model);
	free(s.version);
	return rc;
}
