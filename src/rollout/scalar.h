/*
 * What a plain YAML scalar is, as go-yaml 2 (and with it sigs.k8s.io/yaml, kubectl and Kubernetes'
 * API machinery) resolves it: YAML 1.1's booleans, its octals (017) beside 0o17, underscores within
 * numbers, no base 60; what looks like a date is a string. Pure, any thread.
 */
#ifndef MF_ROLLOUT_SCALAR_H
#define MF_ROLLOUT_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

#include "src/rollout/node.h"

struct mf_scalar {
	enum mf_node_kind kind; /* null, boolean, number or string */
	bool truth;
	double number;
	bool is_integer; /* written as one: 10, 0x1f; not 1.0 */
	bool not_finite; /* .nan, .inf, or an integer that no double holds: JSON has none of them */
};

struct mf_scalar mf_scalar_of(const char *text);
/* Is it [-+]?(.digits|digits[.digits])([eE][-+]?digits)? and nothing more? */
bool mf_scalar_is_decimal(const char *text);

#endif
