#include "src/repo/pull.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/trust.h"
#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

struct pull {
	struct mf_cmd *c;
	struct mf_pull_params p;
	struct mf_pull_result result;
	struct mf_cmd_repo r;
	struct mf_filter *filter;
	struct mf_trust *trust;
};

/* --chmod: three or four octal digits. */
static int
parse_mode(struct pull *s, struct mf_error *e)
{
	const char *text = mf_options_text(s->c->options, MF_OPT_CHMOD);
	char name[MF_PROVENANCE_BYTES];
	size_t n;

	if (text == NULL)
		return 0;
	n = strlen(text);
	if (n < 3 || n > 4 || strspn(text, "01234567") != n)
		return mf_error_set(e, MF_EUSAGE, "%s is three or four octal digits, not \"%s\"",
		    mf_options_provenance(s->c->options, MF_OPT_CHMOD, name), text);
	s->p.chmod_mask = 07777;
	s->p.chmod_set = (uint32_t)strtoul(text, NULL, 8);
	return 0;
}

static int
prepare(struct pull *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;
	const char *trusted = mf_options_text(o, MF_OPT_TRUSTED_KEYS);
	struct mf_pull_params *p = &s->p;

	p->spec = mf_options_arg(o, 0);
	p->dir = mf_options_arg(o, 1);
	p->link = mf_options_text(o, MF_OPT_LINK);
	p->keep_local = (unsigned)mf_options_number(o, MF_OPT_KEEP_LOCAL);
	p->local_grace_us = (int64_t)mf_options_number(o, MF_OPT_LOCAL_GRACE);
	p->hard_link = mf_options_flag(o, MF_OPT_HARD_LINK);
	p->no_perms = mf_options_flag(o, MF_OPT_NO_PERMS);
	p->dry_run = mf_options_flag(o, MF_OPT_DRY_RUN);
	p->min_sequence = mf_options_number(o, MF_OPT_MIN_SEQUENCE);
	p->max_ref_age_us = (int64_t)mf_options_number(o, MF_OPT_MAX_REF_AGE);
	p->now_us = mf_cmd_now_us();
	p->interrupted = mf_cmd_interrupted;
	p->progress = &s->c->progress;
	if (parse_mode(s, e) != 0 || mf_cmd_load_filter(s->c, &s->filter, e) != 0)
		return -1;
	p->selects = s->filter != NULL ? mf_cmd_selects : NULL;
	p->selects_arg = s->filter;
	if (trusted != NULL && (s->trust = mf_trust_load(trusted, e)) == NULL)
		return -1;
	p->trust = s->trust;
	return 0;
}

static int
print(const struct pull *s, double seconds, struct mf_error *e)
{
	char bytes[MF_UNIT_TEXT_BYTES], fetched[MF_UNIT_TEXT_BYTES], reused[MF_UNIT_TEXT_BYTES];
	const struct mf_pull_result *r = &s->result;
	size_t model = strcspn(s->p.spec, "@");
	json_t *o;

	if (s->c->json) {
		o = json_pack("{s:s%, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b}", "model",
		    s->p.spec, (int)model, "version", r->version, "files", (json_int_t)r->files,
		    "bytes", (json_int_t)r->bytes, "chunks", (json_int_t)r->chunks,
		    "fetched_bytes", (json_int_t)r->fetched_bytes, "reused_bytes",
		    (json_int_t)r->reused_bytes, "seconds", seconds, "already", r->already,
		    "dry_run", s->p.dry_run);
		if (o != NULL && mf_output_set_name(o, "path", r->path) != 0) {
			json_decref(o);
			o = NULL;
		}
		return mf_output_json(s->c->out, o, e);
	}
	if (r->already) {
		fprintf(s->c->out, "%.*s@%s is there already\n", (int)model, s->p.spec, r->version);
		return 0;
	}
	fprintf(s->c->out, "%s%.*s@%s: %llu files, %s; fetched %s, reused %s in %.1f s\n",
	    s->p.dry_run ? "would pull " : "", (int)model, s->p.spec, r->version,
	    (unsigned long long)r->files, mf_format_size(r->bytes, bytes),
	    mf_format_size(r->fetched_bytes, fetched), mf_format_size(r->reused_bytes, reused),
	    seconds);
	return 0;
}

static int
pull(struct pull *s, struct mf_error *e)
{
	int64_t start = mf_cmd_monotonic_us();
	char title[200];
	int rc;

	if (mf_cmd_open_repo(s->c, MF_CMD_READ, &s->r, e) != 0)
		return -1;
	snprintf(title, sizeof title, "pulling %s", s->p.spec);
	if (mf_cmd_begin_progress(s->c, title, e) != 0)
		return -1;
	rc = mf_pull(s->r.repo, &s->p, &s->result, e);
	mf_cmd_end_progress(s->c);
	mf_cmd_log_stages(s->c);
	if (rc != 0)
		return -1;
	return print(s, (double)(mf_cmd_monotonic_us() - start) / 1e6, e);
}

int
mf_cmd_pull(struct mf_cmd *c, struct mf_error *e)
{
	struct pull s = {.c = c};
	int rc = prepare(&s, e);

	if (rc == 0)
		rc = pull(&s, e);
	mf_cmd_close_repo(&s.r);
	mf_trust_free(s.trust);
	mf_filter_free(s.filter);
	return rc;
}

int
mf_cmd_cat(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = mf_cat(r.repo, mf_options_arg(c->options, 0), mf_options_arg(c->options, 1),
		    STDOUT_FILENO, e);
	mf_cmd_close_repo(&r);
	return rc;
}
