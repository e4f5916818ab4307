/* doctor: what this machine and the store can do, tried for real; or a plan's preflight. */
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config.h"
#include "src/base/units.h"
#include "src/cmd/migrate.h"
#include "src/cmd/output.h"
#include "src/cmd/probe.h"
#include "src/cmd/repo.h"

struct doctor {
	struct mf_cmd *c;
	json_t *o; /* with --json */
	unsigned troubles;
};

/* One finding; good false counts as trouble, and hint (NULL: none) says what to do about it. */
static void
say_with(struct doctor *d, const char *subject, bool good, const char *text, const char *hint)
{
	d->troubles += !good;
	if (d->o != NULL) {
		json_array_append_new(d->o,
		    json_pack("{s:s, s:b, s:s, s:s*}", "subject", subject, "ok", good, "text", text,
			"hint", hint));
		return;
	}
	fprintf(d->c->out, "%-8s %s%s\n", subject, good ? "" : "TROUBLE: ", text);
	if (hint != NULL)
		fprintf(d->c->out, "%-8s HINT: %s\n", "", hint);
}

static void
say(struct doctor *d, const char *subject, bool good, const char *text)
{
	say_with(d, subject, good, text, NULL);
}

static void
look_at_machine(struct doctor *d)
{
	char text[160], size[MF_UNIT_TEXT_BYTES];
	struct rlimit lock;

	snprintf(text, sizeof text, "modelferry %s, libsodium %s, %ld processors", PACKAGE_VERSION,
	    sodium_version_string(), sysconf(_SC_NPROCESSORS_ONLN));
	say(d, "machine", true, text);
	if (getrlimit(RLIMIT_MEMLOCK, &lock) == 0 && lock.rlim_cur < 1u << 20) {
		snprintf(text, sizeof text, "only %s of memory may be locked, keys may be swapped out",
		    mf_format_size(lock.rlim_cur, size));
		say(d, "machine", true, text);
	}
	if (mf_cmd_now_us() < 1700000000LL * 1000000)
		say(d, "machine", false, "the clock stands before November 2023");
}

static void
look_at_state(struct doctor *d)
{
	struct mf_state *state = NULL;
	struct mf_error e = {0};

	if (mf_state_open(mf_options_text(d->c->options, MF_OPT_STATE_DIR), &state, &e) == 0)
		say(d, "state", true, "the state directory can be written");
	else
		say(d, "state", false, e.message);
	mf_state_close(state);
}

static void
look_at_space(struct doctor *d, const char *url)
{
	const char *path = strncmp(url, "file://", 7) == 0 ? url + 7 : url;
	char text[160], free_text[MF_UNIT_TEXT_BYTES];
	struct statvfs fs;

	if (statvfs(path, &fs) != 0)
		return;
	snprintf(text, sizeof text, "%s free, %llu inodes free",
	    mf_format_size((uint64_t)fs.f_bavail * fs.f_frsize, free_text),
	    (unsigned long long)fs.f_favail);
	say(d, "store", fs.f_bavail > 0, text);
}

static void
say_probe(struct doctor *d, const struct mf_probe *p)
{
	char text[200], a[MF_UNIT_TEXT_BYTES], b[MF_UNIT_TEXT_BYTES];
	uint64_t off = (uint64_t)(p->clock_off_us < 0 ? -p->clock_off_us : p->clock_off_us);

	say(d, "store", p->conditional || p->has_votes,
	    p->conditional     ? "compare-and-swap works"
		: p->has_votes ? "no compare-and-swap: writers vote on changes of refs and keys"
			       : "compare-and-swap does not work any more: refs and keys are not safe");
	say(d, "store", p->listed, p->listed ? "listings are current" : "listings lag behind");
	snprintf(text, sizeof text, "64 KiB durably written in %s, read in %s",
	    mf_format_duration((uint64_t)p->put_us, a), mf_format_duration((uint64_t)p->get_us, b));
	say(d, "store", true, text);
	snprintf(text, sizeof text, "its clock is off by %s", mf_format_duration(off, a));
	say(d, "store", off < UINT64_C(60) * 1000000, text);
}

static void
look_at_store(struct doctor *d, const char *url)
{
	struct mf_store *store = NULL;
	struct mf_error e = {0};
	struct mf_probe probe;

	if (mf_cmd_open_store(d->c, url, MF_CMD_WRITE, &store, &e) != 0) {
		say(d, "store", false, e.message);
		return;
	}
	if (mf_probe_run(store, &probe, &e) == 0)
		say_probe(d, &probe);
	else
		say(d, "store", false, e.message);
	mf_store_close(store);
	look_at_space(d, url);
}

static void
look_at_repo(struct doctor *d)
{
	struct mf_cmd_repo r = {0};
	struct mf_error e = {0};
	char text[200];

	if (mf_cmd_open_repo(d->c, MF_CMD_READ, &r, &e) == 0) {
		snprintf(text, sizeof text, "opens; id %s, %zu key slots, epoch %lu",
		    mf_repo_id_hex(r.repo), mf_config_slots(mf_repo_config(r.repo)),
		    (unsigned long)mf_config_epoch(mf_repo_config(r.repo)));
		say(d, "repo", true, text);
	} else {
		say(d, "repo", false, e.message);
	}
	mf_cmd_close_repo(&r);
}

static int
examine(struct doctor *d, struct mf_error *e)
{
	const char *url = mf_options_text(d->c->options, MF_OPT_REPO);

	look_at_machine(d);
	look_at_state(d);
	if (url != NULL && url[0] != '\0') {
		look_at_store(d, url);
		look_at_repo(d);
	}
	if (d->o != NULL &&
	    mf_output_json(d->c->out,
		json_pack("{s:b, s:O}", "ok", d->troubles == 0, "findings", d->o), e) != 0)
		return -1;
	if (d->troubles > 0)
		return mf_error_set(e, MF_EFAIL, "%u trouble%s found", d->troubles,
		    mf_plural(d->troubles));
	return 0;
}

/* ---- a plan ---- */

static void
hear(void *arg, const struct mf_migrate_event *event)
{
	if (event->kind == MF_MIGRATE_LOOK)
		say_with(arg, event->subject, event->well, event->text, event->hint);
}

static json_t *
plan_json(const struct doctor *d, bool ok, const struct mf_migrate_report *r)
{
	const struct mf_migrate_outlook *o = &r->outlook;
	json_t *all = json_pack("{s:b, s:O, s:s, s:s, s:[i,i], s:b, s:I, s:I, s:I}", "ok", ok,
	    "findings", d->o, "version", r->version, "previous", r->previous, "weights",
	    (int)r->primary, (int)r->canary, "already", r->already, "version_bytes",
	    (json_int_t)o->version_bytes, "push_bytes", (json_int_t)o->push_bytes, "pull_bytes",
	    (json_int_t)o->pull_bytes);

	if (o->free_known)
		json_object_set_new(all, "free_bytes", json_integer((json_int_t)o->free_bytes));
	if (o->move_us > 0)
		json_object_set_new(all, "move_seconds", json_real((double)o->move_us / 1e6));
	if (o->load_us > 0)
		json_object_set_new(all, "load_seconds", json_real((double)o->load_us / 1e6));
	return all;
}

/* What is wrong was said; the status is that of a run which ended there. */
static int
count_troubles(const struct doctor *d, const struct mf_error *why, struct mf_error *e)
{
	(void)mf_error_set(e, why->code, "%s: %u trouble%s found",
	    mf_options_arg(d->c->options, 0), d->troubles, mf_plural(d->troubles));
	return mf_error_hint(e, "standard output says what it is, and what to do");
}

static int
examine_plan(struct doctor *d, struct mf_error *e)
{
	struct mf_error why = {0}, unsaid = {0};
	struct mf_migrate_report r;
	int rc = mf_cmd_preflight(d->c, hear, d, &r, &why);

	if (rc != 0 && d->troubles == 0) /* there was nothing that could be looked at */
		say_with(d, "plan", false, why.message,
		    why.hint[0] != '\0' ? why.hint : mf_error_row(why.code)->hint);
	if (rc == 0 && r.already)
		say(d, "plan", true, "it was carried out already: a run would do nothing");
	if (d->o != NULL &&
	    mf_output_json(d->c->out, plan_json(d, rc == 0, &r), rc == 0 ? e : &unsaid) != 0 &&
	    rc == 0)
		return -1;
	return rc == 0 ? 0 : count_troubles(d, &why, e);
}

int
mf_cmd_doctor(struct mf_cmd *c, struct mf_error *e)
{
	struct doctor d = {.c = c};
	int rc;

	if (c->json && (d.o = json_array()) == NULL)
		return mf_error_nomem(e, "result");
	rc = mf_options_arg(c->options, 0) == NULL ? examine(&d, e) : examine_plan(&d, e);
	json_decref(d.o);
	return rc;
}
