#include "src/cmd/site.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cmd/repo.h"
#include "src/repo/version.h"

#define REFRESH_US INT64_C(60000000)

/* Without --instance: the host's name, as far as it is one. */
static void
take_host_name(char out[MF_SITE_NAME_MAX_BYTES + 1])
{
	char host[HOST_NAME_MAX + 1] = "";
	size_t i;

	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	snprintf(out, MF_SITE_NAME_MAX_BYTES + 1, "%.*s", (int)MF_SITE_NAME_MAX_BYTES, host);
	for (i = 0; out[i] != '\0'; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-",
			out[i]) == NULL ||
		    (i == 0 && (out[i] == '.' || out[i] == '-')))
			out[i] = '_';
}

int
mf_cmd_take_site(struct mf_cmd *c, struct mf_cmd_site *s, struct mf_error *e)
{
	const struct mf_options *o = c->options;
	const char *instance = mf_options_text(o, MF_OPT_INSTANCE);

	s->name = mf_options_text(o, MF_OPT_SITE);
	if (s->name == NULL && instance == NULL)
		return 0;
	if (s->name == NULL)
		return mf_error_set(e, MF_EUSAGE, "--instance is for receipts: give --site, too");
	if (mf_repo_check_name("site", s->name, e) != 0 ||
	    (instance != NULL && mf_repo_check_name("instance", instance, e) != 0))
		return -1;
	if (instance != NULL)
		snprintf(s->instance, sizeof s->instance, "%s", instance);
	else
		take_host_name(s->instance);
	return mf_cmd_load_signer(c, &s->signer, e);
}

void
mf_cmd_free_site(struct mf_cmd_site *s)
{
	mf_signer_free(s->signer);
	*s = (struct mf_cmd_site){0};
}

bool
mf_cmd_receipt_is_due(const struct mf_cmd_site *s)
{
	return s->name != NULL &&
	       (s->told_us == 0 || mf_cmd_monotonic_us() - s->told_us >= REFRESH_US);
}

/* The digest and sums are those of the version's root, which the pull has verified. */
static int
fill(struct mf_repo *repo, const char *model, const char *version, struct mf_version *v,
    struct mf_receipt *r, struct mf_error *e)
{
	char spec[MF_VERSION_SPEC_BYTES];

	snprintf(spec, sizeof spec, "%s@%s", model, version);
	if (mf_version_resolve(repo, spec, v, e) != 0)
		return -1;
	r->model = v->root.model;
	r->version = v->root.version;
	r->files = v->root.n_files;
	r->bytes = v->root.bytes;
	memcpy(r->digest, v->digest, sizeof r->digest);
	return 0;
}

int
mf_cmd_put_receipt(struct mf_repo *repo, struct mf_cmd_site *s, const char *model,
    const char *version, enum mf_serving serving, struct mf_error *e)
{
	struct mf_receipt r = {.site = (char *)(uintptr_t)s->name,
	    .instance = s->instance,
	    .time_us = mf_cmd_now_us(),
	    .serving = serving};
	struct mf_version v = {0};
	int rc;

	if (s->name == NULL)
		return 0;
	rc = fill(repo, model, version, &v, &r, e);
	if (rc == 0)
		rc = mf_receipt_put(repo, &r, s->signer, e);
	mf_version_fini(&v);
	if (rc == 0) {
		s->serving = serving;
		s->told_us = mf_cmd_monotonic_us();
	}
	return rc;
}
