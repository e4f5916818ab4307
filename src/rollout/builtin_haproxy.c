/*
 * HAProxy 2's exporter by servers. Its responses_total counts what a server answered; a request
 * that reached no server, or whose answer broke, is in two counters of its own. (An answer that
 * breaks after its head is in both, so that it weighs a little more than one failure.) It has no
 * histogram: its average times are those of the last 1024 requests of each server.
 */
#include <string.h>

#include "src/rollout/builtin_int.h"
#include "src/rollout/promtext.h"

#define RESPONSES "haproxy_server_http_responses_total"
#define BROKEN "haproxy_server_response_errors_total"
#define UNREACHED "haproxy_server_connection_errors_total"
#define BY "instance, job, proxy, server"

struct vector {
	const char *metric;
	const char *more;     /* of the selector: ",code=\"5xx\"" */
	const char *function; /* "rate", or "" */
	const char *window;   /* NULL: an instant vector */
};

/* The length of a backend's name in BACKEND/SERVER. */
static int
backend_bytes(const char *server, size_t *n, struct mf_error *e)
{
	const char *slash = server != NULL ? strchr(server, '/') : NULL;

	if (slash == NULL || slash == server || slash[1] == '\0' || strchr(slash + 1, '/') != NULL)
		return mf_error_set(
		    e, MF_EUSAGE, "\"%s\" is no BACKEND/SERVER", server != NULL ? server : "");
	*n = (size_t)(slash - server);
	if (*n >= MF_PROMTEXT_NAME_MAX)
		return mf_error_set(e, MF_EUSAGE, "the name of a backend is too long");
	return 0;
}

/* One server's name, or prefix and '*', as an alternative. */
static int
put_alternative(struct mf_buf *b, const char *name, struct mf_error *e)
{
	char prefix[MF_PROMTEXT_NAME_MAX];
	const size_t n = strlen(name);

	if (name[n - 1] != '*')
		return mf_promtext_put_literal(b, "the name of a server", name, e);
	if (n > sizeof prefix)
		return mf_error_set(e, MF_EUSAGE, "the name of a server is too long");
	memcpy(prefix, name, n - 1);
	prefix[n - 1] = '\0';
	if (n > 1 && mf_promtext_put_literal(b, "the name of a server", prefix, e) != 0)
		return -1;
	mf_buf_printf(b, ".*");
	return 0;
}

static bool
same_backend(const char *a, const char *b, size_t n)
{
	return strncmp(a, b, n + 1) == 0; /* with the slash */
}

/* All servers of the first one's backend, in one selector. */
static int
put_backend(struct mf_buf *b, const struct mf_builtin_names *names, size_t first,
    const struct vector *v, struct mf_error *e)
{
	char backend[MF_PROMTEXT_NAME_MAX];
	size_t i, n;

	if (backend_bytes(names->servers[first], &n, e) != 0)
		return -1;
	memcpy(backend, names->servers[first], n);
	backend[n] = '\0';
	mf_buf_printf(
	    b, "%s%s%s{proxy=\"", v->function, *v->function != '\0' ? "(" : "", v->metric);
	if (mf_promtext_put_exact(b, "the name of a backend", backend, e) != 0)
		return -1;
	mf_buf_printf(b, "\",server=~\"");
	for (i = first; i < names->n_servers; i++) {
		if (!same_backend(names->servers[i], names->servers[first], n))
			continue;
		if (i > first)
			mf_buf_printf(b, "|");
		if (put_alternative(b, names->servers[i] + n + 1, e) != 0)
			return -1;
	}
	mf_buf_printf(b, "\"%s}", v->more);
	if (v->window != NULL)
		mf_buf_printf(b, "[%s]", v->window);
	mf_buf_printf(b, "%s", *v->function != '\0' ? ")" : "");
	return 0;
}

/* The union over all backends. */
static int
put_vector(struct mf_buf *b, const struct mf_builtin_names *names, const struct vector *v,
    struct mf_error *e)
{
	size_t i, j, n;

	if (names->n_servers == 0 || names->n_servers > MF_BUILTIN_SERVERS_MAX)
		return mf_error_set(e, MF_EUSAGE,
		    names->n_servers == 0 ? "provider haproxy needs the names of the servers"
					  : "provider haproxy takes at most %u servers",
		    MF_BUILTIN_SERVERS_MAX);
	for (i = 0; i < names->n_servers; i++) {
		if (backend_bytes(names->servers[i], &n, e) != 0)
			return -1;
		for (j = 0; j < i && !same_backend(names->servers[j], names->servers[i], n); j++)
			continue;
		if (j < i)
			continue;
		if (i > 0)
			mf_buf_printf(b, " or ");
		if (put_backend(b, names, i, v, e) != 0)
			return -1;
	}
	return 0;
}

/* A sum over both sides' servers; where `or_zero` stands, a series that is not there is 0. */
static int
put_sum(struct mf_buf *b, const struct mf_builtin_names *names, const struct vector *v,
    bool or_zero, struct mf_error *e)
{
	mf_buf_printf(b, "%ssum(", or_zero ? "(" : "");
	if (put_vector(b, names, v, e) != 0)
		return -1;
	mf_buf_printf(b, ")%s", or_zero ? " or vector(0))" : "");
	return 0;
}

/* Requests, or only those that failed. */
static int
put_requests(struct mf_buf *b, const struct mf_builtin_names *names, const char *function,
    const char *window, bool only_bad, struct mf_error *e)
{
	const struct vector responses = {RESPONSES, only_bad ? ",code=\"5xx\"" : "", function,
				window},
			    broken = {BROKEN, "", function, window},
			    unreached = {UNREACHED, "", function, window};

	mf_buf_printf(b, "(");
	if (put_sum(b, names, &responses, only_bad, e) != 0)
		return -1;
	mf_buf_printf(b, " + ");
	if (put_sum(b, names, &broken, true, e) != 0)
		return -1;
	mf_buf_printf(b, " + ");
	if (put_sum(b, names, &unreached, true, e) != 0)
		return -1;
	mf_buf_printf(b, ")");
	return 0;
}

int
mf_builtin_put_haproxy_success(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e)
{
	mf_buf_printf(b, "100 * (1 - ");
	if (put_requests(b, names, "rate", window, true, e) != 0)
		return -1;
	mf_buf_printf(b, " / ");
	if (put_requests(b, names, "rate", window, false, e) != 0)
		return -1;
	mf_buf_printf(b, ")");
	return 0;
}

static int
put_weights(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e)
{
	const struct vector responses = {RESPONSES, "", "rate", window};

	mf_buf_printf(b, "sum by (" BY ") (");
	if (put_vector(b, names, &responses, e) != 0)
		return -1;
	mf_buf_printf(b, ")");
	return 0;
}

int
mf_builtin_put_haproxy_duration(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e)
{
	static const char *const parts[] = {"haproxy_server_queue_time_average_seconds",
	    "haproxy_server_connect_time_average_seconds",
	    "haproxy_server_response_time_average_seconds"};
	struct vector v = {"", "", "", NULL};
	size_t i;

	mf_buf_printf(b, "1000 * sum((");
	for (i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		v.metric = parts[i];
		mf_buf_printf(b, i > 0 ? " + (" : "(");
		if (put_vector(b, names, &v, e) != 0)
			return -1;
		mf_buf_printf(b, ")");
	}
	mf_buf_printf(b, ") * on (" BY ") ");
	if (put_weights(b, names, window, e) != 0)
		return -1;
	mf_buf_printf(b, ") / sum(");
	if (put_weights(b, names, window, e) != 0)
		return -1;
	mf_buf_printf(b, ")");
	return 0;
}

int
mf_builtin_put_haproxy_count(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e)
{
	return put_requests(b, names, "increase", window, false, e);
}

int
mf_builtin_put_haproxy_age(
    struct mf_buf *b, const struct mf_builtin_names *names, struct mf_error *e)
{
	const struct vector v = {RESPONSES, "", "timestamp", NULL};

	mf_buf_printf(b, "time() - max(");
	if (put_vector(b, names, &v, e) != 0)
		return -1;
	mf_buf_printf(b, ")");
	return 0;
}
