/* From what proxies say to what they are to be told. Pure. */
#include <stdlib.h>
#include <string.h>

#include "src/traffic/haproxy_int.h"

static int
bad_pattern(const char *pattern, struct mf_error *e)
{
	mf_error_set(e, MF_EUSAGE, "%s names no servers", pattern);
	return mf_error_hint(e, "BACKEND/SERVER, or BACKEND/PREFIX* for all whose names begin so");
}

static int
add_backend(struct mf_haproxy_names *out, const char *pattern, struct mf_error *e)
{
	const char *slash = strchr(pattern, '/');
	char name[MF_HAPROXY_NAME_BYTES];
	size_t i, n = slash != NULL ? (size_t)(slash - pattern) : 0, rest;

	if (slash == NULL || n >= sizeof name)
		return bad_pattern(pattern, e);
	memcpy(name, pattern, n);
	name[n] = '\0';
	rest = strlen(slash + 1);
	if (rest >= MF_HAPROXY_NAME_BYTES || !mf_haproxy_is_name(name) || rest == 0)
		return bad_pattern(pattern, e);
	for (i = 0; i < rest; i++)
		if (slash[1 + i] == '/' || (slash[1 + i] == '*' && i + 1 < rest))
			return bad_pattern(pattern, e);
	for (i = 0; i < out->n; i++)
		if (strcmp(out->names[i], name) == 0)
			return 0;
	if (out->n == MF_HAPROXY_BACKENDS_MAX)
		return mf_error_set(e, MF_EUSAGE, "more than %u backends", MF_HAPROXY_BACKENDS_MAX);
	memcpy(out->names[out->n++], name, n + 1);
	return 0;
}

int
mf_haproxy_backends_of(
    const struct mf_router_plan *plan, struct mf_haproxy_names *out, struct mf_error *e)
{
	size_t i;

	out->n = 0;
	for (i = 0; i < plan->n_primary; i++)
		if (add_backend(out, plan->primary[i], e) != 0)
			return -1;
	for (i = 0; i < plan->n_canary; i++)
		if (add_backend(out, plan->canary[i], e) != 0)
			return -1;
	return 0;
}

bool
mf_haproxy_matches(const char *pattern, const struct mf_haproxy_server *s)
{
	const size_t n = strlen(s->backend);
	size_t rest;

	if (strncmp(pattern, s->backend, n) != 0 || pattern[n] != '/')
		return false;
	pattern += n + 1;
	rest = strlen(pattern);
	if (rest > 0 && pattern[rest - 1] == '*')
		return strncmp(pattern, s->name, rest - 1) == 0;
	return strcmp(pattern, s->name) == 0;
}

static bool
any_matches(const char *const *patterns, size_t n, const struct mf_haproxy_server *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (mf_haproxy_matches(patterns[i], s))
			return true;
	return false;
}

int
mf_haproxy_take_sides(
    struct mf_haproxy_table *t, const struct mf_router_plan *plan, struct mf_error *e)
{
	struct mf_haproxy_server *s;
	bool primary, canary;
	size_t i;

	for (i = 0; i < t->n; i++) {
		s = &t->servers[i];
		primary = any_matches(plan->primary, plan->n_primary, s);
		canary = any_matches(plan->canary, plan->n_canary, s);
		if (primary && canary) {
			mf_error_set(e, MF_EUSAGE, "server %s/%s belongs to both sides", s->backend,
			    s->name);
			return mf_error_hint(e, "name it with one of primary and canary alone");
		}
		s->side = MF_HAPROXY_NEITHER;
		if (primary)
			s->side = MF_HAPROXY_PRIMARY;
		else if (canary)
			s->side = MF_HAPROXY_CANARY;
	}
	return 0;
}

void
mf_haproxy_put_read(struct mf_buf *b, const struct mf_haproxy_names *backends)
{
	size_t i;

	for (i = 0; i < backends->n; i++)
		mf_buf_printf(b, "%sshow servers state %s", i > 0 ? ";" : "", backends->names[i]);
	for (i = 0; i < backends->n; i++)
		mf_buf_printf(b, ";show stat %s 6 -1", backends->names[i]);
	mf_buf_put(b, "\n", 1);
}

/* Those of one backend that belong to a side and are no backups, which get traffic only when all
 * others are gone. index: where each stands in the table. */
static size_t
gather(const struct mf_haproxy_table *t, const char *backend, struct mf_share_server *out,
    size_t *index)
{
	const struct mf_haproxy_server *s;
	size_t i, n = 0;

	for (i = 0; i < t->n; i++) {
		s = &t->servers[i];
		if (s->side == MF_HAPROXY_NEITHER || s->backup || strcmp(s->backend, backend) != 0)
			continue;
		out[n] = (struct mf_share_server){.canary = s->side == MF_HAPROXY_CANARY,
		    .state = s->state,
		    .capacity = s->configured,
		    .weight = s->weight};
		if (index != NULL)
			index[n] = i;
		n++;
	}
	return n;
}

/* Is that server the first of its backend? Then it stands for it. */
static bool
begins_backend(const struct mf_haproxy_table *t, size_t i)
{
	return i == 0 || strcmp(t->servers[i - 1].backend, t->servers[i].backend) != 0;
}

static bool
was_drained(const struct mf_share_server *servers, const size_t *index, size_t n,
    const struct mf_haproxy_table *t)
{
	size_t i, canaries = 0;

	for (i = 0; i < n; i++) {
		if (!servers[i].canary)
			continue;
		if (!t->servers[index[i]].forced || servers[i].weight != 0)
			return false;
		canaries++;
	}
	return canaries > 0;
}

static int
aim_backend(const struct mf_haproxy_table *t, const char *backend, unsigned canary,
    struct mf_share_server *servers, size_t *index, struct mf_haproxy_target *targets,
    struct mf_error *e)
{
	const size_t n = gather(t, backend, servers, index);
	const bool back = canary > 0 && was_drained(servers, index, n, t);
	size_t i;

	for (i = 0; back && i < n; i++)
		if (servers[i].canary)
			servers[i].state = MF_SERVER_UP;
	if (mf_shares_weigh(servers, n, canary, e) != 0)
		return mf_error_while(e, "weighing the servers of backend %s", backend);
	for (i = 0; i < n; i++)
		targets[index[i]] = (struct mf_haproxy_target){
		    .weight = servers[i].weight, .ready = back && servers[i].canary};
	return 0;
}

static void
stay(const struct mf_haproxy_table *t, struct mf_haproxy_target *targets)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		targets[i] = (struct mf_haproxy_target){.weight = t->servers[i].weight};
}

int
mf_haproxy_aim(const struct mf_haproxy_table *t, unsigned canary, struct mf_haproxy_target *targets,
    struct mf_error *e)
{
	struct mf_share_server *servers = calloc(t->n + 1, sizeof *servers);
	size_t *index = calloc(t->n + 1, sizeof *index), i;
	int rc = 0;

	stay(t, targets);
	if (servers == NULL || index == NULL)
		rc = mf_error_nomem(e, "weights");
	for (i = 0; rc == 0 && i < t->n; i++)
		if (begins_backend(t, i))
			rc = aim_backend(
			    t, t->servers[i].backend, canary, servers, index, targets, e);
	free(servers);
	free(index);
	return rc;
}

static const struct mf_haproxy_server *
find(const struct mf_haproxy_table *t, const struct mf_haproxy_server *like)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->servers[i].name, like->name) == 0 &&
		    strcmp(t->servers[i].backend, like->backend) == 0)
			return &t->servers[i];
	return NULL;
}

void
mf_haproxy_aim_back(const struct mf_haproxy_table *t, const struct mf_haproxy_table *before,
    struct mf_haproxy_target *targets)
{
	const struct mf_haproxy_server *was;
	size_t i;

	stay(t, targets);
	for (i = 0; i < t->n; i++) {
		if (t->servers[i].side == MF_HAPROXY_NEITHER ||
		    (was = find(before, &t->servers[i])) == NULL)
			continue;
		targets[i].weight = was->weight;
		targets[i].maint = was->forced && !t->servers[i].forced;
	}
}

bool
mf_haproxy_same_weights(const struct mf_haproxy_table *t, const struct mf_haproxy_table *as)
{
	const struct mf_haproxy_server *was;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->servers[i].side == MF_HAPROXY_NEITHER || t->servers[i].backup)
			continue;
		was = find(as, &t->servers[i]);
		if (was == NULL || was->weight != t->servers[i].weight)
			return false;
	}
	return true;
}

/* One server's commands, if that pass is theirs: 0 puts in order what gains, 1 what loses. */
static size_t
put_change(struct mf_buf *b, const struct mf_haproxy_server *s,
    const struct mf_haproxy_target *target, unsigned pass)
{
	size_t n = 0;

	if (pass == 0 && target->ready && s->state == MF_SERVER_MAINT) {
		mf_buf_printf(b, "set server %s/%s state ready;", s->backend, s->name);
		n++;
	}
	if (pass == (target->weight < s->weight) && target->weight != s->weight) {
		mf_buf_printf(
		    b, "set server %s/%s weight %u;", s->backend, s->name, target->weight);
		n++;
	}
	if (pass == 1 && target->maint && !s->forced) {
		mf_buf_printf(b, "set server %s/%s state maint;", s->backend, s->name);
		n++;
	}
	return n;
}

size_t
mf_haproxy_put_changes(
    struct mf_buf *b, const struct mf_haproxy_table *t, const struct mf_haproxy_target *targets)
{
	const size_t before = b->len;
	size_t i, n = 0;
	unsigned pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < t->n; i++) {
			if (t->servers[i].side == MF_HAPROXY_NEITHER || t->servers[i].backup)
				continue;
			if (b->len - before > MF_HAPROXY_REQUEST_BYTES)
				return n;
			n += put_change(b, &t->servers[i], &targets[i], pass);
		}
	return n;
}

double
mf_haproxy_share(const struct mf_haproxy_table *t, bool largest)
{
	struct mf_share_server *servers = calloc(t->n + 1, sizeof *servers);
	double share = -1, got;
	size_t i;

	for (i = 0; servers != NULL && i < t->n; i++) {
		if (!begins_backend(t, i))
			continue;
		got = mf_shares_canary(servers, gather(t, t->servers[i].backend, servers, NULL));
		if (got >= 0 && (share < 0 || (largest ? got > share : got < share)))
			share = got;
	}
	free(servers);
	return share;
}

double
mf_haproxy_share_of_all(const struct mf_haproxy_table *t)
{
	double sums[2] = {0, 0};
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->servers[i].side != MF_HAPROXY_NEITHER && !t->servers[i].backup)
			sums[t->servers[i].side == MF_HAPROXY_CANARY] += t->servers[i].weight;
	return sums[0] + sums[1] > 0 ? 100 * sums[1] / (sums[0] + sums[1]) : -1;
}

struct mf_share_count
mf_haproxy_count(const struct mf_haproxy_table *t)
{
	struct mf_share_count c = {0};
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct mf_haproxy_server *s = &t->servers[i];
		const bool up = s->state == MF_SERVER_UP, in = up || s->state == MF_SERVER_DOWN;

		if (s->side == MF_HAPROXY_CANARY) {
			c.canary++;
			c.canary_up += up;
			c.canary_in_service += in;
		} else if (s->side == MF_HAPROXY_PRIMARY) {
			c.primary++;
			c.primary_up += up;
			c.primary_in_service += in;
		}
	}
	return c;
}

/* In maintenance by nobody's word: its host's name has no address (server-template). */
static bool
is_canary(const struct mf_haproxy_server *s)
{
	return s->side == MF_HAPROXY_CANARY && (s->state != MF_SERVER_MAINT || s->forced);
}

unsigned
mf_haproxy_distinct_canaries(const struct mf_haproxy_table *t)
{
	unsigned n = 0;
	size_t i, k;

	for (i = 0; i < t->n; i++) {
		if (!is_canary(&t->servers[i]))
			continue;
		for (k = 0; k < i; k++)
			if (is_canary(&t->servers[k]) &&
			    strcmp(t->servers[k].name, t->servers[i].name) == 0)
				break;
		n += k == i;
	}
	return n;
}

uint64_t
mf_haproxy_canary_sessions(const struct mf_haproxy_table *t)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->servers[i].side == MF_HAPROXY_CANARY)
			sum += t->servers[i].sessions;
	return sum;
}

bool
mf_haproxy_is_drained(const struct mf_haproxy_table *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++) {
		if (t->servers[i].side != MF_HAPROXY_CANARY)
			continue;
		if (!t->servers[i].forced || t->servers[i].weight != 0)
			return false;
		n++;
	}
	return n > 0;
}
