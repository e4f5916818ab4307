/* What the routers share. */
#ifndef MF_TRAFFIC_ROUTER_INT_H
#define MF_TRAFFIC_ROUTER_INT_H

#include "src/base/program.h"
#include "src/traffic/router.h"

/* One of each type, as mf_router_open. */
struct mf_router *mf_router_open_haproxy(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e);
struct mf_router *mf_router_open_file(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e);
struct mf_router *mf_router_open_exec(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e);
struct mf_router *mf_router_open_none(
    const struct mf_router_plan *plan, const struct mf_router_params *params, struct mf_error *e);

uint64_t mf_router_deadline_us(
    const struct mf_router_plan *plan, const struct mf_router_params *params);
/* Run p, of which argv, variables, input and output are the caller's, until the deadline at most.
 * As mf_program_run, but that one that takes too long is MF_ETRANSFER. */
int mf_router_run(struct mf_program *p, const struct mf_router_params *params, uint64_t deadline_us,
    struct mf_error *e);
int mf_router_check_weights(unsigned primary, unsigned canary, struct mf_error *e);

#endif
