/* The state of a run: what is written down after each tick, and read by whoever goes on with it. */
#include "src/migrate/migrate_int.h"

#include <string.h>

#include "src/base/text.h"
#include "src/rollout/canary_state.h"
#include "src/rollout/document.h"
#include "src/state/journal.h"

#define STATE_MEMORY ((size_t)1 << 20)
#define NUMBER_MAX 9e15 /* what a double holds exactly */

void
mf_migrating_put_state(
    struct mf_buf *b, const struct mf_migrating *x, uint64_t tick, uint64_t now_us)
{
	mf_buf_printf(b,
	    "{\"tick\":%llu,\"now\":%llu,\"changed\":%llu,\"answered\":%llu,"
	    "\"bytes\":%llu,\"referenced\":%s,\"purge\":%s,\"state\":",
	    (unsigned long long)tick, (unsigned long long)now_us, (unsigned long long)x->changed_us,
	    (unsigned long long)x->answered, (unsigned long long)x->outlook.version_bytes,
	    x->referenced ? "true" : "false",
	    mf_teller_owes(x->teller, MF_HOOK_PURGE) ? "true" : "false");
	x->engine.ops->put(b, &x->engine);
	mf_buf_printf(b, ",\"because\":");
	mf_text_put_json(b, x->because);
	mf_buf_printf(b, "}");
}

struct resume {
	struct mf_migrating *x;
	bool found;
	int64_t seen_us; /* the last line of whoever ran it */
	struct mf_error *e;
};

static bool
is_true(const struct mf_node *map, const char *key)
{
	const struct mf_node *v = mf_node_get(map, key);

	return v != NULL && v->kind == MF_NODE_BOOL && v->truth;
}

static bool
read_number(const struct mf_node *map, const char *key, uint64_t *out)
{
	const struct mf_node *v = mf_node_get(map, key);

	if (v == NULL || v->kind != MF_NODE_NUMBER || !(v->number >= 0 && v->number < NUMBER_MAX))
		return false;
	*out = (uint64_t)v->number;
	return true;
}

static int
read_state(struct resume *r, const struct mf_node *root, uint64_t tick)
{
	struct mf_migrating *x = r->x;
	const struct mf_node *because;
	uint64_t now_us, bytes;

	if (!read_number(root, "now", &now_us) || !read_number(root, "changed", &x->changed_us))
		return mf_error_set(r->e, MF_EDAMAGED, "the state of the run has no times");
	if (x->engine.ops->read(&x->engine, mf_node_get(root, "state"), r->e) != 0)
		return -1;
	x->shift.tick = tick;
	(void)read_number(root, "answered", &x->answered);
	if (read_number(root, "bytes", &bytes))
		mf_migrating_know_size(x, bytes);
	x->referenced = is_true(root, "referenced");
	x->purge_owed = is_true(root, "purge");
	because = mf_node_get(root, "because");
	if (because != NULL && because->kind == MF_NODE_STRING)
		mf_text_escape(x->because, sizeof x->because, because->text);
	x->because_of = mf_engine_standing(&x->engine).reason;
	mf_migrating_remember_told(x);
	/* as long as it was away, at least, and never back */
	if (x->clock_base_us < now_us)
		x->clock_base_us = now_us;
	x->shift.look_first = x->clock_base_us - now_us > 3 * mf_migrating_interval_us(x);
	r->found = true;
	return 0;
}

static int
take_state(struct resume *r, const struct mf_journal_line *line)
{
	struct mf_region_params p = {.plain_bytes = STATE_MEMORY, .what = "the state of a run"};
	const struct mf_node *root;
	struct mf_region *region;
	int rc;

	r->x->has_open_route = false;
	if (mf_region_new(&p, &region, r->e) != 0)
		return -1;
	root = mf_document_json("the state of the run", line->bytes, line->n, region, r->e);
	rc = root == NULL ? -1 : read_state(r, root, line->tick);
	mf_region_free(region);
	return rc;
}

/* The last state, and what was about to be done behind it. */
static int
take_line(void *arg, const struct mf_journal_line *line)
{
	struct resume *r = arg;
	struct mf_migrating *x = r->x;
	char text[MF_ACT_TEXT_BYTES] = "";
	struct mf_act act;

	if (line->time_us > r->seen_us)
		r->seen_us = line->time_us;
	if (line->kind == MF_JOURNAL_STATE)
		return take_state(r, line);
	if (line->kind != MF_JOURNAL_ACT || line->n >= sizeof text)
		return 0;
	memcpy(text, line->bytes, line->n);
	if (mf_act_read_route(&act, text)) {
		x->has_open_route = true;
		x->open_route = act;
		x->purge_owed = true;
	}
	if (strcmp(text, mf_act_name(MF_ACT_REFERENCE)) == 0)
		x->referenced = true;
	return 0;
}

int
mf_migrating_resume(struct mf_migrating *x, struct mf_error *e)
{
	struct resume r = {.x = x, .e = e};

	if (mf_journal_resume(x->p->journal, x->p->run_id, take_line, &r, e) != 0)
		return -1;
	if (!r.found)
		return 1;
	mf_migrating_look_unattended(x, r.seen_us);
	mf_world_changed(x->world, x->changed_us);
	return 0;
}

void
mf_migrating_resume_route(struct mf_migrating *x)
{
	if (!x->has_open_route)
		return;
	mf_migrating_see_router(x);
	mf_shift_resume(&x->shift, &x->open_route,
	    x->router_known ? x->router.canary : mf_engine_standing(&x->engine).weight,
	    x->router_known ? x->router.canary_spread : 0);
	/* nobody knows when it was done: what is measured from now on is surely of after it */
	x->changed_us = mf_migrating_now(x);
	mf_world_changed(x->world, x->changed_us);
}
