/*
 * A crew: threads that work on one thing and stop together. The first failure wins: it is
 * kept, the crew is cancelled, and the queues it watches are aborted, so that nobody waits
 * for a dead colleague. Threads block all signals.
 */
#ifndef MF_BASE_CREW_H
#define MF_BASE_CREW_H

#include <stdbool.h>

#include "src/base/error.h"
#include "src/base/queue.h"

struct mf_crew;

/* A crew without threads. The caller's, for mf_crew_free; NULL with MF_ENOMEM. */
struct mf_crew *mf_crew_new(struct mf_error *e);
/* Abort q when the crew is cancelled. q must outlive mf_crew_join. Before any start. At most
 * 16 queues. */
int mf_crew_watch(struct mf_crew *c, struct mf_queue *q, struct mf_error *e);
/* Start one thread: work(arg, &error) returns 0, or -1 with the error set, which cancels the
 * crew. name (at most 15 bytes) is shown by ps and perf. A thread that cannot be started
 * cancels the crew too, so that its colleagues never wait for it. */
int mf_crew_start(struct mf_crew *c, const char *name, int (*work)(void *arg, struct mf_error *e),
    void *arg, struct mf_error *e);
/* Cancel with this error (copied; NULL: MF_EINTERRUPTED). Later calls change nothing. */
void mf_crew_cancel(struct mf_crew *c, const struct mf_error *why);
/* Was it cancelled, by whatever? Any thread; cheap: poll it in long loops. */
bool mf_crew_cancelled(const struct mf_crew *c);
/* Wait for all threads. 0, or -1 with the first failure in *e. */
int mf_crew_join(struct mf_crew *c, struct mf_error *e);
void mf_crew_free(struct mf_crew *c); /* joins first where that was not done */

#endif
