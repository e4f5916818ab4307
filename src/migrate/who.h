/*
 * Who is at a run, by what its leases say of their holder: "RUN, USER@HOST, process PID, since
 * TIME". They are looked at, and not touched.
 */
#ifndef MF_MIGRATE_WHO_H
#define MF_MIGRATE_WHO_H

#include "src/repo/lease.h"
#include "src/rollout/plan.h"

struct mf_journal;

struct mf_who_look {
	const struct mf_plan *plan; /* of the run */
	const char *run;
	const struct mf_journal *journal;
	struct mf_repo *records; /* NULL: there is none */
	int64_t unix_us;         /* now */
};

enum mf_who {
	MF_WHO_NOBODY,  /* its leases were let go, or not renewed for longer than they last */
	MF_WHO_UNKNOWN, /* nothing says so, or nothing can be read */
	MF_WHO_SOMEBODY
};

/* text: "root@host, process 12, since 2026-11-30T01:00:00Z, heartbeat 3s ago"; "": who is not
 * known. Of nobody it is who did last. */
#define MF_WHO_TEXT_BYTES 400u
enum mf_who mf_who_runs(const struct mf_who_look *look, char text[MF_WHO_TEXT_BYTES]);

/* The hint for who met it: how it is looked at and steered. -1. */
int mf_who_hint(const char *holder, bool in_repo, struct mf_error *e);

#endif
