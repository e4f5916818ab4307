#include "src/base/thread.h"

#include <signal.h>

int
mf_thread_make_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);

	if (rc != 0)
		return rc;
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_cond_init(condition, &attr);
	(void)pthread_condattr_destroy(&attr);
	return rc;
}

int
mf_thread_make_conditions(pthread_mutex_t *lock, pthread_cond_t *wanted, pthread_cond_t *happened)
{
	int rc = mf_thread_make_condition(wanted);

	if (rc != 0)
		return rc;
	rc = mf_thread_make_condition(happened);
	if (rc == 0 && (rc = pthread_mutex_init(lock, NULL)) != 0)
		(void)pthread_cond_destroy(happened);
	if (rc != 0)
		(void)pthread_cond_destroy(wanted);
	return rc;
}

int
mf_thread_start(pthread_t *out, void *(*run)(void *arg), void *arg, struct mf_error *e)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(out, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0 ? 0 : mf_error_sys(e, rc, "starting a thread");
}

void
mf_thread_after(uint64_t us, struct timespec *out)
{
	(void)clock_gettime(CLOCK_MONOTONIC, out);
	out->tv_sec += (time_t)(us / 1000000);
	out->tv_nsec += (long)(us % 1000000) * 1000;
	if (out->tv_nsec >= 1000000000) {
		out->tv_sec++;
		out->tv_nsec -= 1000000000;
	}
}
