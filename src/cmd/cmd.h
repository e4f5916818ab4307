/*
 * Commands: one file a command turns options into a params struct of src/repo, calls it, and
 * prints the result. Nothing here exits or prints errors; main does, once.
 *
 * A command runs on the main thread. Results go to c->out, everything else to the log.
 */
#ifndef MF_CMD_CMD_H
#define MF_CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/error.h"
#include "src/base/progress.h"
#include "src/config/options.h"

struct mf_flow;
struct mf_limiter;
struct mf_meter;
struct mf_cmd_report;
struct mf_reload;

struct mf_cmd {
	const struct mf_options *options; /* borrowed */
	FILE *out;			  /* standard output */
	bool json;			  /* --json */
	bool log_json;			  /* --log-format json */
	bool has_log_file;
	unsigned verbose;		  /* -v, -v -v */
	bool quiet;
	struct mf_progress progress; /* raised by the operation, drawn by the meter */
	struct mf_meter *meter;	     /* NULL while nothing is drawn */
	struct mf_cmd_report *report; /* report.h; NULL in tests of one command */
	struct mf_limiter *limiter;  /* of all stores that the command opens: limits.h */
	struct mf_reload *reload;    /* who listens for SIGHUP; limits.c's */
	struct mf_flow *flow;	     /* of all requests to servers: limits.h */
	/* What is being worked on, for the meter; see progress.h. Set before it begins. */
	const char *(*doing)(void *arg, char *out, size_t out_bytes);
	void *doing_arg;
};

/* 0, or -1 with the error. */
typedef int mf_cmd_function(struct mf_cmd *c, struct mf_error *e);

/* The function of a command; NULL: there is none (a mistake of ours, and a test says so). */
mf_cmd_function *mf_cmd_find(enum mf_command command);

/* argv to exit status: parse, set up the log and the signals, run, report an error. */
int mf_cmd_main(int argc, char *const *argv);

/* Begin to draw progress under this title ("pushing churn"), as --progress, --stats and -q
 * say; ended by mf_cmd_end_progress, which every command calls before it prints. */
int mf_cmd_begin_progress(struct mf_cmd *c, const char *title, struct mf_error *e);
void mf_cmd_end_progress(struct mf_cmd *c);
/* Would progress be a live block on a terminal? Then a command may draw one of its own, on the
 * meter's thread (progress.h). */
bool mf_cmd_draws_live(const struct mf_cmd *c);
struct mf_meter_frame;
struct mf_buf;
int mf_cmd_begin_block(struct mf_cmd *c, const char *title,
    void (*block)(void *arg, const struct mf_meter_frame *frame, struct mf_buf *out), void *arg,
    struct mf_error *e);

/* With -v: say in the log where the time went, stage by stage. */
void mf_cmd_log_stages(const struct mf_cmd *c);

/* Unix time and the monotonic clock, in microseconds. */
int64_t mf_cmd_now_us(void);
int64_t mf_cmd_monotonic_us(void);
/* Has SIGINT or SIGTERM come, or with a terminal SIGHUP? Any thread. A second one ends the process
 * at once. */
bool mf_cmd_interrupted(void);
/* What a run carries can be ended apart from it, as if by a signal: between carry(true) and
 * carry(false), by stop_carrying from any thread. */
void mf_cmd_carry(bool begins);
void mf_cmd_stop_carrying(void);
/* The command has this long (--max-duration), by mf_cmd_monotonic_us; 0: no end. Is it over? */
void mf_cmd_end_at(int64_t monotonic_us);
bool mf_cmd_is_over(void);
/* Any of these, or a signal. Any thread: what stores ask while they wait. */
bool mf_cmd_stopped(void);
/* Catch those three, ignore SIGPIPE. Once, before threads are started. */
void mf_cmd_catch_signals(void);
/* Wait for a SIGHUP that asks to read the configuration again: one to a process that has no
 * terminal, or whose parent had it ignored (nohup(1)). false: mf_cmd_end_hangups was called. */
bool mf_cmd_wait_hangup(void);
/* Let the one who waits return, now or when it comes to wait. Once. */
void mf_cmd_end_hangups(void);

mf_cmd_function mf_cmd_init, mf_cmd_push, mf_cmd_commit, mf_cmd_pull, mf_cmd_follow, mf_cmd_versions, mf_cmd_show,
    mf_cmd_ls, mf_cmd_cat, mf_cmd_diff, mf_cmd_ref, mf_cmd_tag, mf_cmd_forget, mf_cmd_rollback,
    mf_cmd_verify, mf_cmd_prune, mf_cmd_replicate, mf_cmd_stats, mf_cmd_sync, mf_cmd_check,
    mf_cmd_key_generate,
    mf_cmd_key_add, mf_cmd_key_list, mf_cmd_key_remove, mf_cmd_key_rotate, mf_cmd_key_rekey,
    mf_cmd_migrate, mf_cmd_status, mf_cmd_history, mf_cmd_plan_check, mf_cmd_simulate, mf_cmd_serve,
    mf_cmd_doctor, mf_cmd_completion, mf_cmd_version, mf_cmd_help;

#endif
