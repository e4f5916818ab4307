/* The Content-Range of an answer. Pure, any thread. */
#ifndef MF_TRANSFERS_S3_RANGE_H
#define MF_TRANSFERS_S3_RANGE_H

#include <stdint.h>

/* "bytes 0-99/100" (RFC 9110, 14.4): 0, -1. *total is UINT64_MAX for "*". */
int s3_parse_content_range(const char *text, uint64_t *first, uint64_t *last, uint64_t *total);

#endif
