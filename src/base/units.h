/*
 * Units as people write them, and as they read them. Pure. Strict: an empty string, a sign,
 * trailing garbage or an overflow is -1 with MF_EUSAGE and a message that quotes the text.
 */
#ifndef MF_BASE_UNITS_H
#define MF_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

/* "4096", "8M", "8MiB", "1.5G", "64k": binary multiples as in rclone; plain is bytes. */
int mf_parse_size(const char *text, uint64_t *bytes, struct mf_error *e);
/* "90", "30s", "5m", "1h30m", "7d", "2w", "250ms"; plain is seconds. */
int mf_parse_duration(const char *text, uint64_t *us, struct mf_error *e);
int mf_parse_u64(const char *text, uint64_t max, uint64_t *value, struct mf_error *e);
/* "10", "0.5", with three decimals at most, in thousandths; max is of these too. */
int mf_parse_thousandths(const char *text, uint64_t max, uint64_t *value, struct mf_error *e);
/* "2026-01-31T12:00:00Z" (RFC 3339, UTC) to Unix time in microseconds, and back. */
int mf_parse_time(const char *text, int64_t *unix_us, struct mf_error *e);

#define MF_TIME_TEXT_BYTES 32
#define MF_UNIT_TEXT_BYTES 32
/* For people. Each returns out. */
const char *mf_format_time(int64_t unix_us, char out[MF_TIME_TEXT_BYTES]); /* as above, UTC */
const char *mf_format_size(uint64_t bytes, char out[MF_UNIT_TEXT_BYTES]);   /* "1.5 GiB" */
const char *mf_format_duration(uint64_t us, char out[MF_UNIT_TEXT_BYTES]);  /* "1h30m", "4.9s" */
/* The end of a word that is counted: "1 failure", "2 failures". */
static inline const char *
mf_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#endif
