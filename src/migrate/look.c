/* What a preflight looks at beside the router and the metrics: versions, the destination, the bytes
 * that are to be moved, the servers. It asks and reads, and writes nothing. */
#include "src/migrate/migrate_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/units.h"
#include "src/repo/pull.h"
#include "src/repo/version.h"
#include "src/traffic/serves.h"

#define TEXT_BYTES 1024u
#define PATH_BYTES 4096u

int
mf_migrating_looked(
    struct mf_migrating *x, const char *subject, int rc, const char *text, const struct mf_error *e)
{
	char why[TEXT_BYTES];
	struct mf_migrate_event event = {
	    .kind = MF_MIGRATE_LOOK,
	    .stage = MF_STAGE_PREFLIGHT,
	    .subject = subject,
	    .well = rc == 0,
	    .text = rc == 0 ? text : why,
	};

	if (rc != 0) {
		(void)mf_error_text(e, why, sizeof why);
		why[strcspn(why, "\n")] = '\0'; /* the hint stands by itself */
		event.hint = e->hint[0] != '\0' ? e->hint : mf_error_row(e->code)->hint;
	}
	if (x->p->tell != NULL)
		x->p->tell(x->p->tell_arg, &event);
	return rc;
}

/* ---- versions ---- */

/* Does the destination hold it already? */
static bool
is_there(const struct mf_migrating *x, const struct mf_version *v)
{
	const struct mf_pull_params p = {
	    .dir = x->m->destination.dir, .link = x->m->destination.link};

	return x->m->destination.kind == MF_DESTINATION_DIR && !x->m->destination.remote &&
	       mf_pull_has(&p, v, NULL);
}

static int
look_at_version(struct mf_migrating *x, char text[TEXT_BYTES], struct mf_error *e)
{
	char size[MF_UNIT_TEXT_BYTES];
	struct mf_version v = {0};
	int rc = mf_version_find(x->p->repo, x->m->model, x->version, &v, e);

	if (rc == 1)
		return mf_migrating_look_at_push(x, text, TEXT_BYTES, e);
	if (rc != 0)
		return -1;
	x->outlook.version_bytes = v.root.bytes;
	x->present = is_there(x, &v);
	(void)snprintf(text, TEXT_BYTES, "%s@%s is in the repository, %s", x->m->model, x->version,
	    mf_format_size(v.root.bytes, size));
	rc = mf_migrating_check_rejected(x, &v, e);
	mf_version_fini(&v);
	return rc;
}

int
mf_migrating_look_at_versions(struct mf_migrating *x, struct mf_error *e)
{
	char text[TEXT_BYTES] = "traffic alone, no model";
	const char *ref = x->m->production_ref;
	int rc = mf_migrating_find(x, e);

	/* a run that is resumed has looked, and does not turn back for what changed since */
	if (rc == 0 && x->p->repo != NULL && x->p->resume == MF_MIGRATE_FRESH)
		rc = look_at_version(x, text, e);
	if (mf_migrating_looked(x, "version", rc, text, e) != 0 || x->p->repo == NULL)
		return rc;
	if (x->previous[0] == '\0')
		(void)snprintf(text, sizeof text, "%s names no version yet", ref);
	else
		(void)snprintf(text, sizeof text, "%s names %s", ref, x->previous);
	return mf_migrating_looked(x, "ref", 0, text, e);
}

/* ---- the destination ---- */

/* The directory, or where a pull will make it: the nearest one above that is there. */
static int
nearest(const char *dir, char out[PATH_BYTES], struct mf_error *e)
{
	struct stat st;
	char *slash;

	if (snprintf(out, PATH_BYTES, "%s", dir) >= (int)PATH_BYTES)
		return mf_error_set(e, MF_EUSAGE, "%s: the path is too long", dir);
	while (stat(out, &st) != 0) {
		if (errno != ENOENT)
			return mf_error_sys(e, errno, "cannot look at %s", out);
		slash = strrchr(out, '/');
		if (slash == NULL)
			(void)strcpy(out, ".");
		else
			slash[slash == out] = '\0';
	}
	if (!S_ISDIR(st.st_mode))
		return mf_error_set(e, MF_EEXIST, "%s is there and is no directory", out);
	if (faccessat(AT_FDCWD, out, W_OK | X_OK, AT_EACCESS) != 0)
		return mf_error_sys(e, errno, "cannot write to %s", out);
	return 0;
}

static int
check_link(const struct mf_site_plan *d, struct mf_error *e)
{
	char path[PATH_BYTES];
	struct stat st;

	if (d->link == NULL ||
	    snprintf(path, sizeof path, "%s/%s", d->dir, d->link) >= (int)sizeof path ||
	    lstat(path, &st) != 0 || S_ISLNK(st.st_mode))
		return 0;
	return mf_error_set(e, MF_EEXIST, "%s is there and is no symbolic link", path);
}

int
mf_migrating_look_at_destination(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *d = &x->m->destination;
	char path[PATH_BYTES], text[TEXT_BYTES];
	struct statvfs fs;
	int rc;

	if (d->remote)
		return mf_migrating_looked(
		    x, "target", 0, "a remote site, which pulls by itself", e);
	if (d->kind == MF_DESTINATION_NONE || x->p->repo == NULL || x->version[0] == '\0')
		return 0;
	if (d->kind == MF_DESTINATION_MIRROR) {
		rc = mf_migrating_look_at_mirror(x, text, sizeof text, e);
		return mf_migrating_looked(x, "target", rc, text, e);
	}
	rc = nearest(d->dir, path, e) != 0 || check_link(d, e) != 0 ? -1 : 0;
	if (rc == 0 && statvfs(path, &fs) == 0) {
		x->outlook.free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
		x->outlook.free_known = true;
	}
	(void)snprintf(text, sizeof text, "%s can be written", d->dir);
	return mf_migrating_looked(x, "target", rc, text, e);
}

/* ---- bytes, time, space ---- */

static void
tell_bytes(const struct mf_migrate_outlook *o, char text[TEXT_BYTES])
{
	char push[MF_UNIT_TEXT_BYTES], pull[MF_UNIT_TEXT_BYTES], took[MF_UNIT_TEXT_BYTES];
	size_t n;

	(void)snprintf(text, TEXT_BYTES, "at most %s to push and %s to pull",
	    mf_format_size(o->push_bytes, push), mf_format_size(o->pull_bytes, pull));
	if (o->move_us > 0) {
		n = strlen(text);
		(void)snprintf(text + n, TEXT_BYTES - n, ", %s at the rate of --bwlimit",
		    mf_format_duration(o->move_us, took));
	}
	if (o->load_us > 0) {
		n = strlen(text);
		(void)snprintf(text + n, TEXT_BYTES - n, "; a server loads it in %s",
		    mf_format_duration(o->load_us, took));
	}
}

static uint64_t
time_of(uint64_t bytes, uint64_t rate_bps)
{
	return rate_bps == 0 ? 0 : (uint64_t)((double)bytes * 1e6 / (double)rate_bps);
}

/* What a pull can share with versions that lie there is known to it alone, so "at most". */
int
mf_migrating_look_at_data(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_migrate_outlook *o = &x->outlook;
	const struct mf_site_plan *d = &x->m->destination;
	char text[TEXT_BYTES], need[MF_UNIT_TEXT_BYTES], have[MF_UNIT_TEXT_BYTES];
	int rc;

	if (x->p->repo == NULL || x->version[0] == '\0')
		return 0;
	if ((d->remote || d->kind != MF_DESTINATION_NONE) && !x->present)
		o->pull_bytes = o->version_bytes;
	o->move_us = time_of(o->push_bytes, x->p->up_bps) + time_of(o->pull_bytes, x->p->down_bps);
	o->load_us = time_of(o->version_bytes, x->m->load_rate_bps);
	tell_bytes(o, text);
	(void)mf_migrating_looked(x, "data", 0, text, e);
	if (!o->free_known)
		return 0;
	(void)mf_format_size(o->free_bytes, have);
	(void)mf_format_size(o->pull_bytes, need);
	rc = o->pull_bytes <= o->free_bytes
		 ? 0
		 : mf_error_set(e, MF_ENOSPC, "%s has %s free, and the version takes %s", d->dir,
		       have, need);
	(void)snprintf(text, sizeof text, "%s free, %s needed at most", have, need);
	return mf_migrating_looked(x, "space", rc, text, e);
}

/* ---- servers ---- */

/* Any answer is one: without a question that the plan knows there is no telling good from bad. */
static int
knock(struct mf_migrating *x, const char *server, char text[TEXT_BYTES], struct mf_error *e)
{
	struct mf_dial_answer answer = MF_DIAL_ANSWER_INIT;
	const struct mf_dial_call call = {.url = server, .stay = true};
	int rc = 0;

	mf_dial(mf_world_dialer(x->world), &call, &answer);
	if (answer.status == 0)
		rc = mf_error_set(e, answer.cancelled ? MF_EINTERRUPTED : MF_ETRANSFER, "%s: %s",
		    server, answer.why);
	(void)snprintf(text, TEXT_BYTES, "%s answers", server);
	mf_dial_answer_fini(&answer);
	return rc;
}

/* What it says of itself, in `said`. 0; 1: it answers, and *e says why that is no version; -1: it
 * cannot be asked. */
static int
ask(struct mf_migrating *x, const struct mf_serves_plan *plan, const char *server,
    char said[MF_SERVES_SAID_BYTES], struct mf_error *e)
{
	const struct mf_call_params p = {
	    .dialer = mf_world_dialer(x->world),
	    .now_us = mf_migrating_ask_boot_us,
	    .interrupted = mf_migrating_ask_interrupted,
	    .arg = x,
	};
	const struct mf_call_values values = {
	    .server = server, .model = x->m->model, .version = x->version};
	struct mf_buf answer = MF_BUF_INIT;
	struct mf_error why = {0};
	int rc = mf_call_do(&p, &plan->call, &values, 0, &answer, &why);

	if (rc == 0)
		rc = mf_serves_read(plan->json_path, answer.data, answer.len, said, &why) != 0;
	else if (why.code == MF_EFAIL && why.http_status != 401 && why.http_status != 403)
		rc = 1;
	mf_buf_fini(&answer);
	if (rc != 0)
		(void)mf_error_set(e,
		    rc == 1                      ? MF_EUSAGE
		    : why.http_status / 100 == 4 ? MF_EPERM
						 : why.code,
		    rc == 1 ? "%s answers, but no version: %s" : "%s: %s", server, why.message);
	return rc;
}

/* The destination has to load the model first, and may have none to speak of until then. */
static int
ask_destination(struct mf_migrating *x, const struct mf_site_plan *site, const char *server,
    char text[TEXT_BYTES], struct mf_error *e)
{
	char said[MF_SERVES_SAID_BYTES];
	int rc = ask(x, &site->serves, server, said, e);

	if (rc == 0)
		(void)snprintf(text, TEXT_BYTES, "%s serves %s", server, said);
	else if (rc == 1)
		(void)snprintf(text, TEXT_BYTES, "%s; it must before weight moves", e->message);
	return rc < 0 ? -1 : 0;
}

/* What production names is what a way back asks the source for; 0 where it serves that. */
static int
judge_source(const struct mf_migrating *x, const char *server, const char *said, struct mf_error *e)
{
	if (x->previous[0] == '\0' || strcmp(said, x->previous) == 0 || mf_migrating_is_done(x))
		return 0;
	(void)mf_error_set(e, MF_EUSAGE, "%s of the source serves %s, and %s names %s", server,
	    said, x->m->production_ref, x->previous);
	return mf_error_hint(e,
	    "a way back brings traffic to %s: have the source load it, or say what is served with "
	    "`modelferry ref %s %s VERSION`",
	    x->previous, x->m->model, x->m->production_ref);
}

static int
ask_source(struct mf_migrating *x, const struct mf_site_plan *site, const char *server,
    char text[TEXT_BYTES], struct mf_error *e)
{
	char said[MF_SERVES_SAID_BYTES];
	int rc = ask(x, &site->serves, server, said, e);

	if (rc > 0)
		return mf_error_hint(e,
		    "look at what source.serves gets there: a way back could not tell that the "
		    "source serves what it should");
	if (rc < 0)
		return -1;
	(void)snprintf(text, TEXT_BYTES, "%s serves %s", server, said);
	return judge_source(x, server, said, e);
}

static int
look_at_servers_of(struct mf_migrating *x, const struct mf_site_plan *site, struct mf_error *e)
{
	const bool knows = !site->serves.unchecked && !site->serves.by_metric;
	struct mf_error why;
	char text[TEXT_BYTES];
	int rc = 0;
	size_t i;

	for (i = 0; i < site->n_servers; i++) {
		why = (struct mf_error){0};
		if (mf_migrating_looked(x, "server",
			!knows ? knock(x, site->servers[i], text, &why)
			: site == &x->m->source
			    ? ask_source(x, site, site->servers[i], text, &why)
			    : ask_destination(x, site, site->servers[i], text, &why),
			text, &why) == 0)
			continue;
		if (rc == 0)
			*e = why;
		rc = -1;
	}
	return rc;
}

int
mf_migrating_look_at_servers(struct mf_migrating *x, struct mf_error *e)
{
	struct mf_error second = {0};
	int rc = look_at_servers_of(x, &x->m->source, e);

	return look_at_servers_of(x, &x->m->destination, rc == 0 ? e : &second) != 0 ? -1 : rc;
}

/* A server that is down, or says nothing of use, is no reason not to begin: a way back is not what
 * a run is for. One that serves something else is. */
int
mf_migrating_look_at_source(struct mf_migrating *x, struct mf_error *e)
{
	const struct mf_site_plan *site = &x->m->source;
	char said[MF_SERVES_SAID_BYTES];
	size_t i;

	if (x->p->dry_run || site->serves.unchecked || site->serves.by_metric)
		return 0; /* a dry run asks all servers */
	for (i = 0; i < site->n_servers; i++)
		if (ask(x, &site->serves, site->servers[i], said, NULL) == 0 &&
		    judge_source(x, site->servers[i], said, e) != 0)
			return -1;
	return 0;
}
