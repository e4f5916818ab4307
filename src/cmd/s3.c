/* What the options say about s3:// and gs:// stores, and what the state directory remembers of
 * them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/cmd/repo.h"

static bool
is_cancelled(void *arg)
{
	(void)arg;
	return mf_cmd_stopped();
}

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

/* As the store is told it, however it was written. */
static const char *
encryption(const struct mf_options *o)
{
	static const char *const words[] = {"AES256", "aws:kms", "aws:kms:dsse"};

	return mf_options_given(o, MF_OPT_S3_ENCRYPTION)
		   ? words[mf_options_number(o, MF_OPT_S3_ENCRYPTION)]
		   : NULL;
}

static struct mf_s3_sending
sending(const struct mf_cmd *c)
{
	const struct mf_options *o = c->options;

	return (struct mf_s3_sending){
	    .http2 = mf_options_flag(o, MF_OPT_HTTP2),
	    .patience = {.connect_us = mf_options_number(o, MF_OPT_CONNECT_TIMEOUT),
		.stall_us = mf_options_number(o, MF_OPT_STALL_TIME),
		.stall_bytes = mf_options_number(o, MF_OPT_STALL_BYTES),
		.answer_us = mf_options_number(o, MF_OPT_ANSWER_TIMEOUT)},
	    .patience_us = mf_options_number(o, MF_OPT_PATIENCE),
	    .limiter = c->limiter,
	    .flow = c->flow,
	    .lists_at_once = (unsigned)mf_options_number(o, MF_OPT_CHECKERS),
	};
}

/* What --to-... say of where the other store is, and by whom it is asked. Credentials go together,
 * and a region with its endpoint or profile: halves of the first store's would fit nothing. */
static void
set_target(const struct mf_options *o, struct mf_s3_options *out)
{
	const char *endpoint_url = mf_options_text(o, MF_OPT_TO_ENDPOINT_URL);
	const char *region = mf_options_text(o, MF_OPT_TO_REGION);
	const char *profile = mf_options_text(o, MF_OPT_TO_S3_PROFILE);
	const char *file = mf_options_text(o, MF_OPT_TO_S3_CREDENTIALS_FILE);

	if (endpoint_url != NULL)
		out->endpoint_url = endpoint_url;
	if (region != NULL || endpoint_url != NULL || profile != NULL)
		out->region = region;
	if (profile == NULL && file == NULL)
		return;
	out->access_key_file = out->secret_key_file = out->session_token_file = NULL;
	out->credentials_file = file;
	out->profile = profile;
}

void
mf_cmd_s3_options(const struct mf_cmd *c, bool target, struct mf_s3_options *out)
{
	const struct mf_options *o = c->options;

	*out = (struct mf_s3_options){
	    .endpoint_url = mf_options_text(o, MF_OPT_ENDPOINT_URL),
	    .region = mf_options_text(o, MF_OPT_REGION),
	    .addressing = (enum mf_s3_addressing)mf_options_number(o, MF_OPT_ADDRESSING),
	    .ca_file = mf_options_text(o, MF_OPT_CA_FILE),
	    .allow_http = mf_options_flag(o, MF_OPT_ALLOW_HTTP),
	    .net_threads = (unsigned)mf_options_number(o, MF_OPT_NET_THREADS),
	    .unsigned_bodies = mf_options_flag(o, MF_OPT_S3_UNSIGNED_PAYLOAD),
	    .sending = sending(c),
	    .access_key_file = mf_options_text(o, MF_OPT_S3_ACCESS_KEY_FILE),
	    .secret_key_file = mf_options_text(o, MF_OPT_S3_SECRET_KEY_FILE),
	    .session_token_file = mf_options_text(o, MF_OPT_S3_SESSION_TOKEN_FILE),
	    .credentials_file = mf_options_text(o, MF_OPT_S3_CREDENTIALS_FILE),
	    .profile = mf_options_text(o, MF_OPT_S3_PROFILE),
	    .put = {.storage_class = mf_options_text(o, MF_OPT_S3_STORAGE_CLASS),
		.encryption = encryption(o),
		.kms_key_id = mf_options_text(o, MF_OPT_S3_KMS_KEY_ID)},
	    .variable = variable,
	    .waiting = {.cancelled = is_cancelled},
	};
	if (target)
		set_target(o, out);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
mf_cmd_s3_target_is_other(const struct mf_cmd *c)
{
	struct mf_s3_options a, b;

	mf_cmd_s3_options(c, false, &a);
	mf_cmd_s3_options(c, true, &b);
	return !same_text(a.access_key_file, b.access_key_file) ||
	       !same_text(a.secret_key_file, b.secret_key_file) ||
	       !same_text(a.session_token_file, b.session_token_file) ||
	       !same_text(a.credentials_file, b.credentials_file) ||
	       !same_text(a.profile, b.profile);
}

int
mf_cmd_check_target(const struct mf_cmd *c, const char *url, struct mf_error *e)
{
	static const enum mf_option ids[] = {MF_OPT_TO_ENDPOINT_URL, MF_OPT_TO_REGION,
	    MF_OPT_TO_S3_PROFILE, MF_OPT_TO_S3_CREDENTIALS_FILE};
	size_t i;

	if (strncmp(url, "s3://", 5) == 0 || strncmp(url, "s3+v2://", 8) == 0)
		return 0;
	for (i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (mf_options_source(c->options, ids[i]) == MF_SOURCE_ARGS)
			return mf_error_set(e, MF_EUSAGE,
			    "--%s is for a second place at s3://, and that is %s",
			    mf_option_table[ids[i]].name, url);
	return 0;
}

char *
mf_cmd_s3_place(const struct mf_cmd *c, bool target, const char *url)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_s3_options s3;
	char *place;

	mf_cmd_s3_options(c, target, &s3);
	mf_s3_place(strstr(url, "://") + strlen("://"), &s3, &b);
	place = mf_buf_cstr(&b) != NULL ? strdup(mf_buf_cstr(&b)) : NULL;
	mf_buf_fini(&b);
	return place;
}

void
mf_cmd_gcs_options(const struct mf_cmd *c, struct mf_gcs_options *out)
{
	const struct mf_options *o = c->options;

	*out = (struct mf_gcs_options){
	    .endpoint_url = mf_options_text(o, MF_OPT_GCS_ENDPOINT_URL),
	    .ca_file = mf_options_text(o, MF_OPT_CA_FILE),
	    .allow_http = mf_options_flag(o, MF_OPT_ALLOW_HTTP),
	    .net_threads = (unsigned)mf_options_number(o, MF_OPT_NET_THREADS),
	    .sending = sending(c),
	    .access_key_file = mf_options_text(o, MF_OPT_GCS_ACCESS_KEY_FILE),
	    .secret_key_file = mf_options_text(o, MF_OPT_GCS_SECRET_KEY_FILE),
	    .credentials_file = mf_options_text(o, MF_OPT_GCS_CREDENTIALS_FILE),
	    .user_project = mf_options_text(o, MF_OPT_GCS_USER_PROJECT),
	    .put = {.storage_class = mf_options_text(o, MF_OPT_GCS_STORAGE_CLASS),
		.kms_key_id = mf_options_text(o, MF_OPT_GCS_KMS_KEY)},
	    .variable = variable,
	    .waiting = {.cancelled = is_cancelled},
	};
}

char *
mf_cmd_gcs_place(const struct mf_cmd *c, const char *url)
{
	struct mf_buf b = MF_BUF_INIT;
	struct mf_gcs_options gcs;
	char *place;

	mf_cmd_gcs_options(c, &gcs);
	mf_gcs_place(url + strlen("gs://"), &gcs, &b);
	place = mf_buf_cstr(&b) != NULL ? strdup(mf_buf_cstr(&b)) : NULL;
	mf_buf_fini(&b);
	return place;
}

static int
open_state(void *arg, struct mf_state **out, struct mf_error *e)
{
	const struct mf_cmd *const *c = arg;

	return mf_state_open(mf_options_text((*c)->options, MF_OPT_STATE_DIR), out, e);
}

int
mf_cmd_recall(void *arg, const char *store, const char *fact, uint64_t *value, struct mf_error *e)
{
	struct mf_state *state;
	int rc;

	if (open_state(arg, &state, e) != 0)
		return -1;
	rc = mf_state_fact(state, store, fact, value, e);
	mf_state_close(state);
	return rc;
}

int
mf_cmd_remember(void *arg, const char *store, const char *fact, uint64_t value, struct mf_error *e)
{
	struct mf_state *state;
	int rc;

	if (open_state(arg, &state, e) != 0)
		return -1;
	rc = mf_state_set_fact(state, store, fact, value, e);
	mf_state_close(state);
	return rc;
}
