/* Shared by the fuzz targets: what must hold, and texts cut out of the input. */
#ifndef MF_TESTS_FUZZ_CHECK_H
#define MF_TESTS_FUZZ_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static inline void
fuzz_require(int good)
{
	if (!good)
		abort();
}

/* An error says something, and nothing that a terminal would act upon. */
static inline void
fuzz_require_error(const struct mf_error *e)
{
	const char *p;

	fuzz_require(e->code > MF_OK && e->code < MF_CODES && e->message[0] != '\0');
	for (p = e->message; *p != '\0'; p++)
		fuzz_require((unsigned char)*p >= 0x20 && *p != 0x7f);
	for (p = e->hint; *p != '\0'; p++)
		fuzz_require((unsigned char)*p >= 0x20 && *p != 0x7f);
}

/* The input up to the byte stop, which is skipped, as a string (free(3)) in exactly as many bytes
 * as it needs, so that a sanitizer sees the first read past it; NULL at the end of the input. */
static inline char *
fuzz_next_text(const uint8_t **data, size_t *left, uint8_t stop)
{
	const uint8_t *end;
	size_t n;
	char *text;

	if (*left == 0)
		return NULL;
	end = memchr(*data, stop, *left);
	n = end != NULL ? (size_t)(end - *data) : *left;
	text = strndup((const char *)*data, n);
	fuzz_require(text != NULL);
	n += end != NULL;
	*data += n;
	*left -= n;
	return text;
}

/* The whole input as such a string; it ends at the first NUL. */
static inline char *
fuzz_text(const uint8_t *data, size_t n)
{
	char *text = strndup(n > 0 ? (const char *)data : "", n);

	fuzz_require(text != NULL);
	return text;
}

#endif
