/* The table behind the built-in queries. */
#ifndef MF_ROLLOUT_BUILTIN_INT_H
#define MF_ROLLOUT_BUILTIN_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "src/rollout/builtin.h"

/*
 * How a provider's exporter counts. Selectors are what stands between the braces, with
 *	%n %t %s %i %r   the names of namespace, target, service, ingress, route
 *	%N %T %S %I %R   the same within a regular expression
 *	%WN %WI %WS      such names as Skipper writes them: what is no letter, digit or _ is _
 *	%c               "canary" or "primary"
 *	%p               "" or "-primary"
 *	 *	%x{TEXT}         TEXT for a canary, nothing for a primary
 */
struct mf_builtin_row {
	const char *provider;
	bool is_prefix;       /* of the provider's name: "gatewayapi:v1" */
	bool one_sided;       /* the primary's requests cannot be told from the canary's */
	const char *requests; /* a counter of requests, with the selector */
	const char *selector;
	const char *bad;        /* more of the selector: those that failed */
	const char *duration;   /* histogram without its suffix; NULL: no duration */
	const char *d_selector; /* NULL: selector */
	bool mean;              /* of _sum and _count; else P99 of _bucket */
	unsigned to_ms;         /* 1000 where durations are in seconds */
};

/* The rows, but for haproxy's, which counts in several series. */
extern const struct mf_builtin_row mf_builtin_rows[];
extern const size_t mf_builtin_n_rows;

/* Of HAProxy; the window is text, "60s". */
int mf_builtin_put_haproxy_success(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e);
int mf_builtin_put_haproxy_duration(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e);
int mf_builtin_put_haproxy_count(
    struct mf_buf *b, const struct mf_builtin_names *names, const char *window, struct mf_error *e);
int mf_builtin_put_haproxy_age(
    struct mf_buf *b, const struct mf_builtin_names *names, struct mf_error *e);

#endif
