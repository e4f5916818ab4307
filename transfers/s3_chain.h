/*
 * Which source of credentials is asked: the usual order of the AWS tools. The first that is set
 * up is the one, and what is set up by halves, or asks for something that is not done here, is
 * refused by name: no quiet fall to the next.
 *
 *  1. files named by flags: one to a key, or a credentials file with a profile
 *  2. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; passed over where a flag names
 *     a profile
 *  3. the profile: AWS_PROFILE or "default", in AWS_SHARED_CREDENTIALS_FILE
 *     (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config): role_arn with source_profile or
 *     web_identity_token_file, or keys. Not done: credential_process, credential_source, SSO,
 *     MFA, a source_profile that is a role itself
 *  4. web identity: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_SESSION_NAME
 *  5. a container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, with
 *     AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE
 *  6. the instance's metadata, unless AWS_EC2_METADATA_DISABLED is true;
 *     AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_METADATA_SERVICE_TIMEOUT (seconds) and
 *     AWS_METADATA_SERVICE_NUM_ATTEMPTS hold
 *
 * STS is asked in AWS_REGION, AWS_DEFAULT_REGION or the profile's region, at AWS_ENDPOINT_URL_STS
 * or AWS_ENDPOINT_URL where one is set. An empty variable is as good as none.
 */
#ifndef MF_TRANSFERS_S3_CHAIN_H
#define MF_TRANSFERS_S3_CHAIN_H

#include "transfers/s3_fetch.h"
#include "transfers/s3_provider.h"

struct mf_s3_chain {
	/* Flags; NULL: not given. */
	const char *access_key_file;
	const char *secret_key_file;
	const char *session_token_file;
	const char *credentials_file;
	const char *profile;
	/* The environment: the value of a variable or NULL. Called before the return only. */
	const char *(*variable)(void *arg, const char *name);
	void *variable_arg;
	struct mf_s3_fetch fetch; /* copied */
};

/* The provider of what is set up. Reads files, asks nobody yet. Blocking. NULL with MF_EUSAGE or
 * MF_EUNSUPPORTED for what is refused, MF_EPERM where nothing is set up. */
struct mf_s3_provider *mf_s3_chain_open(const struct mf_s3_chain *c, struct mf_error *e);

/* The region to talk to, for whoever needs one: AWS_REGION, AWS_DEFAULT_REGION or the profile's.
 * 0: in out (MF_S3_REGION_BYTES, "" where none is set); -1. Blocking. */
int mf_s3_chain_region(const struct mf_s3_chain *c, char *out, struct mf_error *e);

#endif
