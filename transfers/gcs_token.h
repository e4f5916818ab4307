/*
 * What token endpoints answer: access tokens (RFC 6749, sections 5.1 and 5.2; RFC 8693, section
 * 2.2) and those of an impersonated service account (IAM Service Account Credentials API,
 * generateAccessToken). A token becomes credentials without a key id.
 *
 * Pure, any thread. The answers are secrets: the caller wipes them. No message has one in it.
 */
#ifndef MF_TRANSFERS_GCS_TOKEN_H
#define MF_TRANSFERS_GCS_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "transfers/s3_credentials.h"

/* {"access_token": ..., "expires_in": 3599, "token_type": "Bearer"}, that came at now. Without
 * expires_in it is used until it is refused. NULL with MF_ETRANSFER where it is something else. */
struct mf_s3_credentials *mf_gcs_token_parse(
    const void *answer, size_t n, int64_t now_unix_s, const char *origin, struct mf_error *e);

/* {"accessToken": ..., "expireTime": "2026-01-31T12:00:00Z"}. The same. */
struct mf_s3_credentials *mf_gcs_impersonated_parse(
    const void *answer, size_t n, const char *origin, struct mf_error *e);

/* That who refused, with its words, if it has any: {"error": "invalid_grant",
 * "error_description": ...} or {"error": {"status": ..., "message": ...}}. MF_ETRANSFER for 408,
 * 429 and 5xx, else MF_EPERM. -1. */
int mf_gcs_token_refused(
    const char *who, int http_status, const void *answer, size_t n, struct mf_error *e);

#endif
