#include "src/migrate/migrate.h"

#define WEEK_MINUTES 10080
/* 1970-01-01 was a Thursday; minutes count from Monday. */
#define EPOCH_MINUTE (INT64_C(3) * 1440)

static bool
within(const struct mf_window_plan *w, int minute)
{
	if (w->from_minute <= w->to_minute)
		return minute >= w->from_minute && minute < w->to_minute;
	return minute >= w->from_minute || minute < w->to_minute; /* over the end of the week */
}

const struct mf_freeze_plan *
mf_migrate_freeze_at(const struct mf_migration_plan *m, int64_t unix_s)
{
	size_t i;

	for (i = 0; i < m->n_freezes; i++)
		if (unix_s >= m->freezes[i].from_unix_s && unix_s < m->freezes[i].to_unix_s)
			return &m->freezes[i];
	return NULL;
}

bool
mf_migrate_may_step(const struct mf_migration_plan *m, int64_t unix_s)
{
	int minute = (int)((unix_s / 60 + EPOCH_MINUTE) % WEEK_MINUTES);
	size_t i;

	if (mf_migrate_freeze_at(m, unix_s) != NULL)
		return false;
	for (i = 0; i < m->n_windows; i++)
		if (within(&m->windows[i], minute))
			return true;
	return m->n_windows == 0;
}
