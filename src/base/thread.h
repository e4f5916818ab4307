/*
 * What the threads of this program that wait for each other have in common: conditions whose clock
 * nobody sets, and signals that are the first thread's alone.
 */
#ifndef MF_BASE_THREAD_H
#define MF_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "src/base/error.h"

/* A lock and two conditions with CLOCK_MONOTONIC. 0; else nothing was made (-1, or an errno). */
int mf_thread_make_conditions(
    pthread_mutex_t *lock, pthread_cond_t *wanted, pthread_cond_t *happened);
/* The same of one condition. */
int mf_thread_make_condition(pthread_cond_t *condition);
/* run(arg) on a thread of its own, for pthread_join, with all signals blocked. 0, or -1 with *e. */
int mf_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg, struct mf_error *e);
/* So many microseconds from now, for pthread_cond_timedwait with these conditions. */
void mf_thread_after(uint64_t us, struct timespec *out);

#endif
