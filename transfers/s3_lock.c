/* Object lock: what a store tells of retentions and legal holds. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "transfers/s3_int.h"
#include "transfers/s3_time.h"

static const char *
lock_header(const struct s3_store *s, const struct mf_http_response *r, const char *name)
{
	char full[64];

	(void)snprintf(full, sizeof full, "%sobject-lock-%s", s->dialect->prefix, name);
	return mf_http_response_header(r, full);
}

int64_t
s3_locked_until(const struct s3_store *s, const struct mf_http_response *r, const char **mode)
{
	const char *hold = lock_header(s, r, "legal-hold");
	const char *how = lock_header(s, r, "mode");
	const char *until = lock_header(s, r, "retain-until-date");
	int64_t us;

	if (mode != NULL)
		*mode = NULL;
	if (hold != NULL && strcmp(hold, "ON") == 0)
		return MF_STORE_HELD;
	if (how == NULL || until == NULL || mf_s3_time_parse(until, &us) != 0)
		return 0;
	if (mode != NULL)
		*mode = how;
	return us;
}
