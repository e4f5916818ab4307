/* ref, rollback, tag, forget: what moves names or writes beside a version. */
#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/cmd/report.h"
#include "src/repo/keep.h"

static int
put_ref(struct mf_cmd *c, const char *model, const char *name, const char *version,
    uint64_t sequence, int64_t moved_us, const char *by, struct mf_error *e)
{
	char when[MF_TIME_TEXT_BYTES];
	json_t *o;

	if (c->json) {
		o = json_pack("{s:s, s:s, s:s, s:I}", "model", model, "ref", name, "version", version,
		    "sequence", (json_int_t)sequence);
		if (o != NULL && (mf_output_set_time(o, "moved", moved_us) != 0 ||
				     mf_output_set_name(o, "by", by) != 0)) {
			json_decref(o);
			o = NULL;
		}
		return mf_output_json(c->out, o, e);
	}
	fprintf(c->out, "%s@%s is %s, sequence %llu, moved %s by ", model, name, version,
	    (unsigned long long)sequence, mf_format_time(moved_us, when));
	mf_output_name(c->out, by);
	fprintf(c->out, "\n");
	return 0;
}

static int
show_previous(struct mf_cmd *c, struct mf_repo *repo, const char *model, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc = mf_ref_previous(repo, model, false, NULL, &v, e);

	if (rc == 0 && c->json)
		rc = mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:s}", "model", model, "ref", "previous", "version",
			v.root.version), e);
	else if (rc == 0)
		fprintf(c->out, "%s@previous is %s, from the history of production\n", model,
		    v.root.version);
	mf_version_fini(&v);
	return rc;
}

static int
show_ref(struct mf_cmd *c, const char *model, const char *name, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct mf_ref ref = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0 && strcmp(name, "previous") == 0)
		rc = show_previous(c, r.repo, model, e);
	else if (rc == 0 && (rc = mf_ref_get(r.repo, model, name, &ref, e)) == 0)
		rc = put_ref(c, model, name, ref.version, ref.sequence, ref.moved_us, ref.by, e);
	mf_ref_fini(&ref);
	mf_cmd_close_repo(&r);
	return rc;
}

static int
resolve(struct mf_repo *repo, const char *model, const char *version, struct mf_version *out,
    struct mf_error *e)
{
	struct mf_buf spec = MF_BUF_INIT;
	int rc;

	mf_buf_printf(&spec, "%s@%s", model, version);
	rc = mf_buf_cstr(&spec) == NULL ? mf_error_nomem(e, "version")
					: mf_version_resolve(repo, mf_buf_cstr(&spec), out, e);
	mf_buf_fini(&spec);
	return rc;
}

/* A person may know better; who reads the ref is given it all the same. */
static void
warn_of_rejected(const struct mf_version *v, const char *name)
{
	if (v->rejected)
		mf_log(MF_LOG_WARNING,
		    "%s@%s, which %s names now, was rejected by an earlier run or rollback%s%s; "
		    "`modelferry ref %s %s VERSION` names another one",
		    v->root.model, v->root.version, name,
		    v->rejected_reason[0] == '\0' ? "" : ": ", v->rejected_reason, v->root.model,
		    name);
}

static int
move_ref(struct mf_cmd *c, const char *model, const char *name, const char *version,
    struct mf_error *e)
{
	char actor[MF_CMD_ACTOR_BYTES];
	struct mf_signer *signer = NULL;
	struct mf_cmd_repo r = {0};
	struct mf_version v = {0};
	struct mf_ref_move move = {.name = name, .to = &v, .by = mf_cmd_actor(actor),
	    .expect = mf_options_text(c->options, MF_OPT_EXPECT)};
	uint64_t sequence = 0;
	int rc = mf_cmd_load_signer(c, &signer, e);

	move.signer = signer;
	if (rc == 0)
		rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);
	if (rc == 0)
		rc = resolve(r.repo, model, version, &v, e);
	move.now_us = mf_cmd_now_us();
	if (rc == 0)
		rc = mf_ref_set(r.repo, &move, &sequence, e);
	if (rc == 0) {
		warn_of_rejected(&v, name);
		rc = put_ref(c, model, name, v.root.version, sequence, move.now_us, actor, e);
	}
	mf_version_fini(&v);
	mf_cmd_close_repo(&r);
	mf_signer_free(signer);
	return rc;
}

int
mf_cmd_ref(struct mf_cmd *c, struct mf_error *e)
{
	const char *model = mf_options_arg(c->options, 0), *name = mf_options_arg(c->options, 1);
	const char *version = mf_options_arg(c->options, 2);

	if (mf_repo_check_name("model", model, e) != 0 || mf_repo_check_name("ref", name, e) != 0)
		return -1;
	if (version != NULL)
		return move_ref(c, model, name, version, e);
	if (mf_options_given(c->options, MF_OPT_EXPECT))
		return mf_error_set(e, MF_EUSAGE, "--expect needs the version to move %s to", name);
	return show_ref(c, model, name, e);
}

static int
check_rollback(const struct mf_rollback *p, struct mf_error *e)
{
	if (p->to != NULL && p->best != NULL)
		return mf_error_set(e, MF_EUSAGE, "--to and --best exclude each other");
	return mf_repo_check_name("model", p->model, e);
}

int
mf_cmd_rollback(struct mf_cmd *c, struct mf_error *e)
{
	const struct mf_options *o = c->options;
	char actor[MF_CMD_ACTOR_BYTES];
	struct mf_signer *signer = NULL;
	struct mf_trust *trust = NULL;
	struct mf_cmd_repo r = {0};
	struct mf_rollback p = {.model = mf_options_arg(o, 0),
	    .to = mf_options_text(o, MF_OPT_ROLLBACK_TO), .best = mf_options_text(o, MF_OPT_BEST),
	    .allow_rejected = mf_options_flag(o, MF_OPT_ALLOW_REJECTED),
	    .reason = mf_options_text(o, MF_OPT_REASON), .by = mf_cmd_actor(actor)};
	char *from = NULL, *to = NULL;
	int rc = check_rollback(&p, e);

	if (p.reason == NULL)
		p.reason = "";
	if (rc == 0)
		rc = mf_cmd_load_signer(c, &signer, e);
	if (rc == 0)
		rc = mf_cmd_load_trust(c, &trust, e);
	p.signer = signer;
	p.trust = trust;
	if (rc == 0)
		rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);
	p.now_us = mf_cmd_now_us();
	if (rc == 0)
		rc = mf_ref_rollback(r.repo, &p, &from, &to, e);
	if (rc == 0)
		mf_cmd_report_version(c, to);
	if (rc == 0 && c->json)
		rc = mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:s}", "model", p.model, "from", from, "to", to), e);
	else if (rc == 0)
		fprintf(c->out, "%s@production went back from %s to %s; %s is rejected\n", p.model,
		    from, to, from);
	free(from);
	free(to);
	mf_cmd_close_repo(&r);
	mf_trust_free(trust);
	mf_signer_free(signer);
	return rc;
}

/* The version of "MODEL@NAME"; the name must be there. */
static int
resolve_named(struct mf_repo *repo, const char *spec, struct mf_version *v, struct mf_error *e)
{
	if (strchr(spec, '@') == NULL)
		return mf_error_set(e, MF_EUSAGE, "say which version: %s@VERSION", spec);
	return mf_version_resolve(repo, spec, v, e);
}

static int
annotate(struct mf_cmd *c, struct mf_repo *repo, const struct mf_tag *tags, size_t n,
    struct mf_error *e)
{
	char actor[MF_CMD_ACTOR_BYTES];
	struct mf_annotation a = {.tags = tags, .n_tags = n, .by = mf_cmd_actor(actor)};
	struct mf_version v = {0};
	int rc = resolve_named(repo, mf_options_arg(c->options, 0), &v, e);

	if (rc == 0)
		rc = mf_version_annotate(repo, &v, &a, mf_cmd_now_us(), e);
	if (rc == 0 && c->json)
		rc = mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:I}", "model", v.root.model, "version", v.root.version,
			"tags", (json_int_t)n), e);
	else if (rc == 0)
		fprintf(c->out, "tagged %s@%s\n", v.root.model, v.root.version);
	mf_version_fini(&v);
	return rc;
}

int
mf_cmd_tag(struct mf_cmd *c, struct mf_error *e)
{
	size_t n = mf_options_n_args(c->options) - 1, i;
	struct mf_tag *tags = calloc(n, sizeof *tags);
	struct mf_cmd_repo r = {0};
	int rc = tags == NULL ? mf_error_nomem(e, "tags") : 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = mf_cmd_split_pair(mf_options_arg(c->options, i + 1), &tags[i], e);
	if (rc == 0)
		rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);
	if (rc == 0)
		rc = annotate(c, r.repo, tags, n, e);
	for (i = 0; tags != NULL && i < n; i++) {
		free(tags[i].key);
		free(tags[i].value);
	}
	free(tags);
	mf_cmd_close_repo(&r);
	return rc;
}

static int
forget_damaged(struct mf_cmd *c, struct mf_repo *repo, struct mf_error *e)
{
	struct mf_forgotten f;

	if (mf_version_forget_damaged(repo, mf_options_arg(c->options, 0), &f, e) != 0)
		return -1;
	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s, s:b, s:s}", "name", f.name, "damaged", f.was_damaged, "reason",
			f.reason), e);
	fprintf(c->out, "forgot %s", f.name);
	if (f.was_damaged) {
		fputs(f.is_obstacle ? ", which could not be read: "
				    : "; its list of files, tags and metrics are lost: ",
		    c->out);
		mf_output_name(c->out, f.reason);
	}
	fprintf(c->out, "\n");
	return 0;
}

static int
forget(struct mf_cmd *c, struct mf_repo *repo, struct mf_error *e)
{
	struct mf_version v = {0};
	int rc = resolve_named(repo, mf_options_arg(c->options, 0), &v, e);

	if (rc == 0)
		rc = mf_keep_expire(repo, mf_cmd_now_us(), e);
	if (rc == 0)
		rc = mf_version_forget(repo, &v, e);
	if (rc == 0 && c->json)
		rc = mf_output_json(c->out,
		    json_pack("{s:s, s:s}", "model", v.root.model, "version", v.root.version), e);
	else if (rc == 0)
		fprintf(c->out, "forgot %s@%s\n", v.root.model, v.root.version);
	mf_version_fini(&v);
	return rc;
}

int
mf_cmd_forget(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_WRITE, &r, e);

	if (rc == 0)
		rc = mf_options_flag(c->options, MF_OPT_DAMAGED) ? forget_damaged(c, r.repo, e)
								 : forget(c, r.repo, e);
	mf_cmd_close_repo(&r);
	return rc;
}
