/*
 * The sources of credentials, each by itself; which of them is asked, s3_chain.h decides. Texts
 * and functions that are given are copied. A source belongs to one thread at a time.
 *
 * Every constructor: NULL with *e set. Every fetch: MF_ETRANSFER where trying later may help,
 * MF_EPERM where a source answers and gives none, MF_EUSAGE where it is set up wrongly.
 */
#ifndef MF_TRANSFERS_S3_SOURCE_H
#define MF_TRANSFERS_S3_SOURCE_H

#include <stdint.h>

#include "transfers/s3_fetch.h"
#include "transfers/s3_provider.h"

/* Always these, of which it takes a reference over. */
struct mf_s3_source *mf_s3_source_static_take(struct mf_s3_credentials *c, struct mf_error *e);

/* One line in each file (a Kubernetes Secret as a volume), read again each time. token_path may
 * be NULL. */
struct mf_s3_source *mf_s3_source_key_files(const char *key_id_path, const char *secret_path,
    const char *token_path, struct mf_error *e);

/* The keys of a profile (s3_profile.h), read again each time. A path may be NULL. */
struct mf_s3_source *mf_s3_source_profile(const char *credentials_path, const char *config_path,
    const char *profile, struct mf_error *e);

/* A role of AWS STS (API Reference, AssumeRole and AssumeRoleWithWebIdentity). */
struct mf_s3_role {
	const char *arn;
	const char *session;     /* NULL: "modelferry" */
	const char *external_id; /* or NULL; of AssumeRole */
	uint64_t duration_s;     /* 0: STS's default, an hour */
	const char *region;      /* NULL: the global endpoint, us-east-1 */
	const char *endpoint;    /* NULL: AWS's for the region */
};

/* By an identity token in a file that is read again each time (IRSA). */
struct mf_s3_source *mf_s3_source_web_identity(const struct mf_s3_role *role,
    const char *token_path, const struct mf_s3_fetch *fetch, struct mf_error *e);

/* By the credentials of another source, which belongs to it once it is returned. */
struct mf_s3_source *mf_s3_source_role_take(const struct mf_s3_role *role,
    struct mf_s3_source *inner, const struct mf_s3_fetch *fetch, struct mf_error *e);

/* A container's endpoint: ECS, EKS Pod Identity (SDKs and Tools Reference Guide, "Container
 * credential provider"). url: https, or http to this machine or to 169.254.170.2,
 * 169.254.170.23 or fd00:ec2::23. What goes into Authorization: a text, or a file that is read
 * again each time, or neither. */
struct mf_s3_source *mf_s3_source_container(const char *url, const char *authorization,
    const char *authorization_path, const struct mf_s3_fetch *fetch, struct mf_error *e);

#define MF_S3_INSTANCE_URL "http://169.254.169.254"

/* The instance metadata service of EC2, version 2 only (EC2 User Guide, "Use the Instance
 * Metadata Service"). url: NULL for MF_S3_INSTANCE_URL, else as with a container, or
 * 169.254.169.254 or fd00:ec2::254. Each request takes timeout_us at most (0: a second), the
 * first is made up to attempts times (0: 2). Where nobody answers at all, that is MF_EPERM: this
 * is no such machine. */
struct mf_s3_source *mf_s3_source_instance(const char *url, uint64_t timeout_us, unsigned attempts,
    const struct mf_s3_fetch *fetch, struct mf_error *e);

#endif
