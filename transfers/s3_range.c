#include "config.h"

#include "transfers/s3_range.h"

#include <string.h>

/* Digits, at most as many as fit for sure. 0, and *at is behind them; -1. */
static int
take_number(const char **at, uint64_t *out)
{
	const size_t n = strspn(*at, "0123456789");
	size_t i;

	if (n == 0 || n > 18)
		return -1;
	for (*out = 0, i = 0; i < n; i++)
		*out = *out * 10 + (uint64_t)((*at)[i] - '0');
	*at += n;
	return 0;
}

int
s3_parse_content_range(const char *text, uint64_t *first, uint64_t *last, uint64_t *total)
{
	const char *at = text + strlen("bytes ");

	*total = UINT64_MAX;
	if (strncmp(text, "bytes ", strlen("bytes ")) != 0 || take_number(&at, first) != 0 ||
	    *at++ != '-' || take_number(&at, last) != 0 || *at++ != '/')
		return -1;
	if (strcmp(at, "*") == 0)
		return 0;
	return take_number(&at, total) == 0 && *at == '\0' ? 0 : -1;
}
