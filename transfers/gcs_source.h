/*
 * The sources of access tokens for Google Cloud Storage, each by itself; which of them is asked,
 * gcs_chain.h decides. As those of s3_source.h, whose errors they have: their credentials are
 * bearer tokens. Texts and functions that are given are copied.
 */
#ifndef MF_TRANSFERS_GCS_SOURCE_H
#define MF_TRANSFERS_GCS_SOURCE_H

#include <stdint.h>

#include "transfers/s3_fetch.h"
#include "transfers/s3_provider.h"

/* What modelferry does with a token: read, write and delete objects. */
#define MF_GCS_SCOPE "https://www.googleapis.com/auth/devstorage.read_write"

/* A credential file (gcs_file.h), read again each time: a key that is rotated in a mounted Secret
 * is used. Reads it once, so that what is wrong with it is told at once. Blocking. */
struct mf_s3_source *mf_gcs_source_file(
    const char *path, const struct mf_s3_fetch *fetch, struct mf_error *e);

#define MF_GCS_METADATA_HOST "metadata.google.internal"

/* The metadata server of a virtual machine, a pod or a service of Google Cloud: the token of its
 * default service account. host: "HOST[:PORT]"; NULL for MF_GCS_METADATA_HOST. It is asked by plain
 * http and no proxy, as it must be, with the header Metadata-Flavor: Google, and believed only
 * where the answer has that, too. Each request takes timeout_us at most (0: 3 s), the first is made
 * up to attempts times (0: 3). Where nobody answers at all, that is MF_EPERM: this is no such
 * machine. */
struct mf_s3_source *mf_gcs_source_metadata(const char *host, uint64_t timeout_us,
    unsigned attempts, const struct mf_s3_fetch *fetch, struct mf_error *e);

#endif
