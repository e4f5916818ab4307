/* The inside of a run. */
#ifndef MF_MIGRATE_MIGRATE_INT_H
#define MF_MIGRATE_MIGRATE_INT_H

#include "src/migrate/keeper.h"
#include "src/migrate/migrate.h"
#include "src/migrate/shift.h"
#include "src/migrate/teller.h"
#include "src/migrate/view.h"
#include "src/migrate/watcher.h"
#include "src/migrate/world.h"
#include "src/repo/lease.h"
#include "src/repo/version.h"

#define MF_VERSION_BYTES 160u
#define MF_SERVING_BYTES (2 * MF_VERSION_BYTES)
#define MF_TROUBLE_BYTES 320u
#define MF_REASON_TEXT_BYTES (MF_TROUBLE_BYTES + 40u)
#define MF_KEY_TAIL_BYTES 17u /* "-" and 16 digits behind a version's name in a KEY */

/* What may take over on the primary's side, by fallback of the plan; fallback.c. */
struct mf_candidates;

struct mf_migrating {
	const struct mf_migrate_params *p;
	const struct mf_canary_plan *canary; /* without metrics and hooks, where there is none */
	const struct mf_migration_plan *m;
	struct mf_world *world;
	struct mf_engine engine;
	struct mf_rollout_plan rollout; /* of the engine, where the plan has one */
	char (*whys)[MF_VIEW_WHY_BYTES]; /* of its metrics, as in a view's moment; NULL: no Rollout */
	struct mf_region *answers;      /* that metrics of a Rollout gave in this tick */
	struct mf_shift shift;
	struct mf_shift_ports ports;
	struct mf_lease_set leases;
	char holder[MF_LEASE_HOLDER_MAX_BYTES + 1]; /* as they name it */
	char waits_for[MF_LEASE_HOLDER_MAX_BYTES + 1]; /* whose leases, as was told; "" */
	bool held_elsewhere; /* preflight: another run is under way on what this one moves */
	bool leased;
	struct mf_keeper *keeper;   /* from the shift on */
	struct mf_teller **people;  /* one a receiver of alerts; as long */
	size_t n_people;
	struct mf_teller *teller;   /* as long; NULL: the plan has no hooks that nobody waits for */
	struct mf_intact *brought;  /* the data at the destination, until its watcher takes it */
	struct mf_watcher *watcher; /* of a shift whose destination this process sees; NULL */
	bool damage_told;
	bool has_former; /* the instance of a process of this run that is dead */
	uint8_t former[16];
	char version[MF_VERSION_BYTES];   /* that is carried */
	char previous[MF_VERSION_BYTES];  /* that production named at the beginning; "": none */
	char shown[MF_VERSION_BYTES];     /* that the destination's link showed before; "": none */
	struct mf_candidates *candidates; /* NULL: not looked for yet */
	const char *called_model; /* that calls to servers name: the plan's, or a lighter one */
	char serving[MF_SERVING_BYTES]; /* "churn@v3": a fallback that took over; "" */
	bool turned;                    /* the destination was told to be as before the run */
	char not_back[MF_TROUBLE_BYTES]; /* why it is not; "": it is, or nobody asked */
	unsigned fell_to;               /* the fallback that was loaded last, from 1 */
	char reread[MF_SERVING_BYTES];  /* the one that was read last, where it lay there before */
	uint64_t production_sequence;
	char checksum[MF_PLAN_CHECKSUM_BYTES]; /* of version and plan, for hooks */
	/* The run's clock: Unix time at its first start, and from then on what a clock that never
	 * stands still counts; it does not go back over a resume. */
	uint64_t clock_base_us;
	int64_t boot_base_us;
	uint64_t changed_us; /* when weights last changed */
	uint64_t not_ready_since_us;
	uint64_t unattended_us; /* how long nobody ran it, before this process */
	int64_t last_seen_us;   /* Unix time of the journal's last line, then */
	enum mf_reason reason;  /* of the way back, as the act at hand says */
	bool in_tick;           /* acts of a tick are under way: engine.next is how far it has come */
	bool shifting;          /* the shift has begun: what else is called a stage is part of it */
	bool leaving;           /* told to end: the way back is not interrupted again */
	uint64_t act_line;      /* of the journal */
	bool has_open_route;    /* the last route of the dead process, behind its last state */
	struct mf_act open_route;
	bool rejected;           /* the version was marked so */
	bool referenced;         /* this run set out to move production */
	bool registry_told;      /* that it did, by this process */
	bool purge_owed;         /* by the process that is dead */
	struct mf_standing told; /* what events have said */
	unsigned told_failed;
	bool alerted_now;                   /* people were told something in this tick */
	uint64_t tick_us;                   /* when it began */
	const struct mf_analysis_plan *ran; /* that a Rollout's step had on before it */
	uint64_t alerted; /* bits of the first 64 metrics of which people were told */
	struct mf_router_seen router;
	bool router_known;
	char trouble[MF_TROUBLE_BYTES]; /* why the router cannot be read or written; "": it can */
	bool present;                   /* preflight: the destination holds the version already */
	struct mf_migrate_outlook outlook;
	struct mf_replay_agreement agreement; /* of compare */
	uint64_t answered; /* controls up to this number */
	enum mf_steer steer;
	struct mf_migrate_view view;
	char gate[128]; /* the hook that keeps a gate closed */
	/* For people, all of it escaped; why.c. */
	char failed[MF_TROUBLE_BYTES]; /* metrics and hooks that did in this tick; "": none */
	char waited[MF_TROUBLE_BYTES]; /* what it was held for before this tick; "": nothing */
	char by_hand[MF_TROUBLE_BYTES]; /* who told it to go back, and what for; "" */
	char primary_ill[MF_TROUBLE_BYTES]; /* the primary's metric that was last not well; "" */
	char because[MF_TROUBLE_BYTES]; /* what it goes back for, beside the reason's word; "" */
	enum mf_reason because_of;      /* whose that is */
	char did[MF_MIGRATE_DID_MAX][MF_MIGRATE_DID_BYTES];
	size_t n_did;
};

/* open.c: the world, the journal */
int mf_migrating_open(struct mf_migrating *x, struct mf_error *e);
void mf_migrating_close(struct mf_migrating *x);
int mf_migrating_begin(struct mf_migrating *x, struct mf_error *e);

/* leases.c: MF_ECONFLICT names who holds one, from where and since when. */
int mf_migrating_take_leases(struct mf_migrating *x, struct mf_error *e);
/* A look ahead: MF_ECONFLICT names a run that holds one of them now. Nothing is taken. */
int mf_migrating_look_at_holder(struct mf_migrating *x, struct mf_error *e);

/* preflight.c */
int mf_migrating_preflight(struct mf_migrating *x, struct mf_error *e);
/* A run that has moved nothing yet begins where its plan does: all traffic with the primary. */
int mf_migrating_check_weights(struct mf_migrating *x, struct mf_error *e);
/* Of a router whose weights were read: the version serves already, and nothing is to be done. */
bool mf_migrating_is_done(const struct mf_migrating *x);

/* requires.c: what sites require of tags. MF_EUSAGE names tag, wanted and got. */
int mf_migrating_check_requires(struct mf_migrating *x, struct mf_error *e);
/* The source's, of a version that it may fall back to. */
int mf_migrating_suits_source(struct mf_migrating *x, const char *version, struct mf_error *e);
/* Again, of the destination's servers: they were told to load since. */
int mf_migrating_ask_requires(struct mf_migrating *x, struct mf_error *e);

/* look.c: parts of a preflight. Each tells what it found; -1: it is not well. */
int mf_migrating_looked(struct mf_migrating *x, const char *subject, int rc, const char *text,
    const struct mf_error *e); /* tells text, or where rc is not 0 what e says; rc */
int mf_migrating_look_at_versions(struct mf_migrating *x, struct mf_error *e);
/* look_source.c: the source's directory; and that a version is to be made of it. */
int mf_migrating_look_at_source_dir(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_look_at_push(
    struct mf_migrating *x, char *text, size_t text_bytes, struct mf_error *e);
int mf_migrating_look_at_destination(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_look_at_fallbacks(struct mf_migrating *x, struct mf_error *e); /* fallback.c */
int mf_migrating_look_at_data(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_look_at_servers(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_look_at_source(struct mf_migrating *x, struct mf_error *e);
/* look_metrics.c. A dry run asks each metric once, both sides, and those of fallbacks; a run only
 * looks for servers that are not there and queries that Prometheus cannot answer. */
int mf_migrating_look_at_metrics(struct mf_migrating *x, struct mf_error *e);

/* clock.c */
uint64_t mf_migrating_now(const struct mf_migrating *x);
/* Told to go back before any weight moved. The shift hears that by itself. */
bool mf_migrating_is_aborted(const struct mf_migrating *x);
bool mf_migrating_interrupted(const struct mf_migrating *x);
/* The same for those that are called, with the run for arg. */
uint64_t mf_migrating_ask_boot_us(void *arg);
int64_t mf_migrating_ask_unix_us(void *arg);
bool mf_migrating_ask_interrupted(void *arg);

/* prepare.c: 0: the destination serves the version, or an abort that came in the meantime is what
 * the shift does first. -1; what is stored or brought by then stays. */
int mf_migrating_prepare(struct mf_migrating *x, struct mf_error *e);

/* run.c */
void mf_migrating_stage(struct mf_migrating *x, enum mf_migrate_stage stage, const char *text);
void mf_migrating_alert(struct mf_migrating *x, const char *text);
void mf_migrating_did(struct mf_migrating *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* why.c: for people, names the metric with value and range, the hook or the servers */
void mf_migrating_metric_failed(struct mf_migrating *x, const struct mf_canary_metric *m,
    bool primary, enum mf_check check, const struct mf_measured *got);
void mf_migrating_hook_failed(struct mf_migrating *x, const struct mf_hook *hook, int status);
/* All that failed in this tick; "": nothing did. */
void mf_migrating_why(struct mf_migrating *x, char out[MF_TROUBLE_BYTES]);
/* An engine that has just come to a reason: x->because, and that of the view. */
void mf_migrating_know_because(struct mf_migrating *x, const struct mf_engine *engine);
/* "threshold: error-rate 0.12, at most 0.05"; out. */
const char *mf_migrating_reason_text(const struct mf_migrating *x, enum mf_reason reason,
    char out[MF_REASON_TEXT_BYTES]);

/* report.c */
void mf_migrating_report_end(struct mf_migrating *x, struct mf_migrate_report *out);
void mf_migrating_tell_people_end(
    struct mf_migrating *x, enum mf_result result, enum mf_reason reason, unsigned canary);

/* show.c: for those who watch. A stage before the shift; an act that begins; a look between two
 * ticks; the end of a tick, whose heartbeat is put. */
void mf_migrating_show_stage(struct mf_migrating *x, enum mf_migrate_stage stage, const char *text);
void mf_migrating_show_act(struct mf_migrating *x, const struct mf_act *act);
/* What is being done waits for this, most_us at most; 0: until it is so. */
void mf_migrating_show_wait(struct mf_migrating *x, uint64_t most_us, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void mf_migrating_show_route(struct mf_migrating *x, const struct mf_act *act); /* it is done */
void mf_migrating_show_watch(struct mf_migrating *x);
void mf_migrating_show_tick(struct mf_migrating *x);
void mf_migrating_show_left(struct mf_migrating *x); /* told to end, resumable: nobody runs it */

/* tell.c: hooks and receivers of alerts that nobody waits for */
int mf_migrating_start_tellers(struct mf_migrating *x, struct mf_error *e);
void mf_migrating_stop_tellers(struct mf_migrating *x);
/* The receivers of that severity. details: NULL or lines. */
void mf_migrating_tell_people(
    struct mf_migrating *x, enum mf_alert_severity severity, const char *text, const char *details);
/* At an end: blocks until they were told, most_us at most. */
void mf_migrating_let_people_hear(struct mf_migrating *x, uint64_t most_us);
/* What somebody asked for. */
void mf_migrating_tell_control(struct mf_migrating *x, const char *text);
void mf_migrating_event(struct mf_migrating *x, bool warning, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Events of what differs from what was told before. */
void mf_migrating_tell_changes(struct mf_migrating *x);
void mf_migrating_remember_told(struct mf_migrating *x); /* as it is now */
void mf_migrating_moved(struct mf_migrating *x);         /* weights were written */
void mf_migrating_referenced(struct mf_migrating *x);    /* production moved */
/* What came of owed calls: into the journal, and failures to people. */
void mf_migrating_hear(struct mf_migrating *x);
/* The run has ended, and the journal does not say so yet. Blocks until what is owed was called. */
void mf_migrating_tell_end(struct mf_migrating *x, const struct mf_migrate_report *r);
void mf_migrating_tell_leave(struct mf_migrating *x);
void mf_migrating_tell_lost(struct mf_migrating *x); /* somebody else holds its leases */ /* it is to be resumed */
void mf_migrating_tell_failure(struct mf_migrating *x, const struct mf_error *why);

/* acts.c: the port of the shift that does things; arg is the run */
void mf_migrating_perform(void *arg, const struct mf_act *act, struct mf_answer *out);
bool mf_migrating_is_worth_a_line(const struct mf_act *act);
/* May something be changed now? Not in a run that is somebody else's by now, or that may be before
 * an act forward has ended. Waits for a word of the repository, where it has to ask. */
bool mf_migrating_may(struct mf_migrating *x, bool forward);
/* With the token of the leases; whoever calls has asked mf_migrating_may. */
int mf_migrating_set_weights(
    struct mf_migrating *x, unsigned primary, unsigned canary, bool mirror, struct mf_error *e);

/* rollout_metrics.c: a Rollout is asked for its analyses' metrics; their answers live as long as
 * the tick */
int mf_migrating_check_steps(const struct mf_migrating *x, struct mf_error *e);
/* Of metric `index` (with MF_ANALYSIS_INDEX_... bits), with the arguments of the run. */
int mf_migrating_make_query(struct mf_migrating *x, const struct mf_analysis_plan *analysis,
    unsigned index, struct mf_metric_query *out, struct mf_error *e);
void mf_migrating_measure(struct mf_migrating *x, const struct mf_act *act, struct mf_answer *out);
void mf_migrating_forget_answers(struct mf_migrating *x);

/* ports.c */
void mf_migrating_ports(struct mf_migrating *x);
/* A control record that waits is taken: x->steer, and a line of the journal. */
bool mf_migrating_steered(struct mf_migrating *x);
uint64_t mf_migrating_watch_us(const struct mf_migrating *x);    /* between two looks around */
uint64_t mf_migrating_interval_us(const struct mf_migrating *x); /* of ticks, as the plan has it */
void mf_migrating_see_router(struct mf_migrating *x);            /* router, router_known, trouble */

/* data_only.c */
int mf_migrating_end_data_only(
    struct mf_migrating *x, struct mf_migrate_report *out, struct mf_error *e);

/* state.c */
/* All that another process needs to go on from here, as JSON. */
void mf_migrating_put_state(
    struct mf_buf *b, const struct mf_migrating *x, uint64_t tick, uint64_t now_us);
/* Take over what the journal holds. 0; 1: it holds no state; -1. */
int mf_migrating_resume(struct mf_migrating *x, struct mf_error *e);
/* The same of what the dead process was about to do; after the state is there, or a new one. */
void mf_migrating_resume_route(struct mf_migrating *x);

/* unattended.c */
uint64_t mf_migrating_max_unattended(const struct mf_migrating *x);
/* At a resume: how long was nobody there, since the last line of the journal? */
void mf_migrating_look_unattended(struct mf_migrating *x, int64_t last_line_us);
/* Was traffic with the canary for longer than the plan allows, and has nobody said to go on? Then
 * it goes back, whatever was asked for. */
bool mf_migrating_was_left(struct mf_migrating *x);

/* A version on its way to a site. */
struct mf_bringing {
	const struct mf_site_plan *site;
	const char *link;
	const char *model, *version;
	unsigned keep_local; /* older ones that stay there */
	bool afresh;         /* what lies there of it is damaged */
	bool *came_now;      /* gets: it was written now, and checked by that; NULL */
};

/* data.c: MF_EUSAGE where an earlier run or rollback marked it, and nobody wants it all the same.
 */
int mf_migrating_check_rejected(
    const struct mf_migrating *x, const struct mf_version *v, struct mf_error *e);

/* data.c: what a push reads: dir of the source, or what its link shows. NULL: it has none. */
const char *mf_migrating_source_dir(const struct mf_migrating *x, char out[4096]);

/* data_dir.c */
int mf_migrating_spec(
    char out[MF_VERSION_SPEC_BYTES], const char *model, const char *version, struct mf_error *e);
/* The version that DIR/LINK of a site shows; "": none of ours. */
void mf_migrating_read_link(
    const struct mf_site_plan *site, const char *link, char out[MF_VERSION_BYTES]);
/* Into a directory, checked whole, and shown by the link. 0; 1: it was shown already; -1. */
int mf_migrating_pull(struct mf_migrating *x, const struct mf_bringing *b, struct mf_error *e);

/* What lies in a directory of that version already is read; damaged gets: it is not whole any more,
 * which the log says, and has to be brought afresh. */
int mf_migrating_reread(
    struct mf_migrating *x, const struct mf_bringing *b, bool *damaged, struct mf_error *e);

/* data_mirror.c: the same of a mirror. */
/* What its pointer names; "": nothing. */
int mf_migrating_read_pointer(struct mf_migrating *x, const struct mf_site_plan *site,
    char out[MF_VERSION_BYTES], struct mf_error *e);
/* Whole under a prefix of its own, and then named by the pointer. 0; 1: it was named; -1. */
int mf_migrating_mirror(struct mf_migrating *x, const struct mf_bringing *b, struct mf_error *e);
/* The pointer names a version that lies there already. */
int mf_migrating_point_back(struct mf_migrating *x, const struct mf_site_plan *site,
    const char *version, struct mf_error *e);
int mf_migrating_look_at_mirror(
    struct mf_migrating *x, char *text, size_t text_bytes, struct mf_error *e);

/* data_brought.c: what lies at a destination */
/* The run's version is there, and was looked at; what was there before and is damaged is pulled
 * again, once. */
int mf_migrating_bring_whole(struct mf_migrating *x, struct mf_error *e);
/* From now on it is looked at. Where it lies elsewhere x->watcher stays NULL. */
int mf_migrating_watch(struct mf_migrating *x, struct mf_error *e);
/* The destination's link is as before the run, and what was damaged there is whole; 1: there is
 * nothing to turn. */
int mf_migrating_link_back(struct mf_migrating *x, struct mf_error *e);

/* data_refs.c */
/* What production names at this moment; "": nothing. */
int mf_migrating_production_now(
    struct mf_migrating *x, char out[MF_VERSION_BYTES], struct mf_error *e);
int mf_migrating_find_version(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_find_production(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_move_candidate(struct mf_migrating *x, const char *version, struct mf_error *e);
int mf_migrating_move_production(struct mf_migrating *x, struct mf_error *e);
/* production is as before the run, and a version that was at fault is marked as rejected. */
int mf_migrating_refs_back(struct mf_migrating *x, struct mf_error *e);
/* production names what has taken over on the primary's side. MF_ECONFLICT: it names what this run
 * neither found nor put there. */
int mf_migrating_follow_fallback(struct mf_migrating *x, const char *version, struct mf_error *e);

/* data_receipts.c: what a remote site says. Waits at most most_us; 0: as long as it takes. */
int mf_migrating_wait_for_receipts(
    struct mf_migrating *x, const char *version, uint64_t most_us, struct mf_error *e);

/* destination_back.c */
/* Where no traffic is left there the destination is told to show what it did before the run. Short;
 * what fails is logged, and done at the end. */
void mf_migrating_turn_destination(struct mf_migrating *x);
/* It is told, where it was not, and it is waited for until it is so: 0; -1. May be done again. */
int mf_migrating_destination_back(struct mf_migrating *x, struct mf_error *e);
/* The same at the end of a shift that went back; what fails goes to x->not_back, and to people. */
void mf_migrating_end_at_destination(struct mf_migrating *x);

/* fallback.c */
/* Settle which versions each fallback of the plan may be. Nothing is moved. */
int mf_migrating_find_candidates(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_keep_candidates(struct mf_migrating *x, struct mf_error *e);
bool mf_migrating_is_candidate(const struct mf_migrating *x, const char *version);
/* The primary's side serves this fallback; and then the destination is turned. May be done
 * again. */
int mf_migrating_fall_back(struct mf_migrating *x, unsigned index, struct mf_error *e);

/* To whatever the site keeps versions in. 0; 1: it was there, and shown; -1. */
int mf_migrating_bring(struct mf_migrating *x, const struct mf_bringing *b, struct mf_error *e);

/* data.c: all may be done again */
int mf_migrating_find(
    struct mf_migrating *x, struct mf_error *e); /* versions and refs; preflight */
int mf_migrating_push(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_deliver(struct mf_migrating *x, struct mf_error *e);
/* No prune and no forget takes what this run may need, until it is let go; for rollback.keep more
 * after a success. */
int mf_migrating_keep(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_keep_one(
    struct mf_migrating *x, const char *model, const char *version, struct mf_error *e);
void mf_migrating_let_go(struct mf_migrating *x, bool succeeded);

/* patience.c: how long servers may take to load what is carried, where the plan does not say */
uint64_t mf_migrating_patience(const struct mf_migrating *x, uint64_t least_us);
/* Until a side without a server that is up is dead. */
uint64_t mf_migrating_ready_deadline(const struct mf_migrating *x);
void mf_migrating_know_size(struct mf_migrating *x, uint64_t bytes);
int mf_migrating_size_up(struct mf_migrating *x, struct mf_error *e); /* of the version, pushed */

/* sites.c */
/* All servers are told, also behind one that cannot be: the error is of the first such. */
int mf_migrating_reload(struct mf_migrating *x, const struct mf_site_plan *site,
    const char *version, struct mf_error *e);
int mf_migrating_serves(struct mf_migrating *x, const struct mf_site_plan *site,
    const char *version, struct mf_error *e);
/* The same on the way back of a destination, whose servers may be gone for good: without `within`
 * not as long; at most most_us, 0: as the plan has it. */
int mf_migrating_serves_again(struct mf_migrating *x, const struct mf_site_plan *site,
    const char *version, uint64_t most_us, struct mf_error *e);
int mf_migrating_warm_up(struct mf_migrating *x, struct mf_error *e);
int mf_migrating_compare(struct mf_migrating *x, struct mf_error *e);
/* One call of the plan, to a server (NULL: to none) or a program. */
int mf_migrating_call(struct mf_migrating *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_error *e);
/* The same; what is answered goes to the end of *answer. */
int mf_migrating_ask(struct mf_migrating *x, const struct mf_call_plan *call, const char *server,
    const char *version, struct mf_buf *answer, struct mf_error *e);
/* Does the call speak of each server, or is it one call for the site? */
bool mf_migrating_for_each_server(const struct mf_call_plan *call);

#endif
