/*
 * What a run is at, for people who watch. One copy is drawn on the terminal of the process that
 * runs it, another lies in each heartbeat for `status` on any other machine, so that both say the
 * same. All of it by value and bounded: it can be handed to another thread, or read from a record
 * that somebody else made.
 *
 * Times are Unix times by the clock of the machine that runs it; 0: none. Pure, any thread.
 */
#ifndef MF_MIGRATE_VIEW_H
#define MF_MIGRATE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"
#include "src/migrate/engine.h"
#include "src/rollout/migration_plan.h"

#define MF_VIEW_METRICS_MAX 64u
#define MF_VIEW_BYTES_MAX                                                       \
	((size_t)256 << 10) /* as JSON: more than all fields take at their most \
			     */

#define MF_VIEW_WHY_BYTES 160u
#define MF_VIEW_METRIC_TEXT_BYTES 280u

struct mf_view_metric {
	char name[128];
	char check[16]; /* of mf_check_name; "": not measured yet */
	bool has_value;
	double value;
	bool has_min, has_max, has_abort_min, has_abort_max;
	double min, max, abort_min, abort_max;
	bool relative; /* to the primary, whose value is then beside it */
	bool has_primary;
	double primary;
	bool alert_only, optional;
	uint64_t samples; /* behind it; 0: not known */
	uint64_t age_us;  /* of the newest one, when it was measured; 0: not known */
	int64_t asked_us; /* when it was measured last */
	/* why it has no value; of an analysis also how many failed, and its limit */
	char why[MF_VIEW_WHY_BYTES];
};

struct mf_migrate_view {
	int64_t at_us;                    /* when all this was so */
	char by[200];                     /* who runs it, and where */
	int64_t left_us;                  /* since when nobody does: it was told to end */
	int64_t back_after_us;            /* resumed later than this it goes back */
	char version[160], previous[160]; /* carried; of production at the beginning */
	char stage[16];                   /* "deliver", "shift" */
	char doing[200];
	uint64_t tick;
	char phase[24];
	char step[160];  /* for people: where it stands, and what comes next */
	unsigned wanted; /* of the canary, in percent */
	/* The router, as it was read last. */
	bool router_known;
	unsigned canary;
	double share;  /* what the present servers make of it */
	bool capacity; /* it can tell servers: */
	unsigned primary_up, primary_servers, canary_up, canary_servers;
	uint64_t sessions; /* of the canary */
	char router_note[160];
	unsigned failed_checks, threshold;
	int64_t next_us; /* the next tick */
	char hold[24], reason[24];
	char because[320]; /* for people: what it goes back for, beside the reason's word; "" */
	char waits[240]; /* for people: what it waits for */
	int64_t hold_since_us, hold_until_us;
	int64_t settled_us; /* held for a window to settle: by then it has; 0: of no such hold */
	char hold_end[16];                            /* what happens then: "rollback", "alert" */
	bool source_unchecked, destination_unchecked; /* the plan says `serves: unchecked` */
	char rollback[480];                           /* for people: what a rollback would do now */
	size_t n_metrics;
	unsigned metrics_left_out; /* beyond MF_VIEW_METRICS_MAX */
	struct mf_view_metric metrics[MF_VIEW_METRICS_MAX];
};

/* What a view is made of, at one moment. */
struct mf_view_moment {
	const struct mf_engine *engine;
	const struct mf_migration_plan *m;
	const struct mf_router_seen *router; /* NULL: it could not be read */
	bool capacity;                       /* the router tells servers */
	bool may_step;                       /* within the plan's windows */
	uint64_t changed_us; /* when weights changed last, by the run's clock; 0: they did not */
	uint64_t now_us, next_us;            /* by the run's clock; next 0: none */
	int64_t unix_us;                     /* the same moment as now_us */
	uint64_t tick;
	const char *version, *previous, *shown; /* carried; of production, of the link before */
	const char *gate;                       /* the hook that keeps a gate closed; "": none */
	/* Of a Rollout: why each metric was an error when it was measured last, "" it was none; of
	 * metric i of analysis k at k * MF_ANALYSIS_METRICS_MAX + i. NULL: not known. */
	const char (*whys)[MF_VIEW_WHY_BYTES];
};

/* The part that is the plan's, and whose it is. */
void mf_view_init(struct mf_migrate_view *v, const struct mf_canary_plan *plan,
    const struct mf_migration_plan *m, const char *by);
/* Whoever runs it was told to end, and leaves now. max_unattended_us: for how long nobody may be
 * there while the canary has traffic. */
void mf_view_left(struct mf_migrate_view *v, uint64_t max_unattended_us, int64_t unix_us);
/* As soon as they are known. */
void mf_view_versions(struct mf_migrate_view *v, const char *version, const char *previous);
/* Before the shift. text: what is at hand. */
void mf_view_stage(struct mf_migrate_view *v, const char *stage, const char *text, int64_t unix_us);
/* What is being done now, and the moment of that; and what that waits for, until when; 0: until it
 * is so. */
void mf_view_doing(struct mf_migrate_view *v, const char *text, int64_t unix_us);
void mf_view_waits(
    struct mf_migrate_view *v, const char *what, int64_t until_us, int64_t unix_us);
/* The rest, but for the metrics, */
void mf_view_fill(struct mf_migrate_view *v, const struct mf_view_moment *now);
/* What the counts of an analysis' metric say beside its limits: "failed 1, limit 0", or why it is an
 * error and "error 2 in a row, limit 4"; "": all is well. why: "" or what was told of the error. */
void mf_view_analysis_text(char *out, size_t bytes, const struct mf_analysis_metric *m,
    const struct mf_analysis_metric_state *s, const char *why);
/* (of a Rollout, in view_rollout.c, with its metrics) */
void mf_view_fill_rollout(struct mf_migrate_view *v, const struct mf_view_moment *now);
/* waits: the metrics of the primary after a way back, once they are watched. */
void mf_view_put_watched(struct mf_migrate_view *v, const struct mf_view_moment *now,
    const struct mf_way_back *back, uint64_t verify_for_us);
/* waits: the window, or the end of the freeze, that it waits for. */
void mf_view_put_window(struct mf_migrate_view *v, const struct mf_view_moment *now);
/* of which this is one. primary: it is the primary's own. */
void mf_view_measured(struct mf_migrate_view *v, size_t index, const struct mf_canary_metric *m,
    bool primary, const struct mf_measured *got, int64_t unix_us);

/* "error-rate 0.12, at most 0.05"; "p99 has no value: connection refused; it is to be at most 500". */
void mf_view_metric_text(char *out, size_t bytes, const struct mf_canary_metric *m,
    enum mf_check check, const struct mf_measured *got);
/* Held for no longer than a window takes to settle, which is no trouble. */
bool mf_view_is_settling(const struct mf_migrate_view *v, int64_t now_us);
/* How those who watch see a measurement: as the engine does, but that a question which failed is an
 * error of any metric. */
enum mf_check mf_view_check(
    const struct mf_canary_metric *m, bool primary, const struct mf_measured *got);

/* As JSON, at the end of b; and back: unknown members are left alone, missing ones are zero.
 * MF_EDAMAGED where a member is not what it can be, or there are too many. */
void mf_view_put(struct mf_buf *b, const struct mf_migrate_view *v);
int mf_view_read(struct mf_migrate_view *out, const void *bytes, size_t n, struct mf_error *e);

#endif
