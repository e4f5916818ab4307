#include "crypto/sign.h"
#include "src/repo/replicate.h"

#include <string.h>

#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

/* The keys of the other repository: its own, or else the same as the first's. */
static int
load_other_keys(const struct mf_cmd *c, struct mf_cmd_repo *to, struct mf_error *e)
{
	const char *key = mf_options_text(c->options, MF_OPT_TO_KEY_FILE);
	const char *passphrase = mf_options_text(c->options, MF_OPT_TO_PASSPHRASE_FILE);

	if (key == NULL && passphrase == NULL)
		return mf_cmd_load_unlocks(c, to, e);
	return mf_cmd_load_unlock_files(to, key, passphrase, e);
}

static int
print(struct mf_cmd *c, const char *spec, const struct mf_replicate_result *r, struct mf_error *e)
{
	const size_t model = strcspn(spec, "@");
	char bytes[MF_UNIT_TEXT_BYTES], stored[MF_UNIT_TEXT_BYTES];

	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s%, s:s, s:I, s:I, s:I, s:I, s:b}", "model", spec, model,
			"version", r->version, "chunks", (json_int_t)r->chunks, "new_chunks",
			(json_int_t)r->new_chunks, "bytes", (json_int_t)r->bytes, "stored_bytes",
			(json_int_t)r->stored_bytes, "already", r->already),
		    e);
	if (r->already) {
		fprintf(c->out, "%.*s@%s is there already\n", (int)model, spec, r->version);
		return 0;
	}
	fprintf(c->out, "replicated %.*s@%s: %s; %llu of %llu chunks new, stored as %s\n",
	    (int)model, spec, r->version, mf_format_size(r->bytes, bytes),
	    (unsigned long long)r->new_chunks, (unsigned long long)r->chunks,
	    mf_format_size(r->stored_bytes, stored));
	return 0;
}

static int
replicate(struct mf_cmd *c, struct mf_cmd_repo *from, struct mf_cmd_repo *to,
    const struct mf_signer *signer, struct mf_error *e)
{
	const char *spec = mf_options_arg(c->options, 0);
	struct mf_replicate_result result = {0};
	char title[200];
	int rc;

	snprintf(title, sizeof title, "replicating %s", spec);
	if (mf_cmd_begin_progress(c, title, e) != 0)
		return -1;
	rc = mf_replicate(from->repo, spec, to->repo, signer, mf_cmd_now_us(), &c->progress, &result,
	    e);
	mf_cmd_end_progress(c);
	mf_cmd_log_stages(c);
	return rc == 0 ? print(c, spec, &result, e) : -1;
}

int
mf_cmd_replicate(struct mf_cmd *c, struct mf_error *e)
{
	const char *url = mf_options_text(c->options, MF_OPT_REPLICATE_TO);
	struct mf_cmd_repo from = {0}, to = {.is_target = true};
	struct mf_signer *signer = NULL;
	int rc = -1;

	if (url == NULL)
		return mf_error_set(e, MF_EUSAGE, "replicate needs --to URL");
	if (mf_cmd_check_target(c, url, e) != 0)
		return -1;
	if (mf_cmd_load_signer(c, &signer, e) == 0 &&
	    mf_cmd_open_repo(c, MF_CMD_READ, &from, e) == 0 && load_other_keys(c, &to, e) == 0 &&
	    mf_cmd_open_at(c, url, MF_CMD_WRITE, NULL, &to, e) == 0)
		rc = replicate(c, &from, &to, signer, e);
	mf_cmd_close_repo(&to);
	mf_cmd_close_repo(&from);
	mf_signer_free(signer);
	return rc;
}
