/* Times as S3, STS and the metadata services write them: ISO 8601, UTC; in headers as HTTP does.
 * Pure, any thread. */
#ifndef MF_TRANSFERS_S3_TIME_H
#define MF_TRANSFERS_S3_TIME_H

#include <stdint.h>

/* "2026-01-31T12:00:00Z", with any number of decimals behind the seconds ("12:00:00.000Z"), into
 * Unix time in microseconds; finer digits are dropped. 0, or -1 for anything else. */
int mf_s3_time_parse(const char *text, int64_t *unix_us);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7, IMF-fixdate; the older forms are not read),
 * into Unix time in microseconds. 0, or -1 for anything else. */
int mf_s3_time_parse_http(const char *text, int64_t *unix_us);

#endif
