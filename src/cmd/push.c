#include "src/repo/push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/hex.h"
#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/metrics.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/cmd/report.h"
#include "src/cmd/shard.h"
#include "src/cmd/wait.h"

/* What a push holds while it is prepared. */
struct push {
	struct mf_cmd *c;
	struct mf_push_params p;
	struct mf_push_result result;
	struct mf_cmd_repo r;
	struct mf_filter *filter;
	struct mf_signer *signer;
	struct mf_tag *tags;
	struct mf_metrics metrics;
	struct mf_cache *cache;
	char *spill_dir;
	char *model, *version;
	char actor[MF_CMD_ACTOR_BYTES];
};

/* Every path of --files-from must be there. */
static int
check_paths(const struct push *s, struct mf_error *e)
{
	const char *path, *dir = s->p.dir;
	struct mf_buf full = MF_BUF_INIT;
	struct stat st;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && s->filter != NULL && (path = mf_filter_path(s->filter, i)) != NULL;
	     i++) {
		mf_buf_clear(&full);
		mf_buf_printf(&full, "%s/%s", dir, path);
		if (mf_buf_cstr(&full) == NULL)
			rc = mf_error_nomem(e, "paths");
		else if (lstat(mf_buf_cstr(&full), &st) != 0) {
			rc = mf_error_sys(e, errno, "cannot find %s of --files-from", path);
			e->code = MF_ESOURCE;
		}
	}
	mf_buf_fini(&full);
	return rc;
}

static void
take_flags(struct push *s)
{
	const struct mf_options *o = s->c->options;
	uint64_t limit_us = mf_options_number(o, MF_OPT_MAX_DURATION);
	struct mf_push_params *p = &s->p;

	p->dir = mf_options_arg(o, 0);
	p->ref = mf_options_text(o, MF_OPT_REF);
	p->by = mf_cmd_actor(s->actor);
	p->one_file_system = mf_options_flag(o, MF_OPT_ONE_FILE_SYSTEM);
	p->allow_partial = mf_options_flag(o, MF_OPT_ALLOW_PARTIAL);
	p->dry_run = mf_options_flag(o, MF_OPT_DRY_RUN);
	p->force = mf_options_flag(o, MF_OPT_FORCE);
	p->ignore_inode = mf_options_flag(o, MF_OPT_IGNORE_INODE);
	p->ignore_ctime = mf_options_flag(o, MF_OPT_IGNORE_CTIME);
	p->no_check = mf_options_flag(o, MF_OPT_NO_CHECK);
	p->now_us = mf_cmd_now_us;
	p->monotonic_us = mf_cmd_monotonic_us;
	p->interrupted = mf_cmd_interrupted;
	p->progress = &s->c->progress;
	s->c->progress.files_are_read = true;
	if (limit_us > 0)
		p->deadline_us = mf_cmd_monotonic_us() + (int64_t)limit_us;
	mf_cmd_end_at(p->deadline_us); /* of transfers, too: all may have been read long before */
}

static int
prepare(struct push *s, struct mf_error *e)
{
	take_flags(s);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment */
	if (mf_cmd_load_shard(s->c->options, getenv("JOB_COMPLETION_INDEX"), &s->p.shard, e) != 0)
		return -1;
	if (mf_version_split(mf_options_arg(s->c->options, 1), &s->model, &s->version, e) != 0 ||
	    mf_cmd_load_tags(s->c->options, &s->tags, &s->p.n_tags, e) != 0 ||
	    mf_metrics_load(s->c->options, &s->metrics, e) != 0 ||
	    mf_cmd_load_filter(s->c, &s->filter, e) != 0 ||
	    mf_cmd_load_signer(s->c, &s->signer, e) != 0 || check_paths(s, e) != 0)
		return -1;
	s->p.model = s->model;
	s->p.version = s->version;
	s->p.tags = s->tags;
	s->p.metrics = s->metrics.items;
	s->p.n_metrics = s->metrics.n;
	s->p.signer = s->signer;
	s->p.selects = s->filter != NULL ? mf_cmd_selects : NULL;
	s->p.selects_arg = s->filter;
	return 0;
}

static void
put_shard(const struct push *s, json_t *o)
{
	char hex[2 * sizeof s->result.listing + 1];

	mf_hex_encode(hex, s->result.listing, sizeof s->result.listing);
	json_object_set_new(o, "shard", json_integer((json_int_t)s->p.shard.number));
	json_object_set_new(o, "shards", json_integer((json_int_t)s->p.shard.of));
	json_object_set_new(o, "listing", json_string(hex));
}

static int
print_json(const struct push *s, double seconds, struct mf_error *e)
{
	const struct mf_push_result *r = &s->result;
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b, s:I}", "model",
	    s->model, "version", r->version, "files", (json_int_t)r->files, "bytes",
	    (json_int_t)r->bytes, "stored_bytes", (json_int_t)r->stored_bytes, "new_bytes",
	    (json_int_t)r->new_bytes, "chunks", (json_int_t)r->chunks, "new_chunks",
	    (json_int_t)r->new_chunks, "seconds", seconds, "unchanged", r->unchanged, "dry_run",
	    s->p.dry_run, "left_out", (json_int_t)r->left_out);

	if (o != NULL && s->p.ref != NULL && !s->p.dry_run)
		json_object_set_new(o, "ref",
		    json_pack("{s:s, s:I}", "name", s->p.ref, "sequence",
			(json_int_t)r->ref_sequence));
	if (o != NULL && s->p.shard.of > 0)
		put_shard(s, o);
	return mf_output_json(s->c->out, o, e);
}

static void
print_shard(const struct push *s, double seconds)
{
	char bytes[MF_UNIT_TEXT_BYTES], stored[MF_UNIT_TEXT_BYTES];
	const struct mf_push_result *r = &s->result;
	FILE *out = s->c->out;

	fprintf(out, "%s%s@%s, shard %u of %u: ", s->p.dry_run ? "would push " : "", s->model,
	    r->version, s->p.shard.number, s->p.shard.of);
	if (r->unchanged)
		fprintf(out, "committed before, nothing to push\n");
	else
		fprintf(out, "%s of data; %llu of %llu chunks new, stored as %s, in %.1f s\n",
		    mf_format_size(r->bytes, bytes), (unsigned long long)r->new_chunks,
		    (unsigned long long)r->chunks, mf_format_size(r->stored_bytes, stored),
		    seconds);
}

static int
print(const struct push *s, double seconds, struct mf_error *e)
{
	char bytes[MF_UNIT_TEXT_BYTES], fresh[MF_UNIT_TEXT_BYTES], stored[MF_UNIT_TEXT_BYTES];
	const struct mf_push_result *r = &s->result;
	FILE *out = s->c->out;

	if (s->c->json)
		return print_json(s, seconds, e);
	if (s->p.shard.of > 0) {
		print_shard(s, seconds);
		return 0;
	}
	if (r->unchanged) {
		fprintf(out, "%s: nothing changed since %s, no version made\n", s->model, r->version);
		return 0;
	}
	fprintf(out, "%s%s@%s: %llu files, %s; %llu of %llu chunks new (%s, stored as %s) in %.1f s\n",
	    s->p.dry_run ? "would push " : "", s->model, r->version, (unsigned long long)r->files,
	    mf_format_size(r->bytes, bytes), (unsigned long long)r->new_chunks,
	    (unsigned long long)r->chunks, mf_format_size(r->new_bytes, fresh),
	    mf_format_size(r->stored_bytes, stored), seconds);
	if (r->left_out > 0)
		fprintf(out, "partial: %llu files could not be read and were left out\n",
		    (unsigned long long)r->left_out);
	if (s->p.ref != NULL && r->ref_sequence > 0)
		fprintf(out, "%s is now %s, sequence %llu\n", s->p.ref, r->version,
		    (unsigned long long)r->ref_sequence);
	return 0;
}

static int
push(struct push *s, struct mf_error *e)
{
	int64_t start = mf_cmd_monotonic_us();
	char title[200];
	int rc;

	snprintf(title, sizeof title, "pushing %s", s->model);
	if (mf_cmd_begin_progress(s->c, title, e) != 0)
		return -1;
	rc = mf_push(s->r.repo, &s->p, &s->result, e);
	mf_cmd_end_progress(s->c);
	mf_cmd_log_stages(s->c);
	if (rc != 0)
		return -1;
	mf_cmd_report_version(s->c, s->result.version);
	return print(s, (double)(mf_cmd_monotonic_us() - start) / 1e6, e);
}

static int
not_ready(const struct push *s, struct mf_error *e)
{
	const char *glob = mf_options_text(s->c->options, MF_OPT_READY_FILE);

	if (s->c->json)
		return mf_output_json(s->c->out,
		    json_pack("{s:s, s:n, s:b}", "model", s->model, "version", "ready", 0), e);
	fprintf(s->c->out, "%s: no file %s in %s yet, nothing pushed\n", s->model, glob, s->p.dir);
	return 0;
}

/* Where a transfer was what --max-duration ended, it says no more than that it was told to end. */
static int
explain(struct mf_error *e)
{
	const bool is_ours = e != NULL && e->code == MF_EINTERRUPTED && mf_cmd_is_over();

	if (!is_ours || mf_cmd_interrupted())
		return -1;
	mf_error_set(e, MF_EINTERRUPTED, "stopped by --max-duration");
	return mf_error_hint(e, "run it again: what is stored already is not sent again");
}

static int
wait_and_push(struct push *s, struct mf_error *e)
{
	const struct mf_options *o = s->c->options;
	const char *glob = mf_options_text(o, MF_OPT_READY_FILE);
	int ready = glob != NULL ? mf_wait_is_ready(s->p.dir, glob, e) : 1;

	if (ready < 0)
		return -1;
	if (ready == 0)
		return not_ready(s, e);
	if (mf_wait_settle(s->p.dir, mf_options_number(o, MF_OPT_SETTLE), s->p.deadline_us, e) != 0)
		return -1;
	if (mf_cmd_open_repo(s->c, s->p.dry_run ? MF_CMD_READ : MF_CMD_WRITE, &s->r, e) != 0)
		return explain(e);
	s->p.cache = s->cache = mf_cache_open(mf_options_text(o, MF_OPT_CACHE_DIR));
	s->p.spill_dir = s->spill_dir = mf_cmd_spill_dir(s->c);
	return push(s, e) == 0 ? 0 : explain(e);
}

int
mf_cmd_push(struct mf_cmd *c, struct mf_error *e)
{
	struct push s = {.c = c};
	int rc = prepare(&s, e);

	if (rc == 0)
		rc = wait_and_push(&s, e);
	mf_cmd_close_repo(&s.r);
	mf_signer_free(s.signer);
	mf_cache_close(s.cache);
	mf_filter_free(s.filter);
	mf_metrics_fini(&s.metrics);
	mf_cmd_free_tags(s.tags, s.p.n_tags);
	free(s.spill_dir);
	free(s.model);
	free(s.version);
	return rc;
}
