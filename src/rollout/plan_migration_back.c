/* The router of a Migration, its fallbacks, and when it may go forward. */
#include <string.h>

#include "src/base/units.h"
#include "src/rollout/plan_migration_int.h"

#define DAY_MINUTES 1440u
#define WEEK_MINUTES (7 * DAY_MINUTES)
#define DRAIN_US ((uint64_t)60 * 1000000)
#define CALL_US ((uint64_t)10 * 1000000)

static void
check_sockets(
    struct mf_plan_reading *rd, const struct mf_node *haproxy, const struct mf_router_plan *p)
{
	const struct mf_node *list = mf_node_get(haproxy, "sockets");
	const char *s;
	size_t i;

	for (i = 0; i < p->n_sockets; i++) {
		s = p->sockets[i];
		if (strncmp(s, "unix:/", 6) != 0 &&
		    (strncmp(s, "tcp:", 4) != 0 || strchr(s + 4, ':') == NULL))
			mf_plan_refuse(
			    rd, list->items[i], "unix:/PATH or tcp:HOST:PORT is wanted here");
	}
}

static void
check_servers(
    struct mf_plan_reading *rd, const struct mf_node *list, const char *const *names, size_t n)
{
	const char *slash;
	size_t i;

	for (i = 0; i < n; i++) {
		slash = strchr(names[i], '/');
		if (slash == NULL || slash == names[i] || slash[1] == '\0')
			mf_plan_refuse(rd, list->items[i], "BACKEND/SERVER is wanted here");
	}
}

/* One server cannot be on both sides; patterns are told apart where the proxy is read. */
static void
check_sides(
    struct mf_plan_reading *rd, const struct mf_node *haproxy, const struct mf_router_plan *p)
{
	size_t i, k;

	for (i = 0; i < p->n_canary; i++)
		for (k = 0; k < p->n_primary; k++)
			if (strcmp(p->canary[i], p->primary[k]) == 0)
				mf_plan_refuse(rd, mf_node_get(haproxy, "canary")->items[i],
				    "%.64s is on both sides", p->canary[i]);
}

static void
read_haproxy(struct mf_plan_reading *rd, const struct mf_node *router, struct mf_router_plan *p)
{
	const struct mf_node *haproxy = mf_node_get(router, "haproxy");

	p->type = MF_ROUTER_HAPROXY;
	if (p->n_sockets == 0)
		mf_plan_refuse_key(rd, haproxy, "sockets", "is missing");
	if (p->n_primary == 0)
		mf_plan_refuse_key(rd, haproxy, "primary", "is missing");
	if (p->n_canary == 0)
		mf_plan_refuse_key(rd, haproxy, "canary", "is missing");
	check_sockets(rd, haproxy, p);
	check_servers(rd, mf_node_get(haproxy, "primary"), p->primary, p->n_primary);
	check_servers(rd, mf_node_get(haproxy, "canary"), p->canary, p->n_canary);
	check_sides(rd, haproxy, p);
	if (p->drain_timeout_us == 0)
		p->drain_timeout_us = DRAIN_US;
}

static void
read_file(struct mf_plan_reading *rd, const struct mf_node *router, struct mf_router_plan *p)
{
	const struct mf_node *file = mf_node_get(router, "file");

	p->type = MF_ROUTER_FILE;
	if (p->reload == NULL)
		mf_plan_refuse_key(rd, file, "reload", "is missing: who tells the proxy");
	if (p->template_path != NULL && p->output_path != NULL &&
	    strcmp(p->template_path, p->output_path) == 0)
		mf_plan_refuse(rd, mf_node_get(file, "output"), "it would overwrite the template");
}

static void
read_exec(struct mf_plan_reading *rd, const struct mf_node *router, struct mf_router_plan *p)
{
	p->type = MF_ROUTER_EXEC;
	if (p->command == NULL)
		mf_plan_refuse_key(rd, mf_node_get(router, "exec"), "command", "is missing");
}

void
mf_migration_router(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	const struct mf_node *router = w->router;
	struct mf_router_words words = {0};

	(void)spec;
	if (router == NULL)
		return;
	if (router->kind == MF_NODE_STRING && strcmp(router->text, "none") == 0)
		return;
	if (!mf_plan_is_map(rd, router))
		return;
	mf_form_read(rd, &mf_form_router, router, &words);
	if (words.haproxy + words.file + words.exec != 1) {
		mf_plan_refuse(
		    rd, router, "exactly one of haproxy, file, exec is wanted, or `none`");
		return;
	}
	if (words.haproxy)
		read_haproxy(rd, router, &words.plan);
	else if (words.file)
		read_file(rd, router, &words.plan);
	else
		read_exec(rd, router, &words.plan);
	if (words.plan.timeout_us == 0)
		words.plan.timeout_us = CALL_US;
	w->plan.router = words.plan;
}

static void
read_light(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_fallback_words *words, struct mf_fallback_plan *out)
{
	struct mf_metrics_for what = {.migration = true, .on_no_data = MF_NO_DATA_HOLD};
	struct mf_canary_plan own = {0};
	const struct mf_node *metrics = mf_plan_list(rd, item, "metrics", 0);
	size_t i;

	out->kind = MF_FALLBACK_LIGHT;
	if (out->link == NULL)
		mf_plan_refuse_key(rd, item, "link", "is missing: where servers find the model");
	mf_migration_serves(rd, item, words->serves, true, &out->serves);
	what.names.name = rd->plan->name;
	what.names.namespace_name = rd->plan->namespace_name;
	if (metrics == NULL)
		mf_plan_refuse_key(
		    rd, item, "metrics", "is missing: a lighter model has ranges of its own");
	mf_stanza_metrics(rd, metrics, &mf_form_metric, &what, &own);
	out->metrics = own.metrics;
	out->n_metrics = own.n_metrics;
	for (i = 0; i < out->n_metrics; i++)
		if (out->metrics[i].has_primary_query || out->metrics[i].relative)
			mf_plan_refuse(rd, metrics->items[i],
			    "primaryQuery and relativeTo are for two sides: query alone measures a "
			    "lighter model");
}

/* It takes over where the traffic goes back to, by a link that this process can flip there. */
static void
check_place(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_migration_words *w, const struct mf_fallback_plan *f)
{
	const struct mf_site_plan *s = &w->source.plan;

	if (w->plan.model == NULL)
		mf_plan_refuse(rd, item, "without a model of the plan there is previous alone");
	else if (s->remote)
		mf_plan_refuse(rd, item, "a source that is remote can go back to previous alone");
	else if (s->kind == MF_DESTINATION_MIRROR ? f->kind == MF_FALLBACK_LIGHT : s->link == NULL)
		mf_plan_refuse(rd, item,
		    "dir and link of the source are wanted: it takes over there, on the primary's "
		    "side");
	if (f->link != NULL && mf_migration_is_bad_link(f->link))
		mf_plan_refuse(rd, mf_node_get(item, "link"),
		    "a name in dir is wanted here: no slash, no dot in front");
}

static void
read_fallback(struct mf_plan_reading *rd, const struct mf_node *item,
    const struct mf_migration_words *w, struct mf_fallback_plan *out)
{
	struct mf_fallback_words words = {0};

	if (item->kind == MF_NODE_STRING && strcmp(item->text, "previous") == 0) {
		out->kind = MF_FALLBACK_PREVIOUS;
		return;
	}
	if (!mf_plan_is_map(rd, item))
		return;
	mf_form_read(rd, &mf_form_fallback, item, &words);
	*out = words.plan;
	if ((out->version != NULL) + (out->metric != NULL) + (out->model != NULL) != 1)
		mf_plan_refuse(rd, item,
		    "exactly one of version, best and model is wanted, or the word previous");
	else if (out->version != NULL)
		out->kind = MF_FALLBACK_VERSION;
	else if (out->metric != NULL)
		out->kind = MF_FALLBACK_BEST;
	else
		read_light(rd, item, &words, out);
	if (out->model == NULL &&
	    (out->link != NULL || words.serves != NULL || words.metrics != NULL))
		mf_plan_refuse(rd, item, "link, serves and metrics are a lighter model's");
	else if (out->kind != MF_FALLBACK_PREVIOUS)
		check_place(rd, item, w, out);
}

void
mf_migration_fallbacks(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	const struct mf_node *list = mf_plan_list(rd, spec, "fallback", 32);
	struct mf_fallback_plan *plans;
	size_t i;

	if (list == NULL || (plans = mf_plan_alloc(rd, list->n_items, sizeof *plans)) == NULL)
		return;
	for (i = 0; i < list->n_items; i++)
		read_fallback(rd, list->items[i], w, &plans[i]);
	w->plan.rollback.fallbacks = plans;
	w->plan.rollback.n_fallbacks = list->n_items;
}

/* "Mon" at *s; -1: none. */
static int
day_at(const char **s)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	int i;

	for (i = 0; i < 7; i++)
		if (strncmp(*s, days[i], 3) == 0) {
			*s += 3;
			return i;
		}
	return -1;
}

/* "08:30" at *s, up to 24:00; -1: none. */
static int
minute_at(const char **s)
{
	const char *t = *s;
	unsigned h, m;

	if (strspn(t, "0123456789") != 2 || t[2] != ':' || strspn(t + 3, "0123456789") != 2)
		return -1;
	h = (unsigned)(t[0] - '0') * 10 + (unsigned)(t[1] - '0');
	m = (unsigned)(t[3] - '0') * 10 + (unsigned)(t[4] - '0');
	if (h > 24 || m > 59 || (h == 24 && m > 0))
		return -1;
	*s = t + 5;
	return (int)(h * 60 + m);
}

/* "Mon-Fri 08:00-18:00", "Sat 22:00-06:00": windows of each day behind out. -1: none. */
static int
parse_window(const char *text, struct mf_window_plan out[7], size_t *n)
{
	const char *s = text;
	int first = day_at(&s), last = first, from, to, day;

	if (first < 0 || (*s == '-' && (s++, last = day_at(&s)) < 0) || *s++ != ' ')
		return -1;
	if ((from = minute_at(&s)) < 0 || *s++ != '-' || (to = minute_at(&s)) < 0 || *s != '\0' ||
	    from == to || from == (int)DAY_MINUTES)
		return -1;
	for (*n = 0, day = first;; day = (day + 1) % 7) {
		unsigned at = (unsigned)day * DAY_MINUTES;
		unsigned end = at + (unsigned)to + (to < from ? DAY_MINUTES : 0);

		out[*n].from_minute = (uint16_t)(at + (unsigned)from);
		out[(*n)++].to_minute = (uint16_t)(end > WEEK_MINUTES ? end - WEEK_MINUTES : end);
		if (day == last)
			return 0;
	}
}

static void
read_windows(struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	const struct mf_node *list = mf_node_get(spec, "windows");
	struct mf_window_plan *out;
	size_t i, n;

	if (w->n_windows == 0 || (out = mf_plan_alloc(rd, 7 * w->n_windows, sizeof *out)) == NULL)
		return;
	for (i = 0; i < w->n_windows; i++)
		if (parse_window(w->windows[i], &out[w->plan.n_windows], &n) == 0)
			w->plan.n_windows += n;
		else
			mf_plan_refuse(rd, list->items[i],
			    "days and hours are wanted here, as \"Mon-Fri 08:00-18:00\"");
	w->plan.windows = out;
}

/* A time, or a date, which is its midnight; UTC. */
static bool
time_of(struct mf_plan_reading *rd, const struct mf_node *at, const char *text, int64_t *unix_s)
{
	char full[MF_TIME_TEXT_BYTES];
	struct mf_error why = {0};
	size_t n = strlen(text);
	int64_t us;

	if (n >= sizeof full)
		n = sizeof full - 1;
	memset(full, 0, sizeof full);
	memcpy(full, text, n);
	if (n == 10)
		memcpy(full + n, "T00:00:00Z", sizeof "T00:00:00Z");
	if (mf_parse_time(full, &us, &why) != 0) {
		mf_plan_refuse_error(rd, at, &why);
		return false;
	}
	*unix_s = us / 1000000;
	return true;
}

void
mf_migration_times(
    struct mf_plan_reading *rd, const struct mf_node *spec, struct mf_migration_words *w)
{
	const struct mf_node *list = mf_node_get(spec, "freeze"), *item;
	struct mf_freeze_plan *out;
	size_t i;

	read_windows(rd, spec, w);
	if (w->n_freezes == 0 || (out = mf_plan_alloc(rd, w->n_freezes, sizeof *out)) == NULL)
		return;
	for (i = 0; i < w->n_freezes; i++) {
		item = list->items[i];
		if (w->freezes[i].from == NULL || w->freezes[i].to == NULL ||
		    !time_of(
			rd, mf_node_get(item, "from"), w->freezes[i].from, &out[i].from_unix_s) ||
		    !time_of(rd, mf_node_get(item, "to"), w->freezes[i].to, &out[i].to_unix_s))
			continue;
		if (out[i].to_unix_s <= out[i].from_unix_s)
			mf_plan_refuse(rd, item, "it ends before it begins");
	}
	w->plan.freezes = out;
	w->plan.n_freezes = w->n_freezes;
}
