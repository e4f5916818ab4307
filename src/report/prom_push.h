/*
 * The metrics of one run to a Pushgateway
 * (https://github.com/prometheus/pushgateway/blob/master/README.md). They are POSTed, which
 * replaces metrics of the same names in their group and leaves others: a run that failed sends no
 * time of a success, and the last one stays. So that runs do not replace each other's, the group
 * is made of all that tells series apart: job "modelferry", instance, command, model and store.
 *
 * Threads: as the sender's.
 */
#ifndef MF_REPORT_PROM_PUSH_H
#define MF_REPORT_PROM_PUSH_H

#include "src/report/post.h"
#include "src/report/run.h"

/* 0, or -1 as mf_post_send. url is the gateway's, with or without a path before /metrics. Blocking,
 * timeout_us at most. */
int mf_prom_push(struct mf_post *post, const char *url, const char *instance,
    const struct mf_report_run *run, uint64_t timeout_us, struct mf_error *e);

/* Append the URL of the run's group. Pure. 0; -1: MF_EUSAGE where url is none or has a query. */
int mf_prom_push_put_url(struct mf_buf *out, const char *url, const char *instance,
    const struct mf_report_run *run, struct mf_error *e);

#endif
