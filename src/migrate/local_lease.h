/*
 * The leases that this machine alone knows: one a thing that a router moves, a file in the state
 * directory. The repository's exclude all who use that repository, and a file that --lease names
 * all who name it; two runs on one machine see each other by these, whatever else each was given.
 *
 * HAProxy's backends are told apart by the proxies that they are of: runs that share a socket and a
 * backend share a lease. Pure, but for a look at where a socket's path leads.
 */
#ifndef MF_MIGRATE_LOCAL_LEASE_H
#define MF_MIGRATE_LOCAL_LEASE_H

#include "src/base/error.h"
#include "src/rollout/router.h"

struct mf_journal;

/* Where they lie: in its state directory. */
int mf_local_leases_dir(const struct mf_journal *journal, char out[4096], struct mf_error *e);

/* Each one's path below dir, and what it is of, "haproxy:churn"; in an order that two plans share.
 * A return of each that is not 0 ends it, and is returned. MF_EUSAGE: more than
 * MF_LOCAL_LEASES_MAX. */
#define MF_LOCAL_LEASES_MAX 100u
int mf_local_leases_each(const struct mf_router_plan *router, const char *dir,
    int (*each)(void *arg, const char *path, const char *object, struct mf_error *e), void *arg,
    struct mf_error *e);

#endif
