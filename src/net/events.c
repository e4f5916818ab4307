#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "src/net/events_int.h"

#define EVENTS_MAX 64 /* taken at once; what is left comes with the next wait */

static uint64_t
monotonic_us(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* op is what should do; where the kernel says that it is there or is not, the other one does: an
 * error of this is the end of all transfers of the thread. */
static int
watch(const struct mf_events *v, int op, int fd, uint32_t what)
{
	struct epoll_event event = {.events = what, .data.fd = fd};

	if (epoll_ctl(v->epoll, op, fd, &event) == 0)
		return 0;
	if (op == EPOLL_CTL_ADD && errno == EEXIST)
		return epoll_ctl(v->epoll, EPOLL_CTL_MOD, fd, &event);
	if (op == EPOLL_CTL_MOD && errno == ENOENT)
		return epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &event);
	return -1;
}

/* CURLMOPT_SOCKETFUNCTION(3). known: NULL the first time that a transfer waits for it. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct mf_events *v = arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		/* one that is closed has gone by itself */
		(void)epoll_ctl(v->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (known == NULL)
		(void)curl_multi_assign(v->multi, fd, v);
	return watch(v, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
	    (what != CURL_POLL_OUT ? (uint32_t)EPOLLIN : 0) |
		(what != CURL_POLL_IN ? (uint32_t)EPOLLOUT : 0));
}

/* CURLMOPT_TIMERFUNCTION(3). */
static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct mf_events *v = arg;

	(void)multi;
	v->timer_us = ms < 0 ? 0 : monotonic_us() + (uint64_t)ms * 1000;
	return 0;
}

int
mf_events_init(struct mf_events *v, CURLM *multi, struct mf_error *e)
{
	struct epoll_event event = {.events = EPOLLIN};

	*v = (struct mf_events){.multi = multi};
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	v->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	event.data.fd = v->call;
	if (v->epoll < 0 || v->call < 0 ||
	    epoll_ctl(v->epoll, EPOLL_CTL_ADD, v->call, &event) != 0) {
		mf_error_sys(e, errno, "cannot wait for sockets");
		mf_events_fini(v);
		return -1;
	}
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, v) == CURLM_OK &&
	    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
	    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, v) == CURLM_OK)
		return 0;
	mf_events_fini(v);
	return mf_error_set(e, MF_EFAIL, "cannot set up libcurl");
}

void
mf_events_fini(struct mf_events *v)
{
	if (v->multi == NULL)
		return;
	if (v->epoll >= 0)
		(void)close(v->epoll);
	if (v->call >= 0)
		(void)close(v->call);
	v->multi = NULL;
}

void
mf_events_wake(struct mf_events *v)
{
	const uint64_t one = 1;

	/* fails only where as many calls wait as a counter holds */
	(void)!write(v->call, &one, sizeof one);
}

/* How long to sleep for, in ms: no longer than until curl wants to be asked. */
static int
sleep_ms(const struct mf_events *v, int ms)
{
	const uint64_t now_us = v->timer_us != 0 ? monotonic_us() : 0;
	uint64_t left_ms;

	if (v->timer_us == 0)
		return ms;
	if (v->timer_us <= now_us)
		return 0;
	left_ms = (v->timer_us - now_us + 999) / 1000;
	return left_ms < (uint64_t)ms ? (int)left_ms : ms;
}

static void
take_call(const struct mf_events *v)
{
	uint64_t n;

	(void)!read(v->call, &n, sizeof n);
}

/* An error counts as something to read, as in curl's own loop: reading tells what it is. */
static int
curl_bits(uint32_t events)
{
	return ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? CURL_CSELECT_IN : 0) |
	       ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
}

void
mf_events_wait(struct mf_events *v, int ms)
{
	struct epoll_event events[EVENTS_MAX];
	int i, n, running;

	if (v->timer_us != 0 && v->timer_us <= monotonic_us()) {
		v->timer_us = 0; /* it is set again within */
		(void)curl_multi_socket_action(v->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		/* The caller looks at what came of it before anybody sleeps. The sockets have their
		 * turn all the same: a transfer that there is always more to read of sets the timer
		 * to at once, again and again. */
		ms = 0;
	}
	n = epoll_wait(v->epoll, events, EVENTS_MAX, sleep_ms(v, ms));
	for (i = 0; i < n; i++) {
		if (events[i].data.fd == v->call)
			take_call(v);
		else
			/* one that was closed by what came before is not known to curl */
			(void)curl_multi_socket_action(
			    v->multi, events[i].data.fd, curl_bits(events[i].events), &running);
	}
}
