#include "src/repo/verify.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"
#include "src/cmd/shard.h"

struct verify {
	struct mf_cmd *c;
	json_t *damaged; /* with --json */
	FILE *text;	 /* otherwise; shown when the progress is gone */
	struct mf_cache *cache;
	bool failed;
	struct mf_verify_result result;
};

static json_t *
damage_json(const struct mf_verify_damage *d)
{
	json_t *o = json_object();

	if (o != NULL && mf_output_set_name(o, "version", d->version) == 0 &&
	    mf_output_set_name(o, "path", d->path) == 0 &&
	    mf_output_set_name(o, "reason", d->reason) == 0)
		return o;
	json_decref(o);
	return NULL;
}

static void
note_damage(void *arg, const struct mf_verify_damage *d)
{
	struct verify *s = arg;

	if (s->damaged != NULL) {
		s->failed = json_array_append_new(s->damaged, damage_json(d)) != 0 || s->failed;
		return;
	}
	fprintf(s->text, "damaged: ");
	if (d->version[0] != '\0')
		fprintf(s->text, "%s: ", d->version);
	mf_output_name(s->text, d->path);
	fprintf(s->text, ": ");
	mf_output_name(s->text, d->reason);
	fprintf(s->text, "\n");
}

static int
parse_sample(const struct mf_cmd *c, struct mf_verify_params *p, struct mf_error *e)
{
	const char *text = mf_options_text(c->options, MF_OPT_SAMPLE);
	char name[MF_PROVENANCE_BYTES];

	if (text == NULL)
		return 0;
	if (!mf_cmd_read_part(text, &p->sample_i, &p->sample_n))
		return mf_error_set(e, MF_EUSAGE, "%s is I/N with I from 1 to N, not \"%s\"",
		    mf_options_provenance(c->options, MF_OPT_SAMPLE, name), text);
	p->read_data = true;
	return 0;
}

static int
prepare(struct mf_cmd *c, struct mf_verify_params *p, struct mf_error *e)
{
	const struct mf_options *o = c->options;

	p->spec = mf_options_arg(o, 0);
	p->read_data = mf_options_flag(o, MF_OPT_READ_DATA);
	p->local = mf_options_text(o, MF_OPT_LOCAL);
	p->repair_from = mf_options_text(o, MF_OPT_REPAIR_FROM);
	p->now_us = mf_cmd_now_us();
	p->interrupted = mf_cmd_interrupted;
	p->progress = &c->progress;
	if (p->local != NULL && p->spec == NULL)
		return mf_error_set(e, MF_EUSAGE, "--local needs the version to compare with");
	if (p->local != NULL && (p->read_data || p->repair_from != NULL))
		return mf_error_set(e, MF_EUSAGE,
		    "--local looks at the directory alone, not at the store's data");
	return parse_sample(c, p, e);
}

static int
print_json(struct verify *s, bool ok, struct mf_error *e)
{
	const struct mf_verify_result *r = &s->result;
	json_t *o = NULL;

	if (!s->failed)
		o = json_pack("{s:b, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "ok", ok, "damaged",
		    s->damaged, "versions", (json_int_t)r->versions, "files", (json_int_t)r->files,
		    "chunks", (json_int_t)r->chunks, "bytes_read", (json_int_t)r->bytes_read,
		    "damaged_files", (json_int_t)r->damaged_files, "damaged_chunks",
		    (json_int_t)r->damaged_chunks, "repaired_chunks", (json_int_t)r->repaired_chunks,
		    "repaired_segments", (json_int_t)r->repaired_segments);
	return mf_output_json(s->c->out, o, e);
}

static void
print_text(struct verify *s, bool ok)
{
	const struct mf_verify_result *r = &s->result;
	char bytes[MF_UNIT_TEXT_BYTES];

	fprintf(s->text, "%llu versions, %llu files, %llu chunks", (unsigned long long)r->versions,
	    (unsigned long long)r->files, (unsigned long long)r->chunks);
	if (r->bytes_read > 0)
		fprintf(s->text, ", %s read", mf_format_size(r->bytes_read, bytes));
	if (r->repaired_chunks > 0)
		fprintf(s->text, ", %llu chunks repaired", (unsigned long long)r->repaired_chunks);
	if (r->repaired_segments > 0)
		fprintf(s->text, ", %llu manifest segments repaired",
		    (unsigned long long)r->repaired_segments);
	fprintf(s->text, ok ? ": all is well\n" : "\n");
}

/* Damage is a result as well as an error: print, then pass the error on. */
static int
verify(struct verify *s, struct mf_repo *repo, const struct mf_verify_params *p,
    struct mf_error *e)
{
	struct mf_error found = {0};
	int rc;

	if (mf_cmd_begin_progress(s->c, p->local != NULL ? "comparing" : "verifying", e) != 0)
		return -1;
	rc = mf_verify(repo, p, &s->result, &found);
	mf_cmd_end_progress(s->c);
	mf_cmd_log_stages(s->c);
	if (rc != 0 && found.code != MF_EDAMAGED && found.code != MF_EDIFFERENT) {
		*e = found;
		return -1;
	}
	if (s->damaged != NULL && print_json(s, rc == 0, e) != 0)
		return -1;
	if (s->damaged == NULL)
		print_text(s, rc == 0);
	if (rc != 0)
		*e = found;
	return rc;
}

int
mf_cmd_verify(struct mf_cmd *c, struct mf_error *e)
{
	struct verify s = {.c = c};
	struct mf_verify_params p = {.damage = note_damage, .arg = &s};
	struct mf_cmd_repo r = {0};
	char *text = NULL;
	size_t n = 0;
	int rc = prepare(c, &p, e);

	if (rc == 0)
		rc = mf_cmd_open_repo(c, p.repair_from != NULL ? MF_CMD_WRITE : MF_CMD_READ, &r, e);
	if (rc == 0 && p.repair_from != NULL)
		p.cache = s.cache = mf_cache_open(mf_options_text(c->options, MF_OPT_CACHE_DIR));
	if (rc == 0 && c->json && (s.damaged = json_array()) == NULL)
		rc = mf_error_nomem(e, "result");
	if (rc == 0 && (s.text = open_memstream(&text, &n)) == NULL)
		rc = mf_error_nomem(e, "result");
	if (rc == 0)
		rc = verify(&s, r.repo, &p, e);
	if (s.text != NULL && fclose(s.text) == 0)
		fwrite(text, 1, n, c->out);
	free(text);
	json_decref(s.damaged);
	mf_cache_close(s.cache);
	mf_cmd_close_repo(&r);
	return rc;
}
