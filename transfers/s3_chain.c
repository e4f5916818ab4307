#include "config.h"

#include "transfers/s3_chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "src/base/units.h"
#include "transfers/s3_profile.h"
#include "transfers/s3_source.h"
#include "transfers/s3_xml.h"

#define PATH_BYTES 4096
#define URL_BYTES 2048

/* What the steps share. */
struct search {
	const struct mf_s3_chain *c;
	struct mf_error *e;
	const char *profile; /* its name */
	bool profile_named;  /* by a flag or a variable, so it must exist */
	char credentials_path[PATH_BYTES];
	char config_path[PATH_BYTES];
	struct mf_s3_profiles *profiles; /* NULL until they are needed */
};

/* A step: 0, and *out is the source, or it stays NULL, then the next step is taken. -1. */
typedef int step_fn(struct search *s, struct mf_s3_source **out);

/* The result of a constructor. */
static int
made(struct mf_s3_source *source, struct mf_s3_source **out)
{
	*out = source;
	return source != NULL ? 0 : -1;
}

static const char *
variable(const struct search *s, const char *name)
{
	const char *value = s->c->variable(s->c->variable_arg, name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The variable's path, with "~/" for the home; else the one below the home. */
static int
find_path(const struct search *s, const char *name, const char *below_home, char out[PATH_BYTES])
{
	const char *home = variable(s, "HOME"), *path = variable(s, name);
	int n;

	if (path == NULL && home == NULL)
		n = 0; /* nowhere */
	else if (path == NULL)
		n = snprintf(out, PATH_BYTES, "%s/%s", home, below_home);
	else if (strncmp(path, "~/", 2) == 0 && home != NULL)
		n = snprintf(out, PATH_BYTES, "%s%s", home, path + 1);
	else
		n = snprintf(out, PATH_BYTES, "%s", path);
	if (n == 0)
		out[0] = '\0';
	return n < PATH_BYTES ? 0
			      : mf_error_set(s->e, MF_EUSAGE, "the path in %s is too long", name);
}

static const char *
path_or_null(const char *path)
{
	return path[0] != '\0' ? path : NULL;
}

/* Which profile, in which files. */
static int
search_init(struct search *s, const struct mf_s3_chain *c, struct mf_error *e)
{
	*s = (struct search){.c = c, .e = e, .profile = c->profile};
	if (s->profile == NULL)
		s->profile = variable(s, "AWS_PROFILE");
	if (s->profile == NULL)
		s->profile = variable(s, "AWS_DEFAULT_PROFILE");
	s->profile_named = s->profile != NULL;
	if (!s->profile_named)
		s->profile = "default";
	if (find_path(s, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", s->credentials_path) ==
	    0)
		return find_path(s, "AWS_CONFIG_FILE", ".aws/config", s->config_path);
	return -1;
}

/* Read the two files, which nobody looks at where a flag or a variable decides. */
static int
read_profiles(struct search *s)
{
	if (s->profiles == NULL)
		s->profiles = mf_s3_profiles_read(path_or_null(s->credentials_path),
		    path_or_null(s->config_path), s->e);
	return s->profiles != NULL ? 0 : -1;
}

static const char *
setting(const struct search *s, const char *name)
{
	return mf_s3_profiles_get(s->profiles, s->profile, name);
}

static const char *
region_variable(const struct search *s)
{
	const char *r = variable(s, "AWS_REGION");

	return r != NULL ? r : variable(s, "AWS_DEFAULT_REGION");
}

static void
fill_in_sts(const struct search *s, struct mf_s3_role *role)
{
	role->region = region_variable(s);
	if (role->region == NULL)
		role->region = setting(s, "region");
	role->endpoint = variable(s, "AWS_ENDPOINT_URL_STS");
	if (role->endpoint == NULL)
		role->endpoint = variable(s, "AWS_ENDPOINT_URL");
}

/* 1. Flags */

static int
by_key_files(struct search *s, struct mf_s3_source **out)
{
	const struct mf_s3_chain *c = s->c;

	if (c->access_key_file == NULL && c->secret_key_file == NULL &&
	    c->session_token_file == NULL)
		return 0;
	if (c->access_key_file == NULL || c->secret_key_file == NULL)
		return mf_error_set(s->e, MF_EUSAGE, "the files of the access key and of the "
		    "secret key are named together or not at all");
	return made(mf_s3_source_key_files(c->access_key_file, c->secret_key_file,
	    c->session_token_file, s->e), out);
}

static int
by_credentials_file(struct search *s, struct mf_s3_source **out)
{
	const char *path = s->c->credentials_file;

	if (path == NULL)
		return 0;
	if (access(path, R_OK) != 0) {
		mf_error_sys(s->e, errno, "credentials file %s cannot be read", path);
		if (s->e != NULL)
			s->e->code = MF_EUSAGE; /* of the flag that names it */
		return -1;
	}
	return made(mf_s3_source_profile(path, NULL, s->profile, s->e), out);
}

/* 2. Variables */

static int
by_variables(struct search *s, struct mf_s3_source **out)
{
	struct mf_s3_credentials_params p = {.key_id = variable(s, "AWS_ACCESS_KEY_ID"),
	    .secret = variable(s, "AWS_SECRET_ACCESS_KEY"),
	    .token = variable(s, "AWS_SESSION_TOKEN"),
	    .expires_unix_s = MF_S3_NEVER,
	    .origin = "variable AWS_ACCESS_KEY_ID"};
	struct mf_s3_credentials *c;

	if (s->c->profile != NULL || (p.key_id == NULL && p.secret == NULL))
		return 0;
	if (p.key_id == NULL || p.secret == NULL)
		return mf_error_set(s->e, MF_EUSAGE, "variable %s is set, but %s is not",
		    p.key_id != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		    p.key_id != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	if ((c = mf_s3_credentials_new(&p, s->e)) == NULL)
		return -1;
	if (made(mf_s3_source_static_take(c, s->e), out) == 0)
		return 0;
	mf_s3_credentials_unref(c);
	return -1;
}

/* 3. The profile */

static int
unsupported(const struct search *s, const char *name, const char *profile)
{
	mf_error_set(s->e, MF_EUNSUPPORTED, "profile %s asks for %s, which modelferry does not do",
	    profile, name);
	return mf_error_hint(s->e, "put keys into the profile or into AWS_ACCESS_KEY_ID and "
	    "AWS_SECRET_ACCESS_KEY; 'aws configure export-credentials' prints temporary ones");
}

static int
parse_duration(const struct search *s, uint64_t *seconds)
{
	const char *text = setting(s, "duration_seconds");

	*seconds = 0;
	if (text == NULL || mf_parse_u64(text, 43200, seconds, NULL) == 0)
		return 0;
	return mf_error_set(s->e, MF_EUSAGE, "duration_seconds of profile %s is no number up to "
	    "43200", s->profile);
}

/* role_arn with source_profile, which may be the profile itself if it has keys. */
static int
by_source_profile(struct search *s, const struct mf_s3_role *role, struct mf_s3_source **out)
{
	const char *source = setting(s, "source_profile");
	struct mf_s3_profile_keys keys;
	struct mf_s3_source *inner;
	int rc;

	if (strcmp(source, s->profile) != 0 &&
	    mf_s3_profiles_get(s->profiles, source, "role_arn") != NULL)
		return unsupported(s, "a source_profile that is a role itself", s->profile);
	if ((rc = mf_s3_profiles_keys(s->profiles, source, &keys, s->e)) < 0)
		return -1;
	if (rc > 0)
		return mf_error_set(s->e, MF_EUSAGE, "profile %s, the source_profile of %s, has no "
		    "keys", source, s->profile);
	inner = mf_s3_source_profile(path_or_null(s->credentials_path),
	    path_or_null(s->config_path), source, s->e);
	if (inner == NULL)
		return -1;
	if (made(mf_s3_source_role_take(role, inner, &s->c->fetch, s->e), out) == 0)
		return 0;
	mf_s3_source_free(inner);
	return -1;
}

static int
by_role(struct search *s, struct mf_s3_source **out)
{
	const char *token_file = setting(s, "web_identity_token_file");
	struct mf_s3_role role = {.arn = setting(s, "role_arn"),
	    .session = setting(s, "role_session_name"),
	    .external_id = setting(s, "external_id")};

	if (setting(s, "mfa_serial") != NULL)
		return unsupported(s, "mfa_serial", s->profile);
	if (parse_duration(s, &role.duration_s) != 0)
		return -1;
	fill_in_sts(s, &role);
	if (token_file != NULL)
		return made(mf_s3_source_web_identity(&role, token_file, &s->c->fetch, s->e), out);
	if (setting(s, "source_profile") != NULL)
		return by_source_profile(s, &role, out);
	if (setting(s, "credential_source") != NULL)
		return unsupported(s, "credential_source", s->profile);
	return mf_error_set(s->e, MF_EUSAGE, "profile %s has role_arn, but neither source_profile "
	    "nor web_identity_token_file", s->profile);
}

static int
by_profile(struct search *s, struct mf_s3_source **out)
{
	static const char *const others[] = {"credential_process", "sso_session", "sso_start_url",
	    "sso_account_id", "login_session", "credential_source"};
	struct mf_s3_profile_keys keys;
	size_t i;
	int rc;

	if (read_profiles(s) != 0)
		return -1;
	if (s->profile_named && !mf_s3_profiles_has(s->profiles, s->profile))
		return mf_error_set(s->e, MF_EUSAGE, "there is no profile %s in %s or %s",
		    s->profile, s->credentials_path, s->config_path);
	if (setting(s, "role_arn") != NULL)
		return by_role(s, out);
	if ((rc = mf_s3_profiles_keys(s->profiles, s->profile, &keys, s->e)) < 0)
		return -1;
	if (rc == 0)
		return made(mf_s3_source_profile(path_or_null(s->credentials_path),
		    path_or_null(s->config_path), s->profile, s->e), out);
	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (setting(s, others[i]) != NULL)
			return unsupported(s, others[i], s->profile);
	return 0;
}

/* 4. Web identity */

static int
by_web_identity(struct search *s, struct mf_s3_source **out)
{
	const char *token_file = variable(s, "AWS_WEB_IDENTITY_TOKEN_FILE");
	struct mf_s3_role role = {
	    .arn = variable(s, "AWS_ROLE_ARN"), .session = variable(s, "AWS_ROLE_SESSION_NAME")};

	if (token_file == NULL)
		return 0; /* AWS_ROLE_ARN alone is nothing that the AWS tools look at */
	if (role.arn == NULL)
		return mf_error_set(s->e, MF_EUSAGE,
		    "variable AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
	fill_in_sts(s, &role);
	return made(mf_s3_source_web_identity(&role, token_file, &s->c->fetch, s->e), out);
}

/* 5. A container */

static int
by_container(struct search *s, struct mf_s3_source **out)
{
	const char *relative = variable(s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = variable(s, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *token_file = variable(s, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = NULL;
	char url[URL_BYTES];
	int n;

	if (relative == NULL && full == NULL)
		return 0;
	if (relative != NULL && relative[0] != '/')
		return mf_error_set(s->e, MF_EUSAGE, "variable "
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
	n = snprintf(url, sizeof url, "%s%s", relative != NULL ? "http://169.254.170.2" : "",
	    relative != NULL ? relative : full);
	if (n < 0 || (size_t)n >= sizeof url)
		return mf_error_set(s->e, MF_EUSAGE, "variable %s is too long",
		    relative != NULL ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
				     : "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (token_file == NULL)
		token = variable(s, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	return made(mf_s3_source_container(url, token, token_file, &s->c->fetch, s->e), out);
}

/* 6. The instance */

static int
by_instance(struct search *s, struct mf_s3_source **out)
{
	const char *disabled = variable(s, "AWS_EC2_METADATA_DISABLED");
	const char *timeout = variable(s, "AWS_METADATA_SERVICE_TIMEOUT");
	const char *attempts = variable(s, "AWS_METADATA_SERVICE_NUM_ATTEMPTS");
	uint64_t seconds = 0, n = 0;

	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return 0;
	if ((timeout != NULL && mf_parse_u64(timeout, 60, &seconds, s->e) != 0) ||
	    (attempts != NULL && mf_parse_u64(attempts, 100, &n, s->e) != 0))
		return mf_error_while(s->e, "reading the AWS_METADATA_SERVICE variables");
	return made(mf_s3_source_instance(variable(s, "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
			seconds * 1000000, (unsigned)n, &s->c->fetch, s->e),
	    out);
}

static struct mf_s3_source *
find(struct search *s)
{
	static step_fn *const steps[] = {by_key_files, by_credentials_file, by_variables,
	    by_profile, by_web_identity, by_container, by_instance};
	struct mf_s3_source *source = NULL;
	size_t i;

	for (i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		if (steps[i](s, &source) != 0)
			return NULL;
		if (source != NULL)
			return source;
	}
	mf_error_set(s->e, MF_EPERM, "no credentials: none are set");
	mf_error_hint(s->e, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
	return NULL;
}

struct mf_s3_provider *
mf_s3_chain_open(const struct mf_s3_chain *c, struct mf_error *e)
{
	struct mf_s3_provider *provider = NULL;
	struct mf_s3_source *source;
	struct search s;

	if (search_init(&s, c, e) == 0 && (source = find(&s)) != NULL &&
	    (provider = mf_s3_provider_take(source, e)) == NULL)
		mf_s3_source_free(source);
	mf_s3_profiles_free(s.profiles);
	return provider;
}

int
mf_s3_chain_region(const struct mf_s3_chain *c, char *out, struct mf_error *e)
{
	const char *name;
	struct search s;
	int rc = -1;

	out[0] = '\0';
	if (search_init(&s, c, e) != 0)
		return -1;
	name = region_variable(&s);
	if (name == NULL) {
		if (read_profiles(&s) != 0)
			goto out;
		name = setting(&s, "region");
	}
	if (name != NULL && strlen(name) >= MF_S3_REGION_BYTES) {
		mf_error_set(e, MF_EUSAGE, "the name of the region is too long");
		goto out;
	}
	if (name != NULL)
		memcpy(out, name, strlen(name) + 1);
	rc = 0;
out:
	mf_s3_profiles_free(s.profiles);
	return rc;
}
