/* What the files that fill a view share. */
#ifndef MF_MIGRATE_VIEW_INT_H
#define MF_MIGRATE_VIEW_INT_H

#include "src/migrate/view.h"

/* Escaped, and cut; NULL is "". */
void mf_view_set_text(char *out, size_t bytes, const char *text);
/* At the end of what is there, and cut. */
void mf_view_add(char *out, size_t bytes, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A time of the run's clock, by that of the machine. */
static inline int64_t
mf_view_unix_of(const struct mf_view_moment *now, uint64_t us)
{
	return now->unix_us + ((int64_t)us - (int64_t)now->now_us);
}

/* Of a Canary: hold, since and until when, waits, reason. */
void mf_view_put_hold(struct mf_migrate_view *v, const struct mf_view_moment *now);

#endif
