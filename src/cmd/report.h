/*
 * How a run is told to others: what the options --run-id, --notify-url, --ping-url, --metrics-file,
 * --pushgateway and their like ask for, around the command that runs (main.c). What is told, and
 * how, is src/report's; this says to whom, and when.
 *
 * Told is every command that can fail in its work, whatever way it ends: not help, completion,
 * version and serve, and no --dry-run, which is no work. A command line that cannot be read tells nobody,
 * since it does not say whom. That telling fails is a warning in the log, and nothing else.
 *
 * Main thread only, but for mf_cmd_report_retries.
 */
#ifndef MF_CMD_REPORT_H
#define MF_CMD_REPORT_H

#include <stdatomic.h>

#include "src/cmd/cmd.h"

struct mf_notifier;

/* c->report, with a run id and what the options say that the run is about; its fields are in each
 * JSON line from now on. Needed on failure, too: MF_EUSAGE for a bad --run-id. */
int mf_cmd_report_new(struct mf_cmd *c, struct mf_error *e);
const char *mf_cmd_report_run_id(const struct mf_cmd *c);
/* Read URLs, and refuse what could not be told later: MF_EUSAGE. What is good stays. */
int mf_cmd_report_open(struct mf_cmd *c, struct mf_error *e);
/* The work begins: --ping-url. */
void mf_cmd_report_begin(struct mf_cmd *c);
/*
 * A command that lives long (`follow` without --once) tells of each piece of its work instead: one
 * that begins, and ends (error NULL: well). --ping-url, --metrics-file and --pushgateway are told,
 * as of a run; notices are the command's own. Of its end mf_cmd_report_end then tells only where
 * it failed, and no piece was told that. In other commands these two do nothing. ago_us: it began
 * so long ago.
 */
void mf_cmd_report_piece_begin(struct mf_cmd *c, uint64_t ago_us);
void mf_cmd_report_piece_end(struct mf_cmd *c, const struct mf_error *error);
/* It has ended; error NULL: well. Blocking, --report-timeout at most. */
void mf_cmd_report_end(struct mf_cmd *c, const struct mf_error *error);
void mf_cmd_report_free(struct mf_cmd *c);

/* The proxies that the environment names, for http:// and https:// URLs, and what needs none. Views;
 * NULL: none. */
void mf_cmd_proxies(const char **http, const char **https, const char **none);

/* For commands: the version that it turned out to be about, now that it is known. */
void mf_cmd_report_version(struct mf_cmd *c, const char *version);
/* For commands that live long: to notify of what happens meanwhile. NULL where --notify-url does
 * not ask for it; what cannot be sent is the command's to log. */
struct mf_notifier *mf_cmd_report_notifier(const struct mf_cmd *c);
/* For stores: what counts operations that are tried again. NULL where nobody asks. */
_Atomic uint64_t *mf_cmd_report_retries(const struct mf_cmd *c);

#endif
