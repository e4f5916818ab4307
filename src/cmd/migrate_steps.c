/* What a person does where a run could not turn back by itself: the acts of a way back, in their
 * order, as the commands that the plan makes of them. */
#include "src/cmd/migrate.h"

#define HAPROXY_WEIGHT_MAX 256u

static void
put_list(struct mf_buf *b, const char *between, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		mf_buf_printf(b, "%s%s", i == 0 ? "" : between, words[i]);
}

static void
put_command(struct mf_buf *b, const char *const *argv)
{
	size_t n = 0;

	while (argv[n] != NULL)
		n++;
	put_list(b, " ", argv, n);
}

/* How the primary comes to serve the version, where this process can say it. */
static void
put_primary(struct mf_buf *b, const struct mf_migration_plan *plan, const char *version,
    const struct mf_migrate_report *r)
{
	const struct mf_site_plan *s = &plan->source;

	if (!r->link_is_back && plan->model != NULL && s->kind == MF_DESTINATION_DIR && s->link != NULL && !s->remote)
		mf_buf_printf(b,
		    "`modelferry pull %s@%s %s --link %s`, reload the primary's servers, and see "
		    "that they are well",
		    plan->model, version, s->dir, s->link);
	else
		mf_buf_printf(b, "see that the primary serves %s and is well%s%s%s", version,
		    r->primary_ill[0] == '\0' ? "" : " (", r->primary_ill,
		    r->primary_ill[0] == '\0' ? "" : ")");
}

static void
put_each(struct mf_buf *b, const char *const *names, size_t n, const char *what, unsigned weight)
{
	size_t i;

	for (i = 0; i < n; i++) {
		mf_buf_printf(b, "%sset server %s %s",
		    b->len > 0 && b->data[b->len - 1] != '`' ? "; " : "", names[i], what);
		if (weight <= HAPROXY_WEIGHT_MAX)
			mf_buf_printf(b, " %u", weight);
	}
}

/* In maintenance a server gets nothing, whatever its weight. */
static void
put_haproxy(struct mf_buf *b, const struct mf_router_plan *router)
{
	mf_buf_printf(b, " of HAProxy, at ");
	put_list(b, " and ", router->sockets, router->n_sockets);
	mf_buf_printf(b, ": `");
	put_each(b, router->primary, router->n_primary, "state ready", HAPROXY_WEIGHT_MAX + 1);
	put_each(b, router->primary, router->n_primary, "weight", HAPROXY_WEIGHT_MAX);
	put_each(b, router->canary, router->n_canary, "weight", 0);
	mf_buf_printf(b, "`");
}

static void
put_traffic(struct mf_buf *b, const struct mf_router_plan *router)
{
	mf_buf_printf(b, "give it all traffic at the router");
	switch (router->type) {
	case MF_ROUTER_HAPROXY: put_haproxy(b, router); break;
	case MF_ROUTER_FILE:
		mf_buf_printf(b, ": write %s as %s has it for primary 100, canary 0",
		    router->output_path, router->template_path);
		if (router->reload == NULL)
			break;
		mf_buf_printf(b, ", and run `");
		put_command(b, router->reload);
		mf_buf_printf(b, "`");
		break;
	case MF_ROUTER_EXEC:
		mf_buf_printf(b,
		    ": `echo '{\"version\":1,\"verb\":\"set\",\"primary\":100,\"canary\":0,"
		    "\"mirror\":false}' | ");
		put_command(b, router->command);
		mf_buf_printf(b, "`");
		break;
	default: break;
	}
}

size_t
mf_cmd_manual_steps(const struct mf_migration_plan *plan, const struct mf_migrate_report *r,
    struct mf_buf steps[MF_CMD_MANUAL_STEPS])
{
	const char *version = r->previous[0] != '\0' ? r->previous
			      : plan->model == NULL  ? "what it did"
						     : "VERSION";
	size_t n = 0;

	put_primary(&steps[n++], plan, version, r);
	if (r->canary > 0)
		put_traffic(&steps[n++], &plan->router);
	if (plan->model != NULL && !r->ref_is_back) /* traffic alone has no ref */
		mf_buf_printf(&steps[n++], "`modelferry ref %s %s %s`", plan->model,
		    plan->production_ref == NULL ? "production" : plan->production_ref, version);
	return n;
}
