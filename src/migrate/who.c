#include "src/migrate/who.h"

#include <stdio.h>
#include <string.h>

#include "src/base/units.h"
#include "src/migrate/local_lease.h"
#include "src/repo/lease_file.h"
#include "src/repo/run_record.h"
#include "src/traffic/router.h"

#define DEAD_LEASES 3u /* not renewed for so many times as long as it lasts */

/* What the holder's name says behind the run; NULL: it is another run. */
static const char *
behind_run(const char *holder, const char *run)
{
	const size_t n = strlen(run);

	if (strncmp(holder, run, n) != 0)
		return NULL;
	if (strncmp(holder + n, ", ", 2) == 0)
		return holder + n + 2;
	return holder[n] == '\0' ? holder + n : NULL;
}

int
mf_who_hint(const char *holder, bool in_repo, struct mf_error *e)
{
	const int n = (int)strcspn(holder, ",");

	if (!in_repo)
		return mf_error_hint(e,
		    "run this again when it has ended; SIGTERM to its process takes its traffic "
		    "back first");
	return mf_error_hint(e,
	    "`modelferry status %.*s` shows what it does; `modelferry migrate --abort %.*s` takes "
	    "it back; or run this again when it has ended",
	    n, holder, n, holder);
}

/* ---- this machine ---- */

struct local {
	const struct mf_who_look *look;
	char *text;
};

static int
is_held(void *arg, const char *path, const char *object, struct mf_error *e)
{
	const struct local *l = arg;
	struct mf_lease_holder holder;
	const char *who;
	bool held;

	(void)object;
	if (mf_lease_file_look(path, &holder, &held, e) != 0 || !held ||
	    (who = behind_run(holder.name, l->look->run)) == NULL)
		return 0;
	(void)snprintf(l->text, MF_WHO_TEXT_BYTES, "%.300s", who);
	return 1;
}

static bool
runs_here(const struct mf_who_look *look, char text[MF_WHO_TEXT_BYTES])
{
	struct local l = {.look = look, .text = text};
	struct mf_error ignored = {0};
	char dir[4096];

	return mf_local_leases_dir(look->journal, dir, &ignored) == 0 &&
	       mf_local_leases_each(&look->plan->migration->router, dir, is_held, &l, &ignored) ==
		   1;
}

/* ---- the repository ---- */

/* One of its leases: they are taken and let go together. 0; 1: none; -1. */
static int
look_at_lease(const struct mf_who_look *look, struct mf_lease_holder *out)
{
	const struct mf_migration_plan *m = look->plan->migration;
	struct mf_router_objects objects;
	char name[MF_LEASE_NAME_MAX_BYTES + 1];
	struct mf_error ignored = {0};

	if (mf_router_objects_of(&m->router, &objects, &ignored) != 0)
		return -1;
	if (objects.n > 0)
		return mf_lease_look(
		    look->records, MF_LEASE_TRAFFIC, objects.names[0], out, &ignored);
	if (m->model == NULL)
		return 1;
	(void)snprintf(name, sizeof name, "%s@%s", m->model, m->production_ref);
	return mf_lease_look(look->records, MF_LEASE_REF, name, out, &ignored);
}

static void
put_heartbeat(const struct mf_who_look *look, char text[MF_WHO_TEXT_BYTES])
{
	struct mf_run_beat beat;
	struct mf_buf plain;
	struct mf_error ignored = {0};
	char age[MF_UNIT_TEXT_BYTES];
	uint64_t age_us;
	size_t n = strlen(text);

	if (mf_run_last_beat(look->records, look->run, &beat, &plain, &age_us, &ignored) == 0)
		(void)snprintf(text + n, MF_WHO_TEXT_BYTES - n, "%sheartbeat %s ago",
		    n == 0 ? "" : ", ", mf_format_duration(age_us / 1000000 * 1000000, age));
	mf_buf_fini(&plain);
}

static enum mf_who
runs_anywhere(const struct mf_who_look *look, char text[MF_WHO_TEXT_BYTES])
{
	struct mf_lease_holder holder = {.token = 0};
	const char *who;
	int rc = look_at_lease(look, &holder);
	int64_t age_us = look->unix_us - holder.written_us;

	if (rc != 0)
		return rc < 0 ? MF_WHO_UNKNOWN : MF_WHO_NOBODY;
	who = behind_run(holder.name, look->run);
	if (who != NULL)
		(void)snprintf(text, MF_WHO_TEXT_BYTES, "%.300s", who);
	put_heartbeat(look, text);
	if (who == NULL || holder.duration_us == 0 ||
	    (age_us > 0 && (uint64_t)age_us > DEAD_LEASES * holder.duration_us))
		return MF_WHO_NOBODY;
	return MF_WHO_SOMEBODY;
}

enum mf_who
mf_who_runs(const struct mf_who_look *look, char text[MF_WHO_TEXT_BYTES])
{
	text[0] = '\0';
	if (runs_here(look, text)) {
		if (look->records != NULL)
			put_heartbeat(look, text);
		return MF_WHO_SOMEBODY;
	}
	if (look->records == NULL || !mf_lease_can(look->records))
		return MF_WHO_UNKNOWN;
	return runs_anywhere(look, text);
}
