/*
 * Pings: a service that raises an alarm where a job does not say in time that it has done its
 * work, after the pinging API of Healthchecks (https://healthchecks.io/docs/http_api/): a POST to
 * URL/start when a run begins, to URL when it succeeded, to URL/STATUS, its exit status, when it
 * did not. The query of the URL is kept. Where the run's id is a UUID, it is sent as `rid`, by
 * which the service tells runs apart that overlap (it refuses other ids).
 *
 * The body is text: what happened, and the end of the log (tail.h); at most MF_PING_BODY_MAX
 * bytes, which every such service stores.
 *
 * Threads: as the sender's. Blocking, timeout_us at most.
 */
#ifndef MF_REPORT_PING_H
#define MF_REPORT_PING_H

#include "src/report/post.h"
#include "src/report/run.h"

#define MF_PING_BODY_MAX 10000u

struct mf_ping {
	struct mf_post *post;        /* borrowed */
	const struct mf_secret *url; /* borrowed; of mf_post_take_url or mf_post_read_url */
	uint64_t timeout_us;
};

/* 0, or -1 as mf_post_send. */
int mf_ping_start(const struct mf_ping *p, const struct mf_report_run *run, struct mf_error *e);
/* log: n bytes, the end of the log, or n = 0; more than fits is cut off at its beginning. */
int mf_ping_end(const struct mf_ping *p, const struct mf_report_run *run, const void *log, size_t n,
    struct mf_error *e);

/* Append url with "/suffix" behind its path (NULL: nothing) and rid in its query. Pure. 0, or -1
 * where it is no URL. */
int mf_ping_put_url(struct mf_buf *out, const char *url, const char *suffix, const char *run_id,
    struct mf_error *e);
/* Append the body that tells the end of a run. Pure. */
void mf_ping_put_body(
    struct mf_buf *out, const struct mf_report_run *run, const void *log, size_t n);

#endif
