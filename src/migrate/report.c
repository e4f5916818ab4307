/* How a shift ended: for the report of the run, and for people. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/base/buf.h"

/* Lines of a configuration; whole ones, as many as fit. */
static void
report_permanent(struct mf_migrating *x, struct mf_migrate_report *out)
{
	struct mf_router *r = mf_world_router(x->world);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error ignored = {0};
	size_t n;

	if (r->ops->permanent != NULL && r->ops->permanent(r, &b, &ignored) == 0) {
		for (n = b.len; n >= sizeof out->permanent || (n > 0 && b.data[n - 1] != '\n'); n--)
			;
		(void)snprintf(out->permanent, sizeof out->permanent, "%.*s", (int)n,
		    n == 0 ? "" : (const char *)b.data);
	}
	mf_buf_fini(&b);
}

/* Is there nothing left to do at the ref, and at the primary's link? */
static void
look_back(struct mf_migrating *x, struct mf_migrate_report *out)
{
	const struct mf_site_plan *s = &x->m->source;
	char now[MF_VERSION_BYTES];
	struct mf_error ignored = {0};

	if (x->p->repo == NULL || x->previous[0] == '\0')
		return;
	out->ref_is_back = mf_migrating_production_now(x, now, &ignored) == 0 &&
			   strcmp(now, x->previous) == 0;
	if (s->kind != MF_DESTINATION_DIR || s->link == NULL || s->remote)
		return;
	mf_migrating_read_link(s, s->link, now);
	out->link_is_back = strcmp(now, x->previous) == 0;
}

void
mf_migrating_report_end(struct mf_migrating *x, struct mf_migrate_report *out)
{
	const struct mf_standing standing = mf_engine_standing(&x->engine);

	out->result = standing.result;
	out->reason = standing.reason;
	(void)snprintf(out->because, sizeof out->because, "%s", x->because);
	if (out->result == MF_RESULT_PERSON_NEEDED) {
		(void)snprintf(
		    out->primary_ill, sizeof out->primary_ill, "%s", x->primary_ill);
		look_back(x, out);
	}
	out->rejected = x->rejected;
	out->ticks = x->shift.tick;
	mf_migrating_see_router(x);
	out->canary = x->router_known ? x->router.canary : standing.weight;
	out->primary = 100 - out->canary;
	(void)snprintf(out->router, sizeof out->router, "%s", x->trouble);
	if (x->router_known)
		(void)snprintf(out->note, sizeof out->note, "%s", x->router.note);
	report_permanent(x, out);
}

void
mf_migrating_tell_people_end(
    struct mf_migrating *x, enum mf_result result, enum mf_reason reason, unsigned canary)
{
	static const char *const texts[MF_RESULTS] = {
	    [MF_RESULT_SUCCEEDED] = "the migration succeeded",
	    [MF_RESULT_ROLLED_BACK] = "the migration was rolled back",
	    [MF_RESULT_PERSON_NEEDED] = "the migration needs a person",
	    [MF_RESULT_CONFLICT] = "the traffic moved, but production moved under this run",
	};
	char details[MF_TELLER_DETAILS_BYTES], why[MF_REASON_TEXT_BYTES];

	if (texts[result] == NULL)
		return;
	(void)snprintf(details, sizeof details, "%s, weights %u/%u",
	    mf_migrating_reason_text(x, reason, why), 100 - canary, canary);
	mf_migrating_event(x, result != MF_RESULT_SUCCEEDED, "%s", texts[result]);
	mf_migrating_tell_people(x, result == MF_RESULT_SUCCEEDED ? MF_ALERT_INFO : MF_ALERT_ERROR,
	    texts[result], reason == MF_REASON_NONE ? NULL : details);
}
