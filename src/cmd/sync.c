/* sync and copy: plain mirrors. */
#include "src/sync/mirror.h"

#include "src/base/units.h"
#include "src/cmd/mirror.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

#define DAY_US ((uint64_t)24 * 3600 * 1000000)
#define SWEEP_AGE_US DAY_US        /* nobody's upload takes that long */
#define UPLOAD_AGE_US (7 * DAY_US) /* a nightly run that goes on with it comes before */

/* Of a dry run: what would be done, a line each. */
static void
print_plan(void *arg, enum mf_mirror_act act, const char *path)
{
	static const char *const words[MF_MIRROR_ACTS] = {
	    "copy", "set time", "delete", "make directory"};
	struct mf_cmd *c = arg;

	fprintf(c->out, "%s ", words[act]);
	mf_output_name(c->out, path);
	putc('\n', c->out);
}

static struct mf_mirror_params
mirror_params(struct mf_cmd_mirror *m)
{
	const struct mf_options *o = m->c->options;
	const bool dry_run = mf_options_flag(o, MF_OPT_DRY_RUN);
	const bool deletes = mf_options_command(o) == MF_CMD_SYNC;
	/* An unfinished upload below a bucket's prefix may be somebody else's; what sync writes to is
	 * its own, as all that it deletes. In a directory they are ours by their names. */
	const bool sweeps =
	    deletes || (mf_tree_capabilities(m->dst.tree) & MF_TREE_LOCAL) != 0;

	return (struct mf_mirror_params){
	    .src = m->src.tree,
	    .dst = m->dst.tree,
	    .src_place = m->src.place,
	    .dst_place = m->dst.place,
	    .cache = m->cache,
	    .uploads = m->uploads,
	    .upload_age_us = UPLOAD_AGE_US,
	    .now_us = mf_cmd_now_us(),
	    .deletes = deletes,
	    .rules = {.checksum = mf_options_flag(o, MF_OPT_CHECKSUM),
		.size_only = mf_options_flag(o, MF_OPT_SIZE_ONLY),
		.update = mf_options_flag(o, MF_OPT_UPDATE),
		.ignore_existing = mf_options_flag(o, MF_OPT_IGNORE_EXISTING),
		.immutable = mf_options_flag(o, MF_OPT_IMMUTABLE),
		.window_ns = mf_options_number(o, MF_OPT_MODIFY_WINDOW) * 1000},
	    .dry_run = dry_run,
	    .create_empty_dirs = mf_options_flag(o, MF_OPT_CREATE_EMPTY_SRC_DIRS),
	    .delete_excluded = mf_options_flag(o, MF_OPT_DELETE_EXCLUDED),
	    .has_max_delete = mf_options_given(o, MF_OPT_MAX_DELETE),
	    .max_delete = mf_options_number(o, MF_OPT_MAX_DELETE),
	    .backup = m->backup.tree,
	    .suffix = mf_options_text(o, MF_OPT_SUFFIX),
	    .takes = m->filter != NULL ? mf_cmd_mirror_takes : NULL,
	    .enters = m->filter != NULL ? mf_cmd_filter_enters : NULL,
	    .takes_arg = m->filter,
	    .empty = mf_cmd_mirror_refuse_object,
	    .empty_arg = m,
	    .transfers = (unsigned)mf_options_number(o, MF_OPT_TRANSFERS),
	    .checkers = (unsigned)mf_options_number(o, MF_OPT_CHECKERS),
	    .spill_dir = m->spill_dir,
	    .sweep_age_us = sweeps ? SWEEP_AGE_US : 0,
	    .names = m->names,
	    .progress = &m->c->progress,
	    .interrupted = mf_cmd_interrupted,
	    .did = dry_run && !m->c->json ? print_plan : NULL,
	    .did_arg = m->c,
	};
}

static int
print_json(const struct mf_cmd_mirror *m, const struct mf_mirror_result *r, double seconds,
    struct mf_error *e)
{
	const struct mf_options *o = m->c->options;
	json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b}",
	    "command", mf_command_table[mf_options_command(o)].name, "files", (json_int_t)r->files,
	    "bytes", (json_int_t)r->bytes, "checks", (json_int_t)r->checks, "touched",
	    (json_int_t)r->touched, "deletes", (json_int_t)r->deletes, "not_deleted",
	    (json_int_t)r->not_deleted, "skipped", (json_int_t)r->skipped, "errors",
	    (json_int_t)r->errors, "seconds", seconds, "dry_run",
	    mf_options_flag(o, MF_OPT_DRY_RUN));

	if (object != NULL && (mf_output_set_name(object, "src", mf_options_arg(o, 0)) != 0 ||
				  mf_output_set_name(object, "dst", mf_options_arg(o, 1)) != 0)) {
		json_decref(object);
		object = NULL;
	}
	return mf_output_json(m->c->out, object, e);
}

static int
print(const struct mf_cmd_mirror *m, const struct mf_mirror_result *r, double seconds,
    struct mf_error *e)
{
	char bytes[MF_UNIT_TEXT_BYTES];
	FILE *out = m->c->out;

	if (m->c->json)
		return print_json(m, r, seconds, e);
	fprintf(out, "%scopied %llu files, %s; %llu unchanged",
	    mf_options_flag(m->c->options, MF_OPT_DRY_RUN) ? "would have " : "",
	    (unsigned long long)r->files, mf_format_size(r->bytes, bytes),
	    (unsigned long long)r->checks);
	if (r->touched > 0)
		fprintf(out, ", %llu given their time", (unsigned long long)r->touched);
	if (r->deletes > 0)
		fprintf(out, ", %llu deleted", (unsigned long long)r->deletes);
	if (r->not_deleted > 0)
		fprintf(out, ", %llu not deleted", (unsigned long long)r->not_deleted);
	if (r->skipped > 0)
		fprintf(out, ", %llu skipped", (unsigned long long)r->skipped);
	if (r->errors > 0)
		fprintf(out, ", %llu failure%s", (unsigned long long)r->errors,
		    mf_plural(r->errors));
	fprintf(out, " in %.1f s\n", seconds);
	return 0;
}

static int
run(struct mf_cmd_mirror *m, struct mf_error *e)
{
	const struct mf_options *o = m->c->options;
	int64_t start = mf_cmd_monotonic_us();
	struct mf_mirror_result result;
	struct mf_mirror_params p;
	struct mf_error unsaid = {0};
	int rc;

	m->cache = mf_cache_open(mf_options_text(o, MF_OPT_CACHE_DIR));
	if ((mf_tree_capabilities(m->dst.tree) & MF_TREE_LOCAL) == 0 &&
	    !mf_options_flag(o, MF_OPT_DRY_RUN))
		m->uploads = mf_uploads_open(mf_options_text(o, MF_OPT_CACHE_DIR));
	m->spill_dir = mf_cmd_spill_dir(m->c);
	p = mirror_params(m);
	if (mf_cmd_mirror_begin(
		m, mf_options_command(o) == MF_CMD_SYNC ? "syncing" : "copying", e) != 0)
		return -1;
	rc = mf_mirror_run(&p, &result, e);
	mf_cmd_end_progress(m->c);
	/* what was done is told all the same where something failed */
	if (print(m, &result, (double)(mf_cmd_monotonic_us() - start) / 1e6,
		rc == 0 ? e : &unsaid) != 0)
		return -1;
	return rc;
}

int
mf_cmd_sync(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_mirror m = {.c = c};
	int rc = mf_cmd_mirror_prepare(&m, true, e);

	if (rc == 0)
		rc = run(&m, e);
	mf_cmd_mirror_fini(&m);
	return rc;
}
