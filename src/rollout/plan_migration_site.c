/* The sites of a Migration: data, servers, reload, serves, warm-up. */
#include <string.h>

#include "src/rollout/jsonpath.h"
#include "src/rollout/plan_migration_int.h"

#define CALL_TIMEOUT_US ((uint64_t)10 * 1000000)

static const struct mf_node *
at_key(const struct mf_node *map, const char *key)
{
	const struct mf_node *v = mf_node_get(map, key);

	return v != NULL ? v : map;
}

bool
mf_migration_says_server(const struct mf_call_plan *call)
{
	size_t i;

	if (call->url != NULL)
		return strstr(call->url, "{server}") != NULL;
	for (i = 0; call->command != NULL && call->command[i] != NULL; i++)
		if (strstr(call->command[i], "{server}") != NULL)
			return true;
	return false;
}

static void
check_method(struct mf_plan_reading *rd, const struct mf_node *at, const struct mf_call_plan *call)
{
	const char *m = call->method;

	if (m == NULL)
		return;
	if (strcmp(m, "GET") != 0 && strcmp(m, "POST") != 0 && strcmp(m, "PUT") != 0)
		mf_plan_refuse(rd, at_key(at, "method"), "GET, POST or PUT is wanted here");
	else if (call->body != NULL && strcmp(m, "GET") == 0)
		mf_plan_refuse(rd, at_key(at, "body"), "a GET has no body");
}

void
mf_migration_call(struct mf_plan_reading *rd, const struct mf_node *at,
    const struct mf_call_plan *call, bool has_servers)
{
	const char *key = call->url != NULL ? "url" : "command";

	if ((call->url != NULL) == (call->command != NULL)) {
		mf_plan_refuse(rd, at, "exactly one of url and command is wanted");
		return;
	}
	if (call->url != NULL && strncmp(call->url, "{server}", 8) != 0)
		mf_plan_is_url(rd, at_key(at, "url"), call->url);
	if (mf_migration_says_server(call) && !has_servers)
		mf_plan_refuse(
		    rd, at_key(at, key), "{server} stands here, but the site has no servers");
	if (call->command != NULL && (call->method != NULL || call->body != NULL || call->headers))
		mf_plan_refuse(rd, at, "method, body and headers are for url, not for command");
	check_method(rd, at, call);
	if (mf_node_get(at, "timeout") != NULL && call->timeout_us == 0)
		mf_plan_refuse(rd, at_key(at, "timeout"), "a timeout of 0 would always fail");
}

static void
check_path(struct mf_plan_reading *rd, const struct mf_node *at, const char *path)
{
	struct mf_error why = {0};

	if (path != NULL && mf_jsonpath_read(path, rd->region, &why) == NULL)
		mf_plan_refuse_error(rd, at, &why);
}

/* By a metric whose label holds the version. */
static void
read_serves_metric(
    struct mf_plan_reading *rd, const struct mf_node *node, struct mf_serves_words *w)
{
	const struct mf_node *metric = mf_node_get(node, "metric");

	w->plan.by_metric = true;
	w->plan.metric.type = MF_PROVIDER_PROMETHEUS;
	if (w->plan.metric.timeout_us == 0)
		w->plan.metric.timeout_us = CALL_TIMEOUT_US;
	if (w->plan.call.url != NULL || w->plan.call.command != NULL)
		mf_plan_refuse(rd, metric, "only one of url, command and metric may be there");
	if (w->plan.metric.query == NULL)
		mf_plan_refuse_key(rd, metric, "query", "is missing");
	if (w->plan.label == NULL)
		mf_plan_refuse_key(rd, metric, "label", "is missing");
	if (w->plan.metric.address == NULL)
		mf_plan_refuse_key(rd, metric, "address", "is missing");
	else
		mf_plan_is_url(rd, at_key(metric, "address"), w->plan.metric.address);
}

void
mf_migration_serves(struct mf_plan_reading *rd, const struct mf_node *at,
    const struct mf_node *node, bool has_servers, struct mf_serves_plan *out)
{
	struct mf_serves_words w = {0};

	if (node == NULL) {
		mf_plan_refuse_key(rd, at, "serves",
		    "is missing: a flipped link is not a loaded model; say how its servers tell "
		    "which "
		    "version they serve, or write `serves: unchecked`");
		return;
	}
	if (node->kind == MF_NODE_STRING) {
		if (strcmp(node->text, "unchecked") != 0)
			mf_plan_refuse(rd, node, "a map is wanted here, or the word unchecked");
		else
			mf_plan_warn(
			    rd, node, "whether its servers serve the version is not checked");
		out->unchecked = true;
		return;
	}
	if (!mf_plan_is_map(rd, node))
		return;
	mf_form_read(rd, &mf_form_serves, node, &w);
	if (w.has_metric) {
		read_serves_metric(rd, node, &w);
	} else {
		mf_migration_call(rd, node, &w.plan.call, has_servers);
		if ((w.plan.call.url != NULL || w.plan.call.command != NULL) &&
		    !mf_migration_says_server(&w.plan.call))
			mf_plan_refuse(rd,
			    at_key(node, w.plan.call.url != NULL ? "url" : "command"),
			    "{server} is wanted in it: every server is asked, and not whoever "
			    "answers");
	}
	check_path(rd, at_key(node, "jsonPath"), w.plan.json_path);
	*out = w.plan;
}

/* Reload presets. vLLM's is there with VLLM_SERVER_DEV_MODE=1 (docs.vllm.ai, sleep mode),
 * TorchServe's with --enable-model-api (pytorch.org/serve/management_api.html), Triton's with
 * --model-control-mode=explicit (its model repository extension). */
static const struct mf_call_plan presets[] = {
    [MF_RELOAD_TRITON] = {.url = "{server}/v2/repository/models/{model}/load",
	.method = "POST",
	.body = "{}",
	.timeout_us = (uint64_t)600 * 1000000},
    [MF_RELOAD_TORCHSERVE] = {.url = "{server}/models?url={model}.mar&initial_workers=1"
				     "&synchronous=true",
	.method = "POST",
	.timeout_us = (uint64_t)600 * 1000000},
    [MF_RELOAD_VLLM] = {.url = "{server}/collective_rpc",
	.method = "POST",
	.body = "{\"method\": \"reload_weights\"}",
	.timeout_us = (uint64_t)600 * 1000000},
};

static void
read_reload(struct mf_plan_reading *rd, const struct mf_node *at, struct mf_site_words *w)
{
	struct mf_call_plan *call = &w->plan.reload;
	uint64_t timeout_us = call->timeout_us;

	if (w->has_preset) {
		if (call->url != NULL || call->command != NULL || call->method != NULL ||
		    call->body != NULL)
			mf_plan_refuse(rd, at, "a preset says url, method and body itself");
		*call = presets[w->preset];
		if (timeout_us > 0)
			call->timeout_us = timeout_us;
	}
	mf_migration_call(rd, at, call, w->plan.n_servers > 0);
}

bool
mf_migration_is_bad_link(const char *name)
{
	return name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL;
}

static void
check_data(struct mf_plan_reading *rd, const struct mf_node *site, struct mf_site_plan *p)
{
	const char *version;

	if (p->dir != NULL && p->mirror != NULL)
		mf_plan_refuse(rd, site, "only one of dir and mirror may be there");
	p->kind = p->dir != NULL      ? MF_DESTINATION_DIR
		  : p->mirror != NULL ? MF_DESTINATION_MIRROR
				      : MF_DESTINATION_NONE;
	if (p->link != NULL && p->dir == NULL)
		mf_plan_refuse(rd, at_key(site, "link"), "a link lies in dir, which is missing");
	if (p->link != NULL && mf_migration_is_bad_link(p->link))
		mf_plan_refuse(rd, at_key(site, "link"),
		    "a name in dir is wanted here: no slash, no dot in front");
	if (p->mirror == NULL)
		return;
	version = strstr(p->mirror, "{version}");
	if (strstr(p->mirror, "://") == NULL)
		mf_plan_refuse(rd, at_key(site, "mirror"), "a URL is wanted here");
	else if (version == NULL || version == p->mirror || version[-1] != '/' ||
		 (version[9] != '/' && version[9] != '\0'))
		mf_plan_refuse(rd, at_key(site, "mirror"),
		    "/{version} is wanted in it: a prefix of its own for each version, never over "
		    "one "
		    "that is served");
}

static void
check_receipts(struct mf_plan_reading *rd, const struct mf_node *site, struct mf_site_plan *p)
{
	if (p->remote && p->receipts == 0)
		p->receipts = 1;
	else if (!p->remote && p->receipts > 0)
		mf_plan_refuse(rd, at_key(site, "receipts"),
		    "a site that is not remote writes none: it is verified here");
	if (p->remote && p->kind == MF_DESTINATION_MIRROR)
		mf_plan_refuse(rd, at_key(site, "remote"),
		    "a mirror is written and verified here; a remote site has a dir");
}

static void
check_servers(struct mf_plan_reading *rd, const struct mf_node *site, const struct mf_site_plan *p)
{
	const struct mf_node *list = mf_node_get(site, "servers");
	size_t i;

	for (i = 0; i < p->n_servers; i++)
		mf_plan_is_url(rd, list->items[i], p->servers[i]);
	if (p->warmup.requests != NULL && p->n_servers == 0)
		mf_plan_refuse(rd, at_key(site, "warmup"), "servers are wanted: whom to warm");
}

static void
check_requires(struct mf_plan_reading *rd, const struct mf_node *site, const struct mf_site_plan *p)
{
	const struct mf_node *list = mf_node_get(site, "requires"), *item;
	const struct mf_requires_plan *r;
	size_t i;

	for (i = 0; i < p->n_requires; i++) {
		r = &p->requires[i];
		item = list->items[i];
		if (r->value == NULL)
			mf_migration_call(rd, item, &r->call, p->n_servers > 0);
		else if (r->call.url != NULL || r->call.command != NULL || r->json_path != NULL)
			mf_plan_refuse(rd, item, "value says it: nobody is asked");
		check_path(rd, at_key(item, "jsonPath"), r->json_path);
	}
}

static void
read_site(
    struct mf_plan_reading *rd, const struct mf_node *site, struct mf_site_words *w, bool must_say)
{
	struct mf_site_plan *p = &w->plan;

	p->serves.unchecked = w->serves == NULL;
	if (site == NULL || site->kind != MF_NODE_MAP)
		return;
	check_data(rd, site, p);
	check_receipts(rd, site, p);
	check_servers(rd, site, p);
	check_requires(rd, site, p);
	if (p->has_reload)
		read_reload(rd, mf_node_get(site, "reload"), w);
	if (w->serves != NULL || must_say)
		mf_migration_serves(rd, site, w->serves, p->n_servers > 0, &p->serves);
}

static size_t
length_without_slashes(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return n;
}

/* Do both sites serve what one link points at? Turning it for the canary would turn it under the
 * servers that have the traffic, and that it is to go back to. */
static void
check_links(struct mf_plan_reading *rd, const struct mf_node *destination,
    const struct mf_site_plan *s, const struct mf_site_plan *d)
{
	if (s->remote || d->remote || s->dir == NULL || d->dir == NULL || s->link == NULL ||
	    d->link == NULL || strcmp(s->link, d->link) != 0)
		return;
	if (length_without_slashes(s->dir) == length_without_slashes(d->dir) &&
	    strncmp(s->dir, d->dir, length_without_slashes(s->dir)) == 0)
		mf_plan_refuse(rd, at_key(destination, "link"),
		    "this is the source's link, too: turned for the destination it would be turned "
		    "under the servers that have the traffic; each site has one of its own");
}

void
mf_migration_sites(struct mf_plan_reading *rd, const struct mf_node *spec,
    struct mf_migration_words *w, bool moves)
{
	const struct mf_node *destination = mf_node_get(spec, "destination");
	bool flips = w->source.plan.link != NULL || w->source.plan.mirror != NULL ||
		     w->source.plan.has_reload;

	/* of the source only where this run may change what it serves: a fallback */
	read_site(rd, mf_node_get(spec, "source"), &w->source, moves && flips);
	read_site(rd, destination, &w->destination, moves);
	if (moves)
		check_links(rd, destination, &w->source.plan, &w->destination.plan);
	if (w->destination.plan.remote && mf_node_get(destination, "name") == NULL)
		mf_plan_refuse(rd, destination,
		    "name is missing: by it the site's receipts are told from those of others");
	if (w->destination.plan.kind == MF_DESTINATION_NONE && !moves && destination != NULL &&
	    destination->kind == MF_NODE_MAP)
		mf_plan_refuse(rd, destination,
		    "neither data nor traffic would move: dir or mirror is missing");
}
