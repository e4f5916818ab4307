#include "config.h"

#include "transfers/s3_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/s3_ini.h"

#define SECTION_BYTES 256

struct mf_s3_profiles {
	struct mf_s3_ini *credentials; /* or NULL */
	struct mf_s3_ini *config;      /* or NULL */
	char *credentials_path, *config_path;
};

static int
read_one(const char *path, struct mf_s3_ini **out, char **copy, struct mf_error *e)
{
	if (path == NULL)
		return 0;
	if ((*copy = strdup(path)) == NULL)
		return mf_error_nomem(e, "profiles");
	return mf_s3_ini_read(path, out, e) < 0 ? -1 : 0;
}

struct mf_s3_profiles *
mf_s3_profiles_read(const char *credentials_path, const char *config_path, struct mf_error *e)
{
	struct mf_s3_profiles *p = calloc(1, sizeof *p);

	if (p == NULL) {
		mf_error_nomem(e, "profiles");
		return NULL;
	}
	if (read_one(credentials_path, &p->credentials, &p->credentials_path, e) == 0 &&
	    read_one(config_path, &p->config, &p->config_path, e) == 0)
		return p;
	mf_s3_profiles_free(p);
	return NULL;
}

void
mf_s3_profiles_free(struct mf_s3_profiles *p)
{
	if (p == NULL)
		return;
	mf_s3_ini_free(p->credentials);
	mf_s3_ini_free(p->config);
	free(p->credentials_path);
	free(p->config_path);
	free(p);
}

/* The section of the config file. */
static const char *
config_section(const char *name, char out[SECTION_BYTES])
{
	if (strcmp(name, "default") == 0)
		return "default";
	(void)snprintf(out, SECTION_BYTES, "profile %s", name);
	return out;
}

bool
mf_s3_profiles_has(const struct mf_s3_profiles *p, const char *name)
{
	char section[SECTION_BYTES];

	return mf_s3_ini_has(p->credentials, name) ||
	       mf_s3_ini_has(p->config, config_section(name, section)) ||
	       (strcmp(name, "default") == 0 && mf_s3_ini_has(p->config, "profile default"));
}

static const char *
in_config(const struct mf_s3_profiles *p, const char *name, const char *setting)
{
	char section[SECTION_BYTES];
	const char *value = mf_s3_ini_get(p->config, config_section(name, section), setting);

	if (value == NULL && strcmp(name, "default") == 0)
		value = mf_s3_ini_get(p->config, "profile default", setting);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static const char *
in_credentials(const struct mf_s3_profiles *p, const char *name, const char *setting)
{
	const char *value = mf_s3_ini_get(p->credentials, name, setting);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *
mf_s3_profiles_get(const struct mf_s3_profiles *p, const char *name, const char *setting)
{
	const char *value = in_credentials(p, name, setting);

	return value != NULL ? value : in_config(p, name, setting);
}

int
mf_s3_profiles_keys(const struct mf_s3_profiles *p, const char *name,
    struct mf_s3_profile_keys *out, struct mf_error *e)
{
	const char *(*get)(const struct mf_s3_profiles *, const char *, const char *);
	const bool here = in_credentials(p, name, "aws_access_key_id") != NULL ||
			  in_credentials(p, name, "aws_secret_access_key") != NULL;

	get = here ? in_credentials : in_config;
	*out = (struct mf_s3_profile_keys){.key_id = get(p, name, "aws_access_key_id"),
	    .secret = get(p, name, "aws_secret_access_key"),
	    .token = get(p, name, "aws_session_token"),
	    .path = here ? p->credentials_path : p->config_path};
	if (out->key_id == NULL && out->secret == NULL)
		return 1;
	if (out->key_id != NULL && out->secret != NULL)
		return 0;
	return mf_error_set(e, MF_EUSAGE, "profile %s in %s has %s but no %s", name, out->path,
	    out->key_id != NULL ? "aws_access_key_id" : "aws_secret_access_key",
	    out->key_id != NULL ? "aws_secret_access_key" : "aws_access_key_id");
}
