/* What opening s3:// and gs:// stores share. */
#ifndef MF_TRANSFERS_S3_OPEN_INT_H
#define MF_TRANSFERS_S3_OPEN_INT_H

#include "transfers/s3_open.h"

/* The HTTP engine that the options ask for, with the proxies of the environment. */
struct mf_http *mf_s3_open_engine(
    const struct mf_s3_options *o, const char *ca_file, struct mf_error *e);

/* "bucket/path/" into two texts in one piece of memory, *bucket (free(3)) and *prefix. */
int mf_s3_split_place(const char *rest, char **bucket, const char **prefix, struct mf_error *e);

/* Append without the '/' at the end. */
void mf_s3_put_trimmed(struct mf_buf *out, const char *text);

#endif
