#include "tests/unit/traffic/memory_router.h"

#include <stdio.h>
#include <string.h>

static int
fail(enum mf_code code, const char *what, struct mf_error *e)
{
	return code == MF_OK ? 0 : mf_error_set(e, code, "the scripted router does not %s", what);
}

static int
check(struct mf_router *r, struct mf_router_can *can, struct mf_error *e)
{
	struct memory_router *m = (struct memory_router *)r;

	m->n_checks++;
	*can = m->can;
	return fail(m->fail_check, "pass its check", e);
}

static int
get(struct mf_router *r, struct mf_router_seen *out, struct mf_error *e)
{
	struct memory_router *m = (struct memory_router *)r;

	m->n_gets++;
	*out = m->seen;
	return fail(m->fail_get, "say its weights", e);
}

static void
change(struct memory_router *m, unsigned primary, unsigned canary, bool mirror)
{
	m->seen.primary = primary;
	m->seen.canary = canary;
	m->seen.primary_share = primary;
	m->seen.canary_share = canary;
	m->seen.mirror = mirror;
	m->seen.canary_drained = m->seen.canary_drained && canary == 0;
}

static int
set(struct mf_router *r, unsigned primary, unsigned canary, bool mirror, const char *token,
    struct mf_error *e)
{
	struct memory_router *m = (struct memory_router *)r;
	const size_t i = m->n_sets++ % MEMORY_ROUTER_SETS;
	enum mf_code code = m->fail_set;

	if (primary + canary != 100)
		code = MF_EUSAGE;
	else if (mirror && !m->can.mirror)
		code = MF_EUNSUPPORTED;
	else if (code != MF_OK && m->fail_next_sets > 0 && --m->fail_next_sets == 0)
		m->fail_set = MF_OK;
	m->sets[i].primary = primary;
	m->sets[i].canary = canary;
	m->sets[i].mirror = mirror;
	m->sets[i].failed = code != MF_OK;
	(void)snprintf(m->sets[i].token, sizeof m->sets[i].token, "%s", token != NULL ? token : "");
	if (code == MF_OK && !m->ignore_sets)
		change(m, primary, canary, mirror);
	return fail(code, "set weights", e);
}

static int
drain(struct mf_router *r, uint64_t *left, struct mf_error *e)
{
	struct memory_router *m = (struct memory_router *)r;

	m->n_drains++;
	*left = m->drain_left;
	if (m->seen.canary > 0)
		return mf_error_set(e, MF_ECONFLICT, "the canary has traffic");
	if (fail(m->fail_drain, "drain", e) != 0)
		return -1;
	m->seen.canary_drained = true;
	return 0;
}

static void
close_it(struct mf_router *r)
{
	(void)r;
}

static const struct mf_router_ops ops = {
    .name = "memory", .check = check, .get = get, .set = set, .drain = drain, .close = close_it};

void
memory_router_init(struct memory_router *m)
{
	memset(m, 0, sizeof *m);
	m->router.ops = &ops;
	m->can = (struct mf_router_can){.sessions = true, .capacity = true};
	m->seen.primary_up = m->seen.primary_servers = 1;
	m->seen.canary_up = m->seen.canary_servers = 1;
	m->seen.instances = m->seen.instances_seen = 1;
	change(m, 100, 0, false);
}
