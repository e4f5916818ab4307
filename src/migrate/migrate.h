/*
 * A migration: a version of a model is brought to the destination, proves there what it is, and
 * then takes the traffic over, step by step, or everything goes back; modelferry-migrate(1).
 *
 *	preflight   nothing is moved: plan, router, providers, repository, leases
 *	data        push or reuse; pull at the destination, or wait for its receipts
 *	serving     reload, serves, warm-up, compare
 *	shift       ticks of the engine (shift.h)
 *	end         refs, pins, report
 *
 * Everything before the shift can be run again, and is, by a run that resumes there. Once the
 * journal holds a state of the engine, a run resumes from that state.
 *
 * On a store without conditional writes, or without one, the leases have to be a file's (MF_EUSAGE
 * else), which all runs that could meet are given. Runs on one machine, with one state directory,
 * exclude each other in any case (local_lease.h).
 *
 * Blocks until the run has ended. One thread; the pulls and pushes within have threads of their
 * own.
 */
#ifndef MF_MIGRATE_MIGRATE_H
#define MF_MIGRATE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/base/progress.h"
#include "src/migrate/engine.h"
#include "src/migrate/view.h"
#include "src/rollout/plan.h"
#include "src/traffic/dial.h"
#include "src/traffic/replay.h"
#include "src/traffic/router.h"

struct mf_repo;
struct mf_journal;
struct mf_signer;
struct mf_trust;
struct mf_cache;
struct mf_tree;

enum mf_migrate_resume {
	MF_MIGRATE_FRESH,
	MF_MIGRATE_CONTINUE, /* a run that was killed goes on */
	MF_MIGRATE_ROLLBACK, /* or goes back */
};

enum mf_migrate_stage {
	MF_STAGE_PREFLIGHT,
	MF_STAGE_PUSH,
	MF_STAGE_DELIVER,
	MF_STAGE_RELOAD,
	MF_STAGE_SERVES,
	MF_STAGE_WARMUP,
	MF_STAGE_COMPARE,
	MF_STAGE_SHIFT,
	MF_STAGE_END,
	MF_STAGES
};
const char *mf_migrate_stage_name(enum mf_migrate_stage stage); /* "deliver" */

#define MF_MIGRATE_DID_MAX 96u
#define MF_MIGRATE_DID_BYTES 160u

/* What is told while it runs. Views, valid during the call. */
struct mf_migrate_event {
	/* VIEW: nothing but the view is new. */
	enum {
		MF_MIGRATE_STAGE,
		MF_MIGRATE_LOOK,
		MF_MIGRATE_TICK,
		MF_MIGRATE_ALERT,
		MF_MIGRATE_VIEW
	} kind;
	enum mf_migrate_stage stage;
	const char *text;                   /* of a stage, a look and an alert */
	const struct mf_migrate_view *view; /* NULL of a look and an alert */
	/* Of a look: what was looked at, "router", and is it well? */
	const char *subject;
	bool well;
	const char *hint; /* what to do where it is not; NULL: nothing is known */
	/* Of a tick. */
	uint64_t tick;
	const struct mf_canary_tick *seen;
	const struct mf_engine *engine; /* with the state after it */
	const struct mf_router_seen *router;
	const char (*did)[MF_MIGRATE_DID_BYTES];
	size_t n_did;
};

struct mf_migrate_params {
	const struct mf_plan *plan; /* of kind Migration */
	const char *run_id;
	const char *actor;                 /* who and from where, for records */
	uint8_t instance[16];              /* random, of this process */
	struct mf_repo *repo;              /* NULL: a plan without a model, traffic alone */
	/* Where leases, the mirror of the journal, heartbeats and what people want of the run lie:
	 * as repo, where there is that. NULL: nowhere, and lease_file is needed. */
	struct mf_repo *records;
	struct mf_journal *journal;        /* borrowed, as all of these */
	struct mf_journal *mirror_journal; /* another handle of the same, for a thread */
	struct mf_cache *cache;            /* of a push; NULL: none */
	const char *lease_file;            /* of one more lease; NULL: none */
	const struct mf_trust *trust;
	const struct mf_signer *signer;
	struct mf_dialer_params dialer;
	const char *secrets_dir;
	enum mf_migrate_resume resume;
	bool allow_rejected; /* carry a version that an earlier run or rollback marked */
	bool new_version;    /* push it, although nothing at the source says that it is that one */
	/* Preflight alone. It looks at more, and goes on where something is not well: the error is
	 * that of the first. */
	bool dry_run;
	uint64_t up_bps, down_bps; /* as limited, for the outlook; 0: not known */
	const struct mf_trust
	    *steerers; /* whose control records count; NULL: anybody with the keys */
	/* A mirror's directory or bucket, for mf_tree_close; to be written to, or else one that is
	 * not there yet is empty. */
	int (*open_tree)(
	    void *arg, const char *url, bool write, struct mf_tree **out, struct mf_error *e);
	void *open_tree_arg;
	unsigned transfers; /* files of a mirror at once; 0: 4 */
	unsigned threads;
	size_t memory_bytes;
	bool no_direct_io;            /* of what is pulled */
	struct mf_progress *progress; /* NULL: none */
	int64_t (*unix_us)(void);
	int64_t (*boot_us)(void); /* CLOCK_BOOTTIME */
	bool (*interrupted)(void);
	/* What is carried can be ended apart from the run, which then turns back what there is. The
	 * run tells when pushes and pulls begin and end; from any thread it asks that they end as
	 * at a signal; and they ask whether they should, which is also so when interrupted. */
	void (*carry)(bool begins);
	void (*stop_carrying)(void);
	bool (*stopped)(void);
	/* Sleep so long, or until interrupted. */
	void (*sleep)(uint64_t us);
	void (*tell)(void *arg, const struct mf_migrate_event *event);
	void *tell_arg;
};

/* What a dry run found; all bytes are the most that it can be. */
struct mf_migrate_outlook {
	uint64_t version_bytes, push_bytes, pull_bytes;
	uint64_t free_bytes; /* at a local destination */
	bool free_known;
	uint64_t move_us, load_us; /* of push and pull; of a server; 0: not known */
};

struct mf_migrate_report {
	enum mf_result result; /* MF_RESULT_NONE: dry run, or told to end before its end */
	enum mf_reason reason;
	char because[320];     /* beside its word: what failed, or who said so; "" */
	char primary_ill[320]; /* a person is needed: the primary's metric that is not well; "" */
	bool rejected;     /* the version was marked so, by this process */
	bool already;      /* a finished migration: nothing was written */
	bool interrupted;  /* resumable */
	bool lost;         /* somebody else holds the lease now */
	char version[160]; /* that was carried */
	char previous[160];
	char serving[320]; /* "churn@v3": a fallback that the primary serves now; "": what it did */
	unsigned primary, canary; /* final weights, as read; 100/0 where there is no router */
	/* A person is needed: that much of the way back is done already. */
	bool ref_is_back, link_is_back; /* of the primary's side */
	char router[320];         /* why they are not all that there is to read; "": they are */
	char note[320];           /* what the router says of itself: do the weights survive a reload? */
	char permanent[2048];     /* lines that make the weights permanent; "": it has none */
	char not_back[320]; /* why the destination is not as before, of a run that went back; "" */
	/* What this process compared before any weight moved; all 0: nothing. */
	struct mf_replay_agreement agreement;
	uint64_t ticks;
	uint64_t seconds;
	struct mf_migrate_outlook outlook;
};

/* 0 with *out, however the run ended; -1: it could not be begun, or nothing was moved: MF_EUSAGE,
 * MF_EKEY, MF_ETRANSFER, ... by cause. */
int mf_migrate(
    const struct mf_migrate_params *p, struct mf_migrate_report *out, struct mf_error *e);

/* The larger of least_us and one and a half times what loading so many bytes takes; a rate of 0 is
 * not known. Pure. */
uint64_t mf_migrate_patience_us(uint64_t least_us, uint64_t bytes, uint64_t rate_bps);

/* May a step forward be taken at this time? Pure. */
bool mf_migrate_may_step(const struct mf_migration_plan *m, int64_t unix_s);
/* The first freeze of the plan that this time lies in; NULL: none. */
const struct mf_freeze_plan *mf_migrate_freeze_at(
    const struct mf_migration_plan *m, int64_t unix_s);

#endif
