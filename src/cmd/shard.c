#include "src/cmd/shard.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "src/repo/manifest.h"

bool
mf_cmd_read_part(const char *text, unsigned *i, unsigned *n)
{
	const char *slash = strchr(text, '/');
	char part[16];
	uint64_t a, b;

	if (slash == NULL || (size_t)(slash - text) >= sizeof part)
		return false;
	snprintf(part, sizeof part, "%.*s", (int)(slash - text), text);
	if (mf_parse_u64(slash + 1, UINT_MAX, &b, NULL) != 0 ||
	    mf_parse_u64(part, b, &a, NULL) != 0 || a == 0)
		return false;
	*i = (unsigned)a;
	*n = (unsigned)b;
	return true;
}

/* Options of push that are none of a shard's. */
static const struct {
	enum mf_option option;
	bool is_the_commits;
} forbidden[] = {
    {MF_OPT_REF, true},
    {MF_OPT_TAG, true},
    {MF_OPT_METRIC, true},
    {MF_OPT_METRICS_FROM, true},
    {MF_OPT_ALLOW_PARTIAL, false},
    {MF_OPT_FORCE, false},
    {MF_OPT_READY_FILE, false},
};

static int
check_options(const struct mf_options *o, struct mf_error *e)
{
	char name[MF_PROVENANCE_BYTES];
	size_t i;

	for (i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
		if (!mf_options_given(o, forbidden[i].option) ||
		    (mf_option_table[forbidden[i].option].kind == MF_KIND_FLAG &&
			!mf_options_flag(o, forbidden[i].option)))
			continue;
		mf_options_provenance(o, forbidden[i].option, name);
		mf_error_set(e, MF_EUSAGE, "%s cannot be given for one shard", name);
		return mf_error_hint(e, "%s",
		    forbidden[i].is_the_commits
			? "give it to `modelferry commit`, for the whole version"
			: "all shards must see the same files, and each is needed");
	}
	return 0;
}

/* Of --shards alone. */
static int
take_index(
    const struct mf_options *o, const char *index, struct mf_push_shard *out, struct mf_error *e)
{
	char name[MF_PROVENANCE_BYTES];
	uint64_t i;

	mf_options_provenance(o, MF_OPT_SHARDS, name);
	if (index == NULL || index[0] == '\0') {
		mf_error_set(e, MF_EUSAGE, "%s, and nothing says which of them this one is", name);
		return mf_error_hint(e,
		    "give --shard I/N, or set JOB_COMPLETION_INDEX, as a Kubernetes "
		    "Indexed Job does");
	}
	out->of = (unsigned)mf_options_number(o, MF_OPT_SHARDS);
	if (mf_parse_u64(index, out->of - 1, &i, NULL) != 0)
		return mf_error_set(e, MF_EUSAGE,
		    "JOB_COMPLETION_INDEX is \"%s\", and not 0 to %u, as %s "
		    "says",
		    index, out->of - 1, name);
	out->number = (unsigned)i + 1;
	return 0;
}

static int
take_shard(
    const struct mf_options *o, const char *text, struct mf_push_shard *out, struct mf_error *e)
{
	char name[MF_PROVENANCE_BYTES];

	mf_options_provenance(o, MF_OPT_SHARD, name);
	if (!mf_cmd_read_part(text, &out->number, &out->of))
		return mf_error_set(
		    e, MF_EUSAGE, "%s is I/N with I from 1 to N, not \"%s\"", name, text);
	if (mf_options_given(o, MF_OPT_SHARDS) && mf_options_number(o, MF_OPT_SHARDS) != out->of)
		return mf_error_set(
		    e, MF_EUSAGE, "%s is of another number than --shards says", name);
	return 0;
}

int
mf_cmd_load_shard(
    const struct mf_options *o, const char *index, struct mf_push_shard *out, struct mf_error *e)
{
	const char *text = mf_options_text(o, MF_OPT_SHARD);
	int rc;

	*out = (struct mf_push_shard){0};
	if (text == NULL && !mf_options_given(o, MF_OPT_SHARDS))
		return 0;
	rc = text != NULL ? take_shard(o, text, out, e) : take_index(o, index, out, e);
	return rc == 0 ? check_options(o, e) : -1;
}

unsigned
mf_cmd_share(const struct mf_options *o)
{
	const char *text = mf_options_text(o, MF_OPT_SHARD);
	unsigned i, n;

	if (mf_options_command(o) != MF_CMD_PUSH)
		return 1;
	if (text != NULL && mf_cmd_read_part(text, &i, &n))
		return n;
	return mf_options_given(o, MF_OPT_SHARDS) ? (unsigned)mf_options_number(o, MF_OPT_SHARDS)
						  : 1;
}
