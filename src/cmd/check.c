/* check: are two mirrors the same? */
#include "src/base/log.h"
#include "src/base/units.h"
#include "src/cmd/mirror.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/sync/mirror.h"

/* Differences are written as they are found: there may be more of them than fit into memory. */
struct checking {
	struct mf_cmd *c;
	uint64_t n;
	bool failed; /* out of memory for one of them */
};

static void
tell_json(struct checking *k, const char *sign, const char *path)
{
	json_t *object = json_pack("{s:s}", "what", sign);

	if (object == NULL || mf_output_set_name(object, "path", path) != 0) {
		k->failed = true;
		json_decref(object);
		return;
	}
	fputs(k->n++ > 0 ? ",\n" : "\n", k->c->out);
	k->failed = json_dumpf(object, k->c->out, JSON_PRESERVE_ORDER) != 0 || k->failed;
	json_decref(object);
}

static void
tell(void *arg, enum mf_mirror_difference how, const char *path)
{
	static const char *const signs[] = {[MF_MIRROR_MISSING_ON_DST] = "+",
	    [MF_MIRROR_MISSING_ON_SRC] = "-",
	    [MF_MIRROR_DIFFERS] = "*",
	    [MF_MIRROR_UNCHECKED] = "!"};
	struct checking *k = arg;

	if (k->c->json) {
		tell_json(k, signs[how], path);
		return;
	}
	fprintf(k->c->out, "%s ", signs[how]);
	mf_output_name(k->c->out, path);
	putc('\n', k->c->out);
}

static void
print_json(struct mf_cmd *c, const struct mf_mirror_check_result *r, bool same, double seconds)
{
	fprintf(c->out,
	    "],\n\"ok\": %s, \"checks\": %llu, \"bytes\": %llu, \"same\": %llu, "
	    "\"not_hashed\": %llu, \"differ\": %llu, \"missing_on_dst\": %llu, "
	    "\"missing_on_src\": %llu, \"skipped\": %llu, \"errors\": %llu, \"seconds\": %.3f}\n",
	    same ? "true" : "false", (unsigned long long)r->checks, (unsigned long long)r->bytes,
	    (unsigned long long)r->same, (unsigned long long)r->not_hashed,
	    (unsigned long long)r->differ, (unsigned long long)r->missing_on_dst,
	    (unsigned long long)r->missing_on_src, (unsigned long long)r->skipped,
	    (unsigned long long)r->errors, seconds);
}

static void
print(struct mf_cmd *c, const struct mf_mirror_check_result *r, double seconds)
{
	char bytes[MF_UNIT_TEXT_BYTES];

	fprintf(c->out, "%llu files are the same, %s", (unsigned long long)r->same,
	    mf_format_size(r->bytes, bytes));
	if (r->not_hashed > 0)
		fprintf(c->out, " (%llu of them by size alone)", (unsigned long long)r->not_hashed);
	if (r->differ > 0)
		fprintf(c->out, ", %llu differ", (unsigned long long)r->differ);
	if (r->missing_on_dst > 0)
		fprintf(c->out, ", %llu only in the first", (unsigned long long)r->missing_on_dst);
	if (r->missing_on_src > 0)
		fprintf(c->out, ", %llu only in the second", (unsigned long long)r->missing_on_src);
	if (r->skipped > 0)
		fprintf(c->out, ", %llu skipped", (unsigned long long)r->skipped);
	if (r->errors > 0)
		fprintf(c->out, ", %llu failure%s", (unsigned long long)r->errors,
		    mf_plural(r->errors));
	fprintf(c->out, " in %.1f s\n", seconds);
}

static int
run(struct mf_cmd_mirror *m, struct mf_error *e)
{
	const struct mf_options *o = m->c->options;
	struct checking k = {.c = m->c};
	struct mf_mirror_check_params p = {.src = m->src.tree,
	    .dst = m->dst.tree,
	    .size_only = mf_options_flag(o, MF_OPT_SIZE_ONLY),
	    .download = mf_options_flag(o, MF_OPT_DOWNLOAD),
	    .one_way = mf_options_flag(o, MF_OPT_ONE_WAY),
	    .takes = m->filter != NULL ? mf_cmd_mirror_takes : NULL,
	    .takes_arg = m->filter,
	    .checkers = (unsigned)mf_options_number(o, MF_OPT_CHECKERS),
	    .names = m->names,
	    .progress = &m->c->progress,
	    .interrupted = mf_cmd_interrupted,
	    .differs = tell,
	    .differs_arg = &k};
	struct mf_mirror_check_result result;
	int64_t start = mf_cmd_monotonic_us();
	double seconds;
	int rc;

	if (mf_cmd_mirror_begin(m, "comparing", e) != 0)
		return -1;
	if (m->c->json)
		fputs("{\"differences\": [", m->c->out);
	rc = mf_mirror_check(&p, &result, e);
	mf_cmd_end_progress(m->c);
	seconds = (double)(mf_cmd_monotonic_us() - start) / 1e6;
	if (m->c->json)
		print_json(m->c, &result, rc == 0, seconds);
	else
		print(m->c, &result, seconds);
	return k.failed ? mf_error_nomem(e, "result") : rc;
}

int
mf_cmd_check(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_mirror m = {.c = c};
	int rc = mf_cmd_mirror_prepare(&m, false, e);

	if (rc == 0)
		rc = run(&m, e);
	mf_cmd_mirror_fini(&m);
	return rc;
}
