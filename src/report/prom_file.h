/*
 * The metrics as a file for the textfile collector of the node exporter
 * (https://github.com/prometheus/node_exporter#textfile-collector): replaced by rename, so that it
 * is never seen half written, and readable by everybody.
 *
 * One file serves any number of jobs: the series of other commands, models and stores stay. Runs
 * that end together take turns by a lock (flock(2)) on the directory, for two seconds at most. A
 * file that is not of our own making is left as it is.
 *
 * Blocking. Any thread.
 */
#ifndef MF_REPORT_PROM_FILE_H
#define MF_REPORT_PROM_FILE_H

#include "src/report/run.h"
#include "transfers/waiting.h"

/* Put the run into the file at path. 0; -1: MF_EDAMAGED where it is not ours, MF_ECONFLICT where
 * others keep the lock, else as mf_fs_replace. */
int mf_prom_file_update(const char *path, const struct mf_report_run *run,
    const struct mf_waiting *waiting, struct mf_error *e);

#endif
