/*
 * The leases of a run. In this order: the file that --lease names; what this machine alone knows
 * (local_lease.h); what the router moves, the ref and the destination, in the repository. Each
 * excludes whoever else wants the same one.
 */
#include "src/migrate/migrate_int.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "src/base/fs.h"
#include "src/base/units.h"
#include "src/migrate/local_lease.h"
#include "src/migrate/who.h"
#include "src/repo/lease_file.h"
#include "src/traffic/router.h"

/* Short, because a run whose machine is gone is resumed elsewhere only when it has run out. */
#define LEASE_US UINT64_C(20000000)
#define LEASE_NAME_BYTES 1025u
#define WANTED_MAX (MF_ROUTER_OBJECTS_MAX + 2u)
#define LOOK_US UINT64_C(1000000) /* between two looks at a lease that somebody else holds */

/* The run first, and then who is at it, for people: src/migrate/who.h. */
static void
name_holder(const struct mf_migrating *x, char out[MF_LEASE_HOLDER_MAX_BYTES + 1])
{
	char since[MF_TIME_TEXT_BYTES];

	(void)snprintf(out, MF_LEASE_HOLDER_MAX_BYTES + 1, "%s, %s, process %ld, since %s",
	    x->p->run_id, x->p->actor, (long)getpid(),
	    mf_format_time(x->p->unix_us() / 1000000 * 1000000, since));
}

static void
params_of(struct mf_migrating *x, struct mf_lease_params *p)
{
	*p = (struct mf_lease_params){
	    .holder = x->holder,
	    .duration_us = LEASE_US,
	    .has_dead = x->has_former,
	    .now_us = mf_migrating_ask_boot_us,
	    .unix_us = mf_migrating_ask_unix_us,
	    .arg = x,
	};
	memcpy(p->instance, x->p->instance, sizeof p->instance);
	memcpy(p->dead, x->former, sizeof p->dead);
}

struct wanted {
	struct mf_lease_params p[WANTED_MAX];
	char names[WANTED_MAX][LEASE_NAME_BYTES];
	size_t n;
};

static void __attribute__((format(printf, 4, 5)))
want(struct mf_migrating *x, struct wanted *w, enum mf_lease_kind kind, const char *fmt, ...)
{
	char *name = w->names[w->n];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(name, LEASE_NAME_BYTES, fmt, ap);
	va_end(ap);
	params_of(x, &w->p[w->n]);
	w->p[w->n].kind = kind;
	w->p[w->n++].name = name;
}

/* Two plans that share a backend exclude each other, whatever models they carry. */
static int
want_traffic(struct mf_migrating *x, struct wanted *w, struct mf_error *e)
{
	struct mf_router_objects objects;
	size_t i;

	if (mf_router_objects_of(&x->m->router, &objects, e) != 0)
		return -1;
	for (i = 0; i < objects.n; i++)
		want(x, w, MF_LEASE_TRAFFIC, "%s", objects.names[i]);
	return 0;
}

static int
make_leases_in_repo(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	struct wanted w;

	w.n = 0;
	if (want_traffic(x, &w, e) != 0)
		return -1;
	if (x->m->model != NULL)
		want(x, &w, MF_LEASE_REF, "%s@%s", x->m->model, x->m->production_ref);
	if (d->kind != MF_DESTINATION_NONE)
		want(x, &w, MF_LEASE_DESTINATION, "%s:%s", d->name == NULL ? "" : d->name,
		    d->kind == MF_DESTINATION_MIRROR ? d->mirror : d->dir);
	return mf_lease_set_init(&x->leases, x->p->records, w.p, w.n, e);
}

static int
add_local(void *arg, const char *path, const char *object, struct mf_error *e)
{
	struct mf_migrating *x = arg;
	char label[LEASE_NAME_BYTES + 64];
	struct mf_lease_params p;

	params_of(x, &p);
	p.kind = MF_LEASE_TRAFFIC;
	(void)snprintf(label, sizeof label, "on this machine, the lease of traffic %s", object);
	p.label = label;
	return mf_lease_set_add_file(&x->leases, path, &p, e);
}

/* Below the state directory. */
static int
make_local_leases(struct mf_migrating *x, struct mf_error *e)
{
	char dir[4096];

	if (mf_local_leases_dir(x->p->journal, dir, e) != 0 ||
	    mf_fs_mkdirs(AT_FDCWD, dir, 0700, e) != 0)
		return -1;
	return mf_local_leases_each(&x->m->router, dir, add_local, x, e);
}

/* Who names a file means others that use the file; those of the repository and of this machine are
 * excluded all the same. */
static int
make_leases(struct mf_migrating *x, struct mf_error *e)
{
	const char *file = x->p->lease_file;
	struct mf_lease_params p;

	if ((x->p->records != NULL && (file == NULL || mf_lease_can(x->p->records)) &&
		make_leases_in_repo(x, e) != 0) ||
	    make_local_leases(x, e) != 0)
		return -1;
	if (file == NULL)
		return 0;
	params_of(x, &p);
	p.kind = MF_LEASE_TRAFFIC;
	return mf_lease_set_add_file(&x->leases, file, &p, e);
}

/* A holder that lives renews its lease, and then its record is another one. */
static bool
may_be_dead(const struct mf_lease_holder *now, struct mf_lease_holder *first)
{
	if (first->duration_us == 0)
		*first = *now;
	return now->token == first->token && now->written_us == first->written_us &&
	       strcmp(now->name, first->name) == 0;
}

/* Who holds it, and what is to be done. */
static int
refuse_held(struct mf_migrating *x, const struct mf_lease *which,
    const struct mf_lease_holder *other, struct mf_error *e)
{
	const int64_t age_us = x->p->unix_us() - other->written_us;
	char renewed[MF_UNIT_TEXT_BYTES];

	(void)mf_error_set(e, MF_ECONFLICT, "%s is held by %s", mf_lease_label(which), other->name);
	if (!mf_lease_is_in_file(which) && age_us >= 0)
		(void)mf_error_set(e, MF_ECONFLICT, "%s is held by %s, renewed %s ago",
		    mf_lease_label(which), other->name,
		    mf_format_duration((uint64_t)age_us / 100000 * 100000, renewed));
	return mf_who_hint(other->name, x->p->records != NULL, e);
}

/* Once: the others of the same process come after it, each watched anew. */
static void
tell_waiting(struct mf_migrating *x, const struct mf_lease *which,
    const struct mf_lease_holder *other, uint64_t wait_us)
{
	char text[LEASE_NAME_BYTES + 2 * MF_LEASE_HOLDER_MAX_BYTES], until[MF_TIME_TEXT_BYTES];
	size_t i, left = 0;

	if (strcmp(x->waits_for, other->name) == 0)
		return;
	(void)snprintf(x->waits_for, sizeof x->waits_for, "%s", other->name);
	for (i = 0; i < x->leases.n; i++)
		left += !mf_lease_is_in_file(x->leases.items[i]) &&
			!mf_lease_is_held(x->leases.items[i]);
	(void)snprintf(text, sizeof text,
	    "waiting for the leases of %s to run out, %s the first: until %s at the latest",
	    other->name, mf_lease_label(which),
	    mf_format_time((x->p->unix_us() + (int64_t)(wait_us * (left == 0 ? 1 : left))) /
			       1000000 * 1000000,
		until));
	mf_migrating_stage(x, MF_STAGE_PREFLIGHT, text);
}

/* They are held. Of somebody who lives, or for longer than anybody waits: a conflict. Of a process
 * that may be dead, whoever's: it has to run out first, and it does so only for who watches it. */
static int
wait_for_leases(struct mf_migrating *x, const struct mf_lease *which,
    const struct mf_lease_holder *other, struct mf_lease_holder *first, uint64_t wait_us,
    struct mf_error *e)
{
	const bool began = first->duration_us == 0;

	/* what lies in a file is held by a process that lives, or is being ended just now */
	if (wait_us > 2 * LEASE_US || !may_be_dead(other, first) ||
	    (mf_lease_is_in_file(which) && !began))
		return refuse_held(x, which, other, e);
	if (x->p->interrupted())
		return mf_error_set(
		    e, MF_EINTERRUPTED, "interrupted while waiting for %s", mf_lease_label(which));
	if (began)
		tell_waiting(x, which, other, wait_us);
	x->p->sleep(wait_us > LOOK_US ? LOOK_US : wait_us);
	return 0;
}

#define DEAD_LEASES 3u /* as who.c has it: not renewed for so many times as long as it lasts */

static int
refuse_seen(struct mf_migrating *x, const char *label, const struct mf_lease_holder *other,
    struct mf_error *e)
{
	x->held_elsewhere = true;
	(void)mf_error_set(e, MF_ECONFLICT, "%s is held by %s", label, other->name);
	return mf_who_hint(other->name, x->p->records != NULL, e);
}

static int
look_in_repo(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_lease_holder other;
	struct mf_router_objects objects;
	struct mf_error ignored = {0};
	char label[LEASE_NAME_BYTES + 64];
	int64_t age_us;
	size_t i;

	if (x->p->records == NULL || !mf_lease_can(x->p->records))
		return 0;
	if (mf_router_objects_of(&x->m->router, &objects, e) != 0)
		return -1;
	for (i = 0; i < objects.n; i++) {
		if (mf_lease_look(x->p->records, MF_LEASE_TRAFFIC, objects.names[i], &other,
			&ignored) != 0)
			continue;
		age_us = x->p->unix_us() - other.written_us;
		if (other.duration_us == 0 ||
		    (age_us > 0 && (uint64_t)age_us > DEAD_LEASES * other.duration_us))
			continue;
		(void)snprintf(label, sizeof label, "the lease of traffic %s", objects.names[i]);
		return refuse_seen(x, label, &other, e);
	}
	return 0;
}

static int
look_at_file(void *arg, const char *path, const char *object, struct mf_error *e)
{
	struct mf_migrating *x = arg;
	struct mf_lease_holder other;
	struct mf_error ignored = {0};
	char label[LEASE_NAME_BYTES + 64];
	bool held = false;

	if (mf_lease_file_look(path, &other, &held, &ignored) != 0 || !held)
		return 0;
	(void)snprintf(label, sizeof label, "on this machine, the lease of traffic %s", object);
	return refuse_seen(x, label, &other, e);
}

int
mf_migrating_look_at_holder(struct mf_migrating *x, struct mf_error *e)
{
	char dir[4096];
	int rc = 0;

	if (x->m->router.type == MF_ROUTER_NONE)
		return 0;
	if (x->p->journal != NULL && (rc = mf_local_leases_dir(x->p->journal, dir, e)) == 0)
		rc = mf_local_leases_each(&x->m->router, dir, look_at_file, x, e);
	if (rc == 0 && x->p->lease_file != NULL)
		rc = look_at_file(x, x->p->lease_file, x->p->lease_file, e);
	if (rc == 0)
		rc = look_in_repo(x, e);
	return rc == 0 ? 0 : mf_migrating_looked(x, "lease", -1, "", e);
}

int
mf_migrating_take_leases(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_lease *which = NULL, *before = NULL;
	struct mf_lease_holder other = {0}, first = {0};
	uint64_t wait_us = 0;
	int rc;

	if (x->p->records == NULL && x->p->lease_file == NULL) {
		(void)mf_error_set(e, MF_EUSAGE,
		    "%s: a run without a repository has no leases that others see", x->m->name);
		return mf_error_hint(e,
		    "give --repo, which keeps the leases, or name a file that all runs of this "
		    "traffic share: --lease file:PATH");
	}
	name_holder(x, x->holder);
	if (make_leases(x, e) != 0)
		return -1;
	while ((rc = mf_lease_set_take(&x->leases, &which, &other, &wait_us, e)) > 0) {
		if (which != before) /* the one before it has run out: another record */
			first = (struct mf_lease_holder){0};
		before = which;
		if (wait_for_leases(x, which, &other, &first, wait_us, e) != 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	x->leased = true;
	return 0;
}
