#include "src/cmd/pull.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/cmd/report.h"

/* --chmod: three or four octal digits. */
static int
parse_mode(const struct mf_options *o, struct mf_pull_params *p, struct mf_error *e)
{
	const char *text = mf_options_text(o, MF_OPT_CHMOD);
	char name[MF_PROVENANCE_BYTES];
	size_t n;

	if (text == NULL)
		return 0;
	n = strlen(text);
	if (n < 3 || n > 4 || strspn(text, "01234567") != n)
		return mf_error_set(e, MF_EUSAGE, "%s is three or four octal digits, not \"%s\"",
		    mf_options_provenance(o, MF_OPT_CHMOD, name), text);
	p->chmod_mask = 07777;
	p->chmod_set = (uint32_t)strtoul(text, NULL, 8);
	return 0;
}

int
mf_cmd_take_pull(struct mf_cmd *c, struct mf_cmd_pull_options *s, struct mf_error *e)
{
	const struct mf_options *o = c->options;
	struct mf_pull_params *p = &s->p;

	p->spec = mf_options_arg(o, 0);
	p->dir = mf_options_arg(o, 1);
	p->link = mf_options_text(o, MF_OPT_LINK);
	p->keep_local = (unsigned)mf_options_number(o, MF_OPT_KEEP_LOCAL);
	p->local_grace_us = (int64_t)mf_options_number(o, MF_OPT_LOCAL_GRACE);
	p->hard_link = mf_options_flag(o, MF_OPT_HARD_LINK);
	p->no_perms = mf_options_flag(o, MF_OPT_NO_PERMS);
	p->no_direct_io = mf_options_flag(o, MF_OPT_NO_DIRECT_IO);
	p->dry_run = mf_options_command(o) == MF_CMD_PULL && mf_options_flag(o, MF_OPT_DRY_RUN);
	p->min_sequence = mf_options_number(o, MF_OPT_MIN_SEQUENCE);
	p->max_ref_age_us = (int64_t)mf_options_number(o, MF_OPT_MAX_REF_AGE);
	p->now_us = mf_cmd_now_us();
	p->interrupted = mf_cmd_interrupted;
	p->progress = &c->progress;
	if (parse_mode(o, p, e) != 0 || mf_cmd_load_filter(c, &s->filter, e) != 0)
		return -1;
	p->selects = s->filter != NULL ? mf_cmd_selects : NULL;
	p->selects_arg = s->filter;
	if (mf_cmd_load_trust(c, &s->trust, e) != 0)
		return -1;
	p->trust = s->trust;
	if (mf_cmd_take_site(c, &s->site, e) != 0)
		return -1;
	if (s->site.name != NULL && s->filter != NULL)
		return mf_error_set(e, MF_EUSAGE, "--site with a filter: a part of a version is none");
	return 0;
}

void
mf_cmd_free_pull(struct mf_cmd_pull_options *s)
{
	mf_cmd_free_site(&s->site);
	mf_trust_free(s->trust);
	mf_filter_free(s->filter);
	*s = (struct mf_cmd_pull_options){0};
}

int
mf_cmd_print_pull(const struct mf_cmd *c, const struct mf_pull_params *p,
    const struct mf_pull_result *r, double seconds, struct mf_error *e)
{
	char bytes[MF_UNIT_TEXT_BYTES], fetched[MF_UNIT_TEXT_BYTES], reused[MF_UNIT_TEXT_BYTES];
	size_t model = strcspn(p->spec, "@");
	json_t *o;

	if (c->json) {
		o = json_pack("{s:s%, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b}", "model",
		    p->spec, (int)model, "version", r->version, "files", (json_int_t)r->files,
		    "bytes", (json_int_t)r->bytes, "chunks", (json_int_t)r->chunks,
		    "fetched_bytes", (json_int_t)r->fetched_bytes, "reused_bytes",
		    (json_int_t)r->reused_bytes, "shared_bytes", (json_int_t)r->shared_bytes,
		    "seconds", seconds, "already", r->already, "dry_run", p->dry_run);
		if (o != NULL && r->sequence > 0)
			json_object_set_new(o, "sequence", json_integer((json_int_t)r->sequence));
		if (o != NULL && mf_output_set_name(o, "path", r->path) != 0) {
			json_decref(o);
			o = NULL;
		}
		return mf_output_json(c->out, o, e);
	}
	if (r->already) {
		fprintf(c->out, "%.*s@%s is there already\n", (int)model, p->spec, r->version);
		return 0;
	}
	fprintf(c->out, "%s%.*s@%s: %llu files, %s; fetched %s, reused %s in %.1f s\n",
	    p->dry_run ? "would pull " : "", (int)model, p->spec, r->version,
	    (unsigned long long)r->files, mf_format_size(r->bytes, bytes),
	    mf_format_size(r->fetched_bytes, fetched), mf_format_size(r->reused_bytes, reused),
	    seconds);
	return 0;
}

static int
put_receipt(const struct mf_pull_params *p, struct mf_repo *repo, const char *version,
    struct mf_cmd_site *site, struct mf_error *e)
{
	char model[MF_VERSION_SPEC_BYTES];

	if (p->dry_run)
		return 0;
	snprintf(model, sizeof model, "%.*s", (int)strcspn(p->spec, "@"), p->spec);
	if (mf_cmd_put_receipt(repo, site, model, version, MF_SERVING_YES, e) == 0)
		return 0;
	return mf_error_while(e, "saying that %s has it, as it does", p->dir);
}

static int
pull(struct mf_cmd *c, struct mf_cmd_pull_options *s, struct mf_cmd_repo *r, struct mf_error *e)
{
	const struct mf_pull_params *p = &s->p;
	int64_t start = mf_cmd_monotonic_us();
	struct mf_pull_result result;
	char title[200];
	int rc;

	r->pulled_dir = p->dir;
	if (mf_cmd_open_repo(c, s->site.name != NULL ? MF_CMD_WRITE : MF_CMD_READ, r, e) != 0)
		return -1;
	snprintf(title, sizeof title, "pulling %s", p->spec);
	if (mf_cmd_begin_progress(c, title, e) != 0)
		return -1;
	rc = mf_pull(r->repo, p, &result, e);
	mf_cmd_end_progress(c);
	mf_cmd_log_stages(c);
	if (rc != 0)
		return -1;
	mf_cmd_report_version(c, result.version);
	if (put_receipt(p, r->repo, result.version, &s->site, e) != 0)
		return -1;
	return mf_cmd_print_pull(c, p, &result, (double)(mf_cmd_monotonic_us() - start) / 1e6, e);
}

int
mf_cmd_pull(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_pull_options s = {0};
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_take_pull(c, &s, e);

	if (rc == 0)
		rc = pull(c, &s, &r, e);
	mf_cmd_close_repo(&r);
	mf_cmd_free_pull(&s);
	return rc;
}

int
mf_cmd_cat(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_demands demands = {.now_us = mf_cmd_now_us()};
	struct mf_trust *trust = NULL;
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_load_trust(c, &trust, e);

	demands.trust = trust;
	if (rc == 0)
		rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);
	if (rc == 0)
		rc = mf_cat(r.repo, mf_options_arg(c->options, 0), mf_options_arg(c->options, 1),
		    &demands, STDOUT_FILENO, e);
	mf_cmd_close_repo(&r);
	mf_trust_free(trust);
	return rc;
}
