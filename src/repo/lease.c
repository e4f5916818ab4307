/* A lease, wherever it lies: lease_repo.c, lease_file.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/repo/lease_int.h"

static int
check(const struct mf_lease_params *p, struct mf_error *e)
{
	if (p->name[0] == '\0' || strlen(p->name) > MF_LEASE_NAME_MAX_BYTES)
		return mf_error_set(
		    e, MF_EUSAGE, "the name of a lease has 1 to %u bytes", MF_LEASE_NAME_MAX_BYTES);
	if (strlen(p->holder) > MF_LEASE_HOLDER_MAX_BYTES)
		return mf_error_set(e, MF_EUSAGE, "the holder of a lease has at most %u bytes",
		    MF_LEASE_HOLDER_MAX_BYTES);
	if (p->duration_us == 0 || p->duration_us > MF_LEASE_DURATION_MAX_US)
		return mf_error_set(e, MF_EUSAGE, "a lease lasts more than 0 s and at most 10 min");
	return 0;
}

struct mf_lease *
mf_lease_make(const struct mf_lease_params *params, struct mf_error *e)
{
	struct mf_lease *l;

	if (check(params, e) != 0)
		return NULL;
	if ((l = calloc(1, sizeof *l)) == NULL) {
		mf_error_nomem(e, "a lease");
		return NULL;
	}
	l->p = *params;
	l->fd = -1;
	snprintf(l->name, sizeof l->name, "%s", params->name);
	snprintf(l->holder, sizeof l->holder, "%s", params->holder);
	l->p.name = l->name;
	l->p.holder = l->holder;
	if (params->label != NULL)
		snprintf(l->label, sizeof l->label, "%s", params->label);
	else
		snprintf(l->label, sizeof l->label, "the lease of %s %s",
		    mf_lease_kind_name(params->kind), params->name);
	l->p.label = l->label;
	return l;
}

void
mf_lease_free(struct mf_lease *l)
{
	if (l == NULL)
		return;
	if (l->ops->fini != NULL)
		l->ops->fini(l);
	free(l);
}

int
mf_lease_take(
    struct mf_lease *l, struct mf_lease_holder *other, uint64_t *wait_us, struct mf_error *e)
{
	struct mf_lease_holder before = {0};
	struct mf_error own = {0}; /* inside its code decides */
	uint64_t ignored;
	int rc;

	e = e == NULL ? &own : e;
	l->is_held = false;
	rc = l->ops->take(l, &before, wait_us != NULL ? wait_us : &ignored, e);
	if (other != NULL)
		*other = before;
	l->is_held = rc == 0;
	if (rc == 0) {
		l->was_elsewhere |= l->was_held && memcmp(before.instance, l->p.instance,
						       sizeof before.instance) != 0;
		l->was_held = true;
	}
	return rc < 0 ? mf_error_while(e, "taking %s", l->label) : rc;
}

static int
lose(struct mf_lease *l, const char *why, struct mf_error *e)
{
	l->is_held = false;
	mf_error_set(e, MF_ECONFLICT, "%s is lost: %s", l->label, why);
	return mf_error_hint(e, "this process changes nothing any more; look what the other one "
				"does: modelferry status");
}

int
mf_lease_renew(struct mf_lease *l, struct mf_error *e)
{
	struct mf_error own = {0};
	int rc;

	e = e == NULL ? &own : e;
	if (!l->is_held)
		return lose(l, "it is not held", e);
	if (!mf_lease_may_act_at(l->deadline_us, l->p.now_us(l->p.arg), 0))
		return lose(l, "it ran out before it was renewed", e);
	if ((rc = l->ops->renew(l, e)) == 0)
		return 0;
	if (rc == 1)
		return lose(l, "somebody else has it", e);
	if (e->code == MF_ECONFLICT)
		l->is_held = false;
	return mf_error_while(e, "renewing %s", l->label);
}

int
mf_lease_release(struct mf_lease *l, struct mf_error *e)
{
	struct mf_error own = {0};

	if (!l->is_held)
		return 0;
	l->is_held = false;
	e = e == NULL ? &own : e;
	return l->ops->release(l, e) == 0 ? 0 : mf_error_while(e, "releasing %s", l->label);
}

bool
mf_lease_is_held(const struct mf_lease *l)
{
	return l->is_held;
}

bool
mf_lease_may_act(const struct mf_lease *l, uint64_t act_timeout_us)
{
	return l->is_held &&
	       mf_lease_may_act_at(l->deadline_us, l->p.now_us(l->p.arg), act_timeout_us);
}

uint64_t
mf_lease_deadline_us(const struct mf_lease *l)
{
	return l->is_held ? l->deadline_us : 0;
}

uint64_t
mf_lease_token(const struct mf_lease *l)
{
	return l->is_held ? l->token : 0;
}

bool
mf_lease_was_elsewhere(const struct mf_lease *l)
{
	return l->was_elsewhere;
}

bool
mf_lease_is_in_file(const struct mf_lease *l)
{
	return l->repo == NULL;
}

const char *
mf_lease_label(const struct mf_lease *l)
{
	return l->label;
}
